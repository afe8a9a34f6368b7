/*
 * HTTP by libcurl's multi interface on a libev loop: see http.h.
 *
 * curl's own callbacks only buffer. When curl_multi_socket_action() has returned, settle() calls
 * back whoever has something to hear: so no callback of a user ever runs inside curl, where a
 * handle may not be removed, nor inside a starter.
 *
 * A call is in one list at a time:
 *
 *                                 bytes of a stream
 *                              .--------------------.
 *                              v                    |
 *   http_start -> waiting -> active  ------------> ready -> delivered, freed
 *
 * Waiting calls have no curl handle yet, and so cost no more than their text. Their deadline has
 * not begun either: those before them have one, so every turn comes. Every server has a
 * lane of its own: one that hangs holds up nobody else.
 */
#include "opencode/http.h"

#include <curl/curl.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/secret.h"
#include "base/when.h"
#include "opencode/sse.h"

#define CONNECT_TIMEOUT_MS 10000L
#define HEADERS_LIMIT (64 * 1024) /* bytes of all header lines of one answer */

enum {
	LANE_WIDTH = 32,       /* requests under way at one server; streams come on top */
	KEPT_CONNECTIONS = 64, /* of all servers together, busy ones included */
};

TAILQ_HEAD(call_list, http_call);

/* One server. */
struct lane {
	struct lane *next;
	char *origin; /* "http://127.0.0.1:4096" */
	bool loopback;
	int busy; /* calls that count against LANE_WIDTH */
	struct call_list waiting;
};

struct http {
	struct ev_loop *loop;
	CURLM *multi;
	ev_timer timer; /* curl's */
	struct lane *lanes;
	struct call_list active, ready;
	struct curl_slist *headers, *stream_headers;
};

struct http_call {
	TAILQ_ENTRY(http_call) link;
	struct call_list *list; /* the one it is in; NULL while it is delivered */
	struct http *http;
	struct lane *lane;
	ev_timer timer; /* until it is asked again; the deadline; then a stream's idle time */

	char *method, *url, *where, *user, *password, *body;
	int64_t deadline_ms, idle_ms;
	int64_t repeat_ms; /* 0: not, or not any more */
	size_t answer_limit;
	bool fresh, is_stream;
	bool is_repeated;

	CURL *easy; /* NULL while waiting */
	char curl_words[CURL_ERROR_SIZE];
	struct buf answer; /* of a stream: what is not delivered yet */
	char *cursor;
	size_t header_bytes;
	struct sse sse;
	bool in_lane;   /* counted in lane->busy */
	bool headed;    /* the headers have come to their end */
	bool flowing;   /* a stream that has answered as it should */
	bool over;      /* nothing more will come; trouble and sentence are set */
	bool too_large; /* why our own callbacks made curl stop */
	bool cancelled; /* inside its own callback: silence, then freed */
	enum http_trouble trouble;
	char *sentence;

	http_event *on_event;
	http_done *done;
	void *arg;
};

/* A socket of curl's, watched. */
struct watch {
	ev_io io;
	struct http *http;
};

static void settle(struct http *);
static void wait_on(struct http_call *);

/* ---- calls and lists ------------------------------------------------------------------------ */

/* Into another list, or (NULL) into none. */
static void
move(struct http_call *call, struct call_list *to)
{
	if (call->list == to)
		return;
	if (call->list)
		TAILQ_REMOVE(call->list, call, link);
	if (to)
		TAILQ_INSERT_TAIL(to, call, link);
	call->list = to;
}

/* Out of its list; NULL if that is empty. */
static struct http_call *
take_first(struct call_list *list)
{
	struct http_call *call = TAILQ_FIRST(list);

	if (!call)
		return NULL;
	TAILQ_REMOVE(list, call, link);
	call->list = NULL;
	return call;
}

/* Lets go of curl's handle, with which the strings it lent go too. */
static void
drop_handle(struct http_call *call)
{
	if (!call->easy)
		return;
	curl_multi_remove_handle(call->http->multi, call->easy);
	curl_easy_cleanup(call->easy);
	call->easy = NULL;
}

static void
leave_lane(struct http_call *call)
{
	if (call->in_lane)
		call->lane->busy--;
	call->in_lane = false;
}

static void
call_free(struct http_call *call)
{
	move(call, NULL);
	ev_timer_stop(call->http->loop, &call->timer);
	drop_handle(call);
	leave_lane(call);
	sse_fini(&call->sse);
	buf_free(&call->answer);
	free(call->method);
	free(call->url);
	free(call->where);
	free(call->user);
	secret_free(call->password);
	free(call->body);
	free(call->cursor);
	free(call->sentence);
	free(call);
}

