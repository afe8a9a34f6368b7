/*
 * What the environment says, and where files are that nobody named.
 */
#ifndef VIGIL_BASE_ENVIRONMENT_H
#define VIGIL_BASE_ENVIRONMENT_H

#include <stddef.h>

/* NULL: not set, or empty. */
const char *environment_get(const char *name);

/* FILE below the folder that the XDG variable names, else below `fallback` in the home folder.
 * NULL: there is no home folder. The caller frees. */
char *environment_file(const char *xdg_variable, const char *fallback, const char *file);

/* For a program that is started: all variables but those named (up to a NULL), with room for `more`
 * in front of the NULL at the end. *count is how many there are. The caller frees each, and the
 * array. */
char **environment_copy(const char *const *without, size_t more, size_t *count);

#endif
