/*
 * A night, gathered: the rows of vigil_report() as one JSON document, and what each way to show it
 * needs besides: the tasks by id with their sums, and a bar for each attempt.
 */
#ifndef VIGIL_CLI_REPORT_NIGHT_H
#define VIGIL_CLI_REPORT_NIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "ops/vigil.h"

struct bar;
struct night_task {
	int64_t id;
	const struct json *row;
	const char *status, *subject; /* of the row */
	int64_t work_ms, tokens_input, tokens_output;
	double cost; /* these are sums of its attempts in the range */
	size_t bars;
	const struct json *first_refused; /* of its rows, which follow each other; NULL: none */
	int64_t refused;                  /* how many */
	struct bar *first_bar, *last_bar; /* NULL: none */
};

/* An attempt, in a slot of which no other one is there at the same time. */
struct bar {
	int64_t id;
	const struct json *row;
	const struct night_task *task;
	const char *outcome;    /* "live" while it is */
	int64_t from_ms, to_ms; /* not cut to the range; of a live one, now */
	int64_t prompted_ms;    /* 0: it was not */
	int64_t work_ms;        /* without what was lost; not cut either */
	int slot;               /* from 0 */
	struct bar *next;       /* of its task */
};

enum { NIGHT_LISTS = VIGIL_REPORT_TOTAL };

struct night {
	struct json *json; /* {"total": {…}, "tasks": […], …}: what --json prints */
	struct json *lists[NIGHT_LISTS]; /* of it: by enum vigil_report_part */
	const struct json *total;        /* of it; NULL: the night is not whole */
	struct night_task *tasks;        /* by id */
	size_t task_count;
	struct bar *bars; /* in the order of their beginnings */
	size_t bar_count;
	int slots;
	int64_t from_ms, to_ms, now_ms;
	int64_t axis_from_ms, axis_to_ms; /* of it, when anything was under way */
};

/* Takes a row of any part but the texts; the night is whole once it has taken the total. */
void night_take(struct night *, enum vigil_report_part, const struct vigil_row *);
void night_free(struct night *); /* what it holds */

const struct night_task *night_task(
    const struct night *, int64_t id);                          /* NULL: none of this night */
int64_t night_time(const struct json *row, const char *column); /* ms; 0: none */

const struct bar *night_bar(const struct night *, int64_t attempt_id); /* NULL as above */

/* Nothing goes on by itself, and something is to. */
bool night_lacks_runner(const struct night *);
/* There are asks, held tasks, tasks behind failed ones, something was refused, or the queue stands
 * still. */
bool night_needs_person(const struct night *);

/* Of a row of VIGIL_REPORT_BLOCKED: what the task that is in the way does, "failed", and the
 * command that helps, which the caller frees. */
const char *night_obstacle(const struct json *blocked);
char *night_remedy(const struct json *blocked);

/* Of a task: its newest attempt's, else as it was queued; NULL: not known. */
const char *night_model(const struct night_task *);
const char *night_agent(const struct night_task *);

/* The tasks that took longest, the longest first; the caller frees. */
const struct night_task **night_longest(const struct night *);

/* Where on the axis a time is: 0 to 1, what is outside cut. */
double night_place(const struct night *, int64_t ms);

/* A tick of a time axis: on a round local time. */
struct tick {
	double place; /* as of night_place() */
	char text[16];
};
/* At most `most` of them; the caller frees. */
struct tick *night_ticks(const struct night *, size_t most, size_t *count);

/* "11-23 06:00" and "2026-11-23", local; and the range as a whole. All give `out`. */
const char *night_clock(int64_t ms, char out[32]);
const char *night_day(int64_t ms, char out[32]);
const char *night_range(const struct night *, char out[96]);

/* "1.2M", "80k", "999". */
const char *night_count(int64_t count, char out[32]);

#endif
