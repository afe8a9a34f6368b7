/*
 * vigil_follow(): the answer of a task as it is written. The database says how the task stands;
 * the server's event stream brings the words. A server that goes away costs nothing but words: the
 * whole answer is in the database at the end.
 */
#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/task.h"
#include "opencode/client.h"
#include "runner/onlook.h"

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
	struct onlook seen; /* as in the row */
	enum status told_status;
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
	if (!f->seen.session_id || !e->session_id || strcmp(e->session_id, f->seen.session_id) != 0)
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

/* Where the server is not found yet, the next look tries again. */
static void
connect_to(struct follower *f)
{
	struct onlook_key key;
	struct fault ignored;
	if (!onlook_key(f->vigil, &f->seen, &key, &ignored))
		return;
	f->client = opencode_new(f->http, f->seen.url, key.user, key.password);
	f->events = opencode_events_open(f->client, f->loop, on_stream, on_event, f);
	f->catch_up =
	    opencode_messages(f->client, f->seen.session_id, f->seen.message_id, on_messages, f);
	onlook_key_fini(&key);
}

/* ---- the row -------------------------------------------------------------------------------- */

static void
take_row(struct follower *f, const struct onlook *now)
{
	struct onlook before = f->seen;
	f->seen = *now;
	if (now->note && !same_text(before.note, now->note))
		note(f, now->note);
	if (before.attempt_id && now->attempt_id != before.attempt_id)
		note(f, "the task is tried again");
	if (!same_text(before.url, now->url) || !same_text(before.session_id, now->session_id))
		disconnect(f);
	onlook_fini(&before);
}

static void
tell_status(struct follower *f)
{
	enum status status = f->seen.status;
	if (status == f->told_status || status_is_final(status))
		return;
	f->told_status = status;
	note(f, status_text(status));
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
	struct onlook now;
	if (!onlook_read(f->vigil, f->task_id, &now)) {
		onlook_fini(&now);
		stop(f, true);
		return;
	}
	take_row(f, &now);
	tell_status(f);
	if (status_is_final(now.status))
		stop(f, false);
	else if (status_is_live(now.status) && onlook_has_session(&now) && !f->client)
		connect_to(f);
}

static void
on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct follower *f = timer->data;
	int64_t version;
	if (!store_data_version(f->vigil->store, &version, &f->vigil->fault)) {
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
	run_follower(&f);
	enum vigil_result result = f.has_failed ? handle_result(v) : show_rest(&f);
	onlook_fini(&f.seen);
	free(f.shown_message);
	free(f.reasoning_part);
	buf_free(&f.shown);
	return result;
}
