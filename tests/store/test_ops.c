/*
 * libvigil on a real database, through vigil.h: what can be queued, what cannot, and what becomes
 * of tasks with no runner.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "help.h"
#include "ops.h"
#include "ops/handle.h"

static void
refuse(const struct vigil_task *task, enum vigil_result expected, const char *words)
{
	bool existed;
	int64_t id;

	says(vigil_add(vigil, task, &id, &existed), expected, words);
	shell_gives(path, "SELECT count(*) FROM tasks", "0");
}

/* ---- opening ----------------------------------------------------------------------------- */

START_TEST(reading_makes_nothing)
{
	char *elsewhere = in_folder(folder, "none/v.db");
	struct vigil *other;

	ck_assert_int_eq(vigil_open(&other, elsewhere, NULL, VIGIL_READ_ONLY), VIGIL_ENVIRONMENT);
	ck_assert_ptr_nonnull(strstr(vigil_error(other), "none/v.db"));
	vigil_close(other);
	ck_assert_int_eq(vigil_open(&other, elsewhere, NULL, VIGIL_EXISTING), VIGIL_ENVIRONMENT);
	vigil_close(other);
	ck_assert_int_eq(mode_of(elsewhere), 0);
	free(elsewhere);
}
END_TEST

START_TEST(a_wrong_configuration_is_said)
{
	char *config = in_folder(folder, "c.json");
	struct vigil *other;

	spill(config, "{\"x\": 1}", 8);
	ck_assert_int_eq(vigil_open(&other, path, config, VIGIL_READ_ONLY), VIGIL_ENVIRONMENT);
	ck_assert_ptr_nonnull(strstr(vigil_error(other), "unknown key 'x'"));
	vigil_close(other);
	free(config);
}
END_TEST

