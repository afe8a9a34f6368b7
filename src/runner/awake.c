/*
 * See awake.h. The connection to the system's bus is there for one question at a time: it is made
 * when the lock is wanted, and closed with the answer.
 */
#include "runner/awake.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/buf.h"

#define WHAT "idle"
#define WHO "vigil"
#define WHY "agents are at work"
#define ANSWER_WITHIN_S 20.

enum { NO_LOCK = -1 };

struct awake {
	struct ev_loop *loop;
	sd_bus *bus; /* while it is asked for */
	ev_io io;
	ev_timer late; /* no answer: done without */
	bool is_wanted;
	int lock; /* a descriptor; NO_LOCK */
};

static void
hang_up(struct awake *a)
{
	ev_io_stop(a->loop, &a->io);
	ev_timer_stop(a->loop, &a->late);
	sd_bus_close(a->bus);
	a->bus = sd_bus_unref(a->bus);
}

static int
on_answer(sd_bus_message *answer, void *arg, sd_bus_error *error)
{
	struct awake *a = arg;
	int lock; /* the message's */
	(void)error;
	if (sd_bus_message_read(answer, "h", &lock) >= 0)
		a->lock = fcntl(lock, F_DUPFD_CLOEXEC, 0);
	/* Hung up by who processes the bus: not within. */
	ev_timer_stop(a->loop, &a->late);
	return 0;
}

static void
follow_bus(struct awake *a)
{
	int events = sd_bus_get_events(a->bus);
	ev_io_stop(a->loop, &a->io);
	ev_io_set(&a->io, sd_bus_get_fd(a->bus),
	    (events & POLLIN ? EV_READ : 0) | (events & POLLOUT ? EV_WRITE : 0));
	ev_io_start(a->loop, &a->io);
}

static void
turn(struct awake *a)
{
	int did;
	while ((did = sd_bus_process(a->bus, NULL)) > 0)
		;
	if (did < 0 || !ev_is_active(&a->late))
		hang_up(a);
	else
		follow_bus(a);
}

static void
on_io(struct ev_loop *loop, ev_io *io, int revents)
{
	(void)loop;
	(void)revents;
	turn(io->data);
}

static void
on_late(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	hang_up(timer->data);
}

static void
ask(struct awake *a)
{
	if (sd_bus_open_system(&a->bus) < 0)
		return;
	ev_timer_set(&a->late, ANSWER_WITHIN_S, 0.);
	ev_timer_start(a->loop, &a->late);
	if (sd_bus_call_method_async(a->bus, NULL, "org.freedesktop.login1",
		"/org/freedesktop/login1", "org.freedesktop.login1.Manager", "Inhibit", on_answer,
		a, "ssss", WHAT, WHO, WHY, "block") < 0)
		hang_up(a);
	else
		turn(a);
}

static void
let_go(struct awake *a)
{
	if (a->bus)
		hang_up(a);
	if (a->lock != NO_LOCK)
		close(a->lock);
	a->lock = NO_LOCK;
}

void
awake_want(struct awake *a, bool is_wanted)
{
	if (a->is_wanted == is_wanted)
		return;
	a->is_wanted = is_wanted;
	if (is_wanted)
		ask(a);
	else
		let_go(a);
}

struct awake *
awake_new(struct ev_loop *loop)
{
	struct awake *a = xcalloc(1, sizeof(*a));
	a->loop = loop;
	a->lock = NO_LOCK;
	ev_init(&a->io, on_io);
	ev_init(&a->late, on_late);
	a->io.data = a->late.data = a;
	return a;
}

void
awake_free(struct awake *a)
{
	if (!a)
		return;
	let_go(a);
	free(a);
}
