/*
 * Another program, run to its end for what it prints.
 */
#ifndef VIGIL_BASE_RUN_H
#define VIGIL_BASE_RUN_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/fault.h"

/* Runs argv[0], found on the PATH unless it has a slash, without input, and adds what it prints on
 * standard output; what it prints on standard error is dropped. True: it has ended with 0 in time.
 * FAULT_NOT_FOUND: there is no such program; FAULT_TIMEOUT: it was killed, with what it had started
 * in its process group; FAULT_ENV: another end, or it printed more than any program would. SIGCHLD
 * is to be neither ignored nor answered with a wait for any child. */
bool run_capture(const char *const *argv, int deadline_ms, struct buf *out, struct fault *);

#endif
