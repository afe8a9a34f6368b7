/*
 * The command line. The commands are not in the library, so the source is compiled into this test.
 */
#include "cli/args.c" /* NOLINT(bugprone-suspicious-include) */

#include <check.h>

static int
run_nothing(const struct args *args)
{
	return args->operand_count;
}

static const struct option_spec make_options[] = {
    {'n', "name", "NAME", "what it is called"},
    {'v', "verbose", NULL, "say more"},
    {'q', "quiet", NULL, "say less"},
    {0, NULL, NULL, NULL},
};

static const struct command make = {.name = "make",
    .run = run_nothing,
    .operands = "[ID …]",
    .most = ARGS_ANY,
    .options = make_options};
static const struct command mend = {
    .name = "mend", .run = run_nothing, .operands = "ID", .least = 1, .most = 1};
static const struct command *const commands[] = {&make, &mend, NULL};

enum { WORDS = 10, WORD_SIZE = 32 };

/* A command line that is written on: parsing cuts words in place. */
static char words[WORDS][WORD_SIZE];
static char *argv[WORDS + 1];

static bool
parse(struct args *args, struct fault *fault, const char *line)
{
	int argc = 0;

	while (*line) {
		size_t length = strcspn(line, " ");

		ck_assert(argc < WORDS && length < WORD_SIZE);
		memcpy(words[argc], line, length);
		words[argc][length] = '\0';
		argv[argc] = words[argc];
		argc++;
		line += length + (line[length] == ' ');
	}
	argv[argc] = NULL;
	return args_parse(args, commands, argc, argv, fault);
}

static struct args
must_parse(const char *line)
{
	struct fault fault = {0};
	struct args args;

	ck_assert_msg(parse(&args, &fault, line), "%s: %s", line, fault.text);
	return args;
}

static const struct {
	const char *line, *name;
	bool is_verbose;
	const char *first, *second;
} lines[] = {
    {"vigil make", NULL, false, NULL, NULL},
    {"vigil make --name=x a", "x", false, "a", NULL},
    {"vigil make --name x a", "x", false, "a", NULL},
    {"vigil make a --name x b -v", "x", true, "a", "b"},
    {"vigil make -nx -v a", "x", true, "a", NULL},
    {"vigil make -vn x a", "x", true, "a", NULL},
    {"vigil make -n -v a", "-v", false, "a", NULL},
    {"vigil make --name= a", "", false, "a", NULL},
    {"vigil make --name=a=b", "a=b", false, NULL, NULL},
    {"vigil make -n x -n y", "y", false, NULL, NULL},
    {"vigil make -- -v --name", NULL, false, "-v", "--name"},
    {"vigil make - -v", NULL, true, "-", NULL},
    {"vigil --db f make a", NULL, false, "a", NULL},
};

START_TEST(options_and_operands)
{
	struct args args = must_parse(lines[_i].line);
	const char *name = args_get(&args, "name");
	int count = (lines[_i].first != NULL) + (lines[_i].second != NULL);

	ck_assert_ptr_eq(args.command, &make);
	ck_assert_pstr_eq(name, lines[_i].name);
	ck_assert_int_eq(args_has(&args, "verbose"), lines[_i].is_verbose);
	ck_assert_int_eq(args.operand_count, count);
	if (count > 0)
		ck_assert_str_eq(args.operands[0], lines[_i].first);
	if (count > 1)
		ck_assert_str_eq(args.operands[1], lines[_i].second);
}
END_TEST

START_TEST(general_options_go_anywhere)
{
	struct args args = must_parse("vigil make a --db=d.db b --config c");

	ck_assert_str_eq(args_get(&args, "db"), "d.db");
	ck_assert_str_eq(args_get(&args, "config"), "c");
	ck_assert_int_eq(args.operand_count, 2);
	args = must_parse("vigil mend --help");
	ck_assert(args_has(&args, "help"));
	args = must_parse("vigil --help");
	ck_assert_ptr_null(args.command);
	args = must_parse("vigil");
	ck_assert_ptr_null(args.command);
}
END_TEST

static const struct {
	const char *line, *words;
} mistakes[] = {
    {"vigil mkae", "unknown command 'mkae' (did you mean 'make'?)"},
    {"vigil make --nmae x", "'--nmae' of make (did you mean '--name'?)"},
    {"vigil make --nmae=x", "'--nmae'"},
    {"vigil make --bogus", "unknown option '--bogus' of make (vigil make --help lists them)"},
    {"vigil --bogus", "unknown option '--bogus' (vigil --help lists them)"},
    {"vigil bogus", "unknown command 'bogus' (vigil help lists them)"},
    {"vigil --versoin x", "'--versoin' (did you mean '--version'?)"},
    {"vigil make -x", "'-x'"},
    {"vigil make -vx", "'-x'"},
    {"vigil make --name", "--name needs a value: NAME"},
    {"vigil make -n", "--name needs a value: NAME"},
    {"vigil make --verbose=yes", "--verbose takes no value: 'yes'"},
    {"vigil mend", "mend needs ID"},
    {"vigil mend 1 2", "'2' is too much"},
};

START_TEST(mistakes_are_named)
{
	struct fault fault = {0};
	struct args args;

	ck_assert_msg(!parse(&args, &fault, mistakes[_i].line), "%s", mistakes[_i].line);
	ck_assert_int_eq(fault.kind, FAULT_USAGE);
	ck_assert_msg(strstr(fault.text, mistakes[_i].words) != NULL, "%s", fault.text);
}
END_TEST

START_TEST(numbers)
{
	struct args args = must_parse("vigil make --name -12");
	struct fault fault = {0};
	int64_t value = 5;

	ck_assert(args_int(&args, "name", -20, 20, &value, &fault));
	ck_assert_int_eq(value, -12);
	ck_assert(!args_int(&args, "name", 0, 20, &value, &fault));
	ck_assert_ptr_nonnull(
	    strstr(fault.text, "--name '-12' is not a whole number from 0 to 20"));
	args = must_parse("vigil make");
	ck_assert(args_int(&args, "name", 0, 20, &value, &fault));
	ck_assert_int_eq(value, -12);
	ck_assert(args_id("7", &value, &fault));
	ck_assert_int_eq(value, 7);
	ck_assert(args_id("9223372036854775807", &value, &fault));
}
END_TEST

START_TEST(what_is_no_id)
{
	static const char *const wrong[] = {
	    "", "7x", "x", "0", "-1", "+1", " 1", "1 ", "1.0", "0x1", "9223372036854775808", "-"};
	struct fault fault = {0};
	int64_t id;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(!args_id(wrong[i], &id, &fault), "'%s'", wrong[i]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("args");
	TCase *tests = tcase_create("args");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_add_loop_test(
	    tests, options_and_operands, 0, (int)(sizeof(lines) / sizeof(lines[0])));
	tcase_add_test(tests, general_options_go_anywhere);
	tcase_add_loop_test(
	    tests, mistakes_are_named, 0, (int)(sizeof(mistakes) / sizeof(mistakes[0])));
	tcase_add_test(tests, numbers);
	tcase_add_test(tests, what_is_no_id);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
