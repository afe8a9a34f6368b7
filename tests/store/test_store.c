/*
 * The store on real files: where and how a database is made, statements, faults, locks, pokes.
 */
#define _DEFAULT_SOURCE /* setgroups */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "help.h"
#include "store/poke.h"
#include "store/store_int.h"

struct fixture {
	char *folder, *path;
};

static struct fixture fx;

static void
set_up(void)
{
	fx.folder = scratch_new();
	fx.path = in_folder(fx.folder, "state/vigil/vigil.db");
}

static void
tear_down(void)
{
	scratch_remove(fx.folder);
	free(fx.path);
}

static void
mode_is(const char *suffix, mode_t mode)
{
	char *name = store_beside(fx.path, suffix);

	ck_assert_msg(mode_of(name) == mode, "%s has mode %o", name, (unsigned)mode_of(name));
	free(name);
}

static bool
insert(struct store *s, const char *prompt, struct fault *fault)
{
	char *sql = sqlite3_mprintf("INSERT INTO tasks (prompt) VALUES (%Q)", prompt);
	bool ok = store_exec(s, sql, fault);

	sqlite3_free(sql);
	return ok;
}

static void
must_insert(struct store *s, const char *prompt)
{
	struct fault fault = {0};

	ck_assert_msg(insert(s, prompt, &fault), "%s", fault.text);
}

/* ---- files --------------------------------------------------------------------------------- */

static void
modes_under(mode_t mask)
{
	struct fault fault = {0};
	struct store_lock *lock;
	struct store *s;
	int bell;

	umask(mask);
	s = must_open(fx.path, STORE_CREATE);
	must_insert(s, "a");
	lock = store_lock(fx.path, &fault);
	ck_assert_ptr_nonnull(lock);
	bell = poke_listen(fx.path, &fault);
	ck_assert_int_ge(bell, 0);
	for (size_t i = 0; i < 2; i++) {
		char *folder = in_folder(fx.folder, i == 0 ? "state" : "state/vigil");
		ck_assert_int_eq(mode_of(folder), 0700);
		free(folder);
	}
	mode_is("", 0600);
	mode_is("-wal", 0600);
	mode_is("-shm", 0600);
	mode_is(".lock", 0600);
	mode_is(".sock", 0600);
	poke_close(fx.path, bell);
	store_unlock(lock);
	store_close(s);
}

START_TEST(files_are_private_under_any_umask)
{
	static const mode_t masks[] = {0, 022, 0177};

	modes_under(masks[_i]);
}
END_TEST

START_TEST(settings_are_as_promised)
{
	static const char *const expected[][2] = {
	    {"PRAGMA journal_mode", "wal"},
	    {"PRAGMA synchronous", "2"},
	    {"PRAGMA foreign_keys", "1"},
	    {"PRAGMA auto_vacuum", "2"},
	    {"PRAGMA application_id", "1447512396"},
	    {"PRAGMA wal_autocheckpoint", "0"},
	    {"PRAGMA busy_timeout", "10000"},
	    {"PRAGMA integrity_check", "ok"},
	};
	struct store *s = must_open(fx.path, STORE_CREATE);

	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		struct fault fault = {0};
		char text[32];
		ck_assert(store_ask_text(s, expected[i][0], text, sizeof(text), &fault));
		ck_assert_str_eq(text, expected[i][1]);
	}
	store_close(s);
}
END_TEST

START_TEST(links_are_followed)
{
	char *link = in_folder(fx.folder, "link.db");
	char *relative, *beside;
	struct store *s = must_open(fx.path, STORE_CREATE);
	char *expected = xasprintf("%s.lock", store_path(s));

	store_close(s);
	ck_assert_int_eq(symlink(fx.path, link), 0);
	beside = store_beside(link, ".lock");
	ck_assert_str_eq(beside, expected);
	free(beside);
	ck_assert_int_eq(chdir(fx.folder), 0);
	relative = store_beside("state/./vigil/../vigil/vigil.db", ".lock");
	ck_assert_str_eq(relative, expected);
	free(relative);
	s = must_open(link, STORE_EXISTING);
	ck_assert_int_eq(strncmp(store_path(s), expected, strlen(store_path(s))), 0);
	store_close(s);
	s = must_open("here.db", STORE_CREATE);
	store_close(s);
	free(expected);
	free(link);
}
END_TEST

