/*
 * What the database itself refuses, tried as the sqlite3 shell would: a plain connection, foreign
 * keys off, no code of ours.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "help.h"

#define LIVE_WAKE "wake_at = '2026-01-31T06:00:00.000Z'"
#define AN_END "sealed = 1, ended_at = '2026-01-31T06:00:00.000Z'"

#define A_MESSAGE " INTO messages (task_id, attempt_id, message_id, role, text) "
#define A_MESSAGE_INTO "INSERT" A_MESSAGE
#define A_LIVE_ATTEMPT \
	A_RUNNER \
	"INSERT INTO attempts (task_id, number, nonce, runner_id) VALUES (1, 1, 'n', 2);" \
	"UPDATE tasks SET status = 'starting', attempts = 1, " LIVE_WAKE " WHERE id = 1;"
#define A_PANE_INTO " INTO panes (task_id, attempt_id, session_id, mark, wanted_at) VALUES "
#define A_PANE "INSERT" A_PANE_INTO

struct fixture {
	char *folder, *path;
};

static struct fixture fx;

/* Tasks 1 queued, 2 held, 3 running, 4 completed, 5 failed, 6 queued with the key k, 7 running with
 * the mutex m, 8 queued with the mutex m; 9 comes after 8. 3 has asked, 7 was given a reply. Server
 * 1 is a managed one that lives, 2 one that has ended, 3 a given one; of these 3 alone is named by
 * an attempt, that of task 7. Task 4 has a message. */
static const char world[] = A_RUNNER
    "INSERT INTO servers (name, nonce, boot_id, pid, pid_start) VALUES ('managed', 's', 'b', 2, 2),"
    "	('managed', 't', 'b', 3, 3), ('http://127.0.0.1:4096', NULL, NULL, NULL, NULL);"
    "UPDATE servers SET ended_at = '2026-01-31T06:00:00.000Z' WHERE id = 2;"
    "INSERT INTO tasks (prompt) VALUES ('1');"
    "INSERT INTO tasks (prompt, status) VALUES ('2', 'held');"
    "INSERT INTO tasks (prompt) VALUES ('3'), ('4'), ('5');"
    "INSERT INTO tasks (prompt, key) VALUES ('6', 'k');"
    "INSERT INTO tasks (prompt, mutex) VALUES ('7', 'm'), ('8', 'm');"
    "INSERT INTO tasks (prompt) VALUES ('9');"
    "INSERT INTO dependencies VALUES (9, 8);"
    "INSERT INTO attempts (task_id, number, nonce, runner_id) SELECT id, 1, 'n' || id, 1 FROM tasks"
    "	WHERE id IN (3, 4, 5, 7);"
    "UPDATE attempts SET server_id = 3 WHERE task_id = 7;"
    "UPDATE tasks SET status = 'starting', attempts = 1, " LIVE_WAKE " WHERE id IN (3, 4, 5, 7);"
    "UPDATE attempts SET session_id = 's' || task_id, message_id = 'm' || task_id, "
    "	part_id = 'p' || task_id;"
    "UPDATE tasks SET status = 'running' WHERE id IN (3, 4, 5, 7);"
    "INSERT INTO panes (task_id, attempt_id, session_id, mark, wanted_at)"
    "	SELECT task_id, id, 's' || id, 'm' || task_id, '2026-01-31T06:00:00.000Z' FROM attempts"
    "	WHERE task_id IN (3, 4);"
    "UPDATE panes SET tmux_socket = '/s', tmux_server_pid = 1, tmux_server_start = 1, pane_id = "
    "'%1',"
    "	pane_pid = 2, opened_at = wanted_at;"
    "UPDATE panes SET closed_at = opened_at, close_reason = 'ended' WHERE task_id = 4;"
    "UPDATE attempts SET " AN_END ", outcome = 'completed' WHERE task_id = 4;"
    "UPDATE attempts SET " AN_END ", outcome = 'failed' WHERE task_id = 5;"
    "UPDATE tasks SET status = 'completed', result = 'r', completed_at = '2026-01-31T06:00:00.000Z'"
    "	WHERE id = 4;"
    "UPDATE tasks SET status = 'failed', error = 'e', error_kind = 'agent' WHERE id = 5;"
    "INSERT INTO asks (task_id, attempt_id, session_id, ask_id, kind, request)"
    "	SELECT task_id, id, 's', 'per_' || task_id, 'permission', 'r' FROM attempts"
    "	WHERE task_id IN (3, 7);"
    "UPDATE asks SET reply = 'once', replied_at = '2026-01-31T06:00:00.000Z' WHERE task_id = 7;"
    "INSERT INTO messages (task_id, attempt_id, message_id, role, text)"
    "	VALUES (4, 2, 'm', 'user', 't');"
    "UPDATE runners SET ended_at = '2026-01-31T06:00:00.000Z';";

static void
set_up(void)
{
	fx.folder = scratch_new();
	fx.path = in_folder(fx.folder, "vigil.db");
	store_close(must_open(fx.path, STORE_CREATE));
	shell_gives(fx.path, "PRAGMA foreign_keys", "0");
	shell_ok(fx.path, world);
}

static void
tear_down(void)
{
	scratch_remove(fx.folder);
	free(fx.path);
}

struct refusal {
	const char *sql, *sentence;
};

