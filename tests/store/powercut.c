/*
 * See powercut.h. A node is a file or a folder, whatever its names; it outlives them, for a name
 * may come back.
 */
#undef _FORTIFY_SOURCE /* it would define some of these calls itself */
#define _GNU_SOURCE    /* the names ending in 64, SYS_ numbers */
#include "powercut.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fault.h"

enum { SECTOR = 512 };

struct change {
	off_t at;
	size_t count;
	char *bytes; /* NULL: the file was cut to `at` */
};

struct name {
	char *text;
	struct node *node; /* NULL: removed */
};

struct names {
	struct name *all;
	size_t count;
};

struct image {
	char *bytes;
	size_t count;
};

struct node {
	struct node *next;
	ino_t inode;
	bool is_folder, is_settled;
	struct image image;     /* as last synced; once it is settled, as it is found */
	struct change *changes; /* since then */
	size_t change_count;
	struct names names, renames; /* the same of a folder */
};

struct machine {
	bool is_on;
	const char *folder;
	struct node *nodes;
	long calls, cut_at;
	uint64_t random;
	unsigned odds; /* of 8: that what was not synced is kept whole */
};

static struct machine machine;

/* ---- nodes ---------------------------------------------------------------------------------- */

static struct node *
node_by_inode(ino_t inode)
{
	struct node *node = machine.nodes;

	while (node && node->inode != inode)
		node = node->next;
	return node;
}

static struct node *
node_by_fd(int fd)
{
	struct stat info;

	return machine.is_on && fstat(fd, &info) == 0 ? node_by_inode(info.st_ino) : NULL;
}

static struct node *
node_by_path(const char *path)
{
	struct stat info;

	return machine.is_on && lstat(path, &info) == 0 ? node_by_inode(info.st_ino) : NULL;
}

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* NULL: not one that is watched. */
static struct node *
folder_of(const char *path)
{
	char *folder = xstrndup(path, (size_t)(last_part(path) - path));
	struct node *node = node_by_path(*folder ? folder : ".");

	free(folder);
	return node;
}

static struct node *
node_new(const char *path)
{
	struct node *node = xcalloc(1, sizeof(*node)), *old;
	struct stat info;

	if (lstat(path, &info) != 0)
		die("%s is not there", path);
	old = node_by_inode(info.st_ino);
	if (old)
		old->inode = 0; /* its number is given to another */
	node->inode = info.st_ino;
	node->is_folder = S_ISDIR(info.st_mode);
	node->next = machine.nodes;
	machine.nodes = node;
	return node;
}

static void
names_add(struct names *names, const char *text, struct node *node)
{
	names->all = xrealloc(names->all, (names->count + 1) * sizeof(*names->all));
	names->all[names->count++] = (struct name){xstrdup(text), node};
}

static void
names_set(struct names *names, const char *text, struct node *node)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->all[i].text, text) == 0) {
			names->all[i].node = node;
			return;
		}
	names_add(names, text, node);
}

static void
image_apply(struct image *image, off_t at, const char *bytes, size_t count)
{
	size_t end = (size_t)at + (bytes ? count : 0);

	if (!bytes || end > image->count) {
		image->bytes = xrealloc(image->bytes, end + 1);
		if (end > image->count)
			memset(image->bytes + image->count, 0, end - image->count);
		image->count = end;
	}
	if (bytes)
		memcpy(image->bytes + at, bytes, count);
}

static void
node_changed(struct node *node, off_t at, const void *bytes, size_t count)
{
	struct change *change;

	node->changes = xrealloc(node->changes, (node->change_count + 1) * sizeof(*node->changes));
	change = &node->changes[node->change_count++];
	*change = (struct change){.at = at, .count = count};
	if (bytes)
		change->bytes = memcpy(xcalloc(count + 1, 1), bytes, count);
}

static void
node_sync(struct node *node)
{
	for (size_t i = 0; i < node->change_count; i++) {
		const struct change *change = &node->changes[i];
		image_apply(&node->image, change->at, change->bytes, change->count);
		free(change->bytes);
	}
	node->change_count = 0;
	for (size_t i = 0; i < node->renames.count; i++)
		names_set(&node->names, node->renames.all[i].text, node->renames.all[i].node);
	node->renames.count = 0;
}