START_TEST(odd_names_work)
{
	static const char *const names[] = {"a b%41?c#d&e.db", "file:x.db", "ü\"'$.db", ":memory:"};
	char *path = in_folder(fx.folder, names[_i]);
	struct store *s = must_open(path, STORE_CREATE);

	must_insert(s, "a");
	store_close(s);
	s = must_open(path, STORE_READ);
	store_close(s);
	ck_assert_int_eq(mode_of(path), 0600);
	free(path);
}
END_TEST

START_TEST(what_is_missing_is_said)
{
	char *below_file = in_folder(fx.folder, "file/vigil.db");
	char *file = in_folder(fx.folder, "file");
	char *slash = in_folder(fx.folder, "folder/");
	char *other = in_folder(fx.folder, "other");

	must_not_open(fx.path, STORE_EXISTING, "there is no database");
	must_not_open(fx.path, STORE_READ, fx.path);
	ck_assert_int_eq(mode_of(fx.path), 0);
	spill(file, "", 0);
	must_not_open(below_file, STORE_CREATE, "file/vigil.db: Not a directory");
	must_not_open(fx.folder, STORE_CREATE, "it is a folder");
	must_not_open(slash, STORE_CREATE, "names a folder");
	must_not_open("/dev/null", STORE_CREATE, "not a regular file");
	ck_assert_int_eq(link(file, other), 0);
	must_not_open(file, STORE_CREATE, "another name (a hard link)");
	must_not_open(other, STORE_READ, "another name (a hard link)");
	free(below_file);
	free(file);
	free(slash);
	free(other);
}
END_TEST

/* SQLite would drop what is only in the -wal, if a new file stood beside it. */
START_TEST(no_new_one_is_made_beside_the_wal_of_another)
{
	char *aside = in_folder(fx.folder, "aside.db");
	struct store *s = must_open(fx.path, STORE_CREATE);

	must_insert(s, "only in the -wal");
	ck_assert_int_eq(rename(fx.path, aside), 0);
	must_not_open(fx.path, STORE_CREATE, "vigil.db-wal: put it back");
	must_not_open(fx.path, STORE_EXISTING, "vigil.db-wal: put it back");
	ck_assert_int_eq(rename(aside, fx.path), 0);
	store_close(s);
	s = must_open(fx.path, STORE_CREATE);
	store_close(s);
	shell_gives(fx.path, "SELECT prompt FROM tasks", "only in the -wal");
	free(aside);
}
END_TEST

/* Root may write anywhere. */
static void
be_nobody(void)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setgid(65534), 0);
	ck_assert_int_eq(setuid(65534), 0);
}

START_TEST(what_is_not_writable_is_said)
{
	char *inner = in_folder(fx.folder, "locked/vigil.db");
	char *locked = in_folder(fx.folder, "locked");
	pid_t child;

	ck_assert_int_eq(mkdir(locked, 0755), 0);
	ck_assert_int_eq(chmod(fx.folder, 0755), 0);
	store_close(must_open(inner, STORE_CREATE));
	ck_assert_int_eq(chmod(inner, 0444), 0);
	ck_assert_int_eq(chmod(locked, 0555), 0);
	child = fork();
	if (child == 0) {
		char *other = in_folder(locked, "other.db");
		char *deeper = in_folder(locked, "a/b/other.db");
		be_nobody();
		must_not_open(inner, STORE_CREATE, "cannot write the database");
		must_not_open(inner, STORE_EXISTING, "Permission denied");
		must_not_open(other, STORE_CREATE, "other.db: Permission denied");
		must_not_open(deeper, STORE_CREATE, "cannot make the folder");
		_exit(0);
	}
	ck_assert_int_eq(wait_for(child), 0);
	free(inner);
	free(locked);
}
END_TEST

