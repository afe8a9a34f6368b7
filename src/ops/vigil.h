/*
 * libvigil: queue tasks for OpenCode agents, read what became of them, run the runner.
 * The vigil program is built on this header alone.
 *
 * Results are the program's exit statuses. After anything but VIGIL_OK, vigil_error() is one
 * sentence about it. A handle belongs to one thread, and is not to be used after a fork.
 *
 * Who owns what: the library copies what it is given, or is done with it when the call returns.
 * What it gives by `const char *` is the handle's; what it gives by `char **` is the caller's, to
 * be freed with free().
 *
 * Callbacks are called on the caller's thread, before the function that they were given to
 * returns, and never after. What they are handed is borrowed, and valid during the call; `arg` is
 * the caller's, and only passed on. They may call the library with another handle, but not with
 * the one that they were called for, and may not leave by longjmp() or an exception.
 *
 * Signals: only vigil_run() changes how they are handled, and says so. Nothing else raises SIGPIPE
 * but vigil_follow() and vigil_attach_command() and their like, which ask a server: ignore it
 * before.
 */
#ifndef VIGIL_H
#define VIGIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum vigil_result {
	VIGIL_OK = 0,
	VIGIL_FAILED = 1,      /* the task failed or was cancelled */
	VIGIL_USAGE = 2,       /* a value is wrong; the sentence names it and what is accepted */
	VIGIL_NOT_FOUND = 3,   /* no such task */
	VIGIL_TIMEOUT = 4,     /* the time given has passed; the task is not final */
	VIGIL_ENVIRONMENT = 5, /* database, configuration, server, disk */
};

struct vigil;

const char *vigil_version(void);

/* ---- the database ----------------------------------------------------------------------- */

enum vigil_open_mode {
	VIGIL_READ_WRITE, /* made where it is missing */
	VIGIL_EXISTING,   /* must exist */
	VIGIL_READ_ONLY,  /* must exist; written only if it is an older one, to migrate it */
	VIGIL_GLANCE, /* must exist; never written, an older one is refused; no lock is waited for
		       */
};

/* NULL paths: from the environment, else the defaults of the manual. The handle is made in any
 * case, so that vigil_error() can be asked; close it in any case. */
enum vigil_result vigil_open(
    struct vigil **, const char *database, const char *config, enum vigil_open_mode);
void vigil_close(struct vigil *); /* NULL is fine */

/* Valid until the handle's next operation; meaningless after VIGIL_OK. */
const char *vigil_error(const struct vigil *);

/* Its path, absolute, as long as the handle is open; NULL if it could not even be named. */
const char *vigil_database(const struct vigil *);

/* ---- tasks: launch, cancel, result (the seed's BackgroundTaskManager) -------------------- */

struct vigil_task {
	const char *prompt;      /* required; at most 16 MB of UTF-8 */
	size_t prompt_bytes;     /* where a NUL may be in it, which is refused; 0: up to its NUL */
	const char *description; /* the rest may be NULL, or 0 */
	const char *agent;       /* a leading '@' is dropped */
	const char *model;       /* PROVIDER/MODEL */
	const char *variant;
	const char *directory;      /* must exist; stored resolved; NULL: the runner's own */
	const char *parent_session; /* ses_… */
	const char *key, *mutex;
	const char *at;       /* not before: a TIME as people type it */
	const char *in;       /* not before: a DURATION from now */
	const char *timeout;  /* a DURATION, "0" for none; NULL: as configured */
	int priority;         /* -100 to 100 */
	int max_attempts;     /* 0: as configured */
	const int64_t *after; /* only once these have completed */
	size_t after_count;
	bool hold;
};

/* Durable once it has returned VIGIL_OK; else nothing is queued. With a `key` that an open task
 * has, *existed (which may be NULL) is set, and *id is that task's. */
enum vigil_result vigil_add(struct vigil *, const struct vigil_task *, int64_t *id, bool *existed);

/* One JSON object a line, keys as the columns of `tasks` (and `after`, `at`, `in`, `timeout`,
 * `hold`), `defaults` for what a line leaves out; all in one transaction: a bad line is named by
 * `name` and number, and nothing is queued. Empty lines are passed over. `defaults` may be NULL,
 * and so may the function, which is called once for each line, in order, after the commit. */
typedef void vigil_id_fn(void *arg, int64_t id, bool existed);
enum vigil_result vigil_add_lines(struct vigil *, const char *text, size_t bytes, const char *name,
    const struct vigil_task *defaults, vigil_id_fn *, void *arg);