START_TEST(a_relative_path_becomes_absolute)
{
	struct vigil *other;

	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(vigil_open(&other, "state/vigil.db", NULL, VIGIL_READ_ONLY), VIGIL_OK);
	ck_assert_int_eq(vigil_database(other)[0], '/');
	vigil_close(other);
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

/* ---- adding ------------------------------------------------------------------------------ */

START_TEST(everything_is_stored)
{
	struct vigil_task first = {.prompt = "first"};
	int64_t after = add(&first);
	struct vigil_task task = {
	    .prompt = "do it",
	    .description = "it",
	    .agent = "@oracle",
	    .model = "p/m",
	    .variant = "high",
	    .directory = "/tmp/../tmp/.",
	    .parent_session = "ses_Ab1",
	    .key = "k",
	    .mutex = "m",
	    .at = "2030-01-31T06:00:00+01:00",
	    .timeout = "90s",
	    .priority = -100,
	    .max_attempts = 100,
	    .after = &after,
	    .after_count = 1,
	    .hold = true,
	};

	ck_assert_int_eq(add(&task), 2);
	shell_gives(path,
	    "SELECT concat_ws FROM (SELECT status || '|' || prompt || '|' || description || '|' || "
	    "agent || '|' || "
	    "model || '|' || variant || '|' || directory || '|' || parent_session || '|' || key || "
	    "'|' || mutex || "
	    "'|' || not_before || '|' || timeout_s || '|' || priority || '|' || max_attempts AS "
	    "concat_ws "
	    "FROM tasks WHERE id = 2)",
	    "held|do "
	    "it|it|oracle|p/m|high|/tmp|ses_Ab1|k|m|2030-01-31T05:00:00.000Z|90.0|-100|100");
	shell_gives(path, "SELECT needs_id FROM dependencies WHERE task_id = 2", "1");
	shell_gives(path,
	    "SELECT directory IS NULL AND agent IS NULL AND max_attempts IS NULL FROM tasks", "1");
}
END_TEST

#define LONG_KEY \
	"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk" \
	"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk" \
	"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk" \
	"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"

static const int64_t nowhere[] = {99};
static const int64_t no_id[] = {0};

static const struct {
	struct vigil_task task;
	enum vigil_result result;
	const char *words;
} refused[] = {
    {{.prompt = NULL}, VIGIL_USAGE, "the prompt is empty"},
    {{.prompt = ""}, VIGIL_USAGE, "the prompt is empty"},
    {{.prompt = " \n\t\r\v\f"}, VIGIL_USAGE, "only white space"},
    {{.prompt = "abc\xff"}, VIGIL_USAGE, "not UTF-8 at byte 3"},
    {{.prompt = "ab\0c", .prompt_bytes = 4}, VIGIL_USAGE, "NUL at byte 2"},
    {{.prompt = "x", .description = "\xc3"}, VIGIL_USAGE, "description is not UTF-8 at byte 0"},
    {{.prompt = "x", .agent = ""}, VIGIL_USAGE, "the agent is empty"},
    {{.prompt = "x", .agent = "@"}, VIGIL_USAGE, "the agent is empty"},
    {{.prompt = "x", .model = "m"}, VIGIL_USAGE, "the model 'm' is not PROVIDER/MODEL"},
    {{.prompt = "x", .model = "a/b,c/d"}, VIGIL_USAGE,
	"'a/b,c/d' is not supported by this version yet"},
    {{.prompt = "x", .directory = "/nonexistent"}, VIGIL_USAGE, "'/nonexistent' does not exist"},
    {{.prompt = "x", .directory = "/dev/null"}, VIGIL_USAGE, "'/dev/null' is a file"},
    {{.prompt = "x", .directory = ""}, VIGIL_USAGE, "the directory is empty"},
    {{.prompt = "x", .parent_session = "ses_"}, VIGIL_USAGE, "'ses_'"},
    {{.prompt = "x", .parent_session = "ses_a/b"}, VIGIL_USAGE, "'ses_a/b'"},
    {{.prompt = "x", .priority = 101}, VIGIL_USAGE, "101"},
    {{.prompt = "x", .priority = -101}, VIGIL_USAGE, "-101"},
    {{.prompt = "x", .max_attempts = -1}, VIGIL_USAGE, "-1 attempts"},
    {{.prompt = "x", .max_attempts = 101}, VIGIL_USAGE, "101 attempts"},
    {{.prompt = "x", .key = LONG_KEY}, VIGIL_USAGE, "256 characters"},
    {{.prompt = "x", .mutex = ""}, VIGIL_USAGE, "the mutex is empty"},
    {{.prompt = "x", .at = "soon"}, VIGIL_USAGE, "'soon'"},
    {{.prompt = "x", .in = "soon"}, VIGIL_USAGE, "'soon'"},
    {{.prompt = "x", .at = "22:00", .in = "5m"}, VIGIL_USAGE, "both given"},
    {{.prompt = "x", .timeout = "soon"}, VIGIL_USAGE, "'soon'"},
    {{.prompt = "x", .after = nowhere, .after_count = 1}, VIGIL_NOT_FOUND, "no task 99"},
    {{.prompt = "x", .after = no_id, .after_count = 1}, VIGIL_USAGE, "0 is no task's id"},
};

START_TEST(a_wrong_value_is_named)
{
	refuse(&refused[_i].task, refused[_i].result, refused[_i].words);
}
END_TEST

START_TEST(a_prompt_has_a_limit)
{
	size_t limit = (size_t)16 << 20;
	char *text = xcalloc(limit + 2, 1);
	struct vigil_task task = {.prompt = text};

	memset(text, 'x', limit + 1);
	refuse(&task, VIGIL_USAGE, "16777217 bytes");
	text[limit] = '\0';
	add(&task);
	text[5000000] = '\0';
	add(&task);
	shell_gives(path, "SELECT group_concat(length(prompt)) FROM tasks", "16777216,5000000");
	free(text);
}
END_TEST

START_TEST(an_open_key_is_not_queued_twice)
{
	struct vigil_task task = {.prompt = "x", .key = "k"};
	int64_t first = add(&task), id;
	bool existed, needs_runner;

	ck_assert_int_eq(vigil_add(vigil, &task, &id, &existed), VIGIL_OK);
	ck_assert(existed);
	ck_assert_int_eq(id, first);
	ck_assert_int_eq(vigil_cancel(vigil, first, NULL, &needs_runner), VIGIL_OK);
	ck_assert_int_ne(add(&task), first);
}
END_TEST

/* Eight processes at once, one task. */
START_TEST(a_key_holds_in_a_race)
{
	pid_t children[8];

	for (size_t i = 0; i < 8; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct vigil_task task = {.prompt = "x", .key = "k"};
			struct vigil *own;
			int64_t id = 0;
			bool existed;

			if (vigil_open(&own, path, NULL, VIGIL_READ_WRITE) != VIGIL_OK ||
			    vigil_add(own, &task, &id, &existed) != VIGIL_OK)
				_exit(100);
			vigil_close(own);
			_exit((int)id);
		}
	}
	for (size_t i = 0; i < 8; i++)
		ck_assert_int_eq(wait_for(children[i]), 1);
	shell_gives(path, "SELECT count(*) FROM tasks", "1");
}
END_TEST

/* ---- lines ------------------------------------------------------------------------------- */

struct added {
	int64_t ids[8];
	bool existed[8];
	size_t count;
};

