/*
 * vigil prune: old tasks are deleted.
 */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/print.h"

static const struct option_spec options[] = {
    {0, "older-than", "DUR", "those that ended longer ago than 12h, 30d; 0: all that have ended"},
    {0, "dry-run", NULL, "only say how many"},
    {0, "json", NULL, "print {\"tasks\": …, \"dry_run\": …}"},
    {0, NULL, NULL, NULL},
};

static void
print_count(const struct args *args, int64_t count)
{
	bool is_dry_run = args_has(args, "dry-run");

	if (args_has(args, "json")) {
		struct json *object = json_object();

		json_add_int(object, "tasks", count);
		json_add_bool(object, "dry_run", is_dry_run);
		print_json(object);
	} else {
		printf("%lld task%s %sdeleted\n", (long long)count, count == 1 ? "" : "s",
		    is_dry_run ? "would be " : "");
	}
}

static int
run_prune(const struct args *args)
{
	int64_t age_ms, count;
	struct fault fault;

	if (!args_has(args, "older-than"))
		return cli_usage("prune needs --older-than DUR (vigil prune --help says more)");
	if (!args_duration(args, "older-than", &age_ms, &fault))
		return cli_fault(&fault);
	struct vigil *vigil;
	int status = cli_open(args, VIGIL_EXISTING, &vigil);
	if (status)
		return status;
	enum vigil_result result = vigil_prune(vigil, age_ms, args_has(args, "dry-run"), &count);
	if (result != VIGIL_OK)
		status = cli_failed(vigil, result);
	if (result == VIGIL_OK || count)
		print_count(args, count);
	vigil_close(vigil);
	return status;
}

const struct command prune_command = {
    .name = "prune",
    .run = run_prune,
    .required = "--older-than DUR",
    .operands = "",
    .summary = "delete old tasks that have ended, and what belongs to them",
    .options = options,
    .details =
	"Attempts, transcripts, asks and events go with their task. Never one that is not final,\n"
	"nor one that an open task comes after. A runner goes on meanwhile, and what is no longer\n"
	"used of the file is given back.\n",
};
