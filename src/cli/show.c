/*
 * vigil show: everything about one task. What became of it first, then how.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/text.h"

static const struct option_spec options[] = {
    {0, "json", NULL, "print one object: the columns, reason, attempts, asks, panes, events"},
    {0, NULL, NULL, NULL},
};

/* ---- JSON -------------------------------------------------------------------------------- */

static bool
copy_row(void *arg, const struct vigil_row *row)
{
	struct json **object = arg;

	*object = json_of_row(row, "attempts"); /* which is the list of them here */
	return false;
}

static bool
append_row(void *array, const struct vigil_row *row)
{
	json_add(array, NULL, json_of_row(row, NULL));
	return true;
}

static enum vigil_result
add_list(struct vigil *vigil, int64_t id, enum vigil_section section, struct json *object,
    const char *key)
{
	return vigil_show(vigil, id, section, append_row, json_add_array(object, key));
}

static enum vigil_result
print_object(struct vigil *vigil, int64_t id)
{
	struct json *object = NULL;
	enum vigil_result result = vigil_show(vigil, id, VIGIL_TASK, copy_row, &object);
	char *reason;

	if (result != VIGIL_OK)
		return result;
	reason = cli_field(vigil, id, VIGIL_WHY_QUEUED, "reason");
	json_add_text(object, "reason", reason);
	free(reason);
	result = add_list(vigil, id, VIGIL_ATTEMPTS, object, "attempts");
	if (result == VIGIL_OK)
		result = add_list(vigil, id, VIGIL_ASKS, object, "asks");
	if (result == VIGIL_OK)
		result = add_list(vigil, id, VIGIL_PANES, object, "panes");
	if (result == VIGIL_OK)
		result = add_list(vigil, id, VIGIL_EVENTS, object, "events");
	if (result == VIGIL_OK)
		print_json(object);
	else
		json_free(object);
	return result;
}

/* ---- for people -------------------------------------------------------------------------- */

/* "failed (timeout) after 12 min, 2 attempts: it ran longer than its timeout" */
static void
print_headline(const struct vigil_row *row, const char *reason)
{
	const char *status = row_get(row, "status"), *kind = row_get(row, "error_kind");
	const char *error = row_get(row, "error");
	const char *attempts = row_get(row, "attempts");
	char span[32];
	const char *took =
	    print_span(row_get(row, "started_at"), row_get(row, "completed_at"), span);
	/* Queued again, it has a beginning, that of its first attempt. */
	bool is_waiting = strcmp(status, "queued") == 0 || strcmp(status, "held") == 0;
	char *why = text_form(error ? error : reason, TEXT_LINE);

	printf("Task %s %s%s%s", row_get(row, "id"),
	    print_colour(stdout, print_status_colour(status)), status,
	    print_colour(stdout, COLOUR_NONE));
	if (kind)
		printf(" (%s)", kind);
	if (*took && !is_waiting)
		printf(" %s %s", row_get(row, "completed_at") ? "after" : "for", took);
	if (attempts && strcmp(attempts, "1") != 0 && strcmp(attempts, "0") != 0)
		printf(", %s attempts", attempts);
	printf("%s%s\n", *why ? ": " : "", why);
	free(why);
}

/* Its description, else how its prompt begins. */
static void
print_subject(const struct vigil_row *row)
{
	const char *description = row_get(row, "description");
	const char *text = description ? description : row_get(row, "prompt");
	size_t blanks = strspn(text, " \t\r\n");
	char *line = xstrndup(text + blanks, strcspn(text + blanks, "\r\n"));
	char *safe = text_form(line, TEXT_LINE);
	size_t fits = text_fit(safe, 100);

	printf("%s%.*s%s%s\n\n", print_colour(stdout, COLOUR_BOLD), (int)fits, safe,
	    safe[fits] ? "…" : "", print_colour(stdout, COLOUR_NONE));
	free(safe);
	free(line);
}

