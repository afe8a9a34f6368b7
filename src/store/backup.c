/*
 * A copy of the database, as it is at one moment, while everything runs: under another name first,
 * so that what has the name that was asked for is whole.
 */
#include "store/store_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

/* ---- any copy ----------------------------------------------------------------------------- */

static bool
sync_file(const char *name, struct fault *fault)
{
	int fd = open(name, O_RDWR | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (!ok)
		fault_set(fault, FAULT_ENV, "cannot write %s: %s", name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}

bool
store_copy_into(struct store *s, const char *name, struct fault *fault)
{
	char *sql = sqlite3_mprintf("VACUUM INTO %Q", name);
	bool ok = store_exec(s, sql, fault);

	sqlite3_free(sql);
	return ok && sync_file(name, fault);
}

/* ---- a backup ----------------------------------------------------------------------------- */

struct backup {
	const char *name;
	char *part;
	int fd; /* of the part, whose lock keeps another backup from writing to it too */
};

static bool
cannot(const struct backup *b, const char *why, struct fault *fault)
{
	return fault_set(fault, FAULT_ENV, "cannot back up to %s: %s", b->name, why);
}

static bool
exists(const struct backup *b, struct fault *fault)
{
	struct stat found;

	if (lstat(b->name, &found) != 0)
		return false;
	fault_set(fault, FAULT_USAGE, "%s %s", b->name,
	    S_ISDIR(found.st_mode) ? "is a folder: name a new file in it"
				   : "exists already: name another file, or remove it first");
	return true;
}

/* Is what we have locked still what has that name? Else another backup has just completed it. */
static bool
is_ours(const struct backup *b)
{
	struct stat ours, named;

	return fstat(b->fd, &ours) == 0 && stat(b->part, &named) == 0 &&
	       ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

/* What one that was killed has left is taken over. A file system without modes is no fault. */
static bool
begin_part(struct backup *b, struct fault *fault)
{
	b->fd = open(b->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (b->fd < 0)
		return cannot(b, strerror(errno), fault);
	if ((flock(b->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) || !is_ours(b)) {
		close(b->fd);
		b->fd = -1;
		return cannot(b, "another backup is writing to it", fault);
	}
	if ((fchmod(b->fd, 0600) != 0 && errno != EPERM) || ftruncate(b->fd, 0) != 0)
		return cannot(b, strerror(errno), fault);
	return true;
}

static bool
copy(const struct backup *b, struct store *s, struct fault *fault)
{
	struct fault why;

	return store_copy_into(s, b->part, &why) || cannot(b, why.text, fault);
}

/* By a connection of its own, to what is on the disk; not a read-only one, which passes over
 * CHECKs. */
static bool
is_whole(const struct backup *b, struct fault *fault)
{
	struct store copied = {.path = b->part};
	char said[200] = "";
	struct fault why = {.text = "it cannot be opened"};
	int code = sqlite3_open_v2(
	    b->part, &copied.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, NULL);
	bool was_read = code == SQLITE_OK && store_ask_text(&copied, "PRAGMA integrity_check(1)",
						 said, sizeof(said), &why);

	sqlite3_close(copied.db);
	if (was_read && strcmp(said, "ok") == 0)
		return true;
	return fault_set(fault, FAULT_ENV, "the copy for %s is not whole, and was removed: %s",
	    b->name, was_read ? said : why.text);
}

/* link() leaves alone what has got the name meanwhile; not every file system has it. */
static bool
name_it(const struct backup *b, struct fault *fault)
{
	if (link(b->part, b->name) == 0) {
		unlink(b->part);
		return file_sync_folder(b->name, fault);
	}
	if (exists(b, fault))
		return false;
	if (rename(b->part, b->name) != 0)
		return cannot(b, strerror(errno), fault);
	return file_sync_folder(b->name, fault);
}

static bool
back_up(struct backup *b, struct store *s, struct fault *fault)
{
	if (exists(b, fault) || !begin_part(b, fault))
		return false;
	if (copy(b, s, fault) && is_whole(b, fault) && name_it(b, fault))
		return true;
	unlink(b->part);
	return false;
}

bool
store_backup(struct store *s, const char *name, struct fault *fault)
{
	struct backup b = {.name = name, .part = xasprintf("%s.part", name), .fd = -1};
	bool ok = back_up(&b, s, fault);

	if (b.fd >= 0)
		close(b.fd);
	free(b.part);
	return ok;
}
