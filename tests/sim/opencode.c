/*
 * OpenCode's processes and their sessions. A process forgets its turns and asks when it dies; its
 * sessions and their messages are on the disk.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "world.h"

static const char given_url[] = "http://127.0.0.1:4096";

static void
copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text ? text : "");
}

/* Ids of the real one sort by time, and so do these. */
void
make_id(char out[ID_SIZE], const char *prefix)
{
	snprintf(out, ID_SIZE, "%s_%012llxsim%05dsimsim", prefix,
	    (unsigned long long)(world_wall_ms() * 4096) & 0xffffffffffffULL, ++w->ids % 100000);
}

/* ---- processes ------------------------------------------------------------------------------ */

int
process_start(bool is_managed, const char *nonce, const char *password, int64_t in_us)
{
	int at = w->process_count++;
	if (at == MAX_PROCESSES)
		die("more than %d server processes", MAX_PROCESSES);
	struct process *p = &w->process[at];
	*p = (struct process){.is_alive = true, .is_managed = is_managed};
	p->pid = 1000 + at;
	p->listens_us = w->now_us + in_us;
	copy(p->nonce, sizeof(p->nonce), nonce);
	copy(p->password, sizeof(p->password), password);
	if (is_managed)
		snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%d", 20000 + at);
	else
		copy(p->url, sizeof(p->url), given_url);
	return at;
}

bool
process_listens(int process)
{
	return process >= 0 && w->process[process].is_alive &&
	       w->process[process].listens_us <= w->now_us;
}

bool
process_is_wedged(int process)
{
	return w->process[process].wedged_us > w->now_us;
}

int
process_at(const char *url, size_t bytes)
{
	for (int i = 0; i < w->process_count; i++) {
		const char *its = w->process[i].url;
		if (process_listens(i) && strlen(its) == bytes && strncmp(its, url, bytes) == 0)
			return i;
	}
	return -1;
}

void
process_kill(int process)
{
	if (!w->process[process].is_alive)
		return;
	trace("* server process %d is dead", process);
	w->process[process].is_alive = false;
	for (int i = 0; i < MAX_TURNS; i++) {
		if (w->turn[i].phase != TURN_NONE && w->turn[i].process == process)
			turn_drop(&w->turn[i]);
	}
	for (int i = 0; i < w->ask_count; i++) {
		if (w->ask[i].process == process)
			w->ask[i].is_open = false;
	}
	http_process_died(process);
}

void
opencode_wipe(void)
{
	for (int i = 0; i < w->session_count; i++)
		w->session[i].is_there = false;
}

/* ---- sessions ------------------------------------------------------------------------------- */

int
session_find(const char *id)
{
	for (int i = 0; i < w->session_count; i++) {
		if (w->session[i].is_there && strcmp(w->session[i].id, id) == 0)
			return i;
	}
	return -1;
}

int
session_new(const char *directory, const char *title, const char *agent, int parent)
{
	int at = w->session_count++;
	if (at == MAX_SESSIONS)
		die("more than %d sessions", MAX_SESSIONS);
	struct session *s = &w->session[at];
	*s = (struct session){.is_there = true, .parent = parent, .created_ms = world_wall_ms()};
	s->task = parent < 0 ? -1 : w->session[parent].task;
	make_id(s->id, "ses");
	copy(s->directory, sizeof(s->directory), directory);
	copy(s->title, sizeof(s->title), title);
	copy(s->agent, sizeof(s->agent), agent && *agent ? agent : "build");
	return at;
}

/* One that is deleted while it is busy stays busy for ever. */
void
session_delete(int process, int session)
{
	struct session *s = &w->session[session];
	struct turn *t = turn_of(process, session);
	s->is_there = false;
	s->is_deleted = true;
	if (t) {
		t->phase = TURN_ZOMBIE;
		t->at_us = NEVER;
	}
	struct buf info = {0};
	add_session(&info, session);
	emit(process, s->directory, "session.deleted", "\"sessionID\":\"%s\",\"info\":%s", s->id,
	    buf_text(&info));
	buf_free(&info);
}

int
message_new(int session, bool from_user)
{
	int at = w->message_count++;
	if (at == MAX_MESSAGES)
		die("more than %d messages", MAX_MESSAGES);
	struct message *m = &w->message[at];
	*m = (struct message){
	    .session = session, .from_user = from_user, .created_ms = world_wall_ms()};
	make_id(m->id, "msg");
	make_id(m->part_id, "prt");
	return at;
}

/* ---- events --------------------------------------------------------------------------------- */

void
emit(int process, const char *directory, const char *type, const char *format, ...)
{
	struct buf data = {0};
	char id[ID_SIZE];
	va_list args;
	if (!w->is_living)
		return;
	buf_puts(&data, "{");
	if (directory)
		buf_printf(&data, "\"directory\":\"%s\",\"project\":\"global\",", directory);
	make_id(id, "evt");
	buf_printf(&data, "\"payload\":{\"id\":\"%s\",\"type\":\"%s\",\"properties\":{", id, type);
	va_start(args, format);
	buf_vprintf(&data, format, args);
	va_end(args);
	buf_puts(&data, "}}}");
	http_hear(process, buf_text(&data));
	buf_free(&data);
}
