/*
 * See pause.h. What keeps a paused queue from starting anything is in the query that picks a task.
 */
#include "runner/pause.h"

#include "runner/link.h"
#include "runner/runner.h"

static bool
take_paused(void *is_paused, const struct row *row)
{
	*(bool *)is_paused = !row_is_null(row, 0);
	return false;
}

void
pause_notice(struct runner *r)
{
	struct fault why;
	bool is_paused = false;
	if (!store_run(r->store, Q_paused_at, NULL, 0, take_paused, &is_paused, &why)) {
		runner_notice_again(r, &why);
		return;
	}
	if (is_paused != r->is_paused)
		runner_say(r, "%s",
		    is_paused ? "the queue is paused: nothing new is started until vigil resume"
			      : "the queue goes on");
	r->is_paused = is_paused;
}

bool
pause_ends_drain(struct runner *r)
{
	struct fault why;
	struct value server = value_text(link_name(r->link));
	int64_t ends = 0;
	pause_notice(r);
	if (!store_int(r->store, Q_drain_is_paused, &server, 1, 0, &ends, &why))
		runner_in_trouble(r, &why);
	return ends;
}
