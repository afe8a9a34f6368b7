/*
 * The environment: see environment.h.
 */
#include "base/environment.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"

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
