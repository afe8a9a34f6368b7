/*
 * One request of the client under way: what client.c, pages.c and events.c share, and nobody
 * else includes.
 *
 * A call knows its route: how long it may take and how its answer is decoded. Its answer is
 * judged in one place, so that the same trouble is the same outcome for every request.
 */
#ifndef VIGIL_OPENCODE_CALL_H
#define VIGIL_OPENCODE_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/failpoint.h"
#include "base/fault.h"
#include "opencode/client.h"

struct opencode {
	struct http *http;
	char *url, *user, *password;
};

/* A transcript that is read page by page. */
struct pages {
	char *session_id, *cursor;
	int size;     /* messages asked for at once */
	size_t bytes; /* read so far */
	bool truncated;
	struct messages messages; /* oldest first */
};

/* What an answer is decoded into; each route uses one member. */
union result {
	char *version;
	struct oc_session session;
	struct oc_sessions sessions;
	struct oc_statuses statuses;
	struct oc_names agents;
	struct oc_models models;
	struct oc_asks asks;
	struct pages pages;
};

struct route {
	enum failpoint failpoint;
	const char *method;
	int64_t deadline_ms;
	bool fresh;
	/* Fills result and reply from an answer with a good status; false with a fault. */
	bool (*decode)(
	    const struct http_answer *, union result *, struct oc_reply *, struct fault *);
	void (*fini)(union result *); /* NULL where nothing is kept */
};

struct oc_call {
	struct opencode *server;
	const struct route *route;
	struct http_call *http; /* NULL while the answer is dealt with */
	union result result;
	oc_done *done;
	void *arg;
	bool ending; /* `done` is being called */
};

struct oc_call *oc_call_new(struct opencode *, const struct route *, oc_done *, void *arg);

/* Sends the call's request. `path` begins with a slash; `body` may be NULL. */
void oc_call_send(
    struct oc_call *, const char *path, const char *body, size_t answer_limit, http_done *);

/* Tells the owner and frees the call. */
void oc_call_end(struct oc_call *, struct oc_reply *);

/* What an answer means, before it is decoded; the sentence goes into the fault. */
enum oc_outcome oc_call_judge(const struct http_answer *, struct fault *);

/* Adds a value to a path or a query, percent-encoded. */
void oc_add_encoded(struct buf *, const char *value);

/* pages.c: how a transcript's pages are let go of. */
void oc_pages_fini(union result *);

#endif
