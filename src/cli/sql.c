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

extern char **environ;

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
cannot_run(int error)
{
	cli_say("cannot run sqlite3: %s (on Debian: apt install sqlite3)", strerror(error));
	return VIGIL_ENVIRONMENT;
}

/* Its status for a query is SQLite's result code: SQLITE_ERROR where the query is wrong, others for
 * what the database or the disk refuses. A reader that has had enough is no fault. */
static int
status_of(int ended)
{
	if (WIFSIGNALED(ended))
		return WTERMSIG(ended) == SIGPIPE ? 0 : VIGIL_ENVIRONMENT;
	if (WEXITSTATUS(ended) == 0)
		return 0;
	return WEXITSTATUS(ended) == 1 ? VIGIL_USAGE : VIGIL_ENVIRONMENT;
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

/* Hands on what it prints. False: it was nothing. */
static bool
forward(int fd)
{
	char bytes[65536];
	bool is_something = false;
	ssize_t count;

	while ((count = read(fd, bytes, sizeof(bytes))) > 0 || (count < 0 && errno == EINTR)) {
		is_something = is_something || count > 0;
		if (count > 0 && fwrite(bytes, 1, (size_t)count, stdout) < (size_t)count)
			break;
	}
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

/* The shell prints nothing for no rows, which is no JSON. */
static int
run_shell_for_json(const char *const *words)
{
	int output[2];

	if (pipe(output) != 0)
		return cannot_run(errno);
	fcntl(output[0], F_SETFD, FD_CLOEXEC);
	fcntl(output[1], F_SETFD, FD_CLOEXEC);
	pid_t pid;
	int error = spawn_shell(words, output[1], &pid);
	close(output[1]);
	bool is_something = !error && forward(output[0]);
	close(output[0]); /* where standard output has failed, the shell ends by this */
	if (error)
		return cannot_run(error);
	int status = await(pid);
	if (status == 0 && !is_something)
		fputs("[]\n", stdout);
	return status;
}

static int
run_sql(const struct args *args)
{
	/* A query that begins with a comment is not to be taken for an option. */
	const char *typed = args->operand_count ? args->operands[0] : NULL;
	char *query = typed && *typed == '-' ? xasprintf("\n%s", typed) : xstrdup(typed);
	char *path = NULL;
	int status = find_database(args, &path);
	const char *const words[] = {
	    "sqlite3", "-readonly", output_mode(args), "-cmd", ".timeout 10000", path, query, NULL};

	if (status == 0)
		status = args_has(args, "json") ? run_shell_for_json(words) : run_shell(words);
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
    .details = "Views for people: queue, running, history, nights, problems.\n"
	       "exit status: 0 done, 2 the query is wrong, 5 the database cannot be read, or would "
	       "be written\n",
};
