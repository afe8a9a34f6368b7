/*
 * Opening panes, and listing them: see pane.h. What tmux prints is told apart by
 * blanks, and what may hold some stands last.
 */
#include "tmux/pane.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fault.h"

#define IDENTITY "#{pid} #{start_time} #{pane_id} #{pane_pid} "
#define WIDTH "200" /* of a session of our own, until somebody looks */
#define HEIGHT "50"

enum { WORDS = 64 };

static const char opened_format[] = IDENTITY "#{socket_path}";
static const char listed_format[] =
    IDENTITY "#{pane_dead} #{s/^.*--pane //:pane_start_command} #{socket_path}";

/* An array of arguments in the making. */
struct words {
	const char *all[WORDS];
	size_t count;
};

static void
put(struct words *w, const char *word)
{
	if (w->count + 1 == WORDS)
		die("a command for tmux has too many words");
	w->all[w->count++] = word;
}

static bool
read_identity(const char *line, struct pane *out, const char **rest)
{
	int length = 0;
	if (sscanf(line, "%" SCNd64 " %" SCNd64 " %15s %" SCNd64 " %n", &out->server_pid,
		&out->server_start, out->id, &out->pid, &length) != 4 ||
	    !length)
		return false;
	*rest = line + length;
	return true;
}

/* ---- open ----------------------------------------------------------------------------------- */

struct opening {
	struct tmux *tmux;
	char *socket, *beside, *session, *layout, *mark, *mark_variable, *path_variable, *title;
	int main_percent;
	char **command;
	bool is_second_try;
	pane_opened *done;
	void *arg;
};

static void on_split(void *arg, const struct tmux_reply *);
static void on_session(void *arg, const struct tmux_reply *);
static void on_window(void *arg, const struct tmux_reply *);

static void
free_opening(struct opening *o)
{
	char *const owned[] = {o->socket, o->beside, o->session, o->layout, o->mark,
	    o->mark_variable, o->path_variable, o->title};
	for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
		free(owned[i]);
	for (size_t i = 0; o->command[i]; i++)
		free(o->command[i]);
	free(o->command);
	free(o);
}

static void
end_opening(struct opening *o, const struct pane *pane, const struct tmux_reply *reply)
{
	if (reply->outcome != TMUX_DROPPED)
		o->done(o->arg, pane, reply);
	free_opening(o);
}

/* What every way to open one has in common; it is printed who it is, and it is not gone to. */
static void
run_opening(struct opening *o, struct words *w, tmux_done *done)
{
	const char *const common[] = {
	    "-d", "-P", "-F", opened_format, "-e", o->mark_variable, "-e", o->path_variable, "--"};
	for (size_t i = 0; i < sizeof common / sizeof *common; i++)
		put(w, common[i]);
	for (size_t i = 0; o->command[i]; i++)
		put(w, o->command[i]);
	put(w, "--pane");
	put(w, o->mark);
	tmux_run(o->tmux, o->socket, w->all, done, o);
}

/* The whole window is split, and not that pane: so the new one is the last of all. */
static void
split(struct opening *o)
{
	struct words w = {.all = {"split-window", "-f", "-h", "-t", o->beside}, .count = 5};
	run_opening(o, &w, on_split);
}

static void
make_session(struct opening *o)
{
	struct words w = {
	    .all = {"new-session", "-s", o->session, "-x", WIDTH, "-y", HEIGHT}, .count = 7};
	run_opening(o, &w, on_session);
}

static void
make_window(struct opening *o)
{
	char *target = xasprintf("=%s:", o->session);
	struct words w = {.all = {"new-window", "-t", target}, .count = 3};
	run_opening(o, &w, on_window);
	free(target);
}

/* How long a control character is, one beyond ASCII (U+0080 to U+009F) too; 0: it is none. */
static size_t
control_bytes(const char *at)
{
	const unsigned char *byte = (const unsigned char *)at;
	if (byte[0] == 0xc2 && byte[1] >= 0x80 && byte[1] <= 0x9f)
		return 2;
	return byte[0] < ' ' || byte[0] == 127 ? 1 : 0;
}

/* Titles are formats: a # is written twice. One with a control character in it tmux does not take,
 * and does not say so. */
static char *
title_of(const char *text)
{
	struct buf title = {0};
	while (text && *text) {
		size_t control = control_bytes(text);
		buf_printf(&title, *text == '#' ? "##" : "%c", control ? ' ' : *text);
		text += control ? control : 1;
	}
	return buf_take(&title);
}

static void
set_title(const struct opening *o, const char *pane)
{
	const char *const words[] = {"select-pane", "-t", pane, "-T", o->title, NULL};
	tmux_run(o->tmux, o->socket, words, NULL, NULL);
}

/* In a window of our own; others are left as they are. */
static void
show_titles(const struct opening *o, const char *pane)
{
	const char *const words[] = {
	    "set-window-option", "-t", pane, "pane-border-status", "top", NULL};
	tmux_run(o->tmux, o->socket, words, NULL, NULL);
}

static void
opened(struct opening *o, const struct tmux_reply *reply, bool has_own_window)
{
	const struct tmux_reply nonsense = {TMUX_REFUSED, "tmux does not say what it has opened"};
	struct pane pane = {0};
	const char *socket;
	if (!read_identity(reply->text, &pane, &socket)) {
		end_opening(o, NULL, &nonsense);
		return;
	}
	snprintf(pane.socket, sizeof pane.socket, "%.*s", (int)strcspn(socket, "\n"), socket);
	snprintf(pane.mark, sizeof pane.mark, "%s", o->mark);
	set_title(o, pane.id);
	if (has_own_window)
		show_titles(o, pane.id);
	end_opening(o, &pane, reply);
}

