/*
 * What SQLite says when something is wrong, as a sentence for a person; and who holds the lock
 * that we wait for.
 */
#include "store/store_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

/* ---- constraints --------------------------------------------------------------------------- */

struct saying {
	const char *sqlite, *ours;
};

/* Those that no trigger puts into words before SQLite finds them. */
static const struct saying sayings[] = {
    {"UNIQUE constraint failed: tasks.key", "an open task with this key exists"},
    {"UNIQUE constraint failed: tasks.mutex", "another live task holds this mutex"},
    {"UNIQUE constraint failed: attempts.task_id", "this task has a live attempt"},
    {"UNIQUE constraint failed: dependencies.task_id, dependencies.needs_id",
	"this task already comes after that one"},
    {"FOREIGN KEY constraint failed", "it refers to a row that does not exist"},
    {"NOT NULL constraint failed: tasks.prompt", "a task needs a prompt"},
    {"UNIQUE constraint failed: importing.old_id", "a task with this id was there already"},
    {"UNIQUE constraint failed: asks.ask_id",
	"one of its asks is in the database already: it was imported before"},
};

static bool
constraint_fault(const char *words, struct fault *fault)
{
	static const char check[] = "CHECK constraint failed: ";

	if (strncmp(words, check, sizeof(check) - 1) == 0)
		return fault_set(fault, FAULT_USAGE, "%s", words + sizeof(check) - 1);
	for (size_t i = 0; i < sizeof(sayings) / sizeof(*sayings); i++)
		if (strcmp(words, sayings[i].sqlite) == 0)
			return fault_set(fault, FAULT_USAGE, "%s", sayings[i].ours);
	return fault_set(fault, FAULT_USAGE, "%s", words);
}

/* ---- who holds the lock -------------------------------------------------------------------- */

/* The bytes of SQLite's write locks: in the -shm file those of a writer, a checkpointer and a
 * recovery; in the database file those of a rollback journal's writer. */
enum { SHM_FIRST = 120, SHM_LAST = 122, FILE_FIRST = 0x40000000, FILE_LAST = 0x40000000 + 511 };

struct span {
	ino_t inode;
	long long first, last;
};

/* "1: POSIX  ADVISORY  WRITE 1234 fd:01:5678 120 120"; a waiting one has "->" after its number. */
static long
write_lock_pid(const char *line, const struct span *span)
{
	char mode[8], last_text[24];
	unsigned long long inode;
	long long first, last;
	long pid;

	if (sscanf(line, "%*d: POSIX %*s %7s %ld %*x:%*x:%llu %lld %23s", mode, &pid, &inode,
		&first, last_text) != 5)
		return 0;
	last = strcmp(last_text, "EOF") == 0 ? INT64_MAX : strtoll(last_text, NULL, 10);
	if (strcmp(mode, "WRITE") != 0 || inode != span->inode)
		return 0;
	return first <= span->last && last >= span->first ? pid : 0;
}

static long
span_holder(const struct span *span)
{
	FILE *locks = fopen("/proc/locks", "re");
	char line[256];
	long pid = 0;

	if (!locks)
		return 0;
	while (pid <= 0 && fgets(line, sizeof(line), locks))
		pid = write_lock_pid(line, span);
	fclose(locks);
	return pid > 0 ? pid : 0;
}

static ino_t
inode_of(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 ? info.st_ino : 0;
}

long
store_holder(const struct store *s)
{
	char *shm = xasprintf("%s-shm", s->path);
	struct span in_shm = {inode_of(shm), SHM_FIRST, SHM_LAST};
	struct span in_file = {inode_of(s->path), FILE_FIRST, FILE_LAST};
	long pid = in_shm.inode ? span_holder(&in_shm) : 0;

	free(shm);
	return pid || !in_file.inode ? pid : span_holder(&in_file);
}

static bool
program_of(long pid, char *out, int size)
{
	char path[64];
	FILE *file;
	bool ok;

	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	ok = fgets(out, size, file) != NULL;
	fclose(file);
	out[strcspn(out, "\n")] = '\0';
	return ok;
}

static bool
busy_fault(const struct store *s, struct fault *fault)
{
	long pid = store_holder(s);
	char program[64];

	if (pid && program_of(pid, program, sizeof(program)))
		return fault_set(fault, FAULT_BUSY, "database %s is locked by %s (pid %ld)",
		    s->path, program, pid);
	return fault_set(fault, FAULT_BUSY, "database %s is locked by another program", s->path);
}

/* ---- all of it ----------------------------------------------------------------------------- */

/* SQLite's words, and the system's where it has any. A full disk has many names there, and one
 * here: it is said once. */
static bool
env_fault(const struct store *s, int code, struct fault *fault)
{
	bool is_systems = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
	int number = s->db && is_systems ? sqlite3_system_errno(s->db) : 0; /* else an older one */
	const char *words = s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(code);

	if ((code & 0xff) == SQLITE_FULL || number == ENOSPC)
		return fault_set(fault, FAULT_ENV, "database %s: the disk is full", s->path);
	if (number)
		return fault_set(
		    fault, FAULT_ENV, "database %s: %s: %s", s->path, words, strerror(number));
	return fault_set(fault, FAULT_ENV, "database %s: %s", s->path, words);
}

bool
store_fault(const struct store *s, int code, struct fault *fault)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_PROTOCOL: /* the same, while a WAL is started */
		return busy_fault(s, fault);
	case SQLITE_CONSTRAINT:
		return constraint_fault(sqlite3_errmsg(s->db), fault);
	case SQLITE_TOOBIG:
		return fault_set(fault, FAULT_USAGE, "a value is longer than SQLite takes");
	case SQLITE_NOTADB:
		return fault_set(fault, FAULT_ENV, "%s is not a vigil database", s->path);
	case SQLITE_ERROR:
	case SQLITE_INTERNAL:
	case SQLITE_LOCKED:
	case SQLITE_MISMATCH:
	case SQLITE_MISUSE:
	case SQLITE_NOMEM:
	case SQLITE_RANGE:
		die("database %s: %s", s->path, sqlite3_errmsg(s->db));
	default:
		return env_fault(s, code, fault);
	}
}
