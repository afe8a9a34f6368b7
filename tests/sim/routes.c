/*
 * OpenCode's routes, as far as vigil uses them: a request that has arrived, and its answer in JSON
 * as the real one writes it. tests/e2e/sim.test.js compares the two.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "world.h"

/* ---- writing -------------------------------------------------------------------------------- */

void
add_quoted(struct buf *out, const char *text)
{
	buf_puts(out, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_printf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			buf_printf(out, "\\u%04x", (unsigned)(unsigned char)*text);
		else
			buf_add(out, text, 1);
	}
	buf_puts(out, "\"");
}

void
add_session(struct buf *out, int session)
{
	const struct session *s = &w->session[session];
	buf_printf(out, "{\"id\":\"%s\",\"slug\":\"quiet-sim\",\"projectID\":\"global\",", s->id);
	if (s->parent >= 0)
		buf_printf(out, "\"parentID\":\"%s\",", w->session[s->parent].id);
	buf_puts(out, "\"directory\":");
	add_quoted(out, s->directory);
	buf_puts(out, ",\"title\":");
	add_quoted(out, s->title);
	buf_printf(out,
	    ",\"version\":\"1.18.33\",\"time\":{\"created\":%" PRId64 ",\"updated\":%" PRId64 "}}",
	    s->created_ms, s->created_ms);
}

static void
add_error(struct buf *out, const struct message *m)
{
	if (m->error_name)
		buf_printf(out, ",\"error\":{\"name\":\"%s\",\"data\":{\"message\":\"%s\"}}",
		    m->error_name, m->error_text);
}

void
add_message_info(struct buf *out, const struct message *m)
{
	const struct session *s = &w->session[m->session];
	buf_printf(out, "{\"id\":\"%s\",\"sessionID\":\"%s\",\"role\":\"%s\",\"agent\":\"%s\",",
	    m->id, s->id, m->from_user ? "user" : "assistant",
	    m->is_summary ? "compaction" : s->agent);
	if (m->from_user) {
		buf_printf(out,
		    "\"time\":{\"created\":%" PRId64
		    "},\"model\":{\"providerID\":\"offline\",\"modelID\":\"echo\"}}",
		    m->created_ms);
		return;
	}
	buf_printf(out,
	    "\"parentID\":\"%s\",\"mode\":\"%s\",\"providerID\":\"offline\",\"modelID\":\"echo\","
	    "\"time\":{\"created\":%" PRId64,
	    m->parent, m->is_summary ? "compaction" : s->agent, m->created_ms);
	if (m->completed_ms)
		buf_printf(out, ",\"completed\":%" PRId64, m->completed_ms);
	buf_puts(out, "},\"cost\":0,\"tokens\":{\"input\":100,\"output\":20,\"reasoning\":0,"
		      "\"cache\":{\"read\":0,\"write\":0}}");
	if (m->finish)
		buf_printf(out, ",\"finish\":\"%s\"", m->finish);
	if (m->is_summary)
		buf_puts(out, ",\"summary\":true");
	add_error(out, m);
	buf_puts(out, "}");
}

static void
add_tool(struct buf *out, enum tool tool)
{
	static const char *const states[] = {[TOOL_RUNNING] = "\"status\":\"running\"",
	    [TOOL_DONE] = "\"status\":\"completed\",\"output\":\"\"",
	    [TOOL_REJECTED] = "\"status\":\"error\",\"error\":\"The user rejected permission to "
			      "use this specific tool call.\"",
	    [TOOL_TOLD] = "\"status\":\"error\",\"error\":\"The user rejected permission to use "
			  "this specific tool call with the following feedback: no\""};
	buf_printf(out, ",{\"type\":\"tool\",\"tool\":\"bash\",\"state\":{%s}}", states[tool]);
}

static void
add_parts(struct buf *out, const struct message *m)
{
	if (m->is_compaction) {
		buf_puts(out, "[{\"type\":\"compaction\",\"auto\":true}]");
		return;
	}
	buf_puts(out, m->from_user ? "[" : "[{\"type\":\"step-start\"},");
	buf_printf(out, "{\"id\":\"%s\",\"messageID\":\"%s\",", m->part_id, m->id);
	buf_puts(out, "\"type\":\"text\",\"text\":");
	add_quoted(out, m->text);
	buf_puts(out, m->is_synthetic ? ",\"synthetic\":true}" : "}");
	if (m->tool != TOOL_NONE)
		add_tool(out, m->tool);
	buf_puts(out, "]");
}

