/*
 * The managed server's log: its own output, a heading before each server's, and what a sentence
 * may quote of it. A part of serve.c.
 */
#ifndef VIGIL_OPENCODE_SERVE_LOG_H
#define VIGIL_OPENCODE_SERVE_LOG_H

#include <stdbool.h>

#include "base/fault.h"

/* A descriptor to append to, the heading of this server written; -1 with a fault. The file is
 * 0600, and emptied first where it has grown beyond 10 MB. */
int serve_log_open(const char *path, const char *nonce, struct fault *);

/* The last lines this server wrote, on one: "first | second". The caller frees; "" if none. */
char *serve_log_tail(const char *path, const char *nonce);

/* Did this server write this URL? */
bool serve_log_names(const char *path, const char *nonce, const char *url);

#endif
