/*
 * The journey of a task, read top to bottom: each step's starter, and right under it the
 * continuation, which only reports what happened. What comes next is decided in core/decide.c,
 * committed by store/apply.c, and started from here through the table `fx`.
 *
 *   1 find      a session made just before a crash, by its nonce
 *   2 check     directory, agent, model, variant
 *   3 create    the session
 *   4 send      the prompt, under ids that are committed already
 *   5 look      is it done?
 *   6 abort     where it is to be stopped; what it asks is rejected first
 *
 * Every step can be repeated, and an outcome that cannot be committed is not lost: the flight
 * wakes again and finds it anew.
 */
#include "runner/flight.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/when.h"
#include "core/evidence.h"
#include "opencode/ids.h"
#include "runner/abort.h"
#include "runner/asks.h"
#include "runner/claim.h"
#include "runner/directory.h"
#include "runner/panes.h"
#include "runner/runner.h"
#include "runner/twins.h"
#include "runner/vouch.h"
#include "runner/watch.h"

#define TRY_AGAIN_MS 1000 /* after a write that failed */
#define REFUSED_MS 60000  /* after one that the tables do not allow: a person must mend the row */
#define ANY_TIME 0        /* the nonce is enough: the server's clock is not ours */

typedef void starter(struct flight *);
static starter *const fx[FX_COUNT];

/* ---- telling -------------------------------------------------------------------------------- */

static void
wake_in(struct flight *f, int64_t ms)
{
	f->wake_at_ms = clock_now_ms() + ms;
	runner_due_changed(f->runner, f->wake_at_ms);
}

