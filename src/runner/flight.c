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
#include "runner/flight_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "core/evidence.h"
#include "opencode/ids.h"
#include "runner/abort.h"
#include "runner/asks.h"
#include "runner/directory.h"
#include "runner/panes.h"
#include "runner/runner.h"
#include "runner/twins.h"
#include "runner/watch.h"

#define ANY_TIME 0 /* the nonce is enough: the server's clock is not ours */

/* ---- 1. find -------------------------------------------------------------------------------- */

static void on_searched(void *arg, struct oc_reply *reply);
static void tell_session(struct flight *f, const struct oc_session *session, bool was_found);

static void
fx_find(struct flight *f)
{
	struct opencode *server = flight_server(f);
	if (server)
		f->call = opencode_search(server, f->directory, f->nonce, ANY_TIME, on_searched, f);
}

static void
on_searched(void *arg, struct oc_reply *reply)
{
	struct flight *f = arg;
	f->call = NULL;
	if (reply->outcome != OC_OK) {
		flight_tell_trouble(f, reply);
		return;
	}
	for (size_t i = 0; i < reply->sessions->count; i++) {
		const struct oc_session *session = &reply->sessions->all[i];
		if (session->title && strstr(session->title, f->nonce)) {
			tell_session(f, session, true);
			return;
		}
	}
	flight_tell(f, &(struct event){.type = EV_ABSENT});
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
	if (!flight_server(f))
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
		flight_tell_refused(f, KIND_REFUSED, text);
	else
		flight_tell_unreachable(f, text);
}

static void
check_names(struct flight *f)
{
	struct opencode *server = flight_server(f);
	if (!server)
		return;
	if (opencode_misreads(f->directory)) {
		flight_tell_refused(f, KIND_REFUSED,
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
		flight_tell_unreachable(f, sentence);
	} else if (verdict == CATALOG_REFUSED) {
		flight_tell_refused(f, KIND_REFUSED, sentence);
	} else {
		flight_tell(f, &(struct event){.type = EV_CHECKED,
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
	struct opencode *server = flight_server(f);
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
		flight_tell_refused(f, KIND_REFUSED, reply->sentence);
	else
		flight_tell_trouble(f, reply);
}

/* Ids are made from the server's own clock, and committed before the prompt is sent. */
static void
tell_session(struct flight *f, const struct oc_session *session, bool was_found)
{
	char message_id[OC_ID_SIZE], part_id[OC_ID_SIZE];
	oc_id_make(message_id, "msg", session->created_ms, 1);
	oc_id_make(part_id, "prt", session->created_ms, 2);
	flight_tell(f, &(struct event){.type = EV_SESSION,
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
		flight_not_read(f, &why);
	}
}

static void on_directory_again(void *arg, enum directory_outcome, const char *text);

/* Who looks on is to see all of it. Where a turn is to go on, its directory may be gone: OpenCode
 * would fail at it again and again. */
static void
fx_send(struct flight *f)
{
	if (!flight_server(f))
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
	if (f->status != STATUS_RUNNING) /* cancelled meanwhile */
		flight_wake(f);
	else if (outcome == DIRECTORY_UNUSABLE)
		flight_tell_refused(f, KIND_REFUSED, text);
	else if (flight_server(f))
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
	else if (flight_server(f))
		send_prompt(f);
}

static void
on_sent(void *arg, struct oc_reply *reply)
{
	struct flight *f = arg;
	f->call = NULL;
	if (reply->outcome == OC_OK)
		flight_tell(f, &(struct event){.type = EV_PROMPTED,
				   .server_id = link_server_id(f->runner->link)});
	else if (reply->outcome == OC_BAD_REQUEST)
		flight_tell_refused(f, KIND_SERVER, reply->sentence);
	else
		flight_tell_trouble(f, reply);
}

/* ---- 5. look -------------------------------------------------------------------------------- */

static void on_session_read(void *arg, struct oc_reply *reply);
static void on_descendants_read(void *arg, struct oc_reply *reply);
static void on_messages_read(void *arg, struct oc_reply *reply);

/* What the session is doing is asked for together with all others of its directory. */
static void
fx_look(struct flight *f)
{
	if (!flight_server(f))
		return;
	if (f->activity_is_known && f->activity == OC_IDLE) {
		flight_look_on(f);
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
void
flight_look_on(struct flight *f)
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
		flight_tell_trouble(f, reply);
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

static int64_t
span_ms(int64_t from_ms, int64_t to_ms)
{
	return to_ms > from_ms ? to_ms - from_ms : 0;
}

/* Of a turn that ended or was cut off while no run was there: since its last step, or since nobody
 * looked any more, it has not worked. The machine may have been off for a night. One that is at
 * work has been all the time. None has while the machine slept. */
static int64_t
say_absence(const struct flight *f, int64_t step_ms)
{
	int64_t absence_ms = span_ms(f->away_from_ms, f->away_to_ms);
	int64_t from_ms = step_ms > f->away_from_ms ? step_ms : f->away_from_ms;
	int64_t idle_ms = f->is_busy ? 0 : span_ms(from_ms, f->away_to_ms);
	int64_t slept_ms = f->runner->slept_ms < absence_ms ? f->runner->slept_ms : absence_ms;
	return (slept_ms > idle_ms ? slept_ms : idle_ms) - f->away_told_ms;
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
	e->away_ms = say_absence(f, e->step_ms);
	flight_tell(f, e);
}

static void
on_session_read(void *arg, struct oc_reply *reply)
{
	struct flight *f = arg;
	f->call = NULL;
	if (reply->outcome == OC_OK)
		tell_look(f, &(struct event){.type = EV_BUSY});
	else
		flight_tell_trouble(f, reply);
}

/* Its agent is let go on as long as it is at work; then nobody will ever know what it said. */
static void
tell_unreadable(struct flight *f, const char *sentence)
{
	if (f->is_busy)
		tell_look(f, &(struct event){.type = EV_BUSY});
	else
		flight_tell(f,
		    &(struct event){.type = EV_UNANSWERED, .kind = KIND_SERVER, .text = sentence});
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
		flight_tell_trouble(f, reply);
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
	if (!flight_server(f))
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
	struct opencode *server = flight_server(f);
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
		flight_tell(f, &(struct event){.type = EV_ABORTED});
	else
		flight_tell_trouble(f, reply);
}

static void
fx_none(struct flight *f)
{
	(void)f;
}

typedef void starter(struct flight *);

static starter *const fx[FX_COUNT] = {
    [FX_NONE] = fx_none,
    [FX_FIND] = fx_find,
    [FX_CHECK] = fx_check,
    [FX_CREATE] = fx_create,
    [FX_SEND] = fx_send,
    [FX_LOOK] = fx_look,
    [FX_ABORT] = fx_abort,
};

void
flight_do(struct flight *f, enum effect effect)
{
	fx[effect](f);
}

void
flight_start(struct flight *f, enum effect first)
{
	runner_say(f->runner, "task %lld starts: %s", (long long)f->task_id, f->label);
	fx[first](f);
}
