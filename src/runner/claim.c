/*
 * See claim.h. A task is picked, and picked again within the transaction that claims it: its
 * directory, which can hang, is looked at between the two. The nonce it gets marks the session that
 * is made for it.
 */
#include "runner/claim.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/secret.h"
#include "core/policy.h"
#include "runner/directory.h"
#include "runner/pause.h"
#include "runner/runner.h"

#define NONCE_SIZE 17    /* 16 letters and digits: 95 bits */
#define CLAIMS_A_TURN 16 /* then the loop turns: answers wait as well */

static bool
keep_time(void *arg, const struct row *row)
{
	*(int64_t *)arg = row_time(row, 0);
	return false;
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
	struct value v[] = {value_time(clock_now_ms()), value_text(r->passed_over),
	    value_int(POLICY_RETRY_MOST_MS / 1000), value_int(POLICY_DELAY_MS / 1000)};
	*pick = (struct pick){0};
	return store_run(r->store, Q_claim_next, v, 4, keep_pick, pick, why);
}

static bool
same_pick(const struct pick *a, const struct pick *b)
{
	return a->task_id == b->task_id && same_text(a->directory, b->directory);
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
	return runner_keep_row(r, why) && apply_claim(r, pick->task_id, directory, d, why);
}

static bool
claim_picked(struct runner *r, const struct pick *pick, const char *directory, bool *is_same,
    struct decision *d, struct fault *why)
{
	if (!store_begin(r->store, why))
		return false;
	if (claim_if_same(r, pick, directory, is_same, d, why))
		return store_commit(r->store, why);
	store_rollback(r->store);
	return false;
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
begin_flight(struct runner *r, int64_t task_id, bool is_found, enum effect first)
{
	struct fault why;
	failpoint_after(FP_COMMIT_CLAIM);
	runner_out_of_trouble(r);
	struct flight *f = flight_begin(r, task_id, &why);
	if (!f) {
		runner_notice_again(r, &why);
		return;
	}
	f->directory_is_found = is_found;
	flight_start(f, first);
}

/* True: there may be more. */
static bool
claim_in(struct runner *r, const struct pick *pick, const char *directory, bool is_found)
{
	struct fault why;
	struct decision d;
	bool is_same = false;
	if (!claim_picked(r, pick, directory, &is_same, &d, &why))
		return not_claimed(r, pick->task_id, &why);
	if (is_same)
		begin_flight(r, pick->task_id, is_found, d.effect);
	return true;
}

/* A task of a server that this run does not drive takes no place in it. */
static bool
has_room(const struct runner *r)
{
	return link_is_up(r->link) && runner_count_here(r) < r->config->parallel && !r->ending &&
	       runner_may_write(r);
}

/* ---- the directory, which may hang ---------------------------------------------------------- */

/* The one of a task that may start, while it is looked at: one at a time. */
struct claim {
	struct pick pick;
	struct directory_look *look; /* NULL: none */
};

static const char *
directory_of(const struct runner *r, const struct pick *pick)
{
	return pick->directory ? pick->directory : r->directory;
}

/* Within the transaction. next->task_id is 0 where another is to be picked: a person may have
 * changed the first one meanwhile. */
static bool
put_off_if_same(struct runner *r, const char *directory, const char *sentence, struct pick *next,
    struct fault *why)
{
	struct decision d;
	const struct event delayed = {
	    .type = EV_DELAYED, .now_ms = clock_now_ms(), .text = sentence};
	if (!pick_next(r, next, why))
		return false;
	if (next->task_id && !same_text(next->directory, directory))
		next->task_id = 0;
	return !next->task_id ||
	       apply_within(r->store, &r->defaults, next->task_id, &delayed, &d, why);
}

static bool
put_off_picked(struct runner *r, const char *directory, const char *sentence, struct pick *next,
    struct fault *why)
{
	if (!store_begin(r->store, why))
		return false;
	if (put_off_if_same(r, directory, sentence, next, why))
		return store_commit(r->store, why);
	store_rollback(r->store);
	return false;
}

/* True: there may be more. */
static bool
put_off_next(struct runner *r, const char *directory, const char *sentence)
{
	struct fault why;
	struct pick next = {0};
	bool ok = put_off_picked(r, directory, sentence, &next, &why);
	free(next.directory);
	if (!ok) {
		(void)not_claimed(r, next.task_id, &why);
	} else if (next.task_id) {
		failpoint_after(FP_COMMIT_DELAYED);
		runner_say(r, "task %lld is put off: %s", (long long)next.task_id, sentence);
	}
	return ok && next.task_id;
}

/* Those behind it go on. Of the same directory each would be looked at for as long as the first,
 * and of enough of them the first would be due again before the last had its turn. */
static void
put_off(struct runner *r, const char *directory, const char *sentence)
{
	for (int made = 0; made < CLAIMS_A_TURN && put_off_next(r, directory, sentence); made++)
		;
}

/* Servers compare directories as text, with links resolved; one typed in the shell may not be. What
 * cannot be used is claimed as it is: the flight's check says why. */
static void
on_seen(void *arg, enum directory_outcome outcome, const char *text)
{
	struct runner *r = arg;
	struct pick pick = r->claim->pick;
	r->claim->look = NULL;
	r->claim->pick = (struct pick){0};
	bool is_found = outcome == DIRECTORY_FOUND;
	if (!has_room(r))
		; /* that has changed meanwhile */
	else if (outcome == DIRECTORY_SILENT)
		put_off(r, pick.directory, text);
	else
		(void)claim_in(r, &pick, is_found ? text : directory_of(r, &pick), is_found);
	free(pick.directory);
	claim_soon(r);
}

/* What is on another machine, only its server knows. True: there may be more. */
static bool
look_first(struct runner *r, struct pick *pick)
{
	if (!link_is_local(r->link)) {
		bool more = claim_in(r, pick, directory_of(r, pick), false);
		free(pick->directory);
		return more;
	}
	r->claim->pick = *pick;
	r->claim->look = directory_look_start(r->loop, directory_of(r, pick), on_seen, r);
	return false;
}

/* Found locked before: can it be written now? Asked even where nothing is to be, for who waits; and
 * before a process is made for a look that would come to nothing. */
static bool
try_lock(struct runner *r)
{
	struct fault why;
	if (r->trouble.kind != FAULT_BUSY)
		return true;
	if (!store_begin(r->store, &why)) {
		runner_in_trouble(r, &why);
		return false;
	}
	store_rollback(r->store);
	runner_out_of_trouble(r);
	return true;
}

/* True: there may be more. */
static bool
claim_one(struct runner *r)
{
	struct fault why;
	struct pick pick;
	if (!try_lock(r))
		return false;
	if (!pick_next(r, &pick, &why)) {
		runner_in_trouble(r, &why);
		return false;
	}
	return pick.task_id && look_first(r, &pick);
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
		runner_say(r, "left queued, %s: %lld",
		    r->is_paused ? "for the queue is paused (vigil resume lets it go on)"
				 : "each behind another that has not completed",
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
	} else if (!is_pending || pause_ends_drain(r)) {
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
	if (r->claim->look)
		return; /* it goes on when that is over */
	while (has_room(r) && made < CLAIMS_A_TURN && claim_one(r))
		made++;
	if (made == CLAIMS_A_TURN) {
		claim_soon(r);
		return;
	}
	note_next_start(r);
	claim_end_if_drained(r);
}

/* While a run ends, the loop turns on for the panes, and the link can come up. */
void
claim_soon(struct runner *r)
{
	if (!r->ending)
		ev_timer_start(r->loop, &r->soon);
}

void
claim_init(struct runner *r)
{
	r->claim = xcalloc(1, sizeof(*r->claim));
	ev_timer_init(&r->soon, on_soon, 0., 0.);
	r->soon.data = r;
}

void
claim_stop(struct runner *r)
{
	ev_timer_stop(r->loop, &r->soon);
	directory_look_cancel(r->claim->look);
	free(r->claim->pick.directory);
	free(r->claim);
	r->claim = NULL;
}
