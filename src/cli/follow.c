/*
 * vigil follow: the answer as it is written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/print.h"
#include "cli/text.h"

static const struct option_spec options[] = {
    {0, "json", NULL,
	"print [{\"stream\": \"text\" or \"reasoning\", \"text\"}], as it is written"},
    CLI_PANE_OPTION,
    {0, NULL, NULL, NULL},
};

struct following {
	struct json_list *list; /* NULL: plain text */
	bool is_dim;            /* reasoning is being printed */
	bool is_open;           /* standard output is within a line */
};

static void
end_dim(struct following *following)
{
	if (following->is_dim)
		fputs(print_colour(stdout, COLOUR_NONE), stdout);
	following->is_dim = false;
}

static void
end_line(struct following *following)
{
	end_dim(following);
	if (following->is_open)
		fputc('\n', stdout);
	following->is_open = false;
	fflush(stdout);
}

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
print_part(void *arg, enum vigil_stream stream, const char *text)
{
	struct following *following = arg;
	size_t bytes = strlen(text);

	if (stream == VIGIL_NOTE) {
		if (print_is_terminal(stderr) && print_is_terminal(stdout))
			end_line(following);
		cli_say("%s", text);
		return;
	}
	if (following->list) {
		if (bytes)
			print_object(following->list, stream, text);
		return;
	}
	/* Into a pipe goes the answer alone. */
	if (bytes == 0 || (stream == VIGIL_REASONING && !print_is_terminal(stdout)))
		return;
	if (following->is_dim != (stream == VIGIL_REASONING)) {
		end_line(following);
		following->is_dim = stream == VIGIL_REASONING;
		fputs(following->is_dim ? print_colour(stdout, COLOUR_DIM) : "", stdout);
	}
	print_piece(stdout, text);
	following->is_open = text[bytes - 1] != '\n';
	fflush(stdout);
}

static int
run_follow(const struct args *args)
{
	struct json_list list = {0};
	struct following following = {.list = args_has(args, "json") ? &list : NULL};
	struct fault fault;
	int64_t id;

	if (!args_id(args->operands[0], &id, &fault))
		return cli_fault(&fault);
	struct vigil *vigil;
	int status = cli_open(args, VIGIL_READ_ONLY, &vigil);
	if (status)
		return status;
	enum vigil_result result = vigil_follow(vigil, id, print_part, &following);
	end_line(&following);
	if (following.list)
		json_list_end(&list);
	status = result == VIGIL_OK ? 0 : cli_failed(vigil, result);
	vigil_close(vigil);
	return status;
}

const struct command follow_command = {
    .name = "follow",
    .run = run_follow,
    .operands = "ID",
    .least = 1,
    .most = 1,
    .summary = "print the answer as it is written, until the task ends",
    .options = options,
    .details = "exit status: as vigil result\n",
};
