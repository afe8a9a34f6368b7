/*
 * See panes.h. A seat's life, top to bottom: each step's starter, and under it the continuation.
 *
 *   1 want    its row, and a place among tmux.max_panes
 *   2 open    one at a time: beside the runner, or in a session of vigil's own
 *   3 close   and the next that waits has its place
 *
 * What happens to panes that nobody here does, the sweep finds (panes_sweep.c). The seats of
 * children are wanted, and found to be over, in panes_child.c; the rest is the same for them.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include "runner/panes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/environment.h"
#include "base/failpoint.h"
#include "base/utf8.h"
#include "runner/panes_int.h"

#define SWEEP_S 10.0
#define STOP_S 5.0
#define OWN_SESSION "vigil"
#define TITLE_BYTES 60

/* ---- who waits for it ----------------------------------------------------------------------- */

/* The prompt need not wait any more. May end the flight, never the seat. */
static void
let_prompt_go(struct seat *s)
{
	bool waits = ev_is_active(&s->patience);
	ev_timer_stop(s->panes->runner->loop, &s->patience);
	s->was_waited_for = true;
	struct flight *f = waits ? seat_flight(s) : NULL;
	if (f)
		flight_pane_over(f);
}

void
seat_on_patience(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct seat *s = timer->data;
	struct flight *f = seat_flight(s);
	s->was_waited_for = true;
	if (f)
		flight_pane_over(f);
}

/* ---- 1. want -------------------------------------------------------------------------------- */

bool
seat_want(struct seat *s, bool *is_decided)
{
	struct panes *p = s->panes;
	s->is_ours = true;
	s->state = seats_have_room(p) ? SEAT_OPENS : SEAT_WAITS;
	if (row_intend(s, is_decided)) {
		seat_open_next(p);
		return true;
	}
	seat_drop(s);
	return false;
}

/* NULL: there is to be none, or not now. */
static struct seat *
want(struct panes *p, struct flight *f)
{
	struct seat *s = seat_of_flight(p, f);
	if (s || !p->is_on || !p->has_begun || p->is_stopping || f->had_pane)
		return s;
	s = seat_new(p, f->session_id, "");
	s->task_id = f->task_id;
	s->attempt_id = f->attempt_id;
	s->label = xstrdup(f->label);
	return seat_want(s, &f->had_pane) ? s : NULL;
}

/* Is a child's pane on its way out for this one? */
static bool
has_place_soon(const struct seat *s)
{
	return s->state == SEAT_WAITS && children_make_room(s->panes);
}

bool
panes_hold(struct panes *p, struct flight *f)
{
	struct seat *s = want(p, f);
	if (!s || s->was_waited_for || (s->state != SEAT_OPENS && !has_place_soon(s)))
		return false;
	ev_timer_start(p->runner->loop, &s->patience);
	return true;
}

void
panes_take_up(struct panes *p)
{
	if (!p->is_on || !p->has_begun || !link_is_up(p->runner->link))
		return;
	for (struct flight *f = p->runner->flights; f; f = f->next) {
		if (f->session_id && flight_is_here(f) && f->status == STATUS_RUNNING)
			(void)want(p, f);
	}
	children_look(p);
	if (p->must_survey && children_are_wanted(p)) {
		p->must_survey = false;
		survey_start(p);
	}
	view_renew(p);
}

/* ---- 2. open -------------------------------------------------------------------------------- */

static void on_opened(void *arg, const struct pane *, const struct tmux_reply *);

/* "7 mend the test"; of a child "7 > look about", or what it is called alone. */
static char *
make_title(const struct seat *s)
{
	const char *label = s->label ? s->label : "a subagent";
	int bytes = (int)utf8_cut(label, strlen(label), TITLE_BYTES);
	if (!s->task_id)
		return xasprintf("%.*s", bytes, label);
	return xasprintf("%lld %s%.*s", (long long)s->task_id, s->root ? "> " : "", bytes, label);
}

static void
start_opening(struct seat *s, enum tmux_view view)
{
	struct panes *p = s->panes;
	const struct seat *other = view_first_open(p);
	char id[24];
	snprintf(id, sizeof id, "%lld", (long long)s->task_id);
	char *title = make_title(s);
	const char *command[10] = {p->program, "--db", store_path(p->runner->store),
	    config_tmux_views[view], s->root ? "--session" : id, s->root ? s->session_id : NULL};
	size_t count = s->root ? 6 : 5;
	if (p->config) {
		command[count++] = "--config";
		command[count++] = p->config;
	}
	s->view = view;
	s->server_id = link_server_id(p->runner->link);
	const struct pane_wish wish = {
	    .socket = p->beside || !other ? p->socket : other->pane.socket,
	    .beside = p->beside ? p->beside
		      : other   ? other->pane.id
				: NULL,
	    .session = p->beside ? NULL : OWN_SESSION,
	    .layout = p->layout,
	    .command = command,
	    .mark = s->pane.mark,
	    .title = title,
	};
	failpoint_before(FP_PANE_OPEN);
	pane_open(p->tmux, &wish, on_opened, s);
	free(title);
}

