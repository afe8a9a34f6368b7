/*
 * vigil_follow_session(): what a session says that is no task's, a subagent's as a rule, until it
 * has said something and is idle. Nothing of it is in the database: the server has all there is.
 * One that goes away is waited for.
 */
#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "runner/asked.h"
#include "runner/onlook.h"
#include "runner/shown.h"
#include "runner/words.h"

#define LOOK_S 1.0

struct listener {
	struct vigil *vigil;
	const char *session_id;
	vigil_follow_fn *fn;
	void *arg;
	struct onlook_loop on;
	struct shown *shown;
	struct words *words;
	struct asked *asked;
	struct onlook seen;
	struct oc_call *call;
	char *directory; /* as the server says; NULL: the session was not found yet */
	char *told;      /* what was last said to be in the way */
	bool has_spoken; /* so that it is over when it is idle */
};

/* What was asked while the stream was away. */
static void
on_stream(void *arg, bool up, const char *sentence)
{
	struct listener *l = arg;
	(void)sentence;
	if (up && l->directory && words_client(l->words))
		asked_look(l->asked, words_client(l->words), l->directory);
}

/* The same is said once. */
static void
say_in_the_way(struct listener *l, const char *sentence)
{
	if (!same_text(l->told, sentence))
		l->fn(l->arg, VIGIL_NOTE, sentence);
	xreplace(&l->told, sentence);
}

/* ---- is it over? ---------------------------------------------------------------------------- */

static void
on_all_read(void *arg)
{
	struct listener *l = arg;
	onlook_loop_stop(&l->on, VIGIL_OK);
}

static bool
is_idle(const struct listener *l, const struct oc_statuses *statuses)
{
	for (size_t i = 0; i < statuses->count; i++)
		if (same_text(statuses->all[i].session_id, l->session_id))
			return statuses->all[i].activity == OC_IDLE;
	return true;
}

static void
on_statuses(void *arg, struct oc_reply *reply)
{
	struct listener *l = arg;
	l->call = NULL;
	if (reply->outcome != OC_OK)
		say_in_the_way(l, reply->sentence);
	else if (!is_idle(l, reply->statuses))
		l->has_spoken = true;
	else if (l->has_spoken)
		(void)words_read_again(l->words, on_all_read, l);
}

static void
ask_status(struct listener *l)
{
	if (!l->call && l->directory && words_client(l->words))
		l->call = opencode_statuses(words_client(l->words), l->directory, on_statuses, l);
}

/* That there is an answer already, or one begins. */
static void
on_event(void *arg, const struct oc_event *e)
{
	struct listener *l = arg;
	l->has_spoken = l->has_spoken || (e->type == OC_EV_MESSAGE && !e->from_user);
	asked_event(l->asked, e);
	if (e->type == OC_EV_SESSION_DELETED)
		onlook_loop_stop(
		    &l->on, handle_fail(l->vigil, FAULT_NOT_FOUND, "the session was deleted"));
	else if (e->type == OC_EV_IDLE || e->type == OC_EV_STATUS)
		ask_status(l);
}

static void
on_messages(void *arg, struct oc_reply *reply)
{
	struct listener *l = arg;
	l->call = NULL;
	if (reply->outcome != OC_OK)
		return;
	for (size_t i = 0; i < reply->messages->count; i++)
		l->has_spoken = l->has_spoken || !reply->messages->all[i].from_user;
	ask_status(l);
}

static void
on_session(void *arg, struct oc_reply *reply)
{
	struct listener *l = arg;
	l->call = NULL;
	if (reply->outcome == OC_NOT_FOUND) {
		onlook_loop_stop(
		    &l->on, handle_fail(l->vigil, FAULT_NOT_FOUND,
				"there is no session %s at the server", l->session_id));
	} else if (reply->outcome == OC_OK) {
		xreplace(&l->directory, reply->session->directory);
		asked_look(l->asked, words_client(l->words), l->directory);
		l->call = opencode_messages(words_client(l->words), l->session_id, on_messages, l);
	} else {
		say_in_the_way(l, reply->sentence);
	}
}

/* ---- the server ----------------------------------------------------------------------------- */

static void
let_go(struct listener *l)
{
	opencode_cancel(l->call);
	l->call = NULL;
	asked_unlink(l->asked);
	words_disconnect(l->words);
}

/* One that we have heard is waited for; of one that nobody knows there is nothing to wait for. */
static void
no_server(struct listener *l, const char *why)
{
	if (l->directory)
		say_in_the_way(l, why);
	else
		onlook_loop_stop(&l->on, handle_fail(l->vigil, FAULT_ENV, "%s", why));
}

static void
connect_to(struct listener *l)
{
	struct onlook_key key;
	struct fault why;
	if (!onlook_key(l->vigil, &l->seen, &key, &why)) {
		no_server(l, why.text);
		return;
	}
	words_connect(l->words, l->seen.url, &key, l->session_id);
	onlook_key_fini(&key);
	l->call = opencode_session(words_client(l->words), l->session_id, on_session, l);
}

static void
on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct listener *l = timer->data;
	struct onlook before = l->seen;
	if (!store_still_there(l->vigil->store, &l->vigil->fault) ||
	    !onlook_read_session(l->vigil, l->session_id, &l->seen)) {
		l->seen = before;
		onlook_loop_stop(&l->on, handle_result(l->vigil));
		return;
	}
	if (!same_text(before.url, l->seen.url))
		let_go(l);
	onlook_fini(&before);
	if (!onlook_has_session(&l->seen))
		no_server(l, "no server of vigil's is known that could have this session");
	else if (!words_client(l->words))
		connect_to(l);
	else if (!l->directory && !l->call)
		l->call = opencode_session(words_client(l->words), l->session_id, on_session, l);
	else
		ask_status(l);
}

static void
run_listener(struct listener *l)
{
	const struct words_listener listener = {.arg = l, .stream = on_stream, .event = on_event};
	onlook_loop_init(&l->on, on_look, LOOK_S, l);
	l->words = words_new(l->on.loop, l->shown, &listener);
	onlook_loop_run(&l->on);
	let_go(l);
	words_free(l->words);
	onlook_loop_fini(&l->on);
}

enum vigil_result
vigil_follow_session(struct vigil *v, const char *session_id, vigil_follow_fn *fn, void *arg)
{
	struct listener l = {.vigil = v, .session_id = session_id, .fn = fn, .arg = arg};
	l.shown = shown_new(fn, arg);
	l.asked = asked_new(session_id, fn, arg);
	run_listener(&l);
	shown_end(l.shown);
	asked_free(l.asked);
	shown_free(l.shown);
	onlook_fini(&l.seen);
	free(l.directory);
	free(l.told);
	return l.on.result;
}
