/*
 * From argv to an exit status: see cli.h.
 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/failpoint.h"
#include "base/patience.h"
#include "cli/print.h"
#include "cli/text.h"

enum { RUNNER_GRACE_MS = 1000 };

/* ---- sentences --------------------------------------------------------------------------- */

static void __attribute__((format(printf, 1, 0))) say(const char *format, va_list args)
{
	char text[2048];

	vsnprintf(text, sizeof(text), format, args);
	char *line = print_safe(stderr, text, TEXT_LINE);
	fprintf(stderr, "vigil: %s\n", line);
	free(line);
}

void
cli_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

int
cli_usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	return VIGIL_USAGE;
}

int
cli_fault(const struct fault *fault)
{
	cli_say("%s", fault->text);
	return fault->kind == FAULT_USAGE ? VIGIL_USAGE : VIGIL_ENVIRONMENT;
}

int
cli_failed(const struct vigil *vigil, enum vigil_result result)
{
	cli_say("%s", vigil_error(vigil));
	return (int)result;
}

/* ---- what commands share ----------------------------------------------------------------- */

int
cli_open(const struct args *args, enum vigil_open_mode mode, struct vigil **vigil)
{
	enum vigil_result result =
	    vigil_open(vigil, args_get(args, "db"), args_get(args, "config"), mode);

	if (result == VIGIL_OK)
		return 0;
	cli_failed(*vigil, result);
	vigil_close(*vigil);
	*vigil = NULL;
	return (int)result;
}

int64_t *
cli_ids(const struct args *args)
{
	int64_t *ids = xcalloc((size_t)args->operand_count + 1, sizeof(*ids));
	struct fault fault;

	for (int i = 0; i < args->operand_count; i++)
		if (!args_id(args->operands[i], &ids[i], &fault)) {
			cli_fault(&fault);
			free(ids);
			return NULL;
		}
	return ids;
}

int
cli_subject(const struct args *args, int64_t *id, const char **session)
{
	struct fault fault;

	*session = args_get(args, "session");
	*id = 0;
	if (*session && args->operand_count)
		return cli_usage("'%s' is too much beside --session", args->operands[0]);
	if (*session && !**session)
		return cli_usage("--session '' is no session's id");
	if (!*session && !args->operand_count)
		return cli_usage("%s needs %s, or --session (vigil %s --help says more)",
		    args->command->name, args->command->operands, args->command->name);
	return *session || args_id(args->operands[0], id, &fault) ? 0 : cli_fault(&fault);
}

struct field {
	const char *column;
	char *value;
};

static bool
read_field(void *arg, const struct vigil_row *row)
{
	struct field *field = arg;

	field->value = xstrdup(row_get(row, field->column));
	return false;
}

char *
cli_field(struct vigil *vigil, int64_t id, enum vigil_section section, const char *column)
{
	struct field field = {.column = column};

	vigil_show(vigil, id, section, read_field, &field);
	return field.value;
}

static void
watch_say(const struct cli_watch *watch, bool *was_said, const char *sentence)
{
	if (*was_said)
		return;
	*was_said = true;
	if (watch->is_line_open)
		fputs("\r\033[K", stderr);
	cli_say("%s", sentence);
}

void
cli_watch(struct cli_watch *watch, const struct vigil_progress *progress)
{
	if (progress->is_paused && progress->queued)
		watch_say(watch, &watch->paused_was_said,
		    "the queue is paused: what is queued waits for vigil resume");
	if (!progress->has_runner && progress->waited_ms >= RUNNER_GRACE_MS &&
	    progress->queued + progress->live > 0)
		watch_say(watch, &watch->no_runner_was_said,
		    "no runner is alive: this waits until somebody starts vigil run");
}

void
cli_say_paused(struct vigil *vigil)
{
	char *since, time[32];

	if (vigil_paused(vigil, &since) == VIGIL_OK && since)
		cli_say("the queue is paused since %s: nothing queued starts until vigil resume",
		    print_time(since, time));
	free(since);
}

/* ---- the program ------------------------------------------------------------------------- */

/* A standard descriptor that is closed would be had by the next file that is opened: the database,
 * and our own output would go into it. This one cannot be written to, so that output still fails.
 */
static void
keep_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static bool
reader_is_gone(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO};

	return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

/* All that was printed has arrived, or the reader of the pipe has had enough. */
static int
finish_output(int status)
{
	bool had_failed = ferror(stdout);

	errno = 0;
	if (fflush(stdout) == 0 && !had_failed)
		return status;
	if (reader_is_gone())
		return status;
	cli_say(
	    "cannot write to standard output%s%s", errno ? ": " : "", errno ? strerror(errno) : "");
	return VIGIL_ENVIRONMENT;
}

static int
run(const struct args *args)
{
	if (args_has(args, "version"))
		return version_command.run(args);
	if (!args->command && args_has(args, "help")) {
		help_all(args->commands);
		return 0;
	}
	if (!args->command) {
		help_short();
		return VIGIL_USAGE;
	}
	if (args_has(args, "help")) {
		help_command(args->command);
		return 0;
	}
	return args->command->run(args);
}

int
cli_main(const struct command *const *commands, int argc, char **argv)
{
	const char *failpoint = getenv("VIGIL_FAILPOINT");

	keep_standard_descriptors();
	signal(SIGPIPE, SIG_IGN);
	signal(
	    SIGCHLD, SIG_DFL); /* ignored, as a parent may have left it, no child's end is known */
	if (failpoint && strcmp(failpoint, "list") == 0) {
		failpoint_print_names();
		return finish_output(0);
	}
	struct fault fault;
	if ((failpoint && !failpoint_arm(failpoint, &fault)) || !patience_set(&fault))
		return cli_fault(&fault);
	struct args args;
	if (!args_parse(&args, commands, argc, argv, &fault))
		return cli_fault(&fault);
	return finish_output(run(&args));
}
