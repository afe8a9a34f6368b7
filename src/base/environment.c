/*
 * The environment: see environment.h.
 */
#include "base/environment.h"

#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

extern char **environ;

const char *
environment_get(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static const char *
home_folder(void)
{
	const char *home = environment_get("HOME");
	const struct passwd *user = home ? NULL : getpwuid(getuid());

	return user && user->pw_dir && *user->pw_dir ? user->pw_dir : home;
}

char *
environment_file(const char *xdg_variable, const char *fallback, const char *file)
{
	const char *base = environment_get(xdg_variable);

	if (base && *base == '/') /* a relative one is to be ignored, says its specification */
		return xasprintf("%s/%s", base, file);
	const char *home = home_folder();
	return home ? xasprintf("%s/%s/%s", home, fallback, file) : NULL;
}

static bool
is_one_of(const char *variable, const char *const *names)
{
	size_t length = strcspn(variable, "=");

	for (; *names; names++)
		if (strlen(*names) == length && strncmp(variable, *names, length) == 0)
			return true;
	return false;
}

char **
environment_copy(const char *const *without, size_t more, size_t *count)
{
	size_t all = 0;

	while (environ[all])
		all++;
	char **copy = xcalloc(all + more + 1, sizeof(*copy));
	*count = 0;
	for (size_t i = 0; i < all; i++)
		if (!is_one_of(environ[i], without))
			copy[(*count)++] = xstrdup(environ[i]);
	return copy;
}
