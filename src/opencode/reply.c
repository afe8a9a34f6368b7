/*
 * OpenCode's answers, decoded: see reply.h.
 *
 * A decoder parses, checks the one or two fields without which the answer makes no sense, and
 * copies the rest as it finds it: json.h gives "nothing" for what is missing. Every version so far
 * has added fields, so what is not known is left alone.
 */
#include "opencode/reply.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/utf8.h"

enum {
	SHOWN_BYTES = 300,
	REQUEST_BYTES = 2000,
	LABEL_BYTES = 200
}; /* of an error, of what is asked, of a tool */

/* The beginning of a text, on one line. */
static char *
one_line(const char *text, size_t bytes, size_t limit)
{
	struct buf line = {0};
	size_t shown = utf8_valid(text, utf8_cut(text, bytes, limit));

	for (size_t i = 0; i < shown; i++) {
		bool blank = (unsigned char)text[i] <= ' ';

		if (!blank)
			buf_add(&line, &text[i], 1);
		else if (line.len > 0 && line.data[line.len - 1] != ' ')
			buf_add(&line, " ", 1);
	}
	if (line.len == 0)
		buf_puts(&line, "an empty answer");
	return buf_take(&line);
}

/* What is parsed and is an array (or an object), or a fault. */
static struct json *
parse_array(const char *body, size_t bytes, const char *of_what, struct fault *fault)
{
	struct json *json = json_parse(body, bytes, fault);

	if (!json || json_is_array(json))
		return json;
	json_free(json);
	fault_set(fault, FAULT_ENV, "the answer is no list of %s", of_what);
	return NULL;
}

static struct json *
parse_object(const char *body, size_t bytes, const char *of_what, struct fault *fault)
{
	struct json *json = json_parse(body, bytes, fault);

	if (!json || json_is_object(json))
		return json;
	json_free(json);
	fault_set(fault, FAULT_ENV, "the answer is no map of %s", of_what);
	return NULL;
}

static char *
copy_text(const struct json *json, const char *path)
{
	return xstrdup(json_text(json, path));
}

/* Is it there, and not the empty string? */
static bool
has_text(const struct json *json, const char *path)
{
	const char *text = json_text(json, path);

	return text && *text;
}

/* ---- health --------------------------------------------------------------------------------- */

bool
reply_health(const char *body, size_t bytes, char **version, struct fault *fault)
{
	struct json *json = json_parse(body, bytes, fault);
	bool sound = json_true(json, "healthy") && has_text(json, "version");

	*version = sound ? copy_text(json, "version") : NULL;
	json_free(json);
	if (sound)
		return true;
	return fault_set(fault, FAULT_ENV, "this is not OpenCode's 1.x API, or it is not healthy");
}

/* ---- sessions ------------------------------------------------------------------------------- */

static bool
decode_session(const struct json *json, struct oc_session *session, struct fault *fault)
{
	*session = (struct oc_session){0};
	if (!has_text(json, "id"))
		return fault_set(fault, FAULT_ENV, "the answer is no session: it has no id");
	session->id = copy_text(json, "id");
	session->parent_id = copy_text(json, "parentID");
	session->directory = copy_text(json, "directory");
	session->title = copy_text(json, "title");
	session->created_ms = json_int(json, "time.created");
	session->updated_ms = json_int(json, "time.updated");
	return true;
}

bool
reply_session(const char *body, size_t bytes, struct oc_session *session, struct fault *fault)
{
	struct json *json = json_parse(body, bytes, fault);
	bool done = json && decode_session(json, session, fault);

	if (!json)
		*session = (struct oc_session){0};
	json_free(json);
	return done;
}

void
oc_session_fini(struct oc_session *session)
{
	free(session->id);
	free(session->parent_id);
	free(session->directory);
	free(session->title);
	*session = (struct oc_session){0};
}

