/*
 * See managed.h. Each step is committed before the next one is taken: intent, pid, URL.
 */
#include "runner/managed.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/process.h"
#include "base/secret.h"
#include "opencode/serve.h"
#include "store/store.h"

/* About a second as a rule; a cold disk and a busy machine take longer. */
#define READY_DEADLINE_MS 60000
#define END_GRACE_MS 5000
#define DATABASE_ID_SIZE 64

struct managed {
	struct ev_loop *loop;
	struct store *store;
	char *password_file, *log_file, *command;
	char database[DATABASE_ID_SIZE]; /* its id; "": not read yet */
	struct serve_options options;    /* borrows the four above */
	struct serve_process process;
	int64_t server_id; /* its row; 0: none */
	bool is_new; /* started by this run: that it dies before it listens is its own fault */
	struct serve *waiting;
	managed_ready *ready;
	void *arg;
};

static struct serve_options
options_of(const char *command, const char *password_file, const char *log_file)
{
	return (struct serve_options){
	    .command = command,
	    .password_file = password_file,
	    .log_file = log_file,
	    .directory = ".",
	};
}

struct managed *
managed_new(
    struct ev_loop *loop, struct store *store, const char *command, managed_ready *ready, void *arg)
{
	struct managed *m = xcalloc(1, sizeof(*m));
	m->loop = loop;
	m->store = store;
	m->command = xstrdup(command);
	m->password_file = store_beside(store_path(store), ".password");
	m->log_file = store_beside(store_path(store), ".server.log");
	m->options = options_of(m->command, m->password_file, m->log_file);
	m->options.database = m->database;
	m->options.place = store_path(store);
	m->ready = ready;
	m->arg = arg;
	return m;
}

void
managed_free(struct managed *m)
{
	if (!m)
		return;
	serve_cancel(m->waiting);
	free(m->command);
	free(m->password_file);
	free(m->log_file);
	free(m);
}

static void
copy_text(char *out, size_t size, const char *text)
{
	size_t length = text ? strlen(text) : 0;
	if (length >= size)
		length = size - 1;
	memcpy(out, text ? text : "", length);
	out[length] = '\0';
}

void
managed_read_process(const struct row *row, size_t first, struct serve_process *process)
{
	process->pid = (pid_t)row_int(row, first);
	process->start_ticks = (uint64_t)row_int(row, first + 1);
	copy_text(process->boot_id, sizeof(process->boot_id), row_text(row, first + 2));
	copy_text(process->nonce, sizeof(process->nonce), row_text(row, first + 3));
}

static bool
read_row(void *arg, const struct row *row)
{
	struct managed *m = arg;
	m->server_id = row_int(row, 0);
	managed_read_process(row, 1, &m->process);
	return false;
}

static bool
read_id(void *arg, const struct row *row)
{
	struct managed *m = arg;
	copy_text(m->database, sizeof(m->database), row_text(row, 0));
	return false;
}

static bool
know_database(struct managed *m, struct fault *why)
{
	return m->database[0] || store_run(m->store, Q_database_id, NULL, 0, read_id, m, why);
}

/* The row of an earlier run's server, if there is one that has not ended. */
static bool
find_row(struct managed *m, struct fault *why)
{
	struct value v[] = {value_text(MANAGED_NAME)};
	return m->server_id || store_run(m->store, Q_server_alive, v, 1, read_row, m, why);
}

static bool
write_pid(struct managed *m, struct fault *why)
{
	struct value v[] = {value_int(m->server_id), value_int(m->process.pid),
	    value_int((int64_t)m->process.start_ticks)};
	failpoint_before(FP_SERVER_PID);
	bool ok = store_run(m->store, Q_server_process, v, 3, NULL, NULL, why);
	failpoint_after(FP_SERVER_PID);
	return ok;
}

static bool
write_intent(struct managed *m, struct fault *why)
{
	struct value v[] = {value_text(MANAGED_NAME), value_null(), value_text(m->process.nonce),
	    value_text(m->process.boot_id)};
	failpoint_before(FP_SERVER_INTENT);
	if (!store_run(m->store, Q_server_insert, v, 4, NULL, NULL, why))
		return false;
	failpoint_after(FP_SERVER_INTENT);
	m->server_id = store_last_id(m->store);
	return true;
}

/* A row that cannot be ended now stays known, and is ended before the next one is made: of two, the
 * older would never be. */
static bool
write_end(struct managed *m, const char *ending, struct fault *why)
{
	struct value v[] = {
	    value_int(m->server_id), value_time(clock_now_ms()), value_text(ending)};
	failpoint_before(FP_SERVER_ENDED);
	if (!store_run(m->store, Q_server_end, v, 3, NULL, NULL, why))
		return false;
	failpoint_after(FP_SERVER_ENDED);
	m->server_id = 0;
	return true;
}

static bool
write_url(struct managed *m, const char *url, struct fault *why)
{
	struct value v[] = {value_int(m->server_id), value_text(url)};
	failpoint_before(FP_SERVER_URL);
	bool ok = store_run(m->store, Q_server_url, v, 2, NULL, NULL, why);
	failpoint_after(FP_SERVER_URL);
	return ok;
}

/* A new one that died by itself would do so again: the command, or its configuration, is wrong.
 * What an earlier run has left may have been killed with it, before it was a server or long after:
 * a large process is dying for a while. */