/* A live task is stopped by the runner (*needs_runner: none is alive, the next one does it). */
enum vigil_result vigil_cancel(struct vigil *, int64_t id, const char *reason, bool *needs_runner);
enum vigil_result vigil_retry(struct vigil *, int64_t id);
enum vigil_result vigil_hold(struct vigil *, int64_t id);
enum vigil_result vigil_release(struct vigil *, int64_t id);

/* Fields of a vigil_task. */
enum vigil_field {
	VIGIL_PROMPT = 1 << 1,
	VIGIL_DESCRIPTION = 1 << 2,
	VIGIL_AGENT = 1 << 3,
	VIGIL_MODEL = 1 << 4,
	VIGIL_VARIANT = 1 << 5,
	VIGIL_DIRECTORY = 1 << 6,
	VIGIL_PARENT_SESSION = 1 << 7,
	VIGIL_PRIORITY = 1 << 8,
	VIGIL_START = 1 << 9, /* `at` or `in` */
	VIGIL_KEY = 1 << 10,
	VIGIL_MUTEX = 1 << 11,
	VIGIL_TIMEOUT_FIELD = 1 << 12, /* `timeout` */
	VIGIL_MAX_ATTEMPTS = 1 << 13,
};

/* Gives a task that exists those of the fields (their sum) that `task` has; NULL or 0 is the
 * default there, as for a new one. Of a live task, description, timeout and attempts alone can be
 * changed, of a final one the description: VIGIL_USAGE for another. */
enum vigil_result vigil_edit(
    struct vigil *, int64_t id, const struct vigil_task *, unsigned fields);

/* vigil_retry() and then vigil_edit(), or neither. */
enum vigil_result vigil_retry_as(
    struct vigil *, int64_t id, const struct vigil_task *, unsigned fields);

/* The whole queue: nothing is started while it is paused; what is live goes on. What is so already
 * is no fault, and *changed is false. */
enum vigil_result vigil_pause(struct vigil *, bool *changed);
enum vigil_result vigil_resume(struct vigil *, bool *changed);
/* *since: NULL, or since when it is paused, as the database writes times; the caller frees. */
enum vigil_result vigil_paused(struct vigil *, char **since);

/* The ids of all tasks that are not final, oldest first; of each, that it existed. */
enum vigil_result vigil_open_ids(struct vigil *, vigil_id_fn *, void *arg);

/* Deletes final tasks that ended longer ago than that, with their attempts, transcripts, asks and
 * events; but not what an open task comes after. By short transactions: a runner goes on meanwhile.
 * *count: how many there were, even if it fails midway; with is_dry_run, how many there would be.
 */
enum vigil_result vigil_prune(
    struct vigil *, int64_t older_than_ms, bool is_dry_run, int64_t *count);

/* A copy of the database as it is at this moment, in a new file that is readable only by its owner,
 * checked and durable. VIGIL_USAGE: there is such a file. *bytes: how large it is. */
enum vigil_result vigil_backup(struct vigil *, const char *file, int64_t *bytes);

/* Writes tasks down, one JSON object a line, with attempts, transcript, asks and events: those made
 * since then (a TIME; NULL: all), the oldest first, as they are at one moment. Live ones cannot be:
 * *left_out is how many. The function is called for each line, without its end; false: enough. */
typedef bool vigil_line_fn(void *arg, const char *line);
enum vigil_result vigil_export(
    struct vigil *, const char *since, vigil_line_fn *fn, void *arg, int64_t *left_out);

/* Takes such lines in, all or none: a bad one is named by `name` and number. A task keeps its id
 * where none of this database has had that, or a higher one; else it has a new one. One that is
 * here already (made at that instant, with that prompt, in that directory, or in one that was
 * filled in since) is left as it is here.
 * Empty lines are passed over. */
struct vigil_imported {
	int64_t tasks, here; /* that were taken in; that were here already */
};
enum vigil_result vigil_import(
    struct vigil *, const char *text, size_t bytes, const char *name, struct vigil_imported *);

enum vigil_result_part {
	VIGIL_ANSWER,                /* the final answer alone */
	VIGIL_ANSWERS,               /* the text of every answer of the turn, in order */
	VIGIL_ANSWERS_AND_REASONING, /* and what the model thought before each */
};

