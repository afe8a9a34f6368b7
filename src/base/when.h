/*
 * Times and durations as people type them (the command line, the configuration).
 */
#ifndef VIGIL_BASE_WHEN_H
#define VIGIL_BASE_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

/* `90s`, `15m`, `8h`, `2d`, `250ms`, and `0`. Digits and one unit; at most 10 years. */
bool when_duration(const char *text, int64_t *ms, struct fault *);

/* Which way a bare `22:00` points from now. */
enum when_side { WHEN_PAST, WHEN_FUTURE };

/* `22:00` (the last or the next one), `2026-01-31 06:00[:SS]`, `2026-01-31`, `today 06:00`,
 * `tomorrow 06:00`, `yesterday 22:00`, RFC 3339 with zone; all but the last in local time.
 * FAULT_USAGE names the text and what is accepted. */
bool when_time(const char *text, enum when_side, int64_t now_ms, int64_t *ms, struct fault *);

/* How long something took: "3h 12m", "12m", "45s"; to the second, from an hour on to the minute.
 * The views of the schema say the same. Returns out. */
const char *when_say(int64_t ms, char out[32]);
/* A duration as somebody would have typed it, exactly: "90s", "8h", "250ms". Returns out. */
const char *when_typed(int64_t ms, char out[32]);

/* "3m ago", "in 2h", "now"; of what is two weeks away or more the date, in local time. */
const char *when_relative(int64_t ms, int64_t now_ms, char out[32]);
const char *when_local(int64_t ms, char out[32]); /* "2026-01-31 06:00:00" */

#endif
