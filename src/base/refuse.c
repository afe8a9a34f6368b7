/*
 * Sentences that refuse a value: see refuse.h.
 */
#include "base/refuse.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

enum { SHOWN_BYTES = 80 };

static char *
cut(const char *value)
{
	size_t bytes = strlen(value), shown = utf8_cut(value, bytes, SHOWN_BYTES);

	return xasprintf("%.*s%s", (int)shown, value, shown < bytes ? "…" : "");
}

bool
refuse_text(struct fault *fault, const char *what, const char *value, const char *why)
{
	char *shown = cut(value);

	fault_set(fault, FAULT_USAGE, "%s '%s' %s", what, shown, why);
	free(shown);
	return false;
}

bool
refuse_json(struct fault *fault, enum fault_kind kind, const char *key, const struct json *value,
    const char *accepted)
{
	char *text = json_print(value), *shown = cut(text);

	fault_set(fault, kind, "%s is %s; it must be %s", key, shown, accepted);
	free(shown);
	free(text);
	return false;
}
