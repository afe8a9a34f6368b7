/*
 * See sessions.h: two tables of lists, by FNV-1a.
 */
#include "runner/sessions.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fault.h"
#include "runner/flight.h"

static uint32_t
bucket_of(const char *session_id)
{
	uint32_t hash = 2166136261u;
	for (; *session_id; session_id++)
		hash = (hash ^ (unsigned char)*session_id) * 16777619u;
	return hash % SESSIONS_BUCKETS;
}

struct flight *
sessions_find(const struct sessions *s, const char *session_id)
{
	struct flight *f = s->buckets[bucket_of(session_id)];
	while (f && strcmp(f->session_id, session_id) != 0)
		f = f->same_hash;
	return f;
}

void
sessions_add(struct sessions *s, struct flight *f)
{
	struct flight **at = &s->buckets[bucket_of(f->session_id)];
	if (sessions_find(s, f->session_id))
		die("the session %s has two flights", f->session_id);
	f->same_hash = *at;
	*at = f;
}

void
sessions_remove(struct sessions *s, struct flight *f)
{
	struct flight **at = &s->buckets[bucket_of(f->session_id)];
	while (*at != f)
		at = &(*at)->same_hash;
	*at = f->same_hash;
}

static struct descendant *
find_descendant(const struct sessions *s, const char *session_id)
{
	struct descendant *k = s->descendants[bucket_of(session_id)];
	while (k && strcmp(k->session_id, session_id) != 0)
		k = k->same_hash;
	return k;
}

struct flight *
sessions_find_descendant(const struct sessions *s, const char *session_id)
{
	const struct descendant *k = find_descendant(s, session_id);
	return k ? k->flight : NULL;
}

void
sessions_add_descendant(struct sessions *s, struct flight *f, const char *session_id)
{
	struct descendant **at = &s->descendants[bucket_of(session_id)], *k;
	if (find_descendant(s, session_id))
		return;
	k = xcalloc(1, sizeof(*k));
	*k = (struct descendant){*at, f->descendants, f, xstrdup(session_id), false};
	*at = f->descendants = k;
}

static void
unlist(struct sessions *s, const struct descendant *k)
{
	struct descendant **at = &s->descendants[bucket_of(k->session_id)];
	while (*at != k)
		at = &(*at)->same_hash;
	*at = k->same_hash;
}

void
sessions_remove_descendants(struct sessions *s, struct flight *f)
{
	while (f->descendants) {
		struct descendant *k = f->descendants;
		f->descendants = k->sibling;
		unlist(s, k);
		free(k->session_id);
		free(k);
	}
}