/* VIGIL_OK: *text is the answer. VIGIL_FAILED: the task failed or was cancelled; vigil_error() says
 * why, *text is what there is of an answer, or NULL. VIGIL_TIMEOUT: not final. *text is NULL after
 * any other result; the caller frees it. Of an answer that is longer than what is kept, it is the
 * beginning, and the column result_cut of VIGIL_TASK is 1. */
enum vigil_result vigil_get_result(struct vigil *, int64_t id, enum vigil_result_part, char **text);

/* Waits until all (or any) of them are final; none named: until nothing is live, or queued and
 * able to start (what comes after a task that failed is not), and then of all that ended meanwhile.
 * `progress` may be NULL; it is called at once, when something changed, at least once a second and
 * with how it ended, and ends the waiting by returning false (VIGIL_TIMEOUT). timeout_ms < 0: for
 * ever. VIGIL_FAILED if one that was waited for failed or was cancelled. A signal does not end it.
 */
struct vigil_progress {
	int queued, held, live, completed, failed, cancelled; /* of those waited for */
	int64_t waited_ms;
	bool has_runner; /* one is alive; without it, nothing that is queued or live goes on */
	bool is_paused;  /* the whole queue: nothing that is queued starts */
};
typedef bool vigil_progress_fn(void *arg, const struct vigil_progress *);
enum vigil_result vigil_wait(struct vigil *, const int64_t *ids, size_t count, bool any,
    int64_t timeout_ms, vigil_progress_fn *, void *arg);

/* ---- reading ---------------------------------------------------------------------------- */

/* A row of an answer, by columns. A NULL value is SQL's NULL; the others are text, numbers
 * in decimal. All of it is borrowed: a callback copies what it wants to keep. */
struct vigil_row {
	size_t count;
	const char *const *names;
	const char *const *values;
	const bool *is_number;
};

/* Called once for each row, in order; false: enough, which is no failure. NULL in its place
 * drops the rows: what is left of vigil_show() says whether there is such a task. */
typedef bool vigil_row_fn(void *arg, const struct vigil_row *);

/* The columns of tasks: all of the table, and what is computed from others: `after` (the ids it
 * comes after), `task` (its description, else how its prompt begins), `reason` (why it is not
 * running, why it failed, what it waits for), `next` (what to do about it), `took` (how long its
 * attempts have worked), `waited` (until the first of them), `resumes`, tokens and cost of all of
 * them. */
enum vigil_kind {
	VIGIL_NUMBER,
	VIGIL_SECONDS,
	VIGIL_TIME,
	VIGIL_STATUS,
	VIGIL_WORD, /* short, a name or an id */
	VIGIL_LONG, /* a text of any length */
};
struct vigil_column {
	const char *name;
	enum vigil_kind kind;
};
const struct vigil_column *vigil_columns(void);                 /* ends with one without a name */
const struct vigil_column *vigil_column_find(const char *name); /* NULL: there is none */

struct vigil_filter {
	const char *statuses; /* "failed,cancelled"; NULL: all */
	const char *since;    /* a TIME; created at or after it */
	const char *grep;     /* in prompt, description, result or error; ignores case */
	int64_t limit;        /* 0: no limit */
	const char *columns;  /* "id,status": the columns of the rows; NULL: all */
	const char *sort; /* "agent,-took": by these, the largest first of one after a '-', what is
			   * empty last; NULL: newest first */
	int64_t characters; /* so much of a text is enough; 0: all of it */
};
/* What is not asked for is not read, as far as it is long or computed. */
enum vigil_result vigil_list(
    struct vigil *, const struct vigil_filter *, vigil_row_fn *, void *arg);

/* VIGIL_TASK has one row, with all columns. VIGIL_WHY_QUEUED has one row, with the one column
 * `reason`: what an open task waits for; none where nothing is in its way. VIGIL_LAST_RUN has one
 * row, whatever the task: how the newest run has ended (`ending`, a word or a sentence, and
 * `ended_at`; both NULL: it has not, or crashed) and whether a runner is alive (`alive`, 1 or 0);
 * none where there was no run. */
enum vigil_section {
	VIGIL_TASK,
	VIGIL_WHY_QUEUED,
	VIGIL_ATTEMPTS,
	VIGIL_ASKS,  /* what its agent has asked a person, and what it was told */
	VIGIL_PANES, /* in tmux; also those that could not be had, and why */
	VIGIL_MESSAGES,
	VIGIL_EVENTS,
	VIGIL_LAST_RUN,
};
enum vigil_result vigil_show(
    struct vigil *, int64_t id, enum vigil_section, vigil_row_fn *, void *arg);