bool
reply_sessions(const char *body, size_t bytes, struct oc_sessions *sessions, struct fault *fault)
{
	struct json *json = parse_array(body, bytes, "sessions", fault);
	const struct json *item = json_first(json);
	bool done = json != NULL;

	*sessions = (struct oc_sessions){0};
	sessions->all = xcalloc(json_count(json), sizeof(*sessions->all));
	for (; item && done; item = json_next(item)) {
		done = decode_session(item, &sessions->all[sessions->count], fault);
		sessions->count += done;
	}
	if (!done)
		oc_sessions_fini(sessions);
	json_free(json);
	return done;
}

void
oc_sessions_fini(struct oc_sessions *sessions)
{
	for (size_t i = 0; i < sessions->count; i++)
		oc_session_fini(&sessions->all[i]);
	free(sessions->all);
	*sessions = (struct oc_sessions){0};
}

/* ---- the status map ------------------------------------------------------------------------- */

static enum oc_activity
activity_of(const char *type)
{
	if (type && strcmp(type, "idle") == 0)
		return OC_IDLE;
	return type && strcmp(type, "retry") == 0 ? OC_RETRY : OC_BUSY;
}

static struct oc_status
decode_status(const struct json *json)
{
	struct oc_status status = {
	    .session_id = xstrdup(json_key(json)),
	    .activity = activity_of(json_text(json, "type")),
	};

	if (status.activity == OC_RETRY)
		status.message = copy_text(json, "message");
	return status;
}

bool
reply_statuses(const char *body, size_t bytes, struct oc_statuses *statuses, struct fault *fault)
{
	struct json *json = parse_object(body, bytes, "sessions", fault);
	const struct json *item;

	*statuses = (struct oc_statuses){0};
	if (!json)
		return false;
	statuses->all = xcalloc(json_count(json), sizeof(*statuses->all));
	for (item = json_first(json); item; item = json_next(item))
		statuses->all[statuses->count++] = decode_status(item);
	json_free(json);
	return true;
}

void
oc_statuses_fini(struct oc_statuses *statuses)
{
	for (size_t i = 0; i < statuses->count; i++) {
		free(statuses->all[i].session_id);
		free(statuses->all[i].message);
	}
	free(statuses->all);
	*statuses = (struct oc_statuses){0};
}

/* ---- messages ------------------------------------------------------------------------------- */

static bool
is_type(const struct json *part, const char *type)
{
	const char *is = json_text(part, "type");

	return is && strcmp(is, type) == 0;
}

/* "provider/model": an assistant has the two beside each other, a user under "model". */
static char *
model_name(const struct json *info)
{
	const char *provider = json_text(info, "providerID");
	const char *model = json_text(info, "modelID");

	provider = provider ? provider : json_text(info, "model.providerID");
	model = model ? model : json_text(info, "model.modelID");
	return provider && model ? xasprintf("%s/%s", provider, model) : NULL;
}

/* The sentence in an error object, or its name where it has none. */
static const char *
error_words(const struct json *error)
{
	static const char *const places[] = {"data.message", "message", "name"};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (has_text(error, places[i]))
			return json_text(error, places[i]);
	return "an error without a message";
}

/* The same for a person: without OpenCode's own stack, which follows where it is its own fault. */
static char *
error_sentence(const struct json *error)
{
	const char *words = error_words(error), *stack = strstr(words, "\n    at ");

	return stack ? xstrndup(words, (size_t)(stack - words)) : xstrdup(words);
}

/* "UnknownError: UnknownError" */
static bool
says_no_more(const char *sentence, const char *name)
{
	size_t length = strlen(name);

	if (strncmp(sentence, name, length) != 0)
		return false;
	sentence += length;
	return !*sentence || (strncmp(sentence, ": ", 2) == 0 && strcmp(sentence + 2, name) == 0);
}

static void
decode_error(const struct json *error, struct message *message)
{
	if (!json_is_object(error))
		return;
	message->error_name = xstrdup(has_text(error, "name") ? json_text(error, "name") : "Error");
	message->error_text = error_sentence(error);
}

