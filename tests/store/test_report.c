/*
 * vigil_report() on a made-up night, from eight in the evening to eight in the morning: what
 * counts, and every figure.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "help.h"
#include "ops.h"

#define SINCE "2026-01-31T20:00:00Z"
#define UNTIL "2026-02-01T08:00:00Z"
#define STARTED "'2026-01-31T20:00:00.000Z'"

static const struct vigil_range night = {.since = SINCE, .until = UNTIL};

/* A task that was under way once, of so many thousand input tokens; NULL: no such end. */
static void
make(int id, const char *from, const char *to, const char *outcome, int tokens)
{
	char *sql = xasprintf(
	    "INSERT INTO importing VALUES (%d, %d);"
	    "INSERT INTO tasks (id, status, prompt, attempts, result, error, error_kind, "
	    "created_at, started_at, completed_at) VALUES (%d, '%s', ' prompt %d\nmore', 1, "
	    "iif('%s' = 'completed', 'answer', NULL), iif('%s' = 'failed', 'broken', NULL), "
	    "iif('%s' = 'failed', 'agent', NULL), '2026-01-01T00:00:00.000Z', '%s:00.000Z', "
	    "'%s:00.000Z');"
	    "INSERT INTO attempts (task_id, number, nonce, sealed, started_at, ended_at, outcome, "
	    "tokens_input, tokens_output, tokens_reasoning, tokens_cache_read, tokens_cache_write, "
	    "cost, resumes) VALUES (%d, 1, 'n', 1, '%s:00.000Z', '%s:00.000Z', '%s', %d000, %d00, "
	    "%d0, %d, 7, %d / 4.0, %d);"
	    "DELETE FROM importing;",
	    id, id, id, outcome, id, outcome, outcome, outcome, from, to, id, from, to, outcome,
	    tokens, tokens, tokens, tokens, tokens, id == 1 ? 2 : 0);

	shell_ok(path, sql);
	free(sql);
}

/* Tasks 1 to 5 count, 11 to 13 do not. */
static void
make_night(void)
{
	make(1, "2026-01-31T21:00", "2026-01-31T22:00", "completed", 1); /* within */
	make(2, "2026-01-31T19:00", "2026-01-31T20:30", "failed", 2);    /* into it */
	make(3, "2026-02-01T07:45", "2026-02-01T09:00", "completed", 4); /* out of it */
	make(4, "2026-01-31T18:00", "2026-02-01T12:00", "completed", 8); /* across it */
	make(5, "2026-01-30T00:00", "2026-02-03T00:00", "failed", 16);   /* for days */
	make(11, "2026-01-31T18:00", "2026-01-31T19:59", "completed", 32);
	make(12, "2026-02-01T08:00", "2026-02-01T09:00", "completed", 64);
	make(13, "2026-02-01T20:00", "2026-02-03T21:00", "failed", 128);
}

/* ---- rows as text ------------------------------------------------------------------------- */

struct wanted {
	enum vigil_report_part part;
	const char *columns; /* with blanks between; of these the values are added, with bars */
	struct buf out;
};

static const char *
value_of(const struct vigil_row *row, const char *name, size_t length)
{
	for (size_t i = 0; i < row->count; i++)
		if (strlen(row->names[i]) == length && strncmp(row->names[i], name, length) == 0)
			return row->values[i] ? row->values[i] : "-";
	ck_abort_msg("no column %s", name);
}

static bool
add_values(void *arg, enum vigil_report_part part, const struct vigil_row *row)
{
	struct wanted *wanted = arg;

	if (part != wanted->part)
		return true;
	for (const char *at = wanted->columns; *at;) {
		size_t length = strcspn(at, " ");

		buf_printf(&wanted->out, "%s|", value_of(row, at, length));
		at += length + strspn(at + length, " ");
	}
	buf_puts(&wanted->out, "\n");
	return true;
}

static void
reports(const struct vigil_range *range, enum vigil_report_part part, const char *columns,
    const char *expected)
{
	struct wanted wanted = {.part = part, .columns = columns};

	ck_assert_msg(
	    vigil_report(vigil, range, add_values, &wanted) == VIGIL_OK, "%s", vigil_error(vigil));
	ck_assert_str_eq(buf_text(&wanted.out), expected);
	buf_free(&wanted.out);
}

