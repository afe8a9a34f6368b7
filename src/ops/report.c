/*
 * What happened between two times, and what a person has to do about it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/when.h"
#include "ops/handle.h"
#include "ops/next.h"

#define DAY_MS (24 * INT64_C(3600000))
#define NIGHT_MS (DAY_MS / 2)

/* Of report_task. */
enum { TASK_ERROR_KIND = 8 };

struct total {
	int64_t tasks, completed, failed, cancelled, live, waiting;
	int64_t attempts, resumes, work_ms;
	int64_t tokens[5]; /* as the columns of attempts */
	double cost;
	int64_t blocked, refused;
};

struct report {
	struct vigil *vigil;
	vigil_report_fn *fn;
	void *arg;
	enum vigil_report_part part; /* of the rows that come */
	int64_t from_ms, to_ms, now_ms, text_limit;
	int64_t *ids; /* of the tasks, each once */
	size_t count, capacity;
	struct total total;
	bool has_runner;
	bool is_over; /* it has had enough, or a query has failed */
	bool has_failed;
};

/* ---- rows that are handed on ---------------------------------------------------------------- */

static bool
hand_on(void *arg, const struct vigil_row *row)
{
	struct report *r = arg;

	r->is_over = !r->fn(r->arg, r->part, row);
	return !r->is_over;
}

/* `next`: what to do about it, or NULL. */
static bool
hand_row(struct report *r, const struct row *row, const char *next)
{
	return handle_row(&(struct handle_rows){.fn = hand_on, .arg = r, .next = next}, row);
}

static bool
pass(void *report, const struct row *row)
{
	return hand_row(report, row, NULL);
}

/* All rows of a query, as rows of that part; each goes to `fn` first, which hands it on. */
static bool
ask(struct report *r, enum vigil_report_part part, enum query query, const struct value *values,
    size_t count, row_fn *fn)
{
	r->part = part;
	if (!r->is_over &&
	    !store_run(r->vigil->store, query, values, count, fn, r, &r->vigil->fault))
		r->is_over = r->has_failed = true;
	return !r->is_over;
}

/* ---- what counts ---------------------------------------------------------------------------- */

