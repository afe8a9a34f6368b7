/*
 * Whole files, and folders: see file.h.
 */
#define _GNU_SOURCE /* statx() */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 65536 };

static bool
refuse(const char *path, int error, struct fault *fault)
{
	bool typed = error == ENOENT || error == ENOTDIR || error == EISDIR;

	return fault_set(
	    fault, typed ? FAULT_USAGE : FAULT_ENV, "cannot read %s: %s", path, strerror(error));
}

/* Reads to the end; what is over the limit is noticed, not kept. */
static bool
read_all(int fd, const char *name, size_t limit, struct buf *buf, struct fault *fault)
{
	char chunk[CHUNK];
	size_t total = 0;

	for (;;) {
		ssize_t count = read(fd, chunk, sizeof(chunk));

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return refuse(name, errno, fault);
		if (count == 0)
			return true;
		total += (size_t)count;
		if (total > limit)
			return fault_set(
			    fault, FAULT_USAGE, "%s has more than %zu bytes", name, limit);
		buf_add(buf, chunk, (size_t)count);
	}
}

bool
file_read(const char *path, size_t limit, struct buf *buf, struct fault *fault)
{
	int fd;
	bool done;

	if (strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, "standard input", limit, buf, fault);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return refuse(path, errno, fault);
	done = read_all(fd, path, limit, buf, fault);
	close(fd);
	return done;
}

char *
file_folder(const char *path)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	while (length > 0 && path[length - 1] != '/')
		length--;
	while (length > 1 && path[length - 1] == '/')
		length--;
	return length > 0 ? xstrndup(path, length) : xstrdup(".");
}

bool
file_sync_folder(const char *path, struct fault *fault)
{
	char *folder = file_folder(path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0 && fsync(fd) == 0;

	if (!done)
		fault_set(
		    fault, FAULT_ENV, "cannot sync the folder %s: %s", folder, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(folder);
	return done;
}

/* When it was born, to the nanosecond, where the file system knows: numbers of devices change with
 * the machine's restarts, and with some file systems those of files do. */
void
file_identity(const char *path, char out[FILE_IDENTITY_SIZE])
{
	struct statx info;

	out[0] = '\0';
	if (statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &info) != 0)
		return;
	if (info.stx_mask & STATX_BTIME)
		snprintf(out, FILE_IDENTITY_SIZE, "born %lld.%09u",
		    (long long)info.stx_btime.tv_sec, (unsigned)info.stx_btime.tv_nsec);
	else
		snprintf(out, FILE_IDENTITY_SIZE, "%llu on %u:%u", (unsigned long long)info.stx_ino,
		    info.stx_dev_major, info.stx_dev_minor);
}

bool
file_has_left(const char *place, const char *here)
{
	struct stat there, this;

	if (stat(place, &there) != 0)
		return errno == ENOENT || errno == ENOTDIR;
	return stat(here, &this) == 0 && there.st_dev == this.st_dev && there.st_ino == this.st_ino;
}
