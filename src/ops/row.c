/*
 * One task as a row: see row.h. What SQL cannot say is put in here: whether a runner is alive.
 */
#include "ops/row.h"

#include <stdlib.h>

#include "base/buf.h"
#include "ops/next.h"

#define WHOLE (INT64_C(1) << 30) /* characters; more than any text has */

/* A row on its way to a callback. */
struct passing {
	const struct task_reader *reader;
	vigil_row_fn *fn;
	void *arg;
	bool more, failed;
};

void
task_reader_init(struct task_reader *reader, struct vigil *vigil, const struct choices *choices,
    int64_t characters)
{
	*reader = (struct task_reader){
	    .vigil = vigil,
	    .choices = choices,
	    .wanted = choices_text(choices),
	    .characters = characters ? characters : WHOLE,
	    .has_runner = (choices_have(choices, COL_reason) || choices_have(choices, COL_next)) &&
			  store_lock_holder(vigil->database) != 0,
	};
}

void
task_reader_free(struct task_reader *reader)
{
	free(reader->wanted);
}

static bool
copy_text(void *out, const struct row *row)
{
	char **text = out;

	*text = xstrdup(row_text(row, 0));
	return false;
}

/* Why an open task does not go on. The caller frees *why. */
static bool
read_reason(const struct task_reader *reader, int64_t id, char **why)
{
	struct value values[] = {value_int(id), value_int(reader->has_runner)};

	return store_run(
	    reader->vigil->store, Q_show_reason, values, 2, copy_text, why, &reader->vigil->fault);
}

static bool
is_open(const char *status)
{
	enum status parsed;

	return status_parse(status, &parsed) && !status_is_final(parsed);
}

/* NULL where SQL has said it. The caller frees. */
static char *
say_reason(struct passing *p, const struct row *row)
{
	char *why = NULL;

	if (row_is_null(row, COL_reason) && is_open(row_text(row, COL_status)))
		p->failed |= !read_reason(p->reader, row_int(row, COL_id), &why);
	return why;
}

/* NULL: nothing is to be done. The caller frees. */
static char *
say_next(struct passing *p, const struct row *row)
{
	char *next;

	p->failed |= !next_find(p->reader->vigil, row_int(row, COL_id), row_text(row, COL_status),
	    row_text(row, COL_error_kind), p->reader->has_runner, &next);
	return next;
}

/* The columns that were asked for, in that order. */
static bool
take_row(void *arg, const struct row *row)
{
	struct passing *p = arg;
	const struct choices *choices = p->reader->choices;
	const char *names[COL_COUNT], *values[COL_COUNT];
	bool is_number[COL_COUNT];
	char *reason = NULL, *next = NULL;

	for (size_t i = 0; i < choices->count; i++) {
		enum column_id column = choices->all[i].column;

		names[i] = vigil_columns()[column].name;
		is_number[i] =
		    row_is_number(row, column); /* before the text: reading it converts */
		if (column == COL_reason)
			reason = say_reason(p, row);
		if (column == COL_next)
			next = say_next(p, row);
		values[i] = column == COL_next               ? next
			    : column == COL_reason && reason ? reason
							     : row_text(row, column);
	}
	const struct vigil_row chosen = {choices->count, names, values, is_number};
	p->more = !p->failed && (!p->fn || p->fn(p->arg, &chosen));
	free(reason);
	free(next);
	return false;
}

bool
task_read(const struct task_reader *reader, int64_t id, vigil_row_fn *fn, void *arg, bool *more)
{
	struct passing p = {.reader = reader, .fn = fn, .arg = arg, .more = true};
	struct value values[] = {
	    value_int(id), value_text(reader->wanted), value_int(reader->characters)};
	bool done = store_run(
	    reader->vigil->store, Q_list_row, values, 3, take_row, &p, &reader->vigil->fault);

	*more = p.more;
	return done && !p.failed;
}
