/*
 * vigil edit: a task that waits is changed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/task.h"

static const struct option_spec options[] = {
    {0, "prompt", "TEXT", "what it is to do; - is standard input"},
    TASK_OPTION_AGENT,
    TASK_OPTION_MODEL,
    TASK_OPTION_VARIANT,
    TASK_OPTION_DESCRIPTION,
    {'C', "directory", "DIR", "where it works"},
    TASK_OPTION_PARENT,
    TASK_OPTION_PRIORITY,
    TASK_OPTION_AT,
    TASK_OPTION_IN,
    {0, "key", "KEY", "no other open task has it"},
    TASK_OPTION_MUTEX,
    TASK_OPTION_ATTEMPTS,
    TASK_OPTION_TIMEOUT,
    {0, "json", NULL, "print {\"id\": …, \"status\": …}"},
    {0, NULL, NULL, NULL},
};

static bool
read_changes(const struct args *args, struct buf *input, struct vigil_task *task, unsigned *fields,
    struct fault *fault)
{
	const char *prompt = args_get(args, "prompt");

	if (!task_options(args, true, task, fields, fault))
		return false;
	if (prompt)
		*fields |= VIGIL_PROMPT;
	if (!*fields)
		return fault_set(fault, FAULT_USAGE,
		    "nothing is to be changed: name what is (vigil edit --help)");
	return !prompt || task_prompt(prompt, input, task, fault);
}

static void
print_edited(const struct args *args, struct vigil *vigil, int64_t id)
{
	char *status = cli_field(vigil, id, VIGIL_TASK, "status");

	if (args_has(args, "json")) {
		struct json *object = json_object();

		json_add_int(object, "id", id);
		json_add_text(object, "status", status);
		print_json(object);
	} else {
		fprintf(stderr, "task %lld: changed\n", (long long)id);
	}
	free(status);
}

static int
edit(const struct args *args, int64_t id, const struct vigil_task *task, unsigned fields)
{
	struct vigil *vigil;
	int status = cli_open(args, VIGIL_EXISTING, &vigil);

	if (status)
		return status;
	enum vigil_result result = vigil_edit(vigil, id, task, fields);
	if (result == VIGIL_OK)
		print_edited(args, vigil, id);
	else
		status = cli_failed(vigil, result);
	vigil_close(vigil);
	return status;
}

static int
run_edit(const struct args *args)
{
	struct vigil_task task = {0};
	struct buf input = {0};
	struct fault fault;
	unsigned fields;
	int64_t id;
	bool is_understood = args_id(args->operands[0], &id, &fault) &&
			     read_changes(args, &input, &task, &fields, &fault);
	int status = is_understood ? edit(args, id, &task, fields) : cli_fault(&fault);

	buf_free(&input);
	return status;
}

const struct command edit_command = {
    .name = "edit",
    .run = run_edit,
    .operands = "ID",
    .least = 1,
    .most = 1,
    .summary = "change a task that is queued or held",
    .options = options,
    .details =
	"An empty text is the default again. A live task takes another description, timeout or\n"
	"number of attempts, a final one another description; see vigil retry, too.\n",
    .ids = "queued,held",
};
