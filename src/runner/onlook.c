/*
 * See onlook.h.
 */
#include "runner/onlook.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/process.h"
#include "base/secret.h"
#include "runner/link.h"
#include "runner/managed.h"

static bool
read_row(void *arg, const struct row *row)
{
	struct onlook *o = arg;
	const char *status = row_text(row, ONLOOK_STATUS);
	if (status && !status_parse(status, &o->status))
		die("a task has the status '%s'", status);
	o->directory = xstrdup(row_text(row, ONLOOK_DIRECTORY));
	o->attempt_id = row_int(row, ONLOOK_ATTEMPT_ID);
	o->session_id = xstrdup(row_text(row, ONLOOK_SESSION_ID));
	o->server = xstrdup(row_text(row, ONLOOK_SERVER));
	o->url = xstrdup(row_text(row, ONLOOK_URL));
	managed_read_process(row, ONLOOK_PID, &o->process);
	return false;
}

bool
onlook_read(struct vigil *vigil, int64_t task_id, struct onlook *o)
{
	struct value id = value_int(task_id);
	*o = (struct onlook){0};
	if (!handle_has_task(vigil, task_id))
		return false;
	if (store_run(vigil->store, Q_onlook, &id, 1, read_row, o, &vigil->fault))
		return true;
	onlook_fini(o);
	return false;
}

bool
onlook_read_session(struct vigil *vigil, const char *session_id, struct onlook *o)
{
	struct value id = value_text(session_id);
	*o = (struct onlook){0};
	if (store_run(vigil->store, Q_onlook_session, &id, 1, read_row, o, &vigil->fault))
		return true;
	onlook_fini(o);
	return false;
}

void
onlook_fini(struct onlook *o)
{
	char *const owned[] = {o->directory, o->session_id, o->server, o->url};
	for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++)
		free(owned[i]);
	*o = (struct onlook){0};
}

static bool
keep_reason(void *arg, const struct row *row)
{
	char **reason = arg;
	*reason = xstrdup(row_text(row, 0));
	return false;
}

bool
onlook_reason(struct vigil *vigil, int64_t task_id, char **reason)
{
	bool has_runner = store_lock_holder(vigil->database) != 0;
	struct value values[] = {value_int(task_id), value_int(has_runner)};
	*reason = NULL;
	return store_run(
	    vigil->store, Q_show_reason, values, 2, keep_reason, reason, &vigil->fault);
}

bool
onlook_has_session(const struct onlook *o)
{
	return o->session_id && o->server && o->url;
}

/* In a pane, the environment is that of a tmux server which may be older than the password: then
 * it is the runner's that has it. */
static char *
given_password(const struct vigil *vigil)
{
	const char *own = link_given_password(vigil->config);
	long runner = own ? 0 : store_lock_holder(vigil->database);
	return runner ? process_environ((pid_t)runner, vigil->config->server_password_env)
		      : xstrdup(own);
}

bool
onlook_key(
    const struct vigil *vigil, const struct onlook *o, struct onlook_key *key, struct fault *why)
{
	bool is_managed = strcmp(o->server, MANAGED_NAME) == 0;
	*key = (struct onlook_key){0};
	if (is_managed)
		key->password = managed_password(vigil->database, &o->process, o->url, why);
	else
		key->password = given_password(vigil);
	if (key->password)
		key->user = is_managed ? SERVE_USER : vigil->config->server_username;
	return key->password || !is_managed;
}

void
onlook_key_fini(struct onlook_key *key)
{
	secret_free(key->password);
	*key = (struct onlook_key){0};
}

/* ---- the loop ------------------------------------------------------------------------------- */

void
onlook_loop_init(struct onlook_loop *l, onlook_look *look, double every_s, void *data)
{
	l->loop = ev_loop_new(EVFLAG_AUTO);
	l->result = VIGIL_OK;
	ev_timer_init(&l->look, look, 0., every_s);
	l->look.data = data;
}

void
onlook_loop_run(struct onlook_loop *l)
{
	ev_timer_start(l->loop, &l->look);
	ev_run(l->loop, 0);
	ev_timer_stop(l->loop, &l->look);
}

void
onlook_loop_stop(struct onlook_loop *l, enum vigil_result result)
{
	l->result = result;
	ev_break(l->loop, EVBREAK_ALL);
}

void
onlook_loop_fini(struct onlook_loop *l)
{
	ev_loop_destroy(l->loop);
}
