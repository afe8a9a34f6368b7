/*
 * Which columns of tasks there are, and those that somebody asks for.
 */
#ifndef VIGIL_OPS_COLUMNS_H
#define VIGIL_OPS_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"
#include "ops/vigil.h"

/* In the order of the statement list_row, which reads them. */
#define COLUMN_LIST(X) \
	X(id, NUMBER) \
	X(status, STATUS) \
	X(prompt, LONG) \
	X(description, LONG) \
	X(agent, WORD) \
	X(model, WORD) \
	X(variant, WORD) \
	X(directory, LONG) \
	X(parent_session, WORD) \
	X(session_id, WORD) \
	X(server, WORD) \
	X(priority, NUMBER) \
	X(not_before, TIME) \
	X(key, WORD) \
	X(mutex, WORD) \
	X(timeout_s, SECONDS) \
	X(max_attempts, NUMBER) \
	X(attempts, NUMBER) \
	X(attempts_base, NUMBER) \
	X(result, LONG) \
	X(result_cut, NUMBER) \
	X(error, LONG) \
	X(error_kind, WORD) \
	X(stop, WORD) \
	X(note, LONG) \
	X(created_at, TIME) \
	X(started_at, TIME) \
	X(completed_at, TIME) \
	X(wake_at, TIME) \
	X(revision, NUMBER) \
	X(after, WORD) \
	X(task, LONG) \
	X(reason, LONG) \
	X(next, LONG) \
	X(took, SECONDS) \
	X(waited, SECONDS) \
	X(resumes, NUMBER) \
	X(tokens_input, NUMBER) \
	X(tokens_output, NUMBER) \
	X(cost, NUMBER)

enum column_id {
#define X(name, kind) COL_##name,
	COLUMN_LIST(X)
#undef X
	    COL_COUNT
};

/* Some of them, each once at most. */
struct choice {
	enum column_id column;
	bool is_descending;
};
struct choices {
	struct choice all[COL_COUNT];
	size_t count;
};

/* "a,b" or, where a '-' may be before each, "a,-b"; NULL: all, in order. FAULT_USAGE names the word
 * that is none and lists what there is. */
bool choices_parse(struct choices *, const char *text, bool may_descend, struct fault *);
bool choices_have(const struct choices *, enum column_id);
/* ",a,b,": what the statement list_row is told. The caller frees. */
char *choices_text(const struct choices *);

#endif