START_TEST(a_reader_that_cannot_make_what_it_needs_says_so)
{
	char *inner = in_folder(fx.folder, "locked/vigil.db");
	char *locked = in_folder(fx.folder, "locked");
	char *shm = in_folder(fx.folder, "locked/vigil.db-shm");
	char *wal = in_folder(fx.folder, "locked/vigil.db-wal");
	pid_t child;

	ck_assert_int_eq(mkdir(locked, 0755), 0);
	ck_assert_int_eq(chmod(fx.folder, 0755), 0);
	store_close(must_open(inner, STORE_CREATE));
	shell_ok(inner, "PRAGMA wal_checkpoint(TRUNCATE)");
	unlink(shm);
	unlink(wal);
	ck_assert_int_eq(chmod(inner, 0444), 0);
	ck_assert_int_eq(chmod(locked, 0555), 0);
	child = fork();
	if (child == 0) {
		be_nobody();
		must_not_open(inner, STORE_READ, "its folder is not writable");
		_exit(0);
	}
	ck_assert_int_eq(wait_for(child), 0);
	free(inner);
	free(locked);
	free(shm);
	free(wal);
}
END_TEST

/* ---- statements ---------------------------------------------------------------------------- */

START_TEST(a_reader_reads_and_does_not_write)
{
	struct fault fault = {0};
	struct store *writer = must_open(fx.path, STORE_CREATE), *reader;
	int64_t count, before, after;

	must_insert(writer, "a");
	reader = must_open(fx.path, STORE_READ);
	ck_assert(store_data_version(reader, &before, &fault));
	ck_assert(store_begin(writer, &fault));
	must_insert(writer, "b");
	ck_assert(store_ask_int(reader, "SELECT count(*) FROM tasks", &count, &fault));
	ck_assert_int_eq(count, 1);
	ck_assert(store_commit(writer, &fault));
	ck_assert(store_ask_int(reader, "SELECT count(*) FROM tasks", &count, &fault));
	ck_assert_int_eq(count, 2);
	ck_assert(store_data_version(reader, &after, &fault));
	ck_assert_int_ne(before, after);
	ck_assert(!insert(reader, "c", &fault));
	must_be(&fault, FAULT_ENV, "readonly");
	store_close(reader);
	store_close(writer);
	reader = must_open(fx.path, STORE_READ);
	ck_assert(store_ask_int(reader, "SELECT count(*) FROM tasks", &count, &fault));
	ck_assert_int_eq(count, 2);
	store_close(reader);
}
END_TEST

static bool
run_nested(void *arg, const struct row *row)
{
	struct fault fault = {0};
	struct value one = value_int(1);

	ck_assert_uint_eq(row_count(row), 1);
	ck_assert_str_eq(row_name(row, 0), "user_version");
	return store_run(arg, Q_apply_load, &one, 1, NULL, NULL, &fault);
}

static bool
run_itself(void *arg, const struct row *row)
{
	struct fault fault = {0};

	(void)row;
	return store_run(arg, Q_user_version, NULL, 0, NULL, NULL, &fault);
}

START_TEST(other_statements_nest)
{
	struct fault fault = {0};
	struct store *s = must_open(fx.path, STORE_CREATE);

	ck_assert(store_run(s, Q_user_version, NULL, 0, run_nested, s, &fault));
	store_close(s);
}
END_TEST

START_TEST(the_same_statement_nested_dies)
{
	struct fault fault = {0};

	struct store *s = must_open(fx.path, STORE_CREATE);
	store_run(s, Q_user_version, NULL, 0, run_itself, s, &fault);
}
END_TEST

START_TEST(a_transaction_in_a_transaction_dies)
{
	struct fault fault = {0};
	struct store *s = must_open(fx.path, STORE_CREATE);

	ck_assert(store_begin(s, &fault));
	store_begin(s, &fault);
}
END_TEST

START_TEST(a_wrong_number_of_values_dies)
{
	struct fault fault = {0};
	struct store *s = must_open(fx.path, STORE_CREATE);

	store_run(s, Q_apply_load, NULL, 0, NULL, NULL, &fault);
}
END_TEST

START_TEST(a_rollback_leaves_nothing)
{
	struct fault fault = {0};
	struct store *s = must_open(fx.path, STORE_CREATE);

	ck_assert(store_begin(s, &fault));
	must_insert(s, "a");
	store_rollback(s);
	store_rollback(s);
	shell_gives(fx.path, "SELECT count(*) FROM tasks", "0");
	ck_assert(store_begin(s, &fault));
	must_insert(s, "a");
	ck_assert(store_commit(s, &fault));
	shell_gives(fx.path, "SELECT count(*) FROM tasks", "1");
	store_close(s);
}
END_TEST

