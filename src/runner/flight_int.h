/*
 * What the files of a flight share, and nobody else needs: flight.c is the journey, flight_tell.c
 * how what a step found out is told, flight_hints.c what makes it look, flight_row.c its row.
 *
 * Each of these may find the task over, and end the flight: it is gone then. They are the last
 * statement of whoever calls them.
 */
#ifndef VIGIL_RUNNER_FLIGHT_INT_H
#define VIGIL_RUNNER_FLIGHT_INT_H

#include "runner/flight.h"

struct fault;
struct oc_reply;

/* Starts a step. */
void flight_do(struct flight *, enum effect);
/* The status is known, for which a look waited. */
void flight_look_on(struct flight *);

/* The only way out of a continuation: fills in the times and the attempt, commits, goes on. */
void flight_tell(struct flight *, struct event *);
void flight_tell_unreachable(struct flight *, const char *sentence);
void flight_tell_refused(struct flight *, enum error_kind, const char *sentence);
/* What most answers other than OC_OK mean, whatever was asked. */
void flight_tell_trouble(struct flight *, const struct oc_reply *);
/* The database could not be read: nothing is told, the flight wakes again soon. */
void flight_not_read(struct flight *, const struct fault *);

/* The server that has the session; NULL where it is not there: the task waits, and has been told
 * for what. */
struct opencode *flight_server(struct flight *);

#endif
