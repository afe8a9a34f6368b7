/*
 * Claims: while there is room, the next task that may start is claimed, and its flight begins.
 */
#ifndef VIGIL_RUNNER_CLAIM_H
#define VIGIL_RUNNER_CLAIM_H

#include <stdbool.h>

struct runner;

void claim_init(struct runner *);
void claim_stop(struct runner *);

/* Room, a task or the database has become free: claims in the next turn of the loop, after the
 * callback that made room has returned. */
void claim_soon(struct runner *);
bool claim_is_due(const struct runner *); /* the time of a task of later has come */

/* Ends a drain where nothing is left. */
void claim_end_if_drained(struct runner *);

#endif
