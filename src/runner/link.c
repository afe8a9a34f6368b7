/*
 * See link.h.
 *
 *             managed_start        health ok
 *   down ───► starting ──────► probing ──────► up
 *    ▲           │ failed         │ failed      │ two probes fail, each
 *    └── wait ◄──┴────────────────┘◄────────────┘ on a connection of its own
 *
 * A stream that is lost brings the next probe forward. Down, a managed server that has died is
 * started again, and one that lives but has not answered for minutes is ended first.
 */
#include "runner/link.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/environment.h"
#include "base/failpoint.h"
#include "base/patience.h"
#include "base/secret.h"
#include "core/policy.h"
#include "opencode/serve.h"
#include "runner/managed.h"

#define PROBE_EVERY_S 15.0
#define PROBE_SOON_S 0.2
#define PROBE_AGAIN_S 1.0 /* after one that failed: is it really down? */

/* A server that has just opened its port can accept a connection and never answer it, while it
 * answers others in milliseconds (observed on 1.18.33): for a while, patience is short. */
#define OPENING_MS 5000
#define PROBE_PATIENCE_S 0.5

#define FAILURES_TO_DOWN 2
/* One that has lived for less when it dies may do so again at once: its successor has to wait. */
#define SETTLED_MS 60000

struct link {
	struct ev_loop *loop;
	struct http *http;
	struct store *store;
	const struct config *config;
	struct link_listener listener;
	struct managed *managed; /* NULL: the server was given */
	char *url, *name;
	char *password; /* of the managed one */
	int64_t server_id;
	struct opencode *client; /* exists while probing or up */
	struct oc_events *events;
	struct oc_call *probe;
	ev_timer next;
	bool is_up, was_up, hears;
	bool is_stopping;
	bool has_version; /* the server's row does */
	int failures;
	int64_t down_since_ms;
	int64_t up_since_ms;    /* when this server was last found well; 0: never */
	int64_t dying_since_ms; /* of deaths in quick succession the first; 0: none */
	struct fault trouble;
};

static void step(struct link *);

/* ---- small ---------------------------------------------------------------------------------- */

static void
say(struct link *l, const char *line)
{
	l->listener.say(l->listener.arg, line);
}

/* The same trouble is said once. */
static void
note_trouble(struct link *l, const char *sentence)
{
	struct fault now;
	fault_set(&now, FAULT_ENV, "%s", sentence);
	if (strcmp(l->trouble.text, now.text) == 0)
		return;
	l->trouble = now;
	say(l, l->trouble.text);
}

static void
again_in(struct link *l, double seconds)
{
	ev_timer_stop(l->loop, &l->next);
	ev_timer_set(&l->next, seconds, 0.);
	if (!l->is_stopping)
		ev_timer_start(l->loop, &l->next);
}

static bool
is_opening(const struct link *l)
{
	return !l->is_up && clock_monotonic_ms() - l->down_since_ms < OPENING_MS;
}

static void
again_in_doubling(struct link *l)
{
	again_in(l, (double)policy_backoff_ms(l->down_since_ms, clock_monotonic_ms()) / 1000.);
}

static void
again_with_backoff(struct link *l)
{
	if (is_opening(l))
		again_in(l, PROBE_SOON_S);
	else
		again_in_doubling(l);
}

const char *
link_given_password(const struct config *config)
{
	return environment_get(config->server_password_env);
}

/* ---- the client comes and goes ------------------------------------------------------------- */

static void
drop_client(struct link *l)
{
	if (l->is_up) {
		l->is_up = false;
		l->down_since_ms = clock_monotonic_ms();
		l->listener.down(l->listener.arg);
	}
	opencode_cancel(l->probe);
	l->probe = NULL;
	opencode_events_close(l->events);
	l->events = NULL;
	l->hears = false;
	opencode_free(l->client);
	l->client = NULL;
}

static void
make_client(struct link *l)
{
	const char *password = l->managed ? l->password : link_given_password(l->config);
	const char *user = l->managed ? SERVE_USER : password ? l->config->server_username : NULL;
	l->client = opencode_new(l->http, l->url, user, password);
	l->failures = 0;
	l->has_version = false;
	l->down_since_ms = clock_monotonic_ms();
}

static bool
may_write(const struct link *l)
{
	return l->listener.may_write(l->listener.arg);
}

static void
on_stream_state(void *arg, bool up, const char *sentence)
{
	struct link *l = arg;
	(void)sentence;
	l->hears = up;
	if (!up && !l->probe)
		again_in(l, 0.);
}

static void
on_stream_event(void *arg, const struct oc_event *event)
{
	struct link *l = arg;
	l->listener.event(l->listener.arg, event);
}

