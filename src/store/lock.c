/*
 * One runner a database: an flock on PATH.lock, with the holder's pid in it for people. And
 * checkpoints, which only the holder of that lock may make.
 *
 * The file stays when its lock goes. A lock with the pid 0 in it is a command's, which has it for
 * the moment of a checkpoint. Its second line is a number that the runner keeps out of the
 * database.
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
#include "base/failpoint.h"

/* Somebody who only looks has it for microseconds, a checkpoint for as long as the disk needs. */
enum { NAP_MS = 10, LOOKER_NAPS = 20, CHECKPOINT_NAPS = 500 };

#define TIDY_BYTES 8388608    /* a WAL of this size is worth a command's time */
#define SHRINK_BYTES 33554432 /* one of this size is cut back to nothing when it can be */

struct store_lock {
	int fd;
	char *name; /* of the lock file */
	int64_t noted;
};

static long
read_lines(int fd, int64_t *noted)
{
	char text[64] = "", *rest = text;
	ssize_t got = pread(fd, text, sizeof(text) - 1, 0);
	long pid = got > 0 ? strtol(text, &rest, 10) : 0;

	*noted = strtoll(rest, NULL, 10);
	return pid;
}

static long
read_pid(int fd)
{
	int64_t ignored;

	return read_lines(fd, &ignored);
}

static bool
write_lines(int fd, long pid, int64_t noted)
{
	char text[64];
	int length = snprintf(text, sizeof(text), "%ld\n%lld\n", pid, (long long)noted);

	return pwrite(fd, text, (size_t)length, 0) == length && ftruncate(fd, length) == 0;
}

static bool
write_no_pid(int fd)
{
	int64_t noted;

	(void)read_lines(fd, &noted);
	return write_lines(fd, 0, noted);
}

static int
open_lock(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0 && fchmod(fd, 0600) != 0 && errno != EPERM) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Is what is locked still what others would find under that name? */
static bool
is_current(int fd, const char *name)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 && stat(name, &named) == 0 && ours.st_ino == named.st_ino &&
	       ours.st_dev == named.st_dev;
}

enum taken { TAKEN, TAKEN_BY_OTHER, TAKEN_NOT };

/* TAKEN_NOT: errno says why. */
static enum taken
try_take(const char *name, int *fd)
{
	for (;;) {
		*fd = open_lock(name);
		if (*fd < 0)
			return TAKEN_NOT;
		if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
			enum taken result = errno == EWOULDBLOCK ? TAKEN_BY_OTHER : TAKEN_NOT;
			if (result == TAKEN_NOT)
				close(*fd);
			return result;
		}
		if (is_current(*fd, name))
			return TAKEN;
		close(*fd);
	}
}

static bool
held_fault(const char *path, long pid, struct fault *fault)
{
	if (pid > 0)
		return fault_set(fault, FAULT_ENV, "another runner (pid %ld) drives %s", pid, path);
	return fault_set(fault, FAULT_ENV, "another runner drives %s", path);
}

/* -1 and a fault, or the descriptor. */
static int
take(const char *name, const char *path, struct fault *fault)
{
	for (int naps = 0;; naps++) {
		int fd;
		long pid;
		enum taken result = try_take(name, &fd);

		if (result == TAKEN)
			return fd;
		if (result == TAKEN_NOT) {
			fault_set(fault, FAULT_ENV, "cannot lock %s: %s", name, strerror(errno));
			return -1;
		}
		pid = read_pid(fd);
		close(fd);
		if (naps >= (pid > 0 ? LOOKER_NAPS : CHECKPOINT_NAPS)) {
			held_fault(path, pid, fault);
			return -1;
		}
		store_nap(NAP_MS);
	}
}

static struct store_lock *
lock_new(int fd, char *name)
{
	struct store_lock *lock = xcalloc(1, sizeof(*lock));

	lock->fd = fd;
	lock->name = name;
	(void)read_lines(fd, &lock->noted);
	return lock;
}

struct store_lock *
store_lock(const char *path, struct fault *fault)
{
	char *name = store_beside(path, ".lock");
	int fd = take(name, path, fault);
	struct store_lock *lock;

	if (fd < 0) {
		free(name);
		return NULL;
	}
	lock = lock_new(fd, name);
	if (write_lines(fd, (long)getpid(), lock->noted))
		return lock;
	fault_set(fault, FAULT_ENV, "cannot write %s: %s", name, strerror(errno));
	store_unlock(lock);
	return NULL;
}

int64_t
store_lock_noted(const struct store_lock *lock)
{
	return lock->noted;
}

/* Not synced: what it is about ends with the machine. One that cannot be written is not missed but
 * where an older state is put back. */
void
store_lock_note(struct store_lock *lock, int64_t number)
{
	if (number == lock->noted)
		return;
	lock->noted = number;
	(void)write_lines(lock->fd, (long)getpid(), number);
}

/* Its pid must not outlive the lock. */
void
store_unlock(struct store_lock *lock)
{
	if (!lock)
		return;
	if (!write_no_pid(lock->fd))
		unlink(lock->name);
	close(lock->fd);
	free(lock->name);
	free(lock);
}

long
store_lock_holder(const char *path)
{
	char *name = store_beside(path, ".lock");
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	long pid = 0;

	free(name);
	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		pid = read_pid(fd);
	close(fd);
	return pid;
}

/* ---- checkpoints --------------------------------------------------------------------------- */

int64_t
store_wal_bytes(const struct store *s)
{
	char *name = xasprintf("%s-wal", s->path);
	struct stat info;
	int64_t bytes = stat(name, &info) == 0 ? (int64_t)info.st_size : 0;

	free(name);
	return bytes;
}

/* Readers in its way are no fault: the next one gets further. */
static bool
checkpoint(struct store *s, int how, struct fault *fault)
{
	int code;

	failpoint_before(FP_CHECKPOINT);
	code = sqlite3_wal_checkpoint_v2(s->db, "main", how, NULL, NULL);
	failpoint_after(FP_CHECKPOINT);
	return code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY || store_fault(s, code, fault);
}

bool
store_checkpoint(struct store *s, struct fault *fault)
{
	bool shrink = store_wal_bytes(s) >= SHRINK_BYTES;

	return checkpoint(
	    s, shrink ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, fault);
}

bool
store_tidy(struct store *s, struct fault *fault)
{
	char *name;
	bool ok = true;
	int fd;
	enum taken result;

	if (store_wal_bytes(s) < TIDY_BYTES)
		return true;
	name = store_beside(s->path, ".lock");
	result = try_take(name, &fd);
	free(name);
	if (result == TAKEN && write_no_pid(fd)) {
		sqlite3_busy_timeout(s->db, 100);
		ok = checkpoint(s, SQLITE_CHECKPOINT_TRUNCATE, fault);
		sqlite3_busy_timeout(s->db, s->wait_ms);
	}
	if (result != TAKEN_NOT)
		close(fd);
	return ok;
}
