/*
 * The runner's reasons to act, each a short function: notice (rows that others changed), claim
 * (a free slot), due (a wake_at has passed), and news from the link. None of them knows what a
 * task needs: a flight that is woken finds out.
 */
#include "runner/runner.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/secret.h"
#include "runner/asks.h"
#include "runner/watch.h"
#include "store/poke.h"

#define TICK_S 0.5        /* a task queued in the sqlite3 shell starts within a second */
#define TIDY_S 5.0        /* between checkpoints */
#define ASLEEP_MS 2000    /* the clocks drift less than this between two ticks */
#define DUE_SOONEST_MS 20 /* wakes that are close together share one turn of the loop */
#define NONCE_SIZE 17     /* 16 letters and digits: 95 bits */
#define CLAIMS_A_TURN 16  /* then the loop turns: answers wait as well */

/* ---- saying --------------------------------------------------------------------------------- */

void
runner_say(struct runner *r, const char *format, ...)
{
	va_list args;
	if (!r->log)
		return;
	va_start(args, format);
	char *line = xvasprintf(format, args);
	va_end(args);
	r->log(r->log_arg, line);
	free(line);
}

void
runner_in_trouble(struct runner *r, const struct fault *why)
{
	if (why->kind == FAULT_NONE || strcmp(r->trouble, why->text) == 0)
		return;
	memcpy(r->trouble, why->text, sizeof r->trouble);
	runner_say(r, "nothing new is started: %s", why->text);
}

void
runner_out_of_trouble(struct runner *r)
{
	if (!r->trouble[0])
		return;
	r->trouble[0] = '\0';
	runner_say(r, "the database can be written again");
	runner_claim_soon(r);
}

/* ---- the table by session ------------------------------------------------------------------- */

static struct flight **
bucket(struct runner *r, const char *session_id)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (; *session_id; session_id++)
		hash = (hash ^ (unsigned char)*session_id) * 16777619u;
	return &r->by_session[hash % RUNNER_BUCKETS];
}

void
runner_add_session(struct runner *r, struct flight *f)
{
	struct flight **at = bucket(r, f->session_id);
	f->same_hash = *at;
	*at = f;
}

void
runner_remove_session(struct runner *r, struct flight *f)
{
	struct flight **at = bucket(r, f->session_id);
	while (*at && *at != f)
		at = &(*at)->same_hash;
	if (*at)
		*at = f->same_hash;
}

struct flight *
runner_find_session(struct runner *r, const char *session_id)
{
	struct flight *f = *bucket(r, session_id);
	while (f && strcmp(f->session_id, session_id) != 0)
		f = f->same_hash;
	return f;
}

/* ---- claim ---------------------------------------------------------------------------------- */

static bool
keep_int(void *arg, const struct row *row)
{
	*(int64_t *)arg = row_int(row, 0);
	return false;
}

static bool
keep_time(void *arg, const struct row *row)
{
	*(int64_t *)arg = row_time(row, 0);
	return false;
}

/* In one transaction: the next task that may start, and its claim. *task_id is 0 for none. */
static bool
claim_next(struct runner *r, int64_t *task_id, struct decision *d, struct fault *why)
{
	char nonce[NONCE_SIZE];
	struct value now = value_time(clock_now_ms());
	*task_id = 0;
	random_base62(nonce, sizeof nonce);
	const struct event claim = {
	    .type = EV_CLAIM,
	    .now_ms = clock_now_ms(),
	    .nonce = nonce,
	    .directory = r->directory,
	    .server = link_name(r->link),
	    .server_id = link_server_id(r->link),
	    .runner_id = r->id,
	};
	if (!store_begin(r->store, why))
		return false;
	if (!store_run(r->store, Q_claim_next, &now, 1, keep_int, task_id, why) ||
	    (*task_id && !apply_within(r->store, &r->defaults, *task_id, &claim, d, why))) {
		store_rollback(r->store);
		return false;
	}
	return store_commit(r->store, why);
}

static bool
has_room(const struct runner *r)
{
	return link_is_up(r->link) && r->flight_count < r->config->parallel && !r->ending;
}

static bool
claim_one(struct runner *r)
{
	struct fault why;
	struct decision d;
	int64_t task_id;
	if (!claim_next(r, &task_id, &d, &why)) {
		runner_in_trouble(r, &why);
		return false;
	}
	runner_out_of_trouble(r);
	if (!task_id)
		return false;
	failpoint_after(FP_COMMIT_CLAIM);
	struct flight *f = flight_begin(r, task_id, &why);
	if (f)
		flight_start(f, d.effect);
	return true;
}

static void
note_next_start(struct runner *r)
{
	struct fault why;
	struct value now = value_time(clock_now_ms());
	r->next_start_ms = 0;
	if (!store_run(r->store, Q_claim_next_time, &now, 1, keep_time, &r->next_start_ms, &why))
		runner_in_trouble(r, &why);
}

static void
end_loop(struct runner *r, const char *ending)
{
	r->ending = ending;
	ev_break(r->loop, EVBREAK_ALL);
}

