/*
 * vigil version
 */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/print.h"

static const struct option_spec options[] = {
    {0, "json", NULL, "print {\"version\": …}"},
    {0, NULL, NULL, NULL},
};

static int
run_version(const struct args *args)
{
	/* `vigil COMMAND --version` comes here too, with that command's options. */
	if (args->command != &version_command || !args_has(args, "json")) {
		printf("vigil %s\n", vigil_version());
		return 0;
	}
	struct json *json = json_object();
	json_add_text(json, "version", vigil_version());
	print_json(json);
	return 0;
}

const struct command version_command = {
    .name = "version",
    .run = run_version,
    .operands = "",
    .summary = "print the version",
    .options = options,
};
