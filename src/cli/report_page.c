/*
 * The page of a night: its head with the policy that lets nothing in but what is in it, the sums,
 * what needs a person, the timeline, the table; and the tasks one by one, as their texts come.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/when.h"
#include "cli/html.h"
#include "cli/print.h"
#include "cli/report.h"
#include "page.inc"

/* What a browser on a phone still scrolls through; later texts are left out, and it is said. */
enum { TEXTS_MOST = 24 << 20 };

struct page {
	FILE *file;
	const struct night *night;
	struct buf out; /* not written yet */
	size_t written;
	const struct night_task *task; /* whose part is open; NULL: none */
	size_t at;                     /* of the tasks: the next one */
	bool has_transcript;           /* its list is open */
	bool said_left_out;
};

static void
flush(struct page *page)
{
	if (page->out.len)
		fwrite(page->out.data, 1, page->out.len, page->file);
	page->written += page->out.len;
	buf_clear(&page->out);
}

static void
put_lines(struct buf *out, const char *const *lines)
{
	for (; *lines; lines++)
		buf_puts(out, *lines);
}

/* ---- the head ------------------------------------------------------------------------------- */

/* "The night of 2026-01-31", or which days. */
static void
put_title(struct buf *out, const struct night *night)
{
	char from[32], to[32];
	bool is_night = night->to_ms - night->from_ms < 24 * INT64_C(3600000);

	night_day(night->from_ms, from);
	night_day(night->to_ms, to);
	if (strcmp(from, to) == 0)
		buf_puts(out, from);
	else if (is_night)
		buf_printf(out, "The night of %s", from);
	else
		buf_printf(out, "%s to %s", from, to);
}

static void
put_head(struct buf *out, const struct night *night)
{
	char range[96];

	night_range(night, range);
	buf_printf(out,
	    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	    "style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'\">\n"
	    "<meta name=\"referrer\" content=\"no-referrer\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	    "<meta name=\"color-scheme\" content=\"light dark\">\n"
	    "<title>vigil: %s</title>\n<style>",
	    report_css_hash, report_js_hash, range);
	put_lines(out, report_css);
	buf_puts(out, "</style>\n</head>\n<body>\n");
	if (night->task_count)
		buf_puts(out, "<a class=\"skip\" href=\"#tasks\">Skip to the tasks</a>\n");
	buf_puts(out, "<header>\n<h1>");
	put_title(out, night);
	buf_printf(out, "</h1>\n<p class=\"range\">%s</p>\n</header>\n<main>\n", range);
}

/* ---- sums ----------------------------------------------------------------------------------- */

static void __attribute__((format(printf, 4, 5)))
put_tile(struct buf *out, const char *class, const char *name, const char *format, ...)
{
	va_list args;

	buf_printf(out, "<div class=\"tile %s\"><dt>%s</dt><dd>", class, name);
	va_start(args, format);
	buf_vprintf(out, format, args);
	va_end(args);
	buf_puts(out, "</dd></div>\n");
}

static void
put_outcomes(struct buf *out, const struct json *total)
{
	static const struct {
		const char *column, *class, *name;
		bool is_always;
	} tiles[] = {
	    {"completed", "completed", "completed", true},
	    {"failed", "failed", "failed", true},
	    {"cancelled", "cancelled", "cancelled", false},
	    {"live", "live", "at work", false},
	    {"waiting", "queued", "queued again", false},
	};

	for (size_t i = 0; i < sizeof(tiles) / sizeof(tiles[0]); i++) {
		int64_t count = json_int(total, tiles[i].column);

		if (count || tiles[i].is_always)
			put_tile(
			    out, count ? tiles[i].class : "", tiles[i].name, "%" PRId64, count);
	}
}

static void
put_sums(struct buf *out, const struct night *night)
{
	const struct json *total = night->total;
	char span[32], in[32], outs[32];

	buf_puts(out, "<section aria-labelledby=\"sums\">\n<h2 id=\"sums\">Sums</h2>\n"
		      "<dl class=\"tiles\">\n");
	put_outcomes(out, total);
	put_tile(out, "", "of work", "%s", when_say(json_int(total, "work_ms"), span));
	put_tile(out, "", "tokens in", "%s", night_count(json_int(total, "tokens_input"), in));
	put_tile(out, "", "tokens out", "%s", night_count(json_int(total, "tokens_output"), outs));
	put_tile(out, "", "cost", "$%.2f", json_number(total, "cost"));
	put_tile(out, "", "attempts", "%" PRId64, json_int(total, "attempts"));
	if (json_int(total, "resumes"))
		put_tile(out, "", "resumed", "%" PRId64, json_int(total, "resumes"));
	if (json_int(total, "refused"))
		put_tile(out, "", "asks refused", "%" PRId64, json_int(total, "refused"));
	buf_puts(out, "</dl>\n</section>\n");
}

