/*
 * See asks.h. A look at a directory, read top to bottom: each step's starter, and under it the
 * continuation.
 *
 *   1 list      permission requests, then questions
 *   2 trace     whose the asking session is: upwards by its parents
 *   3 record    the ask, and what is to be replied
 *   4 reply     and the row says when
 *
 * The row of an ask tells how far it came: `reply` is decided, `replied_at` is when the server had
 * taken it. What was decided and not confirmed, by a crash between, is sent again: the server knows
 * an ask only until it is answered.
 */
#include "runner/asks.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "runner/places.h"
#include "runner/runner.h"

#define LOOK_EVERY_S 30.0
#define TRY_AGAIN_S 2.0  /* after a write that failed */
#define PARENTS_LIMIT 64 /* a line of descent that is longer is a loop in the server's answers */

#define REJECT "reject"

/* A rejection with a sentence is told to the model, which then goes on. */
static const char nobody_there[] =
    "Nobody is there to allow this, and nobody will be. Go on without it, and do not ask for it "
    "again.";
static const char person_refused[] =
    "The user has refused this. Go on without it, and do not ask for it again.";

enum kind { PERMISSION, QUESTION, KINDS };

static const char *const kind_words[KINDS] = {"permission", "question"};

/* A session that is not a task's own, and the one above it. */
struct kin {
	struct kin *next;
	char *session_id, *parent_id; /* NULL: there is none above it */
};

/* A directory, and the look at it that is under way; one request at a time. */
struct look {
	struct place place;
	struct kin *kins;

	bool is_looking, look_again;
	struct oc_call *call;
	struct oc_asks found[KINDS];
	bool is_known[KINDS]; /* the list was had, and is whole */
	enum kind kind;       /* where in the lists it is */
	size_t index;
	char *tracing;  /* the session that is asked for */
	int64_t row_id; /* of the ask that is being replied to */
	int64_t task_id;
	char *reply;
};

struct asks {
	struct runner *runner;
	struct places places; /* of struct look */
	ev_timer poll;
};

/* As in the row. */
struct record {
	int64_t id;
	bool is_over, by_person;
	char *reply; /* NULL: a person is to say */
};

static void next_ask(struct look *);
static void end_look(struct look *);

/* ---- small ---------------------------------------------------------------------------------- */

static void
look_soon(struct asks *a)
{
	ev_timer_stop(a->runner->loop, &a->poll);
	ev_timer_set(&a->poll, TRY_AGAIN_S, LOOK_EVERY_S);
	ev_timer_start(a->runner->loop, &a->poll);
}

/* False: not now, but by a look that comes soon. */
static bool
may_write(struct asks *a)
{
	if (runner_may_write(a->runner))
		return true;
	look_soon(a);
	return false;
}

/* The database would not be written: what is not recorded is not answered, but soon tried again. A
 * row that its tables refuse is left to a person. */
static void
be_in_trouble(struct asks *a, const struct fault *why)
{
	if (why->kind == FAULT_USAGE) {
		runner_say(a->runner, "what an agent asks cannot be recorded: %s", why->text);
		return;
	}
	runner_in_trouble(a->runner, why);
	look_soon(a);
}

static bool
run_query(struct asks *a, enum query query, const struct value *values, size_t count, row_fn *fn,
    void *arg)
{
	struct fault why;
	if (store_run(a->runner->store, query, values, count, fn, arg, &why))
		return true;
	be_in_trouble(a, &why);
	return false;
}

static struct asks *
asks_of(const struct look *p)
{
	return p->place.owner;
}

static struct opencode *
client_of(const struct look *p)
{
	return link_client(asks_of(p)->runner->link);
}

static void
forget_lists(struct look *p)
{
	for (int kind = 0; kind < KINDS; kind++) {
		oc_asks_fini(&p->found[kind]);
		p->is_known[kind] = false;
	}
}

/* ---- 1. list -------------------------------------------------------------------------------- */

