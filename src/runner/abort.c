/*
 * See abort.h: first the tree is listed, breadth first; then it is aborted in that order.
 */
#include "runner/abort.h"

#include <stdlib.h>

#include "base/buf.h"

#define SESSIONS_LIMIT 1000 /* a tree larger than this is a loop in the server's answers */

struct abort {
	struct opencode *client;
	struct oc_call *call;
	struct node {
		char *id, *directory;
	} * nodes; /* the root first; a child after its parent */
	size_t count, listed, aborted;
	oc_done *done;
	void *arg;
};

static void
add(struct abort *a, const char *id, const char *directory)
{
	if (a->count == SESSIONS_LIMIT)
		return;
	a->nodes = xrealloc(a->nodes, (a->count + 1) * sizeof(*a->nodes));
	a->nodes[a->count++] = (struct node){xstrdup(id), xstrdup(directory)};
}

void
abort_cancel(struct abort *a)
{
	if (!a)
		return;
	opencode_cancel(a->call);
	for (size_t i = 0; i < a->count; i++) {
		free(a->nodes[i].id);
		free(a->nodes[i].directory);
	}
	free(a->nodes);
	free(a);
}

static void
finish(struct abort *a, struct oc_reply *reply)
{
	oc_done *done = a->done;
	void *arg = a->arg;
	a->call = NULL;
	abort_cancel(a);
	done(arg, reply);
}

/* A child that has gone meanwhile is as good as listed, or aborted. */
static bool
is_trouble(const struct oc_reply *reply, bool is_root)
{
	return reply->outcome != OC_OK && (is_root || reply->outcome != OC_NOT_FOUND);
}

static void on_aborted(void *arg, struct oc_reply *reply);

static void
abort_next(struct abort *a)
{
	const struct node *next = &a->nodes[a->aborted++];
	a->call = opencode_abort(a->client, next->id, next->directory, on_aborted, a);
}

static void
on_aborted(void *arg, struct oc_reply *reply)
{
	struct abort *a = arg;
	bool was_root = a->aborted == 1;
	if (is_trouble(reply, was_root))
		finish(a, reply);
	else if (a->aborted < a->count)
		abort_next(a);
	else
		finish(a, &(struct oc_reply){.outcome = OC_OK, .sentence = ""});
}

static void list_next(struct abort *);

static void
on_listed(void *arg, struct oc_reply *reply)
{
	struct abort *a = arg;
	if (is_trouble(reply, a->listed == 1)) {
		finish(a, reply);
		return;
	}
	for (size_t i = 0; reply->outcome == OC_OK && i < reply->sessions->count; i++)
		add(a, reply->sessions->all[i].id, reply->sessions->all[i].directory);
	if (a->listed < a->count)
		list_next(a);
	else
		abort_next(a);
}

static void
list_next(struct abort *a)
{
	a->call = opencode_children(a->client, a->nodes[a->listed++].id, on_listed, a);
}

struct abort *
abort_start(struct opencode *client, const char *session_id, const char *directory, oc_done *done,
    void *arg)
{
	struct abort *a = xcalloc(1, sizeof(*a));
	a->client = client;
	a->done = done;
	a->arg = arg;
	add(a, session_id, directory);
	list_next(a);
	return a;
}
