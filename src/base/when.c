/*
 * Times and durations as people type and read them: see when.h.
 *
 * A time without a zone is local, and goes through mktime(), which knows the zone's summer time.
 * Every field is checked first: mktime() would make 31 February the third of March.
 */
#include "base/when.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define LONGEST_MS (3653 * DAY_MS) /* ten years, with their leap days */
#define NEAR_MS (14 * DAY_MS)      /* what is nearer is told by how far it is away */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const struct {
	const char *word;
	int64_t ms;
} units[] = {{"ms", 1}, {"s", SECOND_MS}, {"m", MINUTE_MS}, {"h", HOUR_MS}, {"d", DAY_MS}};

enum { UNITS = sizeof(units) / sizeof(units[0]) };

/* Milliseconds in a unit; 0 for a word that is none. */
static int64_t
unit_ms(const char *word)
{
	for (size_t i = 0; i < UNITS; i++)
		if (strcmp(word, units[i].word) == 0)
			return units[i].ms;
	return 0;
}

bool
when_duration(const char *text, int64_t *ms, struct fault *fault)
{
	const char *at = text;
	int64_t count = 0, unit;

	for (; is_digit(*at); at++)
		if (count <= LONGEST_MS) /* more stays more, and cannot overflow */
			count = count * 10 + (*at - '0');
	unit = strcmp(text, "0") == 0 ? 1 : unit_ms(at);
	if (at == text || unit == 0)
		return fault_set(fault, FAULT_USAGE,
		    "'%s' is not a duration (such as 90s, 15m, 8h, 2d, 250ms, or 0)", text);
	if (count > LONGEST_MS / unit)
		return fault_set(fault, FAULT_USAGE, "'%s' is longer than ten years", text);
	*ms = count * unit;
	return true;
}

/* Reads exactly `count` digits and moves past them; false if there are not as many. */
static bool
take_number(const char **at, int count, int *value)
{
	*value = 0;
	for (; count > 0; count--, (*at)++) {
		if (!is_digit(**at))
			return false;
		*value = *value * 10 + (**at - '0');
	}
	return true;
}

static bool
take(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

static bool
take_word(const char **at, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(*at, word, length) != 0)
		return false;
	*at += length;
	return true;
}

/* HH:MM, with :SS where there is one. */
static bool
take_clock(const char **at, struct tm *tm)
{
	tm->tm_sec = 0;
	if (!take_number(at, 2, &tm->tm_hour) || !take(at, ':') || !take_number(at, 2, &tm->tm_min))
		return false;
	if (take(at, ':') && !take_number(at, 2, &tm->tm_sec))
		return false;
	return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 60;
}

/* YYYY-MM-DD, a day there is. */
static bool
take_date(const char **at, struct tm *tm)
{
	char stamp[64];
	int year, month, day;
	int64_t ignored;

	if (!take_number(at, 4, &year) || !take(at, '-') || !take_number(at, 2, &month) ||
	    !take(at, '-') || !take_number(at, 2, &day))
		return false;
	snprintf(stamp, sizeof(stamp), "%04d-%02d-%02dT00:00:00.000Z", year, month, day);
	if (!stamp_parse(stamp, &ignored))
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	tm->tm_mday = day;
	return true;
}

/* The zone's distance from UTC: Z, +HH:MM or -HH:MM. */
static bool
take_zone(const char **at, int64_t *offset_ms)
{
	int sign = **at == '-' ? -1 : 1, hours, minutes;

	*offset_ms = 0;
	if (take(at, 'Z') || take(at, 'z'))
		return true;
	if (!take(at, '+') && !take(at, '-'))
		return false;
	if (!take_number(at, 2, &hours) || !take(at, ':') || !take_number(at, 2, &minutes))
		return false;
	*offset_ms = sign * (hours * HOUR_MS + minutes * MINUTE_MS);
	return hours < 24 && minutes < 60;
}

/* A fraction of a second, to the millisecond; none is 0. */
static bool
take_fraction(const char **at, int64_t *ms)
{
	int64_t weight = 100;

	*ms = 0;
	if (!take(at, '.'))
		return true;
	if (!is_digit(**at))
		return false;
	for (; is_digit(**at); (*at)++, weight /= 10)
		*ms += (**at - '0') * weight;
	return true;
}

static bool
local_ms(struct tm tm, int64_t *ms)
{
	time_t seconds;

	tm.tm_isdst = -1;
	seconds = mktime(&tm);
	*ms = (int64_t)seconds * 1000;
	return seconds != (time_t)-1;
}

static struct tm
local_now(int64_t now_ms)
{
	time_t seconds = (time_t)(now_ms / 1000);
	struct tm tm = {0};

	localtime_r(&seconds, &tm);
	return tm;
}

