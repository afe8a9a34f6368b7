/*
 * The lock that keeps an idle machine awake: the real awake.c, and a system bus with a logind on it
 * that are a thread of this program.
 */
#define _GNU_SOURCE /* SOCK_CLOEXEC, pipe2() */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/buf.h"
#include "lib/scratch.h"
#include "lib/suite.h"
#include "runner/awake.h"

#define PATIENCE_MS 20000

enum behaviour { GRANTS, REFUSES, SAYS_NOTHING };

static struct {
	char *folder, *address;
	int listening, ours; /* ours: this end of the lock's pipe; -1 before it is granted */
	enum behaviour behaviour;
	atomic_int asked; /* how often */
	char what[16];
	pthread_t bus;
	struct ev_loop *loop;
	struct awake *awake;
} fx;

/* ---- the bus and its logind ----------------------------------------------------------------- */

static int
answer_inhibit(sd_bus_message *m)
{
	const char *what, *who, *why, *mode;
	int ends[2], done;
	ck_assert_int_ge(sd_bus_message_read(m, "ssss", &what, &who, &why, &mode), 0);
	snprintf(fx.what, sizeof(fx.what), "%s", what);
	if (fx.behaviour == REFUSES)
		done = sd_bus_reply_method_errorf(m, SD_BUS_ERROR_ACCESS_DENIED, "no");
	else if (fx.behaviour == SAYS_NOTHING)
		done = 1;
	else {
		ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
		done = sd_bus_reply_method_return(m, "h", ends[1]);
		close(ends[1]);
		fx.ours = ends[0];
	}
	atomic_fetch_add(&fx.asked, 1);
	return done;
}

static int
on_message(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	(void)arg;
	(void)error;
	if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus", "Hello"))
		return sd_bus_reply_method_return(m, "s", ":1.7");
	if (sd_bus_message_is_method_call(m, "org.freedesktop.login1.Manager", "Inhibit"))
		return answer_inhibit(m);
	return 0;
}

static void
serve(int connection)
{
	const sd_id128_t id = {.bytes = {1}};
	sd_bus *bus;
	ck_assert_int_ge(sd_bus_new(&bus), 0);
	ck_assert_int_ge(sd_bus_set_fd(bus, connection, connection), 0);
	ck_assert_int_ge(sd_bus_set_server(bus, 1, id), 0);
	ck_assert_int_ge(sd_bus_negotiate_fds(bus, 1), 0);
	ck_assert_int_ge(sd_bus_add_filter(bus, NULL, on_message, NULL), 0);
	ck_assert_int_ge(sd_bus_start(bus), 0);
	for (int did = 1; did >= 0;) {
		did = sd_bus_process(bus, NULL);
		if (did == 0)
			did = sd_bus_wait(bus, UINT64_MAX);
	}
	sd_bus_unref(bus);
}

/* Ends when the listening socket is shut down. */
static void *
be_the_bus(void *arg)
{
	int connection;
	(void)arg;
	while ((connection = accept(fx.listening, NULL, NULL)) >= 0)
		serve(connection);
	return NULL;
}

/* ---- around it ------------------------------------------------------------------------------- */

static void
set_up(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	fx.folder = scratch_new();
	fx.address = xasprintf("unix:path=%s/bus", fx.folder);
	snprintf(name.sun_path, sizeof(name.sun_path), "%s/bus", fx.folder);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", fx.address, 1);
	fx.ours = -1;
	fx.listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fx.listening, (struct sockaddr *)&name, sizeof(name)), 0);
	ck_assert_int_eq(listen(fx.listening, 4), 0);
	ck_assert_int_eq(pthread_create(&fx.bus, NULL, be_the_bus, NULL), 0);
	fx.loop = ev_loop_new(EVFLAG_AUTO);
	fx.awake = awake_new(fx.loop);
}

static void
tear_down(void)
{
	awake_free(fx.awake);
	ev_loop_destroy(fx.loop);
	shutdown(fx.listening, SHUT_RDWR);
	pthread_join(fx.bus, NULL);
	close(fx.listening);
	if (fx.ours >= 0)
		close(fx.ours);
	scratch_remove(fx.folder);
	free(fx.address);
}

/* A moment of the loop, at most. */
static void
on_moment(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)timer;
	(void)revents;
	ev_break(loop, EVBREAK_ONE);
}

static void
turn_until_asked(int times)
{
	ev_timer moment;
	ev_timer_init(&moment, on_moment, 0.01, 0.01);
	ev_timer_start(fx.loop, &moment);
	for (int waited = 0; atomic_load(&fx.asked) < times; waited += 10) {
		ck_assert_int_lt(waited, PATIENCE_MS);
		ev_run(fx.loop, 0);
	}
	ev_timer_stop(fx.loop, &moment);
}

/* Until nothing is left to do: the answer is here, and the connection is closed. */
static void
turn_until_quiet(void)
{
	ev_run(fx.loop, 0);
}

static bool
is_let_go_within(int ms)
{
	struct pollfd lock = {.fd = fx.ours};
	return poll(&lock, 1, ms) == 1 && (lock.revents & POLLHUP);
}

/* ---- tests ----------------------------------------------------------------------------------- */

START_TEST(it_is_held_while_wanted)
{
	awake_want(fx.awake, true);
	turn_until_asked(1);
	turn_until_quiet();
	awake_want(fx.awake, true);
	turn_until_quiet();
	ck_assert_int_eq(atomic_load(&fx.asked), 1);
	ck_assert_str_eq(fx.what, "idle");
	ck_assert(!is_let_go_within(0));
	awake_want(fx.awake, false);
	ck_assert(is_let_go_within(PATIENCE_MS));
}
END_TEST

START_TEST(it_is_asked_for_each_time)
{
	awake_want(fx.awake, true);
	turn_until_asked(1);
	turn_until_quiet();
	awake_want(fx.awake, false);
	ck_assert(is_let_go_within(PATIENCE_MS));
	close(fx.ours);
	awake_want(fx.awake, true);
	turn_until_asked(2);
	turn_until_quiet();
	ck_assert(!is_let_go_within(0));
}
END_TEST

START_TEST(a_refusal_is_taken)
{
	fx.behaviour = REFUSES;
	awake_want(fx.awake, true);
	turn_until_asked(1);
	turn_until_quiet();
	awake_want(fx.awake, false);
}
END_TEST

START_TEST(it_can_be_dropped_before_the_answer)
{
	fx.behaviour = SAYS_NOTHING;
	awake_want(fx.awake, true);
	turn_until_asked(1);
	awake_want(fx.awake, false);
	turn_until_quiet();
}
END_TEST

START_TEST(without_a_bus_nothing_happens)
{
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/bus", 1);
	awake_want(fx.awake, true);
	turn_until_quiet();
	awake_want(fx.awake, false);
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("awake");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, it_is_held_while_wanted);
	tcase_add_test(tests, it_is_asked_for_each_time);
	tcase_add_test(tests, a_refusal_is_taken);
	tcase_add_test(tests, it_can_be_dropped_before_the_answer);
	tcase_add_test(tests, without_a_bus_nothing_happens);
	return run_suite(tests, "awake");
}
