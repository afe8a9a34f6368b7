/*
 * HTTP on a libev loop; the only file that includes curl's header.
 *
 * Rules a caller may rely on:
 *   - a starter returns before its callback runs, whatever happens;
 *   - every call ends in exactly one callback, unless it is cancelled: within its deadline, which
 *     begins when its turn comes. Of one server's calls so many are under way at once and the rest
 *     wait; since those under way have deadlines, every turn comes. Fresh calls and streams do not
 *     wait;
 *   - after http_cancel() there is silence;
 *   - inside a callback everything may be started and cancelled, the call itself included
 *     (only http_free is for outside).
 * Redirects are not followed; loopback never goes through a proxy. The process ignores SIGPIPE:
 * TLS libraries write without asking.
 */
#ifndef VIGIL_OPENCODE_HTTP_H
#define VIGIL_OPENCODE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_ANSWER_LIMIT \
	(64 * 1024 * 1024) /* bytes of one answer, if the request names no other */

struct ev_loop;
struct http;
struct http_call;

struct http_request {
	const char *method; /* "GET", "POST", "DELETE" */
	const char *url;
	const char *user, *password; /* HTTP Basic; NULL for none */
	const char *body;            /* JSON; NULL for none; copied */
	/* From its turn on, for the whole exchange; of a stream: for its first answer. */
	int64_t deadline_ms;
	int64_t repeat_ms;   /* a GET without a byte of answer is then asked once more, on another
				connection, within the same deadline; 0: never */
	int64_t idle_ms;     /* a stream: the longest silence between bytes */
	size_t answer_limit; /* bytes; 0: HTTP_ANSWER_LIMIT */
	bool fresh;          /* at once, on a connection of its own, which is not kept */
};

enum http_trouble {
	HTTP_ANSWERED,    /* a whole answer with a status is there */
	HTTP_UNREACHABLE, /* no connection, no name, refused: nothing was sent */
	HTTP_BROKEN,      /* cut, garbled, timed out: whether it was taken is not known */
	HTTP_TOO_LARGE,   /* the answer is over the limit */
};

/* Valid during the callback only. */
struct http_answer {
	enum http_trouble trouble;
	const char *where;    /* "GET http://127.0.0.1:4096/session": no query, no password */
	const char *sentence; /* what went wrong, beginning with `where`; "" if answered */
	int status;           /* 0 unless answered */
	const char *type;     /* Content-Type, "" if none */
	const char *cursor;   /* X-Next-Cursor, NULL if none; also of an answer over the limit */
	const char *body;     /* NUL-terminated, never NULL */
	size_t bytes;
};

typedef void http_done(void *arg, const struct http_answer *);

struct http *http_new(struct ev_loop *loop);
void http_free(struct http *); /* cancels what is under way */

struct http_call *http_start(struct http *, const struct http_request *, http_done *, void *arg);

/* A stream of server-sent events: `on_event` is called with the data of each, and `done` once when
 * it is over: a stream that the server ends is HTTP_BROKEN, an answer that is no stream (another
 * status than 200, another type) is HTTP_ANSWERED. */
typedef void http_event(void *arg, const char *data, size_t bytes);
struct http_call *http_stream(
    struct http *, const struct http_request *, http_event *on_event, http_done *, void *arg);

void http_cancel(struct http_call *); /* NULL is fine; the call is gone afterwards */

/* Is the host of this URL the machine itself: localhost, 127.0.0.0/8, [::1]? */
bool http_is_loopback(const char *url);

#endif
