/*
 * vigil_follow(): the answer of a task as it is written. The database says how the task stands;
 * the server's event stream brings the words. A server that goes away costs nothing but words: the
 * whole answer is in the database at the end.
 */
#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/secret.h"
#include "core/task.h"
#include "opencode/client.h"
#include "opencode/serve.h"
#include "ops/handle.h"
#include "runner/link.h"
#include "runner/managed.h"

#define LOOK_S 0.2 /* at the row, through `PRAGMA data_version` */

struct follower {
	struct vigil *vigil;
	int64_t task_id;
	vigil_follow_fn *fn;
	void *arg;
	struct ev_loop *loop;
	ev_timer look;
	struct http *http;
	struct opencode *client;
	struct oc_events *events;
	struct oc_call *catch_up;
	int64_t data_version;
	/* As in the row. */
	enum status status, told_status;
	int64_t attempt_id;
	char *session_id, *message_id, *server, *url, *note;
	struct serve_process process; /* if it is the managed one */
	/* What was shown of the newest message. */
	char *shown_message, *reasoning_part;
	struct buf shown;
	enum vigil_stream shown_stream;
	bool has_failed;
};

static void
note(struct follower *f, const char *text)
{
	f->fn(f->arg, VIGIL_NOTE, text);
}

/* ---- words ---------------------------------------------------------------------------------- */

static void
show(struct follower *f, const char *message_id, enum vigil_stream stream, const char *text)
{
	bool is_same = f->shown_message && strcmp(f->shown_message, message_id) == 0;
	if (!is_same || stream != f->shown_stream) {
		if (f->shown_message)
			f->fn(f->arg, f->shown_stream, "\n");
		free(f->shown_message);
		f->shown_message = xstrdup(message_id);
		buf_clear(&f->shown);
		f->shown_stream = stream;
	}
	if (stream == VIGIL_TEXT)
		buf_puts(&f->shown, text);
	f->fn(f->arg, stream, text);
}

static void
on_event(void *arg, const struct oc_event *e)
{
	struct follower *f = arg;
	if (!f->session_id || !e->session_id || strcmp(e->session_id, f->session_id) != 0)
		return;
	if (e->type == OC_EV_MESSAGE && e->field && strcmp(e->field, "reasoning") == 0) {
		free(f->reasoning_part);
		f->reasoning_part = xstrdup(e->part_id);
	}
	if (e->type != OC_EV_DELTA || !e->text || !e->message_id)
		return;
	bool is_reasoning =
	    f->reasoning_part && e->part_id && strcmp(e->part_id, f->reasoning_part) == 0;
	show(f, e->message_id, is_reasoning ? VIGIL_REASONING : VIGIL_TEXT, e->text);
}

static void
on_stream(void *arg, bool up, const char *sentence)
{
	(void)arg;
	(void)up;
	(void)sentence;
}

/* What was written before we came. */
static void
on_messages(void *arg, struct oc_reply *reply)
{
	struct follower *f = arg;
	f->catch_up = NULL;
	if (reply->outcome != OC_OK || f->shown_message)
		return;
	for (size_t i = 0; i < reply->messages->count; i++) {
		const struct message *m = &reply->messages->all[i];
		if (m->from_user || m->summary)
			continue;
		if (*m->reasoning)
			show(f, m->id, VIGIL_REASONING, m->reasoning);
		if (*m->text)
			show(f, m->id, VIGIL_TEXT, m->text);
	}
}

/* ---- the server ----------------------------------------------------------------------------- */

static void
disconnect(struct follower *f)
{
	opencode_cancel(f->catch_up);
	f->catch_up = NULL;
	opencode_events_close(f->events);
	f->events = NULL;
	opencode_free(f->client);
	f->client = NULL;
}

/* NULL until the managed server is found where its row says. */
static char *
password_of_managed(struct follower *f)
{
	struct fault ignored; /* the next look tries again */
	return managed_password(f->vigil->database, &f->process, f->url, &ignored);
}

static void
connect_to(struct follower *f)
{
	const struct config *config = f->vigil->config;
	bool is_managed = strcmp(f->server, MANAGED_NAME) == 0;
	char *password = is_managed ? password_of_managed(f) : xstrdup(link_given_password(config));
	if (is_managed && !password)
		return;
	f->client =
	    opencode_new(f->http, f->url, password ? config->server_username : NULL, password);
	f->events = opencode_events_open(f->client, f->loop, on_stream, on_event, f);
	f->catch_up = opencode_messages(f->client, f->session_id, f->message_id, on_messages, f);
	secret_free(password);
}

