/*
 * vigil_run(): one runner for each database, set up and ended in order. What it does between is
 * runner.c.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/process.h"
#include "ops/handle.h"
#include "runner/origin.h"
#include "runner/runner.h"
#include "store/poke.h"

#define BEGIN_AGAIN_MS 500

bool
runner_write_row(struct runner *r, struct fault *why)
{
	struct process_stat self;
	char boot_id[64];
	if (!process_stat(getpid(), &self))
		memset(&self, 0, sizeof(self));
	process_boot_id(boot_id, sizeof(boot_id));
	struct value v[] = {value_int(getpid()), value_int((int64_t)self.start_ticks),
	    value_text(boot_id), value_text(vigil_version()), value_text(r->directory),
	    value_int(r->config->parallel), value_text(r->server), value_int(r->clock_gap_ms)};
	if (!store_run(r->store, Q_runner_insert, v, 8, NULL, NULL, why))
		return false;
	r->id = store_last_id(r->store);
	return true;
}

bool
runner_keep_row(struct runner *r, struct fault *why)
{
	struct value id = value_int(r->id);
	int64_t is_there;
	return store_int(r->store, Q_runner_is_there, &id, 1, 0, &is_there, why) &&
	       (is_there || runner_write_row(r, why));
}

static bool
find_alive(void *arg, const struct row *row)
{
	long *alive = arg;
	struct process_stat now;
	char boot_id[64];
	pid_t pid = (pid_t)row_int(row, 0);
	process_boot_id(boot_id, sizeof(boot_id));
	if (pid != getpid() && same_text(row_text(row, 2), boot_id) && process_stat(pid, &now) &&
	    now.start_ticks == (uint64_t)row_int(row, 1) && process_lives(&now))
		*alive = (long)pid;
	return !*alive;
}

/* The lock says so too; but a person can delete its file. In a copy, the row is of the first one's
 * runner, which may well be alive. */
static bool
is_alone(struct runner *r, struct fault *why)
{
	long alive = 0;
	bool is_copy;
	if (!origin_is_copy(r, &is_copy, why))
		return false;
	if (!is_copy && !store_run(r->store, Q_runners_open, NULL, 0, find_alive, &alive, why))
		return false;
	return !alive || fault_set(why, FAULT_ENV, "a runner (pid %ld) drives %s", alive,
			     store_path(r->store));
}

static bool
take_up(struct runner *r, struct fault *why)
{
	struct value id = value_int(r->id);
	if (!store_run(r->store, Q_live_taken_up, &id, 1, NULL, NULL, why))
		return false;
	int64_t count = store_changes(r->store);
	if (count)
		runner_say(r, "live since an earlier run, and taken up: %lld task%s",
		    (long long)count, count == 1 ? "" : "s");
	return true;
}

static bool
write_row(struct runner *r, struct fault *why)
{
	struct value now = value_time(clock_now_ms());
	failpoint_before(FP_RUN_BEGINNING);
	if (!is_alone(r, why) ||
	    !store_run(r->store, Q_runners_crashed, &now, 1, NULL, NULL, why) ||
	    !runner_begin_clocks(r, why) || !runner_write_row(r, why))
		return false;
	failpoint_after(FP_RUN_BEGINNING);
	return true;
}

static bool
write_beginning(struct runner *r, struct fault *why)
{
	return (r->id || write_row(r, why)) && origin_settle(r, why) && take_up(r, why);
}

/* Another program has the database: what is alive goes on meanwhile, and a run that gave up would
 * leave it alone for good. True with `ending` set where it was told to stop instead. */
static bool
begin(struct runner *r, struct fault *why)
{
	const struct timespec a_while = {.tv_nsec = BEGIN_AGAIN_MS * 1000000L};
	const sigset_t stop = runner_stop_signals();
	bool is_ok;
	while (!(is_ok = write_beginning(r, why)) && why->kind == FAULT_BUSY && !r->ending) {
		runner_in_trouble(r, why);
		if (sigtimedwait(&stop, NULL, &a_while) > 0)
			r->ending = RUNNER_STOPPED;
	}
	return is_ok || r->ending;
}

static void
write_ending(struct runner *r)
{
	struct fault ignored; /* the next run finds it missing, and calls it crashed */
	const char *ending = r->failure.kind != FAULT_NONE ? r->failure.text : r->ending;
	struct value v[] = {value_int(r->id), value_time(clock_now_ms()), value_text(ending),
	    value_int(r->clock_gap_ms)};
	failpoint_before(FP_RUN_ENDING);
	(void)store_run(r->store, Q_runner_end, v, 4, NULL, NULL, &ignored);
	failpoint_after(FP_RUN_ENDING);
}

/* A terminal that went, or a pipe that closed, must not end the runner by a write. */
static void
ignore_sigpipe(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	(void)sigaction(SIGPIPE, &ignore, NULL);
}

static bool
run_loop(struct runner *r, struct vigil *v, const struct vigil_run_options *o)
{
	int poke_fd = poke_listen(v->database, &v->fault);
	if (poke_fd < 0) {
		r->ending = RUNNER_FAILED;
		write_ending(r);
		return false;
	}
	runner_start(r, o->server_url, poke_fd);
	if (!r->ending)
		ev_run(r->loop, 0);
	runner_stop(r);
	poke_close(v->database, poke_fd);
	write_ending(r);
	if (strcmp(r->ending, RUNNER_FAILED) != 0)
		return true;
	v->fault = r->failure;
	return false;
}

static bool
run_locked(struct vigil *v, struct store_lock *lock, const struct vigil_run_options *o)
{
	struct runner *r = xcalloc(1, sizeof(*r));
	r->store = store_open(v->database, STORE_CREATE, STORE_WAIT_LOOP_MS, &v->fault);
	r->lock = lock;
	r->loop = ev_loop_new(EVFLAG_AUTO);
	r->config = v->config;
	r->defaults = handle_defaults(v);
	r->directory = getcwd(NULL, 0);
	r->server = link_name_of(v->config, o->server_url);
	r->drain = o->drain;
	r->has_panes = o->tmux == VIGIL_TMUX_ON ||
		       (o->tmux == VIGIL_TMUX_AS_CONFIGURED && v->config->tmux_enabled);
	r->program = o->program;
	r->log = o->log;
	r->log_arg = o->log_arg;
	bool is_ok = r->store != NULL;
	if (is_ok && !r->directory)
		is_ok = fault_set(&v->fault, FAULT_ENV, "the working directory cannot be had: %s",
		    strerror(errno));
	is_ok = is_ok && begin(r, &v->fault) && (r->ending || run_loop(r, v, o));
	ev_loop_destroy(r->loop);
	store_close(r->store);
	free(r->directory);
	free(r->server);
	free(r->passed_over);
	free(r->service.status); /* of a run that was stopped before it began */
	free(r);
	return is_ok;
}

enum vigil_result
vigil_run(struct vigil *v, const struct vigil_run_options *o)
{
	struct store_lock *lock = store_lock(v->database, &v->fault);
	if (!lock)
		return handle_result(v);
	const sigset_t stop = runner_stop_signals();
	sigset_t before;
	ignore_sigpipe();
	sigprocmask(SIG_BLOCK, &stop, &before); /* until the loop hears them */
	bool is_ok = run_locked(v, lock, o);
	sigprocmask(SIG_SETMASK, &before, NULL);
	store_unlock(lock);
	return is_ok ? VIGIL_OK : handle_result(v);
}
