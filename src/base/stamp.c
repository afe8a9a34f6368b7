/*
 * Time stamps, as text and back: see clock.h.
 *
 * The calendar is computed here rather than by gmtime() and its missing inverse: proleptic
 * Gregorian, with the year beginning in March, so that the leap day is its last one.
 */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)
#define STAMP_MIN_MS INT64_C(-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define STAMP_MAX_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

/* Days from 0000-03-01, where the computed year begins, to 1970-01-01. */
enum { DAYS_TO_1970 = 719468, DAYS_IN_400_YEARS = 146097 };

static int64_t
days_since_1970(int year, int month, int day)
{
	int64_t shifted = month > 2 ? year : year - 1;
	int64_t era = (shifted >= 0 ? shifted : shifted - 399) / 400;
	int64_t year_of_era = shifted - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * DAYS_IN_400_YEARS + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - DAYS_TO_1970;
}

/* The inverse, for days of the years 0000 to 9999. */
static void
date_of(int64_t days_1970, int *year, int *month, int *day)
{
	int64_t days = days_1970 + DAYS_TO_1970;
	int64_t era = (days >= 0 ? days : days - DAYS_IN_400_YEARS + 1) / DAYS_IN_400_YEARS;
	int64_t day_of_era = days - era * DAYS_IN_400_YEARS;
	int64_t year_of_era =
	    (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
	    day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted = (5 * day_of_year + 2) / 153;

	*day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
	*month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	*year = (int)(year_of_era + era * 400 + (*month <= 2));
}

static int
days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

void
stamp_format(int64_t ms, char out[STAMP_SIZE])
{
	char text[80]; /* what the compiler thinks seven ints could need */
	int64_t days, rest;
	int year, month, day;

	if (ms < STAMP_MIN_MS)
		ms = STAMP_MIN_MS;
	if (ms > STAMP_MAX_MS)
		ms = STAMP_MAX_MS;
	days = (ms - STAMP_MIN_MS) / DAY_MS + STAMP_MIN_MS / DAY_MS;
	rest = ms - days * DAY_MS;
	date_of(days, &year, &month, &day);
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year, month, day,
	    (int)(rest / 3600000), (int)(rest / 60000 % 60), (int)(rest / 1000 % 60),
	    (int)(rest % 1000));
	memcpy(out, text, STAMP_SIZE - 1);
	out[STAMP_SIZE - 1] = '\0';
}

/* A number of exactly `count` digits. */
static int
digits(const char *at, int count)
{
	int value = 0;

	while (count-- > 0)
		value = value * 10 + (*at++ - '0');
	return value;
}

/* `0` in the shape stands for any digit, all else for itself. */
static bool
has_shape(const char *text, const char *shape)
{
	for (; *shape; text++, shape++)
		if (*shape == '0' ? *text < '0' || *text > '9' : *text != *shape)
			return false;
	return *text == '\0';
}

bool
stamp_parse(const char *text, int64_t *ms)
{
	int year, month, day, hour, minute, second;

	if (!has_shape(text, "0000-00-00T00:00:00.000Z"))
		return false;
	year = digits(text, 4);
	month = digits(text + 5, 2);
	day = digits(text + 8, 2);
	hour = digits(text + 11, 2);
	minute = digits(text + 14, 2);
	second = digits(text + 17, 2);
	if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
		return false;
	if (hour > 23 || minute > 59 || second > 59)
		return false;
	*ms = days_since_1970(year, month, day) * DAY_MS +
	      (((int64_t)hour * 60 + minute) * 60 + second) * 1000 + digits(text + 20, 3);
	return true;
}
