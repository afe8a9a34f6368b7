/*
 * The inside of a vigil handle, for the files that implement vigil.h, and what they share.
 */
#ifndef VIGIL_OPS_HANDLE_H
#define VIGIL_OPS_HANDLE_H

#include "base/fault.h"
#include "config/config.h"
#include "ops/vigil.h"
#include "store/apply.h"
#include "store/store.h"

struct vigil {
	char *database;        /* its path, absolute; NULL if it could not even be named */
	struct config *config; /* NULL, like the store, only if vigil_open() failed */
	struct store *store;
	struct fault fault; /* the newest; its text is vigil_error() */
};

/* What the handle's fault means outside. */
enum vigil_result handle_result(const struct vigil *);

/* Sets the handle's fault, and returns what it means outside. */
enum vigil_result handle_fail(struct vigil *, enum fault_kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

struct apply_defaults handle_defaults(const struct vigil *);

/* After a commit: tells a runner, if there is one, and if not, keeps the WAL from growing. */
void handle_wrote(const struct vigil *);

/* Is there such a task? FAULT_NOT_FOUND if not. */
bool handle_has_task(struct vigil *, int64_t id);

/* A TIME in the past as a value of the database's; NULL: NULL. */
bool handle_since(const char *text, struct value *, struct fault *);

/* Is it text that JSON's reader would take as it is: UTF-8, without NULs and without escapes of
 * what is no character? FAULT_USAGE. */
bool line_check(const char *text, size_t bytes, struct fault *);
/* Calls for each line of a text that is not blank, with its length; false ends it, with a fault
 * that then has `name` and the line's number. */
typedef bool line_fn(void *arg, const char *line, size_t bytes, struct fault *);
bool line_each(
    const char *text, size_t bytes, const char *name, line_fn *, void *arg, struct fault *);

/* Hands a row of the store's on to a callback of a caller's, as text. */
struct handle_rows {
	vigil_row_fn *fn;
	void *arg;
	const char *next; /* what the column `next` has; a statement has NULL there */
	int64_t count;    /* rows so far */
};
bool handle_row(void *rows, const struct row *); /* a row_fn */

#endif
