/*
 * Tasks as lines of JSON, with all that belongs to them, and such lines taken in again. What a task
 * looks like there is in queries/transfer.sql alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "ops/handle.h"

static const struct section {
	const char *name;
	enum query export, import;
} sections[] = {
    {"attempts", Q_export_attempts, Q_import_attempts},
    {"messages", Q_export_messages, Q_import_messages},
    {"asks", Q_export_asks, Q_import_asks},
    {"events", Q_export_events, Q_import_events},
};

enum { SECTIONS = sizeof(sections) / sizeof(sections[0]) };

/* ---- out ---------------------------------------------------------------------------------- */

struct export
{
	struct vigil *vigil;
	vigil_line_fn *fn;
	void *arg;
	int64_t version; /* of the schema */
	bool is_ok;
};

struct list {
	struct buf *line;
	size_t count;
};

static bool
add_item(void *arg, const struct row *row)
{
	struct list *list = arg;

	buf_printf(list->line, "%s%s", list->count++ ? "," : "", row_text(row, 0));
	return true;
}

static bool
add_list(const struct export *e, enum query query, int64_t id, struct buf *line)
{
	struct value value = value_int(id);
	struct list list = {.line = line};

	return store_run(e->vigil->store, query, &value, 1, add_item, &list, &e->vigil->fault);
}

static bool
add_sections(const struct export *e, int64_t id, struct buf *line)
{
	bool ok = true;

	for (size_t i = 0; ok && i < SECTIONS; i++) {
		buf_printf(line, ",\"%s\":[", sections[i].name);
		ok = add_list(e, sections[i].export, id, line);
		buf_puts(line, "]");
	}
	return ok;
}

static bool
export_one(void *arg, const struct row *row)
{
	struct export *e = arg;
	int64_t id = row_int(row, 0);
	struct buf line = {0};
	bool more = false;

	buf_printf(&line, "{\"vigil\":%lld,\"task\":%s,\"after\":", (long long)e->version,
	    row_text(row, 1));
	e->is_ok = add_list(e, Q_export_after, id, &line) && add_sections(e, id, &line);
	buf_puts(&line, "}");
	if (e->is_ok)
		more = e->fn(e->arg, buf_text(&line));
	buf_free(&line);
	return more;
}

/* All of it is of one moment: it is read while one statement is running. */
static bool
export_all(struct export *e, const char *since, int64_t *left_out)
{
	struct store *store = e->vigil->store;
	struct fault *fault = &e->vigil->fault;
	struct value from;

	return handle_since(since, &from, fault) &&
	       store_int(store, Q_user_version, NULL, 0, 0, &e->version, fault) &&
	       store_int(store, Q_export_left_out, &from, 1, 0, left_out, fault) &&
	       store_run(store, Q_export_tasks, &from, 1, export_one, e, fault) && e->is_ok;
}

enum vigil_result
vigil_export(
    struct vigil *vigil, const char *since, vigil_line_fn *fn, void *arg, int64_t *left_out)
{
	struct export e = {.vigil = vigil, .fn = fn, .arg = arg, .is_ok = true};

	*left_out = 0;
	return export_all(&e, since, left_out) ? VIGIL_OK : handle_result(vigil);
}

/* ---- in ----------------------------------------------------------------------------------- */

struct import {
	struct vigil *vigil;
	int64_t version;
	struct vigil_imported done;
};

static bool
is_list_of_objects(const struct json *list)
{
	if (!json_is_array(list))
		return false;
	for (const struct json *at = json_first(list); at; at = json_next(at))
		if (!json_is_object(at))
			return false;
	return true;
}

/* What export prints with --json is for programs; its first line would be no JSON here. */
static bool
check_no_array(const char *text, size_t bytes, struct fault *fault)
{
	size_t blanks = 0;

	while (blanks < bytes && strchr(" \t\r", text[blanks]))
		blanks++;
	return blanks == bytes || text[blanks] != '[' ||
	       fault_set(fault, FAULT_USAGE,
		   "it is an array; what is taken in is what vigil export prints without --json");
}

/* What the statements go by; the tables say the rest. */
static bool
check_shape(const struct import *import, const struct json *line, struct fault *fault)
{
	if (!json_is_object(line) || !json_is_object(json_at(line, "task")) ||
	    !json_is_array(json_at(line, "after")))
		return fault_set(fault, FAULT_USAGE, "it is not a line of vigil export");
	if (json_int(line, "vigil") < 1 || json_int(line, "vigil") > import->version)
		return fault_set(fault, FAULT_USAGE,
		    "it is of another version of vigil; this one reads up to %lld",
		    (long long)import->version);
	if (json_int(line, "task.id") < 1 || json_number(line, "task.id") >= 2147483648.)
		return fault_set(fault, FAULT_USAGE, "the task has no id that can be");
	for (size_t i = 0; i < SECTIONS; i++)
		if (!is_list_of_objects(json_at(line, sections[i].name)))
			return fault_set(
			    fault, FAULT_USAGE, "%s is no list of objects", sections[i].name);
	return true;
}

