/*
 * New tasks: one by one.
 */
#include "base/clock.h"
#include "base/failpoint.h"
#include "ops/draft.h"
#include "ops/handle.h"

static bool
add_draft(struct vigil *vigil, const struct draft *draft, int64_t *id, bool *existed)
{
	if (!store_begin(vigil->store, &vigil->fault))
		return false;
	if (!draft_insert(draft, vigil->store, id, existed, &vigil->fault)) {
		store_rollback(vigil->store);
		return false;
	}
	failpoint_before(FP_COMMIT_ADD);
	bool ok = store_commit(vigil->store, &vigil->fault);
	failpoint_after(FP_COMMIT_ADD);
	return ok;
}

enum vigil_result
vigil_add(struct vigil *vigil, const struct vigil_task *task, int64_t *id, bool *existed)
{
	struct draft draft;
	bool ignored;
	bool added = draft_make(&draft, task, clock_now_ms(), &vigil->fault) &&
		     add_draft(vigil, &draft, id, existed ? existed : &ignored);

	draft_free(&draft);
	if (!added)
		return handle_result(vigil);
	handle_wrote(vigil);
	return VIGIL_OK;
}
