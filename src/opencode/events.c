/*
 * The event stream of a server, held open: when it breaks, it is opened again, at first soon and
 * then ever more slowly.
 *
 * It counts as up when its first event has come: only then is it certain that the server has
 * subscribed us, and that what happens from now on will be heard.
 */
#include <ev.h>
#include <stdlib.h>

#include "opencode/call.h"

enum {
	ANSWER_DEADLINE_MS = 10000,
	IDLE_MS = 45000, /* a heartbeat comes every 10 s, every 30 s from old servers */
	FIRST_PAUSE_MS = 200,
	LONGEST_PAUSE_MS = 10000,
};

struct oc_events {
	struct opencode *server;
	struct ev_loop *loop;
	struct http_call *http; /* NULL between two tries */
	ev_timer pause;
	int pause_ms; /* before the next try */
	bool up;
	bool told_down; /* the owner knows of this outage */
	bool inside;    /* a callback of the owner's is running */
	bool closed;    /* in it: free when it returns */
	oc_events_state *on_state;
	oc_events_event *on_event;
	void *arg;
};

static void
events_free(struct oc_events *events)
{
	http_cancel(events->http);
	ev_timer_stop(events->loop, &events->pause);
	free(events);
}

/* The owner may close the stream in any callback; then false is returned, and it is gone. */
static bool
still_open(struct oc_events *events)
{
	events->inside = false;
	if (!events->closed)
		return true;
	events_free(events);
	return false;
}

static bool
tell_state(struct oc_events *events, bool up, const char *sentence)
{
	events->up = up;
	events->told_down = !up;
	events->inside = true;
	events->on_state(events->arg, up, sentence);
	return still_open(events);
}

static void
on_data(void *arg, const char *data, size_t bytes)
{
	struct oc_events *events = arg;
	struct oc_event event;

	failpoint_after(FP_REQUEST_EVENTS);
	events->pause_ms = FIRST_PAUSE_MS;
	if (!events->up && !tell_state(events, true, ""))
		return;
	reply_event(data, bytes, &event);
	if (event.type != OC_EV_OTHER) {
		events->inside = true;
		events->on_event(events->arg, &event);
		still_open(events);
	}
	oc_event_fini(&event);
}

static void
pause_then_try(struct oc_events *events)
{
	ev_timer_set(&events->pause, events->pause_ms / 1000.0, 0.);
	ev_timer_start(events->loop, &events->pause);
	events->pause_ms *= 2;
	if (events->pause_ms > LONGEST_PAUSE_MS)
		events->pause_ms = LONGEST_PAUSE_MS;
}

static void
on_over(void *arg, const struct http_answer *answer)
{
	struct oc_events *events = arg;
	struct fault fault = {0};

	events->http = NULL;
	if (oc_call_judge(answer, &fault) == OC_OK)
		fault_set(
		    &fault, FAULT_ENV, "%s: the answer is no stream of events", answer->where);
	if (!events->told_down && !tell_state(events, false, fault.text))
		return;
	pause_then_try(events);
}

static void
try_now(struct oc_events *events)
{
	const struct opencode *server = events->server;
	char *url = xasprintf("%s/global/event", server->url);
	struct http_request request = {
	    .method = "GET",
	    .url = url,
	    .user = server->user,
	    .password = server->password,
	    .deadline_ms = ANSWER_DEADLINE_MS,
	    .idle_ms = IDLE_MS,
	};

	failpoint_before(FP_REQUEST_EVENTS);
	events->http = http_stream(server->http, &request, on_data, on_over, events);
	free(url);
}

static void
on_pause_over(struct ev_loop *loop, ev_timer *timer, int what)
{
	(void)loop, (void)what;
	try_now(timer->data);
}

struct oc_events *
opencode_events_open(struct opencode *server, struct ev_loop *loop, oc_events_state *on_state,
    oc_events_event *on_event, void *arg)
{
	struct oc_events *events = xcalloc(1, sizeof(*events));

	events->server = server;
	events->loop = loop;
	events->pause_ms = FIRST_PAUSE_MS;
	events->on_state = on_state;
	events->on_event = on_event;
	events->arg = arg;
	ev_timer_init(&events->pause, on_pause_over, 0., 0.);
	events->pause.data = events;
	try_now(events);
	return events;
}

void
opencode_events_close(struct oc_events *events)
{
	if (!events)
		return;
	if (events->inside)
		events->closed = true;
	else
		events_free(events);
}
