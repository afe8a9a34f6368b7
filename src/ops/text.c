/*
 * Files of lines, each of which is JSON: what the readers of tasks have in common.
 */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "ops/handle.h"

/* The value of the four digits of \uXXXX; -1 if they are none. */
static long
escaped_unit(const char *at, const char *end)
{
	char digits[5] = {0};

	if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
		return -1;
	memcpy(digits, at + 2, 4);
	return strspn(digits, "0123456789abcdefABCDEF") == 4 ? strtol(digits, NULL, 16) : -1;
}

/* JSON's reader replaces what cannot be text; here that would be a prompt other than the one that
 * was written. Only strings have backslashes. */
static bool
check_escapes(const char *text, size_t bytes, struct fault *fault)
{
	const char *at = text, *end = text + bytes;

	while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
		long unit = escaped_unit(at, end), next = -1;

		if (unit >= 0xd800 && unit <= 0xdbff)
			next = escaped_unit(at + 6, end);
		if (unit == 0 || (unit >= 0xdc00 && unit <= 0xdfff) ||
		    (unit >= 0xd800 && unit <= 0xdbff && (next < 0xdc00 || next > 0xdfff)))
			return fault_set(fault, FAULT_USAGE,
			    "%.6s at byte %zu stands for no character", at, (size_t)(at - text));
		at += next >= 0 ? 12 : unit >= 0 ? 6 : end - at < 2 ? 1 : 2;
	}
	return true;
}

bool
line_check(const char *text, size_t bytes, struct fault *fault)
{
	const char *nul = memchr(text, '\0', bytes);
	size_t valid = utf8_valid(text, bytes);

	if (nul)
		return fault_set(
		    fault, FAULT_USAGE, "there is a NUL at byte %zu", (size_t)(nul - text));
	if (valid < bytes)
		return fault_set(fault, FAULT_USAGE, "it is not UTF-8 at byte %zu", valid);
	return check_escapes(text, bytes, fault);
}

static bool
is_blank(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (!strchr(" \t\r", text[i]) || !text[i])
			return false;
	return true;
}

bool
line_each(
    const char *text, size_t bytes, const char *name, line_fn *fn, void *arg, struct fault *fault)
{
	const char *end = text + bytes, *next;
	struct fault why;

	for (size_t number = 1; text < end; number++, text = next) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((stop ? stop : end) - text);

		next = stop ? stop + 1 : end;
		if (is_blank(text, length) || fn(arg, text, length, &why))
			continue;
		/* What the environment says is not the line's fault. */
		if (why.kind == FAULT_USAGE || why.kind == FAULT_NOT_FOUND)
			return fault_set(fault, why.kind, "%s:%zu: %s", name, number, why.text);
		*fault = why;
		return false;
	}
	return true;
}
