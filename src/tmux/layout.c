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
