/*
 * What a task must be like: see draft.h. The database has the same rules as CHECKs, for what
 * is typed into a sqlite3 shell; here each has a sentence that names the value.
 */
#define _XOPEN_SOURCE 700 /* realpath() */
#include "ops/draft.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/refuse.h"
#include "base/utf8.h"
#include "base/when.h"
#include "config/config.h"

#define PROMPT_LIMIT ((size_t)16 << 20)

enum { NAME_LIMIT = 255, PRIORITY_LIMIT = 100, ATTEMPTS_LIMIT = 100 };

static bool
check_utf8(const char *name, const char *text, size_t bytes, struct fault *fault)
{
	size_t valid = utf8_valid(text, bytes);

	return valid == bytes ||
	       fault_set(fault, FAULT_USAGE, "the %s is not UTF-8 at byte %zu", name, valid);
}

static bool
check_prompt(const struct vigil_task *task, struct fault *fault)
{
	const char *text = task->prompt;
	size_t length = text ? strlen(text) : 0;
	size_t bytes = task->prompt_bytes ? task->prompt_bytes : length;

	if (bytes > PROMPT_LIMIT)
		return fault_set(fault, FAULT_USAGE,
		    "the prompt has %zu bytes; at most %zu (16 MB) are accepted", bytes,
		    PROMPT_LIMIT);
	if (length < bytes)
		return fault_set(fault, FAULT_USAGE,
		    "the prompt has a NUL at byte %zu; it must be text", length);
	if (bytes == 0)
		return fault_set(fault, FAULT_USAGE, "the prompt is empty");
	if (strspn(text, " \t\r\n\v\f") == bytes)
		return fault_set(fault, FAULT_USAGE, "the prompt is only white space");
	return check_utf8("prompt", text, bytes, fault);
}

/* A field of one word or line; NULL is not given, and fine. */
static bool
check_name(const char *name, const char *text, struct fault *fault)
{
	if (!text)
		return true;
	if (!*text)
		return fault_set(
		    fault, FAULT_USAGE, "the %s is empty; leave it out for the default", name);
	return check_utf8(name, text, strlen(text), fault);
}

