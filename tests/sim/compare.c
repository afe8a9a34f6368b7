/*
 * Is the simulation's OpenCode like the real one? This program asks an OpenCode, through vigil's
 * own client, all that vigil asks in a task's life, and prints what was decoded, a line each,
 * without ids and times. It is linked twice; what the two print must be the same.
 *
 * A prompt is for both: directives of the offline model, and after the bar those of turn.c.
 */
#include "compare.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fault.h"
#include "opencode/client.h"
#include "opencode/ids.h"

#define PATIENCE_MS 60000

static struct ev_loop *loop;
static struct http *http;
static struct opencode *client;
static struct server server;
static struct oc_events *events;

/* The session that is talked about, and what was heard of it. */
static struct {
	char id[64], message_id[OC_ID_SIZE], part_id[OC_ID_SIZE];
	bool is_idle, was_busy, was_retried, was_asked, had_delta, had_message, had_error,
	    was_aborted;
} now;

/* ---- waiting -------------------------------------------------------------------------------- */

static void
on_timer(struct ev_loop *l, ev_timer *timer, int revents)
{
	(void)timer;
	(void)revents;
	ev_break(l, EVBREAK_ALL);
}

static void
turn_for(double seconds)
{
	ev_timer timer;
	ev_timer_init(&timer, on_timer, seconds, 0.);
	ev_timer_start(loop, &timer);
	ev_run(loop, 0);
	ev_timer_stop(loop, &timer);
}

typedef bool condition(void);

static void
wait_until(const char *what, condition *holds)
{
	int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
	while (!holds()) {
		if (clock_monotonic_ms() > end_ms)
			die("not within a minute: %s", what);
		turn_for(0.1);
	}
}

/* ---- a request at a time -------------------------------------------------------------------- */

static struct {
	bool is_over;
	enum oc_outcome outcome;
	size_t count;    /* of what was listed */
	char text[256];  /* an ask's id, a session's */
	char words[256]; /* what is wrong with an answer that makes no sense */
	struct messages messages;
} got;

static bool
is_over(void)
{
	return got.is_over;
}

static void
forget(void)
{
	messages_fini(&got.messages);
	memset(&got, 0, sizeof(got));
}

static void
on_done(void *arg, struct oc_reply *reply)
{
	(void)arg;
	got.is_over = true;
	got.outcome = reply->outcome;
	const char *status = strstr(reply->sentence, ": status ");
	if (reply->outcome == OC_TROUBLE && status)
		snprintf(got.words, sizeof(got.words), "%s", status);
}

static void
outcome(const char *what)
{
	static const char *const words[] = {[OC_OK] = "ok",
	    [OC_UNREACHABLE] = "unreachable",
	    [OC_AMBIGUOUS] = "ambiguous",
	    [OC_NOT_FOUND] = "not found",
	    [OC_DENIED] = "denied",
	    [OC_BAD_REQUEST] = "bad request",
	    [OC_TROUBLE] = "trouble"};
	wait_until(what, is_over);
	printf("%s: %s%s\n", what, words[got.outcome], got.words);
}

/* ---- events --------------------------------------------------------------------------------- */

static bool stream_is_up;

static bool
is_up(void)
{
	return stream_is_up;
}

static void
on_state(void *arg, bool up, const char *sentence)
{
	(void)arg;
	(void)sentence;
	stream_is_up = up;
}

static void
on_event(void *arg, const struct oc_event *e)
{
	(void)arg;
	if (e->type == OC_EV_ASKED)
		now.was_asked = true; /* it may come from a session below */
	if (!e->session_id || strcmp(e->session_id, now.id) != 0)
		return;
	now.is_idle |= e->type == OC_EV_IDLE;
	now.was_busy |= e->type == OC_EV_STATUS && e->activity == OC_BUSY;
	now.was_retried |= e->type == OC_EV_STATUS && e->activity == OC_RETRY && e->text;
	now.had_delta |= e->type == OC_EV_DELTA && e->text && e->message_id && e->part.id;
	now.had_message |= e->type == OC_EV_MESSAGE && e->message_id;
	now.had_error |= e->type == OC_EV_ERROR && e->text;
}

static void
print_heard(void)
{
	/* An abort is told as an error at times, and at others it is not. */
	printf("  heard:%s%s%s%s%s\n", now.was_busy ? " busy" : "", now.is_idle ? " idle" : "",
	    now.had_message ? " message" : "", now.was_retried ? " retry" : "",
	    now.had_error && !now.was_aborted ? " error" : "");
}