/* ---- requests, taken apart ------------------------------------------------------------------ */

struct asked {
	int process;
	const struct request *request;
	char path[200], directory[64], search[200], before[ID_SIZE];
	int limit;
	struct json *body;
	struct answer *answer;
};

static void
decode(const char *from, size_t bytes, char *out, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < bytes && n + 1 < size; i++) {
		char hex[3] = "";
		if (from[i] == '%' && i + 2 < bytes) {
			memcpy(hex, from + i + 1, 2);
			out[n++] = (char)strtol(hex, NULL, 16);
			i += 2;
		} else {
			out[n++] = from[i];
		}
	}
	out[n] = '\0';
}

/* The value of a name in the query; "" if it is not there. */
static void
take_query(const char *path, const char *name, char *out, size_t size)
{
	size_t length = strlen(name);
	*out = '\0';
	for (const char *at = strpbrk(path, "?"); at; at = strchr(at, '&')) {
		at++;
		if (strncmp(at, name, length) == 0 && at[length] == '=')
			decode(at + length + 1, strcspn(at + length + 1, "&"), out, size);
	}
}

static void
take_apart(struct asked *a)
{
	const char *path = a->request->path;
	char limit[16];
	struct fault ignored;
	decode(path, strcspn(path, "?"), a->path, sizeof(a->path));
	take_query(path, "directory", a->directory, sizeof(a->directory));
	take_query(path, "search", a->search, sizeof(a->search));
	take_query(path, "before", a->before, sizeof(a->before));
	take_query(path, "limit", limit, sizeof(limit));
	a->limit = (int)strtol(limit, NULL, 10);
	if (*a->request->body)
		a->body = json_parse(a->request->body, strlen(a->request->body), &ignored);
}

static bool
is_here(const struct asked *a, int session)
{
	return !*a->directory || strcmp(w->session[session].directory, a->directory) == 0;
}

static void
say(struct asked *a, const char *json)
{
	buf_puts(&a->answer->body, json);
}

static void
refuse(struct asked *a, int status, const char *name, const char *message, const char *what)
{
	a->answer->status = status;
	buf_printf(&a->answer->body, "{\"name\":\"%s\",\"data\":{\"message\":\"%s%s\"}}", name,
	    message, what);
}

/* ---- the routes ----------------------------------------------------------------------------- */

typedef void route(struct asked *, int session);

static void
get_health(struct asked *a, int session)
{
	(void)session;
	say(a, "{\"healthy\":true,\"version\":\"1.18.33\"}");
}

static void
get_agents(struct asked *a, int session)
{
	(void)session;
	say(a, "[{\"name\":\"build\",\"mode\":\"primary\",\"hidden\":null},"
	       "{\"name\":\"compaction\",\"mode\":\"primary\",\"hidden\":true},"
	       "{\"name\":\"explore\",\"mode\":\"subagent\",\"hidden\":null},"
	       "{\"name\":\"general\",\"mode\":\"subagent\",\"hidden\":null},"
	       "{\"name\":\"plan\",\"mode\":\"primary\",\"hidden\":null},"
	       "{\"name\":\"summary\",\"mode\":\"primary\",\"hidden\":true},"
	       "{\"name\":\"title\",\"mode\":\"primary\",\"hidden\":true}]");
}

static void
get_providers(struct asked *a, int session)
{
	(void)session;
	say(a, "{\"providers\":[{\"id\":\"offline\",\"name\":\"Offline\",\"models\":{"
	       "\"echo\":{\"id\":\"echo\",\"variants\":{}},"
	       "\"echo2\":{\"id\":\"echo2\",\"variants\":{\"high\":{}}}}}],"
	       "\"default\":{\"offline\":\"echo2\"}}");
}

static void
list_sessions(struct asked *a, int parent)
{
	const char *comma = "";
	say(a, "[");
	for (int i = 0; i < w->session_count; i++) {
		const struct session *s = &w->session[i];
		bool fits = parent >= 0 ? s->parent == parent
					: is_here(a, i) && strstr(s->title, a->search) != NULL;
		if (!s->is_there || !fits)
			continue;
		say(a, comma);
		add_session(&a->answer->body, i);
		comma = ",";
	}
	say(a, "]");
}

