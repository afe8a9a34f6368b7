/*
 * A draft: a new task, or what is to be changed of one, that was checked, in the form in which the
 * database takes it.
 */
#ifndef VIGIL_OPS_DRAFT_H
#define VIGIL_OPS_DRAFT_H

#include "base/fault.h"
#include "ops/vigil.h"
#include "store/store.h"

enum { DRAFT_VALUES = 14 };

#define DRAFT_NEW (~0U) /* of a new task, all fields are meant */

struct draft {
	unsigned fields;                   /* of enum vigil_field: those that are meant */
	struct value values[DRAFT_VALUES]; /* of the query task_insert */
	const char *key;
	char *directory;
	const int64_t *after;
	size_t after_count;
};

/* Checks all that can be checked without the database; the task has nothing but what is meant. The
 * draft borrows its strings, and is to be freed in any case. False: FAULT_USAGE names the value and
 * says what is accepted. */
bool draft_make(
    struct draft *, const struct vigil_task *, unsigned fields, int64_t now_ms, struct fault *);
void draft_free(struct draft *);

/* In a transaction of the caller's. With a key that an open task has, *existed is set, *id is that
 * task's, and nothing is written. */
bool draft_insert(const struct draft *, struct store *, int64_t *id, bool *existed, struct fault *);

/* Gives a task that exists what is meant, or what the tables let it have of that: FAULT_USAGE. */
bool draft_update(const struct draft *, struct store *, int64_t id, struct fault *);

#endif
