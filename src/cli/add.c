/*
 * vigil add: one task from the command line or standard input, or many from a file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/task.h"

#define FILE_READ ((size_t)1 << 30)

static const struct option_spec options[] = {
    TASK_OPTION_AGENT,
    TASK_OPTION_MODEL,
    TASK_OPTION_VARIANT,
    TASK_OPTION_DESCRIPTION,
    {'C', "directory", "DIR", "where it works (default: here)"},
    TASK_OPTION_PARENT,
    TASK_OPTION_PRIORITY,
    TASK_OPTION_AT,
    TASK_OPTION_IN,
    {0, "after", "ID[,ID]", "only once these have completed"},
    {0, "key", "KEY", "not twice: prints the id of the open task with this key, if any"},
    TASK_OPTION_MUTEX,
    TASK_OPTION_ATTEMPTS,
    TASK_OPTION_TIMEOUT,
    {0, "hold", NULL, "keep it from starting until vigil release"},
    {0, "file", "FILE.jsonl", "one task a line, all or none; - is standard input"},
    {0, "json", NULL, "print [{\"id\": …, \"existed\": …}]"},
    {0, NULL, NULL, NULL},
};

/* What the command line says, with what it owns. */
struct request {
	const struct args *args;
	struct vigil_task task;
	struct buf input;
	char *here;
	int64_t *after;
	struct json *printed; /* an array; NULL: plain lines */
	size_t queued;        /* new tasks, and their ids' range */
	int64_t first, last;
};

static bool
read_after(struct request *request, const char *list, struct fault *fault)
{
	bool good = true;

	if (!list)
		return true;
	request->after = xcalloc(strlen(list) + 1, sizeof(*request->after));
	request->task.after = request->after;
	for (const char *at = list; at && good; at = strchr(at, ',')) {
		at += at > list; /* past the comma */
		char *word = xstrndup(at, strcspn(at, ","));

		good = args_id(word, &request->after[request->task.after_count++], fault);
		free(word);
	}
	return good || fault_set(fault, FAULT_USAGE, "--after '%s': %s", list, fault->text);
}

static bool
read_directory(struct request *request, struct fault *fault)
{
	if (request->task.directory)
		return true;
	request->here = getcwd(NULL, 0);
	request->task.directory = request->here;
	return request->here || fault_set(fault, FAULT_ENV,
				    "the working directory cannot be had: %s", strerror(errno));
}

static bool
read_options(struct request *request, struct fault *fault)
{
	const struct args *args = request->args;
	unsigned fields;

	request->task.hold = args_has(args, "hold");
	return task_options(args, false, &request->task, &fields, fault) &&
	       read_after(request, args_get(args, "after"), fault) &&
	       read_directory(request, fault);
}

static bool
read_prompt(struct request *request, struct fault *fault)
{
	const char *typed = request->args->operand_count ? request->args->operands[0] : NULL;

	return task_prompt(typed, &request->input, &request->task, fault);
}

static void
print_added(void *arg, int64_t id, bool existed)
{
	struct request *request = arg;

	if (existed) {
		cli_say("an open task has this key already: %lld", (long long)id);
	} else {
		request->first = request->queued++ ? request->first : id;
		request->last = id;
	}
	if (!request->printed) {
		printf("%lld\n", (long long)id);
		return;
	}
	struct json *object = json_add_object(request->printed, NULL);
	json_add_int(object, "id", id);
	json_add_bool(object, "existed", existed);
}

/* What is queued is queued, even if nobody could be told its id: it is not to be queued again. */
static int
check_printed(const struct request *request)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	if (request->queued == 1)
		cli_say("queued as task %lld, but its id could not be printed",
		    (long long)request->first);
	else if (request->queued)
		cli_say("queued as tasks %lld to %lld, but their ids could not be printed",
		    (long long)request->first, (long long)request->last);
	return VIGIL_ENVIRONMENT;
}

static int
add_one(struct request *request, struct vigil *vigil)
{
	bool existed;
	int64_t id;
	enum vigil_result result = vigil_add(vigil, &request->task, &id, &existed);

	if (result != VIGIL_OK)
		return cli_failed(vigil, result);
	print_added(request, id, existed);
	return 0;
}

static int
add_lines(struct request *request, struct vigil *vigil, const char *file)
{
	const char *name = strcmp(file, "-") == 0 ? "standard input" : file;
	enum vigil_result result = vigil_add_lines(vigil, buf_text(&request->input),
	    request->input.len, name, &request->task, print_added, request);

	return result == VIGIL_OK ? 0 : cli_failed(vigil, result);
}

static bool
read_request(struct request *request, const char *file, struct fault *fault)
{
	if (!read_options(request, fault))
		return false;
	return file ? file_read(file, FILE_READ, &request->input, fault)
		    : read_prompt(request, fault);
}

static int
add_request(struct request *request)
{
	const char *file = args_get(request->args, "file");

	if (file && request->args->operand_count)
		return cli_usage("a prompt ('%s') and --file %s are both given",
		    request->args->operands[0], file);
	struct fault fault;
	if (!read_request(request, file, &fault))
		return cli_fault(&fault);
	struct vigil *vigil;
	int status = cli_open(request->args, VIGIL_READ_WRITE, &vigil);
	if (status)
		return status;
	if (args_has(request->args, "json"))
		request->printed = json_array();
	status = file ? add_lines(request, vigil, file) : add_one(request, vigil);
	if (status == 0 && request->printed)
		print_json(request->printed);
	else
		json_free(request->printed);
	vigil_close(vigil);
	return status ? status : check_printed(request);
}

static int
run_add(const struct args *args)
{
	struct request request = {.args = args};
	int status = add_request(&request);

	buf_free(&request.input);
	free(request.here);
	free(request.after);
	return status;
}

const struct command add_command = {
    .name = "add",
    .run = run_add,
    .operands = "[PROMPT]",
    .most = 1,
    .summary = "queue a task; prints its id once it is safe on the disk",
    .options = options,
    .details =
	"Without PROMPT, or with -, the prompt is read from standard input. A line of FILE.jsonl\n"
	"is an object with the keys prompt, description, agent, model, variant, directory,\n"
	"parent_session, priority, not_before (or at, in), after, key, mutex, timeout_s (or\n"
	"timeout), max_attempts and hold; options given beside --file are each line's defaults.\n",
};