static bool
take_text(void *arg, const struct row *row)
{
	ck_assert(!row_is_null(row, 0) && !row_is_number(row, 0));
	*(char **)arg = xstrdup(row_text(row, 0));
	return true;
}

START_TEST(a_prompt_of_16_mb_is_kept)
{
	enum { SIZE = 16777216 };
	struct fault fault = {0};
	struct store *s = must_open(fx.path, STORE_CREATE);
	struct value first = value_int(1);
	char *prompt = xcalloc(SIZE + 2, 1), *back = NULL;

	memset(prompt, 'x', SIZE);
	must_insert(s, prompt);
	ck_assert(store_run(s, Q_task_prompt, &first, 1, take_text, &back, &fault));
	ck_assert(strcmp(back, prompt) == 0);
	prompt[SIZE] = 'x';
	ck_assert(!insert(s, prompt, &fault));
	must_be(&fault, FAULT_USAGE, "a prompt has at most 16 MB");
	free(prompt);
	free(back);
	store_close(s);
}
END_TEST

START_TEST(constraints_are_sentences)
{
	static const char *const wrong[][2] = {
	    {"INSERT INTO tasks (prompt) VALUES (' ')", "a prompt cannot be empty"},
	    {"INSERT INTO tasks (prompt) VALUES (NULL)", "a task needs a prompt"},
	    {"INSERT INTO tasks (prompt, priority) VALUES ('a', 101)",
		"a priority is from -100 to 100"},
	    {"INSERT INTO tasks (prompt, status) VALUES ('a', 'running')",
		"a new task is queued or held; only a runner makes it anything else"},
	    {"INSERT INTO tasks (prompt, key) VALUES ('a', 'k'), ('b', 'k')",
		"an open task with this key exists"},
	    {"INSERT INTO tasks (prompt, priority) VALUES ('a', 'high')",
		"cannot store TEXT value in INTEGER column tasks.priority"},
	    {"INSERT INTO dependencies VALUES (2, 1)", "there is no such task to come after"},
	};
	struct store *s = must_open(fx.path, STORE_CREATE);

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct fault fault = {0};
		ck_assert(!store_exec(s, wrong[i][0], &fault));
		ck_assert_str_eq(fault.text, wrong[i][1]);
		ck_assert_int_eq(fault.kind, FAULT_USAGE);
	}
	store_close(s);
}
END_TEST

/* ---- trouble ------------------------------------------------------------------------------- */

START_TEST(a_lock_names_its_holder)
{
	struct fault fault = {0};
	struct store *s = must_open(fx.path, STORE_CREATE);
	int ready[2], done[2];
	char pid[32], byte;
	pid_t child;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(done), 0);
	sqlite3_busy_timeout(s->db, 20);
	ck_assert_int_eq(store_holder(s), 0);
	child = fork();
	if (child == 0) {
		struct store *other = must_open(fx.path, STORE_EXISTING);
		close(done[1]);
		ck_assert(store_begin(other, &fault));
		ck_assert_int_eq(write(ready[1], "!", 1), 1);
		_exit(read(done[0], &byte, 1) == 0 ? 0 : 1);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert(!store_begin(s, &fault));
	sqlite3_snprintf((int)sizeof(pid), pid, "(pid %d)", (int)child);
	must_be(&fault, FAULT_BUSY, pid);
	must_be(&fault, FAULT_BUSY, store_path(s));
	must_be(&fault, FAULT_BUSY, "is locked by test_store");
	ck_assert_int_eq(store_holder(s), child);
	close(done[1]);
	ck_assert_int_eq(wait_for(child), 0);
	ck_assert(store_begin(s, &fault));
	store_rollback(s);
	store_close(s);
}
END_TEST

