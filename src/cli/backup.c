/*
 * vigil backup: a copy of the database, while everything runs.
 */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/print.h"

static const struct option_spec options[] = {
    {0, "json", NULL, "print {\"file\": …, \"bytes\": …}"},
    {0, NULL, NULL, NULL},
};

static void
print_made(const struct args *args, int64_t bytes)
{
	const char *file = args->operands[0];

	if (args_has(args, "json")) {
		struct json *object = json_object();

		json_add_text(object, "file", file);
		json_add_int(object, "bytes", bytes);
		print_json(object);
	} else {
		fprintf(stderr, "backed up, and checked: %.1f MB\n", (double)bytes / 1e6);
	}
}

static int
run_backup(const struct args *args)
{
	struct vigil *vigil;
	int status = cli_open(args, VIGIL_READ_ONLY, &vigil);

	if (status)
		return status;
	int64_t bytes;
	enum vigil_result result = vigil_backup(vigil, args->operands[0], &bytes);
	if (result == VIGIL_OK)
		print_made(args, bytes);
	else
		status = cli_failed(vigil, result);
	vigil_close(vigil);
	return status;
}

const struct command backup_command = {
    .name = "backup",
    .run = run_backup,
    .operands = "FILE",
    .least = 1,
    .most = 1,
    .summary = "copy the database to a new FILE, while everything runs",
    .options = options,
    .details =
	"The copy is of one moment, checked, and readable only by you. It grows as FILE.part;\n"
	"what is called FILE is whole. No password is in it. To go back to it: end the\n"
	"runner, move vigil.db, vigil.db-wal and vigil.db-shm away together, and copy FILE to\n"
	"vigil.db.\n",
};
