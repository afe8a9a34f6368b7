/*
 * What a session says, as it says it, for who looks on from beside the runner: the event stream,
 * and the list of its messages wherever the stream alone does not tell all (before we came, after a
 * gap).
 */
#ifndef VIGIL_RUNNER_WORDS_H
#define VIGIL_RUNNER_WORDS_H

#include "opencode/client.h"
#include "runner/onlook.h"
#include "runner/shown.h"

struct words;
struct words_listener {
	void *arg;
	/* Each may be NULL. The stream is there, or not any more. */
	void (*stream)(void *arg, bool up, const char *sentence);
	/* An event about the session; after its words were shown, or put off until a list is there.
	 */
	void (*event)(void *arg, const struct oc_event *);
};

struct words *words_new(struct ev_loop *, struct shown *, const struct words_listener *);
void words_free(struct words *);

/* All there is of the session. What was connected before is let go of. */
void words_connect(
    struct words *, const char *url, const struct onlook_key *, const char *session_id);
void words_disconnect(struct words *);
struct opencode *words_client(const struct words *); /* NULL: not connected */

/* Reads the list once more, and says when all is shown that it has. False: not connected, or the
 * list is under way: that speaks for an earlier time. */
typedef void words_read(void *arg);
bool words_read_again(struct words *, words_read *, void *arg);

#endif
