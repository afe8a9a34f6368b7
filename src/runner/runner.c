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
#include "base/process.h"
#include "runner/asks.h"
#include "runner/claim.h"
#include "runner/managed.h"
#include "runner/origin.h"
#include "runner/panes.h"
#include "runner/pause.h"
#include "runner/watch.h"
#include "store/poke.h"

#define TICK_S 0.5        /* a task queued in the sqlite3 shell starts within a second */
#define TIDY_S 5.0        /* between checkpoints */
#define ASLEEP_MS 2000    /* the clocks drift less than this between two ticks */
#define DUE_SOONEST_MS 20 /* wakes that are close together share one turn of the loop */
#define WRITE_AGAIN_MS 1000
#define CALM_MS 10000 /* without trouble: then it is over */

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

/* What is in the way, or how much is under way: for who asks the service manager. */
static void
tell_status(struct runner *r)
{
	char counts[64];
	const char *trouble =
	    r->trouble.kind != FAULT_NONE || !r->link ? r->trouble.text : link_trouble(r->link);
	snprintf(counts, sizeof(counts), "live tasks: %d", r->flight_count);
	service_status(&r->service, *trouble ? trouble : counts);
}

/* A database that others write to, too, is busy now and then, and not any more at the next try. */
void
runner_in_trouble(struct runner *r, const struct fault *why)
{
	if (why->kind == FAULT_NONE)
		return;
	bool may_be_over_soon = why->kind == FAULT_BUSY && r->trouble.kind == FAULT_NONE;
	r->write_again_ms = clock_monotonic_ms() + WRITE_AGAIN_MS;
	r->trouble = *why;
	if (may_be_over_soon)
		return;
	if (r->said.kind != FAULT_NONE && strcmp(r->said.text, why->text) == 0)
		return;
	r->said = *why;
	runner_say(r, "nothing new is started: %s", why->text);
	tell_status(r);
}

/* On a disk that is nearly full, some things can be written and others not, in turns: then it is
 * not over. */
static void
say_that_it_is_over(struct runner *r)
{
	if (r->said.kind == FAULT_NONE || r->trouble.kind != FAULT_NONE)
		return;
	if (r->said.kind != FAULT_BUSY && clock_monotonic_ms() - r->calm_since_ms < CALM_MS)
		return;
	r->said.kind = FAULT_NONE;
	runner_say(r, "the database can be written again");
}

void
runner_out_of_trouble(struct runner *r)
{
	if (r->trouble.kind == FAULT_NONE)
		return;
	r->trouble.kind = FAULT_NONE;
	r->write_again_ms = 0;
	r->calm_since_ms = clock_monotonic_ms();
	say_that_it_is_over(r);
	claim_soon(r);
}

bool
runner_may_write(const struct runner *r)
{
	return clock_monotonic_ms() >= r->write_again_ms;
}

void
runner_end(struct runner *r, const char *ending)
{
	r->ending = ending;
	ev_break(r->loop, EVBREAK_ALL);
}

static void
fail(struct runner *r, const struct fault *why)
{
	r->failure = *why;
	runner_end(r, RUNNER_FAILED);
}

