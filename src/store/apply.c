/*
 * From an event to the row: see apply.h. What an event means is decided in core/decide.c; here it
 * is written down.
 */
#include "store/apply.h"

#include <math.h>

#include "base/buf.h"
#include "base/failpoint.h"
#include "base/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

/* What is being applied. */
struct move {
	struct store *store;
	const struct event *event;
	const struct task *before;
	struct decision *decision;
};

/* ---- loading ------------------------------------------------------------------------------- */

struct loading {
	const struct apply_defaults *defaults;
	struct task *task;
	bool found;
};

/* The columns of apply_load, from that of attempts.id. */
static void
take_attempt(struct attempt *a, const struct row *row, size_t at)
{
	int *const counters[] = {&a->sends, &a->resumes, &a->stuck, &a->searches, &a->misses};
	int64_t *const times[] = {&a->started_ms, &a->prompted_ms, &a->progress_ms, &a->step_ms,
	    &a->idle_ms, &a->unreachable_ms, &a->stranger_ms, &a->waiting_ms, &a->stop_ms,
	    &a->sent_ms, &a->aborted_ms};

	*a = (struct attempt){.id = row_int(row, at++)};
	for (size_t i = 0; i < COUNT(times); i++)
		*times[i] = row_time(row, at++);
	a->lost_ms = row_int(row, at++);
	for (size_t i = 0; i < COUNT(counters); i++)
		*counters[i] = (int)row_int(row, at++);
	a->has_session = row_int(row, at++);
	a->has_ended = row_int(row, at);
}

static int64_t
to_ms(double seconds)
{
	return seconds < 1e12 ? llround(seconds * 1000) : INT64_C(1000000000000000);
}

static bool
take_task(void *arg, const struct row *row)
{
	struct loading *loading = arg;
	const struct apply_defaults *defaults = loading->defaults;
	struct task *t = loading->task;

	loading->found = true;
	t->max_attempts = row_is_null(row, 4) ? defaults->attempts : (int)row_int(row, 4);
	t->timeout_ms = row_is_null(row, 5) ? defaults->timeout_ms : to_ms(row_real(row, 5));
	if (!status_parse(row_text(row, 0), &t->status))
		die("task %lld has the status %s", (long long)t->id, row_text(row, 0));
	t->stop = stop_parse(row_text(row, 1));
	t->attempts = (int)row_int(row, 2);
	t->attempts_base = (int)row_int(row, 3);
	t->not_before_ms = row_time(row, 6);
	t->wake_at_ms = row_time(row, 7);
	t->revision = row_int(row, 8);
	take_attempt(&t->attempt, row, 9);
	return false;
}

bool
apply_load(struct store *s, const struct apply_defaults *defaults, int64_t id, struct task *task,
    struct fault *fault)
{
	struct value values[] = {value_int(id)};
	struct loading loading = {defaults, task, false};

	*task = (struct task){.id = id};
	if (!store_run(s, Q_apply_load, values, COUNT(values), take_task, &loading, fault))
		return false;
	if (!loading.found)
		return fault_set(fault, FAULT_NOT_FOUND, "there is no task %lld", (long long)id);
	return true;
}

/* ---- the attempt --------------------------------------------------------------------------- */

static bool
write_claim(const struct move *m, struct fault *fault)
{
	const struct event *e = m->event;
	struct task *next = &m->decision->next;
	struct value values[] = {value_int(next->id), value_int(next->attempts),
	    value_text(e->nonce), value_text(e->server), value_int(e->server_id),
	    value_int(e->runner_id), value_time(e->now_ms)};

	if (!e->nonce)
		die("task %lld is claimed without a nonce", (long long)next->id);
	if (!store_run(m->store, Q_apply_claim, values, COUNT(values), NULL, NULL, fault))
		return false;
	next->attempt.id = store_last_id(m->store);
	return true;
}

