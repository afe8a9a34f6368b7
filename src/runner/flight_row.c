/*
 * What a flight knows of its row, and how it begins and ends: loaded, listed, reloaded, let go.
 * The journey itself is flight.c.
 */
#include "runner/flight.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "runner/abort.h"
#include "runner/directory.h"
#include "runner/panes.h"
#include "runner/runner.h"
#include "runner/twins.h"
#include "runner/vouch.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void
free_facts(struct flight *f)
{
	char **const owned[] = {&f->label, &f->directory, &f->server, &f->parent_session, &f->agent,
	    &f->model, &f->variant, &f->sent_agent, &f->sent_model, &f->sent_variant, &f->nonce,
	    &f->session_id, &f->message_id, &f->part_id};
	for (size_t i = 0; i < COUNT(owned); i++) {
		free(*owned[i]);
		*owned[i] = NULL;
	}
}

struct loading {
	struct flight *flight;
	bool is_found;
};

/* The columns of flight_load, in its order. */
static bool
read_row(void *arg, const struct row *row)
{
	struct loading *loading = arg;
	struct flight *f = loading->flight;
	char **const texts[] = {
	    &f->directory, &f->parent_session, &f->label, &f->agent, &f->model, &f->variant};
	char **const more[] = {&f->nonce, &f->server, &f->session_id, &f->message_id, &f->part_id,
	    &f->sent_agent, &f->sent_model, &f->sent_variant};
	loading->is_found = true;
	free_facts(f);
	(void)status_parse(row_text(row, 0), &f->status);
	f->revision = row_int(row, 1);
	f->wake_at_ms = row_time(row, 2);
	for (size_t i = 0; i < COUNT(texts); i++)
		*texts[i] = xstrdup(row_text(row, 3 + i));
	f->attempt_id = row_int(row, 9);
	f->number = (int)row_int(row, 10);
	for (size_t i = 0; i < COUNT(more); i++)
		*more[i] = xstrdup(row_text(row, 11 + i));
	f->progress_ms = row_time(row, 19);
	f->started_ms = row_time(row, 20);
	f->may_have_twin = row_int(row, 21) > 0;
	f->is_timed = row_int(row, 22);
	return false;
}

/* False: with a fault, or with FAULT_NONE where the row is not live; then nothing has changed. */
static bool
load(struct flight *f, struct fault *why)
{
	struct loading loading = {f, false};
	struct value id = value_int(f->task_id);
	why->kind = FAULT_NONE;
	return store_run(f->runner->store, Q_flight_load, &id, 1, read_row, &loading, why) &&
	       loading.is_found;
}

static void
link_in(struct flight *f)
{
	struct runner *r = f->runner;
	f->next = r->flights;
	if (f->next)
		f->next->previous = f;
	r->flights = f;
	r->flight_count++;
	if (f->session_id)
		sessions_add(&r->sessions, f);
}

static void
link_out(struct flight *f)
{
	struct runner *r = f->runner;
	if (f->session_id)
		sessions_remove(&r->sessions, f);
	sessions_remove_descendants(&r->sessions, f);
	if (f->next)
		f->next->previous = f->previous;
	if (f->previous)
		f->previous->next = f->next;
	else
		r->flights = f->next;
	r->flight_count--;
}

static void
cancel_all(struct flight *f)
{
	opencode_cancel(f->call);
	directory_look_cancel(f->look);
	catalog_cancel(f->check);
	abort_cancel(f->abort);
	vouch_cancel(f->vouch);
	twins_cancel(f->twins);
	f->call = NULL;
	f->look = NULL;
	f->check = NULL;
	f->abort = NULL;
	f->vouch = NULL;
	f->twins = NULL;
	f->awaits_status = f->awaits_asks = f->awaits_pane = false;
	f->has_changed = false;
}

/* Its next look is overdue where no run was there for it. */
static void
note_absence(struct flight *f)
{
	f->away_to_ms = f->watched_ms;
	f->away_from_ms = f->is_timed ? f->wake_at_ms : f->away_to_ms;
}

struct flight *
flight_begin(struct runner *r, int64_t task_id, struct fault *why)
{
	struct flight *f = xcalloc(1, sizeof(*f));
	f->runner = r;
	f->task_id = task_id;
	f->watched_ms = clock_now_ms();
	f->has_news = true;
	if (load(f, why)) {
		if (f->attempt_id > store_lock_noted(r->lock))
			store_lock_note(r->lock, f->attempt_id);
		note_absence(f);
		link_in(f);
		runner_due_changed(r, f->wake_at_ms);
		return f;
	}
	free_facts(f);
	free(f);
	return NULL;
}

void
flight_end(struct flight *f)
{
	cancel_all(f);
	panes_flight_over(f->runner->panes, f);
	link_out(f);
	free_facts(f);
	free(f->retry_message);
	free(f->error_message);
	free(f->end_id);
	free(f->summary_id);
	free(f->waits_for);
	free(f);
}

void
flight_reload(struct flight *f)
{
	struct fault why;
	if (f->session_id)
		sessions_remove(&f->runner->sessions, f);
	bool is_live = load(f, &why);
	if (f->session_id)
		sessions_add(&f->runner->sessions, f);
	if (is_live)
		flight_wake(f);
	else if (why.kind == FAULT_NONE)
		flight_end(f);
	else
		runner_notice_again(f->runner, &why);
}

void
flight_unlink(struct flight *f)
{
	cancel_all(f);
	f->activity_is_known = false;
	f->knows_descendants = false;
	f->has_news = true; /* for all we know */
	f->watched_ms = clock_now_ms();
}