/* Panes that were split off one after the other are small where the layout has room: once it is
 * applied there may be some. */
static void
on_split(void *arg, const struct tmux_reply *reply)
{
	struct opening *o = arg;
	const struct pane_layout layout = {o->layout, o->main_percent};
	bool has_no_room = reply->outcome == TMUX_REFUSED && strstr(reply->text, "no space");
	bool is_not_there = reply->outcome == TMUX_NO_SERVER ||
			    (reply->outcome == TMUX_REFUSED && strstr(reply->text, "can't find"));
	if (reply->outcome == TMUX_OK) {
		opened(o, reply, false);
	} else if (has_no_room && !o->is_second_try) {
		o->is_second_try = true;
		pane_lay_out(o->tmux, o->socket, o->beside, &layout);
		split(o);
	} else if (is_not_there && o->session) {
		make_session(o);
	} else {
		end_opening(o, NULL, reply);
	}
}

static void
on_session(void *arg, const struct tmux_reply *reply)
{
	struct opening *o = arg;
	if (reply->outcome == TMUX_OK)
		opened(o, reply, true);
	else if (reply->outcome == TMUX_REFUSED && strstr(reply->text, "duplicate session"))
		make_window(o);
	else
		end_opening(o, NULL, reply);
}

static void
on_window(void *arg, const struct tmux_reply *reply)
{
	if (reply->outcome == TMUX_OK)
		opened(arg, reply, true);
	else
		end_opening(arg, NULL, reply);
}

static char **
copy_all(const char *const *words)
{
	size_t count = 0;
	while (words[count])
		count++;
	char **copy = xcalloc(count + 1, sizeof *copy);
	for (size_t i = 0; i < count; i++)
		copy[i] = xstrdup(words[i]);
	return copy;
}

void
pane_open(struct tmux *t, const struct pane_wish *wish, pane_opened *done, void *arg)
{
	struct opening *o = xcalloc(1, sizeof *o);
	const char *path = getenv("PATH");
	o->tmux = t;
	o->socket = xstrdup(wish->socket);
	o->beside = xstrdup(wish->beside);
	o->session = xstrdup(wish->session);
	o->layout = xstrdup(wish->layout.name);
	o->main_percent = wish->layout.main_percent;
	o->command = copy_all(wish->command);
	o->mark = xstrdup(wish->mark);
	o->mark_variable = xasprintf(PANE_MARK_NAME "=%s", wish->mark);
	o->path_variable = xasprintf("PATH=%s", path ? path : "");
	o->title = title_of(wish->title);
	o->done = done;
	o->arg = arg;
	if (o->beside)
		split(o);
	else
		make_session(o);
}

/* ---- list ----------------------------------------------------------------------------------- */

struct listing {
	char *owner;
	pane_listed *done;
	void *arg;
};

/* OWNER-NONCE: another's command can end in anything. */
static bool
is_mark_of(const char *mark, const char *owner)
{
	size_t length = strlen(owner), whole = strlen(mark);
	return strncmp(mark, owner, length) == 0 && mark[length] == '-' && mark[length + 1] &&
	       strspn(mark, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-") ==
		   whole;
}

static bool
read_found(const char *line, const char *owner, struct pane_found *out)
{
	const char *rest;
	int is_dead, length = 0;
	if (!read_identity(line, &out->pane, &rest) ||
	    sscanf(rest, "%d %63s %n", &is_dead, out->pane.mark, &length) != 2 || !length)
		return false;
	out->is_dead = is_dead;
	snprintf(out->pane.socket, sizeof out->pane.socket, "%s", rest + length);
	return is_mark_of(out->pane.mark, owner);
}

static size_t
read_all(const char *text, const char *owner, struct pane_found **all)
{
	char *copy = xstrdup(text), *rest = NULL;
	size_t count = 0;
	*all = NULL;
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct pane_found found = {0};
		if (!read_found(line, owner, &found))
			continue;
		*all = xrealloc(*all, (count + 1) * sizeof **all);
		(*all)[count++] = found;
	}
	free(copy);
	return count;
}

static void
on_listed(void *arg, const struct tmux_reply *reply)
{
	struct listing *l = arg;
	struct pane_found *all = NULL;
	struct pane_list list = {.outcome = reply->outcome};
	if (reply->outcome == TMUX_OK)
		list.count = read_all(reply->text, l->owner, &all);
	list.all = all;
	if (reply->outcome != TMUX_DROPPED)
		l->done(l->arg, &list);
	free(all);
	free(l->owner);
	free(l);
}

void
pane_list_all(struct tmux *t, const char *socket, const char *owner, pane_listed *done, void *arg)
{
	struct listing *l = xcalloc(1, sizeof *l);
	char *ours = xasprintf("#{m:*--pane %s-*,#{pane_start_command}}", owner);
	const char *const words[] = {"list-panes", "-a", "-f", ours, "-F", listed_format, NULL};
	l->owner = xstrdup(owner);
	l->done = done;
	l->arg = arg;
	tmux_run(t, socket, words, on_listed, l);
	free(ours);
}