static void
announce(struct flight *f, const struct decision *d, const struct event *e)
{
	const char *why = d->why ? d->why : e->text;
	const char *status = status_text(d->next.status);
	long long id = f->task_id;
	/* The clock may have been set back since. */
	char took[32] = "an unknown time";
	if (e->now_ms >= f->started_ms)
		when_say(e->now_ms - f->started_ms, took);
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
		fx[d->effect](f);
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

/* The only way out of a continuation, and its last statement: the flight may be gone after it. */
static void
tell(struct flight *f, struct event *e)
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

static void
tell_unreachable(struct flight *f, const char *sentence)
{
	tell(f, &(struct event){.type = EV_UNREACHABLE, .text = sentence});
}

static void
tell_refused(struct flight *f, enum error_kind kind, const char *sentence)
{
	tell(f, &(struct event){.type = EV_REFUSED, .kind = kind, .text = sentence});
}

static void on_vouched(void *arg, struct oc_reply *reply);
static struct opencode *ask_server(struct flight *f);

static void
on_gone_aborted(void *arg, struct oc_reply *reply)
{
	struct flight *f = arg;
	f->call = NULL;
	if (reply->outcome == OC_OK || reply->outcome == OC_NOT_FOUND)
		tell(f, &(struct event){.type = EV_GONE});
	else
		tell_unreachable(f, reply->sentence);
}

/* A turn goes on in a session that was deleted (observed on 1.18.33), and the next attempt would
 * work beside it. */
static void
tell_gone(struct flight *f)
{
	struct opencode *server = ask_server(f);
	if (server)
		f->call = opencode_abort(server, f->session_id, f->directory, on_gone_aborted, f);
}

static void
tell_stranger(struct flight *f)
{
	tell(f,
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
	runner_in_trouble(r, &why);
	if (why.kind == FAULT_NONE)
		tell_stranger(f);
	else
		wake_in(f, TRY_AGAIN_MS);
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
		tell_unreachable(f, reply->sentence);
}

/* What most answers other than OC_OK mean, whatever was asked. */
static void
tell_trouble(struct flight *f, const struct oc_reply *reply)
{
	if (reply->outcome == OC_NOT_FOUND && f->session_id)
		find_out_why_gone(f);
	else
		tell_unreachable(f, reply->sentence);
}

/* The server that has the session; else the task waits, and says for what. */
static struct opencode *
ask_server(struct flight *f)
{
	struct link *l = f->runner->link;
	if (!flight_is_here(f)) {
		char *sentence = xasprintf(
		    "waits for its server, %s: this runner drives %s", f->server, link_name(l));
		tell_unreachable(f, sentence);
		free(sentence);
		return NULL;
	}
	if (link_is_up(l))
		return link_client(l);
	tell_unreachable(
	    f, *link_trouble(l) ? link_trouble(l) : "this run has not reached the server yet");
	return NULL;
}

/* ---- 1. find -------------------------------------------------------------------------------- */

static void on_searched(void *arg, struct oc_reply *reply);
static void tell_session(struct flight *f, const struct oc_session *session, bool was_found);

static void
fx_find(struct flight *f)
{
	struct opencode *server = ask_server(f);
	if (server)
		f->call = opencode_search(server, f->directory, f->nonce, ANY_TIME, on_searched, f);
}

static void
on_searched(void *arg, struct oc_reply *reply)
{
	struct flight *f = arg;
	f->call = NULL;
	if (reply->outcome != OC_OK) {
		tell_trouble(f, reply);
		return;
	}
	for (size_t i = 0; i < reply->sessions->count; i++) {
		const struct oc_session *session = &reply->sessions->all[i];
		if (session->title && strstr(session->title, f->nonce)) {
			tell_session(f, session, true);
			return;
		}
	}
	tell(f, &(struct event){.type = EV_ABSENT});
}

/* ---- 2. check ------------------------------------------------------------------------------- */

static void on_directory(void *arg, enum directory_outcome, const char *text);
static void check_names(struct flight *f);
static void on_checked(
    void *arg, enum catalog_verdict, const struct catalog_names *, const char *sentence);

/* A server accepts a directory that does not exist; only of one on this machine can we tell. */
static void
fx_check(struct flight *f)
{
	bool is_found = f->directory_is_found || !link_is_local(f->runner->link);
	if (!ask_server(f))
		return;
	f->directory_is_found = false; /* the next time it may be gone */
	if (is_found)
		check_names(f);
	else
		f->look = directory_look_start(f->runner->loop, f->directory, on_directory, f);
}

static void
on_directory(void *arg, enum directory_outcome outcome, const char *text)
{
	struct flight *f = arg;
	f->look = NULL;
	if (outcome == DIRECTORY_FOUND)
		check_names(f);
	else if (outcome == DIRECTORY_UNUSABLE)
		tell_refused(f, KIND_REFUSED, text);
	else
		tell_unreachable(f, text);
}

static void
check_names(struct flight *f)
{
	struct opencode *server = ask_server(f);
	if (!server)
		return;
	if (opencode_misreads(f->directory)) {
		tell_refused(f, KIND_REFUSED,
		    "OpenCode would work in another directory: it decodes the %XX in the name");
		return;
	}
	const struct catalog_names names = {f->agent, f->model, f->variant};
	f->check = catalog_check(f->runner->catalog, server, f->directory, &names, on_checked, f);
}

static void
on_checked(void *arg, enum catalog_verdict verdict, const struct catalog_names *names,
    const char *sentence)
{
	struct flight *f = arg;
	f->check = NULL;
	if (verdict == CATALOG_UNREACHABLE) {
		tell_unreachable(f, sentence);
	} else if (verdict == CATALOG_REFUSED) {
		tell_refused(f, KIND_REFUSED, sentence);
	} else {
		tell(f, &(struct event){.type = EV_CHECKED,
			    .agent = names->agent,
			    .model = names->model,
			    .variant = names->variant});
	}
}

/* ---- 3. create ------------------------------------------------------------------------------ */

static void on_created(void *arg, struct oc_reply *reply);

static void
fx_create(struct flight *f)
{
	struct opencode *server = ask_server(f);
	if (!server)
		return;
	char *title = xasprintf("Background: %s [%s]", f->label, f->nonce);
	const struct oc_new_session session = {
	    .directory = f->directory,
	    .title = title,
	    .parent_id = f->parent_session,
	    .agent = f->sent_agent,
	    .model = f->sent_model,
	    .variant = f->sent_variant,
	    .nonce = f->nonce,
	    .task = f->task_id,
	    .attempt = f->number,
	};
	f->call = opencode_create(server, &session, on_created, f);
	free(title);
}

static void
on_created(void *arg, struct oc_reply *reply)
{
	struct flight *f = arg;
	f->call = NULL;
	if (reply->outcome == OC_OK)
		tell_session(f, reply->session, false);
	else if (reply->outcome == OC_BAD_REQUEST)
		tell_refused(f, KIND_REFUSED, reply->sentence);
	else
		tell_trouble(f, reply);
}

/* Ids are made from the server's own clock, and committed before the prompt is sent. */
static void
tell_session(struct flight *f, const struct oc_session *session, bool was_found)
{
	char message_id[OC_ID_SIZE], part_id[OC_ID_SIZE];
	oc_id_make(message_id, "msg", session->created_ms, 1);
	oc_id_make(part_id, "prt", session->created_ms, 2);
	tell(f, &(struct event){.type = EV_SESSION,
		    .was_found = was_found,
		    .session_id = session->id,
		    .message_id = message_id,
		    .part_id = part_id});
}

/* ---- 4. send -------------------------------------------------------------------------------- */

static void on_sent(void *arg, struct oc_reply *reply);

static void
start_sending(struct flight *f, struct oc_prompt prompt)
{
	prompt.session_id = f->session_id;
	prompt.directory = f->directory;
	prompt.agent = f->sent_agent;
	prompt.model = f->sent_model;
	prompt.variant = f->sent_variant;
	f->call = opencode_prompt(link_client(f->runner->link), &prompt, on_sent, f);
}

static bool
start_sending_ours(void *arg, const struct row *row)
{
	struct flight *f = arg;
	start_sending(
	    f, (struct oc_prompt){
		   .message_id = f->message_id, .part_id = f->part_id, .text = row_text(row, 0)});
	return false;
}

/* In the place of OpenCode's own message after a summary, and only there: before the summary it
 * sees nothing any more, our prompt neither. The ids are the summary's, and a character: the same
 * each time, and behind it in order. */
static void
send_to_go_on(struct flight *f)
{
	const char *summary = f->summary_id;
	char *message_id = xasprintf("%s0", summary);
	char *part_id = xasprintf("prt_%s0", summary + strcspn(summary, "_") + 1);
	start_sending(f, (struct oc_prompt){.message_id = message_id,
			     .part_id = part_id,
			     .text = "The summary is all that is left of the conversation. Go on "
				     "with the task from there, until it is done.",
			     .is_synthetic = true});
	free(message_id);
	free(part_id);
}

static void
send_prompt(struct flight *f)
{
	struct fault why;
	struct value id = value_int(f->task_id);
	xreplace(&f->error_message, NULL);
	f->activity = OC_BUSY; /* as it will be: that it is idle is news */
	f->activity_is_known = false;
	if (f->summary_id && strchr(f->summary_id, '_')) {
		send_to_go_on(f);
	} else if (!store_run(
		       f->runner->store, Q_task_prompt, &id, 1, start_sending_ours, f, &why)) {
		runner_in_trouble(f->runner, &why);
		wake_in(f, TRY_AGAIN_MS);
	}
}

static void on_directory_again(void *arg, enum directory_outcome, const char *text);

/* Who looks on is to see all of it. Where a turn is to go on, its directory may be gone: OpenCode
 * would fail at it again and again. */
static void
fx_send(struct flight *f)
{
	if (!ask_server(f))
		return;
	if (f->status == STATUS_RUNNING && link_is_local(f->runner->link)) {
		f->look =
		    directory_look_start(f->runner->loop, f->directory, on_directory_again, f);
		return;
	}
	f->awaits_pane = f->status == STATUS_STARTING && panes_hold(f->runner->panes, f);
	if (!f->awaits_pane)
		send_prompt(f);
}

static void
on_directory_again(void *arg, enum directory_outcome outcome, const char *text)
{
	struct flight *f = arg;
	f->look = NULL;
	if (outcome == DIRECTORY_UNUSABLE)
		tell_refused(f, KIND_REFUSED, text);
	else if (ask_server(f))
		send_prompt(f);
}

void
flight_pane_over(struct flight *f)
{
	if (!f->awaits_pane)
		return;
	f->awaits_pane = false;
	if (f->status != STATUS_STARTING)
		flight_wake(f);
	else if (ask_server(f))
		send_prompt(f);
}

static void
on_sent(void *arg, struct oc_reply *reply)
{
	struct flight *f = arg;
	f->call = NULL;
	if (reply->outcome == OC_OK)
		tell(f, &(struct event){
			    .type = EV_PROMPTED, .server_id = link_server_id(f->runner->link)});
	else if (reply->outcome == OC_BAD_REQUEST)
		tell_refused(f, KIND_SERVER, reply->sentence);
	else
		tell_trouble(f, reply);
}

/* ---- 5. look -------------------------------------------------------------------------------- */

static void look_on(struct flight *f);
static void on_session_read(void *arg, struct oc_reply *reply);
static void on_descendants_read(void *arg, struct oc_reply *reply);
static void on_messages_read(void *arg, struct oc_reply *reply);

/* What the session is doing is asked for together with all others of its directory. */
static void
fx_look(struct flight *f)
{
	if (!ask_server(f))
		return;
	if (f->activity_is_known && f->activity == OC_IDLE) {
		look_on(f);
		return;
	}
	f->awaits_status = true;
	f->skips_status = watch_ask(f->runner->watch, f->directory);
}

/* Half of the time has passed after which it would be ended as stalled: what is not heard may have
 * happened all the same. */
static bool
is_quiet(const struct flight *f)
{
	int64_t stall_ms = f->runner->defaults.policy.stall_ms, heard_ms = f->watched_ms;
	if (f->progress_ms > heard_ms)
		heard_ms = f->progress_ms;
	return stall_ms && clock_now_ms() - heard_ms >= stall_ms / 2;
}

static void
read_messages(void *arg)
{
	struct flight *f = arg;
	f->twins = NULL;
	f->has_news = false;
	f->call =
	    opencode_messages(link_client(f->runner->link), f->session_id, on_messages_read, f);
}

/* Of a session at work the messages are read where they may have changed; else only whether it
 * exists is asked, since a deleted one stays busy for ever. Its descendants may be at work in its
 * place. One that may have been made twice has had the time of a turn for that when it is idle. */
static void
look_on(struct flight *f)
{
	struct opencode *server = link_client(f->runner->link);
	bool may_have_changed = f->has_news || !link_hears(f->runner->link);
	f->activity_is_known = false;
	f->is_busy = f->activity != OC_IDLE;
	if (f->is_busy && (!f->knows_descendants || is_quiet(f)))
		f->call = opencode_children(server, f->session_id, on_descendants_read, f);
	else if (f->is_busy && !may_have_changed)
		f->call = opencode_session(server, f->session_id, on_session_read, f);
	else if (!f->is_busy && f->may_have_twin)
		f->twins =
		    twins_start(server, f->directory, f->nonce, f->session_id, read_messages, f);
	else
		read_messages(f);
}

/* When the newest of them did something is known by the server's clock alone. */
static void
on_descendants_read(void *arg, struct oc_reply *reply)
{
	struct flight *f = arg;
	f->call = NULL;
	if (reply->outcome != OC_OK) {
		tell_trouble(f, reply);
		return;
	}
	for (size_t i = 0; i < reply->sessions->count; i++) {
		const struct oc_session *session = &reply->sessions->all[i];
		sessions_add_descendant(&f->runner->sessions, f, session->id);
		if (session->updated_ms > f->progress_ms)
			f->progress_ms = session->updated_ms;
	}
	f->knows_descendants = true;
	read_messages(f);
}

/* A sign of life or of rest, with what counts for the task's clocks. */
static void
tell_look(struct flight *f, struct event *e)
{
	if (e->type == EV_BUSY) {
		e->progress_ms = f->progress_ms;
		e->is_waiting = f->waits_for || f->activity == OC_RETRY;
		e->text = f->waits_for ? f->waits_for : f->retry_message;
	}
	tell(f, e);
}

static void
on_session_read(void *arg, struct oc_reply *reply)
{
	struct flight *f = arg;
	f->call = NULL;
	if (reply->outcome == OC_OK)
		tell_look(f, &(struct event){.type = EV_BUSY});
	else
		tell_trouble(f, reply);
}

/* Its agent is let go on as long as it is at work; then nobody will ever know what it said. */
static void
tell_unreadable(struct flight *f, const char *sentence)
{
	if (f->is_busy)
		tell_look(f, &(struct event){.type = EV_BUSY});
	else
		tell(f, &(struct event){.type = EV_FAULTY, .kind = KIND_SERVER, .text = sentence});
}

static bool
holds(const struct messages *messages, const char *id)
{
	for (size_t i = 0; i < messages->count; i++)
		if (same_text(messages->all[i].id, id))
			return true;
	return false;
}

static void
on_messages_read(void *arg, struct oc_reply *reply)
{
	struct flight *f = arg;
	f->call = NULL;
	if (reply->outcome == OC_BAD_REQUEST) {
		tell_unreadable(f, reply->sentence);
		return;
	}
	if (reply->outcome != OC_OK) {
		tell_trouble(f, reply);
		return;
	}
	bool is_cut_off = reply->truncated && !holds(reply->messages, f->message_id);
	struct evidence e =
	    evidence_judge(reply->messages, is_cut_off ? NULL : f->message_id, f->is_busy);
	xreplace(&f->summary_id, e.summary_id);
	tell_look(f, &(struct event){.type = e.finding,
			 .step_ms = e.step_ms,
			 .kind = e.kind,
			 .text = e.sentence ? e.sentence : f->error_message,
			 .harvest = &e.harvest});
}

/* ---- 6. abort ------------------------------------------------------------------------------- */

static void on_aborted(void *arg, struct oc_reply *reply);

/* First what its sessions ask is rejected: up to 1.2, a message whose turn is aborted while it
 * waits for a person is never completed. */
static void
fx_abort(struct flight *f)
{
	if (!ask_server(f))
		return;
	f->awaits_asks = true;
	asks_look(f->runner->asks, f->directory);
}

void
flight_asks_over(struct flight *f)
{
	if (!f->awaits_asks)
		return;
	f->awaits_asks = false;
	struct opencode *server = ask_server(f);
	if (server)
		f->abort = abort_start(server, f->session_id, f->directory, on_aborted, f);
}

static void
on_aborted(void *arg, struct oc_reply *reply)
{
	struct flight *f = arg;
	f->abort = NULL;
	f->activity_is_known = false;
	if (reply->outcome == OC_OK)
		tell(f, &(struct event){.type = EV_ABORTED});
	else
		tell_trouble(f, reply);
}

static void
fx_none(struct flight *f)
{
	(void)f;
}

static starter *const fx[FX_COUNT] = {
    [FX_NONE] = fx_none,
    [FX_FIND] = fx_find,
    [FX_CHECK] = fx_check,
    [FX_CREATE] = fx_create,
    [FX_SEND] = fx_send,
    [FX_LOOK] = fx_look,
    [FX_ABORT] = fx_abort,
};

/* ---- hints: reasons to look ----------------------------------------------------------------- */

void
flight_start(struct flight *f, enum effect first)
{
	runner_say(f->runner, "task %lld starts: %s", (long long)f->task_id, f->label);
	fx[first](f);
}

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
		tell(f, &(struct event){.type = EV_WAKE});
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
		look_on(f);
	} else if (is_new) {
		look_soon(f);
	}
}

void
flight_status_failed(struct flight *f, const char *sentence, bool is_first)
{
	if (f->awaits_status) {
		f->awaits_status = false;
		tell_unreachable(f, sentence);
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