static void
get_sessions(struct asked *a, int session)
{
	(void)session;
	list_sessions(a, -1);
}

static void
get_statuses(struct asked *a, int session)
{
	const char *comma = "";
	(void)session;
	say(a, "{");
	for (int i = 0; i < MAX_TURNS; i++) {
		const struct turn *t = &w->turn[i];
		const char *word = status_word(t);
		if (!word || t->process != a->process || !is_here(a, t->session))
			continue;
		buf_printf(&a->answer->body, "%s\"%s\":{\"type\":\"%s\"%s}", comma,
		    w->session[t->session].id, word,
		    *word == 'r' ? ",\"attempt\":1,\"message\":\"overloaded\",\"next\":0" : "");
		comma = ",";
	}
	say(a, "}");
}

static void
list_asks(struct asked *a, bool questions)
{
	const char *comma = "";
	say(a, "[");
	for (int i = 0; i < w->ask_count; i++) {
		const struct ask *ask = &w->ask[i];
		if (!ask->is_open || ask->is_question != questions || ask->process != a->process ||
		    !is_here(a, ask->session))
			continue;
		buf_printf(&a->answer->body, "%s{\"id\":\"%s\",\"sessionID\":\"%s\",%s}", comma,
		    ask->id, w->session[ask->session].id,
		    questions ? "\"questions\":[{\"question\":\"Which?\",\"options\":[{\"label\":"
				"\"A\"},{\"label\":\"B\"}]}]"
			      : "\"permission\":\"external_directory\",\"patterns\":[\"/etc/*\"],"
				"\"metadata\":{\"filepath\":\"/etc/hostname\"}");
		comma = ",";
	}
	say(a, "]");
}

static void
get_permissions(struct asked *a, int session)
{
	(void)session;
	list_asks(a, false);
}

static void
get_questions(struct asked *a, int session)
{
	(void)session;
	list_asks(a, true);
}

static void
post_session(struct asked *a, int session)
{
	const char *title = json_text(a->body, "title"), *parent = json_text(a->body, "parentID");
	struct buf info = {0};
	session = session_new(*a->directory ? a->directory : "/", title ? title : "New session",
	    json_text(a->body, "agent"), parent ? session_find(parent) : -1);
	add_session(&a->answer->body, session);
	add_session(&info, session);
	emit(a->process, w->session[session].directory, "session.created",
	    "\"sessionID\":\"%s\",\"info\":%s", w->session[session].id, buf_text(&info));
	buf_free(&info);
}

static void
get_session(struct asked *a, int session)
{
	add_session(&a->answer->body, session);
}

static void
get_children(struct asked *a, int session)
{
	list_sessions(a, session);
}

