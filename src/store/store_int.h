/*
 * What the files of src/store/ share: the handle, and SQLite's own header, which nobody else
 * includes.
 */
#ifndef VIGIL_STORE_STORE_INT_H
#define VIGIL_STORE_STORE_INT_H

#include <sqlite3.h>
#include <sys/types.h>

#include "store/store.h"

#define STORE_APPLICATION_ID 0x5647494C /* 'VGIL' */

struct store {
	sqlite3 *db;
	char *path;          /* absolute, links followed */
	int wait_ms;         /* busy timeout, once it is open */
	bool in_transaction; /* by store_begin */
	ino_t wal, shm;      /* of PATH-wal and PATH-shm when it was opened */
	struct fault lost;   /* how the file was taken away from under us; FAULT_NONE as a rule */
	sqlite3_stmt *statements[Q_COUNT];
};

/* SQLite's newest error as a fault; returns false. Dies where it can only be our own. */
bool store_fault(const struct store *, int code, struct fault *);

/* Statements without parameters or answer, outside of the table of queries. */
bool store_exec(struct store *, const char *sql, struct fault *);
/* The first column of the first row: a number, 0 where there is none; or its text, cut to fit. */
bool store_ask_int(struct store *, const char *sql, int64_t *out, struct fault *);
bool store_ask_text(struct store *, const char *sql, char *out, size_t size, struct fault *);

/* place.c: where a database lies. Both: NULL and a fault, or the resolved path, the caller frees.
 */
char *place_make(const char *path, struct fault *); /* folder and file made where missing */
char *place_find(const char *path, struct fault *); /* must be there */
char *place_resolve(const char *path);              /* never NULL: where it is, or would be */

/* migrate.c */
int migrate_newest(void); /* the version that this program knows */
/* From whatever version the database has; a copy beside it first, unless it is new. */
bool migrate(struct store *, struct fault *);
/* As migrate(), with another list: `count` texts, the first of which makes version 1. */
struct migration {
	int version;
	const char *name;
	const char *const *lines; /* ends with NULL */
};
bool migrate_by(struct store *, const struct migration *, size_t count, struct fault *);
/* FAULT_ENV where the database is newer than this program. */
bool migrate_check(struct store *, int newest, struct fault *);

/* A pause while another process is at something that SQLite does not wait for. */
void store_nap(int ms);

#endif
