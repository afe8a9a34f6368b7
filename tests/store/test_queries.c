/*
 * Every statement that is built in prepares against the schema, and none walks a whole table
 * unless its file says why ("-- scan: why").
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "help.h"
#include "runner/onlook.h"
#include "store/store_int.h"

struct query_text {
	const char *name, *sql, *why_it_scans;
};

static const struct query_text queries[] = {
#define Q(name, sql, why) {#name, sql, why},
#include "queries.inc"
#undef Q
};

enum { QUERIES = sizeof(queries) / sizeof(*queries) };

struct fixture {
	char *folder, *path;
	struct store *store;
};

static struct fixture fx;

static void
set_up(void)
{
	fx.folder = scratch_new();
	fx.path = in_folder(fx.folder, "vigil.db");
	fx.store = must_open(fx.path, STORE_CREATE);
}

static void
tear_down(void)
{
	store_close(fx.store);
	scratch_remove(fx.folder);
	free(fx.path);
}

START_TEST(it_prepares)
{
	const struct query_text *query = &queries[_i];
	sqlite3_stmt *statement = NULL;
	const char *rest = "";
	int code = sqlite3_prepare_v2(fx.store->db, query->sql, -1, &statement, &rest);

	ck_assert_msg(code == SQLITE_OK, "%s: %s", query->name, sqlite3_errmsg(fx.store->db));
	ck_assert_msg(*rest == '\0', "%s is more than one statement", query->name);
	ck_assert_str_eq(query->name, store_query_name((enum query)_i));
	for (int i = 1; i <= sqlite3_bind_parameter_count(statement); i++)
		ck_assert_msg(sqlite3_bind_parameter_name(statement, i) != NULL,
		    "%s does not use its parameter ?%d", query->name, i);
	sqlite3_finalize(statement);
}
END_TEST

/* The table of that name, if what is walked of it is all; the caller frees. NULL: there is none, or
 * the partial index is as short as its condition makes it. */
static char *
whole_table(const char *name, const char *index)
{
	char *sql =
	    sqlite3_mprintf("SELECT name FROM sqlite_schema WHERE type = 'table' AND name = %Q "
			    "AND NOT EXISTS (SELECT 1 FROM sqlite_schema AS i WHERE i.name = "
			    "%Q AND i.sql LIKE '%% WHERE %%')",
		name, index ? index : "");
	char *found = shell(fx.path, sql);

	sqlite3_free(sql);
	return found;
}

/* A plan has the names that a statement gives, or a view in it: "live" for "tasks AS live". */
static char *
whole_table_called(const char *texts, const char *name, const char *index)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
	char *as = xasprintf(" AS %s", name), *found = whole_table(name, index);

	for (const char *at = texts; !found && (at = strstr(at, as)); at += strlen(as)) {
		const char *begin = at;

		if (at[strlen(as)] && strchr(letters, at[strlen(as)]))
			continue;
		while (begin > texts && strchr(letters, begin[-1]))
			begin--;
		char *word = xstrndup(begin, (size_t)(at - begin));
		found = whole_table(word, index);
		free(word);
	}
	free(as);
	return found;
}

/* What a step of a plan walks as a whole, as above; `texts`: the statement, and all views. */
static char *
walked_table(const char *texts, const char *step)
{
	const char *index = strstr(step, " INDEX ");

	if (strncmp(step, "SCAN ", 5) != 0)
		return NULL;
	char *name = xstrndup(step + 5, strcspn(step + 5, " "));
	char *table = whole_table_called(texts, name, index ? index + 7 : NULL);
	free(name);
	return table;
}

START_TEST(it_walks_no_table)
{
	const struct query_text *query = &queries[_i];
	sqlite3_stmt *statement = NULL;
	char *sql = xasprintf("EXPLAIN QUERY PLAN %s", query->sql);
	char *views =
	    shell(fx.path, "SELECT group_concat(sql) FROM sqlite_schema WHERE type = 'view'");
	char *texts = xasprintf("%s %s", query->sql, views);
	bool walks = false;

	ck_assert_int_eq(sqlite3_prepare_v2(fx.store->db, sql, -1, &statement, NULL), SQLITE_OK);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		const char *step = (const char *)sqlite3_column_text(statement, 3);
		char *table = walked_table(texts, step);
		walks = walks || table;
		/* That one has one row. */
		ck_assert_msg(!table || strcmp(table, "vigil") == 0 || query->why_it_scans,
		    "%s: %s", query->name, step);
		free(table);
	}
	sqlite3_finalize(statement);
	free(sql);
	free(views);
	free(texts);
	ck_assert_msg(walks || !query->why_it_scans, "%s does not scan: \"%s\" is out of date",
	    query->name, query->why_it_scans ? query->why_it_scans : "");
}
END_TEST

/* Two statements, and one reader of their rows. */
static const enum query onlooks[] = {Q_onlook, Q_onlook_session};

START_TEST(an_onlook_has_the_columns_that_its_reader_expects)
{
#define X(column, name) name,
	static const char *const expected[] = {ONLOOK_COLUMNS(X)};
#undef X
	const struct query_text *query = &queries[onlooks[_i]];
	sqlite3_stmt *statement = NULL;

	ck_assert_int_eq(
	    sqlite3_prepare_v2(fx.store->db, query->sql, -1, &statement, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_column_count(statement), ONLOOK_COLUMN_COUNT);
	for (int i = 0; i < ONLOOK_COLUMN_COUNT; i++)
		ck_assert_msg(strcmp(sqlite3_column_name(statement, i), expected[i]) == 0,
		    "%s: column %d is %s, not %s", query->name, i,
		    sqlite3_column_name(statement, i), expected[i]);
	sqlite3_finalize(statement);
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("queries");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, it_prepares, 0, QUERIES);
	tcase_add_loop_test(tests, it_walks_no_table, 0, QUERIES);
	tcase_add_loop_test(tests, an_onlook_has_the_columns_that_its_reader_expects, 0,
	    sizeof(onlooks) / sizeof(*onlooks));
	return run_suite(tests, "queries");
}
