/*
 * The queue as a whole, paused or not: what a run says of it, and what it means to a drain.
 */
#ifndef VIGIL_RUNNER_PAUSE_H
#define VIGIL_RUNNER_PAUSE_H

#include <stdbool.h>

struct runner;

/* Says so where it has been paused or resumed since the last time. */
void pause_notice(struct runner *);

/* Nothing is live here, and what is queued waits for a person to resume the queue: that is what is
 * left of a drain, as are tasks that are held. */
bool pause_ends_drain(struct runner *);

#endif
