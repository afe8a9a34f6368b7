/*
 * The whole queue: paused, and let go on.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "ops/handle.h"

static enum vigil_result
change(
    struct vigil *vigil, enum query query, const struct value *values, size_t count, bool *changed)
{
	*changed = false;
	if (!store_run(vigil->store, query, values, count, NULL, NULL, &vigil->fault))
		return handle_result(vigil);
	*changed = store_changes(vigil->store) > 0;
	if (*changed)
		handle_wrote(vigil);
	return VIGIL_OK;
}

enum vigil_result
vigil_pause(struct vigil *vigil, bool *changed)
{
	struct value now = value_time(clock_now_ms());

	return change(vigil, Q_queue_pause, &now, 1, changed);
}

enum vigil_result
vigil_resume(struct vigil *vigil, bool *changed)
{
	return change(vigil, Q_queue_resume, NULL, 0, changed);
}

static bool
take_text(void *text, const struct row *row)
{
	*(char **)text = xstrdup(row_text(row, 0));
	return false;
}

enum vigil_result
vigil_paused(struct vigil *vigil, char **since)
{
	*since = NULL;
	if (!store_run(vigil->store, Q_paused_at, NULL, 0, take_text, since, &vigil->fault))
		return handle_result(vigil);
	return VIGIL_OK;
}