static const struct refusal refusals[] = {
    /* inserts */
    {"INSERT INTO tasks (prompt, status) VALUES ('a', 'completed')", "only a runner makes it"},
    {"INSERT INTO tasks (prompt, status) VALUES ('a', 'running')", "only a runner makes it"},
    {"INSERT INTO tasks (prompt, status) VALUES ('a', 'starting')", "only a runner makes it"},
    {"INSERT INTO tasks (prompt, status) VALUES ('a', 'stopping')", "only a runner makes it"},
    {"INSERT INTO tasks (prompt, status) VALUES ('a', 'waiting')", "only a runner makes it"},
    {"INSERT INTO tasks (prompt, result) VALUES ('a', 'done')", "leave these columns out"},
    {"INSERT INTO tasks (prompt, attempts) VALUES ('a', 1)", "leave these columns out"},
    {"INSERT INTO tasks (prompt, error) VALUES ('a', 'x')", "leave these columns out"},
    {"INSERT INTO tasks (prompt, completed_at) VALUES ('a', '2026-01-31T06:00:00.000Z')",
	"leave these columns out"},
    {"INSERT INTO tasks (prompt, session_id) VALUES ('a', 's')", "leave these columns out"},
    {"INSERT INTO tasks (prompt, server) VALUES ('a', 's')", "leave these columns out"},
    {"INSERT INTO tasks (prompt, note) VALUES ('a', 's')", "leave these columns out"},
    {"INSERT INTO tasks (prompt, stop) VALUES ('a', 'cancel')", "leave these columns out"},
    {"INSERT INTO tasks (prompt, wake_at) VALUES ('a', '2026-01-31T06:00:00.000Z')",
	"leave these columns out"},
    {"INSERT INTO tasks (prompt, attempts_base) VALUES ('a', 1)", "leave these columns out"},
    {"INSERT INTO tasks (prompt, revision) VALUES ('a', 1)", "leave these columns out"},
    {"INSERT INTO tasks (prompt, result_cut) VALUES ('a', 1)", "leave these columns out"},
    {"INSERT INTO tasks (id, prompt) VALUES (0, 'a')", "an id is a number above 0"},
    {"INSERT INTO tasks (id, prompt) VALUES (-1, 'a')", "an id is a number above 0"},
    {"INSERT INTO tasks (id, prompt) VALUES (-7, 'a')", "an id is a number above 0"},
    {"INSERT INTO tasks (id, prompt) VALUES (9223372036854775807, 'a')", "this id is too large"},
    {"INSERT INTO tasks (id, prompt) VALUES (9007199254740991, 'a')", "this id is too large"},
    {"INSERT OR REPLACE INTO tasks (id, prompt) VALUES (3, 'a')", "a task with this id exists"},
    {"REPLACE INTO tasks (prompt, key) VALUES ('a', 'k')", "an open task with this key exists"},
    {"INSERT INTO tasks (prompt, key) VALUES ('a', 'k')", "an open task with this key exists"},
    {"INSERT INTO tasks DEFAULT VALUES", "NOT NULL"},
    /* values */
    {"INSERT INTO tasks (prompt) VALUES ('')", "a prompt cannot be empty"},
    {"INSERT INTO tasks (prompt) VALUES (char(32, 9, 10, 13))", "a prompt cannot be empty"},
    {"INSERT INTO tasks (prompt) VALUES (char(11, 12, 160))", "a prompt cannot be empty"},
    {"INSERT INTO tasks (prompt) VALUES ('a' || char(0) || 'b')", "a prompt cannot contain a NUL"},
    {"INSERT INTO tasks (prompt, agent) VALUES ('a', char(98, 0))", "cannot contain a NUL"},
    {"INSERT INTO tasks (prompt, model) VALUES ('a', 'p/m' || char(0))", "cannot contain a NUL"},
    {"INSERT INTO tasks (prompt, directory) VALUES ('a', '/' || char(0))", "cannot contain a NUL"},
    {"INSERT INTO tasks (prompt, key) VALUES ('a', 'b' || char(0))", "cannot contain a NUL"},
    {"UPDATE tasks SET mutex = 'b' || char(0) WHERE id = 1", "cannot contain a NUL"},
    {"UPDATE tasks SET description = char(0) WHERE id = 1", "cannot contain a NUL"},
    {"INSERT INTO tasks (prompt, agent) VALUES ('a', '@oracle')", "is without its @"},
    {"INSERT INTO tasks (prompt) VALUES (x'41')", "cannot store BLOB"},
    {"INSERT INTO tasks (prompt, priority) VALUES ('a', 101)", "a priority is from -100 to 100"},
    {"INSERT INTO tasks (prompt, priority) VALUES ('a', -101)", "a priority is from -100 to 100"},
    {"INSERT INTO tasks (prompt, priority) VALUES ('a', 'x')", "cannot store TEXT"},
    {"INSERT INTO tasks (prompt, priority) VALUES ('a', 1.5)", "cannot store REAL"},
    {"INSERT INTO tasks (prompt, model) VALUES ('a', 'gpt')", "a model is PROVIDER/MODEL"},
    {"INSERT INTO tasks (prompt, directory) VALUES ('a', 'here')",
	"a directory is an absolute path"},
    {"INSERT INTO tasks (prompt, key) VALUES ('a', '')", "a key has 1 to 255"},
    {"INSERT INTO tasks (prompt, mutex) VALUES ('a', '')", "a mutex has 1 to 255"},
    {"INSERT INTO tasks (prompt, timeout_s) VALUES ('a', -1)", "a timeout is from 0 seconds"},
    {"INSERT INTO tasks (prompt, timeout_s) VALUES ('a', 1e300)", "a timeout is from 0 seconds"},
    {"INSERT INTO tasks (prompt, timeout_s) VALUES ('a', 9e999)", "a timeout is from 0 seconds"},
    {"INSERT INTO tasks (prompt, max_attempts) VALUES ('a', 0)", "max_attempts is from 1"},
    {"INSERT INTO tasks (prompt, not_before) VALUES ('a', 'tomorrow')", "not_before is a UTC time"},
    {"INSERT INTO tasks (prompt, not_before) VALUES ('a', 'now')", "not_before is a UTC time"},
    {"INSERT INTO tasks (prompt, not_before) VALUES ('a', '2460000.5')", "not_before is a UTC"},
    {"INSERT INTO tasks (prompt, not_before) VALUES ('a', '2026-01-31 06:00:00')",
	"not_before is a UTC time"},
    {"INSERT INTO tasks (prompt, not_before) VALUES ('a', '2026-02-30T06:00:00.000Z')",
	"not_before is a UTC time"},
    {"INSERT INTO tasks (prompt, not_before) VALUES ('a', '2026-01-31T24:00:00.000Z')",
	"not_before is a UTC time"},
    {"UPDATE tasks SET priority = 1000 WHERE id = 1", "a priority is from"},
    {"INSERT INTO tasks (prompt, created_at) VALUES ('a', 'x')", "created_at is a UTC time"},
    {"UPDATE tasks SET created_at = '2026-01-31T06:00:00.000Z' WHERE id = 1", "never changes"},
    {"UPDATE vigil SET paused_at = datetime('now')", "paused_at is a UTC time"},
    {"UPDATE runners SET started_at = 'x'", "CHECK"},
    {"INSERT INTO servers (name, ended_at) VALUES ('x', '2026-02-30T06:00:00.000Z')", "CHECK"},
    {"INSERT INTO events (at, kind) VALUES ('yesterday', 'x')", "CHECK"},
    {"UPDATE attempts SET progress_at = 'x' WHERE task_id = 3", "CHECK"},
    {"UPDATE attempts SET prompted_at = '2026-01-31 06:00:00' WHERE task_id = 3", "CHECK"},
    {"UPDATE asks SET replied_at = 'now' WHERE task_id = 3", "CHECK"},
    {"UPDATE tasks SET error_kind = 'unlucky' WHERE id = 3", "an error_kind is agent"},
    /* what only a runner writes */
    {"UPDATE tasks SET error = 'x' WHERE id = 1", "only a runner writes them"},
    {"UPDATE tasks SET error_kind = 'agent' WHERE id = 2", "only a runner writes them"},
    {"UPDATE tasks SET result = 'x' WHERE id = 1", "only a runner writes them"},
    {"UPDATE tasks SET completed_at = created_at WHERE id = 1", "only a runner writes them"},
    {"UPDATE tasks SET status = 'held', result = 'x' WHERE id = 1", "only a runner writes them"},
    {"UPDATE tasks SET status = 'cancelled', result = 'x' WHERE id = 1", "only a runner writes"},
    {"UPDATE tasks SET stop = 'cancel' WHERE id = 1", "only a runner writes them"},
    {"UPDATE tasks SET attempts_base = 7 WHERE id = 1", "only a runner writes them"},
    {"UPDATE tasks SET session_id = 's' WHERE id = 1", "are for a runner to write"},
    {"UPDATE tasks SET " LIVE_WAKE " WHERE id = 2", "are for a runner to write"},
    {"UPDATE tasks SET status = 'queued', session_id = 's' WHERE id = 4", "are for a runner"},
    {"UPDATE tasks SET revision = 9 WHERE id = 1", "grows by itself"},
    {"UPDATE tasks SET revision = revision + 1 WHERE id = 3", "grows by itself"},
    {"UPDATE tasks SET status = 'held', revision = 7 WHERE id = 1", "grows by itself"},
    {"UPDATE tasks SET error = 'lie', completed_at = NULL, revision = revision + 1 WHERE id = 4",
	""},
    /* moves */
    {"UPDATE tasks SET status = 'running' WHERE id = 1", "see the table status_moves"},
    {"UPDATE runners SET ended_at = NULL;"
     "INSERT INTO attempts (task_id, number, nonce, runner_id) VALUES (1, 1, 'n', 1);"
     "UPDATE tasks SET status = 'starting', attempts = 1, " LIVE_WAKE " WHERE id = 1;"
     "UPDATE tasks SET status = 'running' WHERE id = 1",
	"only a runner says that a task is running"},
    {"UPDATE tasks SET status = 'completed' WHERE id = 1", "see the table status_moves"},
    {"UPDATE tasks SET status = 'starting', " LIVE_WAKE " WHERE id = 1", "only a runner starts"},
    {"UPDATE tasks SET status = 'starting', " LIVE_WAKE " WHERE id = 2", "see the table"},
    {"UPDATE tasks SET status = 'completed' WHERE id = 3", "this task is live"},
    {"UPDATE tasks SET status = 'failed' WHERE id = 3", "this task is live"},
    {"UPDATE tasks SET status = 'queued' WHERE id = 3", "this task is live"},
    {"UPDATE tasks SET status = 'cancelled' WHERE id = 3", "see the table status_moves"},
    {"UPDATE tasks SET status = 'starting' WHERE id = 3", "see the table status_moves"},
    {"UPDATE tasks SET status = 'running' WHERE id = 4", "see the table status_moves"},
    {"UPDATE tasks SET status = 'done' WHERE id = 1", "see the table status_moves"},
    {"UPDATE OR IGNORE tasks SET status = 'running' WHERE id = 1", "see the table status_moves"},
    {"UPDATE OR REPLACE tasks SET status = 'running' WHERE id = 1", "see the table status_moves"},
    {"UPDATE tasks SET wake_at = NULL WHERE id = 3", "a live task has a time"},
    /* live tasks */
    {"UPDATE tasks SET prompt = 'other' WHERE id = 3", "this task is live: what its agent"},
    {"UPDATE tasks SET directory = '/else' WHERE id = 3", "this task is live: what its agent"},
    {"UPDATE tasks SET server = 'http://other' WHERE id = 3", "this task is live: what its agent"},
    {"UPDATE attempts SET nonce = 'other' WHERE task_id = 3", "what identifies an attempt"},
    {"UPDATE attempts SET server = 'other' WHERE task_id = 3", "what identifies an attempt"},
    {"UPDATE attempts SET session_id = 's', message_id = 'm', part_id = 'p' WHERE task_id = 3;"
     "UPDATE attempts SET session_id = NULL WHERE task_id = 3",
	"what identifies an attempt"},
    /* final tasks */
    {"UPDATE tasks SET result = 'better' WHERE id = 4", "this task is final"},
    {"UPDATE tasks SET prompt = 'other' WHERE id = 4", "this task is final"},
    {"UPDATE tasks SET completed_at = NULL WHERE id = 4", "this task is final"},
    {"UPDATE tasks SET error = NULL WHERE id = 5", "this task is final"},
    {"UPDATE tasks SET attempts = 0 WHERE id = 4", "this task is final"},
    {"UPDATE tasks SET attempts = 0 WHERE id = 3", "attempts is the number"},
    {"UPDATE tasks SET attempts = 7 WHERE id = 1", "attempts is the number"},
    /* identity */
    {"UPDATE tasks SET id = 99 WHERE id = 1", "the id of a task never changes"},
    {"UPDATE tasks SET rowid = 99 WHERE id = 1", "the id of a task never changes"},
    {"UPDATE OR REPLACE tasks SET id = 3 WHERE id = 1", "the id of a task never changes"},
    {"UPDATE OR REPLACE tasks SET key = 'k' WHERE id = 1", "an open task with this key exists"},
    {"UPDATE tasks SET mutex = 'm' WHERE id = 3", "another live task holds this mutex"},
    {"UPDATE OR REPLACE tasks SET mutex = 'm' WHERE id = 3", "another live task holds this mutex"},
    {A_RUNNER "INSERT INTO attempts (task_id, number, nonce, runner_id) VALUES (8, 1, 'n', 2);"
	      "UPDATE tasks SET status = 'starting', " LIVE_WAKE " WHERE id = 8",
	"another live task holds this mutex"},
    /* deletion */
    {"DELETE FROM tasks WHERE id = 3", "this task is live"},
    {"DELETE FROM tasks", "this task is live"},
    {"DELETE FROM tasks WHERE id = 8", "an open task comes after this one"},
    {"DELETE FROM attempts WHERE task_id = 4", "attempts are history"},
    {"DELETE FROM events", "events are append-only"},
    /* attempts */
    {"UPDATE attempts SET error = 'x' WHERE task_id = 4", "this attempt has ended"},
    {"UPDATE attempts SET ended_at = NULL, outcome = NULL WHERE task_id = 4", "this attempt has"},
    {"UPDATE attempts SET ended_at = '2026-01-31T06:00:00.000Z' WHERE task_id = 3",
	"only a runner ends an attempt"},
    {"UPDATE attempts SET ended_at = '2026-01-31T06:00:00.000Z', outcome = 'failed'",
	"only a runner ends an attempt"},
    {"UPDATE attempts SET outcome = 'failed' WHERE task_id = 3", "only a runner ends an attempt"},
    {"UPDATE attempts SET sealed = 1 WHERE task_id = 3", "CHECK"},
    {"UPDATE attempts SET " AN_END " WHERE task_id = 3", "CHECK"},
    {"INSERT INTO attempts (task_id, number, nonce) VALUES (1, 1, 'n')", "only a runner makes it"},
    {"INSERT INTO attempts (task_id, number, nonce, runner_id) VALUES (1, 1, 'n', 1)",
	"only a runner makes it"}, /* that one has ended */
    {"INSERT INTO attempts (task_id, number, nonce, runner_id) VALUES (1, 1, 'n', 77)",
	"only a runner makes it"},
    {A_RUNNER "INSERT INTO attempts (id, task_id, number, nonce, runner_id)"
	      " VALUES (9223372036854775807, 1, 1, 'n', 2)",
	"only a runner makes it"},
    {A_RUNNER "INSERT INTO attempts (id, task_id, number, nonce, runner_id)"
	      " VALUES (0, 1, 1, 'n', 2)",
	"CHECK"},
    {A_LIVE_ATTEMPT "UPDATE attempts SET session_id = 'ses_1' WHERE task_id = 1",
	"only a runner gives an attempt its session"},
    {A_LIVE_ATTEMPT "UPDATE attempts SET session_id = 's', message_id = 'm' WHERE task_id = 1",
	"only a runner gives an attempt its session"},
    {A_LIVE_ATTEMPT "UPDATE attempts SET message_id = 'm', part_id = 'p' WHERE task_id = 1",
	"only a runner gives an attempt its session"},
    {A_RUNNER "INSERT INTO attempts (task_id, number, nonce, runner_id, session_id)"
	      " VALUES (1, 1, 'n', 2, 's')",
	"only a runner gives an attempt its session"},
    {"UPDATE attempts SET task_id = 1 WHERE task_id = 3", "an attempt keeps its id"},
    {"UPDATE OR REPLACE attempts SET id = 2 WHERE task_id = 3", "an attempt keeps its id"},
    {A_RUNNER "INSERT INTO attempts (task_id, number, nonce, runner_id)"
	      " VALUES (3, 2, 'n', 2)",
	"only a runner makes it"},
    {A_RUNNER "REPLACE INTO attempts (task_id, number, nonce, runner_id)"
	      " VALUES (3, 1, 'n', 2)",
	"only a runner makes it"},
    {A_RUNNER "REPLACE INTO attempts (id, task_id, number, nonce, runner_id)"
	      " VALUES (1, 1, 1, 'n', 2)",
	"only a runner makes it"},
    {A_RUNNER "INSERT INTO attempts (task_id, number, nonce, runner_id)"
	      " VALUES (1, 2, 'n', 2)",
	"only a runner makes it"},
    {A_RUNNER "INSERT INTO attempts (task_id, number, nonce, runner_id)"
	      " VALUES (77, 1, 'n', 2)",
	"only a runner makes it"},
    {A_RUNNER "INSERT INTO attempts (task_id, number, nonce, runner_id, ended_at, outcome, sealed)"
	      " VALUES (1, 1, 'n', 2, '2026-01-31T06:00:00.000Z', 'completed', 1)",
	"only a runner makes it"},
    /* asks */
    {"INSERT INTO asks (task_id, attempt_id, session_id, ask_id, kind, request)"
     " VALUES (4, 2, 's', 'x', 'permission', 'r')",
	"only a runner records it"},
    {"INSERT INTO asks (task_id, attempt_id, session_id, ask_id, kind, request)"
     " VALUES (7, 1, 's', 'x', 'permission', 'r')",
	"only a runner records it"},
    {"REPLACE INTO asks (task_id, attempt_id, session_id, ask_id, kind, request)"
     " VALUES (3, 1, 's', 'per_3', 'permission', 'r')",
	"only a runner records it"},
    {"INSERT INTO asks (task_id, attempt_id, session_id, ask_id, kind, request)"
     " VALUES (3, 1, 's', 'x', 'wish', 'r')",
	"CHECK"},
    {"UPDATE asks SET reply = 'maybe' WHERE task_id = 3",
	"a permission is replied to with once, always or reject"},
    {"UPDATE asks SET kind = 'question', reply = 'B' WHERE task_id = 3", "stays as it is"},
    {"UPDATE asks SET request = 'other' WHERE task_id = 3", "stays as it is"},
    {"UPDATE asks SET task_id = 7 WHERE task_id = 3", "stays as it is"},
    {"UPDATE OR REPLACE asks SET ask_id = 'per_7' WHERE task_id = 3", "stays as it is"},
    {"UPDATE asks SET replied_by = 'nobody' WHERE task_id = 3", "CHECK"},
    {"UPDATE asks SET reply = 'reject' WHERE task_id = 7", "this ask has been replied to"},
    {"UPDATE asks SET replied_at = NULL WHERE task_id = 7", "this ask has been replied to"},
    {"DELETE FROM asks", "asks are history"},
    /* panes */
    {A_PANE "(4, 2, 'x', 'x', '2026-01-31T06:00:00.000Z')", "only a runner opens it"},
    {A_PANE "(3, 2, 'x', 'x', '2026-01-31T06:00:00.000Z')", "only a runner opens it"},
    {A_PANE "(NULL, NULL, 's1', 'x', '2026-01-31T06:00:00.000Z')", "only a runner opens it"},
    {"REPLACE" A_PANE_INTO "(3, 1, 'x', 'm3', '2026-01-31T06:00:00.000Z')", "only a runner opens"},
    {"REPLACE" A_PANE_INTO "(3, 1, 's1', 'x', '2026-01-31T06:00:00.000Z')", "only a runner opens"},
    {A_PANE "(3, 1, 'x', 'x', 'now')", "CHECK"},
    {"UPDATE panes SET close_reason = 'bored', closed_at = opened_at WHERE task_id = 3", "CHECK"},
    {"UPDATE panes SET closed_at = opened_at WHERE task_id = 3", "CHECK"},
    {"UPDATE panes SET closed_at = 'now', close_reason = 'gone' WHERE task_id = 3", "CHECK"},
    {"UPDATE panes SET pane_id = '%2' WHERE task_id = 3", "what identifies a pane never changes"},
    {"UPDATE panes SET tmux_server_pid = 2 WHERE task_id = 3", "what identifies a pane never"},
    {"UPDATE panes SET mark = 'other' WHERE task_id = 3", "what identifies a pane never changes"},
    {"UPDATE OR REPLACE panes SET mark = 'm4' WHERE task_id = 3", "what identifies a pane never"},
    {"UPDATE panes SET pane_pid = NULL WHERE task_id = 3", "has all that identifies it"},
    {"UPDATE panes SET detail = 'x' WHERE task_id = 4", "this pane is closed"},
    {"UPDATE panes SET closed_at = NULL, close_reason = NULL WHERE task_id = 4", "this pane is"},
    {"DELETE FROM panes", "panes are history"},
    /* runs and servers */
    {"DELETE FROM runners WHERE id = 1", "attempts name this run"},
    {A_RUNNER "DELETE FROM runners WHERE id = 2", "this run has not ended"},
    {"DELETE FROM servers WHERE id = 1", "the next run finds the server that vigil has started"},
    {"DELETE FROM servers WHERE id = 3", "attempts name this server"},
    {"DELETE FROM servers", "the next run finds the server that vigil has started"},
    {"UPDATE servers SET ended_at = '2026-01-31T06:00:00.000Z' WHERE id = 1",
	"only a runner ends its server"},
    {"UPDATE servers SET name = 'mine' WHERE id = 1", "what identifies a server never changes"},
    {"UPDATE servers SET nonce = NULL WHERE id = 1", "what identifies a server never changes"},
    {"UPDATE servers SET pid = 7 WHERE id = 1", "what identifies a server never changes"},
    {"UPDATE servers SET pid_start = 7 WHERE id = 1", "what identifies a server never changes"},
    {"UPDATE servers SET boot_id = 'c' WHERE id = 1", "what identifies a server never changes"},
    {"UPDATE OR REPLACE servers SET id = 2 WHERE id = 1", "what identifies a server never"},
    {"INSERT OR REPLACE INTO servers (id, name) SELECT id, name FROM servers WHERE id = 1",
	"a server with this id exists: leave the id out"},
    {"INSERT INTO servers (id, name) VALUES (9223372036854775807, 's')", "leave the id out"},
    {"REPLACE INTO runners (id, pid, pid_start, boot_id, version, directory)"
     " VALUES (1, 1, 1, 'b', 'v', '/')",
	"a run with this id exists: leave the id out"},
    {"UPDATE runners SET pid = 7", "what identifies a run never changes"},
    {"UPDATE OR REPLACE runners SET id = 7", "what identifies a run never changes"},
    /* the rest */
    {"UPDATE events SET detail = 'x'", "events are append-only"},
    {"REPLACE INTO events (id, kind) VALUES (1, 'x')", "events are append-only"},
    {"INSERT INTO events (id, kind) VALUES (9223372036854775807, 'x')", "append-only"},
    {"INSERT INTO events (id, kind) VALUES (0, 'x')", "CHECK"},
    {"INSERT INTO runners (id, pid, pid_start, boot_id, version, directory)"
     " VALUES (9223372036854775807, 1, 1, 'b', 'v', '/')",
	"a run with this id exists: leave the id out"},
    {"INSERT INTO messages (task_id, attempt_id, message_id, role, text)"
     " VALUES (77, 1, 'm', 'user', 't')",
	"there is no such attempt"},
    {"INSERT INTO messages (task_id, attempt_id, message_id, role, text)"
     " VALUES (3, 77, 'm', 'user', 't')",
	"there is no such attempt"},
    {"INSERT INTO messages (task_id, attempt_id, message_id, role, text)"
     " VALUES (3, 2, 'm', 'user', 't')",
	"there is no such attempt"}, /* another task's */
    {A_MESSAGE_INTO "VALUES (4, 2, 'm', 'user', 'other')", "this one is there already"},
    {"REPLACE" A_MESSAGE "VALUES (4, 2, 'm', 'user', 'other')", "this one is there already"},
    {"REPLACE INTO messages (id, task_id, attempt_id, message_id, role, text)"
     " VALUES (1, 3, 1, 'n', 'user', 't')",
	"this one is there already"},
    {"DELETE FROM messages", "messages are history"},
    {"INSERT INTO dependencies VALUES (77, 1)", "no such task that could come after"},
    {"UPDATE dependencies SET needs_id = 77", "a dependency never changes"},
    {"INSERT INTO status_moves VALUES ('queued', 'completed')", "this table is to be read"},
    {"UPDATE status_moves SET new = 'completed' WHERE old = 'held'", "this table is to be read"},
    {"DELETE FROM status_moves", "this table is to be read"},
    {"DELETE FROM vigil", "the one row of this table stays"},
    {"INSERT INTO dependencies VALUES (1, 1)", "a task can only come after an older one"},
    {"INSERT INTO dependencies VALUES (1, 2)", "a task can only come after an older one"},
    {"INSERT INTO dependencies VALUES (9, 0)", "there is no such task to come after"},
    {"REPLACE INTO vigil (only_row) VALUES (1)", "the one row of this table stays"},
    {"INSERT INTO vigil (only_row) VALUES (2)", "the one row of this table stays"},
};

