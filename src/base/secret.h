/*
 * Random text, and secrets in files that are ours alone.
 */
#ifndef VIGIL_BASE_SECRET_H
#define VIGIL_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"

/* `size` - 1 random characters and a NUL: hex digits, or letters and digits. From the kernel. */
void random_hex(char *out, size_t size);
void random_base62(char *out, size_t size);

/* A new 0600 file with this text, on the disk when it returns; an old one is unlinked first. */
bool secret_write(const char *path, const char *text, struct fault *);

/* Its first line, without the end of line. NULL with a fault, also when the file is not ours or
 * others may read it. The caller frees with secret_free. */
char *secret_read(const char *path, struct fault *);

/* Zeroes what held a secret, which no optimizer leaves out. */
void secret_wipe(void *bytes, size_t count);
void secret_free(char *); /* wiped first; NULL is fine */

#endif
