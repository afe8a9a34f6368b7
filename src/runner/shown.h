/*
 * What of a turn was shown to somebody who looks on: each word once, whichever way it comes. As
 * it is written (the event stream), from the server's list of messages (what was written before we
 * came, or while the stream was cut), and from the transcript in the end. No I/O; pure bookkeeping.
 */
#ifndef VIGIL_RUNNER_SHOWN_H
#define VIGIL_RUNNER_SHOWN_H

#include "core/message.h"
#include "opencode/reply.h"
#include "ops/vigil.h"

struct shown;
struct shown *shown_new(vigil_follow_fn *, void *arg);
void shown_free(struct shown *);

/* A message, a part or a delta of the session; others are passed over. False: it is a part of a
 * message that is not known, and nothing was done; the list may have it. A server that has just
 * begun to work in a directory does not announce every message (seen on 1.18.33). */
bool shown_event(struct shown *, const struct oc_event *);
/* The session's messages, as the server lists them. */
void shown_list(struct shown *, const struct messages *);
/* A message that the list does not have either: its parts are passed over from now on. */
void shown_pass_over(struct shown *, const char *message_id);
/* Events may have been missed: of what is being written, only the end will tell. */
void shown_gap(struct shown *);

/* A message of the transcript, when nothing more is written: what was not shown of it. `is_cut`:
 * it was longer than what is kept. */
void shown_stored(
    struct shown *, const char *message_id, const char *reasoning, const char *text, bool is_cut);
/* Ends the last line. */
void shown_end(struct shown *);

#endif