enum { REFUSALS = sizeof(refusals) / sizeof(*refusals) };

/* Everything but what AUTOINCREMENT remembers. */
static char *
fingerprint(void)
{
	return shell(fx.path,
	    "SELECT (SELECT group_concat(id || status || coalesce(prompt, '') || revision "
	    "|| coalesce(key, '') || coalesce(wake_at, '') || coalesce(result, '')) "
	    "FROM tasks) || (SELECT count(*) || max(id) FROM events) || (SELECT "
	    "group_concat(id || task_id || number) FROM attempts) || (SELECT group_concat(id || "
	    "ask_id || coalesce(reply, '')) FROM asks) || (SELECT group_concat(id || name || "
	    "coalesce(pid, '') || coalesce(ended_at, '')) FROM servers) || (SELECT "
	    "group_concat(id || pid) FROM runners) || (SELECT group_concat(id || mark || "
	    "coalesce(closed_at, '')) FROM panes) || (SELECT "
	    "group_concat(id || text) FROM messages) || (SELECT created_at FROM vigil)");
}

START_TEST(a_slip_of_the_hand_is_refused)
{
	char *before = fingerprint(), *after;
	char *sql = xasprintf("BEGIN; %s", refusals[_i].sql);

	shell_refuses(fx.path, sql, refusals[_i].sentence);
	after = fingerprint();
	ck_assert_str_eq(after, before);
	free(sql);
	free(before);
	free(after);
}
END_TEST