static bool
is_told_elsewhere(const char *column)
{
	static const char *const elsewhere[] = {"id", "status", "prompt", "description", "result",
	    "error", "error_kind", "attempts", "result_cut"};

	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		if (strcmp(column, elsewhere[i]) == 0)
			return true;
	return false;
}

static void
print_fields(const struct vigil_row *row)
{
	for (size_t i = 0; i < row->count; i++) {
		const char *value = row->values[i];

		if (!value || is_told_elsewhere(row->names[i]))
			continue;
		char time[32];
		char *safe =
		    text_form(row->is_number[i] ? value : print_time(value, time), TEXT_LINE);
		printf("  %-14s  %s\n", row->names[i], safe);
		free(safe);
	}
}

static void
print_section(const char *title, const char *text)
{
	if (!text || !*text)
		return;
	printf("\n%s%s%s\n", print_colour(stdout, COLOUR_BOLD), title,
	    print_colour(stdout, COLOUR_NONE));
	print_text(stdout, text);
}

static bool
print_task(void *reason, const struct vigil_row *row)
{
	const char *cut = row_get(row, "result_cut");
	bool is_cut = cut && strcmp(cut, "1") == 0;

	print_headline(row, reason);
	print_subject(row);
	print_fields(row);
	print_section("prompt", row_get(row, "prompt"));
	print_section(is_cut ? "result (longer than what is kept: its end is missing)" : "result",
	    row_get(row, "result"));
	return false;
}

static const struct column attempt_columns[] = {
    {"attempt", true, false},
    {"outcome", false, true},
    {"started", false, false},
    {"took", true, false},
    {"model", false, false},
    {"session", false, false},
    {"tokens", true, false},
    {"cost", true, false},
    {"error", false, false},
};

static bool
add_attempt(void *table, const struct vigil_row *row)
{
	char started[32], took[32], tokens[64];
	const char *input = row_get(row, "tokens_input"), *output = row_get(row, "tokens_output");
	const char *outcome = row_get(row, "outcome");
	const char *cells[] = {
	    row_get(row, "number"),
	    outcome ? outcome : "running",
	    print_time(row_get(row, "started_at"), started),
	    print_span(row_get(row, "started_at"), row_get(row, "ended_at"), took),
	    row_get(row, "model"),
	    row_get(row, "session_id"),
	    tokens,
	    row_get(row, "cost"),
	    row_get(row, "error"),
	};

	snprintf(tokens, sizeof(tokens), "%s+%s", input ? input : "0", output ? output : "0");
	table_add(table, cells);
	return true;
}

static const struct column ask_columns[] = {
    {"ask", true, false},
    {"asked", false, false},
    {"kind", false, false},
    {"reply", false, false},
    {"by", false, false},
    {"request", false, false},
};

static bool
add_ask(void *table, const struct vigil_row *row)
{
	char asked[32];
	const char *reply = row_get(row, "reply");
	const char *cells[] = {
	    row_get(row, "id"),
	    print_time(row_get(row, "asked_at"), asked),
	    row_get(row, "kind"),
	    reply || row_get(row, "replied_at") ? reply : "waits",
	    row_get(row, "replied_by"),
	    row_get(row, "request"),
	};

	table_add(table, cells);
	return true;
}

static const struct column pane_columns[] = {
    {"pane", false, false},
    {"opened", false, false},
    {"closed", false, false},
    {"why", false, false},
    {"socket", false, false},
};

/* What became of it, in words; NULL while it is open. */
static const char *
pane_story(const char *reason)
{
	static const char *const stories[][2] = {
	    {"ended", "the task has ended"},
	    {"stopped", "vigil was stopped"},
	    {"crashed", "vigil has crashed"},
	    {"gone", "it was closed, or its program has ended"},
	    {"server gone", "the tmux server has ended"},
	    {"failed", "there was none"},
	};

	for (size_t i = 0; reason && i < sizeof(stories) / sizeof(stories[0]); i++)
		if (strcmp(reason, stories[i][0]) == 0)
			return stories[i][1];
	return reason;
}

