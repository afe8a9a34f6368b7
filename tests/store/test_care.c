/*
 * libvigil's care of a queue and its database: pause, edit, prune, backup.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "help.h"
#include "ops.h"
#include "ops/handle.h"
#include "store/store_int.h"

/* ---- edit, retry as something else ---------------------------------------------------------- */

static void
live(int64_t id)
{
	char *sql = xasprintf(A_RUNNER
	    "INSERT INTO attempts (task_id, number, nonce, runner_id)"
	    " SELECT %lld, 1, 'n', max(id) FROM runners;"
	    "UPDATE tasks SET status = 'starting', attempts = 1, wake_at = created_at "
	    "WHERE id = %lld;",
	    (long long)id, (long long)id);

	shell_ok(path, sql);
	free(sql);
}

#define EVERY_COLUMN \
	"SELECT prompt || '|' || quote(description) || '|' || quote(agent) || '|' || quote(model)" \
	" || '|' || quote(variant) || '|' || quote(directory) || '|' || quote(parent_session)" \
	" || '|' || priority || '|' || quote(not_before) || '|' || quote(key) || '|' || " \
	"quote(mutex)" \
	" || '|' || quote(timeout_s) || '|' || quote(max_attempts) FROM tasks WHERE id = 1"

static const struct vigil_task full = {
    .prompt = "p",
    .description = "d",
    .agent = "a",
    .model = "m/m",
    .variant = "v",
    .directory = "/",
    .parent_session = "ses_1",
    .key = "k",
    .mutex = "x",
    .at = "2030-01-01T00:00:00Z",
    .timeout = "9s",
    .priority = 9,
    .max_attempts = 9,
};

