/*
 * What people do to tasks that exist: each is an event, and decide() says what it means.
 */
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "ops/handle.h"

static enum vigil_result
move(struct vigil *vigil, int64_t id, enum event_type type, const char *text,
    struct decision *decision)
{
	struct apply_defaults defaults = handle_defaults(vigil);
	struct event event = {.type = type, .now_ms = clock_now_ms(), .text = text};

	if (!apply(vigil->store, &defaults, id, &event, decision, &vigil->fault))
		return handle_result(vigil);
	handle_wrote(vigil);
	return VIGIL_OK;
}

/* Can a task in this state only become final by a runner's hand? */
static bool
needs_a_runner(const struct vigil *vigil, const struct decision *decision)
{
	return status_is_live(decision->next.status) && store_lock_holder(vigil->database) == 0;
}

enum vigil_result
vigil_cancel(struct vigil *vigil, int64_t id, const char *reason, bool *needs_runner)
{
	const char *text = reason && *reason ? reason : NULL; /* the store has a default */
	size_t valid = text ? utf8_valid(text, strlen(text)) : 0;

	*needs_runner = false;
	if (text && text[valid])
		return handle_fail(
		    vigil, FAULT_USAGE, "the reason is not UTF-8 at byte %zu", valid);
	struct decision decision;
	enum vigil_result result = move(vigil, id, EV_CANCEL, text, &decision);
	if (result == VIGIL_OK)
		*needs_runner = needs_a_runner(vigil, &decision);
	return result;
}

enum vigil_result
vigil_retry(struct vigil *vigil, int64_t id)
{
	struct decision decision;

	return move(vigil, id, EV_RETRY, NULL, &decision);
}

enum vigil_result
vigil_hold(struct vigil *vigil, int64_t id)
{
	struct decision decision;

	return move(vigil, id, EV_HOLD, NULL, &decision);
}

enum vigil_result
vigil_release(struct vigil *vigil, int64_t id)
{
	struct decision decision;

	return move(vigil, id, EV_RELEASE, NULL, &decision);
}

struct id_reader {
	vigil_id_fn *fn;
	void *arg;
};

static bool
read_id(void *arg, const struct row *row)
{
	struct id_reader *reader = arg;

	reader->fn(reader->arg, row_int(row, 0), true);
	return true;
}

enum vigil_result
vigil_open_ids(struct vigil *vigil, vigil_id_fn *fn, void *arg)
{
	struct id_reader reader = {.fn = fn, .arg = arg};

	if (!store_run(vigil->store, Q_open_ids, NULL, 0, read_id, &reader, &vigil->fault))
		return handle_result(vigil);
	return VIGIL_OK;
}
