/*
 * The word somebody may have meant: for sentences about a word that is not known.
 */
#ifndef VIGIL_BASE_NEAREST_H
#define VIGIL_BASE_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

/* How many insertions, deletions, replacements and swaps of neighbours part two words. Bytes
 * beyond the first 127 of either are not looked at. */
size_t nearest_distance(const char *a, const char *b);

/* Is it likely that `known` was meant: a typing mistake or two away, or cut short? *distance says
 * how near it is. */
bool nearest_is_likely(const char *typed, const char *known, size_t *distance);

/* Finds the best of words that are offered one by one. */
struct nearest {
	const char *word; /* what was typed */
	const char *best; /* the nearest so far; NULL: none is likely */
	size_t distance;
};
void nearest_offer(struct nearest *, const char *known);

#endif
