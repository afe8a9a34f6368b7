/*
 * buf, fault, utf8, clock and when.
 */
#define _DEFAULT_SOURCE /* tzset() with TZ set by hand */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "base/when.h"
#include "lib/scratch.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)

START_TEST(buf_grows)
{
	struct buf buf = {0};
	char *taken;

	ck_assert_str_eq(buf_text(&buf), "");
	for (int i = 0; i < 1000; i++)
		buf_add(&buf, "abc", 3);
	ck_assert_uint_eq(buf.len, 3000);
	ck_assert_uint_eq(strlen(buf.data), 3000);
	buf_drop(&buf, 2998);
	ck_assert_str_eq(buf.data, "bc");
	buf_printf(&buf, " %d %s", 42, "x");
	ck_assert_str_eq(buf.data, "bc 42 x");
	buf_drop(&buf, buf.len);
	ck_assert_str_eq(buf.data, "");
	buf_clear(&buf);
	buf_puts(&buf, "again");
	taken = buf_take(&buf);
	ck_assert_str_eq(taken, "again");
	free(taken);
	taken = buf_take(&buf);
	ck_assert_str_eq(taken, "");
	free(taken);
	buf_free(&buf);
}
END_TEST

START_TEST(buf_takes_nothing)
{
	struct buf buf = {0};

	buf_add(&buf, NULL, 0);
	ck_assert_str_eq(buf.data, "");
	buf_drop(&buf, 0);
	buf_printf(&buf, "%s", "");
	ck_assert_uint_eq(buf.len, 0);
	buf_free(&buf);
	buf_clear(&buf);
}
END_TEST

START_TEST(buf_printf_takes_any_length)
{
	char *text;

	for (int width = 1; width < 300; width++) {
		text = xasprintf("%*d", width, 7);
		ck_assert_uint_eq(strlen(text), (size_t)width);
		free(text);
	}
	text = xasprintf("%100000d", 7);
	ck_assert_uint_eq(strlen(text), 100000);
	free(text);
}
END_TEST

START_TEST(copies)
{
	char *copy = xstrndup("abcdef", 3);

	ck_assert_str_eq(copy, "abc");
	free(copy);
	ck_assert_ptr_null(xstrdup(NULL));
	copy = xcalloc(0, 0);
	ck_assert_ptr_nonnull(copy);
	free(xrealloc(copy, 0));
}
END_TEST

START_TEST(fault_is_cut_between_characters)
{
	struct fault fault;
	char text[2048];

	ck_assert(!fault_set(&fault, FAULT_ENV, "%s: %d", "/path", 5));
	ck_assert_int_eq(fault.kind, FAULT_ENV);
	ck_assert_str_eq(fault.text, "/path: 5");
	fault_set(&fault, FAULT_USAGE, "in front of %s", fault.text);
	ck_assert_str_eq(fault.text, "in front of /path: 5");
	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'a', sizeof(text));
		for (size_t i = shift; i + 4 < sizeof(text); i += 4)
			memcpy(text + i, "\xf0\x9f\x98\x80", 4);
		text[sizeof(text) - 1] = '\0';
		fault_set(&fault, FAULT_ENV, "%s", text);
		ck_assert_uint_gt(strlen(fault.text), sizeof(fault.text) - 5);
		ck_assert_uint_eq(utf8_valid(fault.text, strlen(fault.text)), strlen(fault.text));
	}
}
END_TEST

START_TEST(die_ends_the_process)
{
	die("this is a %s", "test");
}
END_TEST

START_TEST(folders_are_synced_or_it_is_said)
{
	struct fault fault = {0};

	ck_assert(file_sync_folder("Makefile", &fault));
	ck_assert(file_sync_folder("./a", &fault));
	ck_assert(file_sync_folder("/tmp", &fault));
	ck_assert(file_sync_folder("/tmp/a//", &fault));
	ck_assert(!file_sync_folder("/no-such-folder/a", &fault));
	ck_assert_str_eq(
	    fault.text, "cannot sync the folder /no-such-folder: No such file or directory");
}
END_TEST

