/*
 * The managed server and its row in `servers`: found again after a restart, else started.
 * opencode/serve.h knows the process; here its intent, pid and URL are committed, in the order
 * that leaves nothing unaccounted for after a crash anywhere between.
 */
#ifndef VIGIL_RUNNER_MANAGED_H
#define VIGIL_RUNNER_MANAGED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

#define MANAGED_NAME "managed" /* in the columns `server` and servers.name */

struct ev_loop;
struct managed;
struct row;
struct serve_process;
struct store;

/* Called once for each managed_start() that returned true: with the URL and the password
 * (borrowed), or with both NULL and a fault, as there. */
typedef void managed_ready(
    void *arg, const char *url, const char *password, const struct fault *why);

/* `command`: the opencode to run. Files go beside the database. */
struct managed *managed_new(
    struct ev_loop *, struct store *, const char *command, managed_ready *, void *arg);
void managed_free(struct managed *); /* the server goes on */

/* Finds the server that is alive, or starts one. FAULT_USAGE: it cannot be run, or ends by itself
 * before it listens, and would again. Any other fault is worth another try; what is alive then goes
 * on, and the next call finds it. */
bool managed_start(struct managed *, struct fault *);
bool managed_is_new(const struct managed *); /* the newest managed_start() started a process */
bool managed_is_alive(struct managed *);
/* To be asked before its password goes to a URL: does it listen there? Reads /proc. */
bool managed_listens(const struct managed *, const char *url);
/* The same of the one that an earlier run has left, if there is one. */
bool managed_is_left_at(struct managed *, const char *url);
int64_t managed_server_id(const struct managed *);
/* Ends the process and its row, an earlier run's too. Blocks until it is gone, for seconds at most.
 * False: it is not gone, or the database cannot be read; the row stays open, and the next
 * managed_start() finds it. */
bool managed_end(struct managed *, const char *why);

/* The columns pid, pid_start, boot_id and nonce of `servers`, in this order from `first` on. */
void managed_read_process(const struct row *, size_t first, struct serve_process *);

/* For a reader beside the runner: the password of the server that drives this database, if this
 * process listens at `url`. The caller frees with secret_free. */
char *managed_password(
    const char *database, const struct serve_process *, const char *url, struct fault *);

#endif
