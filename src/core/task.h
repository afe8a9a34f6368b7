/*
 * The words of a task's life: statuses, events, effects, and the part of a task that decisions
 * are made from. Read this first, then decide.c.
 *
 *              CLAIM               PROMPTED                  ANSWERED
 *   queued ───────────► starting ───────────► running ─────────────────► completed
 *    ▲  ▲ │                │                     │ │
 *    │  │ └► held          │ CANCEL, its limits  │ └── FAULTY ──► failed, or queued again
 *    │  │                  ▼                     ▼                while attempts are left
 *    │  │                 stopping ◄─────────────┘
 *    │  │                  │ idle after ABORTED, or not confirmed for too long
 *    │  └── attempts left ─┴──► cancelled | failed | completed, if the answer came in time
 *    └── RETRY, from any final status
 *
 * Each list that must agree with another stands here once, as an X-macro.
 */
#ifndef VIGIL_CORE_TASK_H
#define VIGIL_CORE_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/message.h"

#define STATUS_LIST(X) \
	X(QUEUED, "queued") \
	X(HELD, "held") \
	X(STARTING, "starting") \
	X(RUNNING, "running") \
	X(STOPPING, "stopping") \
	X(COMPLETED, "completed") \
	X(FAILED, "failed") \
	X(CANCELLED, "cancelled")

enum status {
#define X(name, text) STATUS_##name,
	STATUS_LIST(X)
#undef X
	    STATUS_COUNT
};

/* Why a task failed, in one word; the contract's error_kind. */
#define ERROR_KIND_LIST(X) \
	X(NONE, NULL) \
	X(AGENT, "agent") \
	X(EMPTY, "empty") \
	X(TIMEOUT, "timeout") \
	X(STALLED, "stalled") \
	X(INTERRUPTED, "interrupted") \
	X(REJECTED, "rejected") \
	X(REFUSED, "refused") \
	X(SERVER, "server") \
	X(LIMIT, "limit") \
	X(LOST, "lost")

enum error_kind {
#define X(name, text) KIND_##name,
	ERROR_KIND_LIST(X)
#undef X
	    KIND_COUNT
};

#define STOP_LIST(X) \
	X(NONE, NULL) \
	X(CANCEL, "cancel") \
	X(TIMEOUT, "timeout") \
	X(STALL, "stall") \
	X(LOOP, "loop")

enum stop {
#define X(name, text) STOP_##name,
	STOP_LIST(X)
#undef X
	    STOP_COUNT
};

/* What can happen to a task. People and the claim: */
#define EVENT_LIST(X) \
	X(CLAIM, "claim")       /* a runner has a free slot for it */ \
	X(DELAYED, "delayed")   /* and cannot start it now */ \
	X(CANCEL, "cancel")     /* a person */ \
	X(RETRY, "retry")       /* a person */ \
	X(HOLD, "hold")         /* a person */ \
	X(RELEASE, "release")   /* a person */ \
	X(COPIED, "copied")     /* the row is a copy: where the first is, it may go on */ \
	X(WAKE, "wake")         /* live, nothing in flight, or wake_at has passed: look */ \
	X(ABSENT, "absent")     /* no session with our nonce was found */ \
	X(CHECKED, "checked")   /* agent, model and variant exist on the server */ \
	X(REFUSED, "refused")   /* they do not, or the server refused what we asked as wrong */ \
	X(SESSION, "session")   /* our session was made, or found */ \
	X(PROMPTED, "prompted") /* the server has taken the prompt */ \
	X(UNREACHABLE, "unreachable") /* the server could not be asked, or made no sense */ \
	X(BUSY, "busy")               /* the session is at work, or waits */ \
	X(UNPROMPTED, "unprompted")   /* idle, and our message is not there */ \
	X(UNANSWERED, "unanswered")   /* idle, our message there, its turn not finished; or with \
					 a kind: what is there cannot be read */ \
	X(ANSWERED, "answered")       /* finished, by the evidence */ \
	X(FAULTY, "faulty")           /* ended in an error, empty, cut off or rejected */ \
	X(LOOPING, "looping")         /* it asks its model again without end */ \
	X(GONE, "gone")         /* the server does not know the session, but others of ours */ \
	X(STRANGER, "stranger") /* the server knows no session of ours */ \
	X(ABORTED, "aborted")   /* everything under the session was aborted and is idle */

enum event_type {
#define X(name, text) EV_##name,
	EVENT_LIST(X)
#undef X
	    EV_COUNT
};

/* What is to be done after the commit; each can be repeated. */
#define EFFECT_LIST(X) \
	X(NONE, "") \
	X(FIND, "find the session")     /* SESSION, ABSENT or UNREACHABLE comes back */ \
	X(CHECK, "check the names")     /* CHECKED, REFUSED or UNREACHABLE */ \
	X(CREATE, "create the session") /* SESSION, REFUSED or UNREACHABLE */ \
	X(SEND, "send the prompt")      /* PROMPTED, REFUSED, GONE, STRANGER or UNREACHABLE */ \
	X(LOOK, "look")                 /* BUSY … STRANGER, or UNREACHABLE */ \
	X(ABORT, "abort")               /* ABORTED, GONE, STRANGER or UNREACHABLE */

