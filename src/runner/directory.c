/*
 * See directory.h. What the child prints is the path, or why it cannot be had; its status says
 * which.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include "runner/directory.h"

#include <errno.h>
#include <ev.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/child.h"

#define ANSWER_WITHIN_S 5.0

enum { EXIT_FOUND, EXIT_UNUSABLE };

struct directory_look {
	struct ev_loop *loop;
	char *path;
	struct child *child;
	ev_timer failed; /* no child could be made: it is told as an answer is */
	directory_seen *seen;
	void *arg;
};

static void
print(const char *text)
{
	size_t length = strlen(text);
	while (length) {
		ssize_t n = write(STDOUT_FILENO, text, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		text += n;
		length -= (size_t)n;
	}
}

/* In the child. */
static void
look(void *path)
{
	struct stat status;
	char *resolved = realpath(path, NULL);
	bool is_there = resolved && stat(resolved, &status) == 0;
	if (is_there && S_ISDIR(status.st_mode) && access(resolved, X_OK) == 0) {
		print(resolved);
		_exit(EXIT_FOUND);
	}
	if (is_there && !S_ISDIR(status.st_mode))
		print("is not a directory");
	else
		print(errno == ENOENT ? "does not exist" : strerror(errno));
	_exit(EXIT_UNUSABLE);
}

static void
free_look(struct directory_look *l)
{
	ev_timer_stop(l->loop, &l->failed);
	free(l->path);
	free(l);
}

/* Who asked may be gone after it. */
static void
tell(struct directory_look *l, enum directory_outcome outcome, const char *text)
{
	directory_seen *seen = l->seen;
	void *arg = l->arg;
	free_look(l);
	seen(arg, outcome, text);
}

static void
tell_sentence(struct directory_look *l, enum directory_outcome outcome, const char *why)
{
	char *sentence = xasprintf("its directory %s %s", l->path, why);
	tell(l, outcome, sentence);
	free(sentence);
}

static void
on_ended(void *arg, const struct child_end *end)
{
	struct directory_look *l = arg;
	int code = WIFEXITED(end->status) ? WEXITSTATUS(end->status) : -1;
	l->child = NULL;
	if (end->is_late)
		tell_sentence(l, DIRECTORY_SILENT, "does not answer");
	else if (code == EXIT_FOUND && *end->text)
		tell(l, DIRECTORY_FOUND, end->text);
	else if (code == EXIT_UNUSABLE)
		tell_sentence(l, DIRECTORY_UNUSABLE, end->text);
	else
		tell_sentence(l, DIRECTORY_SILENT, "cannot be looked at");
}

static void
on_failed(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	tell_sentence(timer->data, DIRECTORY_SILENT, "cannot be looked at: no process can be made");
}

struct directory_look *
directory_look_start(struct ev_loop *loop, const char *path, directory_seen *seen, void *arg)
{
	struct directory_look *l = xcalloc(1, sizeof *l);
	*l = (struct directory_look){.loop = loop, .path = xstrdup(path), .seen = seen, .arg = arg};
	ev_timer_init(&l->failed, on_failed, 0., 0.);
	l->failed.data = l;
	l->child = child_start(loop, look, l->path, ANSWER_WITHIN_S, on_ended, l);
	if (!l->child)
		ev_timer_start(loop, &l->failed);
	return l;
}

void
directory_look_cancel(struct directory_look *l)
{
	if (!l)
		return;
	child_cancel(l->child);
	free_look(l);
}
