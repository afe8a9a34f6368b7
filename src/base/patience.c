/*
 * See patience.h.
 */
#include "base/patience.h"

#include <stdlib.h>

int64_t patience_wedged_ms = 5 * 60 * 1000;

bool
patience_set(struct fault *fault)
{
	const char *setting = getenv("VIGIL_WEDGED_MS");
	char *end = NULL;
	if (!setting)
		return true;
	patience_wedged_ms = strtol(setting, &end, 10);
	return (patience_wedged_ms > 0 && !*end) ||
	       fault_set(fault, FAULT_USAGE,
		   "VIGIL_WEDGED_MS=%s is no number of milliseconds above 0", setting);
}
