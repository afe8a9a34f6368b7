/*
 * See watch.h. An answer speaks for the time its request was sent: who asks while one is under way
 * waits for the next one.
 */
#include "runner/watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "runner/panes.h"
#include "runner/places.h"
#include "runner/runner.h"

/* A directory's statuses. */
struct post {
	struct place place;
	struct oc_call *call;
	bool ask_again;
	bool has_failed; /* the last time */
};

struct watch {
	struct runner *runner;
	struct places places; /* of struct post */
	ev_timer poll;
};

static void ask(struct post *);

static struct runner *
runner_of(const struct post *p)
{
	return ((const struct watch *)p->place.owner)->runner;
}

/* ---- an answer ------------------------------------------------------------------------------ */

static int
by_session(const void *a, const void *b)
{
	const struct oc_status *x = a, *y = b;
	return strcmp(x->session_id, y->session_id);
}

static const struct oc_status *
find_status(const struct oc_statuses *statuses, char *session_id)
{
	const struct oc_status key = {.session_id = session_id};
	return statuses->count
		   ? bsearch(&key, statuses->all, statuses->count, sizeof key, by_session)
		   : NULL;
}

/* A session is busy while it waits for one below it, and that one may wait for its provider. */
static const struct oc_status *
who_waits(const struct flight *f, const struct oc_statuses *statuses, const struct oc_status *own)
{
	const struct oc_status *waits = own;
	for (const struct descendant *d = f->descendants; d; d = d->sibling) {
		const struct oc_status *below = find_status(statuses, d->session_id);
		if (below && below->activity == OC_BUSY)
			return own;
		if (below && below->activity == OC_RETRY)
			waits = below;
	}
	return waits;
}

static void
tell_panes(const struct flight *f, const struct oc_statuses *statuses)
{
	for (struct descendant *d = f->descendants; d; d = d->sibling)
		if (find_status(statuses, d->session_id))
			panes_at_work(f->runner->panes, d);
}

/* The flight may end. */
static void
tell_flight(struct flight *f, const struct oc_statuses *statuses, bool has_failed)
{
	tell_panes(f, statuses);
	const struct oc_status *found = find_status(statuses, f->session_id);
	if (found && found->activity == OC_BUSY)
		found = who_waits(f, statuses, found);
	flight_status(
	    f, found ? found->activity : OC_IDLE, found ? found->message : NULL, has_failed);
}

/* `statuses` NULL: the question failed. A flight may end while it is told. */
static void
tell_all(struct post *p, const struct oc_statuses *statuses, const char *sentence)
{
	struct flight *next;
	bool had_failed = p->has_failed;
	p->has_failed = !statuses;
	for (struct flight *f = runner_of(p)->flights; f; f = next) {
		next = f->next;
		if (!place_has(&p->place, f))
			continue;
		if (statuses)
			tell_flight(f, statuses, had_failed);
		else
			flight_status_failed(f, sentence, !had_failed);
	}
}

static void
on_statuses(void *arg, struct oc_reply *reply)
{
	struct post *p = arg;
	p->call = NULL;
	bool must_ask = p->ask_again;
	p->ask_again = false;
	if (reply->outcome == OC_OK) {
		qsort(reply->statuses->all, reply->statuses->count, sizeof *reply->statuses->all,
		    by_session);
		tell_all(p, reply->statuses, NULL);
	} else {
		tell_all(p, NULL, reply->sentence);
	}
	if (must_ask && !p->call) /* who was told may have asked already */
		ask(p);
}

/* ---- asking --------------------------------------------------------------------------------- */

static void
ask(struct post *p)
{
	struct opencode *client = link_client(runner_of(p)->link);
	if (client)
		p->call = opencode_statuses(client, p->place.directory, on_statuses, p);
}

bool
watch_ask(struct watch *w, const char *directory)
{
	struct post *p = (struct post *)places_find(&w->places, directory);
	p->ask_again = p->call != NULL;
	if (!p->call)
		ask(p);
	return p->ask_again;
}

static void
on_poll(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct watch *w = timer->data;
	places_tidy(&w->places, w->runner);
	for (struct place *place = w->places.first; place; place = place->next) {
		struct post *p = (struct post *)place;
		if (place->is_used && !p->call)
			ask(p);
	}
}

/* ---- outside -------------------------------------------------------------------------------- */

static bool
is_for(const struct flight *f)
{
	return f->session_id && flight_is_here(f) && f->status != STATUS_STOPPING;
}

static bool
is_asking(const struct place *place)
{
	return ((const struct post *)place)->call != NULL;
}

static void
stop_asking(struct place *place)
{
	struct post *p = (struct post *)place;
	opencode_cancel(p->call);
	p->call = NULL;
	p->ask_again = p->has_failed = false;
}

static const struct place_kind posts = {sizeof(struct post), is_for, is_asking, stop_asking};

void
watch_unlink(struct watch *w)
{
	for (struct place *p = w->places.first; p; p = p->next)
		stop_asking(p);
}

struct watch *
watch_new(struct runner *r, int64_t every_ms)
{
	struct watch *w = xcalloc(1, sizeof *w);
	double seconds = (double)every_ms / 1000.;
	w->runner = r;
	w->places = (struct places){.kind = &posts, .owner = w};
	ev_timer_init(&w->poll, on_poll, seconds, seconds);
	w->poll.data = w;
	ev_timer_start(r->loop, &w->poll);
	return w;
}

void
watch_free(struct watch *w)
{
	if (!w)
		return;
	ev_timer_stop(w->runner->loop, &w->poll);
	places_clear(&w->places);
	free(w);
}
