/*
 * libvigil's care of a queue and its database: pause, edit, prune, backup.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "help.h"
#include "ops.h"

/* ---- pause ------------------------------------------------------------------------------- */

START_TEST(a_queue_is_paused_and_goes_on)
{
	bool changed = true;
	char *since;

	ck_assert_int_eq(vigil_resume(vigil, &changed), VIGIL_OK);
	ck_assert(!changed);
	ck_assert_int_eq(vigil_pause(vigil, &changed), VIGIL_OK);
	ck_assert(changed);
	ck_assert_int_eq(vigil_paused(vigil, &since), VIGIL_OK);
	ck_assert_ptr_nonnull(since);
	shell_gives(path, "SELECT paused_at FROM vigil", since);
	ck_assert_int_eq(vigil_pause(vigil, &changed), VIGIL_OK);
	ck_assert(!changed);
	shell_gives(path, "SELECT paused_at FROM vigil", since);
	free(since);
	ck_assert_int_eq(vigil_resume(vigil, &changed), VIGIL_OK);
	ck_assert(changed);
	ck_assert_int_eq(vigil_paused(vigil, &since), VIGIL_OK);
	ck_assert_ptr_null(since);
	shell_gives(path, "SELECT group_concat(kind) FROM events", "paused,resumed");
}
END_TEST

static bool
take_progress(void *arg, const struct vigil_progress *progress)
{
	*(struct vigil_progress *)arg = *progress;
	return true;
}

START_TEST(what_is_queued_in_a_paused_queue_is_waited_for)
{
	struct vigil_progress last = {0};
	bool changed;

	add(&(struct vigil_task){.prompt = "x"});
	ck_assert_int_eq(vigil_pause(vigil, &changed), VIGIL_OK);
	says(vigil_wait(vigil, NULL, 0, false, 0, take_progress, &last), VIGIL_TIMEOUT, "1 queued");
	ck_assert(last.is_paused);
	ck_assert_int_eq(vigil_resume(vigil, &changed), VIGIL_OK);
	vigil_wait(vigil, NULL, 0, false, 0, take_progress, &last);
	ck_assert(!last.is_paused);
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("care");

	tcase_add_checked_fixture(tests, ops_set_up, ops_tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_queue_is_paused_and_goes_on);
	tcase_add_test(tests, what_is_queued_in_a_paused_queue_is_waited_for);
	return run_suite(tests, "care");
}
