/*
 * A flight: one live attempt in the hands of this run. All of it can be made again from the row;
 * flight.c is the journey.
 */
#ifndef VIGIL_RUNNER_FLIGHT_H
#define VIGIL_RUNNER_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/task.h"
#include "opencode/reply.h"

struct abort;
struct catalog_call;
struct oc_call;
struct runner;
struct twins;
struct vouch;

struct flight {
	struct flight *next, *previous; /* in the runner's list */
	struct flight *same_hash;       /* in the runner's table by session */
	struct descendant *descendants; /* the sessions below its own, as far as they are known */
	struct runner *runner;

	/* As in the row. */
	int64_t task_id, attempt_id;
	int64_t revision; /* of the row when it was last read or written here */
	enum status status;
	int64_t wake_at_ms;
	bool may_have_twin; /* its session was searched for before it was made, or found */
	int number;         /* of the attempt */
	int64_t started_ms;
	bool is_timed;   /* prompted, it waits neither for its server nor for anybody: its time
			    counts */
	char *label;     /* the description, or the prompt's beginning */
	char *directory; /* where the session works */
	char *server;    /* the name of the server that has it */
	char *parent_session, *agent, *model, *variant; /* as the task names them */
	char *sent_agent, *sent_model, *sent_variant;   /* as resolved */
	char *nonce, *session_id, *message_id, *part_id;
	bool directory_is_found; /* the claim has just looked */
	/* Between two runs nobody looked after it; empty where that was not so, or is told. */
	int64_t away_from_ms, away_to_ms;
	int64_t away_told_ms; /* of it, what the row has as lost */

	/* What is under way: one of these at most. */
	struct oc_call *call;
	struct directory_look *look;
	struct catalog_call *check;
	struct abort *abort;
	struct vouch *vouch;
	struct twins *twins;
	bool awaits_status; /* a look that waits for the next status answer of its directory */
	bool skips_status;  /* … but not for the one that was under way already */
	bool is_busy;       /* of a look: what the status said before the messages were asked for */
	bool awaits_asks;   /* an abort that waits until what the session asks was rejected */
	bool awaits_pane;   /* a prompt that waits for who is to see it */
	bool had_pane;      /* it is not to have one again; see panes.c */

	/* Hints, from events and the status map; lost with the link. */
	bool activity_is_known;
	enum oc_activity activity;
	char *retry_message;    /* what the provider says, while it is tried again; else NULL */
	char *error_message;    /* of the newest session.error since the prompt was sent: some
				   failures show nowhere else; else NULL */
	char *end_id;           /* of the newest message that ended as a turn does; else NULL */
	char *summary_id;       /* after which the turn stopped, as last seen; else NULL */
	char *waits_for;        /* a person, and what they are to say; else NULL */
	int64_t progress_ms;    /* wall clock: the newest event about its messages */
	bool has_news;          /* since its messages were last asked for */
	int64_t watched_ms;     /* since when such events are heard */
	int64_t lost_ms;        /* time asleep that was not told yet */
	bool was_deleted;       /* its session, by an event */
	bool knows_descendants; /* all there was before its events were heard */
	bool has_changed;       /* something happened while a request was under way */
};

/* All but flight_unlink(), flight_slept() and the two questions may find the task over, and end the
 * flight: it is gone then. */

/* Takes up a live row. NULL with a fault, or with FAULT_NONE where it is not live any more. */
struct flight *flight_begin(struct runner *, int64_t task_id, struct fault *);
/* Silence: what is under way is cancelled, the row stays as it is. */
void flight_end(struct flight *);

/* Just claimed: the first step, as the claim's decision says. */
void flight_start(struct flight *, enum effect first);
/* Nothing is in flight for it, or its time has come: look and go on. Does nothing while something
 * is under way, but then looks again after it. */
void flight_wake(struct flight *);
/* The row was changed by somebody else. */
void flight_reload(struct flight *);
/* The link is gone: what is under way is cancelled, hints are forgotten. */
void flight_unlink(struct flight *);

/* The machine slept so long: it is counted. */
void flight_slept(struct flight *, int64_t ms);

bool flight_is_idle(const struct flight *); /* nothing is under way */
bool flight_is_here(const struct flight *); /* its server is the one that this run drives */

/* What the status map says, perhaps for the first time since it could not be asked; and that it
 * cannot be asked. */
void flight_status(
    struct flight *, enum oc_activity, const char *retry_message, bool is_known_again);
void flight_status_failed(struct flight *, const char *sentence, bool is_first);
/* What it asks and only a person can answer, in a sentence; NULL: nothing. */
void flight_waits(struct flight *, const char *for_what);
/* Of one that is to stop: what its sessions ask was rejected, as far as that was possible. */
void flight_asks_over(struct flight *);
/* Its pane is there, or is not waited for any longer. */
void flight_pane_over(struct flight *);
/* An event about its session; and about one of its descendants: that is work on the same task. */
void flight_event(struct flight *, const struct oc_event *);
void flight_descendant_event(struct flight *, const struct oc_event *);

#endif
