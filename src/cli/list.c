/*
 * vigil list: tasks, newest first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/print.h"

static const struct option_spec options[] = {
    {0, "status", "S[,S]",
	"queued, held, starting, running, stopping, completed, failed, cancelled"},
    {0, "since", "TIME", "queued since 22:00, 'yesterday 22:00', 2026-01-31, RFC 3339"},
    {0, "limit", "N", "the newest N"},
    {0, "grep", "TEXT", "with TEXT in prompt, description, result or error"},
    {0, "json", NULL, "print an array of objects, with all columns"},
    {0, NULL, NULL, NULL},
};

static const struct column columns[] = {
    {"id", true, false},
    {"status", false, true},
    {"error", false, false},
    {"created", false, false},
    {"took", true, false},
    {"agent", false, false},
    {"task", false, false},
};

enum { COLUMN_COUNT = sizeof(columns) / sizeof(columns[0]) };

struct listing {
	struct table *table;
	bool has_queued;
};

static bool
add_to_table(void *arg, const struct vigil_row *row)
{
	struct listing *listing = arg;
	char created[32], took[32];
	const char *description = row_get(row, "description");
	const char *cells[COLUMN_COUNT] = {
	    row_get(row, "id"),
	    row_get(row, "status"),
	    row_get(row, "error_kind"),
	    print_time(row_get(row, "created_at"), created),
	    print_span(row_get(row, "started_at"), row_get(row, "completed_at"), took),
	    row_get(row, "agent"),
	    description ? description : row_get(row, "prompt"),
	};

	table_add(listing->table, cells);
	listing->has_queued |= strcmp(cells[1], "queued") == 0;
	return !ferror(stdout);
}

static bool
add_to_json(void *list, const struct vigil_row *row)
{
	json_list_add(list, json_of_row(row, NULL));
	return !ferror(stdout);
}

static enum vigil_result
print_table(struct vigil *vigil, const struct vigil_filter *filter)
{
	struct listing listing = {.table = table_new(stdout, columns, COLUMN_COUNT)};
	enum vigil_result result = vigil_list(vigil, filter, add_to_table, &listing);

	if (result == VIGIL_OK)
		table_end(listing.table);
	table_free(listing.table);
	if (result == VIGIL_OK && listing.has_queued)
		cli_say_paused(vigil);
	return result;
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

static int
run_list(const struct args *args)
{
	struct vigil_filter filter = {
	    .statuses = args_get(args, "status"),
	    .since = args_get(args, "since"),
	    .grep = args_get(args, "grep"),
	};
	struct fault fault;

	if (!args_int(args, "limit", 1, INT64_MAX, &filter.limit, &fault))
		return cli_fault(&fault);
	struct vigil *vigil;
	int status = cli_open(args, VIGIL_READ_ONLY, &vigil);
	if (status)
		return status;
	enum vigil_result result =
	    args_has(args, "json") ? print_array(vigil, &filter) : print_table(vigil, &filter);
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
};
