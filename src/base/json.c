/*
 * JSON by cJSON: see json.h.
 *
 * A `struct json` is a cJSON under another name. What cJSON would choke on or cut in silence is
 * replaced before it parses: the text is copied only if there is something to replace.
 */
#include "base/json.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

#define LARGEST_EXACT (INT64_C(1) << 53) /* beyond it, a double skips integers */

enum { KEY_SIZE = 128, SHOWN_BYTES = 40 };

static cJSON *
node(struct json *json)
{
	return (cJSON *)(void *)json;
}

static const cJSON *
look(const struct json *json)
{
	return (const cJSON *)(const void *)json;
}

static struct json *
wrap(cJSON *item)
{
	if (!item)
		die("out of memory for JSON");
	return (struct json *)(void *)item;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The value of `\uXXXX` at `at`, or -1 if that is not what stands there. */
static long
escaped_unit(const char *at, size_t left)
{
	long unit = 0;

	if (left < 6 || at[0] != '\\' || at[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int digit = hex_value(at[i]);

		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

static bool
is_high_surrogate(long unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool
is_low_surrogate(long unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* How many bytes from `at` on, which is a backslash, belong together; *bad if they stand for
 * no character that cJSON can take. */
static size_t
escape_length(const char *at, size_t left, bool *bad)
{
	long unit = escaped_unit(at, left);

	*bad = false;
	if (unit < 0) /* what is not ASCII is a character of its own */
		return left < 2 || (unsigned char)at[1] >= 0x80 ? 1 : 2;
	if (is_high_surrogate(unit) && is_low_surrogate(escaped_unit(at + 6, left - 6)))
		return 12;
	*bad = unit == 0 || is_high_surrogate(unit) || is_low_surrogate(unit);
	return 6;
}

/* How many bytes the character beyond ASCII that begins at `at` has; *bad if it is none, and one
 * byte is to be replaced. */
static size_t
character_length(const char *at, size_t left, bool *bad)
{
	unsigned char first = (unsigned char)*at;
	size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	*bad = length > left || utf8_valid(at, length) != length;
	return *bad ? 1 : length;
}

/* The offset of the next bytes that must be replaced, and their count; `bytes` if there are
 * none. */
static size_t
next_bad(const char *text, size_t bytes, size_t from, size_t *count)
{
	for (size_t at = from; at < bytes; at += *count) {
		bool bad = text[at] == '\0';

		*count = 1;
		if (text[at] == '\\')
			*count = escape_length(text + at, bytes - at, &bad);
		else if ((unsigned char)text[at] >= 0x80)
			*count = character_length(text + at, bytes - at, &bad);
		if (bad)
			return at;
	}
	return bytes;
}

/* Fills `clean` with the text and U+FFFD for all that must be replaced; false, and nothing
 * filled, if nothing must be. */
static bool
replace_bad(const char *text, size_t bytes, struct buf *clean)
{
	size_t count, from = 0, at = next_bad(text, bytes, 0, &count);

	if (at == bytes)
		return false;
	while (at < bytes) {
		buf_add(clean, text + from, at - from);
		buf_puts(clean, "\xef\xbf\xbd");
		from = at + count;
		at = next_bad(text, bytes, from, &count);
	}
	buf_add(clean, text + from, bytes - from);
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Says where it breaks, and shows on one line what stands there. */
static void
complain(const char *text, size_t bytes, const char *at, struct fault *fault)
{
	size_t offset = at ? (size_t)(at - text) : 0;
	size_t left;

	/* It may have broken inside of a character. */
	while (offset > 0 && offset < bytes && ((unsigned char)text[offset] & 0xc0) == 0x80)
		offset--;
	left = bytes - offset;
	if (left == 0) {
		fault_set(fault, FAULT_ENV, "JSON that ends too early, after %zu bytes", bytes);
		return;
	}
	fault_set(fault, FAULT_ENV, "no JSON, at byte %zu: %.*s", offset,
	    (int)utf8_cut(text + offset, left, SHOWN_BYTES), text + offset);
	for (char *c = fault->text; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
}

static struct json *
parse_clean(const char *text, size_t bytes, struct fault *fault)
{
	const char *end = NULL;
	cJSON *item = cJSON_ParseWithLengthOpts(text, bytes, &end, 0);
	const char *rest = end;

	while (item && rest < text + bytes && is_blank(*rest))
		rest++;
	if (item && rest == text + bytes)
		return wrap(item);
	complain(text, bytes, rest, fault);
	cJSON_Delete(item);
	return NULL;
}

struct json *
json_parse(const char *text, size_t bytes, struct fault *fault)
{
	struct buf clean = {0};
	struct json *json;

	if (!replace_bad(text, bytes, &clean))
		return parse_clean(text, bytes, fault);
	json = parse_clean(clean.data, clean.len, fault);
	buf_free(&clean);
	return json;
}

void
json_free(struct json *json)
{
	cJSON_Delete(node(json));
}

const struct json *
json_at(const struct json *json, const char *path)
{
	const cJSON *item = look(json);

	while (item && path && *path) {
		size_t length = strcspn(path, ".");
		char key[KEY_SIZE];

		if (length >= sizeof(key) || !cJSON_IsObject(item))
			return NULL;
		memcpy(key, path, length);
		key[length] = '\0';
		item = cJSON_GetObjectItemCaseSensitive(item, key);
		path += length + (path[length] == '.');
	}
	return (const struct json *)(const void *)item;
}

const char *
json_text(const struct json *json, const char *path)
{
	return cJSON_GetStringValue(look(json_at(json, path)));
}

double
json_number(const struct json *json, const char *path)
{
	const cJSON *item = look(json_at(json, path));

	return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

int64_t
json_int(const struct json *json, const char *path)
{
	double value = json_number(json, path);

	if (value >= 9223372036854775808.0)
		return INT64_MAX;
	if (value <= -9223372036854775808.0)
		return INT64_MIN;
	return (int64_t)value;
}

bool
json_true(const struct json *json, const char *path)
{
	return cJSON_IsTrue(look(json_at(json, path)));
}

bool
json_is_object(const struct json *json)
{
	return cJSON_IsObject(look(json));
}

bool
json_is_array(const struct json *json)
{
	return cJSON_IsArray(look(json));
}

bool
json_is_string(const struct json *json)
{
	return cJSON_IsString(look(json));
}

bool
json_is_number(const struct json *json)
{
	return cJSON_IsNumber(look(json));
}

bool
json_is_bool(const struct json *json)
{
	return cJSON_IsBool(look(json));
}

bool
json_is_null(const struct json *json)
{
	return cJSON_IsNull(look(json));
}

const struct json *
json_first(const struct json *json)
{
	return json ? (const struct json *)(const void *)look(json)->child : NULL;
}

const struct json *
json_next(const struct json *json)
{
	return json ? (const struct json *)(const void *)look(json)->next : NULL;
}

const char *
json_key(const struct json *json)
{
	return json ? look(json)->string : NULL;
}

size_t
json_count(const struct json *json)
{
	size_t count = 0;

	for (const struct json *child = json_first(json); child; child = json_next(child))
		count++;
	return count;
}

struct json *
json_object(void)
{
	return wrap(cJSON_CreateObject());
}

struct json *
json_array(void)
{
	return wrap(cJSON_CreateArray());
}

struct json *
json_add(struct json *parent, const char *key, struct json *child)
{
	cJSON *item = node(child);
	bool added = key ? cJSON_AddItemToObject(node(parent), key, item)
			 : cJSON_AddItemToArray(node(parent), item);

	if (!added)
		die("JSON cannot be added under '%s'", key ? key : "(array)");
	return child;
}

struct json *
json_add_object(struct json *parent, const char *key)
{
	return json_add(parent, key, json_object());
}

struct json *
json_add_array(struct json *parent, const char *key)
{
	return json_add(parent, key, json_array());
}

void
json_add_text(struct json *parent, const char *key, const char *text)
{
	json_add(parent, key, wrap(text ? cJSON_CreateString(text) : cJSON_CreateNull()));
}

void
json_add_int(struct json *parent, const char *key, int64_t value)
{
	char exact[24];

	if (value >= -LARGEST_EXACT && value <= LARGEST_EXACT) {
		json_add_number(parent, key, (double)value);
		return;
	}
	snprintf(exact, sizeof(exact), "%" PRId64, value);
	json_add(parent, key, wrap(cJSON_CreateRaw(exact)));
}

void
json_add_number(struct json *parent, const char *key, double value)
{
	json_add(parent, key, wrap(cJSON_CreateNumber(value)));
}

void
json_add_bool(struct json *parent, const char *key, bool value)
{
	json_add(parent, key, wrap(cJSON_CreateBool(value)));
}

char *
json_print(const struct json *json)
{
	char *text = cJSON_PrintUnformatted(look(json));

	if (!text)
		die("out of memory for printing JSON");
	return text;
}

/* The end of the string that begins at `at`: past its closing quote, or the end of the text. */
static char *
past_string(char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && at[1])
			at++;
	return *at ? at + 1 : at;
}

/* Blanks the comment that begins at `at`, its line ends kept; returns its end. */
static char *
blank_comment(char *at)
{
	bool block = at[1] == '*';
	char *stop = block ? strstr(at + 2, "*/") : strchr(at, '\n');
	char *end = stop ? stop + (block ? 2 : 0) : at + strlen(at);

	for (; at < end; at++)
		if (*at != '\n')
			*at = ' ';
	return end;
}

void
json_strip_comments(char *text)
{
	while (*text) {
		if (*text == '"')
			text = past_string(text);
		else if (*text == '/' && (text[1] == '/' || text[1] == '*'))
			text = blank_comment(text);
		else
			text++;
	}
}
