/*
 * The managed server and its row in `servers`: found again after a restart, else started.
 * opencode/serve.h knows the process; here its intent, pid and URL are committed, in the order
 * that leaves nothing unaccounted for after a crash anywhere between.
 */
#ifndef VIGIL_RUNNER_MANAGED_H
#define VIGIL_RUNNER_MANAGED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

#define MANAGED_NAME "managed" /* in the columns `server` and servers.name */

struct ev_loop;
struct managed;
struct store;

/* Called once for each managed_start() that returned true: with the URL and the password, or with
 * both NULL and a sentence. The password is borrowed. */
typedef void managed_ready(void *arg, const char *url, const char *password, const char *sentence);

/* `command`: the opencode to run. Files go beside the database. */
struct managed *managed_new(
    struct ev_loop *, struct store *, const char *command, managed_ready *, void *arg);
void managed_free(struct managed *); /* the server goes on */

bool managed_start(struct managed *, struct fault *);
bool managed_is_alive(struct managed *);
int64_t managed_server_id(const struct managed *);
/* Ends the process and its row, an earlier run's too. Blocks until it is gone, for seconds at
 * most. */
void managed_end(struct managed *, const char *why);

/* The password of the server that drives this database, for a reader beside the runner. */
char *managed_password(const char *database, struct fault *);

#endif
