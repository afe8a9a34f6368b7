/*
 * A night, gathered: see report_night.h.
 */
#include "cli/report_night.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/when.h"
#include "cli/print.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define AXIS_LEAST_MS (5 * MINUTE_MS)

int64_t
night_time(const struct json *row, const char *column)
{
	const char *text = json_text(row, column);
	int64_t ms;

	return text && stamp_parse(text, &ms) ? ms : 0;
}

/* ---- bars and sums -------------------------------------------------------------------------- */

static int
compare_id(const void *key, const void *task)
{
	int64_t id = *(const int64_t *)key, other = ((const struct night_task *)task)->id;

	return (id > other) - (id < other);
}

static struct night_task *
find_task(const struct night *night, int64_t id)
{
	return night->task_count ? bsearch(&id, night->tasks, night->task_count,
				       sizeof(*night->tasks), compare_id)
				 : NULL;
}

const struct night_task *
night_task(const struct night *night, int64_t id)
{
	return find_task(night, id);
}

/* The rows come by id. */
static void
list_tasks(struct night *night)
{
	const struct json *rows = night->lists[VIGIL_REPORT_TASK];

	night->tasks = xcalloc(json_count(rows) + 1, sizeof(*night->tasks));
	for (const struct json *row = json_first(rows); row; row = json_next(row))
		night->tasks[night->task_count++] = (struct night_task){
		    .id = json_int(row, "id"),
		    .row = row,
		    .status = json_text(row, "status"),
		    .subject = json_text(row, "subject"),
		};
}

/* They come task by task. */
static void
count_refused(struct night *night)
{
	const struct json *rows = night->lists[VIGIL_REPORT_REFUSED];

	for (const struct json *row = json_first(rows); row; row = json_next(row)) {
		struct night_task *task = find_task(night, json_int(row, "task_id"));

		if (!task->refused++)
			task->first_refused = row;
	}
}

/* The first slot that is free by then. `ends` has room for one more. */
static int
take_slot(int64_t *ends, int *slots, const struct bar *bar)
{
	int slot = 0;

	while (slot < *slots && ends[slot] > bar->from_ms)
		slot++;
	if (slot == *slots)
		(*slots)++;
	ends[slot] = bar->to_ms > bar->from_ms ? bar->to_ms : bar->from_ms + 1;
	return slot;
}

static void
add_to_task(struct night_task *task, struct bar *bar)
{
	if (task->last_bar)
		task->last_bar->next = bar;
	else
		task->first_bar = bar;
	task->last_bar = bar;
	task->bars++;
	task->work_ms += json_int(bar->row, "work_ms");
	task->tokens_input += json_int(bar->row, "tokens_input");
	task->tokens_output += json_int(bar->row, "tokens_output");
	task->cost += json_number(bar->row, "cost");
}

static void
make_bars(struct night *night)
{
	const struct json *rows = night->lists[VIGIL_REPORT_ATTEMPT];
	size_t count = json_count(rows);
	int64_t *ends = xcalloc(count + 1, sizeof(*ends));

	night->bars = xcalloc(count + 1, sizeof(*night->bars));
	for (const struct json *row = json_first(rows); row; row = json_next(row)) {
		struct bar *bar = &night->bars[night->bar_count++];
		struct night_task *task = find_task(night, json_int(row, "task_id"));
		const char *outcome = json_text(row, "outcome");
		int64_t ended = night_time(row, "ended_at");

		*bar = (struct bar){
		    .id = json_int(row, "id"),
		    .row = row,
		    .task = task,
		    .outcome = outcome ? outcome : "live",
		    .from_ms = night_time(row, "started_at"),
		    .to_ms = ended ? ended : night->now_ms,
		    .prompted_ms = night_time(row, "prompted_at"),
		};
		bar->work_ms = bar->to_ms - bar->from_ms - json_int(row, "lost_ms");
		if (bar->work_ms < 0)
			bar->work_ms = 0;
		bar->slot = take_slot(ends, &night->slots, bar);
		add_to_task(task, bar);
	}
	free(ends);
}

static int64_t
within(const struct night *night, int64_t ms)
{
	return ms < night->from_ms ? night->from_ms : ms > night->to_ms ? night->to_ms : ms;
}

