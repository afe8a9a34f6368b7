/*
 * The rule of evidence: on answers recorded from OpenCode, and on small sessions told as words:
 *
 *   me | step tool-calls tools=1 | step stop says=done
 *
 * is our prompt, a step that called a tool, and an answer. Each message is a word for who wrote it
 * (me, person, server, compaction, summary, step), then its attributes; `says` is the last of them.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "core/evidence.h"
#include "opencode/reply.h"

#define FOLDER "tests/fixtures/opencode/messages-"
#define FILE_LIMIT (1 << 20)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What is expected. A text is looked for at the beginning of what was found; NULL: there is none.
 */
struct expected {
	enum event_type finding;
	enum error_kind kind;
	const char *sentence, *result;
	size_t from, count;   /* the harvest */
	size_t progress_from; /* the message whose completion is the newest; NOTHING: none */
};

#define NOTHING SIZE_MAX

static void
text_is(const char *what, const char *actual, const char *expected)
{
	const char *shown = actual ? actual : "nothing";
	ck_assert_msg(!actual == !expected, "%s is %s", what, shown);
	if (expected)
		ck_assert_msg(
		    strncmp(actual, expected, strlen(expected)) == 0, "%s is \"%s\"", what, shown);
}

static struct tokens
sum_tokens(const struct messages *all, const struct expected *expected)
{
	struct tokens sum = {0};
	for (size_t i = expected->from; i < expected->from + expected->count; i++) {
		sum.input += all->all[i].tokens.input;
		sum.output += all->all[i].tokens.output;
		sum.reasoning += all->all[i].tokens.reasoning;
		sum.cache_read += all->all[i].tokens.cache_read;
		sum.cache_write += all->all[i].tokens.cache_write;
	}
	return sum;
}

static double
sum_cost(const struct messages *all, const struct expected *expected)
{
	double sum = 0;
	for (size_t i = expected->from; i < expected->from + expected->count; i++)
		sum += all->all[i].cost;
	return sum;
}

static void
harvest_is(const struct messages *all, const struct harvest *h, const struct expected *expected)
{
	const struct tokens sum = sum_tokens(all, expected);
	ck_assert_uint_eq(h->count, expected->count);
	if (expected->count)
		ck_assert_ptr_eq(h->messages, all->all + expected->from);
	ck_assert_int_eq(h->tokens.input, sum.input);
	ck_assert_int_eq(h->tokens.output, sum.output);
	ck_assert_int_eq(h->tokens.reasoning, sum.reasoning);
	ck_assert_int_eq(h->tokens.cache_read, sum.cache_read);
	ck_assert_int_eq(h->tokens.cache_write, sum.cache_write);
	ck_assert_double_eq_tol(h->cost, sum_cost(all, expected), 1e-9);
}

static void
evidence_is(const struct messages *all, const struct evidence *e, const struct expected *expected)
{
	ck_assert_str_eq(event_text(e->finding), event_text(expected->finding));
	ck_assert_int_eq(e->kind, expected->kind);
	text_is("the sentence", e->sentence, expected->sentence);
	text_is("the result", e->harvest.result, expected->result);
	harvest_is(all, &e->harvest, expected);
	ck_assert_int_eq(e->step_ms, expected->progress_from == NOTHING
					 ? 0
					 : all->all[expected->progress_from].completed_ms);
}

/* ---- as recorded --------------------------------------------------------------------------- */

enum { IDLE, BUSY };

static const char rejected[] = "a permission or a question was refused";
static const char no_word[] = "the agent finished without a word";

