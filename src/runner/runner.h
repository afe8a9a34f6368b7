/*
 * The runner's state, shared by the files of this folder: the loop, the row it writes to, and all
 * live tasks.
 */
#ifndef VIGIL_RUNNER_RUNNER_H
#define VIGIL_RUNNER_RUNNER_H

#include <ev.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "runner/awake.h"
#include "runner/catalog.h"
#include "runner/flight.h"
#include "runner/link.h"
#include "runner/row.h"
#include "runner/service.h"
#include "runner/sessions.h"
#include "store/apply.h"

/* How a run ends; the column `ending`. */
#define RUNNER_STOPPED "stopped" /* by a signal */
#define RUNNER_DRAINED "drained"
#define RUNNER_FAILED "failed" /* `failure` says why */

struct asks;
struct panes;
struct watch;

struct runner {
	struct ev_loop *loop;
	struct store *store;
	struct store_lock *lock; /* with the newest attempt of this database noted in it */
	const struct config *config;
	struct apply_defaults defaults;
	struct http *http;
	struct link *link;
	struct catalog *catalog;
	struct watch *watch;
	struct asks *asks;
	struct panes *panes;
	struct awake *awake;
	struct claim *claim; /* the task that is to start next */
	int64_t id;          /* its row in `runners` */
	char *directory;     /* where tasks without one run */
	char *server;        /* that it drives, as in the column `server` */
	struct row_told told;
	bool drain;
	bool has_panes;      /* each task is to have one */
	const char *program; /* what they run; NULL: this program */
	bool is_paused;      /* the queue, as of the last notice */
	void (*log)(void *arg, const char *line);
	void *log_arg;

	/* All live tasks, oldest claim last; also those of servers that this run does not drive,
	 * which only wait: flight_is_here(). */
	struct flight *flights;
	int flight_count;
	struct sessions sessions; /* the same, by session */
	struct service service;   /* what the service manager is told */

	int64_t clock_gap_ms;  /* wall clock less monotonic clock, as of the last tick */
	int64_t slept_ms;      /* between the run before and this one */
	bool has_slept;        /* and the flights were not all woken since */
	int64_t data_version;  /* as of the last tick */
	bool must_notice;      /* somebody has changed rows, and they were not all looked at */
	char *passed_over;     /* ids of tasks that the tables let nobody start or hold, as JSON; or
				  NULL */
	int64_t next_start_ms; /* when the next task of later is due; 0: none */
	struct fault trouble;  /* why the database cannot be used; FAULT_NONE while it can */
	struct fault said;     /* of these, what was said and is not said to be over */
	int64_t calm_since_ms; /* monotonic: since when there is no trouble */
	struct fault untidy;   /* why the newest checkpoint could not be made, if that was said */
	int64_t write_again_ms; /* monotonic: nobody tries before that, for each try can block */
	const char *ending;     /* set when the loop is to end: one of the words above */
	struct fault failure;   /* why, if it is RUNNER_FAILED */
	bool has_lost_database; /* its file was taken away: no later run knows what is alive here */

	ev_timer tick; /* notices what others wrote; tries again what failed */
	ev_timer due;  /* the earliest wake_at */
	ev_timer soon; /* claims, after the callback that made room has returned */
	ev_timer tidy; /* checkpoints */
	ev_io poke;
	ev_signal signals[3];
};

/* One line for who watches the run. */
void runner_say(struct runner *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The database refused: it is said once, nothing new is started, and nobody tries again for a
 * second. FAULT_NONE is no trouble. */
void runner_in_trouble(struct runner *, const struct fault *);
void runner_out_of_trouble(struct runner *); /* something was written */
bool runner_may_write(const struct runner *);

/* Not all live rows could be looked at: the next tick does it. */
void runner_notice_again(struct runner *, const struct fault *);

/* Have the timer of the earliest wake_at re-armed. */
void runner_due_changed(struct runner *, int64_t wake_at_ms);

/* Tells the flights of time that the machine has slept since the last tick. */
void runner_count_sleep(struct runner *);

/* They are blocked from the lock on, until the loop hears them. */
sigset_t runner_stop_signals(void);

/* From the row of the run before, how long the machine has slept since. */
bool runner_begin_clocks(struct runner *, struct fault *);
/* Makes its row in `runners`, and sets `id`. */
bool runner_write_row(struct runner *, struct fault *);
/* Again, where somebody has ended or deleted it by hand: without it nothing can be claimed, and no
 * server of ours be ended. */
bool runner_keep_row(struct runner *, struct fault *);

/* The loop ends after this turn. */
void runner_end(struct runner *, const char *ending);

int runner_count_here(const struct runner *); /* live tasks of the server that it drives */

/* Sets the loop's watchers up, opens the link, takes up what is alive. Loop, store, config,
 * defaults, directory and log must be set. Then run the loop, until `ending` is set. */
void runner_start(struct runner *, const char *server_url, int poke_fd);
/* Ends in order: agents go on, and so does their server; without any, or where nobody could take
 * them up, the server is ended. */
void runner_stop(struct runner *);

#endif
