/*
 * An HTTP server for tests, on the test's own loop: it reads whole requests, remembers them, and
 * answers each with the next bytes it was told to, cut and paced as it was told to.
 */
#ifndef VIGIL_TESTS_LOOPBACK_H
#define VIGIL_TESTS_LOOPBACK_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

struct loopback;

enum ending {
	KEEP,  /* the connection waits for another request */
	CLOSE, /* it is closed after the last byte */
	STALL, /* it stays open and silent */
};

struct answer {
	const char *bytes; /* copied */
	size_t count;      /* 0: all of the string */
	size_t chunk;      /* bytes in one write, one for each turn of the loop; 0: all at once */
	enum ending ending;
};

struct loopback *loopback_new(struct ev_loop *);
void loopback_free(struct loopback *);
const char *loopback_url(const struct loopback *); /* "http://127.0.0.1:PORT" */

/* The next request that has no answer yet gets this one; a request that nothing is left for
 * is never answered. */
void loopback_answer(struct loopback *, struct answer);

/* The same, for a status, a type and a body, with a Content-Length and KEEP. */
void loopback_reply(struct loopback *, int status, const char *type, const char *body);

/* As loopback_reply for JSON, with one more header line ("X-Next-Cursor: abc"). */
void loopback_page(struct loopback *, const char *header, const char *body);

size_t loopback_requests(const struct loopback *);    /* that arrived whole */
size_t loopback_connections(const struct loopback *); /* that were ever accepted */
/* Head and body of a request as they came; the last one for an index of -1. */
const char *loopback_request(const struct loopback *, int index);

/* Turns the loop until `*count` is at least `wanted`; a test that waits longer than ten seconds
 * fails. */
void run_until(struct ev_loop *, const int *count, int wanted);

/* Turns the loop for as long as there is something to do at once; no waiting. */
void run_idle(struct ev_loop *);

#endif