/* ---- what happened ------------------------------------------------------------------------ */

struct vigil_range {
	const char *since, *until; /* TIMEs; NULL: twelve hours before `until`; now */
	/* Up to so many characters of each prompt, result and message come too; 0: none of them. */
	int64_t text_limit;
};

/* What a row is about. They come in this order; columns as in the tables, and besides:
 * `subject`, how a description begins, else a prompt; `next`, what to do about it. */
enum vigil_report_part {
	VIGIL_REPORT_ATTEMPT, /* that was under way in the range, in the order of their beginnings
			       */
	VIGIL_REPORT_TASK,    /* of those, or ended in the range: how it stands now */
	/* `task_id`, `attempt_id`, `kind`, `began_at`, `ended_at`: an attempt waited for a person
	 * (ask) or for its server (server), or was cut off and went on (resumed). After its task's
	 * row; of attempts outside of the range, too. */
	VIGIL_REPORT_MARK,
	/* What one of those attempts asked for and was refused. After its task's marks. */
	VIGIL_REPORT_REFUSED,
	VIGIL_REPORT_ASK,  /* as vigil_asks(): what waits for a person, now, like the next two */
	VIGIL_REPORT_HELD, /* `id`, `subject` */
	/* `id`, `status`, `subject` of a task that did not complete, or is held; how many are
	 * queued behind it (`blocked`), and their ids (`tasks`, with commas). */
	VIGIL_REPORT_BLOCKED,
	/* One row: `since`, `until`; of the tasks above, by how they stand now, how many: `tasks`,
	 * `completed`, `failed`, `cancelled`, `live`, `waiting` (queued again, or held); of the
	 * attempts: `attempts`, `resumes`, `work_ms` (within the range), tokens, `cost` and what
	 * was `refused`; of the queue: `paused_at`, `has_runner`, `queued`, `held`, `blocked`. */
	VIGIL_REPORT_TOTAL,
	/* Of each task in turn: `prompt`, `prompt_length`, `result`, `result_length`, in
	 * characters; then its messages. */
	VIGIL_REPORT_TEXT,
	VIGIL_REPORT_MESSAGE,
};

/* Everything that overlaps the range, as it is at one moment. False of the callback: enough. */
typedef bool vigil_report_fn(void *arg, enum vigil_report_part, const struct vigil_row *);
enum vigil_result vigil_report(
    struct vigil *, const struct vigil_range *, vigil_report_fn *, void *arg);

/* ---- what is in the way ------------------------------------------------------------------ */

enum vigil_health {
	VIGIL_HEALTHY,
	VIGIL_NOTABLE, /* worth knowing, and no fault */
	VIGIL_WRONG,
};

struct vigil_check {
	const char *name; /* of what was looked at, a word or two */
	enum vigil_health health;
	const char *text;   /* how it is */
	const char *remedy; /* what to do about it; NULL: nothing, or the text says it */
};

/* Called once for each, in order. */
typedef void vigil_check_fn(void *arg, const struct vigil_check *);

/* Looks at the configuration and the database that vigil_open() would open, and the programs
 * around; it runs them for their versions, which can take a while. No handle is needed, since there
 * might be none. VIGIL_FAILED: something is wrong. SIGCHLD is to be as for vigil_run(). */
enum vigil_result vigil_doctor(
    const char *database, const char *config, vigil_check_fn *, void *arg);

/* ---- permission requests and questions --------------------------------------------------- */

/* Those that wait for a person, oldest first. */
enum vigil_result vigil_asks(struct vigil *, vigil_row_fn *, void *arg);

/* A permission request is replied to with "once", "always" or "reject"; a question with the label
 * of an option or any other text, a line for each question of it, or with "reject". Durable once
 * it has returned; the runner sends it (*needs_runner: none is alive, the next one does it).
 * VIGIL_NOT_FOUND: no such ask. VIGIL_USAGE: it does not wait any more, or not for this. */
enum vigil_result vigil_answer(struct vigil *, int64_t ask, const char *reply, bool *needs_runner);

/* ---- what may be typed ------------------------------------------------------------------- */

/* What somebody who types an id may mean: tasks of these statuses ("failed,cancelled"; NULL: all)
 * whose ids begin with those digits, of each status the newest hundred. Columns: id, status, and
 * `about`, the description or the beginning of the prompt. Fast, however many tasks there are. */
