/*
 * See sessions.h: a table of lists, by FNV-1a.
 */
#include "runner/sessions.h"

#include <stdint.h>
#include <string.h>

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
