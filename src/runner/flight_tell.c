/*
 * What a step has found out is told: committed by store/apply.c, said to who reads the log, and
 * what comes next is started. Also who is asked why a session is not there any more.
 */
#include "runner/flight_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/when.h"
#include "runner/claim.h"
#include "runner/runner.h"
#include "runner/vouch.h"

#define TRY_AGAIN_MS 1000 /* after a write or a read that failed */
#define REFUSED_MS \
	60000 /* after a write that the tables do not allow: a person must mend the row */

static void
wake_in(struct flight *f, int64_t ms)
{
	f->wake_at_ms = clock_now_ms() + ms;
	runner_due_changed(f->runner, f->wake_at_ms);
}

/* How long it has worked, as list and show tell it. The clock may have been set back since. */
static const char *
say_work(const struct flight *f, const struct decision *d, int64_t now_ms, char out[32])
{
	int64_t ms = now_ms - f->started_ms - d->next.attempt.lost_ms;
	return ms < 0 ? "an unknown time" : when_say(ms, out);
}

static void
announce(struct flight *f, const struct decision *d, const struct event *e)
{
	const char *why = d->why ? d->why : e->text;
	const char *status = status_text(d->next.status);
	long long id = f->task_id;
	char room[32];
	const char *took = say_work(f, d, e->now_ms, room);
	if (d->next.status == STATUS_COMPLETED)
		runner_say(f->runner, "task %lld completed in %s", id, took);
	else if (d->is_unconfirmed)
		runner_say(f->runner,
		    "task %lld is %s, but nothing confirms that its agent has stopped", id, status);
	else if (d->next.status == STATUS_FAILED)
		runner_say(f->runner, "task %lld failed (%s) after %s: %s", id, kind_text(d->kind),
		    took, why ? why : "");
	else if (d->ends_attempt && d->next.status == STATUS_QUEUED)
		runner_say(f->runner, "task %lld failed (%s), and is tried again: %s", id,
		    kind_text(d->kind), why ? why : "");
	else if (d->next.status != f->status)
		runner_say(f->runner, "task %lld is %s", id, status);
	else if (d->effect == FX_SEND && d->next.attempt.resumes)
		runner_say(f->runner, "task %lld is resumed: its turn was cut off", id);
}

/* What the row has now, the flight may use; never before. */
static void
remember(struct flight *f, const struct event *e)
{
	if (e->type == EV_CHECKED) {
		xreplace(&f->sent_agent, e->agent);
		xreplace(&f->sent_model, e->model);
		xreplace(&f->sent_variant, e->variant);
	}
	if (e->type == EV_SESSION) {
		xreplace(&f->session_id, e->session_id);
		xreplace(&f->message_id, e->message_id);
		xreplace(&f->part_id, e->part_id);
		sessions_add(&f->runner->sessions, f);
		f->knows_descendants = true; /* it is new: there is none */
	}
	f->away_told_ms += e->away_ms;
	if (e->type == EV_BUSY || e->type == EV_UNANSWERED)
		f->away_from_ms = f->away_to_ms = f->away_told_ms = 0; /* it is told */
}

/* The row is committed: the flight follows it. May end the flight. */
static void
go_on(struct flight *f, const struct decision *d, const struct event *e)
{
	if (d->verdict == VERDICT_MOVE) {
		announce(f, d, e);
		remember(f, e);
		f->wake_at_ms = d->next.wake_at_ms;
		f->may_have_twin = d->next.attempt.searches > 0;
	}
	f->status = d->next.status;
	f->revision = d->next.revision;
	if (!status_is_live(f->status)) {
		claim_soon(f->runner);
		flight_end(f);
		return;
	}
	runner_due_changed(f->runner, f->wake_at_ms);
	if (d->effect != FX_NONE)
		flight_do(f, d->effect);
	else if (f->has_changed)
		flight_wake(f);
}

/* What could not be written is found anew when the flight wakes. */
static void
try_again(struct flight *f, const struct event *e, int64_t in_ms)
{
	f->lost_ms += e->lost_ms;
	wake_in(f, in_ms);
}

void
flight_not_read(struct flight *f, const struct fault *why)
{
	runner_in_trouble(f->runner, why);
	wake_in(f, TRY_AGAIN_MS);
}

static void
not_written(struct flight *f, const struct event *e, const struct fault *why)
{
	if (why->kind == FAULT_USAGE) {
		runner_say(
		    f->runner, "task %lld cannot go on: %s", (long long)f->task_id, why->text);
		try_again(f, e, REFUSED_MS);
	} else {
		runner_in_trouble(f->runner, why);
		try_again(f, e, TRY_AGAIN_MS);
	}
}

