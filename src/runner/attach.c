/*
 * vigil_attach_command(): what shows a task's session in OpenCode's own interface. Waits until
 * there is a session on a server that answers, as long as the task is open, and never sends a
 * password to anyone but that server. Nothing is started here: that is the caller's.
 */
#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/environment.h"
#include "base/secret.h"
#include "opencode/client.h"
#include "runner/onlook.h"
#include "tmux/pane.h"

#define LOOK_EVERY_S 0.5

#define USER_NAME "OPENCODE_SERVER_USERNAME"
#define PASSWORD_NAME "OPENCODE_SERVER_PASSWORD"
#define NO_TITLE_NAME "OPENCODE_DISABLE_TERMINAL_TITLE"

struct attacher {
	struct vigil *vigil;
	int64_t task_id;
	const char *session_id; /* of no task; NULL: the task's own */
	vigil_waits_fn *waits;
	void *arg;
	char *told; /* the newest of what it waits for */
	struct onlook_loop on;
	struct http *http;
	struct onlook seen;
	struct onlook_key key;
	struct opencode *client;
	struct oc_call *call; /* is the session there? */
	struct vigil_command *command;
};

static void
forget_server(struct attacher *a)
{
	opencode_cancel(a->call);
	a->call = NULL;
	opencode_free(a->client);
	a->client = NULL;
	onlook_key_fini(&a->key);
}

/* ---- the command ---------------------------------------------------------------------------- */

static char *
no_proxy(const char *name)
{
	const char *before = getenv(name);
	return xasprintf("%s=%s%s127.0.0.1,localhost,::1", name, before ? before : "",
	    before && *before ? "," : "");
}

/* The caller's own, but for what names another server's user, and for proxies, which are to see
 * nothing of what goes to this machine itself. A pane of ours keeps the title that it has. */
static char **
make_environment(const struct onlook_key *key)
{
	static const char *const replaced[] = {
	    USER_NAME, PASSWORD_NAME, "NO_PROXY", "no_proxy", NO_TITLE_NAME, NULL};
	const char *no_title = getenv(PANE_MARK_NAME) ? "1" : getenv(NO_TITLE_NAME);
	size_t used;
	char **env = environment_copy(replaced, 5, &used);
	env[used++] = no_proxy("NO_PROXY");
	env[used++] = no_proxy("no_proxy");
	if (no_title)
		env[used++] = xasprintf(NO_TITLE_NAME "=%s", no_title);
	if (key->password) {
		env[used++] = xasprintf(USER_NAME "=%s", key->user);
		env[used++] = xasprintf(PASSWORD_NAME "=%s", key->password);
	}
	return env;
}

/* The server's word for the directory, from which symbolic links are resolved. */
static void
make_command(struct attacher *a, const char *directory)
{
	const char *const words[] = {a->vigil->config->server_command, "attach", a->seen.url,
	    "--session", a->seen.session_id, "--dir", directory};
	size_t count = sizeof(words) / sizeof(*words);
	a->command->argv = xcalloc(count + 1, sizeof(*a->command->argv));
	for (size_t i = 0; i < count; i++)
		a->command->argv[i] = xstrdup(words[i]);
	a->command->environment = make_environment(&a->key);
}

static void
free_words(char **words)
{
	for (size_t i = 0; words && words[i]; i++)
		secret_free(words[i]); /* one of them is the password */
	free(words);
}

void
vigil_command_free(struct vigil_command *command)
{
	free_words(command->argv);
	free_words(command->environment);
	*command = (struct vigil_command){0};
}

/* ---- waiting -------------------------------------------------------------------------------- */

/* The same is said once. */
static void
wait_for(struct attacher *a, const char *sentence)
{
	if (same_text(a->told, sentence))
		return;
	xreplace(&a->told, sentence);
	if (a->waits)
		a->waits(a->arg, sentence);
}

/* Why a task that is open has no session, or none on a server that answers. */
static void
wait_on(struct attacher *a, const char *for_what)
{
	char *reason;
	if (!onlook_reason(a->vigil, a->task_id, &reason)) {
		onlook_loop_stop(&a->on, handle_result(a->vigil));
		return;
	}
	char *sentence = xasprintf("task %lld is %s, %s%s%s", (long long)a->task_id,
	    status_text(a->seen.status), for_what, reason ? ": " : "", reason ? reason : "");
	wait_for(a, sentence);
	free(sentence);
	free(reason);
}

