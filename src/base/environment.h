/*
 * What the environment says, and where files are that nobody named.
 */
#ifndef VIGIL_BASE_ENVIRONMENT_H
#define VIGIL_BASE_ENVIRONMENT_H

/* NULL: not set, or empty. */
const char *environment_get(const char *name);

/* FILE below the folder that the XDG variable names, else below `fallback` in the home folder.
 * NULL: there is no home folder. The caller frees. */
char *environment_file(const char *xdg_variable, const char *fallback, const char *file);

#endif
