/*
 * See child.h. A child is over when its output has ended, and it can be reaped: libev's own way to
 * watch children would reap those of others too, and needs the default loop.
 */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/process.h"

#define REAP_AGAIN_S 0.005
#define OUTPUT_LIMIT (1 << 20)

struct child {
	struct ev_loop *loop;
	pid_t pid;
	int output; /* -1: it has ended */
	struct buf text;
	ev_io io;
	ev_timer late, reap;
	child_ended *ended;
	void *arg;
};

/* ---- those that were killed ------------------------------------------------------------------ */

/* Not waited for: they are reaped when another one is started or forgotten. */
static struct {
	pid_t *all;
	size_t count;
} killed;

static bool
is_over(pid_t pid, int *status)
{
	pid_t reaped = waitpid(pid, status, WNOHANG);
	return reaped == pid || (reaped < 0 && errno != EINTR);
}

static void
reap_killed(void)
{
	size_t kept = 0;
	for (size_t i = 0; i < killed.count; i++)
		if (!is_over(killed.all[i], NULL))
			killed.all[kept++] = killed.all[i];
	killed.count = kept;
	if (!kept) {
		free(killed.all);
		killed.all = NULL;
	}
}

/* It is our child, and not reaped: its pid is nobody else's. */
static void
kill_child(pid_t pid)
{
	kill(pid, SIGKILL);
	reap_killed();
	killed.all = xrealloc(killed.all, (killed.count + 1) * sizeof *killed.all);
	killed.all[killed.count++] = pid;
}

/* ---- its end --------------------------------------------------------------------------------- */

static void
free_child(struct child *c)
{
	ev_io_stop(c->loop, &c->io);
	ev_timer_stop(c->loop, &c->late);
	ev_timer_stop(c->loop, &c->reap);
	if (c->output >= 0)
		close(c->output);
	buf_free(&c->text);
	free(c);
}

/* It may start another, or be the end of who asked. */
static void
tell_end(struct child *c, bool is_late, int status)
{
	char *text = buf_take(&c->text);
	child_ended *ended = c->ended;
	void *arg = c->arg;
	free_child(c);
	ended(arg, &(struct child_end){is_late, status, text});
	free(text);
}

static void
reap(struct child *c)
{
	int status = 0;
	if (is_over(c->pid, &status)) {
		tell_end(c, false, status);
		return;
	}
	ev_timer_set(&c->reap, REAP_AGAIN_S, 0.); /* each time: what is left of it is nothing */
	ev_timer_start(c->loop, &c->reap);
}

static void
on_reap(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	reap(timer->data);
}

static void
on_output(struct ev_loop *loop, ev_io *io, int revents)
{
	(void)revents;
	struct child *c = io->data;
	char chunk[8192];
	ssize_t n = read(c->output, chunk, sizeof chunk);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0) {
		if (c->text.len < OUTPUT_LIMIT)
			buf_add(&c->text, chunk, (size_t)n);
		return;
	}
	ev_io_stop(loop, &c->io);
	close(c->output);
	c->output = -1;
	reap(c);
}

static void
on_late(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct child *c = timer->data;
	kill_child(c->pid);
	tell_end(c, true, 0);
}

void
child_cancel(struct child *c)
{
	if (!c)
		return;
	kill_child(c->pid);
	free_child(c);
}

/* ---- its beginning --------------------------------------------------------------------------- */

/* The child, after the fork. */
static _Noreturn void
begin(void (*become)(void *), void *arg, int null, int output, int highest)
{
	setpgid(0, 0); /* Ctrl-C is for the runner, which has work to do before it ends */
	process_default_signals();
	if (dup2(null, 0) >= 0 && dup2(output, 1) >= 0 && dup2(output, 2) >= 0) {
		process_close_from(3, highest);
		become(arg);
	}
	_exit(127);
}

/* Its standard streams are above 2, where none takes the place of another. */
static int
raised(int fd)
{
	int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (fd >= 0)
		close(fd);
	return high;
}

static pid_t
fork_into(void (*become)(void *), void *arg, int input, bool can_start)
{
	int null = raised(open("/dev/null", O_RDWR | O_CLOEXEC));
	int highest = process_highest_descriptor();
	pid_t pid = can_start && null >= 0 ? process_fork() : -1;
	if (pid == 0)
		begin(become, arg, null, input, highest);
	if (null >= 0)
		close(null);
	return pid;
}

/* The end that we read, of the child in *pid; -1 if there is none. */
static int
start(void (*become)(void *), void *arg, pid_t *pid)
{
	int ends[2];
	if (pipe(ends) != 0)
		return -1;
	int output = raised(ends[0]), input = raised(ends[1]);
	*pid = fork_into(become, arg, input, output >= 0 && input >= 0);
	int saved = errno;
	if (input >= 0)
		close(input);
	if (*pid < 0 && output >= 0) {
		close(output);
		output = -1;
	}
	errno = saved;
	return output;
}

struct child *
child_start(struct ev_loop *loop, void (*become)(void *), void *become_arg, double deadline_s,
    child_ended *ended, void *arg)
{
	pid_t pid = -1;
	reap_killed();
	int output = start(become, become_arg, &pid);
	if (output < 0)
		return NULL;
	(void)fcntl(output, F_SETFL, O_NONBLOCK);
	struct child *c = xcalloc(1, sizeof *c);
	*c = (struct child){.loop = loop, .pid = pid, .output = output, .ended = ended, .arg = arg};
	ev_io_init(&c->io, on_output, output, EV_READ);
	ev_timer_init(&c->late, on_late, deadline_s, 0.);
	ev_timer_init(&c->reap, on_reap, 0., 0.);
	c->io.data = c->late.data = c->reap.data = c;
	ev_io_start(loop, &c->io);
	ev_timer_start(loop, &c->late);
	return c;
}
