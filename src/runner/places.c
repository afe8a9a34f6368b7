/*
 * See places.h.
 */
#include "runner/places.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "runner/runner.h"

bool
place_has(const struct place *p, const struct flight *f)
{
	return f->session_id && flight_is_here(f) && strcmp(f->directory, p->directory) == 0;
}

struct place *
places_find(struct places *all, const char *directory)
{
	for (struct place *p = all->first; p; p = p->next) {
		if (strcmp(p->directory, directory) == 0)
			return p;
	}
	struct place *p = xcalloc(1, all->kind->size);
	p->owner = all->owner;
	p->directory = xstrdup(directory);
	p->is_used = true;
	p->next = all->first;
	all->first = p;
	return p;
}

static void
drop_first(struct places *all, struct place **at)
{
	struct place *p = *at;
	*at = p->next;
	all->kind->fini(p);
	free(p->directory);
	free(p);
}

static void
drop_unused(struct places *all)
{
	struct place **at = &all->first;
	while (*at) {
		if ((*at)->is_used || all->kind->is_busy(*at))
			at = &(*at)->next;
		else
			drop_first(all, at);
	}
}

void
places_tidy(struct places *all, const struct runner *r)
{
	for (struct place *p = all->first; p; p = p->next)
		p->is_used = false;
	for (const struct flight *f = r->flights; f; f = f->next) {
		if (all->kind->is_for(f))
			places_find(all, f->directory)->is_used = true;
	}
	drop_unused(all);
}

void
places_clear(struct places *all)
{
	while (all->first)
		drop_first(all, &all->first);
}
