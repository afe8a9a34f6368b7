/*
 * What a person can do about a task that has failed, was refused something, or does not go on.
 */
#ifndef VIGIL_OPS_NEXT_H
#define VIGIL_OPS_NEXT_H

#include <stdbool.h>
#include <stdint.h>

struct vigil;

/* A line, by the word of error_kind; NULL for NULL, and for what is none. The caller frees. */
char *next_step(int64_t id, const char *error_kind);

/* The same by what a task waits for, a word of the view `queue`, and by the task that it comes
 * after, or the ask, and how that stands. NULL: it goes on by itself. */
char *next_of_wait(int64_t id, const char *waits_for, int64_t other_id, const char *other_status);

/* Of a task as it stands; *next is as above. False: a fault of the vigil's. */
bool next_find(struct vigil *, int64_t id, const char *status, const char *error_kind,
    bool has_runner, char **next);

#endif
