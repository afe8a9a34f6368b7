/*
 * Old tasks, deleted with what belongs to them. By short transactions with pauses between them, so
 * that a runner, which waits for a lock for moments only, goes on meanwhile; each leaves the
 * database whole, so that an end in the middle is no harm.
 */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "ops/handle.h"

/* What one transaction does at most: enough for speed, little enough for others. */
enum { BATCH_MS = 20, BATCH_TASKS = 200 };

struct pruning {
	struct vigil *vigil;
	struct value before;    /* what has ended before this */
	char at[STAMP_SIZE];    /* the newest that was looked at: when it ended, */
	int64_t id;             /* and its id */
	int64_t begun_clock_ms; /* of the transaction */
	bool has_more;
};

/* As long again as the others had to wait. */
static void
let_others(const struct pruning *pruning)
{
	int64_t took_ms = clock_monotonic_ms() - pruning->begun_clock_ms;
	int64_t ms = took_ms < 1 ? 1 : took_ms > 10 * BATCH_MS ? 10 * BATCH_MS : took_ms;
	struct timespec time = {.tv_nsec = (long)ms * 1000000};

	nanosleep(&time, NULL);
}

/* ---- rows --------------------------------------------------------------------------------- */

static bool
take_next(void *arg, const struct row *row)
{
	struct pruning *pruning = arg;

	pruning->id = row_int(row, 0);
	stamp_format(row_time(row, 1), pruning->at);
	pruning->has_more = true;
	return false;
}

static bool
find_next(struct pruning *pruning)
{
	struct vigil *vigil = pruning->vigil;
	char at[STAMP_SIZE];
	memcpy(at, pruning->at, sizeof(at)); /* it is written to while the query runs */
	struct value values[] = {pruning->before, value_text(at), value_int(pruning->id)};

	pruning->has_more = false;
	return store_run(vigil->store, Q_prune_next, values, 3, take_next, pruning, &vigil->fault);
}

static bool
delete_some(struct pruning *pruning, int64_t *deleted)
{
	struct vigil *vigil = pruning->vigil;
	int64_t end_ms = pruning->begun_clock_ms + BATCH_MS;

	do {
		if (!find_next(pruning))
			return false;
		struct value id = value_int(pruning->id);
		if (pruning->has_more &&
		    !store_run(vigil->store, Q_prune_task, &id, 1, NULL, NULL, &vigil->fault))
			return false;
		*deleted += pruning->has_more;
	} while (pruning->has_more && *deleted < BATCH_TASKS && clock_monotonic_ms() < end_ms);
	return true;
}

static bool
delete_batch(struct pruning *pruning, int64_t *count)
{
	struct vigil *vigil = pruning->vigil;
	int64_t deleted = 0;

	if (!store_begin(vigil->store, &vigil->fault))
		return false;
	pruning->begun_clock_ms = clock_monotonic_ms();
	if (!delete_some(pruning, &deleted)) {
		store_rollback(vigil->store);
		return false;
	}
	if (!store_commit(vigil->store, &vigil->fault))
		return false;
	*count += deleted;
	return true;
}

/* ---- pages -------------------------------------------------------------------------------- */

/* Those that are free go back to the file system, a few at a time. */
static bool
free_pages(struct pruning *pruning)
{
	struct vigil *vigil = pruning->vigil;
	int64_t before, left = INT64_MAX;

	do {
		struct fault ignored;

		before = left;
		pruning->begun_clock_ms = clock_monotonic_ms();
		if (!store_run(vigil->store, Q_vacuum_some, NULL, 0, NULL, NULL, &vigil->fault) ||
		    !store_int(vigil->store, Q_free_pages, NULL, 0, 0, &left, &vigil->fault))
			return false;
		store_tidy(vigil->store, &ignored);
		let_others(pruning);
	} while (left > 0 && left < before);
	return true;
}

static bool
prune(struct pruning *pruning, int64_t *count)
{
	do {
		struct fault ignored;

		if (!delete_batch(pruning, count))
			return false;
		store_tidy(pruning->vigil->store, &ignored);
		let_others(pruning);
	} while (pruning->has_more);
	return *count == 0 || free_pages(pruning);
}

enum vigil_result
vigil_prune(struct vigil *vigil, int64_t older_than_ms, bool is_dry_run, int64_t *count)
{
	struct pruning pruning = {
	    .vigil = vigil, .before = value_time(clock_now_ms() - older_than_ms)};
	bool done;

	*count = 0;
	if (older_than_ms < 0)
		return handle_fail(vigil, FAULT_USAGE, "tasks of the future cannot be pruned");
	if (is_dry_run)
		done = store_int(
		    vigil->store, Q_prune_count, &pruning.before, 1, 0, count, &vigil->fault);
	else
		done = prune(&pruning, count);
	if (*count && !is_dry_run)
		handle_wrote(vigil);
	return done ? VIGIL_OK : handle_result(vigil);
}
