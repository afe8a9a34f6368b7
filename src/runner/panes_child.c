/*
 * Children: sessions that appear below a watched one (see panes.h). Which of them have a seat, and
 * when that is over. What is heard of them decides at once; the server is asked from time to time,
 * for not all is heard.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "runner/panes_int.h"

#define MISSES 2 /* a sweep is between them */

static void on_session(void *arg, struct oc_reply *);
static void on_statuses(void *arg, struct oc_reply *);

/* ---- which ---------------------------------------------------------------------------------- */

/* The sessions of tasks are children of their parent_session. One that was just made is not known
 * by its id yet, but carries the nonce. */
static bool
is_of_task(const struct panes *p, const char *session_id, const char *title)
{
	const struct flight *f = p->runner->flights;
	while (f && !same_text(f->session_id, session_id) && !(title && strstr(title, f->nonce)))
		f = f->next;
	return f;
}

static const struct kin *
known_kin(const struct panes *p, const char *session_id)
{
	const struct kin *k = p->kin;
	while (k && strcmp(k->session_id, session_id) != 0)
		k = k->next;
	return k;
}

static const char *
find_kin(const struct panes *p, const char *session_id)
{
	const struct kin *k = known_kin(p, session_id);
	const struct seat *s = k ? NULL : seat_of_session(p, session_id);
	return k ? k->root : s ? s->root : NULL;
}

/* What it is below; NULL: nothing that is watched. The nearest, so a task's own before what that
 * is below itself. */
static const char *
find_root(const struct panes *p, const char *parent_id)
{
	const struct sessions *sessions = &p->runner->sessions;
	const struct flight *f = sessions_find(sessions, parent_id);
	if (!f)
		f = sessions_find_descendant(sessions, parent_id);
	if (f)
		return f->session_id;
	const char *root = find_kin(p, parent_id);
	if (!root)
		root = watcher_of(p, parent_id, NULL) ? parent_id : NULL;
	return root;
}

static void
remember_kin(struct panes *p, const char *session_id, const char *root)
{
	struct kin *k = xcalloc(1, sizeof *k);
	*k = (struct kin){p->kin, xstrdup(session_id), xstrdup(root)};
	p->kin = k;
}

static void
forget_kin(struct kin **at)
{
	struct kin *k = *at;
	*at = k->next;
	free(k->session_id);
	free(k->root);
	free(k);
}

bool
children_are_wanted(const struct panes *p)
{
	return p->is_on && p->has_begun && !p->is_stopping &&
	       p->runner->config->tmux_sessions == TMUX_SESSIONS_CHILDREN;
}

/* `f`: whose descendant it is; NULL: nobody's. False also where nobody watches any more what it is
 * below: while the server was asked, that task can have ended. */
static bool
want_child(struct panes *p, const char *session_id, const char *root, const struct flight *f,
    const char *title, bool *is_decided)
{
	if (!watcher_of(p, root, NULL))
		return false;
	struct seat *s = seat_new(p, session_id, "");
	s->task_id = f ? f->task_id : 0;
	s->attempt_id = f ? f->attempt_id : 0;
	s->root = xstrdup(root);
	s->label = xstrdup(title);
	return seat_want(s, is_decided);
}

static void
created(struct panes *p, const struct oc_event *e)
{
	bool ignored;
	const char *root = e->parent_id ? find_root(p, e->parent_id) : NULL;
	if (!root || !children_are_wanted(p) || is_of_task(p, e->session_id, e->title) ||
	    seat_of_session(p, e->session_id))
		return;
	const struct flight *f = sessions_find(&p->runner->sessions, root);
	if (!f)
		remember_kin(p, e->session_id, root);
	(void)want_child(p, e->session_id, root, f, e->title, &ignored);
}

bool
child_found(struct panes *p, const struct oc_session *session, const char *root, bool is_busy)
{
	bool ignored;
	if (is_of_task(p, session->id, session->title))
		return false;
	if (!known_kin(p, session->id))
		remember_kin(p, session->id, root);
	if (is_busy && !seat_of_session(p, session->id) &&
	    want_child(p, session->id, root, NULL, session->title, &ignored))
		seat_of_session(p, session->id)->was_busy = true;
	return true;
}

