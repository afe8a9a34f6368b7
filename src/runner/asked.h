/*
 * What a session asks and what it is told, by its server's word, for who looks on: each request is
 * told once. What vigil does about the asks of its tasks is asks.c.
 */
#ifndef VIGIL_RUNNER_ASKED_H
#define VIGIL_RUNNER_ASKED_H

#include "opencode/client.h"
#include "ops/vigil.h"

struct asked;
struct asked *asked_new(const char *session_id, vigil_follow_fn *, void *arg);
void asked_free(struct asked *);

/* An event of the session; others than asks and replies are passed over. */
void asked_event(struct asked *, const struct oc_event *);
/* What waits already. The session's directory; the client must stay until asked_unlink(). */
void asked_look(struct asked *, struct opencode *, const char *directory);
void asked_unlink(struct asked *);

#endif
