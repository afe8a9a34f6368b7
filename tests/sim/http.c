/*
 * The wire: src/opencode/http.h in virtual time. A request travels to its server, which answers at
 * once, and the answer travels back; on the way either may be held up or lost. What was sent by a
 * life that has died arrives all the same.
 */
#include "opencode/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "world.h"

#define HEARTBEAT_US (10 * SECOND)

/* An event on its way to a stream. */
struct heard {
	struct heard *next;
	int64_t at_us;
	char *data;
};

struct http_call {
	struct http_call *next;
	struct http *http;
	struct request *request; /* NULL: it has arrived, or is a stream */
	char *where;
	int process; /* that it went to; -1: nobody is there */
	int64_t ends_us, idle_us, heartbeat_us;
	bool is_stream, is_inside, is_cancelled;
	enum http_trouble trouble;
	char *why;
	int status;
	const char *type;
	char cursor[ID_SIZE];
	char *body;
	struct heard *first, **last;
	http_event *on_event;
	http_done *done;
	void *arg;
};

struct http {
	struct http_call *calls;
};

static struct http *only; /* a life has one */

struct http *
http_new(struct ev_loop *loop)
{
	(void)loop;
	only = xcalloc(1, sizeof(*only));
	return only;
}

bool
http_is_loopback(const char *url)
{
	return strncmp(url, "http://127.", 11) == 0;
}

/* ---- calls ---------------------------------------------------------------------------------- */

static void
call_free(struct http_call *call)
{
	while (call->first) {
		struct heard *heard = call->first;
		call->first = heard->next;
		free(heard->data);
		free(heard);
	}
	free(call->where);
	free(call->why);
	free(call->body);
	free(call);
}

static void
unlink_call(struct http_call *call)
{
	struct http_call **at = &call->http->calls;
	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
}

void
http_cancel(struct http_call *call)
{
	if (!call || call->is_cancelled)
		return;
	if (call->request)
		call->request->call = NULL;
	call->is_cancelled = true;
	if (call->is_inside)
		return;
	unlink_call(call);
	call_free(call);
}

void
http_free(struct http *http)
{
	while (http->calls)
		http_cancel(http->calls);
	free(http);
	only = NULL;
}

static const char *
path_of(const char *url)
{
	const char *host = strstr(url, "://");
	const char *path = strchr(host ? host + 3 : url, '/');
	return path ? path : "";
}

static struct http_call *
call_new(struct http *http, const struct http_request *r, http_done *done, void *arg)
{
	struct http_call *call = xcalloc(1, sizeof(*call));
	const char *path = path_of(r->url);
	struct http_call **last = &http->calls;
	while (*last)
		last = &(*last)->next;
	*last = call;
	call->http = http;
	call->where = xasprintf("%s %.*s", r->method, (int)strcspn(r->url, "?"), r->url);
	call->process = process_at(r->url, (size_t)(path - r->url));
	call->last = &call->first;
	call->type = "";
	call->done = done;
	call->arg = arg;
	w->total_requests++;
	return call;
}

static void
end_at(struct http_call *call, int64_t at_us, enum http_trouble trouble, const char *why)
{
	call->ends_us = at_us;
	call->trouble = trouble;
	free(call->why);
	call->why = *why ? xasprintf("%s: %s", call->where, why) : xstrdup("");
}

/* ---- a request ------------------------------------------------------------------------------ */

int64_t
wire_latency_us(void)
{
	if (!w->plan.latency_ms)
		return 5 * MS;
	return 200 + world_upto(w->plan.latency_ms * MS);
}

static enum fate
choose_fate(const char *path)
{
	const struct plan *p = &w->plan;
	if (w->now_us < w->broken_us && strncmp(path, "/session/status", 15) == 0)
		return FATE_500;
	if (world_is_calm())
		return FATE_GOOD;
	if (world_happens(p->lost))
		return FATE_LOST;
	if (world_happens(p->cut))
		return FATE_CUT;
	if (!world_happens(p->bad))
		return FATE_GOOD;
	return world_happens(400) ? FATE_500 : world_happens(500) ? FATE_500_DONE : FATE_PAGE;
}