/* ---- what is offered ------------------------------------------------------------------------ */

static void
on_agents(void *arg, struct oc_reply *reply)
{
	static const char *const wanted[] = {"build", "general", "compaction"};
	on_done(arg, reply);
	for (size_t k = 0; reply->outcome == OC_OK && k < 3; k++) {
		for (size_t i = 0; i < reply->agents->count; i++) {
			if (strcmp(reply->agents->all[i], wanted[k]) == 0)
				printf("  agent %s\n", wanted[k]);
		}
	}
}

static void
on_models(void *arg, struct oc_reply *reply)
{
	on_done(arg, reply);
	for (size_t i = 0; reply->outcome == OC_OK && i < reply->models->count; i++) {
		const struct oc_model *m = &reply->models->all[i];
		if (strncmp(m->name, "offline/echo", 12) == 0)
			printf("  model %s, variant %s\n", m->name,
			    m->variant_count ? m->variants[0] : "none");
	}
}

static void
look_at_the_server(void)
{
	opencode_health(client, on_done, NULL);
	outcome("health");
	forget();
	opencode_agents(client, server.directory, on_agents, NULL);
	outcome("agents");
	forget();
	opencode_models(client, server.directory, on_models, NULL);
	outcome("models");
	forget();
}

/* ---- sessions ------------------------------------------------------------------------------- */

static void
on_session(void *arg, struct oc_reply *reply)
{
	on_done(arg, reply);
	if (reply->outcome != OC_OK)
		return;
	const struct oc_session *s = reply->session;
	snprintf(got.text, sizeof(got.text), "%s", s->parent_id ? s->parent_id : "");
	printf("  title %s, directory %s, parent %s, made %s\n", s->title,
	    same_text(s->directory, server.directory) ? "ours" : s->directory,
	    !s->parent_id                       ? "none"
	    : strcmp(s->parent_id, now.id) == 0 ? "ours"
						: s->parent_id,
	    s->created_ms ? "in time" : "never");
}

static void
on_created(void *arg, struct oc_reply *reply)
{
	on_session(arg, reply);
	if (reply->outcome != OC_OK)
		die("no session: %s", reply->sentence);
	snprintf(now.id, sizeof(now.id), "%s", reply->session->id);
	oc_id_make(now.message_id, "msg", reply->session->created_ms, 1);
	oc_id_make(now.part_id, "prt", reply->session->created_ms, 2);
}

static void
create(const char *what)
{
	const struct oc_new_session session = {.directory = server.directory,
	    .title = what,
	    .nonce = "abcdefghijklmnop",
	    .task = 1,
	    .attempt = 1};
	memset(&now, 0, sizeof(now));
	printf("==== %s\n", what);
	opencode_create(client, &session, on_created, NULL);
	outcome("create");
	forget();
}

static void
on_sessions(void *arg, struct oc_reply *reply)
{
	on_done(arg, reply);
	got.count = reply->outcome == OC_OK ? reply->sessions->count : 0;
	if (got.count)
		snprintf(got.text, sizeof(got.text), "%s", reply->sessions->all[0].id);
}

static void
count_sessions(const char *what)
{
	outcome(what);
	printf("  %zu sessions\n", got.count);
	forget();
}

/* ---- prompts and messages ------------------------------------------------------------------- */

static void
prompt(const char *text)
{
	const struct oc_prompt p = {.session_id = now.id,
	    .directory = server.directory,
	    .message_id = now.message_id,
	    .part_id = now.part_id,
	    .model = "offline/echo",
	    .text = text};
	now.is_idle = false;
	opencode_prompt(client, &p, on_done, NULL);
	outcome("prompt");
	forget();
}

static void
print_message(const struct message *m)
{
	if (m->from_user) {
		printf(
		    "  user%s: %s\n", strcmp(m->id, now.message_id) == 0 ? ", ours" : "", m->text);
		return;
	}
	printf("  assistant %s %s: finish %s, %s, %s%s%s, tools %u, rejected %u\n", m->agent,
	    m->model, m->finish ? m->finish : "none", m->completed_ms ? "completed" : "open",
	    m->error_name ? m->error_name : "no error", m->finish ? ", says " : "",
	    m->finish ? m->text : "", m->tools, m->tools_rejected);
}

static void
on_messages(void *arg, struct oc_reply *reply)
{
	on_done(arg, reply);
	if (reply->outcome == OC_OK) {
		got.messages = *reply->messages;
		*reply->messages = (struct messages){0};
	}
}

