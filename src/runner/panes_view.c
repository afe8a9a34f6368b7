/*
 * What panes show, and how they are laid out. OpenCode's interface needs some room, or it shows
 * nothing but its own input line: where the layout has less for the panes there are, the window is
 * tiled; where not even that has enough for all there may be, panes show the answer alone.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "runner/panes_int.h"

#define LAY_OUT_S 0.15    /* after a burst of panes that come and go */
#define ATTACH_COLUMNS 32 /* with less, its lines are cut; */
#define ATTACH_ROWS 12    /* five of them show what is said */

static const struct pane_layout tiled = {"tiled", 0};

/* One of ours, to be beside where the runner has none of its own. */
const struct seat *
view_first_open(const struct panes *p)
{
	const struct seat *s = p->seats;
	while (s && s->state != SEAT_OPEN)
		s = s->next;
	return s;
}

/* Where they are: beside the runner, or beside another one of ours. */
static const char *
place_socket(const struct panes *p, const struct seat *other)
{
	return p->beside ? p->socket : other->pane.socket;
}

static const char *
place_pane(const struct panes *p, const struct seat *other)
{
	return p->beside ? p->beside : other->pane.id;
}

/* ---- what it shows -------------------------------------------------------------------------- */

/* With all the panes that there may be of ours. */
static struct pane_window
filled(const struct panes *p, const struct pane_window *now)
{
	const struct config *config = p->runner->config;
	struct pane_window w = *now;
	bool is_tasks_alone = config->tmux_sessions == TMUX_SESSIONS_TASKS;
	bool is_bounded = is_tasks_alone && config->parallel < config->tmux_max_panes;
	for (const struct seat *s = p->seats; s; s = s->next)
		w.panes -= s->state == SEAT_OPEN;
	w.panes += is_bounded ? config->parallel : config->tmux_max_panes;
	return w;
}

static bool
has_room(const struct panes *p, const struct pane_window *now)
{
	const struct pane_window w = filled(p, now);
	return pane_layout_fits(&p->layout, &w, ATTACH_COLUMNS, ATTACH_ROWS) ||
	       pane_layout_fits(&tiled, &w, ATTACH_COLUMNS, ATTACH_ROWS);
}

static void
tell_follow(struct panes *p, const struct pane_window *w)
{
	if (p->has_told_view)
		return;
	p->has_told_view = true;
	runner_say(p->runner,
	    "panes show the answers alone (as tmux.view \"follow\"): %dx%d has no "
	    "room for OpenCode's interface in all that there may be (tmux.max_panes)",
	    w->columns, w->rows);
}

/* The tmux that we were in has gone, and another has given our pane's id to somebody else. */
static void
leave_place(struct panes *p)
{
	xreplace(&p->beside, NULL);
}

/* What else tmux refuses, it will say why when the pane is opened. */
static void
on_measured(void *arg, const struct pane_window *w, const struct tmux_reply *reply)
{
	struct seat *s = arg;
	struct panes *p = s->panes;
	enum tmux_view view = (enum tmux_view)p->runner->config->tmux_view;
	if (reply->outcome == TMUX_LATE) {
		seat_not_opened(s, reply);
		return;
	}
	if (w && p->beside && w->server_pid != p->beside_server) {
		leave_place(p);
	} else if (w && view == TMUX_VIEW_ATTACH && !has_room(p, w)) {
		tell_follow(p, w);
		view = TMUX_VIEW_FOLLOW;
	}
	seat_open(s, view);
}

/* A session that is still to be made has room. */
void
view_choose(struct seat *s)
{
	const struct panes *p = s->panes;
	const struct seat *other = view_first_open(p);
	if (!p->beside && !other)
		seat_open(s, (enum tmux_view)p->runner->config->tmux_view);
	else
		pane_measure(p->tmux, place_socket(p, other), place_pane(p, other), on_measured, s);
}

/* ---- whom it shows -------------------------------------------------------------------------- */

