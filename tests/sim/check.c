/*
 * What must always hold: in the database after each commit that a life makes, between two lives,
 * and of database and world together at the end.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fault.h"
#include "world.h"

enum eye_query { VERSION, PROBLEMS, TASKS, EVENTS, SENDING, QUERIES };

static const char *const sql[QUERIES] = {
    [VERSION] = "PRAGMA data_version",
    [PROBLEMS] = ("SELECT problem, task_id FROM problems UNION ALL "
		  "SELECT 'live without a next look', id FROM tasks WHERE status IN "
		  "('starting', 'running', 'stopping') AND wake_at IS NULL UNION ALL "
		  "SELECT 'two live attempts', task_id FROM attempts WHERE ended_at IS NULL "
		  "GROUP BY task_id HAVING count(*) > 1"),
    [TASKS] = "SELECT id, status, revision FROM tasks",
    [EVENTS] = "SELECT id, task_id, kind, detail FROM events WHERE id > ? ORDER BY id",
    [SENDING] = ("SELECT tasks.status, message_id FROM attempts JOIN tasks ON tasks.id = task_id "
		 "WHERE attempts.session_id = ? AND ended_at IS NULL"),
};

static sqlite3 *db;
static sqlite3_stmt *statements[QUERIES];
static int64_t version;

/* ---- looking -------------------------------------------------------------------------------- */

void
check_open(void)
{
	if (sqlite3_open(w->database, &db) != SQLITE_OK)
		die("sqlite3: %s", sqlite3_errmsg(db));
	sqlite3_busy_timeout(db, 10000);
	for (int i = 0; i < QUERIES; i++) {
		if (sqlite3_prepare_v2(db, sql[i], -1, &statements[i], NULL) != SQLITE_OK)
			die("%s: %s", sql[i], sqlite3_errmsg(db));
	}
	version = -1;
}

void
check_close(void)
{
	for (int i = 0; i < QUERIES; i++)
		sqlite3_finalize(statements[i]);
	sqlite3_close(db);
	db = NULL;
}

static const char *
text(sqlite3_stmt *s, int column)
{
	const char *found = (const char *)sqlite3_column_text(s, column);
	return found ? found : "";
}

