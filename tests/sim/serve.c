/*
 * The managed server: what serve_start.c, serve_find.c, serve_end.c and serve_log.c do with real
 * processes. serve.c itself, the secrets and the waiting, is the real one.
 */
#include "opencode/serve.h"

#include <stdio.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/secret.h"
#include "opencode/serve_find.h"
#include "opencode/serve_log.h"
#include "world.h"

#define SLOW_US (70 * SECOND) /* longer than anybody waits for it */

static int
find(const struct serve_process *process)
{
	for (int i = 0; i < w->process_count; i++) {
		const struct process *p = &w->process[i];
		if (!p->is_managed || !p->is_alive)
			continue;
		if (process->pid ? p->pid == process->pid : strcmp(p->nonce, process->nonce) == 0)
			return i;
	}
	return -1;
}

static int64_t
start_time_us(void)
{
	if (world_is_calm() || !w->plan.slow)
		return 900 * MS;
	if (world_happens(30))
		return SLOW_US;
	return (100 + world_upto(4000)) * MS;
}

/* As in serve_start.c: the process is the server only once its identity is kept. */
bool
serve_start(const struct serve_options *options, struct serve_process *process, struct fault *fault)
{
	char *password = serve_password(options, fault);
	if (!password)
		return false;
	failpoint_before(FP_SERVER_START);
	failpoint_after(FP_SERVER_START);
	process->pid = 1000 + w->process_count;
	process->start_ticks = (uint64_t)process->pid;
	if (options->forked && !options->forked(options->arg, process, fault)) {
		secret_free(password);
		process->pid = 0;
		return false;
	}
	int at = process_start(true, process->nonce, password, start_time_us());
	secret_free(password);
	trace("* server process %d starts", at);
	if (w->plan.slow && !world_is_calm() && world_happens(50))
		world_plan_act(ACT_KILL_SERVER, w->now_us + 500 * MS, 0);
	return true;
}

bool
serve_find(struct serve_process *process)
{
	return serve_look(process, NULL);
}

/* Each life's database knows all of its servers. */
bool
serve_find_stray(const char *database, const char *place, const struct serve_process *known,
    struct serve_process *stray)
{
	(void)database, (void)place, (void)known, (void)stray;
	return false;
}

char *
serve_environ(const struct serve_process *process, const char *variable)
{
	(void)process, (void)variable;
	return NULL;
}

bool
serve_look(struct serve_process *process, int *status)
{
	int at = find(process);
	(void)status;
	if (at < 0)
		return false;
	process->pid = w->process[at].pid;
	process->start_ticks = (uint64_t)process->pid;
	return true;
}

bool
serve_listens(const struct serve_process *process, const char *url)
{
	int at = find(process);
	return at >= 0 && process_listens(at) && strcmp(w->process[at].url, url) == 0;
}

bool
serve_find_url(const struct serve_process *process, const char *log_file, char url[SERVE_URL_SIZE])
{
	int at = find(process);
	(void)log_file;
	if (at < 0 || !process_listens(at))
		return false;
	snprintf(url, SERVE_URL_SIZE, "%s", w->process[at].url);
	return true;
}

/* One that hangs does not hear the first signal. */
bool
serve_end(const struct serve_process *process, int64_t grace_ms)
{
	int at = find(process);
	if (at < 0)
		return true;
	w->now_us += process_is_wedged(at) ? grace_ms * MS : 200 * MS;
	process_kill(at);
	return true;
}

char *
serve_log_tail(const char *path, const char *nonce)
{
	(void)path;
	(void)nonce;
	return xstrdup("");
}
