/*
 * vigil run: the runner, in the foreground. Each thing it does is a line on standard error.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/refuse.h"
#include "base/url.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/text.h"

static const struct option_spec options[] = {
    {0, "drain", NULL, "end once nothing is live, and nothing queued will start by itself"},
    {0, "server", "URL", "use this OpenCode server in place of its own"},
    {0, "tmux", NULL, "show each running task in a pane of tmux"},
    {0, "no-tmux", NULL, "show none, whatever the configuration says"},
    {0, NULL, NULL, NULL},
};

static void
print_line(void *arg, const char *line)
{
	char stamp[STAMP_SIZE], time[32], *safe = print_safe(stderr, line, TEXT_LINE);

	(void)arg;
	stamp_format(clock_now_ms(), stamp);
	fprintf(stderr, "%s%s%s  %s\n", print_colour(stderr, COLOUR_DIM), print_time(stamp, time),
	    print_colour(stderr, COLOUR_NONE), safe);
	free(safe);
}

static bool
check_server(const char *url, struct fault *fault)
{
	enum url_form form = url ? url_form(url) : URL_GOOD;

	if (form == URL_HAS_USER)
		return fault_set(fault, FAULT_USAGE, "--server has a user or a password in it: %s",
		    URL_PASSWORD_PLACE);
	return form == URL_GOOD || refuse_text(fault, "--server", url, "is not " URL_ACCEPTED);
}

static bool
check_tmux(const struct args *args, struct fault *fault)
{
	return !args_has(args, "tmux") || !args_has(args, "no-tmux") ||
	       fault_set(fault, FAULT_USAGE, "--tmux and --no-tmux exclude each other");
}

static int
run_run(const struct args *args)
{
	struct vigil_run_options run = {
	    .drain = args_has(args, "drain"),
	    .server_url = args_get(args, "server"),
	    .tmux = args_has(args, "no-tmux") ? VIGIL_TMUX_OFF
		    : args_has(args, "tmux")  ? VIGIL_TMUX_ON
					      : VIGIL_TMUX_AS_CONFIGURED,
	    .log = print_line,
	};
	struct fault fault;

	if (!check_server(run.server_url, &fault) || !check_tmux(args, &fault))
		return cli_fault(&fault);
	struct vigil *vigil;
	int status = cli_open(args, VIGIL_READ_WRITE, &vigil);
	if (status)
		return status;
	enum vigil_result result = vigil_run(vigil, &run);
	status = result == VIGIL_OK ? 0 : cli_failed(vigil, result);
	vigil_close(vigil);
	return status;
}

const struct command run_command = {
    .name = "run",
    .run = run_run,
    .operands = "",
    .summary = "work on what is queued, in the foreground",
    .options = options,
    .details =
	"Ctrl-C stops it in order: agents go on, and the next vigil run takes them up.\n"
	"\n"
	"With --drain it waits for what is live, and for what is queued and starts by itself, "
	"which\n"
	"a task with a time does (--at, --in) however far that is, and what comes after one. It "
	"does\n"
	"not wait for what a person is to let go on: what is held, what comes after a task that\n"
	"failed, was cancelled or deleted, or is held, and while the queue is paused all that is\n"
	"queued; nor for what is live on a server that it does not drive.\n",
};
