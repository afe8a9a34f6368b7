/*
 * vigil cancel, retry, hold, release: something is done to each of some tasks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/task.h"

static const struct option_spec cancel_options[] = {
    {0, "all", NULL, "every task that is not final"},
    {0, "reason", "TEXT", "kept in the task's error (default: Cancelled by user)"},
    {0, "json", NULL, "print [{\"id\": …, \"status\": …, \"was\": …, \"needs_runner\": …}]"},
    {0, NULL, NULL, NULL},
};

static const struct option_spec options[] = {
    {0, "json", NULL, "print [{\"id\": …, \"status\": …, \"was\": …}]"},
    {0, NULL, NULL, NULL},
};

static const struct option_spec retry_options[] = {
    TASK_OPTION_AGENT,
    TASK_OPTION_MODEL,
    TASK_OPTION_VARIANT,
    {'C', "directory", "DIR", "where it works"},
    TASK_OPTION_TIMEOUT,
    {0, "json", NULL, "print [{\"id\": …, \"status\": …, \"was\": …}]"},
    {0, NULL, NULL, NULL},
};

/* A list of ids, and what is to be done to each. */
struct work {
	const struct args *args;
	struct vigil *vigil;
	int64_t *ids;
	size_t count, capacity;
	bool is_all;            /* --all: one that became final meanwhile is no fault */
	struct vigil_task task; /* retry: as what, */
	unsigned fields;        /* in these */
	struct json *done;      /* an array; NULL: sentences on standard error */
};

typedef enum vigil_result act_fn(struct work *, int64_t id, bool *needs_runner);

/* Of what it was, that a person should know. */
static const char *
warning(const struct work *work, const char *was)
{
	bool is_retry = strcmp(work->args->command->name, "retry") == 0;

	return is_retry && was && strcmp(was, "completed") == 0
		   ? ", though it had completed: the next answer takes the place of that one, "
		     "which "
		     "the transcript keeps"
		   : "";
}

static void
print_done(struct work *work, int64_t id, const char *was, const bool *needs_runner)
{
	char *status = cli_field(work->vigil, id, VIGIL_TASK, "status");
	struct json *object;

	if (work->done) {
		object = json_add_object(work->done, NULL);
		json_add_int(object, "id", id);
		json_add_text(object, "status", status);
		json_add_text(object, "was", was);
		if (needs_runner)
			json_add_bool(object, "needs_runner", *needs_runner);
	} else {
		fprintf(stderr, "task %lld: %s%s%s\n", (long long)id, status ? status : "deleted",
		    warning(work, was),
		    needs_runner && *needs_runner
			? "; no runner is alive, the next vigil run carries it out"
			: "");
	}
	free(status);
}

/* Nothing is done to any of them if one does not exist. */
static enum vigil_result
check_ids(const struct work *work)
{
	for (size_t i = 0; i < work->count; i++) {
		enum vigil_result result =
		    vigil_show(work->vigil, work->ids[i], VIGIL_TASK, NULL, NULL);

		if (result != VIGIL_OK)
			return result;
	}
	return VIGIL_OK;
}

static enum vigil_result
act_on(struct work *work, int64_t id, act_fn *act, bool can_need_runner)
{
	bool needs_runner = false;
	char *was = cli_field(work->vigil, id, VIGIL_TASK, "status");
	enum vigil_result result = act(work, id, &needs_runner);

	if (result == VIGIL_USAGE && work->is_all)
		result = VIGIL_OK;
	else if (result == VIGIL_OK)
		print_done(work, id, was, can_need_runner ? &needs_runner : NULL);
	else
		cli_failed(work->vigil, result);
	free(was);
	return result;
}

/* Goes on after a refusal; the first one is the exit status. */
static int
act_on_each(struct work *work, act_fn *act, bool can_need_runner)
{
	enum vigil_result first = check_ids(work);

	if (first != VIGIL_OK)
		return cli_failed(work->vigil, first);
	for (size_t i = 0; i < work->count; i++) {
		enum vigil_result result = act_on(work, work->ids[i], act, can_need_runner);

		if (first == VIGIL_OK)
			first = result;
	}
	return (int)first;
}

