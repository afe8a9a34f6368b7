/*
 * What agents ask a person: permission requests and questions, which hold a session busy for ever.
 * Those of our sessions and of all below them are recorded in the table `asks` first, and then
 * answered, as configured or as a person has written into the row. Those of other sessions are
 * left alone.
 *
 * Asked for by directory: a pair of requests when an event hints at it, when the link comes up,
 * and every half minute where tasks are at work; never one for each task.
 */
#ifndef VIGIL_RUNNER_ASKS_H
#define VIGIL_RUNNER_ASKS_H

struct asks;
struct runner;

struct asks *asks_new(struct runner *);
void asks_free(struct asks *);

/* Look now, or as soon as the look under way is over. The flights of the directory are told what
 * they wait for (flight_waits), and those that want to stop that nothing of theirs is left to be
 * rejected (flight_asks_over), also where the server could not be asked. */
void asks_look(struct asks *, const char *directory);
/* The same, wherever there are tasks at work. */
void asks_look_everywhere(struct asks *);
/* Rows may have changed: replies that people wrote are sent. */
void asks_notice(struct asks *);
/* The link is gone: cancels what is under way. */
void asks_unlink(struct asks *);

#endif
