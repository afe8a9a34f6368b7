/*
 * decide(): what an event means for a task. Pure: no I/O, no clock, no allocation, and total:
 * every status × event has a cell.
 */
#ifndef VIGIL_CORE_DECIDE_H
#define VIGIL_CORE_DECIDE_H

#include "core/task.h"

enum verdict {
	VERDICT_MOVE,   /* write `next`, then do `effect` */
	VERDICT_ACT,    /* nothing to write: do `effect` */
	VERDICT_IGNORE, /* late or harmless: nothing is written */
	VERDICT_REJECT, /* a person asked for what cannot be: `why` tells them */
	VERDICT_BUG,    /* cannot be */
};

struct decision {
	enum verdict verdict;
	struct task next;
	enum effect effect;
	bool ends_attempt;   /* with `outcome` and `kind`; error and harvest come from the event */
	enum status outcome; /* STATUS_COMPLETED, STATUS_FAILED or STATUS_CANCELLED */
	enum error_kind kind;
	bool is_unconfirmed; /* the server never said that the agent has stopped */
	const char *why;     /* static: for a person (REJECT), or the error's sentence where the
				decision itself is the error (a timeout, say); else NULL. After
				apply() the error that was written, which can be the event's */
	int64_t why_ms;      /* the time that is meant in `why`; 0: none */
	char sentence[128];  /* apply(): with that time, and `why` points to it */
};

void decide(const struct task *, const struct event *, const struct policy *, struct decision *);

#endif
