/*
 * vigil list: tasks, newest first or sorted, with the columns that are asked for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/table.h"

/* More than a person reads; all of a large database is for programs, which say so. */
enum { LIMIT_TERMINAL = 100, LIMIT_PIPE = 1000, CHARACTERS_TERMINAL = 1000 };

/* Task and reason are to be read: where there is less room, they have more of it. */
static const char *
default_columns(void)
{
	enum { WIDE = 100, NARROW = 60 };
	size_t width = print_is_terminal(stdout) ? print_width(stdout) : WIDE;

	if (width >= WIDE)
		return "id,status,created_at,took,agent,task,reason";
	return width >= NARROW ? "id,status,created_at,took,task,reason" : "id,status,task,reason";
}

static const struct option_spec options[] = {
    {0, "status", "S[,S]",
	"queued, held, starting, running, stopping, completed, failed, cancelled"},
    {0, "since", "TIME", "queued since 22:00, 'yesterday 22:00', 2026-01-31, RFC 3339"},
    {0, "grep", "TEXT", "with TEXT in prompt, description, result or error"},
    {0, "limit", "N|all", "so many (a terminal: 100, a pipe: 1000, --json: all)"},
    {0, "columns", "C[,C]", "these, in this order"},
    {0, "sort", "C[,-C]", "by these columns; after a '-' the largest first"},
    {0, "json", NULL, "print an array of objects, with all columns or --columns"},
    {0, NULL, NULL, NULL},
};

/* ---- a table ----------------------------------------------------------------------------- */

struct shown {
	const struct vigil_column *known;
	char room[32]; /* for the words of a time */
};

struct listing {
	struct table *table;
	struct column *columns;
	struct shown *shown;
	const char **cells;
	size_t count;
	int64_t left; /* rows; one more has been asked for, to know whether there is one */
	bool has_queued, has_more;
};

static const char *
cell(struct shown *shown, const char *value)
{
	switch (shown->known->kind) {
	case VIGIL_TIME:
		return print_when(stdout, value, shown->room);
	case VIGIL_SECONDS:
		return print_seconds(value, shown->room);
	case VIGIL_NUMBER:
	case VIGIL_STATUS:
	case VIGIL_WORD:
	case VIGIL_LONG:
		break;
	}
	return value;
}

static bool
add_to_table(void *arg, const struct vigil_row *row)
{
	struct listing *listing = arg;

	listing->has_more = listing->left-- == 0;
	if (listing->has_more)
		return false;
	for (size_t i = 0; i < listing->count; i++) {
		const char *value = row->values[i];

		listing->cells[i] = cell(&listing->shown[i], value);
		listing->has_queued |= listing->shown[i].known->kind == VIGIL_STATUS && value &&
				       strcmp(value, "queued") == 0;
	}
	table_add(listing->table, listing->cells);
	return !ferror(stdout);
}

static enum column_form
form_of(enum vigil_kind kind)
{
	switch (kind) {
	case VIGIL_NUMBER:
		return COLUMN_NUMBER;
	case VIGIL_STATUS:
		return COLUMN_STATUS;
	case VIGIL_LONG:
		return COLUMN_TEXT;
	case VIGIL_TIME:
	case VIGIL_SECONDS:
	case VIGIL_WORD:
		break;
	}
	return COLUMN_WORD;
}

/* A name that is none has no column here: the library refuses it. */
static void
choose_columns(struct listing *listing, const char *names, bool are_default)
{
	size_t most = 1;

	for (const char *at = names; (at = strchr(at, ',')); at++)
		most++;
	listing->columns = xcalloc(most, sizeof(*listing->columns));
	listing->shown = xcalloc(most, sizeof(*listing->shown));
	listing->cells = xcalloc(most, sizeof(*listing->cells));
	for (const char *at = names; at; at = strchr(at, ',')) {
		at += *at == ',';
		char *name = xstrndup(at, strcspn(at, ","));
		const struct vigil_column *known = vigil_column_find(name);

		free(name);
		if (!known)
			continue;
		listing->shown[listing->count].known = known;
		listing->columns[listing->count++] =
		    (struct column){known->name, form_of(known->kind), are_default};
	}
}

