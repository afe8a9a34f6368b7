/*
 * The requests of one OpenCode server: see client.h. Each is a route (method, deadline, decoder)
 * and a function that writes its path and body. Transcripts are read in pages.c, the event stream
 * in events.c.
 */
#include "opencode/client.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "opencode/call.h"

/*
 * Deadlines, in milliseconds. A server answers within 10 to 30 ms; the first request in a
 * directory can take seconds, since its instance is started then, and a large prompt is a large
 * body. But what is sent in the first 400 ms after a server has opened its port is never answered:
 * so a probe is short, a question is asked again, and what changes something must not be waited
 * for too long, since only a look tells what became of it.
 */
enum {
	HEALTH_DEADLINE_MS = 3000,
	REPEAT_MS = 5000,
	CREATE_DEADLINE_MS = 30000,
	PROMPT_DEADLINE_MS = 30000,
	BODY_BYTES_A_MS = 250, /* of a slow line: it has longer for a large body */
	QUERY_DEADLINE_MS = 15000,
	ABORT_DEADLINE_MS = 15000,
};

enum { SEARCH_LIMIT = 100 }; /* sessions of one search */

/* ---- a server ------------------------------------------------------------------------------- */

struct opencode *
opencode_new(struct http *http, const char *url, const char *user, const char *password)
{
	struct opencode *server = xcalloc(1, sizeof(*server));

	server->http = http;
	server->url = xstrdup(url);
	server->user = xstrdup(user);
	server->password = xstrdup(password);
	return server;
}

void
opencode_free(struct opencode *server)
{
	if (!server)
		return;
	free(server->url);
	free(server->user);
	secret_free(server->password);
	free(server);
}

/* ---- a call --------------------------------------------------------------------------------- */

struct oc_call *
oc_call_new(struct opencode *server, const struct route *route, oc_done *done, void *arg)
{
	struct oc_call *call = xcalloc(1, sizeof(*call));

	call->server = server;
	call->route = route;
	call->done = done;
	call->arg = arg;
	return call;
}

static void
call_free(struct oc_call *call)
{
	if (call->route->fini)
		call->route->fini(&call->result);
	free(call);
}

void
opencode_cancel(struct oc_call *call)
{
	if (!call || call->ending) /* from its own callback: it is over anyway */
		return;
	http_cancel(call->http);
	call_free(call);
}

void
oc_call_send(
    struct oc_call *call, const char *path, const char *body, size_t answer_limit, http_done *done)
{
	const struct opencode *server = call->server;
	char *url = xasprintf("%s%s", server->url, path);
	int64_t body_ms = body ? (int64_t)(strlen(body) / BODY_BYTES_A_MS) : 0;
	int64_t deadline_ms = call->route->deadline_ms + body_ms;
	bool is_repeated = strcmp(call->route->method, "GET") == 0 && deadline_ms > REPEAT_MS;
	struct http_request request = {
	    .method = call->route->method,
	    .url = url,
	    .user = server->user,
	    .password = server->password,
	    .body = body,
	    /* The second try has as long as the only one had. */
	    .deadline_ms = is_repeated ? deadline_ms + REPEAT_MS : deadline_ms,
	    .repeat_ms = is_repeated ? REPEAT_MS : 0,
	    .answer_limit = answer_limit,
	    .fresh = call->route->fresh,
	};

	failpoint_before(call->route->failpoint);
	call->http = http_start(server->http, &request, done, call);
	free(url);
}

void
oc_call_end(struct oc_call *call, struct oc_reply *reply)
{
	failpoint_after(call->route->failpoint);
	call->ending = true;
	call->done(call->arg, reply);
	call_free(call);
}

/* ---- what an answer means ------------------------------------------------------------------- */

