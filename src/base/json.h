/*
 * JSON, by cJSON; the only file that includes it.
 *
 * Reading is total: a getter on NULL, on a missing path or on another type gives its
 * "nothing" (NULL, 0, false), so that a decoder is straight lines and no answer of a
 * server can crash it. A path is keys with dots between: "time.created".
 */
#ifndef VIGIL_BASE_JSON_H
#define VIGIL_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

struct json;

/* Parses one document; nothing but white space may follow. Lone surrogates and \u0000, which
 * cJSON refuses or takes for the end of a string, and bytes that are not UTF-8 become U+FFFD
 * first. FAULT_ENV says where it breaks. The caller frees with json_free. */
struct json *json_parse(const char *text, size_t bytes, struct fault *);
void json_free(struct json *);

const struct json *json_at(const struct json *, const char *path);
const char *json_text(const struct json *, const char *path); /* NULL unless a string */
int64_t json_int(const struct json *, const char *path);      /* 0 unless a number; clamped */
double json_number(const struct json *, const char *path);
bool json_true(const struct json *, const char *path);
bool json_is_object(const struct json *);
bool json_is_array(const struct json *);
bool json_is_string(const struct json *);
bool json_is_number(const struct json *);
bool json_is_bool(const struct json *);
bool json_is_null(const struct json *);

/* Children of an array or an object, in order; the key is NULL in an array. */
const struct json *json_first(const struct json *);
const struct json *json_next(const struct json *);
const char *json_key(const struct json *);
size_t json_count(const struct json *);

/* Building. The parent owns what is added to it; json_add takes over `child`. In an array the
 * key is NULL. Adders return the parent's new child where there is something to go on with. */
struct json *json_object(void);
struct json *json_array(void);
struct json *json_add(struct json *parent, const char *key, struct json *child);
struct json *json_add_object(struct json *parent, const char *key);
struct json *json_add_array(struct json *parent, const char *key);
void json_add_text(struct json *parent, const char *key, const char *text); /* null for NULL */
void json_add_int(struct json *parent, const char *key, int64_t value);
void json_add_number(struct json *parent, const char *key, double value);
void json_add_bool(struct json *parent, const char *key, bool value);

char *json_print(const struct json *); /* one line; the caller frees */

/* Line and block comments become blanks, strings untouched; for configuration. In place. */
void json_strip_comments(char *text);

#endif
