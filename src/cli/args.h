/*
 * The command line: what a command takes is a table, which both parsing and help are made from.
 *
 * Options may follow operands, `--` ends them, `--name=value` and `--name value` are the same,
 * and of one that is given twice the last counts.
 */
#ifndef VIGIL_CLI_ARGS_H
#define VIGIL_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

struct option_spec {
	char letter;      /* 0: none */
	const char *name; /* NULL ends the table */
	const char *arg;  /* what its value is called; NULL: it takes none */
	const char *help;
};

enum { ARGS_ANY = -1, ARGS_OPTIONS = 32 };

struct args;

struct command {
	const char *name;
	int (*run)(const struct args *); /* gives the exit status */
	const char *required; /* options it cannot do without, as help shows them; or NULL */
	const char *operands; /* as help shows them */
	int least, most;      /* how many; ARGS_ANY: no limit */
	const char *summary;  /* one line */
	const struct option_spec *options;
	const char *details; /* what help says besides; may be NULL */
	const char *ids;     /* where an operand is an ID: of which statuses; NULL: of any */
	bool is_hidden;      /* for programs: help does not list it */
};

struct args {
	const struct command *const *commands; /* all there are; NULL ends them */
	const struct command *command;         /* NULL: none was given */
	const char *values[ARGS_OPTIONS];      /* of the general options, then of the command's */
	char **operands;
	int operand_count;
};

/* The options that every command takes. */
extern const struct option_spec general_options[];

/* False: FAULT_USAGE names what is not understood. The operands point into argv, which is
 * reordered. With --help or --version, missing operands are no fault. */
bool args_parse(
    struct args *, const struct command *const *commands, int argc, char **argv, struct fault *);

const struct command *command_find(
    const struct command *const *commands, const char *name, struct fault *);

/* The value of an option, "" for one without; NULL: not given. */
const char *args_get(const struct args *, const char *name);
bool args_has(const struct args *, const char *name);
bool args_offers(const struct args *, const char *name); /* does the command take it? */

/* The option whose value is at this address; NULL: no option's is. */
const struct option_spec *args_option_with(const struct args *, const char *value);

/* *out stays as it was where the option is not given. */
bool args_int(const struct args *, const char *name, int64_t least, int64_t most, int64_t *out,
    struct fault *);
bool args_duration(const struct args *, const char *name, int64_t *ms, struct fault *);

/* The id of a task, or of what is named ("an ask"): digits. */
bool args_id(const char *text, int64_t *id, struct fault *);
bool args_id_of(const char *what, const char *text, int64_t *id, struct fault *);

#endif