START_TEST(a_locked_database_opens)
{
	static const enum store_mode modes[] = {STORE_CREATE, STORE_EXISTING, STORE_READ};
	struct fault fault = {0};
	struct store *s = must_open(fx.path, STORE_CREATE), *other;

	ck_assert(store_begin(s, &fault));
	must_insert(s, "a");
	for (size_t i = 0; i < 3; i++) {
		other = must_open(fx.path, modes[i]);
		ck_assert_int_eq(store_holder(other), getpid());
		store_close(other);
	}
	/* Closing the others has not dropped this process's locks. */
	ck_assert_int_eq(store_holder(s), getpid());
	ck_assert(store_commit(s, &fault));
	store_close(s);
}
END_TEST

START_TEST(a_full_database_is_a_fault)
{
	struct fault fault = {0};
	struct store *s = must_open(fx.path, STORE_CREATE);
	char *prompt = xcalloc(1000001, 1);

	memset(prompt, 'x', 1000000);
	must_insert(s, "a");
	ck_assert(store_exec(s, "PRAGMA max_page_count = 60", &fault));
	ck_assert(!insert(s, prompt, &fault));
	must_be(&fault, FAULT_ENV, "full");
	must_be(&fault, FAULT_ENV, store_path(s));
	ck_assert(store_begin(s, &fault));
	must_insert(s, "b");
	ck_assert(!insert(s, prompt, &fault));
	/* Whether SQLite has rolled back by itself or not: nothing is half done. */
	store_rollback(s);
	shell_gives(fx.path, "SELECT count(*) FROM tasks", "1");
	free(prompt);
	store_close(s);
}
END_TEST

START_TEST(a_full_disk_is_a_fault)
{
	struct fault fault = {0};
	struct store *s = must_open(fx.path, STORE_CREATE);
	struct rlimit limit;
	char *prompt = xcalloc(2000001, 1);

	memset(prompt, 'x', 2000000);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = 1000000;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert(store_begin(s, &fault));
	if (insert(s, prompt, &fault))
		ck_assert(!store_commit(s, &fault));
	else
		store_rollback(s);
	must_be(&fault, FAULT_ENV, store_path(s));
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	must_insert(s, "after");
	shell_gives(fx.path, "SELECT group_concat(prompt) FROM tasks", "after");
	shell_gives(fx.path, "PRAGMA integrity_check", "ok");
	free(prompt);
	store_close(s);
}
END_TEST

/* And then it is left alone: whoever opens it now does not see our locks. */
START_TEST(a_file_that_is_taken_away_is_noticed)
{
	static const char *const taken[][2] = {{"", "was moved or deleted"},
	    {"", "was replaced by another file"}, {"-wal", "-wal or -shm file was deleted"},
	    {"-shm", "-wal or -shm file was deleted"}};
	struct fault fault = {0};
	struct store *s = must_open(fx.path, STORE_CREATE);
	char *beside = store_beside(fx.path, taken[_i][0]);
	char *aside = store_beside(fx.path, ".aside");
	int64_t version;

	ck_assert(store_still_there(s, &fault));
	ck_assert_int_eq(rename(beside, aside), 0);
	if (_i == 1)
		spill(fx.path, "", 0);
	ck_assert(!store_still_there(s, &fault));
	must_be(&fault, FAULT_ENV, store_path(s));
	must_be(&fault, FAULT_ENV, taken[_i][1]);
	fault = (struct fault){0};
	ck_assert(!store_begin(s, &fault));
	must_be(&fault, FAULT_ENV, taken[_i][1]);
	ck_assert(!store_data_version(s, &version, &fault));
	free(beside);
	free(aside);
	store_close(s);
}
END_TEST

START_TEST(neither_a_commit_nor_a_close_checkpoints)
{
	struct fault fault = {0};
	struct store *s = must_open(fx.path, STORE_CREATE);
	size_t before, after;
	char *prompt = xcalloc(10000001, 1);

	free(slurp(fx.path, &before));
	memset(prompt, 'x', 10000000);
	must_insert(s, prompt);
	store_close(s);
	free(slurp(fx.path, &after));
	ck_assert_uint_eq(before, after);
	s = must_open(fx.path, STORE_EXISTING);
	ck_assert(store_tidy(s, &fault));
	store_close(s);
	free(slurp(fx.path, &after));
	ck_assert_uint_gt(after, 10000000);
	shell_gives(fx.path, "SELECT length(prompt) FROM tasks", "10000000");
	free(prompt);
}
END_TEST

