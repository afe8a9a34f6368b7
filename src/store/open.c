/*
 * Opening a database: is it ours, is it whole, and a connection set up the way every connection of
 * ours must be.
 *
 * A new database goes through these states, each left by one atomic step, so that a process that
 * dies in any of them leaves what the next one completes:
 *
 *     no file ─► 0 bytes ─► empty, no id ─► empty, our id ─► WAL ─► migrated
 *
 * Tables come last: a file that has tables, but not our id, is somebody else's.
 */
#include "store/store_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/file.h"

/* While it is made and migrated; many processes may want that at once. */
#define OPEN_WAIT_MS 30000

static bool
not_ours(const struct store *s, struct fault *fault)
{
	return fault_set(fault, FAULT_ENV, "%s is not a vigil database", s->path);
}

/* ---- a connection -------------------------------------------------------------------------- */

static bool
connect_to(struct store *s, const char *name, int flags, struct fault *fault)
{
	int code = sqlite3_open_v2(name, &s->db,
	    flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE, NULL);

	if (code != SQLITE_OK)
		return store_fault(s, code, fault);
	sqlite3_busy_timeout(s->db, OPEN_WAIT_MS);
	/* Only the runner checkpoints: not a command that commits, and not one that closes. */
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_wal_autocheckpoint(s->db, 0);
	return true;
}

static void
disconnect(struct store *s)
{
	for (size_t i = 0; i < Q_COUNT; i++) {
		sqlite3_finalize(s->statements[i]);
		s->statements[i] = NULL;
	}
	if (sqlite3_close(s->db) != SQLITE_OK)
		die("database %s: %s", s->path, sqlite3_errmsg(s->db));
	s->db = NULL;
}

/* ---- whose is it? -------------------------------------------------------------------------- */

struct identity {
	int64_t application, version, tables;
};

static bool
read_parts(struct store *s, struct identity *id, struct fault *fault)
{
	return store_ask_int(s, "PRAGMA application_id", &id->application, fault) &&
	       store_ask_int(s, "PRAGMA user_version", &id->version, fault) &&
	       store_ask_int(s, "SELECT count(*) FROM sqlite_schema", &id->tables, fault);
}

/* At one moment: another process may be making it. */
static bool
read_identity(struct store *s, struct identity *id, struct fault *fault)
{
	return store_exec(s, "BEGIN", fault) && read_parts(s, id, fault) &&
	       store_exec(s, "COMMIT", fault);
}

static bool
is_ours(const struct identity *id)
{
	return id->application == STORE_APPLICATION_ID;
}

static bool
is_blank(const struct identity *id)
{
	return id->application == 0 && id->tables == 0;
}

/* file:///path?immutable=1: read without a lock, a journal, or any file beside it. */
static char *
untouching_name(const char *path)
{
	static const char plain[] = "/-_.~";
	struct buf name = {0};

	buf_puts(&name, "file://");
	for (; *path; path++)
		if ((*path >= '0' && *path <= '9') || (*path >= 'A' && *path <= 'Z') ||
		    (*path >= 'a' && *path <= 'z') || strchr(plain, *path))
			buf_add(&name, path, 1);
		else
			buf_printf(&name, "%%%02X", (unsigned)(unsigned char)*path);
	buf_puts(&name, "?immutable=1");
	return buf_take(&name);
}

/* Somebody else's database, or one of a newer vigil, is refused before anything can change it or
 * leave a file beside it. What is not certain without a lock is left to settle(). */
static bool
look_first(struct store *s, struct fault *fault)
{
	char *name = untouching_name(s->path);
	struct identity id = {0};
	struct fault unsure;
	bool ok = true;

	if (connect_to(s, name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, &unsure) &&
	    read_identity(s, &id, &unsure)) {
		if (!is_ours(&id) && !is_blank(&id))
			ok = not_ours(s, fault);
		else if (is_ours(&id))
			ok = migrate_check(s, migrate_newest(), fault);
	}
	disconnect(s);
	free(name);
	return ok;
}

/* ---- making it ----------------------------------------------------------------------------- */

static bool
sign_within(struct store *s, struct fault *fault)
{
	struct identity id;
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d", STORE_APPLICATION_ID);
	if (!read_parts(s, &id, fault))
		return false;
	if (!is_ours(&id) && !is_blank(&id))
		return not_ours(s, fault);
	if (!store_exec(s, sql, fault))
		return false;
	failpoint_before(FP_SIGN_DATABASE);
	return true;
}