static void
take_id(void *arg, int64_t id, bool existed)
{
	struct added *added = arg;

	if (added->count < 8) {
		added->ids[added->count] = id;
		added->existed[added->count] = existed;
	}
	added->count++;
}

START_TEST(lines_are_tasks)
{
	static const char text[] =
	    "{\"prompt\": \"a\", \"priority\": 5, \"timeout_s\": 0.5, \"description\": "
	    "\"two\\nlines\"}\r\n"
	    "\n"
	    "  \t\r\n"
	    "{\"prompt\": \"b\", \"after\": [1], \"in\": \"1h\", \"hold\": true, \"agent\": "
	    "\"@x\"}\n"
	    "{\"prompt\": \"c\", \"key\": \"k\", \"model\": null, \"timeout\": 0}\n"
	    "{\"prompt\": \"d\", \"key\": \"k\"}";
	struct vigil_task defaults = {.model = "p/m", .priority = 1, .at = "2030-01-01T00:00:00Z"};
	struct added added = {0};

	ck_assert_int_eq(
	    vigil_add_lines(vigil, text, sizeof(text) - 1, "f", &defaults, take_id, &added),
	    VIGIL_OK);
	ck_assert_uint_eq(added.count, 4);
	ck_assert_int_eq(added.ids[3], added.ids[2]);
	ck_assert(added.existed[3] && !added.existed[2]);
	shell_gives(path, "SELECT group_concat(priority) FROM tasks", "5,1,1");
	shell_gives(path, "SELECT group_concat(coalesce(model, '-')) FROM tasks", "p/m,p/m,-");
	shell_gives(path, "SELECT group_concat(status) FROM (SELECT status FROM tasks ORDER BY id)",
	    "queued,held,queued");
	shell_gives(path, "SELECT group_concat(coalesce(timeout_s, '-')) FROM tasks", "0.5,-,0.0");
	shell_gives(path, "SELECT not_before FROM tasks WHERE id = 1", "2030-01-01T00:00:00.000Z");
	shell_gives(path, "SELECT not_before < '2030' FROM tasks WHERE id = 2", "1");
	shell_gives(path, "SELECT agent FROM tasks WHERE id = 2", "x");
}
END_TEST

static const struct {
	const char *line, *words;
	enum vigil_result result;
} bad_lines[] = {
    {"{", "f:2: ", VIGIL_USAGE},
    {"{\"prompt\": \"x\"} {}", "f:2: ", VIGIL_USAGE},
    {"7", "f:2: a task is a JSON object", VIGIL_USAGE},
    {"{}", "f:2: the prompt is empty", VIGIL_USAGE},
    {"{\"prompt\": null}", "f:2: the prompt is empty", VIGIL_USAGE},
    {"{\"prompt\": [\"x\"]}", "f:2: prompt is [\"x\"]; it must be a text", VIGIL_USAGE},
    {"{\"prompt\": \"x\", \"id\": 7}", "f:2: unknown key 'id' (vigil add --help", VIGIL_USAGE},
    {"{\"prompt\": \"x\", \"Agent\": \"a\"}", "'Agent' (did you mean 'agent'?)", VIGIL_USAGE},
    {"{\"prompt\": \"x\", \"after\": [1.5]}", "after is 1.5", VIGIL_USAGE},
    {"{\"prompt\": \"x\", \"after\": 1}", "after is 1", VIGIL_USAGE},
    {"{\"prompt\": \"x\", \"after\": [3]}", "f:2: there is no task 3", VIGIL_NOT_FOUND},
    {"{\"prompt\": \"x\", \"after\": [2]}", "f:2: there is no task 2", VIGIL_NOT_FOUND},
    {"{\"prompt\": \"x\", \"priority\": \"1\"}", "priority is \"1\"", VIGIL_USAGE},
    {"{\"prompt\": \"x\", \"timeout_s\": 1e300}", "timeout_s is 1e+300", VIGIL_USAGE},
    {"{\"prompt\": \"\\u0000\"}", "\\u0000 at byte 12 stands for no character", VIGIL_USAGE},
    {"{\"prompt\": \"\\udc00\"}", "\\udc00 at byte 12", VIGIL_USAGE},
    {"{\"prompt\": \"\\ud83dx\"}", "\\ud83d at byte 12", VIGIL_USAGE},
    {"{\"prompt\": \"\xed\xa0\x80\"}", "not UTF-8 at byte 12", VIGIL_USAGE},
    {"{\"prompt\": \"x\", \"model\": \"m\"}", "f:2: the model 'm'", VIGIL_USAGE},
};

