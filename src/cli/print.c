/*
 * Printing: see print.h; tables are in table.c.
 */
#include "cli/print.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/when.h"

enum { WIDTH_DEFAULT = 80 };

/* ---- the terminal ------------------------------------------------------------------------ */

bool
print_is_terminal(FILE *file)
{
	return isatty(fileno(file)) == 1;
}

size_t
print_width(FILE *file)
{
	const char *columns = getenv("COLUMNS");
	long named = columns ? strtol(columns, NULL, 10) : 0;
	struct winsize size = {0};

	if (named > 0)
		return (size_t)named;
	if (ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return print_is_terminal(file) ? WIDTH_DEFAULT : PRINT_UNCUT;
}

static bool
is_plain(FILE *file)
{
	return !text_locale_is_utf8() && print_is_terminal(file); /* in the order of cost */
}

const char *
print_ellipsis(FILE *file)
{
	return is_plain(file) ? "..." : "…";
}

char *
print_safe(FILE *file, const char *text, enum text_form form)
{
	char *safe = text_form(text, form);

	if (!is_plain(file))
		return safe;
	char *ascii = text_ascii(safe);
	free(safe);
	return ascii;
}

static bool
wants_colours(FILE *file)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return print_is_terminal(file) && !(no_color && *no_color) && term &&
	       strcmp(term, "dumb") != 0;
}

const char *
print_colour(FILE *file, enum colour colour)
{
	static const char *const sequences[] = {
	    [COLOUR_NONE] = "\033[0m",
	    [COLOUR_BOLD] = "\033[1m",
	    [COLOUR_DIM] = "\033[2m",
	    [COLOUR_RED] = "\033[31m",
	    [COLOUR_GREEN] = "\033[32m",
	    [COLOUR_YELLOW] = "\033[33m",
	    [COLOUR_CYAN] = "\033[36m",
	};

	return wants_colours(file) ? sequences[colour] : "";
}

enum colour
print_status_colour(const char *status)
{
	static const struct {
		const char *status;
		enum colour colour;
	} colours[] = {
	    {"starting", COLOUR_CYAN},
	    {"running", COLOUR_CYAN},
	    {"stopping", COLOUR_CYAN},
	    {"completed", COLOUR_GREEN},
	    {"failed", COLOUR_RED},
	    {"cancelled", COLOUR_YELLOW},
	    {"held", COLOUR_DIM},
	};

	for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++)
		if (strcmp(colours[i].status, status) == 0)
			return colours[i].colour;
	return COLOUR_NONE;
}

/* ---- times and text ---------------------------------------------------------------------- */

const char *
print_time(const char *stamp, char out[32])
{
	int64_t ms;

	if (!stamp || !stamp_parse(stamp, &ms))
		return stamp ? stamp : "";
	return when_local(ms, out);
}

const char *
print_when(FILE *file, const char *stamp, char out[32])
{
	int64_t ms;

	if (!print_is_terminal(file) || !stamp || !stamp_parse(stamp, &ms))
		return print_time(stamp, out);
	return when_relative(ms, clock_now_ms(), out);
}

const char *
print_seconds(const char *seconds, char out[32])
{
	return seconds ? when_say((int64_t)(strtod(seconds, NULL) * 1000), out) : "";
}

void
print_piece(FILE *file, const char *text)
{
	if (!print_is_terminal(file)) {
		fputs(text, file);
		return;
	}
	char *safe = print_safe(file, text, TEXT_BLOCK);
	fputs(safe, file);
	free(safe);
}

void
print_text(FILE *file, const char *text)
{
	size_t bytes = strlen(text);

	print_piece(file, text);
	if (bytes == 0 || text[bytes - 1] != '\n')
		fputc('\n', file);
}

/* ---- rows and JSON ----------------------------------------------------------------------- */

const char *
row_get(const struct vigil_row *row, const char *name)
{
	for (size_t i = 0; i < row->count; i++)
		if (strcmp(row->names[i], name) == 0)
			return row->values[i];
	return NULL;
}

static void
add_value(struct json *object, const char *name, const char *text, bool is_number)
{
	char *clean;

	if (text && is_number && !text[strspn(text, "-0123456789")]) {
		json_add_int(object, name, strtoll(text, NULL, 10));
	} else if (text && is_number) {
		json_add_number(object, name, strtod(text, NULL));
	} else if (text) {
		clean = text_form(text, TEXT_UTF8);
		json_add_text(object, name, clean);
		free(clean);
	} else {
		json_add_text(object, name, NULL);
	}
}

struct json *
json_of_row(const struct vigil_row *row, const char *without)
{
	struct json *object = json_object();

	for (size_t i = 0; i < row->count; i++)
		if (!without || strcmp(row->names[i], without) != 0)
			add_value(object, row->names[i], row->values[i], row->is_number[i]);
	return object;
}

static void
put_json(const struct json *json)
{
	char *text = json_print(json), *safe = text_form(text, TEXT_JSON);

	fputs(safe, stdout);
	free(safe);
	free(text);
}

void
print_json(struct json *json)
{
	put_json(json);
	fputc('\n', stdout);
	json_free(json);
}

void
json_list_add(struct json_list *list, struct json *json)
{
	fputs(list->count++ ? ",\n" : "[", stdout);
	put_json(json);
	json_free(json);
}

void
json_list_end(struct json_list *list)
{
	fputs(list->count ? "]\n" : "[]\n", stdout);
}
