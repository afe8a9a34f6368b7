/*
 * See tmux.h. A command is over when its output has ended, and it can be reaped: libev's own way to
 * watch children would reap those of others too, and needs the default loop.
 */
#include "tmux/tmux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/environment.h"
#include "base/process.h"
#include "tmux/pane.h"

#define ANSWER_WITHIN_S 5.0
#define REAP_AGAIN_S 0.005
#define OUTPUT_LIMIT (1 << 20)
#define CANNOT_RUN 127 /* the shell's status for it */

extern char **environ;

struct job {
	struct job *next;
	char **argv;
	tmux_done *done;
	void *arg;
};

struct later {
	struct later *next;
	struct tmux *tmux;
	ev_timer timer;
	tmux_done *done;
	void *arg;
};

struct tmux {
	struct ev_loop *loop;
	char **environment;
	struct job *first, **end; /* the first is under way, if `pid` or `start` say so */
	struct later *laters;
	ev_timer start; /* the first one, after the callback that asked for it has returned */

	/* The one under way. */
	pid_t pid; /* 0: none */
	int output;
	struct buf text;
	ev_io io;
	ev_timer late, reap;
	bool is_late;
};

/* ---- the queue ------------------------------------------------------------------------------ */

static void
start_next(struct tmux *t)
{
	if (t->first && !t->pid)
		ev_timer_start(t->loop, &t->start);
}

static void
free_job(struct job *job)
{
	for (size_t i = 0; job->argv[i]; i++)
		free(job->argv[i]);
	free(job->argv);
	free(job);
}

/* A semicolon at the end of an argument would end the command. */
static char *
literal(const char *argument)
{
	size_t length = strlen(argument);
	if (!length || argument[length - 1] != ';')
		return xstrdup(argument);
	return xasprintf("%.*s\\;", (int)(length - 1), argument);
}

void
tmux_run(
    struct tmux *t, const char *socket, const char *const *arguments, tmux_done *done, void *arg)
{
	struct job *job = xcalloc(1, sizeof *job);
	size_t count = 0;
	while (arguments[count])
		count++;
	job->argv = xcalloc(count + 4, sizeof *job->argv);
	job->argv[0] = xstrdup("tmux");
	/* Of its default socket tmux makes the folder too. */
	job->argv[1] = xstrdup(socket ? "-S" : "-L");
	job->argv[2] = xstrdup(socket ? socket : "default");
	for (size_t i = 0; i < count; i++)
		job->argv[3 + i] = literal(arguments[i]);
	job->done = done;
	job->arg = arg;
	*t->end = job;
	t->end = &job->next;
	start_next(t);
}

/* The first one is over. */
static void
finish(struct tmux *t, enum tmux_outcome outcome, const char *text)
{
	struct job *job = t->first;
	const struct tmux_reply reply = {outcome, text};
	t->first = job->next;
	if (!t->first)
		t->end = &t->first;
	if (job->done)
		job->done(job->arg, &reply);
	free_job(job);
	start_next(t);
}

/* ---- its end -------------------------------------------------------------------------------- */

