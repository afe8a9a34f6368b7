/*
 * The flights of a runner by session: whose is this event? A flight's own session has one, and so
 * have those below it, which its agent has made for others: its descendants.
 */
#ifndef VIGIL_RUNNER_SESSIONS_H
#define VIGIL_RUNNER_SESSIONS_H

#include <stdbool.h>

#define SESSIONS_BUCKETS 1024 /* live tasks are hundreds at most */

struct flight;

struct descendant {
	struct descendant *same_hash, *sibling; /* of the table's list; of the flight's */
	struct flight *flight;
	char *session_id;
	bool had_pane; /* it is not to have one again; see panes_child.c */
};

struct sessions {
	struct flight *buckets[SESSIONS_BUCKETS];
	struct descendant *descendants[SESSIONS_BUCKETS];
};

/* A flight is in it once, from the commit of its session's id on. */
void sessions_add(struct sessions *, struct flight *);
void sessions_remove(struct sessions *, struct flight *);
struct flight *sessions_find(const struct sessions *, const char *session_id); /* NULL: none */

/* What is known already is not added again. */
void sessions_add_descendant(struct sessions *, struct flight *, const char *session_id);
void sessions_remove_descendants(struct sessions *, struct flight *); /* all of it */
/* Whose descendant it is; NULL: nobody's. */
struct flight *sessions_find_descendant(const struct sessions *, const char *session_id);

#endif