START_TEST(a_bad_line_is_named_and_nothing_queued)
{
	char *text = xasprintf("{\"prompt\": \"fine\"}\n%s\n", bad_lines[_i].line);
	struct added added = {0};

	says(vigil_add_lines(vigil, text, strlen(text), "f", NULL, take_id, &added),
	    bad_lines[_i].result, bad_lines[_i].words);
	ck_assert_uint_eq(added.count, 0);
	shell_gives(path, "SELECT count(*) FROM tasks", "0");
	free(text);
}
END_TEST

START_TEST(escapes_that_are_characters_pass)
{
	static const char text[] = "{\"prompt\": \"\\ud83d\\ude00 \\\\u0000 \\u00e9 \\\\\"}\n";

	ck_assert_int_eq(
	    vigil_add_lines(vigil, text, sizeof(text) - 1, "f", NULL, NULL, NULL), VIGIL_OK);
	shell_gives(path, "SELECT prompt FROM tasks", "\xf0\x9f\x98\x80 \\u0000 \xc3\xa9 \\");
}
END_TEST

START_TEST(a_nul_in_a_line_is_refused)
{
	says(vigil_add_lines(vigil, "{\"prompt\": \"a\0b\"}", 17, "f", NULL, NULL, NULL),
	    VIGIL_USAGE, "f:1: there is a NUL at byte 13");
}
END_TEST

START_TEST(a_thousand_lines_are_added)
{
	struct added added = {0};
	struct buf text = {0};

	for (int i = 0; i < 1000; i++)
		buf_printf(&text, "{\"prompt\": \"task %d\", \"directory\": \"/tmp\"}\n", i);
	ck_assert_int_eq(
	    vigil_add_lines(vigil, text.data, text.len, "f", NULL, take_id, &added), VIGIL_OK);
	ck_assert_uint_eq(added.count, 1000);
	buf_free(&text);
}
END_TEST

/* ---- what people do to tasks ------------------------------------------------------------- */

START_TEST(a_queued_task_is_cancelled)
{
	struct vigil_task task = {.prompt = "x"};
	int64_t id = add(&task);
	bool needs_runner = true;
	char *text;

	ck_assert_int_eq(vigil_cancel(vigil, id, "too late", &needs_runner), VIGIL_OK);
	ck_assert(!needs_runner);
	says(vigil_get_result(vigil, id, VIGIL_ANSWER, &text), VIGIL_FAILED,
	    "was cancelled: too late");
	ck_assert_ptr_null(text);
	shell_gives(path, "SELECT status || error || (error_kind IS NULL) FROM tasks",
	    "cancelledtoo late1");
	says(vigil_cancel(vigil, id, NULL, &needs_runner), VIGIL_USAGE, "task 1: ");
	says(vigil_cancel(vigil, 99, NULL, &needs_runner), VIGIL_NOT_FOUND, "no task 99");
	says(
	    vigil_cancel(vigil, id, "\xff", &needs_runner), VIGIL_USAGE, "the reason is not UTF-8");
}
END_TEST

START_TEST(a_live_task_needs_a_runner)
{
	struct vigil_task task = {.prompt = "x"};
	int64_t id = add(&task);
	bool needs_runner = false;

	shell_ok(path, A_RUNNER
	    "INSERT INTO attempts (task_id, number, nonce, runner_id) VALUES (1, 1, 'n', 1);"
	    "UPDATE tasks SET status = 'starting', attempts = 1, wake_at = created_at");
	ck_assert_int_eq(vigil_cancel(vigil, id, NULL, &needs_runner), VIGIL_OK);
	ck_assert(needs_runner);
	shell_gives(path, "SELECT status || ' ' || stop FROM tasks", "stopping cancel");
}
END_TEST

