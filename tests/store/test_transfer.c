/*
 * Tasks exported and imported: nothing of them is lost on the way, and nothing half done comes in.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "help.h"
#include "ops.h"

static char *other_path;
static struct vigil *other;

static void
set_up(void)
{
	ops_set_up();
	other_path = in_folder(folder, "other.db");
	ck_assert_int_eq(vigil_open(&other, other_path, NULL, VIGIL_READ_WRITE), VIGIL_OK);
}

static void
tear_down(void)
{
	vigil_close(other);
	free(other_path);
	ops_tear_down();
}

static bool
add_line(void *lines, const char *line)
{
	buf_printf(lines, "%s\n", line);
	return true;
}

/* The caller frees. */
static char *
exported(struct vigil *from, int64_t expected_left_out)
{
	struct buf lines = {0};
	int64_t left_out = -1;

	ck_assert_msg(vigil_export(from, NULL, add_line, &lines, &left_out) == VIGIL_OK, "%s",
	    vigil_error(from));
	ck_assert_int_eq(left_out, expected_left_out);
	return buf_take(&lines);
}

static void
imports_and_has(struct vigil *into, const char *lines, int64_t expected, int64_t expected_here)
{
	struct vigil_imported done;

	ck_assert_msg(vigil_import(into, lines, strlen(lines), "f", &done) == VIGIL_OK, "%s",
	    vigil_error(into));
	ck_assert_int_eq(done.tasks, expected);
	ck_assert_int_eq(done.here, expected_here);
}

static void
imports(struct vigil *into, const char *lines, int64_t expected)
{
	imports_and_has(into, lines, expected, 0);
}

/* Has the other database the same rows, in all columns but those? */
static void
same_rows(const char *table, const char *but)
{
	char *sql = xasprintf("SELECT group_concat(name) FROM pragma_table_info('%s') "
			      "WHERE name NOT IN (%s)",
	    table, but);
	char *columns = shell(path, sql);

	ck_assert_ptr_nonnull(columns);
	free(sql);
	sql = xasprintf("ATTACH '%s' AS other; SELECT (SELECT count(*) FROM "
			"(SELECT %s FROM main.%s EXCEPT SELECT %s FROM other.%s))"
			" + abs((SELECT count(*) FROM main.%s) - (SELECT count(*) FROM other.%s))",
	    other_path, columns, table, columns, table, table, table);
	shell_gives(path, sql, "0");
	free(columns);
	free(sql);
}

#define T "'2026-01-31T06:00:00.000Z'"

/* Every column has something, and task 3 has what is hard to write down. */
static void
make_world(void)
{
	int64_t first = add(&(struct vigil_task){.prompt = "first"});

	add(&(struct vigil_task){
	    .prompt = "full",
	    .description = "d",
	    .agent = "a",
	    .model = "m/m",
	    .variant = "v",
	    .directory = "/",
	    .parent_session = "ses_1",
	    .key = "k",
	    .mutex = "x",
	    .at = "2030-01-01T00:00:00Z",
	    .timeout = "1500ms",
	    .priority = -9,
	    .max_attempts = 9,
	    .after = &first,
	    .after_count = 1,
	});
	add(&(struct vigil_task){
	    .prompt = "\"\\ \x01\x1f\x7f \n\t é 🦆 \u2028 </script>", .hold = true});
	shell_ok(path, A_RUNNER
	    "INSERT INTO servers (name) VALUES ('s');"
	    "INSERT INTO attempts (task_id, number, nonce, runner_id, server_id, server)"
	    " VALUES (1, 1, 'n', 1, 1, 'managed');"
	    "UPDATE tasks SET status = 'starting', attempts = 1, wake_at = " T
	    ", server = 'managed', session_id = 's', started_at = " T " WHERE id = 1;"
	    "UPDATE attempts SET session_id = 's', message_id = 'msg', part_id = 'prt', agent = "
	    "'a', model = 'm/m', variant = 'v', prompted_at = " T ", progress_at = " T
	    ", step_at = " T ", aborted_at = " T ", lost_ms = 3, resumes = 4;"
	    "INSERT INTO asks (task_id, attempt_id, session_id, ask_id, kind, asked_at, request)"
	    " VALUES (1, 1, 's', 'per_1', 'permission', " T ", 'r');"
	    "UPDATE asks SET reply = 'once', replied_at = " T ", replied_by = 'person';"
	    "INSERT INTO messages (task_id, attempt_id, message_id, role, agent, model, text, "
	    "reasoning, finish, error, summary, cut, created_at, completed_at, tokens_input, "
	    "tokens_output, tokens_reasoning, tokens_cache_read, tokens_cache_write, cost)"
	    " VALUES (1, 1, 'msg', 'user', 'a', 'm/m', 'x', 'r', 'f', 'e', 1, 1, " T ", " T
	    ", 1, 2, 3, 4, 5, 0.1 + 0.2);"
	    "UPDATE attempts SET sealed = 1, ended_at = " T ", outcome = 'failed', error = 'e', "
	    "error_kind = 'agent', tokens_input = 1, tokens_output = 2, tokens_reasoning = 3, "
	    "tokens_cache_read = 4, tokens_cache_write = 5, cost = 1e-7;"
	    "UPDATE tasks SET status = 'failed', error = 'e', error_kind = 'agent', result = "
	    "'half', result_cut = 1, stop = 'timeout', completed_at = " T " WHERE id = 1;");
}