int
runner_count_here(const struct runner *r)
{
	int count = 0;
	for (const struct flight *f = r->flights; f; f = f->next)
		count += flight_is_here(f);
	return count;
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

struct live_row {
	int64_t task_id, revision;
};

/* By id, as the query orders them. */
struct live_rows {
	struct live_row *all;
	size_t count;
};

static bool
keep_live(void *arg, const struct row *row)
{
	struct live_rows *live = arg;
	live->all = xrealloc(live->all, (live->count + 1) * sizeof(*live->all));
	live->all[live->count++] = (struct live_row){row_int(row, 0), row_int(row, 1)};
	return true;
}

static int
by_task(const void *a, const void *b)
{
	const struct live_row *x = a, *y = b;
	return (x->task_id > y->task_id) - (x->task_id < y->task_id);
}

static bool
is_live_row(const struct live_rows *live, int64_t task_id)
{
	const struct live_row key = {.task_id = task_id};
	return live->count && bsearch(&key, live->all, live->count, sizeof(key), by_task);
}

static void
take_up(struct runner *r, const struct live_row *row)
{
	struct fault why;
	struct flight *f = find_task(r, row->task_id);
	if (f) {
		if (f->revision != row->revision)
			flight_reload(f);
		return;
	}
	f = flight_begin(r, row->task_id, &why);
	if (f)
		flight_wake(f);
	else
		runner_notice_again(r, &why);
}

/* Flights whose row is not live any more: somebody has ended or deleted it. */
static void
let_go(struct runner *r, const struct live_rows *live)
{
	struct flight *next;
	for (struct flight *f = r->flights; f; f = next) {
		next = f->next;
		if (!is_live_row(live, f->task_id))
			flight_reload(f);
	}
}

void
runner_notice_again(struct runner *r, const struct fault *why)
{
	r->must_notice = true;
	runner_in_trouble(r, why);
}

/* What its agents do, no row tells of any more. */
static bool
is_put_back(struct runner *r)
{
	struct fault why;
	bool is_older;
	if (!origin_is_older(r, &is_older, &why)) {
		runner_notice_again(r, &why);
		return false;
	}
	if (!is_older)
		return false;
	fault_set(&why, FAULT_ENV,
	    "database %s: an older state was put back while it was in use: vigil run goes on with "
	    "that",
	    store_path(r->store));
	r->has_lost_database = true;
	fail(r, &why);
	return true;
}

/* Live rows that nothing is in flight for, or that somebody else has changed: at the start, after
 * a poke, after an edit by hand. */
static void
notice(struct runner *r)
{
	struct live_rows live = {0};
	struct fault why;
	r->must_notice = false;
	if (is_put_back(r))
		return;
	if (!runner_keep_row(r, &why))
		runner_notice_again(r, &why);
	if (store_run(r->store, Q_live_tasks, NULL, 0, keep_live, &live, &why)) {
		let_go(r, &live);
		for (size_t i = 0; i < live.count; i++)
			take_up(r, &live.all[i]);
	} else {
		runner_notice_again(r, &why);
	}
	free(live.all);
	asks_notice(r->asks);
	pause_notice(r);
	claim_soon(r);
}

static int64_t
clock_gap_ms(void)
{
	return clock_now_ms() - clock_monotonic_ms();
}

/* When the two clocks part, the machine was suspended, or somebody set the time. Whoever judges how
 * long an agent has worked asks this first: a tick may be half a second away. */
void
runner_count_sleep(struct runner *r)
{
	int64_t gap_ms = clock_gap_ms();
	int64_t slept_ms = gap_ms - r->clock_gap_ms;
	if (slept_ms < ASLEEP_MS && slept_ms > -ASLEEP_MS)
		return;
	r->clock_gap_ms = gap_ms;
	r->has_slept = true;
	for (struct flight *f = r->flights; f; f = f->next)
		flight_slept(f, slept_ms > 0 ? slept_ms : 0);
}

/* For the next run; without it, that one takes this sleep for one that nobody has counted. */
static void
note_clock_gap(struct runner *r)
{
	struct fault ignored;
	struct value v[] = {value_int(r->id), value_int(r->clock_gap_ms)};
	(void)store_run(r->store, Q_runner_clocks_parted, v, 2, NULL, NULL, &ignored);
}

static bool
take_gap(void *gap_ms, const struct row *row)
{
	*(int64_t *)gap_ms = row_int(row, 0);
	return false;
}

bool
runner_begin_clocks(struct runner *r, struct fault *why)
{
	char boot_id[64];
	process_boot_id(boot_id, sizeof(boot_id));
	struct value boot = value_text(boot_id);
	r->clock_gap_ms = clock_gap_ms();
	int64_t before_ms = r->clock_gap_ms;
	if (!store_run(r->store, Q_runner_clock_gap, &boot, 1, take_gap, &before_ms, why))
		return false;
	int64_t slept_ms = r->clock_gap_ms - before_ms;
	r->slept_ms = slept_ms >= ASLEEP_MS ? slept_ms : 0;
	return true;
}

static void
notice_sleep(struct runner *r)
{
	struct flight *next;
	runner_count_sleep(r);
	r->clock_gap_ms = clock_gap_ms(); /* they drift a little */
	if (!r->has_slept)
		return;
	r->has_slept = false;
	note_clock_gap(r);
	for (struct flight *f = r->flights; f; f = next) {
		next = f->next;
		flight_wake(f);
	}
	claim_soon(r);
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
	say_that_it_is_over(r);
	tell_status(r);
	awake_want(r->awake, runner_count_here(r) > 0);
	if (!store_still_there(r->store, &why)) {
		r->has_lost_database = true;
		fail(r, &why);
		return;
	}
	if (!store_data_version(r->store, &version, &why)) {
		runner_in_trouble(r, &why);
		return;
	}
	row_tell(r);
	if (version != r->data_version || r->must_notice) {
		r->data_version = version;
		notice(r);
	} else if (claim_is_due(r) || r->trouble.kind != FAULT_NONE) {
		claim_soon(r);
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
wake_all(struct runner *r)
{
	struct flight *next;
	for (struct flight *f = r->flights; f; f = next) {
		next = f->next;
		flight_wake(f);
	}
}

static void
on_link_up(void *arg)
{
	struct runner *r = arg;
	wake_all(r);
	asks_look_everywhere(r->asks);
	panes_take_up(r->panes);
	claim_soon(r);
}

/* From now on their time does not count, so each is told at once. */
static void
on_link_down(void *arg)
{
	struct runner *r = arg;
	watch_unlink(r->watch);
	asks_unlink(r->asks);
	panes_unlink(r->panes);
	for (struct flight *f = r->flights; f; f = f->next)
		flight_unlink(f);
	catalog_forget(r->catalog);
	if (!r->ending)
		wake_all(r);
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
		f = sessions_find(&r->sessions, event->session_id);
	if (f)
		asks_look(r->asks, f->directory);
}

static void
on_descendant_created(struct runner *r, const struct oc_event *event)
{
	if (!event->parent_id)
		return;
	struct flight *f = sessions_find(&r->sessions, event->parent_id);
	if (!f)
		f = sessions_find_descendant(&r->sessions, event->parent_id);
	if (f)
		sessions_add_descendant(&r->sessions, f, event->session_id);
}

static void
on_link_event(void *arg, const struct oc_event *event)
{
	struct runner *r = arg;
	if (event->type == OC_EV_ASKED || event->type == OC_EV_REPLIED)
		on_asked(r, event);
	if (!event->session_id)
		return;
	struct flight *f = sessions_find(&r->sessions, event->session_id);
	if (f)
		flight_event(f, event);
	else if (event->type == OC_EV_SESSION_CREATED)
		on_descendant_created(r, event);
	else if ((f = sessions_find_descendant(&r->sessions, event->session_id)))
		flight_descendant_event(f, event);
	panes_event(r->panes, event);
}

static bool
on_link_may_write(void *arg)
{
	return runner_may_write(arg);
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
	runner_end(signal->data, RUNNER_STOPPED);
}

/* The work itself does not need it: what is committed is safe in the -wal, which grows. */
static void
untidy(struct runner *r, const struct fault *why)
{
	if (r->said.kind != FAULT_NONE || strcmp(r->untidy.text, why->text) == 0)
		return;
	r->untidy = *why;
	runner_say(r, "what is written stays in the -wal for now: %s", why->text);
}

static void
on_tidy(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct runner *r = timer->data;
	struct fault why;
	if (!store_checkpoint(r->store, &why))
		untidy(r, &why);
	else
		r->untidy = (struct fault){0};
}

/* That end a run in order. */
static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};

enum { STOP_SIGNALS = sizeof(stop_signals) / sizeof(*stop_signals) };

sigset_t
runner_stop_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < STOP_SIGNALS; i++)
		sigaddset(&set, stop_signals[i]);
	return set;
}

