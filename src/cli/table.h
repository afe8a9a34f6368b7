/*
 * Tables: aligned and fitted into the width on a terminal; else a line a row, tabs between, whole.
 * Either way the names come first, and no text acts on the terminal or on the lines.
 */
#ifndef VIGIL_CLI_TABLE_H
#define VIGIL_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum column_form {
	COLUMN_WORD,   /* short; cut only where texts cannot be cut further */
	COLUMN_NUMBER, /* to the right; never cut */
	COLUMN_STATUS, /* coloured by its word; never cut */
	COLUMN_TEXT,   /* cut to what the width leaves; so is the last column, whatever it is */
};

struct column {
	const char *name;
	enum column_form form;
	bool is_optional; /* left out on a terminal where no row has anything in it */
};

struct table;
struct table *table_new(FILE *, const struct column *, size_t count);
void table_add(struct table *, const char *const *cells); /* NULL is an empty one */
void table_end(struct table *); /* the head line at least is printed now */
void table_free(struct table *);

#endif