/* It is for readers: not worth a halt; the next probe tries again. */
static void
write_version(struct link *l, const char *version)
{
	struct fault ignored;
	struct value v[] = {value_int(l->server_id), value_text(version)};
	if (l->has_version || !may_write(l))
		return;
	failpoint_before(FP_SERVER_VERSION);
	l->has_version = store_run(l->store, Q_server_version, v, 2, NULL, NULL, &ignored);
	failpoint_after(FP_SERVER_VERSION);
}

static void
come_up(struct link *l, const char *version)
{
	l->is_up = l->was_up = true;
	l->up_since_ms = clock_monotonic_ms();
	l->trouble = (struct fault){0};
	l->events = opencode_events_open(l->client, l->loop, on_stream_state, on_stream_event, l);
	char *line = xasprintf("OpenCode %s at %s", version, l->url);
	say(l, line);
	free(line);
	l->listener.up(l->listener.arg);
}

/* ---- probing ------------------------------------------------------------------------------- */

/* Another one is started at once: how long this one did not answer says nothing of the next. But
 * the next may die as this one did. */
static void
end_managed(struct link *l, const char *sentence, const char *why)
{
	int64_t now_ms = clock_monotonic_ms();
	bool had_settled = l->up_since_ms && now_ms - l->up_since_ms >= SETTLED_MS;
	l->up_since_ms = 0; /* the next one's is not known yet */
	note_trouble(l, sentence);
	drop_client(l);
	(void)managed_end(l->managed, why);
	if (!had_settled && l->dying_since_ms) {
		again_in(l, (double)policy_backoff_ms(l->dying_since_ms, now_ms) / 1000.);
		return;
	}
	l->dying_since_ms = now_ms;
	again_in(l, PROBE_SOON_S);
}

static bool
is_wedged(const struct link *l)
{
	return !l->is_up && clock_monotonic_ms() - l->down_since_ms > patience_wedged_ms;
}

static void
say_denied(struct link *l, const char *sentence)
{
	char *line = xasprintf("%s: it is taken from the environment variable %s", sentence,
	    l->config->server_password_env);
	note_trouble(l, line);
	free(line);
}

static void
say_failed(struct link *l, enum oc_outcome outcome, const char *sentence)
{
	if (outcome == OC_DENIED && !l->managed)
		say_denied(l, sentence);
	else
		note_trouble(l, sentence);
}

static void
probe_failed(struct link *l, enum oc_outcome outcome, const char *sentence)
{
	if (l->managed && !managed_is_alive(l->managed)) {
		end_managed(l, "the OpenCode server has died: it is started again", "it died");
		return;
	}
	if (l->managed && is_wedged(l)) {
		end_managed(l, "the OpenCode server does not answer any more: it is started again",
		    "it did not answer");
		return;
	}
	if (!l->is_up) {
		if (!is_opening(l))
			say_failed(l, outcome, sentence);
	} else if (++l->failures < FAILURES_TO_DOWN) {
		again_in(l, PROBE_AGAIN_S);
		return;
	} else {
		say_failed(l, outcome, sentence);
		drop_client(l);
	}
	again_with_backoff(l);
}

static void
on_probed(void *arg, struct oc_reply *reply)
{
	struct link *l = arg;
	l->probe = NULL;
	if (reply->outcome != OC_OK) {
		probe_failed(l, reply->outcome, reply->sentence);
		return;
	}
	l->failures = 0;
	write_version(l, reply->version);
	if (!l->is_up)
		come_up(l, reply->version);
	again_in(l, PROBE_EVERY_S);
}

static void
start_failed(struct link *l, const struct fault *why)
{
	bool is_hopeless = why->kind == FAULT_USAGE && !l->was_up;
	if (is_hopeless && l->listener.give_up(l->listener.arg, why->text))
		return;
	note_trouble(l, why->text);
	again_in_doubling(l);
}

static void
on_managed_ready(void *arg, const char *url, const char *password, const struct fault *why)
{
	struct link *l = arg;
	if (!url) {
		start_failed(l, why);
		return;
	}
	free(l->url);
	secret_free(l->password);
	l->url = xstrdup(url);
	l->password = xstrdup(password);
	l->server_id = managed_server_id(l->managed);
	make_client(l);
	step(l);
}

static void
start_managed(struct link *l)
{
	struct fault why;
	if (!managed_start(l->managed, &why)) {
		start_failed(l, &why);
		return;
	}
	l->server_id = managed_server_id(l->managed);
	if (managed_is_new(l->managed))
		say(l, "starting an OpenCode server");
}

