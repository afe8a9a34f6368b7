/*
 * What the server offers in a directory: which agents, models and variants. Asked once for many
 * tasks, kept for a minute, and asked again before a name is refused.
 */
#ifndef VIGIL_RUNNER_CATALOG_H
#define VIGIL_RUNNER_CATALOG_H

#include "config/config.h"
#include "opencode/client.h"

struct catalog;
struct catalog_call;
struct ev_loop;

/* What a task asks for; NULL where it leaves the choice to the configuration or the server. */
struct catalog_names {
	const char *agent, *model, *variant;
};

enum catalog_verdict {
	CATALOG_OK,      /* `names` are what is to be sent */
	CATALOG_REFUSED, /* `sentence` names the wrong one and lists the right ones */
	CATALOG_UNREACHABLE,
};

/* Everything is borrowed for the callback. */
typedef void catalog_done(
    void *arg, enum catalog_verdict, const struct catalog_names *, const char *sentence);

struct catalog *catalog_new(struct ev_loop *, const struct config *);
void catalog_free(struct catalog *);   /* its calls must be cancelled */
void catalog_forget(struct catalog *); /* the server went: what it offered is not known any more */

/* Resolves and checks. A model or variant that the task names is never overridden; an agent's
 * configured model and variant fill in what it leaves out; a configured variant is left out for a
 * model that has none of that name. */
struct catalog_call *catalog_check(struct catalog *, struct opencode *, const char *directory,
    const struct catalog_names *, catalog_done *, void *arg);
void catalog_cancel(struct catalog_call *); /* NULL is fine */

#endif
