/*
 * Does a server that does not know a session know any other of ours? Where it does not, it was
 * wiped, or another one is at its address: that is no reason to give tasks up in haste.
 */
#ifndef VIGIL_RUNNER_VOUCH_H
#define VIGIL_RUNNER_VOUCH_H

#include "opencode/client.h"
#include "store/store.h"

struct vouch;

/* `done` is called once, with the answer about one of our newest other sessions there: OC_OK, it
 * knows us; OC_NOT_FOUND, it knows none of them; else it could not be asked. NULL where there is no
 * other session to ask about (FAULT_NONE), or the database cannot be read. */
struct vouch *vouch_start(struct store *, struct opencode *, const char *server,
    const char *session_id, oc_done *done, void *arg, struct fault *);
void vouch_cancel(struct vouch *); /* NULL is fine */

#endif
