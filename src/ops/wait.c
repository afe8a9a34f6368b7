/*
 * Waiting for tasks. Ten times a second SQLite is asked whether anybody has committed, which
 * reads one number; the tasks are read only if somebody has, and once a second all the same.
 */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "ops/handle.h"

enum { NAP_MS = 100, READ_MS = 1000 };

struct waiting {
	struct vigil *vigil;
	const int64_t *ids;
	size_t count;
	bool any;
	int64_t begun_ms;       /* wall clock: what became final since counts */
	int64_t begun_clock_ms; /* monotonic */
	int64_t version;        /* the data's, when it was last read */
	int64_t read_ms;        /* when that was, on the monotonic clock */
	bool pending;           /* no ids: something is live, or can still start */
	struct vigil_progress progress;
};

static void
count_status(struct vigil_progress *progress, const char *text, int64_t many)
{
	int count = (int)many;
	enum status status;

	if (!status_parse(text, &status))
		return;
	if (status_is_live(status))
		progress->live += count;
	else if (status == STATUS_QUEUED)
		progress->queued += count;
	else if (status == STATUS_HELD)
		progress->held += count;
	else if (status == STATUS_COMPLETED)
		progress->completed += count;
	else if (status == STATUS_FAILED)
		progress->failed += count;
	else
		progress->cancelled += count;
}

static bool
read_one(void *progress, const struct row *row)
{
	count_status(progress, row_text(row, 0), 1);
	return true;
}

static bool
read_group(void *progress, const struct row *row)
{
	count_status(progress, row_text(row, 0), row_int(row, 1));
	return true;
}

static bool
read_named(struct waiting *waiting)
{
	struct vigil *vigil = waiting->vigil;

	for (size_t i = 0; i < waiting->count; i++) {
		struct value id = value_int(waiting->ids[i]);

		if (!handle_has_task(vigil, waiting->ids[i]) ||
		    !store_run(vigil->store, Q_task_status, &id, 1, read_one, &waiting->progress,
			&vigil->fault))
			return false;
	}
	return true;
}

static bool
read_everything(struct waiting *waiting)
{
	struct vigil *vigil = waiting->vigil;
	struct value since = value_time(waiting->begun_ms);
	const struct value everything[] = {value_null(), value_null()};
	int64_t pending;

	if (!store_int(vigil->store, Q_drain_pending, everything, 2, 0, &pending, &vigil->fault))
		return false;
	waiting->pending = pending != 0;
	return store_run(vigil->store, Q_status_counts, &since, 1, read_group, &waiting->progress,
	    &vigil->fault);
}

static bool
read_progress(struct waiting *waiting)
{
	waiting->progress =
	    (struct vigil_progress){.has_runner = store_lock_holder(waiting->vigil->database) != 0};
	waiting->read_ms = clock_monotonic_ms();
	waiting->progress.waited_ms = waiting->read_ms - waiting->begun_clock_ms;
	return waiting->count ? read_named(waiting) : read_everything(waiting);
}

static bool
is_over(const struct waiting *waiting)
{
	const struct vigil_progress *p = &waiting->progress;

	if (waiting->any && p->completed + p->failed + p->cancelled > 0)
		return true;
	if (waiting->count)
		return p->queued + p->held + p->live == 0;
	return !waiting->pending;
}

static enum vigil_result
say_outcome(struct waiting *waiting)
{
	const struct vigil_progress *p = &waiting->progress;

	if (p->failed + p->cancelled == 0)
		return VIGIL_OK;
	fault_set(&waiting->vigil->fault, FAULT_NONE, "%d completed, %d failed, %d cancelled",
	    p->completed, p->failed, p->cancelled);
	return VIGIL_FAILED;
}

static enum vigil_result
say_timeout(struct waiting *waiting)
{
	const struct vigil_progress *p = &waiting->progress;

	return handle_fail(waiting->vigil, FAULT_TIMEOUT,
	    "not all are final yet: %d queued, %d held, %d running", p->queued, p->held, p->live);
}

static void
nap(int64_t ms)
{
	struct timespec time = {
	    .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&time, NULL);
}

/* Naps until somebody has committed, or a second is over, or `end_ms` is there. */
static bool
nap_until_changed(struct waiting *waiting, int64_t end_ms)
{
	for (;;) {
		int64_t version, now_ms = clock_monotonic_ms();
		struct vigil *vigil = waiting->vigil;

		if (!store_still_there(vigil->store, &vigil->fault) ||
		    !store_data_version(vigil->store, &version, &vigil->fault))
			return false;
		if (version != waiting->version || now_ms - waiting->read_ms >= READ_MS ||
		    now_ms >= end_ms) {
			waiting->version = version;
			return true;
		}
		nap(end_ms - now_ms < NAP_MS ? end_ms - now_ms : NAP_MS);
	}
}

enum vigil_result
vigil_wait(struct vigil *vigil, const int64_t *ids, size_t count, bool any, int64_t timeout_ms,
    vigil_progress_fn *progress, void *arg)
{
	struct waiting waiting = {
	    .vigil = vigil,
	    .ids = ids,
	    .count = count,
	    .any = any,
	    .begun_ms = clock_now_ms(),
	    .begun_clock_ms = clock_monotonic_ms(),
	};
	int64_t end_ms = timeout_ms < 0 ? INT64_MAX : waiting.begun_clock_ms + timeout_ms;

	for (;;) {
		if (!read_progress(&waiting))
			return handle_result(vigil);
		if (progress && !progress(arg, &waiting.progress))
			return say_timeout(&waiting);
		if (is_over(&waiting))
			return say_outcome(&waiting);
		if (clock_monotonic_ms() >= end_ms)
			return say_timeout(&waiting);
		if (!nap_until_changed(&waiting, end_ms))
			return handle_result(vigil);
	}
}