static void
print_messages(size_t most)
{
	opencode_messages(client, now.id, on_messages, NULL);
	outcome("messages");
	for (size_t i = 0; i < got.messages.count && i < most; i++)
		print_message(&got.messages.all[i]);
	forget();
}

/* ---- statuses ------------------------------------------------------------------------------- */

static enum oc_activity activity;

static void
on_statuses(void *arg, struct oc_reply *reply)
{
	on_done(arg, reply);
	activity = OC_IDLE;
	for (size_t i = 0; reply->outcome == OC_OK && i < reply->statuses->count; i++) {
		if (strcmp(reply->statuses->all[i].session_id, now.id) == 0)
			activity = reply->statuses->all[i].activity;
	}
}

static enum oc_activity
ask_status(void)
{
	opencode_statuses(client, server.directory, on_statuses, NULL);
	wait_until("statuses", is_over);
	forget();
	return activity;
}

static bool
is_busy(void)
{
	return ask_status() == OC_BUSY;
}

static bool
is_in_retry(void)
{
	return ask_status() == OC_RETRY;
}

static bool
has_gone_idle(void)
{
	return now.is_idle && ask_status() == OC_IDLE;
}

static bool
is_writing(void)
{
	opencode_messages(client, now.id, on_messages, NULL);
	wait_until("messages", is_over);
	bool is_so = got.messages.count >= 2;
	forget();
	return is_so;
}

static void
finish(void)
{
	wait_until("it is idle", has_gone_idle);
	turn_for(0.5); /* an abort's error can come after it */
	print_heard();
	print_messages(20);
}

static void
abort_it(void)
{
	now.was_aborted = true;
	opencode_abort(client, now.id, server.directory, on_done, NULL);
	outcome("abort");
	forget();
}

/* ---- asks ----------------------------------------------------------------------------------- */

static void
on_asks(void *arg, struct oc_reply *reply)
{
	on_done(arg, reply);
	if (reply->outcome != OC_OK)
		return;
	got.count = reply->asks->count;
	if (!got.count)
		return;
	const struct oc_ask *ask = &reply->asks->all[0];
	snprintf(got.text, sizeof(got.text), "%s", ask->id);
	printf("  asked by %s: %s\n", strcmp(ask->session_id, now.id) == 0 ? "it" : "another",
	    ask->request);
}

static bool
was_asked(void)
{
	return now.was_asked;
}

static void
reply_to_ask(const char *reply, const char *message)
{
	char id[256];
	wait_until("it asks", was_asked);
	opencode_permissions(client, server.directory, on_asks, NULL);
	outcome("permissions");
	memcpy(id, got.text, sizeof(id));
	forget();
	opencode_permission_reply(client, server.directory, id, reply, message, on_done, NULL);
	outcome("reply");
	forget();
	opencode_permission_reply(client, server.directory, id, reply, message, on_done, NULL);
	outcome("the same reply again");
	forget();
}

/* ---- the stories ---------------------------------------------------------------------------- */

#define READ_ETC "[tool read {\"filePath\":\"/etc/hostname\"}] "

static void
tell_good(void)
{
	static const char text[] = "task 1 [delay 1] [say done 1] | say:1500";
	create("a good turn abcdefghijklmnop");
	opencode_session(client, now.id, on_session, NULL);
	outcome("session");
	forget();
	opencode_search(client, server.directory, "abcdefghijklmnop", 0, on_sessions, NULL);
	count_sessions("search");
	opencode_search(client, server.directory, "bcdefghijklmnopq", 0, on_sessions, NULL);
	count_sessions("search for another");
	opencode_children(client, now.id, on_sessions, NULL);
	count_sessions("children");
	prompt(text);
	wait_until("it is busy", is_busy);
	wait_until("it writes", is_writing);
	print_messages(20);
	prompt(text);
	finish();
	prompt(text);
	turn_for(1.5);
	print_messages(20);
	abort_it();
	print_messages(20);
}

static void
tell_tool(void)
{
	create("a tool");
	prompt("task 2 [tool bash {\"command\":\"true\",\"description\":\"t\"}] [say done 2] | "
	       "work:100 say:100");
	finish();
}

static void
tell_abort(void)
{
	static const char text[] = "task 3 [hang] | mute:0";
	create("an abort, and the prompt again");
	prompt(text);
	wait_until("it is busy", is_busy);
	wait_until("it writes", is_writing);
	abort_it();
	finish();
	prompt(text);
	wait_until("it is busy again", is_busy);
	abort_it();
	finish();
}

