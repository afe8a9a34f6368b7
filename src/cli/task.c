/*
 * See task.h.
 */
#include "cli/task.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define PROMPT_READ ((size_t)(16 << 20)) /* the most that the library takes */

#define TEXT(field) offsetof(struct vigil_task, field)

static const struct text_option {
	const char *name;
	enum vigil_field field;
	size_t offset;
} text_options[] = {
    {"description", VIGIL_DESCRIPTION, TEXT(description)},
    {"agent", VIGIL_AGENT, TEXT(agent)},
    {"model", VIGIL_MODEL, TEXT(model)},
    {"variant", VIGIL_VARIANT, TEXT(variant)},
    {"directory", VIGIL_DIRECTORY, TEXT(directory)},
    {"parent", VIGIL_PARENT_SESSION, TEXT(parent_session)},
    {"at", VIGIL_START, TEXT(at)},
    {"in", VIGIL_START, TEXT(in)},
    {"key", VIGIL_KEY, TEXT(key)},
    {"mutex", VIGIL_MUTEX, TEXT(mutex)},
    {"timeout", VIGIL_TIMEOUT_FIELD, TEXT(timeout)},
};

static const char *
given(const struct args *args, const char *name)
{
	return args_offers(args, name) ? args_get(args, name) : NULL;
}

static void
read_texts(
    const struct args *args, bool empty_is_default, struct vigil_task *task, unsigned *fields)
{
	for (size_t i = 0; i < sizeof(text_options) / sizeof(text_options[0]); i++) {
		const struct text_option *option = &text_options[i];
		const char *text = given(args, option->name);

		if (!text)
			continue;
		*fields |= option->field;
		*(const char **)(void *)((char *)task + option->offset) =
		    *text || !empty_is_default ? text : NULL;
	}
}

static bool
read_number(const struct args *args, const char *name, int least, enum vigil_field field, int *out,
    unsigned *fields, struct fault *fault)
{
	int64_t number = 0;

	if (!given(args, name))
		return true;
	*fields |= field;
	if (!args_int(args, name, least, 100, &number, fault))
		return false;
	*out = (int)number;
	return true;
}

bool
task_options(const struct args *args, bool empty_is_default, struct vigil_task *task,
    unsigned *fields, struct fault *fault)
{
	*fields = 0;
	read_texts(args, empty_is_default, task, fields);
	if (task->at && task->in)
		return fault_set(fault, FAULT_USAGE,
		    "--at '%s' and --in '%s' are both given; one of them says when", task->at,
		    task->in);
	return read_number(
		   args, "priority", -100, VIGIL_PRIORITY, &task->priority, fields, fault) &&
	       read_number(
		   args, "attempts", 1, VIGIL_MAX_ATTEMPTS, &task->max_attempts, fields, fault);
}

bool
task_prompt(const char *typed, struct buf *input, struct vigil_task *task, struct fault *fault)
{
	if (typed && strcmp(typed, "-") != 0) {
		task->prompt = typed;
		return true;
	}
	if (isatty(STDIN_FILENO))
		fputs("Type the prompt; end it with Ctrl-D on a line of its own.\n", stderr);
	if (!file_read("-", PROMPT_READ, input, fault)) {
		if (fault->kind == FAULT_USAGE)
			fault_set(fault, FAULT_USAGE, "the prompt has more than %zu bytes (16 MB)",
			    PROMPT_READ);
		return false;
	}
	task->prompt = buf_text(input);
	task->prompt_bytes = input->len;
	return true;
}
