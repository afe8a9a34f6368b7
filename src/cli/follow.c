/*
 * vigil follow: what an agent says and does, as it does it. The answer is data, and goes to
 * standard output; what is around it, to standard error. On a terminal one sees both, and each
 * begins a line of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/when.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/text.h"

static const struct option_spec options[] = {
    {0, "json", NULL,
	"print [{\"stream\": \"text\" or \"reasoning\", \"text\"}], as it is written"},
    CLI_SESSION_OPTION,
    CLI_PANE_OPTION,
    {0, NULL, NULL, NULL},
};

struct following {
	struct json_list *list; /* NULL: plain text */
	bool shows_aside;       /* standard error is a terminal */
	bool is_one_terminal;   /* and standard output, too */
	bool answer_is_open;    /* on the terminal: the answer is within a line, */
	bool aside_is_open;     /* or what is around it */
	char *tool;             /* whose line that is; NULL: none's */
};

/* ---- lines ---------------------------------------------------------------------------------- */

static void
end_answer(struct following *f)
{
	if (f->answer_is_open && f->is_one_terminal)
		fputc('\n', stdout);
	f->answer_is_open = false;
	fflush(stdout);
}

static void
end_aside(struct following *f)
{
	if (f->aside_is_open)
		fputc('\n', stderr);
	f->aside_is_open = false;
	free(f->tool);
	f->tool = NULL;
}

/* Coloured piece by piece, so that whenever the program is ended, the terminal is as it was. */
static void
print_aside(struct following *f, enum colour colour, const char *text, enum text_form form)
{
	size_t bytes = strlen(text);
	char *safe = print_safe(stderr, text, form);
	end_answer(f);
	fprintf(stderr, "%s%s%s", print_colour(stderr, colour), safe,
	    print_colour(stderr, COLOUR_NONE));
	f->aside_is_open = bytes > 0 ? text[bytes - 1] != '\n' : f->aside_is_open;
	free(safe);
}

/* What vigil itself says begins with a dot: the reasoning is dim, too. */
static void
begin_line(struct following *f, enum colour colour, const char *text)
{
	char *line = xasprintf("· %s", text);
	end_aside(f);
	print_aside(f, colour, line, TEXT_LINE);
	free(line);
}

static void
print_line(struct following *f, enum colour colour, const char *text)
{
	begin_line(f, colour, text);
	end_aside(f);
}

/* ---- what comes ----------------------------------------------------------------------------- */

static void
print_object(struct json_list *list, enum vigil_stream stream, const char *text)
{
	struct json *object = json_object();
	char *clean = text_form(text, TEXT_UTF8);

	json_add_text(object, "stream", stream == VIGIL_TEXT ? "text" : "reasoning");
	json_add_text(object, "text", clean);
	json_list_add(list, object);
	fflush(stdout);
	free(clean);
}

static void
print_answer(struct following *f, const char *text)
{
	size_t bytes = strlen(text);
	if (bytes == 0)
		return;
	if (f->is_one_terminal)
		end_aside(f);
	/* A line that was ended for what came in between is not ended again. */
	if (f->is_one_terminal && !f->answer_is_open && strcmp(text, "\n") == 0)
		return;
	print_piece(stdout, text);
	f->answer_is_open = text[bytes - 1] != '\n';
	fflush(stdout);
}

static void
print_reasoning(struct following *f, const char *text)
{
	if (f->tool)
		end_aside(f);
	if (f->shows_aside && (f->aside_is_open || strcmp(text, "\n") != 0))
		print_aside(f, COLOUR_DIM, text, TEXT_BLOCK);
}

static void
print_note(struct following *f, const char *text)
{
	if (f->shows_aside)
		print_line(f, COLOUR_DIM, text);
	else
		cli_say("%s", text);
}

static void
print_tool(struct following *f, const char *text)
{
	if (!f->shows_aside)
		return;
	begin_line(f, COLOUR_CYAN, text);
	f->tool = xstrdup(text);
}