START_TEST(nothing_is_lost)
{
	char *lines, *again;

	make_world();
	lines = exported(vigil, 0);
	imports(other, lines, 3);
	same_rows("tasks", "''");
	same_rows("dependencies", "''");
	/* What names rows that do not come along, or serves a live attempt alone. */
	same_rows("attempts",
	    "'server_id', 'runner_id', 'idle_at', 'unreachable_at', 'stranger_at', "
	    "'waiting_at', 'stop_at', 'sent_at', 'sends', 'stuck', 'searches', 'misses'");
	same_rows("messages", "''");
	same_rows("asks", "''");
	same_rows("events", "'id'"); /* which are of all tasks, in the order of time */
	shell_gives(other_path, "SELECT count(*) FROM problems", "0");
	shell_gives(other_path, "SELECT count(*) FROM importing", "0");
	again = exported(other, 0);
	ck_assert_str_eq(again, lines);
	free(lines);
	free(again);
}
END_TEST

/* They can be worked on as any other: the guards hold again, and the ids go on. */
START_TEST(what_was_imported_is_ordinary)
{
	char *lines;
	bool existed;
	int64_t id;

	make_world();
	lines = exported(vigil, 0);
	imports(other, lines, 3);
	free(lines);
	shell_refuses(other_path, "UPDATE tasks SET prompt = 'x' WHERE id = 1", "is final");
	shell_refuses(other_path, "INSERT INTO tasks (prompt, status) VALUES ('x', 'failed')",
	    "a new task is queued or held");
	ck_assert_int_eq(vigil_retry(other, 1), VIGIL_OK);
	ck_assert_int_eq(
	    vigil_add(other, &(struct vigil_task){.prompt = "x"}, &id, &existed), VIGIL_OK);
	ck_assert_int_eq(id, 4);
}
END_TEST

START_TEST(ids_that_are_taken_become_others)
{
	char *lines;

	make_world();
	lines = exported(vigil, 0);
	shell_ok(other_path, "INSERT INTO tasks (prompt) VALUES ('mine'), ('deleted');"
			     "DELETE FROM tasks WHERE id = 2");
	imports(other, lines, 3);
	free(lines);
	shell_gives(other_path, "SELECT group_concat(id || prompt) FROM tasks WHERE id < 5",
	    "1mine,3first,4full");
	shell_gives(other_path, "SELECT task_id || ' ' || needs_id FROM dependencies", "4 3");
	shell_gives(other_path, "SELECT task_id || ' ' || attempt_id FROM messages", "3 1");
	shell_gives(other_path, "SELECT count(*) FROM events WHERE task_id = 3", "5");
}
END_TEST

START_TEST(live_tasks_are_left_out)
{
	char *lines;

	add(&(struct vigil_task){.prompt = "x"});
	shell_ok(path, A_RUNNER
	    "INSERT INTO attempts (task_id, number, nonce, runner_id) VALUES (1, 1, 'n', 1);"
	    "UPDATE tasks SET status = 'starting', attempts = 1, wake_at = created_at");
	lines = exported(vigil, 1);
	ck_assert_str_eq(lines, "");
	imports(other, lines, 0);
	free(lines);
}
END_TEST