/* Our prompt is the first message of each. */
static const struct recorded {
	const char *name;
	bool is_busy;
	struct expected expected;
} recorded[] = {
    {"completed", IDLE,
	{.finding = EV_ANSWERED, .result = "tick0 tick1 ", .count = 2, .progress_from = 1}},
    {"completed", BUSY, {.finding = EV_BUSY, .count = 2, .progress_from = 1}},
    {"killed-after-the-answer", IDLE,
	{.finding = EV_ANSWERED,
	    .result = "done chaos-930.",
	    .count = 2,
	    .progress_from = NOTHING}},
    {"killed-after-the-answer", BUSY, {.finding = EV_BUSY, .count = 2, .progress_from = NOTHING}},
    {"running", BUSY, {.finding = EV_BUSY, .count = 2, .progress_from = NOTHING}},
    {"running", IDLE, {.finding = EV_UNANSWERED, .count = 2, .progress_from = NOTHING}},
    {"aborted", IDLE,
	{.finding = EV_FAULTY,
	    .kind = KIND_AGENT,
	    .sentence = "Aborted",
	    .result = "starting... ",
	    .count = 2,
	    .progress_from = 1}},
    {"provider-error", IDLE,
	{.finding = EV_FAULTY,
	    .kind = KIND_AGENT,
	    .sentence = "fake error 401",
	    .count = 2,
	    .progress_from = 1}},
    {"empty", IDLE,
	{.finding = EV_FAULTY,
	    .kind = KIND_EMPTY,
	    .sentence = no_word,
	    .count = 2,
	    .progress_from = 1}},
    {"compacted-midway", IDLE,
	{.finding = EV_ANSWERED,
	    .result = "answer to: Continue if you have next steps",
	    .count = 6,
	    .progress_from = 5}},
    {"compacted-midway", BUSY, {.finding = EV_BUSY, .count = 6, .progress_from = 5}},
    {"tool-step-ends-in-stop", IDLE,
	{.finding = EV_ANSWERED, .result = "answer to: TOOLSTOP", .count = 3, .progress_from = 2}},
    {"unknown-finish", IDLE, {.finding = EV_UNANSWERED, .count = 4, .progress_from = 3}},
    {"unknown-finish", BUSY, {.finding = EV_BUSY, .count = 4, .progress_from = 3}},
    {"permission-rejected", IDLE,
	{.finding = EV_FAULTY,
	    .kind = KIND_REJECTED,
	    .sentence = rejected,
	    .count = 2,
	    .progress_from = 1}},
    {"permission-rejected", BUSY, {.finding = EV_BUSY, .count = 2, .progress_from = 1}},
    {"question-rejected", IDLE,
	{.finding = EV_FAULTY,
	    .kind = KIND_REJECTED,
	    .sentence = rejected,
	    .count = 2,
	    .progress_from = 1}},
    {"question-answered", IDLE,
	{.finding = EV_ANSWERED,
	    .result = "answer to: TOOLCALL question",
	    .count = 3,
	    .progress_from = 2}},
    {"resumed-after-server-crash", IDLE,
	{.finding = EV_ANSWERED, .result = "tick0 tick1 ", .count = 3, .progress_from = 2}},
    {"lone-surrogate", IDLE,
	{.finding = EV_ANSWERED,
	    .result = "half \xef\xbf\xbd and nul \xef\xbf\xbd endanswer to",
	    .count = 2,
	    .progress_from = 1}},
    {"waiting-permission", BUSY, {.finding = EV_BUSY, .count = 2, .progress_from = NOTHING}},
    {"waiting-permission", IDLE, {.finding = EV_UNANSWERED, .count = 2, .progress_from = NOTHING}},
};

static void
read_recorded(const char *name, struct messages *all)
{
	struct fault why;
	struct buf body = {0};
	char *path = xasprintf(FOLDER "%s.json", name);
	ck_assert_msg(file_read(path, FILE_LIMIT, &body, &why), "%s cannot be read", path);
	ck_assert_msg(reply_messages(body.data, body.len, all, &why), "%s", path);
	ck_assert_uint_gt(all->count, 1);
	buf_free(&body);
	free(path);
}

START_TEST(recorded_answers_are_judged)
{
	const struct recorded *r = &recorded[_i];
	struct messages all;
	read_recorded(r->name, &all);
	mark_point();
	struct evidence e = evidence_judge(&all, all.all[0].id, r->is_busy);
	evidence_is(&all, &e, &r->expected);
	messages_fini(&all);
}
END_TEST

/* Cut off anywhere, no recorded turn is an answer before its last message is there. */
START_TEST(a_beginning_is_no_answer)
{
	const struct recorded *r = &recorded[_i];
	struct messages all, some;
	read_recorded(r->name, &all);
	some = all;
	for (some.count = 1; some.count < all.count; some.count++) {
		struct evidence e = evidence_judge(&some, all.all[0].id, r->is_busy);
		ck_assert_msg(e.finding == (r->is_busy ? EV_BUSY : EV_UNANSWERED),
		    "%s, %zu messages: %s", r->name, some.count, event_text(e.finding));
	}
	messages_fini(&all);
}
END_TEST

