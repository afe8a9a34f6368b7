/*
 * Errors, in the shapes that OpenCode gives them, as one sentence for a person.
 */
#include "opencode/reply_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/* The sentence in an error object, or its name where it has none. */
static const char *
error_words(const struct json *error)
{
	static const char *const places[] = {"data.message", "message", "name"};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (reply_has_text(error, places[i]))
			return json_text(error, places[i]);
	return "an error without a message";
}

/* The same for a person: without OpenCode's own stack, which follows where it is its own fault. */
char *
reply_error_sentence(const struct json *error)
{
	const char *words = error_words(error), *stack = strstr(words, "\n    at ");

	return stack ? xstrndup(words, (size_t)(stack - words)) : xstrdup(words);
}

/* "UnknownError: UnknownError" */
bool
reply_says_no_more(const char *sentence, const char *name)
{
	size_t length = strlen(name);

	if (strncmp(sentence, name, length) != 0)
		return false;
	sentence += length;
	return !*sentence || (strncmp(sentence, ": ", 2) == 0 && strcmp(sentence + 2, name) == 0);
}

/* Up to 1.2, a list of what is wrong with the request, each with its field's path. */
static char *
listed_errors(const struct json *list)
{
	struct buf words = {0};

	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		if (!reply_has_text(item, "message"))
			continue;
		buf_printf(&words, "%s%s", words.len ? "; " : "", json_text(item, "message"));
		for (const struct json *step = json_first(json_at(item, "path")); step;
		     step = json_next(step))
			if (json_is_string(step))
				buf_printf(&words, " (%s)", json_text(step, ""));
	}
	return words.len ? buf_take(&words) : NULL;
}

/* Of a request to which somebody has replied, 1.18 says so in a shape of its own. */
static bool
says_not_found(const struct json *json)
{
	const char *name = json_text(json, "name"), *tag = json_text(json, "_tag");

	return same_text(name, "NotFoundError") || same_text(tag, "PermissionNotFoundError") ||
	       same_text(tag, "QuestionNotFoundError");
}

char *
reply_error(const char *body, size_t bytes, bool *is_not_found)
{
	struct fault ignored;
	struct json *json = json_parse(body, bytes, &ignored);
	char *words = NULL, *line;

	*is_not_found = says_not_found(json);
	if (reply_has_text(json, "data.message") || reply_has_text(json, "message"))
		words = reply_error_sentence(json);
	else if (json_is_array(json_at(json, "error")))
		words = listed_errors(json_at(json, "error"));
	else if (reply_has_text(json, "error"))
		words = reply_copy_text(json, "error");
	json_free(json);
	line = words ? reply_one_line(words, strlen(words), REPLY_SHOWN_BYTES)
		     : reply_one_line(body, bytes, REPLY_SHOWN_BYTES);
	free(words);
	return line;
}
