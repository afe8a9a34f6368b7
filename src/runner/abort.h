/*
 * Aborting a session and everything under it, a parent before its children: where a child is
 * aborted first, its parent takes the end of it for an answer, and asks the model once more
 * (observed on 1.2.27). Children are aborted too, since on some versions they outlive their
 * parent. Knows nothing of tasks.
 */
#ifndef VIGIL_RUNNER_ABORT_H
#define VIGIL_RUNNER_ABORT_H

#include "opencode/client.h"

struct abort;

/* `done` is called once: with the first answer that is trouble, else with a plain OC_OK. That the
 * session is not there is trouble; that a child has gone is none. */
struct abort *abort_start(
    struct opencode *, const char *session_id, const char *directory, oc_done *, void *arg);
void abort_cancel(struct abort *); /* NULL is fine; silence afterwards */

#endif
