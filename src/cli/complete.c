/*
 * vigil complete: what may stand next on a command line, for the shells. It is asked by
 * completions/, once for each time that somebody presses Tab:
 *
 *     vigil complete -- WORD … PART
 *
 * The words after the program's name; the last is what stands before the cursor, which may be
 * nothing. A line of its answer is a word, a tab, and something about it. One that begins with the
 * tab says what the shell knows better: "files", "directories".
 *
 * The database is never made, migrated or waited for, and where anything is in the way there is
 * less to choose from: whoever types wants no sentence. What is offered needs no quoting in any
 * shell, and what is said about it is one line without control characters, whoever wrote it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/text.h"

enum { ABOUT_WIDTH = 60 };

struct line {
	char *text, **words;
	int count;
};

struct typed {
	struct args args;    /* what stands before it */
	const char *part;    /* what is to be completed, */
	const char *prefix;  /* and what stands before that in the same word: "--status=" */
	size_t prefix_bytes; /* of it; a list's first parts are added */
	const struct option_spec *option; /* whose value it is; NULL: none's */
	bool is_command;                  /* the command's name is to come */
	bool is_after_options;            /* behind "--" */
	struct line lines[2];             /* that args point into */
};

/* ---- offering ---------------------------------------------------------------------------- */

/* No shell sees more in it than a word. */
static bool
is_plain(const char *word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char others[] = "0123456789_./:+-@";

	for (const char *at = word; *at; at++)
		if (!strchr(letters, *at) && !strchr(others, *at))
			return false;
	return *word;
}

static bool
is_given(const struct typed *typed, const char *word)
{
	for (int i = 0; i < typed->args.operand_count; i++)
		if (strcmp(typed->args.operands[i], word) == 0)
			return true;
	return false;
}

static void
offer(const struct typed *typed, const char *word, const char *about)
{
	if (!is_plain(word) || strncmp(word, typed->part, strlen(typed->part)) != 0)
		return;
	char *line = text_form(about, TEXT_LINE);
	size_t fits = text_fit(line, ABOUT_WIDTH);

	printf("%.*s%s\t%.*s%s\n", (int)typed->prefix_bytes, typed->prefix, word, (int)fits, line,
	    line[fits] ? "…" : "");
	free(line);
}

static void
offer_commands(const struct typed *typed)
{
	const struct command *const *commands = typed->args.commands;

	for (; *commands; commands++)
		if (!(*commands)->is_hidden)
			offer(typed, (*commands)->name, (*commands)->summary);
}

static void
offer_options_of(const struct typed *typed, const struct option_spec *table)
{
	for (; table && table->name; table++) {
		char *word = xasprintf("--%s", table->name);

		offer(typed, word, table->help);
		free(word);
	}
}

static void
offer_options(const struct typed *typed)
{
	if (typed->args.command)
		offer_options_of(typed, typed->args.command->options);
	offer_options_of(typed, general_options);
}

/* ---- from the database ------------------------------------------------------------------- */

/* NULL where there is none, or it cannot be read now. */
static struct vigil *
glance(const struct typed *typed)
{
	struct vigil *vigil;

	if (vigil_open(&vigil, args_get(&typed->args, "db"), args_get(&typed->args, "config"),
		VIGIL_GLANCE) == VIGIL_OK)
		return vigil;
	vigil_close(vigil);
	return NULL;
}

static bool
offer_task(void *arg, const struct vigil_row *row)
{
	const struct typed *typed = arg;
	char *about = xasprintf("%s: %s", row->values[1], row->values[2]);

	if (typed->option || !is_given(typed, row->values[0]))
		offer(typed, row->values[0], about);
	free(about);
	return true;
}

static void
offer_tasks(struct typed *typed, struct vigil *vigil)
{
	vigil_pick(vigil, typed->option ? CLI_OPEN : typed->args.command->ids, typed->part,
	    offer_task, typed);
}

/* Columns as vigil_asks() has them. */
static bool
offer_ask(void *arg, const struct vigil_row *row)
{
	const struct typed *typed = arg;
	char *about = xasprintf("task %s: %s: %s", row->values[1], row->values[3], row->values[5]);

	offer(typed, row->values[0], about);
	free(about);
	return true;
}

static void
offer_asks(struct typed *typed, struct vigil *vigil)
{
	vigil_asks(vigil, offer_ask, typed);
}

static void
offer_name(void *arg, const char *name)
{
	offer(arg, name, "");
}

