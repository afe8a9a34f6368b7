/*
 * The database: opening it safely, transactions, and typed access to its rows. Everything outside
 * src/store/ sees SQLite through this header alone.
 *
 * Faults: FAULT_BUSY where another program holds the lock (nothing has changed; try again),
 * FAULT_ENV for everything else the disk or SQLite says, with its words and the path. A constraint
 * that a person's value breaks is FAULT_USAGE, with the constraint's sentence. Our own wrong SQL
 * is a bug and dies.
 */
#ifndef VIGIL_STORE_STORE_H
#define VIGIL_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/fault.h"

struct store;

enum store_mode {
	STORE_CREATE,   /* make the folder (0700) and the file (0600) where missing; migrate */
	STORE_EXISTING, /* FAULT_ENV if there is no database; migrate */
	STORE_READ,     /* read-only; an older schema is FAULT_ENV */
};

/* How long a statement waits for another program's lock before FAULT_BUSY. */
#define STORE_WAIT_COMMAND_MS 10000 /* a command has nothing better to do */
#define STORE_WAIT_LOOP_MS 50       /* the event loop has: it tries again by timer */
#define STORE_WAIT_END_MS 2000      /* a run that ends does not try again */

struct store *store_open(const char *path, enum store_mode, int wait_ms, struct fault *);
void store_close(struct store *);
void store_set_wait(struct store *, int wait_ms); /* from now on */
const char *store_path(const struct store *);     /* absolute, links followed */

/* "PATH" + suffix: the lock file, the socket, the password and the log beside the database. Links
 * are followed first, so that two names of one database have one lock. The caller frees. */
char *store_beside(const char *path, const char *suffix);

/* Transactions do not nest. Rollback cannot fail. */
bool store_begin(struct store *, struct fault *);  /* BEGIN IMMEDIATE */
bool store_commit(struct store *, struct fault *); /* rolls back where it fails */
void store_rollback(struct store *);

/* Statements are named in src/store/queries/, embedded at build time, prepared once. */
enum query {
#define Q(name, sql, why_it_scans) Q_##name,
#include "queries.inc"
#undef Q
	Q_COUNT
};

/* A parameter's value; borrowed until the statement is run. */
struct value {
	enum { VALUE_NULL, VALUE_INT, VALUE_REAL, VALUE_TEXT, VALUE_TIME } type;
	union {
		int64_t integer;
		double real;
		const char *text;
		char stamp[STAMP_SIZE];
	};
};
struct value value_null(void);
struct value value_int(int64_t);
struct value value_real(double);
struct value value_text(const char *); /* NULL gives VALUE_NULL */
struct value value_time(int64_t ms);   /* the database's text of a time; 0 gives NULL */

/* A row of an answer. Borrowed; valid during the callback. */
struct row;
size_t row_count(const struct row *);
const char *row_name(const struct row *, size_t column);
bool row_is_null(const struct row *, size_t column);   /* these two: ask before row_text */
bool row_is_number(const struct row *, size_t column); /* integer or real */
int64_t row_int(const struct row *, size_t column);    /* 0 for NULL */
double row_real(const struct row *, size_t column);
const char *row_text(const struct row *, size_t column); /* NULL for NULL; NUL-terminated */
int64_t row_time(const struct row *, size_t column);     /* ms; 0 for NULL */

/* False ends the answer early (no fault). */
typedef bool row_fn(void *arg, const struct row *);

/* Runs a statement: values are bound in order to its parameters ?1, ?2, … Rows go to `fn`, which
 * may be NULL, and may run other statements, but not this one. `changes` may be NULL. */
bool store_run(struct store *, enum query, const struct value *, size_t count, row_fn *, void *arg,
    struct fault *);
int64_t store_changes(const struct store *); /* rows the newest statement changed itself */
int64_t store_last_id(const struct store *); /* of the newest INSERT */
/* One integer: the first column of the first row; `otherwise` where there is no row. */
bool store_int(struct store *, enum query, const struct value *, size_t count, int64_t otherwise,
    int64_t *out, struct fault *);
const char *store_query_name(enum query); /* only tests ask */

/* Changes when another connection has committed; cheap enough for a timer. */
bool store_data_version(struct store *, int64_t *out, struct fault *);
/* Is the file that is open still the one at its path? FAULT_ENV says what happened to it; from then
 * on every statement is refused with it: what others write now is written without our locks. */
bool store_still_there(struct store *, struct fault *);
/* A checkpoint; only the holder of the runner's lock may ask for one (SQLite before 3.51.3 can
 * corrupt a WAL when two connections checkpoint at an unlucky moment). What readers hold back is
 * left for the next one, and is no fault. */
bool store_checkpoint(struct store *, struct fault *);
/* For a command that has written: a checkpoint if the WAL is large and no runner has the lock,
 * which it takes for that moment. Else nothing. */
bool store_tidy(struct store *, struct fault *);

/* A copy, as it is at this moment, in a new file (0600), checked and durable; while it grows it is
 * NAME.part. FAULT_USAGE: NAME exists. After a fault there is none. */
bool store_backup(struct store *, const char *name, struct fault *);

/* Reads all of it: FAULT_ENV says what is not as it should be. */
bool store_check(struct store *, struct fault *);
int64_t store_wal_bytes(const struct store *); /* how large its write-ahead log is */
const char *store_sqlite_version(void);
bool store_has_wal_reset_bug(void); /* the one of store_checkpoint() */
/* FAULT_ENV where databases cannot be safe: the file system is another machine's. */
bool store_is_local(const char *folder, struct fault *);

/* The process that holds the database's write lock, as /proc/locks knows it: a pid, or 0. */
long store_holder(const struct store *);

/* One runner a database: an flock on PATH.lock. False with FAULT_ENV that names the process that
 * holds it. The lock goes with the process, or with store_unlock. */
struct store_lock;
struct store_lock *store_lock(const char *path, struct fault *);
void store_unlock(struct store_lock *);
/* A number beside the database, not in it: what is put in its place, or restored into it, does not
 * bring it along. 0: none was noted. */
int64_t store_lock_noted(const struct store_lock *);
void store_lock_note(struct store_lock *, int64_t number);
/* Who holds it: a pid, or 0. */
long store_lock_holder(const char *path);

#endif