static bool
sign(struct store *s, struct fault *fault)
{
	/* Before the first page is written, or it is without effect. */
	if (!store_exec(s, "PRAGMA auto_vacuum = INCREMENTAL", fault) ||
	    !store_exec(s, "BEGIN IMMEDIATE", fault))
		return false;
	if (sign_within(s, fault) && store_exec(s, "COMMIT", fault)) {
		failpoint_after(FP_SIGN_DATABASE);
		return true;
	}
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

/* SQLite does not wait for this lock by itself. */
static bool
use_wal(struct store *s, struct fault *fault)
{
	int64_t deadline_ms = clock_monotonic_ms() + OPEN_WAIT_MS;
	char mode[16];

	while (!store_ask_text(s, "PRAGMA journal_mode = WAL", mode, sizeof(mode), fault)) {
		if (fault->kind != FAULT_BUSY || clock_monotonic_ms() > deadline_ms)
			return false;
		store_nap(5);
	}
	if (strcasecmp(mode, "wal") != 0)
		return fault_set(fault, FAULT_ENV,
		    "database %s: this file system has no write-ahead log (mode %s)", s->path,
		    mode);
	return true;
}

static bool
complete(struct store *s, struct fault *fault)
{
	if (chmod(s->path, 0600) != 0)
		return fault_set(
		    fault, FAULT_ENV, "cannot change the mode of %s: %s", s->path, strerror(errno));
	if (!sign(s, fault))
		return false;
	failpoint_before(FP_USE_WAL);
	if (!use_wal(s, fault))
		return false;
	failpoint_after(FP_USE_WAL);
	return migrate(s, fault) && file_sync_folder(s->path, fault);
}

/* ---- opening it ---------------------------------------------------------------------------- */

static bool
settle_reader(struct store *s, const struct identity *id, struct fault *fault)
{
	if (!is_ours(id))
		return is_blank(id)
			   ? fault_set(fault, FAULT_ENV,
				 "%s is empty: the first vigil add makes it a database", s->path)
			   : not_ours(s, fault);
	if (!migrate_check(s, migrate_newest(), fault))
		return false;
	if (id->version < migrate_newest())
		return fault_set(fault, FAULT_ENV,
		    "database %s has the older version %d, this program reads %d: any command that "
		    "writes migrates it",
		    s->path, (int)id->version, migrate_newest());
	return true;
}

static bool
settle_writer(struct store *s, const struct identity *id, struct fault *fault)
{
	if (is_blank(id))
		return complete(s, fault);
	if (!is_ours(id))
		return not_ours(s, fault);
	if (!migrate_check(s, migrate_newest(), fault) || !use_wal(s, fault))
		return false;
	return id->version == migrate_newest() || migrate(s, fault);
}

/* What holds for one connection only. */
static bool
set_up(struct store *s, bool to_read, struct fault *fault)
{
	int64_t synchronous;

	if (!store_exec(s,
		"PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
		"PRAGMA temp_store = MEMORY",
		fault) ||
	    !store_ask_int(s, "PRAGMA synchronous", &synchronous, fault))
		return false;
	if (synchronous != 2)
		die("database %s: synchronous is %d, not FULL", s->path, (int)synchronous);
	return !to_read || store_exec(s, "PRAGMA query_only = ON", fault);
}

static ino_t
inode_beside(const struct store *s, const char *suffix)
{
	char *name = xasprintf("%s%s", s->path, suffix);
	struct stat info;
	ino_t inode = stat(name, &info) == 0 ? info.st_ino : 0;

	free(name);
	return inode;
}

/* SQLite opens what it may not write read-only, and says so only later. */
static bool
may_write(const struct store *s, struct fault *fault)
{
	if (access(s->path, R_OK | W_OK) == 0)
		return true;
	return fault_set(
	    fault, FAULT_ENV, "cannot write the database %s: %s", s->path, strerror(errno));
}

/* Reading needs the -shm file, too; where it is missing, it must be possible to make it. */
static bool
explain_reader(const struct store *s, bool to_read, struct fault *fault)
{
	int code = sqlite3_errcode(s->db) & 0xff;

	if (to_read && (code == SQLITE_CANTOPEN || code == SQLITE_READONLY))
		fault_set(fault, FAULT_ENV,
		    "cannot read the database %s: its folder is not writable, and no other program "
		    "has it open",
		    s->path);
	return false;
}

static bool
open_it(struct store *s, bool to_read, struct fault *fault)
{
	struct identity id;

	if ((!to_read && !may_write(s, fault)) || !look_first(s, fault))
		return false;
	if (!connect_to(
		s, s->path, to_read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, fault) ||
	    !read_identity(s, &id, fault))
		return explain_reader(s, to_read, fault);
	if (!(to_read ? settle_reader(s, &id, fault) : settle_writer(s, &id, fault)))
		return false;
	if (!set_up(s, to_read, fault))
		return false;
	sqlite3_busy_timeout(s->db, s->wait_ms);
	s->wal = inode_beside(s, "-wal");
	s->shm = inode_beside(s, "-shm");
	return true;
}

struct store *
store_open(const char *path, enum store_mode mode, int wait_ms, struct fault *fault)
{
	char *place = mode == STORE_CREATE ? place_make(path, fault) : place_find(path, fault);
	struct store *s;

	if (!place)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->path = place;
	s->wait_ms = wait_ms;
	if (open_it(s, mode == STORE_READ, fault))
		return s;
	store_close(s);
	return NULL;
}

void
store_close(struct store *s)
{
	if (!s)
		return;
	disconnect(s);
	free(s->path);
	free(s);
}

void
store_set_wait(struct store *s, int wait_ms)
{
	s->wait_ms = wait_ms;
	sqlite3_busy_timeout(s->db, wait_ms);
}

const char *
store_path(const struct store *s)
{
	return s->path;
}
