/*
 * The inside of panes.c and its neighbours: seats (panes_seat.c), their rows (panes_row.c), the
 * comparison of both with what tmux has (panes_sweep.c), what they show and how they are laid out
 * (panes_view.c), and which children have one (panes_child.c), also of those that nobody has heard
 * of (panes_survey.c).
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
#define REASON_DISPLACED "displaced"
#define REASON_RENEWED "renewed"

enum seat_state {
	SEAT_WAITS,  /* until fewer than tmux.max_panes are taken */
	SEAT_OPENS,  /* or is about to: one at a time */
	SEAT_UNSURE, /* there may be a pane with its mark: the sweep finds out */
	SEAT_OPEN,
	SEAT_CLOSES,
};

/* A pane of a session's, from its row on until that is closed. */
struct seat {
	struct seat *next;
	struct panes *panes;
	int64_t row_id;              /* 0: a pane without a row */
	int64_t task_id, attempt_id; /* 0: of a child below no task's session */
	char *session_id;            /* NULL: a pane without a row */
	char *root;                  /* of a child: what it is below, as in its row; else NULL */
	char *label;                 /* what it is called; NULL: nobody knows */
	enum seat_state state;
	struct pane pane; /* only its mark is known before it is open */
	bool is_known;    /* all of it: it is, or was, open */
	bool is_written;  /* the row says so too */
	bool is_ours;     /* made by this run */
	bool was_left;    /* by an earlier one, which has stopped in order and could not close it */
	const char *over; /* why it is to be closed; NULL while it is to stay */
	const char *why_over; /* more about it; or NULL */
	enum tmux_view view;  /* what it shows; as configured, of one that was taken up */
	int64_t server_id;    /* of a task: in `servers`, whom it shows; 0: not known */
	bool is_judged;       /* by the sweep under way: it was there before that began */
	bool is_seen;         /* by that sweep */
	bool was_waited_for;
	ev_timer patience; /* of its prompt */

	/* Of a child: see panes_child.c. */
	struct oc_call *call;
	bool was_busy;
	bool has_changed; /* something was heard since the call was made */
	int misses;       /* answers in a row that it is not there */
};

/* A session below a task's parent_session: what appears below it is below that too. */
struct kin {
	struct kin *next;
	char *session_id, *root;
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
	char *socket;          /* NULL: tmux's default one */
	char *beside;          /* the runner's own pane; NULL: it has none */
	int64_t beside_server; /* the pid of the tmux that it is of */
	struct pane_layout layout;
	bool has_told_view;
	struct seat *seats; /* oldest first */
	struct seat *opening;
	struct kin *kin;
	struct survey *survey; /* under way; else NULL */
	bool must_survey;      /* something may have been missed */
	char *told;            /* the newest trouble */
	bool has_told_where;
	ev_timer lay_out, sweep;

	/* The sweep under way. */
	struct listing *listings;
	size_t listing_count, listings_left;
	bool is_unsure; /* one of them had no answer */
};

/* ---- panes_seat.c ---- */
struct seat *seat_new(struct panes *, const char *session_id, const char *mark);
void seat_drop(struct seat *);
void seats_drop_all(struct panes *);
bool seats_have_room(const struct panes *);
struct seat *seat_of_flight(const struct panes *, const struct flight *); /* NULL: none */
struct seat *seat_of_session(const struct panes *, const char *session_id);
struct flight *seat_flight(const struct seat *); /* NULL: its attempt has no flight */
bool seat_is_wanted(const struct seat *); /* its task, or one that has it watched, is alive */
/* A live task other than `but` that has this session watched; NULL: none. */
const struct flight *watcher_of(const struct panes *, const char *root, const struct flight *but);

/* ---- panes.c ---- */
/* Its row is made, and it is opened as soon as there is room. False: there is to be none any more
 * (*is_decided), or not now; it is gone. */
bool seat_want(struct seat *, bool *is_decided);
void seat_open_next(struct panes *);                            /* may drop any seat */
void seat_open(struct seat *, enum tmux_view);                  /* whose turn it is: `opening` */
void seat_not_opened(struct seat *, const struct tmux_reply *); /* likewise */
void seat_close(struct seat *, const char *reason);
void seat_on_patience(struct ev_loop *, ev_timer *, int revents);

/* ---- panes_view.c ---- */
const struct seat *view_first_open(const struct panes *); /* NULL: there is none */
void view_choose(struct seat *);                          /* calls seat_open(), now or later */
/* Closes a task's that shows a server that is no more: it comes again, and then the next. */
void view_renew(struct panes *);
void view_lay_out_soon(struct panes *);
void view_lay_out(struct ev_loop *, ev_timer *, int revents);

/* ---- panes_child.c ---- */
void children_look(struct panes *);      /* asks the server how they are */
bool children_make_room(struct panes *); /* for a task's. False: there is nothing to close */
void children_over(struct panes *, const struct flight *, const char *reason);
void children_forget(struct panes *);
bool children_are_wanted(const struct panes *);
/* One below a person's conversation, which `root` is. False: it is a task's. */
bool child_found(struct panes *, const struct oc_session *, const char *root, bool is_busy);

/* ---- panes_survey.c ---- */
void survey_start(struct panes *);
void survey_forget(struct panes *);

/* ---- panes_row.c: false where the database would not; then it is tried again by the sweep ---- */
bool row_begin(struct panes *); /* the owner, and the seats of the rows that are open */
/* False also where its session is to have no pane any more: *is_decided. */
bool row_intend(struct seat *, bool *is_decided);
bool row_opened(struct seat *);
/* Of one that was left by the run that has stopped it is nobody's doing that it is gone. */
bool row_closed(struct seat *, const char *reason, const char *detail);
void row_left(const struct seat *); /* the run ends, and tmux does not answer */

/* ---- panes_sweep.c ---- */
void sweep_start(struct panes *);
void sweep_forget(struct panes *);

#endif
