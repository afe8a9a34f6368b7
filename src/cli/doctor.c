/*
 * vigil doctor: what is in the way, a line each, with the remedy.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/text.h"

static const struct option_spec options[] = {
    {0, "json", NULL, "print [{\"check\": …, \"health\": …, \"text\": …, \"remedy\": …}]"},
    {0, NULL, NULL, NULL},
};

static const struct word {
	const char *text;
	enum colour colour;
} words[] = {
    [VIGIL_HEALTHY] = {"ok", COLOUR_GREEN},
    [VIGIL_NOTABLE] = {"note", COLOUR_YELLOW},
    [VIGIL_WRONG] = {"wrong", COLOUR_RED},
};

static void
print_check(void *arg, const struct vigil_check *check)
{
	const struct word *word = &words[check->health];
	char *whole = xasprintf(
	    "%s%s%s", check->text, check->remedy ? ": " : "", check->remedy ? check->remedy : "");
	char *safe = print_safe(stdout, whole, TEXT_LINE);

	(void)arg;
	printf("%s%-5s%s  %-13s  %s\n", print_colour(stdout, word->colour), word->text,
	    print_colour(stdout, COLOUR_NONE), check->name, safe);
	fflush(stdout); /* the next one can take a while */
	free(safe);
	free(whole);
}

static void
add_check(void *list, const struct vigil_check *check)
{
	struct json *object = json_object();

	json_add_text(object, "check", check->name);
	json_add_text(object, "health", words[check->health].text);
	json_add_text(object, "text", check->text);
	json_add_text(object, "remedy", check->remedy);
	json_list_add(list, object);
}

static int
run_doctor(const struct args *args)
{
	const char *database = args_get(args, "db"), *config = args_get(args, "config");

	if (!args_has(args, "json"))
		return (int)vigil_doctor(database, config, print_check, NULL);
	struct json_list list = {0};
	enum vigil_result result = vigil_doctor(database, config, add_check, &list);
	json_list_end(&list);
	return (int)result;
}

const struct command doctor_command = {
    .name = "doctor",
    .run = run_doctor,
    .operands = "",
    .summary = "look for what is in the way; a line each, with the remedy",
    .options = options,
    .details = "exit status: 0 nothing is wrong, 1 something is\n",
};
