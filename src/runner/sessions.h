/*
 * The flights of a runner by their session's id: whose is this event?
 */
#ifndef VIGIL_RUNNER_SESSIONS_H
#define VIGIL_RUNNER_SESSIONS_H

#define SESSIONS_BUCKETS 1024 /* live tasks are hundreds at most */

struct flight;

struct sessions {
	struct flight *buckets[SESSIONS_BUCKETS];
};

/* A flight is in it once, from the commit of its session's id on. */
void sessions_add(struct sessions *, struct flight *);
void sessions_remove(struct sessions *, struct flight *);
struct flight *sessions_find(const struct sessions *, const char *session_id); /* NULL: none */

#endif
