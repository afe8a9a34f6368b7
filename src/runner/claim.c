/*
 * See claim.h. A task is picked, and picked again within the transaction that claims it: what can
 * hang, its directory, is looked at between the two. The nonce it gets marks the session that is
 * made for it.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include "runner/claim.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
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

/* A task that may start. */
struct pick {
	int64_t task_id; /* 0: none */
	char *directory; /* as in its row; NULL: the runner's own */
};

static bool
keep_pick(void *arg, const struct row *row)
{
	struct pick *pick = arg;
	pick->task_id = row_int(row, 0);
	pick->directory = xstrdup(row_text(row, 1));
	return false;
}

static bool
pick_next(struct runner *r, struct pick *pick, struct fault *why)
{
	struct value v[] = {value_time(clock_now_ms()), value_text(r->passed_over)};
	*pick = (struct pick){0};
	return store_run(r->store, Q_claim_next, v, 2, keep_pick, pick, why);
}

static bool
same_pick(const struct pick *a, const struct pick *b)
{
	return a->task_id == b->task_id && same_text(a->directory, b->directory);
}

/* Servers compare directories as text, with links resolved; one typed in the shell may not be. What
 * does not exist is found out by the check; what is on another machine, only its server knows. */
static char *
resolve(const struct runner *r, const struct pick *pick)
{
	const char *directory = pick->directory ? pick->directory : r->directory;
	char *resolved = link_is_local(r->link) ? realpath(directory, NULL) : NULL;
	return resolved ? resolved : xstrdup(directory);
}

static bool
apply_claim(
    struct runner *r, int64_t task_id, const char *directory, struct decision *d, struct fault *why)
{
	char nonce[NONCE_SIZE];
	random_base62(nonce, sizeof(nonce));
	const struct event claim = {
	    .type = EV_CLAIM,
	    .now_ms = clock_now_ms(),
	    .nonce = nonce,
	    .directory = directory,
	    .server = link_name(r->link),
	    .server_id = link_server_id(r->link),
	    .runner_id = r->id,
	};
	return apply_within(r->store, &r->defaults, task_id, &claim, d, why);
}

/* Within the transaction. *is_same is false where another is to be picked. */
static bool
claim_if_same(struct runner *r, const struct pick *pick, const char *directory, bool *is_same,
    struct decision *d, struct fault *why)
{
	struct pick again;
	bool ok = pick_next(r, &again, why);
	*is_same = ok && same_pick(pick, &again);
	free(again.directory);
	if (!ok || !*is_same)
		return ok;
	return keep_own_row(r, why) && apply_claim(r, pick->task_id, directory, d, why);
}

static bool
claim_picked(
    struct runner *r, const struct pick *pick, bool *is_same, struct decision *d, struct fault *why)
{
	char *directory = resolve(r, pick);
	bool ok = store_begin(r->store, why);
	if (ok && claim_if_same(r, pick, directory, is_same, d, why)) {
		ok = store_commit(r->store, why);
	} else if (ok) {
		store_rollback(r->store);
		ok = false;
	}
	free(directory);
	return ok;
}

static void
pass_over(struct runner *r, int64_t task_id)
{
	char *before = r->passed_over;
	size_t length = before ? strlen(before) - 1 : 0; /* without its last bracket */
	r->passed_over = xasprintf("%.*s%c%lld]", (int)length, before ? before : "",
	    before ? ',' : '[', (long long)task_id);
	free(before);
}

/* Of a row that the database itself won't have claimed, which must not stop all behind it; nor
 * must one that it won't have held either. */
static void
set_aside(struct runner *r, int64_t task_id, const struct fault *refusal)
{
	struct decision d;
	struct fault why;
	const struct event hold = {.type = EV_HOLD, .now_ms = clock_now_ms()};
	if (apply(r->store, &r->defaults, task_id, &hold, &d, &why)) {
		runner_say(r, "task %lld cannot be started, and is held: %s", (long long)task_id,
		    refusal->text);
	} else if (why.kind == FAULT_USAGE) {
		pass_over(r, task_id);
		runner_say(r,
		    "task %lld can be neither started nor held, and is passed over by this run: %s",
		    (long long)task_id, refusal->text);
	} else {
		runner_in_trouble(r, &why);
	}
}

/* True: there may be more. */
static bool
not_claimed(struct runner *r, int64_t task_id, const struct fault *why)
{
	bool is_its_own = why->kind == FAULT_USAGE && task_id;
	if (is_its_own)
		set_aside(r, task_id, why);
	else
		runner_in_trouble(r, why);
	return is_its_own;
}

static void
begin_flight(struct runner *r, int64_t task_id, enum effect first)
{
	struct fault why;
	failpoint_after(FP_COMMIT_CLAIM);
	runner_out_of_trouble(r);
	struct flight *f = flight_begin(r, task_id, &why);
	if (f)
		flight_start(f, first);
	else
		runner_notice_again(r, &why);
}

/* Nothing is to be written: can it be? */
static void
try_lock(struct runner *r)
{
	struct fault why;
	if (r->trouble.kind != FAULT_BUSY)
		return;
	if (!store_begin(r->store, &why)) {
		runner_in_trouble(r, &why);
		return;
	}
	store_rollback(r->store);
	runner_out_of_trouble(r);
}

/* True: there may be more. */
static bool
claim_one(struct runner *r)
{
	struct fault why;
	struct decision d;
	struct pick pick;
	bool is_same = false;
	if (!pick_next(r, &pick, &why)) {
		runner_in_trouble(r, &why);
		return false;
	}
	if (!pick.task_id) {
		try_lock(r);
		return false;
	}
	bool is_claimed = claim_picked(r, &pick, &is_same, &d, &why);
	free(pick.directory);
	if (!is_claimed)
		return not_claimed(r, pick.task_id, &why);
	if (is_same)
		begin_flight(r, pick.task_id, d.effect);
	return true;
}

/* A task of a server that this run does not drive takes no place in it. */
static bool
has_room(const struct runner *r)
{
	return link_is_up(r->link) && runner_count_here(r) < r->config->parallel && !r->ending &&
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

static bool
say_left(void *arg, const struct row *row)
{
	struct runner *r = arg;
	if (row_int(row, 0))
		runner_say(r, "left queued, each behind another that has not completed: %lld",
		    (long long)row_int(row, 0));
	if (row_int(row, 1))
		runner_say(r, "left alive, on a server that this run does not drive: %lld",
		    (long long)row_int(row, 1));
	return false;
}

void
claim_end_if_drained(struct runner *r)
{
	struct fault why;
	struct value passed_over = value_text(r->passed_over);
	struct value v[] = {value_text(link_name(r->link)), passed_over};
	int64_t is_pending;
	if (!r->drain || r->ending || runner_count_here(r))
		return;
	if (!store_int(r->store, Q_drain_pending, v, 2, 0, &is_pending, &why)) {
		runner_in_trouble(r, &why);
	} else if (!is_pending) {
		(void)store_run(r->store, Q_drain_left, &passed_over, 1, say_left, r, &why);
		runner_end(r, RUNNER_DRAINED);
	}
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