static void
tell_not_listening(struct managed *m, const char *sentence)
{
	struct fault why;
	bool has_died = !serve_find(&m->process);
	if (has_died && !m->is_new)
		sentence = "the OpenCode server has died";
	fault_set(&why, has_died && m->is_new ? FAULT_USAGE : FAULT_ENV, "%s", sentence);
	(void)managed_end(m, sentence);
	m->ready(m->arg, NULL, NULL, &why);
}

static void
on_listening(void *arg, const char *url, const char *sentence)
{
	struct managed *m = arg;
	struct fault why;
	m->waiting = NULL;
	if (!url) {
		tell_not_listening(m, sentence);
		return;
	}
	if (!write_url(m, url, &why)) { /* the database's trouble, not the server's */
		m->ready(m->arg, NULL, NULL, &why);
		return;
	}
	struct fault ignored; /* `vigil attach` and others find it as we did */
	char *password = serve_password_of(&m->options, &m->process, &why);
	if (password)
		(void)serve_keep_password(&m->options, password, &ignored);
	else
		(void)managed_end(m, why.text); /* nobody could ever talk to it */
	m->ready(m->arg, password ? url : NULL, password, &why);
	secret_free(password);
}

static void
await(struct managed *m)
{
	m->waiting =
	    serve_await(m->loop, &m->options, &m->process, READY_DEADLINE_MS, on_listening, m);
}

static bool
end_process(struct managed *m, struct fault *why)
{
	failpoint_before(FP_SERVER_END);
	bool is_gone = serve_end(&m->process, END_GRACE_MS);
	failpoint_after(FP_SERVER_END);
	return is_gone || fault_set(why, FAULT_ENV,
			      "what an earlier OpenCode server has left running (pid %ld and its "
			      "children) cannot be ended",
			      (long)m->process.pid);
}

/* Servers of this database that no row knows: the row was ended by hand, or an older state of the
 * database was put back. They may be at work on what is about to be started again; and nobody else
 * drives them, for the lock is ours. */
static bool
end_strays(struct managed *m, struct fault *why)
{
	struct serve_process stray;
	const struct serve_options *o = &m->options;
	while (o->database[0] &&
	       serve_find_stray(o->database, o->place, m->server_id ? &m->process : NULL, &stray))
		if (!serve_end(&stray, END_GRACE_MS))
			return fault_set(why, FAULT_ENV,
			    "an OpenCode server of this database, which no row knows, cannot be "
			    "ended");
	return true;
}

/* The server that is known, if it is alive. Of several rows, as a hand can make, each is looked at:
 * one that lives must not be forgotten behind one that does not. */
static bool
adopt(struct managed *m, struct fault *why)
{
	m->is_new = false;
	while (find_row(m, why)) {
		if (!m->server_id)
			return true;
		if (serve_find(&m->process))
			return write_pid(m, why);
		if (!end_process(m, why) || !write_end(m, "it was found dead", why))
			return false;
	}
	return false;
}

static bool
on_forked(void *arg, const struct serve_process *process, struct fault *why)
{
	struct managed *m = arg;
	m->process = *process;
	return write_pid(m, why);
}

static bool
start_new(struct managed *m, struct fault *why)
{
	m->is_new = true;
	m->options.forked = on_forked;
	m->options.arg = m;
	memset(&m->process, 0, sizeof(m->process));
	if (!serve_prepare(&m->options, &m->process, why) || !write_intent(m, why))
		return false;
	if (serve_start(&m->options, &m->process, why))
		return true;
	(void)managed_end(m, why->text);
	return false;
}

bool
managed_start(struct managed *m, struct fault *why)
{
	if (!know_database(m, why) || !adopt(m, why) || !end_strays(m, why))
		return false;
	if (!m->server_id && !start_new(m, why))
		return false;
	await(m);
	return true;
}

bool
managed_is_new(const struct managed *m)
{
	return m->is_new;
}

bool
managed_is_alive(struct managed *m)
{
	return m->server_id && (serve_find(&m->process) || !process_can_look());
}

bool
managed_listens(const struct managed *m, const char *url)
{
	return serve_listens(&m->process, url);
}

bool
managed_is_left_at(struct managed *m, const char *url)
{
	struct fault ignored;
	return find_row(m, &ignored) && m->server_id && managed_listens(m, url);
}

int64_t
managed_server_id(const struct managed *m)
{
	return m->server_id;
}

bool
managed_end(struct managed *m, const char *why)
{
	struct fault ignored; /* the next run finds it */
	serve_cancel(m->waiting);
	m->waiting = NULL;
	if (!know_database(m, &ignored) || !find_row(m, &ignored))
		return false;
	if (m->server_id && !end_process(m, &ignored))
		return false;
	if (m->server_id)
		(void)write_end(m, why, &ignored);
	return end_strays(m, &ignored);
}

char *
managed_password(
    const char *database, const struct serve_process *process, const char *url, struct fault *why)
{
	if (!serve_listens(process, url)) {
		fault_set(why, FAULT_ENV, "the managed OpenCode server is not at %s", url);
		return NULL;
	}
	char *path = store_beside(database, ".password");
	struct serve_options options = options_of(NULL, path, NULL);
	char *password = serve_password_of(&options, process, why);
	free(path);
	return password;
}