/* Adds a paragraph, as far as there is room. */
static void
join(struct buf *all, const char *text, bool *cut)
{
	size_t bytes = strlen(text);
	size_t room = REPLY_TEXT_LIMIT - all->len;

	if (bytes == 0)
		return;
	if (all->len > 0 && room > 0) {
		buf_add(all, "\n", 1);
		room--;
	}
	if (bytes > room)
		*cut = true;
	buf_add(all, text, utf8_cut(text, bytes, room));
}

static bool
is_rejection(const struct json *part)
{
	/* The server's words: of 1.18, of 1.2. One with feedback lets the turn go on. */
	static const char *const words[] = {"rejected permission", "dismissed this question",
	    "PermissionRejectedError", "QuestionRejectedError"};
	const char *error = json_text(part, "state.error");

	if (!error || strstr(error, "with the following feedback"))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(error, words[i]))
			return true;
	return false;
}

static void
count_tool(const struct json *part, struct message *message)
{
	const char *status = json_text(part, "state.status");

	if (json_true(part, "metadata.providerExecuted") ||
	    json_true(part, "state.metadata.providerExecuted"))
		return;
	message->tools++;
	if (status && strcmp(status, "error") == 0 && is_rejection(part))
		message->tools_rejected++;
}

/* The first of these that a tool was given says the most about what it is to do. */
static const char *
tool_argument(const struct json *input)
{
	static const char *const names[] = {
	    "command", "filePath", "path", "pattern", "url", "query", "description", "name"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (has_text(input, names[i]))
			return json_text(input, names[i]);
	return NULL;
}

/* "bash: npm test". While it is pending, what it is to do is not written yet. */
static char *
tool_label(const struct json *json)
{
	const char *status = json_text(json, "state.status"), *name = json_text(json, "tool");
	const char *argument = tool_argument(json_at(json, "state.input"));
	char *words, *label;

	if (!status || strcmp(status, "pending") == 0)
		return NULL;
	words = xasprintf(
	    "%s%s%s", name ? name : "a tool", argument ? ": " : "", argument ? argument : "");
	label = one_line(words, strlen(words), LABEL_BYTES);
	free(words);
	return label;
}

static void
decode_tool(const struct json *json, struct part *part)
{
	const char *status = json_text(json, "state.status"), *error;

	part->label = tool_label(json);
	if (!status || (strcmp(status, "completed") != 0 && strcmp(status, "error") != 0))
		return;
	part->is_over = true;
	if (strcmp(status, "error") != 0)
		return;
	error =
	    has_text(json, "state.error") ? json_text(json, "state.error") : "no reason is given";
	part->error = one_line(error, strlen(error), SHOWN_BYTES);
}

static struct part
decode_part(const struct json *json)
{
	struct part part = {.id = copy_text(json, "id")};

	if (is_type(json, "text"))
		part.kind = PART_TEXT;
	else if (is_type(json, "reasoning"))
		part.kind = PART_REASONING;
	else if (is_type(json, "tool"))
		part.kind = PART_TOOL;
	if (part.kind == PART_TOOL)
		decode_tool(json, &part);
	else
		part.is_over = json_int(json, "time.end") != 0;
	return part;
}

static void
part_fini(struct part *part)
{
	free(part->id);
	free(part->label);
	free(part->error);
}

/* The words of a part go where they belong; the part remembers where. */
static void
add_part(const struct json *json, struct buf *text, struct buf *reasoning, struct message *message)
{
	struct part part = decode_part(json);
	struct buf *all = part.kind == PART_TEXT ? text : reasoning;
	const char *words = json_text(json, "text");
	size_t before = all->len;

	if ((part.kind == PART_TEXT || part.kind == PART_REASONING) && words)
		join(all, words, &message->cut);
	part.bytes = all->len - before;
	part.at = before;
	if (before > 0 && part.bytes > 0) { /* the line end between them belongs to neither */
		part.at++;
		part.bytes--;
	}
	if (part.kind == PART_OTHER || !part.id)
		part_fini(&part);
	else
		message->parts[message->part_count++] = part;
}

static void
decode_parts(const struct json *parts, struct message *message)
{
	struct buf text = {0}, reasoning = {0};

	message->parts = xcalloc(json_count(parts), sizeof(*message->parts));
	for (const struct json *part = json_first(parts); part; part = json_next(part)) {
		if (is_type(part, "tool"))
			count_tool(part, message);
		if (!is_type(part, "text") ||
		    (!json_true(part, "synthetic") && !json_true(part, "ignored")))
			add_part(part, &text, &reasoning, message);
	}
	message->text = buf_take(&text);
	message->reasoning = buf_take(&reasoning);
}

static struct tokens
decode_tokens(const struct json *tokens)
{
	return (struct tokens){
	    .input = json_int(tokens, "input"),
	    .output = json_int(tokens, "output"),
	    .reasoning = json_int(tokens, "reasoning"),
	    .cache_read = json_int(tokens, "cache.read"),
	    .cache_write = json_int(tokens, "cache.write"),
	};
}

static bool
decode_message(const struct json *json, struct message *message, struct fault *fault)
{
	const struct json *info = json_at(json, "info");
	const char *role = json_text(info, "role");

	if (!has_text(info, "id") || !role)
		return fault_set(fault, FAULT_ENV, "the answer has a message without id or role");
	message->from_user = strcmp(role, "user") == 0;
	message->id = copy_text(info, "id");
	message->agent =
	    xstrdup(has_text(info, "agent") ? json_text(info, "agent") : json_text(info, "mode"));
	message->model = model_name(info);
	message->finish = copy_text(info, "finish");
	message->created_ms = json_int(info, "time.created");
	message->completed_ms = json_int(info, "time.completed");
	message->tokens = decode_tokens(json_at(info, "tokens"));
	message->cost = json_number(info, "cost");
	message->summary = !message->from_user && json_true(info, "summary");
	decode_error(json_at(info, "error"), message);
	decode_parts(json_at(json, "parts"), message);
	return true;
}

bool
reply_messages(const char *body, size_t bytes, struct messages *messages, struct fault *fault)
{
	struct json *json = parse_array(body, bytes, "messages", fault);
	const struct json *item = json_first(json);
	bool done = json != NULL;

	*messages = (struct messages){0};
	messages->all = xcalloc(json_count(json), sizeof(*messages->all));
	for (; item && done; item = json_next(item)) {
		done = decode_message(item, &messages->all[messages->count], fault);
		messages->count += done;
	}
	if (!done)
		messages_fini(messages);
	json_free(json);
	return done;
}

static void
message_fini(struct message *message)
{
	free(message->id);
	free(message->agent);
	free(message->model);
	free(message->finish);
	free(message->error_name);
	free(message->error_text);
	free(message->text);
	free(message->reasoning);
	for (size_t i = 0; i < message->part_count; i++)
		part_fini(&message->parts[i]);
	free(message->parts);
}

void
messages_fini(struct messages *messages)
{
	for (size_t i = 0; i < messages->count; i++)
		message_fini(&messages->all[i]);
	free(messages->all);
	*messages = (struct messages){0};
}

/* ---- what the server offers ----------------------------------------------------------------- */

bool
reply_agents(const char *body, size_t bytes, struct oc_names *agents, struct fault *fault)
{
	struct json *json = parse_array(body, bytes, "agents", fault);

	*agents = (struct oc_names){0};
	if (!json)
		return false;
	agents->all = xcalloc(json_count(json), sizeof(*agents->all));
	for (const struct json *item = json_first(json); item; item = json_next(item))
		if (has_text(item, "name") && !json_true(item, "hidden"))
			agents->all[agents->count++] = copy_text(item, "name");
	json_free(json);
	return true;
}

void
oc_names_fini(struct oc_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->all[i]);
	free(names->all);
	*names = (struct oc_names){0};
}

