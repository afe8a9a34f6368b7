/*
 * An examination, between the files that do it.
 */
#ifndef VIGIL_OPS_DOCTOR_H
#define VIGIL_OPS_DOCTOR_H

#include "ops/handle.h"

struct doctor {
	struct vigil *vigil; /* config and store may be missing: that is what is examined */
	vigil_check_fn *fn;
	void *arg;
	bool is_wrong; /* something is */
};

/* One finding; the remedy may be NULL. */
void doctor_say(struct doctor *, enum vigil_health, const char *name, const char *remedy,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* doctor_programs.c: what is outside: OpenCode, tmux, sqlite3, systemd. */
void doctor_programs(struct doctor *);

#endif
