/*
 * For the tests of libvigil: a handle on a database of its own, and short ways to say things.
 */
#ifndef VIGIL_TESTS_STORE_OPS_H
#define VIGIL_TESTS_STORE_OPS_H

#include "ops/vigil.h"

extern char *folder, *path; /* of the database */
extern struct vigil *vigil;

void ops_set_up(void);
void ops_tear_down(void);

/* The result, and a sentence that has the words. */
void says(enum vigil_result, enum vigil_result expected, const char *words);
int64_t add(const struct vigil_task *);
/* What apply() would have written, had a runner been there; `rest` sets more of its columns. */
void finish(int64_t id, const char *status, const char *rest);

#endif
