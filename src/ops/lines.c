/*
 * New tasks by the thousand: one JSON object a line, all of them or none.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/refuse.h"
#include "ops/draft.h"
#include "ops/handle.h"

#define ID_LIMIT 9007199254740992.0 /* a number of JSON's is exact up to here */
#define SECONDS_LIMIT 315619200.0   /* ten years */

/* One line, while it is read. */
struct line {
	struct vigil_task task;
	int64_t *after; /* owned; of the line itself */
	char timeout[32];
};

typedef bool line_set_fn(
    struct line *, const char *key, const struct json *, size_t offset, struct fault *);

/* ---- what each key does --------------------------------------------------------------------- */

static bool
set_text(struct line *line, const char *key, const struct json *value, size_t offset,
    struct fault *fault)
{
	const char **field = (const char **)(void *)((char *)&line->task + offset);

	if (!json_is_string(value) && !json_is_null(value))
		return refuse_json(fault, FAULT_USAGE, key, value, "a text or null");
	*field = json_text(value, NULL);
	return true;
}

static bool
set_int(struct line *line, const char *key, const struct json *value, size_t offset,
    struct fault *fault)
{
	int *field = (int *)(void *)((char *)&line->task + offset);
	bool is_priority = offset == offsetof(struct vigil_task, priority);
	int least = is_priority ? -100 : 1, most = 100;
	double number = json_number(value, NULL);

	*field = 0;
	if (json_is_null(value))
		return true;
	if (!json_is_number(value) || number < least || number > most || floor(number) < number)
		return refuse_json(fault, FAULT_USAGE, key, value,
		    is_priority ? "a whole number from -100 to 100"
				: "a whole number from 1 to 100");
	*field = (int)number;
	return true;
}

static bool
set_seconds(struct line *line, const char *key, const struct json *value, size_t offset,
    struct fault *fault)
{
	double number = json_number(value, NULL);

	(void)offset;
	line->task.timeout = NULL;
	if (json_is_null(value))
		return true;
	if (!json_is_number(value) || number < 0 || number > SECONDS_LIMIT)
		return refuse_json(
		    fault, FAULT_USAGE, key, value, "a number of seconds, at most ten years");
	snprintf(line->timeout, sizeof(line->timeout), "%.0fms", number * 1000);
	line->task.timeout = line->timeout;
	return true;
}

static bool
set_timeout(struct line *line, const char *key, const struct json *value, size_t offset,
    struct fault *fault)
{
	if (!json_is_number(value))
		return set_text(line, key, value, offset, fault);
	if (json_number(value, NULL) < 0 || json_number(value, NULL) > 0)
		return refuse_json(
		    fault, FAULT_USAGE, key, value, "a duration such as \"90s\" or \"8h\", or 0");
	line->task.timeout = "0";
	return true;
}

static bool
set_after(struct line *line, const char *key, const struct json *value, size_t offset,
    struct fault *fault)
{
	size_t count = 0;

	(void)offset;
	if (!json_is_array(value) && !json_is_null(value))
		return refuse_json(fault, FAULT_USAGE, key, value, "an array of tasks' ids");
	free(line->after);
	line->after = xcalloc(json_count(value) + 1, sizeof(*line->after));
	for (const struct json *at = json_first(value); at; at = json_next(at)) {
		double number = json_number(at, NULL);

		if (!json_is_number(at) || number < 1 || number > ID_LIMIT ||
		    floor(number) < number)
			return refuse_json(fault, FAULT_USAGE, key, at, "an array of tasks' ids");
		line->after[count++] = (int64_t)number;
	}
	line->task.after = line->after;
	line->task.after_count = count;
	return true;
}

static bool
set_hold(struct line *line, const char *key, const struct json *value, size_t offset,
    struct fault *fault)
{
	(void)offset;
	if (!json_is_bool(value))
		return refuse_json(fault, FAULT_USAGE, key, value, "true or false");
	line->task.hold = json_true(value, NULL);
	return true;
}

#define FIELD(field) offsetof(struct vigil_task, field)

static const struct line_key {
	const char *name;
	line_set_fn *set;
	size_t offset;
} line_keys[] = {
    {"prompt", set_text, FIELD(prompt)},
    {"description", set_text, FIELD(description)},
    {"agent", set_text, FIELD(agent)},
    {"model", set_text, FIELD(model)},
    {"variant", set_text, FIELD(variant)},
    {"directory", set_text, FIELD(directory)},
    {"parent_session", set_text, FIELD(parent_session)},
    {"priority", set_int, FIELD(priority)},
    {"not_before", set_text, FIELD(at)},
    {"at", set_text, FIELD(at)},
    {"in", set_text, FIELD(in)},
    {"key", set_text, FIELD(key)},
    {"mutex", set_text, FIELD(mutex)},
    {"timeout_s", set_seconds, 0},
    {"timeout", set_timeout, FIELD(timeout)},
    {"max_attempts", set_int, FIELD(max_attempts)},
    {"after", set_after, 0},
    {"hold", set_hold, 0},
};

