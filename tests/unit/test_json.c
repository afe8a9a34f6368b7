/*
 * json: what is replaced before it is parsed, total reading, building, comments.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

#define BAD "\xef\xbf\xbd" /* U+FFFD */

static struct json *
parse(const char *text)
{
	struct fault fault;

	return json_parse(text, strlen(text), &fault);
}

START_TEST(what_cannot_be_text_is_replaced)
{
	static const struct {
		const char *json, *text;
	} cases[] = {
	    {"\"plain\"", "plain"},
	    {"\"\\ud83d\"", BAD},
	    {"\"a\\ud83d b\"", "a" BAD " b"},
	    {"\"\\ude00\"", BAD},
	    {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
	    {"\"\\uD83D\\uDE00\"", "\xf0\x9f\x98\x80"},
	    {"\"\\ud83d\\ud83d\\ude00\"", BAD "\xf0\x9f\x98\x80"},
	    {"\"\\ud83d\\u0041\"", BAD "A"},
	    {"\"\\ud83d\\n\"", BAD "\n"},
	    {"\"\\ude00\\ud83d\"", BAD BAD},
	    {"\"a\\u0000b\"", "a" BAD "b"},
	    {"\"\\\\ud83d\"", "\\ud83d"},
	    {"\"\\\\\\ud83d\"", "\\" BAD},
	    {"\"\\\\u0000\"", "\\u0000"},
	    {"\"\xc3\xa9\"", "\xc3\xa9"},
	    {"\"\xc3\xa9\\u0000\"", "\xc3\xa9" BAD},
	    {"\"\xe2\x82\xac\\ud83d\"", "\xe2\x82\xac" BAD},
	    {"\"a\xff"
	     "b\"",
		"a" BAD "b"},
	    {"\"\xc3\"", BAD},
	    {"\"\xed\xa0\x80\"", BAD BAD BAD},
	    {"\"\xf0\x9f\x98\"", BAD BAD BAD},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json *json = parse(cases[i].json);

		ck_assert_msg(json != NULL, "%s", cases[i].json);
		ck_assert_str_eq(json_text(json, NULL), cases[i].text);
		json_free(json);
	}
}
END_TEST

START_TEST(raw_nul_is_replaced)
{
	static const char text[] = "{\"a\":\"x\0y\"}";
	struct fault fault;
	struct json *json = json_parse(text, sizeof(text) - 1, &fault);

	ck_assert_str_eq(json_text(json, "a"), "x" BAD "y");
	json_free(json);
}
END_TEST

START_TEST(faults_say_where)
{
	static const char *const wrong[] = {"", " ", "{", "[1,", "{\"a\":1}x", "{\"a\":1} {}",
	    "nul", "'a'", "\"abc", "\"\\x\"", "\"\\u12\"", "{a:1}", "<!doctype html>\n<html>",
	    "[1 2]", "\\", "\\u", "\"\\", "\"\\u", "\"\\ud8", "\"\\ud83d\\u", "\"\\ud83d\\",
	    "{\xc3\xa9", "\"\\\xc3\xa9\"", "\"\\\xff\""};
	struct fault fault;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		fault.kind = FAULT_NONE;
		ck_assert_msg(!json_parse(wrong[i], strlen(wrong[i]), &fault), "%s", wrong[i]);
		ck_assert_int_eq(fault.kind, FAULT_ENV);
		ck_assert_ptr_null(strchr(fault.text, '\n'));
		ck_assert_uint_eq(utf8_valid(fault.text, strlen(fault.text)), strlen(fault.text));
	}
	ck_assert(!json_parse(NULL, 0, &fault));
	ck_assert(!json_parse("{\"a\": <html>", 12, &fault));
	ck_assert_ptr_nonnull(strstr(fault.text, "byte 6: <html>"));
}
END_TEST

START_TEST(deep_nesting_is_refused)
{
	enum { DEEP = 100000 };
	char *deep = malloc(DEEP);
	struct fault fault;

	memset(deep, '[', DEEP);
	ck_assert(!json_parse(deep, DEEP, &fault));
	free(deep);
}
END_TEST

/* Any bytes at all: parsed or refused, and what is parsed is UTF-8. */
START_TEST(noise_is_survived)
{
	static const char letters[] = "{}[]\",:\\ud83d0e1-.nultrefas \xc3\xa9\xff\x00\x7f";
	unsigned state = 12345;

	for (int round = 0; round < 200000; round++) {
		char text[24];
		size_t bytes = (state >> 16) % sizeof(text);
		struct fault fault;
		struct json *json;

		for (size_t i = 0; i < bytes; i++) {
			state = state * 1103515245u + 12345u;
			text[i] = letters[(state >> 16) % sizeof(letters)];
		}
		state = state * 1103515245u + 12345u;
		json = json_parse(text, bytes, &fault);
		if (json_is_string(json))
			ck_assert_uint_eq(
			    utf8_valid(json_text(json, ""), strlen(json_text(json, ""))),
			    strlen(json_text(json, "")));
		json_free(json);
	}
}
END_TEST