static void
fail_loop(struct runner *r, const char *sentence)
{
	(void)snprintf(r->trouble, sizeof r->trouble, "%s", sentence);
	end_loop(r, RUNNER_FAILED);
}

static void
end_if_drained(struct runner *r)
{
	struct fault why;
	int64_t pending;
	if (!r->drain || r->flight_count || r->ending)
		return;
	if (!store_int(r->store, Q_drain_pending, NULL, 0, 0, &pending, &why))
		runner_in_trouble(r, &why);
	else if (!pending)
		end_loop(r, RUNNER_DRAINED);
}

static void
claim(struct runner *r)
{
	int made = 0;
	r->wants_claim = false;
	while (has_room(r) && made < CLAIMS_A_TURN && claim_one(r))
		made++;
	if (made == CLAIMS_A_TURN) {
		runner_claim_soon(r);
		return;
	}
	note_next_start(r);
	end_if_drained(r);
}

static void
on_soon(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	claim(timer->data);
}

void
runner_claim_soon(struct runner *r)
{
	r->wants_claim = true;
	ev_timer_start(r->loop, &r->soon);
}

/* ---- notice --------------------------------------------------------------------------------- */

static struct flight *
find_task(struct runner *r, int64_t task_id)
{
	struct flight *f = r->flights;
	while (f && f->task_id != task_id)
		f = f->next;
	return f;
}

struct live_rows {
	int64_t *ids, *revisions;
	size_t count;
};

static bool
keep_live(void *arg, const struct row *row)
{
	struct live_rows *live = arg;
	size_t n = live->count++;
	live->ids = xrealloc(live->ids, live->count * sizeof *live->ids);
	live->revisions = xrealloc(live->revisions, live->count * sizeof *live->revisions);
	live->ids[n] = row_int(row, 0);
	live->revisions[n] = row_int(row, 1);
	return true;
}

static void
take_up(struct runner *r, int64_t task_id, int64_t revision)
{
	struct fault why;
	struct flight *f = find_task(r, task_id);
	if (f) {
		if (f->revision != revision)
			flight_reload(f);
		return;
	}
	f = flight_begin(r, task_id, &why);
	if (f)
		flight_wake(f);
	else
		runner_in_trouble(r, &why);
}

/* Live rows that nothing is in flight for, or that somebody else has changed: at the start, after
 * a poke, after an edit by hand. */
static void
notice(struct runner *r)
{
	struct live_rows live = {0};
	struct fault why;
	if (store_run(r->store, Q_live_tasks, NULL, 0, keep_live, &live, &why)) {
		for (size_t i = 0; i < live.count; i++)
			take_up(r, live.ids[i], live.revisions[i]);
	} else {
		runner_in_trouble(r, &why);
	}
	free(live.ids);
	free(live.revisions);
	asks_notice(r->asks);
	runner_claim_soon(r);
}

/* When the two clocks part, the machine was suspended, or somebody set the time. */
static void
notice_sleep(struct runner *r)
{
	int64_t asleep_ms = clock_now_ms() - clock_monotonic_ms();
	int64_t slept_ms = asleep_ms - r->asleep_ms;
	r->asleep_ms = asleep_ms;
	if (slept_ms < ASLEEP_MS && slept_ms > -ASLEEP_MS)
		return;
	struct flight *next;
	for (struct flight *f = r->flights; f; f = next) {
		next = f->next;
		flight_slept(f, slept_ms > 0 ? slept_ms : 0);
	}
	runner_claim_soon(r);
}

static void
on_tick(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct runner *r = timer->data;
	struct fault why;
	int64_t version = r->data_version;
	notice_sleep(r);
	if (!store_still_there(r->store, &why)) {
		fail_loop(r, why.text);
		return;
	}
	if (!store_data_version(r->store, &version, &why)) {
		runner_in_trouble(r, &why);
		return;
	}
	bool is_due = r->next_start_ms && clock_now_ms() >= r->next_start_ms;
	if (version != r->data_version) {
		r->data_version = version;
		notice(r);
	} else if (is_due || r->trouble[0]) {
		runner_claim_soon(r);
	}
}

static void
on_poke(struct ev_loop *loop, ev_io *io, int revents)
{
	(void)loop;
	(void)revents;
	poke_drain(io->fd);
	notice(io->data);
}

/* ---- due ------------------------------------------------------------------------------------ */

void
runner_due_changed(struct runner *r, int64_t wake_at_ms)
{
	int64_t in_ms = wake_at_ms - clock_now_ms();
	double seconds = (double)(in_ms > DUE_SOONEST_MS ? in_ms : DUE_SOONEST_MS) / 1000.;
	if (ev_is_active(&r->due) && ev_timer_remaining(r->loop, &r->due) <= seconds)
		return;
	ev_timer_stop(r->loop, &r->due);
	ev_timer_set(&r->due, seconds, 0.);
	ev_timer_start(r->loop, &r->due);
}

