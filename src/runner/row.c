/*
 * See row.h.
 */
#include "runner/row.h"

#include <string.h>

#include "base/clock.h"
#include "runner/runner.h"

static bool
is_told(const struct runner *r, const char *trouble)
{
	const struct row_told *told = &r->told;
	return strcmp(told->row_id == r->id ? told->trouble.text : "", trouble) == 0;
}

void
row_tell(struct runner *r)
{
	struct fault why;
	const char *trouble = link_trouble(r->link);
	bool is_some = *trouble;
	if (is_told(r, trouble) || !runner_may_write(r))
		return;
	struct value v[] = {value_int(r->id), is_some ? value_text(trouble) : value_null(),
	    is_some ? value_time(clock_now_ms()) : value_null()};
	if (!store_run(r->store, Q_runner_trouble, v, 3, NULL, NULL, &why)) {
		runner_in_trouble(r, &why);
		return;
	}
	r->told.row_id = r->id;
	fault_set(&r->told.trouble, FAULT_ENV, "%s", trouble);
}
