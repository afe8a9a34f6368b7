/*
 * Which process the managed server is, and where it listens: all by what /proc shows. The log is
 * asked only where that leaves a choice.
 */
#include "opencode/serve_find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "opencode/serve_log.h"

bool
serve_this_boot(const struct serve_process *process)
{
	char now[SERVE_BOOT_SIZE];
	process_boot_id(now, sizeof now);
	return strcmp(now, process->boot_id) == 0;
}

static bool
environ_is(pid_t pid, const char *name, const char *wanted)
{
	char *value = process_environ(pid, name);
	bool same = value != NULL && strcmp(value, wanted) == 0;
	free(value);
	return same;
}

bool
serve_carries(const struct process_stat *process, const char *nonce)
{
	return nonce[0] != '\0' && environ_is(process->pid, SERVE_NONCE_NAME, nonce);
}

/* Is it of the session that the server with this nonce led, going by its environment alone? */
static bool
is_marked(const struct process_stat *process, const char *nonce)
{
	char leader[24];
	snprintf(leader, sizeof leader, "%ld", (long)process->session);
	return environ_is(process->pid, SERVE_LEADER_NAME, leader) && serve_carries(process, nonce);
}

static bool
search_by_nonce(struct serve_process *process)
{
	struct process_stat *list;
	size_t count = process_list(&list);
	for (size_t i = 0; i < count && process->pid == 0; i++) {
		if (list[i].session != list[i].pid || !is_marked(&list[i], process->nonce))
			continue;
		process->pid = list[i].pid;
		process->start_ticks = list[i].start_ticks;
	}
	free(list);
	return process->pid != 0;
}

void
serve_reap(const struct process_stat *dead, int *status)
{
	int ended;
	if (dead->parent == getpid() && waitpid(dead->pid, &ended, WNOHANG) == dead->pid)
		*status = ended;
}

bool
serve_look(struct serve_process *process, int *status)
{
	struct process_stat now;
	/* Without a boot id the caller knows the nonce alone, which is enough. */
	if (process->boot_id[0] == '\0' && process->pid == 0)
		process_boot_id(process->boot_id, sizeof process->boot_id);
	if (!serve_this_boot(process))
		return false;
	if (process->pid == 0 && !search_by_nonce(process))
		return false;
	if (!process_stat(process->pid, &now) || now.start_ticks != process->start_ticks)
		return false;
	if (process_lives(&now))
		return true;
	serve_reap(&now, status);
	return false;
}

bool
serve_find(struct serve_process *process)
{
	int status;
	return serve_look(process, &status);
}

char *
serve_environ(const struct serve_process *known, const char *variable)
{
	struct serve_process process = *known;
	return serve_find(&process) ? process_environ(process.pid, variable) : NULL;
}

/* ---- Whose it is ---- */

/* A database that was moved takes with it what was started where it lay before; but where another
 * lies there now, that may be the first one's. Without a place there is the id alone. */
static bool
is_from(pid_t pid, const char *place)
{
	char *from = process_environ(pid, SERVE_PLACE_NAME);
	bool is_ours = !from || file_has_left(from, place);
	free(from);
	return is_ours;
}

static bool
is_stray(const struct process_stat *process, const char *database, const char *place,
    const struct serve_process *known)
{
	return process->pid != getpid() && process_lives(process) &&
	       environ_is(process->pid, SERVE_DATABASE_NAME, database) &&
	       !(known && serve_carries(process, known->nonce)) && is_from(process->pid, place);
}

bool
serve_find_stray(const char *database, const char *place, const struct serve_process *known,
    struct serve_process *stray)
{
	struct process_stat *list;
	size_t count = process_list(&list);
	*stray = (struct serve_process){0};
	for (size_t i = 0; i < count && !stray->nonce[0]; i++) {
		if (!is_stray(&list[i], database, place, known))
			continue;
		char *nonce = process_environ(list[i].pid, SERVE_NONCE_NAME);
		snprintf(stray->nonce, sizeof stray->nonce, "%s", nonce ? nonce : "");
		free(nonce);
	}
	free(list);
	return stray->nonce[0] != '\0';
}

/* ---- Where it listens ---- */

static void
make_url(char out[SERVE_URL_SIZE], const struct process_listener *listener)
{
	snprintf(out, SERVE_URL_SIZE, "http://%s:%u", listener->v6 ? "[::1]" : "127.0.0.1",
	    (unsigned)listener->port);
}

/* Where several listen: what the log says of them counts, then age, since what the server starts
 * comes later. */
struct candidate {
	const struct process_listener *listener;
	uint64_t start_ticks;
	bool logged;
};

static bool
is_better(const struct candidate *a, const struct candidate *b)
{
	if (b->listener == NULL || a->logged != b->logged)
		return b->listener == NULL || a->logged;
	return a->start_ticks < b->start_ticks;
}

/* Puts the best of one process's listeners into *best, if it is better. */
static void
consider(const struct process_stat *owner, const struct process_listener *listeners, size_t count,
    const char *log, const char *nonce, struct candidate *best)
{
	for (size_t i = 0; i < count; i++) {
		if (!process_owns(owner->pid, listeners[i].inode))
			continue;
		char url[SERVE_URL_SIZE];
		make_url(url, &listeners[i]);
		struct candidate candidate = {.listener = &listeners[i],
		    .start_ticks = owner->start_ticks,
		    .logged = serve_log_names(log, nonce, url)};
		if (is_better(&candidate, best))
			*best = candidate;
	}
}

bool
serve_find_url(const struct serve_process *process, const char *log, char url[SERVE_URL_SIZE])
{
	struct process_listener *listeners;
	struct process_stat *list;
	struct candidate best = {0};
	size_t listening = process_listeners(&listeners);
	size_t count = process_list(&list);
	for (size_t i = 0; i < count; i++)
		if (list[i].session == process->pid)
			consider(&list[i], listeners, listening, log, process->nonce, &best);
	if (best.listener != NULL)
		make_url(url, best.listener);
	free(list);
	free(listeners);
	return best.listener != NULL;
}

/* Does anyone in the session own this socket? */
static bool
session_owns(pid_t session, uint64_t inode)
{
	struct process_stat *list;
	size_t count = process_list(&list);
	bool found = false;
	for (size_t i = 0; i < count && !found; i++)
		found = list[i].session == session && process_owns(list[i].pid, inode);
	free(list);
	return found;
}

bool
serve_listens(const struct serve_process *known, const char *url)
{
	struct serve_process process = *known;
	struct process_listener *listeners;
	if (!serve_find(&process))
		return false;
	size_t count = process_listeners(&listeners);
	bool found = false;
	for (size_t i = 0; i < count && !found; i++) {
		char candidate[SERVE_URL_SIZE];
		make_url(candidate, &listeners[i]);
		found =
		    strcmp(candidate, url) == 0 && session_owns(process.pid, listeners[i].inode);
	}
	free(listeners);
	return found;
}