START_TEST(tidy_leaves_a_runner_alone)
{
	struct fault fault = {0};
	struct store *s = must_open(fx.path, STORE_CREATE);
	struct store_lock *lock = store_lock(fx.path, &fault);
	size_t before, after;
	char *prompt = xcalloc(10000001, 1);

	ck_assert_ptr_nonnull(lock);
	memset(prompt, 'x', 10000000);
	free(slurp(fx.path, &before));
	must_insert(s, prompt);
	ck_assert(store_tidy(s, &fault));
	ck_assert_int_eq(store_lock_holder(fx.path), getpid());
	free(slurp(fx.path, &after));
	ck_assert_uint_eq(before, after);
	ck_assert(store_checkpoint(s, &fault));
	free(slurp(fx.path, &after));
	ck_assert_uint_gt(after, 10000000);
	store_unlock(lock);
	free(prompt);
	store_close(s);
}
END_TEST

/* ---- the runner's lock and its bell -------------------------------------------------------- */

START_TEST(one_runner_holds_the_lock)
{
	struct fault fault = {0};
	struct store_lock *lock, *second;
	char pid[64];

	store_close(must_open(fx.path, STORE_CREATE));
	ck_assert_int_eq(store_lock_holder(fx.path), 0);
	lock = store_lock(fx.path, &fault);
	ck_assert_ptr_nonnull(lock);
	ck_assert_int_eq(store_lock_holder(fx.path), getpid());
	second = store_lock(fx.path, &fault);
	ck_assert_ptr_null(second);
	sqlite3_snprintf((int)sizeof(pid), pid, "another runner (pid %d) drives", (int)getpid());
	must_be(&fault, FAULT_ENV, pid);
	must_be(&fault, FAULT_ENV, fx.path);
	store_unlock(lock);
	ck_assert_int_eq(store_lock_holder(fx.path), 0);
	lock = store_lock(fx.path, &fault);
	ck_assert_ptr_nonnull(lock);
	store_unlock(lock);
}
END_TEST

START_TEST(the_lock_goes_with_its_process)
{
	struct fault fault = {0};
	struct store_lock *lock;
	pid_t child;

	store_close(must_open(fx.path, STORE_CREATE));
	child = fork();
	if (child == 0) {
		ck_assert_ptr_nonnull(store_lock(fx.path, &fault));
		raise(SIGKILL);
	}
	ck_assert_int_eq(wait_for(child), -SIGKILL);
	ck_assert_int_eq(store_lock_holder(fx.path), 0);
	lock = store_lock(fx.path, &fault);
	ck_assert_ptr_nonnull(lock);
	store_unlock(lock);
}
END_TEST

static struct store_lock *
must_lock(void)
{
	struct fault fault = {0};
	struct store_lock *lock = store_lock(fx.path, &fault);

	ck_assert_msg(lock != NULL, "%s", fault.text);
	return lock;
}

static void
noted_is(int64_t number)
{
	struct store_lock *lock = must_lock();

	ck_assert_int_eq(store_lock_noted(lock), number);
	store_unlock(lock);
}

START_TEST(what_is_noted_beside_stays)
{
	struct fault fault = {0};
	struct store *s = must_open(fx.path, STORE_CREATE);
	struct store_lock *lock = must_lock();
	char *prompt = xcalloc(10000001, 1);
	pid_t child;

	ck_assert_int_eq(store_lock_noted(lock), 0);
	store_lock_note(lock, 1234567);
	store_unlock(lock);
	noted_is(1234567);
	child = fork();
	if (child == 0) {
		store_lock_note(must_lock(), 89);
		raise(SIGKILL);
	}
	ck_assert_int_eq(wait_for(child), -SIGKILL);
	noted_is(89);
	memset(prompt, 'x', 10000000);
	must_insert(s, prompt);
	ck_assert(store_tidy(s, &fault));
	ck_assert_int_eq(store_wal_bytes(s), 0);
	ck_assert_int_eq(store_lock_holder(fx.path), 0);
	noted_is(89);
	free(prompt);
	store_close(s);
}
END_TEST