static bool
write_attempt(const struct move *m, struct fault *fault)
{
	static const struct event nothing;
	const struct attempt *a = &m->decision->next.attempt;
	const struct event *e = m->event;
	const struct event *session = e->type == EV_SESSION ? e : &nothing;
	const struct event *checked = e->type == EV_CHECKED ? e : &nothing;
	const struct event *prompted = e->type == EV_PROMPTED ? e : &nothing;
	struct value values[] = {value_int(a->id), value_time(a->prompted_ms),
	    value_time(a->progress_ms), value_time(a->step_ms), value_time(a->idle_ms),
	    value_time(a->unreachable_ms), value_time(a->stranger_ms), value_time(a->waiting_ms),
	    value_time(a->stop_ms), value_time(a->sent_ms), value_time(a->aborted_ms),
	    value_int(a->lost_ms), value_int(a->sends), value_int(a->resumes), value_int(a->stuck),
	    value_int(a->searches), value_int(a->misses), value_int(a->has_session),
	    value_text(session->session_id), value_text(session->message_id),
	    value_text(session->part_id), value_text(checked->agent), value_text(checked->model),
	    value_text(checked->variant), value_int(prompted->server_id)};

	return store_run(m->store, Q_apply_attempt, values, COUNT(values), NULL, NULL, fault);
}

/* ---- its end ------------------------------------------------------------------------------- */

/* An error's own words say more than our sentence; at the end of a stop it is the other way round:
 * what the server then says is a consequence. */
static const char *
error_text(const struct move *m)
{
	const char *said = m->event->text, *why = m->decision->why;

	if (m->before->status == STATUS_STOPPING)
		return why ? why : said;
	return said ? said : why;
}

static char *
message_error(const struct message *message)
{
	if (message->error_name && message->error_text)
		return xasprintf("%s: %s", message->error_name, message->error_text);
	return xstrdup(message->error_name ? message->error_name : message->error_text);
}

static bool
write_message(const struct move *m, const struct message *message, struct fault *fault)
{
	const struct task *next = &m->decision->next;
	const struct tokens *tokens = &message->tokens;
	char *error = message_error(message);
	struct value values[] = {value_int(next->id), value_int(next->attempt.id),
	    value_text(message->id), value_text(message->from_user ? "user" : "assistant"),
	    value_text(message->agent), value_text(message->model), value_text(message->text),
	    value_text(message->reasoning), value_text(message->finish), value_text(error),
	    value_int(message->summary), value_int(message->cut), value_time(message->created_ms),
	    value_time(message->completed_ms), value_int(tokens->input), value_int(tokens->output),
	    value_int(tokens->reasoning), value_int(tokens->cache_read),
	    value_int(tokens->cache_write), value_real(message->cost)};
	bool ok = store_run(m->store, Q_apply_message, values, COUNT(values), NULL, NULL, fault);

	free(error);
	return ok;
}

static bool
write_end(const struct move *m, struct fault *fault)
{
	static const struct harvest nothing;
	const struct decision *d = m->decision;
	const struct harvest *harvest = m->event->harvest ? m->event->harvest : &nothing;
	const struct tokens *tokens = &harvest->tokens;
	struct value values[] = {value_int(d->next.attempt.id), value_time(m->event->now_ms),
	    value_text(status_text(d->outcome)),
	    value_text(d->outcome == STATUS_FAILED ? error_text(m) : NULL),
	    value_text(kind_text(d->kind)), value_int(tokens->input), value_int(tokens->output),
	    value_int(tokens->reasoning), value_int(tokens->cache_read),
	    value_int(tokens->cache_write), value_real(harvest->cost)};

	for (size_t i = 0; i < harvest->count; i++)
		if (!write_message(m, &harvest->messages[i], fault))
			return false;
	return store_run(m->store, Q_apply_end, values, COUNT(values), NULL, NULL, fault);
}

/* ---- the task ------------------------------------------------------------------------------ */

/* The reason of a stop stays from its beginning to the end. */
static bool
keeps_error(const struct move *m)
{
	const struct task *next = &m->decision->next;

	if (m->event->type == EV_CANCEL || m->before->status != STATUS_STOPPING)
		return false;
	return next->status == STATUS_STOPPING || next->status == STATUS_CANCELLED;
}

