/*
 * Whose database is it, of which version, and what is left when its making is cut off anywhere.
 */
#define _GNU_SOURCE /* pwrite64 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "help.h"
#include "store/store_int.h"

struct fixture {
	char *folder, *path;
};

static struct fixture fx;

static void
set_up(void)
{
	fx.folder = scratch_new();
	fx.path = in_folder(fx.folder, "vigil.db");
}

static void
tear_down(void)
{
	scratch_remove(fx.folder);
	free(fx.path);
}

static char *
newest(void)
{
	return xasprintf("%d", migrate_newest());
}

/* It opens, is whole, and works. */
static void
is_complete(void)
{
	char *version = newest();

	store_close(must_open(fx.path, STORE_CREATE));
	shell_gives(fx.path, "PRAGMA integrity_check", "ok");
	shell_gives(fx.path, "PRAGMA user_version", version);
	shell_gives(fx.path, "PRAGMA application_id", "1447512396");
	shell_gives(fx.path, "PRAGMA journal_mode", "wal");
	shell_gives(fx.path, "SELECT count(*) FROM vigil", "1");
	shell_ok(fx.path, "INSERT INTO tasks (prompt) VALUES ('a')");
	ck_assert_int_eq(mode_of(fx.path), 0600);
	free(version);
}

/* ---- whose is it? -------------------------------------------------------------------------- */

/* Refused in every mode, byte for byte as it was, and nothing beside it that was not. */
static void
is_left_alone(const char *sentence)
{
	static const enum store_mode modes[] = {STORE_CREATE, STORE_EXISTING, STORE_READ};
	size_t before_size, after_size;
	char *before = slurp(fx.path, &before_size), *after;
	mode_t mode = mode_of(fx.path);

	for (size_t i = 0; i < 3; i++) {
		must_not_open(fx.path, modes[i], sentence);
		must_not_open(fx.path, modes[i], fx.path);
	}
	after = slurp(fx.path, &after_size);
	ck_assert_uint_eq(before_size, after_size);
	ck_assert(memcmp(before, after, before_size) == 0);
	ck_assert_int_eq(mode_of(fx.path), mode);
	free(before);
	free(after);
	for (size_t i = 0; i < 4; i++) {
		static const char *const suffixes[] = {"-wal", "-shm", "-journal", ".before-v1"};
		char *name = store_beside(fx.path, suffixes[i]);
		ck_assert_msg(mode_of(name) == 0, "%s was made", name);
		free(name);
	}
}

START_TEST(somebody_elses_database_is_left_alone)
{
	static const char *const makings[] = {
	    "CREATE TABLE t (x); INSERT INTO t VALUES (1)",
	    "PRAGMA application_id = 1; CREATE TABLE t (x)",
	    "PRAGMA application_id = 1; PRAGMA user_version = 1",
	    "PRAGMA journal_mode = WAL; CREATE TABLE t (x)",
	    "PRAGMA journal_mode = WAL; PRAGMA application_id = 7; CREATE TABLE tasks (id)",
	};

	shell_ok(fx.path, makings[_i]);
	chmod(fx.path, 0644);
	is_left_alone("is not a vigil database");
}
END_TEST

START_TEST(what_is_no_database_is_left_alone)
{
	char noise[5000];

	memset(noise, 'x', sizeof(noise));
	spill(fx.path, noise, _i ? 20 : sizeof(noise));
	is_left_alone("is not a vigil database");
}
END_TEST

START_TEST(a_newer_one_is_left_alone)
{
	char *versions = xasprintf("version %d of a newer vigil; this one knows %d",
	    migrate_newest() + 1, migrate_newest());
	char *sql =
	    xasprintf("PRAGMA user_version = %d; CREATE TABLE more (x)", migrate_newest() + 1);

	store_close(must_open(fx.path, STORE_CREATE));
	shell_ok(fx.path, sql); /* and it checkpoints as it closes */
	is_left_alone(versions);
	free(versions);
	free(sql);
}
END_TEST

START_TEST(one_that_became_newer_is_not_written)
{
	struct store *s = must_open(fx.path, STORE_CREATE);
	struct fault fault = {0};
	char *sql = xasprintf("PRAGMA user_version = %d", migrate_newest() + 1);

	shell_ok(fx.path, sql);
	ck_assert(!store_begin(s, &fault));
	must_be(&fault, FAULT_ENV, "of a newer vigil");
	store_close(s);
	must_not_open(
	    fx.path, STORE_EXISTING, "of a newer vigil"); /* it says so in the WAL alone */
	free(sql);
}
END_TEST

