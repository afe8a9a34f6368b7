/*
 * vigil help [COMMAND]; all of it is made from the tables that parsing uses.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/text.h"

enum { OPTION_COLUMN = 26, OPERAND_COLUMN = 12 };

void
help_short(void)
{
	fputs("usage: vigil [--db FILE] [--config FILE] COMMAND …\n"
	      "\n"
	      "  vigil add 'What the agent is to do'   queue a task\n"
	      "  vigil run                             work on what is queued\n"
	      "  vigil list                            see how it goes\n"
	      "  vigil result ID                       read an answer\n"
	      "  vigil help                            all commands\n",
	    stderr);
}

static void
print_options(const char *title, const struct option_spec *table)
{
	if (!table || !table->name)
		return;
	printf("\n%s:\n", title);
	for (; table->name; table++) {
		char *form = xasprintf("%c%c%s --%s%s%s", table->letter ? '-' : ' ',
		    table->letter ? table->letter : ' ', table->letter ? "," : " ", table->name,
		    table->arg ? " " : "", table->arg ? table->arg : "");

		if (strlen(form) > OPTION_COLUMN)
			printf("  %s\n  %-*s  %s\n", form, OPTION_COLUMN, "", table->help);
		else
			printf("  %-*s  %s\n", OPTION_COLUMN, form, table->help);
		free(form);
	}
}

void
help_command(const struct command *command)
{
	printf("usage: vigil %s%s%s%s%s%s\n\n%s\n", command->name, command->required ? " " : "",
	    command->required ? command->required : "",
	    command->options && command->options->name ? " [options]" : "",
	    *command->operands ? " " : "", command->operands, command->summary);
	if (command->details)
		printf("\n%s", command->details);
	print_options("options", command->options);
	print_options("options of every command", general_options);
}

static void
print_summary(const struct command *command)
{
	printf("  %-8s  %s%*s  %s\n", command->name, command->operands,
	    OPERAND_COLUMN - (int)text_width(command->operands), "", command->summary);
}

void
help_all(const struct command *const *commands)
{
	printf("usage: vigil [--db FILE] [--config FILE] COMMAND …\n\n"
	       "Queues tasks for OpenCode agents, runs them through the night, and keeps what came "
	       "of them.\n\ncommands:\n");
	for (; *commands; commands++)
		if (!(*commands)->is_hidden)
			print_summary(*commands);
	print_options("options of every command", general_options);
	printf(
	    "\nThe database is --db FILE, $VIGIL_DB, or ~/.local/state/vigil/vigil.db; the\n"
	    "configuration --config FILE, $VIGIL_CONFIG, or ~/.config/vigil/config.json.\n"
	    "\nexit status: 0 done (result, wait: completed), 1 the task failed or was cancelled,\n"
	    "2 not understood, 3 no such task, 4 timed out or not final, 5 environment\n");
}

static int
run_help(const struct args *args)
{
	if (args->operand_count == 0) {
		help_all(args->commands);
		return 0;
	}
	struct fault fault;
	const struct command *command = command_find(args->commands, args->operands[0], &fault);
	if (!command)
		return cli_fault(&fault);
	help_command(command);
	return 0;
}

const struct command help_command_itself = {
    .name = "help",
    .run = run_help,
    .operands = "[COMMAND]",
    .most = 1,
    .summary = "say what there is, or what a command takes",
};
