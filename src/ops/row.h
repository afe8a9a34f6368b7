/*
 * One task as a row of some of its columns: what `list` and `show` have in common.
 */
#ifndef VIGIL_OPS_ROW_H
#define VIGIL_OPS_ROW_H

#include "ops/columns.h"
#include "ops/handle.h"

struct task_reader {
	struct vigil *vigil;
	const struct choices *choices;
	char *wanted;       /* of the statement */
	int64_t characters; /* of a text */
	bool has_runner;
};

/* characters: 0 for whole texts. The vigil and the choices are borrowed. */
void task_reader_init(
    struct task_reader *, struct vigil *, const struct choices *, int64_t characters);
void task_reader_free(struct task_reader *);

/* Calls with the row; `more` is what it returned, true where there is no such task. False: a fault.
 */
bool task_read(const struct task_reader *, int64_t id, vigil_row_fn *fn, void *arg, bool *more);

#endif
