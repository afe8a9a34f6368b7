/*
 * Who asks about statuses, and whose question an answer is: the real watch.c, with a server and
 * flights that are linked in.
 */
#include <check.h>
#include <stdlib.h>

#include "base/buf.h"
#include "lib/suite.h"
#include "runner/panes.h"
#include "runner/runner.h"
#include "runner/watch.h"

enum { MOST_CALLS = 8 };

struct oc_call {
	oc_done *done;
	void *arg;
	bool is_open;
};

static struct {
	struct runner runner;
	struct flight flights[2];
	struct oc_call calls[MOST_CALLS];
	int count;
} fx;

/* ---- the server ---------------------------------------------------------------------------- */

struct opencode *
link_client(const struct link *l)
{
	(void)l;
	return (struct opencode *)&fx;
}

struct oc_call *
opencode_statuses(struct opencode *server, const char *directory, oc_done *done, void *arg)
{
	(void)server;
	(void)directory;
	ck_assert_int_lt(fx.count, MOST_CALLS);
	fx.calls[fx.count] = (struct oc_call){done, arg, true};
	return &fx.calls[fx.count++];
}

void
opencode_cancel(struct oc_call *call)
{
	if (call)
		call->is_open = false;
}

/* "b" is said to be at work in this way, all others to be idle. */
static void
answer(int number, enum oc_activity activity)
{
	static char b[] = "b";
	struct oc_status status = {.session_id = b, .activity = activity};
	const struct oc_statuses statuses = {&status, 1};
	struct oc_reply reply = {.outcome = OC_OK, .sentence = "", .statuses = &statuses};
	struct oc_call *call = &fx.calls[number];
	ck_assert(call->is_open);
	call->is_open = false;
	call->done(call->arg, &reply);
}

static int
count_open(void)
{
	int open = 0;
	for (int i = 0; i < fx.count; i++)
		open += fx.calls[i].is_open;
	return open;
}

/* ---- the flights: one that hears something new looks at once ------------------------------- */

static void
look(struct flight *f)
{
	f->awaits_status = true;
	f->skips_status = watch_ask(fx.runner.watch, f->directory);
}

void
flight_status(
    struct flight *f, enum oc_activity activity, const char *retry_message, bool is_known_again)
{
	bool is_new = activity != f->activity || is_known_again;
	(void)retry_message;
	f->activity = activity;
	if (f->awaits_status && f->skips_status)
		f->skips_status = false;
	else if (f->awaits_status)
		f->awaits_status = false;
	else if (is_new)
		look(f);
}

bool
flight_is_here(const struct flight *f)
{
	(void)f;
	return true;
}

void
flight_status_failed(struct flight *f, const char *sentence, bool is_first)
{
	(void)f, (void)is_first;
	ck_abort_msg("%s", sentence);
}

/* Whoever is told of. */
void
panes_at_work(struct panes *panes, struct descendant *d)
{
	(void)panes;
	d->had_pane = true;
}

static void
set_up(void)
{
	static char directory[] = "/d", a[] = "a", b[] = "b";
	fx.runner.loop = ev_loop_new(EVFLAG_AUTO);
	fx.runner.flights = fx.flights;
	fx.flights[0] = (struct flight){.next = &fx.flights[1],
	    .runner = &fx.runner,
	    .session_id = a,
	    .directory = directory,
	    .status = STATUS_RUNNING,
	    .activity = OC_IDLE};
	fx.flights[1] = (struct flight){.runner = &fx.runner,
	    .session_id = b,
	    .directory = directory,
	    .status = STATUS_RUNNING,
	    .activity = OC_BUSY};
	fx.runner.watch = watch_new(&fx.runner, 2000);
}

static void
tear_down(void)
{
	watch_free(fx.runner.watch);
	ck_assert_int_eq(count_open(), 0);
	ev_loop_destroy(fx.runner.loop);
}

/* ---- tests --------------------------------------------------------------------------------- */

START_TEST(who_asks_meanwhile_waits_for_the_next_answer)
{
	ck_assert(!watch_ask(fx.runner.watch, "/d"));
	look(&fx.flights[0]);
	ck_assert(fx.flights[0].skips_status);
	ck_assert_int_eq(fx.count, 1);
	answer(0, OC_BUSY);
	ck_assert(fx.flights[0].awaits_status);
	ck_assert_int_eq(fx.count, 2);
	answer(1, OC_BUSY);
	ck_assert(!fx.flights[0].awaits_status);
	ck_assert_int_eq(count_open(), 0);
}
END_TEST

/* One is awaited already when another flight, told of the first answer, asks as well. */
START_TEST(no_request_is_forgotten)
{
	watch_ask(fx.runner.watch, "/d");
	look(&fx.flights[0]);
	answer(0, OC_RETRY);
	ck_assert_int_eq(count_open(), 1);
}
END_TEST

/* "b" is below the first one here. */
START_TEST(descendants_at_work_are_told_of)
{
	static char b[] = "b", c[] = "c";
	struct descendant idle = {.session_id = c}, busy = {.session_id = b, .sibling = &idle};
	fx.flights[0].descendants = &busy;
	watch_ask(fx.runner.watch, "/d");
	answer(0, OC_BUSY);
	ck_assert(busy.had_pane);
	ck_assert(!idle.had_pane);
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("watch");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, who_asks_meanwhile_waits_for_the_next_answer);
	tcase_add_test(tests, no_request_is_forgotten);
	tcase_add_test(tests, descendants_at_work_are_told_of);
	return run_suite(tests, "watch");
}
