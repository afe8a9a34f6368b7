/*
 * Directories: in place of runner/directory.c, which has a child process look. Here they are all
 * there; in a world that goes wrong some do not answer for a while.
 */
#include "runner/directory.h"

#include <ev.h>
#include <stdlib.h>

#include "base/buf.h"
#include "world.h"

struct directory_look {
	struct ev_loop *loop;
	ev_timer timer;
	char *path;
	bool is_silent;
	directory_seen *seen;
	void *arg;
};

static void
free_look(struct directory_look *l)
{
	ev_timer_stop(l->loop, &l->timer);
	free(l->path);
	free(l);
}

static void
on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	struct directory_look *l = timer->data;
	struct directory_look told = *l;
	l->path = NULL;
	free_look(l);
	if (told.is_silent)
		told.seen(told.arg, DIRECTORY_SILENT, "its directory does not answer");
	else
		told.seen(told.arg, DIRECTORY_FOUND, told.path);
	free(told.path);
}

struct directory_look *
directory_look_start(struct ev_loop *loop, const char *path, directory_seen *seen, void *arg)
{
	struct directory_look *l = xcalloc(1, sizeof *l);
	bool is_silent = !world_is_calm() && w->plan.slow && world_happens(20);
	*l = (struct directory_look){
	    .loop = loop, .path = xstrdup(path), .is_silent = is_silent, .seen = seen, .arg = arg};
	ev_timer_init(&l->timer, on_timer, is_silent ? 5. : 0., 0.);
	l->timer.data = l;
	ev_timer_start(loop, &l->timer);
	return l;
}

void
directory_look_cancel(struct directory_look *l)
{
	if (l)
		free_look(l);
}