static enum oc_outcome
judge_refusal(const struct http_answer *answer, struct fault *fault)
{
	bool is_not_found;
	char *words;
	int status = answer->status;

	if (status == 401 || status == 403) {
		fault_set(fault, FAULT_ENV, "%s: the password is wrong or missing (status %d)",
		    answer->where, status);
		return OC_DENIED;
	}
	words = reply_error(answer->body, answer->bytes, &is_not_found);
	fault_set(fault, FAULT_ENV, "%s: status %d: %s", answer->where, status, words);
	free(words);
	if (status == 404)
		return is_not_found ? OC_NOT_FOUND : OC_TROUBLE;
	/* 408 and 429 speak of the moment, not of the request. */
	if (status >= 400 && status < 500 && status != 408 && status != 429)
		return OC_BAD_REQUEST;
	return OC_TROUBLE;
}

enum oc_outcome
oc_call_judge(const struct http_answer *answer, struct fault *fault)
{
	fault_set(fault, FAULT_ENV, "%s", answer->sentence);
	switch (answer->trouble) {
	case HTTP_UNREACHABLE:
		return OC_UNREACHABLE;
	case HTTP_BROKEN:
		return OC_AMBIGUOUS;
	case HTTP_TOO_LARGE:
		return OC_TROUBLE;
	case HTTP_ANSWERED:
		break;
	}
	if (answer->status < 200 || answer->status > 299)
		return judge_refusal(answer, fault);
	if (strncmp(answer->type, "text/html", 9) != 0)
		return OC_OK;
	/* Servers that do not know a path answer it with their web interface. */
	fault_set(fault, FAULT_ENV, "%s: a web page came, so this is not OpenCode's 1.x API",
	    answer->where);
	return OC_TROUBLE;
}

static void
on_answer(void *arg, const struct http_answer *answer)
{
	struct oc_call *call = arg;
	struct oc_reply reply = {0};
	struct fault fault = {0}, reason = {0};

	call->http = NULL;
	reply.outcome = oc_call_judge(answer, &fault);
	if (reply.outcome == OC_OK &&
	    !call->route->decode(answer, &call->result, &reply, &reason)) {
		reply.outcome = OC_TROUBLE;
		fault_set(&fault, FAULT_ENV, "%s: %s", answer->where, reason.text);
	}
	reply.sentence = fault.text;
	oc_call_end(call, &reply);
}

static struct oc_call *
start(struct opencode *server, const struct route *route, struct buf *path, struct json *body,
    oc_done *done, void *arg)
{
	struct oc_call *call = oc_call_new(server, route, done, arg);
	char *text = body ? json_print(body) : NULL;

	oc_call_send(call, buf_text(path), text, 0, on_answer);
	free(text);
	json_free(body);
	buf_free(path);
	return call;
}

/* ---- paths and bodies ----------------------------------------------------------------------- */

void
oc_add_encoded(struct buf *buf, const char *value)
{
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *value; value++) {
		if (strchr(plain, *value))
			buf_add(buf, value, 1);
		else
			buf_printf(buf, "%%%02X", (unsigned)(unsigned char)*value);
	}
}

static int
hex_value(char digit)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = digit ? strchr(digits, digit) : NULL;

	return at ? (int)(at - digits) % 16 : -1;
}

/* What JavaScript's decodeURIComponent() makes of it; false if that throws. */
static bool
decodes(const char *text, struct buf *out)
{
	for (; *text; text++) {
		char byte = *text;

		if (byte == '%') {
			int high = hex_value(text[1]), low = high < 0 ? -1 : hex_value(text[2]);

			if (low < 0)
				return false;
			byte = (char)(unsigned char)(high * 16 + low);
			text += 2;
		}
		buf_add(out, &byte, 1);
	}
	return utf8_valid(buf_text(out), out->len) == out->len;
}

bool
opencode_misreads(const char *directory)
{
	struct buf decoded = {0};
	bool misread = strchr(directory, '%') != NULL && decodes(directory, &decoded);

	buf_free(&decoded);
	return misread;
}

/* ?directory=DIR; nothing for the server's own. */
static void
add_directory(struct buf *path, const char *directory)
{
	if (!directory)
		return;
	buf_puts(path, "?directory=");
	oc_add_encoded(path, directory);
}

static struct buf
path_in(const char *route, const char *directory)
{
	struct buf path = {0};

	buf_puts(&path, route);
	add_directory(&path, directory);
	return path;
}

