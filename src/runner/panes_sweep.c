/*
 * What tmux has is compared with what the rows say: at the start, and every so often. One listing
 * for each socket; only what was there before they began is judged by them.
 *
 *   a pane with the mark of a seat      is that seat's, whatever is known of it
 *   a pane of ours without a seat       an orphan: closed
 *   a seat whose pane is not there      gone: its row says so, and what outlived it is ended
 *   a seat whose attempt is over        closed
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/process.h"
#include "runner/panes_int.h"

/* ---- what was found ------------------------------------------------------------------------- */

static struct seat *
find_mark(const struct panes *p, const char *mark)
{
	struct seat *s = p->seats;
	while (s && strcmp(s->pane.mark, mark) != 0)
		s = s->next;
	return s;
}

static void
close_orphan(struct panes *p, const struct pane *pane)
{
	struct seat *s = seat_new(p, NULL, pane->mark);
	s->pane = *pane;
	s->is_known = true;
	s->state = SEAT_OPEN;
	seat_close(s, REASON_ENDED);
}

static void
found(struct panes *p, const struct pane_found *f)
{
	struct seat *s = find_mark(p, f->pane.mark);
	if (!s) {
		close_orphan(p, &f->pane);
		return;
	}
	if (s->state != SEAT_UNSURE && s->state != SEAT_OPEN)
		return;
	/* Taken up, from whatever its window has become meanwhile. */
	if (s->state == SEAT_UNSURE && p->is_on)
		view_lay_out_soon(p);
	s->is_seen = true;
	s->is_known = true;
	s->pane = f->pane;
	s->state = SEAT_OPEN;
	(void)row_opened(s);
	if (f->is_dead || s->over)
		seat_close(s, REASON_GONE);
}

/* ---- what was not --------------------------------------------------------------------------- */

static const char *
why_gone(const struct seat *s, enum tmux_outcome outcome)
{
	struct process_stat server;
	bool has_server = outcome == TMUX_OK && process_stat((pid_t)s->pane.server_pid, &server) &&
			  process_lives(&server);
	return has_server ? REASON_GONE : REASON_SERVER_GONE;
}

/* The seats whose pane would be at this socket. */
static void
judge(struct panes *p, const char *socket, enum tmux_outcome outcome)
{
	struct seat *next;
	for (struct seat *s = p->seats; s; s = next) {
		next = s->next;
		if (!s->is_judged || s->is_seen || !s->is_known ||
		    !same_text(s->pane.socket, socket) ||
		    (s->state != SEAT_OPEN && s->state != SEAT_UNSURE))
			continue;
		s->state = SEAT_OPEN;
		seat_close(s, why_gone(s, outcome));
	}
}

/* Those that nobody knows a socket of: everywhere was looked. */
static void
judge_unknown(struct panes *p)
{
	struct seat *next;
	for (struct seat *s = p->seats; s; s = next) {
		next = s->next;
		if (!s->is_judged || s->is_known || s->state != SEAT_UNSURE)
			continue;
		if (row_closed(s, s->is_ours ? REASON_FAILED : REASON_CRASHED,
			s->is_ours ? "tmux did not answer" : NULL))
			seat_drop(s);
	}
}

static bool
has_seat(void *arg, const char *mark)
{
	const struct seat *s = find_mark(arg, mark);
	return s && s->is_known;
}

/* Also those that were found to be over before, where the row could not be closed. A live attempt
 * that cannot be read of now has a flight later. */
static void
close_those_over(struct panes *p)
{
	struct seat *next;
	if (p->runner->must_notice)
		return;
	for (struct seat *s = p->seats; s; s = next) {
		next = s->next;
		if (s->over || !seat_is_wanted(s))
			seat_close(s, REASON_ENDED);
	}
	seat_open_next(p);
}

static void
sum_up(struct panes *p)
{
	bool has_leftovers = false;
	for (const struct seat *s = p->seats; s; s = s->next)
		has_leftovers = has_leftovers || (s->is_judged && !s->is_known);
	if (has_leftovers && !p->is_unsure) {
		pane_end_leftovers(p->owner, has_seat, p);
		judge_unknown(p);
	}
	p->has_swept = p->has_swept || !p->is_unsure;
	close_those_over(p);
	sweep_forget(p);
	panes_take_up(p);
}

static void
on_listed(void *arg, const struct pane_list *list)
{
	const struct listing *l = arg;
	struct panes *p = l->panes;
	bool is_answer = list->outcome == TMUX_OK || list->outcome == TMUX_NO_SERVER;
	for (size_t i = 0; i < list->count; i++)
		found(p, &list->all[i]);
	if (is_answer && l->socket)
		judge(p, l->socket, list->outcome);
	p->is_unsure = p->is_unsure || !is_answer;
	if (--p->listings_left == 0)
		sum_up(p);
}

/* ---- asking --------------------------------------------------------------------------------- */

static void
add_listing(struct panes *p, const char *socket)
{
	for (size_t i = 0; i < p->listing_count; i++) {
		if (same_text(p->listings[i].socket, socket))
			return;
	}
	p->listings = xrealloc(p->listings, (p->listing_count + 1) * sizeof *p->listings);
	p->listings[p->listing_count++] = (struct listing){p, xstrdup(socket)};
}

static void
write_again(struct panes *p)
{
	struct seat *next;
	for (struct seat *s = p->seats; s; s = next) {
		next = s->next;
		if (s->state == SEAT_OPEN)
			(void)row_opened(s);
	}
}

void
sweep_start(struct panes *p)
{
	if (p->listings_left || p->is_stopping || (!p->has_begun && !row_begin(p)))
		return;
	write_again(p);
	if (p->is_on && !p->has_swept)
		add_listing(p, p->socket);
	for (struct seat *s = p->seats; s; s = s->next) {
		s->is_judged = s->state == SEAT_OPEN || s->state == SEAT_UNSURE;
		s->is_seen = false;
		if (s->is_judged)
			add_listing(p, s->is_known ? s->pane.socket : p->socket);
	}
	p->is_unsure = false;
	p->listings_left = p->listing_count;
	if (!p->listing_count)
		close_those_over(p);
	for (size_t i = 0; i < p->listing_count; i++)
		pane_list_all(p->tmux, p->listings[i].socket, p->owner, on_listed, &p->listings[i]);
}

void
sweep_forget(struct panes *p)
{
	for (size_t i = 0; i < p->listing_count; i++)
		free(p->listings[i].socket);
	free(p->listings);
	p->listings = NULL;
	p->listing_count = p->listings_left = 0;
}