static size_t
count_characters(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

static bool
check_label(const char *name, const char *text, struct fault *fault)
{
	if (text && count_characters(text) > NAME_LIMIT)
		return fault_set(fault, FAULT_USAGE,
		    "the %s has %zu characters; 1 to %d are accepted", name, count_characters(text),
		    NAME_LIMIT);
	return check_name(name, text, fault);
}

static bool
check_model(const char *model, struct fault *fault)
{
	if (!check_name("model", model, fault) || !model)
		return !model;
	if (strchr(model, ','))
		return refuse_text(fault, "a list of models like", model,
		    "is not supported by this version yet; PROVIDER/MODEL is");
	return config_is_model(model) ||
	       refuse_text(fault, "the model", model, "is not PROVIDER/MODEL");
}

static bool
check_session(const char *session, struct fault *fault)
{
	const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	if (!check_name("parent session", session, fault) || !session)
		return !session;
	if (strncmp(session, "ses_", 4) == 0 && session[4] &&
	    session[4 + strspn(session + 4, allowed)] == '\0')
		return true;
	return refuse_text(
	    fault, "the parent session", session, "is no session's id, like ses_0123abcd");
}

static bool
check_numbers(const struct vigil_task *task, struct fault *fault)
{
	if (task->priority < -PRIORITY_LIMIT || task->priority > PRIORITY_LIMIT)
		return fault_set(fault, FAULT_USAGE, "the priority is %d; -%d to %d are accepted",
		    task->priority, PRIORITY_LIMIT, PRIORITY_LIMIT);
	if (task->max_attempts < 0 || task->max_attempts > ATTEMPTS_LIMIT)
		return fault_set(fault, FAULT_USAGE, "%d attempts; 1 to %d are accepted",
		    task->max_attempts, ATTEMPTS_LIMIT);
	for (size_t i = 0; i < task->after_count; i++)
		if (task->after[i] < 1)
			return fault_set(
			    fault, FAULT_USAGE, "%lld is no task's id", (long long)task->after[i]);
	return true;
}

/* Resolved, so that it means the same to everybody. The caller frees *out. */
static bool
resolve_directory(const char *named, char **out, struct fault *fault)
{
	*out = NULL;
	if (!named)
		return true;
	if (!check_name("directory", named, fault))
		return false;
	*out = realpath(named, NULL);
	if (!*out && errno == ENOENT)
		return refuse_text(fault, "the directory", named, "does not exist");
	if (!*out)
		return fault_set(fault, FAULT_USAGE, "the directory '%s' cannot be used: %s", named,
		    strerror(errno));
	struct stat found;
	if (stat(*out, &found) != 0 || !S_ISDIR(found.st_mode))
		return refuse_text(fault, "the directory", named, "is a file, not a directory");
	return check_utf8("directory", *out, strlen(*out), fault);
}

/* *ms: not before; 0 for at once. */
static bool
resolve_start(const struct vigil_task *task, int64_t now_ms, int64_t *ms, struct fault *fault)
{
	*ms = 0;
	if (task->at && task->in)
		return fault_set(fault, FAULT_USAGE,
		    "'at %s' and 'in %s' are both given; one of them says when", task->at,
		    task->in);
	if (task->at && !when_time(task->at, WHEN_FUTURE, now_ms, ms, fault))
		return false;
	if (task->in) {
		int64_t delay_ms;
		if (!when_duration(task->in, &delay_ms, fault))
			return false;
		*ms = now_ms + delay_ms;
	}
	if (*ms < 0) /* before 1970: as long past as anything */
		*ms = 0;
	return true;
}

static bool
resolve_timeout(const char *text, struct value *value, struct fault *fault)
{
	*value = value_null();
	if (!text)
		return true;
	int64_t ms;
	if (!when_duration(text, &ms, fault))
		return false;
	*value = value_real((double)ms / 1000);
	return true;
}

static bool
check_texts(const struct vigil_task *task, unsigned fields, const char *agent, struct fault *fault)
{
	const char *description = task->description ? task->description : "";

	return (!(fields & VIGIL_PROMPT) || check_prompt(task, fault)) &&
	       check_utf8("description", description, strlen(description), fault) &&
	       check_name("agent", agent, fault) && check_model(task->model, fault) &&
	       check_name("variant", task->variant, fault) &&
	       check_session(task->parent_session, fault) && check_label("key", task->key, fault) &&
	       check_label("mutex", task->mutex, fault);
}

bool
draft_make(struct draft *draft, const struct vigil_task *task, unsigned fields, int64_t now_ms,
    struct fault *fault)
{
	const char *agent = task->agent && *task->agent == '@' ? task->agent + 1 : task->agent;

	*draft = (struct draft){.fields = fields, .key = task->key};
	struct value timeout;
	int64_t start_ms;
	if (!check_texts(task, fields, agent, fault) || !check_numbers(task, fault) ||
	    !resolve_directory(task->directory, &draft->directory, fault) ||
	    !resolve_start(task, now_ms, &start_ms, fault) ||
	    !resolve_timeout(task->timeout, &timeout, fault))
		return false;
	draft->after = task->after;
	draft->after_count = task->after_count;

	/* The order of task_insert, of task_edit and of enum vigil_field. */
	struct value values[DRAFT_VALUES] = {
	    value_text(task->hold ? "held" : "queued"),
	    value_text(task->prompt),
	    value_text(task->description && *task->description ? task->description : NULL),
	    value_text(agent),
	    value_text(task->model),
	    value_text(task->variant),
	    value_text(draft->directory),
	    value_text(task->parent_session),
	    value_int(task->priority),
	    value_time(start_ms),
	    value_text(task->key),
	    value_text(task->mutex),
	    timeout,
	    task->max_attempts ? value_int(task->max_attempts) : value_null(),
	};
	memcpy(draft->values, values, sizeof(values));
	return true;
}

void
draft_free(struct draft *draft)
{
	free(draft->directory);
	draft->directory = NULL;
}

static bool
insert_dependency(struct store *store, int64_t task_id, int64_t needs_id, struct fault *fault)
{
	struct value needed = value_int(needs_id);
	struct value both[] = {value_int(task_id), needed};
	int64_t found;

	if (!store_int(store, Q_task_exists, &needed, 1, 0, &found, fault))
		return false;
	if (!found || needs_id >= task_id)
		return fault_set(fault, FAULT_NOT_FOUND, "there is no task %lld to come after",
		    (long long)needs_id);
	return store_run(store, Q_dependency_insert, both, 2, NULL, NULL, fault);
}

bool
draft_insert(
    const struct draft *draft, struct store *store, int64_t *id, bool *existed, struct fault *fault)
{
	struct value key = value_text(draft->key);

	*id = 0;
	*existed = false;
	if (draft->key && !store_int(store, Q_task_with_key, &key, 1, 0, id, fault))
		return false;
	if (*id) {
		*existed = true;
		return true;
	}
	if (!store_run(store, Q_task_insert, draft->values, DRAFT_VALUES, NULL, NULL, fault))
		return false;
	*id = store_last_id(store);
	for (size_t i = 0; i < draft->after_count; i++)
		if (!insert_dependency(store, *id, draft->after[i], fault))
			return false;
	return true;
}

bool
draft_update(const struct draft *draft, struct store *store, int64_t id, struct fault *fault)
{
	struct value values[DRAFT_VALUES + 1] = {value_int(id), value_int(draft->fields)};

	memcpy(&values[2], &draft->values[1], (DRAFT_VALUES - 1) * sizeof(values[0]));
	return store_run(store, Q_task_edit, values, DRAFT_VALUES + 1, NULL, NULL, fault);
}
