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

static int
run_attach(const struct args *args)
{
	struct vigil_command command;
	struct vigil *vigil;
	struct fault fault;
	int64_t id;

	if (!args_id(args->operands[0], &id, &fault))
		return cli_fault(&fault);
	int status = cli_open(args, VIGIL_READ_ONLY, &vigil);
	if (status)
		return status;
	enum vigil_result result = VIGIL_ENVIRONMENT;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		cli_say("attach needs a terminal, for input and output (vigil follow needs none)");
	else if ((result = vigil_attach_command(vigil, id, say_waiting, NULL, &command)))
		cli_failed(vigil, result);
	vigil_close(vigil);
	return result == VIGIL_OK ? become(&command) : (int)result;
}

const struct command attach_command = {
    .name = "attach",
    .run = run_attach,
    .operands = "ID",
    .least = 1,
    .most = 1,
    .summary = "the task's session in OpenCode's own interface",
    .options = options,
    .details =
	"Waits for the session if the task has none yet. Leaving the interface does not end "
	"the task.\n"
	"exit status: OpenCode's own; 3 no such task or session, 5 its server is not there\n",
    .ids = CLI_LIVE,
};
