/*
 * The main journeys of a task, each one world in which nothing is left to chance, and what happens
 * in it, request by request: tests/sim/traces.
 */
#ifndef VIGIL_TESTS_SIM_GOLDEN_H
#define VIGIL_TESTS_SIM_GOLDEN_H

#include "world.h"

struct journey {
	const char *name;
	bool is_given; /* its server */
	int timeout_s; /* of its tasks that do not chat */
	int attempts;  /* 0: one */
	const char *on_ask;
	int parallel; /* 0: one at a time */
	const char *scripts[3], *natural[3];
	int added_ms[3];
	struct happening acts[3]; /* times in ms */
	const char *dies_at;      /* a failpoint, at which its first life ends */
	int stops_s;              /* or when somebody stops it; 0: never */
	int late_session_ms;      /* of the first session: how late its request arrives */
	int pause_s;              /* from the first life to the next one */
};

extern const struct journey journeys[];
extern const int journey_count;

void journey_plan(const struct journey *);

/* Tells it, and compares: false with a difference on standard output. With `write`, the trace that
 * is kept is made anew. */
bool journey_check(const struct journey *, bool write);

#endif