/* The first column of the first row; the caller frees. "" for none. */
static char *ask(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *
ask(const char *format, ...)
{
	sqlite3_stmt *s;
	va_list args;
	va_start(args, format);
	char *query = xvasprintf(format, args);
	va_end(args);
	if (sqlite3_prepare_v2(db, query, -1, &s, NULL) != SQLITE_OK)
		die("%s: %s", query, sqlite3_errmsg(db));
	char *found = xstrdup(sqlite3_step(s) == SQLITE_ROW ? text(s, 0) : "");
	sqlite3_finalize(s);
	free(query);
	return found;
}

/* ---- after each commit ---------------------------------------------------------------------- */

static void
check_problems(void)
{
	sqlite3_stmt *s = statements[PROBLEMS];
	if (sqlite3_step(s) == SQLITE_ROW)
		broken("%s: task %s", text(s, 0), text(s, 1));
	sqlite3_reset(s);
}

static bool
is_final(const char *status)
{
	return strcmp(status, "completed") == 0 || strcmp(status, "failed") == 0 ||
	       strcmp(status, "cancelled") == 0;
}

static int
retries_of(int64_t id)
{
	for (int i = 0; i < w->plan.tasks; i++) {
		if (w->plan.task[i].id == id)
			return w->plan.task[i].retries;
	}
	return 0;
}

/* What is final stays as it is, until a person retries it. */
static void
check_final(int64_t id, const char *status, int64_t revision)
{
	if (id >= (int64_t)(sizeof(w->seen) / sizeof(*w->seen)))
		return;
	bool was_final = w->seen[id].is_final;
	if (was_final && w->seen[id].revision != revision &&
	    ++w->seen[id].retries_seen > retries_of(id))
		broken("task %lld was final, and is %s", (long long)id, status);
	w->seen[id].is_final = is_final(status);
	w->seen[id].revision = revision;
}

static void
check_tasks(void)
{
	sqlite3_stmt *s = statements[TASKS];
	while (sqlite3_step(s) == SQLITE_ROW)
		check_final(sqlite3_column_int64(s, 0), text(s, 1), sqlite3_column_int64(s, 2));
	sqlite3_reset(s);
}

static void
trace_events(void)
{
	sqlite3_stmt *s = statements[EVENTS];
	if (w->trace_fd < 0)
		return;
	sqlite3_bind_int64(s, 1, w->newest_event);
	while (sqlite3_step(s) == SQLITE_ROW) {
		w->newest_event = sqlite3_column_int64(s, 0);
		trace(
		    "task %s: %s%s%s", text(s, 1), text(s, 2), *text(s, 3) ? ": " : "", text(s, 3));
	}
	sqlite3_reset(s);
}

static void
check_rows(void)
{
	trace_events();
	check_problems();
	check_tasks();
}

void
check_turn(void)
{
	sqlite3_stmt *s = statements[VERSION];
	if (!db || sqlite3_step(s) != SQLITE_ROW)
		return;
	int64_t now = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	if (now == version)
		return;
	version = now;
	check_rows();
}

/* Nothing is said to an agent that is being stopped, nor on behalf of a task that has ended. */
void
check_sending(const char *session_id)
{
	sqlite3_stmt *s = statements[SENDING];
	if (!db)
		return;
	sqlite3_bind_text(s, 1, session_id, -1, SQLITE_TRANSIENT);
	if (sqlite3_step(s) != SQLITE_ROW)
		broken("a prompt is sent to %s, which no live attempt knows", session_id);
	else if (strcmp(text(s, 0), "starting") != 0 && strcmp(text(s, 0), "running") != 0)
		broken("a prompt is sent to %s, whose task is %s", session_id, text(s, 0));
	else if (!*text(s, 1))
		broken("a prompt is sent to %s before its ids are committed", session_id);
	sqlite3_reset(s);
}

/* ---- between two lives ---------------------------------------------------------------------- */

static bool
is_planned(int number)
{
	for (int i = 0; i < MAX_ACTS; i++) {
		if (w->happening[i].act == ACT_ADD && w->happening[i].arg == number)
			return true;
	}
	return false;
}

/* An add that was not acknowledged has happened, or has not: then it is made again. */
static void
settle_adds(void)
{
	for (int i = 0; i < w->plan.tasks; i++) {
		struct task_plan *task = &w->plan.task[i];
		if (!task->is_tried)
			continue;
		char *found = ask("SELECT count(*) || ' ' || coalesce(max(id), 0) FROM tasks "
				  "WHERE prompt = 'task %d |%s'",
		    i, task->script);
		int count = 0;
		long long id = 0;
		(void)sscanf(found, "%d %lld", &count, &id);
		free(found);
		if (count > 1)
			broken("task %d was added %d times", i, count);
		if (task->is_added && (count != 1 || id != task->id))
			broken("task %d was added, and is not there", i);
		if (!task->is_added && count == 0 && !is_planned(i))
			world_plan_act(ACT_ADD, w->now_us + SECOND, i);
		task->is_tried = task->is_added = count == 1;
		task->id = id;
	}
}

/* A life can die before it has made its tables. */
static bool
has_tables(void)
{
	if (access(w->database, F_OK) != 0)
		return false;
	if (sqlite3_open(w->database, &db) != SQLITE_OK)
		die("sqlite3: %s", sqlite3_errmsg(db));
	char *found = ask("SELECT count(*) FROM sqlite_schema WHERE name = 'problems'");
	bool has = strcmp(found, "1") == 0;
	free(found);
	sqlite3_close(db);
	return has;
}

void
check_whole(void)
{
	if (!has_tables())
		return;
	check_open();
	check_rows();
	settle_adds();
	check_close();
}

/* ---- the end -------------------------------------------------------------------------------- */

static void
check_integrity(void)
{
	char *found = ask("PRAGMA integrity_check");
	if (strcmp(found, "ok") != 0)
		broken("integrity_check: %s", found);
	free(found);
	found = ask("SELECT group_concat(id) FROM tasks WHERE completed_at IS NULL AND NOT "
		    "(status = 'held' AND %d) AND NOT "
		    "(status = 'queued' AND EXISTS (SELECT 1 FROM dependencies JOIN tasks AS "
		    "needed ON needed.id = needs_id WHERE task_id = tasks.id AND "
		    "needed.status <> 'completed'))",
	    strcmp(w->plan.on_interrupt, "hold") == 0);
	if (*found)
		broken("not final: %s", found);
	free(found);
	found = ask("SELECT group_concat(id) FROM runners WHERE ended_at IS NULL");
	if (*found)
		broken("runners without an end: %s", found);
	free(found);
	found = ask("SELECT group_concat(id) FROM servers WHERE ended_at IS NULL AND "
		    "name = 'managed'");
	if (*found)
		broken("servers without an end: %s", found);
	free(found);
}

static void
check_processes(void)
{
	for (int i = 0; i < w->process_count; i++) {
		if (w->process[i].is_alive && w->process[i].is_managed)
			broken("the server process %d is left running", i);
	}
}

static bool
is_ours(const struct session *s)
{
	return strncmp(s->title, "Background: ", 12) == 0;
}

/* Whose task has ended is at rest, or the task says that nobody knows. */
static void
check_rest(int at)
{
	for (int i = 0; i < MAX_TURNS; i++) {
		const struct turn *t = &w->turn[i];
		if (t->phase == TURN_NONE || t->phase == TURN_ZOMBIE || t->session != at)
			continue;
		char *found = ask("SELECT count(*) FROM events JOIN attempts USING (task_id) WHERE "
				  "session_id = '%s' AND kind = 'unconfirmed'",
		    w->session[at].id);
		if (strcmp(found, "0") == 0)
			broken("an agent is left at work in %s", w->session[at].id);
		free(found);
	}
}

/* One message with one part for each prompt; as many runs of its loop as the row explains. */
static void
check_session(int at)
{
	const struct session *s = &w->session[at];
	if (!is_ours(s))
		return;
	check_rest(at);
	char *found = ask("SELECT resumes || ' ' || coalesce(message_id, '-') FROM attempts "
			  "WHERE session_id = '%s'",
	    s->id);
	int resumes = -1;
	char message_id[ID_SIZE] = "";
	(void)sscanf(found, "%d %39s", &resumes, message_id);
	free(found);
	if (resumes < 0 && (s->is_there || s->prompts))
		broken("no attempt knows the session %s, prompted %d times", s->id, s->prompts);
	if (s->prompts > 1)
		broken("the session %s was prompted %d times", s->id, s->prompts);
	if (s->runs > 1 + resumes)
		broken("the session %s ran %d times, with %d resumes", s->id, s->runs, resumes);
	for (int i = 0; i < w->message_count; i++) {
		const struct message *m = &w->message[i];
		if (m->session == at && m->parts > 1)
			broken("the prompt in %s has %d parts", s->id, m->parts);
		if (m->session == at && m->parts && strcmp(m->id, message_id) != 0)
			broken("the prompt in %s is %s, and not %s", s->id, m->id, message_id);
	}
}

/* What it says it was told, it was told. */
static void
check_completed(const struct task_plan *task, int number)
{
	char *found = ask("SELECT session_id || ' ' || result FROM tasks WHERE id = %lld AND "
			  "status = 'completed'",
	    (long long)task->id);
	char session_id[ID_SIZE] = "", result[100] = "", *expected = xasprintf("done %d", number);
	bool is_there = sscanf(found, "%39s %99[^\n]", session_id, result) == 2;
	bool has_answer = false;
	for (int i = 0; i < w->message_count; i++) {
		const struct message *m = &w->message[i];
		has_answer |= strcmp(w->session[m->session].id, session_id) == 0 && !m->from_user &&
			      m->finish && strcmp(m->finish, "stop") == 0 &&
			      strcmp(m->text, expected) == 0;
	}
	if (is_there && (!has_answer || strcmp(result, expected) != 0))
		broken("task %lld completed with \"%s\", and nobody said that", (long long)task->id,
		    result);
	free(expected);
	free(found);
}

/* With nobody interfering, it ends as its script does, however often its servers die. */
static void
check_natural(const struct task_plan *task)
{
	char *found = ask("SELECT iif(status = 'failed', error_kind, status) || ': ' || "
			  "coalesce(error, '') FROM tasks WHERE id = %lld",
	    (long long)task->id);
	size_t length = strlen(task->natural);
	bool is_so = strncmp(found, task->natural, length) == 0 && found[length] == ':';
	bool may_wait = task->after >= 0 && strncmp(found, "queued:", 7) == 0;
	if (!is_so && !may_wait && !task->is_disturbed)
		broken("task %lld (%s) is %s, and should be %s", (long long)task->id, task->script,
		    found, task->natural);
	free(found);
}

void
check_end(void)
{
	check_open();
	check_rows();
	check_integrity();
	check_processes();
	for (int i = 0; i < w->session_count; i++)
		check_session(i);
	for (int i = 0; i < w->plan.tasks; i++) {
		if (!w->plan.task[i].is_added)
			broken("task %d was never added", i);
		check_completed(&w->plan.task[i], i);
		check_natural(&w->plan.task[i]);
	}
	check_close();
}
