/*
 * OpenCode's answers, decoded: bytes → structs. Pure: no I/O, no loop; total: any bytes
 * give either a struct or a fault with a sentence. What the server sends was observed on
 * OpenCode 1.2.27 to 1.18.33.
 */
#ifndef VIGIL_OPENCODE_REPLY_H
#define VIGIL_OPENCODE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "core/message.h"

#define REPLY_TEXT_LIMIT \
	(4 * 1024 * 1024) /* bytes kept of one message's text, and of its reasoning */

struct oc_session {
	char *id, *parent_id, *directory, *title;
	int64_t created_ms, updated_ms; /* the server's clock; updated: each step of its turns */
};

struct oc_sessions {
	struct oc_session *all;
	size_t count;
};

enum oc_activity { OC_IDLE, OC_BUSY, OC_RETRY };

/* One line of the status map; a session that is not in it is idle, or not known. */
struct oc_status {
	char *session_id;
	enum oc_activity activity; /* a type we do not know counts as busy */
	char *message; /* of a retry: what the provider says, and when it is asked again,
			  in a sentence; else NULL */
};

struct oc_statuses {
	struct oc_status *all;
	size_t count;
};

/* What the server offers in a directory: agents that may be prompted, and models with their
 * variants. Names in the server's order. */
struct oc_model {
	char *name; /* "provider/model" */
	char **variants;
	size_t variant_count;
};

struct oc_names {
	char **all;
	size_t count;
};

struct oc_models {
	struct oc_model *all;
	size_t count;
};

/* What waits for a person, a permission request or a question; it holds its session busy. */
struct oc_ask {
	char *id, *session_id; /* the session that asks: one we made, or one below it */
	char *request;         /* what is asked, on one line for a person */
	/* Of a question: the first option of each question in it, "" where one has none. */
	char **choices;
	size_t choice_count;
};

struct oc_asks {
	struct oc_ask *all;
	size_t count;
};

/* An event of the stream, as far as it is of use; the rest is OC_EV_OTHER. Borrowed strings. */
enum oc_event_type {
	OC_EV_OTHER,
	OC_EV_CONNECTED,
	OC_EV_HEARTBEAT,
	OC_EV_SESSION_CREATED,
	OC_EV_SESSION_DELETED,
	OC_EV_STATUS, /* `activity` is set; `text` is a retry's sentence */
	OC_EV_IDLE,
	OC_EV_ERROR,   /* `text` is the error's sentence, NULL without one; so can session_id be */
	OC_EV_MESSAGE, /* a message changed; `finish`, and whether its words are an agent's own */
	OC_EV_PART,    /* of a message; `text` is what it has so far: all, or nothing, as a rule */
	OC_EV_DELTA,   /* `text` is what came to the part's text, or to its reasoning */
	OC_EV_ASKED,   /* a permission request or a question: `text`, as in oc_ask; and its id */
	OC_EV_REPLIED, /* `text` is the answer, for a person */
};

struct oc_event {
	enum oc_event_type type;
	char *directory, *session_id, *message_id, *text, *finish;
	char *parent_id;  /* SESSION_CREATED: of the session above it; NULL: there is none */
	char *title;      /* SESSION_CREATED */
	char *ask_id;     /* ASKED, REPLIED */
	struct part part; /* of a delta its id alone */
	enum oc_activity activity;
	bool from_user, summary; /* of a message; see there */
};

/* Each returns false with a fault (FAULT_ENV) when the answer makes no sense. Out parameters are
 * zeroed first, and are the caller's to free with the function below each. */
bool reply_health(const char *body, size_t bytes, char **version, struct fault *);
bool reply_session(const char *body, size_t bytes, struct oc_session *, struct fault *);
void oc_session_fini(struct oc_session *);
bool reply_sessions(const char *body, size_t bytes, struct oc_sessions *, struct fault *);
void oc_sessions_fini(struct oc_sessions *);
bool reply_statuses(const char *body, size_t bytes, struct oc_statuses *, struct fault *);
void oc_statuses_fini(struct oc_statuses *);
bool reply_messages(const char *body, size_t bytes, struct messages *, struct fault *);
void messages_fini(struct messages *);
/* As they were written: an answer behind what it answers. A server's list goes by its clock, which
 * can have been set back meanwhile. */
void messages_put_in_order(struct messages *);
bool reply_agents(const char *body, size_t bytes, struct oc_names *, struct fault *);
void oc_names_fini(struct oc_names *);
bool reply_models(const char *body, size_t bytes, struct oc_models *, struct fault *);
void oc_models_fini(struct oc_models *);
bool reply_permissions(const char *body, size_t bytes, struct oc_asks *, struct fault *);
bool reply_questions(const char *body, size_t bytes, struct oc_asks *, struct fault *);
void oc_asks_fini(struct oc_asks *);

/* The sentence in an error answer ({name, data:{message}} and its older shapes); the body's
 * beginning where it is none. `is_not_found` only for JSON that says NotFoundError. */
char *reply_error(const char *body, size_t bytes, bool *is_not_found);

/* Of an event's data. Cheap for what is of no use: looks at the type before it parses. Never
 * fails: nonsense is OC_EV_OTHER. */
void reply_event(const char *data, size_t bytes, struct oc_event *);
void oc_event_fini(struct oc_event *);
struct oc_event oc_event_copy(const struct oc_event *);

#endif
