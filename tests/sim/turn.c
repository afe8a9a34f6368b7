/*
 * What a model does in a session, by the script in its prompt: after a '|', words VERB:MS, one a
 * step. A step that is cut off is begun again when the turn is resumed.
 *
 *   work     calls a tool           say      answers, and is done
 *   ask      is asked about a tool  empty    is done without a word
 *   question asks a person          length   is done at the output limit
 *   sub      has a subagent work    error    ends in an error
 *   compact  the context is full    unknown  ends as OpenCode does not know, and is asked again
 *   retry    the provider is tried  mute     nothing more ever comes
 *            again                  chat     it never ends
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "world.h"

#define BETWEEN_US (10 * MS)  /* two steps */
#define CHAT_US (20 * SECOND) /* two words of one that never ends */
#define MOST_MESSAGES 40      /* then it falls silent */

struct step {
	char verb[16];
	int64_t us;
};

/* ---- small ---------------------------------------------------------------------------------- */

/* False: the script is over, and its last step is done again. */
static bool
read_step(const struct session *s, struct step *step)
{
	const char *at = s->script;
	*step = (struct step){"say", SECOND};
	for (int i = 0; *at; i++) {
		char word[16];
		int ms = 0, used = 0;
		if (sscanf(at, " %15[a-z]:%d%n", word, &ms, &used) < 2)
			break;
		snprintf(step->verb, sizeof(step->verb), "%s", word);
		step->us = ms * MS;
		if (i == s->step)
			return true;
		at += used;
	}
	return false;
}

static bool
is_verb(const struct step *step, const char *verb)
{
	return strcmp(step->verb, verb) == 0;
}

struct turn *
turn_of(int process, int session)
{
	for (int i = 0; i < MAX_TURNS; i++) {
		struct turn *t = &w->turn[i];
		if (t->phase != TURN_NONE && t->process == process && t->session == session)
			return t;
	}
	return NULL;
}

const char *
status_word(const struct turn *t)
{
	if (t->phase == TURN_NONE || t->phase == TURN_TAKEN)
		return NULL;
	return t->phase == TURN_RETRY ? "retry" : "busy";
}

static struct session *
session_of(const struct turn *t)
{
	return &w->session[t->session];
}

static void
tell_status(const struct turn *t, const char *status)
{
	const struct session *s = session_of(t);
	const char *more = strcmp(status, "retry") == 0
			       ? ",\"attempt\":1,\"message\":\"overloaded\",\"next\":0"
			       : "";
	emit(t->process, s->directory, "session.status",
	    "\"sessionID\":\"%s\",\"status\":{\"type\":\"%s\"%s}", s->id, status, more);
}

static void
tell_message(int process, const struct message *m)
{
	const struct session *s = &w->session[m->session];
	struct buf info = {0};
	add_message_info(&info, m);
	emit(process, s->directory, "message.updated", "\"sessionID\":\"%s\",\"info\":%s", s->id,
	    buf_text(&info));
	buf_free(&info);
}

static void
tell_delta(const struct turn *t, const char *words)
{
	const struct session *s = session_of(t);
	const struct message *m = &w->message[t->message];
	emit(t->process, s->directory, "message.part.delta",
	    "\"sessionID\":\"%s\",\"messageID\":\"%s\",\"partID\":\"%s\",\"field\":\"text\","
	    "\"delta\":\"%s\"",
	    s->id, m->id, m->part_id, words);
}

static void
tell_error(const struct turn *t, const char *name, const char *words)
{
	const struct session *s = session_of(t);
	emit(t->process, s->directory, "session.error",
	    "\"sessionID\":\"%s\",\"error\":{\"name\":\"%s\",\"data\":{\"message\":\"%s\"}}", s->id,
	    name, words);
}

static struct turn *
turn_new(int process, int session)
{
	for (int i = 0; i < MAX_TURNS; i++) {
		struct turn *t = &w->turn[i];
		if (t->phase != TURN_NONE)
			continue;
		*t = (struct turn){
		    .process = process, .session = session, .message = -1, .child = -1};
		return t;
	}
	die("more than %d turns at once", MAX_TURNS);
}