enum effect {
#define X(name, text) FX_##name,
	EFFECT_LIST(X)
#undef X
	    FX_COUNT
};

enum on_interrupt {
	ON_INTERRUPT_RESUME,
	ON_INTERRUPT_RESTART,
	ON_INTERRUPT_HOLD,
	ON_INTERRUPT_FAIL
};

/* The newest attempt's persistent part. Times are ms since 1970; 0 stands for "not yet". */
struct attempt {
	int64_t id; /* 0: the task was never claimed */
	int64_t started_ms;
	int64_t prompted_ms;
	int64_t progress_ms;    /* the newest sign of work */
	int64_t step_ms;        /* when its newest step was finished, the server's clock */
	int64_t idle_ms;        /* since when it is idle without an answer */
	int64_t unreachable_ms; /* since when the server cannot be asked */
	int64_t stranger_ms;    /* since when it knows no session of ours */
	int64_t waiting_ms;     /* since when it waits: for a person, or for its provider */
	int64_t stop_ms;        /* since when a stop is tried, and not confirmed */
	int64_t sent_ms;        /* when the prompt was last sent */
	int64_t aborted_ms;     /* when an abort was last confirmed */
	int64_t lost_ms;        /* of its time so far: how long it could not work */
	int sends, resumes, stuck, searches, misses; /* as the columns of `attempts` */
	bool has_session;
	bool has_ended;
};

/* A task's persistent part, as far as decisions need it. */
struct task {
	int64_t id;
	enum status status;
	enum stop stop;
	int attempts;      /* made so far */
	int attempts_base; /* of these, before the newest retry */
	int max_attempts;
	int64_t timeout_ms; /* 0: none */
	int64_t not_before_ms;
	int64_t wake_at_ms; /* never 0 while live */
	int64_t revision;   /* grows with each change of status */
	struct attempt attempt;
};

/* What a turn left behind: result, transcript, sums. Borrowed by the event. */
struct harvest {
	const struct message *messages; /* of our turn, oldest first */
	size_t count;
	const char *result; /* the final answer's text; NULL if there is none */
	struct tokens tokens;
	double cost;
};

struct event {
	enum event_type type;
	int64_t now_ms;
	int64_t attempt_id;   /* that it is about; 0: whichever is the newest (people, WAKE) */
	int64_t progress_ms;  /* BUSY, UNANSWERED: the newest sign of work, 0 if unknown */
	int64_t step_ms;      /* BUSY, UNANSWERED: when its newest step was finished; as above */
	int64_t watched_ms;   /* BUSY, UNANSWERED: since when its signs of work are heard */
	int64_t lost_ms;      /* time asleep since the last event */
	int64_t away_ms;      /* BUSY, UNANSWERED, ANSWERED, FAULTY: of the time between two
				 runs, how long nothing was done, less what was told of it
				 before; UNREACHABLE: all of it, for it may have been */
	bool was_found;       /* SESSION: by a search, not just made */
	bool is_waiting;      /* BUSY: for a person, or for its provider, which is tried again */
	enum error_kind kind; /* REFUSED, FAULTY; UNANSWERED: see there */
	/* What decide() does not look at, and apply() writes: */
	const char *text; /* a reason, an error, what is in the way; NULL if none */
	const char *session_id, *message_id, *part_id; /* SESSION */
	const char *agent, *model, *variant;           /* CHECKED */
	const char *nonce, *directory, *server;        /* CLAIM; the directory as resolved */
	int64_t server_id, runner_id;                  /* CLAIM, PROMPTED */
	const struct harvest *harvest;                 /* ANSWERED, FAULTY, and what a stop found */
};

/* What the configuration says about decisions. */
struct policy {
	int64_t stall_ms; /* 0: off */
	int max_resumes;
	enum on_interrupt on_interrupt;
};

static inline bool
status_is_live(enum status status)
{
	return status == STATUS_STARTING || status == STATUS_RUNNING || status == STATUS_STOPPING;
}

static inline bool
status_is_final(enum status status)
{
	return status == STATUS_COMPLETED || status == STATUS_FAILED || status == STATUS_CANCELLED;
}

const char *status_text(enum status);
bool status_parse(const char *text, enum status *);
const char *event_text(enum event_type);
const char *effect_text(enum effect);
const char *kind_text(enum error_kind); /* NULL for KIND_NONE */
const char *stop_text(enum stop);       /* NULL for STOP_NONE */
enum stop stop_parse(const char *text); /* STOP_NONE for NULL and anything else */

#endif
