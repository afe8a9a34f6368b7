/*
 * Text made safe to show, how wide it is, and how it is cut. The commands are not in the library,
 * so the source is compiled into this test.
 */
#include "cli/text.c" /* NOLINT(bugprone-suspicious-include) */

#include "lib/suite.h"

static const struct {
	const char *text;
	enum text_form form;
	const char *shown;
} texts[] = {
    {NULL, TEXT_LINE, ""},
    {"plain", TEXT_LINE, "plain"},
    {"a\tb\nc\rd", TEXT_LINE, "a b c d"},
    {"a\tb\nc\rd", TEXT_BLOCK, "a\tb\nc^Md"},
    {"\033[31mred\a\177", TEXT_BLOCK, "^[[31mred^G^?"},
    {"\033[31mred", TEXT_UTF8, "\033[31mred"},
    {"\xc2\x9b"
     "31m",
	TEXT_LINE, "<U+009B>31m"},
    {"\xc2\x9b"
     "31m",
	TEXT_UTF8,
	"\xc2\x9b"
	"31m"},
    {"\xe2\x80\xae\xe2\x80\xac", TEXT_BLOCK, "<U+202E><U+202C>"},
    {"\xc2\xad\xd8\x9c\xe2\x80\x8f", TEXT_LINE, "<U+00AD><U+061C><U+200F>"},
    {"\xe2\x80\xa8\xe2\x80\xa9\xe2\x81\xa6\xe2\x81\xa9", TEXT_LINE,
	"<U+2028><U+2029><U+2066><U+2069>"},
    {"\xef\xbb\xbf\xef\xbf\xb9", TEXT_BLOCK, "<U+FEFF><U+FFF9>"},
    {"\xf3\xa0\x81\x81", TEXT_BLOCK, "<U+E0041>"},
    {"{\"a\": \"\x7f\xc2\x9b\xe2\x80\xa8\xf3\xa0\x81\x81\xc3\xa9\"}", TEXT_JSON,
	"{\"a\": \"\\u007f\\u009b\\u2028\\udb40\\udc41\xc3\xa9\"}"},
    {"\xff"
     "a\xc3",
	TEXT_BLOCK,
	"\xef\xbf\xbd"
	"a\xef\xbf\xbd"},
    {"\xc3(\xed\xa0\x80", TEXT_UTF8, "\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"a\xe2\x80\x8b"
     "b\xe3\x85\xa4\xef\xbe\xa0",
	TEXT_LINE, "a<U+200B>b<U+3164><U+FFA0>"},
    {"e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81o\xcc\x81", TEXT_LINE,
	"e\xcc\x81\xcc\x81\xcc\x81\xcc\x81o\xcc\x81"}, /* in a line, four marks on a letter */
    {"\xf0\x9f\x98\x80 \xe6\xbc\xa2", TEXT_LINE, "\xf0\x9f\x98\x80 \xe6\xbc\xa2"},
};

START_TEST(texts_are_safe)
{
	char *shown = text_form(texts[_i].text, texts[_i].form);

	ck_assert_str_eq(shown, texts[_i].shown);
	free(shown);
}
END_TEST

#define E_ACUTE "e\xcc\x81" /* with a combining accent */
#define HAN "\xe6\xbc\xa2"
#define SMILE "\xf0\x9f\x98\x80"
#define ALEF "\xd7\x90" /* written from right to left */

static const struct {
	const char *text;
	size_t width;
} widths[] = {
    {"", 0},
    {"abc", 3},
    {"\xc3\xa9", 1},
    {E_ACUTE, 1},
    {HAN HAN, 4},
    {SMILE, 2},
    {ALEF "\xd6\xb8", 1},                        /* with a vowel below */
    {"\xe0\xb8\x81\xe0\xb8\xb1", 1},             /* Thai, with a vowel above */
    {"\xea\xb0\x80\xe1\x84\x80\xe1\x85\xa1", 4}, /* Hangul: whole, and in parts */
    {"\xef\xbd\xb1\xef\xbc\xa1", 3},             /* half and full width */
    {"\xe2\x80\xa6", 1},
};

START_TEST(texts_have_a_width)
{
	ck_assert_uint_eq(text_width(widths[_i].text), widths[_i].width);
}
END_TEST

START_TEST(what_fits)
{
	const char *text = "a\xc3\xa9" HAN E_ACUTE;

	ck_assert_uint_eq(text_width(text), 5);
	ck_assert_uint_eq(text_fit(text, 9), strlen(text));
	ck_assert_uint_eq(text_fit(text, 2), 3);
	ck_assert_uint_eq(text_fit(text, 3), 3);
	ck_assert_uint_eq(text_fit(text, 4), 6);
	ck_assert_uint_eq(text_fit(text, 0), 0);
}
END_TEST

static const struct {
	const char *text;
	size_t columns;
	const char *ellipsis, *cut;
} cuts[] = {
    {"abcdef", 6, "\xe2\x80\xa6", "abcdef"},
    {"abcdef", 5, "\xe2\x80\xa6", "abcd\xe2\x80\xa6"},
    {"abcdef", 5, "...", "ab..."},
    {"abcdef", 3, "...", "..."},
    {"abcdef", 2, "...", "ab"},
    {"abcdef", 0, "\xe2\x80\xa6", ""},
    {"ab  cdef", 4, "\xe2\x80\xa6", "ab\xe2\x80\xa6"}, /* no blank before it */
    {HAN HAN HAN, 6, "\xe2\x80\xa6", HAN HAN HAN},
    {HAN HAN HAN, 5, "\xe2\x80\xa6", HAN HAN "\xe2\x80\xa6"},
    {HAN HAN HAN, 4, "\xe2\x80\xa6", HAN "\xe2\x80\xa6"}, /* no half of a character */
    {E_ACUTE E_ACUTE E_ACUTE, 2, "\xe2\x80\xa6", E_ACUTE "\xe2\x80\xa6"},
    {SMILE SMILE, 3, "...", "..."},
};

START_TEST(texts_are_cut)
{
	char *cut = text_cut(cuts[_i].text, cuts[_i].columns, cuts[_i].ellipsis);

	ck_assert_str_eq(cut, cuts[_i].cut);
	ck_assert_uint_le(text_width(cut), cuts[_i].columns);
	free(cut);
}
END_TEST

START_TEST(ascii_for_terminals_without_utf8)
{
	char *ascii = text_ascii("caf\xc3\xa9 \xe2\x80\x9c" HAN "\xe2\x80\x9d \xe2\x80\x93 " E_ACUTE
				 "\xe2\x80\xa6 \xff\n\t.");

	ck_assert_str_eq(ascii, "caf? \"?\" - e... ?\n\t.");
	free(ascii);
}
END_TEST

#define LENGTH(array) ((int)(sizeof(array) / sizeof((array)[0])))

int
main(void)
{
	TCase *tests = tcase_create("text");

	tcase_add_loop_test(tests, texts_are_safe, 0, LENGTH(texts));
	tcase_add_loop_test(tests, texts_have_a_width, 0, LENGTH(widths));
	tcase_add_test(tests, what_fits);
	tcase_add_loop_test(tests, texts_are_cut, 0, LENGTH(cuts));
	tcase_add_test(tests, ascii_for_terminals_without_utf8);
	return run_suite(tests, "text");
}
