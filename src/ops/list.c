/*
 * Many tasks, newest first, by what people remember of them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "ops/handle.h"

static bool
refuse_status(const char *word, struct fault *fault)
{
	struct buf all = {0};

	for (int i = 0; i < STATUS_COUNT; i++)
		buf_printf(&all, "%s%s", i ? ", " : "", status_text((enum status)i));
	fault_set(fault, FAULT_USAGE, "'%s' is not a status; there are %s", word, buf_text(&all));
	buf_free(&all);
	return false;
}

static bool
check_status(const char *word, struct fault *fault)
{
	struct nearest nearest = {.word = word};
	enum status ignored;

	if (status_parse(word, &ignored))
		return true;
	for (int i = 0; i < STATUS_COUNT; i++)
		nearest_offer(&nearest, status_text((enum status)i));
	if (nearest.best)
		return fault_set(fault, FAULT_USAGE, "'%s' is not a status (did you mean '%s'?)",
		    word, nearest.best);
	return refuse_status(word, fault);
}

/* "a,b" to ",a,b,", in which the query finds ",a,". The caller frees *out. */
static bool
parse_statuses(const char *text, char **out, struct fault *fault)
{
	struct buf words = {0};
	bool good = true;

	*out = NULL;
	if (!text)
		return true;
	for (const char *at = text; at && good; at = strchr(at, ',')) {
		at += at > text; /* past the comma */
		char *word = xstrndup(at, strcspn(at, ","));

		good = check_status(word, fault);
		buf_printf(&words, ",%s", word);
		free(word);
	}
	buf_puts(&words, ",");
	*out = buf_take(&words);
	return good;
}

static bool
check_grep(const char *text, struct fault *fault)
{
	size_t bytes = text ? strlen(text) : 0;

	if (text && utf8_valid(text, bytes) < bytes)
		return fault_set(fault, FAULT_USAGE, "the text to look for is not UTF-8");
	return true;
}

static bool
check_limit(int64_t limit, struct fault *fault)
{
	return limit >= 0 || fault_set(fault, FAULT_USAGE, "a limit of %lld tasks is not possible",
				 (long long)limit);
}

static bool
run_list(struct vigil *vigil, const struct vigil_filter *filter, char **statuses,
    struct handle_rows *rows)
{
	struct fault *fault = &vigil->fault;
	struct value since;

	if (!parse_statuses(filter->statuses, statuses, fault) ||
	    !handle_since(filter->since, &since, fault) || !check_grep(filter->grep, fault) ||
	    !check_limit(filter->limit, fault))
		return false;

	struct value values[] = {
	    value_text(*statuses),
	    since,
	    value_text(filter->grep),
	    value_int(filter->limit ? filter->limit : -1),
	};
	return store_run(vigil->store, Q_list_tasks, values, 4, handle_row, rows, fault);
}

enum vigil_result
vigil_list(struct vigil *vigil, const struct vigil_filter *filter, vigil_row_fn *fn, void *arg)
{
	const struct vigil_filter all = {0};
	struct handle_rows rows = {.fn = fn, .arg = arg};
	char *statuses = NULL;
	bool done = run_list(vigil, filter ? filter : &all, &statuses, &rows);

	free(statuses);
	return done ? VIGIL_OK : handle_result(vigil);
}