void
panes_at_work(struct panes *p, struct descendant *d)
{
	if (!children_are_wanted(p) || d->had_pane || seat_of_session(p, d->session_id) ||
	    is_of_task(p, d->session_id, NULL))
		return;
	if (want_child(p, d->session_id, d->flight->session_id, d->flight, NULL, &d->had_pane)) {
		d->had_pane = false; /* it is asked again when this one is closed */
		seat_of_session(p, d->session_id)->was_busy = true;
	}
}

/* ---- until when ----------------------------------------------------------------------------- */

static void
end_child(struct seat *s, const char *why)
{
	s->why_over = why;
	seat_close(s, REASON_ENDED);
}

static void
heard(struct seat *s, enum oc_activity activity)
{
	s->has_changed = true;
	if (activity != OC_IDLE)
		s->was_busy = true;
	else if (s->was_busy)
		end_child(s, "its session is idle");
}

void
panes_event(struct panes *p, const struct oc_event *e)
{
	if (e->type == OC_EV_SESSION_CREATED)
		created(p, e);
	if (e->type != OC_EV_STATUS && e->type != OC_EV_IDLE && e->type != OC_EV_SESSION_DELETED)
		return;
	struct seat *s = p->is_stopping ? NULL : seat_of_session(p, e->session_id);
	if (!s || !s->root)
		return;
	if (e->type == OC_EV_SESSION_DELETED)
		end_child(s, "its session was deleted");
	else
		heard(s, e->type == OC_EV_IDLE ? OC_IDLE : e->activity);
}

/* Is it at the server that this run drives? */
static bool
is_here(const struct seat *s)
{
	const struct flight *f = watcher_of(s->panes, s->root, NULL);
	return f && flight_is_here(f);
}

void
children_look(struct panes *p)
{
	struct opencode *client = p->is_stopping ? NULL : link_client(p->runner->link);
	for (struct seat *s = client ? p->seats : NULL; s; s = s->next) {
		if (!s->root || s->over || s->call || !is_here(s))
			continue;
		s->has_changed = false;
		s->call = opencode_session(client, s->session_id, on_session, s);
	}
}

static void
on_session(void *arg, struct oc_reply *reply)
{
	struct seat *s = arg;
	s->call = NULL;
	s->misses = reply->outcome == OC_NOT_FOUND ? s->misses + 1 : 0;
	if (s->misses >= MISSES)
		end_child(s, "its session is gone");
	else if (reply->outcome == OC_OK)
		s->call = opencode_statuses(
		    link_client(s->panes->runner->link), reply->session->directory, on_statuses, s);
}

static void
on_statuses(void *arg, struct oc_reply *reply)
{
	struct seat *s = arg;
	enum oc_activity activity = OC_IDLE;
	s->call = NULL;
	if (reply->outcome != OC_OK || s->has_changed)
		return;
	for (size_t i = 0; i < reply->statuses->count; i++)
		if (same_text(reply->statuses->all[i].session_id, s->session_id))
			activity = reply->statuses->all[i].activity;
	heard(s, activity);
}

void
panes_unlink(struct panes *p)
{
	p->must_survey = true;
	survey_forget(p);
	for (struct seat *s = p->seats; s; s = s->next) {
		opencode_cancel(s->call);
		s->call = NULL;
		s->was_busy = true; /* perhaps */
	}
}

/* ---- for whom ------------------------------------------------------------------------------- */

/* One for each task that waits; the newest, which has the least to show yet. */
bool
children_make_room(struct panes *p)
{
	int waiting = 0, closing = 0;
	struct seat *newest = NULL;
	for (struct seat *s = p->seats; s; s = s->next) {
		waiting += !s->root && s->state == SEAT_WAITS;
		closing += s->root && s->state == SEAT_CLOSES;
		if (s->root && s->state == SEAT_OPEN)
			newest = s;
	}
	if (closing >= waiting)
		return true;
	if (newest)
		seat_close(newest, REASON_DISPLACED);
	return newest;
}

void
children_over(struct panes *p, const struct flight *f, const char *reason)
{
	struct seat *next;
	for (struct seat *s = p->seats; s; s = next) {
		next = s->next;
		if (s->root && !watcher_of(p, s->root, f))
			seat_close(s, reason);
	}
	for (struct kin **at = &p->kin; *at;)
		if (watcher_of(p, (*at)->root, f))
			at = &(*at)->next;
		else
			forget_kin(at);
}

void
children_forget(struct panes *p)
{
	while (p->kin)
		forget_kin(&p->kin);
}