/* The newest by the wall clock, as OpenCode sees it, and no summary; NULL if there is none. */
static const struct message *
newest(int session, bool from_user)
{
	const struct message *found = NULL;
	for (int i = 0; i < w->message_count; i++) {
		const struct message *m = &w->message[i];
		if (m->session == session && m->from_user == from_user && !m->is_summary &&
		    (!found || m->created_ms >= found->created_ms))
			found = m;
	}
	return found;
}

/* OpenCode's own test for leaving its loop. */
bool
answer_is_finished(int session)
{
	const struct message *prompt = newest(session, true), *m = newest(session, false);
	return prompt && m && m->finish && strcmp(m->finish, "tool-calls") != 0 &&
	       strcmp(m->finish, "unknown") != 0 && m->tool == TOOL_NONE &&
	       strcmp(m->parent, prompt->id) == 0;
}

/* ---- a turn's end --------------------------------------------------------------------------- */

static void child_is_idle(int process, int child);

static void
become_idle(struct turn *t)
{
	const struct session *s = session_of(t);
	int process = t->process, session = t->session;
	tell_status(t, "idle");
	emit(process, s->directory, "session.idle", "\"sessionID\":\"%s\"", s->id);
	t->phase = TURN_NONE;
	if (s->parent >= 0)
		child_is_idle(process, session);
}

static void
complete(struct turn *t, const char *finish)
{
	struct message *m = &w->message[t->message];
	m->finish = finish;
	m->completed_ms = world_wall_ms();
	tell_message(t->process, m);
	t->message = -1;
}

static void
close_asks(const struct turn *t)
{
	for (int i = 0; i < w->ask_count; i++) {
		struct ask *a = &w->ask[i];
		if (a->is_open && a->process == t->process && a->session == t->session)
			a->is_open = false;
	}
}

void
turn_drop(struct turn *t)
{
	t->phase = TURN_NONE;
}

/* Children first; they end with it. One that was only taken starts all the same. */
void
turn_abort(int process, int session)
{
	struct turn *t = turn_of(process, session);
	if (!t || t->phase == TURN_TAKEN || t->phase == TURN_ZOMBIE)
		return;
	for (int i = 0; i < MAX_TURNS; i++) {
		const struct turn *child = &w->turn[i];
		if (child->phase != TURN_NONE && child->process == process &&
		    w->session[child->session].parent == session)
			turn_abort(process, child->session);
	}
	if (t->phase == TURN_NONE)
		return;
	close_asks(t);
	if (world_happens(500))
		tell_error(t, "MessageAbortedError", "Aborted");
	if (t->message >= 0) {
		struct message *m = &w->message[t->message];
		if (t->phase != TURN_RETRY) {
			m->error_name = "MessageAbortedError";
			m->error_text = "Aborted";
		}
		complete(t, NULL);
	}
	become_idle(t);
}

/* ---- its beginning -------------------------------------------------------------------------- */

/* From a prompt's 204 to its message: up to a second. */
static int64_t
taking_us(void)
{
	if (!w->plan.latency_ms)
		return 20 * MS;
	return world_upto(w->plan.latency_ms < 100 ? 20 : 1000) * MS;
}

void
turn_prompt(int process, int session, const char *message_id, const char *part_id, const char *text)
{
	if (turn_of(process, session))
		return;
	struct turn *t = turn_new(process, session);
	t->phase = TURN_TAKEN;
	t->at_us = w->now_us + taking_us();
	snprintf(t->message_id, sizeof(t->message_id), "%s", message_id);
	snprintf(t->part_id, sizeof(t->part_id), "%s", part_id);
	snprintf(t->text, sizeof(t->text), "%s", text);
}

static void
add_prompt(const struct turn *t)
{
	struct session *s = session_of(t);
	for (int i = 0; i < w->message_count; i++) {
		struct message *m = &w->message[i];
		if (m->session != t->session || strcmp(m->id, t->message_id) != 0)
			continue;
		m->parts += strcmp(m->part_id, t->part_id) != 0;
		return;
	}
	struct message *m = &w->message[message_new(t->session, true)];
	memcpy(m->id, t->message_id, sizeof(m->id));
	memcpy(m->part_id, t->part_id, sizeof(m->part_id));
	snprintf(m->text, sizeof(m->text), "%s", t->text);
	m->parts = 1;
	s->prompts++;
	(void)sscanf(t->text, "task %d", &s->task);
	const char *script = strchr(t->text, '|');
	snprintf(s->script, sizeof(s->script), "%s", script ? script + 1 : "");
	tell_message(t->process, m);
}

