/*
 * See claim.h. The pick and the claim are one transaction, so that no task is claimed twice; the
 * nonce it brings marks the session that is made for it.
 */
#include "runner/claim.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/secret.h"
#include "runner/runner.h"

#define NONCE_SIZE 17    /* 16 letters and digits: 95 bits */
#define CLAIMS_A_TURN 16 /* then the loop turns: answers wait as well */

static bool
keep_time(void *arg, const struct row *row)
{
	*(int64_t *)arg = row_time(row, 0);
	return false;
}

/* Without its own row, which somebody may have ended or deleted by hand, a run can claim nothing:
 * every task would be refused. */
static bool
keep_own_row(struct runner *r, struct fault *why)
{
	struct value id = value_int(r->id);
	int64_t is_there;
	return store_int(r->store, Q_runner_is_there, &id, 1, 0, &is_there, why) &&
	       (is_there || runner_write_row(r, why));
}

static bool
claim(struct runner *r, int64_t task_id, const char *nonce, struct decision *d, struct fault *why)
{
	const struct event claim = {
	    .type = EV_CLAIM,
	    .now_ms = clock_now_ms(),
	    .nonce = nonce,
	    .directory = r->directory,
	    .server = link_name(r->link),
	    .server_id = link_server_id(r->link),
	    .runner_id = r->id,
	};
	return apply_within(r->store, &r->defaults, task_id, &claim, d, why);
}

/* *task_id is 0 where none may start. */
static bool
pick_and_claim(struct runner *r, int64_t *task_id, struct decision *d, struct fault *why)
{
	char nonce[NONCE_SIZE];
	struct value now = value_time(clock_now_ms());
	random_base62(nonce, sizeof(nonce));
	return store_int(r->store, Q_claim_next, &now, 1, 0, task_id, why) &&
	       (!*task_id || (keep_own_row(r, why) && claim(r, *task_id, nonce, d, why)));
}

static bool
claim_next(struct runner *r, int64_t *task_id, struct decision *d, struct fault *why)
{
	*task_id = 0;
	if (!store_begin(r->store, why))
		return false;
	if (pick_and_claim(r, task_id, d, why))
		return store_commit(r->store, why);
	store_rollback(r->store);
	return false;
}

/* A row that the database itself won't have claimed must not stop all behind it. */
static void
set_aside(struct runner *r, int64_t task_id, const struct fault *refusal)
{
	struct decision d;
	struct fault why;
	const struct event hold = {.type = EV_HOLD, .now_ms = clock_now_ms()};
	if (apply(r->store, &r->defaults, task_id, &hold, &d, &why))
		runner_say(r, "task %lld cannot be started, and is held: %s", (long long)task_id,
		    refusal->text);
	else
		runner_in_trouble(r, &why);
}

/* True: there may be more. */
static bool
claim_one(struct runner *r)
{
	struct fault why;
	struct decision d;
	int64_t task_id;
	if (!claim_next(r, &task_id, &d, &why)) {
		if (why.kind == FAULT_USAGE && task_id)
			set_aside(r, task_id, &why);
		else
			runner_in_trouble(r, &why);
		return why.kind == FAULT_USAGE;
	}
	if (!task_id) {
		if (r->trouble.kind == FAULT_BUSY) /* the lock could be had: that was all */
			runner_out_of_trouble(r);
		return false;
	}
	failpoint_after(FP_COMMIT_CLAIM);
	runner_out_of_trouble(r);
	struct flight *f = flight_begin(r, task_id, &why);
	if (f)
		flight_start(f, d.effect);
	else
		runner_notice_again(r, &why);
	return true;
}

static bool
has_room(const struct runner *r)
{
	return link_is_up(r->link) && r->flight_count < r->config->parallel && !r->ending &&
	       runner_may_write(r);
}

static void
note_next_start(struct runner *r)
{
	struct fault why;
	struct value now = value_time(clock_now_ms());
	r->next_start_ms = 0;
	if (!store_run(r->store, Q_claim_next_time, &now, 1, keep_time, &r->next_start_ms, &why))
		runner_in_trouble(r, &why);
}

bool
claim_is_due(const struct runner *r)
{
	return r->next_start_ms && clock_now_ms() >= r->next_start_ms;
}

static void
end_drain(struct runner *r)
{
	struct fault ignored; /* the report says it too */
	int64_t left = 0;
	if (store_int(r->store, Q_drain_left, NULL, 0, 0, &left, &ignored) && left)
		runner_say(r, "%lld task%s queued: what %s after has failed or was cancelled",
		    (long long)left, left == 1 ? " stays" : "s stay",
		    left == 1 ? "it comes" : "they come");
	runner_end(r, RUNNER_DRAINED);
}

void
claim_end_if_drained(struct runner *r)
{
	struct fault why;
	int64_t pending;
	if (!r->drain || r->flight_count || r->ending)
		return;
	if (!store_int(r->store, Q_drain_pending, NULL, 0, 0, &pending, &why))
		runner_in_trouble(r, &why);
	else if (!pending)
		end_drain(r);
}

static void
on_soon(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct runner *r = timer->data;
	int made = 0;
	while (has_room(r) && made < CLAIMS_A_TURN && claim_one(r))
		made++;
	if (made == CLAIMS_A_TURN) {
		claim_soon(r);
		return;
	}
	note_next_start(r);
	claim_end_if_drained(r);
}

void
claim_soon(struct runner *r)
{
	ev_timer_start(r->loop, &r->soon);
}

void
claim_init(struct runner *r)
{
	ev_timer_init(&r->soon, on_soon, 0., 0.);
	r->soon.data = r;
}

void
claim_stop(struct runner *r)
{
	ev_timer_stop(r->loop, &r->soon);
}