static void
tell_asks(void)
{
	create("an ask that is allowed");
	prompt("task 4 " READ_ETC "[say done 4] | ask:100 say:100");
	reply_to_ask("once", NULL);
	finish();
	create("an ask that is refused with words");
	prompt("task 5 " READ_ETC "[say done 5] | ask:100 say:100");
	reply_to_ask("reject", "no");
	finish();
	create("an ask that is refused");
	prompt("task 6 " READ_ETC "[say done 6] | ask:100 say:100");
	reply_to_ask("reject", NULL);
	finish();
	create("an ask whose turn is aborted");
	prompt("task 7 " READ_ETC "[say done 7] | ask:100 say:100");
	wait_until("it asks", was_asked);
	abort_it();
	finish();
}

static void
tell_child(void)
{
	create("a subagent");
	prompt("task 8 [tool task {\"description\":\"a part of it\",\"prompt\":\"[delay 2] [say "
	       "x]\",\"subagent_type\":\"general\"}] [say done 8] | sub:2000 say:100");
	wait_until("it is busy", is_busy);
	for (got.count = 0; !got.count; turn_for(0.2)) {
		forget();
		opencode_children(client, now.id, on_sessions, NULL);
		wait_until("children", is_over);
	}
	char child[256];
	memcpy(child, got.text, sizeof(child));
	forget();
	opencode_session(client, child, on_session, NULL);
	outcome("its child");
	forget();
	finish();
}

static void
tell_faults(void)
{
	create("a provider that refuses");
	prompt("task 9 [fail 401] | error:100");
	finish();
	create("an empty answer");
	prompt("task 10 [empty] | empty:100");
	finish();
	create("an answer at the limit");
	prompt("task 11 [say done 11] [finish length] | length:100");
	finish();
	create("a provider that is tried again, and an abort");
	prompt("task 12 [fail 500] | retry:600000");
	wait_until("it is in retry", is_in_retry);
	abort_it();
	finish();
	create("no end");
	prompt("task 13 [finish-unknown] [say done 13] | unknown:100");
	turn_for(4.);
	abort_it();
	wait_until("it is idle", has_gone_idle);
	print_messages(4);
}

static void
tell_restart(void)
{
	static const char text[] = "task 14 [delay 3] [say done 14] | say:3000";
	create("a server that dies");
	prompt(text);
	wait_until("it writes", is_writing);
	opencode_events_close(events);
	stream_is_up = false;
	opencode_free(client);
	server = compare_restart(server);
	client = opencode_new(http, server.url, NULL, NULL);
	events = opencode_events_open(client, loop, on_state, on_event, NULL);
	wait_until("the stream", is_up);
	printf("  %s\n", ask_status() == OC_IDLE ? "idle" : "busy");
	print_messages(20);
	prompt(text);
	finish();
}

static void
delete_it(void)
{
	opencode_delete(client, now.id, on_done, NULL);
	outcome("delete");
	forget();
	opencode_session(client, now.id, on_session, NULL);
	outcome("session");
	forget();
}

static void
tell_deleted(void)
{
	create("one that is deleted");
	print_messages(1);
	delete_it();
	print_messages(1);
	delete_it();
}

static void
tell_absent(void)
{
	create("nobody");
	snprintf(now.id, sizeof(now.id), "ses_doesnotexist000000000000000");
	opencode_session(client, now.id, on_session, NULL);
	outcome("session");
	forget();
	print_messages(1);
	opencode_children(client, now.id, on_sessions, NULL);
	outcome("children");
	forget();
	prompt("task 15 | say:1");
	abort_it();
}

int
main(int count, char **arguments)
{
	(void)count;
	server = compare_begin(arguments);
	loop = ev_loop_new(EVFLAG_AUTO);
	http = http_new(loop);
	client = opencode_new(http, server.url, NULL, NULL);
	events = opencode_events_open(client, loop, on_state, on_event, NULL);
	wait_until("the stream", is_up);
	look_at_the_server();
	tell_good();
	tell_tool();
	tell_abort();
	tell_asks();
	tell_child();
	tell_faults();
	tell_deleted();
	tell_absent();
	tell_restart();
	opencode_events_close(events);
	opencode_free(client);
	http_free(http);
	ev_loop_destroy(loop);
	return 0;
}
