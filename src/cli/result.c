/*
 * vigil result: the answer, on standard output; what went wrong, on standard error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/print.h"
#include "cli/text.h"

static const struct option_spec options[] = {
    {0, "all", NULL, "the text of every answer of the turn, in order"},
    {0, "reasoning", NULL, "that, with what the model thought before each"},
    {0, "wait", NULL, "until the task is final"},
    {0, "timeout", "DUR", "wait no longer than this"},
    {0, "json", NULL,
	"print {\"id\", \"status\", \"result\", \"result_cut\", \"error_kind\", \"error\"}"},
    {0, NULL, NULL, NULL},
};

static enum vigil_result_part
which_part(const struct args *args)
{
	if (args_has(args, "reasoning"))
		return VIGIL_ANSWERS_AND_REASONING;
	return args_has(args, "all") ? VIGIL_ANSWERS : VIGIL_ANSWER;
}

static void
add_field(struct json *object, struct vigil *vigil, int64_t id, const char *column)
{
	char *value = cli_field(vigil, id, VIGIL_TASK, column);
	char *clean = value ? text_form(value, TEXT_UTF8) : NULL;

	json_add_text(object, column, clean);
	free(clean);
	free(value);
}

/* Longer than what is kept: what there is, is its beginning. */
static bool
is_cut(struct vigil *vigil, int64_t id)
{
	char *cut = cli_field(vigil, id, VIGIL_TASK, "result_cut");
	bool result = cut && strcmp(cut, "1") == 0;

	free(cut);
	return result;
}

static void
print_object(struct vigil *vigil, int64_t id, const char *text)
{
	struct json *object = json_object();
	char *clean = text ? text_form(text, TEXT_UTF8) : NULL;

	json_add_int(object, "id", id);
	add_field(object, vigil, id, "status");
	json_add_text(object, "result", clean);
	json_add_int(object, "result_cut", is_cut(vigil, id));
	add_field(object, vigil, id, "error_kind");
	add_field(object, vigil, id, "error");
	print_json(object);
	free(clean);
}

static int
print_result(const struct args *args, struct vigil *vigil, int64_t id)
{
	bool wants_json = args_has(args, "json");
	char *text;
	enum vigil_result result = vigil_get_result(vigil, id, which_part(args), &text);
	bool is_final = result == VIGIL_OK || result == VIGIL_FAILED;

	/* First, since reading the fields sets the handle's error anew. */
	if (result != VIGIL_OK)
		cli_failed(vigil, result);
	if (is_final && wants_json)
		print_object(vigil, id, text);
	else if (is_final && text)
		print_text(stdout, text);
	if (is_final && text && is_cut(vigil, id))
		cli_say("task %lld: the answer was longer than what is kept; its end is missing",
		    (long long)id);
	free(text);
	return (int)result;
}

static bool
watch(void *said, const struct vigil_progress *progress)
{
	cli_watch(said, progress);
	return true;
}

static int
wait_and_print(const struct args *args, struct vigil *vigil, int64_t id, int64_t timeout_ms)
{
	enum vigil_result result;
	struct cli_watch said = {0};

	if (args_has(args, "wait") || args_has(args, "timeout")) {
		result = vigil_wait(vigil, &id, 1, false, timeout_ms, watch, &said);
		if (result != VIGIL_OK && result != VIGIL_FAILED && result != VIGIL_TIMEOUT)
			return cli_failed(vigil, result);
	}
	return print_result(args, vigil, id);
}

static int
run_result(const struct args *args)
{
	int64_t id, timeout_ms = -1;
	struct fault fault;

	if (!args_id(args->operands[0], &id, &fault) ||
	    !args_duration(args, "timeout", &timeout_ms, &fault))
		return cli_fault(&fault);
	struct vigil *vigil;
	int status = cli_open(args, VIGIL_READ_ONLY, &vigil);
	if (status)
		return status;
	status = wait_and_print(args, vigil, id, timeout_ms);
	vigil_close(vigil);
	return status;
}

const struct command result_command = {
    .name = "result",
    .run = run_result,
    .operands = "ID",
    .least = 1,
    .most = 1,
    .summary = "print the final answer alone",
    .options = options,
    .details = "exit status: 0 completed, 1 failed or cancelled, 3 no such task, 4 not final\n",
    .ids = CLI_FINAL,
};
