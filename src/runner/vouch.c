/*
 * See vouch.h.
 */
#include "runner/vouch.h"

#include <stdlib.h>

#include "base/buf.h"

#define SESSIONS_AT_MOST 5 /* as in the query; people tidy up, but hardly all of them */

struct vouch {
	struct opencode *client;
	struct oc_call *call;
	char *session_ids[SESSIONS_AT_MOST];
	size_t count, asked;
	oc_done *done;
	void *arg;
};

static bool
keep_session(void *arg, const struct row *row)
{
	struct vouch *v = arg;
	v->session_ids[v->count++] = xstrdup(row_text(row, 0));
	return v->count < SESSIONS_AT_MOST;
}

void
vouch_cancel(struct vouch *v)
{
	if (!v)
		return;
	opencode_cancel(v->call);
	for (size_t i = 0; i < v->count; i++)
		free(v->session_ids[i]);
	free(v);
}

static void on_session(void *arg, struct oc_reply *reply);

static void
ask_next(struct vouch *v)
{
	v->call = opencode_session(v->client, v->session_ids[v->asked++], on_session, v);
}

static void
on_session(void *arg, struct oc_reply *reply)
{
	struct vouch *v = arg;
	v->call = NULL;
	if (reply->outcome == OC_NOT_FOUND && v->asked < v->count) {
		ask_next(v);
		return;
	}
	oc_done *done = v->done;
	void *done_arg = v->arg;
	vouch_cancel(v);
	done(done_arg, reply);
}

struct vouch *
vouch_start(struct store *store, struct opencode *client, const char *server,
    const char *session_id, oc_done *done, void *arg, struct fault *why)
{
	struct vouch *v = xcalloc(1, sizeof(*v));
	struct value values[] = {value_text(server), value_text(session_id)};
	v->client = client;
	v->done = done;
	v->arg = arg;
	why->kind = FAULT_NONE;
	if (store_run(store, Q_sessions_beside, values, 2, keep_session, v, why) && v->count) {
		ask_next(v);
		return v;
	}
	vouch_cancel(v);
	return NULL;
}