static struct request *
request_new(void)
{
	for (int i = 0; i < MAX_REQUESTS; i++) {
		if (!w->request[i].is_used)
			return &w->request[i];
	}
	broken("more than %d requests are under way", MAX_REQUESTS);
	return &w->request[0];
}

static void
send(struct http_call *call, const struct http_request *r)
{
	struct request *q = request_new();
	*q = (struct request){.is_used = true, .life = w->life, .process = call->process};
	q->call = call;
	q->arrives_us = w->now_us + wire_latency_us();
	if (w->plan.late_session_ms && strcmp(r->method, "POST") == 0 &&
	    strncmp(path_of(r->url), "/session?", 9) == 0) {
		q->arrives_us += w->plan.late_session_ms * MS;
		w->plan.late_session_ms = 0;
	}
	q->fate = choose_fate(path_of(r->url));
	snprintf(q->method, sizeof(q->method), "%s", r->method);
	snprintf(q->path, sizeof(q->path), "%s", path_of(r->url));
	snprintf(q->password, sizeof(q->password), "%s", r->password ? r->password : "");
	if (r->body && strlen(r->body) >= sizeof(q->body))
		broken("a body of %zu bytes", strlen(r->body));
	snprintf(q->body, sizeof(q->body), "%s", r->body ? r->body : "");
	call->request = q;
}

static void
check_prompt(const char *path)
{
	char id[ID_SIZE];
	if (strstr(path, "/prompt_async") && sscanf(path, "/session/%39[^/]", id) == 1)
		check_sending(id);
}

struct http_call *
http_start(struct http *http, const struct http_request *r, http_done *done, void *arg)
{
	struct http_call *call = call_new(http, r, done, arg);
	check_prompt(path_of(r->url));
	if (call->process < 0) {
		end_at(call, w->now_us + 1 * MS, HTTP_UNREACHABLE, "connection refused");
		return call;
	}
	end_at(call, w->now_us + r->deadline_ms * MS, HTTP_BROKEN, "timed out");
	send(call, r);
	return call;
}

static void
trace_answer(const struct request *q, const struct answer *a)
{
	static const char *const fates[FATES] = {[FATE_GOOD] = "",
	    [FATE_LOST] = " (lost)",
	    [FATE_CUT] = " (its answer is lost)",
	    [FATE_500] = " (nothing done)",
	    [FATE_500_DONE] = " (done)",
	    [FATE_PAGE] = " (a page)"};
	char *line = xasprintf("%s %s -> %d%s", q->method, q->path, a->status, fates[q->fate]);
	trace_request(line);
	free(line);
}

/* Its answer is under way; one that is slow may come after the deadline. */
void
http_arrived(struct request *q, struct answer *a)
{
	struct http_call *call = q->call;
	int64_t back_us = w->now_us + wire_latency_us();
	call->request = NULL;
	trace_answer(q, a);
	if (!a->status) /* nobody was there, or it was lost */
		return;
	if (!world_is_calm() && world_happens(w->plan.slow))
		back_us += world_upto(90 * SECOND);
	if (q->fate == FATE_CUT) {
		end_at(call, back_us, HTTP_BROKEN, "the answer was cut off");
		return;
	}
	if (back_us > call->ends_us)
		return;
	end_at(call, back_us, HTTP_ANSWERED, "");
	call->status = a->status;
	call->type = a->type;
	memcpy(call->cursor, a->cursor, sizeof(call->cursor));
	call->body = buf_take(&a->body);
}

/* ---- streams -------------------------------------------------------------------------------- */

static void
queue(struct http_call *call, int64_t at_us, const char *data)
{
	struct heard *heard = xcalloc(1, sizeof(*heard));
	heard->at_us = at_us;
	heard->data = xstrdup(data);
	*call->last = heard;
	call->last = &heard->next;
}