static void
offer_agents(struct typed *typed, struct vigil *vigil)
{
	vigil_list_names(vigil, VIGIL_AGENTS, offer_name, typed);
}

static void
offer_models(struct typed *typed, struct vigil *vigil)
{
	vigil_list_names(vigil, VIGIL_MODELS, offer_name, typed);
}

/* ---- what is called so ------------------------------------------------------------------- */

static void
offer_statuses(struct typed *typed, struct vigil *vigil)
{
	vigil_list_names(vigil, VIGIL_STATUSES, offer_name, typed);
}

static void
offer_error_kinds(struct typed *typed, struct vigil *vigil)
{
	vigil_list_names(vigil, VIGIL_ERROR_KINDS, offer_name, typed);
}

static void
offer_replies(struct typed *typed, struct vigil *vigil)
{
	(void)vigil;
	offer(typed, "once", "to a permission request: this time");
	offer(typed, "always", "to a permission request: from now on, in this session");
	offer(typed, "reject", "no");
}

static void
offer_command_names(struct typed *typed, struct vigil *vigil)
{
	(void)vigil;
	offer_commands(typed);
}

static void
leave_files(struct typed *typed, struct vigil *vigil)
{
	(void)typed;
	(void)vigil;
	puts("\tfiles");
}

static void
leave_directories(struct typed *typed, struct vigil *vigil)
{
	(void)typed;
	(void)vigil;
	puts("\tdirectories");
}

/* Where the largest may come first, a '-' stands before it. */
static void
offer_columns(struct typed *typed, struct vigil *vigil)
{
	const char *sign =
	    typed->part[0] == '-' && strcmp(typed->option->name, "sort") == 0 ? "-" : "";

	(void)vigil;
	for (const struct vigil_column *column = vigil_columns(); column->name; column++) {
		char *word = xasprintf("%s%s", sign, column->name);

		offer(typed, word, "");
		free(word);
	}
}

/* What help calls an operand or an option's value says what may be offered for it. */
static const struct source {
	const char *what;
	const char *option; /* of this one alone; NULL: whatever it belongs to */
	bool needs_database;
	void (*offer)(struct typed *, struct vigil *);
} sources[] = {
    {"ID", NULL, true, offer_tasks},
    {"ASK", NULL, true, offer_asks},
    {"REPLY", NULL, false, offer_replies},
    {"COMMAND", NULL, false, offer_command_names},
    {"S", NULL, false, offer_statuses},
    {"KIND", NULL, false, offer_error_kinds},
    {"C", NULL, false, offer_columns},
    {"NAME", "agent", true, offer_agents},
    {"PROVIDER/MODEL", NULL, true, offer_models},
    {"FILE", NULL, false, leave_files},
    {"FILE.jsonl", NULL, false, leave_files},
    {"DIR", NULL, false, leave_directories},
};

static const struct source *
source_of(const struct typed *typed, const char *what, size_t bytes)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		const struct source *source = &sources[i];

		if (strlen(source->what) == bytes && strncmp(source->what, what, bytes) == 0 &&
		    (!source->option ||
			(typed->option && strcmp(source->option, typed->option->name) == 0)))
			return source;
	}
	return NULL;
}

/* Without a database there is nothing to offer of it, and none is made. */
static void
offer_from(struct typed *typed, const struct source *source)
{
	struct vigil *vigil = source->needs_database ? glance(typed) : NULL;

	if (vigil || !source->needs_database)
		source->offer(typed, vigil);
	vigil_close(vigil);
}

/* ---- values and operands ----------------------------------------------------------------- */

/* "S[,S]" is a list: its last part is completed. */
static void
offer_values(struct typed *typed)
{
	const char *what = typed->option->arg, *comma = strrchr(typed->part, ',');
	bool is_list = strstr(what, "[,");
	const struct source *source = source_of(typed, what, strcspn(what, "["));

	if (!source)
		return;
	char *prefix = xasprintf("%.*s%.*s", (int)typed->prefix_bytes, typed->prefix,
	    is_list && comma ? (int)(comma + 1 - typed->part) : 0, typed->part);
	struct typed last = *typed;
	last.prefix = prefix;
	last.prefix_bytes = strlen(prefix);
	last.part += last.prefix_bytes - typed->prefix_bytes;
	offer_from(&last, source);
	free(prefix);
}

