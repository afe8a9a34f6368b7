/*
 * Trouble in the environment, as a value: what kind, and one sentence for a person.
 *
 * A function that can meet it returns false (or NULL) and fills its `struct fault *`,
 * which is never NULL. The sentence names the path, the URL or the value, and carries
 * the system's own words. A bug is no fault: it dies loudly.
 */
#ifndef VIGIL_BASE_FAULT_H
#define VIGIL_BASE_FAULT_H

#include <stdbool.h>

enum fault_kind {
	FAULT_NONE,
	FAULT_USAGE,     /* what was typed is wrong */
	FAULT_NOT_FOUND, /* no such task, ask or session */
	FAULT_TIMEOUT,   /* the time given has passed, or it is not final yet */
	FAULT_BUSY,      /* the database is locked by another program: try again */
	FAULT_ENV,       /* database, configuration, server, disk, tmux */
};

struct fault {
	enum fault_kind kind;
	char text[1024];
};

/* Sets kind and sentence (cut to what fits, never inside a UTF-8 character). Returns false,
 * so that `return fault_set(...)` reads well. */
bool fault_set(struct fault *, enum fault_kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Ends the process with a sentence and a core: for what can only be a bug. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
