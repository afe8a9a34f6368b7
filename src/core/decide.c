/*
 * What an event means for a task: one table, status × event, with no empty cell. Each cell is a
 * short function that fills the decision, or one of the words `late` (of no meaning any more),
 * `bug` (cannot be) and `no_…` (a person asked for what cannot be, and is told why).
 *
 * A rule finds `d->next` filled with the task as it is and the verdict VERDICT_MOVE, and changes
 * what is different. Every rule that leaves a task live sets its next look.
 */
#include "core/decide.h"

#include "core/policy.h"

struct facts {
	const struct task *task;
	const struct event *event;
	const struct policy *policy;
};

typedef void rule(const struct facts *, struct decision *);

/* ---- words of the table -------------------------------------------------------------------- */

static void
late(const struct facts *f, struct decision *d)
{
	(void)f;
	d->verdict = VERDICT_IGNORE;
}

static void
bug(const struct facts *f, struct decision *d)
{
	(void)f;
	d->verdict = VERDICT_BUG;
}

static void
reject(struct decision *d, const char *why)
{
	d->verdict = VERDICT_REJECT;
	d->why = why;
}

static void
no_queued(const struct facts *f, struct decision *d)
{
	(void)f;
	reject(d, "it is queued already");
}

static void
no_not_held(const struct facts *f, struct decision *d)
{
	(void)f;
	reject(d, "it is not held");
}

static void
no_held(const struct facts *f, struct decision *d)
{
	(void)f;
	reject(d, "it is held: vigil release lets it start");
}

static void
no_live(const struct facts *f, struct decision *d)
{
	(void)f;
	reject(d, "it is being worked on: cancel it first");
}

static void
no_final(const struct facts *f, struct decision *d)
{
	(void)f;
	reject(d, "it is final already");
}

/* ---- what rules are made of ---------------------------------------------------------------- */

static void
act(struct decision *d, enum effect effect)
{
	d->verdict = VERDICT_ACT;
	d->effect = effect;
}

static void
look_at(struct decision *d, int64_t wake_at_ms)
{
	d->next.wake_at_ms = wake_at_ms;
}

/* Time in which it could not work counts neither towards the timeout nor as a stall. */
static void
end_loss(struct decision *d, int64_t *since_ms, int64_t now_ms)
{
	struct attempt *a = &d->next.attempt;
	if (*since_ms && now_ms > *since_ms)
		a->lost_ms += now_ms - *since_ms;
	if (*since_ms && now_ms > a->progress_ms)
		a->progress_ms = now_ms;
	*since_ms = 0;
}

/* Time asleep is in the loss already where one was running. */
static void
count_sleep(const struct facts *f, struct decision *d)
{
	if (!f->task->attempt.unreachable_ms && !f->task->attempt.waiting_ms)
		d->next.attempt.lost_ms += f->event->lost_ms;
}

static void
heard_from_server(const struct facts *f, struct decision *d)
{
	end_loss(d, &d->next.attempt.unreachable_ms, f->event->now_ms);
}

/* The server answered, and knows the session. */
static void
reached(const struct facts *f, struct decision *d)
{
	heard_from_server(f, d);
	d->next.attempt.misses = 0;
	d->next.attempt.stranger_ms = 0;
}

/* A clock that was set back must not make a time of the future out of one that has been. */
static void
not_later(int64_t *ms, int64_t now_ms)
{
	if (*ms > now_ms)
		*ms = now_ms;
}

