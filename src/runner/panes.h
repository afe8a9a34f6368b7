/*
 * Which task has which pane in tmux. A pane is opened once its session exists and before its prompt
 * is sent, and closed when the attempt is over or the runner stops; its row is committed before it
 * is there, so that the next run finds what a crash has left. A pane that fails never holds up a
 * task, and one that is slow holds its prompt up for 2 s at most.
 */
#ifndef VIGIL_RUNNER_PANES_H
#define VIGIL_RUNNER_PANES_H

#include <stdbool.h>

struct flight;
struct panes;
struct runner;

/* Also where there are to be no panes: an earlier run may have left some. Looks at them in the
 * loop's first turn, and every 10 s as long as there are any. */
struct panes *panes_new(struct runner *);
void panes_free(struct panes *);

/* Its prompt is to be sent. True: flight_pane_over() is called when its pane is there, or not to be
 * waited for any longer. */
bool panes_hold(struct panes *, struct flight *);
/* The flight ends: so does its pane. */
void panes_flight_over(struct panes *, const struct flight *);
/* The server is there: sessions that are at work get the panes they lack. */
void panes_take_up(struct panes *);

/* Closes them all, in 5 s at most; runs the loop meanwhile. */
void panes_stop(struct panes *);

#endif