static void
must_be_alone(const struct turn *t)
{
	for (int i = 0; i < MAX_TURNS; i++) {
		const struct turn *other = &w->turn[i];
		if (other != t && other->phase != TURN_NONE && other->phase != TURN_TAKEN &&
		    other->phase != TURN_ZOMBIE && other->session == t->session)
			broken("two server processes work in the session %s at once",
			    session_of(t)->id);
	}
}

static void begin_step(struct turn *);

static void
begin(struct turn *t)
{
	struct session *s = session_of(t);
	if (!s->is_there) {
		t->phase = TURN_NONE;
		return;
	}
	must_be_alone(t);
	add_prompt(t);
	t->phase = TURN_STEP;
	tell_status(t, "busy");
	if (answer_is_finished(t->session)) {
		become_idle(t);
		return;
	}
	s->runs++;
	begin_step(t);
}

static void
open_message(struct turn *t)
{
	if (t->message >= 0)
		return;
	t->message = message_new(t->session, false);
	struct message *m = &w->message[t->message];
	snprintf(m->parent, sizeof(m->parent), "%s", newest(t->session, true)->id);
	tell_message(t->process, m);
}

/* ---- steps ---------------------------------------------------------------------------------- */

static void
begin_ask(struct turn *t, bool is_question)
{
	struct session *s = session_of(t);
	if (w->ask_count == MAX_ASKS)
		die("more than %d asks", MAX_ASKS);
	struct ask *a = &w->ask[w->ask_count++];
	*a = (struct ask){.is_open = true,
	    .is_question = is_question,
	    .process = t->process,
	    .session = t->session,
	    .turn = (int)(t - w->turn)};
	make_id(a->id, is_question ? "que" : "per");
	w->message[t->message].tool = TOOL_RUNNING;
	t->phase = TURN_ASKS;
	t->at_us = NEVER;
	emit(t->process, s->directory, is_question ? "question.asked" : "permission.asked",
	    "\"sessionID\":\"%s\",\"id\":\"%s\"", s->id, a->id);
}

static void
begin_child(struct turn *t, const struct step *step)
{
	int child = session_new(
	    session_of(t)->directory, "a part of it (@general subagent)", "general", t->session);
	struct session *s = &w->session[child];
	char message_id[ID_SIZE], part_id[ID_SIZE], text[80];
	struct buf info = {0};
	w->message[t->message].tool = TOOL_RUNNING;
	t->phase = TURN_CHILD;
	t->child = child;
	t->at_us = NEVER;
	add_session(&info, child);
	emit(t->process, s->directory, "session.created", "\"sessionID\":\"%s\",\"info\":%s", s->id,
	    buf_text(&info));
	buf_free(&info);
	make_id(message_id, "msg");
	make_id(part_id, "prt");
	snprintf(text, sizeof(text), "a part of it | %s:%d say:100",
	    step->us % (2 * MS) ? "ask" : "work", (int)(step->us / MS));
	turn_prompt(t->process, child, message_id, part_id, text);
}

static void
begin_compaction(struct turn *t, const struct step *step)
{
	struct message *m = &w->message[message_new(t->session, true)];
	m->is_compaction = true;
	tell_message(t->process, m);
	t->message = message_new(t->session, false);
	w->message[t->message].is_summary = true;
	tell_message(t->process, &w->message[t->message]);
	t->phase = TURN_STEP;
	t->at_us = w->now_us + step->us;
}

static void
begin_step(struct turn *t)
{
	struct step step;
	(void)read_step(session_of(t), &step);
	if (is_verb(&step, "compact")) {
		begin_compaction(t, &step);
		return;
	}
	open_message(t);
	t->phase = TURN_STEP;
	t->at_us = w->now_us + step.us;
	if (is_verb(&step, "mute")) {
		t->at_us = NEVER;
	} else if (is_verb(&step, "chat")) {
		t->at_us = w->now_us + CHAT_US;
	} else if (is_verb(&step, "sub")) {
		begin_child(t, &step);
	} else if (is_verb(&step, "retry")) {
		t->phase = TURN_RETRY;
		tell_status(t, "retry");
	}
}