static struct oc_model
decode_model(const char *provider, const struct json *json)
{
	const struct json *variants = json_at(json, "variants");
	struct oc_model model = {.name = xasprintf("%s/%s", provider, json_key(json))};

	model.variants = xcalloc(json_count(variants), sizeof(*model.variants));
	if (json_is_object(variants))
		for (const struct json *it = json_first(variants); it; it = json_next(it))
			model.variants[model.variant_count++] = xstrdup(json_key(it));
	return model;
}

static void
add_models(const struct json *provider, struct oc_models *models)
{
	const char *id = json_text(provider, "id");
	const struct json *all = json_at(provider, "models");

	if (!id || !json_is_object(all))
		return;
	models->all =
	    xrealloc(models->all, (models->count + json_count(all)) * sizeof(*models->all));
	for (const struct json *it = json_first(all); it; it = json_next(it))
		models->all[models->count++] = decode_model(id, it);
}

bool
reply_models(const char *body, size_t bytes, struct oc_models *models, struct fault *fault)
{
	struct json *json = json_parse(body, bytes, fault);
	const struct json *providers = json_at(json, "providers");

	*models = (struct oc_models){0};
	if (!json_is_array(providers)) {
		if (json)
			fault_set(fault, FAULT_ENV, "the answer has no list of providers");
		json_free(json);
		return false;
	}
	for (const struct json *it = json_first(providers); it; it = json_next(it))
		add_models(it, models);
	json_free(json);
	return true;
}

