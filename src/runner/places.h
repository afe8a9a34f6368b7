/*
 * The directories that live tasks work in. What is asked of a server is asked for each of them, and
 * whoever asks keeps what belongs to one in a struct of its own, which begins with a struct place.
 */
#ifndef VIGIL_RUNNER_PLACES_H
#define VIGIL_RUNNER_PLACES_H

#include <stdbool.h>
#include <stddef.h>

struct flight;
struct runner;

struct place {
	struct place *next;
	void *owner; /* as of struct places */
	char *directory;
	bool is_used; /* as of places_tidy() */
};

/* What the owner's struct is like. */
struct place_kind {
	size_t size;
	bool (*is_for)(const struct flight *); /* does this task need its directory here? */
	bool (*is_busy)(const struct place *); /* kept, whether it is used or not */
	void (*fini)(struct place *);          /* of what is the owner's in it */
};

struct places {
	const struct place_kind *kind;
	void *owner;
	struct place *first;
};

/* Has this task a session of the server that this run drives, in this directory? */
bool place_has(const struct place *, const struct flight *);

/* Made where it is missing, and is_used then; what is the owner's in it is zero. */
struct place *places_find(struct places *, const char *directory);
/* One for each directory of the tasks that need it; those of no use are dropped. */
void places_tidy(struct places *, const struct runner *);
void places_clear(struct places *);

#endif
