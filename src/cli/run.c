/*
 * vigil run: the runner, in the foreground. Each thing it does is a line on standard error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/text.h"

static const struct option_spec options[] = {
    {0, "drain", NULL, "end once nothing is queued or live"},
    {0, "server", "URL", "use this OpenCode server in place of its own"},
    {0, NULL, NULL, NULL},
};

static void
print_line(void *arg, const char *line)
{
	char stamp[STAMP_SIZE], time[32], *safe = text_form(line, TEXT_LINE);

	(void)arg;
	stamp_format(clock_now_ms(), stamp);
	fprintf(stderr, "%s%s%s  %s\n", print_colour(stderr, COLOUR_DIM), print_time(stamp, time),
	    print_colour(stderr, COLOUR_NONE), safe);
	free(safe);
}

static bool
is_url(const char *text)
{
	return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

static int
run_run(const struct args *args)
{
	struct vigil_run_options run = {
	    .drain = args_has(args, "drain"),
	    .server_url = args_get(args, "server"),
	    .log = print_line,
	};
	enum vigil_result result;
	struct vigil *vigil;
	int status;

	if (run.server_url && !is_url(run.server_url))
		return cli_usage(
		    "--server '%s' is not an address like http://127.0.0.1:4096", run.server_url);
	status = cli_open(args, VIGIL_READ_WRITE, &vigil);
	if (status)
		return status;
	result = vigil_run(vigil, &run);
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
    .details = "Ctrl-C stops it in order: agents go on, and the next vigil run takes them up.\n",
};
