/*
 * Whose database this is: that of the server, the panes and the sessions which its rows name, or a
 * copy of it, which has nothing to do with them.
 */
#ifndef VIGIL_RUNNER_ORIGIN_H
#define VIGIL_RUNNER_ORIGIN_H

#include <stdbool.h>

#include "base/fault.h"

struct runner;

/* A copy that no run has settled yet: what its rows say is alive is not its own. False: the
 * database cannot be read. */
bool origin_is_copy(struct runner *, bool *copied, struct fault *);

/* To be asked once a run's row is written, before it acts. A copy becomes a database of its own, in
 * one transaction: what is live in it is held, or over where it was to stop, and its server and
 * panes are forgotten, none of which is touched. False: the database cannot be read or written;
 * then nothing has changed. */
bool origin_settle(struct runner *, struct fault *);

/* Has an older state been restored into the file? Then there were attempts that it does not know
 * of. False: the database cannot be read. */
bool origin_is_older(struct runner *, bool *is_older, struct fault *);

#endif