START_TEST(a_schema_that_became_newer_is_a_fault)
{
	struct store *s = must_open(fx.path, STORE_CREATE);
	struct fault fault = {0};
	struct value one = value_int(1);
	char *sql =
	    xasprintf("PRAGMA user_version = %d; ALTER TABLE tasks RENAME COLUMN stop TO ends",
		migrate_newest() + 1);

	shell_ok(fx.path, sql);
	ck_assert(!store_run(s, Q_apply_load, &one, 1, NULL, NULL, &fault));
	must_be(&fault, FAULT_ENV, "of a newer vigil");
	store_close(s);
	free(sql);
}
END_TEST

/* ---- completing ---------------------------------------------------------------------------- */

START_TEST(an_empty_file_is_completed)
{
	static const char *const makings[] = {
	    NULL,
	    "VACUUM",
	    "PRAGMA auto_vacuum = INCREMENTAL",
	    "PRAGMA application_id = 1447512396",
	    "PRAGMA application_id = 1447512396; PRAGMA journal_mode = WAL",
	    "PRAGMA journal_mode = WAL",
	};

	spill(fx.path, "", 0);
	chmod(fx.path, 0644);
	must_not_open(fx.path, STORE_READ, "is empty");
	if (makings[_i])
		shell_ok(fx.path, makings[_i]);
	if (_i == 3 || _i == 4)
		chmod(fx.path, 0600);
	is_complete();
}
END_TEST

/* ---- the file system fails, or the process dies, at the k-th call that changes a file ----------
 */

struct failing {
	int left; /* calls until it happens; below 0: never */
	bool kills;
	ssize_t (*pwrite)(int, const void *, size_t, off_t);
	int (*ftruncate)(int, off_t);
	int (*unlink)(const char *);
};

static struct failing failing;

static bool
fails_now(void)
{
	if (failing.left < 0 || failing.left-- > 0)
		return false;
	if (failing.kills)
		raise(SIGKILL);
	failing.left = 0; /* and so does everything after it */
	errno = ENOSPC;
	return true;
}

/* A write that is cut off may have been half done. */
static ssize_t
failing_pwrite(int fd, const void *bytes, size_t count, off_t at)
{
	if (failing.left == 0 && failing.kills)
		failing.pwrite(fd, bytes, count / 2, at);
	return fails_now() ? -1 : failing.pwrite(fd, bytes, count, at);
}

static int
failing_ftruncate(int fd, off_t size)
{
	return fails_now() ? -1 : failing.ftruncate(fd, size);
}

/* A full disk lets go of files. */
static int
failing_unlink(const char *path)
{
	return failing.kills && fails_now() ? -1 : failing.unlink(path);
}

static void
fail_after(int calls, bool kills)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	failing = (struct failing){calls, kills, pwrite, ftruncate, unlink};
	vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)failing_pwrite);
	vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)failing_pwrite);
	vfs->xSetSystemCall(vfs, "ftruncate", (sqlite3_syscall_ptr)failing_ftruncate);
	vfs->xSetSystemCall(vfs, "unlink", (sqlite3_syscall_ptr)failing_unlink);
}

static _Noreturn void
open_and_fail(int calls, bool kills)
{
	struct fault fault = {0};
	struct store *s;

	fail_after(calls, kills);
	s = store_open(fx.path, STORE_CREATE, 1000, &fault);
	if (s || fault.kind == FAULT_ENV)
		_exit(s ? 0 : 5);
	fprintf(stderr, "%s\n", fault.text);
	_exit(1);
}

static void
remove_beside(void)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		char *name = store_beside(fx.path, suffixes[i]);
		unlink(name);
		free(name);
	}
}

START_TEST(a_making_that_is_cut_off_anywhere_is_completed)
{
	bool kills = _i == 0;
	int calls, status = -1;

	for (calls = 0; status != 0; calls++) {
		pid_t child = fork();
		if (child == 0)
			open_and_fail(calls, kills);
		status = wait_for(child);
		ck_assert_int_eq(status, status == 0 ? 0 : kills ? -SIGKILL : 5);
		is_complete();
		remove_beside();
	}
	ck_assert_int_gt(calls, 20); /* or the calls were not reached */
}
END_TEST

/* ---- from one version to the next ---------------------------------------------------------- */

START_TEST(an_older_one_is_migrated_after_a_copy)
{
	char *copy = xasprintf("%s.before-v3", fx.path);
	char *part = xasprintf("%s.%ld.part", copy, (long)getpid());

	umask(0);
	make_version(fx.path, 1);
	ck_assert_int_eq(mode_of(copy), 0);
	shell_ok(fx.path, "INSERT INTO a VALUES (3)");
	make_version(fx.path, 3);
	shell_gives(fx.path, "PRAGMA user_version", "3");
	shell_gives(fx.path, "SELECT group_concat(y) FROM a", "1!,2!,3!");
	shell_gives(copy, "PRAGMA user_version", "1");
	shell_gives(copy, "SELECT group_concat(x) FROM a", "1,2,3");
	ck_assert_int_eq(mode_of(copy), 0600);
	ck_assert_int_eq(mode_of(part), 0);
	free(copy);
	free(part);
}
END_TEST