static char *
make_file(const char *folder, const char *name)
{
	char *path = xasprintf("%s/%s", folder, name);
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fclose(file);
	return path;
}

START_TEST(a_file_is_the_same_where_it_was_moved)
{
	char *folder = scratch_new(), first[FILE_IDENTITY_SIZE], now[FILE_IDENTITY_SIZE];
	char *one = make_file(folder, "one"), *other = xasprintf("%s/other", folder), *two;
	int64_t end_ms = clock_monotonic_ms() + 10000;

	file_identity(one, first);
	ck_assert_str_ne(first, "");
	ck_assert_int_eq(rename(one, other), 0);
	file_identity(one, now);
	ck_assert_str_eq(now, "");
	file_identity(other, now);
	ck_assert_str_eq(now, first);
	two = make_file(folder, "one");
	for (file_identity(two, now); strcmp(now, first) == 0 && clock_monotonic_ms() < end_ms;) {
		unlink(two); /* the clock of files has ticks */
		free(make_file(folder, "one"));
		file_identity(two, now);
	}
	ck_assert_str_ne(now, first);
	free(one);
	free(other);
	free(two);
	scratch_remove(folder);
}
END_TEST

START_TEST(secrets_are_wiped)
{
	char secret[] = "s3cret";
	const char zeroes[sizeof(secret)] = "";

	secret_wipe(secret, sizeof(secret));
	ck_assert_int_eq(memcmp(secret, zeroes, sizeof(secret)), 0);
	secret_free(NULL);
}
END_TEST

