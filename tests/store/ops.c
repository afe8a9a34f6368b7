/*
 * See ops.h.
 */
#include "ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "help.h"

char *folder, *path;
struct vigil *vigil;

void
ops_set_up(void)
{
	folder = scratch_new();
	path = in_folder(folder, "state/vigil.db");
	unsetenv("VIGIL_CONFIG");
	setenv("XDG_CONFIG_HOME", folder, 1);
	ck_assert_int_eq(vigil_open(&vigil, path, NULL, VIGIL_READ_WRITE), VIGIL_OK);
}

void
ops_tear_down(void)
{
	vigil_close(vigil);
	scratch_remove(folder);
	free(path);
}

void
says(enum vigil_result result, enum vigil_result expected, const char *words)
{
	ck_assert_msg(result == expected, "%d: %s", (int)result, vigil_error(vigil));
	ck_assert_msg(strstr(vigil_error(vigil), words) != NULL, "%s", vigil_error(vigil));
}

int64_t
add(const struct vigil_task *task)
{
	bool existed = true;
	int64_t id = 0;
	enum vigil_result result = vigil_add(vigil, task, &id, &existed);

	ck_assert_msg(result == VIGIL_OK, "%s", vigil_error(vigil));
	ck_assert(!existed);
	return id;
}

void
finish(int64_t id, const char *status, const char *rest)
{
	char *sql = xasprintf(A_RUNNER
	    "INSERT INTO attempts (task_id, number, nonce, runner_id)"
	    " SELECT %lld, 1, 'n', max(id) FROM runners;"
	    "UPDATE runners SET ended_at = started_at WHERE id = (SELECT max(id) FROM runners);"
	    "UPDATE tasks SET status = 'starting', attempts = 1, wake_at = created_at "
	    "WHERE id = %lld;"
	    "UPDATE attempts SET sealed = 1, ended_at = started_at, outcome = '%s' WHERE task_id = "
	    "%lld;"
	    "UPDATE tasks SET status = '%s', %s WHERE id = %lld;",
	    (long long)id, (long long)id, status, (long long)id, status, rest, (long long)id);

	shell_ok(path, sql);
	free(sql);
}
