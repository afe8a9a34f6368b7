/*
 * What every command needs: the database, sentences on standard error, ids. And the commands.
 */
#ifndef VIGIL_CLI_CLI_H
#define VIGIL_CLI_CLI_H

#include "base/fault.h"
#include "cli/args.h"
#include "ops/vigil.h"

/* Parses, runs, and gives the exit status. `commands` ends with NULL. */
int cli_main(const struct command *const *commands, int argc, char **argv);

/* One line on standard error, "vigil: …", whatever is in the text. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says it, and gives VIGIL_USAGE, or what kind of fault it is. */
int cli_fault(const struct fault *);
int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says what went wrong in the handle; gives the result. */
int cli_failed(const struct vigil *, enum vigil_result);

/* Opens by --db and --config. Anything but 0 was said, is the exit status, and there is nothing
 * to close. */
int cli_open(const struct args *, enum vigil_open_mode, struct vigil **);

/* The operands as ids, as many as there are. NULL: one is not (which was said). The caller frees.
 */
int64_t *cli_ids(const struct args *);

/* One column of one row of vigil_show(). The caller frees; NULL: NULL, or no such task. */
char *cli_field(struct vigil *, int64_t id, enum vigil_section, const char *column);

/* While something is waited for: says, the first time it is so, what keeps it from going on: that
 * the queue is paused, or that no runner is alive; this not in the first second, in which one may
 * be starting. */
struct cli_watch {
	bool is_line_open; /* a line is to be cleared first */
	bool paused_was_said, no_runner_was_said;
};
void cli_watch(struct cli_watch *, const struct vigil_progress *);

/* Says that the queue is paused, and since when, if it is. */
void cli_say_paused(struct vigil *);

/* Of the commands that run in panes: by its words a pane is known as vigil's own. */
#define CLI_PANE_OPTION \
	{ \
		0, "pane", "MARK", "for vigil's own panes in tmux: any text; ignored" \
	}

/* Of the commands that show a task, or a session that is no task's. */
#define CLI_SESSION_OPTION \
	{ \
		0, "session", "SESSION", "in place of a task: any session of vigil's server" \
	}
/* The task that was named, or *session. Anything but 0 was said, and is the exit status. */
int cli_subject(const struct args *, int64_t *id, const char **session);

/* Statuses, for struct command's ids. */
#define CLI_LIVE "starting,running,stopping"
#define CLI_OPEN "queued,held," CLI_LIVE
#define CLI_FINAL "completed,failed,cancelled"

/* For people alone; printed to standard output. */
void help_all(const struct command *const *commands);
void help_short(void); /* to standard error */
void help_command(const struct command *);

extern const struct command add_command;
extern const struct command run_command;
extern const struct command list_command;
extern const struct command show_command;
extern const struct command result_command;
extern const struct command wait_command;
extern const struct command follow_command;
extern const struct command attach_command;
extern const struct command cancel_command;
extern const struct command retry_command;
extern const struct command hold_command;
extern const struct command release_command;
extern const struct command edit_command;
extern const struct command pause_command;
extern const struct command resume_command;
extern const struct command report_command;
extern const struct command asks_command;
extern const struct command answer_command;
extern const struct command sql_command;
extern const struct command prune_command;
extern const struct command backup_command;
extern const struct command export_command;
extern const struct command import_command;
extern const struct command doctor_command;
extern const struct command version_command;
extern const struct command help_command_itself;
extern const struct command complete_command;

#endif