static bool
take_text(void *text, const struct row *row)
{
	*(char **)text = xstrdup(row_text(row, 0));
	return false;
}

/* A query whose answer is what is wrong: none, and all is well. */
static bool
has_none(const struct import *import, enum query query, const struct value *value,
    const char *sentence, struct fault *fault)
{
	char *found = NULL;
	bool ok = store_run(import->vigil->store, query, value, 1, take_text, &found, fault);

	if (ok && found)
		ok = fault_set(fault, FAULT_USAGE, "%s%s", sentence, found);
	free(found);
	return ok;
}

static bool
insert_rows(
    const struct import *import, const struct value *text, int64_t old_id, struct fault *fault)
{
	struct store *store = import->vigil->store;
	struct value old = value_int(old_id), both[2] = {*text, value_null()};

	if (!store_run(store, Q_import_id, &old, 1, NULL, NULL, fault))
		return false;
	both[1] = value_int(store_last_id(store));
	if (!store_run(store, Q_import_task, both, 2, NULL, NULL, fault) ||
	    !has_none(import, Q_import_missing, text,
		"it comes after a task that is not in the file before it: ", fault) ||
	    !store_run(store, Q_import_after, both, 2, NULL, NULL, fault))
		return false;
	for (size_t i = 0; i < SECTIONS; i++)
		if (!store_run(store, sections[i].import, both, 2, NULL, NULL, fault))
			return false;
	return has_none(import, Q_import_problem, &both[1], "", fault);
}

static bool
take_id(void *id, const struct row *row)
{
	*(int64_t *)id = row_int(row, 0);
	return false;
}

/* A task that is here already stays as it is; others of the file may come after it. */
static bool
take_task(struct import *import, const struct value *text, int64_t old_id, struct fault *fault)
{
	struct store *store = import->vigil->store;
	int64_t here = 0;

	if (!store_run(store, Q_import_here, text, 1, take_id, &here, fault))
		return false;
	*(here ? &import->done.here : &import->done.tasks) += 1;
	struct value ids[2] = {value_int(here), value_int(old_id)};
	return here ? store_run(store, Q_import_known, ids, 2, NULL, NULL, fault)
		    : insert_rows(import, text, old_id, fault);
}

static bool
check_sqlite(const struct import *import, const struct value *text, struct fault *fault)
{
	int64_t is_json;

	return store_int(import->vigil->store, Q_import_is_json, text, 1, 0, &is_json, fault) &&
	       (is_json || fault_set(fault, FAULT_USAGE, "it is no JSON that SQLite can read"));
}

static bool
import_line(void *arg, const char *text, size_t bytes, struct fault *fault)
{
	struct import *import = arg;

	if (!line_check(text, bytes, fault) || !check_no_array(text, bytes, fault))
		return false;
	struct json *json = json_parse(text, bytes, fault);
	if (!json)
		fault->kind = FAULT_USAGE; /* it was not found, but given */
	char *copy = xstrndup(text, bytes);
	struct value value = value_text(copy);
	bool ok = json && check_shape(import, json, fault) && check_sqlite(import, &value, fault) &&
		  take_task(import, &value, json_int(json, "task.id"), fault);
	free(copy);
	json_free(json);
	return ok;
}

static bool
import_all(struct import *import, const char *text, size_t bytes, const char *name)
{
	struct store *store = import->vigil->store;
	struct fault *fault = &import->vigil->fault;

	if (!store_begin(store, fault))
		return false;
	if (store_int(store, Q_user_version, NULL, 0, 0, &import->version, fault) &&
	    line_each(text, bytes, name, import_line, import, fault) &&
	    store_run(store, Q_import_end, NULL, 0, NULL, NULL, fault))
		return store_commit(store, fault);
	store_rollback(store);
	return false;
}

enum vigil_result
vigil_import(struct vigil *vigil, const char *text, size_t bytes, const char *name,
    struct vigil_imported *done)
{
	struct import import = {.vigil = vigil};

	*done = (struct vigil_imported){0};
	if (!import_all(&import, text, bytes, name))
		return handle_result(vigil);
	*done = import.done;
	handle_wrote(vigil);
	return VIGIL_OK;
}
