/*
 * Commands for tmux, one at a time, on the event loop: nothing waits for them. Arguments are an
 * array and each is taken as it is, no shell between. This folder knows nothing of tasks: here are
 * the commands, in pane.h what they are used for.
 */
#ifndef VIGIL_TMUX_TMUX_H
#define VIGIL_TMUX_TMUX_H

#include <ev.h>
#include <stdbool.h>

enum tmux_outcome {
	TMUX_OK,
	TMUX_REFUSED,   /* in its own words */
	TMUX_NO_SERVER, /* nobody answers at the socket */
	TMUX_LATE,      /* no answer in time: it may have been done, or not */
	TMUX_MISSING,   /* there is no such program */
	TMUX_DROPPED,   /* by tmux_free(): forget it all, and call nobody */
};

struct tmux_reply {
	enum tmux_outcome outcome;
	const char *text; /* what it printed; of any other outcome a sentence, without a newline */
};

struct tmux;

/* Called once, never before the function that it was given to has returned. The reply is
 * borrowed. */
typedef void tmux_done(void *arg, const struct tmux_reply *);

/* What `secret` names (NULL: nothing) is kept out of the environment of every server that is made.
 */
struct tmux *tmux_new(struct ev_loop *, const char *secret);
void tmux_free(struct tmux *);

/* `tmux -S SOCKET ARGUMENTS…`, behind what is asked already; `socket` NULL is tmux's default one.
 * The arguments end with a NULL and are copied. `done` may be NULL. */
void tmux_run(
    struct tmux *, const char *socket, const char *const *arguments, tmux_done *, void *arg);

/* Calls back with TMUX_OK after so long; for what takes several commands and time between. */
void tmux_later(struct tmux *, double seconds, tmux_done *, void *arg);

#endif
