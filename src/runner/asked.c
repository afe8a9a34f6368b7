/*
 * See asked.h.
 */
#include "runner/asked.h"

#include <stdlib.h>

#include "base/buf.h"

struct request {
	struct request *next;
	char *id, *words;
};

struct asked {
	char *session_id;
	vigil_follow_fn *fn;
	void *arg;
	struct request *requests; /* that were told */
	struct opencode *client;
	char *directory;
	struct oc_call *call;
};

static const struct request *
find(const struct asked *a, const char *id)
{
	const struct request *r = a->requests;
	while (r && !same_text(r->id, id))
		r = r->next;
	return r;
}

static void
note(const struct asked *a, const char *before, const char *words, const char *after)
{
	char *line = xasprintf("%s%s%s", before, words, after);
	a->fn(a->arg, VIGIL_NOTE, line);
	free(line);
}

static void
tell(struct asked *a, const char *id, const char *words)
{
	if (!id || find(a, id))
		return;
	struct request *r = xcalloc(1, sizeof *r);
	*r = (struct request){a->requests, xstrdup(id), xstrdup(words)};
	a->requests = r;
	note(a, "asks: ", words, "");
}

static void
tell_reply(const struct asked *a, const char *id, const char *reply)
{
	const struct request *r = find(a, id);
	char *after = xasprintf("%s%s", r ? ": " : "", reply);
	note(a, "is told: ", r ? r->words : "", after);
	free(after);
}

void
asked_event(struct asked *a, const struct oc_event *e)
{
	if (e->type == OC_EV_ASKED)
		tell(a, e->ask_id, e->text);
	else if (e->type == OC_EV_REPLIED)
		tell_reply(a, e->ask_id, e->text);
}

/* ---- what waits already --------------------------------------------------------------------- */

static void
tell_all(struct asked *a, const struct oc_reply *reply)
{
	for (size_t i = 0; reply->outcome == OC_OK && i < reply->asks->count; i++) {
		const struct oc_ask *ask = &reply->asks->all[i];
		if (same_text(ask->session_id, a->session_id))
			tell(a, ask->id, ask->request);
	}
}

static void
on_questions(void *arg, struct oc_reply *reply)
{
	struct asked *a = arg;
	a->call = NULL;
	tell_all(a, reply);
}

/* A list that cannot be had is no trouble: the stream has what is asked from now on. */
static void
on_permissions(void *arg, struct oc_reply *reply)
{
	struct asked *a = arg;
	tell_all(a, reply);
	a->call = opencode_questions(a->client, a->directory, on_questions, a);
}

void
asked_look(struct asked *a, struct opencode *client, const char *directory)
{
	asked_unlink(a);
	a->client = client;
	xreplace(&a->directory, directory);
	a->call = opencode_permissions(client, directory, on_permissions, a);
}

void
asked_unlink(struct asked *a)
{
	opencode_cancel(a->call);
	a->call = NULL;
}

/* ---- outside -------------------------------------------------------------------------------- */

struct asked *
asked_new(const char *session_id, vigil_follow_fn *fn, void *arg)
{
	struct asked *a = xcalloc(1, sizeof *a);
	a->session_id = xstrdup(session_id);
	a->fn = fn;
	a->arg = arg;
	return a;
}

void
asked_free(struct asked *a)
{
	asked_unlink(a);
	while (a->requests) {
		struct request *r = a->requests;
		a->requests = r->next;
		free(r->id);
		free(r->words);
		free(r);
	}
	free(a->session_id);
	free(a->directory);
	free(a);
}