START_TEST(utf8_knows_what_it_is)
{
	static const struct {
		const char *text;
		size_t valid;
	} cases[] = {
	    {"", 0},
	    {"plain", 5},
	    {"\xc3\xa9", 2},
	    {"\xe2\x82\xac", 3},
	    {"\xf0\x9f\x98\x80", 4},
	    {"\xf4\x8f\xbf\xbf", 4},
	    {"\xed\x9f\xbf", 3},
	    {"\xee\x80\x80", 3},
	    {"a\x80", 1},
	    {"a\xff", 1},
	    {"\xc0\x80", 0},
	    {"\xc1\xbf", 0},
	    {"\xe0\x80\x80", 0},
	    {"\xe0\x9f\xbf", 0},
	    {"\xed\xa0\x80", 0},
	    {"\xf0\x8f\xbf\xbf", 0},
	    {"\xf4\x90\x80\x80", 0},
	    {"\xf5\x80\x80\x80", 0},
	    {"ab\xe2\x82", 2},
	    {"\xc3", 0},
	    {"\xf0\x9f\x98", 0},
	    {"\xe2\x28\xa1", 0},
	    {"\xf0\x9f\x28\x80", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(utf8_valid(cases[i].text, strlen(cases[i].text)) == cases[i].valid,
		    "case %zu", i);
	ck_assert_uint_eq(utf8_valid("a\0b", 3), 3);
}
END_TEST

START_TEST(utf8_is_cut_between_characters)
{
	const char *text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"; /* 1 + 2 + 3 + 4 + 1 */
	static const size_t cuts[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};

	for (size_t limit = 0; limit < sizeof(cuts) / sizeof(cuts[0]); limit++)
		ck_assert_uint_eq(utf8_cut(text, 11, limit), cuts[limit]);
}
END_TEST

START_TEST(stamps_go_both_ways)
{
	static const struct {
		int64_t ms;
		const char *stamp;
	} cases[] = {
	    {0, "1970-01-01T00:00:00.000Z"},
	    {-1, "1969-12-31T23:59:59.999Z"},
	    {1769839200123, "2026-01-31T06:00:00.123Z"},
	    {951782400000, "2000-02-29T00:00:00.000Z"},
	    {-2203891200000, "1900-03-01T00:00:00.000Z"},
	    {253402300799999, "9999-12-31T23:59:59.999Z"},
	    {-62167219200000, "0000-01-01T00:00:00.000Z"},
	    {-62162121600000, "0000-02-29T00:00:00.000Z"},
	};
	char stamp[STAMP_SIZE];
	int64_t ms;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		stamp_format(cases[i].ms, stamp);
		ck_assert_str_eq(stamp, cases[i].stamp);
		ck_assert(stamp_parse(cases[i].stamp, &ms));
		ck_assert_int_eq(ms, cases[i].ms);
	}
	stamp_format(INT64_MAX, stamp);
	ck_assert_str_eq(stamp, "9999-12-31T23:59:59.999Z");
	stamp_format(INT64_MIN, stamp);
	ck_assert_str_eq(stamp, "0000-01-01T00:00:00.000Z");
}
END_TEST

START_TEST(stamps_agree_with_the_library)
{
	for (int64_t day = -60000; day < 100000; day += 13) {
		time_t seconds = (time_t)(day * 86400 + 4271);
		struct tm tm;
		char stamp[STAMP_SIZE], wanted[64];

		gmtime_r(&seconds, &tm);
		strftime(wanted, sizeof(wanted), "%Y-%m-%dT%H:%M:%S.000Z", &tm);
		stamp_format((int64_t)seconds * 1000, stamp);
		ck_assert_str_eq(stamp, wanted);
	}
}
END_TEST

START_TEST(stamps_are_exact)
{
	static const char *const wrong[] = {"", "2026-01-31", "2026-01-31T06:00:00Z",
	    "2026-01-31 06:00:00.000Z", "2026-01-31T06:00:00.000", "2026-01-31T06:00:00.000z",
	    "2026-01-31T06:00:00.000Z ", "2026-02-29T06:00:00.000Z", "2026-13-01T06:00:00.000Z",
	    "2026-00-01T06:00:00.000Z", "2026-01-00T06:00:00.000Z", "2026-01-32T06:00:00.000Z",
	    "2026-01-31T24:00:00.000Z", "2026-01-31T06:60:00.000Z", "2026-01-31T06:00:60.000Z",
	    "-026-01-31T06:00:00.000Z", "2026-1 -31T06:00:00.000Z", "1900-02-29T00:00:00.000Z"};
	int64_t ms;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(!stamp_parse(wrong[i], &ms), "%s", wrong[i]);
}
END_TEST

START_TEST(clocks_run)
{
	ck_assert_int_gt(clock_now_ms(), INT64_C(1600000000000));
	ck_assert_int_ge(clock_monotonic_ms(), 0);
}
END_TEST

START_TEST(durations)
{
	static const struct {
		const char *text;
		int64_t ms;
	} right[] = {{"0", 0}, {"0s", 0}, {"250ms", 250}, {"90s", 90000}, {"15m", 900000},
	    {"8h", 8 * HOUR}, {"2d", 2 * DAY}, {"3650d", 3650 * DAY}, {"007s", 7000}};
	static const char *const wrong[] = {"", "s", "5", "00", "-5s", "+5s", "5 s", " 5s", "5s ",
	    "1.5h", "5x", "5S", "4000d", "99999999999999999999d", "99999999999999999999999999999ms",
	    "1h30m"};
	struct fault fault;
	int64_t ms;

	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		ck_assert_msg(when_duration(right[i].text, &ms, &fault), "%s", right[i].text);
		ck_assert_int_eq(ms, right[i].ms);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_msg(!when_duration(wrong[i], &ms, &fault), "%s", wrong[i]);
		ck_assert_int_eq(fault.kind, FAULT_USAGE);
		ck_assert_ptr_nonnull(strstr(fault.text, wrong[i]));
	}
}
END_TEST

