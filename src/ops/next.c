/*
 * What to do about a failed task: see next.h. Each error_kind has its step.
 */
#include "ops/next.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "core/task.h"

/* '#' stands for the task's id. */
static const char *const steps[KIND_COUNT] = {
    [KIND_AGENT] = "vigil retry # tries again, --model PROVIDER/MODEL with another model; "
		   "vigil follow # has what it said",
    [KIND_EMPTY] = "vigil retry # tries again, --model PROVIDER/MODEL with another model",
    [KIND_TIMEOUT] = "vigil retry # --timeout DUR gives it longer (0: no limit)",
    [KIND_STALLED] = "vigil follow # has what it did; vigil retry # tries again; task.stall in the "
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

char *
next_step(int64_t id, const char *error_kind)
{
	const char *step = steps[kind_parse(error_kind)];
	struct buf line = {0};

	for (; step && *step; step++)
		if (*step == '#')
			buf_printf(&line, "%" PRId64, id);
		else
			buf_add(&line, step, 1);
	return step ? buf_take(&line) : NULL;
}