/* A given server has one row for each address. */
static bool
find_given(struct link *l, struct fault *why)
{
	struct value v[] = {value_text(l->name), value_text(l->url), value_null(), value_null()};
	if (!store_int(l->store, Q_server_by_url, v, 1, 0, &l->server_id, why))
		return false;
	if (l->server_id)
		return true;
	failpoint_before(FP_SERVER_GIVEN);
	if (!store_run(l->store, Q_server_insert, v, 4, NULL, NULL, why))
		return false;
	failpoint_after(FP_SERVER_GIVEN);
	l->server_id = store_last_id(l->store);
	return true;
}

static void
use_given(struct link *l)
{
	struct fault why;
	if (find_given(l, &why)) {
		make_client(l);
		step(l);
		return;
	}
	note_trouble(l, why.text);
	again_with_backoff(l);
}

/* The password of a server that has died must not go to whoever listens there now. */
static void
probe(struct link *l)
{
	opencode_cancel(l->probe);
	l->probe = NULL;
	if (l->managed && !managed_listens(l->managed, l->url)) {
		probe_failed(l, OC_UNREACHABLE, "the OpenCode server does not listen any more");
		return;
	}
	l->probe = opencode_health(l->client, on_probed, l);
	if (is_opening(l))
		again_in(l, PROBE_PATIENCE_S);
}

/* Whatever comes next: the timer's one destination. Before a server is used, its row is written. */
static void
step(struct link *l)
{
	if (l->client)
		probe(l);
	else if (!may_write(l))
		again_in(l, PROBE_SOON_S);
	else if (l->managed)
		start_managed(l);
	else
		use_given(l);
}

static void
on_next(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	step(timer->data);
}

/* ---- outside ------------------------------------------------------------------------------- */

static char *
without_slash(const char *url)
{
	char *copy = xstrdup(url);
	size_t length = strlen(copy);
	while (length && copy[length - 1] == '/')
		copy[--length] = '\0';
	return copy;
}

static const char *
given_url(const struct config *config, const char *url)
{
	return url ? url : config->server_url;
}

char *
link_name_of(const struct config *config, const char *url)
{
	url = given_url(config, url);
	return url ? without_slash(url) : xstrdup(MANAGED_NAME);
}

struct link *
link_open(struct ev_loop *loop, struct http *http, struct store *store, const struct config *config,
    const char *url, const struct link_listener *listener)
{
	struct link *l = xcalloc(1, sizeof(*l));
	l->loop = loop;
	l->http = http;
	l->store = store;
	l->config = config;
	l->listener = *listener;
	l->name = link_name_of(config, url);
	if (given_url(config, url))
		l->url = xstrdup(l->name);
	else
		l->managed = managed_new(loop, store, config->server_command, on_managed_ready, l);
	l->down_since_ms = clock_monotonic_ms();
	ev_timer_init(&l->next, on_next, 0., 0.);
	l->next.data = l;
	return l;
}

void
link_start(struct link *l)
{
	again_in(l, 0.);
}

void
link_stop(struct link *l)
{
	l->is_stopping = true;
	ev_timer_stop(l->loop, &l->next);
}

void
link_close(struct link *l)
{
	if (!l)
		return;
	ev_timer_stop(l->loop, &l->next);
	drop_client(l);
	managed_free(l->managed);
	free(l->url);
	free(l->name);
	secret_free(l->password);
	free(l);
}

bool
link_is_up(const struct link *l)
{
	return l->is_up;
}

bool
link_hears(const struct link *l)
{
	return l->hears;
}

bool
link_is_local(const struct link *l)
{
	return l->url && http_is_loopback(l->url);
}

const char *
link_trouble(const struct link *l)
{
	return l->trouble.text;
}

struct opencode *
link_client(const struct link *l)
{
	return l->is_up ? l->client : NULL;
}

const char *
link_name(const struct link *l)
{
	return l->name;
}

int64_t
link_server_id(const struct link *l)
{
	return l->server_id;
}

bool
link_is_managed(const struct link *l)
{
	return l->managed;
}

bool
link_end_server(struct link *l)
{
	drop_client(l);
	return !l->managed || managed_end(l->managed, "nothing was left to do");
}

bool
link_end_left(struct link *l)
{
	if (l->managed)
		return true; /* it is this link's */
	struct managed *left =
	    managed_new(l->loop, l->store, l->config->server_command, NULL, NULL);
	bool is_done = managed_is_left_at(left, l->url) || /* it was given to this one by its URL */
		       managed_end(left, "nothing was left to do");
	managed_free(left);
	return is_done;
}