static void
next_step(struct turn *t, bool is_new_message)
{
	if (is_new_message)
		complete(t, "tool-calls");
	session_of(t)->step++;
	t->phase = TURN_STEP;
	tell_status(t, "busy");
	begin_step(t);
}

/* The model is asked once more; but the world is finite. */
static void
ask_again(struct turn *t)
{
	int said = 0;
	for (int i = 0; i < w->message_count; i++)
		said += w->message[i].session == t->session;
	if (said <= MOST_MESSAGES) {
		begin_step(t);
		return;
	}
	w->plan.task[session_of(t)->task].is_disturbed = true;
	t->at_us = NEVER;
}

static void
say_done(struct turn *t)
{
	struct message *m = &w->message[t->message];
	snprintf(m->text, sizeof(m->text), "done %d", session_of(t)->task);
	tell_delta(t, m->text);
}

static void
finish(struct turn *t, const char *how, bool has_words)
{
	if (has_words)
		say_done(t);
	complete(t, how);
	if (answer_is_finished(t->session))
		become_idle(t);
	else
		ask_again(t); /* the clock was set back: it does not see that it is done */
}

static void
end_in_error(struct turn *t)
{
	struct message *m = &w->message[t->message];
	m->error_name = "APIError";
	m->error_text = "the provider refuses";
	complete(t, NULL);
	tell_error(t, m->error_name, m->error_text);
	become_idle(t);
}

static void
end_compaction(struct turn *t)
{
	complete(t, "stop");
	struct message *m = &w->message[message_new(t->session, true)];
	m->is_synthetic = true;
	tell_message(t->process, m);
	session_of(t)->step++;
	begin_step(t);
}

static void
stumble(struct turn *t)
{
	say_done(t);
	complete(t, "unknown");
	ask_again(t);
}

static void
end_step(struct turn *t)
{
	struct step step;
	(void)read_step(session_of(t), &step);
	if (is_verb(&step, "say")) {
		finish(t, "stop", true);
	} else if (is_verb(&step, "empty")) {
		finish(t, "stop", false);
	} else if (is_verb(&step, "length")) {
		finish(t, "length", true);
	} else if (is_verb(&step, "error")) {
		end_in_error(t);
	} else if (is_verb(&step, "compact")) {
		end_compaction(t);
	} else if (is_verb(&step, "unknown")) {
		stumble(t);
	} else if (is_verb(&step, "ask") || is_verb(&step, "question")) {
		begin_ask(t, is_verb(&step, "question"));
	} else if (is_verb(&step, "chat")) {
		tell_delta(t, "and so on ");
		t->at_us = w->now_us + CHAT_US;
	} else if (is_verb(&step, "retry")) {
		next_step(t, false);
	} else {
		w->message[t->message].tool = TOOL_DONE;
		next_step(t, true);
	}
}

void
turn_run(struct turn *t)
{
	if (t->phase == TURN_TAKEN)
		begin(t);
	else
		end_step(t);
}

/* ---- from outside --------------------------------------------------------------------------- */

static void
child_is_idle(int process, int child)
{
	for (int i = 0; i < MAX_TURNS; i++) {
		struct turn *t = &w->turn[i];
		if (t->phase == TURN_CHILD && t->process == process && t->child == child) {
			w->message[t->message].tool = TOOL_DONE;
			next_step(t, true);
			return;
		}
	}
}

/* A rejection without a word ends the turn, one with words is told to the model. False: nobody
 * asks that any more. */
bool
turn_reply(struct ask *a, bool is_rejected, bool has_words)
{
	struct turn *t = &w->turn[a->turn];
	if (!a->is_open)
		return false;
	a->is_open = false;
	emit(a->process, w->session[a->session].directory,
	    a->is_question ? "question.replied" : "permission.replied",
	    "\"sessionID\":\"%s\",\"requestID\":\"%s\"", w->session[a->session].id, a->id);
	if (t->phase != TURN_ASKS || t->session != a->session || t->process != a->process)
		return true;
	struct message *m = &w->message[t->message];
	m->tool = !is_rejected ? TOOL_DONE : has_words ? TOOL_TOLD : TOOL_REJECTED;
	if (m->tool == TOOL_REJECTED) {
		complete(t, "tool-calls");
		become_idle(t);
	} else {
		next_step(t, true);
	}
	return true;
}
