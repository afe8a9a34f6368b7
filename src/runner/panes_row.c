/*
 * The rows of panes: each is there before its pane, and is closed after it.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/secret.h"
#include "runner/panes_int.h"

#define NONCE_SIZE 17 /* 16 letters and digits */

static const char left_open[] = "tmux did not answer when vigil stopped";

/* A row that its tables refuse is left to a person; it is no trouble of the database's. */
static bool
run(struct panes *p, enum query query, const struct value *values, size_t count, row_fn *fn,
    void *arg)
{
	struct fault why;
	if (store_run(p->runner->store, query, values, count, fn, arg, &why))
		return true;
	if (why.kind == FAULT_USAGE)
		runner_say(p->runner, "a pane cannot be recorded: %s", why.text);
	else
		runner_in_trouble(p->runner, &why);
	return false;
}

static bool
keep_owner(void *arg, const struct row *row)
{
	struct panes *p = arg;
	snprintf(p->owner, sizeof p->owner, "%s", row_text(row, 0));
	return false;
}

/* The columns of panes_open, in its order. */
static bool
read_seat(void *arg, const struct row *row)
{
	struct seat *s = seat_new(arg, row_text(row, 3), row_text(row, 5));
	s->row_id = row_int(row, 0);
	s->task_id = row_int(row, 1);
	s->attempt_id = row_int(row, 2);
	s->root = xstrdup(row_text(row, 4));
	s->was_busy = true; /* it may have been, and be idle since */
	s->state = SEAT_UNSURE;
	s->was_left = same_text(row_text(row, 12), left_open);
	if (row_is_null(row, 6))
		return true;
	snprintf(s->pane.socket, sizeof s->pane.socket, "%s", row_text(row, 7));
	s->pane.server_pid = row_int(row, 8);
	s->pane.server_start = row_int(row, 9);
	snprintf(s->pane.id, sizeof s->pane.id, "%s", row_text(row, 10));
	s->pane.pid = row_int(row, 11);
	s->is_known = true;
	s->view = (enum tmux_view)s->panes->runner->config->tmux_view;
	s->server_id = row_int(row, 13);
	s->is_written = !s->was_left;
	return true;
}

/* Without panes, nothing is written. */
bool
row_begin(struct panes *p)
{
	if (!run(p, Q_panes_open, NULL, 0, read_seat, p)) {
		seats_drop_all(p);
		return false;
	}
	p->has_begun = (!p->is_on && !p->seats) || run(p, Q_database_id, NULL, 0, keep_owner, p);
	if (!p->has_begun)
		seats_drop_all(p);
	return p->has_begun;
}

static struct value
value_id(int64_t id)
{
	return id ? value_int(id) : value_null();
}

bool
row_intend(struct seat *s, bool *is_decided)
{
	struct runner *r = s->panes->runner;
	char nonce[NONCE_SIZE];
	random_base62(nonce, sizeof nonce);
	snprintf(s->pane.mark, sizeof s->pane.mark, "%s-%s", s->panes->owner, nonce);
	const struct value v[] = {value_id(s->task_id), value_id(s->attempt_id),
	    value_text(s->session_id), value_text(s->root), value_text(s->pane.mark),
	    value_time(clock_now_ms()),
	    value_text(s->state == SEAT_WAITS
			   ? "waits until another pane is closed (tmux.max_panes)"
			   : NULL)};
	*is_decided = false;
	failpoint_before(FP_COMMIT_PANE);
	if (!run(s->panes, Q_pane_intent, v, sizeof v / sizeof *v, NULL, NULL))
		return false;
	failpoint_after(FP_COMMIT_PANE);
	*is_decided = true;
	s->row_id = store_last_id(r->store);
	return store_changes(r->store) == 1;
}

bool
row_opened(struct seat *s)
{
	const struct pane *pane = &s->pane;
	const struct value v[] = {value_int(s->row_id), value_text(pane->socket),
	    value_int(pane->server_pid), value_int(pane->server_start), value_text(pane->id),
	    value_int(pane->pid), value_time(clock_now_ms())};
	if (s->is_written || !s->row_id)
		return true;
	failpoint_before(FP_COMMIT_OPENED);
	s->is_written = run(s->panes, Q_pane_opened, v, sizeof v / sizeof *v, NULL, NULL);
	s->was_left = s->was_left && !s->is_written;
	failpoint_after(FP_COMMIT_OPENED);
	return s->is_written;
}

void
row_left(const struct seat *s)
{
	const struct value v[] = {value_int(s->row_id), value_text(left_open)};
	if (s->row_id && (s->is_ours || s->is_known))
		(void)run(s->panes, Q_pane_left, v, sizeof v / sizeof *v, NULL, NULL);
}

bool
row_closed(struct seat *s, const char *reason, const char *detail)
{
	if (s->was_left) {
		reason = REASON_STOPPED;
		detail = left_open;
	}
	const struct value v[] = {value_int(s->row_id), value_time(clock_now_ms()),
	    value_text(reason), value_text(detail)};
	if (!s->row_id)
		return true;
	failpoint_before(FP_COMMIT_CLOSED);
	bool ok = run(s->panes, Q_pane_closed, v, sizeof v / sizeof *v, NULL, NULL);
	failpoint_after(FP_COMMIT_CLOSED);
	return ok;
}