static bool
add_pane(void *table, const struct vigil_row *row)
{
	char opened[32], closed[32];
	const char *opened_at = row_get(row, "opened_at"), *closed_at = row_get(row, "closed_at");
	const char *detail = row_get(row, "detail");
	const char *cells[] = {
	    opened_at ? row_get(row, "pane_id") : "none",
	    opened_at ? print_time(opened_at, opened) : NULL,
	    closed_at && opened_at ? print_time(closed_at, closed) : NULL,
	    detail ? detail : pane_story(row_get(row, "close_reason")),
	    row_get(row, "tmux_socket"),
	};

	table_add(table, cells);
	return true;
}

static const struct column event_columns[] = {
    {"at", false, false},
    {"event", false, true},
    {"detail", false, false},
};

static bool
add_event(void *table, const struct vigil_row *row)
{
	char at[32];
	const char *cells[] = {
	    print_time(row_get(row, "at"), at),
	    row_get(row, "kind"),
	    row_get(row, "detail"),
	};

	table_add(table, cells);
	return true;
}

static enum vigil_result
print_rows(struct vigil *vigil, int64_t id, enum vigil_section section,
    const struct column *columns, size_t count, vigil_row_fn *add)
{
	fputc('\n', stdout);
	struct table *table = table_new(stdout, columns, count);
	enum vigil_result result = vigil_show(vigil, id, section, add, table);
	table_end(table);
	table_free(table);
	return result;
}

static enum vigil_result
print_page(struct vigil *vigil, int64_t id)
{
	char *reason = cli_field(vigil, id, VIGIL_WHY_QUEUED, "reason");
	char *attempts = cli_field(vigil, id, VIGIL_TASK, "attempts");
	char *ask = cli_field(vigil, id, VIGIL_ASKS, "id");
	char *pane = cli_field(vigil, id, VIGIL_PANES, "id");
	enum vigil_result result = vigil_show(vigil, id, VIGIL_TASK, print_task, reason);

	if (result == VIGIL_OK && attempts && strcmp(attempts, "0") != 0)
		result = print_rows(vigil, id, VIGIL_ATTEMPTS, attempt_columns,
		    sizeof(attempt_columns) / sizeof(attempt_columns[0]), add_attempt);
	if (result == VIGIL_OK && ask)
		result = print_rows(vigil, id, VIGIL_ASKS, ask_columns,
		    sizeof(ask_columns) / sizeof(ask_columns[0]), add_ask);
	if (result == VIGIL_OK && pane)
		result = print_rows(vigil, id, VIGIL_PANES, pane_columns,
		    sizeof(pane_columns) / sizeof(pane_columns[0]), add_pane);
	if (result == VIGIL_OK)
		result = print_rows(vigil, id, VIGIL_EVENTS, event_columns,
		    sizeof(event_columns) / sizeof(event_columns[0]), add_event);
	free(reason);
	free(attempts);
	free(ask);
	free(pane);
	return result;
}

static int
run_show(const struct args *args)
{
	struct fault fault;
	int64_t id;

	if (!args_id(args->operands[0], &id, &fault))
		return cli_fault(&fault);
	struct vigil *vigil;
	int status = cli_open(args, VIGIL_READ_ONLY, &vigil);
	if (status)
		return status;
	enum vigil_result result =
	    args_has(args, "json") ? print_object(vigil, id) : print_page(vigil, id);
	status = result == VIGIL_OK ? 0 : cli_failed(vigil, result);
	vigil_close(vigil);
	return status;
}

const struct command show_command = {
    .name = "show",
    .run = run_show,
    .operands = "ID",
    .least = 1,
    .most = 1,
    .summary = "everything about one task: what became of it, and how",
    .ids = NULL,
    .options = options,
};
