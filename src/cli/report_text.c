/*
 * A night in one screen: what became of the tasks, what failed and why, what needs a person, and a
 * timeline. Texts of others are cut to a line each, commands go on in the next one; nothing is
 * wider than the terminal.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/when.h"
#include "cli/print.h"
#include "cli/report.h"
#include "cli/text.h"

enum {
	LIST_MOST = 8,
	LONGEST_MOST = 5,
	WIDTH_LEAST = 40,
	WIDTH_MOST = 1000,
	CHART_UNCUT = 80 /* columns of the timeline where there is no width */
};

struct paper {
	FILE *file;
	const struct night *night;
	size_t width;
	bool is_utf8;
};

static bool
is_uncut(const struct paper *p)
{
	return p->width == PRINT_UNCUT;
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* Safe, of one line, and at most so many columns wide. The caller frees. */
static char *
fit(const struct paper *p, const char *text, size_t columns)
{
	char *first = xstrndup(text ? text : "", text ? strcspn(text, "\n") : 0);
	char *safe = text_form(first, TEXT_LINE);
	char *plain = p->is_utf8 ? NULL : text_ascii(safe);
	char *cut = text_cut(plain ? plain : safe, columns, p->is_utf8 ? "…" : "...");

	free(first);
	free(safe);
	free(plain);
	return cut;
}

static void
print_title(const struct paper *p, const char *title)
{
	fprintf(p->file, "\n%s%s%s\n", print_colour(p->file, COLOUR_BOLD), title,
	    print_colour(p->file, COLOUR_NONE));
}

static void
print_more(const struct paper *p, size_t shown, size_t all, const char *command)
{
	if (all > shown)
		fprintf(p->file, "  and %zu more: %s\n", all - shown, command);
}

/* ---- sums ----------------------------------------------------------------------------------- */

/* Phrases of one sentence, which goes on in the next line where it must. */
struct sentence {
	const struct paper *paper;
	size_t used;
};

static void __attribute__((format(printf, 4, 5))) add_phrase(
    struct sentence *sentence, const char *before, enum colour colour, const char *format, ...)
{
	FILE *file = sentence->paper->file;
	va_list args;

	va_start(args, format);
	char *text = xvasprintf(format, args);
	va_end(args);
	size_t needed = sentence->used + strlen(before) + strlen(text) + 1;
	if (sentence->used && needed > sentence->paper->width) {
		fprintf(file, "%.1s\n ", before);
		sentence->used = 1;
		before = " ";
	}
	fprintf(file, "%s%s%s%s", before, colour == COLOUR_NONE ? "" : print_colour(file, colour),
	    text, colour == COLOUR_NONE ? "" : print_colour(file, COLOUR_NONE));
	sentence->used += strlen(before) + strlen(text);
	free(text);
}

static const char *
plural(int64_t count)
{
	return count == 1 ? "" : "s";
}

static void
print_sums(const struct paper *p)
{
	static const struct {
		const char *column, *word, *status;
	} sums[] = {
	    {"completed", "completed", "completed"},
	    {"failed", "failed", "failed"},
	    {"cancelled", "cancelled", "cancelled"},
	    {"live", "at work", "running"},
	    {"waiting", "queued again", "held"},
	};
	int64_t tasks = json_int(p->night->total, "tasks");
	struct sentence sentence = {.paper = p};
	const char *before = ": ";

	if (tasks)
		add_phrase(&sentence, "", COLOUR_NONE, "%" PRId64 " task%s", tasks, plural(tasks));
	else
		add_phrase(&sentence, "", COLOUR_NONE, "nothing was under way");
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		int64_t count = json_int(p->night->total, sums[i].column);

		if (!count)
			continue;
		add_phrase(&sentence, before, print_status_colour(sums[i].status), "%" PRId64 " %s",
		    count, sums[i].word);
		before = ", ";
	}
	fputc('\n', p->file);
}

static void
print_cost(const struct paper *p)
{
	const struct json *total = p->night->total;
	int64_t attempts = json_int(total, "attempts"), resumes = json_int(total, "resumes");
	int64_t refused = json_int(total, "refused");
	struct sentence s = {.paper = p};
	char span[32], in[32], out[32];

	if (!attempts)
		return;
	add_phrase(&s, "", COLOUR_NONE, "%" PRId64 " attempt%s", attempts, plural(attempts));
	if (resumes)
		add_phrase(
		    &s, ", ", COLOUR_NONE, "resumed %" PRId64 " time%s", resumes, plural(resumes));
	add_phrase(&s, "; ", COLOUR_NONE, "%s of work", when_say(json_int(total, "work_ms"), span));
	add_phrase(&s, "; ", COLOUR_NONE, "tokens %s in, %s out",
	    night_count(json_int(total, "tokens_input"), in),
	    night_count(json_int(total, "tokens_output"), out));
	add_phrase(&s, "; ", COLOUR_NONE, "$%.2f", json_number(total, "cost"));
	if (refused)
		add_phrase(
		    &s, "; ", COLOUR_YELLOW, "%" PRId64 " ask%s refused", refused, plural(refused));
	fputc('\n', p->file);
}