START_TEST(the_world_is_sound)
{
	shell_gives(fx.path, "SELECT group_concat(problem) FROM problems", NULL);
	shell_gives(fx.path,
	    "SELECT group_concat(id || status) FROM (SELECT id, status FROM tasks ORDER BY id)",
	    "1queued,2held,3running,4completed,5failed,6queued,7running,8queued,9queued");
	shell_gives(
	    fx.path, "SELECT completed_at FROM tasks WHERE id = 4", "2026-01-31T06:00:00.000Z");
	shell_gives(fx.path, "SELECT completed_at > created_at FROM tasks WHERE id = 5", "1");
	shell_gives(fx.path, "SELECT count(*) FROM queue", "5");
	shell_gives(fx.path, "SELECT count(*) FROM running", "2");
	shell_gives(fx.path, "SELECT count(*) FROM history", "2");
	shell_gives(fx.path, "SELECT completed || failed FROM nights", "11");
	shell_gives(fx.path, "SELECT reason FROM queue WHERE id = 8", "task 7 holds the mutex m");
	shell_gives(fx.path, "SELECT reason FROM queue WHERE id = 9",
	    "comes after task 8, which is queued");
	shell_gives(fx.path, "SELECT reason FROM queue WHERE id = 2", "held until vigil release 2");
	shell_gives(fx.path, "SELECT reason FROM queue WHERE id = 1",
	    "no runner is alive: start vigil run");
}
END_TEST