/* Nor is anything of a session in which our prompt is not. */
START_TEST(a_session_without_our_prompt_says_nothing)
{
	const struct expected none = {
	    .progress_from = NOTHING, .finding = recorded[_i].is_busy ? EV_BUSY : EV_UNPROMPTED};
	struct messages all;
	read_recorded(recorded[_i].name, &all);
	struct evidence e = evidence_judge(&all, "msg_not_there", recorded[_i].is_busy);
	evidence_is(&all, &e, &none);
	messages_fini(&all);
}
END_TEST

/* A transcript that is too long is read from after our prompt on, and judged alike. */
START_TEST(what_follows_our_prompt_is_enough)
{
	const struct recorded *r = &recorded[_i];
	struct expected expected = r->expected;
	struct messages all, rest;
	read_recorded(r->name, &all);
	rest = (struct messages){all.all + 1, all.count - 1};
	struct evidence e = evidence_judge(&rest, NULL, r->is_busy);
	expected.count--;
	if (expected.progress_from != NOTHING)
		expected.progress_from--;
	evidence_is(&rest, &e, &expected);
	messages_fini(&all);
}
END_TEST

/* ---- as told ------------------------------------------------------------------------------- */

enum { MOST_MESSAGES = 12 };

/* A session from words; its strings are in `words`. */
struct session {
	char *words;
	struct message message[MOST_MESSAGES];
	struct messages all;
};

static char nothing[] = "";
static char ours[] = "ours", theirs[] = "theirs";

static void
take_word(struct message *m, char *word)
{
	if (strcmp(word, "open") == 0)
		m->completed_ms = 0;
	else if (strcmp(word, "closed") == 0)
		m->completed_ms = m->created_ms + 500;
	else
		m->finish = word;
}

static void
take_attribute(struct message *m, char *word)
{
	char *value = strchr(word, '=');
	if (!value) {
		take_word(m, word);
		return;
	}
	*value++ = '\0';
	if (strcmp(word, "error") == 0)
		m->error_name = m->error_text = value;
	else if (strcmp(word, "tools") == 0)
		m->tools = (unsigned)strtoul(value, NULL, 10);
	else if (strcmp(word, "rejected") == 0)
		m->tools = m->tools_rejected = (unsigned)strtoul(value, NULL, 10);
	else if (strcmp(word, "says") == 0)
		m->text = value;
	else
		die("what is \"%s\"?", word);
}

static void
take_author(struct message *m, const char *author, char *answered, int64_t number)
{
	bool is_step = strcmp(author, "step") == 0 || strcmp(author, "summary") == 0;
	*m = (struct message){.id = strcmp(author, "me") == 0 ? ours : theirs,
	    .parent_id = is_step ? answered : NULL,
	    .text = nothing,
	    .reasoning = nothing,
	    .created_ms = 1000 * number,
	    .completed_ms = is_step ? 1000 * number + 500 : 0,
	    .tokens = {number, 2, 3 * number, 5, 7},
	    .cost = 0.25,
	    .from_user = !is_step,
	    .summary = strcmp(author, "summary") == 0};
}

static void
take_message(struct message *m, char *words, char *answered, int64_t number)
{
	char *says = strstr(words, " says="), *state = NULL;
	if (says)
		*says++ = '\0';
	char *word = strtok_r(words, " ", &state);
	take_author(m, word, answered, number);
	while ((word = strtok_r(NULL, " ", &state)))
		take_attribute(m, word);
	if (says)
		take_attribute(m, says);
}

static void
session_init(struct session *s, const char *words)
{
	char *rest = xstrdup(words), *answered = NULL;
	*s = (struct session){.words = rest, .all = {s->message, 0}};
	while (rest && *rest) {
		char *message = rest, *end = strstr(rest, " | ");
		rest = end ? end + 3 : NULL;
		if (end)
			*end = '\0';
		ck_assert_uint_lt(s->all.count, MOST_MESSAGES);
		struct message *m = &s->message[s->all.count++];
		take_message(m, message, answered, (int64_t)s->all.count);
		if (m->from_user)
			answered = m->id;
	}
}

static const char cut_off[] = "the answer was cut off at the model's output limit";
static const char filtered[] = "the provider's content filter";
static const char aborted[] = "the turn was aborted in its session";

#define IS_ANSWERED(text, last) \
	{ \
		.finding = EV_ANSWERED, .result = (text), .count = (last) + 1, \
		.progress_from = (last) \
	}
