/*
 * Seats: made, found, counted, dropped. What becomes of one is panes.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "runner/panes_int.h"

#define PATIENCE_S 2.0 /* of a prompt */

struct seat *
seat_new(struct panes *p, const char *session_id, const char *mark)
{
	struct seat *s = xcalloc(1, sizeof *s);
	struct seat **at = &p->seats;
	while (*at)
		at = &(*at)->next;
	*at = s;
	s->panes = p;
	s->session_id = xstrdup(session_id);
	snprintf(s->pane.mark, sizeof s->pane.mark, "%s", mark);
	ev_timer_init(&s->patience, seat_on_patience, PATIENCE_S, 0.);
	s->patience.data = s;
	return s;
}

static void
free_seat(struct seat *s)
{
	ev_timer_stop(s->panes->runner->loop, &s->patience);
	opencode_cancel(s->call);
	free(s->session_id);
	free(s->root);
	free(s->label);
	free(s);
}

void
seat_drop(struct seat *s)
{
	struct seat **at = &s->panes->seats;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	free_seat(s);
}

void
seats_drop_all(struct panes *p)
{
	while (p->seats) {
		struct seat *s = p->seats;
		p->seats = s->next;
		free_seat(s);
	}
}

bool
seats_have_room(const struct panes *p)
{
	int taken = 0;
	for (const struct seat *s = p->seats; s; s = s->next)
		taken += s->state != SEAT_WAITS;
	return taken < p->runner->config->tmux_max_panes;
}

struct seat *
seat_of_flight(const struct panes *p, const struct flight *f)
{
	struct seat *s = p->seats;
	while (s && (s->attempt_id != f->attempt_id || s->root))
		s = s->next;
	return s;
}

struct seat *
seat_of_session(const struct panes *p, const char *session_id)
{
	struct seat *s = p->seats;
	while (s && !same_text(s->session_id, session_id))
		s = s->next;
	return s;
}

struct flight *
seat_flight(const struct seat *s)
{
	struct flight *f = s->panes->runner->flights;
	while (f && f->attempt_id != s->attempt_id)
		f = f->next;
	return f;
}

const struct flight *
watcher_of(const struct panes *p, const char *root, const struct flight *but)
{
	const struct flight *f = p->runner->flights;
	while (f && (f == but ||
			(!same_text(f->session_id, root) && !same_text(f->parent_session, root))))
		f = f->next;
	return f;
}

bool
seat_is_wanted(const struct seat *s)
{
	return s->root ? watcher_of(s->panes, s->root, NULL) != NULL : seat_flight(s) != NULL;
}