/* What there is to say when nothing will change any more. */
static void
not_there(struct attacher *a, enum fault_kind kind, const char *for_what, const char *why)
{
	if (a->session_id) {
		onlook_loop_stop(
		    &a->on, handle_fail(a->vigil, kind, "the session %s is asked for, %s%s%s",
				a->session_id, for_what, why ? ": " : "", why ? why : ""));
		return;
	}
	if (!status_is_final(a->seen.status)) {
		wait_on(a, for_what);
		return;
	}
	onlook_loop_stop(&a->on, handle_fail(a->vigil, kind,
				     "task %lld is %s, %s%s%s (vigil follow %lld has what "
				     "was said)",
				     (long long)a->task_id, status_text(a->seen.status), for_what,
				     why ? ": " : "", why ? why : "", (long long)a->task_id));
}

/* ---- looking -------------------------------------------------------------------------------- */

static void
on_session(void *arg, struct oc_reply *reply)
{
	struct attacher *a = arg;
	a->call = NULL;
	if (reply->outcome == OC_OK) {
		const char *directory = reply->session->directory;
		make_command(a, directory ? directory : a->seen.directory);
		onlook_loop_stop(&a->on, VIGIL_OK);
	} else if (reply->outcome == OC_DENIED || reply->outcome == OC_BAD_REQUEST) {
		onlook_loop_stop(&a->on, handle_fail(a->vigil, FAULT_ENV, "%s", reply->sentence));
	} else if (reply->outcome == OC_NOT_FOUND) {
		not_there(a, FAULT_NOT_FOUND, "and its server does not have its session", NULL);
	} else {
		not_there(a, FAULT_ENV, "and its server does not answer", reply->sentence);
	}
}

static void
ask_server(struct attacher *a)
{
	struct fault why;
	if (!onlook_key(a->vigil, &a->seen, &a->key, &why)) {
		not_there(a, FAULT_ENV, "and its server is not there", why.text);
		return;
	}
	a->client = opencode_new(a->http, a->seen.url, a->key.user, a->key.password);
	a->call = opencode_session(a->client, a->seen.session_id, on_session, a);
}

static bool
read_seen(struct attacher *a)
{
	return a->session_id ? onlook_read_session(a->vigil, a->session_id, &a->seen)
			     : onlook_read(a->vigil, a->task_id, &a->seen);
}

static void
on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct attacher *a = timer->data;
	(void)loop, (void)revents;
	if (a->call)
		return;
	forget_server(a);
	onlook_fini(&a->seen);
	if (!store_still_there(a->vigil->store, &a->vigil->fault) || !read_seen(a))
		onlook_loop_stop(&a->on, handle_result(a->vigil));
	else if (onlook_has_session(&a->seen))
		ask_server(a);
	else
		not_there(a, FAULT_NOT_FOUND,
		    a->session_id ? "and no server is known" : "and has no session", NULL);
}

static void
run_attacher(struct attacher *a)
{
	onlook_loop_init(&a->on, on_look, LOOK_EVERY_S, a);
	a->http = http_new(a->on.loop);
	onlook_loop_run(&a->on);
	forget_server(a);
	http_free(a->http);
	onlook_loop_fini(&a->on);
}

static enum vigil_result
find_command(struct attacher *a, struct vigil_command *command)
{
	*command = (struct vigil_command){0};
	a->command = command;
	run_attacher(a);
	onlook_fini(&a->seen);
	free(a->told);
	return a->on.result;
}

enum vigil_result
vigil_attach_command(
    struct vigil *v, int64_t id, vigil_waits_fn *waits, void *arg, struct vigil_command *command)
{
	struct attacher a = {.vigil = v, .task_id = id, .waits = waits, .arg = arg};
	return find_command(&a, command);
}

enum vigil_result
vigil_attach_session_command(struct vigil *v, const char *session_id, struct vigil_command *command)
{
	struct attacher a = {.vigil = v, .session_id = session_id};
	return find_command(&a, command);
}
