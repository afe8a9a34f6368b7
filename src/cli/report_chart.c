/*
 * The timeline on a terminal: a line a slot, a character for as long as there is room for, and what
 * each of them stands for.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/print.h"
#include "cli/report.h"

enum { SLOTS_MOST = 12, TICK_COLUMNS = 9 };

/* How a cell of a row looks, from what may be covered to what must be seen. */
static const struct look {
	const char *outcome, *word, *glyph;
	char letter;
	enum colour colour;
} looks[] = {
    {NULL, NULL, " ", ' ', COLOUR_NONE},
    {"completed", "completed", "█", '=', COLOUR_GREEN},
    {"live", "at work", "▓", '>', COLOUR_CYAN},
    {"wait", "waits", "·", '.', COLOUR_DIM},
    {"cancelled", "cancelled", "░", '-', COLOUR_YELLOW},
    {"failed", "failed", "▒", 'x', COLOUR_RED},
};

enum { LOOKS = sizeof(looks) / sizeof(looks[0]) };

/* A row a slot: the look of each cell, and the character of a label in it, or NUL. */
struct chart {
	FILE *file;
	const struct night *night;
	bool is_utf8;
	size_t columns, rows;
	unsigned char *looks;
	char *labels;
	bool has[LOOKS];
};

static unsigned char
look_of(const char *outcome)
{
	unsigned char look = LOOKS - 1;

	while (look > 0 && strcmp(looks[look].outcome, outcome) != 0)
		look--;
	return look;
}

static size_t
column_of(const struct chart *chart, int64_t ms)
{
	size_t column = (size_t)(night_place(chart->night, ms) * (double)chart->columns);

	return column < chart->columns ? column : chart->columns - 1;
}

static void
draw_span(struct chart *chart, size_t row, size_t from, size_t to, unsigned char look)
{
	for (size_t i = from; i <= to; i++) {
		unsigned char *cell = &chart->looks[row * chart->columns + i];

		if (*cell < look)
			*cell = look;
	}
	chart->has[look] = true;
}

/* The task's id, where there is room for it and something of the bar. */
static void
draw_label(struct chart *chart, size_t row, size_t from, size_t to, int64_t id)
{
	char label[24];
	size_t length = (size_t)snprintf(label, sizeof(label), "%" PRId64, id);

	if (to - from < length)
		return;
	memcpy(&chart->labels[row * chart->columns + from], label, length);
}

static void
draw_bar(struct chart *chart, const struct bar *bar)
{
	size_t from = column_of(chart, bar->from_ms), to = column_of(chart, bar->to_ms);
	size_t row = (size_t)bar->slot;

	if (row >= chart->rows)
		return;
	/* What ends where the next one begins leaves it that cell. */
	if (to > from && to + 1 < chart->columns)
		to--;
	memset(&chart->labels[row * chart->columns + from], 0, to - from + 1);
	draw_span(chart, row, from, to, look_of(bar->outcome));
	draw_label(chart, row, from, to, bar->task ? bar->task->id : 0);
}

static void
draw_wait(struct chart *chart, const struct json *mark)
{
	const struct bar *bar = night_bar(chart->night, json_int(mark, "attempt_id"));
	int64_t ended = night_time(mark, "ended_at");

	if (!bar || (size_t)bar->slot >= chart->rows ||
	    strcmp(json_text(mark, "kind"), "resumed") == 0)
		return;
	size_t from = column_of(chart, night_time(mark, "began_at"));
	size_t to = column_of(chart, ended ? ended : bar->to_ms);
	/* It hides its own bar, but no end of it. */
	for (size_t i = from + 1; i < to; i++)
		chart->looks[(size_t)bar->slot * chart->columns + i] = look_of("wait");
	chart->has[look_of("wait")] |= to > from + 1;
}

static size_t
used_cells(const struct chart *chart, size_t row)
{
	size_t used = chart->columns;

	while (used > 0 && !chart->looks[row * chart->columns + used - 1])
		used--;
	return used;
}

/* A label is shown in the bar's own colour. */
static void
print_cells(const struct chart *chart, size_t row)
{
	enum colour colour = COLOUR_NONE;

	for (size_t i = 0; i < used_cells(chart, row); i++) {
		size_t cell = row * chart->columns + i;
		const struct look *look = &looks[chart->looks[cell]];
		char own[2] = {chart->labels[cell] ? chart->labels[cell] : look->letter};
		bool is_own = chart->labels[cell] || !chart->is_utf8;

		if (look->colour != colour)
			fprintf(chart->file, "%s%s", print_colour(chart->file, COLOUR_NONE),
			    look->colour == COLOUR_NONE ? ""
							: print_colour(chart->file, look->colour));
		colour = look->colour;
		fputs(is_own ? own : look->glyph, chart->file);
	}
	fprintf(chart->file, "%s\n", print_colour(chart->file, COLOUR_NONE));
}

static void
print_axis(const struct chart *chart)
{
	size_t count, used = 0;
	struct tick *ticks = night_ticks(chart->night, chart->columns / TICK_COLUMNS, &count);

	fputs("  ", chart->file);
	for (size_t i = 0; i < count; i++) {
		size_t at = (size_t)(ticks[i].place * (double)chart->columns);

		if (at < used + (i > 0) || at + strlen(ticks[i].text) + 1 > chart->columns)
			continue;
		used += (size_t)fprintf(chart->file, "%*s%s%s", (int)(at - used), "",
			    chart->is_utf8 ? "╷" : "|", ticks[i].text) -
			(chart->is_utf8 ? strlen("╷") - 1 : 0);
	}
	fputc('\n', chart->file);
	free(ticks);
}

static void
print_legend(const struct chart *chart)
{
	fputs(" ", chart->file);
	for (size_t i = 1; i < LOOKS; i++)
		if (chart->has[i])
			fprintf(chart->file, " %s%.*s%s %s ",
			    print_colour(chart->file, looks[i].colour), chart->is_utf8 ? 9 : 1,
			    chart->is_utf8 ? looks[i].glyph : &looks[i].letter,
			    print_colour(chart->file, COLOUR_NONE), looks[i].word);
	fputc('\n', chart->file);
}

static void
draw(struct chart *chart)
{
	const struct night *night = chart->night;

	chart->looks = xcalloc(chart->columns, chart->rows);
	chart->labels = xcalloc(chart->columns, chart->rows);
	for (size_t i = 0; i < night->bar_count; i++)
		draw_bar(chart, &night->bars[i]);
	for (const struct json *mark = json_first(night->lists[VIGIL_REPORT_MARK]); mark;
	     mark = json_next(mark))
		draw_wait(chart, mark);
}

void
report_chart(FILE *file, const struct night *night, size_t columns, bool is_utf8)
{
	size_t slots = (size_t)night->slots;
	struct chart chart = {.file = file,
	    .night = night,
	    .is_utf8 = is_utf8,
	    .columns = columns,
	    .rows = slots < SLOTS_MOST ? slots : SLOTS_MOST};

	draw(&chart);
	print_axis(&chart);
	for (size_t row = 0; row < chart.rows; row++) {
		fputs("  ", file);
		print_cells(&chart, row);
	}
	if (slots > chart.rows)
		fprintf(file, "  and %zu more at the same time\n", slots - chart.rows);
	print_legend(&chart);
	free(chart.looks);
	free(chart.labels);
}
