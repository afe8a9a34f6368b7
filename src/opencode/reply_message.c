/*
 * Messages, with their parts: text, reasoning, tool calls, and how each ended.
 */
#include "opencode/reply_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

enum { LABEL_BYTES = 200 }; /* of a tool call */

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

static void
decode_error(const struct json *error, struct message *message)
{
	if (!json_is_object(error))
		return;
	message->error_name =
	    xstrdup(reply_has_text(error, "name") ? json_text(error, "name") : "Error");
	message->error_text = reply_error_sentence(error);
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
		if (reply_has_text(input, names[i]))
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
	label = reply_one_line(words, strlen(words), LABEL_BYTES);
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
	error = reply_has_text(json, "state.error") ? json_text(json, "state.error")
						    : "no reason is given";
	part->error = reply_one_line(error, strlen(error), REPLY_SHOWN_BYTES);
}

struct part
reply_part(const struct json *json)
{
	struct part part = {.id = reply_copy_text(json, "id")};

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

void
reply_part_fini(struct part *part)
{
	free(part->id);
	free(part->label);
	free(part->error);
}

/* The words of a part go where they belong; the part remembers where. */
static void
add_part(const struct json *json, struct buf *text, struct buf *reasoning, struct message *message)
{
	struct part part = reply_part(json);
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
		reply_part_fini(&part);
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

	if (!reply_has_text(info, "id") || !role)
		return fault_set(fault, FAULT_ENV, "the answer has a message without id or role");
	message->from_user = strcmp(role, "user") == 0;
	message->id = reply_copy_text(info, "id");
	message->parent_id = reply_copy_text(info, "parentID");
	message->agent = xstrdup(
	    reply_has_text(info, "agent") ? json_text(info, "agent") : json_text(info, "mode"));
	message->model = model_name(info);
	message->finish = reply_copy_text(info, "finish");
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
	struct json *json = reply_parse_array(body, bytes, "messages", fault);
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
	free(message->parent_id);
	free(message->agent);
	free(message->model);
	free(message->finish);
	free(message->error_name);
	free(message->error_text);
	free(message->text);
	free(message->reasoning);
	for (size_t i = 0; i < message->part_count; i++)
		reply_part_fini(&message->parts[i]);
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