#define IS_FAULTY(word, said, text, last) \
	{ \
		.finding = EV_FAULTY, .kind = KIND_##word, .sentence = (said), .result = (text), \
		.count = (last) + 1, .progress_from = (last) \
	}
#define IS(word, number, newest) \
	{ \
		.finding = EV_##word, .count = (number), .progress_from = (newest) \
	}

static const struct told {
	const char *words;
	bool is_busy;
	struct expected expected;
} told[] = {
    /* Is our message there? */
    {"", IDLE, IS(UNPROMPTED, 0, NOTHING)},
    {"", BUSY, IS(BUSY, 0, NOTHING)},
    {"person | step stop says=not ours", IDLE, IS(UNPROMPTED, 0, NOTHING)},
    {"person | step stop says=not ours | person", BUSY, IS(BUSY, 0, NOTHING)},
    {"me", IDLE, IS(UNANSWERED, 1, NOTHING)},
    {"me", BUSY, IS(BUSY, 1, NOTHING)},
    {"person | step stop says=before | me", IDLE,
	{.finding = EV_UNANSWERED, .from = 2, .count = 1, .progress_from = NOTHING}},
    {"person | step error=Before | me", IDLE,
	{.finding = EV_UNANSWERED, .from = 2, .count = 1, .progress_from = NOTHING}},
    {"person | summary error=Before | me", IDLE,
	{.finding = EV_UNANSWERED, .from = 2, .count = 1, .progress_from = NOTHING}},
    {"person | step stop says=before | me | step stop says=mine", IDLE,
	{.finding = EV_ANSWERED, .result = "mine", .from = 2, .count = 2, .progress_from = 3}},

    /* The answer: the first that is finished, without an error, and calls no tool. */
    {"me | step stop says=done", IDLE, IS_ANSWERED("done", 1)},
    {"me | step end_turn says=done", IDLE, IS_ANSWERED("done", 1)},
    {"me | step stop says= \n done", IDLE, IS_ANSWERED(" \n done", 1)},
    {"me | step stop says=done", BUSY, IS(BUSY, 2, 1)},
    {"me | step stop open says=done", IDLE,
	{.finding = EV_ANSWERED, .result = "done", .count = 2, .progress_from = NOTHING}},
    {"me | step stop open says=done", BUSY, IS(BUSY, 2, NOTHING)},
    {"me | step stop open says=done | person", BUSY, IS(BUSY, 3, NOTHING)},
    {"me | step open says=do", IDLE, IS(UNANSWERED, 2, NOTHING)},
    {"me | step tool-calls open tools=1", IDLE, IS(UNANSWERED, 2, NOTHING)},
    {"me | step stop open tools=1", IDLE, IS(UNANSWERED, 2, NOTHING)},
    {"me | step unknown open", IDLE, IS(UNANSWERED, 2, NOTHING)},
    {"me | summary stop open says=S", IDLE, IS(UNANSWERED, 2, NOTHING)},
    {"me | step stop open error=Aborted says=half", IDLE,
	{.finding = EV_FAULTY,
	    .kind = KIND_AGENT,
	    .sentence = "Aborted",
	    .result = "half",
	    .count = 2,
	    .progress_from = NOTHING}},
    {"me | step tool-calls says=I will", IDLE, IS(UNANSWERED, 2, 1)},
    {"me | step tool-calls tools=1 | step stop says=done", IDLE, IS_ANSWERED("done", 2)},
    {"me | step stop tools=1 says=I will | step stop says=done", IDLE, IS_ANSWERED("done", 2)},
    {"me | step stop tools=1 says=I will", IDLE, IS(UNANSWERED, 2, 1)},
    {"me | step unknown says=odd", IDLE, IS(UNANSWERED, 2, 1)},
    {"me | step unknown says=odd | step stop says=done", IDLE, IS_ANSWERED("done", 2)},

    /* Five steps in a row that OpenCode asks about again: it would do so for ever. */
    {"me | step unknown | step unknown | step unknown | step unknown", BUSY, IS(BUSY, 5, 4)},
    {"me | step unknown | step unknown | step unknown | step unknown | step unknown", BUSY,
	IS(LOOPING, 6, 5)},
    {"me | step unknown | step unknown | step unknown | step unknown | step unknown", IDLE,
	IS(UNANSWERED, 6, 5)},
    {"me | step unknown | step unknown | step unknown | step unknown | step unknown | step open",
	BUSY, IS(LOOPING, 7, 5)},
    {"me | step unknown | step unknown | step unknown | step unknown | step open", BUSY,
	IS(BUSY, 6, 4)},
    {"me | step unknown | step unknown | step unknown tools=1 | step unknown | step unknown", BUSY,
	IS(BUSY, 6, 5)},
    {"me | step unknown | step unknown | person | step unknown | step unknown | step unknown", BUSY,
	IS(BUSY, 7, 6)},
    {"person | step unknown | step unknown | me | step unknown | step unknown | step unknown", BUSY,
	{.finding = EV_BUSY, .from = 3, .count = 4, .progress_from = 6}},
    {"me | step unknown | step unknown | step unknown | step unknown | step unknown | step stop "
     "says=done",
	IDLE, IS_ANSWERED("done", 6)},

    /* A second finished answer to the same message: its loop does not see the end. */
    {"me | step stop says=done | step stop says=again", BUSY, IS(LOOPING, 3, 2)},
    {"me | step stop says=done | step stop says=again | step open", BUSY, IS(LOOPING, 4, 2)},
    {"me | step stop says=done | step tool-calls tools=1 | step length", BUSY, IS(LOOPING, 4, 3)},
    {"me | step stop says=done | step stop says=again", IDLE,
	{.finding = EV_ANSWERED, .result = "done", .count = 3, .progress_from = 2}},
    {"me | step stop says=done | step stop says=again | step error=Aborted", IDLE,
	{.finding = EV_ANSWERED, .result = "done", .count = 4, .progress_from = 3}},
    {"me | step tool-calls tools=1 | person | step stop says=done | step stop says=again", BUSY,
	IS(LOOPING, 5, 4)},
    {"me | step tool-calls tools=1 | step tool-calls tools=1 | step open", BUSY, IS(BUSY, 4, 2)},
    {"me | step stop says=done | step stop open", BUSY, IS(BUSY, 3, 1)},
    {"me | step stop says=done | step stop tools=1", BUSY, IS(BUSY, 3, 2)},
    {"me | step stop says=done | step stop error=Aborted", BUSY, IS(BUSY, 3, 2)},
    {"me | step stop says=done | summary stop says=S", BUSY, IS(BUSY, 3, 2)},
    {"me | step stop says=done | person | step stop says=other", BUSY, IS_ANSWERED("done", 1)},
    {"me | step stop says=done | step stop says=again | person | step open", BUSY,
	{.finding = EV_ANSWERED, .result = "done", .count = 3, .progress_from = 2}},
    {"me | step stop says=done | compaction | summary stop says=S | server | step stop says=other",
	BUSY, IS_ANSWERED("done", 1)},
    {"me | step error=APIError | step stop says=done", IDLE, IS_ANSWERED("done", 2)},
    {"me | step open | step stop says=done", IDLE, IS_ANSWERED("done", 2)},

    /* A person steers, or goes on after it was done. */
    {"me | step tool-calls tools=1 | person | step tool-calls tools=1 | step stop says=steered",
	IDLE, IS_ANSWERED("steered", 4)},
    {"me | step tool-calls tools=1 | person | step open", BUSY, IS(BUSY, 4, 1)},
    {"me | step tool-calls tools=1 | person", IDLE, IS(UNANSWERED, 3, 1)},
    {"me | step stop says=done | person | step open", BUSY, IS_ANSWERED("done", 1)},
    {"me | step stop says=done | person", BUSY, IS_ANSWERED("done", 1)},
    {"me | step stop says=done | person | step stop says=other", IDLE, IS_ANSWERED("done", 1)},
    {"me | step stop says=done | person | step error=Later", IDLE, IS_ANSWERED("done", 1)},
    {"me | step stop says=done | step open", BUSY, IS(BUSY, 3, 1)},
    {"me | person closed stop says=stop it", IDLE, IS(UNANSWERED, 2, 1)},

    /* A finished answer that does not count. */
    {"me | step length says=half", IDLE, IS_FAULTY(AGENT, cut_off, "half", 1)},
    {"me | step length", IDLE, IS_FAULTY(AGENT, cut_off, NULL, 1)},
    {"me | step length says=half", BUSY, IS(BUSY, 2, 1)},
    {"me | step length says=half | person", BUSY, IS_FAULTY(AGENT, cut_off, "half", 1)},
    {"me | step length tools=1 says=half | step stop says=done", IDLE, IS_ANSWERED("done", 2)},
    {"me | step content-filter says=half", IDLE, IS_FAULTY(AGENT, filtered, "half", 1)},
    {"me | step content-filter error=ContentFilter says=half", IDLE,
	IS_FAULTY(AGENT, "ContentFilter", "half", 1)},
    {"me | step error says=half", IDLE,
	IS_FAULTY(AGENT, "the provider ended the answer with an error", "half", 1)},
    {"me | step stop", IDLE, IS_FAULTY(EMPTY, no_word, NULL, 1)},
    {"me | step stop says= \t\r\n", IDLE, IS_FAULTY(EMPTY, no_word, NULL, 1)},
    {"me | step tool-calls tools=1 says=I will | step stop", IDLE,
	IS_FAULTY(EMPTY, no_word, NULL, 2)},

    /* No answer: the newest step decides. */
    {"me | step error=APIError", IDLE, IS_FAULTY(AGENT, "APIError", NULL, 1)},
    {"me | step error=APIError says= \n", IDLE, IS_FAULTY(AGENT, "APIError", NULL, 1)},
    {"me | step error=APIError", BUSY, IS(BUSY, 2, 1)},
    {"me | step stop error=Aborted says=half", IDLE, IS_FAULTY(AGENT, "Aborted", "half", 1)},
    {"me | step error=Aborted | person", IDLE,
	{.finding = EV_FAULTY,
	    .kind = KIND_AGENT,
	    .sentence = "Aborted",
	    .count = 3,
	    .progress_from = 1}},
    {"me | step error=First | step open", IDLE, IS(UNANSWERED, 3, 1)},
    {"me | step error=First | step tool-calls tools=1", IDLE, IS(UNANSWERED, 3, 2)},
    {"me | step open error=APIError", IDLE,
	{.finding = EV_FAULTY,
	    .kind = KIND_AGENT,
	    .sentence = "APIError",
	    .count = 2,
	    .progress_from = NOTHING}},
    {"me | step says=half", IDLE, IS_FAULTY(AGENT, aborted, NULL, 1)},
    {"me | step rejected=1", IDLE, IS_FAULTY(AGENT, aborted, NULL, 1)},
    {"me | step says=half", BUSY, IS(BUSY, 2, 1)},
    {"me | step open", IDLE, IS(UNANSWERED, 2, NOTHING)},
    {"me | step open tools=1", IDLE, IS(UNANSWERED, 2, NOTHING)},
    {"me | step open rejected=1", IDLE, IS(UNANSWERED, 2, NOTHING)},
    {"me | step tool-calls rejected=1", IDLE, IS_FAULTY(REJECTED, rejected, NULL, 1)},
    {"me | step tool-calls rejected=1 | step stop says=without it", IDLE,
	IS_ANSWERED("without it", 2)},
    {"me | step tool-calls rejected=1 | step open", IDLE, IS(UNANSWERED, 3, 1)},
    {"me | step tool-calls tools=2 | step tool-calls tools=1", IDLE, IS(UNANSWERED, 3, 2)},

    /* Compaction: a summary is no answer, and no step; but one that failed ends the turn. */
    {"me | step tool-calls tools=1 | compaction | summary stop says=S | server | step stop "
     "says=done",
	IDLE, IS_ANSWERED("done", 5)},
    {"me | step tool-calls tools=1 | compaction | summary stop says=S | server | step open", BUSY,
	IS(BUSY, 6, 3)},
    {"me | step tool-calls tools=1 | compaction | summary stop says=S", IDLE, IS(UNANSWERED, 4, 3)},
    {"me | step tool-calls tools=1 | compaction | summary stop says=S | server", BUSY,
	IS(BUSY, 5, 3)},
    {"me | step tool-calls tools=1 | compaction | summary open", IDLE, IS(UNANSWERED, 4, 1)},
    {"me | step tool-calls tools=1 | compaction | summary error=TooLong", IDLE,
	IS_FAULTY(AGENT, "TooLong", NULL, 3)},
    {"me | step tool-calls tools=1 | compaction | summary error=TooLong", BUSY, IS(BUSY, 4, 3)},
    {"me | compaction | summary error=TooLong", IDLE, IS_FAULTY(AGENT, "TooLong", NULL, 2)},
    {"me | compaction | summary stop says=S", IDLE, IS(UNANSWERED, 3, 2)},
    {"me | compaction | summary error=TooLong | step open", IDLE, IS(UNANSWERED, 4, 2)},
    {"me | compaction | summary error=TooLong | compaction | summary stop says=S", IDLE,
	IS(UNANSWERED, 5, 4)},
    {"me | compaction | summary error=TooLong | step stop says=done", IDLE, IS_ANSWERED("done", 3)},
    {"me | step error=Old | compaction | summary error=TooLong", IDLE,
	IS_FAULTY(AGENT, "TooLong", NULL, 3)},
};

