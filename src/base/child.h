/*
 * A child process on the event loop, for what it prints and how it ends: nothing waits for it. One
 * that is late, or cancelled, is killed and forgotten; it is reaped when it can be, which is never
 * for one that hangs in the kernel, on a mount that does not answer.
 */
#ifndef VIGIL_BASE_CHILD_H
#define VIGIL_BASE_CHILD_H

#include <ev.h>
#include <stdbool.h>

struct child_end {
	bool is_late;     /* killed, for it did not end in time */
	int status;       /* of the others, as of waitpid() */
	const char *text; /* what it printed, a megabyte at most; borrowed */
};

struct child;

typedef void child_ended(void *arg, const struct child_end *);

/* Forks. The child calls `become`, which ends in _exit() or exec: its input is empty, both its
 * outputs are what is kept, no other descriptor is open, no signal is caught or blocked, and its
 * process group is its own. `ended` is called once, never before this has returned. NULL: errno
 * says why; `ended` is not called. */
struct child *child_start(struct ev_loop *, void (*become)(void *arg), void *become_arg,
    double deadline_s, child_ended *, void *arg);
/* After it: silence. NULL is ignored. */
void child_cancel(struct child *);

#endif
