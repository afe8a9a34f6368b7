/*
 * Aborting a session and everything under it, leaves first: an abort of the parent alone can
 * leave children at work on some versions. Knows nothing of tasks.
 */
#ifndef VIGIL_RUNNER_ABORT_H
#define VIGIL_RUNNER_ABORT_H

#include "opencode/client.h"

struct abort;

/* `done` is called once, with the first answer that is not OC_OK, else with the root's. */
struct abort *abort_start(
    struct opencode *, const char *session_id, const char *directory, oc_done *, void *arg);
void abort_cancel(struct abort *); /* NULL is fine; silence afterwards */

#endif
