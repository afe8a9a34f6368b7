/*
 * A client of one OpenCode server: one function a request, typed answers. Knows nothing
 * of tasks. The rules of http.h hold: starters return first, one callback each, silence after
 * a cancel.
 */
#ifndef VIGIL_OPENCODE_CLIENT_H
#define VIGIL_OPENCODE_CLIENT_H

#include "opencode/http.h"
#include "opencode/reply.h"

struct opencode;
struct oc_call;

enum oc_outcome {
	OC_OK,
	OC_UNREACHABLE, /* nothing was sent */
	OC_AMBIGUOUS,   /* cut or timed out: it may have been taken */
	OC_NOT_FOUND,   /* 404 with OpenCode's own NotFoundError */
	OC_DENIED,      /* 401 or 403: the password is wrong or missing */
	/* Any other 4xx, or an answer that can never be read: asking again changes nothing. */
	OC_BAD_REQUEST,
	/* 5xx, 408, 429, a redirect, HTML, JSON that makes no sense, an answer over the limit. What
	 * a POST asked for may have been done all the same. */
	OC_TROUBLE,
};

/* Valid during the callback only; the member that belongs to the request is set if OC_OK. */
struct oc_reply {
	enum oc_outcome outcome;
	const char *sentence; /* for a person; "" if OC_OK */
	union {
		const char *version;                /* health */
		const struct oc_session *session;   /* create, session */
		const struct oc_sessions *sessions; /* search, children */
		const struct oc_statuses *statuses;
		struct messages *messages; /* may be emptied by who wants to keep them */
		struct oc_names *agents;   /* agents and models, like messages, may be emptied */
		struct oc_models *models;
		struct oc_asks *asks; /* permissions, questions; may be emptied too */
	};
	/* Of messages: some were too large to be read and are left out, whichever they were. */
	bool truncated;
};

typedef void oc_done(void *arg, struct oc_reply *);

/* `url` without a trailing slash ("http://127.0.0.1:4096"); user and password may be NULL. All
 * are copied. */
struct opencode *opencode_new(
    struct http *, const char *url, const char *user, const char *password);
void opencode_free(struct opencode *); /* its calls must be over or cancelled */

void opencode_cancel(struct oc_call *); /* NULL is fine */

/* Does the server take this directory for another one? It decodes %XX in the name once more: for
 * "x%20y" it works in "x y" (seen on 1.2.27 and 1.18.33). To encode it twice, or in the header
 * x-opencode-directory, makes a session with the right name, but on 1.18 its turns run in "x y" all
 * the same; so no request can name such a directory. A name that cannot be decoded, "100%", is
 * taken as it is. */
bool opencode_misreads(const char *directory);

/* What a session is made with. NULL where it does not matter. */
struct oc_new_session {
	const char *directory, *title, *parent_id, *agent;
	const char *model, *variant; /* "provider/model" */
	const char *nonce;           /* goes into metadata.vigil.nonce */
	int64_t task, attempt;       /* metadata.vigil.task and .attempt */
};

/* A prompt under our own ids, so that sending it again is the same prompt. */
struct oc_prompt {
	const char *session_id, *message_id, *part_id, *text;
	const char *directory; /* the session's: up to 1.2 a turn runs where this says */
	const char *agent, *model, *variant; /* NULL: the server's choice */
	bool is_synthetic;                   /* not a person's words */
};

struct oc_call *opencode_health(
    struct opencode *, oc_done *, void *arg); /* fresh connection, short */
struct oc_call *opencode_create(
    struct opencode *, const struct oc_new_session *, oc_done *, void *arg);
/* Sessions in a directory whose title contains `word`, updated since. A server looks only in the
 * project of the directory (its own if NULL), and up to 1.2 compares it as text with the
 * session's, from which symbolic links are resolved: resolve them first. */
struct oc_call *opencode_search(struct opencode *, const char *directory, const char *word,
    int64_t since_ms, oc_done *, void *arg);
struct oc_call *opencode_session(struct opencode *, const char *id, oc_done *, void *arg);
struct oc_call *opencode_children(struct opencode *, const char *id, oc_done *, void *arg);
struct oc_call *opencode_prompt(struct opencode *, const struct oc_prompt *, oc_done *, void *arg);
struct oc_call *opencode_statuses(struct opencode *, const char *directory, oc_done *, void *arg);
/* All messages, oldest first; read in pages, newest page first, until the whole would pass the
 * limit. Only the newest message fails the call when it is too large to be read, or refused:
 * OC_BAD_REQUEST. */
struct oc_call *opencode_messages(struct opencode *, const char *session_id, oc_done *, void *arg);
struct oc_call *opencode_agents(struct opencode *, const char *directory, oc_done *, void *arg);
struct oc_call *opencode_models(struct opencode *, const char *directory, oc_done *, void *arg);
/* Up to 1.2, an abort that does not name the session's directory does nothing. */
struct oc_call *opencode_abort(
    struct opencode *, const char *session_id, const char *directory, oc_done *, void *arg);

/* With all that is in it; what is at work there goes on. */
struct oc_call *opencode_delete(struct opencode *, const char *session_id, oc_done *, void *arg);

/* What waits for a person in a directory, in all its sessions, whoever's they are. A request may
 * stay listed after the turn that made it was aborted. */
struct oc_call *opencode_permissions(
    struct opencode *, const char *directory, oc_done *, void *arg);
struct oc_call *opencode_questions(struct opencode *, const char *directory, oc_done *, void *arg);
/* `reply` is "once", "always" or "reject". A rejection with a `message` is told to the model, and
 * the turn goes on; without one (NULL) it ends. */
struct oc_call *opencode_permission_reply(struct opencode *, const char *directory, const char *id,
    const char *reply, const char *message, oc_done *, void *arg);
/* `answers`: a line for each question of it, an empty one for none. NULL rejects it: the turn
 * ends. */
struct oc_call *opencode_question_reply(struct opencode *, const char *directory, const char *id,
    const char *answers, oc_done *, void *arg);

/* The event stream of all directories; reconnects by itself, with backoff, until it is closed.
 * `state` tells each time it comes up (true, with its first event) or is lost (false, once for an
 * outage; also when the first try fails): what happened between is not replayed, so whoever
 * listens looks again. Closing is legal in both callbacks. OC_EV_OTHER is left out. */
struct oc_events;
typedef void oc_events_state(void *arg, bool up, const char *sentence);
typedef void oc_events_event(void *arg, const struct oc_event *);
struct oc_events *opencode_events_open(
    struct opencode *, struct ev_loop *, oc_events_state *, oc_events_event *, void *arg);
void opencode_events_close(struct oc_events *);

#endif
