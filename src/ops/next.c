/*
 * What to do about a task: see next.h. Each error_kind has its step, and so has what a person can
 * make an open task go on with.
 */
#include "ops/next.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "core/task.h"
#include "ops/handle.h"

/* '#' stands for the task's id. */
static const char *const steps[KIND_COUNT] = {
    [KIND_AGENT] = "vigil retry # tries again, --model PROVIDER/MODEL with another model; "
		   "vigil follow # shows how far it came",
    [KIND_EMPTY] = "vigil retry # tries again, --model PROVIDER/MODEL with another model",
    [KIND_TIMEOUT] = "vigil retry # --timeout DUR gives it longer (0: no limit)",
    [KIND_STALLED] =
	"vigil follow # shows how far it came; vigil retry # tries again; task.stall in the "
	"configuration is how long it may be silent",
    [KIND_INTERRUPTED] = "vigil retry # does it again, in a new session",
    [KIND_REJECTED] = "set permissions.on_ask (on_question) to \"once\" or \"hold\" in the "
		      "configuration, then vigil retry #",
    [KIND_REFUSED] = "vigil retry # with --agent, --model, --variant or --directory that there is",
    [KIND_SERVER] = "vigil doctor says what is in the way; then vigil retry #",
    [KIND_LIMIT] = "vigil retry # once the limit that it reached is higher",
    [KIND_LOST] = "vigil retry # does it again, in a new session",
};

static enum error_kind
kind_parse(const char *word)
{
	for (int kind = KIND_NONE + 1; word && kind < KIND_COUNT; kind++)
		if (strcmp(kind_text((enum error_kind)kind), word) == 0)
			return (enum error_kind)kind;
	return KIND_NONE;
}

/* NULL for NULL. The caller frees. */
static char *
put_ids(const char *step, int64_t id, int64_t other_id)
{
	struct buf line = {0};

	for (; step && *step; step++)
		if (*step == '#' || *step == '@')
			buf_printf(&line, "%" PRId64, *step == '#' ? id : other_id);
		else
			buf_add(&line, step, 1);
	return step ? buf_take(&line) : NULL;
}

char *
next_step(int64_t id, const char *error_kind)
{
	return put_ids(steps[kind_parse(error_kind)], id, 0);
}

/* ---- what is open ---------------------------------------------------------------------------- */

/* '#' as above, '@' stands for the other's id. */
static const struct wait {
	const char *waits_for, *other_status; /* NULL: whatever it is */
	const char *step;
} waits[] = {
    {"release", NULL, "vigil release #"},
    {"retry", "deleted", "vigil cancel #: task @, which it comes after, was deleted"},
    {"retry", NULL, "vigil retry @, or vigil cancel #"},
    {"task", "held", "vigil release @"},
    {"task", "queued", "vigil show @ says what that one waits for"},
    {"resume", NULL, "vigil resume"},
    {"runner", NULL, "vigil run"},
    {"server", NULL, "vigil doctor says what is in the way"},
    {"answer", NULL, "vigil answer @ REPLY"},
};

char *
next_of_wait(int64_t id, const char *waits_for, int64_t other_id, const char *other_status)
{
	for (size_t i = 0; waits_for && i < sizeof(waits) / sizeof(waits[0]); i++)
		if (strcmp(waits[i].waits_for, waits_for) == 0 &&
		    (!waits[i].other_status ||
			(other_status && strcmp(waits[i].other_status, other_status) == 0)))
			return put_ids(waits[i].step, id, other_id);
	return NULL;
}

/* The columns of show_wait. */
static bool
take_wait(void *next, const struct row *row)
{
	*(char **)next =
	    next_of_wait(row_int(row, 0), row_text(row, 1), row_int(row, 2), row_text(row, 3));
	return false;
}

/* Of one that is over. */
static bool
find_of_final(
    struct vigil *vigil, int64_t id, enum status status, const char *error_kind, char **next)
{
	struct value task = value_int(id);
	int64_t refused = 0;

	if (status == STATUS_COMPLETED &&
	    !store_int(vigil->store, Q_show_refused, &task, 1, 0, &refused, &vigil->fault))
		return false;
	if (refused) /* it did without */
		*next = put_ids(steps[KIND_REJECTED], id, 0);
	else if (status == STATUS_FAILED)
		*next = next_step(id, error_kind);
	return true;
}

bool
next_find(struct vigil *vigil, int64_t id, const char *status, const char *error_kind,
    bool has_runner, char **next)
{
	struct value values[] = {value_int(id), value_int(has_runner)};
	enum status parsed;

	*next = NULL;
	if (!status_parse(status, &parsed))
		return true;
	if (status_is_final(parsed))
		return find_of_final(vigil, id, parsed, error_kind, next);
	return store_run(vigil->store, Q_show_wait, values, 2, take_wait, next, &vigil->fault);
}