static const struct {
	unsigned field;
	struct vigil_task to;
	const char *row, *row_of_default;
} edits[] = {
#define START "'2030-01-01T00:00:00.000Z'"
    {VIGIL_PROMPT, {.prompt = "P"}, "P|'d'|'a'|'m/m'|'v'|'/'|'ses_1'|9|" START "|'k'|'x'|9.0|9",
	NULL},
    {VIGIL_DESCRIPTION, {.description = "D"},
	"p|'D'|'a'|'m/m'|'v'|'/'|'ses_1'|9|" START "|'k'|'x'|9.0|9",
	"p|NULL|'a'|'m/m'|'v'|'/'|'ses_1'|9|" START "|'k'|'x'|9.0|9"},
    {VIGIL_AGENT, {.agent = "@A"}, "p|'d'|'A'|'m/m'|'v'|'/'|'ses_1'|9|" START "|'k'|'x'|9.0|9",
	"p|'d'|NULL|'m/m'|'v'|'/'|'ses_1'|9|" START "|'k'|'x'|9.0|9"},
    {VIGIL_MODEL, {.model = "M/M"}, "p|'d'|'a'|'M/M'|'v'|'/'|'ses_1'|9|" START "|'k'|'x'|9.0|9",
	"p|'d'|'a'|NULL|'v'|'/'|'ses_1'|9|" START "|'k'|'x'|9.0|9"},
    {VIGIL_VARIANT, {.variant = "V"}, "p|'d'|'a'|'m/m'|'V'|'/'|'ses_1'|9|" START "|'k'|'x'|9.0|9",
	"p|'d'|'a'|'m/m'|NULL|'/'|'ses_1'|9|" START "|'k'|'x'|9.0|9"},
    {VIGIL_DIRECTORY, {.directory = "/dev/.."},
	"p|'d'|'a'|'m/m'|'v'|'/'|'ses_1'|9|" START "|'k'|'x'|9.0|9",
	"p|'d'|'a'|'m/m'|'v'|NULL|'ses_1'|9|" START "|'k'|'x'|9.0|9"},
    {VIGIL_PARENT_SESSION, {.parent_session = "ses_2"},
	"p|'d'|'a'|'m/m'|'v'|'/'|'ses_2'|9|" START "|'k'|'x'|9.0|9",
	"p|'d'|'a'|'m/m'|'v'|'/'|NULL|9|" START "|'k'|'x'|9.0|9"},
    {VIGIL_PRIORITY, {.priority = -7}, "p|'d'|'a'|'m/m'|'v'|'/'|'ses_1'|-7|" START "|'k'|'x'|9.0|9",
	"p|'d'|'a'|'m/m'|'v'|'/'|'ses_1'|0|" START "|'k'|'x'|9.0|9"},
    {VIGIL_START, {.at = "2031-01-01T00:00:00Z"},
	"p|'d'|'a'|'m/m'|'v'|'/'|'ses_1'|9|'2031-01-01T00:00:00.000Z'|'k'|'x'|9.0|9",
	"p|'d'|'a'|'m/m'|'v'|'/'|'ses_1'|9|NULL|'k'|'x'|9.0|9"},
    {VIGIL_KEY, {.key = "K"}, "p|'d'|'a'|'m/m'|'v'|'/'|'ses_1'|9|" START "|'K'|'x'|9.0|9",
	"p|'d'|'a'|'m/m'|'v'|'/'|'ses_1'|9|" START "|NULL|'x'|9.0|9"},
    {VIGIL_MUTEX, {.mutex = "X"}, "p|'d'|'a'|'m/m'|'v'|'/'|'ses_1'|9|" START "|'k'|'X'|9.0|9",
	"p|'d'|'a'|'m/m'|'v'|'/'|'ses_1'|9|" START "|'k'|NULL|9.0|9"},
    {VIGIL_TIMEOUT_FIELD, {.timeout = "0"},
	"p|'d'|'a'|'m/m'|'v'|'/'|'ses_1'|9|" START "|'k'|'x'|0.0|9",
	"p|'d'|'a'|'m/m'|'v'|'/'|'ses_1'|9|" START "|'k'|'x'|NULL|9"},
    {VIGIL_MAX_ATTEMPTS, {.max_attempts = 3},
	"p|'d'|'a'|'m/m'|'v'|'/'|'ses_1'|9|" START "|'k'|'x'|9.0|3",
	"p|'d'|'a'|'m/m'|'v'|'/'|'ses_1'|9|" START "|'k'|'x'|9.0|NULL"},
#undef START
};

enum { EDITS = sizeof(edits) / sizeof(edits[0]) };

START_TEST(one_field_is_changed_and_no_other)
{
	int64_t id = add(&full);

	ck_assert_int_eq(vigil_edit(vigil, id, &edits[_i].to, edits[_i].field), VIGIL_OK);
	shell_gives(path, EVERY_COLUMN, edits[_i].row);
	if (!edits[_i].row_of_default)
		return;
	ck_assert_int_eq(vigil_edit(vigil, id, &(struct vigil_task){0}, edits[_i].field), VIGIL_OK);
	shell_gives(path, EVERY_COLUMN, edits[_i].row_of_default);
}
END_TEST

START_TEST(an_edit_has_the_rules_of_a_new_task)
{
	int64_t id = add(&(struct vigil_task){.prompt = "x"});

	says(vigil_edit(vigil, 99, &full, VIGIL_PRIORITY), VIGIL_NOT_FOUND, "no task 99");
	says(vigil_edit(vigil, id, &(struct vigil_task){.prompt = " "}, VIGIL_PROMPT), VIGIL_USAGE,
	    "only white space");
	says(vigil_edit(vigil, id, &(struct vigil_task){0}, VIGIL_PROMPT), VIGIL_USAGE,
	    "the prompt is empty");
	says(vigil_edit(vigil, id, &(struct vigil_task){.priority = 101, .description = "y"},
		 VIGIL_PRIORITY | VIGIL_DESCRIPTION),
	    VIGIL_USAGE, "101");
	says(vigil_edit(vigil, id, &(struct vigil_task){.model = "gpt"}, VIGIL_MODEL), VIGIL_USAGE,
	    "PROVIDER/MODEL");
	says(vigil_edit(vigil, id, &(struct vigil_task){.in = "soon"}, VIGIL_START), VIGIL_USAGE,
	    "soon");
	add(&(struct vigil_task){.prompt = "y", .key = "k"});
	says(vigil_edit(vigil, id, &full, VIGIL_KEY | VIGIL_AGENT), VIGIL_USAGE,
	    "an open task with this key exists");
	shell_gives(path,
	    "SELECT prompt || priority || (description IS NULL) || (agent IS NULL) FROM tasks",
	    "x011");
	shell_gives(path, "SELECT count(*) FROM events WHERE kind = 'edited'", "0");
}
END_TEST