/* ---- what failed ---------------------------------------------------------------------------- */

static int
id_width(const struct night *night)
{
	int64_t id = night->task_count ? night->tasks[night->task_count - 1].id : 0;
	int width = 4;

	for (; id >= 100000; id /= 10)
		width++;
	return width + (id >= 10000);
}

/* So much of it as fits, up to a word's end. */
static size_t
line_length(const char *text, size_t columns)
{
	size_t length = strlen(text), end = columns;

	if (length <= columns)
		return length;
	while (end > 0 && text[end] != ' ')
		end--;
	return end ? end : columns;
}

/* Under what it is about, whole: a command that is cut is of no use. It is ours, and ASCII. */
static void
print_next(const struct paper *p, const char *next)
{
	int margin = id_width(p->night) + 4;

	while (next && *next) {
		size_t length = line_length(next, p->width - (size_t)margin);

		fprintf(p->file, "%*s%s%.*s%s\n", margin, "", print_colour(p->file, COLOUR_YELLOW),
		    (int)length, next, print_colour(p->file, COLOUR_NONE));
		next += length;
		next += strspn(next, " ");
	}
}

/* What a short subject leaves is the error's. Two columns are between them. */
static size_t
error_room(const struct paper *p, const char *subject, size_t rest)
{
	char *whole = fit(p, subject, rest);
	size_t width = text_width(whole) + 2, least = rest * 3 / 5;

	free(whole);
	return width < rest - least ? rest - width : least;
}

/* "  12  timeout      upgrade deps: it ran longer than its timeout" */
static void
print_failed_task(const struct paper *p, const struct night_task *task)
{
	const char *kind = json_text(task->row, "error_kind");
	int width = id_width(p->night);
	size_t rest = p->width - (size_t)width - 17;
	char *error = fit(p, json_text(task->row, "error"), error_room(p, task->subject, rest));
	char *subject = fit(p, task->subject, rest - text_width(error) - (*error ? 2 : 0));

	fprintf(p->file, "  %*" PRId64 "  %s%-11s%s  %s%s%s\n", width, task->id,
	    print_colour(p->file, COLOUR_RED), kind ? kind : "", print_colour(p->file, COLOUR_NONE),
	    subject, *error ? ": " : "", error);
	print_next(p, json_text(task->row, "next"));
	free(subject);
	free(error);
}

static void
print_failed(const struct paper *p)
{
	size_t shown = 0, failed = (size_t)json_int(p->night->total, "failed");

	if (failed)
		print_title(p, "failed");
	for (size_t i = 0; i < p->night->task_count && shown < LIST_MOST; i++) {
		const struct night_task *task = &p->night->tasks[i];

		if (strcmp(task->status, "failed") != 0)
			continue;
		print_failed_task(p, task);
		shown++;
	}
	print_more(p, shown, failed, "vigil list --status failed");
}

/* ---- what needs a person -------------------------------------------------------------------- */

/* What it is, cut where it must be, and the command that helps, at the right. */
static void __attribute__((format(printf, 3, 4)))
print_need(const struct paper *p, const char *what, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *command = xvasprintf(format, args);
	va_end(args);
	size_t room = p->width - 4 - text_width(command);
	char *text = fit(p, what, room);
	if (is_uncut(p))
		room = text_width(text); /* nothing is to its right */
	fprintf(p->file, "  %s%*s%s%s%s\n", text, (int)(room - text_width(text)) + 2, "",
	    print_colour(p->file, COLOUR_YELLOW), command, print_colour(p->file, COLOUR_NONE));
	free(text);
	free(command);
}

static void
print_asks(const struct paper *p, const struct json *asks)
{
	size_t shown = 0;

	for (const struct json *ask = json_first(asks); ask && shown < LIST_MOST;
	     ask = json_next(ask), shown++) {
		char *what = xasprintf("task %" PRId64 " asks (%s): %s", json_int(ask, "task_id"),
		    json_text(ask, "kind"), json_text(ask, "request"));

		print_need(p, what, "vigil answer %" PRId64 " REPLY", json_int(ask, "id"));
		free(what);
	}
	print_more(p, shown, json_count(asks), "vigil asks");
}

