/*
 * vigil: the commands there are.
 */
#include <stddef.h>

#include "cli/cli.h"

static const struct command *const commands[] = {
    &add_command,
    &run_command,
    &list_command,
    &show_command,
    &result_command,
    &wait_command,
    &follow_command,
    &attach_command,
    &cancel_command,
    &retry_command,
    &hold_command,
    &release_command,
    &edit_command,
    &pause_command,
    &resume_command,
    &report_command,
    &asks_command,
    &answer_command,
    &sql_command,
    &prune_command,
    &backup_command,
    &export_command,
    &import_command,
    &doctor_command,
    &version_command,
    &help_command_itself,
    &complete_command,
    NULL,
};

int
main(int argc, char **argv)
{
	return cli_main(commands, argc, argv);
}