static void on_permissions(void *arg, struct oc_reply *reply);
static void on_questions(void *arg, struct oc_reply *reply);

static void
start_look(struct look *p)
{
	if (p->is_looking) {
		p->look_again = true;
		return;
	}
	if (!client_of(p))
		return;
	p->is_looking = true;
	p->call = opencode_permissions(client_of(p), p->place.directory, on_permissions, p);
}

/* One that cannot be had is looked at next time. */
static void
keep_list(struct look *p, enum kind kind, struct oc_reply *reply)
{
	p->call = NULL;
	p->is_known[kind] = reply->outcome == OC_OK;
	if (reply->outcome != OC_OK)
		return;
	p->found[kind] = *reply->asks;
	*reply->asks = (struct oc_asks){0};
}

static void
on_permissions(void *arg, struct oc_reply *reply)
{
	struct look *p = arg;
	keep_list(p, PERMISSION, reply);
	p->call = opencode_questions(client_of(p), p->place.directory, on_questions, p);
}

static void
on_questions(void *arg, struct oc_reply *reply)
{
	struct look *p = arg;
	keep_list(p, QUESTION, reply);
	p->kind = PERMISSION;
	p->index = 0;
	next_ask(p);
}

/* ---- 2. trace ------------------------------------------------------------------------------- */

static void on_traced(void *arg, struct oc_reply *reply);

static const struct kin *
find_kin(const struct look *p, const char *session_id)
{
	const struct kin *k = p->kins;
	while (k && strcmp(k->session_id, session_id) != 0)
		k = k->next;
	return k;
}

/* The flight whose session it is, or is above it; NULL for none, and where *unknown is set: the
 * session that must be asked for first. */
static struct flight *
find_owner(const struct look *p, const char *session_id, const char **unknown)
{
	*unknown = NULL;
	for (int i = 0; session_id && i < PARENTS_LIMIT; i++) {
		struct flight *f = sessions_find(&asks_of(p)->runner->sessions, session_id);
		if (f)
			return f;
		const struct kin *k = find_kin(p, session_id);
		if (!k) {
			*unknown = session_id;
			return NULL;
		}
		session_id = k->parent_id;
	}
	return NULL;
}

static void
trace(struct look *p, const char *session_id)
{
	p->tracing = xstrdup(session_id);
	p->call = opencode_session(client_of(p), session_id, on_traced, p);
}

static void
add_kin(struct look *p, char *session_id, const char *parent_id)
{
	struct kin *k = xcalloc(1, sizeof *k);
	k->session_id = session_id;
	k->parent_id = xstrdup(parent_id);
	k->next = p->kins;
	p->kins = k;
}

static void
on_traced(void *arg, struct oc_reply *reply)
{
	struct look *p = arg;
	p->call = NULL;
	if (reply->outcome == OC_OK) {
		add_kin(p, p->tracing, reply->session->parent_id);
	} else if (reply->outcome == OC_NOT_FOUND) {
		add_kin(p, p->tracing, NULL);
	} else {
		free(p->tracing);
		p->index++; /* left for the next look */
	}
	p->tracing = NULL;
	next_ask(p);
}

static void
forget_kins(struct look *p)
{
	while (p->kins) {
		struct kin *k = p->kins;
		p->kins = k->next;
		free(k->session_id);
		free(k->parent_id);
		free(k);
	}
}

/* ---- 3. record ------------------------------------------------------------------------------ */

static bool
has_options(const struct oc_ask *ask)
{
	for (size_t i = 0; i < ask->choice_count; i++) {
		if (!*ask->choices[i])
			return false;
	}
	return ask->choice_count > 0;
}

/* The first option of each question, a line each; a question without options cannot be answered. */
static char *
first_options(const struct oc_ask *ask)
{
	struct buf lines = {0};
	if (!has_options(ask))
		return xstrdup(REJECT);
	for (size_t i = 0; i < ask->choice_count; i++)
		buf_printf(&lines, "%s%s", i ? "\n" : "", ask->choices[i]);
	return buf_take(&lines);
}