/* ---- what failed ----------------------------------------------------------------------------- */

static void
put_next(struct buf *out, const char *next)
{
	if (!next)
		return;
	buf_puts(out, "<span class=\"next\">Next: ");
	html_text(out, next);
	buf_puts(out, "</span>");
}

static void
put_failed(struct buf *out, const struct night *night)
{
	if (!json_int(night->total, "failed"))
		return;
	buf_puts(out, "<section aria-labelledby=\"failed\">\n<h2 id=\"failed\">What failed, and "
		      "why</h2>\n<ul class=\"failures\">\n");
	for (size_t i = 0; i < night->task_count; i++) {
		const struct json *row = night->tasks[i].row;
		const char *error = json_text(row, "error");

		if (strcmp(night->tasks[i].status, "failed") != 0)
			continue;
		char *line = xstrndup(error ? error : "", error ? strcspn(error, "\n") : 0);
		buf_printf(out,
		    "<li><a href=\"#task-%" PRId64 "\"><span class=\"id\">%" PRId64 "</span> ",
		    night->tasks[i].id, night->tasks[i].id);
		page_subject(out, row, "subject");
		buf_printf(out, "</a> <span class=\"badge failed\">%s</span> <bdi class=\"why\">",
		    json_text(row, "error_kind") ? json_text(row, "error_kind") : "failed");
		html_text(out, line);
		buf_puts(out, "</bdi>");
		put_next(out, json_text(row, "next"));
		buf_puts(out, "</li>\n");
		free(line);
	}
	buf_puts(out, "</ul>\n</section>\n");
}

/* ---- the table ------------------------------------------------------------------------------ */

static const struct head {
	const char *name, *class;
} heads[] = {
    {"task", "right"},
    {"outcome", ""},
    {"what", "what"},
    {"model", "fine"},
    {"began", "fine"},
    {"took", "right"},
    {"attempts", "right fine"},
    {"tokens", "right fine"},
    {"cost", "right fine"},
};

/* It may be broken behind its provider. */
static void
put_model(struct buf *out, const char *model)
{
	size_t provider = model ? strcspn(model, "/") : 0;

	if (model && model[provider]) {
		char *name = xstrndup(model, provider + 1);

		html_text(out, name);
		buf_puts(out, "<wbr>");
		free(name);
		model += provider + 1;
	}
	html_text(out, model);
}

static void
put_sums_of(struct buf *out, const struct night_task *task)
{
	int64_t tokens = task->tokens_input + task->tokens_output;
	int64_t attempts = json_int(task->row, "attempts");
	char span[32], count[32];

	buf_printf(out, "<td class=\"right\" data-v=\"%" PRId64 "\">%s</td>", task->work_ms,
	    task->bars ? when_say(task->work_ms, span) : "");
	buf_printf(out,
	    "<td class=\"right fine\" data-v=\"%" PRId64 "\">%" PRId64
	    "</td><td class=\"right fine\" data-v=\"%" PRId64
	    "\">%s</td><td class=\"right fine\" data-v=\"%.6f\">$%.2f</td></tr>\n",
	    attempts, attempts, tokens, night_count(tokens, count), task->cost, task->cost);
}

static void
put_table_row(struct buf *out, const struct night *night, const struct night_task *task)
{
	int64_t began = task->first_bar ? task->first_bar->from_ms : 0;
	bool is_night = night->to_ms - night->from_ms < 24 * INT64_C(3600000);
	char clock[32];

	buf_printf(out,
	    "<tr data-status=\"%s\"><td class=\"right\" data-v=\"%" PRId64 "\">%" PRId64
	    "</td><td><span class=\"badge %s\">%s</span></td><th scope=\"row\" class=\"what\">"
	    "<a href=\"#task-%" PRId64 "\"><bdi>",
	    task->status, task->id, task->id, task->status, task->status, task->id);
	html_text(out, task->subject);
	buf_puts(out, "</bdi></a></th><td class=\"model fine\"><bdi>");
	put_model(out, night_model(task));
	buf_printf(out, "</bdi></td><td class=\"fine\" data-v=\"%" PRId64 "\">%s</td>", began,
	    began ? night_clock(began, clock) + (is_night ? 6 : 0) : "");
	put_sums_of(out, task);
}