/* ---- a line ------------------------------------------------------------------------------ */

static bool
set_key(struct line *line, const struct json *value, struct fault *fault)
{
	struct nearest nearest = {.word = json_key(value)};

	for (size_t i = 0; i < sizeof(line_keys) / sizeof(line_keys[0]); i++) {
		const struct line_key *key = &line_keys[i];

		if (strcmp(key->name, nearest.word) == 0)
			return key->set(line, key->name, value, key->offset, fault);
		nearest_offer(&nearest, key->name);
	}
	if (nearest.best)
		return fault_set(fault, FAULT_USAGE, "unknown key '%s' (did you mean '%s'?)",
		    nearest.word, nearest.best);
	return fault_set(fault, FAULT_USAGE,
	    "unknown key '%s' (vigil add --help lists those of a task)", nearest.word);
}

/* Does one of the line's own keys say when? Then both ways to say it in the defaults are void. */
static bool
says_when(const struct json *json)
{
	return json_at(json, "at") || json_at(json, "in") || json_at(json, "not_before");
}

static bool
read_object(struct line *line, const struct json *json, struct fault *fault)
{
	if (!json_is_object(json))
		return fault_set(fault, FAULT_USAGE, "a task is a JSON object");
	if (says_when(json))
		line->task.at = line->task.in = NULL;
	if (json_at(json, "prompt"))
		line->task.prompt_bytes = 0;
	for (const struct json *at = json_first(json); at; at = json_next(at))
		if (!set_key(line, at, fault))
			return false;
	return true;
}

/* Everything that the lines of one file have in common, and the ids so far. */
struct batch {
	struct vigil *vigil;
	const struct vigil_task *defaults;
	int64_t now_ms;
	struct added {
		int64_t id;
		bool existed;
	} * added;
	size_t count, capacity;
};

static void
remember(struct batch *batch, int64_t id, bool existed)
{
	if (batch->count == batch->capacity) {
		batch->capacity = batch->capacity ? batch->capacity * 2 : 64;
		batch->added = xrealloc(batch->added, batch->capacity * sizeof(batch->added[0]));
	}
	batch->added[batch->count++] = (struct added){.id = id, .existed = existed};
}

static bool
add_object(struct batch *batch, const struct json *json, struct fault *fault)
{
	struct line line = {.task = *batch->defaults};
	struct draft draft = {0};
	bool existed;
	int64_t id;
	bool added = read_object(&line, json, fault) &&
		     draft_make(&draft, &line.task, DRAFT_NEW, batch->now_ms, fault) &&
		     draft_insert(&draft, batch->vigil->store, &id, &existed, fault);

	if (added)
		remember(batch, id, existed);
	draft_free(&draft);
	free(line.after);
	return added;
}

static bool
add_line(void *batch, const char *text, size_t bytes, struct fault *fault)
{
	if (!line_check(text, bytes, fault))
		return false;
	struct json *json = json_parse(text, bytes, fault);
	if (!json)
		fault->kind = FAULT_USAGE; /* it was not found, but given */
	bool added = json && add_object(batch, json, fault);
	json_free(json);
	return added;
}

static bool
add_batch(struct batch *batch, const char *text, size_t bytes, const char *name)
{
	struct vigil *vigil = batch->vigil;

	if (!store_begin(vigil->store, &vigil->fault))
		return false;
	if (line_each(text, bytes, name, add_line, batch, &vigil->fault))
		return store_commit(vigil->store, &vigil->fault);
	store_rollback(vigil->store);
	return false;
}

enum vigil_result
vigil_add_lines(struct vigil *vigil, const char *text, size_t bytes, const char *name,
    const struct vigil_task *defaults, vigil_id_fn *fn, void *arg)
{
	const struct vigil_task none = {0};
	struct batch batch = {
	    .vigil = vigil, .defaults = defaults ? defaults : &none, .now_ms = clock_now_ms()};
	bool added = add_batch(&batch, text, bytes, name);

	if (added)
		handle_wrote(vigil);
	for (size_t i = 0; added && fn && i < batch.count; i++)
		fn(arg, batch.added[i].id, batch.added[i].existed);
	free(batch.added);
	return added ? VIGIL_OK : handle_result(vigil);
}