START_TEST(told_sessions_are_judged)
{
	const struct told *t = &told[_i];
	struct session s = {0};
	session_init(&s, t->words);
	struct evidence e = evidence_judge(&s.all, ours, t->is_busy);
	evidence_is(&s.all, &e, &t->expected);
	free(s.words);
}
END_TEST

/* Read from after our prompt on, and there is nothing: it is there all the same. */
START_TEST(nothing_after_our_prompt_is_no_lost_prompt)
{
	const struct messages none = {0};
	struct evidence idle = evidence_judge(&none, NULL, IDLE);
	struct evidence busy = evidence_judge(&none, NULL, BUSY);
	ck_assert_str_eq(event_text(idle.finding), event_text(EV_UNANSWERED));
	ck_assert_str_eq(event_text(busy.finding), event_text(EV_BUSY));
}
END_TEST

/* A turn that stopped behind a summary is told from one that was cut off elsewhere. */
START_TEST(where_it_stopped_is_known)
{
	static const struct {
		const char *words;
		bool is_behind;
	} cases[] = {
	    {"me | step tool-calls tools=1 | compaction | summary stop says=S", true},
	    {"me | step tool-calls tools=1 | compaction | summary stop open says=S", true},
	    {"me | compaction | summary stop says=S | server", false},
	    {"me | compaction | summary stop says=S | server | step open", false},
	    {"me | compaction | summary open", false},
	    {"me | compaction | summary stop error=TooLong | step open", false},
	    {"me | step tool-calls tools=1", false},
	    {"me", false},
	    {"person | summary stop says=S | me", false},
	    {"me | step stop says=done | compaction | summary stop says=S", false},
	};
	struct session s = {0};
	session_init(&s, cases[_i].words);
	struct evidence e = evidence_judge(&s.all, ours, IDLE);
	ck_assert_int_eq(e.summary_id != NULL, cases[_i].is_behind);
	ck_assert(!e.summary_id || e.summary_id == s.message[s.all.count - 1].id);
	free(s.words);
}
END_TEST

