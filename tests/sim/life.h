/*
 * A life of vigil: a forked child that is its runner, until it ends or dies.
 */
#ifndef VIGIL_TESTS_SIM_LIFE_H
#define VIGIL_TESTS_SIM_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "world.h"

/* How the child's process ended. */
enum life_end {
	LIFE_ENDED,       /* vigil_run() returned VIGIL_OK */
	LIFE_REFUSED,     /* … anything else */
	LIFE_DIED,        /* as planned */
	LIFE_BROKEN,      /* something did not hold */
	LIFE_CRASHED = 9, /* a signal: a bug */
};

struct life {
	bool drain;
	int passings;        /* of failpoints until it dies; 0: it does not */
	int64_t dies_us;     /* or NEVER */
	const char *dies_at; /* a failpoint; NULL: none */
};

enum life_end life_live(const struct life *);

/* What happens to vigil as a whole, from within the world. */
void life_act(enum act);
void life_die(const char *how);

/* Has it lived far too long, or does it turn without getting anywhere? */
void life_turn(void);

#endif