void
seat_not_opened(struct seat *s, const struct tmux_reply *reply)
{
	on_opened(s, NULL, reply);
}

/* It may be over by now. */
void
seat_open(struct seat *s, enum tmux_view view)
{
	struct panes *p = s->panes;
	if (!s->over) {
		start_opening(s, view);
		return;
	}
	p->opening = NULL;
	seat_close(s, s->over);
	seat_open_next(p);
}

/* Tasks first. Of one that is over already the row could not be closed: the sweep tries again. */
static struct seat *
next_to_open(struct panes *p)
{
	bool has_room = seats_have_room(p);
	struct seat *next = NULL;
	for (struct seat *s = p->seats; s; s = s->next) {
		bool may_open = s->state == SEAT_OPENS || (s->state == SEAT_WAITS && has_room);
		if (may_open && !s->over && (!next || (next->root && !s->root)))
			next = s;
	}
	return next;
}

/* One at a time, for each may be beside the one before. */
void
seat_open_next(struct panes *p)
{
	struct seat *s;
	while (!p->opening && !p->is_stopping && (s = next_to_open(p))) {
		s->state = SEAT_OPENS;
		if (seat_is_wanted(s)) {
			p->opening = s;
			view_choose(s);
		} else {
			seat_close(s, REASON_ENDED);
		}
	}
}

static void
tell_where(struct panes *p)
{
	if (p->beside || p->has_told_where)
		return;
	p->has_told_where = true;
	runner_say(p->runner, "tasks are shown in tmux: tmux %s%s%sattach -t " OWN_SESSION,
	    p->socket ? "-S " : "", p->socket ? p->socket : "", p->socket ? " " : "");
}

/* The same trouble of many tasks is said once. */
static void
tell_trouble(struct panes *p, const char *sentence)
{
	if (same_text(p->told, sentence))
		return;
	xreplace(&p->told, sentence);
	runner_say(p->runner, "tasks go on without a pane: %s", sentence);
}

static void
not_opened(struct seat *s, const struct tmux_reply *reply)
{
	struct panes *p = s->panes;
	tell_trouble(p, reply->text);
	if (reply->outcome != TMUX_LATE && row_closed(s, REASON_FAILED, reply->text))
		seat_drop(s);
}

static void
on_opened(void *arg, const struct pane *pane, const struct tmux_reply *reply)
{
	struct seat *s = arg;
	struct panes *p = s->panes;
	p->opening = NULL;
	if (pane) {
		failpoint_after(FP_PANE_OPEN);
		s->pane = *pane;
		s->state = SEAT_OPEN;
		s->is_known = true;
		(void)row_opened(s);
		xreplace(&p->told, NULL);
		tell_where(p);
		view_lay_out_soon(p);
	}
	if (!pane)
		s->state = SEAT_UNSURE; /* there is one all the same, if tmux was only late */
	let_prompt_go(s);
	if (!pane)
		not_opened(s, reply);
	else if (s->over)
		seat_close(s, s->over);
	seat_open_next(p);
	view_renew(p);
}

/* ---- 3. close ------------------------------------------------------------------------------- */

static void on_closed(void *arg, enum pane_end);

/* One that was not begun to be opened. */
static void
close_waiting(struct seat *s)
{
	bool is_stopped = s->panes->is_stopping;
	const char *detail = s->state == SEAT_WAITS
				 ? "it was over before there was room (tmux.max_panes)"
				 : "it was over before it could be opened";
	if (row_closed(s, is_stopped ? REASON_STOPPED : REASON_FAILED, is_stopped ? NULL : detail))
		seat_drop(s);
}

void
seat_close(struct seat *s, const char *reason)
{
	if (!s->over)
		s->over = reason;
	if (s->state == SEAT_WAITS || (s->state == SEAT_OPENS && s != s->panes->opening)) {
		close_waiting(s);
	} else if (s->state == SEAT_OPEN) {
		s->state = SEAT_CLOSES;
		failpoint_before(FP_PANE_CLOSE);
		pane_close(s->panes->tmux, &s->pane, on_closed, s);
	}
}

/* What it showed is still at work. A child below no task's session is not looked for otherwise. */
static void
may_come_again(const struct seat *s)
{
	struct flight *f = s->root ? NULL : seat_flight(s);
	if (f)
		f->had_pane = false;
	if (s->root && !s->task_id)
		s->panes->must_survey = true;
}

