/*
 * Many processes at once: none is turned away, nothing is lost.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "help.h"
#include "store/store_int.h"

enum { PROCESSES = 50, ROWS = 20 };

struct fixture {
	char *folder, *path;
};

static struct fixture fx;

static void
set_up(void)
{
	fx.folder = scratch_new();
	fx.path = in_folder(fx.folder, "state/vigil.db");
}

static void
tear_down(void)
{
	scratch_remove(fx.folder);
	free(fx.path);
}

/* The exit status of a child that met it. */
static int
failed(const char *what, const struct fault *fault)
{
	fprintf(stderr, "%s: %s\n", what, fault->text);
	return 1;
}

/* In a child: waits until the gate is closed on the other side, so that all start together. */
static void
wait_at(const int gate[2])
{
	char byte;

	close(gate[1]);
	while (read(gate[0], &byte, 1) < 0 && errno == EINTR)
		;
	close(gate[0]);
}

static _Noreturn void
make_and_insert(const int gate[2])
{
	struct fault fault = {0};
	struct store *s;

	wait_at(gate);
	s = store_open(fx.path, STORE_CREATE, 60000, &fault);
	if (!s)
		_Exit(failed("open", &fault));
	for (int i = 0; i < ROWS; i++)
		if (!store_exec(s, "INSERT INTO tasks (prompt) VALUES ('p')", &fault))
			_Exit(failed("insert", &fault));
	store_close(s);
	_Exit(0);
}

static void
start_all(pid_t children[PROCESSES], void (*work)(const int gate[2]))
{
	int gate[2];

	ck_assert_int_eq(pipe(gate), 0);
	for (int i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		ck_assert_int_ge(children[i], 0);
		if (children[i] == 0)
			work(gate);
	}
	close(gate[0]);
	close(gate[1]);
}

START_TEST(fifty_make_it_at_once)
{
	pid_t children[PROCESSES];
	int bad = 0;

	start_all(children, make_and_insert);
	for (int i = 0; i < PROCESSES; i++)
		bad += wait_for(children[i]) != 0;
	ck_assert_int_eq(bad, 0);
	shell_gives(fx.path, "SELECT count(*) FROM tasks", "1000");
	shell_gives(fx.path, "SELECT count(*) FROM events", "1000");
	shell_gives(fx.path, "PRAGMA integrity_check", "ok");
	shell_gives(fx.path, "PRAGMA auto_vacuum", "2");
	shell_gives(fx.path, "SELECT count(*) FROM vigil", "1");
}
END_TEST

/* What was committed before a kill is there; what was not is not; the next one opens it. */
static _Noreturn void
insert_until_killed(int report)
{
	struct fault fault = {0};
	struct store *s = store_open(fx.path, STORE_CREATE, 60000, &fault);

	if (!s)
		_Exit(failed("open", &fault));
	for (;;) {
		if (!store_begin(s, &fault) ||
		    !store_exec(s, "INSERT INTO tasks (prompt) VALUES ('a'), ('b')", &fault) ||
		    !store_commit(s, &fault))
			_Exit(failed("insert", &fault));
		if (write(report, "!", 1) != 1)
			_Exit(1);
	}
}

START_TEST(what_was_reported_is_there_after_a_kill)
{
	int report[2];
	int64_t seen = 0, count;
	char bytes[64];
	ssize_t got;
	pid_t child;
	struct fault fault = {0};
	struct store *s;

	ck_assert_int_eq(pipe(report), 0);
	child = fork();
	if (child == 0)
		insert_until_killed(report[1]);
	close(report[1]);
	while (seen < 10 + _i) {
		got = read(report[0], bytes, 1);
		ck_assert_int_eq(got, 1);
		seen += got;
	}
	kill(child, SIGKILL);
	ck_assert_int_eq(wait_for(child), -SIGKILL);
	while ((got = read(report[0], bytes, sizeof(bytes))) > 0)
		seen += got;
	close(report[0]);
	s = must_open(fx.path, STORE_EXISTING);
	ck_assert(store_ask_int(s, "SELECT count(*) FROM tasks", &count, &fault));
	ck_assert_int_ge(count, 2 * seen);
	ck_assert_int_le(count, 2 * seen + 2);
	store_close(s);
	shell_gives(fx.path, "PRAGMA integrity_check", "ok");
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("contend");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 240);
	tcase_add_loop_test(tests, fifty_make_it_at_once, 0, 3);
	tcase_add_loop_test(tests, what_was_reported_is_there_after_a_kill, 0, 10);
	return run_suite(tests, "contend");
}