static const char *
task_error(const struct move *m)
{
	switch (m->decision->next.status) {
	case STATUS_FAILED:
		return error_text(m);
	case STATUS_STOPPING:
	case STATUS_CANCELLED:
		if (m->decision->next.stop == STOP_CANCEL)
			return m->event->text ? m->event->text : "Cancelled by user";
		return m->decision->why;
	default:
		return NULL;
	}
}

static const char *
task_result(const struct move *m)
{
	const struct harvest *harvest = m->event->harvest;
	const char *result = harvest ? harvest->result : NULL;
	enum status status = m->decision->next.status;

	if (status == STATUS_COMPLETED && !result)
		die("task %lld has completed without a result", (long long)m->before->id);
	return status_is_final(status) ? result : NULL;
}

/* The result is the text of one of the messages, and was cut where that was. */
static bool
result_is_cut(const struct move *m, const char *result)
{
	const struct harvest *harvest = m->event->harvest;

	for (size_t i = 0; result && i < harvest->count; i++)
		if (harvest->messages[i].text == result)
			return harvest->messages[i].cut;
	return false;
}

/* What is in its way; gone as soon as anything else is heard. */
static const char *
task_note(const struct move *m)
{
	enum event_type type = m->event->type;
	bool in_its_way = type == EV_UNREACHABLE || type == EV_STRANGER || type == EV_BUSY;

	return in_its_way ? m->event->text : NULL;
}

static bool
write_task(const struct move *m, struct fault *fault)
{
	static const struct event nothing;
	const struct task *next = &m->decision->next;
	const struct event *e = m->event;
	const struct event *claim = e->type == EV_CLAIM ? e : &nothing;
	const char *result = task_result(m);
	bool failed = next->status == STATUS_FAILED;
	struct value values[] = {value_int(next->id), value_text(status_text(next->status)),
	    value_text(stop_text(next->stop)), value_time(next->wake_at_ms),
	    value_time(next->not_before_ms), value_int(next->attempts),
	    value_int(next->attempts_base), value_int(keeps_error(m)), value_text(task_error(m)),
	    value_text(failed ? kind_text(m->decision->kind) : NULL), value_text(result),
	    value_text(task_note(m)), value_time(claim->now_ms),
	    value_time(status_is_final(next->status) ? e->now_ms : 0), value_int(next->attempt.id),
	    value_text(claim->directory), value_text(claim->server),
	    value_int(result_is_cut(m, result))};

	if (status_is_live(next->status) && !next->wake_at_ms)
		die("task %lld is to be %s without a next look", (long long)next->id,
		    status_text(next->status));
	return store_run(m->store, Q_apply_task, values, COUNT(values), NULL, NULL, fault);
}

/* ---- the history --------------------------------------------------------------------------- */

/* A change of status writes its own line, by a trigger. Of the rest, what a person who asks "what
 * has it been doing?" wants to know; not that it was looked at, and found at work. */
static const char *
event_kind(const struct move *m)
{
	const struct task *before = m->before, *next = &m->decision->next;

	if (m->decision->is_unconfirmed)
		return "unconfirmed";
	if (m->decision->ends_attempt && !status_is_final(next->status))
		return "attempt ended";
	if (next->status != before->status)
		return NULL;
	switch (m->event->type) {
	case EV_SESSION:
	case EV_CANCEL:
	case EV_DELAYED:
		return event_text(m->event->type);
	case EV_UNREACHABLE:
	case EV_STRANGER:
		/* A stop has its own clock, that of its first try that failed. */
		return before->attempt.unreachable_ms || before->attempt.stop_ms ? NULL
										 : "unreachable";
	case EV_UNPROMPTED:
		return m->decision->effect == FX_SEND ? "sent again" : NULL;
	case EV_GONE:
		return before->attempt.misses ? NULL : "gone";
	default:
		break;
	}
	if (next->attempt.resumes > before->attempt.resumes)
		return "resumed";
	return before->attempt.unreachable_ms && !next->attempt.unreachable_ms ? "reachable" : NULL;
}