void
oc_models_fini(struct oc_models *models)
{
	for (size_t i = 0; i < models->count; i++) {
		struct oc_model *model = &models->all[i];

		for (size_t k = 0; k < model->variant_count; k++)
			free(model->variants[k]);
		free(model->variants);
		free(model->name);
	}
	free(models->all);
	*models = (struct oc_models){0};
}

/* ---- errors --------------------------------------------------------------------------------- */

/* Up to 1.2, a list of what is wrong with the request, each with its field's path. */
static char *
listed_errors(const struct json *list)
{
	struct buf words = {0};

	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		if (!has_text(item, "message"))
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
	if (has_text(json, "data.message") || has_text(json, "message"))
		words = error_sentence(json);
	else if (json_is_array(json_at(json, "error")))
		words = listed_errors(json_at(json, "error"));
	else if (has_text(json, "error"))
		words = copy_text(json, "error");
	json_free(json);
	line = words ? one_line(words, strlen(words), SHOWN_BYTES)
		     : one_line(body, bytes, SHOWN_BYTES);
	free(words);
	return line;
}

/* ---- asks ----------------------------------------------------------------------------------- */

/* "NAME: PATTERN, PATTERN (FILE)": what for, and where that is known, which file in it. */
static void
describe_permission(const struct json *json, struct buf *out)
{
	const struct json *patterns = json_at(json, "patterns");
	const char *file = json_text(json, "metadata.filepath");
	const char *separator = ": ";

	buf_puts(out, has_text(json, "permission") ? json_text(json, "permission") : "permission");
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
	    has_text(json, "question") ? json_text(json, "question") : "a question without words");
	for (const struct json *it = json_first(json_at(json, "options")); it; it = json_next(it)) {
		if (!has_text(it, "label"))
			continue;
		buf_printf(out, "%s%s", separator, json_text(it, "label"));
		separator = " | ";
	}
	if (separator[1] == '|')
		buf_puts(out, "]");
}

static void
take_questions(const struct json *questions, struct oc_ask *ask, struct buf *request)
{
	ask->choices = xcalloc(json_count(questions), sizeof(*ask->choices));
	for (const struct json *it = json_first(questions); it; it = json_next(it)) {
		const char *first = json_text(json_first(json_at(it, "options")), "label");

		describe_question(it, request);
		ask->choices[ask->choice_count++] = xstrdup(first ? first : "");
	}
}