START_TEST(a_live_task_takes_little)
{
	const unsigned fine = VIGIL_DESCRIPTION | VIGIL_TIMEOUT_FIELD | VIGIL_MAX_ATTEMPTS;
	int64_t id = add(&(struct vigil_task){.prompt = "x"});

	live(id);
	ck_assert_int_eq(vigil_edit(vigil, id, &full, fine), VIGIL_OK);
	shell_gives(path, "SELECT description || timeout_s || max_attempts FROM tasks", "d9.09");
	for (size_t i = 0; i < EDITS; i++)
		if (!(edits[i].field & fine))
			says(vigil_edit(vigil, id, &edits[i].to, edits[i].field), VIGIL_USAGE,
			    "task 1 is starting: only its description, timeout and attempts");
}
END_TEST

START_TEST(a_final_task_takes_a_description)
{
	int64_t id = add(&(struct vigil_task){.prompt = "x"});

	finish(id, "failed", "error_kind = 'agent'");
	ck_assert_int_eq(vigil_edit(vigil, id, &full, VIGIL_DESCRIPTION), VIGIL_OK);
	shell_gives(path, "SELECT description FROM tasks", "d");
	for (size_t i = 0; i < EDITS; i++)
		if (edits[i].field != VIGIL_DESCRIPTION)
			says(vigil_edit(vigil, id, &edits[i].to, edits[i].field), VIGIL_USAGE,
			    "task 1 is failed: only its description");
}
END_TEST

START_TEST(a_retry_as_something_else)
{
	int64_t id = add(&(struct vigil_task){.prompt = "x", .variant = "v"});

	says(vigil_retry_as(vigil, id, &full, VIGIL_AGENT), VIGIL_USAGE, "task 1");
	finish(id, "failed", "error_kind = 'refused'");
	says(vigil_retry_as(vigil, id, &(struct vigil_task){.model = "m"}, VIGIL_MODEL),
	    VIGIL_USAGE, "PROVIDER/MODEL");
	says(vigil_retry_as(vigil, 99, &full, VIGIL_AGENT), VIGIL_NOT_FOUND, "no task 99");
	add(&(struct vigil_task){.prompt = "y", .key = "k"});
	says(vigil_retry_as(vigil, id, &full, VIGIL_KEY), VIGIL_USAGE, "this key exists");
	shell_gives(path, "SELECT status FROM tasks WHERE id = 1", "failed");
	ck_assert_int_eq(
	    vigil_retry_as(vigil, id, &full, VIGIL_AGENT | VIGIL_MODEL | VIGIL_TIMEOUT_FIELD),
	    VIGIL_OK);
	shell_gives(path,
	    "SELECT status || agent || model || variant || timeout_s FROM tasks WHERE id = 1",
	    "queuedam/mv9.0");
}
END_TEST

/* ---- prune ------------------------------------------------------------------------------- */

#define DAY_MS INT64_C(86400000)

/* A task that was completed so many days ago. */
static int64_t
add_old(int days)
{
	int64_t id = add(&(struct vigil_task){.prompt = "x"});
	char *at = xasprintf("result = 'y', completed_at = strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', "
			     "'now', '-%d days')",
	    days);

	finish(id, "completed", at);
	free(at);
	return id;
}

