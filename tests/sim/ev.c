/*
 * The part of libev that vigil uses, in virtual time: a turn of the loop jumps to whatever comes
 * next, of its timers, on the wire, and in the world. Linked in place of libev.
 */
#include <ev.h>
#include <poll.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/fault.h"
#include "life.h"
#include "world.h"

enum { MAX_TIMERS = 256, MAX_IOS = 4, MAX_SIGNALS = 8 };

#define TURN_US 20 /* what a turn takes: a loop that only turns gets older too */

struct ev_loop {
	ev_timer *timers[MAX_TIMERS]; /* in the order of their starts */
	int timer_count;
	ev_io *ios[MAX_IOS];
	ev_signal *signals[MAX_SIGNALS];
	bool is_broken;
};

static struct ev_loop *running;

static double
now_s(void)
{
	return (double)w->now_us / 1e6;
}

struct ev_loop *
ev_loop_new(unsigned int flags)
{
	(void)flags;
	return xcalloc(1, sizeof(struct ev_loop));
}

void
ev_loop_destroy(struct ev_loop *loop)
{
	free(loop);
}

void
ev_break(struct ev_loop *loop, int how)
{
	(void)how;
	loop->is_broken = true;
}

void
ev_now_update(struct ev_loop *loop)
{
	(void)loop;
}

/* ---- watchers ------------------------------------------------------------------------------- */

void
ev_timer_start(struct ev_loop *loop, ev_timer *timer)
{
	if (ev_is_active(timer))
		return;
	if (loop->timer_count == MAX_TIMERS)
		die("more than %d timers", MAX_TIMERS);
	timer->at += now_s();
	timer->active = 1;
	loop->timers[loop->timer_count++] = timer;
}

void
ev_timer_stop(struct ev_loop *loop, ev_timer *timer)
{
	int at = 0;
	timer->pending = 0;
	if (!ev_is_active(timer))
		return;
	timer->active = 0;
	timer->at -= now_s();
	while (loop->timers[at] != timer)
		at++;
	for (loop->timer_count--; at < loop->timer_count; at++)
		loop->timers[at] = loop->timers[at + 1];
}

void
ev_timer_again(struct ev_loop *loop, ev_timer *timer)
{
	ev_timer_stop(loop, timer);
	if (timer->repeat > 0) {
		timer->at = timer->repeat;
		ev_timer_start(loop, timer);
	}
}

ev_tstamp
ev_timer_remaining(struct ev_loop *loop, ev_timer *timer)
{
	(void)loop;
	return timer->at - (ev_is_active(timer) ? now_s() : 0.);
}

void
ev_io_start(struct ev_loop *loop, ev_io *io)
{
	for (int i = 0; i < MAX_IOS; i++) {
		if (!loop->ios[i]) {
			loop->ios[i] = io;
			io->active = 1;
			return;
		}
	}
	die("more than %d descriptors", MAX_IOS);
}

void
ev_io_stop(struct ev_loop *loop, ev_io *io)
{
	io->active = 0;
	for (int i = 0; i < MAX_IOS; i++) {
		if (loop->ios[i] == io)
			loop->ios[i] = NULL;
	}
}

void
ev_signal_start(struct ev_loop *loop, ev_signal *signal)
{
	for (int i = 0; i < MAX_SIGNALS; i++) {
		if (!loop->signals[i]) {
			loop->signals[i] = signal;
			signal->active = 1;
			return;
		}
	}
	die("more than %d signals", MAX_SIGNALS);
}

void
ev_signal_stop(struct ev_loop *loop, ev_signal *signal)
{
	signal->active = 0;
	for (int i = 0; i < MAX_SIGNALS; i++) {
		if (loop->signals[i] == signal)
			loop->signals[i] = NULL;
	}
}

void
ev_raise(int signal_number)
{
	for (int i = 0; running && i < MAX_SIGNALS; i++) {
		ev_signal *s = running->signals[i];
		if (s && s->signum == signal_number)
			s->cb(running, s, EV_SIGNAL);
	}
}

/* ---- a turn --------------------------------------------------------------------------------- */

static int64_t
due_us(const ev_timer *timer)
{
	return (int64_t)(timer->at * 1e6 + 0.999);
}

static void
run_timers(struct ev_loop *loop)
{
	ev_timer *due[MAX_TIMERS];
	int count = 0;
	for (int i = 0; i < loop->timer_count; i++) {
		if (due_us(loop->timers[i]) <= w->now_us)
			due[count++] = loop->timers[i];
	}
	for (int i = 0; i < count; i++) {
		ev_timer *timer = due[i];
		ev_timer_again(loop, timer);
		timer->pending = 1;
	}
	for (int i = 0; i < count; i++) {
		if (due[i]->pending) {
			due[i]->pending = 0;
			due[i]->cb(loop, due[i], EV_TIMER);
		}
	}
}

/* True: one was readable. */
static bool
run_ios(struct ev_loop *loop)
{
	bool any = false;
	for (int i = 0; i < MAX_IOS; i++) {
		ev_io *io = loop->ios[i];
		struct pollfd p = {.fd = io ? io->fd : -1, .events = POLLIN};
		if (!io || poll(&p, 1, 0) <= 0)
			continue;
		io->cb(loop, io, EV_READ);
		any = true;
	}
	return any;
}

static int64_t
next_us(const struct ev_loop *loop)
{
	int64_t next = world_next_us(), on_wire = http_next_us();
	if (on_wire < next)
		next = on_wire;
	for (int i = 0; i < loop->timer_count; i++) {
		if (due_us(loop->timers[i]) < next)
			next = due_us(loop->timers[i]);
	}
	return next < w->dies_us ? next : w->dies_us;
}

int
ev_run(struct ev_loop *loop, int flags)
{
	(void)flags;
	running = loop;
	loop->is_broken = false;
	while (!loop->is_broken) {
		life_turn();
		if (run_ios(loop))
			continue;
		int64_t next = next_us(loop);
		w->now_us += TURN_US;
		if (next != NEVER && next > w->now_us)
			w->now_us = next;
		world_run();
		http_run();
		run_timers(loop);
	}
	running = NULL;
	return 0;
}