/* JSON has no infinity. */
START_TEST(a_number_beyond_all)
{
	char *lines;

	add(&(struct vigil_task){.prompt = "x"});
	finish(1, "failed", "error_kind = 'agent'");
	shell_ok(path, "INSERT INTO messages (task_id, attempt_id, message_id, role, text, cost)"
		       " VALUES (1, 1, 'm', 'user', 'x', 9e999)");
	lines = exported(vigil, 0);
	imports(other, lines, 1);
	shell_gives(other_path, "SELECT cost FROM messages", "1.0e+300");
	free(lines);
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
	int64_t left_out;

	says(vigil_export(vigil, "soon", add_line, NULL, &left_out), VIGIL_USAGE, "'soon'");
}
END_TEST

#define QUEUED_TASK \
	"\"id\":1,\"status\":\"queued\",\"prompt\":\"x\",\"priority\":0,\"attempts\":0," \
	"\"attempts_base\":0," \
	"\"result_cut\":0,\"revision\":0,\"created_at\":\"2026-01-31T06:00:00.000Z\""
#define REST "\"attempts\":[],\"messages\":[],\"asks\":[],\"events\":[]}"
#define LINE(task, after) "{\"vigil\":1,\"task\":{" task "},\"after\":[" after "]," REST

static const struct {
	const char *lines, *words;
} bad[] = {
    {"x", "f:1: "},
    {"{\"prompt\": \"x\"}", "f:1: it is not a line of vigil export"},
    {"[]", "f:1: it is an array"},
    {" [{\"vigil\":1,\"task\":{},", "f:1: it is an array"},
    {"{\"vigil\":2,\"task\":{" QUEUED_TASK "},\"after\":[]," REST, "f:1: it is of another version"},
    {"{\"vigil\":1,\"task\":{\"id\":\"1\"},\"after\":[]," REST, "f:1: the task has no id"},
    {"{\"vigil\":1,\"task\":{\"id\":1e300},\"after\":[]," REST, "f:1: the task has no id"},
    {"{\"vigil\":1,\"task\":{" QUEUED_TASK "},\"after\":[],\"attempts\":[1],\"messages\":[]}",
	"f:1: attempts is no list of objects"},
    {"{\"vigil\":1,\"task\":{" QUEUED_TASK "},\"after\":[],\"attempts\":[],\"messages\":{}}",
	"f:1: messages is no list of objects"},
    {LINE(QUEUED_TASK, "7"), "f:1: it comes after a task that is not in the file before it: 7"},
    {LINE(QUEUED_TASK, "") "\n\n" LINE(QUEUED_TASK, ""), "f:3: a task with this id was there"},
    {LINE(QUEUED_TASK, "") "\nrubbish", "f:2: "},
    {LINE(QUEUED_TASK ",\"error_kind\":\"none\"", ""), "f:1: an error_kind is "},
    {LINE("\"id\":1,\"status\":\"running\"", ""), "f:1: only a task that is queued, held or final"},
    {LINE("\"id\":1,\"status\":\"queued\"", ""), "f:1: a task needs a prompt"},
    {"{\"vigil\":1,\"task\":{" QUEUED_TASK ",\"agent\":\"\\ud800\"},\"after\":[]," REST,
	"f:1: \\ud800 at byte"},
    {"{\"vigil\":1,\"task\":{" QUEUED_TASK
     "},\"after\":[],\"attempts\":[],\"messages\":[{\"attempt\":1}],"
     "\"asks\":[],\"events\":[]}",
	"f:1: "},
    {"{\"vigil\":1,\"task\":{" QUEUED_TASK
     "},\"after\":[],\"attempts\":[{\"number\":1,\"nonce\":\"n\"}],"
     "\"messages\":[],\"asks\":[],\"events\":[]}",
	"f:1: only an attempt that has ended can be imported"},
    {LINE("\"id\":1,\"status\":\"completed\",\"prompt\":\"x\",\"priority\":0,\"attempts\":0,"
	  "\"attempts_base\":0,\"result_cut\":0,\"revision\":0,"
	  "\"created_at\":\"2026-01-31T06:00:00.000Z\"",
	 ""),
	"f:1: final task without completed_at"},
};