START_TEST(a_copy_that_is_there_is_kept)
{
	char *copy = xasprintf("%s.before-v2", fx.path);
	size_t bytes;
	char *text;

	make_version(fx.path, 1);
	spill(copy, "kept", 4);
	make_version(fx.path, 2);
	text = slurp(copy, &bytes);
	ck_assert_str_eq(text, "kept");
	free(text);
	free(copy);
}
END_TEST

/* Of copies that were not finished. */
static int
count_parts(void)
{
	DIR *list = opendir(fx.folder);
	const struct dirent *entry;
	int count = 0;

	while ((entry = readdir(list)))
		count += strstr(entry->d_name, ".part") != NULL;
	closedir(list);
	return count;
}

static _Noreturn void
migrate_and_fail(int calls, bool kills)
{
	struct fault fault = {0};

	fail_after(calls, kills);
	if (try_version(fx.path, 3, &fault))
		_exit(0);
	if (fault.kind == FAULT_ENV && strstr(fault.text, "the disk is full"))
		_exit(5);
	fprintf(stderr, "%s\n", fault.text);
	_exit(1);
}

/* By a kill, or because the disk is full from then on. */
START_TEST(a_migration_that_is_cut_off_anywhere_goes_on)
{
	bool kills = _i == 0;
	int calls, status = -1;

	for (calls = 0; status != 0; calls++) {
		char *copy = xasprintf("%s.before-v3", fx.path);
		pid_t child;
		make_version(fx.path, 1);
		child = fork();
		if (child == 0)
			migrate_and_fail(calls, kills);
		status = wait_for(child);
		ck_assert_int_eq(status, status == 0 ? 0 : kills ? -SIGKILL : 5);
		if (!kills)
			ck_assert_int_eq(count_parts(), 0);
		make_version(fx.path, 3);
		ck_assert_int_eq(count_parts(), 0);
		shell_gives(fx.path, "SELECT group_concat(y) FROM a", "1!,2!");
		shell_gives(copy, "SELECT group_concat(x) FROM a", "1,2");
		shell_gives(copy, "PRAGMA integrity_check", "ok");
		unlink(copy);
		free(copy);
		remove_beside();
	}
	ck_assert_int_gt(calls, 20);
}
END_TEST

/* What another program is just making is left to it. */
START_TEST(a_copy_that_is_being_made_is_left_alone)
{
	char *part = xasprintf("%s.before-v2.%ld.part", fx.path, (long)getppid());
	char *dead = xasprintf("%s.before-v2.%ld.part", fx.path, (long)INT_MAX);
	char *other = xasprintf("%s.before-v2.mine.part", fx.path);

	make_version(fx.path, 1);
	spill(part, "half", 4);
	spill(dead, "half", 4);
	spill(other, "half", 4);
	make_version(fx.path, 2);
	ck_assert_int_eq(mode_of(part), 0600);
	ck_assert_int_eq(mode_of(dead), 0);
	ck_assert_int_eq(mode_of(other), 0600);
	free(part);
	free(dead);
	free(other);
}
END_TEST

START_TEST(two_may_migrate_at_once)
{
	pid_t children[8];
	int gate[2];
	char byte;

	make_version(fx.path, 1);
	ck_assert_int_eq(pipe(gate), 0);
	for (size_t i = 0; i < 8; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			close(gate[1]);
			ck_assert_int_eq(read(gate[0], &byte, 1), 0);
			make_version(fx.path, 3);
			_exit(0);
		}
	}
	close(gate[1]);
	for (size_t i = 0; i < 8; i++)
		ck_assert_int_eq(wait_for(children[i]), 0);
	shell_gives(fx.path, "SELECT group_concat(y) FROM a", "1!,2!");
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("migrate");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 240);
	tcase_add_loop_test(tests, somebody_elses_database_is_left_alone, 0, 5);
	tcase_add_loop_test(tests, what_is_no_database_is_left_alone, 0, 2);
	tcase_add_test(tests, a_newer_one_is_left_alone);
	tcase_add_test(tests, one_that_became_newer_is_not_written);
	tcase_add_test(tests, a_schema_that_became_newer_is_a_fault);
	tcase_add_loop_test(tests, an_empty_file_is_completed, 0, 6);
	tcase_add_loop_test(tests, a_making_that_is_cut_off_anywhere_is_completed, 0, 2);
	tcase_add_test(tests, an_older_one_is_migrated_after_a_copy);
	tcase_add_test(tests, a_copy_that_is_there_is_kept);
	tcase_add_loop_test(tests, a_migration_that_is_cut_off_anywhere_goes_on, 0, 2);
	tcase_add_test(tests, a_copy_that_is_being_made_is_left_alone);
	tcase_add_test(tests, two_may_migrate_at_once);
	return run_suite(tests, "migrate");
}