/* In place, if nothing came in between. */
static void
print_tool_end(struct following *f, const char *text)
{
	bool is_open = f->tool && strncmp(text, f->tool, strlen(f->tool)) == 0;
	bool is_good = strlen(text) >= 4 && strcmp(text + strlen(text) - 4, ": ok") == 0;
	enum colour colour = is_good ? COLOUR_CYAN : COLOUR_RED;
	if (!f->shows_aside) {
		cli_say("%s", text);
	} else if (is_open) {
		print_aside(f, colour, text + strlen(f->tool), TEXT_LINE);
		end_aside(f);
	} else {
		print_line(f, colour, text);
	}
}

static void
print_part(void *arg, enum vigil_stream stream, const char *text)
{
	struct following *f = arg;
	if (f->list && (stream == VIGIL_TEXT || stream == VIGIL_REASONING)) {
		if (*text)
			print_object(f->list, stream, text);
		return;
	}
	switch (stream) {
	case VIGIL_TEXT:
		print_answer(f, text);
		break;
	case VIGIL_REASONING:
		print_reasoning(f, text);
		break;
	case VIGIL_NOTE:
		print_note(f, text);
		break;
	case VIGIL_TOOL:
		print_tool(f, text);
		break;
	case VIGIL_TOOL_END:
		print_tool_end(f, text);
		break;
	}
}

/* ---- the end -------------------------------------------------------------------------------- */

static bool
say_time(void *out, const struct vigil_row *row)
{
	when_say((int64_t)(strtod(row_get(row, "took"), NULL) * 1000), out);
	return true;
}

/* "completed in 3m": its newest attempt. Of a failure, what is wrong. */
static void
print_end(struct following *f, struct vigil *vigil, int64_t id, enum vigil_result result)
{
	bool is_good = result == VIGIL_OK;
	char took[32] = "";
	char *line;
	if (is_good && vigil_show(vigil, id, VIGIL_ATTEMPTS, say_time, took) == VIGIL_OK && *took)
		line = xasprintf("task %lld completed in %s", (long long)id, took);
	else
		line = is_good ? xasprintf("task %lld completed", (long long)id)
			       : xstrdup(vigil_error(vigil));
	if (f->shows_aside)
		print_line(f, is_good ? COLOUR_GREEN : COLOUR_RED, line);
	else
		cli_say("%s", line);
	free(line);
}

static int
run_follow(const struct args *args)
{
	struct json_list list = {0};
	struct following following = {.list = args_has(args, "json") ? &list : NULL,
	    .shows_aside = print_is_terminal(stderr),
	    .is_one_terminal = print_is_terminal(stdout) && print_is_terminal(stderr)};
	const char *session;
	int64_t id;
	struct vigil *vigil;
	int status = cli_subject(args, &id, &session);

	if (!status)
		status = cli_open(args, VIGIL_READ_ONLY, &vigil);
	if (status)
		return status;
	enum vigil_result result =
	    session ? vigil_follow_session(vigil, session, print_part, &following)
		    : vigil_follow(vigil, id, print_part, &following);
	end_answer(&following);
	end_aside(&following);
	if (following.list)
		json_list_end(&list);
	if (!session && (result == VIGIL_OK || result == VIGIL_FAILED))
		print_end(&following, vigil, id, result);
	else if (result == VIGIL_OK)
		print_note(&following, "the session is idle");
	else
		cli_failed(vigil, result);
	vigil_close(vigil);
	return (int)result;
}

const struct command follow_command = {
    .name = "follow",
    .run = run_follow,
    .operands = "ID",
    .least = 0,
    .most = 1,
    .summary = "print the answer as it is written, until the task ends",
    .options = options,
    .details =
	"The answers of the turn go to standard output. Standard error has the rest: what is "
	"asked,\n"
	"what is in the way, calls of tools while they are made, on a terminal the reasoning.\n"
	"A subagent's session can be named in place of a task: --session SESSION; until it is "
	"idle.\n"
	"exit status: as vigil result\n",
    .ids = CLI_LIVE "," CLI_FINAL,
};
