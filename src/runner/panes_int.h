/*
 * The inside of panes.c and its neighbours: seats, and their rows (panes_row.c), and the comparison
 * of both with what tmux has (panes_sweep.c).
 */
#ifndef VIGIL_RUNNER_PANES_INT_H
#define VIGIL_RUNNER_PANES_INT_H

#include <stdint.h>

#include "runner/panes.h"
#include "runner/runner.h"
#include "tmux/pane.h"

#define OWNER_SIZE 17 /* 16 hex digits */

/* The column close_reason, but for ended ones. */
#define REASON_ENDED "ended"
#define REASON_STOPPED "stopped"
#define REASON_CRASHED "crashed"
#define REASON_GONE "gone"
#define REASON_SERVER_GONE "server gone"
#define REASON_FAILED "failed"

enum seat_state {
	SEAT_WAITS,  /* until fewer than tmux.max_panes are taken */
	SEAT_OPENS,  /* or is about to: one at a time */
	SEAT_UNSURE, /* there may be a pane with its mark: the sweep finds out */
	SEAT_OPEN,
	SEAT_CLOSES,
};

/* A pane of an attempt's, from its row on until that is closed. */
struct seat {
	struct seat *next;
	struct panes *panes;
	int64_t row_id; /* 0: a pane without a row */
	int64_t attempt_id;
	enum seat_state state;
	struct pane pane; /* only its mark is known before it is open */
	bool is_known;    /* all of it: it is, or was, open */
	bool is_written;  /* the row says so too */
	bool is_ours;     /* made by this run */
	const char *over; /* why it is to be closed; NULL while it is to stay */
	bool is_judged;   /* by the sweep under way: it was there before that began */
	bool is_seen;     /* by that sweep */
	bool was_waited_for;
	ev_timer patience; /* of its prompt */
};

struct listing {
	struct panes *panes;
	char *socket; /* NULL: tmux's default one */
};

struct panes {
	struct runner *runner;
	struct tmux *tmux;
	bool is_on;
	bool has_begun; /* the rows are read */
	bool has_swept; /* orphans of an earlier run's were looked for */
	bool is_stopping, is_late;
	char owner[OWNER_SIZE];
	char *program, *config;
	char *socket; /* NULL: tmux's default one */
	char *beside; /* the runner's own pane; NULL: it has none */
	struct pane_layout layout;
	struct seat *seats; /* oldest first */
	struct seat *opening;
	char *told; /* the newest trouble */
	bool has_told_where;
	ev_timer lay_out, sweep;

	/* The sweep under way. */
	struct listing *listings;
	size_t listing_count, listings_left;
	bool is_unsure; /* one of them had no answer */
};

/* ---- panes.c ---- */
struct seat *seat_new(struct panes *, const char *mark);
void seat_drop(struct seat *);
void seats_drop_all(struct panes *);
void seat_close(struct seat *, const char *reason);
struct flight *seat_flight(const struct seat *); /* NULL: its attempt has no flight */

/* ---- panes_row.c: false where the database would not; then it is tried again by the sweep ---- */
bool row_begin(struct panes *); /* the owner, and the seats of the rows that are open */
/* False also where the attempt is to have no pane any more: *is_decided. */
bool row_intend(struct seat *, const struct flight *, bool *is_decided);
bool row_opened(struct seat *);
bool row_closed(struct seat *, const char *reason, const char *detail);

/* ---- panes_sweep.c ---- */
void sweep_start(struct panes *);
void sweep_forget(struct panes *);

#endif
