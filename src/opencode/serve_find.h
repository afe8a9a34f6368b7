/*
 * Which process the managed server is, and where it listens. What serve.h promises of finding, and
 * what the other parts of it need; a part of serve.c.
 */
#ifndef VIGIL_OPENCODE_SERVE_FIND_H
#define VIGIL_OPENCODE_SERVE_FIND_H

#include <stdbool.h>

#include "base/process.h"
#include "opencode/serve.h"

#define SERVE_URL_SIZE 64
#define SERVE_PASSWORD_NAME "OPENCODE_SERVER_PASSWORD" /* in the server's environment */

bool serve_this_boot(const struct serve_process *);

/* Was it started by the server with this nonce, or by what that had started? By its environment. */
bool serve_carries(const struct process_stat *, const char *nonce);

/* What this very process was started with; NULL if it is not alive, or has no such variable. The
 * caller frees. */
char *serve_environ(const struct serve_process *, const char *variable);

/* Reaps a zombie that is our child: it would keep its pid for as long as we live. *status as
 * waitpid() has it; left alone if we are not told. */
void serve_reap(const struct process_stat *dead, int *status);

/* serve_find(), and how it ended: *status as for serve_reap(). */
bool serve_look(struct serve_process *, int *status);

/* Where a process of the server's session listens on loopback. */
bool serve_find_url(const struct serve_process *, const char *log_file, char url[SERVE_URL_SIZE]);

#endif
