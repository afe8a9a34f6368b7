/*
 * The status map, polled: one request for each directory with live tasks, never one for each
 * task. Tells every flight of a directory what its session is doing.
 */
#ifndef VIGIL_RUNNER_WATCH_H
#define VIGIL_RUNNER_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct runner;
struct watch;

struct watch *watch_new(struct runner *, int64_t every_ms);
void watch_free(struct watch *);

/* Ask about this directory now, or as soon as the answer under way is there. True: one is under
 * way, and does not speak for this moment. */
bool watch_ask(struct watch *, const char *directory);
/* The link is gone: cancels what is under way. */
void watch_unlink(struct watch *);

#endif
