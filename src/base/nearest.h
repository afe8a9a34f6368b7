/*
 * The word somebody may have meant: for sentences about a word that is not known.
 */
#ifndef VIGIL_BASE_NEAREST_H
#define VIGIL_BASE_NEAREST_H

#include <stddef.h>

/* How many insertions, deletions, replacements and swaps of neighbours part two words. Bytes
 * beyond the first 127 of either are not looked at. */
size_t nearest_distance(const char *a, const char *b);

/* Finds the best of words that are offered one by one. */
struct nearest {
	const char *word; /* what was typed */
	const char *best; /* the nearest so far; NULL: none was offered */
	size_t distance;
};
void nearest_offer(struct nearest *, const char *known);

#endif
