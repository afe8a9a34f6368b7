/*
 * vigil export, import: tasks as lines of JSON, for keeping and for another database.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/text.h"

#define FILE_READ ((size_t)1 << 30)

static const struct option_spec export_options[] = {
    {0, "since", "TIME", "made since 22:00, 'yesterday 22:00', 2026-01-31, RFC 3339"},
    {0, "json", NULL, "an array in place of lines, for programs: import takes lines"},
    {0, NULL, NULL, NULL},
};

static const struct option_spec import_options[] = {
    {0, "json", NULL, "print {\"tasks\": …, \"here\": …}"},
    {0, NULL, NULL, NULL},
};

struct printed {
	bool is_array;
	size_t count;
};

static bool
print_line(void *arg, const char *line)
{
	struct printed *printed = arg;
	char *safe = text_form(line, TEXT_JSON);

	if (printed->is_array)
		fputs(printed->count ? ",\n" : "[", stdout);
	printf("%s%s", safe, printed->is_array ? "" : "\n");
	printed->count++;
	free(safe);
	return !ferror(stdout);
}

static int
run_export(const struct args *args)
{
	struct vigil *vigil;
	int status = cli_open(args, VIGIL_READ_ONLY, &vigil);

	if (status)
		return status;
	struct printed printed = {.is_array = args_has(args, "json")};
	int64_t left_out;
	enum vigil_result result =
	    vigil_export(vigil, args_get(args, "since"), print_line, &printed, &left_out);
	if (result != VIGIL_OK)
		status = cli_failed(vigil, result);
	else if (printed.is_array)
		puts(printed.count ? "]" : "[]");
	if (left_out)
		cli_say("left out, for they are live: %lld", (long long)left_out);
	vigil_close(vigil);
	return status;
}

static int
import_text(const struct args *args, const struct buf *text)
{
	const char *file = args->operands[0];
	struct vigil *vigil;
	int status = cli_open(args, VIGIL_READ_WRITE, &vigil);

	if (status)
		return status;
	struct vigil_imported done;
	enum vigil_result result = vigil_import(vigil, buf_text(text), text->len,
	    strcmp(file, "-") == 0 ? "standard input" : file, &done);
	if (result != VIGIL_OK) {
		status = cli_failed(vigil, result);
	} else if (args_has(args, "json")) {
		struct json *object = json_object();

		json_add_int(object, "tasks", done.tasks);
		json_add_int(object, "here", done.here);
		print_json(object);
	} else {
		fprintf(stderr, "imported tasks: %lld\n", (long long)done.tasks);
		if (done.here)
			cli_say("left out, for they are here already: %lld", (long long)done.here);
	}
	vigil_close(vigil);
	return status;
}

/* One that is given by mistake, its own perhaps, would be refused as a strange line. */
static bool
check_no_database(const char *name, const struct buf *text, struct fault *fault)
{
	static const char begin[] = "SQLite format 3"; /* and a NUL */

	return text->len < sizeof(begin) || memcmp(text->data, begin, sizeof(begin)) != 0 ||
	       fault_set(fault, FAULT_USAGE,
		   "%s is a database, and not what vigil export prints of one (vigil export --db "
		   "FILE)",
		   name);
}

static int
run_import(const struct args *args)
{
	struct buf text = {0};
	struct fault fault;
	const char *name = args->operands[0];
	bool is_read =
	    file_read(name, FILE_READ, &text, &fault) && check_no_database(name, &text, &fault);
	int status = is_read ? import_text(args, &text) : cli_fault(&fault);

	buf_free(&text);
	return status;
}

const struct command export_command = {
    .name = "export",
    .run = run_export,
    .operands = "",
    .summary = "print tasks with all that belongs to them, one a line, as JSON",
    .options = export_options,
    .details = "Live tasks are left out, and it is said how many.\n",
};

const struct command import_command = {
    .name = "import",
    .run = run_import,
    .operands = "FILE",
    .least = 1,
    .most = 1,
    .summary = "take in what vigil export has printed, all or none; - is standard input",
    .options = import_options,
    .details =
	"Tasks keep their ids where they are free, which they are in a new database; else they\n"
	"have new ones. What is queued in the file is queued then. What is here already is left\n"
	"as it is here.\n",
};
