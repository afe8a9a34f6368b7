/*
 * vigil sql: the sqlite3 shell on the database, read-only.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/text.h"

extern char **environ;

static const struct option_spec options[] = {
    {0, "json", NULL, "print an array of objects"},
    {0, "csv", NULL, "print comma-separated values, the columns' names first"},
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

static int
cannot_run(int error)
{
	cli_say("cannot run sqlite3: %s (on Debian: apt install sqlite3)", strerror(error));
	return VIGIL_ENVIRONMENT;
}

/* SQLite's result codes, for a query that is wrong: the other one where it names no table, for
 * which the schema has not been read then. */
enum { SHELL_ERROR = 1, SHELL_SCHEMA = 17 };

/* Its status for a query is such a code; others are for what the database or the disk refuses. A
 * reader that has had enough is no fault. */
static int
status_of(int ended)
{
	if (WIFSIGNALED(ended))
		return WTERMSIG(ended) == SIGPIPE ? 0 : VIGIL_ENVIRONMENT;
	switch (WEXITSTATUS(ended)) {
	case 0:
		return 0;
	case SHELL_ERROR:
	case SHELL_SCHEMA:
		return VIGIL_USAGE;
	default:
		return VIGIL_ENVIRONMENT;
	}
}

/* With SIGPIPE as it is by default, and `output`, if it is not -1, as its standard output. An
 * errno; 0: it runs. */
static int
spawn_shell(const char *const *words, int output, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	int error = 0;

	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&actions);
	if (output >= 0)
		error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (!error)
		error = posix_spawnp(pid, words[0], &actions, &attributes,
		    (char *const *)(const void *)words, environ);
	if (!error) { /* Ctrl-C is the shell's: it ends a query with it */
		signal(SIGINT, SIG_IGN);
		signal(SIGQUIT, SIG_IGN);
	}
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return error;
}

/* A line as it is for a pipe; for a terminal without what it obeys. */
static bool
hand_on(char *line, size_t bytes, enum text_form form)
{
	bool is_ended = bytes && line[bytes - 1] == '\n';

	if (!print_is_terminal(stdout))
		return fwrite(line, 1, bytes, stdout) == bytes;
	if (is_ended)
		line[bytes - 1] = '\0';
	/* JSON stays the same document, wherever it is shown. */
	char *safe = form == TEXT_JSON ? text_form(line, form) : print_safe(stdout, line, form);
	bool is_done = fputs(safe, stdout) >= 0 && (!is_ended || putchar('\n') != EOF);
	free(safe);
	return is_done;
}

/* Hands on what it prints. False: it was nothing. */
static bool
forward(FILE *output, enum text_form form)
{
	bool is_something = false;
	char *line = NULL;
	size_t room = 0;
	ssize_t bytes;

	while ((bytes = getline(&line, &room, output)) > 0) {
		is_something = true;
		if (!hand_on(line, (size_t)bytes, form))
			break;
	}
	free(line);
	return is_something;
}

static int
await(pid_t pid)
{
	int ended = 0;

	while (waitpid(pid, &ended, 0) < 0)
		if (errno != EINTR)
			return VIGIL_ENVIRONMENT;
	return status_of(ended);
}

static int
run_shell(const char *const *words)
{
	pid_t pid;
	int error = spawn_shell(words, -1, &pid);

	return error ? cannot_run(error) : await(pid);
}

/* The shell prints nothing for no rows, which is no JSON; what cannot be written it does not say;
 * and to a terminal it sends what is in a text as it is. */
static int
run_shell_through(const char *const *words, bool is_json)
{
	int output[2];

	if (pipe(output) != 0)
		return cannot_run(errno);
	fcntl(output[0], F_SETFD, FD_CLOEXEC);
	fcntl(output[1], F_SETFD, FD_CLOEXEC);
	pid_t pid;
	int error = spawn_shell(words, output[1], &pid);
	close(output[1]);
	FILE *stream = fdopen(output[0], "r");
	bool is_something = !error && stream && forward(stream, is_json ? TEXT_JSON : TEXT_BLOCK);
	if (stream)
		fclose(stream); /* where standard output has failed, the shell ends by this */
	else
		close(output[0]);
	if (error)
		return cannot_run(error);
	int status = await(pid);
	if (status == 0 && is_json && !is_something)
		fputs("[]\n", stdout);
	return status;
}

/* -safe keeps even a command of the shell itself from writing anything, -init a person's own
 * settings from making of the output what nobody expects; and -batch, undone for a person who
 * types, its word about these. Columns for people; for a pipe what sqlite3 does by itself. */
static const char *const common[] = {
    "sqlite3", "-batch", "-init", "/dev/null", "-readonly", "-safe", "-cmd", ".timeout 10000"};
static const char *const json_mode[] = {"-json", NULL};
static const char *const csv_mode[] = {"-csv", "-header", NULL};
static const char *const list_mode[] = {"-list", NULL};
static const char *const column_mode[] = {"-column", "-header", "-nullvalue", "NULL", NULL};

static const char *const *
output_mode(const struct args *args)
{
	if (args_has(args, "json"))
		return json_mode;
	if (args_has(args, "csv"))
		return csv_mode;
	return print_is_terminal(stdout) ? column_mode : list_mode;
}

static int
run_on(const struct args *args, const char *path, const char *query)
{
	const char *words[24];
	size_t count = sizeof(common) / sizeof(common[0]);

	memcpy(words, common, sizeof(common));
	for (const char *const *mode = output_mode(args); *mode; mode++)
		words[count++] = *mode;
	bool is_typed = !query && print_is_terminal(stdin);
	if (is_typed)
		words[count++] = "-interactive";
	words[count++] = path;
	words[count++] = query;
	words[count] = NULL;

	bool is_json = args_has(args, "json");
	if (is_json || !is_typed)
		return run_shell_through(words, is_json);
	return run_shell(words);
}

static int
run_sql(const struct args *args)
{
	/* A query that begins with a comment is not to be taken for an option. */
	const char *typed = args->operand_count ? args->operands[0] : NULL;
	char *query = typed && *typed == '-' ? xasprintf("\n%s", typed) : xstrdup(typed);
	char *path = NULL;
	int status = args_has(args, "json") && args_has(args, "csv")
			 ? cli_usage("--json and --csv are both given; one of them is enough")
			 : find_database(args, &path);

	if (status == 0)
		status = run_on(args, path, query);
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
    .details =
	"On a terminal: columns under their names, NULL for what is none. In a pipe: a line a\n"
	"row, | between, no names; --csv and --json have them. Without QUERY it reads\n"
	"standard input; on a terminal it is the shell itself, in which nothing can be\n"
	"written: .output, .open, ATTACH and the like are refused too.\n"
	"Views for people: queue, running, history, nights; failures, retried, slowest, waits,\n"
	"spans, days, models, agents; problems.\n"
	"exit status: 0 done, 2 the query is wrong, 5 the database cannot be read, or would "
	"be written\n",
};
