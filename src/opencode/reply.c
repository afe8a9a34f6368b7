/*
 * OpenCode's answers, decoded: see reply.h. Here are the small ones, and what all decoders share;
 * messages, asks, events and errors have a file each.
 *
 * A decoder parses, checks the one or two fields without which the answer makes no sense, and
 * copies the rest as it finds it: json.h gives "nothing" for what is missing. Every version so far
 * has added fields, so what is not known is left alone.
 */
#include "opencode/reply_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "base/when.h"

/* ---- what all decoders share ----------------------------------------------------------------- */

/* The beginning of a text, on one line. */
char *
reply_one_line(const char *text, size_t bytes, size_t limit)
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
struct json *
reply_parse_array(const char *body, size_t bytes, const char *of_what, struct fault *fault)
{
	struct json *json = json_parse(body, bytes, fault);

	if (!json || json_is_array(json))
		return json;
	json_free(json);
	fault_set(fault, FAULT_ENV, "the answer is no list of %s", of_what);
	return NULL;
}

struct json *
reply_parse_object(const char *body, size_t bytes, const char *of_what, struct fault *fault)
{
	struct json *json = json_parse(body, bytes, fault);

	if (!json || json_is_object(json))
		return json;
	json_free(json);
	fault_set(fault, FAULT_ENV, "the answer is no map of %s", of_what);
	return NULL;
}

char *
reply_copy_text(const struct json *json, const char *path)
{
	return xstrdup(json_text(json, path));
}

/* Is it there, and not the empty string? */
bool
reply_has_text(const struct json *json, const char *path)
{
	const char *text = json_text(json, path);

	return text && *text;
}

/* ---- health --------------------------------------------------------------------------------- */

bool
reply_health(const char *body, size_t bytes, char **version, struct fault *fault)
{
	struct json *json = json_parse(body, bytes, fault);
	bool sound = json_true(json, "healthy") && reply_has_text(json, "version");

	*version = sound ? reply_copy_text(json, "version") : NULL;
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
	if (!reply_has_text(json, "id"))
		return fault_set(fault, FAULT_ENV, "the answer is no session: it has no id");
	session->id = reply_copy_text(json, "id");
	session->parent_id = reply_copy_text(json, "parentID");
	session->directory = reply_copy_text(json, "directory");
	session->title = reply_copy_text(json, "title");
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
	struct json *json = reply_parse_array(body, bytes, "sessions", fault);
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

enum oc_activity
reply_activity(const char *type)
{
	if (type && strcmp(type, "idle") == 0)
		return OC_IDLE;
	return type && strcmp(type, "retry") == 0 ? OC_RETRY : OC_BUSY;
}

/* In a sentence: alone, the provider's words could be taken for the end of it. */
char *
reply_retry_words(const struct json *status)
{
	const char *words = json_text(status, "message");
	int64_t next_ms = json_int(status, "next");
	bool has_words = words && *words, has_next = next_ms > 0;
	char next[32] = "";

	return xasprintf("the provider %s%s%s%s", has_words ? "says: " : "is asked again",
	    has_words ? words : "", has_next ? "; next try at " : "",
	    has_next ? when_local(next_ms, next) : "");
}

static struct oc_status
decode_status(const struct json *json)
{
	struct oc_status status = {
	    .session_id = xstrdup(json_key(json)),
	    .activity = reply_activity(json_text(json, "type")),
	};

	if (status.activity == OC_RETRY)
		status.message = reply_retry_words(json);
	return status;
}

bool
reply_statuses(const char *body, size_t bytes, struct oc_statuses *statuses, struct fault *fault)
{
	struct json *json = reply_parse_object(body, bytes, "sessions", fault);
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

/* ---- what the server offers ----------------------------------------------------------------- */

bool
reply_agents(const char *body, size_t bytes, struct oc_names *agents, struct fault *fault)
{
	struct json *json = reply_parse_array(body, bytes, "agents", fault);

	*agents = (struct oc_names){0};
	if (!json)
		return false;
	agents->all = xcalloc(json_count(json), sizeof(*agents->all));
	for (const struct json *item = json_first(json); item; item = json_next(item))
		if (reply_has_text(item, "name") && !json_true(item, "hidden"))
			agents->all[agents->count++] = reply_copy_text(item, "name");
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