static enum vigil_result
fill_table(struct vigil *vigil, struct vigil_filter filter, struct listing *listing)
{
	listing->left = filter.limit ? filter.limit : INT64_MAX;
	if (filter.limit && filter.limit < INT64_MAX)
		filter.limit++;
	if (print_is_terminal(stdout))
		filter.characters = CHARACTERS_TERMINAL;
	listing->table = table_new(stdout, listing->columns, listing->count);
	enum vigil_result result = vigil_list(vigil, &filter, add_to_table, listing);
	if (result == VIGIL_OK)
		table_end(listing->table);
	table_free(listing->table);
	return result;
}

static enum vigil_result
print_table(struct vigil *vigil, struct vigil_filter *filter, bool has_limit)
{
	struct listing listing = {0};
	bool is_default = !filter->columns;

	if (is_default)
		filter->columns = default_columns();
	if (!has_limit)
		filter->limit = print_is_terminal(stdout) ? LIMIT_TERMINAL : LIMIT_PIPE;
	choose_columns(&listing, filter->columns, is_default);
	enum vigil_result result = fill_table(vigil, *filter, &listing);
	if (result == VIGIL_OK && listing.has_queued)
		cli_say_paused(vigil);
	if (result == VIGIL_OK && listing.has_more && !has_limit)
		cli_say("these are the first %lld; there are more: --limit N, --limit all",
		    (long long)filter->limit);
	free(listing.columns);
	free(listing.shown);
	free(listing.cells);
	return result;
}

/* ---- JSON -------------------------------------------------------------------------------- */

static bool
add_to_json(void *list, const struct vigil_row *row)
{
	json_list_add(list, json_of_row(row, NULL));
	return !ferror(stdout);
}

static enum vigil_result
print_array(struct vigil *vigil, const struct vigil_filter *filter)
{
	struct json_list list = {0};
	enum vigil_result result = vigil_list(vigil, filter, add_to_json, &list);

	if (result == VIGIL_OK)
		json_list_end(&list);
	return result;
}

/* ---- the command ------------------------------------------------------------------------- */

static bool
read_limit(const struct args *args, int64_t *limit, struct fault *fault)
{
	const char *text = args_get(args, "limit");

	if (!text || strcmp(text, "all") == 0)
		return true;
	return args_int(args, "limit", 1, INT64_MAX, limit, fault) ||
	       fault_set(fault, FAULT_USAGE, "--limit '%s' is not a whole number from 1, nor 'all'",
		   text);
}

static int
run_list(const struct args *args)
{
	struct vigil_filter filter = {
	    .statuses = args_get(args, "status"),
	    .since = args_get(args, "since"),
	    .grep = args_get(args, "grep"),
	    .columns = args_get(args, "columns"),
	    .sort = args_get(args, "sort"),
	};
	struct fault fault;

	if (!read_limit(args, &filter.limit, &fault))
		return cli_fault(&fault);
	struct vigil *vigil;
	int status = cli_open(args, VIGIL_READ_ONLY, &vigil);
	if (status)
		return status;
	enum vigil_result result = args_has(args, "json")
				       ? print_array(vigil, &filter)
				       : print_table(vigil, &filter, args_has(args, "limit"));
	status = result == VIGIL_OK ? 0 : cli_failed(vigil, result);
	vigil_close(vigil);
	return status;
}

const struct command list_command = {
    .name = "list",
    .run = run_list,
    .operands = "",
    .summary = "list tasks, newest first",
    .options = options,
    .details =
	"Columns are those of the table tasks, and after, task (description, else how the prompt\n"
	"begins), reason (why it is not running, why it failed, what it waits for), next (what to "
	"do\n"
	"about it), took and waited (seconds in JSON), resumes, tokens_input, tokens_output, "
	"cost.\n",
};
