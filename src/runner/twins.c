/*
 * See twins.h. They are looked for, and then one after the other read once more, and deleted.
 */
#include "runner/twins.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define ANY_TIME 0 /* the nonce is enough: the server's clock is not ours */

struct twins {
	struct opencode *client;
	struct oc_call *call;
	char *session_id, *mark; /* the mark is the end of a title of ours */
	char **ids;
	size_t count, tried;
	twins_done *done;
	void *arg;
};

void
twins_cancel(struct twins *t)
{
	if (!t)
		return;
	opencode_cancel(t->call);
	for (size_t i = 0; i < t->count; i++)
		free(t->ids[i]);
	free(t->ids);
	free(t->session_id);
	free(t->mark);
	free(t);
}

static void on_read(void *arg, struct oc_reply *reply);

static void
try_next(struct twins *t)
{
	twins_done *done = t->done;
	void *arg = t->arg;
	if (t->tried < t->count) {
		t->call = opencode_messages(t->client, t->ids[t->tried++], on_read, t);
		return;
	}
	t->call = NULL;
	twins_cancel(t);
	done(arg);
}

static void
on_deleted(void *arg, struct oc_reply *reply)
{
	struct twins *t = arg;
	(void)reply;
	try_next(t);
}

/* One with a message is somebody's: a person has found it before us. */
static void
on_read(void *arg, struct oc_reply *reply)
{
	struct twins *t = arg;
	bool is_empty = reply->outcome == OC_OK && !reply->truncated && reply->messages->count == 0;
	if (is_empty)
		t->call = opencode_delete(t->client, t->ids[t->tried - 1], on_deleted, t);
	else
		try_next(t);
}

static bool
ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), wanted = strlen(end);
	return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

static bool
is_twin(const struct twins *t, const struct oc_session *session)
{
	return session->title && ends_in(session->title, t->mark) &&
	       strcmp(session->id, t->session_id) != 0;
}

static void
on_searched(void *arg, struct oc_reply *reply)
{
	struct twins *t = arg;
	size_t found = reply->outcome == OC_OK ? reply->sessions->count : 0;
	t->ids = xcalloc(found, sizeof(*t->ids));
	for (size_t i = 0; i < found; i++) {
		if (is_twin(t, &reply->sessions->all[i]))
			t->ids[t->count++] = xstrdup(reply->sessions->all[i].id);
	}
	try_next(t);
}

struct twins *
twins_start(struct opencode *client, const char *directory, const char *nonce,
    const char *session_id, twins_done *done, void *arg)
{
	struct twins *t = xcalloc(1, sizeof(*t));
	t->client = client;
	t->session_id = xstrdup(session_id);
	t->mark = xasprintf(" [%s]", nonce);
	t->done = done;
	t->arg = arg;
	t->call = opencode_search(client, directory, nonce, ANY_TIME, on_searched, t);
	return t;
}
