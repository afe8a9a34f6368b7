/*
 * Statements, rows and transactions: see store.h. How a database is found and opened is in open.c.
 */
#include "store/store_int.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"

struct query_text {
	const char *name, *sql;
};

static const struct query_text queries[Q_COUNT] = {
#define Q(name, sql, why) [Q_##name] = {#name, sql},
#include "queries.inc"
#undef Q
};

struct row {
	sqlite3_stmt *statement;
};

/* ---- values -------------------------------------------------------------------------------- */

struct value
value_null(void)
{
	return (struct value){.type = VALUE_NULL};
}

struct value
value_int(int64_t integer)
{
	return (struct value){.type = VALUE_INT, .integer = integer};
}

struct value
value_real(double real)
{
	return (struct value){.type = VALUE_REAL, .real = real};
}

struct value
value_text(const char *text)
{
	return text ? (struct value){.type = VALUE_TEXT, .text = text} : value_null();
}

struct value
value_time(int64_t ms)
{
	struct value value = {.type = VALUE_TIME};

	if (!ms)
		return value_null();
	stamp_format(ms, value.stamp);
	return value;
}

static int
bind(sqlite3_stmt *statement, int at, const struct value *value)
{
	switch (value->type) {
	case VALUE_INT:
		return sqlite3_bind_int64(statement, at, value->integer);
	case VALUE_REAL:
		return sqlite3_bind_double(statement, at, value->real);
	case VALUE_TEXT:
		return sqlite3_bind_text64(
		    statement, at, value->text, strlen(value->text), SQLITE_STATIC, SQLITE_UTF8);
	case VALUE_TIME:
		return sqlite3_bind_text(statement, at, value->stamp, -1, SQLITE_STATIC);
	case VALUE_NULL:
		break;
	}
	return sqlite3_bind_null(statement, at);
}

/* ---- rows ---------------------------------------------------------------------------------- */

size_t
row_count(const struct row *row)
{
	return (size_t)sqlite3_column_count(row->statement);
}

const char *
row_name(const struct row *row, size_t column)
{
	return sqlite3_column_name(row->statement, (int)column);
}

bool
row_is_null(const struct row *row, size_t column)
{
	return sqlite3_column_type(row->statement, (int)column) == SQLITE_NULL;
}

