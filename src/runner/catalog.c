/*
 * See catalog.h. One offer a directory; calls that find it being asked for wait for it together.
 */
#include "runner/catalog.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"

#define KEPT_MS 60000   /* a configuration that changes is noticed after this long */
#define FRESH_MS 1000   /* a name that is missing is refused only by an offer this young */
#define LISTED_NAMES 30 /* of the right names, in a refusal */

struct catalog_call {
	struct offer *offer;
	struct catalog_call *next;
	char *agent, *model, *variant;
	catalog_done *done;
	void *arg;
};

struct offer {
	struct catalog *catalog;
	struct offer *next;
	char *directory;
	struct oc_names agents;
	struct oc_models models;
	int64_t asked_ms; /* monotonic; 0: never, or forgotten */
	struct opencode *client;
	struct oc_call *call; /* agents first, then models */
	struct catalog_call *waiting;
};

struct catalog {
	struct ev_loop *loop;
	const struct config *config;
	ev_timer
	    settle; /* answers what an offer at hand can answer, once the starter has returned */
	struct offer *offers;
};

/* ---- resolving ------------------------------------------------------------------------------ */

static bool
has_name(const struct oc_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->all[i], name) == 0)
			return true;
	}
	return false;
}

static const struct oc_model *
find_model(const struct oc_models *models, const char *name)
{
	for (size_t i = 0; i < models->count; i++) {
		if (strcmp(models->all[i].name, name) == 0)
			return &models->all[i];
	}
	return NULL;
}

static bool
has_variant(const struct oc_model *model, const char *variant)
{
	const struct oc_names variants = {model->variants, model->variant_count};
	return has_name(&variants, variant);
}

/* The configured model and variant go together: beside a model that the task names itself, the
 * variant counts only if that model has it. */
static struct catalog_names
resolve(const struct offer *o, const struct catalog_call *call)
{
	struct catalog_names names = {call->agent, call->model, call->variant};
	const struct config_agent *agent =
	    names.agent ? config_agent(o->catalog->config, names.agent) : NULL;
	if (!agent)
		return names;
	if (!names.model)
		names.model = agent->model;
	if (!names.variant && agent->variant) {
		const struct oc_model *model =
		    names.model ? find_model(&o->models, names.model) : NULL;
		bool is_configured = !call->model;
		if (is_configured || (model && has_variant(model, agent->variant)))
			names.variant = agent->variant;
	}
	return names;
}

static void
list_names(struct buf *out, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count && i < LISTED_NAMES; i++)
		buf_printf(out, "%s%s", i ? ", " : "", names[i]);
	if (count > LISTED_NAMES)
		buf_printf(out, ", and %zu more", count - LISTED_NAMES);
	if (!count)
		buf_puts(out, "none");
}

static void
refuse_model(struct buf *out, const struct oc_models *models, const char *name)
{
	const char **names = xcalloc(models->count + 1, sizeof *names);
	for (size_t i = 0; i < models->count; i++)
		names[i] = models->all[i].name;
	buf_printf(out, "the server has no model \"%s\"; it has: ", name);
	list_names(out, names, models->count);
	free(names);
}

/* Empty where all names are right. */
static void
find_wrong_name(const struct offer *o, const struct catalog_names *names, struct buf *out)
{
	const struct oc_model *model = names->model ? find_model(&o->models, names->model) : NULL;
	if (names->agent && !has_name(&o->agents, names->agent)) {
		buf_printf(out, "the server has no agent \"%s\"; it has: ", names->agent);
		list_names(out, (const char *const *)o->agents.all, o->agents.count);
	} else if (names->model && !model) {
		refuse_model(out, &o->models, names->model);
	} else if (names->variant && model && !has_variant(model, names->variant)) {
		buf_printf(out, "the model %s has no variant \"%s\"; it has: ", names->model,
		    names->variant);
		list_names(out, (const char *const *)model->variants, model->variant_count);
	}
}

/* ---- asking --------------------------------------------------------------------------------- */

static void
free_call(struct catalog_call *call)
{
	free(call->agent);
	free(call->model);
	free(call->variant);
	free(call);
}

/* The first of those that wait has its answer. */
static void
finish_first(struct offer *o, enum catalog_verdict verdict, const struct catalog_names *names,
    const char *sentence)
{
	struct catalog_call *call = o->waiting;
	o->waiting = call->next;
	call->done(call->arg, verdict, names, sentence);
	free_call(call);
}

static void
finish_all(struct offer *o, enum catalog_verdict verdict, const char *sentence)
{
	while (o->waiting)
		finish_first(o, verdict, NULL, sentence);
}

static void ask(struct offer *);