START_TEST(reading_is_total)
{
	struct json *json =
	    parse("{\"a\":{\"b\":{\"c\":\"deep\",\"n\":1.5,\"t\":true}},\"list\":[1,\"two\",null],"
		  "\"big\":1e300,\"small\":-1e300,\"A\":3}");

	ck_assert_str_eq(json_text(json, "a.b.c"), "deep");
	ck_assert_ptr_null(json_text(json, "a.b"));
	ck_assert_ptr_null(json_text(json, "a.b.n"));
	ck_assert_ptr_null(json_text(json, "a.b.c.d"));
	ck_assert_ptr_null(json_text(json, "a..c"));
	ck_assert_ptr_null(json_text(json, "list.0"));
	ck_assert_ptr_null(json_text(NULL, "a"));
	ck_assert_ptr_null(json_at(NULL, NULL));
	ck_assert_double_eq(json_number(json, "a.b.n"), 1.5);
	ck_assert_int_eq(json_int(json, "a.b.n"), 1);
	ck_assert_int_eq(json_int(json, "a.b.c"), 0);
	ck_assert_int_eq(json_int(json, "A"), 3);
	ck_assert_int_eq(json_int(json, "big"), INT64_MAX);
	ck_assert_int_eq(json_int(json, "small"), INT64_MIN);
	ck_assert(
	    json_true(json, "a.b.t") && !json_true(json, "a.b.n") && !json_true(json, "none"));
	ck_assert_uint_eq(json_count(json), 5);
	ck_assert_uint_eq(json_count(json_at(json, "list")), 3);
	ck_assert_uint_eq(json_count(NULL), 0);
	ck_assert(json_is_number(json_first(json_at(json, "list"))));
	ck_assert(json_is_string(json_next(json_first(json_at(json, "list")))));
	ck_assert_ptr_null(json_key(json_first(json_at(json, "list"))));
	ck_assert_str_eq(json_key(json_first(json)), "a");
	ck_assert_ptr_null(json_next(NULL));
	ck_assert_ptr_null(json_first(json_at(json, "a.b.c")));
	ck_assert(json_is_object(json) && json_is_array(json_at(json, "list")));
	ck_assert(!json_is_object(NULL) && !json_is_null(NULL) && !json_is_bool(NULL));
	json_free(json);
	json_free(NULL);
}
END_TEST

START_TEST(building_and_printing)
{
	struct json *json = json_object(), *list;
	char *text;

	json_add_text(json, "text", "a\"\n\xc3\xa9");
	json_add_text(json, "none", NULL);
	json_add_int(json, "ms", INT64_C(1795414166420));
	json_add_int(json, "most", INT64_MAX);
	json_add_int(json, "least", INT64_MIN);
	json_add_number(json, "cost", 0.25);
	json_add_bool(json, "yes", true);
	list = json_add_array(json, "list");
	json_add_int(list, NULL, 1);
	json_add_text(json_add_object(list, NULL), "k", "v");
	text = json_print(json);
	ck_assert_str_eq(text, "{\"text\":\"a\\\"\\n\xc3\xa9\",\"none\":null,\"ms\":1795414166420,"
			       "\"most\":9223372036854775807,\"least\":-9223372036854775808,"
			       "\"cost\":0.25,\"yes\":true,"
			       "\"list\":[1,{\"k\":\"v\"}]}");
	free(text);
	json_free(json);
}
END_TEST

START_TEST(comments_become_blanks)
{
	static const struct {
		const char *with, *without;
	} cases[] = {
	    {"{} // end", "{}       "},
	    {"/* a\nb */{}", "    \n    {}"},
	    {"{\"a\":\"// no /* comment */\"}", "{\"a\":\"// no /* comment */\"}"},
	    {"{\"a\\\"//\":1}//x", "{\"a\\\"//\":1}   "},
	    {"/* open", "       "},
	    {"//", "  "},
	    {"/", "/"},
	    {"\"open \\", "\"open \\"},
	    {"// a\n{}", "    \n{}"},
	    {"/**/1", "    1"},
	    {"/*/1", "    "},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[64];

		memcpy(text, cases[i].with, strlen(cases[i].with) + 1);
		json_strip_comments(text);
		ck_assert_str_eq(text, cases[i].without);
	}
}
END_TEST

static Suite *
json_suite(void)
{
	Suite *suite = suite_create("json");
	TCase *all = tcase_create("json");

	tcase_set_timeout(all, 60);
	tcase_add_test(all, what_cannot_be_text_is_replaced);
	tcase_add_test(all, raw_nul_is_replaced);
	tcase_add_test(all, faults_say_where);
	tcase_add_test(all, deep_nesting_is_refused);
	tcase_add_test(all, noise_is_survived);
	tcase_add_test(all, reading_is_total);
	tcase_add_test(all, building_and_printing);
	tcase_add_test(all, comments_become_blanks);
	suite_add_tcase(suite, all);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(json_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