static struct buf
session_path(const char *id, const char *tail, const char *directory)
{
	struct buf path = {0};

	buf_puts(&path, "/session/");
	oc_add_encoded(&path, id);
	buf_puts(&path, tail);
	add_directory(&path, directory);
	return path;
}

static void
add_if(struct json *json, const char *key, const char *text)
{
	if (text)
		json_add_text(json, key, text);
}

/* "provider/model" under two keys; what comes after the first slash is the model's own name. */
static void
add_model(struct json *json, const char *name, const char *model_key)
{
	size_t length = strcspn(name, "/");
	char *provider = xstrndup(name, length);

	json_add_text(json, "providerID", provider);
	json_add_text(json, model_key, name[length] ? name + length + 1 : "");
	free(provider);
}

/* Nobody is there to answer a question, nor to leave a plan's mode. */
static void
add_rules(struct json *session)
{
	static const char *const denied[] = {"question", "plan_enter", "plan_exit"};
	struct json *rules = json_add_array(session, "permission");

	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++) {
		struct json *rule = json_add_object(rules, NULL);

		json_add_text(rule, "permission", denied[i]);
		json_add_text(rule, "pattern", "*");
		json_add_text(rule, "action", "deny");
	}
}

static struct json *
session_body(const struct oc_new_session *session)
{
	struct json *body = json_object(), *mark;

	add_if(body, "title", session->title);
	add_if(body, "parentID", session->parent_id);
	add_if(body, "agent", session->agent);
	if (session->model) {
		struct json *model = json_add_object(body, "model");

		add_model(model, session->model, "id");
		add_if(model, "variant", session->variant);
	}
	mark = json_add_object(json_add_object(body, "metadata"), "vigil");
	add_if(mark, "nonce", session->nonce);
	json_add_int(mark, "task", session->task);
	json_add_int(mark, "attempt", session->attempt);
	add_rules(body);
	return body;
}

static struct json *
prompt_body(const struct oc_prompt *prompt)
{
	struct json *body = json_object(), *part;

	json_add_text(body, "messageID", prompt->message_id);
	add_if(body, "agent", prompt->agent);
	if (prompt->model)
		add_model(json_add_object(body, "model"), prompt->model, "modelID");
	add_if(body, "variant", prompt->variant);
	part = json_add_object(json_add_array(body, "parts"), NULL);
	json_add_text(part, "id", prompt->part_id);
	json_add_text(part, "type", "text");
	json_add_text(part, "text", prompt->text);
	if (prompt->is_synthetic)
		json_add_bool(part, "synthetic", true);
	return body;
}

static struct json *
permission_body(const char *reply, const char *message)
{
	struct json *body = json_object();

	json_add_text(body, "reply", reply);
	add_if(body, "message", message);
	return body;
}

/* [["A"],[]] for the lines "A" and "". */
static struct json *
answers_body(const char *answers)
{
	struct json *body = json_object(), *lists = json_add_array(body, "answers");

	for (const char *line = answers; line; line = strchr(line, '\n')) {
		line += line > answers; /* past the line's end */
		size_t length = strcspn(line, "\n");
		char *label = xstrndup(line, length);
		struct json *list = json_add_array(lists, NULL);

		if (length)
			json_add_text(list, NULL, label);
		free(label);
	}
	return body;
}

/* ---- decoders ------------------------------------------------------------------------------- */

/* reply.h's, fitted to a route. MEMBER of the result is filled by PARSE, freed by FINI, and lent to
 * the reply. */

#define DECODER(NAME, MEMBER, PARSE, FINI) \
	static bool decode_##NAME(const struct http_answer *answer, union result *result, \
	    struct oc_reply *reply, struct fault *fault) \
	{ \
		reply->MEMBER = &result->MEMBER; \
		return PARSE(answer->body, answer->bytes, &result->MEMBER, fault); \
	} \
	static void fini_##NAME(union result *result) \
	{ \
		FINI(&result->MEMBER); \
	}