/* ---- what counts -------------------------------------------------------------------------- */

START_TEST(what_overlaps_counts)
{
	make_night();
	reports(&night, VIGIL_REPORT_ATTEMPT, "task_id outcome",
	    "5|failed|\n4|completed|\n2|failed|\n1|completed|\n3|completed|\n");
	reports(&night, VIGIL_REPORT_TASK, "id status subject error_kind error",
	    "1|completed|prompt 1\nmore|-|-|\n2|failed|prompt 2\nmore|agent|broken|\n"
	    "3|completed|prompt 3\nmore|-|-|\n4|completed|prompt 4\nmore|-|-|\n"
	    "5|failed|prompt 5\nmore|agent|broken|\n");
}
END_TEST

START_TEST(every_figure_is_right)
{
	make_night();
	reports(&night, VIGIL_REPORT_TOTAL,
	    "since until tasks completed failed cancelled live waiting attempts resumes",
	    "2026-01-31T20:00:00.000Z|2026-02-01T08:00:00.000Z|5|3|2|0|0|0|5|2|\n");
	/* Within the range: 1 h, 30 min, 15 min, and 12 h twice. */
	reports(&night, VIGIL_REPORT_TOTAL,
	    "work_ms tokens_input tokens_output tokens_reasoning tokens_cache_read "
	    "tokens_cache_write cost",
	    "92700000|31000|3100|310|31|35|7.75|\n");
	reports(
	    &night, VIGIL_REPORT_TOTAL, "paused_at has_runner queued held blocked", "-|0|0|0|0|\n");
}
END_TEST

START_TEST(what_was_lost_is_no_work)
{
	const struct vigil_range late = {.since = "2026-01-31T21:50:00Z", .until = UNTIL};

	make(1, "2026-01-31T21:00", "2026-01-31T22:00", "completed", 1);
	shell_ok(path, "INSERT INTO importing VALUES (2, 2); INSERT INTO tasks (id, status, "
		       "prompt, attempts, result, "
		       "created_at, started_at, completed_at) SELECT 2, status, 'slept', 1, "
		       "result, created_at, "
		       "started_at, completed_at FROM tasks; INSERT INTO attempts (task_id, "
		       "number, nonce, sealed, "
		       "started_at, ended_at, outcome, lost_ms) SELECT 2, 1, 'n', 1, started_at, "
		       "ended_at, outcome, "
		       "2700000 FROM attempts; DELETE FROM importing;");
	reports(&night, VIGIL_REPORT_ATTEMPT, "task_id lost_ms work_ms",
	    "1|0|3600000|\n2|2700000|900000|\n");
	reports(&night, VIGIL_REPORT_TOTAL, "work_ms", "4500000|\n");
	/* Not more than there is room for. */
	reports(&late, VIGIL_REPORT_ATTEMPT, "task_id work_ms", "1|600000|\n2|600000|\n");
}
END_TEST

START_TEST(the_ends_are_half_open)
{
	const struct vigil_range from = {.since = "2026-01-31T22:00:00Z", .until = UNTIL};
	const struct vigil_range to = {.since = SINCE, .until = "2026-01-31T21:00:00Z"};
	const struct vigil_range after = {.since = "2026-01-31T22:00:01Z", .until = UNTIL};

	make(1, "2026-01-31T21:00", "2026-01-31T22:00", "completed", 1);
	reports(&from, VIGIL_REPORT_TOTAL, "tasks attempts work_ms", "1|1|0|\n");
	reports(&to, VIGIL_REPORT_TOTAL, "tasks work_ms", "0|0|\n");
	reports(&after, VIGIL_REPORT_TOTAL, "tasks work_ms", "0|0|\n");
}
END_TEST