/* ---- the cut -------------------------------------------------------------------------------- */

static unsigned
chance(unsigned of)
{
	machine.random ^= machine.random << 13;
	machine.random ^= machine.random >> 7;
	machine.random ^= machine.random << 17;
	return (unsigned)(machine.random >> 33) % of;
}

static bool
is_kept(void)
{
	return chance(8) < machine.odds;
}

/* By sectors of the file. */
static void
tear(struct image *image, const struct change *change)
{
	size_t done = 0;

	while (done < change->count) {
		off_t at = change->at + (off_t)done;
		size_t piece = SECTOR - (size_t)at % SECTOR;
		if (piece > change->count - done)
			piece = change->count - done;
		if (chance(2))
			image_apply(image, at, change->bytes + done, piece);
		done += piece;
	}
}

static void
settle(struct node *node)
{
	if (node->is_settled)
		return;
	node->is_settled = true;
	for (size_t i = 0; i < node->change_count; i++) {
		const struct change *change = &node->changes[i];
		if (is_kept())
			image_apply(&node->image, change->at, change->bytes, change->count);
		else if (change->bytes && chance(2))
			tear(&node->image, change);
	}
	for (size_t i = 0; i < node->renames.count; i++)
		if (is_kept())
			names_set(
			    &node->names, node->renames.all[i].text, node->renames.all[i].node);
}

static void
put_file(const char *path, const struct image *image)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, image->bytes, image->count) != (ssize_t)image->count)
		die("%s cannot be put back", path);
	close(fd);
}

static void
put(const char *path, struct node *node)
{
	settle(node);
	if (!node->is_folder) {
		put_file(path, &node->image);
		return;
	}
	(void)mkdir(path, 0700);
	for (size_t i = 0; i < node->names.count; i++) {
		const struct name *name = &node->names.all[i];
		char *below = xasprintf("%s/%s", path, name->text);
		if (name->node)
			put(below, name->node);
		free(below);
	}
}

static int
remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
	(void)info;
	(void)type;
	return where->level == 0 ? 0 : remove(path);
}

void
powercut_now(void)
{
	struct node *root = node_by_path(machine.folder);

	machine.is_on = false;
	nftw(machine.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	put(machine.folder, root);
	_exit(POWERCUT_EXIT);
}

/* ---- watching ------------------------------------------------------------------------------- */

static bool
is_memory(const char *path)
{
	size_t length = strlen(path);

	return length > 4 && strcmp(path + length - 4, "-shm") == 0;
}

static void take_up(const char *path, struct node *node);

static void
take_up_names(const char *path, struct node *folder)
{
	DIR *list = opendir(path);
	const struct dirent *entry;

	while (list && (entry = readdir(list))) {
		char *below = xasprintf("%s/%s", path, entry->d_name);
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    !is_memory(below)) {
			struct node *node = node_new(below);
			names_add(&folder->names, entry->d_name, node);
			take_up(below, node);
		}
		free(below);
	}
	if (list)
		closedir(list);
}

static void
take_up(const char *path, struct node *node)
{
	char piece[65536];
	ssize_t got;
	int fd;

	if (node->is_folder) {
		take_up_names(path, node);
		return;
	}
	fd = open(path, O_RDONLY);
	while ((got = read(fd, piece, sizeof(piece))) > 0)
		image_apply(&node->image, (off_t)node->image.count, piece, (size_t)got);
	close(fd);
}

void
powercut_watch(const char *folder, long call, uint64_t seed)
{
	machine = (struct machine){
	    .folder = folder,
	    .cut_at = call,
	    .random = seed * 0x9E3779B97F4A7C15U + 1,
	    .odds = (unsigned)(seed % 9), /* nothing, some, all */
	};
	take_up(folder, node_new(folder));
	machine.is_on = true;
}

long
powercut_calls(void)
{
	return machine.calls;
}

/* Something is about to be changed or synced. */
static void
passing(void)
{
	if (++machine.calls == machine.cut_at)
		powercut_now();
}