DECODER(session, session, reply_session, oc_session_fini)
DECODER(sessions, sessions, reply_sessions, oc_sessions_fini)
DECODER(statuses, statuses, reply_statuses, oc_statuses_fini)
DECODER(agents, agents, reply_agents, oc_names_fini)
DECODER(models, models, reply_models, oc_models_fini)
DECODER(permissions, asks, reply_permissions, oc_asks_fini)
DECODER(questions, asks, reply_questions, oc_asks_fini)

static bool
decode_health(const struct http_answer *answer, union result *result, struct oc_reply *reply,
    struct fault *fault)
{
	bool done = reply_health(answer->body, answer->bytes, &result->version, fault);

	reply->version = result->version;
	return done;
}

static void
fini_health(union result *result)
{
	free(result->version);
}

/* Nothing is in the answer to a prompt, and that must be so: 204. */
static bool
decode_nothing(const struct http_answer *answer, union result *result, struct oc_reply *reply,
    struct fault *fault)
{
	(void)result, (void)reply;
	if (answer->status == 204)
		return true;
	return fault_set(fault, FAULT_ENV, "status %d where 204 was due", answer->status);
}

static bool
decode_true(const struct http_answer *answer, union result *result, struct oc_reply *reply,
    struct fault *fault)
{
	struct json *json = json_parse(answer->body, answer->bytes, fault);
	bool is_true = json_true(json, "");

	(void)result, (void)reply;
	if (json && !is_true)
		fault_set(fault, FAULT_ENV, "an answer other than true");
	json_free(json);
	return is_true;
}

/* ---- the requests --------------------------------------------------------------------------- */

struct oc_call *
opencode_health(struct opencode *server, oc_done *done, void *arg)
{
	static const struct route route = {
	    FP_REQUEST_HEALTH, "GET", HEALTH_DEADLINE_MS, true, decode_health, fini_health};
	struct buf path = path_in("/global/health", NULL);

	return start(server, &route, &path, NULL, done, arg);
}

struct oc_call *
opencode_create(
    struct opencode *server, const struct oc_new_session *session, oc_done *done, void *arg)
{
	static const struct route route = {
	    FP_REQUEST_CREATE, "POST", CREATE_DEADLINE_MS, false, decode_session, fini_session};
	struct buf path = path_in("/session", session->directory);

	return start(server, &route, &path, session_body(session), done, arg);
}

struct oc_call *
opencode_search(struct opencode *server, const char *directory, const char *word, int64_t since_ms,
    oc_done *done, void *arg)
{
	static const struct route route = {
	    FP_REQUEST_SEARCH, "GET", QUERY_DEADLINE_MS, false, decode_sessions, fini_sessions};
	struct buf path = path_in("/session", directory);

	buf_printf(&path, "%sstart=%" PRId64 "&limit=%d&search=", directory ? "&" : "?", since_ms,
	    SEARCH_LIMIT);
	oc_add_encoded(&path, word);
	return start(server, &route, &path, NULL, done, arg);
}

struct oc_call *
opencode_session(struct opencode *server, const char *id, oc_done *done, void *arg)
{
	static const struct route route = {
	    FP_REQUEST_SESSION, "GET", QUERY_DEADLINE_MS, false, decode_session, fini_session};
	struct buf path = session_path(id, "", NULL);

	return start(server, &route, &path, NULL, done, arg);
}

struct oc_call *
opencode_children(struct opencode *server, const char *id, oc_done *done, void *arg)
{
	static const struct route route = {
	    FP_REQUEST_CHILDREN, "GET", QUERY_DEADLINE_MS, false, decode_sessions, fini_sessions};
	struct buf path = session_path(id, "/children", NULL);

	return start(server, &route, &path, NULL, done, arg);
}

struct oc_call *
opencode_prompt(struct opencode *server, const struct oc_prompt *prompt, oc_done *done, void *arg)
{
	static const struct route route = {
	    FP_REQUEST_PROMPT, "POST", PROMPT_DEADLINE_MS, false, decode_nothing, NULL};
	struct buf path = session_path(prompt->session_id, "/prompt_async", prompt->directory);

	return start(server, &route, &path, prompt_body(prompt), done, arg);
}

