/*
 * A session that was made twice: the request for the first was under way when its runner died, or
 * gave it up, and nobody found it in time. Whatever carries an attempt's nonce, is not the session
 * that the attempt has, and holds no message, is deleted.
 */
#ifndef VIGIL_RUNNER_TWINS_H
#define VIGIL_RUNNER_TWINS_H

#include "opencode/client.h"

struct twins;

/* `done` is called once, when there is no twin left, or nothing more can be done about one now. */
typedef void twins_done(void *arg);
struct twins *twins_start(struct opencode *, const char *directory, const char *nonce,
    const char *session_id, twins_done *done, void *arg);
void twins_cancel(struct twins *); /* NULL is fine */

#endif
