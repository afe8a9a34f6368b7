/*
 * Printing: what the terminal is, texts, times, colours, JSON. Tables are in table.h.
 */
#ifndef VIGIL_CLI_PRINT_H
#define VIGIL_CLI_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/json.h"
#include "cli/text.h"
#include "ops/vigil.h"

bool print_is_terminal(FILE *);
/* $COLUMNS, else the terminal's, else 80; PRINT_UNCUT where it is none: what reads a pipe cuts for
 * itself. */
enum { PRINT_UNCUT = 1 << 30 };
size_t print_width(FILE *);

/* For what is left out: "…", or "..." on a terminal without UTF-8. */
const char *print_ellipsis(FILE *);

/* A text in one of the forms; in ASCII for a terminal without UTF-8. The caller frees. */
char *print_safe(FILE *, const char *text, enum text_form);

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
/* The same; on a terminal "3m ago", "in 2h". */
const char *print_when(FILE *, const char *stamp, char out[32]);
/* A number of seconds as "3h 12m"; "" for NULL. */
const char *print_seconds(const char *seconds, char out[32]);

/* Text that others wrote: raw into a pipe, made safe on a terminal; ends with a line end. */
void print_text(FILE *, const char *text);
/* The same as a piece of something longer: no line end is added. */
void print_piece(FILE *, const char *text);

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