static int
compare_ids(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

static void
add_id(struct report *r, int64_t id)
{
	if (r->count == r->capacity) {
		r->capacity = r->capacity ? r->capacity * 2 : 64;
		r->ids = xrealloc(r->ids, r->capacity * sizeof(*r->ids));
	}
	r->ids[r->count++] = id;
}

static void
sort_ids(struct report *r)
{
	size_t kept = 0;

	if (r->count)
		qsort(r->ids, r->count, sizeof(*r->ids), compare_ids);
	for (size_t i = 0; i < r->count; i++)
		if (!kept || r->ids[kept - 1] != r->ids[i])
			r->ids[kept++] = r->ids[i];
	r->count = kept;
}

/* The columns of report_attempts, in its order. */
static bool
take_attempt(void *arg, const struct row *row)
{
	struct report *r = arg;
	struct total *total = &r->total;

	total->attempts++;
	total->resumes += row_int(row, 12);
	for (size_t i = 0; i < 5; i++)
		total->tokens[i] += row_int(row, 13 + i);
	total->cost += row_real(row, 18);
	total->work_ms += row_int(row, 20);
	add_id(r, row_int(row, 1));
	return hand_row(r, row, NULL);
}

static bool
take_ended(void *arg, const struct row *row)
{
	add_id(arg, row_int(row, 0));
	return true;
}

static bool
take_task(void *arg, const struct row *row)
{
	struct report *r = arg;
	struct total *total = &r->total;
	enum status status;
	char *next;

	if (!status_parse(row_text(row, 1), &status))
		die("a task has the status '%s'", row_text(row, 1));
	total->tasks++;
	total->completed += status == STATUS_COMPLETED;
	total->failed += status == STATUS_FAILED;
	total->cancelled += status == STATUS_CANCELLED;
	total->live += status_is_live(status);
	total->waiting += status == STATUS_QUEUED || status == STATUS_HELD;
	r->has_failed = !next_find(r->vigil, row_int(row, 0), status_text(status),
	    row_text(row, TASK_ERROR_KIND), r->has_runner, &next);
	r->is_over = r->has_failed || !hand_row(r, row, next);
	free(next);
	return !r->is_over;
}

static bool
take_refused(void *arg, const struct row *row)
{
	struct report *r = arg;

	r->total.refused++;
	return hand_row(r, row, NULL);
}

static bool
take_blocked(void *arg, const struct row *row)
{
	struct report *r = arg;

	r->total.blocked += row_int(row, 3);
	return hand_row(r, row, NULL);
}

/* ---- one after the other -------------------------------------------------------------------- */

static bool
ask_attempts(struct report *r)
{
	struct value values[] = {value_time(r->from_ms), value_time(r->to_ms),
	    value_time(r->to_ms + DAY_MS), value_time(r->now_ms)};

	return ask(r, VIGIL_REPORT_ATTEMPT, Q_report_attempts, values, 4, take_attempt) &&
	       ask(r, VIGIL_REPORT_TASK, Q_report_ended, values, 2, take_ended);
}

static bool
ask_tasks(struct report *r)
{
	sort_ids(r);
	for (size_t i = 0; i < r->count; i++) {
		struct value values[] = {
		    value_int(r->ids[i]), value_time(r->from_ms), value_time(r->to_ms)};

		if (!ask(r, VIGIL_REPORT_TASK, Q_report_task, values, 1, take_task) ||
		    !ask(r, VIGIL_REPORT_MARK, Q_report_marks, values, 1, pass) ||
		    !ask(r, VIGIL_REPORT_REFUSED, Q_report_refused, values, 3, take_refused))
			return false;
	}
	return true;
}

static bool
ask_needs(struct report *r)
{
	return ask(r, VIGIL_REPORT_ASK, Q_list_asks, NULL, 0, pass) &&
	       ask(r, VIGIL_REPORT_HELD, Q_report_held, NULL, 0, pass) &&
	       ask(r, VIGIL_REPORT_BLOCKED, Q_report_blocked, NULL, 0, take_blocked);
}

/* `now` is a row of report_now. */
static bool
tell_total(struct report *r, const struct row *now)
{
	const struct total *t = &r->total;
	struct value values[] = {value_time(r->from_ms), value_time(r->to_ms), value_int(t->tasks),
	    value_int(t->completed), value_int(t->failed), value_int(t->cancelled),
	    value_int(t->live), value_int(t->waiting), value_int(t->attempts),
	    value_int(t->resumes), value_int(t->work_ms), value_int(t->tokens[0]),
	    value_int(t->tokens[1]), value_int(t->tokens[2]), value_int(t->tokens[3]),
	    value_int(t->tokens[4]), value_real(t->cost), value_text(row_text(now, 0)),
	    value_int(row_int(now, 1)), value_int(row_int(now, 2)), value_int(row_int(now, 3)),
	    value_int(t->blocked), value_int(t->refused)};

	return ask(r, VIGIL_REPORT_TOTAL, Q_report_total, values,
	    sizeof(values) / sizeof(values[0]), pass);
}

static bool
ask_texts(struct report *r)
{
	for (size_t i = 0; i < r->count && r->text_limit > 0; i++) {
		struct value values[] = {value_int(r->ids[i]), value_int(r->text_limit)};

		if (!ask(r, VIGIL_REPORT_TEXT, Q_report_text, values, 2, pass) ||
		    !ask(r, VIGIL_REPORT_MESSAGE, Q_report_messages, values, 2, pass))
			return false;
	}
	return true;
}

static bool
tell_all(void *report, const struct row *now)
{
	struct report *r = report;

	if (ask_attempts(r) && ask_tasks(r) && ask_needs(r) && tell_total(r, now))
		ask_texts(r);
	return false;
}

/* ---- the range ------------------------------------------------------------------------------ */

static bool
find_range(struct report *r, const struct vigil_range *range, struct fault *fault)
{
	r->to_ms = r->now_ms;
	if (range->until && !when_time(range->until, WHEN_PAST, r->now_ms, &r->to_ms, fault))
		return false;
	r->from_ms = r->to_ms - NIGHT_MS;
	if (range->since && !when_time(range->since, WHEN_PAST, r->now_ms, &r->from_ms, fault))
		return false;
	if (r->from_ms < 1)
		r->from_ms = 1; /* 0 is no time */
	if (r->from_ms >= r->to_ms)
		return fault_set(fault, FAULT_USAGE,
		    "since '%s' until '%s': that is no time at all",
		    range->since ? range->since : "12 hours before",
		    range->until ? range->until : "now");
	r->text_limit = range->text_limit;
	return true;
}

enum vigil_result
vigil_report(struct vigil *vigil, const struct vigil_range *range, vigil_report_fn *fn, void *arg)
{
	const struct vigil_range night = {0};
	struct report r = {.vigil = vigil, .fn = fn, .arg = arg, .now_ms = clock_now_ms()};
	r.has_runner = store_lock_holder(vigil->database) != 0;
	struct value has_runner = value_int(r.has_runner);
	bool done =
	    find_range(&r, range ? range : &night, &vigil->fault) &&
	    store_run(vigil->store, Q_report_now, &has_runner, 1, tell_all, &r, &vigil->fault) &&
	    !r.has_failed;

	free(r.ids);
	return done ? VIGIL_OK : handle_result(vigil);
}