START_TEST(what_never_began_counts_when_it_ended)
{
	int64_t id = add(&(struct vigil_task){.prompt = "never"});

	ck_assert_int_eq(vigil_cancel(vigil, id, "no", &(bool){false}), VIGIL_OK);
	reports(NULL, VIGIL_REPORT_TASK, "id status attempts error", "1|cancelled|0|no|\n");
	reports(NULL, VIGIL_REPORT_TOTAL, "tasks cancelled attempts", "1|1|0|\n");
	reports(&night, VIGIL_REPORT_TOTAL, "tasks", "0|\n");
}
END_TEST

static void
go_live(int64_t id, const char *started)
{
	char *sql = xasprintf(A_RUNNER
	    "INSERT INTO attempts (task_id, number, nonce, runner_id, started_at, session_id, "
	    "message_id, part_id) VALUES (%lld, 1, 'n', 1, %s, 'ses_%lld', 'm', 'p'); UPDATE tasks "
	    "SET status = 'starting', "
	    "attempts = 1, wake_at = created_at WHERE id = %lld;",
	    (long long)id, started, (long long)id, (long long)id);

	shell_ok(path, sql);
	free(sql);
}

START_TEST(what_is_live_counts_however_old)
{
	struct vigil_range early = {
	    .since = "2026-01-30T20:00:00Z", .until = "2026-01-31T08:00:00Z"};

	go_live(add(&(struct vigil_task){.prompt = "live"}), STARTED);
	reports(NULL, VIGIL_REPORT_TOTAL, "tasks live attempts", "1|1|1|\n");
	reports(&night, VIGIL_REPORT_TOTAL, "tasks live work_ms", "1|1|43200000|\n");
	reports(&early, VIGIL_REPORT_TOTAL, "tasks", "0|\n");
}
END_TEST

/* Three hours ago it began; it has lost half an hour, and waits since an hour. */
START_TEST(a_wait_under_way_is_no_work)
{
	static const char *const waits[] = {"waiting_at", "unreachable_at"};

	go_live(add(&(struct vigil_task){.prompt = "live"}),
	    "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-3 hours')");
	for (size_t i = 0; i < 2; i++) {
		char *sql =
		    xasprintf("UPDATE attempts SET lost_ms = 1800000, waiting_at = NULL; UPDATE "
			      "attempts SET %s = strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', "
			      "started_at, '+2 hours')",
			waits[i]);

		shell_ok(path, sql);
		free(sql);
		reports(NULL, VIGIL_REPORT_TOTAL, "work_ms", "5400000|\n");
		shell_gives(path, "SELECT seconds FROM spans", "5400");
		shell_gives(path, "SELECT seconds || ' ' || took FROM running", "5400 1h 30m");
	}
}
END_TEST

START_TEST(a_task_that_is_queued_again_counts)
{
	make(1, "2026-01-31T21:00", "2026-01-31T22:00", "failed", 1);
	ck_assert_int_eq(vigil_retry(vigil, 1), VIGIL_OK);
	reports(&night, VIGIL_REPORT_TASK, "id status", "1|queued|\n");
	reports(&night, VIGIL_REPORT_TOTAL, "tasks failed waiting queued", "1|0|1|1|\n");
}
END_TEST

/* ---- marks, needs, texts ------------------------------------------------------------------ */

START_TEST(waits_and_resumptions_are_marked)
{
	make(1, "2026-01-31T21:00", "2026-01-31T23:00", "completed", 1);
	shell_ok(path,
	    "INSERT INTO importing VALUES (1, 1);"
	    "INSERT INTO asks (task_id, attempt_id, session_id, ask_id, kind, asked_at, request, "
	    "reply, replied_at, replied_by) VALUES (1, 1, 's', 'per_1', 'permission', "
	    "'2026-01-31T21:10:00.000Z', 'rm', 'once', '2026-01-31T21:20:00.000Z', 'person');"
	    "INSERT INTO events (at, task_id, attempt_id, kind) VALUES "
	    "('2026-01-31T22:00:00.000Z', 1, 1, 'unreachable'), "
	    "('2026-01-31T22:01:00.000Z', 1, 1, 'cancel'), "
	    "('2026-01-31T22:05:00.000Z', 1, 1, 'resumed'), "
	    "('2026-01-31T22:30:00.000Z', 1, 1, 'unreachable');"
	    "DELETE FROM importing;");
	reports(&night, VIGIL_REPORT_MARK, "attempt_id kind began_at ended_at",
	    "1|ask|2026-01-31T21:10:00.000Z|2026-01-31T21:20:00.000Z|\n"
	    "1|server|2026-01-31T22:00:00.000Z|2026-01-31T22:05:00.000Z|\n"
	    "1|resumed|2026-01-31T22:05:00.000Z|2026-01-31T22:05:00.000Z|\n"
	    "1|server|2026-01-31T22:30:00.000Z|-|\n");
}
END_TEST