/* Until now they have waited: see vigil_run(). */
static void
hear_signals(struct runner *r)
{
	const sigset_t set = runner_stop_signals();
	for (size_t i = 0; i < STOP_SIGNALS; i++) {
		ev_signal_init(&r->signals[i], on_signal, stop_signals[i]);
		r->signals[i].data = r;
		ev_signal_start(r->loop, &r->signals[i]);
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void
init_timers(struct runner *r)
{
	ev_timer_init(&r->tick, on_tick, TICK_S, TICK_S);
	ev_timer_init(&r->due, on_due, 0., 0.);
	ev_timer_init(&r->tidy, on_tidy, TIDY_S, TIDY_S);
	r->tick.data = r->due.data = r->tidy.data = r;
	claim_init(r);
	ev_timer_start(r->loop, &r->tick);
	ev_timer_start(r->loop, &r->tidy);
}

/* Live tasks are waited for all the same: their server may be found yet. */
static bool
on_link_give_up(void *arg, const char *sentence)
{
	struct runner *r = arg;
	struct fault why;
	if (r->ending || runner_count_here(r))
		return false;
	fault_set(&why, FAULT_ENV, "%s", sentence);
	fail(r, &why);
	return true;
}

/* One of vigil's own that an earlier run left, with nothing alive on it: this run drives another,
 * and who knows when one comes that would end it. */
static void
end_left_server(struct runner *r)
{
	bool is_left = !r->must_notice; /* all that is alive is known */
	for (const struct flight *f = r->flights; f; f = f->next)
		is_left = is_left && strcmp(f->server, MANAGED_NAME) != 0;
	if (is_left)
		(void)link_end_left(r->link);
}

void
runner_start(struct runner *r, const char *server_url, int poke_fd)
{
	const struct link_listener listener = {r, on_link_up, on_link_down, on_link_event,
	    on_link_say, on_link_give_up, on_link_may_write};
	hear_signals(r);
	init_timers(r);
	ev_io_init(&r->poke, on_poke, poke_fd, EV_READ);
	r->poke.data = r;
	ev_io_start(r->loop, &r->poke);
	r->http = http_new(r->loop);
	r->catalog = catalog_new(r->loop, r->config);
	r->watch = watch_new(r, r->config->poll_ms);
	r->asks = asks_new(r);
	r->panes = panes_new(r);
	r->awake = awake_new(r->loop);
	r->link = link_open(r->loop, r->http, r->store, r->config, server_url, &listener);
	notice(r);
	claim_end_if_drained(r);
	if (r->ending)
		return;
	end_left_server(r);
	link_start(r->link);
	service_ready(&r->service, r->loop);
}

static void
stop_watchers(struct runner *r)
{
	ev_timer_stop(r->loop, &r->tick);
	ev_timer_stop(r->loop, &r->due);
	claim_stop(r);
	ev_timer_stop(r->loop, &r->tidy);
	ev_io_stop(r->loop, &r->poke);
	for (size_t i = 0; i < sizeof(r->signals) / sizeof(*r->signals); i++)
		ev_signal_stop(r->loop, &r->signals[i]);
}

static void
end_in_order(struct runner *r)
{
	store_set_wait(r->store, STORE_WAIT_END_MS);
	if (!r->must_notice && !runner_count_here(r)) /* all that is alive is known */
		(void)link_end_server(r->link);
	end_left_server(r);
	if (r->flight_count == 1)
		runner_say(r, "a task goes on; the next vigil run takes it up");
	else if (r->flight_count)
		runner_say(r, "%d tasks go on; the next vigil run takes them up", r->flight_count);
}

/* "ses_1, ses_2": those at the server that this run drives. The caller frees. */
static char *
list_sessions(const struct runner *r)
{
	struct buf list = {0};
	for (const struct flight *f = r->flights; f; f = f->next)
		if (f->session_id && flight_is_here(f))
			buf_printf(&list, "%s%s", list.len ? ", " : "", f->session_id);
	return buf_take(&list);
}

/* Nobody will find our server by its row: it goes, with its agents. One that was given is not ours
 * to end. */
static void
end_without_database(struct runner *r)
{
	char *sessions = list_sessions(r);
	if (!link_end_server(r->link))
		runner_say(r, "the OpenCode server could not be ended: it goes on");
	else if (*sessions && link_is_managed(r->link))
		runner_say(r, "stopped with the OpenCode server, which keeps their sessions: %s",
		    sessions);
	else if (*sessions)
		runner_say(r, "still at work at %s, and followed by nobody: %s", link_name(r->link),
		    sessions);
	free(sessions);
}

void
runner_stop(struct runner *r)
{
	stop_watchers(r);
	service_stopping(&r->service);
	link_stop(r->link);
	for (struct flight *f = r->flights; f; f = f->next)
		flight_unlink(f);
	/* The loop turns on for that. Before the server: who looks at it holds it open. */
	panes_stop(r->panes);
	if (r->has_lost_database)
		end_without_database(r);
	else
		end_in_order(r);
	while (r->flights)
		flight_end(r->flights);
	link_close(r->link);
	watch_free(r->watch);
	asks_free(r->asks);
	panes_free(r->panes);
	awake_free(r->awake);
	catalog_free(r->catalog);
	http_free(r->http);
}
