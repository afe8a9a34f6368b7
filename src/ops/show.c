/*
 * One task, from all sides.
 */
#include "ops/handle.h"
#include "ops/row.h"

static const enum query section_queries[] = {
    [VIGIL_WHY_QUEUED] = Q_show_reason,
    [VIGIL_ATTEMPTS] = Q_show_attempts,
    [VIGIL_ASKS] = Q_show_asks,
    [VIGIL_PANES] = Q_show_panes,
    [VIGIL_MESSAGES] = Q_show_messages,
    [VIGIL_EVENTS] = Q_show_events,
    [VIGIL_LAST_RUN] = Q_last_run,
};

static bool
show_task(struct vigil *vigil, int64_t id, vigil_row_fn *fn, void *arg)
{
	struct task_reader reader;
	struct choices all;
	bool more;

	if (!choices_parse(&all, NULL, false, &vigil->fault))
		return false;
	task_reader_init(&reader, vigil, &all, 0);
	bool done = task_read(&reader, id, fn, arg, &more);
	task_reader_free(&reader);
	return done;
}

/* Rows alone cannot say whether a runner is alive. */
static size_t
section_values(
    const struct vigil *vigil, int64_t id, enum vigil_section section, struct value values[2])
{
	struct value alive = value_null();

	if (section == VIGIL_WHY_QUEUED || section == VIGIL_LAST_RUN)
		alive = value_int(store_lock_holder(vigil->database) != 0);
	if (section == VIGIL_LAST_RUN) {
		values[0] = alive;
		return 1;
	}
	values[0] = value_int(id);
	values[1] = alive;
	return section == VIGIL_WHY_QUEUED ? 2 : 1;
}

enum vigil_result
vigil_show(struct vigil *vigil, int64_t id, enum vigil_section section, vigil_row_fn *fn, void *arg)
{
	struct handle_rows rows = {.fn = fn, .arg = arg};
	struct value values[2];

	if (!handle_has_task(vigil, id))
		return handle_result(vigil);
	if (section == VIGIL_TASK)
		return show_task(vigil, id, fn, arg) ? VIGIL_OK : handle_result(vigil);
	size_t count = section_values(vigil, id, section, values);
	if (!store_run(vigil->store, section_queries[section], values, count, handle_row, &rows,
		&vigil->fault))
		return handle_result(vigil);
	return VIGIL_OK;
}
