/*
 * The views for people: why a queued task does not run, in every case; what is live; and that the
 * questions people ask look at no more than what they are about. The figures are in
 * test_reports.sh.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/when.h"
#include "help.h"
#include "store/store_int.h"

#define LONG_AGO "'2026-01-31T06:00:00.000Z'"
#define MINUTES_AGO(n) "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-" #n " minutes')"

/* Task 1 is claimed, and looked at next when `wake_at` says. */
#define CLAIM(wake_at, server) \
	"INSERT INTO attempts (task_id, number, nonce, runner_id) VALUES (1, 1, 'n', 1);" \
	"UPDATE tasks SET status = 'starting', attempts = 1, wake_at = " wake_at \
	", server = '" server "' WHERE id = 1;"
#define AT_WORK CLAIM("strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+30 seconds')", "managed")
#define AFTER_ONE "INSERT INTO dependencies VALUES (2, 1);"
/* Nothing has happened for long. */
#define LONG_SILENCE \
	"UPDATE runners SET started_at = " LONG_AGO ";" \
	"INSERT INTO events (at, kind) VALUES (" LONG_AGO ", 'resumed');"
#define NO_RUNNER "UPDATE runners SET ended_at = started_at;"
#define IN_TROUBLE "UPDATE runners SET trouble = 'nobody answers', trouble_at = " LONG_AGO ";"
#define GONE "the runner (pid 4711) does nothing any more: if it has crashed, start vigil run"

static char *folder, *path;

static void
set_up(void)
{
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	folder = scratch_new();
	path = in_folder(folder, "vigil.db");
	store_close(must_open(path, STORE_CREATE));
	shell_ok(path, "INSERT INTO tasks (prompt) VALUES ('one'), ('two');"
		       "INSERT INTO runners (pid, pid_start, boot_id, version, directory, slots, "
		       "server) VALUES (4711, 1, 'b', 'v', '/', 2, 'managed')");
}

static void
tear_down(void)
{
	scratch_remove(folder);
	free(path);
}

/* ---- why task 2 is not running ------------------------------------------------------------- */

static const struct {
	const char *sql, *waits_for, *reason;
} cases[] = {
    {"", NULL, "it is about to start"},
    {"UPDATE tasks SET status = 'held' WHERE id = 2", "release", "held until vigil release 2"},
    {AT_WORK AFTER_ONE "UPDATE attempts SET sealed = 1, ended_at = started_at, outcome = 'failed';"
		       "UPDATE tasks SET status = 'failed', error_kind = 'agent' WHERE id = 1",
	"retry", "comes after task 1, which failed: vigil retry 1, or vigil cancel 2"},
    {AFTER_ONE "UPDATE tasks SET status = 'cancelled' WHERE id = 1", "retry",
	"comes after task 1, which was cancelled: vigil retry 1, or vigil cancel 2"},
    {"UPDATE vigil SET paused_at = " LONG_AGO, "resume",
	"the queue is paused since 2026-01-31 07:00:00, until vigil resume"},
    {"UPDATE tasks SET not_before = '2199-07-31T06:00:00.000Z' WHERE id = 2", "time",
	"not before 2199-07-31 08:00:00"},
    {"UPDATE tasks SET not_before = '2199-07-31T06:00:00.000Z' WHERE id = 2;"
     "INSERT INTO events (task_id, kind, detail) VALUES (2, 'delayed', 'its directory is away')",
	"time", "not before 2199-07-31 08:00:00: its directory is away"},
    {"UPDATE tasks SET not_before = " LONG_AGO " WHERE id = 2", NULL, "it is about to start"},
    {AFTER_ONE, "task", "comes after task 1, which is queued"},
    {AFTER_ONE AT_WORK, "task", "comes after task 1, which is starting"},
    {"UPDATE tasks SET mutex = 'm';" AT_WORK, "mutex", "task 1 holds the mutex m"},
    {NO_RUNNER, "runner", "no runner is alive: start vigil run"},
    {"DELETE FROM runners WHERE id = 0;" IN_TROUBLE NO_RUNNER, "runner",
	"no runner is alive: start vigil run"},
    {CLAIM(MINUTES_AGO(3), "managed"), "runner", GONE},
    {CLAIM(MINUTES_AGO(1), "managed"), NULL, "it is about to start"},
    {LONG_SILENCE, "runner", GONE},
    {LONG_SILENCE "UPDATE runners SET started_at = " MINUTES_AGO(1), NULL, "it is about to start"},
    {LONG_SILENCE "UPDATE tasks SET not_before = " MINUTES_AGO(
	 1) " WHERE id = 2;"
	    "INSERT INTO events (at, kind) VALUES (" LONG_AGO ", 'resumed');",
	NULL, "it is about to start"},
    {IN_TROUBLE, "server", "no OpenCode server since 2026-01-31 07:00:00: nobody answers"},
    {IN_TROUBLE LONG_SILENCE, "server",
	"no OpenCode server since 2026-01-31 07:00:00: nobody answers"},
    {"UPDATE runners SET slots = 1;" AT_WORK, "slot", "all slots are busy: 1"},
    {AT_WORK, NULL, "it is about to start"},
    {"UPDATE runners SET slots = NULL;" AT_WORK, NULL, "it is about to start"},
    {"UPDATE runners SET slots = 1;" CLAIM(MINUTES_AGO(1), "http://elsewhere"), NULL,
	"it is about to start"},
    /* Of several, what a person has to do comes first; then what is the longest in the way. */
    {"UPDATE vigil SET paused_at = " LONG_AGO ";" NO_RUNNER
     "UPDATE tasks SET status = 'held' WHERE id = 2",
	"release", "held until vigil release 2"},
    {"UPDATE vigil SET paused_at = " LONG_AGO ";" AFTER_ONE
     "UPDATE tasks SET status = 'cancelled' WHERE id = 1",
	"retry", "comes after task 1, which was cancelled: vigil retry 1, or vigil cancel 2"},
    {AFTER_ONE NO_RUNNER, "task", "comes after task 1, which is queued"},
};

