/*
 * Server-sent events: bytes in, data out. Incremental, cut anywhere, no I/O.
 * (The format is WHATWG HTML's "text/event-stream"; OpenCode uses `data:` lines alone.)
 */
#ifndef VIGIL_OPENCODE_SSE_H
#define VIGIL_OPENCODE_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define SSE_EVENT_LIMIT (16 * 1024 * 1024) /* bytes of one event; a longer one is skipped whole */

struct sse {
	struct buf line, data; /* the line under way; the data lines of the event under way */
	bool has_data, skipping, after_cr, at_start;
};

typedef void sse_event(void *arg, const char *data, size_t bytes);

void sse_init(struct sse *);
void sse_feed(struct sse *, const char *bytes, size_t count, sse_event *, void *arg);
void sse_fini(struct sse *);

#endif