enum vigil_result vigil_pick(
    struct vigil *, const char *statuses, const char *digits, vigil_row_fn *, void *arg);

/* What somebody may type where a name is asked for. Agents and models are those of the
 * configuration and of the newest attempts; for the others the handle may be NULL. */
enum vigil_names { VIGIL_STATUSES, VIGIL_ERROR_KINDS, VIGIL_AGENTS, VIGIL_MODELS };
typedef void vigil_name_fn(void *arg, const char *name);
enum vigil_result vigil_list_names(struct vigil *, enum vigil_names, vigil_name_fn *, void *arg);

/* ---- the runner ------------------------------------------------------------------------- */

struct vigil_run_options {
	/* End once nothing is live and nothing queued can start: what comes after a task that has
	 * failed, was cancelled or is held, what waits in a paused queue, and live tasks of other
	 * servers, are left as they are. */
	bool drain;

	/* A running OpenCode, http://HOST[:PORT]; NULL: as configured, else one of its own. */
	const char *server_url;

	/* Panes in tmux; as configured, unless it says otherwise. */
	enum vigil_tmux { VIGIL_TMUX_AS_CONFIGURED, VIGIL_TMUX_ON, VIGIL_TMUX_OFF } tmux;

	/* The vigil program, whose commands show a task in its pane: an absolute path. NULL: the
	 * program that this is. */
	const char *program;

	/* What it does, as it does it: a line without its end. NULL for silence. Called from the
	 * event loop, which stands still meanwhile. */
	void (*log)(void *arg, const char *line);
	void *log_arg;
};

/* Runs until SIGINT, SIGTERM or SIGHUP, or drained. Agents that are at work then go on, and the
 * next runner takes them up. VIGIL_ENVIRONMENT if another runner has the database.
 *
 * The process is the runner's while it runs: one at a time. The three signals are caught, and are
 * as by default afterwards; SIGPIPE is ignored from here on. It forks, and waits for its own
 * children alone: SIGCHLD is to be neither ignored nor answered with a wait for any child. */
enum vigil_result vigil_run(struct vigil *, const struct vigil_run_options *);

/* What a task's agent says and does, as it says it, until the task ends; then as
 * vigil_get_result(). Of a final one, the transcript. Every word comes once, the answers of a turn
 * one after the other: of one that was begun before we came, its words come when it is finished. */
enum vigil_stream {
	VIGIL_TEXT,      /* pieces, to be put together as they come, */
	VIGIL_REASONING, /* and these */
	VIGIL_NOTE,      /* a line about the task, without its end */
	VIGIL_TOOL,      /* a line: the agent has called a tool, "bash: npm test"; live alone */
	VIGIL_TOOL_END,  /* the same line, and what became of it: ": ok", ": failed: …" */
};
typedef void vigil_follow_fn(void *arg, enum vigil_stream, const char *text);
enum vigil_result vigil_follow(struct vigil *, int64_t id, vigil_follow_fn *, void *arg);

/* The same of a session that is no task's, a subagent's perhaps, until it has said something and is
 * idle. VIGIL_NOT_FOUND: the server has no such session, or not any more; VIGIL_ENVIRONMENT: there
 * is no server. */
enum vigil_result vigil_follow_session(
    struct vigil *, const char *session_id, vigil_follow_fn *, void *arg);

/* OpenCode's own interface on the task's session: a program's words, of which the first is looked
 * for on the PATH, and its whole environment, which has the server's password. Each ends with NULL.
 * The library starts no interface: the caller runs it on a terminal, or becomes it. */
struct vigil_command {
	char **argv, **environment;
};

/* Waits for a session on a server that answers as long as the task is open; `waits` is told for
 * what, each time it is something else, by a line without its end. VIGIL_NOT_FOUND: no such task,
 * or it is final without a session. VIGIL_ENVIRONMENT: it is final, and its server has gone; or the
 * server refuses us. After VIGIL_OK, and only then, the command is the caller's to free. */
typedef void vigil_waits_fn(void *arg, const char *line);
enum vigil_result vigil_attach_command(
    struct vigil *, int64_t id, vigil_waits_fn *waits, void *arg, struct vigil_command *);
/* Of a session that is no task's: as of a final task, nothing is waited for. */
enum vigil_result vigil_attach_session_command(
    struct vigil *, const char *session_id, struct vigil_command *);
void vigil_command_free(struct vigil_command *);

#ifdef __cplusplus
}
#endif

#endif