struct http_call *
http_stream(struct http *http, const struct http_request *r, http_event *on_event, http_done *done,
    void *arg)
{
	struct http_call *call = call_new(http, r, done, arg);
	call->is_stream = true;
	call->on_event = on_event;
	call->idle_us = r->idle_ms * MS;
	call->heartbeat_us = NEVER;
	if (call->process < 0) {
		end_at(call, w->now_us + 1 * MS, HTTP_UNREACHABLE, "connection refused");
		return call;
	}
	end_at(call, w->now_us + r->deadline_ms * MS, HTTP_BROKEN, "timed out");
	if (process_is_wedged(call->process) || choose_fate("") != FATE_GOOD)
		return call;
	call->heartbeat_us = w->now_us + HEARTBEAT_US;
	queue(call, w->now_us + wire_latency_us(),
	    "{\"payload\":{\"id\":\"evt_0\",\"type\":\"server.connected\",\"properties\":{}}}");
	return call;
}

static bool
hears(const struct http_call *call, int process)
{
	return call->is_stream && call->process == process && call->heartbeat_us != NEVER &&
	       !process_is_wedged(process);
}

/* In the order in which they were said. */
void
http_hear(int process, const char *data)
{
	for (struct http_call *call = only ? only->calls : NULL; call; call = call->next) {
		if (!hears(call, process) || (!world_is_calm() && world_happens(w->plan.deaf)))
			continue;
		int64_t at_us = w->now_us + wire_latency_us();
		for (const struct heard *h = call->first; h; h = h->next) {
			if (h->at_us > at_us)
				at_us = h->at_us;
		}
		queue(call, at_us, data);
	}
}

void
http_cut_streams(void)
{
	for (struct http_call *call = only ? only->calls : NULL; call; call = call->next) {
		if (call->is_stream)
			end_at(call, w->now_us, HTTP_BROKEN, "the connection was lost");
	}
}

void
http_process_died(int process)
{
	for (struct http_call *call = only ? only->calls : NULL; call; call = call->next) {
		if (call->process == process)
			end_at(call, w->now_us + 1 * MS, HTTP_BROKEN, "the connection was lost");
	}
}

static void
beat(struct http_call *call)
{
	call->heartbeat_us += HEARTBEAT_US;
	if (!process_is_wedged(call->process))
		queue(call, w->now_us,
		    "{\"payload\":{\"id\":\"evt_0\",\"type\":\"server.heartbeat\","
		    "\"properties\":{}}}");
}

/* ---- deliveries ----------------------------------------------------------------------------- */

static int64_t
due_us(const struct http_call *call)
{
	int64_t due = call->ends_us;
	if (call->first && call->first->at_us < due)
		due = call->first->at_us;
	if (call->is_stream && call->heartbeat_us < due)
		due = call->heartbeat_us;
	return due;
}

int64_t
http_next_us(void)
{
	int64_t next = NEVER;
	for (const struct http_call *call = only ? only->calls : NULL; call; call = call->next) {
		if (due_us(call) < next)
			next = due_us(call);
	}
	return next;
}

static void
deliver_event(struct http_call *call)
{
	struct heard *heard = call->first;
	call->first = heard->next;
	if (!call->first)
		call->last = &call->first;
	end_at(call, w->now_us + call->idle_us, HTTP_BROKEN, "silent for too long");
	call->is_inside = true;
	call->on_event(call->arg, heard->data, strlen(heard->data));
	call->is_inside = false;
	free(heard->data);
	free(heard);
	if (call->is_cancelled) {
		unlink_call(call);
		call_free(call);
	}
}

static void
deliver_end(struct http_call *call)
{
	struct http_answer answer = {.trouble = call->trouble,
	    .where = call->where,
	    .sentence = call->why,
	    .type = call->type,
	    .status = call->trouble == HTTP_ANSWERED ? call->status : 0,
	    .cursor = *call->cursor ? call->cursor : NULL,
	    .body = call->body ? call->body : ""};
	answer.bytes = strlen(answer.body);
	if (call->request)
		call->request->call = NULL;
	call->request = NULL;
	unlink_call(call);
	call->is_inside = true;
	call->done(call->arg, &answer);
	call_free(call);
}

void
http_run(void)
{
	struct http_call *call = only ? only->calls : NULL;
	while (call) {
		if (due_us(call) > w->now_us) {
			call = call->next;
			continue;
		}
		if (call->first && call->first->at_us <= w->now_us)
			deliver_event(call);
		else if (call->ends_us <= w->now_us)
			deliver_end(call);
		else
			beat(call);
		call = only ? only->calls : NULL; /* the list may be another one now */
	}
}
