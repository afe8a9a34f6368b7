/*
 * Memory that grows, and allocation that cannot fail.
 *
 * Running out of memory is a bug for a program of a few megabytes: x… functions
 * end the process, and whatever was committed is taken up by the next one.
 */
#ifndef VIGIL_BASE_BUF_H
#define VIGIL_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text); /* NULL for NULL */
char *xstrndup(const char *text, size_t bytes);
void xreplace(char **text, const char *now);  /* by a copy, NULL for NULL; `now` may be in *text */
bool same_text(const char *a, const char *b); /* NULL is the same as NULL alone */
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *format, va_list) __attribute__((format(printf, 1, 0)));

/* A string that grows. `data` is NUL-terminated, or NULL while nothing was ever added. */
struct buf {
	char *data;
	size_t len, capacity; /* bytes, the terminator not counted in len */
};

void buf_add(struct buf *, const void *bytes, size_t count);
void buf_puts(struct buf *, const char *text);
void buf_printf(struct buf *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *, const char *format, va_list)
    __attribute__((format(printf, 2, 0), nonnull(2)));
void buf_drop(struct buf *, size_t count); /* forget the first `count` bytes */
void buf_clear(struct buf *);              /* empty, the memory kept */
char *buf_take(struct buf *); /* the caller frees; the buffer is empty again; never NULL */
const char *buf_text(const struct buf *); /* never NULL; valid until the next change */
void buf_free(struct buf *);

#endif
