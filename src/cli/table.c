/*
 * Tables: see table.h.
 */
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "cli/print.h"
#include "cli/text.h"

enum {
	GAP = 2,          /* blanks between two columns */
	TEXT_LEAST = 12,  /* columns that a text is left with */
	WORD_LEAST = 6,   /* and a word, where the terminal is very narrow */
	CELL_BYTES = 2000 /* more than the width of any terminal */
};

struct table {
	FILE *file;
	const struct column *columns;
	size_t count;
	char **cells; /* of all rows, the head line first; for a terminal only */
	size_t rows, capacity;
	bool is_terminal, has_head;
};

static char *
clean_cell(const struct table *table, const char *text)
{
	size_t bytes = text ? strlen(text) : 0;

	if (!table->is_terminal || bytes <= CELL_BYTES)
		return print_safe(table->file, text, TEXT_LINE);
	char *cut = xasprintf("%.*s…", (int)utf8_cut(text, bytes, CELL_BYTES), text);
	char *clean = print_safe(table->file, cut, TEXT_LINE);
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
	char **row = table->is_terminal ? add_row(table) : NULL;

	for (size_t i = 0; i < table->count; i++) {
		char *cell = clean_cell(table, cells[i]);

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

	*table = (struct table){
	    .file = file,
	    .columns = columns,
	    .count = count,
	    .is_terminal = print_is_terminal(file),
	};
	return table;
}

void
table_add(struct table *table, const char *const *cells)
{
	put_head(table);
	put_row(table, cells);
}

/* ---- widths ------------------------------------------------------------------------------ */

static bool
is_left_out(const struct table *table, size_t column)
{
	if (!table->columns[column].is_optional)
		return false;
	for (size_t row = 1; row < table->rows; row++)
		if (*table->cells[row * table->count + column])
			return false;
	return true;
}

static void
find_natural_widths(const struct table *table, size_t *widths)
{
	for (size_t i = 0; i < table->rows * table->count; i++) {
		size_t width = text_width(table->cells[i]);

		if (width > widths[i % table->count])
			widths[i % table->count] = width;
	}
	for (size_t i = 0; i < table->count; i++)
		if (is_left_out(table, i))
			widths[i] = 0;
}

/* Is the last of those that are shown. */
static bool
is_last(const struct table *table, const size_t *widths, size_t column)
{
	for (column++; column < table->count; column++)
		if (widths[column])
			return false;
	return true;
}

static size_t
least_width(const struct table *table, const size_t *widths, size_t column, bool with_words)
{
	enum column_form form = table->columns[column].form;

	if (form == COLUMN_TEXT || is_last(table, widths, column))
		return with_words ? WORD_LEAST : TEXT_LEAST;
	return form == COLUMN_WORD && with_words ? WORD_LEAST : widths[column];
}

/* The widest of those that may be narrower loses a column: so the long ones share what there is. */
static bool
narrow_widest(const struct table *table, size_t *widths, bool with_words)
{
	size_t *widest = NULL;

	for (size_t i = 0; i < table->count; i++)
		if (widths[i] > least_width(table, widths, i, with_words) &&
		    (!widest || widths[i] >= *widest))
			widest = &widths[i];
	if (widest)
		--*widest;
	return widest;
}

static size_t
whole_width(const struct table *table, const size_t *widths)
{
	size_t whole = 0;

	for (size_t i = 0; i < table->count; i++)
		whole += widths[i] + (widths[i] && !is_last(table, widths, i) ? GAP : 0);
	return whole;
}

/* Where even that is too narrow, lines are longer than the terminal: what is not cut is read. */
static void
fit_widths(const struct table *table, size_t *widths)
{
	size_t room = print_width(table->file);

	while (whole_width(table, widths) > room)
		if (!narrow_widest(table, widths, false) && !narrow_widest(table, widths, true))
			return;
}

/* ---- printing ---------------------------------------------------------------------------- */

static enum colour
cell_colour(const struct table *table, size_t row, size_t column)
{
	if (row == 0)
		return COLOUR_BOLD;
	return table->columns[column].form == COLUMN_STATUS
		   ? print_status_colour(table->cells[row * table->count + column])
		   : COLOUR_NONE;
}

static void
print_cell(const struct table *table, size_t row, size_t column, size_t width, bool is_end)
{
	char *cell =
	    text_cut(table->cells[row * table->count + column], width, print_ellipsis(table->file));
	int blanks = (int)(width - text_width(cell));
	bool is_right = table->columns[column].form == COLUMN_NUMBER;
	enum colour colour = cell_colour(table, row, column);
	bool is_plain = colour == COLOUR_NONE;

	fprintf(table->file, "%*s%s%s%s", is_right ? blanks : 0, "",
	    is_plain ? "" : print_colour(table->file, colour), cell,
	    is_plain ? "" : print_colour(table->file, COLOUR_NONE));
	if (!is_end)
		fprintf(table->file, "%*s", (is_right ? 0 : blanks) + GAP, "");
	free(cell);
}

/* The head line has a name for columns that are left out, too. */
static bool
is_row_over(const struct table *table, const size_t *widths, size_t row, size_t after)
{
	for (size_t i = after + 1; i < table->count; i++)
		if (widths[i] && *table->cells[row * table->count + i])
			return false;
	return true;
}

/* The last text of a row has the room of the empty cells after it. */
static void
print_row(const struct table *table, size_t row, const size_t *widths)
{
	size_t left = whole_width(table, widths);

	for (size_t i = 0; i < table->count; i++) {
		bool is_end = is_row_over(table, widths, row, i);

		if (!widths[i])
			continue;
		bool has_room = is_end && table->columns[i].form != COLUMN_NUMBER;
		print_cell(table, row, i, has_room ? left : widths[i], is_end);
		if (is_end)
			break;
		left -= widths[i] + GAP;
	}
	fputc('\n', table->file);
}

void
table_end(struct table *table)
{
	put_head(table);
	if (!table->is_terminal)
		return;
	size_t *widths = xcalloc(table->count, sizeof(*widths));
	find_natural_widths(table, widths);
	fit_widths(table, widths);
	for (size_t row = 0; row < table->rows; row++)
		print_row(table, row, widths);
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
