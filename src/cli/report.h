/*
 * The ways in which a night is shown.
 */
#ifndef VIGIL_CLI_REPORT_H
#define VIGIL_CLI_REPORT_H

#include <stdio.h>

#include "base/buf.h"
#include "cli/report_night.h"

/* For people, on a terminal or into a pipe; safe whatever is in the texts. */
void report_text(FILE *, const struct night *);

/* The timeline in it: so many columns behind a margin of two; there is at least one slot. */
void report_chart(FILE *, const struct night *, size_t columns, bool is_utf8);

/* A page of its own: nothing is loaded from elsewhere, and no text of others is more than text. The
 * night must be whole; then come the rows of texts, task by task, of which none is kept. */
struct page;
struct page *page_new(FILE *, const struct night *); /* writes the page down to the tasks */
void page_take(struct page *, enum vigil_report_part, const struct vigil_row *);
void page_end(struct page *); /* writes the rest, and frees it */

/* So many characters of a text are asked for. */
enum { PAGE_TEXT = 50000 };

/* Parts of the page. */
void page_subject(struct buf *, const struct json *row, const char *column); /* of others' text */
void page_needs(struct buf *, const struct night *); /* nothing where nothing needs a person */
void page_timeline(struct buf *, const struct night *);
void page_task_begin(struct buf *, const struct night_task *);
void page_task_text(struct buf *, const struct night_task *, const struct vigil_row *);
void page_task_message(struct buf *, const struct vigil_row *);
void page_task_end(struct buf *);

#endif
