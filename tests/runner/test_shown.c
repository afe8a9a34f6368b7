/*
 * Each word once, whichever way it comes: what is shown of a turn, for events and lists in every
 * order that a stream which starts late, is cut or lags behind the list can bring about.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "lib/suite.h"
#include "runner/shown.h"

static struct {
	struct shown *shown;
	struct buf said; /* the answer as it is; <reasoning>, [notes], (tools, their ends) */
} fx;

static void
hear(void *arg, enum vigil_stream stream, const char *text)
{
	(void)arg;
	switch (stream) {
	case VIGIL_TEXT:
		buf_puts(&fx.said, text);
		break;
	case VIGIL_REASONING:
		buf_printf(&fx.said, "<%s>", text);
		break;
	case VIGIL_NOTE:
		buf_printf(&fx.said, "[%.5s]", text);
		break;
	case VIGIL_TOOL:
		buf_printf(&fx.said, "(%s|", text);
		break;
	case VIGIL_TOOL_END:
		buf_printf(&fx.said, "%s)", text);
		break;
	}
}

static void
set_up(void)
{
	fx.shown = shown_new(hear, NULL);
}

static void
tear_down(void)
{
	shown_free(fx.shown);
	buf_free(&fx.said);
}

/* What was said since the last time. */
static void
expect(const char *wanted)
{
	ck_assert_str_eq(buf_text(&fx.said), wanted);
	buf_clear(&fx.said);
}

static void
expect_end(const char *wanted)
{
	shown_end(fx.shown);
	expect(wanted);
}

/* ---- what the server says ------------------------------------------------------------------- */

static char *
words(const char *text)
{
	return (char *)text; /* only read */
}

static void
message(const char *id, bool from_user)
{
	struct oc_event e = {
	    .type = OC_EV_MESSAGE, .message_id = words(id), .from_user = from_user};
	shown_event(fx.shown, &e);
}

static void
part_event(const char *message_id, struct part part, const char *text)
{
	struct oc_event e = {
	    .type = OC_EV_PART, .message_id = words(message_id), .part = part, .text = words(text)};
	shown_event(fx.shown, &e);
}

/* Of a text part: it begins, more of it, it is over. */
static void
begins(const char *message_id, const char *id)
{
	part_event(message_id, (struct part){.id = words(id), .kind = PART_TEXT}, "");
}

static void
more(const char *id, const char *text)
{
	struct oc_event e = {.type = OC_EV_DELTA,
	    .message_id = words("?"),
	    .part.id = words(id),
	    .text = words(text)};
	shown_event(fx.shown, &e);
}

static void
ends(const char *message_id, const char *id, const char *text)
{
	part_event(
	    message_id, (struct part){.id = words(id), .kind = PART_TEXT, .is_over = true}, text);
}

static void
tool(const char *message_id, const char *id, const char *label, bool is_over, const char *error)
{
	part_event(message_id,
	    (struct part){.id = words(id),
		.kind = PART_TOOL,
		.label = words(label),
		.is_over = is_over,
		.error = words(error)},
	    NULL);
}

/* The server's list: one message with one text part, which is empty while it is written. */
static void
list_of(const char *message_id, bool from_user, const char *id, const char *text, bool is_over)
{
	struct part part = {
	    .id = words(id), .kind = PART_TEXT, .is_over = is_over, .bytes = strlen(text)};
	struct message all = {.id = words(message_id),
	    .text = words(text),
	    .reasoning = words(""),
	    .from_user = from_user,
	    .parts = &part,
	    .part_count = 1};
	const struct messages messages = {&all, 1};
	shown_list(fx.shown, &messages);
}

static void
list(const char *message_id, const char *id, const char *text, bool is_over)
{
	list_of(message_id, false, id, text, is_over);
}

static void
stored(const char *message_id, const char *text)
{
	shown_stored(fx.shown, message_id, NULL, text, false);
}

/* ---- as it is written ----------------------------------------------------------------------- */

