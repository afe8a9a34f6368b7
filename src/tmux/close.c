/*
 * Closing a pane, read top to bottom: each step's starter, and under it the continuation.
 *
 *   1 interrupt   Ctrl-C, so that the program can say goodbye
 *   2 kill        the pane
 *   3 await       the end of its process; one that stays is killed too
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/process.h"
#include "tmux/pane.h"

#define LOOK_EVERY_S 0.05
#define GOODBYE_LOOKS 8     /* after Ctrl-C */
#define END_LOOKS 20        /* after the pane has gone; then SIGKILL */
#define GIVE_UP_LOOKS 40    /* a process that not even that ends: it hangs in the kernel */
#define NOT_OURS "not ours" /* printed where the pane is another one */

static const char say_not_ours[] = "display-message -p '" NOT_OURS "'";

struct closing {
	struct tmux *tmux;
	struct pane pane;
	struct process_stat process; /* pid 0: it has gone already */
	bool was_there;              /* the pane */
	bool is_unsure;              /* tmux did not say */
	int looks;
	pane_closed *done;
	void *arg;
};

static void on_interrupted(void *arg, const struct tmux_reply *);
static void kill_pane(struct closing *);
static void await_goodbye(void *arg, const struct tmux_reply *);
static void await_end(void *arg, const struct tmux_reply *);

/* ---- small ---------------------------------------------------------------------------------- */

bool
pane_process_is(int64_t pid, const char *mark)
{
	char *found = process_environ((pid_t)pid, PANE_MARK_NAME);
	bool is_it = same_text(found, mark);
	free(found);
	return is_it;
}

static struct process_stat
find_process(const struct pane *pane)
{
	struct process_stat process;
	if (process_stat((pid_t)pane->pid, &process) && process_lives(&process) &&
	    pane_process_is(pane->pid, pane->mark))
		return process;
	return (struct process_stat){0};
}

static bool
has_ended(const struct closing *c)
{
	struct process_stat now;
	return !c->process.pid || !process_stat(c->process.pid, &now) ||
	       now.start_ticks != c->process.start_ticks || !process_lives(&now);
}

/* If the pane is ours in everything, by the tmux server's own word. */
static void
run_if_ours(struct closing *c, const char *then, tmux_done *done)
{
	const struct pane *p = &c->pane;
	char *condition =
	    xasprintf("#{&&:#{==:#{pid} #{start_time} #{pane_id} #{pane_pid},%" PRId64 " %" PRId64
		      " %s %" PRId64 "},#{m:*--pane %s,#{pane_start_command}}}",
		p->server_pid, p->server_start, p->id, p->pid, p->mark);
	const char *const words[] = {
	    "if-shell", "-F", "-t", p->id, condition, then, say_not_ours, NULL};
	tmux_run(c->tmux, p->socket, words, done, c);
	free(condition);
}

/* False: it was done to the pane. */
static bool
is_not_there(struct closing *c, const struct tmux_reply *reply)
{
	bool is_done = reply->outcome == TMUX_OK && strncmp(reply->text, NOT_OURS, 8) != 0;
	c->was_there = c->was_there || is_done;
	c->is_unsure = reply->outcome == TMUX_LATE || reply->outcome == TMUX_REFUSED;
	return !is_done && !c->is_unsure;
}

static void
look_again(struct closing *c, tmux_done *look)
{
	c->looks++;
	tmux_later(c->tmux, LOOK_EVERY_S, look, c);
}

/* ---- 1. interrupt --------------------------------------------------------------------------- */

/* In a window whose panes are typed into together, all of them would have the key. */
static void
interrupt(struct closing *c)
{
	char *keys = xasprintf("set-option -p -t %s synchronize-panes off ; send-keys -t %s C-c",
	    c->pane.id, c->pane.id);
	run_if_ours(c, keys, on_interrupted);
	free(keys);
}

static void
on_interrupted(void *arg, const struct tmux_reply *reply)
{
	struct closing *c = arg;
	if (reply->outcome == TMUX_DROPPED || is_not_there(c, reply))
		await_end(c, reply);
	else
		await_goodbye(c, reply);
}

static void
await_goodbye(void *arg, const struct tmux_reply *reply)
{
	struct closing *c = arg;
	if (reply->outcome == TMUX_DROPPED)
		await_end(c, reply);
	else if (has_ended(c) || c->looks == GOODBYE_LOOKS)
		kill_pane(c);
	else
		look_again(c, await_goodbye);
}

/* ---- 2. kill -------------------------------------------------------------------------------- */

static void
on_killed(void *arg, const struct tmux_reply *reply)
{
	struct closing *c = arg;
	if (reply->outcome != TMUX_DROPPED)
		(void)is_not_there(c, reply);
	await_end(c, reply);
}

static void
kill_pane(struct closing *c)
{
	char *kill = xasprintf("kill-pane -t %s", c->pane.id);
	c->looks = 0;
	run_if_ours(c, kill, on_killed);
	free(kill);
}

/* ---- 3. await ------------------------------------------------------------------------------- */

static void
await_end(void *arg, const struct tmux_reply *reply)
{
	struct closing *c = arg;
	bool is_dropped = reply->outcome == TMUX_DROPPED;
	if (!is_dropped && !has_ended(c) && c->looks < GIVE_UP_LOOKS) {
		if (c->looks == END_LOOKS)
			process_signal(c->process.pid, c->process.start_ticks, SIGKILL);
		look_again(c, await_end);
		return;
	}
	if (!is_dropped)
		c->done(c->arg, c->is_unsure   ? PANE_STAYS
				: c->was_there ? PANE_CLOSED
					       : PANE_WAS_GONE);
	free(c);
}

/* ---- outside -------------------------------------------------------------------------------- */

void
pane_close(struct tmux *t, const struct pane *pane, pane_closed *done, void *arg)
{
	struct closing *c = xcalloc(1, sizeof *c);
	c->tmux = t;
	c->pane = *pane;
	c->process = find_process(pane);
	c->done = done;
	c->arg = arg;
	interrupt(c);
}

static bool
is_of(const char *mark, const char *owner)
{
	size_t length = strlen(owner);
	return mark && strncmp(mark, owner, length) == 0 && mark[length] == '-';
}

/* tmux makes what it starts the leader of a session; what that starts may be a person's. */
void
pane_end_leftovers(const char *owner, pane_is_there *has_pane, void *arg)
{
	struct process_stat *all;
	size_t count = process_list(&all);
	for (size_t i = 0; i < count; i++) {
		if (all[i].session != all[i].pid || !process_lives(&all[i]))
			continue;
		char *mark = process_environ(all[i].pid, PANE_MARK_NAME);
		if (is_of(mark, owner) && !has_pane(arg, mark))
			process_signal(all[i].pid, all[i].start_ticks, SIGKILL);
		free(mark);
	}
	free(all);
}
