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

START_TEST(what_waits_for_a_person_has_one)
{
	static const struct {
		const char *waits_for, *other_status, *step;
	} cases[] = {{"release", NULL, "vigil release 7"},
	    {"retry", "failed", "vigil retry 3, or vigil cancel 7"},
	    {"retry", "deleted", "vigil cancel 7: task 3, which it comes after, was deleted"},
	    {"task", "held", "vigil release 3"},
	    {"task", "queued", "vigil show 3 says what that one waits for"},
	    {"resume", NULL, "vigil resume"}, {"runner", NULL, "vigil run"},
	    {"server", NULL, "vigil doctor says what is in the way"},
	    {"answer", NULL, "vigil answer 3 REPLY"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *step = next_of_wait(7, cases[i].waits_for, 3, cases[i].other_status);

		ck_assert_str_eq(step, cases[i].step);
		free(step);
	}
	ck_assert_ptr_null(next_of_wait(7, "task", 3, "running"));
	ck_assert_ptr_null(next_of_wait(7, "slot", 0, NULL));
	ck_assert_ptr_null(next_of_wait(7, NULL, 0, NULL));
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("next");

	tcase_add_loop_test(tests, each_kind_has_a_step, KIND_NONE + 1, KIND_COUNT);
	tcase_add_test(tests, what_has_not_failed_has_none);
	tcase_add_test(tests, what_waits_for_a_person_has_one);
	return run_suite(tests, "next");
}