START_TEST(it_says_why)
{
	shell_ok(path, cases[_i].sql);
	shell_gives(path, "SELECT waits_for FROM queue WHERE id = 2", cases[_i].waits_for);
	shell_gives(path, "SELECT reason FROM queue WHERE id = 2", cases[_i].reason);
	shell_gives(path, "SELECT group_concat(problem) FROM problems", NULL);
}
END_TEST

/* ---- what is live -------------------------------------------------------------------------- */

/* What a terminal and the page say of it. */
START_TEST(durations_are_said_as_everywhere)
{
	static const int seconds[] = {0, 1, 45, 59, 60, 61, 70, 600, 610, 3599, 3600, 3659, 3660,
	    3900, 7200, 8 * 3600 + 59, 183600};

	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		char span[32],
		    *sql =
			xasprintf("INSERT INTO importing VALUES (1, 1); INSERT INTO attempts "
				  "(task_id, number, nonce, sealed, started_at, ended_at, outcome) "
				  "VALUES (1, %zu, 'n', 1, " LONG_AGO
				  ", strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', " LONG_AGO
				  ", '+%d seconds'), 'failed'); DELETE FROM importing;",
			    i + 1, seconds[i]);

		shell_ok(path, sql);
		free(sql);
		sql = xasprintf("SELECT took FROM spans WHERE attempt = %zu", i + 1);
		shell_gives(path, sql, when_say(seconds[i] * INT64_C(1000), span));
		free(sql);
	}
}
END_TEST

#define ALL_C1 "WITH RECURSIVE c (i) AS (SELECT 128 UNION ALL SELECT i + 1 FROM c WHERE i < 159) "
#define HAS_C1(text) text " GLOB '*[' || char(128) || '-' || char(159) || ']*'"