static bool
decode_ask(const struct json *json, bool is_question, struct oc_ask *ask, struct fault *fault)
{
	struct buf request = {0};

	if (!has_text(json, "id") || !has_text(json, "sessionID"))
		return fault_set(
		    fault, FAULT_ENV, "the answer has a request without id or session");
	*ask = (struct oc_ask){0};
	ask->id = copy_text(json, "id");
	ask->session_id = copy_text(json, "sessionID");
	if (is_question)
		take_questions(json_at(json, "questions"), ask, &request);
	else
		describe_permission(json, &request);
	ask->request = one_line(buf_text(&request), request.len, REQUEST_BYTES);
	buf_free(&request);
	return true;
}

static bool
decode_asks(
    const char *body, size_t bytes, bool is_question, struct oc_asks *asks, struct fault *fault)
{
	struct json *json =
	    parse_array(body, bytes, is_question ? "questions" : "permission requests", fault);
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

/* ---- events --------------------------------------------------------------------------------- */

/* The text between `"type":"` and the next quote, where it stands first in the payload. */
static const char *
first_type(const char *data, size_t bytes, size_t *length)
{
	static const char mark[] = "\"type\":\"";
	const size_t mark_length = sizeof(mark) - 1;
	const char *at = data, *end = data + bytes;

	while ((at = memchr(at, '"', (size_t)(end - at)))) {
		const char *quote;

		if ((size_t)(end - at) < mark_length)
			return NULL;
		if (memcmp(at, mark, mark_length) != 0) {
			at++;
			continue;
		}
		at += mark_length;
		quote = memchr(at, '"', (size_t)(end - at));
		*length = quote ? (size_t)(quote - at) : 0;
		return quote ? at : NULL;
	}
	return NULL;
}

/* Events that come in numbers and are of no use. The type is the first in all versions seen; were
 * it not, the event would be parsed and ignored then. */
static bool
is_useless(const char *data, size_t bytes)
{
	static const char *const useless[] = {"sync", "plugin.added", "session.updated",
	    "session.diff", "file.edited", "file.watcher.updated", "lsp.client.diagnostics"};
	size_t length;
	const char *type = first_type(data, bytes, &length);

	for (size_t i = 0; type && i < sizeof(useless) / sizeof(useless[0]); i++)
		if (strlen(useless[i]) == length && memcmp(type, useless[i], length) == 0)
			return true;
	return false;
}

static enum oc_event_type
event_type(const char *name)
{
	static const struct {
		const char *name;
		enum oc_event_type type;
	} known[] = {
	    {"server.connected", OC_EV_CONNECTED},
	    {"server.heartbeat", OC_EV_HEARTBEAT},
	    {"session.created", OC_EV_SESSION_CREATED},
	    {"session.deleted", OC_EV_SESSION_DELETED},
	    {"session.status", OC_EV_STATUS},
	    {"session.idle", OC_EV_IDLE},
	    {"session.error", OC_EV_ERROR},
	    {"message.updated", OC_EV_MESSAGE},
	    {"message.part.updated", OC_EV_PART},
	    {"message.part.delta", OC_EV_DELTA},
	    {"permission.asked", OC_EV_ASKED},
	    {"question.asked", OC_EV_ASKED},
	    {"permission.replied", OC_EV_REPLIED},
	    {"question.replied", OC_EV_REPLIED},
	    {"question.rejected", OC_EV_REPLIED},
	};

	for (size_t i = 0; name && i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i].name) == 0)
			return known[i].type;
	return OC_EV_OTHER;
}

/* The session stands beside what it is about, or (older servers) only in it. */
static char *
event_session(const struct json *properties)
{
	static const char *const places[] = {"sessionID", "info.sessionID", "part.sessionID"};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (has_text(properties, places[i]))
			return copy_text(properties, places[i]);
	return NULL;
}

