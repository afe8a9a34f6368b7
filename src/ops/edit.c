/*
 * Tasks that exist, changed: those that wait, and those that are queued again.
 */
#include "base/clock.h"
#include "core/task.h"
#include "ops/draft.h"
#include "ops/handle.h"

static bool
read_status(void *status, const struct row *row)
{
	return status_parse(row_text(row, 0), status);
}

/* The tables would let other columns of a live task be changed too; but it would mean nothing. */
static bool
check_fields(struct vigil *vigil, int64_t id, unsigned fields)
{
	const unsigned of_live = VIGIL_DESCRIPTION | VIGIL_TIMEOUT_FIELD | VIGIL_MAX_ATTEMPTS;
	struct value value = value_int(id);
	struct fault *fault = &vigil->fault;
	enum status status = STATUS_COUNT;

	if (!handle_has_task(vigil, id) ||
	    !store_run(vigil->store, Q_task_status, &value, 1, read_status, &status, fault))
		return false;
	if (status_is_live(status) && (fields & ~of_live))
		return fault_set(fault, FAULT_USAGE,
		    "task %lld is %s: only its description, timeout and attempts can be changed",
		    (long long)id, status_text(status));
	if (status_is_final(status) && (fields & ~(unsigned)VIGIL_DESCRIPTION))
		return fault_set(fault, FAULT_USAGE,
		    "task %lld is %s: only its description can be changed (vigil retry queues it "
		    "again, with another agent or model if you like)",
		    (long long)id, status_text(status));
	return true;
}

static bool
queue_again(struct vigil *vigil, int64_t id)
{
	struct apply_defaults defaults = handle_defaults(vigil);
	struct event event = {.type = EV_RETRY, .now_ms = clock_now_ms()};
	struct decision ignored;

	return apply_within(vigil->store, &defaults, id, &event, &ignored, &vigil->fault);
}

static bool
edit(struct vigil *vigil, int64_t id, const struct draft *draft, bool is_retry)
{
	if (!store_begin(vigil->store, &vigil->fault))
		return false;
	if ((!is_retry || queue_again(vigil, id)) && check_fields(vigil, id, draft->fields) &&
	    draft_update(draft, vigil->store, id, &vigil->fault))
		return store_commit(vigil->store, &vigil->fault);
	store_rollback(vigil->store);
	return false;
}

static enum vigil_result
check_and_edit(
    struct vigil *vigil, int64_t id, const struct vigil_task *task, unsigned fields, bool is_retry)
{
	struct draft draft;
	bool done = draft_make(&draft, task, fields, clock_now_ms(), &vigil->fault) &&
		    edit(vigil, id, &draft, is_retry);

	draft_free(&draft);
	if (!done)
		return handle_result(vigil);
	handle_wrote(vigil);
	return VIGIL_OK;
}

enum vigil_result
vigil_edit(struct vigil *vigil, int64_t id, const struct vigil_task *task, unsigned fields)
{
	return check_and_edit(vigil, id, task, fields, false);
}

enum vigil_result
vigil_retry_as(struct vigil *vigil, int64_t id, const struct vigil_task *task, unsigned fields)
{
	return check_and_edit(vigil, id, task, fields, true);
}