/* ---- the calls ------------------------------------------------------------------------------ */

static int
open_any(const char *path, int flags, mode_t mode)
{
	struct node *folder = flags & O_CREAT ? folder_of(path) : NULL;
	bool is_new = folder && access(path, F_OK) != 0 && !is_memory(path);
	bool empties = (flags & O_TRUNC) && node_by_path(path);
	int fd;

	if (is_new || empties)
		passing();
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	if (fd >= 0 && is_new)
		names_add(&folder->renames, last_part(path), node_new(path));
	else if (fd >= 0 && empties)
		node_changed(node_by_fd(fd), 0, NULL, 0);
	return fd;
}

static mode_t
mode_in(int flags, va_list args)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

int
open(const char *file, int oflag, ...)
{
	va_list args;

	va_start(args, oflag);
	mode_t mode = mode_in(oflag, args);
	va_end(args);
	return open_any(file, oflag, mode);
}

int
open64(const char *file, int oflag, ...)
{
	va_list args;

	va_start(args, oflag);
	mode_t mode = mode_in(oflag, args);
	va_end(args);
	return open_any(file, oflag, mode);
}

ssize_t
pwrite(int fd, const void *buf, size_t n, off_t offset)
{
	struct node *node = node_by_fd(fd);
	ssize_t done;

	if (node)
		passing();
	done = syscall(SYS_pwrite64, fd, buf, n, offset);
	if (node && done > 0)
		node_changed(node, offset, buf, (size_t)done);
	return done;
}

ssize_t
pwrite64(int fd, const void *buf, size_t n, off64_t offset)
{
	return pwrite(fd, buf, n, offset);
}

ssize_t
write(int fd, const void *buf, size_t n)
{
	struct node *node = node_by_fd(fd);
	off_t at = node ? lseek(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR) : 0;
	ssize_t done;

	if (node)
		passing();
	done = syscall(SYS_write, fd, buf, n);
	if (node && done > 0)
		node_changed(node, at, buf, (size_t)done);
	return done;
}

int
ftruncate(int fd, off_t length)
{
	struct node *node = node_by_fd(fd);
	int result;

	if (node)
		passing();
	result = (int)syscall(SYS_ftruncate, fd, length);
	if (node && result == 0)
		node_changed(node, length, NULL, 0);
	return result;
}

int
ftruncate64(int fd, off64_t length)
{
	return ftruncate(fd, length);
}

/* Not passed on: the machine's own disk is not what is tested. */
int
fsync(int fd)
{
	struct node *node = node_by_fd(fd);

	if (!node)
		return (int)syscall(SYS_fsync, fd);
	passing();
	node_sync(node);
	return 0;
}

int
fdatasync(int fildes)
{
	return fsync(fildes);
}

int
unlink(const char *name)
{
	struct node *folder = node_by_path(name) ? folder_of(name) : NULL;
	int result;

	if (folder)
		passing();
	result = (int)syscall(SYS_unlinkat, AT_FDCWD, name, 0);
	if (folder && result == 0)
		names_add(&folder->renames, last_part(name), NULL);
	return result;
}

int
link(const char *from, const char *to)
{
	struct node *node = node_by_path(from), *folder = node ? folder_of(to) : NULL;
	int result;

	if (folder)
		passing();
	result = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
	if (folder && result == 0)
		names_add(&folder->renames, last_part(to), node);
	return result;
}

int
mkdir(const char *path, mode_t mode)
{
	struct node *folder = folder_of(path);
	int result;

	if (folder)
		passing();
	result = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
	if (folder && result == 0)
		names_add(&folder->renames, last_part(path), node_new(path));
	return result;
}

/* What nobody here does yet must not go unseen. */
static int
not_modelled(const char *what, const char *path)
{
	if (machine.is_on && folder_of(path))
		die("a power cut knows nothing of %s: teach it", what);
	return 0;
}

int
rename(const char *old, const char *new)
{
	not_modelled("rename", new);
	return (int)syscall(SYS_renameat2, AT_FDCWD, old, AT_FDCWD, new, 0);
}

int
rmdir(const char *path)
{
	not_modelled("rmdir", path);
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}
