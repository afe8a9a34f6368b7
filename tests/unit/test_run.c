/*
 * base/run.h: another program, to its end.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/run.h"
#include "lib/suite.h"

#define LONG_MS 60000

static bool
run(const char *script, int deadline_ms, struct buf *out, struct fault *fault)
{
	const char *const argv[] = {"sh", "-c", script, NULL};

	return run_capture(argv, deadline_ms, out, fault);
}

static void
prints(const char *script, const char *expected)
{
	struct buf out = {0};
	struct fault fault = {0};

	ck_assert_msg(run(script, LONG_MS, &out, &fault), "%s: %s", script, fault.text);
	ck_assert_str_eq(buf_text(&out), expected);
	buf_free(&out);
}

static void
fails(const char *script, int deadline_ms, enum fault_kind kind, const char *words)
{
	struct buf out = {0};
	struct fault fault = {0};

	ck_assert(!run(script, deadline_ms, &out, &fault));
	ck_assert_msg(strstr(fault.text, words) != NULL, "%s", fault.text);
	ck_assert_int_eq(fault.kind, kind);
	buf_free(&out);
}

START_TEST(what_it_prints_is_had)
{
	struct buf out = {0};
	struct fault fault = {0};

	prints("echo one; echo two >&2; printf three", "one\nthree");
	prints("cat", ""); /* there is no input */
	prints("", "");
	ck_assert(run("i=0; while [ $i -lt 200 ]; do printf %01000d $i; i=$((i + 1)); done",
	    LONG_MS, &out, &fault));
	ck_assert_uint_eq(out.len, 200000);
	buf_free(&out);
}
END_TEST

START_TEST(another_end_is_a_fault)
{
	fails("exit 3", LONG_MS, FAULT_ENV, "sh ended with status 3");
	fails("kill -9 $$", LONG_MS, FAULT_ENV, "sh was ended by signal 9");
	fails("while :; do echo 1234567890123456789012345678901234567890; done", LONG_MS, FAULT_ENV,
	    "does not stop printing");
}
END_TEST

START_TEST(a_program_that_is_not_there)
{
	const char *const names[] = {"no-such-program-as-this", "/nonexistent/program"};

	for (size_t i = 0; i < 2; i++) {
		const char *const argv[] = {names[i], NULL};
		struct buf out = {0};
		struct fault fault = {0};

		ck_assert(!run_capture(argv, LONG_MS, &out, &fault));
		ck_assert_int_eq(fault.kind, FAULT_NOT_FOUND);
		ck_assert_ptr_nonnull(strstr(fault.text, names[i]));
	}
}
END_TEST

/* The whole group goes, or the pipe would be held open: the reader sees its end. */
START_TEST(a_deadline_ends_all_of_it)
{
	int64_t begun_ms = clock_monotonic_ms();
	char script[100];
	int ends[2];
	char byte;

	ck_assert_int_eq(pipe(ends), 0);
	snprintf(script, sizeof(script), "trap '' TERM; sleep 1000 >&%d & sleep 1000", ends[1]);
	fails(script, 200, FAULT_TIMEOUT, "sh did not end within 1s");
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], &byte, 1), 0);
	ck_assert_int_lt(clock_monotonic_ms() - begun_ms, 100000);
	close(ends[0]);
}
END_TEST

/* What it has left in the background holds the pipe, and is not waited for. */
START_TEST(a_program_that_leaves_another_behind)
{
	int64_t begun_ms = clock_monotonic_ms();
	struct buf out = {0};
	struct fault fault = {0};
	long pid;

	ck_assert(run("sleep 1000 & echo $!", LONG_MS, &out, &fault));
	pid = strtol(buf_text(&out), NULL, 10);
	ck_assert_int_gt(pid, 1);
	ck_assert_int_eq(kill((pid_t)pid, SIGKILL), 0);
	ck_assert_int_lt(clock_monotonic_ms() - begun_ms, LONG_MS);
	buf_free(&out);
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("run");

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, what_it_prints_is_had);
	tcase_add_test(tests, another_end_is_a_fault);
	tcase_add_test(tests, a_program_that_is_not_there);
	tcase_add_test(tests, a_deadline_ends_all_of_it);
	tcase_add_test(tests, a_program_that_leaves_another_behind);
	return run_suite(tests, "run");
}