/* OpenCode's interface stays with the address and the password that it was begun with. A server of
 * vigil's has others when it is started again, and the old picture would look like work for ever.
 * What a subagent did was cut off with the server: its pane goes as that of any that is idle. */
static bool
shows_another(const struct seat *s)
{
	const struct flight *f = s->root ? NULL : seat_flight(s);
	return f && flight_is_here(f) && s->state == SEAT_OPEN && s->view == TMUX_VIEW_ATTACH &&
	       s->server_id && s->server_id != link_server_id(s->panes->runner->link);
}

/* One at a time, so that a session of our own does not go with the last of its panes, and a server
 * that has just begun is not asked by all of them at once. */
void
view_renew(struct panes *p)
{
	struct seat *old = NULL;
	if (p->is_stopping || p->opening || !link_is_up(p->runner->link))
		return;
	for (struct seat *s = p->seats; s; s = s->next) {
		if (s->state == SEAT_CLOSES && same_text(s->over, REASON_RENEWED))
			return;
		old = !old && shows_another(s) ? s : old;
	}
	if (!old)
		return;
	old->why_over = "its OpenCode server has ended, and another was started";
	seat_close(old, REASON_RENEWED);
}

/* ---- how they are laid out ------------------------------------------------------------------ */

void
view_lay_out_soon(struct panes *p)
{
	ev_timer_stop(p->runner->loop, &p->lay_out);
	ev_timer_set(&p->lay_out, LAY_OUT_S, 0.);
	if (!p->is_stopping)
		ev_timer_start(p->runner->loop, &p->lay_out);
}

/* Tasks as they were queued, and the subagents behind them as they came. */
static int
by_rank(const void *a, const void *b)
{
	const struct seat *x = *(const struct seat *const *)a, *y = *(const struct seat *const *)b;
	if (!x->root != !y->root)
		return x->root ? 1 : -1;
	int64_t m = x->root ? x->row_id : x->task_id, n = y->root ? y->row_id : y->task_id;
	return (m > n) - (m < n);
}

/* Of all that are open; the caller frees. */
static struct pane *
rank(const struct panes *p, size_t *count)
{
	size_t most = 0;
	for (const struct seat *s = p->seats; s; s = s->next)
		most++;
	const struct seat **seats = xcalloc(most, sizeof(void *));
	*count = 0;
	for (const struct seat *s = p->seats; s; s = s->next)
		if (s->state == SEAT_OPEN)
			seats[(*count)++] = s;
	qsort(seats, *count, sizeof(void *), by_rank);
	struct pane *ranked = xcalloc(*count, sizeof *ranked);
	for (size_t i = 0; i < *count; i++)
		ranked[i] = seats[i]->pane;
	free(seats);
	return ranked;
}

static void
lay_out_as(struct panes *p, const struct pane_layout *layout)
{
	const struct seat *s = view_first_open(p);
	size_t count;
	if (!s)
		return;
	struct pane *ranked = rank(p, &count);
	pane_arrange(p->tmux, place_socket(p, s), place_pane(p, s), layout, ranked, count);
	free(ranked);
}

static void
on_window(void *arg, const struct pane_window *w, const struct tmux_reply *reply)
{
	(void)reply;
	struct panes *p = arg;
	bool is_small = w && !pane_layout_fits(&p->layout, w, ATTACH_COLUMNS, ATTACH_ROWS);
	/* Where tiles are too small as well, panes show the answers alone. */
	bool has_tiles = w && pane_layout_fits(&tiled, w, ATTACH_COLUMNS, ATTACH_ROWS);
	lay_out_as(p, is_small && has_tiles ? &tiled : &p->layout);
}

void
view_lay_out(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct panes *p = timer->data;
	const struct seat *s = view_first_open(p);
	if (s && p->runner->config->tmux_view == TMUX_VIEW_ATTACH)
		pane_measure(p->tmux, place_socket(p, s), place_pane(p, s), on_window, p);
	else
		lay_out_as(p, &p->layout);
}
