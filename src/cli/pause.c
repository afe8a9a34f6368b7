/*
 * vigil pause, resume: the whole queue.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/print.h"

static const struct option_spec options[] = {
    {0, "json", NULL, "print {\"paused_at\": …, \"changed\": …}"},
    {0, NULL, NULL, NULL},
};

typedef enum vigil_result change_fn(struct vigil *, bool *changed);

static void
print_state(const struct args *args, const char *since, bool changed)
{
	char time[32];

	if (args_has(args, "json")) {
		struct json *object = json_object();

		json_add_text(object, "paused_at", since);
		json_add_bool(object, "changed", changed);
		print_json(object);
	} else if (since) {
		fprintf(stderr,
		    "the queue is paused%s%s: what is live goes on, nothing new starts\n",
		    changed ? "" : " already, since ", changed ? "" : print_time(since, time));
	} else {
		fprintf(stderr, "%s\n", changed ? "the queue goes on" : "the queue is not paused");
	}
}

static int
change(const struct args *args, change_fn *fn)
{
	struct vigil *vigil;
	int status = cli_open(args, VIGIL_EXISTING, &vigil);

	if (status)
		return status;
	bool changed;
	char *since = NULL;
	enum vigil_result result = fn(vigil, &changed);
	if (result == VIGIL_OK)
		result = vigil_paused(vigil, &since);
	if (result == VIGIL_OK)
		print_state(args, since, changed);
	else
		status = cli_failed(vigil, result);
	free(since);
	vigil_close(vigil);
	return status;
}

static int
run_pause(const struct args *args)
{
	return change(args, vigil_pause);
}

static int
run_resume(const struct args *args)
{
	return change(args, vigil_resume);
}

const struct command pause_command = {
    .name = "pause",
    .run = run_pause,
    .operands = "",
    .summary = "start nothing new until vigil resume; what is live goes on",
    .options = options,
    .details =
	"Tasks can be queued meanwhile. vigil run --drain ends once nothing is live, and leaves\n"
	"what is queued; vigil wait waits for it.\n",
};

const struct command resume_command = {
    .name = "resume",
    .run = run_resume,
    .operands = "",
    .summary = "let a paused queue go on",
    .options = options,
};