/* Of each task the first one; the agent has gone on without, or has failed with it. */
static void
print_refused(const struct paper *p)
{
	size_t shown = 0, refused = 0;

	for (size_t i = 0; i < p->night->task_count; i++) {
		const struct night_task *task = &p->night->tasks[i];

		if (!task->refused || ++refused > LIST_MOST)
			continue;
		char *what = xasprintf("task %" PRId64 " was refused%s (%s): %s", task->id,
		    task->refused > 1 ? " more than once" : "",
		    json_text(task->first_refused, "kind"),
		    json_text(task->first_refused, "request"));
		print_need(p, what, "vigil show %" PRId64, task->id);
		free(what);
		shown++;
	}
	print_more(p, shown, refused, "vigil report --json");
}

static void
print_blocked(const struct paper *p, const struct json *blocked)
{
	size_t shown = 0;

	for (const struct json *row = json_first(blocked); row && shown < LIST_MOST;
	     row = json_next(row), shown++) {
		const char *subject = json_text(row, "subject");
		char *what = xasprintf("%" PRId64 " queued behind task %" PRId64 ", which %s%s%s",
		    json_int(row, "blocked"), json_int(row, "id"), night_obstacle(row),
		    subject ? ": " : "", subject ? subject : "");
		char *remedy = night_remedy(row);

		print_need(p, what, "%s", remedy);
		free(remedy);
		free(what);
	}
	print_more(p, shown, json_count(blocked), "vigil sql 'SELECT * FROM queue'");
}

static void
print_held(const struct paper *p, const struct json *held)
{
	size_t shown = 0;

	for (const struct json *row = json_first(held); row && shown < LIST_MOST;
	     row = json_next(row), shown++) {
		int64_t id = json_int(row, "id");
		char *what =
		    xasprintf("task %" PRId64 " is held: %s", id, json_text(row, "subject"));

		print_need(p, what, "vigil release %" PRId64, id);
		free(what);
	}
	print_more(p, shown, json_count(held), "vigil list --status held");
}

static void
print_queue(const struct paper *p)
{
	const struct json *total = p->night->total;
	int64_t queued = json_int(total, "queued"), paused = night_time(total, "paused_at");
	char clock[32];

	if (paused) {
		char *what = xasprintf("the queue is paused since %s, with %" PRId64 " queued",
		    night_clock(paused, clock), queued);

		print_need(p, what, "vigil resume");
		free(what);
	}
	if (night_lacks_runner(p->night)) {
		char *what =
		    xasprintf("no runner is alive; %" PRId64 " queued, %" PRId64 " at work", queued,
			json_int(total, "live"));

		print_need(p, what, "vigil run");
		free(what);
	}
}

static void
print_needs(const struct paper *p)
{
	struct json *const *lists = p->night->lists;

	if (!night_needs_person(p->night))
		return;
	print_title(p, "needs you");
	print_asks(p, lists[VIGIL_REPORT_ASK]);
	print_blocked(p, lists[VIGIL_REPORT_BLOCKED]);
	print_held(p, lists[VIGIL_REPORT_HELD]);
	print_refused(p);
	print_queue(p);
}

/* ---- the longest ---------------------------------------------------------------------------- */

static void
print_longest_task(const struct paper *p, const struct night_task *task)
{
	int width = id_width(p->night);
	size_t rest = p->width - (size_t)width - 29;
	char span[32], *subject = fit(p, task->subject, rest);

	fprintf(p->file, "  %*" PRId64 "  %12s  %s%-9s%s  %s\n", width, task->id,
	    when_say(task->work_ms, span), print_colour(p->file, print_status_colour(task->status)),
	    task->status, print_colour(p->file, COLOUR_NONE), subject);
	free(subject);
}

static void
print_longest(const struct paper *p)
{
	const struct night_task **order = night_longest(p->night);

	if (p->night->bar_count)
		print_title(p, "longest");
	for (size_t i = 0; i < p->night->task_count && i < LONGEST_MOST; i++)
		if (order[i]->bars)
			print_longest_task(p, order[i]);
	free(order);
}

static void
print_timeline(const struct paper *p)
{
	if (!p->night->slots)
		return;
	print_title(p, "timeline");
	report_chart(p->file, p->night, (is_uncut(p) ? CHART_UNCUT : p->width) - 3, p->is_utf8);
}

void
report_text(FILE *file, const struct night *night)
{
	struct paper p = {file, night, print_width(file), text_locale_is_utf8()};
	char range[96];

	if (p.width < WIDTH_LEAST)
		p.width = WIDTH_LEAST;
	if (p.width > WIDTH_MOST && !is_uncut(&p))
		p.width = WIDTH_MOST;
	char *title = fit(&p, night_range(night, range), p.width);
	fprintf(file, "%s%s%s\n", print_colour(file, COLOUR_BOLD), title,
	    print_colour(file, COLOUR_NONE));
	free(title);
	print_sums(&p);
	print_cost(&p);
	print_failed(&p);
	print_needs(&p);
	print_longest(&p);
	print_timeline(&p);
}
