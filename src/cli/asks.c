/*
 * vigil asks, answer: what agents wait for a person with, and what the person says.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/table.h"

static const struct option_spec asks_options[] = {
    {0, "json", NULL, "print an array of objects, with all columns"},
    {0, NULL, NULL, NULL},
};

static const struct option_spec answer_options[] = {
    {0, "json", NULL, "print {\"id\": …, \"reply\": …, \"needs_runner\": …}"},
    {0, NULL, NULL, NULL},
};

/* ---- asks -------------------------------------------------------------------------------- */

static const struct column columns[] = {
    {"ask", COLUMN_NUMBER, false},
    {"task", COLUMN_NUMBER, false},
    {"asked", COLUMN_WORD, false},
    {"kind", COLUMN_WORD, false},
    {"request", COLUMN_TEXT, false},
};

enum { COLUMN_COUNT = sizeof(columns) / sizeof(columns[0]) };

static bool
add_to_table(void *table, const struct vigil_row *row)
{
	char asked[32];
	const char *cells[COLUMN_COUNT] = {
	    row_get(row, "id"),
	    row_get(row, "task_id"),
	    print_when(stdout, row_get(row, "asked_at"), asked),
	    row_get(row, "kind"),
	    row_get(row, "request"),
	};

	table_add(table, cells);
	return !ferror(stdout);
}

static bool
add_to_json(void *list, const struct vigil_row *row)
{
	json_list_add(list, json_of_row(row, NULL));
	return !ferror(stdout);
}

static enum vigil_result
print_table(struct vigil *vigil)
{
	struct table *table = table_new(stdout, columns, COLUMN_COUNT);
	enum vigil_result result = vigil_asks(vigil, add_to_table, table);

	if (result == VIGIL_OK)
		table_end(table);
	table_free(table);
	return result;
}

static enum vigil_result
print_array(struct vigil *vigil)
{
	struct json_list list = {0};
	enum vigil_result result = vigil_asks(vigil, add_to_json, &list);

	if (result == VIGIL_OK)
		json_list_end(&list);
	return result;
}

static int
run_asks(const struct args *args)
{
	struct vigil *vigil;
	int status = cli_open(args, VIGIL_READ_ONLY, &vigil);

	if (status)
		return status;
	enum vigil_result result = args_has(args, "json") ? print_array(vigil) : print_table(vigil);
	status = result == VIGIL_OK ? 0 : cli_failed(vigil, result);
	vigil_close(vigil);
	return status;
}

/* ---- answer ------------------------------------------------------------------------------ */

/* A line for each question. The caller frees. */
static char *
join_operands(const struct args *args, int first)
{
	struct buf lines = {0};

	for (int i = first; i < args->operand_count; i++)
		buf_printf(&lines, "%s%s", i > first ? "\n" : "", args->operands[i]);
	return buf_take(&lines);
}

static void
print_answered(const struct args *args, int64_t id, const char *reply, bool needs_runner)
{
	struct json *object;

	if (args_has(args, "json")) {
		object = json_object();
		json_add_int(object, "id", id);
		json_add_text(object, "reply", reply);
		json_add_bool(object, "needs_runner", needs_runner);
		print_json(object);
	} else {
		fprintf(stderr, "ask %lld: %s sends the reply\n", (long long)id,
		    needs_runner ? "no runner is alive, the next vigil run" : "the runner");
	}
}

static int
run_answer(const struct args *args)
{
	struct fault fault;
	int64_t id;

	if (!args_id_of("an ask", args->operands[0], &id, &fault))
		return cli_fault(&fault);
	struct vigil *vigil;
	int status = cli_open(args, VIGIL_EXISTING, &vigil);
	if (status)
		return status;
	char *reply = join_operands(args, 1);
	bool needs_runner;
	enum vigil_result result = vigil_answer(vigil, id, reply, &needs_runner);
	if (result == VIGIL_OK)
		print_answered(args, id, reply, needs_runner);
	else
		status = cli_failed(vigil, result);
	free(reply);
	vigil_close(vigil);
	return status;
}

const struct command asks_command = {
    .name = "asks",
    .run = run_asks,
    .operands = "",
    .summary = "permission requests and questions that wait for a person",
    .options = asks_options,
};

const struct command answer_command = {
    .name = "answer",
    .run = run_answer,
    .operands = "ASK REPLY …",
    .least = 2,
    .most = ARGS_ANY,
    .summary = "reply: once, always or reject; to a question, the option's label or any text",
    .options = answer_options,
};
