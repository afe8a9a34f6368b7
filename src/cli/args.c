/*
 * The command line: see args.h.
 */
#include "cli/args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/when.h"

const struct option_spec general_options[] = {
    {0, "db", "FILE", "the database"},
    {0, "config", "FILE", "the configuration"},
    {'h', "help", NULL, "print help"},
    {0, "version", NULL, "print the version"},
    {0, NULL, NULL, NULL},
};

/* ---- the tables ----------------------------------------------------------------------------- */

static size_t
table_length(const struct option_spec *table)
{
	size_t length = 0;

	while (table && table[length].name)
		length++;
	return length;
}

/* The option at an index of args->values; NULL beyond the last. */
static const struct option_spec *
option_at(const struct args *args, size_t index)
{
	size_t general = table_length(general_options);
	const struct option_spec *own = args->command ? args->command->options : NULL;

	if (index < general)
		return &general_options[index];
	index -= general;
	return index < table_length(own) ? &own[index] : NULL;
}

static bool
refuse_option(const struct args *args, const char *name, const char *meant, struct fault *fault)
{
	const char *command = args->command ? args->command->name : NULL;

	if (meant)
		return fault_set(fault, FAULT_USAGE,
		    "unknown option '--%s'%s%s (did you mean '--%s'?)", name, command ? " of " : "",
		    command ? command : "", meant);
	if (command)
		return fault_set(fault, FAULT_USAGE,
		    "unknown option '--%s' of %s (vigil %s --help lists them)", name, command,
		    command);
	return fault_set(
	    fault, FAULT_USAGE, "unknown option '--%s' (vigil --help lists them)", name);
}

static bool
find_long(const struct args *args, const char *name, size_t *index, struct fault *fault)
{
	struct nearest nearest = {.word = name};
	const struct option_spec *option;

	for (*index = 0; (option = option_at(args, *index)); (*index)++) {
		if (strcmp(option->name, name) == 0)
			return true;
		nearest_offer(&nearest, option->name);
	}
	return refuse_option(args, name, nearest.best, fault);
}

static bool
find_letter(const struct args *args, char letter, size_t *index, struct fault *fault)
{
	const struct option_spec *option;

	for (*index = 0; (option = option_at(args, *index)); (*index)++)
		if (option->letter == letter)
			return true;
	return fault_set(fault, FAULT_USAGE, "unknown option '-%c' (vigil %s--help lists them)",
	    letter, args->command ? "COMMAND " : "");
}

const struct command *
command_find(const struct command *const *commands, const char *name, struct fault *fault)
{
	struct nearest nearest = {.word = name};

	for (; *commands; commands++) {
		if (strcmp((*commands)->name, name) == 0)
			return *commands;
		if (!(*commands)->is_hidden)
			nearest_offer(&nearest, (*commands)->name);
	}
	if (nearest.best)
		fault_set(fault, FAULT_USAGE, "unknown command '%s' (did you mean '%s'?)", name,
		    nearest.best);
	else
		fault_set(fault, FAULT_USAGE, "unknown command '%s' (vigil help lists them)", name);
	return NULL;
}

/* ---- parsing ----------------------------------------------------------------------------- */

struct parser {
	struct args *args;
	int argc, at;
	char **argv;
	struct fault *fault;
};

static bool
take_value(struct parser *parser, size_t index, const char *attached)
{
	const struct option_spec *option = option_at(parser->args, index);
	const char **value = &parser->args->values[index];

	if (!option->arg) {
		*value = "";
		return !attached ||
		       fault_set(parser->fault, FAULT_USAGE, "the option --%s takes no value: '%s'",
			   option->name, attached);
	}
	if (attached) {
		*value = attached;
		return true;
	}
	if (parser->at + 1 >= parser->argc)
		return fault_set(parser->fault, FAULT_USAGE, "the option --%s needs a value: %s",
		    option->name, option->arg);
	*value = parser->argv[++parser->at];
	return true;
}

static bool
take_long(struct parser *parser, char *word)
{
	char *equals = strchr(word, '=');

	if (equals)
		*equals = '\0';
	size_t index;
	return find_long(parser->args, word, &index, parser->fault) &&
	       take_value(parser, index, equals ? equals + 1 : NULL);
}