static void
remember_id(void *arg, int64_t id, bool existed)
{
	struct work *work = arg;

	(void)existed;
	if (work->count == work->capacity) {
		work->capacity = work->capacity ? work->capacity * 2 : 64;
		work->ids = xrealloc(work->ids, work->capacity * sizeof(work->ids[0]));
	}
	work->ids[work->count++] = id;
}

/* The operands; or, with --all, what is open. */
static int
find_ids(struct work *work)
{
	if (!work->is_all)
		return 0;
	enum vigil_result result = vigil_open_ids(work->vigil, remember_id, work);
	return result == VIGIL_OK ? 0 : cli_failed(work->vigil, result);
}

static int
work_on(struct work *work, act_fn *act, bool can_need_runner)
{
	int status = cli_open(work->args, VIGIL_EXISTING, &work->vigil);

	if (status)
		return status;
	if (args_has(work->args, "json"))
		work->done = json_array();
	status = find_ids(work);
	if (status == 0)
		status = act_on_each(work, act, can_need_runner);
	if (work->done)
		print_json(work->done);
	vigil_close(work->vigil);
	return status;
}

static int
act_on_operands(struct work *work, act_fn *act, bool can_need_runner)
{
	if (!work->is_all) {
		work->ids = cli_ids(work->args);
		work->count = (size_t)work->args->operand_count;
		if (!work->ids)
			return VIGIL_USAGE;
	}
	int status = work_on(work, act, can_need_runner);
	free(work->ids);
	return status;
}

/* ---- the commands ------------------------------------------------------------------------ */

static enum vigil_result
cancel_one(struct work *work, int64_t id, bool *needs_runner)
{
	return vigil_cancel(work->vigil, id, args_get(work->args, "reason"), needs_runner);
}

static int
run_cancel(const struct args *args)
{
	struct work work = {.args = args, .is_all = args_has(args, "all")};

	if (work.is_all && args->operand_count)
		return cli_usage("'%s' and --all are both given", args->operands[0]);
	if (!work.is_all && !args->operand_count)
		return cli_usage("cancel needs ID … or --all");
	return act_on_operands(&work, cancel_one, true);
}

static enum vigil_result
retry_one(struct work *work, int64_t id, bool *needs_runner)
{
	(void)needs_runner;
	return work->fields ? vigil_retry_as(work->vigil, id, &work->task, work->fields)
			    : vigil_retry(work->vigil, id);
}

static int
run_retry(const struct args *args)
{
	struct work work = {.args = args};
	struct fault fault;

	if (!task_options(args, true, &work.task, &work.fields, &fault))
		return cli_fault(&fault);
	return act_on_operands(&work, retry_one, false);
}

static enum vigil_result
hold_one(struct work *work, int64_t id, bool *needs_runner)
{
	(void)needs_runner;
	return vigil_hold(work->vigil, id);
}

static int
run_hold(const struct args *args)
{
	struct work work = {.args = args};

	return act_on_operands(&work, hold_one, false);
}

static enum vigil_result
release_one(struct work *work, int64_t id, bool *needs_runner)
{
	(void)needs_runner;
	return vigil_release(work->vigil, id);
}

static int
run_release(const struct args *args)
{
	struct work work = {.args = args};

	return act_on_operands(&work, release_one, false);
}

const struct command cancel_command = {
    .name = "cancel",
    .run = run_cancel,
    .operands = "ID … | --all",
    .most = ARGS_ANY,
    .summary = "cancel tasks; a live one's session is aborted",
    .options = cancel_options,
    .ids = CLI_OPEN,
};

const struct command retry_command = {
    .name = "retry",
    .run = run_retry,
    .operands = "ID …",
    .least = 1,
    .most = ARGS_ANY,
    .summary = "queue final tasks again, as a new attempt",
    .options = retry_options,
    .details = "With options, as something else: an empty text is the default again.\n",
    .ids = CLI_FINAL,
};

const struct command hold_command = {
    .name = "hold",
    .run = run_hold,
    .operands = "ID …",
    .least = 1,
    .most = ARGS_ANY,
    .summary = "keep queued tasks from starting",
    .options = options,
    .ids = "queued",
};

const struct command release_command = {
    .name = "release",
    .run = run_release,
    .operands = "ID …",
    .least = 1,
    .most = ARGS_ANY,
    .summary = "let held tasks start",
    .options = options,
    .ids = "held",
};
