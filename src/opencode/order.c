/*
 * The order of a transcript. OpenCode lists messages by the times at which they were made, on its
 * own clock: when that is set back in the middle of a turn, answers stand before what they answer.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "opencode/reply.h"

/* Where a message belongs: by itself at its own index, else behind the one at `behind`. */
struct place {
	size_t behind, index;
};

static bool
answers(const struct message *m, const char *id)
{
	return m->parent_id && strcmp(m->parent_id, id) == 0;
}

/* What it answers, where that comes after it; the count where it does not. `hint` is that of the
 * message before: a turn's steps all answer the same one. */
static size_t
find_later_parent(const struct messages *all, size_t index, size_t hint)
{
	const struct message *m = &all->all[index];

	if (!m->parent_id)
		return all->count;
	if (hint < all->count && answers(m, all->all[hint].id))
		return hint > index ? hint : all->count;
	for (size_t i = index + 1; i < all->count; i++)
		if (answers(m, all->all[i].id))
			return i;
	return all->count;
}

/* Behind the newest of the answers that stand where they should. */
static size_t
find_last_answer(const struct messages *all, size_t parent)
{
	size_t i = all->count;

	while (--i > parent)
		if (answers(&all->all[i], all->all[parent].id))
			break;
	return i;
}

static bool
find_places(const struct messages *all, struct place *places)
{
	size_t user = all->count, parent = all->count, last = 0;
	const char *settled = ""; /* what stands before what answers it, or nowhere */
	bool is_disordered = false;

	for (size_t i = 0; i < all->count; i++) {
		size_t found;

		places[i] = (struct place){i, i};
		if (all->all[i].from_user)
			user = i;
		if (user < i && all->all[i].parent_id && answers(&all->all[i], all->all[user].id))
			continue; /* as nearly always */
		if (answers(&all->all[i], settled))
			continue; /* where a person steers, a long turn goes on below an older one
				   */
		found = find_later_parent(all, i, parent);
		if (found == all->count) {
			settled = all->all[i].parent_id ? all->all[i].parent_id : settled;
			continue;
		}
		if (found != parent)
			last = find_last_answer(all, found);
		parent = found;
		places[i].behind = last;
		is_disordered = true;
	}
	return is_disordered;
}

static int
compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	bool x_stays = x->behind == x->index, y_stays = y->behind == y->index;

	if (x->behind != y->behind)
		return x->behind < y->behind ? -1 : 1;
	if (x_stays != y_stays)
		return x_stays ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

void
messages_put_in_order(struct messages *all)
{
	struct place *places = xcalloc(all->count, sizeof(*places));

	if (find_places(all, places)) {
		struct message *moved = xcalloc(all->count, sizeof(*moved));

		qsort(places, all->count, sizeof(*places), compare);
		for (size_t i = 0; i < all->count; i++)
			moved[i] = all->all[places[i].index];
		free(all->all);
		all->all = moved;
	}
	free(places);
}
