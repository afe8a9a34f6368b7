/*
 * From an older schema to the newest: each step one transaction with its version, after a copy.
 * This is the only way a database is made, too: a new one is migrated from version 0.
 */
#include "store/store_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/failpoint.h"
#include "base/file.h"

#include "migrations.inc"

enum { MIGRATIONS = sizeof(migrations) / sizeof(*migrations) };

int
migrate_newest(void)
{
	return MIGRATIONS;
}

static bool
version_of(struct store *s, int64_t *version, struct fault *fault)
{
	return store_ask_int(s, "PRAGMA user_version", version, fault);
}

bool
migrate_check(struct store *s, int newest, struct fault *fault)
{
	int64_t version;

	if (!version_of(s, &version, fault))
		return false;
	if (version > newest)
		return fault_set(fault, FAULT_ENV,
		    "database %s has version %d of a newer vigil; this one knows %d: it is left as "
		    "it is",
		    s->path, (int)version, newest);
	return true;
}

/* ---- the copy ------------------------------------------------------------------------------ */

static bool
copy_fault(const char *name, struct fault *fault)
{
	return fault_set(fault, FAULT_ENV, "cannot make %s, the copy before the migration: %s",
	    name, strerror(errno));
}

static bool
make_empty(const char *name, struct fault *fault)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && fchmod(fd, 0600) == 0;

	if (!ok)
		copy_fault(name, fault);
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool
sync_file(const char *name, struct fault *fault)
{
	int fd = open(name, O_RDWR | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (!ok)
		copy_fault(name, fault);
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool
copy_into(struct store *s, const char *name, struct fault *fault)
{
	char *sql = sqlite3_mprintf("VACUUM INTO %Q", name);
	bool ok = store_exec(s, sql, fault);

	sqlite3_free(sql);
	return ok && sync_file(name, fault);
}

/* Is it "BEGINNING.PID.part" or its journal, of this process or of one that is no more? */
static bool
is_left_over(const char *entry, const char *beginning)
{
	size_t length = strlen(beginning);
	char *end;
	long pid;

	if (strncmp(entry, beginning, length) != 0 || entry[length] != '.')
		return false;
	pid = strtol(entry + length + 1, &end, 10);
	if (pid <= 0 || (strcmp(end, ".part") != 0 && strcmp(end, ".part-journal") != 0))
		return false;
	return pid == (long)getpid() || (kill((pid_t)pid, 0) != 0 && errno == ESRCH);
}

/* Of copies that were cut off, or could not be made. */
static void
clear_left_overs(const char *name)
{
	char *folder = file_folder(name);
	const char *slash = strrchr(name, '/');
	DIR *list = opendir(folder);
	const struct dirent *entry;

	while (list && (entry = readdir(list))) {
		char *path = xasprintf("%s/%s", folder, entry->d_name);
		if (is_left_over(entry->d_name, slash ? slash + 1 : name))
			unlink(path);
		free(path);
	}
	if (list)
		closedir(list);
	free(folder);
}

/* Under another name first: what is called PATH.before-vN is whole, and the oldest is kept. */
static bool
copy_before(struct store *s, size_t newest, struct fault *fault)
{
	char *name = xasprintf("%s.before-v%zu", s->path, newest);
	char *part = xasprintf("%s.%ld.part", name, (long)getpid());
	bool ok = true;

	clear_left_overs(name);
	if (access(name, F_OK) != 0) {
		ok = make_empty(part, fault) && copy_into(s, part, fault);
		if (ok && link(part, name) != 0 && errno != EEXIST)
			ok = copy_fault(name, fault);
		clear_left_overs(name);
		ok = ok && file_sync_folder(s->path, fault);
	}
	free(name);
	free(part);
	return ok;
}

/* ---- the steps ----------------------------------------------------------------------------- */

static char *
text_of(const struct migration *migration)
{
	struct buf text = {0};

	for (const char *const *line = migration->lines; *line; line++)
		buf_puts(&text, *line);
	buf_printf(&text, "\nPRAGMA user_version = %d;", migration->version);
	return buf_take(&text);
}

/* Another process may have been here first: the version is read again under the lock. */
static bool
step_within(struct store *s, const struct migration *migration, struct fault *fault)
{
	int64_t version;
	char *text;
	bool ok;

	if (!version_of(s, &version, fault))
		return false;
	if (version >= migration->version)
		return true;
	text = text_of(migration);
	ok = store_exec(s, text, fault);
	free(text);
	failpoint_before(FP_MIGRATION);
	return ok;
}

static bool
step(struct store *s, const struct migration *migration, struct fault *fault)
{
	if (!store_exec(s, "BEGIN IMMEDIATE", fault))
		return false;
	if (step_within(s, migration, fault) && store_exec(s, "COMMIT", fault)) {
		failpoint_after(FP_MIGRATION);
		return true;
	}
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

bool
migrate_by(struct store *s, const struct migration *list, size_t count, struct fault *fault)
{
	int64_t version;

	/* A step that makes a table anew must not cascade into those that refer to it. */
	if (!store_exec(s, "PRAGMA foreign_keys = OFF; PRAGMA synchronous = FULL", fault))
		return false;
	if (!migrate_check(s, (int)count, fault) || !version_of(s, &version, fault))
		return false;
	if (version > 0 && version < (int64_t)count && !copy_before(s, count, fault))
		return false;
	for (size_t i = 0; i < count; i++)
		if (list[i].version > version && !step(s, &list[i], fault))
			return false;
	/* One that a newer program migrated meanwhile is not ours any more. */
	return migrate_check(s, (int)count, fault);
}

bool
migrate(struct store *s, struct fault *fault)
{
	return migrate_by(s, migrations, MIGRATIONS, fault);
}
