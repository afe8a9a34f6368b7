/*
 * See help.h.
 */
#include "help.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/store_int.h"

static int
take_first(void *arg, int count, char **values, char **names)
{
	char **out = arg;

	(void)names;
	if (!*out && count > 0 && values[0])
		*out = xstrdup(values[0]);
	return 0;
}

char *
shell(const char *path, const char *sql)
{
	sqlite3 *db;
	char *out = NULL;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 10000);
	if (sqlite3_exec(db, sql, take_first, &out, NULL) != SQLITE_OK) {
		free(out);
		out = xasprintf("! %s", sqlite3_errmsg(db));
	}
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	return out;
}

void
shell_ok(const char *path, const char *sql)
{
	char *out = shell(path, sql);

	ck_assert_msg(!out || *out != '!', "%s: %s", sql, out);
	free(out);
}

void
shell_gives(const char *path, const char *sql, const char *expected)
{
	char *out = shell(path, sql);

	ck_assert_msg(out ? expected && strcmp(out, expected) == 0 : !expected,
	    "%s\n  gave %s\n  not %s", sql, out ? out : "NULL", expected ? expected : "NULL");
	free(out);
}

void
shell_refuses(const char *path, const char *sql, const char *part)
{
	char *out = shell(path, sql);

	ck_assert_msg(out && *out == '!' && strstr(out, part), "%s\n  gave %s\n  not %s", sql,
	    out ? out : "NULL", part);
	free(out);
}

void
must_be(const struct fault *fault, enum fault_kind kind, const char *part)
{
	ck_assert_msg(
	    strstr(fault->text, part) != NULL, "\"%s\" without \"%s\"", fault->text, part);
	ck_assert_int_eq(fault->kind, kind);
}

struct store *
must_open(const char *path, enum store_mode mode)
{
	struct fault fault = {0};
	struct store *s = store_open(path, mode, STORE_WAIT_COMMAND_MS, &fault);

	ck_assert_msg(s != NULL, "%s", fault.text);
	return s;
}

void
must_not_open(const char *path, enum store_mode mode, const char *part)
{
	struct fault fault = {0};
	struct store *s = store_open(path, mode, 100, &fault);

	ck_assert_ptr_null(s);
	must_be(&fault, FAULT_ENV, part);
}

/* ---- an invented schema of three versions --------------------------------------------------- */

static const char *const first_lines[] = {
    "CREATE TABLE a (x INTEGER)\n", "STRICT;\n", "INSERT INTO a VALUES (1), (2);\n", NULL};
static const char *const second_lines[] = {"-- a comment; with a semicolon\n",
    "ALTER TABLE a ADD COLUMN y TEXT;\n", "UPDATE a SET y = x || '!';\n", NULL};
static const char *const third_lines[] = {"CREATE TABLE b (z INTEGER) STRICT;\n", NULL};

static const struct migration steps[] = {
    {1, "first", first_lines}, {2, "second", second_lines}, {3, "third", third_lines}};

/* Opened by hand: the newest version here is not the program's. */
bool
try_version(const char *path, size_t version, struct fault *fault)
{
	struct store *s = xcalloc(1, sizeof(*s));
	bool ok;

	s->path = xstrdup(path);
	ck_assert_int_eq(sqlite3_open(path, &s->db), SQLITE_OK);
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, 10000);
	ok = migrate_by(s, steps, version, fault);
	store_close(s);
	return ok;
}

void
make_version(const char *path, size_t version)
{
	struct fault fault = {0};

	ck_assert_msg(try_version(path, version, &fault), "%s", fault.text);
}

char *
in_folder(const char *folder, const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

mode_t
mode_of(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 ? info.st_mode & 07777 : 0;
}

char *
slurp(const char *path, size_t *bytes)
{
	struct buf all = {0};
	char piece[4096];
	ssize_t got;
	int fd = open(path, O_RDONLY);

	ck_assert_int_ge(fd, 0);
	while ((got = read(fd, piece, sizeof(piece))) > 0)
		buf_add(&all, piece, (size_t)got);
	close(fd);
	*bytes = all.len;
	return buf_take(&all);
}

void
spill(const char *path, const void *bytes, size_t count)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, count), (ssize_t)count);
	close(fd);
}

int
wait_for(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}