START_TEST(an_ask_is_answered)
{
	struct vigil_task task = {.prompt = "x"};
	bool needs_runner = false;

	add(&task);
	shell_ok(path, A_RUNNER
	    "INSERT INTO attempts (task_id, number, nonce, runner_id) VALUES (1, 1, 'n', 1);"
	    "UPDATE tasks SET status = 'starting', attempts = 1, wake_at = created_at;"
	    "INSERT INTO asks (task_id, attempt_id, session_id, ask_id, kind, request) VALUES"
	    " (1, 1, 's', 'a', 'permission', 'r'), (1, 1, 's', 'b', 'question', 'q')");
	says(vigil_answer(vigil, 99, "once", &needs_runner), VIGIL_NOT_FOUND, "no ask 99");
	says(vigil_answer(vigil, 1, "maybe", &needs_runner), VIGIL_USAGE, "once, always or reject");
	says(vigil_answer(vigil, 2, " ", &needs_runner), VIGIL_USAGE, "the reply is empty");
	says(vigil_answer(vigil, 2, "\xff", &needs_runner), VIGIL_USAGE, "not UTF-8");
	ck_assert_int_eq(vigil_answer(vigil, 1, "always", &needs_runner), VIGIL_OK);
	ck_assert(needs_runner);
	says(vigil_answer(vigil, 1, "reject", &needs_runner), VIGIL_USAGE, "been replied to");
	ck_assert_int_eq(vigil_answer(vigil, 2, "blue\n\nred", &needs_runner), VIGIL_OK);
	shell_gives(path,
	    "SELECT group_concat(reply || replied_by || (replied_at IS NULL)) FROM asks",
	    "alwaysperson1,blue\n\nredperson1");
	shell_ok(path, "INSERT INTO asks (task_id, attempt_id, session_id, ask_id, kind, request) "
		       "VALUES (1, 1, 's', 'c', 'question', 'q')");
	shell_ok(path, "UPDATE attempts SET sealed = 1, ended_at = started_at, outcome = 'failed'");
	says(vigil_answer(vigil, 3, "late", &needs_runner), VIGIL_USAGE, "is over");
}
END_TEST

START_TEST(hold_release_retry)
{
	struct vigil_task task = {.prompt = "x"};
	int64_t id = add(&task);
	bool needs_runner;

	ck_assert_int_eq(vigil_hold(vigil, id), VIGIL_OK);
	shell_gives(path, "SELECT status FROM tasks", "held");
	says(vigil_hold(vigil, id), VIGIL_USAGE, "task 1");
	ck_assert_int_eq(vigil_release(vigil, id), VIGIL_OK);
	shell_gives(path, "SELECT status FROM tasks", "queued");
	says(vigil_release(vigil, id), VIGIL_USAGE, "task 1");
	says(vigil_retry(vigil, id), VIGIL_USAGE, "task 1");
	ck_assert_int_eq(vigil_cancel(vigil, id, NULL, &needs_runner), VIGIL_OK);
	ck_assert_int_eq(vigil_retry(vigil, id), VIGIL_OK);
	shell_gives(path, "SELECT status || (error IS NULL) FROM tasks", "queued1");
	says(vigil_retry(vigil, 99), VIGIL_NOT_FOUND, "no task 99");
}
END_TEST

/* ---- results and waiting ----------------------------------------------------------------- */

START_TEST(results)
{
	struct vigil_task task = {.prompt = "x"};
	int64_t id = add(&task);
	char *text = NULL;

	says(vigil_get_result(vigil, 99, VIGIL_ANSWER, &text), VIGIL_NOT_FOUND, "no task 99");
	says(vigil_get_result(vigil, id, VIGIL_ANSWER, &text), VIGIL_TIMEOUT, "it is queued");
	ck_assert_ptr_null(text);
	finish(id, "completed", "result = 'last'");
	ck_assert_int_eq(vigil_get_result(vigil, id, VIGIL_ANSWERS, &text), VIGIL_OK);
	ck_assert_str_eq(text, "last"); /* no transcript */
	free(text);
	shell_ok(path,
	    "INSERT INTO messages (task_id, attempt_id, message_id, role, text, reasoning, "
	    "summary) VALUES"
	    " (1, 1, 'a', 'user', 'x', NULL, 0), (1, 1, 'b', 'assistant', 'first', 'hm', 0),"
	    " (1, 1, 'c', 'assistant', '', 'so', 0), (1, 1, 'd', 'assistant', 'sum', NULL, 1),"
	    " (1, 1, 'e', 'assistant', 'last', NULL, 0)");
	ck_assert_int_eq(vigil_get_result(vigil, id, VIGIL_ANSWER, &text), VIGIL_OK);
	ck_assert_str_eq(text, "last");
	free(text);
	ck_assert_int_eq(vigil_get_result(vigil, id, VIGIL_ANSWERS, &text), VIGIL_OK);
	ck_assert_str_eq(text, "first\n\nlast");
	free(text);
	ck_assert_int_eq(vigil_get_result(vigil, id, VIGIL_ANSWERS_AND_REASONING, &text), VIGIL_OK);
	ck_assert_str_eq(text, "hm\n\nfirst\n\nso\n\nlast");
	free(text);
}
END_TEST