/* Judges by the offer at hand; a refusal by an old offer asks again instead. */
static void
judge_first(struct offer *o)
{
	struct catalog_names names = resolve(o, o->waiting);
	struct buf wrong = {0};
	find_wrong_name(o, &names, &wrong);
	if (!wrong.len)
		finish_first(o, CATALOG_OK, &names, "");
	else if (clock_monotonic_ms() - o->asked_ms > FRESH_MS)
		ask(o);
	else
		finish_first(o, CATALOG_REFUSED, NULL, buf_text(&wrong));
	buf_free(&wrong);
}

static void
judge_all(struct offer *o)
{
	while (o->waiting && !o->call)
		judge_first(o);
}

static void
on_models(void *arg, struct oc_reply *reply)
{
	struct offer *o = arg;
	o->call = NULL;
	if (reply->outcome != OC_OK) {
		finish_all(o, CATALOG_UNREACHABLE, reply->sentence);
		return;
	}
	oc_models_fini(&o->models);
	o->models = *reply->models;
	*reply->models = (struct oc_models){0};
	o->asked_ms = clock_monotonic_ms();
	judge_all(o);
}

static void
on_agents(void *arg, struct oc_reply *reply)
{
	struct offer *o = arg;
	o->call = NULL;
	if (reply->outcome != OC_OK) {
		finish_all(o, CATALOG_UNREACHABLE, reply->sentence);
		return;
	}
	oc_names_fini(&o->agents);
	o->agents = *reply->agents;
	*reply->agents = (struct oc_names){0};
	o->call = opencode_models(o->client, o->directory, on_models, o);
}

static void
ask(struct offer *o)
{
	if (!o->call)
		o->call = opencode_agents(o->client, o->directory, on_agents, o);
}

static void
free_offer(struct offer *o)
{
	opencode_cancel(o->call);
	oc_names_fini(&o->agents);
	oc_models_fini(&o->models);
	free(o->directory);
	free(o);
}

static bool
is_old(const struct offer *o)
{
	return !o->waiting && !o->call && clock_monotonic_ms() - o->asked_ms >= KEPT_MS;
}

/* Tasks can have a directory each: what was offered in those of long ago must not pile up. */
static void
drop_old(struct catalog *c)
{
	struct offer **at = &c->offers;
	while (*at) {
		struct offer *o = *at;
		if (!is_old(o)) {
			at = &o->next;
			continue;
		}
		*at = o->next;
		free_offer(o);
	}
}

static void
on_settle(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct catalog *c = timer->data;
	for (struct offer *o = c->offers; o; o = o->next)
		judge_all(o);
	drop_old(c);
}

static struct offer *
find_offer(struct catalog *c, const char *directory)
{
	for (struct offer *o = c->offers; o; o = o->next) {
		if (strcmp(o->directory, directory) == 0)
			return o;
	}
	struct offer *o = xcalloc(1, sizeof *o);
	o->catalog = c;
	o->directory = xstrdup(directory);
	o->next = c->offers;
	c->offers = o;
	return o;
}

struct catalog_call *
catalog_check(struct catalog *c, struct opencode *client, const char *directory,
    const struct catalog_names *names, catalog_done *done, void *arg)
{
	struct offer *o = find_offer(c, directory);
	struct catalog_call *call = xcalloc(1, sizeof *call);
	*call = (struct catalog_call){.offer = o,
	    .agent = xstrdup(names->agent),
	    .model = xstrdup(names->model),
	    .variant = xstrdup(names->variant),
	    .done = done,
	    .arg = arg};
	struct catalog_call **last = &o->waiting;
	while (*last)
		last = &(*last)->next;
	*last = call;
	o->client = client;
	if (!o->asked_ms || clock_monotonic_ms() - o->asked_ms >= KEPT_MS)
		ask(o);
	ev_timer_start(c->loop, &c->settle);
	return call;
}

void
catalog_cancel(struct catalog_call *call)
{
	if (!call)
		return;
	struct catalog_call **at = &call->offer->waiting;
	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
	free_call(call);
}

/* ---- outside -------------------------------------------------------------------------------- */

struct catalog *
catalog_new(struct ev_loop *loop, const struct config *config)
{
	struct catalog *c = xcalloc(1, sizeof *c);
	c->loop = loop;
	c->config = config;
	ev_timer_init(&c->settle, on_settle, 0., 0.);
	c->settle.data = c;
	return c;
}

void
catalog_forget(struct catalog *c)
{
	for (struct offer *o = c->offers; o; o = o->next) {
		opencode_cancel(o->call);
		o->call = NULL;
		o->asked_ms = 0;
	}
}

void
catalog_free(struct catalog *c)
{
	if (!c)
		return;
	catalog_forget(c);
	ev_timer_stop(c->loop, &c->settle);
	while (c->offers) {
		struct offer *o = c->offers;
		c->offers = o->next;
		free_offer(o);
	}
	free(c);
}