static bool
parse_rfc3339(const char *at, int64_t *ms)
{
	struct tm tm = {0};
	char stamp[96];
	int64_t fraction_ms, offset_ms;

	if (!take_date(&at, &tm) || !(take(&at, 'T') || take(&at, 't') || take(&at, ' ')))
		return false;
	if (!take_clock(&at, &tm) || !take_fraction(&at, &fraction_ms) ||
	    !take_zone(&at, &offset_ms) || *at)
		return false;
	snprintf(stamp, sizeof(stamp), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)fraction_ms);
	if (!stamp_parse(stamp, ms))
		return false;
	*ms -= offset_ms;
	return true;
}

/* A date, or a word for one; and a time of day, midnight where a date stands alone. */
static bool
parse_dated(const char *at, int64_t now_ms, int64_t *ms)
{
	struct tm tm = local_now(now_ms);
	bool word = true;

	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	if (take_word(&at, "tomorrow "))
		tm.tm_mday++;
	else if (take_word(&at, "yesterday "))
		tm.tm_mday--;
	else if (!take_word(&at, "today "))
		word = false;
	if (!word && !take_date(&at, &tm))
		return false;
	if (!word && *at == '\0')
		return local_ms(tm, ms);
	if (!word && !take(&at, ' '))
		return false;
	return take_clock(&at, &tm) && *at == '\0' && local_ms(tm, ms);
}

/* The last or the next time that the clock shows this. */
static bool
parse_bare(const char *at, enum when_side side, int64_t now_ms, int64_t *ms)
{
	struct tm tm = local_now(now_ms);

	if (!take_clock(&at, &tm) || *at || !local_ms(tm, ms))
		return false;
	if (side == WHEN_PAST && *ms > now_ms)
		tm.tm_mday--;
	if (side == WHEN_FUTURE && *ms <= now_ms)
		tm.tm_mday++;
	return local_ms(tm, ms);
}

bool
when_time(const char *text, enum when_side side, int64_t now_ms, int64_t *ms, struct fault *fault)
{
	if (parse_bare(text, side, now_ms, ms) || parse_dated(text, now_ms, ms) ||
	    parse_rfc3339(text, ms))
		return true;
	return fault_set(fault, FAULT_USAGE,
	    "'%s' is not a time (such as 22:00, 2026-01-31 06:00, 2026-01-31, today 06:00, "
	    "tomorrow 06:00, yesterday 22:00, or 2026-01-31T06:00:00Z)",
	    text);
}

const char *
when_say(int64_t ms, char out[32])
{
	int64_t seconds = ms / SECOND_MS + (ms % SECOND_MS >= SECOND_MS / 2);
	int64_t minutes = seconds / 60, hours = minutes / 60;
	int64_t part = hours ? minutes % 60 : seconds % 60;

	if (!minutes)
		snprintf(out, 32, "%" PRId64 "s", seconds);
	else if (!part)
		snprintf(out, 32, "%" PRId64 "%c", hours ? hours : minutes, hours ? 'h' : 'm');
	else
		snprintf(out, 32, "%" PRId64 "%c %" PRId64 "%c", hours ? hours : minutes,
		    hours ? 'h' : 'm', part, hours ? 'm' : 's');
	return out;
}

const char *
when_typed(int64_t ms, char out[32])
{
	size_t i = UNITS - 1;

	while (i > 0 && ms % units[i].ms)
		i--;
	snprintf(out, 32, "%" PRId64 "%s", ms / units[i].ms, units[i].word);
	return out;
}

const char *
when_local(int64_t ms, char out[32])
{
	struct tm tm = local_now(ms);

	if (strftime(out, 32, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		out[0] = '\0';
	return out;
}

const char *
when_relative(int64_t ms, int64_t now_ms, char out[32])
{
	static const struct {
		int64_t ms;
		char name;
	} steps[] = {{DAY_MS, 'd'}, {HOUR_MS, 'h'}, {MINUTE_MS, 'm'}, {SECOND_MS, 's'}};
	bool is_future = ms > now_ms;
	int64_t far_ms = is_future ? ms - now_ms : now_ms - ms;
	size_t i = 0;

	if (far_ms >= NEAR_MS) {
		when_local(ms, out);
		out[strcspn(out, " ")] = '\0';
		return out;
	}
	while (i < sizeof(steps) / sizeof(steps[0]) && far_ms < steps[i].ms)
		i++;
	if (i == sizeof(steps) / sizeof(steps[0]))
		snprintf(out, 32, "now");
	else
		snprintf(out, 32, "%s%" PRId64 "%c%s", is_future ? "in " : "", far_ms / steps[i].ms,
		    steps[i].name, is_future ? "" : " ago");
	return out;
}