START_TEST(a_failure_says_why)
{
	struct vigil_task task = {.prompt = "x"};
	int64_t id = add(&task);
	char *text = NULL;

	finish(id, "failed", "error = 'no key', error_kind = 'agent', result = 'half'");
	says(vigil_get_result(vigil, id, VIGIL_ANSWER, &text), VIGIL_FAILED,
	    "task 1 failed (agent): no key");
	ck_assert_str_eq(text, "half");
	free(text);
}
END_TEST

static bool
take_progress(void *arg, const struct vigil_progress *progress)
{
	*(struct vigil_progress *)arg = *progress;
	return true;
}

static bool
stop_waiting(void *arg, const struct vigil_progress *progress)
{
	(void)arg;
	(void)progress;
	return false;
}

START_TEST(waiting)
{
	struct vigil_task task = {.prompt = "x"}, held = {.prompt = "x", .hold = true};
	int64_t ids[] = {add(&task), add(&held), 99};
	struct vigil_progress last = {0};

	says(vigil_wait(vigil, ids, 3, false, -1, NULL, NULL), VIGIL_NOT_FOUND, "no task 99");
	says(vigil_wait(vigil, ids, 2, false, 50, take_progress, &last), VIGIL_TIMEOUT,
	    "1 queued, 1 held");
	ck_assert_int_eq(last.queued, 1);
	ck_assert_int_eq(last.held, 1);
	ck_assert_int_ge(last.waited_ms, 50);
	says(vigil_wait(vigil, NULL, 0, false, 0, NULL, NULL), VIGIL_TIMEOUT, "1 queued");
	says(vigil_wait(vigil, NULL, 0, false, -1, stop_waiting, NULL), VIGIL_TIMEOUT, "1 queued");
	finish(ids[0], "completed", "result = 'y'");
	ck_assert_int_eq(vigil_wait(vigil, ids, 2, true, -1, NULL, NULL), VIGIL_OK);
	ck_assert_int_eq(vigil_wait(vigil, ids, 1, false, -1, NULL, NULL), VIGIL_OK);
	ck_assert_int_eq(
	    vigil_wait(vigil, NULL, 0, false, -1, NULL, NULL), VIGIL_OK); /* the held one */
}
END_TEST

/* Each on a descriptor of its own, so that one's own lock is seen like another's. */
START_TEST(waiting_knows_whether_a_runner_is_alive)
{
	struct vigil_progress last = {.has_runner = true};
	struct store_lock *lock;
	struct fault fault;

	add(&(struct vigil_task){.prompt = "x"});
	vigil_wait(vigil, NULL, 0, false, 0, take_progress, &last);
	ck_assert(!last.has_runner);
	lock = store_lock(path, &fault);
	ck_assert_ptr_nonnull(lock);
	vigil_wait(vigil, NULL, 0, false, 0, take_progress, &last);
	ck_assert(last.has_runner);
	store_unlock(lock);
}
END_TEST

/* Another process ends the task; no one tells us but the database. */
START_TEST(waiting_notices_others)
{
	struct vigil_task task = {.prompt = "x"};
	int64_t id = add(&task);
	struct vigil_progress last = {0};
	pid_t child = fork();

	if (child == 0) {
		struct vigil *own;
		bool needs_runner;

		if (vigil_open(&own, path, NULL, VIGIL_EXISTING) != VIGIL_OK)
			_exit(1);
		_exit(vigil_cancel(own, id, "enough", &needs_runner) == VIGIL_OK ? 0 : 1);
	}
	says(vigil_wait(vigil, NULL, 0, false, 20000, take_progress, &last), VIGIL_FAILED,
	    "1 cancelled");
	ck_assert_int_eq(last.cancelled, 1);
	ck_assert_int_eq(wait_for(child), 0);
}
END_TEST

/* ---- reading ----------------------------------------------------------------------------- */

static bool
take_ids(void *arg, const struct vigil_row *row)
{
	ck_assert_str_eq(row->names[0], "id");
	ck_assert(row->is_number[0]);
	buf_printf(arg, "%s ", row->values[0]);
	return true;
}

static void
lists(const struct vigil_filter *filter, const char *expected)
{
	struct buf ids = {0};

	ck_assert_int_eq(vigil_list(vigil, filter, take_ids, &ids), VIGIL_OK);
	ck_assert_str_eq(buf_text(&ids), expected);
	buf_free(&ids);
}