/* ---- sentences ------------------------------------------------------------------------------ */

/* The method and the URL, without its query and without a password that may be in it. */
static char *
say_where(const char *method, const char *url)
{
	const char *scheme_end = strstr(url, "://");
	const char *host = scheme_end ? scheme_end + 3 : url;
	const char *authority_end = host + strcspn(host, "/?#");
	const char *rest = host;

	for (const char *at = host; at < authority_end; at++)
		if (*at == '@')
			rest = at + 1;
	return xasprintf(
	    "%s %.*s%.*s", method, (int)(host - url), url, (int)strcspn(rest, "?#"), rest);
}

/* The end of a call that was not answered. The first reason stands. */
static void
fail(struct http_call *call, enum http_trouble trouble, const char *words)
{
	if (call->over)
		return;
	call->over = true;
	call->trouble = trouble;
	call->sentence = xasprintf("%s: %s", call->where, words);
	move(call, &call->http->ready);
}

/* Whether a single byte of the request went out: if not, nobody can have taken it. */
static bool
was_sent(const struct http_call *call)
{
	long sent = 0;

	if (call->easy)
		curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &sent);
	return sent > 0;
}

static void
fail_late(struct http_call *call)
{
	char words[128], span[32];
	const char *late = when_typed(call->flowing ? call->idle_ms : call->deadline_ms, span);

	if (call->flowing)
		snprintf(words, sizeof(words), "silent for %s", late);
	else if (was_sent(call))
		snprintf(words, sizeof(words), "no whole answer within %s", late);
	else
		snprintf(words, sizeof(words), "no connection within %s", late);
	fail(call, was_sent(call) ? HTTP_BROKEN : HTTP_UNREACHABLE, words);
}

static void
fail_large(struct http_call *call)
{
	char words[128];

	if (call->header_bytes > HEADERS_LIMIT)
		snprintf(
		    words, sizeof(words), "its headers are larger than %d bytes", HEADERS_LIMIT);
	else
		snprintf(words, sizeof(words), "the answer is larger than %zu bytes",
		    call->answer_limit);
	fail(call, HTTP_TOO_LARGE, words);
}

static void
fail_by_curl(struct http_call *call, CURLcode code)
{
	const char *words = call->curl_words[0] ? call->curl_words : curl_easy_strerror(code);
	long error = 0;

	curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &error);
	if (code == CURLE_COULDNT_CONNECT && error)
		words = strerror((int)error);
	fail(call, was_sent(call) ? HTTP_BROKEN : HTTP_UNREACHABLE, words);
}

/* curl is done with a call, one way or the other. */
static void
finish(struct http_call *call, CURLcode code)
{
	if (call->too_large || code == CURLE_FILESIZE_EXCEEDED)
		fail_large(call);
	else if (code != CURLE_OK)
		fail_by_curl(call, code);
	else if (call->flowing)
		fail(call, HTTP_BROKEN, "the server ended the stream");
	else if (!call->headed) /* curl takes "HTTP/1.1 204 No Content" and an end for an answer */
		fail(call, HTTP_BROKEN, "the answer was cut in its headers");
	call->over = true;
	move(call, &call->http->ready);
}

/* ---- delivery ------------------------------------------------------------------------------- */

static void
deliver_event(void *arg, const char *data, size_t bytes)
{
	struct http_call *call = arg;

	if (!call->cancelled)
		call->on_event(call->arg, data, bytes);
}

/* What a stream has brought since the last time. */
static void
deliver_stream(struct http_call *call)
{
	sse_feed(&call->sse, buf_text(&call->answer), call->answer.len, deliver_event, call);
	buf_clear(&call->answer);
}

static void
deliver_end(struct http_call *call)
{
	struct http_answer answer = {
	    .trouble = call->trouble,
	    .where = call->where,
	    .sentence = call->sentence ? call->sentence : "",
	    .type = "",
	    .cursor = call->cursor,
	    .body = "",
	};
	long status = 0;
	const char *type = NULL;

	if (call->trouble == HTTP_ANSWERED) {
		curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &type);
		answer.status = (int)status;
		answer.type = type ? type : "";
		answer.body = buf_text(&call->answer);
		answer.bytes = call->answer.len;
	}
	call->done(call->arg, &answer);
}

/* The call is in no list, which tells http_cancel() where it is called from. */
static void
deliver(struct http_call *call)
{
	if (call->over) { /* whoever waits in the lane need not wait for the callback */
		leave_lane(call);
		ev_timer_stop(call->http->loop, &call->timer);
		if (call->easy)
			curl_multi_remove_handle(call->http->multi, call->easy);
	}
	if (call->flowing)
		deliver_stream(call);
	if (call->over && !call->cancelled)
		deliver_end(call);
	if (call->over || call->cancelled)
		call_free(call);
	else
		move(call, &call->http->active);
}

