/*
 * Whole files, as people name them.
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

#endif
