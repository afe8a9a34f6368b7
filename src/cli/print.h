/*
 * Printing: tables for people and for pipes, JSON, times, colours.
 */
#ifndef VIGIL_CLI_PRINT_H
#define VIGIL_CLI_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/json.h"
#include "ops/vigil.h"

bool print_is_terminal(FILE *);
size_t print_width(FILE *); /* in columns: $COLUMNS, the terminal's, 80 */

/* Escape sequences for a terminal that wants colours, "" for anything else. */
enum colour {
	COLOUR_NONE,
	COLOUR_BOLD,
	COLOUR_DIM,
	COLOUR_RED,
	COLOUR_GREEN,
	COLOUR_YELLOW,
	COLOUR_CYAN
};
const char *print_colour(FILE *, enum colour); /* COLOUR_NONE: back to plain */
enum colour print_status_colour(const char *status);

/* A database's time in local time, "2026-01-31 06:00:00"; what is none is given back. */
const char *print_time(const char *stamp, char out[32]);
/* How long from one to the other, NULL: to now; "" without a begin. */
const char *print_span(const char *from, const char *to, char out[32]);

/* Text that others wrote: raw into a pipe, made safe on a terminal; ends with a line end. */
void print_text(FILE *, const char *text);
/* The same as a piece of something longer: no line end is added. */
void print_piece(FILE *, const char *text);

/* On a terminal: aligned, with a head line, the last column cut to the width. Else: a line a row,
 * tabs between, the names first. */
struct column {
	const char *name;
	bool is_right;  /* numbers */
	bool is_status; /* coloured by its word */
};
struct table;
struct table *table_new(FILE *, const struct column *, size_t count);
void table_add(struct table *, const char *const *cells); /* NULL is an empty one */
void table_end(struct table *); /* the head line at least is printed now */
void table_free(struct table *);

/* An object by column names; `without` one of them, or NULL. */
struct json *json_of_row(const struct vigil_row *, const char *without);
const char *row_get(const struct vigil_row *, const char *name); /* NULL: NULL, or no such */

void print_json(struct json *); /* one document; and frees it */

/* An array that is printed as it comes; it can be longer than what one wants to hold. */
struct json_list {
	size_t count;
};
void json_list_add(struct json_list *, struct json *); /* and frees it */
void json_list_end(struct json_list *);

#endif