START_TEST(lists_are_filtered)
{
	struct vigil_task one = {.prompt = "Fix 100% of_it"},
			  two = {.prompt = "x", .description = "FIX"},
			  three = {.prompt = "y", .hold = true};

	add(&one);
	add(&two);
	add(&three);
	lists(NULL, "3 2 1 ");
	lists(&(struct vigil_filter){.limit = 2}, "3 2 ");
	lists(&(struct vigil_filter){.grep = "fix"}, "2 1 ");
	lists(&(struct vigil_filter){.grep = "0% OF_"}, "1 ");
	lists(&(struct vigil_filter){.grep = "%"}, "1 ");
	lists(&(struct vigil_filter){.statuses = "held,failed"}, "3 ");
	lists(&(struct vigil_filter){.statuses = "queued"}, "2 1 ");
	lists(&(struct vigil_filter){.since = "2001-01-01"}, "3 2 1 ");
	lists(&(struct vigil_filter){.since = "2999-01-01"}, "");
	says(vigil_list(vigil, &(struct vigil_filter){.statuses = "held,,"}, NULL, NULL),
	    VIGIL_USAGE, "''");
	says(vigil_list(vigil, &(struct vigil_filter){.statuses = "cancled"}, NULL, NULL),
	    VIGIL_USAGE, "(did you mean 'cancelled'?)");
	says(vigil_list(vigil, &(struct vigil_filter){.since = "x"}, NULL, NULL), VIGIL_USAGE,
	    "'x'");
	says(vigil_list(vigil, &(struct vigil_filter){.limit = -1}, NULL, NULL), VIGIL_USAGE, "-1");
}
END_TEST

static bool
take_row(void *arg, const struct vigil_row *row)
{
	for (size_t i = 0; i < row->count; i++)
		buf_printf(arg, "%s%s=%s", i ? " " : "", row->names[i],
		    row->values[i] ? row->values[i] : "NULL");
	buf_puts(arg, "; ");
	return true;
}

static void
rows_are(const struct vigil_filter *filter, const char *expected)
{
	struct buf rows = {0};

	ck_assert_int_eq(vigil_list(vigil, filter, take_row, &rows), VIGIL_OK);
	ck_assert_str_eq(buf_text(&rows), expected);
	buf_free(&rows);
}

START_TEST(lists_have_the_columns_and_the_order_that_is_asked_for)
{
	struct vigil_task one = {.prompt = "\n one", .priority = 5},
			  two = {.prompt = "two", .description = "second", .priority = 10},
			  three = {.prompt = "three", .agent = "a"};

	add(&one);
	add(&two);
	add(&three);
	finish(1, "failed", "error = 'no', error_kind = 'lost'");
	rows_are(&(struct vigil_filter){.columns = "agent,id,task", .limit = 2},
	    "agent=a id=3 task=three; agent=NULL id=2 task=second; ");
	rows_are(
	    &(struct vigil_filter){.columns = "id,prompt", .characters = 2, .statuses = "queued"},
	    "id=3 prompt=th; id=2 prompt=tw; ");
	rows_are(&(struct vigil_filter){.columns = "task,reason,next", .statuses = "failed"},
	    "task=one reason=lost: no next=vigil retry 1 does it again, in a new session; ");
	rows_are(&(struct vigil_filter){.columns = "id", .sort = "priority"}, "id=3; id=1; id=2; ");
	rows_are(
	    &(struct vigil_filter){.columns = "id", .sort = "-priority", .limit = 1}, "id=2; ");
	rows_are(&(struct vigil_filter){.columns = "id", .sort = "-agent"}, "id=3; id=2; id=1; ");
	rows_are(&(struct vigil_filter){.columns = "id", .sort = "agent,id"}, "id=3; id=1; id=2; ");
	says(vigil_list(vigil, &(struct vigil_filter){.columns = "id,reson"}, NULL, NULL),
	    VIGIL_USAGE,
	    "'reson' is not a column (did you mean 'reason'?); there are id, status, ");
	says(vigil_list(vigil, &(struct vigil_filter){.columns = "-id"}, NULL, NULL), VIGIL_USAGE,
	    "'-id'");
	says(vigil_list(vigil, &(struct vigil_filter){.sort = "id,-id"}, NULL, NULL), VIGIL_USAGE,
	    "'id' is named twice");
}
END_TEST

static bool
compare_names(void *arg, const struct row *row)
{
	const struct vigil_column *columns = vigil_columns();
	size_t count = 0;

	for (; columns[count].name; count++) {
		ck_assert_uint_lt(count, row_count(row));
		ck_assert_str_eq(columns[count].name, row_name(row, count));
	}
	ck_assert_uint_eq(count, row_count(row));
	*(bool *)arg = true;
	return true;
}

/* Their table, and the statement that reads them: each is in a file of its own. */
START_TEST(columns_are_those_of_the_statement)
{
	struct value values[] = {
	    value_int(add(&(struct vigil_task){.prompt = "x"})), value_text(","), value_int(1)};
	struct fault fault;
	bool was_there = false;

	ck_assert(
	    store_run(vigil->store, Q_list_row, values, 3, compare_names, &was_there, &fault));
	ck_assert(was_there);
}
END_TEST