/* A terminal obeys them, as it does an escape. */
START_TEST(no_control_character_is_in_a_line)
{
	shell_ok(
	    path, "UPDATE tasks SET status = 'cancelled', error = 'a · b', description = 'c · d'");
	shell_ok(
	    path, ALL_C1 "INSERT INTO tasks (prompt) SELECT '  pro' || char(i) || 'mpt' FROM c");
	shell_ok(path,
	    ALL_C1 "INSERT INTO tasks (prompt, description) SELECT 'x', 'ab' || char(i) FROM c");
	shell_ok(path,
	    "UPDATE tasks SET status = 'cancelled', error = 'x' || char(128 + id % 32) || "
	    "'yz' WHERE status = 'queued'");
	shell_gives(path,
	    "SELECT count(*) FROM tasks WHERE " HAS_C1(
		"prompt || coalesce(description, '') || error"),
	    "64");
	shell_gives(path, "SELECT count(*) FROM tasks WHERE " HAS_C1("title || error_line"), "0");
	shell_gives(path, "SELECT title || error_line FROM tasks WHERE id = 1", "c · da · b");
	shell_gives(path,
	    "SELECT title || error_line FROM tasks WHERE error = 'x' || char(155) || 'yz' "
	    "AND prompt = 'x'",
	    "ab␘x␛yz");
}
END_TEST

START_TEST(what_is_live)
{
	shell_ok(path, AT_WORK "UPDATE tasks SET description = 'a' || char(10, 27, 155) || 'b', "
			       "note = 'so' WHERE id = 1");
	shell_gives(path, "SELECT id || status || attempt || title || resumes || note FROM running",
	    "1starting1a  ␛b0so");
	shell_gives(path,
	    "SELECT seconds BETWEEN 0 AND 60 AND took = seconds || 's' AND quiet = took AND "
	    "quiet_seconds = seconds AND abs(julianday(started) - julianday('now', 'localtime', "
	    "'-' || seconds || ' seconds')) * 86400 < 2 FROM running",
	    "1");
	shell_gives(path,
	    "SELECT outcome || (ended IS NULL) || (seconds BETWEEN 0 AND 60) || (until_at >= "
	    "since_at) || title FROM spans",
	    "starting111a  ␛b");
	shell_gives(path,
	    "SELECT count(*) FROM spans WHERE until_at > " MINUTES_AGO(
		1) " AND since_at < "
		   "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+1 minute')",
	    "1");
	shell_gives(path, "SELECT count(*) FROM history", "0");
	shell_gives(path, "SELECT count(*) FROM nights", "0");
}
END_TEST

/* Where clocks skip midnight itself, each attempt is of one day, and each day is there once. */
START_TEST(a_day_without_a_midnight)
{
	setenv("TZ", "BRT3BRST,M11.1.0/0,M2.3.0/0", 1);
	shell_ok(path,
	    "BEGIN; INSERT INTO importing VALUES (3, 3);"
	    "INSERT INTO tasks (id, status, prompt, result, attempts, completed_at) VALUES (3, "
	    "'completed', 'x', 'y', 6, '2018-11-05T02:30:00.000Z');"
	    "INSERT INTO attempts (task_id, number, nonce, sealed, started_at, ended_at, outcome) "
	    "SELECT 3, row_number() OVER (), 'n', 1, value, value, 'completed' FROM json_each('["
	    "\"2018-11-04T02:30:00.000Z\", \"2018-11-04T03:00:00.000Z\", "
	    "\"2018-11-04T03:30:00.000Z\", \"2018-11-04T04:30:00.000Z\", "
	    "\"2018-11-05T01:30:00.000Z\", \"2018-11-05T02:30:00.000Z\"]');"
	    "DELETE FROM importing; COMMIT");
	shell_gives(path, "SELECT group_concat(day || ' ' || attempts, ', ') FROM days",
	    "2018-11-05 1, 2018-11-04 4, 2018-11-03 1");
}
END_TEST

/* ---- what they look at --------------------------------------------------------------------- */

/* Twenty nights with a task each, of which some failed and some passed when tried again; and
 * `count` tasks that had ended a month before. */