static bool
says_no_server(const char *text)
{
	static const char *const words[] = {
	    "no server running on", "error connecting to", "server exited", "lost server"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strncmp(text, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

static void
cut_newline(char *text)
{
	size_t length = strlen(text);
	while (length && text[length - 1] == '\n')
		text[--length] = '\0';
}

static void
judge(struct tmux *t, int status, char *text)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	if (t->is_late) {
		finish(t, TMUX_LATE, "tmux does not answer");
	} else if (code == CANNOT_RUN) {
		finish(t, TMUX_MISSING, "tmux is not installed, or not on the PATH");
	} else if (code == 0) {
		finish(t, TMUX_OK, text);
	} else {
		cut_newline(text);
		finish(t, says_no_server(text) ? TMUX_NO_SERVER : TMUX_REFUSED,
		    *text ? text : "tmux failed and did not say why");
	}
}

static void
reap(struct tmux *t)
{
	int status = 0;
	pid_t ended = waitpid(t->pid, &status, WNOHANG);
	if (ended == 0 || (ended < 0 && errno == EINTR)) {
		ev_timer_start(t->loop, &t->reap);
		return;
	}
	char *text = buf_take(&t->text);
	ev_timer_stop(t->loop, &t->late);
	t->pid = 0;
	judge(t, status, text);
	free(text);
}

static void
end_output(struct tmux *t)
{
	ev_io_stop(t->loop, &t->io);
	close(t->output);
	t->output = -1;
	reap(t);
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
	(void)loop;
	(void)revents;
	struct tmux *t = io->data;
	char chunk[8192];
	ssize_t n = read(t->output, chunk, sizeof chunk);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)
		end_output(t);
	else if (t->text.len < OUTPUT_LIMIT)
		buf_add(&t->text, chunk, (size_t)n);
}

/* It is our child, and not reaped: its pid is nobody else's. */
static void
on_late(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct tmux *t = timer->data;
	t->is_late = true;
	kill(t->pid, SIGKILL);
	if (t->output >= 0)
		end_output(t);
}

/* ---- its beginning -------------------------------------------------------------------------- */

/* The child, between fork and exec: async-signal-safe calls alone. */
static _Noreturn void
become_tmux(const struct tmux *t, int null, int output, int highest)
{
	setpgid(0, 0); /* Ctrl-C is for the runner, which has work to do before it ends */
	process_default_signals();
	if (dup2(null, 0) >= 0 && dup2(output, 1) >= 0 && dup2(output, 2) >= 0) {
		process_close_from(3, highest);
		environ = t->environment;
		execvp("tmux", t->first->argv);
	}
	_exit(CANNOT_RUN);
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

static bool
start(struct tmux *t)
{
	int ends[2];
	if (pipe(ends) != 0)
		return false;
	int output = raised(ends[0]), input = raised(ends[1]);
	int null = raised(open("/dev/null", O_RDWR | O_CLOEXEC));
	int highest = process_highest_descriptor();
	if (output >= 0 && input >= 0 && null >= 0) {
		t->pid = process_fork();
		if (t->pid == 0)
			become_tmux(t, null, input, highest);
	}
	close(null);
	close(input);
	if (t->pid > 0) {
		t->output = output;
		return fcntl(output, F_SETFL, O_NONBLOCK) == 0;
	}
	t->pid = 0;
	close(output);
	return false;
}

static void
on_start(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct tmux *t = timer->data;
	if (!start(t)) {
		char *sentence = xasprintf("cannot start tmux: %s", strerror(errno));
		finish(t, TMUX_REFUSED, sentence);
		free(sentence);
		return;
	}
	t->is_late = false;
	ev_io_set(&t->io, t->output, EV_READ);
	ev_io_start(t->loop, &t->io);
	ev_timer_set(&t->late, ANSWER_WITHIN_S, 0.);
	ev_timer_start(t->loop, &t->late);
}

/* ---- later ---------------------------------------------------------------------------------- */

static void
on_later(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct later *l = timer->data;
	struct later **at = &l->tmux->laters;
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	l->done(l->arg, &(struct tmux_reply){TMUX_OK, ""});
	free(l);
}

void
tmux_later(struct tmux *t, double seconds, tmux_done *done, void *arg)
{
	struct later *l = xcalloc(1, sizeof *l);
	l->tmux = t;
	l->done = done;
	l->arg = arg;
	l->next = t->laters;
	t->laters = l;
	ev_timer_init(&l->timer, on_later, seconds, 0.);
	l->timer.data = l;
	ev_timer_start(t->loop, &l->timer);
}

/* ---- outside -------------------------------------------------------------------------------- */

/* What tells of this run, and a server would hand on to every pane of a person's. */
static char **
make_environment(const char *secret)
{
	const char *const kept_back[] = {"OPENCODE_SERVER_PASSWORD", PANE_MARK_NAME,
	    "VIGIL_FAILPOINT", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", secret, NULL};
	size_t count;
	return environment_copy(kept_back, 0, &count);
}

struct tmux *
tmux_new(struct ev_loop *loop, const char *secret)
{
	struct tmux *t = xcalloc(1, sizeof *t);
	t->loop = loop;
	t->environment = make_environment(secret);
	t->end = &t->first;
	t->output = -1;
	ev_timer_init(&t->start, on_start, 0., 0.);
	ev_timer_init(&t->late, on_late, 0., 0.);
	ev_timer_init(&t->reap, on_reap, REAP_AGAIN_S, 0.);
	ev_init(&t->io, on_output);
	t->start.data = t->late.data = t->reap.data = t->io.data = t;
	return t;
}

static void
drop_laters(struct tmux *t)
{
	const struct tmux_reply dropped = {TMUX_DROPPED, ""};
	while (t->laters) {
		struct later *l = t->laters;
		t->laters = l->next;
		ev_timer_stop(t->loop, &l->timer);
		l->done(l->arg, &dropped);
		free(l);
	}
}

static void
drop_jobs(struct tmux *t)
{
	const struct tmux_reply dropped = {TMUX_DROPPED, ""};
	while (t->first) {
		struct job *job = t->first;
		t->first = job->next;
		if (job->done)
			job->done(job->arg, &dropped);
		free_job(job);
	}
}

static void
stop_watchers(struct tmux *t)
{
	ev_timer_stop(t->loop, &t->start);
	ev_timer_stop(t->loop, &t->late);
	ev_timer_stop(t->loop, &t->reap);
	ev_io_stop(t->loop, &t->io);
}

static void
kill_command(struct tmux *t)
{
	if (t->output >= 0)
		close(t->output);
	if (!t->pid)
		return;
	kill(t->pid, SIGKILL);
	while (waitpid(t->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void
tmux_free(struct tmux *t)
{
	if (!t)
		return;
	stop_watchers(t);
	kill_command(t);
	drop_jobs(t);
	drop_laters(t);
	buf_free(&t->text);
	for (size_t i = 0; t->environment[i]; i++)
		free(t->environment[i]);
	free(t->environment);
	free(t);
}
