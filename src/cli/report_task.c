/*
 * One task on the page: what became of it, its prompt, answer, error, attempts and transcript.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/when.h"
#include "cli/html.h"
#include "cli/print.h"
#include "cli/report.h"

/* Of a message, of which there can be hundreds. */
enum { MESSAGE_BYTES = 16000 };

static void
put_when(struct buf *out, int64_t ms)
{
	char clock[32];

	if (ms)
		buf_puts(out, night_clock(ms, clock));
}

static void
put_field(struct buf *out, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	buf_printf(out, "<div><dt>%s</dt><dd><bdi>", name);
	html_text(out, value);
	buf_puts(out, "</bdi></dd></div>");
}

static void
put_time_field(struct buf *out, const char *name, int64_t ms)
{
	if (!ms)
		return;
	buf_printf(out, "<div><dt>%s</dt><dd>", name);
	put_when(out, ms);
	buf_puts(out, "</dd></div>");
}

static void
put_fields(struct buf *out, const struct night_task *task)
{
	const struct json *row = task->row;

	buf_puts(out, "<dl class=\"fields\">");
	put_field(out, "agent", night_agent(task));
	put_field(out, "model", night_model(task));
	put_field(out, "directory", json_text(row, "directory"));
	put_field(out, "session", json_text(row, "session_id"));
	put_time_field(out, "queued", night_time(row, "created_at"));
	put_time_field(out, "began", night_time(row, "started_at"));
	put_time_field(out, "ended", night_time(row, "completed_at"));
	put_field(out, "waits for", json_text(row, "note"));
	put_field(out, "next", json_text(row, "next"));
	buf_puts(out, "</dl>\n");
}

static void
put_error(struct buf *out, const struct json *row)
{
	const char *error = json_text(row, "error"), *kind = json_text(row, "error_kind");

	if (!error && !kind)
		return;
	buf_printf(
	    out, "<h4>%s</h4>\n<pre class=\"error\" dir=\"auto\">", kind ? "Error" : "Reason");
	if (kind)
		buf_printf(out, "<b>%s</b>%s", kind, error ? ": " : "");
	html_text(out, error);
	buf_puts(out, "</pre>\n");
}

static void
put_attempt(struct buf *out, const struct bar *bar)
{
	char span[32], in[32], outs[32];
	const char *model = json_text(bar->row, "model"), *error = json_text(bar->row, "error");

	buf_printf(out,
	    "<tr><td class=\"right\">%" PRId64
	    "</td><td><span class=\"badge %s\">%s</span></td><td>",
	    json_int(bar->row, "number"), bar->outcome,
	    strcmp(bar->outcome, "live") == 0 ? "at work" : bar->outcome);
	put_when(out, bar->from_ms);
	buf_puts(out, "</td><td>");
	buf_puts(out, when_say(bar->work_ms, span));
	buf_printf(out,
	    "</td><td class=\"right\">%" PRId64 "</td><td class=\"right\">%s + %s</td>"
	    "<td class=\"right\">$%.2f</td><td><bdi>",
	    json_int(bar->row, "resumes"), night_count(json_int(bar->row, "tokens_input"), in),
	    night_count(json_int(bar->row, "tokens_output"), outs), json_number(bar->row, "cost"));
	html_text(out, model);
	buf_puts(out, "</bdi></td><td><bdi>");
	html_text(out, error);
	buf_puts(out, "</bdi></td></tr>\n");
}

static void
put_table_begin(struct buf *out, const char *title, const char *const *heads, size_t count)
{
	buf_printf(out,
	    "<h4>%s</h4>\n<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"%s\">"
	    "<table><thead><tr>",
	    title, title);
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "<th scope=\"col\">%s</th>", heads[i]);
	buf_puts(out, "</tr></thead><tbody>\n");
}

static void
put_attempts(struct buf *out, const struct night_task *task)
{
	static const char *const heads[] = {"attempt", "outcome", "began", "took", "resumed",
	    "tokens in + out", "cost", "model", "error"};

	if (!task->bars)
		return;
	put_table_begin(out, "Attempts", heads, sizeof(heads) / sizeof(heads[0]));
	for (const struct bar *bar = task->first_bar; bar; bar = bar->next)
		put_attempt(out, bar);
	buf_puts(out, "</tbody></table></div>\n");
}