START_TEST(a_bad_line_is_named_and_nothing_imported)
{
	struct vigil_imported done = {-1, -1};

	says(vigil_import(vigil, bad[_i].lines, strlen(bad[_i].lines), "f", &done), VIGIL_USAGE,
	    bad[_i].words);
	ck_assert_int_eq(done.tasks, 0);
	shell_gives(path,
	    "SELECT (SELECT count(*) FROM tasks) || (SELECT count(*) FROM events) || (SELECT "
	    "count(*) "
	    "FROM importing)",
	    "000");
	/* So is the handle what it was. */
	imports(vigil, LINE(QUEUED_TASK, ""), 1);
}
END_TEST

START_TEST(what_is_here_already_is_left_as_it_is)
{
	char *lines;

	make_world();
	lines = exported(vigil, 0);
	imports_and_has(vigil, lines, 0, 3);
	shell_gives(path, "SELECT count(*) FROM tasks", "3");
	shell_ok(path, "DELETE FROM tasks WHERE id > 1");
	imports_and_has(vigil, lines, 2, 1);
	shell_gives(path, "SELECT task_id || ' ' || needs_id FROM dependencies", "4 1");
	imports_and_has(vigil, lines, 0, 3);
	free(lines);
}
END_TEST

/* Made in one instant, and alike: they are two all the same. */
START_TEST(twins_are_two)
{
	char *lines;

	shell_ok(path, "INSERT INTO tasks (prompt) VALUES ('x'), ('x');"
		       "UPDATE tasks SET created_at = (SELECT min(created_at) FROM tasks)");
	lines = exported(vigil, 0);
	imports(other, lines, 2);
	imports_and_has(other, lines, 0, 2);
	free(lines);
}
END_TEST

/* The directory is filled in, or resolved, when it is claimed; taken for another task it would be
 * done twice. */
START_TEST(what_was_queued_and_was_claimed_since_is_here)
{
	char *lines;

	shell_ok(path, "INSERT INTO tasks (prompt) VALUES ('x')");
	lines = exported(vigil, 0);
	shell_ok(path,
	    A_RUNNER "INSERT INTO servers (name) VALUES ('s');"
		     "INSERT INTO attempts (task_id, number, nonce, runner_id, server_id, server)"
		     " VALUES (1, 1, 'n', 1, 1, 'managed');"
		     "UPDATE tasks SET status = 'starting', attempts = 1, wake_at = " T
		     ", server = 'managed', directory = '/', started_at = " T " WHERE id = 1;");
	imports_and_has(vigil, lines, 0, 1);
	free(lines);
}
END_TEST

START_TEST(of_another_directory_is_another)
{
	char *lines;

	shell_ok(path, "INSERT INTO tasks (prompt, directory) VALUES ('x', '/'), ('x', '/tmp');"
		       "UPDATE tasks SET created_at = (SELECT min(created_at) FROM tasks)");
	lines = exported(vigil, 0);
	shell_ok(path, "DELETE FROM tasks WHERE id = 1");
	imports_and_has(vigil, lines, 1, 1);
	free(lines);
}
END_TEST

/* What it was printed of has another prompt by now. */
START_TEST(an_ask_is_had_only_once)
{
	char *lines;
	struct vigil_imported done;

	make_world();
	lines = exported(vigil, 0);
	*strstr(lines, "first") = 'F';
	says(vigil_import(vigil, lines, strlen(lines), "f", &done), VIGIL_USAGE,
	    "f:1: one of its asks is in the database already: it was imported before");
	shell_gives(path, "SELECT count(*) FROM tasks", "3");
	free(lines);
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("transfer");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, nothing_is_lost);
	tcase_add_test(tests, what_was_imported_is_ordinary);
	tcase_add_test(tests, ids_that_are_taken_become_others);
	tcase_add_test(tests, live_tasks_are_left_out);
	tcase_add_test(tests, a_number_beyond_all);
	tcase_add_test(tests, what_is_no_time_is_refused);
	tcase_add_loop_test(tests, a_bad_line_is_named_and_nothing_imported, 0,
	    (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(tests, what_is_here_already_is_left_as_it_is);
	tcase_add_test(tests, twins_are_two);
	tcase_add_test(tests, what_was_queued_and_was_claimed_since_is_here);
	tcase_add_test(tests, of_another_directory_is_another);
	tcase_add_test(tests, an_ask_is_had_only_once);
	return run_suite(tests, "transfer");
}
