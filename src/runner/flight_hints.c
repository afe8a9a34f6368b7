/*
 * Reasons to look: what events, the status map and a person's part say of a flight. None is
 * proof of anything, and none moves a task: a look that finds out why does.
 */
#include "runner/flight_int.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "runner/runner.h"

void
flight_slept(struct flight *f, int64_t ms)
{
	f->lost_ms += ms;
	f->watched_ms = clock_now_ms();
}

bool
flight_is_idle(const struct flight *f)
{
	return !f->call && !f->look && !f->check && !f->abort && !f->vouch && !f->twins &&
	       !f->awaits_status && !f->awaits_asks && !f->awaits_pane;
}

bool
flight_is_here(const struct flight *f)
{
	return strcmp(f->server, link_name(f->runner->link)) == 0;
}

void
flight_wake(struct flight *f)
{
	f->has_changed = !flight_is_idle(f);
	if (!f->has_changed && !f->runner->ending)
		flight_tell(f, &(struct event){.type = EV_WAKE});
}

/* A stop goes by its own clock: what it causes itself would only start it over. */
static void
look_soon(struct flight *f)
{
	if (f->status != STATUS_STOPPING)
		flight_wake(f);
}

static bool
set_activity(struct flight *f, enum oc_activity activity, const char *retry_message)
{
	bool is_new = activity != f->activity;
	f->activity = activity;
	f->activity_is_known = true;
	xreplace(&f->retry_message, retry_message);
	return is_new;
}

void
flight_status(
    struct flight *f, enum oc_activity activity, const char *retry_message, bool is_known_again)
{
	bool is_new = set_activity(f, activity, retry_message) || is_known_again;
	if (f->awaits_status && f->skips_status) {
		f->skips_status = false;
	} else if (f->awaits_status) {
		f->awaits_status = false;
		flight_look_on(f);
	} else if (is_new) {
		look_soon(f);
	}
}

void
flight_status_failed(struct flight *f, const char *sentence, bool is_first)
{
	if (f->awaits_status) {
		f->awaits_status = false;
		flight_tell_unreachable(f, sentence);
	} else if (is_first) {
		look_soon(f); /* it is told where that fails too */
	}
}

void
flight_waits(struct flight *f, const char *for_what)
{
	if (same_text(f->waits_for, for_what))
		return;
	xreplace(&f->waits_for, for_what);
	look_soon(f);
}

static void
note_news(struct flight *f)
{
	f->progress_ms = clock_now_ms();
	f->has_news = true;
}

/* A turn has one message whose finish ends it: is its model asked again and again? */
static bool
is_another_end(struct flight *f, const struct oc_event *e)
{
	if (!e->finish || e->summary || same_text(e->finish, "tool-calls"))
		return false;
	bool is_first = !f->end_id, is_another = !is_first && !same_text(f->end_id, e->message_id);
	xreplace(&f->end_id, e->message_id);
	return is_another;
}

void
flight_event(struct flight *f, const struct oc_event *e)
{
	switch (e->type) {
	case OC_EV_IDLE:
		set_activity(f, OC_IDLE, NULL);
		look_soon(f);
		break;
	case OC_EV_STATUS:
		if (set_activity(f, e->activity, e->text))
			look_soon(f);
		break;
	case OC_EV_SESSION_DELETED:
		f->was_deleted = true;
		look_soon(f);
		break;
	case OC_EV_ERROR:
		xreplace(&f->error_message, e->text);
		look_soon(f);
		break;
	case OC_EV_MESSAGE:
		note_news(f);
		if (is_another_end(f, e))
			look_soon(f);
		break;
	case OC_EV_PART:
	case OC_EV_DELTA:
		note_news(f);
		break;
	case OC_EV_OTHER:
	case OC_EV_CONNECTED:
	case OC_EV_HEARTBEAT:
	case OC_EV_SESSION_CREATED:
	case OC_EV_ASKED:
	case OC_EV_REPLIED:
		break;
	}
}

void
flight_descendant_event(struct flight *f, const struct oc_event *e)
{
	if (e->type == OC_EV_MESSAGE || e->type == OC_EV_PART || e->type == OC_EV_DELTA)
		note_news(f);
}
