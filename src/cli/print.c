/*
 * Printing: see print.h.
 */
#include "cli/print.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "base/when.h"
#include "cli/text.h"

enum { WIDTH_DEFAULT = 80, LAST_LEAST = 12, CELL_BYTES = 400 };

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
	return WIDTH_DEFAULT;
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
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	if (!localtime_r(&seconds, &tm) || strftime(out, 32, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		return stamp;
	return out;
}

const char *
print_span(const char *from, const char *to, char out[32])
{
	int64_t from_ms, to_ms = clock_now_ms();

	if (!from || !stamp_parse(from, &from_ms) || (to && !stamp_parse(to, &to_ms)))
		return "";
	return when_say(to_ms > from_ms ? to_ms - from_ms : 0, out);
}

void
print_piece(FILE *file, const char *text)
{
	if (!print_is_terminal(file)) {
		fputs(text, file);
		return;
	}
	char *safe = text_form(text, TEXT_BLOCK);
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

/* ---- tables ------------------------------------------------------------------------------ */

struct table {
	FILE *file;
	const struct column *columns;
	size_t count;
	char **cells; /* of all rows, the head line first; for a terminal only */
	size_t rows, capacity;
	bool has_head;
};

static char *
clean_cell(const char *text)
{
	size_t bytes = text ? strlen(text) : 0;

	if (bytes <= CELL_BYTES)
		return text_form(text, TEXT_LINE);
	char *cut = xstrndup(text, utf8_cut(text, bytes, CELL_BYTES));
	char *clean = text_form(cut, TEXT_LINE);
	free(cut);
	return clean;
}

static char **
add_row(struct table *table)
{
	if (table->rows == table->capacity) {
		table->capacity = table->capacity ? table->capacity * 2 : 64;
		table->cells =
		    xrealloc(table->cells, table->capacity * table->count * sizeof(*table->cells));
	}
	return &table->cells[table->rows++ * table->count];
}

static void
put_row(struct table *table, const char *const *cells)
{
	char **row = print_is_terminal(table->file) ? add_row(table) : NULL;

	for (size_t i = 0; i < table->count; i++) {
		char *cell = clean_cell(cells[i]);

		if (row) {
			row[i] = cell;
			continue;
		}
		fprintf(table->file, "%s%s", i ? "\t" : "", cell);
		free(cell);
	}
	if (!row)
		fputc('\n', table->file);
}

/* Not before there is a row, or the end without a fault: a sentence may come instead. */
static void
put_head(struct table *table)
{
	const char **names;

	if (table->has_head)
		return;
	table->has_head = true;
	names = xcalloc(table->count, sizeof(*names));
	for (size_t i = 0; i < table->count; i++)
		names[i] = table->columns[i].name;
	put_row(table, names);
	free(names);
}

struct table *
table_new(FILE *file, const struct column *columns, size_t count)
{
	struct table *table = xcalloc(1, sizeof(*table));

	*table = (struct table){.file = file, .columns = columns, .count = count};
	return table;
}

void
table_add(struct table *table, const char *const *cells)
{
	put_head(table);
	put_row(table, cells);
}

/* Each as wide as its widest cell; the last has what is left of the terminal. */
static void
find_widths(const struct table *table, size_t *widths)
{
	size_t used = 0, whole = print_width(table->file), last = table->count - 1;

	for (size_t i = 0; i < table->rows * table->count; i++) {
		size_t width = text_width(table->cells[i]);

		if (width > widths[i % table->count])
			widths[i % table->count] = width;
	}
	for (size_t i = 0; i < last; i++)
		used += widths[i] + 2;
	if (used + LAST_LEAST > whole)
		whole = used + LAST_LEAST;
	if (used + widths[last] > whole)
		widths[last] = whole - used;
}

static enum colour
cell_colour(const struct table *table, size_t row, size_t column)
{
	if (row == 0)
		return COLOUR_BOLD;
	return table->columns[column].is_status
		   ? print_status_colour(table->cells[row * table->count + column])
		   : COLOUR_NONE;
}

static void
print_cell(const struct table *table, size_t row, size_t column, size_t width)
{
	const char *cell = table->cells[row * table->count + column];
	size_t own = text_width(cell);
	bool is_cut = own > width, is_last = column + 1 == table->count;
	int blanks = is_cut ? 0 : (int)(width - own);
	enum colour colour = cell_colour(table, row, column);
	size_t bytes = is_cut ? text_fit(cell, width - 1) : strlen(cell);

	if (table->columns[column].is_right)
		fprintf(table->file, "%*s", blanks, "");
	fprintf(table->file, "%s%.*s%s%s",
	    colour == COLOUR_NONE ? "" : print_colour(table->file, colour), (int)bytes, cell,
	    is_cut ? "…" : "", colour == COLOUR_NONE ? "" : print_colour(table->file, COLOUR_NONE));
	if (is_last)
		fputc('\n', table->file);
	else
		fprintf(table->file, "%*s", table->columns[column].is_right ? 2 : blanks + 2, "");
}

void
table_end(struct table *table)
{
	size_t *widths = xcalloc(table->count, sizeof(*widths));

	put_head(table);
	find_widths(table, widths);
	for (size_t row = 0; row < table->rows; row++)
		for (size_t i = 0; i < table->count; i++)
			print_cell(table, row, i, widths[i]);
	free(widths);
}

void
table_free(struct table *table)
{
	for (size_t i = 0; i < table->rows * table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
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