/* The controls are there once the script is. */
static void
put_controls(struct buf *out, const struct night *night)
{
	static const char *const statuses[] = {"completed", "failed", "cancelled", "running",
	    "starting", "stopping", "queued", "held"};

	buf_puts(out,
	    "<div class=\"controls\" hidden><label>Find <input id=\"find\" type=\"search\" "
	    "autocomplete=\"off\"></label>\n<label>Outcome <select id=\"status\">"
	    "<option value=\"\">all</option>");
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		buf_printf(out, "<option>%s</option>", statuses[i]);
	buf_printf(out, "</select></label>\n<p id=\"shown\" role=\"status\">%zu tasks</p></div>\n",
	    night->task_count);
}

static void
put_table(struct buf *out, const struct night *night)
{
	buf_puts(out,
	    "<section aria-labelledby=\"tasks\">\n<h2 id=\"tasks\" tabindex=\"-1\">Tasks</h2>\n");
	put_controls(out, night);
	buf_puts(out,
	    "<table id=\"table\"><caption class=\"hidden\">The tasks; a head sorts by its "
	    "column</caption>\n<thead><tr>");
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		buf_printf(out, "<th scope=\"col\" class=\"%s\"%s>%s</th>", heads[i].class,
		    i == 0 ? " aria-sort=\"ascending\"" : "", heads[i].name);
	buf_puts(out, "</tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < night->task_count; i++)
		put_table_row(out, night, &night->tasks[i]);
	buf_puts(out, "</tbody></table>\n</section>\n");
}

/* ---- the tasks ------------------------------------------------------------------------------ */

struct page *
page_new(FILE *file, const struct night *night)
{
	struct page *page = xcalloc(1, sizeof(*page));

	*page = (struct page){.file = file, .night = night};
	put_head(&page->out, night);
	put_sums(&page->out, night);
	page_needs(&page->out, night);
	put_failed(&page->out, night);
	if (night->bar_count) {
		buf_puts(&page->out, "<section aria-labelledby=\"timeline\">\n"
				     "<h2 id=\"timeline\">Timeline</h2>\n");
		page_timeline(&page->out, night);
		buf_puts(&page->out, "</section>\n");
	}
	if (!night->task_count) {
		buf_puts(&page->out, "<p class=\"note\">Nothing was under way.</p>\n");
	} else {
		put_table(&page->out, night);
		buf_puts(&page->out,
		    "<section aria-labelledby=\"each\">\n<h2 id=\"each\">One by one</h2>\n"
		    "<p class=\"controls\" hidden><button type=\"button\" id=\"open\">Open all"
		    "</button></p>\n");
	}
	flush(page);
	return page;
}

static void
end_transcript(struct page *page)
{
	if (page->has_transcript)
		buf_puts(&page->out, "</ol></details>\n");
	page->has_transcript = false;
}

static void
close_task(struct page *page)
{
	if (!page->task)
		return;
	end_transcript(page);
	page_task_end(&page->out);
	page->task = NULL;
	flush(page);
}

static bool
has_room(struct page *page)
{
	if (page->written + page->out.len < TEXTS_MOST)
		return true;
	if (!page->said_left_out && page->task) {
		end_transcript(page);
		buf_printf(&page->out,
		    "<p class=\"note\">What is left of the texts is left out, since the page has "
		    "become large: <code>vigil show %" PRId64
		    "</code> has prompt and answer, <code>vigil follow %" PRId64
		    "</code> the transcript.</p>\n",
		    page->task->id, page->task->id);
	}
	page->said_left_out = true;
	return false;
}

static void
take_text(struct page *page, const struct vigil_row *row)
{
	close_task(page);
	page->task = night_task(page->night, strtoll(row_get(row, "id"), NULL, 10));
	if (!page->task)
		return;
	page->said_left_out = false;
	page_task_begin(&page->out, page->task);
	if (has_room(page))
		page_task_text(&page->out, page->task, row);
}

static void
take_message(struct page *page, const struct vigil_row *row)
{
	if (!page->task || !has_room(page))
		return;
	if (!page->has_transcript)
		buf_puts(&page->out,
		    "<details class=\"transcript\"><summary>Transcript</summary>\n<ol>\n");
	page->has_transcript = true;
	page_task_message(&page->out, row);
}

void
page_take(struct page *page, enum vigil_report_part part, const struct vigil_row *row)
{
	if (part == VIGIL_REPORT_TEXT)
		take_text(page, row);
	else if (part == VIGIL_REPORT_MESSAGE)
		take_message(page, row);
}

void
page_end(struct page *page)
{
	close_task(page);
	if (page->night->task_count)
		buf_puts(&page->out, "</section>\n");
	buf_puts(&page->out,
	    "</main>\n<footer><p>Written by vigil. All times are local.</p></footer>\n<script>");
	put_lines(&page->out, report_js);
	buf_puts(&page->out, "</script>\n</body>\n</html>\n");
	flush(page);
	buf_free(&page->out);
	free(page);
}
