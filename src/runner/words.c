/*
 * See words.h.
 */
#include "runner/words.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/* A server says that a stream is there before it hears: what happens in between is in neither the
 * stream nor a list that is asked for at once (seen on 1.18.33, one in fifty on a busy machine). */
#define LIST_AGAIN_S 1.

struct words {
	struct ev_loop *loop;
	struct shown *shown;
	struct words_listener listener;
	struct http *http;
	struct opencode *client;
	struct oc_events *events;
	char *session_id;
	/* While the list is awaited, events wait for it: what it has comes before them. */
	struct oc_call *list;
	words_read *read;
	void *read_arg;
	struct oc_event *waiting;
	size_t waiting_count;
	ev_timer list_again;
};

static void
let_events_in(struct words *w)
{
	for (size_t i = 0; i < w->waiting_count; i++) {
		if (!shown_event(w->shown, &w->waiting[i]))
			shown_pass_over(w->shown, w->waiting[i].message_id);
		oc_event_fini(&w->waiting[i]);
	}
	free(w->waiting);
	w->waiting = NULL;
	w->waiting_count = 0;
}

/* A list that cannot be had is no trouble: what it has comes with a later one, or in the end. */
static void
on_list(void *arg, struct oc_reply *reply)
{
	struct words *w = arg;
	words_read *read = w->read;
	w->list = NULL;
	w->read = NULL;
	if (reply->outcome == OC_OK)
		shown_list(w->shown, reply->messages);
	let_events_in(w);
	if (read)
		read(w->read_arg);
}

static void
ask_for_list(struct words *w)
{
	w->list = opencode_messages(w->client, w->session_id, on_list, w);
}

static void
forget_list(struct words *w)
{
	opencode_cancel(w->list);
	w->list = NULL;
	w->read = NULL;
	let_events_in(w);
}

static void
show_event(struct words *w, const struct oc_event *e)
{
	if (!w->list && shown_event(w->shown, e))
		return;
	w->waiting = xrealloc(w->waiting, (w->waiting_count + 1) * sizeof(*w->waiting));
	w->waiting[w->waiting_count++] = oc_event_copy(e);
	if (!w->list)
		ask_for_list(w);
}

static void
on_event(void *arg, const struct oc_event *e)
{
	struct words *w = arg;
	if (!same_text(e->session_id, w->session_id))
		return;
	show_event(w, e);
	if (w->listener.event)
		w->listener.event(w->listener.arg, e);
}

static void
on_list_again(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)revents;
	struct words *w = timer->data;
	if (w->list)
		return; /* it speaks for an earlier time */
	ev_timer_stop(loop, timer);
	ask_for_list(w);
}

/* Each time the stream is there again, something may have been missed. */
static void
on_stream(void *arg, bool up, const char *sentence)
{
	struct words *w = arg;
	forget_list(w);
	shown_gap(w->shown);
	ev_timer_stop(w->loop, &w->list_again);
	if (up) {
		ask_for_list(w);
		ev_timer_again(w->loop, &w->list_again);
	}
	if (w->listener.stream)
		w->listener.stream(w->listener.arg, up, sentence);
}

/* ---- outside -------------------------------------------------------------------------------- */

void
words_connect(
    struct words *w, const char *url, const struct onlook_key *key, const char *session_id)
{
	words_disconnect(w);
	w->session_id = xstrdup(session_id);
	w->client = opencode_new(w->http, url, key->user, key->password);
	w->events = opencode_events_open(w->client, w->loop, on_stream, on_event, w);
}

void
words_disconnect(struct words *w)
{
	forget_list(w);
	ev_timer_stop(w->loop, &w->list_again);
	opencode_events_close(w->events);
	w->events = NULL;
	opencode_free(w->client);
	w->client = NULL;
	xreplace(&w->session_id, NULL);
}

struct opencode *
words_client(const struct words *w)
{
	return w->client;
}

bool
words_read_again(struct words *w, words_read *read, void *arg)
{
	if (!w->client || w->list)
		return false;
	w->read = read;
	w->read_arg = arg;
	ask_for_list(w);
	return true;
}

struct words *
words_new(struct ev_loop *loop, struct shown *shown, const struct words_listener *listener)
{
	struct words *w = xcalloc(1, sizeof(*w));
	w->loop = loop;
	w->shown = shown;
	w->listener = *listener;
	w->http = http_new(loop);
	ev_timer_init(&w->list_again, on_list_again, 0., LIST_AGAIN_S);
	w->list_again.data = w;
	return w;
}

void
words_free(struct words *w)
{
	words_disconnect(w);
	http_free(w->http);
	free(w);
}
