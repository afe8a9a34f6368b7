/*
 * The managed server's end, and that of all that goes with it.
 *
 * One rule, whether it is ended in order or was found dead: what carries its nonce goes. A dead
 * server's agents have commands under way that nothing else tells from what they meant to leave
 * behind, and a turn that goes on must not find them still at work; and the next night must not
 * find the ports of this one taken. The nonce is proof, and a way out: what is to outlive the
 * server is started without it (env -u VIGIL_SERVER_NONCE …), and not as its child.
 *
 * It blocks. The server's tasks can go on only with the next one, which is not started before this
 * one is gone; those of other servers only wait; whatever else is to be done (a signal, a command's
 * edit, a watchdog of minutes) can wait for some seconds, and nothing of it is lost meanwhile.
 */
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "opencode/serve_find.h"

#define KILL_WAIT_MS 2000 /* how long a killed process may take to go */
#define NAP_MS 10

/* What is to go: those that were seen to be the server's, once in its tree ours for good. A
 * process that loses its parent is given to another, so the tree must be read while it stands. */
struct doomed {
	pid_t pid;
	uint64_t start_ticks;
};

struct ending {
	struct serve_process process;
	bool led; /* the leader was alive: its session is what it was */
	struct doomed *doomed;
	size_t count;
};

static bool
is_doomed(const struct ending *ending, const struct process_stat *process)
{
	for (size_t i = 0; i < ending->count; i++)
		if (ending->doomed[i].pid == process->pid &&
		    ending->doomed[i].start_ticks == process->start_ticks)
			return true;
	return false;
}

static void
add_doomed(struct ending *ending, const struct process_stat *process)
{
	ending->doomed = xrealloc(ending->doomed, (ending->count + 1) * sizeof *ending->doomed);
	ending->doomed[ending->count++] =
	    (struct doomed){.pid = process->pid, .start_ticks = process->start_ticks};
}

/* While its leader is known to have lived, its session's number says so too: a pid is not given out
 * again while a session bears it. */
static bool
of_server(const struct ending *ending, const struct process_stat *process)
{
	return (ending->led && process->session == ending->process.pid) ||
	       serve_carries(process, ending->process.nonce);
}

/* Adds what is new, and tells it to end. True: something was new, so its children may be too. */
static bool
doom_round(struct ending *ending, const struct process_stat *list, size_t count)
{
	bool more = false;
	for (size_t i = 0; i < count; i++) {
		const struct process_stat *process = &list[i];
		if (!process_lives(process) || process->pid == getpid() ||
		    is_doomed(ending, process))
			continue;
		const struct process_stat *parent = process_in_list(list, count, process->parent);
		if (!of_server(ending, process) && (parent == NULL || !is_doomed(ending, parent)))
			continue;
		add_doomed(ending, process);
		process_signal(process->pid, process->start_ticks, SIGTERM);
		more = true;
	}
	return more;
}

/* How many are left; with `kill_them`, killed. */
static size_t
count_left(struct ending *ending, const struct process_stat *list, size_t count, bool kill_them)
{
	size_t left = 0;
	int status;
	for (size_t i = 0; i < count; i++) {
		if (!is_doomed(ending, &list[i]))
			continue;
		if (!process_lives(&list[i])) {
			serve_reap(&list[i], &status);
			continue;
		}
		left++;
		if (kill_them)
			process_signal(list[i].pid, list[i].start_ticks, SIGKILL);
	}
	return left;
}

/* The leader's pid is another process's now: then all of its session had gone before. */
static void
notice_reuse(struct ending *ending)
{
	struct process_stat now;
	if (ending->led && process_stat(ending->process.pid, &now) &&
	    now.start_ticks != ending->process.start_ticks)
		ending->led = false;
}

static size_t
end_round(struct ending *ending, bool kill_them)
{
	struct process_stat *list;
	notice_reuse(ending);
	size_t count = process_list(&list);
	while (doom_round(ending, list, count))
		;
	size_t left = count_left(ending, list, count, kill_them);
	if (!process_in_list(list, count, getpid()) || !process_can_look())
		left++; /* there may be more than what is seen */
	free(list);
	return left;
}

static void
nap(void)
{
	struct timespec ms = {.tv_nsec = NAP_MS * 1000000L};
	nanosleep(&ms, NULL);
}

bool
serve_end(const struct serve_process *process, int64_t grace_ms)
{
	struct ending ending = {.process = *process};
	ending.led = serve_find(&ending.process);
	if (!serve_this_boot(&ending.process))
		return process_can_look();
	int64_t kill_at = clock_monotonic_ms() + grace_ms;
	size_t left;
	while ((left = end_round(&ending, clock_monotonic_ms() >= kill_at)) > 0 &&
	       clock_monotonic_ms() < kill_at + KILL_WAIT_MS)
		nap();
	free(ending.doomed);
	return left == 0;
}