static void
decode_session_event(const struct json *properties, struct oc_event *event)
{
	free(event->session_id);
	event->session_id = copy_text(properties, "info.id");
	event->parent_id = copy_text(properties, "info.parentID");
}

static void
decode_message_event(const struct json *info, struct oc_event *event)
{
	const char *role = json_text(info, "role");

	event->message_id = copy_text(info, "id");
	event->finish = copy_text(info, "finish");
	event->from_user = role && strcmp(role, "user") == 0;
	event->summary = !event->from_user && json_true(info, "summary");
}

static void
decode_part_event(const struct json *json, struct oc_event *event)
{
	event->message_id = copy_text(json, "messageID");
	event->part = decode_part(json);
	if (event->part.kind == PART_TEXT || event->part.kind == PART_REASONING)
		event->text = copy_text(json, "text");
}

static void
decode_error_event(const struct json *error, struct oc_event *event)
{
	char *sentence = error_sentence(error);

	if (!has_text(error, "name") || !says_no_more(sentence, json_text(error, "name")))
		event->text = xstrdup(sentence);
	free(sentence);
}

static void
decode_delta(const struct json *properties, struct oc_event *event)
{
	event->message_id = copy_text(properties, "messageID");
	event->part.id = copy_text(properties, "partID");
	event->text = copy_text(properties, "delta");
}

static void
decode_event(const struct json *properties, struct oc_event *event)
{
	event->session_id = event_session(properties);
	switch (event->type) {
	case OC_EV_SESSION_CREATED:
	case OC_EV_SESSION_DELETED:
		decode_session_event(properties, event);
		break;
	case OC_EV_STATUS:
		event->activity = activity_of(json_text(properties, "status.type"));
		event->text = copy_text(properties, "status.message");
		break;
	case OC_EV_ERROR:
		decode_error_event(json_at(properties, "error"), event);
		break;
	case OC_EV_MESSAGE:
		decode_message_event(json_at(properties, "info"), event);
		break;
	case OC_EV_PART:
		decode_part_event(json_at(properties, "part"), event);
		break;
	case OC_EV_DELTA:
		decode_delta(properties, event);
		break;
	case OC_EV_OTHER:
	case OC_EV_CONNECTED:
	case OC_EV_HEARTBEAT:
	case OC_EV_IDLE:
	case OC_EV_ASKED:
	case OC_EV_REPLIED:
		break;
	}
}

void
reply_event(const char *data, size_t bytes, struct oc_event *event)
{
	struct fault ignored;
	struct json *json;

	*event = (struct oc_event){.type = OC_EV_OTHER};
	if (is_useless(data, bytes))
		return;
	json = json_parse(data, bytes, &ignored);
	event->type = event_type(json_text(json, "payload.type"));
	if (event->type != OC_EV_OTHER) {
		event->directory = copy_text(json, "directory");
		decode_event(json_at(json, "payload.properties"), event);
	}
	json_free(json);
}

void
oc_event_fini(struct oc_event *event)
{
	free(event->directory);
	free(event->session_id);
	free(event->message_id);
	free(event->text);
	free(event->finish);
	free(event->parent_id);
	part_fini(&event->part);
	*event = (struct oc_event){0};
}

struct oc_event
oc_event_copy(const struct oc_event *event)
{
	struct oc_event copy = *event;

	copy.directory = xstrdup(event->directory);
	copy.session_id = xstrdup(event->session_id);
	copy.message_id = xstrdup(event->message_id);
	copy.text = xstrdup(event->text);
	copy.finish = xstrdup(event->finish);
	copy.parent_id = xstrdup(event->parent_id);
	copy.part.id = xstrdup(event->part.id);
	copy.part.label = xstrdup(event->part.label);
	copy.part.error = xstrdup(event->part.error);
	return copy;
}