static int64_t
sooner(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

static int64_t
later(int64_t a_ms, int64_t b_ms)
{
	return a_ms > b_ms ? a_ms : b_ms;
}

static bool
has_attempts_left(const struct task *t)
{
	return t->attempts - t->attempts_base < t->max_attempts;
}

static void
end_attempt(struct decision *d, enum status status, enum status outcome, enum error_kind kind)
{
	d->next.status = status;
	d->next.wake_at_ms = 0;
	d->next.attempt.has_ended = true;
	d->ends_attempt = true;
	d->outcome = outcome;
	d->kind = kind;
}

static void
complete(struct decision *d)
{
	end_attempt(d, STATUS_COMPLETED, STATUS_COMPLETED, KIND_NONE);
}

static void
fail_for_good(struct decision *d, enum error_kind kind, const char *why)
{
	end_attempt(d, STATUS_FAILED, STATUS_FAILED, kind);
	d->why = why;
}

/* `why` is the sentence where the event carries none. */
static void
fail(const struct facts *f, struct decision *d, enum error_kind kind, const char *why)
{
	fail_for_good(d, kind, why);
	if (has_attempts_left(f->task)) {
		int made = f->task->attempts - f->task->attempts_base;
		d->next.status = STATUS_QUEUED;
		d->next.stop = STOP_NONE;
		d->next.not_before_ms = f->event->now_ms + policy_retry_ms(made);
	}
}

/* Its clock starts with the first try that fails, for it can begin with no runner alive. */
static void
begin_stop(const struct facts *f, struct decision *d, enum stop stop)
{
	d->next.status = STATUS_STOPPING;
	d->next.stop = stop;
	d->next.attempt.stop_ms = 0;
	if (!d->next.attempt.has_session)
		d->next.attempt.searches = 0;
	look_at(d, f->event->now_ms);
	d->effect = d->next.attempt.has_session ? FX_ABORT : FX_FIND;
}

static void
send(const struct facts *f, struct decision *d)
{
	d->next.attempt.sends++;
	d->next.attempt.sent_ms = f->event->now_ms;
	d->next.attempt.idle_ms = 0;
	look_at(d, f->event->now_ms + POLICY_LOOK_MS);
	d->effect = FX_SEND;
}

/* That something happens is progress enough not to have stalled. That a resumption has helped, only
 * a step says that was finished after it: its beginning may be all that ever comes. */
static void
note_progress(const struct facts *f, struct decision *d)
{
	struct attempt *a = &d->next.attempt;
	a->progress_ms = later(a->progress_ms, later(f->event->progress_ms, f->event->step_ms));
	if (f->event->step_ms <= a->step_ms)
		return;
	a->step_ms = f->event->step_ms;
	a->stuck = 0;
}

static void
miss(const struct facts *f, struct decision *d)
{
	heard_from_server(f, d);
	d->next.attempt.stranger_ms = 0;
	if (++d->next.attempt.misses < POLICY_MISSES)
		look_at(d, f->event->now_ms + POLICY_MISS_MS);
	else
		fail(f, d, KIND_LOST, "the session is gone from the server: it was deleted there");
}

/* ---- queued, held, final ------------------------------------------------------------------- */

static void
queued_claim(const struct facts *f, struct decision *d)
{
	static const struct attempt fresh;
	d->next.status = STATUS_STARTING;
	d->next.stop = STOP_NONE;
	d->next.attempts++;
	d->next.attempt = fresh;
	d->next.attempt.started_ms = f->event->now_ms;
	look_at(d, f->event->now_ms + POLICY_LOOK_MS);
	d->effect = FX_CHECK;
}

static void
queued_delayed(const struct facts *f, struct decision *d)
{
	d->next.not_before_ms = f->event->now_ms + POLICY_DELAY_MS;
}

static void
waiting_cancel(const struct facts *f, struct decision *d)
{
	(void)f;
	d->next.status = STATUS_CANCELLED;
	d->next.stop = STOP_CANCEL;
}

static void
queued_hold(const struct facts *f, struct decision *d)
{
	(void)f;
	d->next.status = STATUS_HELD;
}

static void
queue(const struct facts *f, struct decision *d)
{
	d->next.status = STATUS_QUEUED;
	d->next.stop = STOP_NONE;
	if (status_is_final(f->task->status)) {
		d->next.attempts_base = f->task->attempts;
		d->next.not_before_ms = 0;
	}
}

/* ---- live, in whatever status -------------------------------------------------------------- */

static void
live_cancel(const struct facts *f, struct decision *d)
{
	begin_stop(f, d, STOP_CANCEL);
}

/* It cannot work, and nothing can be done but to look again. */
static void
wait_for_server(const struct facts *f, struct decision *d)
{
	end_loss(d, &d->next.attempt.waiting_ms, f->event->now_ms);
	if (!d->next.attempt.unreachable_ms)
		d->next.attempt.unreachable_ms = f->event->now_ms;
	look_at(d,
	    f->event->now_ms + policy_backoff_ms(d->next.attempt.unreachable_ms, f->event->now_ms));
}

/* Between two runs; of a prompt that was not seen until now, the time begins now. */
static void
leave_out_absence(const struct facts *f, struct decision *d)
{
	if (f->task->attempt.prompted_ms)
		d->next.attempt.lost_ms += f->event->away_ms;
}

static void
live_unreachable(const struct facts *f, struct decision *d)
{
	d->next.attempt.stranger_ms = 0;
	leave_out_absence(f, d);
	wait_for_server(f, d);
}

/* The next look is overdue: so long no runner was there, or the machine slept. */
static int64_t
unwatched_ms(const struct facts *f)
{
	return later(0, f->event->now_ms - f->task->wake_at_ms);
}

static void
live_stranger(const struct facts *f, struct decision *d)
{
	int64_t *since_ms = &d->next.attempt.stranger_ms;
	wait_for_server(f, d);
	if (*since_ms)
		*since_ms += unwatched_ms(f);
	not_later(since_ms, f->event->now_ms);
	if (!*since_ms)
		*since_ms = f->event->now_ms;
	if (f->event->now_ms >= *since_ms + POLICY_STRANGER_MS)
		fail(f, d, KIND_LOST, "for an hour, its server has known no session of ours");
}

static void
note_prompted(const struct facts *f, struct decision *d)
{
	if (d->next.attempt.prompted_ms)
		return;
	d->next.attempt.prompted_ms = f->event->now_ms;
	d->next.attempt.lost_ms = 0;
}

static void
live_looping(const struct facts *f, struct decision *d)
{
	note_prompted(f, d);
	begin_stop(f, d, STOP_LOOP);
}

static void
live_answered(const struct facts *f, struct decision *d)
{
	note_prompted(f, d);
	leave_out_absence(f, d);
	complete(d);
}

static void
live_faulty(const struct facts *f, struct decision *d)
{
	note_prompted(f, d);
	leave_out_absence(f, d);
	fail(f, d, f->event->kind, NULL);
}

static void
live_refused(const struct facts *f, struct decision *d)
{
	fail_for_good(d, f->event->kind, NULL);
}

/* A session that another runner may look after is not to be touched, nor its turn to be run beside
 * it: a person says when. */
static void
live_copied(const struct facts *f, struct decision *d)
{
	(void)f;
	end_attempt(d, STATUS_HELD, STATUS_FAILED, KIND_INTERRUPTED);
	d->why = "the database is a copy, and the task may go on in the first one";
}

/* The prompt was sent, and has left no message. */
static void
live_unprompted(const struct facts *f, struct decision *d)
{
	reached(f, d);
	not_later(&d->next.attempt.sent_ms, f->event->now_ms);
	int64_t believed_ms = d->next.attempt.sent_ms + POLICY_GRACE_MS;
	if (f->event->now_ms < believed_ms)
		look_at(d, believed_ms);
	else if (f->task->attempt.sends < POLICY_SENDS)
		send(f, d);
	else
		fail(f, d, KIND_SERVER, "the prompt was sent three times, and never arrived");
}

/* ---- starting ------------------------------------------------------------------------------ */

static void
starting_wake(const struct facts *f, struct decision *d)
{
	act(d, f->task->attempt.has_session ? FX_LOOK : FX_FIND);
}

/* Until there is a session, nothing that was asked is a success: the backoff goes on. The searches
 * are counted on: of a session that was searched for there may be two. */
static void
starting_absent(const struct facts *f, struct decision *d)
{
	if (f->task->attempt.has_session) {
		late(f, d);
		return;
	}
	if (d->next.attempt.searches++ % POLICY_SEARCHES == 0) {
		look_at(d, f->event->now_ms + POLICY_SEARCH_AGAIN_MS);
		return;
	}
	look_at(d, f->event->now_ms + POLICY_LOOK_MS);
	d->effect = FX_CHECK;
}

static void
starting_checked(const struct facts *f, struct decision *d)
{
	if (f->task->attempt.has_session) {
		late(f, d);
		return;
	}
	look_at(d, f->event->now_ms + POLICY_LOOK_MS);
	d->effect = FX_CREATE;
}

static void
starting_session(const struct facts *f, struct decision *d)
{
	if (f->task->attempt.has_session) {
		late(f, d);
		return;
	}
	reached(f, d);
	d->next.attempt.has_session = true;
	d->next.attempt.searches += f->event->was_found;
	send(f, d);
}

static int64_t
timeout_at_ms(const struct facts *f, const struct attempt *a)
{
	return a->prompted_ms + a->lost_ms + f->task->timeout_ms;
}

static int64_t
stall_at_ms(const struct facts *f, const struct attempt *a)
{
	int64_t worked_ms =
	    later(later(a->prompted_ms, a->progress_ms), later(a->sent_ms, f->event->watched_ms));
	return worked_ms + f->policy->stall_ms;
}

/* The next routine look; sooner where a limit comes sooner. */
static void
look_by_limits(const struct facts *f, struct decision *d)
{
	const struct attempt *a = &d->next.attempt;
	look_at(d, f->event->now_ms + POLICY_LOOK_MS);
	if (f->task->timeout_ms)
		look_at(d, sooner(d->next.wake_at_ms, timeout_at_ms(f, a)));
	if (f->policy->stall_ms)
		look_at(d, sooner(d->next.wake_at_ms, stall_at_ms(f, a)));
	if (d->next.wake_at_ms <= f->event->now_ms)
		look_at(d, f->event->now_ms + 1);
}

/* Over the time in which it could work; where the clock was set back, from now on. True: it is
 * being stopped. */
static bool
limits_are_over(const struct facts *f, struct decision *d)
{
	struct attempt *a = &d->next.attempt;
	not_later(&a->prompted_ms, f->event->now_ms);
	not_later(&a->progress_ms, f->event->now_ms);
	not_later(&a->sent_ms, f->event->now_ms);
	if (f->task->timeout_ms && f->event->now_ms >= timeout_at_ms(f, a))
		begin_stop(f, d, STOP_TIMEOUT);
	else if (f->policy->stall_ms && f->event->now_ms >= stall_at_ms(f, a))
		begin_stop(f, d, STOP_STALL);
	return d->next.status == STATUS_STOPPING;
}

static void
prompted(const struct facts *f, struct decision *d)
{
	reached(f, d);
	d->next.status = STATUS_RUNNING;
	note_prompted(f, d);
	look_by_limits(f, d);
}

/* ---- running ------------------------------------------------------------------------------- */

static void
running_wake(const struct facts *f, struct decision *d)
{
	(void)f;
	act(d, FX_LOOK);
}

static void
running_busy(const struct facts *f, struct decision *d)
{
	struct attempt *a = &d->next.attempt;
	prompted(f, d);
	note_progress(f, d);
	leave_out_absence(f, d);
	a->idle_ms = 0;
	if (!f->event->is_waiting)
		end_loss(d, &a->waiting_ms, f->event->now_ms);
	else if (!a->waiting_ms)
		a->waiting_ms = f->event->now_ms;
	if (a->waiting_ms)
		look_at(d, f->event->now_ms + POLICY_LOOK_MS);
	else if (!limits_are_over(f, d))
		look_by_limits(f, d);
}

static void
resume(const struct facts *f, struct decision *d)
{
	d->next.attempt.resumes++;
	d->next.attempt.stuck++;
	send(f, d);
}

static void
interrupted(const struct facts *f, struct decision *d)
{
	static const char why[] = "the turn was cut off, and did not go on";
	switch (f->policy->on_interrupt) {
	case ON_INTERRUPT_RESUME:
		if (d->next.attempt.stuck < f->policy->max_resumes)
			resume(f, d);
		else
			fail(f, d, KIND_INTERRUPTED, why);
		break;
	case ON_INTERRUPT_RESTART:
		fail(f, d, KIND_INTERRUPTED, why);
		break;
	case ON_INTERRUPT_HOLD:
		end_attempt(d, STATUS_HELD, STATUS_FAILED, KIND_INTERRUPTED);
		d->why = why;
		break;
	case ON_INTERRUPT_FAIL:
		fail_for_good(d, KIND_INTERRUPTED, why);
		break;
	}
}

static void
running_unanswered(const struct facts *f, struct decision *d)
{
	struct attempt *a = &d->next.attempt;
	prompted(f, d);
	note_progress(f, d);
	leave_out_absence(f, d);
	a->sends = 0; /* it has arrived */
	end_loss(d, &a->waiting_ms, f->event->now_ms);
	if (limits_are_over(f, d))
		return;
	not_later(&a->idle_ms, f->event->now_ms);
	if (!a->idle_ms)
		a->idle_ms = f->event->now_ms;
	int64_t believed_ms = a->idle_ms + POLICY_GRACE_MS;
	if (f->event->now_ms < believed_ms)
		look_at(d, believed_ms);
	else if (f->event->kind != KIND_NONE)
		fail(f, d, f->event->kind, NULL);
	else
		interrupted(f, d);
}

static void
running_gone(const struct facts *f, struct decision *d)
{
	miss(f, d);
}

/* ---- stopping ------------------------------------------------------------------------------ */

static void
stopped(const struct facts *f, struct decision *d)
{
	const struct {
		enum error_kind kind;
		const char *why;
		int64_t why_ms;
	} ends[STOP_COUNT] = {
	    [STOP_TIMEOUT] = {KIND_TIMEOUT, "it ran longer than its timeout", f->task->timeout_ms},
	    [STOP_STALL] = {KIND_STALLED,
		"it stalled: nothing has happened in its session for too long",
		f->policy->stall_ms},
	    [STOP_LOOP] = {KIND_AGENT,
		"the model was asked again and again, for it never said that it was done", 0},
	};
	enum stop stop = f->task->stop;
	if (ends[stop].why)
		fail(f, d, ends[stop].kind, ends[stop].why);
	else
		end_attempt(d, STATUS_CANCELLED, STATUS_CANCELLED, KIND_NONE);
	d->why_ms = ends[stop].why_ms;
}

/* Nobody can say whether the agent is still at work: another beside it would be worse than none. */
static void
stopped_unconfirmed(const struct facts *f, struct decision *d)
{
	stopped(f, d);
	d->is_unconfirmed = true;
	if (d->next.status != STATUS_QUEUED)
		return;
	d->next.status = STATUS_FAILED;
	d->next.stop = f->task->stop;
	d->next.not_before_ms = f->task->not_before_ms;
}

static bool
nobody_has_tried(const struct facts *f)
{
	return unwatched_ms(f) >= POLICY_STOP_MS;
}

/* Tried again, until it has lasted too long. */
static void
stopping_again(const struct facts *f, struct decision *d)
{
	const int64_t now_ms = f->event->now_ms;
	not_later(&d->next.attempt.stop_ms, now_ms);
	if (!d->next.attempt.stop_ms || nobody_has_tried(f))
		d->next.attempt.stop_ms = now_ms;
	if (now_ms >= d->next.attempt.stop_ms + POLICY_STOP_MS)
		stopped_unconfirmed(f, d);
	else
		look_at(d, now_ms + POLICY_STOP_AGAIN_MS);
}

static void
stopping_wake(const struct facts *f, struct decision *d)
{
	act(d, f->task->attempt.has_session ? FX_ABORT : FX_FIND);
}

static void
stopping_cancel(const struct facts *f, struct decision *d)
{
	if (f->task->stop == STOP_CANCEL)
		d->verdict = VERDICT_IGNORE;
	d->next.stop = STOP_CANCEL;
}

static void
stopping_absent(const struct facts *f, struct decision *d)
{
	if (d->next.attempt.searches++ == 0)
		look_at(d, f->event->now_ms + POLICY_SEARCH_AGAIN_MS);
	else
		stopped(f, d);
}

static void
stopping_find(const struct facts *f, struct decision *d)
{
	(void)f;
	act(d, FX_FIND);
}

static void
stopping_session(const struct facts *f, struct decision *d)
{
	d->next.attempt.has_session = true;
	look_at(d, f->event->now_ms + POLICY_STOP_AGAIN_MS);
	d->effect = FX_ABORT;
}

static void
stopping_prompted(const struct facts *f, struct decision *d)
{
	d->next.attempt.sent_ms = f->event->now_ms;
	look_at(d, f->event->now_ms + POLICY_STOP_AGAIN_MS);
	d->effect = FX_ABORT;
}

static void
stopping_aborted(const struct facts *f, struct decision *d)
{
	d->next.attempt.aborted_ms = f->event->now_ms;
	look_at(d, f->event->now_ms + POLICY_STOP_AGAIN_MS);
	d->effect = FX_LOOK;
}

/* Idle, and nothing says that the turn was ended by our abort: a prompt sent just before it may
 * still start. */
static void
stopping_idle(const struct facts *f, struct decision *d)
{
	const struct attempt *a = &f->task->attempt;
	int64_t settled_ms = a->sent_ms + POLICY_SETTLE_MS;
	if (!a->aborted_ms)
		act(d, FX_ABORT);
	else if (a->aborted_ms < settled_ms && a->sent_ms <= f->event->now_ms)
		look_at(d, f->event->now_ms + POLICY_STOP_AGAIN_MS);
	else
		stopped(f, d);
}

static void
stopping_ended(const struct facts *f, struct decision *d)
{
	stopped(f, d);
}

/* Only a person's cancel outweighs an answer that came in time. */
static void
stopping_answered(const struct facts *f, struct decision *d)
{
	if (f->task->stop == STOP_CANCEL)
		stopped(f, d);
	else
		complete(d);
}

/* ---- the table ----------------------------------------------------------------------------- */

#define QUEUED_ROW \
	{ \
		[EV_CLAIM] = queued_claim, [EV_DELAYED] = queued_delayed, \
		[EV_CANCEL] = waiting_cancel, [EV_RETRY] = no_queued, [EV_HOLD] = queued_hold, \
		[EV_RELEASE] = no_not_held, NEWS_IS_LATE \
	}

#define FINAL_ROW \
	{ \
		[EV_CLAIM] = bug, [EV_DELAYED] = late, [EV_CANCEL] = no_final, [EV_RETRY] = queue, \
		[EV_HOLD] = no_final, [EV_RELEASE] = no_final, NEWS_IS_LATE \
	}

#define NEWS_IS_LATE \
	[EV_COPIED] = late, [EV_WAKE] = late, [EV_ABSENT] = late, [EV_CHECKED] = late, \
	[EV_REFUSED] = late, [EV_SESSION] = late, [EV_PROMPTED] = late, [EV_UNREACHABLE] = late, \
	[EV_BUSY] = late, [EV_UNPROMPTED] = late, [EV_UNANSWERED] = late, [EV_ANSWERED] = late, \
	[EV_FAULTY] = late, [EV_LOOPING] = late, [EV_GONE] = late, [EV_STRANGER] = late, \
	[EV_ABORTED] = late

#define PEOPLE_ARE_REFUSED \
	[EV_CLAIM] = bug, [EV_DELAYED] = late, [EV_RETRY] = no_live, [EV_HOLD] = no_live, \
	[EV_RELEASE] = no_not_held

static rule *const table[STATUS_COUNT][EV_COUNT] = {
    [STATUS_QUEUED] = QUEUED_ROW,
    [STATUS_HELD] = {[EV_CLAIM] = bug,
	[EV_DELAYED] = late,
	[EV_CANCEL] = waiting_cancel,
	[EV_RETRY] = no_held,
	[EV_HOLD] = no_held,
	[EV_RELEASE] = queue,
	NEWS_IS_LATE},
    [STATUS_STARTING] =
	{
	    PEOPLE_ARE_REFUSED,
	    [EV_COPIED] = live_copied,
	    [EV_CANCEL] = live_cancel,
	    [EV_WAKE] = starting_wake,
	    [EV_ABSENT] = starting_absent,
	    [EV_CHECKED] = starting_checked,
	    [EV_REFUSED] = live_refused,
	    [EV_SESSION] = starting_session,
	    [EV_PROMPTED] = prompted,
	    [EV_UNREACHABLE] = live_unreachable,
	    [EV_BUSY] = running_busy,
	    [EV_UNPROMPTED] = live_unprompted,
	    [EV_UNANSWERED] = running_unanswered,
	    [EV_ANSWERED] = live_answered,
	    [EV_FAULTY] = live_faulty,
	    [EV_LOOPING] = live_looping,
	    [EV_GONE] = running_gone,
	    [EV_STRANGER] = live_stranger,
	    [EV_ABORTED] = late,
	},
    [STATUS_RUNNING] =
	{
	    PEOPLE_ARE_REFUSED,
	    [EV_COPIED] = live_copied,
	    [EV_CANCEL] = live_cancel,
	    [EV_WAKE] = running_wake,
	    [EV_ABSENT] = late,
	    [EV_CHECKED] = late,
	    [EV_REFUSED] = live_refused,
	    [EV_SESSION] = late,
	    [EV_PROMPTED] = prompted,
	    [EV_UNREACHABLE] = live_unreachable,
	    [EV_BUSY] = running_busy,
	    [EV_UNPROMPTED] = live_unprompted,
	    [EV_UNANSWERED] = running_unanswered,
	    [EV_ANSWERED] = live_answered,
	    [EV_FAULTY] = live_faulty,
	    [EV_LOOPING] = live_looping,
	    [EV_GONE] = running_gone,
	    [EV_STRANGER] = live_stranger,
	    [EV_ABORTED] = late,
	},
    [STATUS_STOPPING] =
	{
	    PEOPLE_ARE_REFUSED,
	    [EV_COPIED] = stopped_unconfirmed,
	    [EV_CANCEL] = stopping_cancel,
	    [EV_WAKE] = stopping_wake,
	    [EV_ABSENT] = stopping_absent,
	    [EV_CHECKED] = stopping_find,
	    [EV_REFUSED] = stopping_ended,
	    [EV_SESSION] = stopping_session,
	    [EV_PROMPTED] = stopping_prompted,
	    [EV_UNREACHABLE] = stopping_again,
	    [EV_BUSY] = stopping_again,
	    [EV_UNPROMPTED] = stopping_idle,
	    [EV_UNANSWERED] = stopping_idle,
	    [EV_ANSWERED] = stopping_answered,
	    [EV_FAULTY] = stopping_ended,
	    [EV_LOOPING] = stopping_again,
	    [EV_GONE] = stopping_ended,
	    [EV_STRANGER] = stopping_again,
	    [EV_ABORTED] = stopping_aborted,
	},
    [STATUS_COMPLETED] = FINAL_ROW,
    [STATUS_FAILED] = FINAL_ROW,
    [STATUS_CANCELLED] = FINAL_ROW,
};

/* One that ends while it waits, for whomever, or right after: that was no work. An answer was, and
 * is found with the time it was finished at; an abort is, too, and was none. */
static void
end_losses(const struct facts *f, struct decision *d)
{
	struct attempt *a = &d->next.attempt;
	int64_t since_ms = a->unreachable_ms ? a->unreachable_ms : a->waiting_ms;
	if (since_ms && f->event->type == EV_ANSWERED)
		since_ms = later(since_ms, f->event->step_ms);
	if (since_ms && f->event->now_ms > since_ms)
		a->lost_ms += f->event->now_ms - since_ms;
}

/* The world's answer to an attempt that is over, or was never this one, changes nothing. */
static bool
is_of_another_attempt(const struct task *t, const struct event *e)
{
	return e->attempt_id && (e->attempt_id != t->attempt.id || t->attempt.has_ended);
}

void
decide(const struct task *t, const struct event *e, const struct policy *p, struct decision *d)
{
	const struct facts f = {t, e, p};
	*d = (struct decision){.verdict = VERDICT_MOVE, .next = *t};
	if (is_of_another_attempt(t, e)) {
		d->verdict = VERDICT_IGNORE;
		return;
	}
	if (status_is_live(t->status))
		count_sleep(&f, d);
	table[t->status][e->type](&f, d);
	if (d->ends_attempt)
		end_losses(&f, d);
}
