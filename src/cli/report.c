/*
 * vigil report: what happened in the night.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/print.h"
#include "cli/report.h"

static const struct option_spec options[] = {
    {0, "since", "TIME",
	"22:00, 'yesterday 22:00', 2026-01-31, RFC 3339; default: 12 hours before"},
    {0, "until", "TIME", "the same; default: now"},
    {0, "json", NULL, "print one object: total, tasks, attempts, marks, asks, held, blocked"},
    {0, NULL, NULL, NULL},
};

static bool
take_row(void *night, enum vigil_report_part part, const struct vigil_row *row)
{
	night_take(night, part, row);
	return true;
}

static void
print_night(const struct args *args, struct night *night)
{
	if (args_has(args, "json")) {
		print_json(night->json);
		night->json = NULL; /* it is freed */
	} else {
		report_text(stdout, night);
	}
}

static int
run_report(const struct args *args)
{
	struct vigil_range range = {
	    .since = args_get(args, "since"), .until = args_get(args, "until")};
	struct vigil *vigil;
	int status = cli_open(args, VIGIL_READ_ONLY, &vigil);

	if (status)
		return status;
	struct night night = {0};
	enum vigil_result result = vigil_report(vigil, &range, take_row, &night);
	if (result == VIGIL_OK)
		print_night(args, &night);
	else
		status = cli_failed(vigil, result);
	night_free(&night);
	vigil_close(vigil);
	return status;
}

const struct command report_command = {
    .name = "report",
    .run = run_report,
    .operands = "",
    .summary = "what happened in the night, and what needs you",
    .options = options,
    .details =
	"What counts is all that was under way between the two times, as a whole, and what is at\n"
	"work; tasks by how they stand now.\n",
};
