/*
 * vigil report: what happened in the night.
 */
#define _GNU_SOURCE /* mkostemp(), which POSIX has since 2024; realpath() */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/print.h"
#include "cli/report.h"

static const struct option_spec options[] = {
    {0, "since", "TIME",
	"22:00, 'yesterday 22:00', 2026-01-31, RFC 3339; default: 12 hours before"},
    {0, "until", "TIME", "the same; default: now"},
    {0, "html", "FILE", "write one page that needs nothing else; - is standard output"},
    {0, "json", NULL,
	"print one object: total, tasks, attempts, marks, refused, asks, held, blocked"},
    {0, NULL, NULL, NULL},
};

struct reading {
	struct night night;
	FILE *html; /* NULL: no page */
	struct page *page;
};

static bool
take_row(void *arg, enum vigil_report_part part, const struct vigil_row *row)
{
	struct reading *reading = arg;

	if (part <= VIGIL_REPORT_TOTAL)
		night_take(&reading->night, part, row);
	else
		page_take(reading->page, part, row);
	if (part == VIGIL_REPORT_TOTAL && reading->html)
		reading->page = page_new(reading->html, &reading->night);
	return !reading->html || !ferror(reading->html);
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

/* 0 after all was written, or said. */
static int
read_night(const struct args *args, struct vigil *vigil, FILE *html)
{
	struct reading reading = {.html = html};
	struct vigil_range range = {
	    .since = args_get(args, "since"),
	    .until = args_get(args, "until"),
	    .text_limit = html ? PAGE_TEXT : 0,
	};
	enum vigil_result result = vigil_report(vigil, &range, take_row, &reading);
	int status = result == VIGIL_OK ? 0 : cli_failed(vigil, result);

	if (reading.page)
		page_end(reading.page);
	if (result == VIGIL_OK && !html)
		print_night(args, &reading.night);
	night_free(&reading.night);
	return status;
}

/* ---- the page ------------------------------------------------------------------------------- */

static int
cannot_write(const char *name)
{
	cli_say("%s cannot be written: %s", name, strerror(errno));
	return VIGIL_ENVIRONMENT;
}

/* The page grows in `part`, a template of mkostemp(), which makes it ours alone; and becomes `name`
 * as a whole. */
static int
write_page(const struct args *args, struct vigil *vigil, const char *name, char *part)
{
	int fd = mkostemp(part, O_CLOEXEC);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (!file) {
		int status = cannot_write(name);

		if (fd >= 0) {
			close(fd);
			unlink(part);
		}
		return status;
	}
	int status = read_night(args, vigil, file);
	bool is_written = !ferror(file) && fflush(file) == 0 && fsync(fd) == 0;
	if (fclose(file) != 0 || !is_written)
		status = status ? status : cannot_write(name);
	if (!status && rename(part, name) != 0)
		status = cannot_write(name);
	if (status)
		unlink(part);
	return status;
}

/* Or one of the files that belong to it. They are not opened, which could drop SQLite's locks. */
static bool
is_database(const struct vigil *vigil, const struct stat *info)
{
	static const char *const ends[] = {"", "-wal", "-shm", ".lock", ".password", ".server.log"};
	bool is_one = false;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]) && !is_one; i++) {
		char *path = xasprintf("%s%s", vigil_database(vigil), ends[i]);
		struct stat own;

		is_one = stat(path, &own) == 0 && own.st_dev == info->st_dev &&
			 own.st_ino == info->st_ino;
		free(path);
	}
	return is_one;
}

static int
write_file(const struct args *args, struct vigil *vigil, const char *name)
{
	struct stat info;
	bool is_there = stat(name, &info) == 0;

	/* Renaming would put a file in the place of a device or a pipe. */
	if (is_there && !S_ISREG(info.st_mode))
		return cli_usage("--html '%s': that is no file; - is standard output", name);
	if (is_there && is_database(vigil, &info))
		return cli_usage("--html '%s': that is the database's", name);
	/* What a link leads to is what is replaced. */
	char *real = realpath(name, NULL);
	char *part = xasprintf("%s.part-XXXXXX", real ? real : name);
	int status = write_page(args, vigil, real ? real : name, part);
	free(part);
	free(real);
	return status;
}

static int
run_report(const struct args *args)
{
	const char *html = args_get(args, "html");
	struct vigil *vigil;

	if (html && args_has(args, "json"))
		return cli_usage("--html and --json are both given; one of them is enough");
	if (html && !*html)
		return cli_usage("--html '': a file is to be named; - is standard output");
	int status = cli_open(args, VIGIL_READ_ONLY, &vigil);
	if (status)
		return status;
	if (!html)
		status = read_night(args, vigil, NULL);
	else if (strcmp(html, "-") == 0)
		status = read_night(args, vigil, stdout);
	else
		status = write_file(args, vigil, html);
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
	"What counts is all that was under way between the two times, and what is at work: its\n"
	"tokens and cost as a whole, of its work what is between them; tasks by how they stand\n"
	"now.\n",
};