static void
prunes(int days, int64_t expected)
{
	int64_t count = -1;

	ck_assert_int_eq(vigil_prune(vigil, days * DAY_MS, true, &count), VIGIL_OK);
	ck_assert_int_eq(count, expected);
	ck_assert_int_eq(vigil_prune(vigil, days * DAY_MS, false, &count), VIGIL_OK);
	ck_assert_int_eq(count, expected);
}

START_TEST(only_what_ended_long_ago_is_pruned)
{
	int64_t old = add_old(3), needed = add_old(3);

	add_old(1);
	add(&(struct vigil_task){.prompt = "queued", .after = &needed, .after_count = 1});
	add(&(struct vigil_task){.prompt = "held", .hold = true});
	live(add(&(struct vigil_task){.prompt = "live"}));
	shell_ok(path, "INSERT INTO messages (task_id, attempt_id, message_id, role, text) "
		       "SELECT task_id, id, 'm' || id, 'user', 'x' FROM attempts");
	says(vigil_prune(vigil, -1, false, &old), VIGIL_USAGE, "future");
	prunes(2, 1);
	shell_gives(path, "SELECT group_concat(id) FROM tasks", "2,3,4,5,6");
	shell_gives(path,
	    "SELECT (SELECT count(*) FROM attempts WHERE task_id = 1)"
	    " || (SELECT count(*) FROM messages WHERE task_id = 1)"
	    " || (SELECT count(*) FROM events WHERE task_id = 1)"
	    " || (SELECT count(*) FROM messages)",
	    "0003");
	prunes(0, 1);
	shell_gives(path, "SELECT group_concat(id) FROM tasks", "2,4,5,6");
	shell_ok(path, "DELETE FROM dependencies");
	prunes(2, 1);
	shell_gives(path, "SELECT group_concat(id) FROM tasks", "4,5,6");
	prunes(0, 0);
	shell_gives(path, "SELECT count(*) FROM problems", "0");
}
END_TEST

static int
count_commit(void *commits)
{
	++*(int *)commits;
	return 0;
}

static void
add_cancelled(int count, int bytes)
{
	char *sql = xasprintf(
	    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
	    "INSERT INTO tasks (prompt) SELECT hex(zeroblob(%d)) FROM n;"
	    "UPDATE tasks SET status = 'cancelled', completed_at = '2020-01-01T00:00:00.000Z'",
	    count, bytes / 2);

	shell_ok(path, sql);
	free(sql);
}

/* All of them at the same moment, too: that is what they are found by. */
START_TEST(many_are_pruned_in_short_transactions)
{
	int commits = 0;

	add_cancelled(1000, 2);
	shell_gives(path, "SELECT count(DISTINCT completed_at) FROM tasks", "1");
	sqlite3_commit_hook(vigil->store->db, count_commit, &commits);
	prunes(1, 1000);
	ck_assert_int_ge(commits, 5);
	shell_gives(path, "SELECT count(*) FROM tasks", "0");
}
END_TEST

START_TEST(what_pruned_tasks_took_is_given_back)
{
	add_cancelled(100, 40000);
	shell_gives(path, "SELECT page_count > 1000 FROM pragma_page_count", "1");
	prunes(1, 100);
	shell_gives(path, "PRAGMA freelist_count", "0");
	shell_gives(path, "SELECT page_count < 200 FROM pragma_page_count", "1");
}
END_TEST

/* ---- backup ------------------------------------------------------------------------------ */

static void
has_no_file(const char *name)
{
	ck_assert_msg(access(name, F_OK) != 0, "%s is there", name);
}