/* ---- what curl calls: only buffers ---------------------------------------------------------- */

static bool
has_type(const struct http_call *call, const char *wanted)
{
	const char *type = NULL;

	curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &type);
	return type && strncasecmp(type, wanted, strlen(wanted)) == 0;
}

/* The headers are complete. Of a stream, it is silence that counts from now on. */
static void
end_headers(struct http_call *call)
{
	long status = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	call->headed = status >= 200; /* "100 Continue" and its like come before the answer */
	if (!call->is_stream || status != 200 || !has_type(call, "text/event-stream"))
		return;
	call->flowing = true;
	call->timer.repeat = (double)call->idle_ms / 1000;
	ev_timer_again(call->http->loop, &call->timer);
	move(call, &call->http->ready);
}

/* The value of a header, without blanks around it; NULL if the line is another one. */
static char *
header_value(const char *line, size_t bytes, const char *name)
{
	size_t length = strlen(name);

	if (bytes <= length || strncasecmp(line, name, length) != 0 || line[length] != ':')
		return NULL;
	line += length + 1, bytes -= length + 1;
	while (bytes > 0 && strchr(" \t", *line) && *line)
		line++, bytes--;
	while (bytes > 0 && strchr(" \t\r\n", line[bytes - 1]) && line[bytes - 1])
		bytes--;
	return xstrndup(line, bytes);
}

static size_t
on_header(char *line, size_t one, size_t bytes, void *arg)
{
	struct http_call *call = arg;
	char *cursor = header_value(line, bytes, "X-Next-Cursor");

	(void)one;
	if (cursor) {
		free(call->cursor);
		call->cursor = cursor;
	}
	call->header_bytes += bytes;
	if (call->header_bytes > HEADERS_LIMIT) {
		call->too_large = true;
		return 0;
	}
	if (line[0] == '\r' || line[0] == '\n')
		end_headers(call);
	return bytes;
}

static size_t
on_body(char *bytes, size_t one, size_t count, void *arg)
{
	struct http_call *call = arg;

	(void)one;
	if (!call->flowing && count > call->answer_limit - call->answer.len) {
		call->too_large = true;
		return 0;
	}
	buf_add(&call->answer, bytes, count);
	if (call->flowing) {
		ev_timer_again(call->http->loop, &call->timer);
		move(call, &call->http->ready);
	}
	return count;
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void
collect_finished(struct http *http)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left))) {
		char *owner = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
		finish((struct http_call *)(void *)owner, message->data.result);
	}
}

static void
act(struct http *http, curl_socket_t fd, int events)
{
	int running;

	curl_multi_socket_action(http->multi, fd, events, &running);
	collect_finished(http);
	settle(http);
}

static void
on_curl_due(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop, (void)events;
	act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

/* The watch may be gone when curl has acted. */
static void
on_socket_ready(struct ev_loop *loop, ev_io *io, int events)
{
	struct watch *watch = (struct watch *)(void *)io;
	int what = 0;

	(void)loop;
	if (events & EV_READ)
		what |= CURL_CSELECT_IN;
	if (events & EV_WRITE)
		what |= CURL_CSELECT_OUT;
	if (events & EV_ERROR)
		what |= CURL_CSELECT_ERR;
	act(watch->http, io->fd, what);
}

static void
on_late(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct http_call *call = timer->data;

	(void)loop, (void)events;
	if (call->repeat_ms) {
		wait_on(call);
		return;
	}
	fail_late(call);
	settle(call->http);
}

static int
on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct http *http = arg;

	(void)multi;
	ev_timer_stop(http->loop, &http->timer);
	if (timeout_ms >= 0) {
		ev_timer_set(&http->timer, (double)timeout_ms / 1000.0, 0.);
		ev_timer_start(http->loop, &http->timer);
	}
	return 0;
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct http *http = arg;
	struct watch *watch = socket_arg;
	int events = (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0);

	(void)easy;
	if (watch)
		ev_io_stop(http->loop, &watch->io);
	if (what == CURL_POLL_REMOVE) {
		free(watch);
		curl_multi_assign(http->multi, fd, NULL);
		return 0;
	}
	if (!watch) {
		watch = xcalloc(1, sizeof(*watch));
		watch->http = http;
		curl_multi_assign(http->multi, fd, watch);
	}
	ev_io_init(&watch->io, on_socket_ready, fd, events);
	ev_io_start(http->loop, &watch->io);
	return 0;
}