static void
put_refused_row(struct buf *out, const struct json *row)
{
	static const char *const columns[] = {"kind", "replied_by", "request"};

	buf_puts(out, "<tr><td>");
	put_when(out, night_time(row, "asked_at"));
	buf_puts(out, "</td>");
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		buf_puts(out, "<td><bdi>");
		html_text(out, json_text(row, columns[i]));
		buf_puts(out, "</bdi></td>");
	}
	buf_puts(out, "</tr>\n");
}

/* What it asked for and was not given. */
static void
put_refused(struct buf *out, const struct night_task *task)
{
	static const char *const heads[] = {"asked", "kind", "by", "request"};
	const struct json *row = task->first_refused;

	if (row)
		put_table_begin(out, "Refused", heads, sizeof(heads) / sizeof(heads[0]));
	for (int64_t i = 0; i < task->refused; i++, row = json_next(row))
		put_refused_row(out, row);
	if (task->refused)
		buf_puts(out, "</tbody></table></div>\n");
}

void
page_task_begin(struct buf *out, const struct night_task *task)
{
	buf_printf(out,
	    "<details class=\"task\" id=\"task-%" PRId64
	    "\"><summary><h3><span class=\"id\">%" PRId64 "</span> <bdi>",
	    task->id, task->id);
	html_text(out, task->subject);
	buf_printf(out, "</bdi></h3> <span class=\"badge %s\">%s</span></summary>\n", task->status,
	    task->status);
	put_fields(out, task);
	put_error(out, task->row);
	put_refused(out, task);
	put_attempts(out, task);
}

/* ---- texts ---------------------------------------------------------------------------------- */

/* What is not here can be had elsewhere. */
static void
put_cut(struct buf *out, const char *text, const char *length, const char *command, int64_t id)
{
	long long whole = length ? strtoll(length, NULL, 10) : 0;
	char count[32];

	if (!text || whole <= PAGE_TEXT)
		return;
	buf_printf(out,
	    "<p class=\"note\">These are the first %d of %s characters: "
	    "<code>vigil %s %" PRId64 "</code> has all of them.</p>\n",
	    (int)PAGE_TEXT, night_count(whole, count), command, id);
}

void
page_task_text(struct buf *out, const struct night_task *task, const struct vigil_row *row)
{
	const char *result = row_get(row, "result"), *prompt = row_get(row, "prompt");
	const char *is_cut = row_get(row, "result_cut");

	if (result) {
		buf_puts(out, "<h4>Answer</h4>\n<div class=\"answer\" dir=\"auto\">");
		html_markdown(out, result);
		buf_puts(out, "</div>\n");
		put_cut(out, result, row_get(row, "result_length"), "result", task->id);
	}
	if (is_cut && strcmp(is_cut, "1") == 0)
		buf_puts(out,
		    "<p class=\"note\">The answer was longer than what is kept: its end is "
		    "missing.</p>\n");
	buf_puts(out, "<h4>Prompt</h4>\n<pre class=\"prompt\" dir=\"auto\">");
	html_text(out, prompt);
	buf_puts(out, "</pre>\n");
	put_cut(out, prompt, row_get(row, "prompt_length"), "show", task->id);
}

static void
put_message_text(struct buf *out, const char *class, const char *text)
{
	if (!text || !*text)
		return;
	size_t bytes = strlen(text);
	char *cut = xstrndup(text, utf8_cut(text, bytes, MESSAGE_BYTES));
	buf_printf(out, "<pre class=\"%s\" dir=\"auto\">", class);
	html_text(out, cut);
	buf_printf(out, "%s</pre>\n", bytes > MESSAGE_BYTES ? " …" : "");
	free(cut);
}

void
page_task_message(struct buf *out, const struct vigil_row *row)
{
	const char *role = row_get(row, "role"), *created = row_get(row, "created_at");
	char time[32];

	buf_printf(out, "<li class=\"%s\"><p class=\"who\">%s ", role, role);
	html_text(out, created ? print_time(created, time) : NULL);
	buf_puts(out, "</p>\n");
	put_message_text(out, "reasoning", row_get(row, "reasoning"));
	put_message_text(out, "said", row_get(row, "text"));
	put_message_text(out, "error", row_get(row, "error"));
	buf_puts(out, "</li>\n");
}

void
page_task_end(struct buf *out)
{
	buf_puts(out, "</details>\n");
}
