/*
 * What waits for a person: permission requests and questions, told in one line.
 */
#include "opencode/reply_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum { REQUEST_BYTES = 2000 };

/* "NAME: PATTERN, PATTERN (FILE)": what for, and where that is known, which file in it. */
static void
describe_permission(const struct json *json, struct buf *out)
{
	const struct json *patterns = json_at(json, "patterns");
	const char *file = json_text(json, "metadata.filepath");
	const char *separator = ": ";

	buf_puts(
	    out, reply_has_text(json, "permission") ? json_text(json, "permission") : "permission");
	for (const struct json *it = json_first(patterns); it; it = json_next(it)) {
		if (!json_is_string(it))
			continue;
		buf_printf(out, "%s%s", separator, json_text(it, ""));
		separator = ", ";
	}
	if (file && *file)
		buf_printf(out, " (%s)", file);
}

/* "Which one? [A | B]". */
static void
describe_question(const struct json *json, struct buf *out)
{
	const char *separator = " [";

	buf_printf(out, "%s%s", out->len ? "; " : "",
	    reply_has_text(json, "question") ? json_text(json, "question")
					     : "a question without words");
	for (const struct json *it = json_first(json_at(json, "options")); it; it = json_next(it)) {
		if (!reply_has_text(it, "label"))
			continue;
		buf_printf(out, "%s%s", separator, json_text(it, "label"));
		separator = " | ";
	}
	if (separator[1] == '|')
		buf_puts(out, "]");
}

char *
reply_ask_words(const struct json *ask, bool is_question)
{
	const struct json *questions = json_at(ask, "questions");
	struct buf words = {0};

	for (const struct json *it = json_first(questions); is_question && it; it = json_next(it))
		describe_question(it, &words);
	if (!is_question)
		describe_permission(ask, &words);
	char *line = reply_one_line(buf_text(&words), words.len, REQUEST_BYTES);
	buf_free(&words);
	return line;
}

/* {reply} of a permission; of a question {answers: [[label, …], …]}, or nothing: it is rejected. */
char *
reply_ask_answer(const struct json *reply)
{
	const struct json *answers = json_at(reply, "answers");
	struct buf words = {0};

	if (!answers)
		return xstrdup(
		    reply_has_text(reply, "reply") ? json_text(reply, "reply") : "rejected");
	for (const struct json *each = json_first(answers); each; each = json_next(each))
		for (const struct json *it = json_first(each); it; it = json_next(it))
			if (json_is_string(it))
				buf_printf(
				    &words, "%s%s", words.len ? ", " : "", json_text(it, ""));
	char *line = reply_one_line(buf_text(&words), words.len, REQUEST_BYTES);
	buf_free(&words);
	return line;
}

static void
take_choices(const struct json *questions, struct oc_ask *ask)
{
	ask->choices = xcalloc(json_count(questions), sizeof(*ask->choices));
	for (const struct json *it = json_first(questions); it; it = json_next(it)) {
		const char *first = json_text(json_first(json_at(it, "options")), "label");
		ask->choices[ask->choice_count++] = xstrdup(first ? first : "");
	}
}

static bool
decode_ask(const struct json *json, bool is_question, struct oc_ask *ask, struct fault *fault)
{
	if (!reply_has_text(json, "id") || !reply_has_text(json, "sessionID"))
		return fault_set(
		    fault, FAULT_ENV, "the answer has a request without id or session");
	*ask = (struct oc_ask){0};
	ask->id = reply_copy_text(json, "id");
	ask->session_id = reply_copy_text(json, "sessionID");
	if (is_question)
		take_choices(json_at(json, "questions"), ask);
	ask->request = reply_ask_words(json, is_question);
	return true;
}

static bool
decode_asks(
    const char *body, size_t bytes, bool is_question, struct oc_asks *asks, struct fault *fault)
{
	struct json *json = reply_parse_array(
	    body, bytes, is_question ? "questions" : "permission requests", fault);
	const struct json *item = json_first(json);
	bool done = json != NULL;

	*asks = (struct oc_asks){0};
	asks->all = xcalloc(json_count(json), sizeof(*asks->all));
	for (; item && done; item = json_next(item)) {
		done = decode_ask(item, is_question, &asks->all[asks->count], fault);
		asks->count += done;
	}
	if (!done)
		oc_asks_fini(asks);
	json_free(json);
	return done;
}

bool
reply_permissions(const char *body, size_t bytes, struct oc_asks *asks, struct fault *fault)
{
	return decode_asks(body, bytes, false, asks, fault);
}

bool
reply_questions(const char *body, size_t bytes, struct oc_asks *asks, struct fault *fault)
{
	return decode_asks(body, bytes, true, asks, fault);
}

void
oc_asks_fini(struct oc_asks *asks)
{
	for (size_t i = 0; i < asks->count; i++) {
		struct oc_ask *ask = &asks->all[i];

		for (size_t k = 0; k < ask->choice_count; k++)
			free(ask->choices[k]);
		free(ask->choices);
		free(ask->id);
		free(ask->session_id);
		free(ask->request);
	}
	free(asks->all);
	*asks = (struct oc_asks){0};
}