/* -a NAME, -aNAME, and letters that take no value in one word. */
static bool
take_letters(struct parser *parser, const char *word)
{
	for (; *word; word++) {
		size_t index;

		if (!find_letter(parser->args, *word, &index, parser->fault))
			return false;
		if (option_at(parser->args, index)->arg)
			return take_value(parser, index, word[1] ? word + 1 : NULL);
		take_value(parser, index, NULL);
	}
	return true;
}

static bool
take_operand(struct parser *parser, char *word)
{
	struct args *args = parser->args;

	if (args->command) {
		args->operands[args->operand_count++] = word;
		return true;
	}
	args->command = command_find(args->commands, word, parser->fault);
	return args->command;
}

static bool
take_word(struct parser *parser, bool *no_more_options)
{
	char *word = parser->argv[parser->at];

	if (*no_more_options || word[0] != '-' || !word[1])
		return take_operand(parser, word);
	if (strcmp(word, "--") == 0) {
		*no_more_options = true;
		return true;
	}
	return word[1] == '-' ? take_long(parser, word + 2) : take_letters(parser, word + 1);
}

static bool
check_count(const struct args *args, struct fault *fault)
{
	const struct command *command = args->command;

	if (!command || args_has(args, "help") || args_has(args, "version"))
		return true;
	if (command->most != ARGS_ANY && args->operand_count > command->most)
		return fault_set(fault, FAULT_USAGE, "'%s' is too much (usage: vigil %s%s%s)",
		    args->operands[command->most], command->name, *command->operands ? " " : "",
		    command->operands);
	return args->operand_count >= command->least ||
	       fault_set(fault, FAULT_USAGE, "%s needs %s (vigil %s --help says more)",
		   command->name, command->operands, command->name);
}

bool
args_parse(struct args *args, const struct command *const *commands, int argc, char **argv,
    struct fault *fault)
{
	struct parser parser = {.args = args, .argc = argc, .argv = argv, .fault = fault};
	bool no_more_options = false;

	*args = (struct args){.commands = commands, .operands = argv};
	for (parser.at = 1; parser.at < argc; parser.at++)
		if (!take_word(&parser, &no_more_options))
			return false;
	return check_count(args, fault);
}

/* ---- reading ----------------------------------------------------------------------------- */

const char *
args_get(const struct args *args, const char *name)
{
	const struct option_spec *option;

	for (size_t i = 0; (option = option_at(args, i)); i++)
		if (strcmp(option->name, name) == 0)
			return args->values[i];
	die("the table of %s has no option --%s", args->command ? args->command->name : "vigil",
	    name);
}

bool
args_offers(const struct args *args, const char *name)
{
	const struct option_spec *option;

	for (size_t i = 0; (option = option_at(args, i)); i++)
		if (strcmp(option->name, name) == 0)
			return true;
	return false;
}

const struct option_spec *
args_option_with(const struct args *args, const char *value)
{
	const struct option_spec *option;

	for (size_t i = 0; (option = option_at(args, i)); i++)
		if (args->values[i] == value)
			return option;
	return NULL;
}

bool
args_has(const struct args *args, const char *name)
{
	return args_get(args, name);
}

/* Decimal digits with at most a sign, all of them; false for more than fits, too. */
static bool
parse_int(const char *text, int64_t *out)
{
	const char *digits = text + (*text == '-');
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	return *digits && !digits[strspn(digits, "0123456789")] && errno == 0;
}

bool
args_int(const struct args *args, const char *name, int64_t least, int64_t most, int64_t *out,
    struct fault *fault)
{
	const char *text = args_get(args, name);

	if (!text)
		return true;
	int64_t value;
	if (!parse_int(text, &value) || value < least || value > most)
		return fault_set(fault, FAULT_USAGE,
		    "--%s '%s' is not a whole number from %lld to %lld", name, text,
		    (long long)least, (long long)most);
	*out = value;
	return true;
}

bool
args_duration(const struct args *args, const char *name, int64_t *ms, struct fault *fault)
{
	const char *text = args_get(args, name);

	return !text || when_duration(text, ms, fault);
}

bool
args_id(const char *text, int64_t *id, struct fault *fault)
{
	return args_id_of("a task", text, id, fault);
}

bool
args_id_of(const char *what, const char *text, int64_t *id, struct fault *fault)
{
	return (parse_int(text, id) && *id > 0) ||
	       fault_set(
		   fault, FAULT_USAGE, "'%s' is not %s's id (a whole number, like 7)", text, what);
}
