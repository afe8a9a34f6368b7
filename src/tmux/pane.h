/*
 * Panes as values: opened, listed, laid out, closed.
 *
 * A pane's id starts again from %0 with a new server, and the process in it may become another
 * program. What makes a pane ours is its mark: the last argument of its command (`… --pane MARK`),
 * which tmux keeps from the pane's first moment, and a variable in the environment of its process,
 * which stays through an exec. A mark is OWNER-NONCE: letters, digits and hyphens.
 */
#ifndef VIGIL_TMUX_PANE_H
#define VIGIL_TMUX_PANE_H

#include <stddef.h>
#include <stdint.h>

#include "tmux/tmux.h"

#define PANE_MARK_NAME "VIGIL_PANE"
#define PANE_MARK_SIZE 64
#define PANE_ID_SIZE 16
#define PANE_SOCKET_SIZE 108 /* no socket's path is longer */

struct pane {
	char socket[PANE_SOCKET_SIZE];
	int64_t server_pid, server_start; /* seconds since 1970 */
	char id[PANE_ID_SIZE];            /* %N */
	int64_t pid;
	char mark[PANE_MARK_SIZE];
};

struct pane_layout {
	const char *name; /* as tmux has it */
	int main_percent; /* of the window, for the main pane; where the layout has one */
};

/* ---- open ----------------------------------------------------------------------------------- */

struct pane_wish {
	const char *socket; /* NULL: tmux's default one */
	const char *beside; /* the pane whose window is split; NULL: none */
	const char
	    *session; /* where that is not there: made, or given a window more; NULL: no pane */
	struct pane_layout layout;  /* applied where there is no room before */
	const char *const *command; /* without `--pane MARK`, which is put behind it; finds what it
				       runs on our own PATH */
	const char *mark;
	const char *title;
};

/* `pane` is NULL where none was opened; `reply` says why. After TMUX_LATE there may be one: list.
 */
typedef void pane_opened(void *arg, const struct pane *, const struct tmux_reply *);
void pane_open(struct tmux *, const struct pane_wish *, pane_opened *, void *arg);

/* ---- lay out -------------------------------------------------------------------------------- */

/* The window of this pane. */
void pane_lay_out(struct tmux *, const char *socket, const char *pane, const struct pane_layout *);
/* The same, once those of `order` that are in it stand in this order, in the places that they have
 * together. Nothing is done where none of them is there. */
void pane_arrange(struct tmux *, const char *socket, const char *pane, const struct pane_layout *,
    const struct pane *order, size_t count);

struct pane_window {
	int columns, rows, panes;
	int64_t server_pid;
};

/* The window is NULL where tmux does not say; `reply` says why. */
typedef void pane_measured(void *arg, const struct pane_window *, const struct tmux_reply *);
void pane_measure(struct tmux *, const char *socket, const char *pane, pane_measured *, void *arg);

/* Would each pane, but for the main one, be at least as large? */
bool pane_layout_fits(
    const struct pane_layout *, const struct pane_window *, int columns, int rows);

/* ---- list ----------------------------------------------------------------------------------- */

struct pane_found {
	struct pane pane;
	bool is_dead; /* its command has ended, and it stays to show that */
};

struct pane_list {
	enum tmux_outcome outcome; /* TMUX_NO_SERVER: there are none */
	const struct pane_found *all;
	size_t count;
};

/* All that are of this owner. */
typedef void pane_listed(void *arg, const struct pane_list *);
void pane_list_all(struct tmux *, const char *socket, const char *owner, pane_listed *, void *arg);

/* ---- close ---------------------------------------------------------------------------------- */

enum pane_end {
	PANE_CLOSED,
	PANE_WAS_GONE, /* none that is the same in everything was there */
	PANE_STAYS,    /* tmux did not answer, or not as it should */
};

/* Ctrl-C, a moment, kill-pane; then its process is seen to be gone, whichever way it went: a
 * program can outlive its pane. Before each step what is there is compared with all of `pane`, the
 * last time inside the tmux server. Takes some 3 seconds at most. */
typedef void pane_closed(void *arg, enum pane_end);
void pane_close(struct tmux *, const struct pane *, pane_closed *, void *arg);

/* The process that was started in a pane with this mark: alone what carries the mark counts, not
 * its pid. False: it is gone. */
bool pane_process_is(int64_t pid, const char *mark);

/* Ends what was started in panes of the owner's and has outlived them; `has_pane` says of a mark
 * that its pane is there. Looks at every process of this machine. */
typedef bool pane_is_there(void *arg, const char *mark);
void pane_end_leftovers(const char *owner, pane_is_there *, void *arg);

#endif
