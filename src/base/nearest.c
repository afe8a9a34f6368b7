/*
 * Edit distance: see nearest.h. Three rows of the usual table are enough; words are short.
 */
#include "base/nearest.h"

#include <string.h>

enum { LONGEST = 127, MOST_MISTAKES = 2, SHORTEST_PREFIX = 2 };

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* One cell, from its neighbours: `row` is being filled, `above` and `higher` are done. */
static size_t
cell(const char *a, const char *b, size_t i, size_t j, const size_t *row, const size_t *above,
    const size_t *higher)
{
	size_t best = least(above[j] + 1, row[j - 1] + 1);

	best = least(best, above[j - 1] + (a[i - 1] != b[j - 1]));
	if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
		best = least(best, higher[j - 2] + 1);
	return best;
}

size_t
nearest_distance(const char *a, const char *b)
{
	size_t rows[3][LONGEST + 1];
	size_t a_len = least(strlen(a), LONGEST), b_len = least(strlen(b), LONGEST);

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *row = rows[i % 3];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++)
			row[j] = cell(a, b, i, j, row, rows[(i + 2) % 3], rows[(i + 1) % 3]);
	}
	return rows[a_len % 3][b_len];
}

bool
nearest_is_likely(const char *typed, const char *known, size_t *distance)
{
	size_t typed_length = strlen(typed), known_length = strlen(known);
	size_t longer = typed_length > known_length ? typed_length : known_length;

	*distance = nearest_distance(typed, known);
	if (typed_length >= SHORTEST_PREFIX && strncmp(typed, known, typed_length) == 0)
		return true;
	return *distance <= MOST_MISTAKES && *distance * 3 < longer;
}

void
nearest_offer(struct nearest *nearest, const char *known)
{
	size_t distance;

	if (!nearest_is_likely(nearest->word, known, &distance) ||
	    (nearest->best && nearest->distance <= distance))
		return;
	nearest->best = known;
	nearest->distance = distance;
}
