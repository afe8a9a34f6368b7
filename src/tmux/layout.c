/*
 * How a window is laid out, and how much room that gives: see pane.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tmux/pane.h"

static void
set_main_size(struct tmux *t, const char *socket, const char *pane, const char *option, int percent)
{
	char size[16];
	snprintf(size, sizeof size, "%d%%", percent);
	const char *const words[] = {"set-window-option", "-t", pane, option, size, NULL};
	tmux_run(t, socket, words, NULL, NULL);
}

void
pane_lay_out(struct tmux *t, const char *socket, const char *pane, const struct pane_layout *layout)
{
	const char *const words[] = {"select-layout", "-t", pane, layout->name, NULL};
	if (strcmp(layout->name, "main-vertical") == 0)
		set_main_size(t, socket, pane, "main-pane-width", layout->main_percent);
	if (strcmp(layout->name, "main-horizontal") == 0)
		set_main_size(t, socket, pane, "main-pane-height", layout->main_percent);
	tmux_run(t, socket, words, NULL, NULL);
}

/* ---- order ---------------------------------------------------------------------------------- */

struct arranging {
	struct tmux *tmux;
	char *socket, *pane, *layout;
	int main_percent;
	struct pane *order;
	size_t count;
	size_t *at; /* of each place that is one of theirs, by tmux's index: who has it */
	size_t places;
	const struct pane *active; /* NULL: none of them */
};

static void
free_arranging(struct arranging *a)
{
	free(a->socket);
	free(a->pane);
	free(a->layout);
	free(a->order);
	free(a->at);
	free(a);
}

static void
take_place(struct arranging *a, const char *line)
{
	struct pane found;
	int is_active;
	if (sscanf(line, "%" SCNd64 " %" SCNd64 " %15s %" SCNd64 " %d", &found.server_pid,
		&found.server_start, found.id, &found.pid, &is_active) != 5)
		return;
	for (size_t i = 0; i < a->count; i++) {
		const struct pane *p = &a->order[i];
		if (strcmp(p->id, found.id) != 0 || p->pid != found.pid ||
		    p->server_pid != found.server_pid || p->server_start != found.server_start)
			continue;
		a->at[a->places++] = i;
		a->active = is_active ? p : a->active;
	}
}

static void
take_places(struct arranging *a, const char *text)
{
	char *copy = xstrdup(text), *rest = NULL;
	a->at = xcalloc(a->count, sizeof *a->at);
	for (char *line = strtok_r(copy, "\n", &rest); line && a->places < a->count;
	     line = strtok_r(NULL, "\n", &rest))
		take_place(a, line);
	free(copy);
}

/* Each comes to its place by one exchange. Who is typed into stays that: tmux would stay with the
 * place. One command, so that nobody types in between. */
static void
put_in_order(struct arranging *a)
{
	struct buf commands = {0};
	for (size_t i = 0; i < a->places; i++) {
		size_t first = i;
		for (size_t k = i + 1; k < a->places; k++)
			first = a->at[k] < a->at[first] ? k : first;
		if (first == i)
			continue;
		buf_printf(&commands, "%sswap-pane -d -s %s -t %s", commands.len ? " ; " : "",
		    a->order[a->at[first]].id, a->order[a->at[i]].id);
		size_t moved = a->at[i];
		a->at[i] = a->at[first];
		a->at[first] = moved;
	}
	if (commands.len && a->active)
		buf_printf(&commands, " ; select-pane -t %s", a->active->id);
	if (commands.len) {
		const char *const words[] = {"if-shell", "-F", "1", buf_text(&commands), NULL};
		tmux_run(a->tmux, a->socket, words, NULL, NULL);
	}
	buf_free(&commands);
}

static void
on_places(void *arg, const struct tmux_reply *reply)
{
	struct arranging *a = arg;
	const struct pane_layout layout = {a->layout, a->main_percent};
	if (reply->outcome == TMUX_OK)
		take_places(a, reply->text);
	if (a->places) {
		put_in_order(a);
		pane_lay_out(a->tmux, a->socket, a->pane, &layout);
	}
	free_arranging(a);
}

void
pane_arrange(struct tmux *t, const char *socket, const char *pane, const struct pane_layout *layout,
    const struct pane *order, size_t count)
{
	const char *const words[] = {"list-panes", "-t", pane, "-F",
	    "#{pid} #{start_time} #{pane_id} #{pane_pid} #{pane_active}", NULL};
	struct arranging *a = xcalloc(1, sizeof *a);
	a->tmux = t;
	a->socket = xstrdup(socket);
	a->pane = xstrdup(pane);
	a->layout = xstrdup(layout->name);
	a->main_percent = layout->main_percent;
	a->order = xcalloc(count, sizeof *order);
	memcpy(a->order, order, count * sizeof *order);
	a->count = count;
	tmux_run(t, socket, words, on_places, a);
}

/* ---- room ----------------------------------------------------------------------------------- */

struct measuring {
	pane_measured *done;
	void *arg;
};

static void
on_measured(void *arg, const struct tmux_reply *reply)
{
	struct measuring *m = arg;
	struct pane_window w;
	bool is_known =
	    reply->outcome == TMUX_OK && sscanf(reply->text, "%d %d %d %" SCNd64, &w.columns,
					     &w.rows, &w.panes, &w.server_pid) == 4;
	if (reply->outcome != TMUX_DROPPED)
		m->done(m->arg, is_known ? &w : NULL, reply);
	free(m);
}

void
pane_measure(struct tmux *t, const char *socket, const char *pane, pane_measured *done, void *arg)
{
	const char *const words[] = {"display-message", "-p", "-t", pane,
	    "#{window_width} #{window_height} #{window_panes} #{pid}", NULL};
	struct measuring *m = xcalloc(1, sizeof *m);
	*m = (struct measuring){done, arg};
	tmux_run(t, socket, words, on_measured, m);
}

/* What each of so many has, with a line between. */
static int
share(int whole, int count)
{
	return (whole - count + 1) / (count > 0 ? count : 1);
}

/* What is left beside the main pane and the line behind it. */
static int
beside_main(int whole, int percent)
{
	return whole - 1 - (whole - 1) * percent / 100;
}

/* As tmux counts them: rows first. */
static struct pane_window
tile(const struct pane_window *w)
{
	int rows = 1, columns = 1;
	while (rows * columns < w->panes) {
		rows++;
		if (rows * columns < w->panes)
			columns++;
	}
	return (struct pane_window){
	    .columns = share(w->columns, columns), .rows = share(w->rows, rows)};
}

bool
pane_layout_fits(
    const struct pane_layout *layout, const struct pane_window *w, int columns, int rows)
{
	struct pane_window each = *w;
	int percent = layout->main_percent;
	if (strcmp(layout->name, "tiled") == 0)
		each = tile(w);
	else if (strcmp(layout->name, "even-horizontal") == 0)
		each.columns = share(w->columns, w->panes);
	else if (strcmp(layout->name, "even-vertical") == 0)
		each.rows = share(w->rows, w->panes);
	else if (strcmp(layout->name, "main-vertical") == 0)
		each = (struct pane_window){.columns = beside_main(w->columns, percent),
		    .rows = share(w->rows, w->panes - 1)};
	else
		each = (struct pane_window){.columns = share(w->columns, w->panes - 1),
		    .rows = beside_main(w->rows, percent)};
	return each.columns >= columns && each.rows >= rows;
}