/* ---- sending -------------------------------------------------------------------------------- */

#define SET(easy, option, value) \
	do { \
		if (curl_easy_setopt(easy, option, value) != CURLE_OK) \
			die("curl does not take " #option); \
	} while (0)

static void
set_protocols(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	SET(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

static void
set_connection(struct http_call *call)
{
	bool changes = strcmp(call->method, "GET") != 0;

	set_protocols(call->easy);
	SET(call->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(call->easy, CURLOPT_NOSIGNAL, 1L);
	SET(call->easy, CURLOPT_FOLLOWLOCATION, 0L);
	SET(call->easy, CURLOPT_TCP_NODELAY, 1L);
	SET(call->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	if (call->lane->loopback)
		SET(call->easy, CURLOPT_PROXY, "");
	/* When a kept connection turns out to be closed, curl sends again on a new one: right for
	 * a question, but what changes something must not be sent twice. */
	SET(call->easy, CURLOPT_FRESH_CONNECT,
	    call->fresh || call->is_stream || call->is_repeated || changes ? 1L : 0L);
	SET(call->easy, CURLOPT_FORBID_REUSE, call->fresh || call->is_stream ? 1L : 0L);
}

static void
set_request(struct http_call *call)
{
	const struct http *http = call->http;

	SET(call->easy, CURLOPT_URL, call->url);
	SET(call->easy, CURLOPT_HTTPHEADER, call->is_stream ? http->stream_headers : http->headers);
	if (call->body || strcmp(call->method, "POST") == 0) {
		size_t bytes = call->body ? strlen(call->body) : 0;

		SET(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)bytes);
		SET(call->easy, CURLOPT_POSTFIELDS, call->body ? call->body : "");
	}
	SET(call->easy, CURLOPT_CUSTOMREQUEST, call->method);
	if (call->user || call->password) {
		SET(call->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		SET(call->easy, CURLOPT_USERNAME, call->user ? call->user : "");
		SET(call->easy, CURLOPT_PASSWORD, call->password ? call->password : "");
	}
}

static void
set_callbacks(struct http_call *call)
{
	SET(call->easy, CURLOPT_PRIVATE, call);
	SET(call->easy, CURLOPT_ERRORBUFFER, call->curl_words);
	SET(call->easy, CURLOPT_HEADERFUNCTION, on_header);
	SET(call->easy, CURLOPT_HEADERDATA, call);
	SET(call->easy, CURLOPT_WRITEFUNCTION, on_body);
	SET(call->easy, CURLOPT_WRITEDATA, call);
	SET(call->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)call->answer_limit);
}

/* Gives a waiting call its handle; its time begins. Nothing is sent before the loop runs. */
static void
activate(struct http_call *call)
{
	call->easy = curl_easy_init();
	if (!call->easy)
		die("out of memory for a request");
	set_connection(call);
	set_request(call);
	set_callbacks(call);
	move(call, &call->http->active);
	if (curl_multi_add_handle(call->http->multi, call->easy) != CURLM_OK)
		die("curl does not take a request");
	/* The loop's idea of the time is as old as its last turn. */
	ev_now_update(call->http->loop);
	ev_timer_start(call->http->loop, &call->timer);
}

/* For the rest of its time. Without a byte until now it perhaps will never be answered, for a
 * connection can be like that: then on another one. */
static void
wait_on(struct http_call *call)
{
	ev_timer_set(&call->timer, (double)(call->deadline_ms - call->repeat_ms) / 1000, 0.);
	call->repeat_ms = 0;
	call->is_repeated = call->header_bytes == 0;
	if (call->is_repeated) {
		drop_handle(call);
		activate(call);
	} else {
		ev_timer_start(call->http->loop, &call->timer);
	}
}

static void
fill(struct lane *lane)
{
	struct http_call *call;

	while (lane->busy < LANE_WIDTH && (call = take_first(&lane->waiting))) {
		call->in_lane = true;
		lane->busy++;
		activate(call);
	}
}

static void
settle(struct http *http)
{
	struct http_call *call;

	while ((call = take_first(&http->ready)))
		deliver(call);
	for (struct lane *lane = http->lanes; lane; lane = lane->next)
		fill(lane);
}

/* ---- lanes ---------------------------------------------------------------------------------- */

static bool
is_loopback(const char *host)
{
	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return strncmp(host, "127.", 4) == 0 && host[strspn(host, "0123456789.")] == '\0';
}

/* What curl cannot read is not: it fails later, with curl's own words. */
bool
http_is_loopback(const char *url)
{
	CURLU *parsed = curl_url();
	char *host = NULL;
	bool yes = curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
		   curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK && is_loopback(host);

	curl_free(host);
	curl_url_cleanup(parsed);
	return yes;
}

static struct lane *
lane_for(struct http *http, const char *url)
{
	const char *scheme_end = strstr(url, "://");
	const char *host = scheme_end ? scheme_end + 3 : url;
	size_t length = (size_t)(host - url) + strcspn(host, "/?#");
	struct lane *lane;

	for (lane = http->lanes; lane; lane = lane->next)
		if (strlen(lane->origin) == length && memcmp(lane->origin, url, length) == 0)
			return lane;
	lane = xcalloc(1, sizeof(*lane));
	lane->origin = xstrndup(url, length);
	lane->loopback = http_is_loopback(url);
	TAILQ_INIT(&lane->waiting);
	lane->next = http->lanes;
	http->lanes = lane;
	return lane;
}

/* ---- the public face ------------------------------------------------------------------------ */

static struct curl_slist *
headers_with(const char *accept)
{
	/* "Expect: 100-continue", which curl would add to a large body, costs a second where the
	 * server does not know it. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	list = curl_slist_append(list, "Content-Type: application/json");
	return curl_slist_append(list, accept);
}

struct http *
http_new(struct ev_loop *loop)
{
	struct http *http = xcalloc(1, sizeof(*http));

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		die("libcurl cannot be set up");
	http->loop = loop;
	TAILQ_INIT(&http->active);
	TAILQ_INIT(&http->ready);
	ev_timer_init(&http->timer, on_curl_due, 0., 0.);
	http->timer.data = http;
	http->headers = headers_with("Accept: application/json");
	http->stream_headers = headers_with("Accept: text/event-stream");
	http->multi = curl_multi_init();
	if (!http->multi || !http->headers || !http->stream_headers)
		die("out of memory for libcurl");
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
	return http;
}

static void
free_all(struct call_list *list)
{
	struct http_call *call;

	while ((call = take_first(list)))
		call_free(call);
}

void
http_free(struct http *http)
{
	struct lane *lane;

	if (!http)
		return;
	free_all(&http->ready);
	free_all(&http->active);
	while ((lane = http->lanes)) {
		free_all(&lane->waiting);
		http->lanes = lane->next;
		free(lane->origin);
		free(lane);
	}
	curl_multi_cleanup(http->multi);
	ev_timer_stop(http->loop, &http->timer);
	curl_slist_free_all(http->headers);
	curl_slist_free_all(http->stream_headers);
	free(http);
	curl_global_cleanup();
}

static struct http_call *
call_new(struct http *http, const struct http_request *request, http_done *done, void *arg)
{
	struct http_call *call = xcalloc(1, sizeof(*call));

	call->http = http;
	call->lane = lane_for(http, request->url);
	call->method = xstrdup(request->method);
	call->url = xstrdup(request->url);
	call->where = say_where(request->method, request->url);
	call->user = xstrdup(request->user);
	call->password = xstrdup(request->password);
	call->body = xstrdup(request->body);
	call->deadline_ms = request->deadline_ms;
	call->idle_ms = request->idle_ms;
	if (request->repeat_ms && strcmp(request->method, "GET") != 0)
		die("what changes something is not asked twice: %s", request->method);
	call->repeat_ms = request->repeat_ms < request->deadline_ms ? request->repeat_ms : 0;
	call->answer_limit = request->answer_limit ? request->answer_limit : HTTP_ANSWER_LIMIT;
	call->fresh = request->fresh;
	call->done = done;
	call->arg = arg;
	sse_init(&call->sse);
	ev_timer_init(&call->timer, on_late,
	    (double)(call->repeat_ms ? call->repeat_ms : call->deadline_ms) / 1000, 0.);
	call->timer.data = call;
	move(call, &call->lane->waiting);
	return call;
}

struct http_call *
http_start(struct http *http, const struct http_request *request, http_done *done, void *arg)
{
	struct http_call *call = call_new(http, request, done, arg);

	if (call->fresh) /* a probe, which must not wait behind what it probes */
		activate(call);
	else
		fill(call->lane);
	return call;
}

struct http_call *
http_stream(struct http *http, const struct http_request *request, http_event *on_event,
    http_done *done, void *arg)
{
	struct http_call *call = call_new(http, request, done, arg);

	call->is_stream = true;
	call->on_event = on_event;
	activate(call);
	return call;
}

void
http_cancel(struct http_call *call)
{
	struct lane *lane;

	if (!call)
		return;
	if (!call->list) {
		call->cancelled = true;
		return;
	}
	lane = call->lane;
	call_free(call);
	fill(lane);
}
