/*
 * What a task has to say in the end.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "ops/handle.h"

/* How a task ended; all strings owned. */
struct ending {
	enum status status;
	char *kind, *error, *result;
};

static bool
read_ending(void *arg, const struct row *row)
{
	struct ending *ending = arg;

	if (!status_parse(row_text(row, 0), &ending->status))
		die("a task has the status '%s'", row_text(row, 0));
	ending->kind = xstrdup(row_text(row, 1));
	ending->error = xstrdup(row_text(row, 2));
	ending->result = xstrdup(row_text(row, 3));
	return false;
}

static void
add_part(struct buf *out, const char *text)
{
	if (!text || !*text)
		return;
	if (out->len)
		buf_puts(out, "\n\n");
	buf_puts(out, text);
}

static bool
add_answer(void *out, const struct row *row)
{
	add_part(out, row_text(row, 0));
	return true;
}

static bool
add_reasoning_and_answer(void *out, const struct row *row)
{
	add_part(out, row_text(row, 1));
	return add_answer(out, row);
}

/* The whole turn's text instead of the final answer's, where there is a transcript. */
static bool
read_turn(struct vigil *vigil, int64_t id, enum vigil_result_part part, struct ending *ending)
{
	struct value value = value_int(id);
	struct buf out = {0};

	if (part == VIGIL_ANSWER)
		return true;
	if (!store_run(vigil->store, Q_task_answers, &value, 1,
		part == VIGIL_ANSWERS ? add_answer : add_reasoning_and_answer, &out,
		&vigil->fault)) {
		buf_free(&out);
		return false;
	}
	if (out.len) {
		free(ending->result);
		ending->result = buf_take(&out);
	}
	buf_free(&out);
	return true;
}

static enum vigil_result
say_ending(struct vigil *vigil, int64_t id, const struct ending *ending)
{
	long long number = (long long)id;
	const char *error = ending->error ? ending->error : "no reason was recorded";

	if (ending->status == STATUS_COMPLETED)
		return VIGIL_OK;
	if (!status_is_final(ending->status))
		return handle_fail(vigil, FAULT_TIMEOUT, "task %lld is not final: it is %s", number,
		    status_text(ending->status));
	if (ending->status == STATUS_CANCELLED)
		fault_set(&vigil->fault, FAULT_NONE, "task %lld was cancelled: %s", number, error);
	else
		fault_set(&vigil->fault, FAULT_NONE, "task %lld failed (%s): %s", number,
		    ending->kind ? ending->kind : "no kind", error);
	return VIGIL_FAILED;
}

enum vigil_result
vigil_get_result(struct vigil *vigil, int64_t id, enum vigil_result_part part, char **text)
{
	struct value value = value_int(id);
	struct ending ending = {0};

	*text = NULL;
	enum vigil_result result;
	if (!handle_has_task(vigil, id) ||
	    !store_run(
		vigil->store, Q_task_answer, &value, 1, read_ending, &ending, &vigil->fault) ||
	    (status_is_final(ending.status) && !read_turn(vigil, id, part, &ending))) {
		result = handle_result(vigil);
	} else {
		result = say_ending(vigil, id, &ending);
		if (status_is_final(ending.status)) {
			*text = ending.result;
			ending.result = NULL;
		}
	}
	free(ending.kind);
	free(ending.error);
	free(ending.result);
	return result;
}