START_TEST(what_was_refused_is_told_of_the_attempts_that_count)
{
	make(1, "2026-01-31T21:00", "2026-01-31T23:00", "completed", 1);
	make(2, "2026-01-31T16:00", "2026-01-31T17:00", "failed", 1);
	shell_ok(path,
	    "INSERT INTO importing VALUES (1, 1), (2, 2);"
	    "INSERT INTO asks (task_id, attempt_id, session_id, ask_id, kind, asked_at, request, "
	    "reply, replied_at, replied_by) VALUES "
	    "(1, 1, 's', 'a', 'permission', '2026-01-31T21:10:00.000Z', 'rm', 'reject', "
	    "'2026-01-31T21:10:01.000Z', 'vigil'), "
	    "(1, 1, 's', 'b', 'permission', '2026-01-31T21:20:00.000Z', 'ls', 'once', "
	    "'2026-01-31T21:20:01.000Z', 'vigil'), "
	    "(1, 1, 's', 'c', 'question', '2026-01-31T21:30:00.000Z', 'Which?', 'reject', "
	    "'2026-01-31T21:40:00.000Z', 'person'), "
	    "(2, 2, 's', 'd', 'permission', '2026-01-31T16:10:00.000Z', 'cp', 'reject', "
	    "'2026-01-31T16:10:01.000Z', 'vigil');"
	    "DELETE FROM importing;");
	reports(&night, VIGIL_REPORT_REFUSED, "id task_id attempt_id kind request replied_by",
	    "1|1|1|permission|rm|vigil|\n3|1|1|question|Which?|person|\n");
	reports(&night, VIGIL_REPORT_TOTAL, "tasks refused", "1|2|\n");
}
END_TEST

START_TEST(what_to_do_about_a_failure_is_told)
{
	make(1, "2026-01-31T21:00", "2026-01-31T23:00", "completed", 1);
	make(2, "2026-01-31T21:00", "2026-01-31T23:00", "failed", 1);
	reports(&night, VIGIL_REPORT_TASK, "id next",
	    "1|-|\n2|vigil retry 2 tries again, --model PROVIDER/MODEL with another model; vigil "
	    "follow 2 shows how far it came|\n");
}
END_TEST

START_TEST(what_needs_a_person_is_told)
{
	int64_t failed = 1, second, third;

	make(1, "2026-01-01T21:00", "2026-01-01T23:00", "failed", 1);
	second = add(&(struct vigil_task){.prompt = "second", .after = &failed, .after_count = 1});
	third = add(&(struct vigil_task){.prompt = "third", .after = &second, .after_count = 1});
	add(&(struct vigil_task){.prompt = "fourth", .after = &third, .after_count = 1});
	add(&(struct vigil_task){.prompt = "held", .description = "described", .hold = true});
	ck_assert_int_eq(vigil_pause(vigil, &(bool){false}), VIGIL_OK);
	reports(&night, VIGIL_REPORT_BLOCKED, "id status subject blocked tasks",
	    "1|failed|prompt 1\nmore|3|2,3,4|\n");
	reports(&night, VIGIL_REPORT_HELD, "id subject", "5|described|\n");
	reports(&night, VIGIL_REPORT_TOTAL, "tasks queued held blocked has_runner", "0|3|1|3|0|\n");
	shell_gives(path, "SELECT paused_at IS NOT NULL FROM vigil", "1");
}
END_TEST