static void
on_due(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct runner *r = timer->data;
	int64_t now_ms = clock_now_ms();
	struct flight *next;
	for (struct flight *f = r->flights; f; f = next) {
		next = f->next;
		if (f->wake_at_ms <= now_ms && flight_is_idle(f))
			flight_wake(f);
	}
	for (struct flight *f = r->flights; f; f = f->next) {
		if (flight_is_idle(f))
			runner_due_changed(r, f->wake_at_ms);
	}
}

/* ---- the link ------------------------------------------------------------------------------- */

static void
on_link_up(void *arg)
{
	struct runner *r = arg;
	struct flight *next;
	for (struct flight *f = r->flights; f; f = next) {
		next = f->next;
		flight_wake(f);
	}
	asks_look_everywhere(r->asks);
	runner_claim_soon(r);
}

static void
on_link_down(void *arg)
{
	struct runner *r = arg;
	watch_unlink(r->watch);
	asks_unlink(r->asks);
	for (struct flight *f = r->flights; f; f = f->next) {
		flight_unlink(f);
		runner_due_changed(r, f->wake_at_ms);
	}
	catalog_forget(r->catalog);
}

/* The session that asks may be one below ours: the directory tells where to look. */
static void
on_asked(struct runner *r, const struct oc_event *event)
{
	struct flight *f = r->flights;
	while (f &&
	       !(f->session_id && event->directory && strcmp(f->directory, event->directory) == 0))
		f = f->next;
	if (!f && event->session_id)
		f = runner_find_session(r, event->session_id);
	if (f)
		asks_look(r->asks, f->directory);
}

static void
on_link_event(void *arg, const struct oc_event *event)
{
	struct flight *f = event->session_id ? runner_find_session(arg, event->session_id) : NULL;
	if (event->type == OC_EV_ASKED || event->type == OC_EV_REPLIED)
		on_asked(arg, event);
	if (f)
		flight_event(f, event);
}

static void
on_link_say(void *arg, const char *line)
{
	runner_say(arg, "%s", line);
}

/* ---- beginning and end ---------------------------------------------------------------------- */

static void
on_signal(struct ev_loop *loop, ev_signal *signal, int revents)
{
	(void)loop;
	(void)revents;
	end_loop(signal->data, RUNNER_STOPPED);
}

static void
on_tidy(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct runner *r = timer->data;
	struct fault why;
	if (!store_checkpoint(r->store, &why) && why.kind != FAULT_BUSY)
		runner_in_trouble(r, &why);
}

static void
init_timers(struct runner *r)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	ev_timer_init(&r->tick, on_tick, TICK_S, TICK_S);
	ev_timer_init(&r->due, on_due, 0., 0.);
	ev_timer_init(&r->soon, on_soon, 0., 0.);
	ev_timer_init(&r->tidy, on_tidy, TIDY_S, TIDY_S);
	r->tick.data = r->due.data = r->soon.data = r->tidy.data = r;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		ev_signal_init(&r->signals[i], on_signal, numbers[i]);
		r->signals[i].data = r;
		ev_signal_start(r->loop, &r->signals[i]);
	}
	ev_timer_start(r->loop, &r->tick);
	ev_timer_start(r->loop, &r->tidy);
}

static void
on_link_give_up(void *arg, const char *sentence)
{
	fail_loop(arg, sentence);
}

void
runner_start(struct runner *r, const char *server_url, int poke_fd)
{
	const struct link_listener listener = {
	    r, on_link_up, on_link_down, on_link_event, on_link_say, on_link_give_up};
	init_timers(r);
	r->asleep_ms = clock_now_ms() - clock_monotonic_ms();
	ev_io_init(&r->poke, on_poke, poke_fd, EV_READ);
	r->poke.data = r;
	ev_io_start(r->loop, &r->poke);
	r->http = http_new(r->loop);
	r->catalog = catalog_new(r->loop, r->config);
	r->watch = watch_new(r, r->config->poll_ms);
	r->asks = asks_new(r);
	r->link = link_open(r->loop, r->http, r->store, r->config, server_url, &listener);
	notice(r);
	end_if_drained(r);
	if (!r->ending)
		link_start(r->link);
}

static void
stop_watchers(struct runner *r)
{
	ev_timer_stop(r->loop, &r->tick);
	ev_timer_stop(r->loop, &r->due);
	ev_timer_stop(r->loop, &r->soon);
	ev_timer_stop(r->loop, &r->tidy);
	ev_io_stop(r->loop, &r->poke);
	for (size_t i = 0; i < sizeof r->signals / sizeof *r->signals; i++)
		ev_signal_stop(r->loop, &r->signals[i]);
}

void
runner_stop(struct runner *r)
{
	stop_watchers(r);
	int live = r->flight_count;
	while (r->flights)
		flight_end(r->flights);
	if (live)
		runner_say(r, "%d task%s on; the next vigil run takes them up", live,
		    live == 1 ? " goes" : "s go");
	else
		link_end_server(r->link);
	link_close(r->link);
	watch_free(r->watch);
	asks_free(r->asks);
	catalog_free(r->catalog);
	http_free(r->http);
}
