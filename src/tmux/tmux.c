/*
 * See tmux.h. Commands wait in a queue, the first of them is a child process of ours.
 */
#include "tmux/tmux.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/environment.h"
#include "tmux/pane.h"

#define ANSWER_WITHIN_S 5.0
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
	struct job *first, **end; /* the first is under way, if `child` or `start` say so */
	struct child *child;      /* NULL: none */
	ev_timer start; /* the first one, after the callback that asked for it has returned */
	struct later *laters;
};

/* ---- the queue ------------------------------------------------------------------------------ */

static void
start_next(struct tmux *t)
{
	if (t->first && !t->child)
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

/* The caller frees. */
static char *
without_newline(const char *text)
{
	size_t length = strlen(text);
	while (length && text[length - 1] == '\n')
		length--;
	return xasprintf("%.*s", (int)length, text);
}

static void
on_ended(void *arg, const struct child_end *end)
{
	struct tmux *t = arg;
	int code = WIFEXITED(end->status) ? WEXITSTATUS(end->status) : -1;
	t->child = NULL;
	if (end->is_late) {
		finish(t, TMUX_LATE, "tmux does not answer");
	} else if (code == CANNOT_RUN) {
		finish(t, TMUX_MISSING, "tmux is not installed, or not on the PATH");
	} else if (code == 0) {
		finish(t, TMUX_OK, end->text);
	} else {
		char *text = without_newline(end->text);
		finish(t, says_no_server(text) ? TMUX_NO_SERVER : TMUX_REFUSED,
		    *text ? text : "tmux failed and did not say why");
		free(text);
	}
}

/* ---- its beginning -------------------------------------------------------------------------- */

/* The child, between fork and exec: async-signal-safe calls alone. */
static void
become_tmux(void *arg)
{
	const struct tmux *t = arg;
	environ = t->environment;
	execvp("tmux", t->first->argv);
}

static void
on_start(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct tmux *t = timer->data;
	t->child = child_start(t->loop, become_tmux, t, ANSWER_WITHIN_S, on_ended, t);
	if (t->child)
		return;
	char *sentence = xasprintf("cannot start tmux: %s", strerror(errno));
	finish(t, TMUX_REFUSED, sentence);
	free(sentence);
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
	ev_timer_init(&t->start, on_start, 0., 0.);
	t->start.data = t;
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

void
tmux_free(struct tmux *t)
{
	if (!t)
		return;
	ev_timer_stop(t->loop, &t->start);
	child_cancel(t->child);
	drop_jobs(t);
	drop_laters(t);
	for (size_t i = 0; t->environment[i]; i++)
		free(t->environment[i]);
	free(t->environment);
	free(t);
}
