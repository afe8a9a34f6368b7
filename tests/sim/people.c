/*
 * Persons: what they do with vigil's own commands (libvigil, as the program itself uses it), and
 * in the sqlite3 shell. All of it may come at any moment, also while a life of vigil is running,
 * and may be refused.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fault.h"
#include "ops/vigil.h"
#include "world.h"

static struct vigil *handle;
static sqlite3 *lock;

static struct vigil *
vigil(void)
{
	if (!handle && vigil_open(&handle, w->database, w->config, VIGIL_READ_WRITE) != VIGIL_OK) {
		trace("a person cannot open the database: %s", vigil_error(handle));
		people_close();
	}
	return handle;
}

void
people_close(void)
{
	vigil_close(handle);
	handle = NULL;
	sqlite3_close(lock);
	lock = NULL;
}

/* Of those that were added; NULL if there is none. */
static struct task_plan *
some_task(void)
{
	struct task_plan *task = &w->plan.task[world_upto(w->plan.tasks)];
	return task->is_added ? task : NULL;
}

static void by_hand(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void
by_hand(const char *format, ...)
{
	sqlite3 *db;
	va_list args;
	char *error = NULL;
	va_start(args, format);
	char *sql = xvasprintf(format, args);
	va_end(args);
	if (sqlite3_open(w->database, &db) != SQLITE_OK)
		die("sqlite3: %s", sqlite3_errmsg(db));
	(void)sqlite3_exec(db, sql, NULL, NULL, &error);
	trace("sqlite3: %s%s%s", sql, error ? ": " : "", error ? error : "");
	sqlite3_free(error);
	sqlite3_close(db);
	free(sql);
}

/* ---- tasks come in -------------------------------------------------------------------------- */

static char *
prompt_of(int number)
{
	return xasprintf("task %d |%s", number, w->plan.task[number].script);
}

static void
add(int number)
{
	struct task_plan *plan = &w->plan.task[number];
	char *prompt = prompt_of(number), *timeout = xasprintf("%ds", plan->timeout_s);
	const int64_t after = plan->after >= 0 ? w->plan.task[plan->after].id : 0;
	struct vigil_task task = {.prompt = prompt,
	    .directory = plan->directory,
	    .max_attempts = plan->attempts,
	    .timeout = plan->timeout_s ? timeout : NULL,
	    .after = &after,
	    .after_count = after != 0};
	bool existed;
	plan->is_tried = true;
	if (vigil() && vigil_add(handle, &task, &plan->id, &existed) == VIGIL_OK)
		plan->is_added = true;
	else
		world_plan_act(ACT_ADD, w->now_us + 5 * SECOND, number);
	trace("vigil add task %d: %s", number, plan->is_added ? "done" : vigil_error(handle));
	free(prompt);
	free(timeout);
}

/* The id is found as that of an add that was not acknowledged: check.c. */
static void
add_by_hand(int number)
{
	char *prompt = prompt_of(number);
	struct task_plan *plan = &w->plan.task[number];
	plan->is_tried = true;
	by_hand("INSERT INTO tasks (prompt, directory, max_attempts, timeout_s) "
		"VALUES ('%s', '%s', %d, %d)",
	    prompt, plan->directory ? plan->directory : "/", plan->attempts, plan->timeout_s);
	free(prompt);
}

/* ---- commands ------------------------------------------------------------------------------- */

/* What was committed may have an effect also where it was not acknowledged. */
static void
command(enum act act, struct task_plan *task)
{
	bool ignored;
	enum vigil_result result = VIGIL_USAGE;
	static const char *const words[ACTS] = {[ACT_CANCEL] = "cancel",
	    [ACT_RETRY] = "retry",
	    [ACT_HOLD] = "hold",
	    [ACT_RELEASE] = "release"};
	if (!vigil())
		return;
	task->is_disturbed |= act == ACT_CANCEL || act == ACT_RETRY;
	task->retries += act == ACT_RETRY;
	if (act == ACT_CANCEL)
		result = vigil_cancel(handle, task->id, "a reason", &ignored);
	else if (act == ACT_RETRY)
		result = vigil_retry(handle, task->id);
	else if (act == ACT_HOLD)
		result = vigil_hold(handle, task->id);
	else if (act == ACT_RELEASE)
		result = vigil_release(handle, task->id);
	trace("vigil %s %lld: %s", words[act], (long long)task->id,
	    result == VIGIL_OK ? "done" : vigil_error(handle));
}

struct open_ask {
	int64_t id;
	bool is_question;
};

static bool
keep_ask(void *arg, const struct vigil_row *row)
{
	struct open_ask *ask = arg;
	for (size_t i = 0; i < row->count; i++) {
		if (strcmp(row->names[i], "id") == 0)
			ask->id = strtoll(row->values[i], NULL, 10);
		if (strcmp(row->names[i], "kind") == 0)
			ask->is_question = strcmp(row->values[i], "question") == 0;
	}
	return world_happens(500);
}

/* In the end somebody answers all that is asked. */
static void
answer(bool once)
{
	struct open_ask ask = {0};
	bool ignored;
	if (world_is_calm() && !once)
		world_plan_act(ACT_ANSWER, w->now_us + 20 * SECOND, 0);
	if (!vigil() || vigil_asks(handle, keep_ask, &ask) != VIGIL_OK || !ask.id)
		return;
	const char *reply = world_happens(300) ? "reject" : ask.is_question ? "B" : "once";
	enum vigil_result result = vigil_answer(handle, ask.id, reply, &ignored);
	trace("vigil answer %lld %s: %s", (long long)ask.id, reply,
	    result == VIGIL_OK ? "done" : vigil_error(handle));
}

static void
edit_by_hand(const struct task_plan *task)
{
	static const char *const edits[] = {"priority = 5", "description = 'another'",
	    "not_before = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+1 minute')",
	    "status = 'completed'", "wake_at = NULL",
	    "wake_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')", "status = 'running'", "attempts = 0",
	    "result = 'I say so'"};
	size_t which = (size_t)world_upto(sizeof(edits) / sizeof(*edits));
	by_hand("UPDATE tasks SET %s WHERE id = %lld", edits[which], (long long)task->id);
}

/* ---- another program has the database ------------------------------------------------------- */

static void
take_lock(void)
{
	if (lock || !w->is_living || sqlite3_open(w->database, &lock) != SQLITE_OK)
		return;
	if (sqlite3_exec(lock, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK) {
		trace("* another program locks the database");
		w->is_locked = true;
	}
}

static void
let_lock_go(void)
{
	sqlite3_close(lock);
	lock = NULL;
	w->is_locked = false;
}

/* ---- whatever comes ------------------------------------------------------------------------- */

static void
act_on_task(enum act act, int64_t number)
{
	struct task_plan *task = number ? &w->plan.task[number - 1] : some_task();
	if (!task || !task->is_added)
		return;
	if (act == ACT_CANCEL_BY_HAND) {
		task->is_disturbed = true;
		by_hand(
		    "UPDATE tasks SET status = 'stopping' WHERE id = %lld", (long long)task->id);
	} else if (act == ACT_EDIT_BY_HAND) {
		edit_by_hand(task);
	} else {
		command(act, task);
	}
}

void
people_act(const struct happening *h)
{
	switch (h->act) {
	case ACT_ADD:
		add((int)h->arg);
		break;
	case ACT_ADD_BY_HAND:
		add_by_hand((int)h->arg);
		break;
	case ACT_ANSWER:
		answer(h->arg);
		break;
	case ACT_LOCK:
		take_lock();
		break;
	case ACT_UNLOCK:
		let_lock_go();
		break;
	default:
		act_on_task(h->act, h->arg);
		break;
	}
}
