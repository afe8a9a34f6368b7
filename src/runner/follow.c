/*
 * vigil_follow(): what a task's agent says and does. The database says how the task stands, and
 * what was asked; words.c brings what is said, and shown.c sees to it that each word is told once.
 * A server or a runner that goes away costs nothing but time: all is in the database in the end.
 */
#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "runner/onlook.h"
#include "runner/shown.h"
#include "runner/words.h"

#define LOOK_S 0.2   /* at the row, through `PRAGMA data_version`; */
#define LOOK_EVERY 5 /* of these times all the same: a runner that dies writes nothing */

struct follower {
	struct vigil *vigil;
	int64_t task_id;
	vigil_follow_fn *fn;
	void *arg;
	struct onlook_loop on;
	struct words *words;
	int64_t data_version;
	int skipped;        /* looks since the row was read */
	struct onlook seen; /* as in the row */
	int64_t event_id;   /* of `events`: the newest that was told */
	enum status told;
	char *reason; /* what is in its way, as it was told */
	struct shown *shown;
};

static void
note(struct follower *f, const char *text)
{
	f->fn(f->arg, VIGIL_NOTE, text);
}

/* Where the server is not found yet, the next look tries again. */
static void
connect_to(struct follower *f)
{
	struct onlook_key key;
	struct fault ignored;
	if (!onlook_key(f->vigil, &f->seen, &key, &ignored))
		return;
	words_connect(f->words, f->seen.url, &key, f->seen.session_id);
	onlook_key_fini(&key);
}

/* ---- the row -------------------------------------------------------------------------------- */

static void
tell_status(struct follower *f, enum status status)
{
	if (status == f->told || status_is_final(status))
		return;
	f->told = status;
	note(f, status_text(status));
}

/* Of what happens within a status, what a person who looks on wants to know. */
static void
tell_event(struct follower *f, const char *kind, const char *detail)
{
	static const struct {
		const char *kind, *words;
		bool says_all; /* without the detail */
	} told[] = {
	    {"asked", "asks: ", false},
	    {"replied", "is told: ", false},
	    {"resumed", "resumed: ", false},
	    {"sent again", "the prompt is sent again", true},
	    {"reachable", "the server is back", true},
	    {"attempt ended", "the attempt has failed: ", false},
	    {"unconfirmed", "", false},
	};
	enum status status;
	if (status_parse(kind, &status))
		tell_status(f, status);
	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++) {
		if (strcmp(kind, told[i].kind) != 0)
			continue;
		bool has_more = detail && !told[i].says_all;
		char *line = xasprintf("%s%s", told[i].words, has_more ? detail : "");
		note(f, line);
		free(line);
	}
}

static bool
take_event(void *arg, const struct row *row)
{
	struct follower *f = arg;
	f->event_id = row_int(row, 0);
	tell_event(f, row_text(row, 1), row_text(row, 2));
	return true;
}

static bool
tell_events(struct follower *f)
{
	struct value values[] = {value_int(f->task_id), value_int(f->event_id)};
	return store_run(
	    f->vigil->store, Q_follow_events, values, 2, take_event, f, &f->vigil->fault);
}

static void
take_row(struct follower *f, const struct onlook *now)
{
	struct onlook before = f->seen;
	f->seen = *now;
	if (!same_text(before.url, now->url) || !same_text(before.session_id, now->session_id))
		words_disconnect(f->words);
	onlook_fini(&before);
}

static bool
tell_reason(struct follower *f)
{
	char *reason;
	if (!onlook_reason(f->vigil, f->task_id, &reason))
		return false;
	if (reason && !same_text(f->reason, reason))
		note(f, reason);
	free(f->reason);
	f->reason = reason;
	return true;
}

static void
look(struct follower *f)
{
	struct onlook now;
	if (!tell_events(f) || !onlook_read(f->vigil, f->task_id, &now)) {
		onlook_loop_stop(&f->on, handle_result(f->vigil));
		return;
	}
	tell_status(f, now.status);
	take_row(f, &now);
	if (!tell_reason(f))
		onlook_loop_stop(&f->on, handle_result(f->vigil));
	else if (status_is_final(now.status))
		onlook_loop_stop(&f->on, VIGIL_OK);
	else if (status_is_live(now.status) && onlook_has_session(&now) && !words_client(f->words))
		connect_to(f);
}

static void
on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct follower *f = timer->data;
	struct vigil *v = f->vigil;
	int64_t version;
	if (!store_still_there(v->store, &v->fault) ||
	    !store_data_version(v->store, &version, &v->fault)) {
		onlook_loop_stop(&f->on, handle_result(f->vigil));
	} else if (version != f->data_version || !words_client(f->words) ||
		   ++f->skipped >= LOOK_EVERY) {
		f->data_version = version;
		f->skipped = 0;
		look(f);
	}
}

/* ---- the end -------------------------------------------------------------------------------- */

struct transcript {
	struct shown *shown;
	bool is_there;
};

/* The columns of task_answers, in its order. */
static bool
take_answer(void *arg, const struct row *row)
{
	struct transcript *t = arg;
	t->is_there = true;
	shown_stored(
	    t->shown, row_text(row, 2), row_text(row, 1), row_text(row, 0), row_int(row, 3) != 0);
	return true;
}

/* What was not shown yet: of a final task all of it, else what the stream has lost. A result
 * without a transcript is one that was stopped, or written by other hands. */
static enum vigil_result
show_rest(struct follower *f)
{
	struct transcript transcript = {.shown = f->shown};
	struct value id = value_int(f->task_id);
	char *result_text;
	if (!store_run(f->vigil->store, Q_task_answers, &id, 1, take_answer, &transcript,
		&f->vigil->fault))
		return handle_result(f->vigil);
	enum vigil_result result =
	    vigil_get_result(f->vigil, f->task_id, VIGIL_ANSWER, &result_text);
	if (result_text && !transcript.is_there)
		shown_stored(f->shown, "", NULL, result_text, false);
	shown_end(f->shown);
	free(result_text);
	return result;
}

/* From here on, that is; what was before, vigil show has. */
static bool
begin(struct follower *f)
{
	struct value id = value_int(f->task_id);
	return store_int(
	    f->vigil->store, Q_follow_since, &id, 1, 0, &f->event_id, &f->vigil->fault);
}

static void
run_follower(struct follower *f)
{
	onlook_loop_init(&f->on, on_look, LOOK_S, f);
	f->words = words_new(f->on.loop, f->shown, &(struct words_listener){0});
	onlook_loop_run(&f->on);
	words_free(f->words);
	onlook_loop_fini(&f->on);
}

enum vigil_result
vigil_follow(struct vigil *v, int64_t id, vigil_follow_fn *fn, void *arg)
{
	struct follower f = {.vigil = v, .task_id = id, .fn = fn, .arg = arg, .data_version = -1};
	f.told = STATUS_COUNT;
	if (!begin(&f))
		return handle_result(v);
	f.shown = shown_new(fn, arg);
	run_follower(&f);
	enum vigil_result result = f.on.result ? f.on.result : show_rest(&f);
	onlook_fini(&f.seen);
	free(f.reason);
	shown_free(f.shown);
	return result;
}
