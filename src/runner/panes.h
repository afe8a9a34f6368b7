/*
 * Which task has which pane in tmux. A pane is opened once its session exists and before its prompt
 * is sent, and closed when the attempt is over or the runner stops; its row is committed before it
 * is there, so that the next run finds what a crash has left. A pane that fails never holds up a
 * task, and one that is slow holds its prompt up for 2 s at most.
 *
 * Where the configuration wants it (tmux.sessions), so have children: the sessions that appear on
 * the server below one that is watched, and those at work that appeared while nobody listened.
 * Watched are a live task's own session, its parent_session (the conversation that it was queued
 * from), and what is below either. A child's pane is closed when it was at work and is idle, when
 * it is deleted or missing, and when no live task is left that has it watched. Tasks come first:
 * where there is no room, a child's pane makes place for a task's.
 */
#ifndef VIGIL_RUNNER_PANES_H
#define VIGIL_RUNNER_PANES_H

#include <stdbool.h>

struct descendant;
struct flight;
struct oc_event;
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
/* The link is gone, and what happened to children meanwhile is not known. */
void panes_unlink(struct panes *);
/* Of any session. */
void panes_event(struct panes *, const struct oc_event *);
/* A task's descendant was seen at work; perhaps it appeared while nobody listened. */
void panes_at_work(struct panes *, struct descendant *);

/* Closes them all, in 5 s at most; runs the loop meanwhile. */
void panes_stop(struct panes *);

#endif
