/*
 * vigil sql: becomes the sqlite3 shell on the database, read-only.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/print.h"

static const struct option_spec options[] = {
    {0, "json", NULL, "print an array of objects"},
    {0, NULL, NULL, NULL},
};

/* Opened once, so that it is known to be ours, and migrated. The caller frees *path. */
static int
find_database(const struct args *args, char **path)
{
	struct vigil *vigil;
	int status = cli_open(args, VIGIL_READ_ONLY, &vigil);

	if (status == 0)
		*path = xstrdup(vigil_database(vigil));
	vigil_close(vigil);
	return status;
}

/* A box for people, what sqlite3 does by itself for pipes. */
static const char *
output_mode(const struct args *args)
{
	if (args_has(args, "json"))
		return "-json";
	return print_is_terminal(stdout) ? "-box" : "-list";
}

static int
run_sql(const struct args *args)
{
	/* A query that begins with a comment is not to be taken for an option. */
	char *query = args->operand_count ? xasprintf("\n%s", args->operands[0]) : NULL;
	char *path = NULL;
	int status = find_database(args, &path);
	const char *const words[] = {
	    "sqlite3", "-readonly", output_mode(args), "-cmd", ".timeout 10000", path, query, NULL};

	if (status == 0) {
		signal(SIGPIPE, SIG_DFL);
		execvp(words[0], (char *const *)(const void *)words);
		cli_say("cannot run sqlite3: %s (on Debian: apt install sqlite3)", strerror(errno));
		status = VIGIL_ENVIRONMENT;
	}
	free(query);
	free(path);
	return status;
}

const struct command sql_command = {
    .name = "sql",
    .run = run_sql,
    .operands = "[QUERY]",
    .most = 1,
    .summary = "the sqlite3 shell on the database, read-only",
    .options = options,
    .details = "Views for people: queue, running, history, nights, problems.\n",
};
