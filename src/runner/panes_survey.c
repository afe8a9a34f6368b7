/*
 * Which sessions have appeared below a person's conversation while nobody listened: before this
 * run, or while the link was gone. Those at work have a pane; of the others it is known whose they
 * are. Below one that is idle nobody is at work: a session is busy while it waits for one below it.
 * (Below a task's own session, its flight looks: see panes_at_work().)
 *
 *   1 list     what is directly below a session
 *   2 ask      which of these are at work, one question for each directory
 */
#include <stdlib.h>

#include "base/buf.h"
#include "runner/panes_int.h"

/* A session to look below. */
struct spot {
	struct spot *next;
	char *session_id, *root;
};

struct found {
	struct found *next;
	struct oc_session session;
};

struct survey {
	struct panes *panes;
	struct spot *spots;  /* the first is looked below */
	struct found *found; /* below it; whether they are at work is not known yet */
	struct oc_call *call;
};

static void look_below(struct survey *);
static void on_children(void *arg, struct oc_reply *);
static void ask_first(struct survey *);
static void on_statuses(void *arg, struct oc_reply *);

/* ---- small ---------------------------------------------------------------------------------- */

static void
add_spot(struct survey *v, const char *session_id, const char *root)
{
	struct spot **at = &v->spots;
	while (*at && !same_text((*at)->session_id, session_id))
		at = &(*at)->next;
	if (*at)
		return;
	*at = xcalloc(1, sizeof **at);
	(*at)->session_id = xstrdup(session_id);
	(*at)->root = xstrdup(root);
}

static void
drop_spot(struct survey *v)
{
	struct spot *spot = v->spots;
	v->spots = spot->next;
	free(spot->session_id);
	free(spot->root);
	free(spot);
}

static void
add_found(struct survey *v, const struct oc_session *s)
{
	struct found *f = xcalloc(1, sizeof *f);
	f->session = (struct oc_session){
	    .id = xstrdup(s->id), .directory = xstrdup(s->directory), .title = xstrdup(s->title)};
	struct found **end = &v->found;
	while (*end)
		end = &(*end)->next;
	*end = f;
}

/* Takes it out of the list at `at`. */
static void
drop_found(struct found **at)
{
	struct found *f = *at;
	*at = f->next;
	free(f->session.id);
	free(f->session.directory);
	free(f->session.title);
	free(f);
}

static struct opencode *
client_of(const struct survey *v)
{
	return link_client(v->panes->runner->link);
}

/* ---- 1. list -------------------------------------------------------------------------------- */

static void
look_below(struct survey *v)
{
	while (v->spots && !watcher_of(v->panes, v->spots->root, NULL))
		drop_spot(v);
	if (v->spots)
		v->call = opencode_children(client_of(v), v->spots->session_id, on_children, v);
	else
		survey_forget(v->panes);
}

/* One that cannot be had is left out: what appears below it from now on is heard. */
static void
on_children(void *arg, struct oc_reply *reply)
{
	struct survey *v = arg;
	v->call = NULL;
	for (size_t i = 0; reply->outcome == OC_OK && i < reply->sessions->count; i++)
		if (reply->sessions->all[i].directory)
			add_found(v, &reply->sessions->all[i]);
	ask_first(v);
}

/* ---- 2. ask --------------------------------------------------------------------------------- */

static void
ask_first(struct survey *v)
{
	if (v->found) {
		const char *directory = v->found->session.directory;
		v->call = opencode_statuses(client_of(v), directory, on_statuses, v);
	} else {
		drop_spot(v);
		look_below(v);
	}
}

static bool
is_at_work(const struct oc_reply *reply, const char *session_id)
{
	for (size_t i = 0; reply->outcome == OC_OK && i < reply->statuses->count; i++)
		if (same_text(reply->statuses->all[i].session_id, session_id))
			return reply->statuses->all[i].activity != OC_IDLE;
	return false;
}

static void
take(struct survey *v, const struct oc_session *s, bool is_busy)
{
	if (!child_found(v->panes, s, v->spots->root, is_busy) || !is_busy)
		return;
	add_spot(v, s->id, v->spots->root);
}

static void
on_statuses(void *arg, struct oc_reply *reply)
{
	struct survey *v = arg;
	char *directory = xstrdup(v->found->session.directory);
	v->call = NULL;
	for (struct found **at = &v->found; *at;) {
		const struct oc_session *s = &(*at)->session;
		if (same_text(s->directory, directory)) {
			take(v, s, is_at_work(reply, s->id));
			drop_found(at);
		} else {
			at = &(*at)->next;
		}
	}
	free(directory);
	ask_first(v);
}

/* ---- outside -------------------------------------------------------------------------------- */

void
survey_start(struct panes *p)
{
	struct survey *v = xcalloc(1, sizeof *v);
	survey_forget(p);
	p->survey = v;
	v->panes = p;
	for (const struct flight *f = p->runner->flights; f; f = f->next)
		if (f->parent_session && flight_is_here(f))
			add_spot(v, f->parent_session, f->parent_session);
	look_below(v);
}

void
survey_forget(struct panes *p)
{
	struct survey *v = p->survey;
	p->survey = NULL;
	if (!v)
		return;
	opencode_cancel(v->call);
	while (v->found)
		drop_found(&v->found);
	while (v->spots)
		drop_spot(v);
	free(v);
}