/* What the configuration says; NULL: nothing, it waits for a person. The caller frees. */
static char *
choose_reply(const struct flight *f, enum kind kind, const struct oc_ask *ask)
{
	const struct config *config = f->runner->config;
	int policy = kind == QUESTION ? config->on_question : config->on_ask;
	if (f->status == STATUS_STOPPING || policy == ON_ASK_REJECT)
		return xstrdup(REJECT);
	if (policy == ON_ASK_HOLD)
		return NULL;
	return kind == QUESTION ? first_options(ask) : xstrdup("once");
}

/* The columns of ask_find, in its order. */
static bool
read_record(void *arg, const struct row *row)
{
	struct record *record = arg;
	record->id = row_int(row, 0);
	record->reply = xstrdup(row_text(row, 1));
	record->is_over = !row_is_null(row, 2);
	record->by_person =
	    record->reply && (row_is_null(row, 3) || strcmp(row_text(row, 3), "vigil") != 0);
	return false;
}

static bool
insert_record(
    struct look *p, const struct flight *f, const struct oc_ask *ask, struct record *record)
{
	struct runner *r = asks_of(p)->runner;
	struct value v[] = {value_int(f->task_id), value_int(f->attempt_id),
	    value_text(ask->session_id), value_text(ask->id), value_text(kind_words[p->kind]),
	    value_time(clock_now_ms()), value_text(ask->request), value_text(record->reply)};
	failpoint_before(FP_COMMIT_ASK);
	if (!run_query(asks_of(p), Q_ask_insert, v, sizeof v / sizeof *v, NULL, NULL))
		return false;
	failpoint_after(FP_COMMIT_ASK);
	record->id = store_last_id(r->store);
	if (!record->reply)
		runner_say(r, "task %lld waits for a person: %s (vigil answer %lld REPLY)",
		    (long long)f->task_id, ask->request, (long long)record->id);
	return true;
}

static bool
decide_record(struct asks *a, const struct record *record)
{
	struct value v[] = {value_int(record->id), value_text(record->reply)};
	failpoint_before(FP_COMMIT_DECIDED);
	bool ok = run_query(a, Q_ask_decide, v, 2, NULL, NULL);
	failpoint_after(FP_COMMIT_DECIDED);
	return ok;
}

/* Writes what is not there yet: the ask, and the reply where the configuration has one. */
static bool
make_record(struct look *p, const struct flight *f, const struct oc_ask *ask, struct record *record)
{
	struct value id = value_text(ask->id);
	if (!run_query(asks_of(p), Q_ask_find, &id, 1, read_record, record))
		return false;
	if (record->is_over || record->reply)
		return true;
	if (!may_write(asks_of(p)))
		return false;
	record->reply = choose_reply(f, p->kind, ask);
	if (!record->id)
		return insert_record(p, f, ask, record);
	return !record->reply || decide_record(asks_of(p), record);
}

/* ---- 4. reply ------------------------------------------------------------------------------- */

static void on_replied(void *arg, struct oc_reply *reply);

/* While it is stopped, the turn is to end: nothing is told to the model. */
static const char *
sentence_for(const struct flight *f, const struct record *record)
{
	if (f->status == STATUS_STOPPING || strcmp(record->reply, REJECT) != 0)
		return NULL;
	return record->by_person ? person_refused : nobody_there;
}

static void
send_reply(
    struct look *p, const struct flight *f, const struct oc_ask *ask, const struct record *record)
{
	const char *reply = record->reply;
	p->row_id = record->id;
	p->task_id = f->task_id;
	p->reply = xstrdup(reply);
	if (p->kind == QUESTION)
		p->call = opencode_question_reply(client_of(p), p->place.directory, ask->id,
		    strcmp(reply, REJECT) == 0 ? NULL : reply, on_replied, p);
	else
		p->call = opencode_permission_reply(client_of(p), p->place.directory, ask->id,
		    reply, sentence_for(f, record), on_replied, p);
}