/* The file alone: nothing has been left beside it. */
static void
is_a_backup(const char *name, const char *tasks)
{
	char *part = xasprintf("%s.part", name);
	struct vigil *copy;

	has_no_file(part);
	free(part);
	ck_assert_int_eq(mode_of(name), 0600);
	shell_gives(name, "PRAGMA integrity_check", "ok");
	shell_gives(name, "SELECT count(*) FROM tasks", tasks);
	ck_assert_int_eq(vigil_open(&copy, name, NULL, VIGIL_EXISTING), VIGIL_OK);
	vigil_close(copy);
}

START_TEST(a_backup_is_whole)
{
	char *name = in_folder(folder, "b c.db"), *part = in_folder(folder, "b c.db.part");
	int64_t bytes;

	add(&(struct vigil_task){.prompt = "x"});
	spill(part, "left by one that was killed", 27);
	ck_assert_int_eq(chmod(part, 0644), 0);
	ck_assert_int_eq(vigil_backup(vigil, name, &bytes), VIGIL_OK);
	ck_assert_int_gt(bytes, 4096);
	add(&(struct vigil_task){.prompt = "later"});
	is_a_backup(name, "1");
	says(vigil_backup(vigil, name, &bytes), VIGIL_USAGE, "b c.db exists already");
	says(vigil_backup(vigil, folder, &bytes), VIGIL_USAGE, "is a folder");
	says(vigil_backup(vigil, "", &bytes), VIGIL_USAGE, "empty");
	says(vigil_backup(vigil, "/nonexistent/b", &bytes), VIGIL_ENVIRONMENT, "/nonexistent/b");
	is_a_backup(name, "1");
	free(name);
	free(part);
}
END_TEST

START_TEST(two_backups_do_not_mix)
{
	char *name = in_folder(folder, "b.db"), *part = in_folder(folder, "b.db.part");
	int fd = open(part, O_RDWR | O_CREAT, 0600);
	int64_t bytes;

	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	says(vigil_backup(vigil, name, &bytes), VIGIL_ENVIRONMENT, "another backup is writing");
	ck_assert_int_eq(access(part, F_OK), 0);
	close(fd);
	ck_assert_int_eq(vigil_backup(vigil, name, &bytes), VIGIL_OK);
	is_a_backup(name, "0");
	free(name);
	free(part);
}
END_TEST

START_TEST(a_full_disk_leaves_no_backup)
{
	char *name = in_folder(folder, "b.db"), *part = in_folder(folder, "b.db.part");
	struct rlimit limit;
	int64_t bytes;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = 20000;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	says(vigil_backup(vigil, name, &bytes), VIGIL_ENVIRONMENT, "cannot back up to");
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	has_no_file(name);
	has_no_file(part);
	free(name);
	free(part);
}
END_TEST

START_TEST(a_copy_that_is_not_whole_is_no_backup)
{
	char *name = in_folder(folder, "b.db"), *part = in_folder(folder, "b.db.part");
	int64_t bytes;

	shell_ok(path, "PRAGMA ignore_check_constraints = ON;"
		       "INSERT INTO tasks (prompt, priority) VALUES ('x', 101)");
	says(vigil_backup(vigil, name, &bytes), VIGIL_ENVIRONMENT,
	    "is not whole, and was removed: ");
	has_no_file(name);
	has_no_file(part);
	free(name);
	free(part);
}
END_TEST

/* What another process writes meanwhile is in it or not, but never half; and nobody waits. */
START_TEST(a_backup_while_others_write)
{
	char *name = in_folder(folder, "b.db");
	pid_t child = fork();
	int64_t bytes;

	if (child == 0) {
		struct vigil_task task = {.prompt = "x"};
		struct vigil *own;
		bool existed;
		int64_t id;

		if (vigil_open(&own, path, NULL, VIGIL_EXISTING) != VIGIL_OK)
			_exit(1);
		while (getppid() != 1)
			if (vigil_add(own, &task, &id, &existed) != VIGIL_OK)
				_exit(1);
		_exit(0);
	}
	for (int i = 0; i < 5; i++) {
		ck_assert_msg(
		    vigil_backup(vigil, name, &bytes) == VIGIL_OK, "%s", vigil_error(vigil));
		shell_gives(name, "PRAGMA integrity_check", "ok");
		shell_gives(name,
		    "SELECT count(*) FROM events WHERE task_id NOT IN (SELECT id FROM tasks)", "0");
		shell_gives(name,
		    "SELECT count(*) FROM tasks WHERE id NOT IN (SELECT task_id FROM events)", "0");
		ck_assert_int_eq(unlink(name), 0);
	}
	kill(child, SIGKILL);
	ck_assert_int_eq(wait_for(child), -SIGKILL);
	free(name);
}
END_TEST

