/*
 * Keeps the machine from going to sleep by itself while it is idle but agents are at work: an
 * inhibitor lock of systemd-logind (org.freedesktop.login1.Manager.Inhibit, "idle"). Where there is
 * no logind, or it refuses, nothing happens. A lid that is closed is no idleness: it is obeyed. The
 * lock is a descriptor, so that it goes with the process however that ends.
 */
#ifndef VIGIL_RUNNER_AWAKE_H
#define VIGIL_RUNNER_AWAKE_H

#include <ev.h>
#include <stdbool.h>

struct awake;

struct awake *awake_new(struct ev_loop *);
void awake_free(struct awake *); /* lets go of the lock */

/* Held from soon after the first `true` until `false`. Asked once for each time it is wanted. */
void awake_want(struct awake *, bool is_wanted);

#endif