/* ---- the row -------------------------------------------------------------------------------- */

/* The columns of follow_state, in its order. */
static bool
read_state(void *arg, const struct row *row)
{
	struct follower *f = arg;
	const char *url = row_text(row, 6), *session_id = row_text(row, 3);
	(void)status_parse(row_text(row, 0), &f->status);
	if (row_text(row, 1) && !same_text(f->note, row_text(row, 1)))
		note(f, row_text(row, 1));
	xreplace(&f->note, row_text(row, 1));
	if (f->attempt_id && row_int(row, 2) != f->attempt_id)
		note(f, "the task is tried again");
	f->attempt_id = row_int(row, 2);
	if (!same_text(f->url, url) || !same_text(f->session_id, session_id))
		disconnect(f);
	xreplace(&f->session_id, session_id);
	xreplace(&f->message_id, row_text(row, 4));
	xreplace(&f->server, row_text(row, 5));
	xreplace(&f->url, url);
	managed_read_process(row, 7, &f->process);
	return false;
}

static void
tell_status(struct follower *f)
{
	if (f->status == f->told_status || status_is_final(f->status))
		return;
	f->told_status = f->status;
	note(f, status_text(f->status));
}

static void
stop(struct follower *f, bool has_failed)
{
	f->has_failed = has_failed;
	ev_break(f->loop, EVBREAK_ALL);
}

static void
look(struct follower *f)
{
	struct value id = value_int(f->task_id);
	if (!store_run(f->vigil->store, Q_follow_state, &id, 1, read_state, f, &f->vigil->fault)) {
		stop(f, true);
		return;
	}
	tell_status(f);
	if (status_is_final(f->status))
		stop(f, false);
	else if (status_is_live(f->status) && f->session_id && f->url && !f->client)
		connect_to(f);
}

static void
on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct follower *f = timer->data;
	struct vigil *v = f->vigil;
	int64_t version;
	if (!store_still_there(v->store, &v->fault) ||
	    !store_data_version(v->store, &version, &v->fault)) {
		stop(f, true);
	} else if (version != f->data_version || !f->client) {
		f->data_version = version;
		look(f);
	}
}

/* ---- the end -------------------------------------------------------------------------------- */

/* What of the final answer was not shown yet: all of it, or what the stream has lost. */
static enum vigil_result
show_rest(struct follower *f)
{
	char *text;
	enum vigil_result result = vigil_get_result(f->vigil, f->task_id, VIGIL_ANSWER, &text);
	const char *shown = buf_text(&f->shown);
	if (text && strncmp(text, shown, f->shown.len) == 0) {
		f->fn(f->arg, VIGIL_TEXT, text + f->shown.len);
	} else if (text) {
		f->fn(f->arg, VIGIL_TEXT, f->shown.len ? "\n" : "");
		note(f, "the whole answer:");
		f->fn(f->arg, VIGIL_TEXT, text);
	}
	if (text || f->shown_message)
		f->fn(f->arg, VIGIL_TEXT, "\n");
	free(text);
	return result;
}

static void
run_follower(struct follower *f)
{
	f->loop = ev_loop_new(EVFLAG_AUTO);
	f->http = http_new(f->loop);
	ev_timer_init(&f->look, on_look, 0., LOOK_S);
	f->look.data = f;
	ev_timer_start(f->loop, &f->look);
	ev_run(f->loop, 0);
	ev_timer_stop(f->loop, &f->look);
	disconnect(f);
	http_free(f->http);
	ev_loop_destroy(f->loop);
}

enum vigil_result
vigil_follow(struct vigil *v, int64_t id, vigil_follow_fn *fn, void *arg)
{
	struct follower f = {.vigil = v, .task_id = id, .fn = fn, .arg = arg, .data_version = -1};
	f.told_status = STATUS_COUNT;
	if (!handle_has_task(v, id))
		return handle_result(v);
	run_follower(&f);
	enum vigil_result result = f.has_failed ? handle_result(v) : show_rest(&f);
	char *const owned[] = {
	    f.session_id, f.message_id, f.server, f.url, f.note, f.shown_message, f.reasoning_part};
	for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++)
		free(owned[i]);
	buf_free(&f.shown);
	return result;
}
