/*
 * The link to the OpenCode server that this run drives: started or given, probed, up or down,
 * and its event stream. What a session is doing comes from here as hints; runner/watch.h asks.
 */
#ifndef VIGIL_RUNNER_LINK_H
#define VIGIL_RUNNER_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "opencode/client.h"
#include "store/store.h"

struct ev_loop;
struct link;

struct link_listener {
	void *arg;
	/* Asking makes sense again; whatever happened meanwhile is unknown. */
	void (*up)(void *arg);
	/* Requests under way must be cancelled: the client goes. */
	void (*down)(void *arg);
	void (*event)(void *arg, const struct oc_event *);
	void (*say)(void *arg, const char *line);
	/* The managed server cannot be run, and never could. True: the run ends, there is no sense
	 * in trying on. */
	bool (*give_up)(void *arg, const char *sentence);
	/* False: the database would not be written just now, and nobody is to try. */
	bool (*may_write)(void *arg);
};

/* What the column `server` calls the server that a link would be to. The caller frees. */
char *link_name_of(const struct config *, const char *url);

/* `url` NULL: as configured, else a managed server. Nothing happens before link_start(). */
struct link *link_open(struct ev_loop *, struct http *, struct store *, const struct config *,
    const char *url, const struct link_listener *);
void link_start(struct link *); /* calls back later, and goes on by itself */
/* From now on nothing is probed, and no server is started; what is under way comes to its end. */
void link_stop(struct link *);
void link_close(struct link *); /* a managed server goes on */

bool link_is_up(const struct link *);
bool link_hears(const struct link *);              /* its event stream is open */
bool link_is_local(const struct link *);           /* on this machine: it sees the same files */
const char *link_trouble(const struct link *);     /* why it is down; "" if unknown or up */
struct opencode *link_client(const struct link *); /* NULL while down */
const char *link_name(const struct link *);        /* as in the column `server` */
int64_t link_server_id(const struct link *);

bool link_is_managed(const struct link *); /* the server is vigil's own */

/* Ends the managed server, if it is one and there is one, also one that an earlier run has left.
 * Blocks for seconds at most. False: it could not be ended. */
bool link_end_server(struct link *);
/* Beside a server that was given: ends a managed one that an earlier run has left, unless it is
 * that very server. As above. */
bool link_end_left(struct link *);

/* The password for a server that is not managed: from the configured environment variable; NULL
 * without one. Borrowed. */
const char *link_given_password(const struct config *);

#endif
