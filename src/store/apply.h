/*
 * apply(): the only way to a task's status. One transaction: load, decide, write the row, its
 * attempt, its transcript and its event line; the effect is handed back and is done after the
 * commit.
 */
#ifndef VIGIL_STORE_APPLY_H
#define VIGIL_STORE_APPLY_H

#include "core/decide.h"
#include "store/store.h"

/* What the configuration says where a row says nothing. */
struct apply_defaults {
	int attempts;
	int64_t timeout_ms;
	struct policy policy;
};

/* FAULT_NOT_FOUND: no such task. FAULT_USAGE: VERDICT_REJECT, with `why`. A fault leaves the
 * database as it was. VERDICT_IGNORE is no fault. Where the attempt has failed, `why` is the
 * sentence that was written as its error, in the decision's words or borrowed from the event. */
bool apply(struct store *, const struct apply_defaults *, int64_t task_id, const struct event *,
    struct decision *, struct fault *);

/* The same for a caller that is in a transaction, and rolls it back where this faults: to pick a
 * task and claim it, or to cancel them all. */
bool apply_within(struct store *, const struct apply_defaults *, int64_t task_id,
    const struct event *, struct decision *, struct fault *);

/* The row as decisions see it. False: FAULT_NOT_FOUND or the database's. */
bool apply_load(
    struct store *, const struct apply_defaults *, int64_t task_id, struct task *, struct fault *);

#endif
