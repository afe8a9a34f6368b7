/*
 * Events of the stream. Most are of no use: that is seen before anything is parsed.
 */
#include "opencode/reply_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

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
		if (reply_has_text(properties, places[i]))
			return reply_copy_text(properties, places[i]);
	return NULL;
}

static void
decode_session_event(const struct json *properties, struct oc_event *event)
{
	free(event->session_id);
	event->session_id = reply_copy_text(properties, "info.id");
	event->parent_id = reply_copy_text(properties, "info.parentID");
	event->title = reply_copy_text(properties, "info.title");
}

static void
decode_message_event(const struct json *info, struct oc_event *event)
{
	const char *role = json_text(info, "role");

	event->message_id = reply_copy_text(info, "id");
	event->finish = reply_copy_text(info, "finish");
	event->from_user = role && strcmp(role, "user") == 0;
	event->summary = !event->from_user && json_true(info, "summary");
}

static void
decode_part_event(const struct json *json, struct oc_event *event)
{
	event->message_id = reply_copy_text(json, "messageID");
	event->part = reply_part(json);
	if (event->part.kind == PART_TEXT || event->part.kind == PART_REASONING)
		event->text = reply_copy_text(json, "text");
}

static void
decode_error_event(const struct json *error, struct oc_event *event)
{
	char *sentence = reply_error_sentence(error);

	if (!reply_has_text(error, "name") ||
	    !reply_says_no_more(sentence, json_text(error, "name")))
		event->text = xstrdup(sentence);
	free(sentence);
}

static void
decode_delta(const struct json *properties, struct oc_event *event)
{
	event->message_id = reply_copy_text(properties, "messageID");
	event->part.id = reply_copy_text(properties, "partID");
	event->text = reply_copy_text(properties, "delta");
}

static void
decode_asked(const struct json *properties, struct oc_event *event)
{
	event->ask_id = reply_copy_text(properties, "id");
	event->text = reply_ask_words(properties, json_at(properties, "questions") != NULL);
}

static void
decode_replied(const struct json *properties, struct oc_event *event)
{
	event->ask_id = reply_copy_text(properties, "requestID");
	event->text = reply_ask_answer(properties);
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
		event->activity = reply_activity(json_text(properties, "status.type"));
		if (event->activity == OC_RETRY)
			event->text = reply_retry_words(json_at(properties, "status"));
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
	case OC_EV_ASKED:
		decode_asked(properties, event);
		break;
	case OC_EV_REPLIED:
		decode_replied(properties, event);
		break;
	case OC_EV_OTHER:
	case OC_EV_CONNECTED:
	case OC_EV_HEARTBEAT:
	case OC_EV_IDLE:
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
		event->directory = reply_copy_text(json, "directory");
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
	free(event->title);
	free(event->ask_id);
	reply_part_fini(&event->part);
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
	copy.title = xstrdup(event->title);
	copy.ask_id = xstrdup(event->ask_id);
	copy.part.id = xstrdup(event->part.id);
	copy.part.label = xstrdup(event->part.label);
	copy.part.error = xstrdup(event->part.error);
	return copy;
}