/* What help calls the operand of that number: of "ASK REPLY …" ASK is 0, REPLY all that follow. */
static const char *
operand_name(const char *operands, int number, size_t *bytes)
{
	const char *name = NULL;

	for (const char *at = operands; *at && *at != '|' && number >= 0; at += strspn(at, " ")) {
		bool goes_on = strncmp(at, "…", strlen("…")) == 0;

		if (goes_on)
			return name;
		name = at + (*at == '[');
		*bytes = strcspn(name, " ]");
		at += strcspn(at, " ");
		number--;
	}
	return number < 0 ? name : NULL;
}

/* Where no operand may come, an option may. */
static void
offer_operands(struct typed *typed)
{
	size_t bytes;
	const char *operands = typed->args.command->operands;
	const char *name = operand_name(operands, typed->args.operand_count, &bytes);
	const struct source *source = name ? source_of(typed, name, bytes) : NULL;

	if (source)
		offer_from(typed, source);
	else if (!name && !typed->is_after_options)
		offer_options(typed);
}

/* ---- what was typed ---------------------------------------------------------------------- */

/* A command line of our own, since parsing cuts its words and moves them about. With a prefix
 * "--name=", the name is a word of it. */
static char **
copy_line(struct line *line, const struct typed *typed, const struct args *args)
{
	struct buf text = {0};
	size_t at = 0;

	buf_add(&text, "vigil", sizeof("vigil"));
	for (int i = 0; i + 1 < args->operand_count; i++)
		buf_add(&text, args->operands[i], strlen(args->operands[i]) + 1);
	if (typed->prefix_bytes) {
		buf_add(&text, typed->prefix, typed->prefix_bytes - 1);
		buf_add(&text, "", 1);
	}
	line->words = xcalloc((size_t)args->operand_count + 3, sizeof(*line->words));
	line->text = text.data;
	for (line->count = 0; at < text.len; at += strlen(line->text + at) + 1)
		line->words[line->count++] = line->text + at;
	return line->words;
}

static bool
parse_before(struct typed *typed, struct line *line, const struct args *args, char *last)
{
	char **words = copy_line(line, typed, args);
	struct fault ignored;

	if (last)
		words[line->count++] = last;
	return args_parse(&typed->args, args->commands, line->count, words, &ignored);
}

/* How the line would be understood with a word in the place of what is to come: where that is
 * found afterwards says what it is. */
static bool
understand(struct typed *typed, const struct args *args)
{
	static char stand_in[] = "0";

	parse_before(typed, &typed->lines[0], args, stand_in);
	typed->option = args_option_with(&typed->args, stand_in);
	if (typed->option || typed->prefix_bytes)
		return typed->option;
	if (typed->args.command) {
		int last = --typed->args.operand_count;
		return last >= 0 && typed->args.operands[last] == stand_in;
	}
	typed->is_command =
	    parse_before(typed, &typed->lines[1], args, NULL) && !typed->args.command;
	return typed->is_command;
}

static void
complete(struct typed *typed)
{
	if (typed->option)
		offer_values(typed);
	else if (typed->part[0] == '-' && !typed->is_after_options)
		offer_options(typed);
	else if (typed->is_command)
		offer_commands(typed);
	else
		offer_operands(typed);
}

/* "--status=fa" is an option and a part of its value. */
static void
cut_prefix(struct typed *typed)
{
	const char *equals = strchr(typed->part, '=');

	typed->prefix = "";
	if (strncmp(typed->part, "--", 2) != 0 || !equals || typed->is_after_options)
		return;
	typed->prefix = typed->part;
	typed->part = equals + 1;
	typed->prefix_bytes = (size_t)(typed->part - typed->prefix);
}

static int
run_complete(const struct args *args)
{
	struct typed typed = {0};

	if (args->operand_count == 0)
		return 0;
	typed.part = args->operands[args->operand_count - 1];
	for (int i = 0; i + 1 < args->operand_count; i++)
		if (strcmp(args->operands[i], "--") == 0)
			typed.is_after_options = true;
	cut_prefix(&typed);
	if (understand(&typed, args))
		complete(&typed);
	for (size_t i = 0; i < sizeof(typed.lines) / sizeof(typed.lines[0]); i++) {
		free(typed.lines[i].text);
		free(typed.lines[i].words);
	}
	return 0;
}

const struct command complete_command = {
    .name = "complete",
    .run = run_complete,
    .operands = "-- [WORD …] PART",
    .most = ARGS_ANY,
    .summary = "what may stand next on a command line, for the shells' completions",
    .is_hidden = true,
};