START_TEST(words_as_they_are_written)
{
	message("m", false);
	begins("m", "1");
	more("1", "one");
	expect("one");
	more("1", " two");
	ends("m", "1", "one two");
	stored("m", "one two");
	expect_end(" two\n");
}
END_TEST

START_TEST(the_user_is_not_repeated)
{
	message("u", true);
	ends("u", "1", "do this");
	more("1", "do this");
	list_of("v", true, "3", "do that", true);
	message("m", false);
	expect_end("");
}
END_TEST

START_TEST(a_message_that_nobody_has_announced)
{
	struct oc_event e = {.type = OC_EV_PART,
	    .message_id = words("m"),
	    .part = {.id = words("1"), .kind = PART_TEXT},
	    .text = words("")};
	ck_assert(!shown_event(fx.shown, &e));
	message("m", false);
	ck_assert(shown_event(fx.shown, &e));
	more("1", "here");
	e.message_id = words("older");
	ck_assert(!shown_event(fx.shown, &e));
	shown_pass_over(fx.shown, "older");
	ck_assert(shown_event(fx.shown, &e));
	e.part.kind = PART_OTHER;
	e.message_id = words("another");
	ck_assert(shown_event(fx.shown, &e));
	expect_end("here\n");
}
END_TEST

START_TEST(blanks_at_the_end_are_no_words)
{
	message("m", false);
	begins("m", "1");
	more("1", "one \n");
	expect("one");
	more("1", "\ntwo");
	more("1", "\n\n");
	ends("m", "1", "one \n\ntwo");
	stored("m", "one \n\ntwo");
	expect_end(" \n\ntwo\n");
}
END_TEST

START_TEST(parts_and_messages_have_lines_of_their_own)
{
	message("m", false);
	part_event("m", (struct part){.id = words("r"), .kind = PART_REASONING}, "");
	more("r", "hm");
	begins("m", "1");
	more("1", "one");
	begins("m", "2");
	more("2", "two");
	message("n", false);
	begins("n", "3");
	more("3", "three");
	shown_stored(fx.shown, "m", "hm", "one\ntwo", false);
	stored("n", "three");
	expect_end("<hm><\n>one\ntwo\nthree\n");
}
END_TEST

START_TEST(what_comes_in_the_end_alone)
{
	message("m", false);
	begins("m", "1");
	ends("m", "1", "all at once");
	expect_end("all at once\n");
}
END_TEST

/* ---- late, cut, lagging --------------------------------------------------------------------- */

START_TEST(what_began_before_is_shown_when_it_is_over)
{
	list("m", "1", "", false);
	more("1", "middle");
	more("1", " and");
	expect("[it is]");
	ends("m", "1", "from the middle and on");
	stored("m", "from the middle and on");
	expect_end("from the middle and on\n");
}
END_TEST

START_TEST(the_list_may_be_ahead_of_the_stream)
{
	list("m", "1", "said already", true);
	message("m", false);
	begins("m", "1");
	more("1", "said");
	ends("m", "1", "said already");
	stored("m", "said already");
	expect_end("said already\n");
}
END_TEST

START_TEST(a_part_that_the_list_has_and_the_stream_begins)
{
	list("m", "1", "", false);
	begins("m", "1");
	more("1", "from its");
	more("1", " beginning");
	expect_end("from its beginning\n");
}
END_TEST

START_TEST(a_gap_is_filled_when_the_part_is_over)
{
	message("m", false);
	begins("m", "1");
	more("1", "one ");
	shown_gap(fx.shown);
	list("m", "1", "", false);
	more("1", " three");
	expect("one[it is]");
	ends("m", "1", "one two three");
	stored("m", "one two three");
	expect_end(" two three\n");
}
END_TEST

START_TEST(a_gap_is_filled_by_the_list)
{
	message("m", false);
	begins("m", "1");
	more("1", "one");
	shown_gap(fx.shown);
	list("m", "1", "one two", true);
	expect_end("one two\n");
}
END_TEST

