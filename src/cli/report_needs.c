/*
 * What needs a person, on the page: a line each, with the command that helps.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/html.h"
#include "cli/report.h"

enum { NEEDS_MOST = 50 };

static void
put_task_link(struct buf *out, const struct night *night, const char *word, int64_t id)
{
	if (night_task(night, id))
		buf_printf(out, "<a href=\"#task-%" PRId64 "\">%s %" PRId64 "</a>", id, word, id);
	else
		buf_printf(out, "%s %" PRId64, word, id);
}

void
page_subject(struct buf *out, const struct json *row, const char *column)
{
	buf_puts(out, "<bdi>");
	html_text(out, json_text(row, column));
	buf_puts(out, "</bdi>");
}

static void
put_more(struct buf *out, size_t count, const char *command)
{
	if (count)
		buf_printf(out, "<li>And %zu more. <code>%s</code></li>\n", count, command);
}

static void
put_asks(struct buf *out, const struct night *night)
{
	const struct json *rows = night->lists[VIGIL_REPORT_ASK];
	size_t shown = 0;

	for (const struct json *row = json_first(rows); row && shown < NEEDS_MOST;
	     row = json_next(row), shown++) {
		buf_puts(out, "<li>");
		put_task_link(out, night, "Task", json_int(row, "task_id"));
		buf_printf(out, " asks (%s): ", json_text(row, "kind"));
		page_subject(out, row, "request");
		buf_printf(out, " <code>vigil answer %" PRId64 " REPLY</code></li>\n",
		    json_int(row, "id"));
	}
	put_more(out, json_count(rows) - shown, "vigil asks");
}

static void
put_blocked(struct buf *out, const struct night *night)
{
	const struct json *rows = night->lists[VIGIL_REPORT_BLOCKED];
	size_t shown = 0;

	for (const struct json *row = json_first(rows); row && shown < NEEDS_MOST;
	     row = json_next(row), shown++) {
		char *remedy = night_remedy(row);

		buf_printf(out, "<li>%" PRId64 " queued behind ", json_int(row, "blocked"));
		put_task_link(out, night, "task", json_int(row, "id"));
		buf_printf(out, ", which %s%s", night_obstacle(row),
		    json_text(row, "subject") ? ": " : "");
		page_subject(out, row, "subject");
		buf_puts(out, " <code>");
		html_text(out, remedy);
		buf_puts(out, "</code></li>\n");
		free(remedy);
	}
	put_more(out, json_count(rows) - shown, "vigil sql &#39;SELECT * FROM queue&#39;");
}

static void
put_held(struct buf *out, const struct night *night)
{
	const struct json *rows = night->lists[VIGIL_REPORT_HELD];
	size_t shown = 0;

	for (const struct json *row = json_first(rows); row && shown < NEEDS_MOST;
	     row = json_next(row), shown++) {
		buf_puts(out, "<li>");
		put_task_link(out, night, "Task", json_int(row, "id"));
		buf_puts(out, " is held: ");
		page_subject(out, row, "subject");
		buf_printf(
		    out, " <code>vigil release %" PRId64 "</code></li>\n", json_int(row, "id"));
	}
	put_more(out, json_count(rows) - shown, "vigil list --status held");
}

/* As on a terminal; each task has all of them below. */
static void
put_refused(struct buf *out, const struct night *night)
{
	size_t shown = 0, refused = 0;

	for (size_t i = 0; i < night->task_count; i++) {
		const struct night_task *task = &night->tasks[i];

		if (!task->refused || ++refused > NEEDS_MOST)
			continue;
		buf_puts(out, "<li>");
		put_task_link(out, night, "Task", task->id);
		buf_printf(out, " was refused%s (%s): ", task->refused > 1 ? " more than once" : "",
		    json_text(task->first_refused, "kind"));
		page_subject(out, task->first_refused, "request");
		buf_printf(out, " <code>vigil show %" PRId64 "</code></li>\n", task->id);
		shown++;
	}
	put_more(out, refused - shown, "vigil report --json");
}

static void
put_queue(struct buf *out, const struct night *night)
{
	int64_t paused = night_time(night->total, "paused_at");
	int64_t queued = json_int(night->total, "queued");
	char clock[32];

	if (paused)
		buf_printf(out,
		    "<li>The queue is paused since %s, with %" PRId64
		    " queued. <code>vigil resume</code></li>\n",
		    night_clock(paused, clock), queued);
	if (night_lacks_runner(night))
		buf_printf(out,
		    "<li>No runner is alive: %" PRId64 " queued, %" PRId64
		    " at work. <code>vigil run</code></li>\n",
		    queued, json_int(night->total, "live"));
}

void
page_needs(struct buf *out, const struct night *night)
{
	if (!night_needs_person(night))
		return;
	buf_puts(out, "<section aria-labelledby=\"needs\">\n<h2 id=\"needs\">Needs you</h2>\n"
		      "<ul class=\"needs\">\n");
	put_asks(out, night);
	put_blocked(out, night);
	put_held(out, night);
	put_refused(out, night);
	put_queue(out, night);
	buf_puts(out, "</ul>\n</section>\n");
}