START_TEST(a_move_by_hand_is_complete)
{
	shell_ok(fx.path, "UPDATE tasks SET status = 'cancelled' WHERE id = 1");
	shell_gives(fx.path,
	    "SELECT error || coalesce(error_kind, '-') || (completed_at IS NOT NULL) FROM tasks "
	    "WHERE id = 1",
	    "Cancelled by user-1");
	shell_gives(fx.path, "SELECT kind || detail FROM events WHERE task_id = 1 ORDER BY id DESC",
	    "cancelledCancelled by user");
	shell_ok(fx.path, "UPDATE tasks SET status = 'stopping' WHERE id = 3");
	shell_gives(
	    fx.path, "SELECT stop || error FROM tasks WHERE id = 3", "cancelCancelled by user");
	shell_ok(fx.path, "UPDATE tasks SET status = 'stopping', stop = 'timeout' WHERE id = 7");
	shell_gives(
	    fx.path, "SELECT stop || coalesce(error, '-') FROM tasks WHERE id = 7", "timeout-");
	shell_ok(fx.path, "UPDATE tasks SET status = 'queued' WHERE id = 4 OR id = 5");
	shell_gives(fx.path,
	    "SELECT count(*) FROM tasks WHERE id IN (4, 5) AND attempts_base = 1 AND result "
	    "IS NULL AND error IS NULL AND error_kind IS NULL AND completed_at IS NULL",
	    "2");
	shell_ok(fx.path, "UPDATE tasks SET status = 'held' WHERE id = 4");
	shell_ok(fx.path, "UPDATE tasks SET status = 'queued' WHERE id = 2");
	shell_gives(fx.path, "SELECT count(*) FROM problems", "0");
}
END_TEST

