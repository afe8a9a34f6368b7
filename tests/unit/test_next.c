/*
 * Each kind of failure has its next step.
 */
#include <stdlib.h>
#include <string.h>

#include "core/task.h"
#include "lib/suite.h"
#include "ops/next.h"

START_TEST(each_kind_has_a_step)
{
	char *step = next_step(4711, kind_text((enum error_kind)_i));

	ck_assert_msg(step, "nothing is to be done about '%s'", kind_text((enum error_kind)_i));
	ck_assert_msg(strstr(step, "vigil retry 4711"), "%s", step);
	ck_assert_msg(!strchr(step, '#'), "%s", step);
	free(step);
}
END_TEST

START_TEST(what_has_not_failed_has_none)
{
	ck_assert_ptr_null(next_step(1, NULL));
	ck_assert_ptr_null(next_step(1, "bored"));
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("next");

	tcase_add_loop_test(tests, each_kind_has_a_step, KIND_NONE + 1, KIND_COUNT);
	tcase_add_test(tests, what_has_not_failed_has_none);
	return run_suite(tests, "next");
}