/* ---- pause ------------------------------------------------------------------------------- */

START_TEST(a_queue_is_paused_and_goes_on)
{
	bool changed = true;
	char *since;

	ck_assert_int_eq(vigil_resume(vigil, &changed), VIGIL_OK);
	ck_assert(!changed);
	ck_assert_int_eq(vigil_pause(vigil, &changed), VIGIL_OK);
	ck_assert(changed);
	ck_assert_int_eq(vigil_paused(vigil, &since), VIGIL_OK);
	ck_assert_ptr_nonnull(since);
	shell_gives(path, "SELECT paused_at FROM vigil", since);
	ck_assert_int_eq(vigil_pause(vigil, &changed), VIGIL_OK);
	ck_assert(!changed);
	shell_gives(path, "SELECT paused_at FROM vigil", since);
	free(since);
	ck_assert_int_eq(vigil_resume(vigil, &changed), VIGIL_OK);
	ck_assert(changed);
	ck_assert_int_eq(vigil_paused(vigil, &since), VIGIL_OK);
	ck_assert_ptr_null(since);
	shell_gives(path, "SELECT group_concat(kind) FROM events", "paused,resumed");
}
END_TEST

static bool
take_progress(void *arg, const struct vigil_progress *progress)
{
	*(struct vigil_progress *)arg = *progress;
	return true;
}

START_TEST(what_is_queued_in_a_paused_queue_is_waited_for)
{
	struct vigil_progress last = {0};
	bool changed;

	add(&(struct vigil_task){.prompt = "x"});
	ck_assert_int_eq(vigil_pause(vigil, &changed), VIGIL_OK);
	says(vigil_wait(vigil, NULL, 0, false, 0, take_progress, &last), VIGIL_TIMEOUT, "1 queued");
	ck_assert(last.is_paused);
	ck_assert_int_eq(vigil_resume(vigil, &changed), VIGIL_OK);
	vigil_wait(vigil, NULL, 0, false, 0, take_progress, &last);
	ck_assert(!last.is_paused);
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("care");

	tcase_add_checked_fixture(tests, ops_set_up, ops_tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, one_field_is_changed_and_no_other, 0, EDITS);
	tcase_add_test(tests, an_edit_has_the_rules_of_a_new_task);
	tcase_add_test(tests, a_live_task_takes_little);
	tcase_add_test(tests, a_final_task_takes_a_description);
	tcase_add_test(tests, a_retry_as_something_else);
	tcase_add_test(tests, only_what_ended_long_ago_is_pruned);
	tcase_add_test(tests, many_are_pruned_in_short_transactions);
	tcase_add_test(tests, what_pruned_tasks_took_is_given_back);
	tcase_add_test(tests, a_backup_is_whole);
	tcase_add_test(tests, two_backups_do_not_mix);
	tcase_add_test(tests, a_full_disk_leaves_no_backup);
	tcase_add_test(tests, a_copy_that_is_not_whole_is_no_backup);
	tcase_add_test(tests, a_backup_while_others_write);
	tcase_add_test(tests, a_queue_is_paused_and_goes_on);
	tcase_add_test(tests, what_is_queued_in_a_paused_queue_is_waited_for);
	return run_suite(tests, "care");
}