/* The reply is what a person may write; the runner sends it. */
START_TEST(an_ask_is_answered_by_hand)
{
	shell_ok(fx.path, "UPDATE asks SET reply = 'always' WHERE task_id = 3");
	shell_gives(
	    fx.path, "SELECT reply || (replied_at IS NULL) FROM asks WHERE task_id = 3", "always1");
	shell_ok(
	    fx.path, "UPDATE asks SET replied_at = '2026-01-31T06:00:00.000Z' WHERE task_id = 3");
	shell_gives(fx.path,
	    "SELECT group_concat(kind || ': ' || detail, '; ') FROM events WHERE task_id = 3 "
	    "AND kind IN ('asked', 'replied')",
	    "asked: permission: r; replied: r: always, by person");
}
END_TEST

/* Every column, those of the future too. */
START_TEST(of_a_final_task_only_the_description_is_edited)
{
	char *all = shell(fx.path, "SELECT group_concat(name) FROM pragma_table_info('tasks') "
				   "WHERE name <> 'description'");
	char *rest = all;

	for (char *name; (name = strtok_r(NULL, ",", &rest));) {
		char *sql = xasprintf("UPDATE tasks SET %s = iif(typeof(%s) = 'integer', %s + 1, "
				      "coalesce(%s, '1') || '1') WHERE id = 4",
		    name, name, name, name);

		shell_refuses(fx.path, sql, "");
		free(sql);
	}
	free(all);
	shell_ok(fx.path, "UPDATE tasks SET description = 'looked at' WHERE id = 4");
	shell_ok(fx.path, "UPDATE tasks SET status = 'queued', prompt = 'again' WHERE id = 4");
	shell_gives(
	    fx.path, "SELECT status || prompt || revision FROM tasks WHERE id = 4", "queuedagain4");
	shell_gives(fx.path, "SELECT count(*) FROM moving", "0");
}
END_TEST

