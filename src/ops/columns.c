/*
 * The columns of tasks: see columns.h.
 */
#include "ops/columns.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/nearest.h"

static const struct vigil_column columns[] = {
#define X(name, kind) {#name, VIGIL_##kind},
    COLUMN_LIST(X)
#undef X
	{NULL, VIGIL_NUMBER},
};

const struct vigil_column *
vigil_columns(void)
{
	return columns;
}

const struct vigil_column *
vigil_column_find(const char *name)
{
	for (const struct vigil_column *column = columns; column->name; column++)
		if (strcmp(column->name, name) == 0)
			return column;
	return NULL;
}

static bool
refuse(const char *word, struct fault *fault)
{
	struct nearest nearest = {.word = word};
	struct buf all = {0};

	for (const struct vigil_column *column = columns; column->name; column++) {
		nearest_offer(&nearest, column->name);
		buf_printf(&all, "%s%s", column > columns ? ", " : "", column->name);
	}
	fault_set(fault, FAULT_USAGE, "'%.80s' is not a column%s%s%s; there are %s", word,
	    nearest.best ? " (did you mean '" : "", nearest.best ? nearest.best : "",
	    nearest.best ? "'?)" : "", buf_text(&all));
	buf_free(&all);
	return false;
}

static bool
add_choice(struct choices *choices, const char *word, bool may_descend, struct fault *fault)
{
	bool is_descending = may_descend && *word == '-';
	const struct vigil_column *column = vigil_column_find(word + is_descending);

	if (!column)
		return refuse(word + is_descending, fault);
	enum column_id id = (enum column_id)(column - columns);
	if (choices_have(choices, id))
		return fault_set(
		    fault, FAULT_USAGE, "the column '%s' is named twice", column->name);
	choices->all[choices->count++] = (struct choice){id, is_descending};
	return true;
}

bool
choices_parse(struct choices *choices, const char *text, bool may_descend, struct fault *fault)
{
	bool good = true;

	*choices = (struct choices){0};
	for (size_t i = 0; !text && i < COL_COUNT; i++)
		choices->all[choices->count++] = (struct choice){(enum column_id)i, false};
	for (const char *at = text; at && good; at = strchr(at, ',')) {
		at += at > text; /* past the comma */
		char *word = xstrndup(at, strcspn(at, ","));

		good = add_choice(choices, word, may_descend, fault);
		free(word);
	}
	return good;
}

bool
choices_have(const struct choices *choices, enum column_id column)
{
	for (size_t i = 0; i < choices->count; i++)
		if (choices->all[i].column == column)
			return true;
	return false;
}

char *
choices_text(const struct choices *choices)
{
	struct buf text = {0};

	for (size_t i = 0; i < choices->count; i++)
		buf_printf(&text, ",%s", columns[choices->all[i].column].name);
	buf_puts(&text, ",");
	return buf_take(&text);
}