static void
close_record(struct asks *a, int64_t id, enum query how)
{
	struct value v[] = {value_int(id), value_time(clock_now_ms())};
	failpoint_before(FP_COMMIT_REPLIED);
	(void)run_query(a, how, v, 2, NULL, NULL);
	failpoint_after(FP_COMMIT_REPLIED);
}

static void
say_replied(const struct look *p, const char *request)
{
	struct runner *r = asks_of(p)->runner;
	long long id = p->task_id;
	if (strcmp(p->reply, REJECT) == 0)
		runner_say(r, "task %lld is refused what it asks for: %s", id, request);
	else if (p->kind == PERMISSION)
		runner_say(
		    r, "task %lld is allowed what it asks for, %s: %s", id, p->reply, request);
	else
		runner_say(r, "task %lld has an answer to %s: %s", id, request, p->reply);
}

static void
on_replied(void *arg, struct oc_reply *reply)
{
	struct look *p = arg;
	struct runner *r = asks_of(p)->runner;
	const char *request = p->found[p->kind].all[p->index].request;
	p->call = NULL;
	/* Written at once, whatever was in the way: what became of it is known now and never again.
	 */
	if (reply->outcome == OC_OK) {
		close_record(asks_of(p), p->row_id, Q_ask_over);
		say_replied(p, request);
	} else if (reply->outcome == OC_NOT_FOUND) {
		close_record(asks_of(p), p->row_id, Q_ask_elsewhere);
		runner_say(r, "task %lld asked for %s; that was answered elsewhere",
		    (long long)p->task_id, request);
	} else {
		runner_say(r, "task %lld asks for %s; the reply did not arrive: %s",
		    (long long)p->task_id, request, reply->sentence);
	}
	free(p->reply);
	p->reply = NULL;
	p->index++;
	next_ask(p);
}

/* ---- from ask to ask ------------------------------------------------------------------------ */

/* True if something is under way for it. */
static bool
deal_with(struct look *p, const struct oc_ask *ask)
{
	const char *unknown;
	struct record record = {0};
	struct flight *f = find_owner(p, ask->session_id, &unknown);
	if (unknown)
		trace(p, unknown);
	else if (f && make_record(p, f, ask, &record) && !record.is_over && record.reply)
		send_reply(p, f, ask, &record);
	free(record.reply);
	return p->call != NULL;
}

static void
next_ask(struct look *p)
{
	for (; p->kind < KINDS; p->kind++, p->index = 0) {
		for (; p->index < p->found[p->kind].count; p->index++) {
			if (deal_with(p, &p->found[p->kind].all[p->index]))
				return;
		}
	}
	end_look(p);
}

/* ---- the end of a look ---------------------------------------------------------------------- */

struct open_rows {
	struct look *place;
	int64_t gone[32]; /* more are closed by the next look */
	size_t gone_count;
	char *waits_for;
};

static bool
is_listed(const struct oc_asks *list, const char *id)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->all[i].id, id) == 0)
			return true;
	}
	return false;
}

/* The columns of asks_open, in its order. */
static bool
read_open(void *arg, const struct row *row)
{
	struct open_rows *open = arg;
	const struct look *p = open->place;
	enum kind kind =
	    strcmp(row_text(row, 1), kind_words[QUESTION]) == 0 ? QUESTION : PERMISSION;
	if (p->is_known[kind] && !is_listed(&p->found[kind], row_text(row, 2))) {
		open->gone[open->gone_count++] = row_int(row, 0);
		return open->gone_count < sizeof open->gone / sizeof *open->gone;
	}
	if (row_is_null(row, 4) && !open->waits_for)
		open->waits_for = xasprintf("waits for a person: %s (vigil answer %lld REPLY)",
		    row_text(row, 3), (long long)row_int(row, 0));
	return true;
}

