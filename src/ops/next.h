/*
 * What a person can do about a task that has failed.
 */
#ifndef VIGIL_OPS_NEXT_H
#define VIGIL_OPS_NEXT_H

#include <stdint.h>

/* A line, by the word of error_kind; NULL for NULL, and for what is none. The caller frees. */
char *next_step(int64_t id, const char *error_kind);

#endif