static void
live_in(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

/* What `text` means at `now` (a stamp), as a stamp. */
static const char *
means(const char *text, enum when_side side, const char *now)
{
	static char stamp[STAMP_SIZE];
	struct fault fault;
	int64_t now_ms, ms;

	ck_assert(stamp_parse(now, &now_ms));
	if (!when_time(text, side, now_ms, &ms, &fault)) {
		ck_assert_int_eq(fault.kind, FAULT_USAGE);
		ck_assert_ptr_nonnull(strstr(fault.text, text));
		return "wrong";
	}
	stamp_format(ms, stamp);
	return stamp;
}

START_TEST(times_in_utc)
{
	static const char now[] = "2026-01-31T12:00:00.000Z";
	static const struct {
		const char *text, *past, *future;
	} cases[] = {
	    {"22:00", "2026-01-30T22:00:00.000Z", "2026-01-31T22:00:00.000Z"},
	    {"06:30", "2026-01-31T06:30:00.000Z", "2026-02-01T06:30:00.000Z"},
	    {"12:00", "2026-01-31T12:00:00.000Z", "2026-02-01T12:00:00.000Z"},
	    {"2026-01-31 06:00", "2026-01-31T06:00:00.000Z", "2026-01-31T06:00:00.000Z"},
	    {"2026-01-31 06:00:05", "2026-01-31T06:00:05.000Z", "2026-01-31T06:00:05.000Z"},
	    {"2026-03-01", "2026-03-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z"},
	    {"today 06:00", "2026-01-31T06:00:00.000Z", "2026-01-31T06:00:00.000Z"},
	    {"tomorrow 06:00", "2026-02-01T06:00:00.000Z", "2026-02-01T06:00:00.000Z"},
	    {"yesterday 22:00", "2026-01-30T22:00:00.000Z", "2026-01-30T22:00:00.000Z"},
	    {"2026-01-31T06:00:00Z", "2026-01-31T06:00:00.000Z", "2026-01-31T06:00:00.000Z"},
	    {"2026-01-31T06:00:00.1239+02:00", "2026-01-31T04:00:00.123Z",
		"2026-01-31T04:00:00.123Z"},
	    {"2026-01-31t06:00:00-05:30", "2026-01-31T11:30:00.000Z", "2026-01-31T11:30:00.000Z"},
	};

	live_in("UTC0");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_str_eq(means(cases[i].text, WHEN_PAST, now), cases[i].past);
		ck_assert_str_eq(means(cases[i].text, WHEN_FUTURE, now), cases[i].future);
	}
}
END_TEST

START_TEST(times_in_a_zone_with_summer_time)
{
	live_in("CET-1CEST,M3.5.0,M10.5.0/3");
	ck_assert_str_eq(
	    means("22:00", WHEN_PAST, "2026-07-01T12:00:00.000Z"), "2026-06-30T20:00:00.000Z");
	ck_assert_str_eq(means("2026-01-31 06:00", WHEN_PAST, "2026-07-01T12:00:00.000Z"),
	    "2026-01-31T05:00:00.000Z");
	/* The clock goes forward in the night of 29 March: the day has 23 hours. */
	ck_assert_str_eq(means("tomorrow 06:00", WHEN_PAST, "2026-03-28T05:00:00.000Z"),
	    "2026-03-29T04:00:00.000Z");
	/* The local day is another one than the day in UTC. */
	ck_assert_str_eq(means("today 06:00", WHEN_PAST, "2026-01-30T23:30:00.000Z"),
	    "2026-01-31T05:00:00.000Z");
}
END_TEST

START_TEST(times_that_are_none)
{
	static const char *const wrong[] = {"", "noon", "24:00", "6:00", "06:60", "06:00:60",
	    "22:00x", "2026-02-30", "2026-13-01", "2026-01-31 24:00", "2026-01-31  06:00",
	    "2026-01-31T06:00", "today", "today ", "tomorrow 6", "yesterday22:00",
	    "2026-01-31T06:00:00", "2026-01-31T06:00:00+25:00", "2026-01-31T06:00:00.Z",
	    "2026-01-31T06:00:00Zx", "1769839200", "99999-01-01", "06:00:"};

	live_in("UTC0");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(
		    strcmp(means(wrong[i], WHEN_PAST, "2026-01-31T12:00:00.000Z"), "wrong") == 0,
		    "%s", wrong[i]);
}
END_TEST

