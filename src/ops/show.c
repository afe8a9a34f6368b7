/*
 * One task, from all sides.
 */
#include "ops/handle.h"

static const enum query section_queries[] = {
    [VIGIL_TASK] = Q_show_task,
    [VIGIL_WHY_QUEUED] = Q_show_reason,
    [VIGIL_ATTEMPTS] = Q_show_attempts,
    [VIGIL_ASKS] = Q_show_asks,
    [VIGIL_PANES] = Q_show_panes,
    [VIGIL_MESSAGES] = Q_show_messages,
    [VIGIL_EVENTS] = Q_show_events,
};

enum vigil_result
vigil_show(struct vigil *vigil, int64_t id, enum vigil_section section, vigil_row_fn *fn, void *arg)
{
	struct handle_rows rows = {.fn = fn, .arg = arg};
	struct value values[] = {value_int(id), value_null()};
	size_t count = 1;

	if (!handle_has_task(vigil, id))
		return handle_result(vigil);
	if (section == VIGIL_WHY_QUEUED) {
		values[1] = value_int(store_lock_holder(vigil->database) != 0);
		count = 2;
	}
	if (!store_run(vigil->store, section_queries[section], values, count, handle_row, &rows,
		&vigil->fault))
		return handle_result(vigil);
	return VIGIL_OK;
}
