/*
 * vigil show: everything about one task. What became of it first, then how.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/when.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/table.h"
#include "cli/text.h"

/* Of an error in the headline, and of what the task is. */
enum { WHY_COLUMNS = 300, SUBJECT_COLUMNS = 100 };

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

	if (result != VIGIL_OK)
		return result;
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

/* A text as one line, on a terminal cut to so many columns. The caller frees. */
static char *
line_of(const char *text, size_t columns)
{
	char *safe = print_safe(stdout, text, TEXT_LINE);

	if (!print_is_terminal(stdout))
		return safe;
	char *line = text_cut(safe, columns, print_ellipsis(stdout));
	free(safe);
	return line;
}

static bool
is_one_of(const char *word, const char *const *words)
{
	while (*words && strcmp(*words, word) != 0)
		words++;
	return *words;
}

static void
print_how_long(const struct vigil_row *row)
{
	static const char *const waiting[] = {"queued", "held", NULL};
	const char *took = row_get(row, "took"), *resumes = row_get(row, "resumes");
	const char *attempts = row_get(row, "attempts");
	char span[32];

	/* Queued again, it has worked, but it does not. */
	if (took && !is_one_of(row_get(row, "status"), waiting))
		printf(" %s %s", row_get(row, "completed_at") ? "after" : "for",
		    when_say((int64_t)(strtod(took, NULL) * 1000), span));
	if (strcmp(attempts, "0") != 0 && strcmp(attempts, "1") != 0)
		printf(", %s attempts", attempts);
	if (!resumes || strcmp(resumes, "0") == 0)
		return;
	if (strcmp(resumes, "1") == 0 || strcmp(resumes, "2") == 0)
		printf(", resumed %s", *resumes == '1' ? "once" : "twice");
	else
		printf(", resumed %s times", resumes);
}

/* "Task 7 failed (timeout) after 12m, 2 attempts, resumed once: it ran longer than its timeout"
 */
static void
print_headline(const struct vigil_row *row)
{
	const char *status = row_get(row, "status"), *kind = row_get(row, "error_kind");
	const char *error = row_get(row, "error"), *reason = row_get(row, "reason");
	char *why = line_of(error ? error : reason, WHY_COLUMNS);

	printf("Task %s %s%s%s", row_get(row, "id"),
	    print_colour(stdout, print_status_colour(status)), status,
	    print_colour(stdout, COLOUR_NONE));
	if (kind)
		printf(" (%s)", kind);
	print_how_long(row);
	printf("%s%s\n", *why ? ": " : "", why);
	free(why);
}

/* What to do about it, unless the headline has said it; and, of what would start or go on if there
 * were a runner, what became of the last one. */
static void
print_advice(const struct vigil_row *row, const char *last_run)
{
	static const char *const waiting[] = {"queued", "starting", "running", "stopping", NULL};
	const char *next = row_get(row, "next"), *reason = row_get(row, "reason");

	if (next && !(reason && strstr(reason, next)))
		printf("%sNext:%s %s\n", print_colour(stdout, COLOUR_BOLD),
		    print_colour(stdout, COLOUR_NONE), next);
	if (last_run && is_one_of(row_get(row, "status"), waiting))
		printf("%s\n", last_run);
}

static void
print_subject(const struct vigil_row *row)
{
	const char *task = row_get(row, "task");
	char *first = xstrndup(task, strcspn(task, "\r\n"));
	char *line = line_of(first, SUBJECT_COLUMNS);

	printf("%s%s%s\n\n", print_colour(stdout, COLOUR_BOLD), line,
	    print_colour(stdout, COLOUR_NONE));
	free(line);
	free(first);
}

static bool
is_told_elsewhere(const char *column)
{
	static const char *const elsewhere[] = {"id", "status", "prompt", "description", "result",
	    "error", "error_kind", "attempts", "attempts_base", "result_cut", "revision", "stop",
	    "wake_at", "task", "reason", "next", NULL};

	return is_one_of(column, elsewhere);
}

/* A time as it is, and how far it is away, where a person reads it: that of long ago is its date,
 * which is not said twice. */
static void
print_field(const char *name, const char *value)
{
	enum vigil_kind kind = vigil_column_find(name)->kind;
	char time[32], far[32];
	const char *text = value;

	if (kind == VIGIL_TIME)
		text = print_time(value, time);
	else if (kind == VIGIL_SECONDS)
		text = print_seconds(value, time);
	char *safe = print_safe(stdout, text, TEXT_LINE);
	const char *aside = kind == VIGIL_TIME ? print_when(stdout, value, far) : safe;
	bool is_new = strncmp(safe, aside, strlen(aside)) != 0;
	printf("  %-14s  %s%s%s%s\n", name, safe, is_new ? " (" : "", is_new ? aside : "",
	    is_new ? ")" : "");
	free(safe);
}

