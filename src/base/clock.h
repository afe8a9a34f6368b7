/*
 * All reading of clocks, and the two forms a point in time has: milliseconds since 1970
 * (int64_t, UTC), and the text in the database, YYYY-MM-DDTHH:MM:SS.sssZ.
 * What reads clocks is in clock.c, which simulations replace; the text's form is in stamp.c.
 */
#ifndef VIGIL_BASE_CLOCK_H
#define VIGIL_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define STAMP_SIZE 25 /* "2026-01-31T06:00:00.000Z" and its NUL */

int64_t clock_now_ms(void);       /* wall clock */
int64_t clock_monotonic_ms(void); /* does not count suspended time */

/* The database's form of a time; years 0000 to 9999. */
void stamp_format(int64_t ms, char out[STAMP_SIZE]);
/* Exactly the database's form; false for anything else. */
bool stamp_parse(const char *text, int64_t *ms);

#endif