static const char *
event_detail(const struct move *m)
{
	if (m->decision->is_unconfirmed)
		return "the server did not confirm that the agent has stopped: it may still be at "
		       "work";
	if (m->decision->ends_attempt)
		return error_text(m);
	if (m->decision->next.attempt.resumes > m->before->attempt.resumes)
		return "its turn was cut off, and goes on in the same session";
	return m->event->type == EV_SESSION ? m->event->session_id : m->event->text;
}

static bool
write_event(const struct move *m, struct fault *fault)
{
	const char *kind = event_kind(m);
	struct value values[] = {value_time(m->event->now_ms), value_int(m->before->id),
	    value_int(m->decision->next.attempt.id), value_text(kind), value_text(event_detail(m))};

	return !kind ||
	       store_run(m->store, Q_apply_event, values, COUNT(values), NULL, NULL, fault);
}

/* A decision is pure, and leaves a time that it means to be put into words. */
static void
write_out(struct decision *d)
{
	char time[32];

	if (!d->why || !d->why_ms)
		return;
	snprintf(d->sentence, sizeof(d->sentence), "%s (%s)", d->why, when_typed(d->why_ms, time));
	d->why = d->sentence;
}

/* ---- all of it ----------------------------------------------------------------------------- */

/* That somebody woke is no news: nothing is committed for it. */
#define FP_COMMIT_WAKE FP_COUNT

static const enum failpoint failpoints[EV_COUNT] = {
#define X(name, text) [EV_##name] = FP_COMMIT_##name,
    EVENT_LIST(X)
#undef X
};

static bool
write_move(const struct move *m, struct fault *fault)
{
	struct attempt *attempt = &m->decision->next.attempt;

	write_out(m->decision);
	if (m->event->type == EV_CLAIM && !write_claim(m, fault))
		return false;
	if (attempt->id && !m->before->attempt.has_ended && !write_attempt(m, fault))
		return false;
	if (m->decision->ends_attempt && !write_end(m, fault))
		return false;
	/* In this order: what has happened, and then what follows from it. Nor is what the history
	 * has as a delay taken for a person's edit. */
	if (!write_event(m, fault) || !write_task(m, fault))
		return false;
	m->decision->next.revision += m->decision->next.status != m->before->status;
	if (m->decision->ends_attempt && m->decision->outcome == STATUS_FAILED)
		m->decision->why = error_text(m);
	failpoint_before(failpoints[m->event->type]);
	return true;
}

bool
apply_within(struct store *s, const struct apply_defaults *defaults, int64_t id,
    const struct event *event, struct decision *decision, struct fault *fault)
{
	struct task before;
	struct move move = {s, event, &before, decision};

	if (!apply_load(s, defaults, id, &before, fault))
		return false;
	decide(&before, event, &defaults->policy, decision);
	switch (decision->verdict) {
	case VERDICT_MOVE:
		return write_move(&move, fault);
	case VERDICT_ACT:
	case VERDICT_IGNORE:
		return true;
	case VERDICT_REJECT:
		return fault_set(fault, FAULT_USAGE, "task %lld: %s", (long long)id, decision->why);
	case VERDICT_BUG:
		break;
	}
	die("task %lld is %s: it cannot have the event %s", (long long)id,
	    status_text(before.status), event_text(event->type));
}

bool
apply(struct store *s, const struct apply_defaults *defaults, int64_t id, const struct event *event,
    struct decision *decision, struct fault *fault)
{
	if (!store_begin(s, fault))
		return false;
	if (!apply_within(s, defaults, id, event, decision, fault)) {
		store_rollback(s);
		return false;
	}
	if (!store_commit(s, fault))
		return false;
	if (decision->verdict == VERDICT_MOVE)
		failpoint_after(failpoints[event->type]);
	return true;
}
