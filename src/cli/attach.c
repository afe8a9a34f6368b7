/*
 * vigil attach: becomes OpenCode's own interface, on the task's session.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/print.h"

extern char **environ;

static const struct option_spec options[] = {
    CLI_SESSION_OPTION,
    CLI_PANE_OPTION,
    {0, NULL, NULL, NULL},
};

static void
say_waiting(void *arg, const char *line)
{
	(void)arg;
	cli_say("%s", line);
}

/* Only returns if it cannot be done. */
static int
become(struct vigil_command *command)
{
	char **own = environ;

	signal(SIGPIPE, SIG_DFL);
	environ = command->environment;
	execvp(command->argv[0], command->argv);
	environ = own;
	cli_say("cannot run `%s`: %s (set server.command in the configuration, or install it: "
		"npm install -g opencode-ai)",
	    command->argv[0], strerror(errno));
	vigil_command_free(command);
	return VIGIL_ENVIRONMENT;
}

static enum vigil_result
find_command(struct vigil *vigil, int64_t id, const char *session, struct vigil_command *command)
{
	return session ? vigil_attach_session_command(vigil, session, command)
		       : vigil_attach_command(vigil, id, say_waiting, NULL, command);
}

static int
run_attach(const struct args *args)
{
	struct vigil_command command = {0};
	struct vigil *vigil;
	const char *session;
	int64_t id;
	int status = cli_subject(args, &id, &session);

	if (!status)
		status = cli_open(args, VIGIL_READ_ONLY, &vigil);
	if (status)
		return status;
	enum vigil_result result = VIGIL_ENVIRONMENT;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		cli_say("attach needs a terminal, for input and output (vigil follow needs none)");
	else if ((result = find_command(vigil, id, session, &command)))
		cli_failed(vigil, result);
	vigil_close(vigil);
	return result == VIGIL_OK ? become(&command) : (int)result;
}

const struct command attach_command = {
    .name = "attach",
    .run = run_attach,
    .operands = "ID",
    .least = 0,
    .most = 1,
    .summary = "the task's session in OpenCode's own interface",
    .options = options,
    .details =
	"Waits for the session if the task has none yet. Leaving the interface does not end "
	"the task.\n"
	"It may not show what was asked before it was opened: vigil asks does. When a server of\n"
	"vigil's has died and was started again, it shows the old picture: attach once more.\n"
	"A subagent's session can be named in place of a task: --session SESSION.\n"
	"exit status: OpenCode's own; 3 no such task or session, 5 its server is not there\n",
    .ids = CLI_LIVE,
};