struct oc_call *
opencode_statuses(struct opencode *server, const char *directory, oc_done *done, void *arg)
{
	static const struct route route = {
	    FP_REQUEST_STATUSES, "GET", QUERY_DEADLINE_MS, false, decode_statuses, fini_statuses};
	struct buf path = path_in("/session/status", directory);

	return start(server, &route, &path, NULL, done, arg);
}

struct oc_call *
opencode_agents(struct opencode *server, const char *directory, oc_done *done, void *arg)
{
	static const struct route route = {
	    FP_REQUEST_AGENTS, "GET", QUERY_DEADLINE_MS, false, decode_agents, fini_agents};
	struct buf path = path_in("/agent", directory);

	return start(server, &route, &path, NULL, done, arg);
}

struct oc_call *
opencode_models(struct opencode *server, const char *directory, oc_done *done, void *arg)
{
	static const struct route route = {
	    FP_REQUEST_MODELS, "GET", QUERY_DEADLINE_MS, false, decode_models, fini_models};
	struct buf path = path_in("/config/providers", directory);

	return start(server, &route, &path, NULL, done, arg);
}

struct oc_call *
opencode_abort(struct opencode *server, const char *session_id, const char *directory,
    oc_done *done, void *arg)
{
	static const struct route route = {
	    FP_REQUEST_ABORT, "POST", ABORT_DEADLINE_MS, false, decode_true, NULL};
	struct buf path = session_path(session_id, "/abort", directory);

	return start(server, &route, &path, NULL, done, arg);
}

struct oc_call *
opencode_delete(struct opencode *server, const char *session_id, oc_done *done, void *arg)
{
	static const struct route route = {
	    FP_REQUEST_DELETE, "DELETE", QUERY_DEADLINE_MS, false, decode_true, NULL};
	struct buf path = session_path(session_id, "", NULL);

	return start(server, &route, &path, NULL, done, arg);
}

struct oc_call *
opencode_permissions(struct opencode *server, const char *directory, oc_done *done, void *arg)
{
	static const struct route route = {FP_REQUEST_PERMISSIONS, "GET", QUERY_DEADLINE_MS, false,
	    decode_permissions, fini_permissions};
	struct buf path = path_in("/permission", directory);

	return start(server, &route, &path, NULL, done, arg);
}

struct oc_call *
opencode_questions(struct opencode *server, const char *directory, oc_done *done, void *arg)
{
	static const struct route route = {FP_REQUEST_QUESTIONS, "GET", QUERY_DEADLINE_MS, false,
	    decode_questions, fini_questions};
	struct buf path = path_in("/question", directory);

	return start(server, &route, &path, NULL, done, arg);
}

static struct buf
ask_path(const char *route, const char *id, const char *tail, const char *directory)
{
	struct buf path = {0};

	buf_puts(&path, route);
	oc_add_encoded(&path, id);
	buf_puts(&path, tail);
	add_directory(&path, directory);
	return path;
}

struct oc_call *
opencode_permission_reply(struct opencode *server, const char *directory, const char *id,
    const char *reply, const char *message, oc_done *done, void *arg)
{
	static const struct route route = {
	    FP_REQUEST_PERMIT, "POST", QUERY_DEADLINE_MS, false, decode_true, NULL};
	struct buf path = ask_path("/permission/", id, "/reply", directory);

	return start(server, &route, &path, permission_body(reply, message), done, arg);
}

struct oc_call *
opencode_question_reply(struct opencode *server, const char *directory, const char *id,
    const char *answers, oc_done *done, void *arg)
{
	static const struct route route = {
	    FP_REQUEST_ANSWER, "POST", QUERY_DEADLINE_MS, false, decode_true, NULL};
	struct buf path = ask_path("/question/", id, answers ? "/reply" : "/reject", directory);

	return start(server, &route, &path, answers ? answers_body(answers) : NULL, done, arg);
}
