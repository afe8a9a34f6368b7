/*
 * How long is waited before what cannot be undone: longer than any test can be. So the program,
 * and not the library, takes it from the environment where that has it:
 *
 *     VIGIL_WEDGED_MS=3000
 */
#ifndef VIGIL_BASE_PATIENCE_H
#define VIGIL_BASE_PATIENCE_H

#include <stdint.h>

#include "base/fault.h"

/* A managed server that lives but has answered nothing for so long is wedged, and is ended: five
 * minutes, for a loaded machine is slow, not dead. */
extern int64_t patience_wedged_ms;

/* As the environment says; false with a fault if that makes no sense. */
bool patience_set(struct fault *);

#endif