static bool
take_first(void *arg, const struct vigil_row *row)
{
	*(char **)arg = xstrdup(row->values[0]);
	return false;
}

static void
shows(int64_t id, enum vigil_section section, const char *expected)
{
	char *first = NULL;

	ck_assert_int_eq(vigil_show(vigil, id, section, take_first, &first), VIGIL_OK);
	ck_assert_pstr_eq(first, expected);
	free(first);
}

START_TEST(one_task_from_all_sides)
{
	struct vigil_task task = {.prompt = "x"};
	int64_t first = add(&task);

	task.after = &first;
	task.after_count = 1;
	add(&task);
	shows(1, VIGIL_TASK, "1");
	shows(1, VIGIL_WHY_QUEUED, "no runner is alive: start vigil run");
	shows(2, VIGIL_WHY_QUEUED, "comes after task 1, which is queued");
	shows(1, VIGIL_ATTEMPTS, NULL);
	shows(1, VIGIL_EVENTS, "1");
	shows(1, VIGIL_LAST_RUN, NULL);
	/* A runner that crashed is still in its row; the lock knows better. */
	shell_ok(path, "INSERT INTO runners (pid, pid_start, boot_id, version, directory) VALUES "
		       "(1, 1, '', '', '/')");
	shows(1, VIGIL_WHY_QUEUED, "no runner is alive: start vigil run");
	shows(1, VIGIL_LAST_RUN, NULL);
	shell_ok(path, "UPDATE runners SET trouble = 'nobody answers', trouble_at = "
		       "'2026-01-31T06:00:00.000Z'");
	shows(1, VIGIL_WHY_QUEUED, "no runner is alive: start vigil run");
	shows(2, VIGIL_WHY_QUEUED, "comes after task 1, which is queued");
	struct fault fault;
	struct store_lock *lock = store_lock(path, &fault);
	char *reason = shell(path, "SELECT reason FROM queue WHERE id = 1");
	ck_assert_ptr_nonnull(strstr(reason, "nobody answers"));
	shows(1, VIGIL_WHY_QUEUED, reason);
	free(reason);
	store_unlock(lock);
	shell_ok(path, "UPDATE runners SET ended_at = started_at, ending = 'drained'");
	shows(1, VIGIL_LAST_RUN, "drained");
	finish(1, "completed", "result = 'y'");
	shows(1, VIGIL_WHY_QUEUED, NULL);
	says(vigil_show(vigil, 99, VIGIL_EVENTS, NULL, NULL), VIGIL_NOT_FOUND, "no task 99");
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("ops");

	tcase_add_checked_fixture(tests, ops_set_up, ops_tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, reading_makes_nothing);
	tcase_add_test(tests, a_wrong_configuration_is_said);
	tcase_add_test(tests, a_relative_path_becomes_absolute);
	tcase_add_test(tests, everything_is_stored);
	tcase_add_loop_test(
	    tests, a_wrong_value_is_named, 0, (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_test(tests, a_prompt_has_a_limit);
	tcase_add_test(tests, an_open_key_is_not_queued_twice);
	tcase_add_test(tests, a_key_holds_in_a_race);
	tcase_add_test(tests, lines_are_tasks);
	tcase_add_loop_test(tests, a_bad_line_is_named_and_nothing_queued, 0,
	    (int)(sizeof(bad_lines) / sizeof(bad_lines[0])));
	tcase_add_test(tests, escapes_that_are_characters_pass);
	tcase_add_test(tests, a_nul_in_a_line_is_refused);
	tcase_add_test(tests, a_thousand_lines_are_added);
	tcase_add_test(tests, a_queued_task_is_cancelled);
	tcase_add_test(tests, a_live_task_needs_a_runner);
	tcase_add_test(tests, an_ask_is_answered);
	tcase_add_test(tests, hold_release_retry);
	tcase_add_test(tests, results);
	tcase_add_test(tests, a_failure_says_why);
	tcase_add_test(tests, waiting);
	tcase_add_test(tests, waiting_knows_whether_a_runner_is_alive);
	tcase_add_test(tests, waiting_notices_others);
	tcase_add_test(tests, lists_are_filtered);
	tcase_add_test(tests, lists_have_the_columns_and_the_order_that_is_asked_for);
	tcase_add_test(tests, columns_are_those_of_the_statement);
	tcase_add_test(tests, one_task_from_all_sides);
	return run_suite(tests, "ops");
}
