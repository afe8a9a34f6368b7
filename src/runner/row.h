/*
 * What the run's row in `runners` says of the link to its server, for who asks why a queued task
 * does not start.
 */
#ifndef VIGIL_RUNNER_ROW_H
#define VIGIL_RUNNER_ROW_H

#include <stdint.h>

#include "base/fault.h"

struct runner;

/* What the row says: nothing is written while that is so. Zeroed: a row that was just made. */
struct row_told {
	int64_t row_id;
	struct fault trouble;
};

/* Writes it if it has changed; where that fails, the next call does. */
void row_tell(struct runner *);

#endif