START_TEST(open_asks_are_told)
{
	go_live(add(&(struct vigil_task){.prompt = "live"}), STARTED);
	shell_ok(path, "INSERT INTO asks (task_id, attempt_id, session_id, ask_id, kind, request) "
		       "VALUES (1, 1, 'ses_1', 'per_1', 'permission', 'bash: rm')");
	reports(NULL, VIGIL_REPORT_ASK, "id task_id kind request", "1|1|permission|bash: rm|\n");
}
END_TEST

START_TEST(texts_come_when_they_are_wanted_and_cut)
{
	struct vigil_range texts = night;

	make(1, "2026-01-31T21:00", "2026-01-31T22:00", "completed", 1);
	shell_ok(path,
	    "INSERT INTO messages (task_id, attempt_id, message_id, role, agent, model, text, "
	    "reasoning) VALUES (1, 1, 'm', 'assistant', 'build', 'p/m', 'äöü said', 'thought')");
	reports(&night, VIGIL_REPORT_ATTEMPT, "agent model", "build|p/m|\n");
	reports(&night, VIGIL_REPORT_TEXT, "prompt", "");
	texts.text_limit = 3;
	reports(&texts, VIGIL_REPORT_TEXT, "id prompt prompt_length result result_length",
	    "1| pr|14|ans|6|\n");
	reports(&texts, VIGIL_REPORT_MESSAGE, "role text text_length reasoning reasoning_length",
	    "assistant|äöü|8|tho|7|\n");
}
END_TEST

/* ---- the range ---------------------------------------------------------------------------- */

static bool
never(void *arg, enum vigil_report_part part, const struct vigil_row *row)
{
	(void)arg, (void)part, (void)row;
	ck_abort_msg("a row");
}

START_TEST(a_range_that_is_none_is_refused)
{
	const struct vigil_range wrong = {.since = "soon"}, also = {.until = "5 min"};
	const struct vigil_range turned = {.since = UNTIL, .until = SINCE};

	says(vigil_report(vigil, &wrong, never, NULL), VIGIL_USAGE, "'soon'");
	says(vigil_report(vigil, &also, never, NULL), VIGIL_USAGE, "'5 min'");
	says(vigil_report(vigil, &turned, never, NULL), VIGIL_USAGE, "'" UNTIL "'");
}
END_TEST

START_TEST(it_starts_twelve_hours_before_its_end)
{
	const struct vigil_range until = {.until = UNTIL};

	reports(&until, VIGIL_REPORT_TOTAL, "since until",
	    "2026-01-31T20:00:00.000Z|2026-02-01T08:00:00.000Z|\n");
}
END_TEST

static bool
enough(void *count, enum vigil_report_part part, const struct vigil_row *row)
{
	(void)part, (void)row;
	return ++*(int *)count < 2;
}

START_TEST(a_callback_can_have_enough)
{
	int count = 0;

	make_night();
	ck_assert_int_eq(vigil_report(vigil, &night, enough, &count), VIGIL_OK);
	ck_assert_int_eq(count, 2);
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("report");

	tcase_add_checked_fixture(tests, ops_set_up, ops_tear_down);
	tcase_add_test(tests, what_overlaps_counts);
	tcase_add_test(tests, every_figure_is_right);
	tcase_add_test(tests, what_was_lost_is_no_work);
	tcase_add_test(tests, the_ends_are_half_open);
	tcase_add_test(tests, what_never_began_counts_when_it_ended);
	tcase_add_test(tests, what_is_live_counts_however_old);
	tcase_add_test(tests, a_wait_under_way_is_no_work);
	tcase_add_test(tests, a_task_that_is_queued_again_counts);
	tcase_add_test(tests, waits_and_resumptions_are_marked);
	tcase_add_test(tests, what_was_refused_is_told_of_the_attempts_that_count);
	tcase_add_test(tests, what_to_do_about_a_failure_is_told);
	tcase_add_test(tests, what_needs_a_person_is_told);
	tcase_add_test(tests, open_asks_are_told);
	tcase_add_test(tests, texts_come_when_they_are_wanted_and_cut);
	tcase_add_test(tests, a_range_that_is_none_is_refused);
	tcase_add_test(tests, it_starts_twelve_hours_before_its_end);
	tcase_add_test(tests, a_callback_can_have_enough);
	return run_suite(tests, "report");
}