START_TEST(a_reason_may_be_given_by_hand)
{
	shell_ok(fx.path, "UPDATE tasks SET status = 'cancelled', error = 'no need' WHERE id = 1");
	shell_gives(fx.path, "SELECT error FROM tasks WHERE id = 1", "no need");
}
END_TEST

START_TEST(an_id_by_hand_leaves_room)
{
	shell_ok(fx.path, "INSERT INTO tasks (id, prompt) VALUES (2147483647, 'a')");
	shell_ok(fx.path, "INSERT INTO tasks (prompt) VALUES ('b')");
	shell_gives(fx.path, "SELECT max(id) FROM tasks", "2147483648");
}
END_TEST

START_TEST(a_key_is_free_again_once_its_task_is_final)
{
	shell_ok(fx.path, "UPDATE tasks SET status = 'cancelled' WHERE id = 6");
	shell_ok(fx.path, "INSERT INTO tasks (prompt, key) VALUES ('a', 'k')");
	shell_refuses(fx.path, "UPDATE tasks SET status = 'queued' WHERE id = 6",
	    "an open task with this key exists");
}
END_TEST

START_TEST(an_edit_by_hand_is_an_event)
{
	shell_ok(fx.path, "UPDATE tasks SET priority = 5, prompt = 'new' WHERE id = 1");
	shell_gives(fx.path,
	    "SELECT kind || ': ' || detail FROM events WHERE task_id = 1 ORDER BY id DESC",
	    "edited: prompt, priority 0 to 5");
	shell_ok(fx.path, "UPDATE tasks SET priority = 5 WHERE id = 1");
	shell_gives(
	    fx.path, "SELECT count(*) FROM events WHERE task_id = 1 AND kind = 'edited'", "1");
}
END_TEST

