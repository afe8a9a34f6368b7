/*
 * Preloaded into vigil by a test: a disk that is full, or of another kind, below one folder, for
 * anybody, anywhere, without a mount.
 *
 *     VIGIL_SHIM_FOLDER       what it is about; a name below it is what follows
 *     VIGIL_SHIM_FULL         a file that says, while it exists, that nothing can be written there:
 *                             its first line is how the names end that this holds for, "" for all;
 *                             each time that something was refused, FILE.refused is a byte longer
 *     VIGIL_SHIM_FILE_SYSTEM  the type that statfs() gives there, as a number
 *
 * As on a disk: a file can be made, cut and deleted all the same. Programs that vigil starts are
 * left alone.
 */
#undef _FORTIFY_SOURCE /* it would define some of these calls itself */
#define _GNU_SOURCE    /* the names ending in 64, SYS_ numbers */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

__attribute__((constructor)) static void
stay_here(void)
{
	unsetenv("LD_PRELOAD");
}

static bool
is_below(const char *path)
{
	const char *folder = getenv("VIGIL_SHIM_FOLDER");

	return folder && strncmp(path, folder, strlen(folder)) == 0;
}

static bool
ends_in(const char *path, const char *end)
{
	size_t length = strlen(path), wanted = strlen(end);

	return length >= wanted && strcmp(path + length - wanted, end) == 0;
}

/* False: there is room. */
static bool
read_flag(char *out, size_t size)
{
	const char *name = getenv("VIGIL_SHIM_FULL");
	int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t got = fd >= 0 ? read(fd, out, size - 1) : -1;

	if (fd >= 0)
		close(fd);
	out[got > 0 ? got : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return got >= 0;
}

static void
count_refusal(void)
{
	char name[PATH_MAX];
	int fd;

	snprintf(name, sizeof(name), "%s.refused", getenv("VIGIL_SHIM_FULL"));
	fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0) {
		(void)!syscall(SYS_write, fd, "!", 1);
		close(fd);
	}
}

static bool
is_full(int fd)
{
	char path[PATH_MAX], link[64], end[64];
	int saved = errno;
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	path[length > 0 ? length : 0] = '\0';
	bool full = is_below(path) && read_flag(end, sizeof(end)) && ends_in(path, end);
	if (full)
		count_refusal();
	errno = full ? ENOSPC : saved;
	return full;
}

ssize_t
write(int fd, const void *buf, size_t n)
{
	return is_full(fd) ? -1 : syscall(SYS_write, fd, buf, n);
}

ssize_t
pwrite(int fd, const void *buf, size_t n, off_t offset)
{
	return is_full(fd) ? -1 : syscall(SYS_pwrite64, fd, buf, n, offset);
}

ssize_t
pwrite64(int fd, const void *buf, size_t n, off64_t offset)
{
	return pwrite(fd, buf, n, offset);
}

static bool
grows(int fd, off_t size)
{
	struct stat info;

	return fstat(fd, &info) == 0 && size > info.st_size;
}

int
ftruncate(int fd, off_t length)
{
	return grows(fd, length) && is_full(fd) ? -1 : (int)syscall(SYS_ftruncate, fd, length);
}

int
ftruncate64(int fd, off64_t length)
{
	return ftruncate(fd, length);
}

int
statfs(const char *file, struct statfs *buf)
{
	const char *type = getenv("VIGIL_SHIM_FILE_SYSTEM");
	int result = (int)syscall(SYS_statfs, file, buf);

	if (result == 0 && type && is_below(file))
		buf->f_type = (__fsword_t)strtoul(type, NULL, 0);
	return result;
}