/* Hours in which nothing happened say less than they take room. */
static void
choose_axis(struct night *night)
{
	int64_t from = night->to_ms, to = night->from_ms;

	for (size_t i = 0; i < night->bar_count; i++) {
		int64_t begin = within(night, night->bars[i].from_ms);
		int64_t end = within(night, night->bars[i].to_ms);

		from = begin < from ? begin : from;
		to = end > to ? end : to;
	}
	if (to - from < AXIS_LEAST_MS)
		from = to - AXIS_LEAST_MS;
	night->axis_from_ms = from;
	night->axis_to_ms = to;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static const char *const names[NIGHT_LISTS] = {
    [VIGIL_REPORT_ATTEMPT] = "attempts",
    [VIGIL_REPORT_TASK] = "tasks",
    [VIGIL_REPORT_MARK] = "marks",
    [VIGIL_REPORT_REFUSED] = "refused",
    [VIGIL_REPORT_ASK] = "asks",
    [VIGIL_REPORT_HELD] = "held",
    [VIGIL_REPORT_BLOCKED] = "blocked",
};

/* The total comes last, and is printed first. */
static void
finish(struct night *night, struct json *total)
{
	night->json = json_object();
	night->total = json_add(night->json, "total", total);
	for (size_t i = 0; i < NIGHT_LISTS; i++) {
		if (!night->lists[i])
			night->lists[i] = json_array();
		json_add(night->json, names[i], night->lists[i]);
	}
	night->from_ms = night_time(total, "since");
	night->to_ms = night_time(total, "until");
	night->now_ms = clock_now_ms();
	list_tasks(night);
	count_refused(night);
	make_bars(night);
	choose_axis(night);
}

void
night_take(struct night *night, enum vigil_report_part part, const struct vigil_row *row)
{
	if (part == VIGIL_REPORT_TOTAL) {
		finish(night, json_of_row(row, NULL));
		return;
	}
	if (!night->lists[part])
		night->lists[part] = json_array();
	json_add(night->lists[part], NULL, json_of_row(row, NULL));
}

void
night_free(struct night *night)
{
	for (size_t i = 0; !night->total && i < NIGHT_LISTS; i++)
		json_free(night->lists[i]);
	json_free(night->json);
	free(night->tasks);
	free(night->bars);
}

const struct bar *
night_bar(const struct night *night, int64_t attempt_id)
{
	for (size_t i = 0; i < night->bar_count; i++)
		if (night->bars[i].id == attempt_id)
			return &night->bars[i];
	return NULL;
}

static const char *
newest_text(const struct night_task *task, const char *column)
{
	const char *text = task->last_bar ? json_text(task->last_bar->row, column) : NULL;

	return text ? text : json_text(task->row, column);
}

const char *
night_model(const struct night_task *task)
{
	return newest_text(task, "model");
}

const char *
night_agent(const struct night_task *task)
{
	return newest_text(task, "agent");
}

bool
night_lacks_runner(const struct night *night)
{
	return !json_int(night->total, "has_runner") &&
	       (json_int(night->total, "queued") || json_int(night->total, "live"));
}

bool
night_needs_person(const struct night *night)
{
	return json_first(night->lists[VIGIL_REPORT_ASK]) ||
	       json_first(night->lists[VIGIL_REPORT_HELD]) ||
	       json_first(night->lists[VIGIL_REPORT_BLOCKED]) ||
	       json_first(night->lists[VIGIL_REPORT_REFUSED]) ||
	       json_text(night->total, "paused_at") || night_lacks_runner(night);
}

const char *
night_obstacle(const struct json *blocked)
{
	static const char *const obstacles[][2] = {
	    {"failed", "failed"},
	    {"cancelled", "was cancelled"},
	    {"deleted", "was deleted"},
	};
	const char *status = json_text(blocked, "status");

	for (size_t i = 0; i < sizeof(obstacles) / sizeof(obstacles[0]); i++)
		if (strcmp(status, obstacles[i][0]) == 0)
			return obstacles[i][1];
	return "is held";
}

char *
night_remedy(const struct json *blocked)
{
	const char *status = json_text(blocked, "status");

	if (strcmp(status, "deleted") == 0)
		return xstrdup("vigil sql 'SELECT * FROM queue'"); /* it says what can be done */
	return xasprintf("vigil %s %" PRId64, strcmp(status, "held") == 0 ? "release" : "retry",
	    json_int(blocked, "id"));
}

static int
compare_work(const void *a, const void *b)
{
	const struct night_task *left = *(const struct night_task *const *)a,
				*right = *(const struct night_task *const *)b;

	if (left->work_ms != right->work_ms)
		return left->work_ms < right->work_ms ? 1 : -1;
	return (left->id > right->id) - (left->id < right->id);
}

const struct night_task **
night_longest(const struct night *night)
{
	const struct night_task **order =
	    xcalloc(night->task_count + 1, sizeof(struct night_task *));

	for (size_t i = 0; i < night->task_count; i++)
		order[i] = &night->tasks[i];
	qsort(order, night->task_count, sizeof(struct night_task *), compare_work);
	return order;
}

/* ---- the axis ------------------------------------------------------------------------------- */

double
night_place(const struct night *night, int64_t ms)
{
	double place =
	    (double)(ms - night->axis_from_ms) / (double)(night->axis_to_ms - night->axis_from_ms);

	return place < 0 ? 0 : place > 1 ? 1 : place;
}

/* The shortest step that leaves no more than so many. */
static int64_t
choose_step(const struct night *night, size_t most)
{
	static const int64_t steps[] = {MINUTE_MS, 2 * MINUTE_MS, 5 * MINUTE_MS, 10 * MINUTE_MS,
	    15 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS, 4 * HOUR_MS,
	    6 * HOUR_MS, 12 * HOUR_MS, DAY_MS, 2 * DAY_MS, 7 * DAY_MS, 14 * DAY_MS, 30 * DAY_MS,
	    91 * DAY_MS, 365 * DAY_MS};
	int64_t length = night->axis_to_ms - night->axis_from_ms;
	size_t i = 0, count = sizeof(steps) / sizeof(steps[0]);

	while (i + 1 < count && length / steps[i] > (int64_t)most)
		i++;
	int64_t step = steps[i];
	while (length / step > (int64_t)most)
		step *= 2;
	return step;
}

static struct tm
local(int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm = {.tm_mday = 1};

	localtime_r(&seconds, &tm);
	return tm;
}

/* How far local time is ahead of UTC then. */
static int64_t
zone_ms(int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm here = local(ms), utc = here;

	gmtime_r(&seconds, &utc);
	int days =
	    here.tm_year != utc.tm_year ? here.tm_year - utc.tm_year : here.tm_yday - utc.tm_yday;
	return ((days * INT64_C(24) + here.tm_hour - utc.tm_hour) * 60 + here.tm_min - utc.tm_min) *
	       MINUTE_MS;
}

static void
say_clock(int64_t ms, char *out, size_t size)
{
	struct tm tm = local(ms);

	if (strftime(out, size, "%H:%M", &tm) == 0)
		out[0] = '\0';
}

static void
say_day(int64_t ms, char *out, size_t size)
{
	struct tm tm = local(ms);

	if (strftime(out, size, "%m-%d", &tm) == 0)
		out[0] = '\0';
}

/* Where it is as late on the clock as it would be at `ms` had it not been set since. False: it
 * never is, for the clock was set past that. */
static bool
follow_clock(int64_t *ms, int64_t zone, int64_t step)
{
	if (step < HOUR_MS)
		return true;
	*ms += zone - zone_ms(*ms);
	return (*ms + zone_ms(*ms)) % step == 0;
}

struct tick *
night_ticks(const struct night *night, size_t most, size_t *count)
{
	struct tick *ticks = xcalloc(most + 2, sizeof(*ticks));
	int64_t step = choose_step(night, most ? most : 1);
	int64_t zone = zone_ms(night->axis_from_ms);
	int64_t at = (night->axis_from_ms + zone + step - 1) / step * step - zone;

	*count = 0;
	/* A clock that was set on brings later ones into the range. */
	for (; at < night->axis_to_ms + 2 * HOUR_MS && *count < most + 1; at += step) {
		struct tick *tick = &ticks[*count];
		int64_t here = at;

		if (!follow_clock(&here, zone, step) || here >= night->axis_to_ms)
			continue;
		tick->place = night_place(night, here);
		(step < DAY_MS ? say_clock : say_day)(here, tick->text, sizeof(tick->text));
		(*count)++;
	}
	return ticks;
}

/* ---- words ---------------------------------------------------------------------------------- */

const char *
night_clock(int64_t ms, char out[32])
{
	struct tm tm = local(ms);

	if (strftime(out, 32, "%m-%d %H:%M", &tm) == 0)
		out[0] = '\0';
	return out;
}

const char *
night_day(int64_t ms, char out[32])
{
	struct tm tm = local(ms);

	if (strftime(out, 32, "%Y-%m-%d", &tm) == 0)
		out[0] = '\0';
	return out;
}

const char *
night_range(const struct night *night, char out[96])
{
	char from[32], to[32], span[32];
	struct tm begin = local(night->from_ms), end = local(night->to_ms);
	bool is_one_day = begin.tm_year == end.tm_year && begin.tm_yday == end.tm_yday;

	strftime(from, sizeof(from), "%Y-%m-%d %H:%M", &begin);
	strftime(to, sizeof(to), "%Y-%m-%d %H:%M", &end);
	snprintf(out, 96, "%s to %s, %s", from, is_one_day ? to + 11 : to,
	    when_say(night->to_ms - night->from_ms, span));
	return out;
}

const char *
night_count(int64_t count, char out[32])
{
	if (count < 10000)
		snprintf(out, 32, "%" PRId64, count);
	else if (count < 999500)
		snprintf(out, 32, "%.0fk", (double)count / 1e3);
	else if (count < 999500000)
		snprintf(out, 32, "%.1fM", (double)count / 1e6);
	else
		snprintf(out, 32, "%.1fG", (double)count / 1e9);
	return out;
}