/* Rows of asks that the server has no more are closed; of the rest the oldest that is for a person
 * is what the flight waits for. False: the rows cannot be had. */
static bool
sum_up(struct look *p, const struct flight *f, char **waits_for)
{
	struct open_rows open = {.place = p};
	struct value attempt = value_int(f->attempt_id);
	bool ok = run_query(asks_of(p), Q_asks_open, &attempt, 1, read_open, &open);
	for (size_t i = 0; i < open.gone_count && may_write(asks_of(p)); i++)
		close_record(asks_of(p), open.gone[i], Q_ask_over);
	*waits_for = open.waits_for;
	return ok;
}

/* The flight may be gone after it. */
static void
tell_flight(struct look *p, struct flight *f, bool is_over)
{
	char *waits_for;
	bool is_known = sum_up(p, f, &waits_for);
	if (f->status == STATUS_STOPPING && is_over)
		flight_asks_over(f);
	else if (f->status != STATUS_STOPPING && is_known)
		flight_waits(f, waits_for);
	free(waits_for);
}

static void
end_look(struct look *p)
{
	struct runner *r = asks_of(p)->runner;
	struct flight *next;
	bool look_again = p->look_again;
	p->is_looking = p->look_again = false;
	for (struct flight *f = r->flights; f; f = next) {
		next = f->next;
		if (place_has(&p->place, f))
			tell_flight(p, f, !look_again);
	}
	forget_lists(p);
	if (look_again)
		start_look(p);
}

/* ---- places --------------------------------------------------------------------------------- */

static void
cancel_look(struct look *p)
{
	opencode_cancel(p->call);
	free(p->tracing);
	free(p->reply);
	p->call = NULL;
	p->tracing = p->reply = NULL;
	p->is_looking = p->look_again = false;
	forget_lists(p);
}

static bool
is_for(const struct flight *f)
{
	return f->session_id && flight_is_here(f);
}

static bool
is_busy(const struct place *place)
{
	return ((const struct look *)place)->is_looking;
}

static void
forget(struct place *place)
{
	struct look *p = (struct look *)place;
	cancel_look(p);
	forget_kins(p);
}

static const struct place_kind looks = {sizeof(struct look), is_for, is_busy, forget};

static void
on_poll(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	asks_look_everywhere(timer->data);
}

/* ---- outside -------------------------------------------------------------------------------- */

void
asks_look(struct asks *a, const char *directory)
{
	start_look((struct look *)places_find(&a->places, directory));
}

void
asks_look_everywhere(struct asks *a)
{
	places_tidy(&a->places, a->runner);
	for (struct place *place = a->places.first; place; place = place->next) {
		struct look *p = (struct look *)place;
		if (!p->is_looking)
			start_look(p);
	}
}

static bool
read_unsent(void *arg, const struct row *row)
{
	struct asks *a = arg;
	struct flight *f = sessions_find(&a->runner->sessions, row_text(row, 0));
	if (f && flight_is_here(f))
		asks_look(a, f->directory);
	return true;
}

void
asks_notice(struct asks *a)
{
	(void)run_query(a, Q_asks_unsent, NULL, 0, read_unsent, a);
}

void
asks_unlink(struct asks *a)
{
	for (struct place *p = a->places.first; p; p = p->next)
		forget(p);
}

struct asks *
asks_new(struct runner *r)
{
	struct asks *a = xcalloc(1, sizeof *a);
	a->runner = r;
	a->places = (struct places){.kind = &looks, .owner = a};
	ev_timer_init(&a->poll, on_poll, LOOK_EVERY_S, LOOK_EVERY_S);
	a->poll.data = a;
	ev_timer_start(r->loop, &a->poll);
	return a;
}

void
asks_free(struct asks *a)
{
	if (!a)
		return;
	ev_timer_stop(a->runner->loop, &a->poll);
	places_clear(&a->places);
	free(a);
}
