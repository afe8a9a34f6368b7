/*
 * The runner's state, shared by the files of this folder: the loop, the row it writes to, and all
 * live tasks.
 */
#ifndef VIGIL_RUNNER_RUNNER_H
#define VIGIL_RUNNER_RUNNER_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "runner/catalog.h"
#include "runner/flight.h"
#include "runner/link.h"
#include "store/apply.h"

#define RUNNER_BUCKETS 1024 /* of the table by session; live tasks are hundreds at most */

/* How a run ends; the column `ending`. */
#define RUNNER_STOPPED "stopped" /* by a signal */
#define RUNNER_DRAINED "drained"
#define RUNNER_FAILED "failed" /* `trouble` says why */

struct asks;
struct watch;

struct runner {
	struct ev_loop *loop;
	struct store *store;
	const struct config *config;
	struct apply_defaults defaults;
	struct http *http;
	struct link *link;
	struct catalog *catalog;
	struct watch *watch;
	struct asks *asks;
	int64_t id;      /* its row in `runners` */
	char *directory; /* where tasks without one run */
	bool drain;
	void (*log)(void *arg, const char *line);
	void *log_arg;

	struct flight *flights; /* all live tasks, oldest claim last */
	int flight_count;
	struct flight *by_session[RUNNER_BUCKETS];

	int64_t asleep_ms; /* wall clock less monotonic clock, as of the last tick */
	int64_t data_version;
	int64_t next_start_ms; /* when the next task of later is due; 0: none */
	bool wants_claim;      /* a slot, a task or the database has become free */
	char trouble[1024];    /* why the database cannot be written; "" while it can. Of a run
				  that fails: why */
	const char *ending;    /* set when the loop is to end: one of the words below */

	ev_timer tick; /* notices what others wrote; tries again what failed */
	ev_timer due;  /* the earliest wake_at */
	ev_timer soon; /* claims, after the callback that made room has returned */
	ev_timer tidy; /* checkpoints */
	ev_io poke;
	ev_signal signals[3];
};

/* One line for who watches the run. */
void runner_say(struct runner *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The database refused a write: said once, and nothing new is started until it works again. */
void runner_in_trouble(struct runner *, const struct fault *);
void runner_out_of_trouble(struct runner *);

/* Have the timer of the earliest wake_at re-armed, and a claim tried, soon. */
void runner_due_changed(struct runner *, int64_t wake_at_ms);
void runner_claim_soon(struct runner *);

/* The table by session. A flight is in it from its session's id on. */
void runner_add_session(struct runner *, struct flight *);
void runner_remove_session(struct runner *, struct flight *);
struct flight *runner_find_session(struct runner *, const char *session_id);

/* Sets the loop's watchers up, opens the link, takes up what is alive. Loop, store, config,
 * defaults, directory and log must be set. Then run the loop, until `ending` is set. */
void runner_start(struct runner *, const char *server_url, int poke_fd);
/* Ends in order: agents go on, and so does their server; without any, the server is ended. */
void runner_stop(struct runner *);

#endif