/* A session's messages by the wall clock; how many. */
static int
sort_messages(int session, const struct message *sorted[MAX_MESSAGES])
{
	int count = 0;
	for (int i = 0; i < w->message_count; i++) {
		const struct message *m = &w->message[i];
		int at = count;
		if (m->session != session)
			continue;
		for (; at > 0 && sorted[at - 1]->created_ms > m->created_ms; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = m;
		count++;
	}
	return count;
}

/* The newest `limit` before the cursor; the cursor of what is older. */
static void
get_messages(struct asked *a, int session)
{
	const struct message *sorted[MAX_MESSAGES];
	int count = sort_messages(session, sorted), end = 0, first;
	while (end < count && strcmp(sorted[end]->id, a->before) != 0)
		end++;
	first = a->limit && end > a->limit ? end - a->limit : 0;
	if (first > 0)
		snprintf(a->answer->cursor, ID_SIZE, "%s", sorted[first]->id);
	say(a, "[");
	for (int i = first; i < end; i++) {
		say(a, i > first ? ",{\"info\":" : "{\"info\":");
		add_message_info(&a->answer->body, sorted[i]);
		say(a, ",\"parts\":");
		add_parts(&a->answer->body, sorted[i]);
		say(a, "}");
	}
	say(a, "]");
}

static void
post_prompt(struct asked *a, int session)
{
	const struct json *part = json_first(json_at(a->body, "parts"));
	turn_prompt(a->process, session, json_text(a->body, "messageID"), json_text(part, "id"),
	    json_text(part, "text"));
	a->answer->status = 204;
}

static void
post_abort(struct asked *a, int session)
{
	if (session >= 0)
		turn_abort(a->process, session);
	say(a, "true");
}

static void
delete_session(struct asked *a, int session)
{
	session_delete(a->process, session);
	say(a, "true");
}

/* /permission/ID/reply, /question/ID/reply, /question/ID/reject */
static void
post_reply(struct asked *a, int session)
{
	char id[ID_SIZE] = "";
	const char *reply = json_text(a->body, "reply"), *tail = strrchr(a->path, '/');
	(void)session;
	(void)sscanf(a->path, "/%*[a-z]/%39[^/]", id);
	for (int i = 0; i < w->ask_count; i++) {
		struct ask *ask = &w->ask[i];
		if (strcmp(ask->id, id) != 0 || ask->process != a->process || !ask->is_open)
			continue;
		(void)turn_reply(ask,
		    strcmp(tail, "/reject") == 0 || (reply && strcmp(reply, "reject") == 0),
		    json_text(a->body, "message") != NULL);
		say(a, "true");
		return;
	}
	bool is_question = strncmp(a->path, "/question/", 10) == 0;
	a->answer->status = 404;
	buf_printf(&a->answer->body,
	    "{\"_tag\":\"%sNotFoundError\",\"requestID\":\"%s\",\"message\":\"%s request not "
	    "found: %s\"}",
	    is_question ? "Question" : "Permission", id, is_question ? "Question" : "Permission",
	    id);
}

static const struct {
	const char *method, *path; /* '*': a session's id, or an ask's */
	route *route;
} routes[] = {
    {"GET", "/global/health", get_health},
    {"GET", "/agent", get_agents},
    {"GET", "/config/providers", get_providers},
    {"GET", "/session", get_sessions},
    {"GET", "/session/status", get_statuses},
    {"GET", "/permission", get_permissions},
    {"GET", "/question", get_questions},
    {"POST", "/session", post_session},
    {"POST", "/permission/*/reply", post_reply},
    {"POST", "/question/*/reply", post_reply},
    {"POST", "/question/*/reject", post_reply},
    {"GET", "/session/*", get_session},
    {"DELETE", "/session/*", delete_session},
    {"GET", "/session/*/children", get_children},
    {"GET", "/session/*/message", get_messages},
    {"POST", "/session/*/prompt_async", post_prompt},
    {"POST", "/session/*/abort", post_abort},
};

/* Where they fit, *id is what stands at the star. */
static bool
fits(const char *path, const char *pattern, char id[ID_SIZE])
{
	size_t before = strcspn(pattern, "*");
	*id = '\0';
	if (!pattern[before])
		return strcmp(path, pattern) == 0;
	if (strncmp(path, pattern, before) != 0)
		return false;
	size_t length = strcspn(path + before, "/");
	if (length >= ID_SIZE)
		return false;
	memcpy(id, path + before, length);
	id[length] = '\0';
	return strcmp(path + before + length, pattern + before + 1) == 0;
}

static void
dispatch(struct asked *a)
{
	char id[ID_SIZE];
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
		if (strcmp(routes[i].method, a->request->method) != 0 ||
		    !fits(a->path, routes[i].path, id))
			continue;
		bool is_session = *id && strncmp(a->path, "/session/", 9) == 0;
		int session = is_session ? session_find(id) : -1;
		if (is_session && session < 0 && routes[i].route != post_abort)
			refuse(a, 404, "NotFoundError", "Session not found: ", id);
		else
			routes[i].route(a, session);
		return;
	}
	broken("a request that OpenCode does not know: %s %s", a->request->method, a->path);
}

void
routes_answer(int process, const struct request *request, struct answer *answer)
{
	struct asked a = {.process = process, .request = request, .answer = answer};
	answer->status = 200;
	answer->type = "application/json";
	if (strcmp(request->password, w->process[process].password) != 0) {
		answer->status = 401;
		return;
	}
	if (request->fate == FATE_500) {
		refuse(&a, 500, "UnknownError", "out of order", "");
		return;
	}
	if (request->fate == FATE_PAGE) {
		answer->type = "text/html";
		say(&a, "<!doctype html>");
		return;
	}
	take_apart(&a);
	dispatch(&a);
	json_free(a.body);
	if (request->fate == FATE_500_DONE) {
		buf_clear(&answer->body);
		refuse(&a, 500, "UnknownError", "out of order, but done", "");
	}
}
