/*
 * The timeline of the page: a row a slot, a bar an attempt, as SVG. Places across are percentages,
 * so that text keeps its size on a screen of any width.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/when.h"
#include "cli/html.h"
#include "cli/report.h"

enum { AXIS = 22, ROW = 26, BAR = 20, TICKS = 12, ROWS_MOST = 64 };

/* Shorter ones would not be seen, in percent. */
#define SHORTEST 0.25

struct chart {
	struct buf *out;
	const struct night *night;
	int rows;
};

static double
percent(const struct chart *c, int64_t ms)
{
	return 100 * night_place(c->night, ms);
}

static int
top(int slot)
{
	return AXIS + slot * ROW + (ROW - BAR) / 2;
}

/* The second half of them goes where room is short. */
static void
put_axis(const struct chart *c)
{
	size_t count;
	struct tick *ticks = night_ticks(c->night, TICKS, &count);
	int height = AXIS + c->rows * ROW;

	for (size_t i = 0; i < count; i++) {
		double x = 100 * ticks[i].place;
		const char *anchor = x < 4 ? "start" : x > 96 ? "end" : "middle";

		buf_printf(c->out,
		    "<g class=\"tick%s\"><line x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"18\" y2=\"%d\"/>"
		    "<text x=\"%.2f%%\" y=\"13\" text-anchor=\"%s\">%s</text></g>\n",
		    i % 3 ? " fine" : "", x, x, height, x, anchor, ticks[i].text);
	}
	free(ticks);
}

static void
put_rect(const struct chart *c, const char *class, int slot, int64_t from_ms, int64_t to_ms)
{
	double x = percent(c, from_ms), width = percent(c, to_ms) - x;

	if (width < SHORTEST)
		width = SHORTEST;
	if (x + width > 100)
		x = 100 - width;
	buf_printf(c->out,
	    "<rect class=\"%s\" x=\"%.3f%%\" width=\"%.3f%%\" y=\"%d\" height=\"%d\" rx=\"2\"/>",
	    class, x, width, top(slot), BAR);
}

/* "Task 3, attempt 2, failed: 22:10 to 23:00, 50m. What it was about": the span is work. */
static void
put_name(const struct chart *c, const struct bar *bar)
{
	char from[32], to[32], span[32];
	const char *kind = json_text(bar->row, "error_kind");
	bool is_live = strcmp(bar->outcome, "live") == 0;

	buf_printf(c->out, "Task %" PRId64 ", attempt %" PRId64 ", %s", bar->task->id,
	    json_int(bar->row, "number"), is_live ? "at work" : bar->outcome);
	if (kind) {
		buf_puts(c->out, " (");
		html_text(c->out, kind);
		buf_puts(c->out, ")");
	}
	buf_printf(c->out, ": %s to %s, %s. ", night_clock(bar->from_ms, from),
	    is_live ? "now" : night_clock(bar->to_ms, to), when_say(bar->work_ms, span));
	html_text(c->out, bar->task->subject);
}

static void
put_label(const struct chart *c, const struct bar *bar)
{
	double x = percent(c, bar->from_ms), width = percent(c, bar->to_ms) - x;

	if (width >= 2.5)
		buf_printf(c->out,
		    "<text class=\"%s\" aria-hidden=\"true\" x=\"%.3f%%\" dx=\"5\" "
		    "y=\"%d\">%" PRId64 "</text>",
		    width < 9 ? "label fine" : "label", x, top(bar->slot) + 14, bar->task->id);
}

static void
put_bar(const struct chart *c, const struct bar *bar)
{
	int64_t begun = bar->prompted_ms ? bar->prompted_ms : bar->to_ms;

	buf_printf(c->out, "<a href=\"#task-%" PRId64 "\"><title>", bar->task->id);
	put_name(c, bar);
	buf_puts(c->out, "</title>");
	put_rect(c, bar->outcome, bar->slot, bar->from_ms, bar->to_ms);
	if (strcmp(bar->outcome, "failed") == 0)
		put_rect(c, "hatch", bar->slot, bar->from_ms, bar->to_ms);
	if (percent(c, begun) - percent(c, bar->from_ms) > SHORTEST)
		put_rect(c, "begin", bar->slot, bar->from_ms, begun);
	put_label(c, bar);
	buf_puts(c->out, "</a>\n");
}

static void
put_resumption(const struct chart *c, const struct bar *bar, int64_t at)
{
	char clock[32];

	buf_printf(c->out,
	    "<g class=\"resumed\"><title>cut off, and resumed at %s</title>"
	    "<circle cx=\"%.3f%%\" cy=\"%d\" r=\"4\"/></g>\n",
	    night_clock(at, clock), percent(c, at), top(bar->slot) + BAR / 2);
}

static void
put_wait(const struct chart *c, const struct bar *bar, const struct json *mark, int64_t from)
{
	int64_t ended = night_time(mark, "ended_at"), to = ended ? ended : bar->to_ms;
	bool is_ask = strcmp(json_text(mark, "kind"), "ask") == 0;
	char span[32];

	if (to <= c->night->axis_from_ms)
		return;
	buf_printf(c->out, "<g><title>waited %s for %s</title>", when_say(to - from, span),
	    is_ask ? "a person" : "its server");
	put_rect(c, "wait", bar->slot, from, to);
	buf_puts(c->out, "</g>\n");
}

static void
put_mark(const struct chart *c, const struct json *mark)
{
	const struct bar *bar = night_bar(c->night, json_int(mark, "attempt_id"));
	int64_t at = night_time(mark, "began_at");

	if (!bar || bar->slot >= c->rows || at >= c->night->axis_to_ms)
		return;
	if (strcmp(json_text(mark, "kind"), "resumed") != 0)
		put_wait(c, bar, mark, at);
	else if (at >= c->night->axis_from_ms)
		put_resumption(c, bar, at);
}

static void
put_legend(const struct chart *c)
{
	static const struct {
		const char *class, *text;
	} keys[] = {{"completed", "completed"}, {"failed", "failed"}, {"cancelled", "cancelled"},
	    {"live", "at work"}, {"begin", "starting"},
	    {"wait", "waits for a person or its server"}, {"resumed", "cut off, and resumed"}};

	buf_puts(c->out, "<ul class=\"legend\" aria-label=\"Legend\">");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		buf_printf(c->out, "<li><span class=\"key %s\"></span>%s</li>", keys[i].class,
		    keys[i].text);
	buf_puts(c->out, "</ul>\n");
}

void
page_timeline(struct buf *out, const struct night *night)
{
	struct chart c = {out, night, night->slots < ROWS_MOST ? night->slots : ROWS_MOST};

	buf_printf(out,
	    "<svg class=\"timeline\" width=\"100%%\" height=\"%d\" role=\"group\" "
	    "aria-label=\"Timeline: a bar for each attempt, in the order of their beginnings\">\n"
	    "<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
	    "patternTransform=\"rotate(45)\"><line y2=\"6\"/></pattern></defs>\n",
	    AXIS + c.rows * ROW);
	put_axis(&c);
	for (size_t i = 0; i < night->bar_count; i++)
		if (night->bars[i].slot < c.rows && night->bars[i].task)
			put_bar(&c, &night->bars[i]);
	for (const struct json *mark = json_first(night->lists[VIGIL_REPORT_MARK]); mark;
	     mark = json_next(mark))
		put_mark(&c, mark);
	buf_puts(out, "</svg>\n");
	if (night->slots > c.rows)
		buf_printf(out,
		    "<p>%d more rows, of what was under way besides, are not drawn.</p>\n",
		    night->slots - c.rows);
	put_legend(&c);
}
