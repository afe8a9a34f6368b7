/*
 * Handles: opened, closed, asked what went wrong; and the little that every operation shares.
 */
#include "ops/handle.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/environment.h"
#include "base/when.h"
#include "store/poke.h"

#ifndef VIGIL_VERSION
#define VIGIL_VERSION "unknown"
#endif

const char *
vigil_version(void)
{
	return VIGIL_VERSION;
}

/* What was named, else what the environment says. NULL: nothing does. The caller frees. */
static char *
choose_path(const char *named)
{
	if (!named)
		named = environment_get("VIGIL_DB");
	return named ? xstrdup(named)
		     : environment_file("XDG_STATE_HOME", ".local/state", "vigil/vigil.db");
}

/* The runner's servers and panes are given this path, wherever they run. */
static bool
find_database(struct vigil *vigil, const char *named)
{
	char *path = choose_path(named);

	if (!path || !*path) {
		free(path);
		return fault_set(&vigil->fault, FAULT_ENV, "%s",
		    path ? "the database's path is empty"
			 : "HOME is not set: name the database with --db");
	}
	vigil->database = path;
	if (*path == '/')
		return true;
	char *here = getcwd(NULL, 0);
	if (!here)
		return fault_set(&vigil->fault, FAULT_ENV,
		    "the working directory cannot be had: %s", strerror(errno));
	vigil->database = xasprintf("%s/%s", strcmp(here, "/") == 0 ? "" : here, path);
	free(path);
	free(here);
	return true;
}

/* An older database is migrated by whoever opens it, if they may; the path alone is looked at, for
 * opening and closing the file would drop SQLite's locks. */
static enum store_mode
mode_for(const char *path, enum vigil_open_mode mode)
{
	if (mode == VIGIL_READ_WRITE)
		return STORE_CREATE;
	if (mode == VIGIL_GLANCE)
		return STORE_READ;
	if (mode == VIGIL_READ_ONLY && access(path, F_OK) == 0 && access(path, W_OK) != 0)
		return STORE_READ;
	return STORE_EXISTING;
}

enum vigil_result
vigil_open(struct vigil **out, const char *database, const char *config, enum vigil_open_mode mode)
{
	struct vigil *vigil = xcalloc(1, sizeof(*vigil));

	*out = vigil;
	if (!find_database(vigil, database))
		return handle_result(vigil);
	vigil->config = config_load(config, &vigil->fault);
	if (!vigil->config)
		return handle_result(vigil);
	vigil->store = store_open(vigil->database, mode_for(vigil->database, mode),
	    mode == VIGIL_GLANCE ? STORE_WAIT_LOOP_MS : STORE_WAIT_COMMAND_MS, &vigil->fault);
	return vigil->store ? VIGIL_OK : handle_result(vigil);
}

void
vigil_close(struct vigil *vigil)
{
	if (!vigil)
		return;
	if (vigil->store)
		store_close(vigil->store);
	config_free(vigil->config);
	free(vigil->database);
	free(vigil);
}

const char *
vigil_error(const struct vigil *vigil)
{
	return vigil->fault.text;
}

const char *
vigil_database(const struct vigil *vigil)
{
	return vigil->database;
}

/* ---- what the operations share ------------------------------------------------------------- */

enum vigil_result
handle_result(const struct vigil *vigil)
{
	switch (vigil->fault.kind) {
	case FAULT_USAGE:
		return VIGIL_USAGE;
	case FAULT_NOT_FOUND:
		return VIGIL_NOT_FOUND;
	case FAULT_TIMEOUT:
		return VIGIL_TIMEOUT;
	case FAULT_BUSY:
	case FAULT_ENV:
		return VIGIL_ENVIRONMENT;
	case FAULT_NONE:
		break;
	}
	die("an operation failed and did not say why");
}

enum vigil_result
handle_fail(struct vigil *vigil, enum fault_kind kind, const char *format, ...)
{
	char text[sizeof(vigil->fault.text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fault_set(&vigil->fault, kind, "%s", text);
	return handle_result(vigil);
}

struct apply_defaults
handle_defaults(const struct vigil *vigil)
{
	const struct config *config = vigil->config;

	return (struct apply_defaults){
	    .attempts = config->attempts,
	    .timeout_ms = config->timeout_ms,
	    .policy =
		{
		    .stall_ms = config->stall_ms,
		    .max_resumes = config->max_resumes,
		    .on_interrupt = (enum on_interrupt)config->on_interrupt,
		},
	};
}

void
handle_wrote(const struct vigil *vigil)
{
	struct fault ignored; /* what is committed is committed */

	poke_send(vigil->database);
	store_tidy(vigil->store, &ignored);
}

bool
handle_has_task(struct vigil *vigil, int64_t id)
{
	struct value value = value_int(id);
	int64_t found;

	if (!store_int(vigil->store, Q_task_exists, &value, 1, 0, &found, &vigil->fault))
		return false;
	return found ||
	       fault_set(&vigil->fault, FAULT_NOT_FOUND, "there is no task %lld", (long long)id);
}

bool
handle_since(const char *text, struct value *value, struct fault *fault)
{
	*value = value_null();
	if (!text)
		return true;
	int64_t ms;
	if (!when_time(text, WHEN_PAST, clock_now_ms(), &ms, fault))
		return false;
	*value = value_time(ms > 0 ? ms : 1);
	return true;
}

bool
handle_row(void *arg, const struct row *row)
{
	struct handle_rows *rows = arg;
	size_t count = row_count(row);
	const char **names = xcalloc(count, sizeof(*names));
	const char **values = xcalloc(count, sizeof(*values));
	bool *is_number = xcalloc(count, sizeof(*is_number));
	bool more = true;

	for (size_t i = 0; i < count; i++) {
		names[i] = row_name(row, i);
		is_number[i] = row_is_number(row, i); /* before the text: reading it converts */
		values[i] =
		    rows->next && strcmp(names[i], "next") == 0 ? rows->next : row_text(row, i);
	}
	rows->count++;
	if (rows->fn)
		more = rows->fn(rows->arg,
		    &(struct vigil_row){
			.count = count, .names = names, .values = values, .is_number = is_number});
	free(names);
	free(values);
	free(is_number);
	return more;
}
