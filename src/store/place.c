/*
 * Where a database lies: its folder and its file, made so that nobody else can read them, on a
 * file system whose locks can be trusted.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include "store/store_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/failpoint.h"
#include "base/file.h"

/* ---- names --------------------------------------------------------------------------------- */

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* A database that is not there yet has a folder that is. */
char *
place_resolve(const char *path)
{
	char *folder, *real, *out;

	real = realpath(path, NULL);
	if (real)
		return real;
	folder = file_folder(path);
	real = realpath(folder, NULL);
	free(folder);
	if (!real)
		return xstrdup(path);
	out = xasprintf("%s/%s", strcmp(real, "/") == 0 ? "" : real, last_part(path));
	free(real);
	return out;
}

char *
store_beside(const char *path, const char *suffix)
{
	char *resolved = place_resolve(path);
	char *out = xasprintf("%s%s", resolved, suffix);

	free(resolved);
	return out;
}

/* ---- folders ------------------------------------------------------------------------------- */

static bool
make_folder(const char *folder, struct fault *fault)
{
	struct stat info;
	char *parent;
	bool ok;

	if (stat(folder, &info) == 0)
		return true; /* if it is no folder, making the file says so */
	parent = file_folder(folder);
	ok = strcmp(parent, folder) == 0 || make_folder(parent, fault);
	bool is_made = ok && mkdir(folder, 0700) == 0;
	if (ok && (is_made ? chmod(folder, 0700) != 0 : errno != EEXIST))
		ok = fault_set(
		    fault, FAULT_ENV, "cannot make the folder %s: %s", folder, strerror(errno));
	else if (is_made)
		ok = file_sync_folder(folder, fault);
	free(parent);
	return ok;
}

/* ---- file systems -------------------------------------------------------------------------- */

struct file_system {
	unsigned long type;
	const char *name;
};

/* Their locks, or the shared memory of a WAL, do not hold between machines, be one of them a guest
 * of the other; through FUSE nobody can tell. */
static const struct file_system remote[] = {
    {0x6969, "NFS"},
    {0xFF534D42, "CIFS"},
    {0xFE534D42, "SMB"},
    {0x517B, "SMB"},
    {0x01021997, "9P"},
    {0x5346414F, "AFS"},
    {0x6B414653, "AFS"},
    {0x00C36400, "Ceph"},
    {0x01161970, "GFS2"},
    {0x7461636F, "OCFS2"},
    {0x0BD00BD0, "Lustre"},
    {0x73757245, "Coda"},
    {0x65735546, "FUSE"},
    {0x47504653, "GPFS"},
    {0x19830326, "BeeGFS"},
    {0x786F4256, "VirtualBox"},
    {0xBACBACBC, "VMware"},
};

/* Faults also for a path whose file system cannot be asked: it will not open either. */
bool
store_is_local(const char *path, struct fault *fault)
{
	struct statfs info;

	if (statfs(path, &info) != 0)
		return fault_set(fault, FAULT_ENV, "cannot use %s: %s", path, strerror(errno));
	for (size_t i = 0; i < sizeof(remote) / sizeof(*remote); i++)
		if (((unsigned long)info.f_type & 0xffffffffUL) == remote[i].type)
			return fault_set(fault, FAULT_ENV,
			    "%s is on a file system (%s) where a database is not safe: choose a "
			    "local place with --db or VIGIL_DB",
			    path, remote[i].name);
	return true;
}

/* ---- the file ------------------------------------------------------------------------------ */

/* The newest changes of a database that was moved away or deleted are in its -wal: SQLite would
 * drop it beside a new one. The -wal is made after the file, so it is looked for first. */
static bool
is_whole(const char *path, struct fault *fault)
{
	char *wal = store_beside(path, "-wal");
	struct stat info;
	bool ok = true;

	if (stat(wal, &info) == 0 && info.st_size > 0 && stat(path, &info) != 0 && errno == ENOENT)
		ok = fault_set(fault, FAULT_ENV,
		    "the database %s is gone, but its newest changes are in %s: put it back, or "
		    "move that away, too, to begin anew",
		    path, wal);
	free(wal);
	return ok;
}

/* Made empty, and closed again before SQLite opens it: closing it later would drop SQLite's locks.
 */
static bool
make_file(const char *path, struct fault *fault)
{
	int fd;
	bool ok;

	failpoint_before(FP_MAKE_DATABASE);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return true;
	ok = fd >= 0 && fchmod(fd, 0600) == 0 && fsync(fd) == 0;
	if (!ok)
		fault_set(
		    fault, FAULT_ENV, "cannot make the database %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	failpoint_after(FP_MAKE_DATABASE);
	return ok && file_sync_folder(path, fault);
}

static bool
is_ordinary(const char *path, struct fault *fault)
{
	struct stat info;

	if (stat(path, &info) != 0)
		return fault_set(
		    fault, FAULT_ENV, "cannot open the database %s: %s", path, strerror(errno));
	if (!S_ISREG(info.st_mode))
		return fault_set(fault, FAULT_ENV, "%s is not a vigil database: %s", path,
		    S_ISDIR(info.st_mode) ? "it is a folder" : "it is not a regular file");
	/* Under each name SQLite would keep a -wal, and vigil a lock, of its own. */
	if (info.st_nlink > 1)
		return fault_set(fault, FAULT_ENV,
		    "%s has another name (a hard link): used under both, it would be destroyed. "
		    "Delete "
		    "one of them",
		    path);
	return store_is_local(path, fault);
}

static char *
resolved_if(bool ok, const char *path)
{
	return ok ? place_resolve(path) : NULL;
}

char *
place_make(const char *path, struct fault *fault)
{
	char *folder = file_folder(path);
	bool ok;

	if (*last_part(path) == '\0')
		ok = fault_set(fault, FAULT_ENV, "%s names a folder, not a database", path);
	else
		ok = make_folder(folder, fault) && store_is_local(folder, fault) &&
		     is_whole(path, fault) && make_file(path, fault) && is_ordinary(path, fault);
	free(folder);
	return resolved_if(ok, path);
}

char *
place_find(const char *path, struct fault *fault)
{
	struct stat info;

	if (stat(path, &info) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
		if (!is_whole(path, fault))
			return NULL;
		fault_set(fault, FAULT_ENV, "there is no database %s: the first vigil add makes it",
		    path);
		return NULL;
	}
	return resolved_if(is_ordinary(path, fault), path);
}