static void
print_fields(const struct vigil_row *row)
{
	for (size_t i = 0; i < row->count; i++) {
		const char *value = row->values[i];
		bool is_zero = value && row->is_number[i] && strtod(value, NULL) == 0;

		if (value && !is_zero && !is_told_elsewhere(row->names[i]))
			print_field(row->names[i], value);
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

/* It is in the headline, unless it is too long for that. */
static void
print_error(const char *error)
{
	bool is_cut = error && print_is_terminal(stdout) && text_width(error) > WHY_COLUMNS;

	if (error && (strchr(error, '\n') || is_cut))
		print_section("error", error);
}

static bool
print_task(void *last_run, const struct vigil_row *row)
{
	bool is_cut = strcmp(row_get(row, "result_cut"), "1") == 0;

	print_headline(row);
	print_advice(row, last_run);
	print_subject(row);
	print_fields(row);
	print_error(row_get(row, "error"));
	print_section("prompt", row_get(row, "prompt"));
	print_section(is_cut ? "result (longer than what is kept: its end is missing)" : "result",
	    row_get(row, "result"));
	return false;
}

/* Why nothing goes on; none while a runner is alive. */
static bool
tell_last_run(void *sentence, const struct vigil_row *row)
{
	const char *ending = row_get(row, "ending"), *ended_at = row_get(row, "ended_at");
	char words[32], **out = sentence;

	if (strcmp(row_get(row, "alive"), "1") == 0)
		return false;
	const char *when = print_when(stdout, ended_at, words);
	if (!ending || !ended_at || strcmp(ending, "crashed") == 0)
		*out = xstrdup("No runner is alive: the last run crashed, or was killed.");
	else if (strcmp(ending, "stopped") == 0)
		*out = xasprintf("No runner is alive: the last run was stopped %s.", when);
	else if (strcmp(ending, "drained") == 0)
		*out = xasprintf(
		    "No runner is alive: the last run ended %s, when nothing was left to do.",
		    when);
	else
		*out = xasprintf("No runner is alive: the last run ended %s: %s", when, ending);
	return false;
}

static const struct column attempt_columns[] = {
    {"attempt", COLUMN_NUMBER, false},
    {"outcome", COLUMN_STATUS, false},
    {"started", COLUMN_WORD, false},
    {"took", COLUMN_NUMBER, false},
    {"model", COLUMN_TEXT, true},
    {"session", COLUMN_TEXT, true},
    {"tokens", COLUMN_NUMBER, false},
    {"cost", COLUMN_NUMBER, false},
    {"error", COLUMN_TEXT, true},
};

/* A part of its id would tell nothing, and take the error's room: the events have all of it. */
static bool
has_room_for_session(void)
{
	enum { WIDE = 100 };

	return !print_is_terminal(stdout) || print_width(stdout) >= WIDE;
}

static bool
add_attempt(void *table, const struct vigil_row *row)
{
	char started[32], took[32], tokens[64];
	const char *input = row_get(row, "tokens_input"), *output = row_get(row, "tokens_output");
	const char *outcome = row_get(row, "outcome");
	const char *cells[] = {
	    row_get(row, "number"),
	    outcome ? outcome : "running",
	    print_when(stdout, row_get(row, "started_at"), started),
	    print_seconds(row_get(row, "took"), took),
	    row_get(row, "model"),
	    has_room_for_session() ? row_get(row, "session_id") : NULL,
	    tokens,
	    row_get(row, "cost"),
	    row_get(row, "error"),
	};

	snprintf(tokens, sizeof(tokens), "%s+%s", input ? input : "0", output ? output : "0");
	table_add(table, cells);
	return true;
}

static const struct column ask_columns[] = {
    {"ask", COLUMN_NUMBER, false},
    {"asked", COLUMN_WORD, false},
    {"kind", COLUMN_WORD, false},
    {"reply", COLUMN_WORD, false},
    {"by", COLUMN_WORD, false},
    {"request", COLUMN_TEXT, false},
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
    {"pane", COLUMN_WORD, false},
    {"opened", COLUMN_WORD, false},
    {"closed", COLUMN_WORD, false},
    {"why", COLUMN_TEXT, false},
    {"subagent", COLUMN_WORD, true},
    {"socket", COLUMN_TEXT, true},
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
	    {"displaced", "a task needed its place"},
	    {"renewed", "opened anew"},
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
	    opened_at ? print_when(stdout, opened_at, opened) : NULL,
	    closed_at && opened_at ? print_when(stdout, closed_at, closed) : NULL,
	    detail ? detail : pane_story(row_get(row, "close_reason")),
	    row_get(row, "root_session") ? row_get(row, "session_id") : NULL,
	    row_get(row, "tmux_socket"),
	};

	table_add(table, cells);
	return true;
}

static const struct column event_columns[] = {
    {"at", COLUMN_WORD, false},
    {"event", COLUMN_STATUS, false},
    {"detail", COLUMN_TEXT, false},
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
	char *last_run = NULL;
	char *attempts = cli_field(vigil, id, VIGIL_TASK, "attempts");
	char *ask = cli_field(vigil, id, VIGIL_ASKS, "id");
	char *pane = cli_field(vigil, id, VIGIL_PANES, "id");
	enum vigil_result result = vigil_show(vigil, id, VIGIL_LAST_RUN, tell_last_run, &last_run);

	if (result == VIGIL_OK)
		result = vigil_show(vigil, id, VIGIL_TASK, print_task, last_run);
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
	free(last_run);
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