/* With foreign keys and without. */
START_TEST(a_deleted_task_takes_its_history_along)
{
	char *sql =
	    xasprintf("PRAGMA foreign_keys = %s; DELETE FROM tasks WHERE id IN (4, 5, 7, 9)",
		_i ? "ON" : "OFF");

	shell_ok(fx.path, "UPDATE attempts SET " AN_END
			  ", outcome = 'failed' WHERE task_id = 7; UPDATE tasks SET status = "
			  "'failed', error_kind = 'agent' WHERE id = 7");
	shell_ok(fx.path, sql);
	shell_gives(fx.path,
	    "SELECT (SELECT count(*) FROM attempts WHERE task_id IN (4, 5, 7)) "
	    "+ (SELECT count(*) FROM events WHERE task_id IN (4, 5, 7, 9)) "
	    "+ (SELECT count(*) FROM asks WHERE task_id = 7) "
	    "+ (SELECT count(*) FROM panes WHERE task_id = 4) "
	    "+ (SELECT count(*) FROM messages) + (SELECT count(*) FROM dependencies)",
	    "0");
	shell_gives(fx.path, "PRAGMA foreign_key_check", NULL);
	shell_ok(fx.path, "INSERT INTO tasks (prompt) VALUES ('a')");
	shell_gives(fx.path, "SELECT max(id) FROM tasks", "10");
	free(sql);
}
END_TEST

/* 9 comes after 8, and both are cancelled: a retry of 9 is not to start it because 8 is not there.
 */
START_TEST(what_a_deleted_task_kept_from_starting_does_not_start)
{
	char *sql = xasprintf(
	    "PRAGMA foreign_keys = %s; DELETE FROM tasks WHERE id = 8", _i ? "ON" : "OFF");

	shell_ok(fx.path, "UPDATE tasks SET status = 'cancelled' WHERE id IN (8, 9)");
	shell_ok(fx.path, sql);
	shell_ok(fx.path, "UPDATE tasks SET status = 'queued' WHERE id = 9");
	shell_gives(fx.path, "SELECT reason FROM queue WHERE id = 9",
	    "comes after task 8, which was deleted before it had completed (delete the dependency, "
	    "too, to let it start)");
	shell_ok(fx.path, "DELETE FROM dependencies WHERE task_id = 9");
	shell_gives(fx.path, "SELECT reason FROM queue WHERE id = 9",
	    "no runner is alive: start vigil run");
	free(sql);
}
END_TEST

START_TEST(what_has_ended_may_be_cleared_away)
{
	shell_ok(fx.path, "DELETE FROM servers WHERE id = 2");
	shell_ok(fx.path, A_RUNNER "UPDATE servers SET ended_at = '2026-01-31T06:00:00.000Z' "
				   "WHERE id = 1; DELETE FROM servers WHERE id = 1");
	shell_ok(fx.path, "UPDATE runners SET ended_at = '2026-01-31T06:00:00.000Z';"
			  "DELETE FROM runners WHERE id = 2");
	shell_gives(fx.path, "PRAGMA foreign_key_check", NULL);
}
END_TEST

START_TEST(one_insert_is_a_whole_task)
{
	shell_ok(fx.path, "INSERT INTO tasks(prompt) VALUES('say \"hi\"')");
	shell_gives(fx.path,
	    "SELECT status || priority || attempts FROM tasks WHERE id = 10 AND created_at LIKE "
	    "'____-__-__T__:__:__.___Z'",
	    "queued00");
	shell_gives(fx.path, "SELECT group_concat(kind) FROM events WHERE task_id = 10", "queued");
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("guards");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, the_world_is_sound);
	tcase_add_loop_test(tests, a_slip_of_the_hand_is_refused, 0, REFUSALS);
	tcase_add_test(tests, a_move_by_hand_is_complete);
	tcase_add_test(tests, an_ask_is_answered_by_hand);
	tcase_add_test(tests, of_a_final_task_only_the_description_is_edited);
	tcase_add_test(tests, a_reason_may_be_given_by_hand);
	tcase_add_test(tests, an_id_by_hand_leaves_room);
	tcase_add_test(tests, a_key_is_free_again_once_its_task_is_final);
	tcase_add_test(tests, an_edit_by_hand_is_an_event);
	tcase_add_loop_test(tests, a_deleted_task_takes_its_history_along, 0, 2);
	tcase_add_loop_test(tests, what_a_deleted_task_kept_from_starting_does_not_start, 0, 2);
	tcase_add_test(tests, what_has_ended_may_be_cleared_away);
	tcase_add_test(tests, one_insert_is_a_whole_task);
	return run_suite(tests, "guards");
}