/* A turn that was cut off by the server's death goes on in another message. */
START_TEST(a_message_that_was_never_finished)
{
	message("m", false);
	begins("m", "1");
	more("1", "half");
	shown_gap(fx.shown);
	list("m", "1", "", false);
	message("n", false);
	begins("n", "2");
	more("2", "whole");
	stored("m", "");
	stored("n", "whole");
	expect_end("half\nwhole\n");
}
END_TEST

START_TEST(what_was_never_heard_is_in_the_transcript)
{
	stored("m", "one");
	shown_stored(fx.shown, "n", "why", "two", false);
	expect_end("one\n<why><\n>two\n");
}
END_TEST

START_TEST(the_rest_of_a_message_is_in_the_transcript)
{
	message("m", false);
	begins("m", "1");
	more("1", "one");
	stored("m", "one two");
	expect_end("one two\n");
	message("n", false);
	begins("n", "2");
	more("2", "three");
	shown_end(fx.shown);
	stored("n", "three\nfour");
	expect_end("three\nfour\n");
}
END_TEST

START_TEST(what_was_changed_is_shown_again)
{
	message("m", false);
	begins("m", "1");
	more("1", "one");
	ends("m", "1", "ONE");
	stored("m", "ONE");
	expect_end("one\n[it wa]ONE\n");
}
END_TEST

START_TEST(what_was_made_shorter_is_shown_again)
{
	message("m", false);
	begins("m", "1");
	more("1", "one two");
	ends("m", "1", "one");
	stored("m", "one");
	expect_end("one two\n[it wa]one\n");
}
END_TEST

START_TEST(what_was_too_long_to_be_kept_is_not_shown_again)
{
	message("m", false);
	begins("m", "1");
	more("1", "one two");
	shown_stored(fx.shown, "m", NULL, "one", true);
	expect_end("one two\n");
}
END_TEST

/* ---- tools ---------------------------------------------------------------------------------- */

START_TEST(a_tool_begins_and_ends)
{
	message("m", false);
	begins("m", "1");
	more("1", "look:");
	tool("m", "t", NULL, false, NULL);
	expect("look:");
	tool("m", "t", "bash: ls", false, NULL);
	tool("m", "t", "bash: ls", false, NULL);
	more("t", "what a tool is told");
	expect("\n(bash: ls|");
	tool("m", "t", "bash: List", true, NULL);
	tool("m", "t", "bash: ls", true, NULL);
	expect_end("bash: ls: ok)");
}
END_TEST

START_TEST(tools_that_fail_or_were_before_us)
{
	message("m", false);
	tool("m", "t", "bash", true, NULL);
	tool("m", "u", "read: x", true, "not there");
	expect_end("bash: ok)read: x: failed: not there)");
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("shown");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, words_as_they_are_written);
	tcase_add_test(tests, the_user_is_not_repeated);
	tcase_add_test(tests, a_message_that_nobody_has_announced);
	tcase_add_test(tests, blanks_at_the_end_are_no_words);
	tcase_add_test(tests, parts_and_messages_have_lines_of_their_own);
	tcase_add_test(tests, what_comes_in_the_end_alone);
	tcase_add_test(tests, what_began_before_is_shown_when_it_is_over);
	tcase_add_test(tests, the_list_may_be_ahead_of_the_stream);
	tcase_add_test(tests, a_part_that_the_list_has_and_the_stream_begins);
	tcase_add_test(tests, a_gap_is_filled_when_the_part_is_over);
	tcase_add_test(tests, a_gap_is_filled_by_the_list);
	tcase_add_test(tests, a_message_that_was_never_finished);
	tcase_add_test(tests, what_was_never_heard_is_in_the_transcript);
	tcase_add_test(tests, the_rest_of_a_message_is_in_the_transcript);
	tcase_add_test(tests, what_was_changed_is_shown_again);
	tcase_add_test(tests, what_was_made_shorter_is_shown_again);
	tcase_add_test(tests, what_was_too_long_to_be_kept_is_not_shown_again);
	tcase_add_test(tests, a_tool_begins_and_ends);
	tcase_add_test(tests, tools_that_fail_or_were_before_us);
	return run_suite(tests, "shown");
}