/* Of every event, also of one that no answer came with: what follows sleep may be that its server
 * is out of reach, whose own time counts from then on only. */
static void
note_sleep(struct flight *f, struct event *e)
{
	runner_count_sleep(f->runner);
	e->watched_ms = f->watched_ms;
	e->lost_ms = f->lost_ms;
	f->lost_ms = 0;
}

void
flight_tell(struct flight *f, struct event *e)
{
	struct runner *r = f->runner;
	struct decision d;
	struct fault why;
	e->now_ms = clock_now_ms();
	if (e->type != EV_WAKE) { /* which writes nothing */
		e->attempt_id = f->attempt_id;
		note_sleep(f, e);
	}
	if (!runner_may_write(r)) {
		try_again(f, e, TRY_AGAIN_MS);
		return;
	}
	if (!apply(r->store, &r->defaults, f->task_id, e, &d, &why)) {
		not_written(f, e, &why);
	} else if (d.verdict == VERDICT_MOVE || d.verdict == VERDICT_ACT) {
		if (d.verdict == VERDICT_MOVE)
			runner_out_of_trouble(r);
		else
			f->lost_ms += e->lost_ms; /* nothing was written */
		go_on(f, &d, e);
	} else {
		try_again(f, e, TRY_AGAIN_MS);
	}
}

/* What was done between two runs is not known before its server is reached, and by then there may
 * be another run, which finds no trace of how long nobody was there. */
static int64_t
say_all_absence(const struct flight *f)
{
	int64_t absence_ms = f->away_to_ms - f->away_from_ms - f->away_told_ms;
	return absence_ms > 0 ? absence_ms : 0;
}

void
flight_tell_unreachable(struct flight *f, const char *sentence)
{
	flight_tell(
	    f, &(struct event){
		   .type = EV_UNREACHABLE, .away_ms = say_all_absence(f), .text = sentence});
}

void
flight_tell_refused(struct flight *f, enum error_kind kind, const char *sentence)
{
	flight_tell(f, &(struct event){.type = EV_REFUSED, .kind = kind, .text = sentence});
}

static void on_vouched(void *arg, struct oc_reply *reply);

static void
on_gone_aborted(void *arg, struct oc_reply *reply)
{
	struct flight *f = arg;
	f->call = NULL;
	if (reply->outcome == OC_OK || reply->outcome == OC_NOT_FOUND)
		flight_tell(f, &(struct event){.type = EV_GONE});
	else
		flight_tell_unreachable(f, reply->sentence);
}

/* A turn goes on in a session that was deleted (observed on 1.18.33), and the next attempt would
 * work beside it. */
static void
tell_gone(struct flight *f)
{
	struct opencode *server = flight_server(f);
	if (server)
		f->call = opencode_abort(server, f->session_id, f->directory, on_gone_aborted, f);
}

static void
tell_stranger(struct flight *f)
{
	flight_tell(f,
	    &(struct event){.type = EV_STRANGER,
		.text = "its server knows no session of ours: it was wiped, or it is another one"});
}

/* Its session alone, or is this another server than the one that we knew? */
static void
find_out_why_gone(struct flight *f)
{
	struct fault why;
	struct runner *r = f->runner;
	if (f->was_deleted) {
		tell_gone(f);
		return;
	}
	f->vouch = vouch_start(
	    r->store, link_client(r->link), f->server, f->session_id, on_vouched, f, &why);
	if (f->vouch)
		return;
	if (why.kind == FAULT_NONE)
		tell_stranger(f);
	else
		flight_not_read(f, &why);
}

static void
on_vouched(void *arg, struct oc_reply *reply)
{
	struct flight *f = arg;
	f->vouch = NULL;
	if (reply->outcome == OC_OK)
		tell_gone(f);
	else if (reply->outcome == OC_NOT_FOUND)
		tell_stranger(f);
	else
		flight_tell_unreachable(f, reply->sentence);
}

void
flight_tell_trouble(struct flight *f, const struct oc_reply *reply)
{
	if (reply->outcome == OC_NOT_FOUND && f->session_id)
		find_out_why_gone(f);
	else
		flight_tell_unreachable(f, reply->sentence);
}

struct opencode *
flight_server(struct flight *f)
{
	struct link *l = f->runner->link;
	if (!flight_is_here(f)) {
		char *sentence = xasprintf(
		    "waits for its server, %s: this runner drives %s", f->server, link_name(l));
		flight_tell_unreachable(f, sentence);
		free(sentence);
		return NULL;
	}
	if (link_is_up(l))
		return link_client(l);
	flight_tell_unreachable(
	    f, *link_trouble(l) ? link_trouble(l) : "this run has not reached the server yet");
	return NULL;
}
