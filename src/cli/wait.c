/*
 * vigil wait: until tasks are final. On a terminal, one line says how far it is.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/when.h"
#include "cli/cli.h"
#include "cli/print.h"

static const struct option_spec options[] = {
    {0, "any", NULL, "until one of them is final"},
    {0, "timeout", "DUR", "no longer than this"},
    {0, "json", NULL, "print {\"queued\", …, \"seconds\", \"tasks\": [{\"id\", \"status\"}]}"},
    {0, NULL, NULL, NULL},
};

struct waited {
	struct vigil_progress last;
	struct cli_watch watch;
};

static void
add_part(struct buf *line, int count, const char *word)
{
	if (count)
		buf_printf(line, "%s%d %s", line->len ? ", " : "", count, word);
}

/* "3 queued, 2 running, 5 done, 1 failed · 2m", in place of the line before. */
static void
show_progress(const struct vigil_progress *progress)
{
	struct buf line = {0};

	add_part(&line, progress->queued, "queued");
	add_part(&line, progress->held, "held");
	add_part(&line, progress->live, "running");
	add_part(&line, progress->completed, "done");
	add_part(&line, progress->failed, "failed");
	add_part(&line, progress->cancelled, "cancelled");
	char time[32];
	if (progress->waited_ms >= 1000)
		buf_printf(&line, " · %s", when_say(progress->waited_ms, time));
	fprintf(stderr, "\r\033[K%s", buf_text(&line));
	fflush(stderr);
	buf_free(&line);
}

static bool
take_progress(void *arg, const struct vigil_progress *progress)
{
	struct waited *waited = arg;

	waited->last = *progress;
	cli_watch(&waited->watch, progress);
	if (waited->watch.is_line_open)
		show_progress(progress);
	return true;
}

static void
add_task(struct json *array, struct vigil *vigil, int64_t id)
{
	struct json *object = json_add_object(array, NULL);
	char *status = cli_field(vigil, id, VIGIL_TASK, "status");

	json_add_int(object, "id", id);
	json_add_text(object, "status", status);
	free(status);
}

static void
print_object(const struct args *args, struct vigil *vigil, const int64_t *ids,
    const struct vigil_progress *progress)
{
	struct json *object = json_object(), *tasks;

	json_add_int(object, "queued", progress->queued);
	json_add_int(object, "held", progress->held);
	json_add_int(object, "live", progress->live);
	json_add_int(object, "completed", progress->completed);
	json_add_int(object, "failed", progress->failed);
	json_add_int(object, "cancelled", progress->cancelled);
	json_add_number(object, "seconds", (double)progress->waited_ms / 1000);
	tasks = json_add_array(object, "tasks");
	for (int i = 0; i < args->operand_count; i++)
		add_task(tasks, vigil, ids[i]);
	print_json(object);
}

static int
wait_for(const struct args *args, struct vigil *vigil, const int64_t *ids, int64_t timeout_ms)
{
	struct waited waited = {.watch = {.is_line_open = print_is_terminal(stderr)}};
	enum vigil_result result = vigil_wait(vigil, ids, (size_t)args->operand_count,
	    args_has(args, "any"), timeout_ms, take_progress, &waited);

	if (waited.watch.is_line_open)
		fputc('\n', stderr);
	if (result != VIGIL_OK)
		cli_failed(vigil, result);
	if (args_has(args, "json") &&
	    (result == VIGIL_OK || result == VIGIL_FAILED || result == VIGIL_TIMEOUT))
		print_object(args, vigil, ids, &waited.last);
	return (int)result;
}

static int
run_wait(const struct args *args)
{
	int64_t timeout_ms = -1;
	struct fault fault;

	if (!args_duration(args, "timeout", &timeout_ms, &fault))
		return cli_fault(&fault);
	int64_t *ids = cli_ids(args);
	if (!ids)
		return VIGIL_USAGE;
	struct vigil *vigil;
	int status = cli_open(args, VIGIL_READ_ONLY, &vigil);
	if (status == 0)
		status = wait_for(args, vigil, ids, timeout_ms);
	vigil_close(vigil);
	free(ids);
	return status;
}

const struct command wait_command = {
    .name = "wait",
    .run = run_wait,
    .operands = "[ID …]",
    .most = ARGS_ANY,
    .summary = "until they are final; none named: until all is done",
    .options = options,
    .details = "exit status: 0 all completed, 1 one failed or was cancelled, 4 --timeout passed\n",
    .ids = CLI_OPEN,
};
