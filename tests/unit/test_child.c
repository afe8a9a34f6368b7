/*
 * base/child.h: a child on the loop.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/clock.h"
#include "lib/suite.h"

#define LONG_S 60.

static struct {
	struct ev_loop *loop;
	int ends;
	bool is_late;
	int status;
	char *text;
} fx;

static void
set_up(void)
{
	memset(&fx, 0, sizeof(fx));
	fx.loop = ev_loop_new(EVFLAG_AUTO);
}

static void
tear_down(void)
{
	ev_loop_destroy(fx.loop);
	free(fx.text);
}

static void
on_ended(void *arg, const struct child_end *end)
{
	(void)arg;
	fx.ends++;
	fx.is_late = end->is_late;
	fx.status = end->status;
	xreplace(&fx.text, end->text);
}

static void
become_shell(void *script)
{
	execlp("sh", "sh", "-c", (const char *)script, (char *)NULL);
	_exit(127);
}

static struct child *
start(const char *script, double deadline_s)
{
	struct child *c =
	    child_start(fx.loop, become_shell, (void *)script, deadline_s, on_ended, NULL);
	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(fx.ends, 0);
	return c;
}

static void
run(const char *script, double deadline_s)
{
	(void)start(script, deadline_s);
	ev_run(fx.loop, 0);
	ck_assert_int_eq(fx.ends, 1);
}

START_TEST(what_it_prints_and_how_it_ends)
{
	run("echo out; echo err >&2; exit 7", LONG_S);
	ck_assert(!fx.is_late);
	ck_assert_int_eq(WEXITSTATUS(fx.status), 7);
	ck_assert_str_eq(fx.text, "out\nerr\n");
}
END_TEST

/* Its output is over before it is: that is looked at from time to time, not all the time. */
START_TEST(one_that_lives_on_in_silence_costs_little)
{
	run("exec >&- 2>&-; sleep 0.5; exit 7", LONG_S);
	ck_assert(!fx.is_late);
	ck_assert_int_eq(WEXITSTATUS(fx.status), 7);
	ck_assert_uint_lt(ev_iteration(fx.loop), 200);
}
END_TEST

START_TEST(one_that_is_late_is_killed)
{
	int64_t begun_ms = clock_monotonic_ms();
	run("echo begun; exec sleep 1000", 0.2);
	ck_assert(fx.is_late);
	ck_assert_int_lt(clock_monotonic_ms() - begun_ms, 30000);
}
END_TEST

START_TEST(after_a_cancel_nothing_is_told)
{
	struct child *c = start("exec sleep 1000", LONG_S);
	child_cancel(c);
	child_cancel(NULL);
	ev_run(fx.loop, 0);
	ck_assert_int_eq(fx.ends, 0);
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("child");

	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, what_it_prints_and_how_it_ends);
	tcase_add_test(tests, one_that_lives_on_in_silence_costs_little);
	tcase_add_test(tests, one_that_is_late_is_killed);
	tcase_add_test(tests, after_a_cancel_nothing_is_told);
	return run_suite(tests, "child");
}