static void
on_closed(void *arg, enum pane_end end)
{
	struct seat *s = arg;
	struct panes *p = s->panes;
	bool comes_again =
	    same_text(s->over, REASON_DISPLACED) || same_text(s->over, REASON_RENEWED);
	failpoint_after(FP_PANE_CLOSE);
	if (comes_again)
		may_come_again(s);
	if (end != PANE_STAYS && row_closed(s, s->over, s->why_over))
		seat_drop(s);
	else
		s->state = SEAT_UNSURE;
	view_lay_out_soon(p);
	if (comes_again)
		panes_take_up(p); /* who had this place before those that wait for one */
	seat_open_next(p);
}

/* Its agent goes on where the runner stops. */
void
panes_flight_over(struct panes *p, const struct flight *f)
{
	struct seat *s = seat_of_flight(p, f);
	const char *reason = p->runner->ending ? REASON_STOPPED : REASON_ENDED;
	if (s) {
		ev_timer_stop(p->runner->loop, &s->patience);
		seat_close(s, reason);
	}
	children_over(p, f, reason);
}

/* ---- beginning and end ---------------------------------------------------------------------- */

static void
on_sweep(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)revents;
	struct panes *p = timer->data;
	sweep_start(p);
	children_look(p);
	if (p->has_begun && !p->is_on && !p->seats)
		ev_timer_stop(loop, timer);
}

/* The program that was started, also where a newer one has its name by now. */
static char *
own_program(void)
{
	static const char deleted[] = " (deleted)";
	char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	if (length < 0)
		return xstrdup("vigil");
	path[length] = '\0';
	size_t tail = sizeof deleted - 1;
	if ((size_t)length > tail && strcmp(path + length - tail, deleted) == 0)
		path[(size_t)length - tail] = '\0';
	return xstrdup(path);
}

/* $TMUX is SOCKET,PID,SESSION. */
static void
find_place(struct panes *p)
{
	const char *tmux = environment_get("TMUX"), *pane = environment_get("TMUX_PANE");
	if (!tmux)
		return;
	const char *end = strrchr(tmux, ',');
	while (end && end > tmux && end[-1] != ',')
		end--;
	p->socket = end && end > tmux ? xstrndup(tmux, (size_t)(end - 1 - tmux)) : xstrdup(tmux);
	p->beside = xstrdup(pane);
	p->beside_server = end ? strtoll(end, NULL, 10) : 0;
}

struct panes *
panes_new(struct runner *r)
{
	struct panes *p = xcalloc(1, sizeof *p);
	p->runner = r;
	p->is_on = r->has_panes;
	p->must_survey = true;
	p->program = r->program ? xstrdup(r->program) : own_program();
	p->config = r->config->path ? realpath(r->config->path, NULL) : NULL;
	p->layout = (struct pane_layout){
	    config_tmux_layouts[r->config->tmux_layout], r->config->tmux_main_pane_size};
	p->tmux = tmux_new(r->loop, r->config->server_password_env);
	find_place(p);
	ev_timer_init(&p->lay_out, view_lay_out, 0., 0.);
	ev_timer_init(&p->sweep, on_sweep, 0., SWEEP_S);
	p->lay_out.data = p->sweep.data = p;
	ev_timer_start(r->loop, &p->sweep);
	return p;
}

static bool
is_busy(const struct panes *p)
{
	const struct seat *s = p->seats;
	while (s && s->state != SEAT_CLOSES && s != p->opening)
		s = s->next;
	return s || p->listings_left;
}

/* Of some it is not known yet whether they are there: a run can end before its first sweep. */
static bool
is_in_doubt(const struct panes *p)
{
	const struct seat *s = p->seats;
	while (s && s->state != SEAT_UNSURE)
		s = s->next;
	return s || !p->has_begun;
}

static void
on_late(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct panes *p = timer->data;
	p->is_late = true;
}

void
panes_stop(struct panes *p)
{
	struct ev_loop *loop = p->runner->loop;
	struct seat *next;
	ev_timer late;
	if (is_in_doubt(p))
		sweep_start(p);
	panes_unlink(p);
	p->is_stopping = true;
	ev_timer_stop(loop, &p->sweep);
	ev_timer_stop(loop, &p->lay_out);
	for (struct seat *s = p->seats; s; s = next) {
		next = s->next;
		seat_close(s, REASON_STOPPED);
	}
	ev_timer_init(&late, on_late, STOP_S, 0.);
	late.data = p;
	ev_timer_start(loop, &late);
	while (is_busy(p) && !p->is_late)
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &late);
	for (const struct seat *s = p->seats; s; s = s->next)
		row_left(s);
}

void
panes_free(struct panes *p)
{
	if (!p)
		return;
	ev_timer_stop(p->runner->loop, &p->sweep);
	ev_timer_stop(p->runner->loop, &p->lay_out);
	tmux_free(p->tmux);
	sweep_forget(p);
	seats_drop_all(p);
	survey_forget(p);
	children_forget(p);
	free(p->program);
	free(p->config);
	free(p->socket);
	free(p->beside);
	free(p->told);
	free(p);
}