static void
fill(int count)
{
	char *sql = xasprintf(
	    "BEGIN; CREATE TEMP TABLE made AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i "
	    "+ 1 FROM n WHERE "
	    "i < %d) SELECT i + 2 AS id, iif(i %% 5, 'completed', 'failed') AS status, "
	    "iif(i > %d AND i %% 5 = 1, 2, 1) AS attempts, strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', "
	    "iif(i > %d, '2026-02-28', '2026-01-01'), iif(i > %d, '-' || (%d - i) || ' days', "
	    "'-' || (%d - i) || ' seconds')) AS ended FROM n;"
	    "INSERT INTO importing SELECT id, id FROM made;"
	    "INSERT INTO tasks (id, status, prompt, result, error_kind, attempts, created_at, "
	    "started_at, completed_at) "
	    "SELECT id, status, 'x', iif(status = 'completed', 'y', NULL), iif(status = 'failed', "
	    "'agent', NULL), "
	    "attempts, ended, ended, ended FROM made;"
	    "INSERT INTO attempts (task_id, number, nonce, sealed, started_at, ended_at, outcome) "
	    "SELECT made.id, value, 'n', 1, ended, ended, iif(value < attempts, 'failed', status) "
	    "FROM made JOIN json_each('[1, 2]') ON value <= attempts;"
	    "INSERT INTO events (task_id, at, kind) SELECT id, ended, status FROM made;"
	    "DELETE FROM importing; COMMIT",
	    count + 20, count, count, count, count + 20, count);

	shell_ok(path, sql);
	free(sql);
}

#define A_TIME "strftime('%Y-%m-%dT%H:%M', '2026-02-26 22:00', 'utc')"

/* What people ask about the last nights, or of one task. */
static const char *const questions[] = {
    "SELECT * FROM queue",
    "SELECT * FROM queue WHERE id = 2",
    "SELECT * FROM running",
    "SELECT * FROM history LIMIT 15",
    "SELECT * FROM history WHERE status = 'failed' LIMIT 3",
    "SELECT * FROM history WHERE completed_at >= " A_TIME,
    "SELECT * FROM history WHERE status = 'failed' AND completed_at >= " A_TIME,
    "SELECT * FROM history WHERE id = 7",
    "SELECT * FROM waits LIMIT 15",
    "SELECT * FROM waits WHERE completed_at >= " A_TIME,
    "SELECT * FROM spans WHERE until_at > " A_TIME " AND since_at < '2026-02-28'",
    "SELECT * FROM spans WHERE task_id = 7",
    "SELECT model, sum(cost) FROM spans WHERE until_at > " A_TIME " GROUP BY model",
    "SELECT * FROM nights LIMIT 7",
    "SELECT * FROM nights WHERE night >= '2026-02-20'",
    "SELECT * FROM days LIMIT 7",
    "SELECT * FROM days WHERE day = '2026-02-20'",
    "SELECT * FROM retried LIMIT 20",
    "SELECT * FROM retried WHERE completed_at >= " A_TIME,
    "SELECT * FROM problems WHERE task_id = 7",
};

/* In SQLite's own steps, and how many rows it gave. */
static int
steps_of(const char *question, int *rows)
{
	sqlite3_stmt *statement;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_prepare_v2(db, question, -1, &statement, NULL) == SQLITE_OK, "%s: %s",
	    question, sqlite3_errmsg(db));
	*rows = 0;
	while (sqlite3_step(statement) == SQLITE_ROW)
		++*rows;
	int steps = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return steps;
}

START_TEST(it_looks_at_what_is_asked_for)
{
	int rows, rows_of_many, steps, steps_of_many;

	fill(100);
	steps = steps_of(questions[_i], &rows);
	tear_down();
	set_up();
	fill(3000);
	steps_of_many = steps_of(questions[_i], &rows_of_many);
	ck_assert_int_eq(rows_of_many, rows);
	ck_assert_msg(steps_of_many < steps * 5 / 4 + 100,
	    "%s: %d steps, and %d with a long history", questions[_i], steps, steps_of_many);
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("views");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, it_says_why, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(tests, durations_are_said_as_everywhere);
	tcase_add_test(tests, no_control_character_is_in_a_line);
	tcase_add_test(tests, what_is_live);
	tcase_add_test(tests, a_day_without_a_midnight);
	tcase_add_loop_test(tests, it_looks_at_what_is_asked_for, 0,
	    (int)(sizeof(questions) / sizeof(questions[0])));
	return run_suite(tests, "views");
}