/* A summary that failed in the same instant as the newest step's beginning came after it. */
START_TEST(a_summary_of_the_same_instant_counts)
{
	struct session s = {0};
	session_init(&s, "me | step tool-calls tools=1 | compaction | summary error=TooLong");
	s.message[3].created_ms = s.message[1].created_ms;
	struct evidence e = evidence_judge(&s.all, ours, IDLE);
	ck_assert_str_eq(event_text(e.finding), event_text(EV_FAULTY));
	free(s.words);
}
END_TEST

/* Times are the newest, not the last: a clock can be set back. */
START_TEST(progress_is_the_newest_time)
{
	struct session s = {0};
	session_init(&s, "me | step tool-calls tools=1 | step tool-calls tools=1 | step open");
	s.message[1].completed_ms = 9000;
	struct evidence e = evidence_judge(&s.all, ours, IDLE);
	ck_assert_int_eq(e.step_ms, 9000);
	free(s.words);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("evidence");
	TCase *tests = tcase_create("evidence");
	tcase_add_loop_test(tests, recorded_answers_are_judged, 0, (int)COUNT(recorded));
	tcase_add_loop_test(tests, a_beginning_is_no_answer, 0, (int)COUNT(recorded));
	tcase_add_loop_test(
	    tests, a_session_without_our_prompt_says_nothing, 0, (int)COUNT(recorded));
	tcase_add_loop_test(tests, what_follows_our_prompt_is_enough, 0, (int)COUNT(recorded));
	tcase_add_loop_test(tests, told_sessions_are_judged, 0, (int)COUNT(told));
	tcase_add_test(tests, nothing_after_our_prompt_is_no_lost_prompt);
	tcase_add_loop_test(tests, where_it_stopped_is_known, 0, 10);
	tcase_add_test(tests, a_summary_of_the_same_instant_counts);
	tcase_add_test(tests, progress_is_the_newest_time);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
