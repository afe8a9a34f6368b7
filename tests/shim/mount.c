/*
 * Preloaded into vigil by a test: a mount that does not answer. While the file that
 * VIGIL_SHIM_HANGS names exists, whoever resolves a path below VIGIL_SHIM_MOUNT waits. Programs
 * that vigil starts are left alone.
 */
#undef _FORTIFY_SOURCE /* it would define this call itself */
#define _GNU_SOURCE    /* RTLD_NEXT */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((constructor)) static void
stay_here(void)
{
	unsetenv("LD_PRELOAD");
}

static void
wait_for(const char *path)
{
	const char *mount = getenv("VIGIL_SHIM_MOUNT"), *hangs = getenv("VIGIL_SHIM_HANGS");

	while (
	    mount && hangs && strncmp(path, mount, strlen(mount)) == 0 && access(hangs, F_OK) == 0)
		usleep(50000);
}

char *
realpath(const char *restrict name, char *restrict resolved)
{
	char *(*real)(const char *, char *);

	*(void **)&real = dlsym(RTLD_NEXT, "realpath");
	wait_for(name);
	return real(name, resolved);
}

char *__realpath_chk(const char *name, char *resolved, size_t size);

char *
__realpath_chk(const char *name, char *resolved, size_t size)
{
	(void)size;
	return realpath(name, resolved);
}
