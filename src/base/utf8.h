/*
 * UTF-8: is it, and where may it be cut.
 */
#ifndef VIGIL_BASE_UTF8_H
#define VIGIL_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The length of the longest valid prefix: equals `bytes` where all is valid. No surrogates,
 * no overlong forms, nothing above U+10FFFF; NUL counts as valid. */
size_t utf8_valid(const char *text, size_t bytes);

/* The largest length <= limit that does not cut a character of valid UTF-8 in two. */
size_t utf8_cut(const char *text, size_t bytes, size_t limit);

#endif