START_TEST(spans_for_people)
{
	static const struct {
		int64_t ms;
		const char *said;
	} cases[] = {{0, "0s"}, {120, "0s"}, {500, "1s"}, {1000, "1s"}, {45499, "45s"},
	    {45500, "46s"}, {59999, "1m"}, {60000, "1m"}, {61000, "1m 1s"}, {3599499, "59m 59s"},
	    {3599500, "1h"}, {3 * HOUR + 720000, "3h 12m"}, {HOUR + 300000, "1h 5m"},
	    {8 * HOUR, "8h"}, {8 * HOUR + 59000, "8h"}, {2 * DAY + 3 * HOUR, "51h"}};
	char out[32];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_str_eq(when_say(cases[i].ms, out), cases[i].said);
	when_say(INT64_MAX, out);
	when_say(INT64_MIN, out);
}
END_TEST

START_TEST(durations_as_they_are_typed)
{
	static const char *const typed[] = {
	    "250ms", "90s", "1500ms", "45m", "90m", "8h", "36h", "2d", "61s"};
	struct fault fault;
	char out[32];

	for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
		int64_t ms;

		ck_assert(when_duration(typed[i], &ms, &fault));
		ck_assert_str_eq(when_typed(ms, out), typed[i]);
	}
}
END_TEST

START_TEST(times_by_how_far_they_are_away)
{
	static const struct {
		int64_t away;
		const char *said;
	} cases[] = {{0, "now"}, {999, "now"}, {-999, "now"}, {-1000, "1s ago"},
	    {-59999, "59s ago"}, {-60000, "1m ago"}, {60000, "in 1m"}, {-2 * HOUR, "2h ago"},
	    {23 * HOUR, "in 23h"}, {-DAY, "1d ago"}, {-13 * DAY, "13d ago"},
	    {-14 * DAY, "2026-01-17"}, {14 * DAY, "2026-02-14"}};
	int64_t now;
	char out[32];

	live_in("UTC0");
	ck_assert(stamp_parse("2026-01-31T12:00:00.000Z", &now));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_str_eq(when_relative(now + cases[i].away, now, out), cases[i].said);
}
END_TEST

static Suite *
base_suite(void)
{
	Suite *suite = suite_create("base");
	TCase *text = tcase_create("text"), *time_case = tcase_create("time");

	tcase_add_test(text, buf_grows);
	tcase_add_test(text, buf_takes_nothing);
	tcase_add_test(text, buf_printf_takes_any_length);
	tcase_add_test(text, copies);
	tcase_add_test(text, fault_is_cut_between_characters);
	tcase_add_test_raise_signal(text, die_ends_the_process, 6);
	tcase_add_test(text, folders_are_synced_or_it_is_said);
	tcase_add_test(text, a_file_is_the_same_where_it_was_moved);
	tcase_add_test(text, secrets_are_wiped);
	tcase_add_test(text, utf8_knows_what_it_is);
	tcase_add_test(text, utf8_is_cut_between_characters);
	suite_add_tcase(suite, text);

	tcase_add_test(time_case, stamps_go_both_ways);
	tcase_add_test(time_case, stamps_agree_with_the_library);
	tcase_add_test(time_case, stamps_are_exact);
	tcase_add_test(time_case, clocks_run);
	tcase_add_test(time_case, durations);
	tcase_add_test(time_case, times_in_utc);
	tcase_add_test(time_case, times_in_a_zone_with_summer_time);
	tcase_add_test(time_case, times_that_are_none);
	tcase_add_test(time_case, spans_for_people);
	tcase_add_test(time_case, durations_as_they_are_typed);
	tcase_add_test(time_case, times_by_how_far_they_are_away);
	suite_add_tcase(suite, time_case);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(base_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
