/*
 * sse: the same bytes give the same events wherever they are cut.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "opencode/sse.h"

#ifndef FIXTURES
#define FIXTURES "tests/fixtures"
#endif

static void
collect(void *arg, const char *data, size_t bytes)
{
	struct buf *all = arg;

	ck_assert_uint_eq(strlen(data), bytes);
	buf_add(all, data, bytes);
	buf_puts(all, "|");
}

/* All events of `text`, fed in pieces of `step` bytes. */
static char *
events_of(const char *text, size_t bytes, size_t step)
{
	struct buf all = {0};
	struct sse sse;

	sse_init(&sse);
	for (size_t at = 0; at < bytes; at += step)
		sse_feed(&sse, text + at, bytes - at < step ? bytes - at : step, collect, &all);
	sse_fini(&sse);
	return buf_take(&all);
}

START_TEST(events_survive_any_cut)
{
	static const struct {
		const char *text, *events;
	} cases[] = {
	    {"data: one\n\n", "one|"},
	    {"data:one\n\n", "one|"},
	    {"data:  two spaces\n\n", " two spaces|"},
	    {"data: a\ndata: b\n\n", "a\nb|"},
	    {"data: a\r\ndata: b\r\n\r\n", "a\nb|"},
	    {"data: a\rdata: b\r\r", "a\nb|"},
	    {"data: a\r\n\r\ndata: b\r\n\r\n", "a|b|"},
	    {"data\n\n", "|"},
	    {"data:\n\n", "|"},
	    {"data:\ndata:\n\n", "\n|"},
	    {"\n\n\n", ""},
	    {": comment\n\ndata: x\n\n", "x|"},
	    {"event: e\nid: 1\nretry: 5\ndata: x\nother\n\n", "x|"},
	    {"database: no\n\ndat: no\n\nda\n\n", ""},
	    {" data: no\n\n", ""},
	    {"data: not ended\n", ""},
	    {"data: not ended", ""},
	    {"\xef\xbb\xbf"
	     "data: bom\n\n",
		"bom|"},
	    {"\xef\xbb\xbf\ndata: bom\n\n", "bom|"},
	    {"data: x\n\n\xef\xbb\xbf"
	     "data: y\n\n",
		"x|"},
	    {"\ndata: late\n\n", "late|"},
	    {"data: {\"a\":\"\xf0\x9f\x98\x80\"}\n\n", "{\"a\":\"\xf0\x9f\x98\x80\"}|"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t step = 1; step <= strlen(cases[i].text); step++) {
			char *events = events_of(cases[i].text, strlen(cases[i].text), step);

			ck_assert_msg(strcmp(events, cases[i].events) == 0,
			    "case %zu, step %zu: %s", i, step, events);
			free(events);
		}
	}
}
END_TEST

static void
count(void *arg, const char *data, size_t bytes)
{
	size_t *counts = arg;

	(void)data;
	counts[0]++;
	counts[1] += bytes;
}

/* One event in lines of 1 MB, of `megabytes` altogether, and a small one after it. */
static void
feed_large(struct sse *sse, size_t megabytes, bool one_line, size_t *counts)
{
	size_t bytes = 1024 * 1024;
	char *line = xcalloc(bytes + 1, 1);

	memset(line, 'x', bytes);
	sse_feed(sse, "data:", 5, count, counts);
	for (size_t i = 0; i < megabytes; i++) {
		sse_feed(sse, line, bytes, count, counts);
		if (!one_line)
			sse_feed(sse, "\ndata:", 6, count, counts);
	}
	sse_feed(sse, "\n\ndata: after\n\n", 15, count, counts);
	free(line);
}

START_TEST(too_long_is_skipped_whole)
{
	for (int one_line = 0; one_line < 2; one_line++) {
		size_t counts[2] = {0};
		struct sse sse;

		sse_init(&sse);
		feed_large(&sse, 40, one_line, counts);
		ck_assert_uint_eq(counts[0], 1);
		ck_assert_uint_eq(counts[1], 5);
		ck_assert_uint_le(sse.line.capacity + sse.data.capacity, 2 * 1024 * 1024);
		feed_large(&sse, 10, one_line, counts);
		ck_assert_uint_eq(counts[0], 3);
		sse_fini(&sse);
	}
}
END_TEST

START_TEST(recorded_stream)
{
	FILE *file = fopen(FIXTURES "/opencode/global-event.sse", "r");
	struct buf bytes = {0};
	size_t counts[2] = {0};
	struct sse sse;
	int c;

	ck_assert_ptr_nonnull(file);
	while ((c = fgetc(file)) != EOF)
		buf_add(&bytes, &(char){(char)c}, 1);
	fclose(file);
	sse_init(&sse);
	sse_feed(&sse, bytes.data, bytes.len, count, counts);
	ck_assert_uint_eq(counts[0], 183);
	sse_fini(&sse);
	buf_free(&bytes);
}
END_TEST

static Suite *
sse_suite(void)
{
	Suite *suite = suite_create("sse");
	TCase *all = tcase_create("sse");

	tcase_set_timeout(all, 60);
	tcase_add_test(all, events_survive_any_cut);
	tcase_add_test(all, too_long_is_skipped_whole);
	tcase_add_test(all, recorded_stream);
	suite_add_tcase(suite, all);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(sse_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
