/*
 * Whole files, as people name them, and folders.
 */
#ifndef VIGIL_BASE_FILE_H
#define VIGIL_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/fault.h"

/* Adds all that a file has, or standard input for "-". FAULT_USAGE: there is no such file, it is
 * a directory, or it has more than `limit` bytes; FAULT_ENV: it cannot be read. */
bool file_read(const char *path, size_t limit, struct buf *, struct fault *);

/* The folder that `path` is in, "." if it names none; slashes at its end are no part of a name. The
 * caller frees. */
char *file_folder(const char *path);

/* Which file it is, as a word: the same one while it is moved within its file system, restarts of
 * the machine included, and another one for any copy. "" if there is none. */
#define FILE_IDENTITY_SIZE 64
void file_identity(const char *path, char out[FILE_IDENTITY_SIZE]);

/* Is nothing else at `place`, where it was, than what is here? */
bool file_has_left(const char *place, const char *here);

/* A new name in the folder that `path` is in is durable only once this has returned true;
 * FAULT_ENV. */
bool file_sync_folder(const char *path, struct fault *);

#endif
