/*
 * For the tests of the store: a plain SQLite connection such as the sqlite3 shell has, and short
 * ways to say things.
 */
#ifndef VIGIL_TESTS_STORE_HELP_H
#define VIGIL_TESTS_STORE_HELP_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/task.h"
#include "lib/scratch.h"
#include "lib/suite.h"
#include "store/store.h"

/* Runs what it is given in a plain connection, foreign keys off, and gives back the first value of
 * the first row, NULL for none; the caller frees. What SQLite refuses is given back as "!
 * SENTENCE". */
char *shell(const char *path, const char *sql);
/* The same; fails the test if SQLite refuses, or unless the answer is as expected. */
void shell_ok(const char *path, const char *sql);
void shell_gives(const char *path, const char *sql, const char *expected);
void shell_refuses(const char *path, const char *sql, const char *part_of_sentence);

/* A row of a runner that is alive, as an attempt needs one. */
#define A_RUNNER \
	"INSERT INTO runners (pid, pid_start, boot_id, version, directory) " \
	"VALUES (1, 1, 'b', 'v', '/');"

/* A store that must open; a fault that must come. */
struct store *must_open(const char *path, enum store_mode mode);
void must_not_open(const char *path, enum store_mode mode, const char *part_of_sentence);
void must_be(const struct fault *, enum fault_kind, const char *part_of_sentence);

/* A database of another schema than vigil's, with three versions, is made or migrated: the first
 * has the table a with x = 1 and 2, the second gives it y = '1!' and '2!', the third adds a table.
 */
void make_version(const char *path, size_t version);
bool try_version(const char *path, size_t version, struct fault *); /* the same, if it can */

char *in_folder(const char *folder, const char *name); /* the caller frees */
mode_t mode_of(const char *path);                      /* permission bits; 0: not there */
/* The bytes of a file, NUL-terminated; the caller frees. */
char *slurp(const char *path, size_t *bytes);
void spill(const char *path, const void *bytes, size_t count);

/* The exit status of a child; dies by a signal: minus its number. */
int wait_for(pid_t);

#endif