START_TEST(a_lock_that_cannot_be_made_is_a_fault)
{
	struct fault fault = {0};

	ck_assert_ptr_null(store_lock(fx.path, &fault));
	must_be(&fault, FAULT_ENV, "vigil.db.lock: No such file or directory");
}
END_TEST

static bool
is_poked(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) == 1;
}

static void
poke_at(const char *path)
{
	struct fault fault = {0};
	int fd;

	store_close(must_open(path, STORE_CREATE));
	poke_send(path);
	fd = poke_listen(path, &fault);
	ck_assert_msg(fd >= 0, "%s", fault.text);
	ck_assert(!is_poked(fd));
	for (int i = 0; i < 1000; i++) /* more than the queue takes */
		poke_send(path);
	ck_assert(is_poked(fd));
	poke_drain(fd);
	ck_assert(!is_poked(fd));
	close(fd); /* as a crash does */
	poke_send(path);
	fd = poke_listen(path, &fault);
	ck_assert_int_ge(fd, 0);
	poke_send(path);
	ck_assert(is_poked(fd));
	poke_close(path, fd);
}

START_TEST(a_poke_arrives)
{
	char *gone = store_beside(fx.path, ".sock");

	poke_at(fx.path);
	ck_assert_int_eq(mode_of(gone), 0);
	free(gone);
}
END_TEST

START_TEST(a_poke_arrives_at_a_long_path)
{
	char *path = xasprintf("%s/%0100d/%0100d/vigil.db", fx.folder, 1, 2);

	poke_at(path);
	free(path);
}
END_TEST

START_TEST(a_name_too_long_for_a_socket_is_a_fault)
{
	struct fault fault = {0};
	char *path = xasprintf("%s/%0150d.db", fx.folder, 1);

	poke_send(path);
	ck_assert_int_eq(poke_listen(path, &fault), -1);
	must_be(&fault, FAULT_ENV, "too long for a socket");
	free(path);
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("store");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, files_are_private_under_any_umask, 0, 3);
	tcase_add_test(tests, settings_are_as_promised);
	tcase_add_test(tests, links_are_followed);
	tcase_add_loop_test(tests, odd_names_work, 0, 4);
	tcase_add_test(tests, what_is_missing_is_said);
	tcase_add_test(tests, no_new_one_is_made_beside_the_wal_of_another);
	tcase_add_test(tests, what_is_not_writable_is_said);
	tcase_add_test(tests, a_reader_that_cannot_make_what_it_needs_says_so);
	tcase_add_test(tests, a_reader_reads_and_does_not_write);
	tcase_add_test(tests, other_statements_nest);
	tcase_add_test_raise_signal(tests, the_same_statement_nested_dies, SIGABRT);
	tcase_add_test_raise_signal(tests, a_transaction_in_a_transaction_dies, SIGABRT);
	tcase_add_test_raise_signal(tests, a_wrong_number_of_values_dies, SIGABRT);
	tcase_add_test(tests, a_rollback_leaves_nothing);
	tcase_add_test(tests, a_prompt_of_16_mb_is_kept);
	tcase_add_test(tests, constraints_are_sentences);
	tcase_add_test(tests, a_lock_names_its_holder);
	tcase_add_test(tests, a_locked_database_opens);
	tcase_add_test(tests, a_full_database_is_a_fault);
	tcase_add_test(tests, a_full_disk_is_a_fault);
	tcase_add_loop_test(tests, a_file_that_is_taken_away_is_noticed, 0, 4);
	tcase_add_test(tests, neither_a_commit_nor_a_close_checkpoints);
	tcase_add_test(tests, tidy_leaves_a_runner_alone);
	tcase_add_test(tests, one_runner_holds_the_lock);
	tcase_add_test(tests, the_lock_goes_with_its_process);
	tcase_add_test(tests, what_is_noted_beside_stays);
	tcase_add_test(tests, a_lock_that_cannot_be_made_is_a_fault);
	tcase_add_test(tests, a_poke_arrives);
	tcase_add_test(tests, a_poke_arrives_at_a_long_path);
	tcase_add_test(tests, a_name_too_long_for_a_socket_is_a_fault);
	return run_suite(tests, "store");
}
