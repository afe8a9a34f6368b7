/*
 * What somebody may mean who has typed the beginning of it: ids and names, for completions.
 */
#include <stdlib.h>
#include <string.h>

#include "ops/handle.h"

enum { PICKED_OF_A_STATUS = 100 };

#define ID_LIMIT (INT64_C(1) << 53)

/* ---- ids --------------------------------------------------------------------------------- */

/* Is the word one of a list with commas between? */
static bool
is_listed(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strcspn(at, ",") == length && strncmp(at, word, length) == 0)
			return true;
	}
	return false;
}

static bool
pick_between(struct vigil *vigil, enum status status, int64_t least, int64_t most,
    struct handle_rows *rows, int64_t enough)
{
	struct value values[] = {value_text(status_text(status)), value_int(least), value_int(most),
	    value_int(enough - rows->count)};

	return rows->count >= enough ||
	       store_run(vigil->store, Q_pick_tasks, values, 4, handle_row, rows, &vigil->fault);
}

/* What begins with 12 is 12, 120 to 129, 1200 to 1299 …: the longest are the newest. */
static bool
pick_beginning(
    struct vigil *vigil, enum status status, int64_t least, int64_t most, struct handle_rows *rows)
{
	int64_t enough = rows->count + PICKED_OF_A_STATUS, base = least;

	for (; least < ID_LIMIT / 10; most = most * 10 + 9)
		least *= 10;
	for (; least >= base; least /= 10, most /= 10)
		if (!pick_between(vigil, status, least, most, rows, enough))
			return false;
	return true;
}

static bool
pick_of(struct vigil *vigil, enum status status, const char *digits, struct handle_rows *rows)
{
	if (!*digits)
		return pick_between(
		    vigil, status, 1, ID_LIMIT, rows, rows->count + PICKED_OF_A_STATUS);
	if (*digits == '0' || digits[strspn(digits, "0123456789")] || strlen(digits) > 15)
		return true; /* no id is so */
	int64_t base = strtoll(digits, NULL, 10);
	return pick_beginning(vigil, status, base, base, rows);
}

enum vigil_result
vigil_pick(
    struct vigil *vigil, const char *statuses, const char *digits, vigil_row_fn *fn, void *arg)
{
	struct handle_rows rows = {.fn = fn, .arg = arg};

	for (int i = 0; i < STATUS_COUNT; i++)
		if ((!statuses || is_listed(statuses, status_text((enum status)i))) &&
		    !pick_of(vigil, (enum status)i, digits, &rows))
			return handle_result(vigil);
	return VIGIL_OK;
}

/* ---- names ------------------------------------------------------------------------------- */

struct names {
	vigil_name_fn *fn;
	void *arg;
};

static bool
pass_name(void *arg, const struct row *row)
{
	const struct names *names = arg;

	names->fn(names->arg, row_text(row, 0));
	return true;
}

static void
pass_words(const struct names *names, enum vigil_names what)
{
	if (what == VIGIL_STATUSES)
		for (int i = 0; i < STATUS_COUNT; i++)
			names->fn(names->arg, status_text((enum status)i));
	else
		for (int i = KIND_NONE + 1; i < KIND_COUNT; i++)
			names->fn(names->arg, kind_text((enum error_kind)i));
}

static void
pass_configured(const struct names *names, const struct config *config, enum vigil_names what)
{
	for (size_t i = 0; i < config->agent_count; i++) {
		const struct config_agent *agent = &config->agents[i];
		const char *name = what == VIGIL_AGENTS ? agent->name : agent->model;

		if (name)
			names->fn(names->arg, name);
	}
}

enum vigil_result
vigil_list_names(struct vigil *vigil, enum vigil_names what, vigil_name_fn *fn, void *arg)
{
	struct names names = {.fn = fn, .arg = arg};

	if (what == VIGIL_STATUSES || what == VIGIL_ERROR_KINDS) {
		pass_words(&names, what);
		return VIGIL_OK;
	}
	pass_configured(&names, vigil->config, what);
	bool done =
	    store_run(vigil->store, what == VIGIL_AGENTS ? Q_recent_agents : Q_recent_models, NULL,
		0, pass_name, &names, &vigil->fault);
	return done ? VIGIL_OK : handle_result(vigil);
}