bool
row_is_number(const struct row *row, size_t column)
{
	int type = sqlite3_column_type(row->statement, (int)column);

	return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

int64_t
row_int(const struct row *row, size_t column)
{
	return sqlite3_column_int64(row->statement, (int)column);
}

double
row_real(const struct row *row, size_t column)
{
	return sqlite3_column_double(row->statement, (int)column);
}

const char *
row_text(const struct row *row, size_t column)
{
	return (const char *)sqlite3_column_text(row->statement, (int)column);
}

int64_t
row_time(const struct row *row, size_t column)
{
	const char *text = row_text(row, column);
	int64_t ms;

	return text && stamp_parse(text, &ms) ? ms : 0;
}

/* ---- statements ---------------------------------------------------------------------------- */

/* The schema can change under us: a newer program has migrated the database, and our statements
 * make no sense any more. That is the only way in which they can be wrong. */
static bool
prepare_fault(struct store *s, const char *name, int code, struct fault *fault)
{
	const char *words = sqlite3_errmsg(s->db);
	char kept[256];

	if ((code & 0xff) != SQLITE_ERROR)
		return store_fault(s, code, fault);
	sqlite3_snprintf((int)sizeof(kept), kept, "%s", words);
	if (!migrate_check(s, migrate_newest(), fault))
		return false;
	die("the query %s: %s", name, kept);
}

static sqlite3_stmt *
prepared(struct store *s, enum query query, struct fault *fault)
{
	const struct query_text *text = &queries[query];
	sqlite3_stmt **statement = &s->statements[query];
	int code = SQLITE_OK;

	if (!*statement)
		code = sqlite3_prepare_v3(
		    s->db, text->sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
	if (code != SQLITE_OK)
		prepare_fault(s, text->name, code, fault);
	return *statement;
}

static void
bind_all(enum query query, sqlite3_stmt *statement, const struct value *values, size_t count)
{
	const char *name = queries[query].name;

	if (sqlite3_stmt_busy(statement))
		die("the query %s is run inside of itself", name);
	if ((size_t)sqlite3_bind_parameter_count(statement) != count)
		die("the query %s is given %zu values for %d parameters", name, count,
		    sqlite3_bind_parameter_count(statement));
	for (size_t i = 0; i < count; i++)
		if (bind(statement, (int)i + 1, &values[i]) != SQLITE_OK)
			die("the query %s does not take its parameter %zu", name, i + 1);
}

bool
store_run(struct store *s, enum query query, const struct value *values, size_t count, row_fn *fn,
    void *arg, struct fault *fault)
{
	sqlite3_stmt *statement;
	struct row row;
	int code;
	bool ok = true;

	if (s->lost.kind != FAULT_NONE) {
		*fault = s->lost;
		return false;
	}
	/* A full disk can end a transaction behind our back; what follows would be on its own. */
	if (s->in_transaction && sqlite3_get_autocommit(s->db))
		return fault_set(
		    fault, FAULT_ENV, "database %s: the transaction was rolled back", s->path);
	statement = prepared(s, query, fault);
	if (!statement)
		return false;
	bind_all(query, statement, values, count);
	row.statement = statement;
	while ((code = sqlite3_step(statement)) == SQLITE_ROW)
		if (fn && !fn(arg, &row))
			break;
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		ok = prepare_fault(s, queries[query].name, code, fault);
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return ok;
}

int64_t
store_changes(const struct store *s)
{
	return sqlite3_changes64(s->db);
}

int64_t
store_last_id(const struct store *s)
{
	return sqlite3_last_insert_rowid(s->db);
}

static bool
take_int(void *arg, const struct row *row)
{
	*(int64_t *)arg = row_int(row, 0);
	return false;
}

bool
store_int(struct store *s, enum query query, const struct value *values, size_t count,
    int64_t otherwise, int64_t *out, struct fault *fault)
{
	*out = otherwise;
	return store_run(s, query, values, count, take_int, out, fault);
}

const char *
store_query_name(enum query query)
{
	return queries[query].name;
}

/* ---- transactions -------------------------------------------------------------------------- */

bool
store_begin(struct store *s, struct fault *fault)
{
	int64_t version;

	if (s->in_transaction)
		die("a transaction inside of a transaction");
	if (!store_run(s, Q_begin, NULL, 0, NULL, NULL, fault))
		return false;
	s->in_transaction = true;
	/* A newer program may have migrated it while we had it open: then it is not ours to write.
	 */
	if (store_int(s, Q_user_version, NULL, 0, 0, &version, fault) &&
	    (version == migrate_newest() || migrate_check(s, migrate_newest(), fault)))
		return true;
	store_rollback(s);
	return false;
}

bool
store_commit(struct store *s, struct fault *fault)
{
	if (!s->in_transaction)
		die("a commit outside of a transaction");
	if (store_run(s, Q_commit, NULL, 0, NULL, NULL, fault)) {
		s->in_transaction = false;
		return true;
	}
	store_rollback(s);
	return false;
}

void
store_rollback(struct store *s)
{
	struct fault ignored;

	s->in_transaction = false;
	if (!sqlite3_get_autocommit(s->db))
		store_run(s, Q_rollback, NULL, 0, NULL, NULL, &ignored);
	if (!sqlite3_get_autocommit(s->db))
		die("a transaction cannot be rolled back: %s", sqlite3_errmsg(s->db));
}

/* ---- what the file is doing ---------------------------------------------------------------- */

bool
store_data_version(struct store *s, int64_t *out, struct fault *fault)
{
	return store_int(s, Q_data_version, NULL, 0, 0, out, fault);
}

static bool
is_still(const char *path, const char *suffix, ino_t inode)
{
	char *name = xasprintf("%s%s", path, suffix);
	struct stat now;
	bool same = inode == 0 || (stat(name, &now) == 0 && now.st_ino == inode);

	free(name);
	return same;
}

static bool
file_fault(struct store *s)
{
	struct stat info;

	if (stat(s->path, &info) == 0)
		return fault_set(&s->lost, FAULT_ENV,
		    "database %s was replaced by another file while it was in use: put the right "
		    "one in its place, with its -wal",
		    s->path);
	return fault_set(&s->lost, FAULT_ENV,
	    "database %s was moved or deleted while it was in use: put it back, with its -wal",
	    s->path);
}

/* A vanished -wal or -shm is as bad: others would then write without seeing our locks. */
bool
store_still_there(struct store *s, struct fault *fault)
{
	int moved = 0;

	sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	if (moved)
		file_fault(s);
	else if (!is_still(s->path, "-wal", s->wal) || !is_still(s->path, "-shm", s->shm))
		fault_set(&s->lost, FAULT_ENV,
		    "database %s: its -wal or -shm file was deleted while it was in use: what was "
		    "written in the last seconds may be lost, the rest is there",
		    s->path);
	if (s->lost.kind == FAULT_NONE)
		return true;
	*fault = s->lost;
	return false;
}

void
store_nap(int ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&time, NULL);
}

/* ---- SQL outside of the table -------------------------------------------------------------- */

bool
store_exec(struct store *s, const char *sql, struct fault *fault)
{
	int code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return code == SQLITE_OK || store_fault(s, code, fault);
}

bool
store_ask_text(struct store *s, const char *sql, char *out, size_t size, struct fault *fault)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);
	bool ok;

	*out = '\0';
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW && sqlite3_column_text(statement, 0))
		sqlite3_snprintf((int)size, out, "%s", sqlite3_column_text(statement, 0));
	ok = code == SQLITE_ROW || code == SQLITE_DONE || store_fault(s, code, fault);
	sqlite3_finalize(statement);
	return ok;
}

bool
store_ask_int(struct store *s, const char *sql, int64_t *out, struct fault *fault)
{
	char text[32];

	if (!store_ask_text(s, sql, text, sizeof(text), fault))
		return false;
	*out = strtoll(text, NULL, 10);
	return true;
}
