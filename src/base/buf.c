/*
 * Growing strings and allocation that cannot fail: see buf.h.
 *
 * The capacity doubles, so that adding n bytes one at a time costs O(n). Sizes that overflow are
 * treated as what they are, memory nobody has.
 */
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"

enum { SMALLEST = 64 };

void *
xcalloc(size_t count, size_t size)
{
	/* Never NULL, not even for nothing at all. */
	void *memory = calloc(count ? count : 1, size ? size : 1);

	if (!memory)
		die("out of memory (%zu times %zu bytes)", count, size);
	return memory;
}

void *
xrealloc(void *old, size_t size)
{
	void *memory = realloc(old, size ? size : 1);

	if (!memory)
		die("out of memory (%zu bytes)", size);
	return memory;
}

char *
xstrdup(const char *text)
{
	return text ? xstrndup(text, strlen(text)) : NULL;
}

void
xreplace(char **text, const char *now)
{
	char *copy = xstrdup(now);
	free(*text);
	*text = copy;
}

bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

char *
xstrndup(const char *text, size_t bytes)
{
	char *copy = xcalloc(bytes + 1, 1);

	memcpy(copy, text, bytes);
	return copy;
}

char *
xvasprintf(const char *format, va_list args)
{
	struct buf buf = {0};

	buf_vprintf(&buf, format, args);
	return buf_take(&buf);
}

char *
xasprintf(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	return text;
}

/* Room for `count` bytes more and a terminator. */
static void
reserve(struct buf *buf, size_t count)
{
	size_t capacity = buf->capacity ? buf->capacity : SMALLEST;

	if (count > SIZE_MAX / 4 - buf->len)
		die("out of memory (%zu bytes more than %zu)", count, buf->len);
	while (capacity <= buf->len + count)
		capacity *= 2;
	if (capacity == buf->capacity)
		return;
	buf->data = xrealloc(buf->data, capacity);
	buf->capacity = capacity;
}

void
buf_add(struct buf *buf, const void *bytes, size_t count)
{
	reserve(buf, count);
	if (count)
		memcpy(buf->data + buf->len, bytes, count);
	buf->len += count;
	buf->data[buf->len] = '\0';
}

void
buf_puts(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void
buf_vprintf(struct buf *buf, const char *format, va_list args)
{
	va_list again;
	int length;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		die("a format that cannot be printed: %s", format);
	reserve(buf, (size_t)length);
	vsnprintf(buf->data + buf->len, (size_t)length + 1, format, args);
	buf->len += (size_t)length;
}

void
buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vprintf(buf, format, args);
	va_end(args);
}

void
buf_drop(struct buf *buf, size_t count)
{
	if (count > buf->len)
		die("%zu bytes dropped from a buffer of %zu", count, buf->len);
	if (count == 0)
		return;
	buf->len -= count;
	memmove(buf->data, buf->data + count, buf->len + 1);
}

void
buf_clear(struct buf *buf)
{
	buf->len = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

char *
buf_take(struct buf *buf)
{
	char *text = buf->data ? buf->data : xcalloc(1, 1);

	*buf = (struct buf){0};
	return text;
}

const char *
buf_text(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

void
buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){0};
}
