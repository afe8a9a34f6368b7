/*
 * What is reported as done is there after a power cut, and nothing is half done, whenever it comes
 * and whatever of the unsynced is lost: see powercut.h, which has SQLite's calls and vigil's own.
 *
 * Each story is told once to the end, to count its calls; then the power goes at each of them,
 * several times with other losses, and the next program opens what is found, with a plain
 * connection of its own. What a story has reported, it has counted in `told->done` first.
 */
#define _GNU_SOURCE /* MAP_ANONYMOUS, dladdr */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/run.h"
#include "base/secret.h"
#include "help.h"
#include "ops/vigil.h"
#include "powercut.h"
#include "store/apply.h"
#include "store/store_int.h"

#define NOON 1767268800000 /* 2026-01-01T12:00:00.000Z */

/* Sanitizers make a story's telling ten times as long: there every third call is cut at, once. */
#ifdef __SANITIZE_ADDRESS__
enum { RUNS = 0, EACH = 3 };
#else
enum { RUNS = 180, EACH = 1 };
#endif
enum { STEPS = 32, STATE_SIZE = 256 };

/* Shared with the child. */
struct told {
	long calls; /* of the story that came to its end */
	long done;
	char states[STEPS][STATE_SIZE]; /* after so many steps, as the story that ended saw them */
};

struct fixture {
	char *folder, *path;
	char *kept; /* a database that was made before, and closed */
	size_t kept_bytes;
	struct told *told;
};

static struct fixture fx;

static void
set_up(void)
{
	fx = (struct fixture){.told = mmap(NULL, sizeof(*fx.told), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0)};
	ck_assert(fx.told != MAP_FAILED);
	setenv("HOME", "/nonexistent", 1); /* nobody's configuration */
	unsetenv("XDG_CONFIG_HOME");
}

static void
tear_down(void)
{
	free(fx.kept);
	munmap(fx.told, sizeof(*fx.told));
}

/* ---- telling -------------------------------------------------------------------------------- */

struct story {
	const char *path;      /* of what it is about, in a folder of its own */
	void (*prepare)(void); /* once: what is kept of it is there before each telling */
	void (*tell)(void);
	void (*check)(void); /* what was left when the power went */
};

static void
place(const struct story *story)
{
	fx.folder = scratch_new();
	fx.path = in_folder(fx.folder, story->path);
}

static void
clear(void)
{
	scratch_remove(fx.folder);
	free(fx.path);
}

static void
prepare(const struct story *story)
{
	if (!story->prepare)
		return;
	place(story);
	story->prepare();
	fx.kept = slurp(fx.path, &fx.kept_bytes);
	clear();
}

static void
tell(const struct story *story, long call, uint64_t seed)
{
	pid_t child;

	fx.told->done = 0;
	child = fork();
	if (child == 0) {
		powercut_watch(fx.folder, call, seed);
		story->tell();
		fx.told->calls = powercut_calls();
		powercut_now();
	}
	ck_assert_int_eq(wait_for(child), POWERCUT_EXIT);
}

static void
tell_and_check(const struct story *story, long call, uint64_t seed)
{
	place(story);
	if (fx.kept)
		spill(fx.path, fx.kept, fx.kept_bytes);
	tell(story, call, seed);
	story->check();
	clear();
}

/* ---- what can be asked of any database ------------------------------------------------------ */

static long
number(const char *sql)
{
	char *text = shell(fx.path, sql);
	long value = strtol(text, NULL, 10);

	ck_assert_msg(*text != '!', "%s", text);
	free(text);
	return value;
}

static void
is_sound(void)
{
	shell_gives(fx.path, "PRAGMA integrity_check", "ok");
	shell_gives(fx.path, "PRAGMA foreign_key_check", NULL);
	shell_gives(fx.path, "SELECT group_concat(problem) FROM problems", NULL);
	shell_gives(fx.path, "SELECT count(*) FROM vigil", "1");
}

/* As whoever comes next does it: a cut-off making is completed. */
static void
is_taken_up(void)
{
	store_close(must_open(fx.path, STORE_CREATE));
	is_sound();
}

/* ---- adding --------------------------------------------------------------------------------- */

static void
add(struct vigil *vigil, const char *prompt)
{
	struct vigil_task task = {.prompt = prompt, .directory = "/"};
	bool existed;
	int64_t id;

	if (vigil_add(vigil, &task, &id, &existed) != VIGIL_OK)
		die("add: %s", vigil_error(vigil));
	fx.told->done++;
}

static void
add_three(void)
{
	for (int i = 0; i < 3; i++) {
		struct vigil *vigil;
		if (vigil_open(&vigil, fx.path, NULL, VIGIL_READ_WRITE) != VIGIL_OK)
			die("open: %s", vigil_error(vigil));
		add(vigil, "short");
		vigil_close(vigil);
	}
}

static void
all_that_were_added_are_there(void)
{
	long tasks;

	is_taken_up();
	tasks = number("SELECT count(*) FROM tasks");
	ck_assert_int_ge(tasks, fx.told->done);
	ck_assert_int_le(tasks, fx.told->done + 1);
	ck_assert_int_eq(number("SELECT count(*) FROM events"), tasks);
}

static void
make_and_close(void)
{
	store_close(must_open(fx.path, STORE_CREATE));
	shell_ok(fx.path, "SELECT 1 FROM tasks"); /* the last to close: no -wal is left */
}

/* Somebody only looks, and has made the -wal: its name is not synced by whoever writes to it. */
static void
add_while_a_shell_looks(void)
{
	sqlite3 *looking;

	if (sqlite3_open(fx.path, &looking) != SQLITE_OK ||
	    sqlite3_exec(looking, "SELECT count(*) FROM tasks", NULL, NULL, NULL) != SQLITE_OK)
		die("the shell: %s", sqlite3_errmsg(looking));
	add_three();
	sqlite3_close(looking);
}

/* ---- a task's life, with checkpoints in between ---------------------------------------------- */

static const char state_sql[] =
    "SELECT (SELECT group_concat(status || revision || coalesce(session_id, '-') ||"
    " coalesce(result, '-'), ' ') FROM tasks) || (SELECT group_concat(number || sends || resumes ||"
    " coalesce(agent, '-') || coalesce(prompted_at, '-') || coalesce(outcome, '-'), ' ')"
    " FROM attempts) || (SELECT count(*) FROM messages) || '/' || (SELECT count(*) FROM events)";

static void
make_with_a_task(void)
{
	store_close(must_open(fx.path, STORE_CREATE));
	shell_ok(fx.path, A_RUNNER "INSERT INTO servers (name) VALUES ('managed');"
				   "INSERT INTO tasks (prompt, max_attempts) VALUES ('p', 2)");
}

static void
step_is_done(struct store *s)
{
	struct fault fault;
	char *state;

	if (fx.told->done + 2 >= STEPS)
		die("there are more steps than have room");
	state = fx.told->states[++fx.told->done];
	if (!*state && !store_ask_text(s, state_sql, state, STATE_SIZE, &fault))
		die("%s", fault.text);
}

static void
happens(struct store *s, struct event event)
{
	static const struct apply_defaults defaults = {.attempts = 1,
	    .policy = {.stall_ms = 2700000, .max_resumes = 3, .on_interrupt = ON_INTERRUPT_RESUME}};
	struct decision decision;
	struct fault fault;

	event.now_ms = NOON + 1000 * (fx.told->done + 1);
	if (!apply(s, &defaults, 1, &event, &decision, &fault))
		die("%s: %s", event_text(event.type), fault.text);
	step_is_done(s);
}

static void
checkpoints(struct store *s, int how)
{
	if (sqlite3_wal_checkpoint_v2(s->db, "main", how, NULL, NULL) != SQLITE_OK)
		die("checkpoint: %s", sqlite3_errmsg(s->db));
}

#define OWN(text) ((char *)(text)) /* a message owns its strings; these nobody frees */

/* Longer than a page of the database, and than a sector. */
static const char *
long_answer(void)
{
	static char text[20001];

	memset(text, 'a', sizeof(text) - 1);
	return text;
}

static void
one_attempt(struct store *s, const char *nonce, const char *session, struct event end, int how)
{
	struct message message = {
	    .id = OWN("msg_2"), .text = OWN(long_answer()), .reasoning = OWN("")};
	struct harvest harvest = {.messages = &message, .count = 1, .result = "answer"};

	happens(s, (struct event){.type = EV_CLAIM,
		       .nonce = nonce,
		       .directory = "/work",
		       .server = "managed",
		       .runner_id = 1});
	happens(s, (struct event){.type = EV_CHECKED, .agent = "oracle", .model = "p/m"});
	checkpoints(s, how);
	happens(s, (struct event){.type = EV_SESSION,
		       .session_id = session,
		       .message_id = "msg_1",
		       .part_id = "prt_1"});
	happens(s, (struct event){.type = EV_PROMPTED, .server_id = 1});
	checkpoints(s, how);
	happens(s, (struct event){.type = EV_BUSY, .progress_ms = NOON + 1});
	end.harvest = &harvest;
	happens(s, end);
}

static void
live(void)
{
	struct fault fault;
	struct store *s = store_open(fx.path, STORE_EXISTING, 1000, &fault);

	if (!s)
		die("%s", fault.text);
	if (!*fx.told->states[0] &&
	    !store_ask_text(s, state_sql, fx.told->states[0], STATE_SIZE, &fault))
		die("%s", fault.text);
	one_attempt(s, "n1", "ses_1",
	    (struct event){.type = EV_FAULTY, .kind = KIND_AGENT, .text = "an error"},
	    SQLITE_CHECKPOINT_PASSIVE);
	if (!store_exec(s, "UPDATE tasks SET not_before = NULL", &fault))
		die("%s", fault.text);
	step_is_done(s);
	one_attempt(
	    s, "n2", "ses_2", (struct event){.type = EV_ANSWERED}, SQLITE_CHECKPOINT_TRUNCATE);
	checkpoints(s, SQLITE_CHECKPOINT_TRUNCATE);
	store_close(s);
}

/* Or one step further: it may have been committed before the power went. */
static void
it_lives_where_it_was(void)
{
	const char *before = fx.told->states[fx.told->done];
	const char *after = fx.told->states[fx.told->done + 1];
	char *now;

	is_taken_up();
	now = shell(fx.path, state_sql);
	ck_assert_msg(strcmp(now ? now : "", before) == 0 || strcmp(now ? now : "", after) == 0,
	    "after %ld steps\n  %s\n  is neither %s\n  nor %s", fx.told->done, now, before, after);
	free(now);
}

/* ---- a migration ---------------------------------------------------------------------------- */

static void
make_an_older_one(void)
{
	make_version(fx.path, 1);
	shell_ok(fx.path, "PRAGMA journal_mode = WAL; INSERT INTO a VALUES (3)");
}

/* Its -wal is there, and safe, before: nothing but vigil has to sync the name of the copy. */
static void
migrate_it(void)
{
	sqlite3 *beside;

	if (sqlite3_open(fx.path, &beside) != SQLITE_OK ||
	    sqlite3_exec(beside, "PRAGMA user_version = 1", NULL, NULL, NULL) != SQLITE_OK)
		die("the shell: %s", sqlite3_errmsg(beside));
	make_version(fx.path, 3);
	fx.told->done++;
	sqlite3_close(beside);
}

static void
it_is_one_or_the_other(void)
{
	char *copy = xasprintf("%s.before-v3", fx.path);
	long version = number("PRAGMA user_version");

	ck_assert_int_ge(version, fx.told->done ? 3 : 1);
	ck_assert_int_le(version, 3);
	ck_assert(version == 1 || mode_of(copy)); /* before anything changes */
	make_version(fx.path, 3);
	shell_gives(fx.path, "PRAGMA integrity_check", "ok");
	shell_gives(fx.path, "SELECT group_concat(y) FROM a", "1!,2!,3!");
	shell_gives(copy, "PRAGMA integrity_check", "ok");
	shell_gives(copy, "PRAGMA user_version", "1");
	shell_gives(copy, "SELECT group_concat(x) FROM a", "1,2,3");
	free(copy);
}

/* ---- a password ----------------------------------------------------------------------------- */

static void
write_first(void)
{
	struct fault fault;

	ck_assert(secret_write(fx.path, "first", &fault));
}

static void
write_second(void)
{
	struct fault fault;

	if (!secret_write(fx.path, "second", &fault))
		die("%s", fault.text);
	fx.told->done++;
}

static void
it_is_the_second(void)
{
	struct fault fault;
	char *secret;

	if (!fx.told->done)
		return; /* the server that is to have it is not started yet */
	secret = secret_read(fx.path, &fault);
	ck_assert_msg(secret != NULL, "%s", fault.text);
	ck_assert_str_eq(secret, "second");
	secret_free(secret);
}

/* ---- nothing happens behind its back -------------------------------------------------------- */

/* Other calls that change what files have, or names: a power cut knows nothing of them. Debian's
 * SQLite has none: it writes by pwrite64 and write, cuts by ftruncate64, syncs by fdatasync, and
 * was built without the rest. Through mmap64 it writes the -shm alone, which is memory; a database
 * is only ever read that way, and only where PRAGMA mmap_size says so. */
static const char *const unseen[] = {"writev", "pwritev", "pwritev2", "openat", "creat", "truncate",
    "fallocate", "posix_fallocate", "sync_file_range", "sync", "syncfs", "copy_file_range",
    "sendfile", "splice", "fopen", "fdopen", "freopen", "mkstemp", "tmpfile", "renameat",
    "renameat2", "unlinkat", "linkat", "mkdirat", "symlink", "symlinkat", "remove", "msync",
    "io_submit", "syscall"};

/* "                 U pwrite64@GLIBC_2.2.5": is it that call, with or without 64? */
static bool
is_call(const char *line, const char *call)
{
	const char *name = strstr(line, " U ");
	size_t length = strlen(call);

	if (!name || strncmp(name + 3, call, length) != 0)
		return false;
	name += 3 + length;
	if (strncmp(name, "64", 2) == 0)
		name += 2;
	return *name == '@' || *name == '\0';
}

START_TEST(sqlite_changes_files_by_the_calls_that_are_watched)
{
	Dl_info sqlite;
	struct buf calls = {0};
	struct fault fault;
	bool writes = false;

	ck_assert_int_ne(dladdr(dlsym(RTLD_DEFAULT, "sqlite3_open_v2"), &sqlite), 0);
	const char *const nm[] = {"nm", "-D", "--undefined-only", sqlite.dli_fname, NULL};
	ck_assert_msg(run_capture(nm, 60000, &calls, &fault), "nm: %s", fault.text);
	char *lines = buf_take(&calls), *rest = NULL;
	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		writes = writes || is_call(line, "pwrite");
		for (size_t i = 0; i < sizeof(unseen) / sizeof(*unseen); i++)
			ck_assert_msg(!is_call(line, unseen[i]),
			    "a power cut knows nothing of %s, which %s has: teach it", unseen[i],
			    sqlite.dli_fname);
	}
	ck_assert_msg(writes, "%s: not its calls", sqlite.dli_fname);
	free(lines);
}
END_TEST

/* ---- all of them ---------------------------------------------------------------------------- */

static const struct story stories[] = {
    {"state/vigil/vigil.db", NULL, add_three, all_that_were_added_are_there},
    {"vigil.db", make_and_close, add_three, all_that_were_added_are_there},
    {"vigil.db", make_and_close, add_while_a_shell_looks, all_that_were_added_are_there},
    {"vigil.db", make_with_a_task, live, it_lives_where_it_was},
    {"old.db", make_an_older_one, migrate_it, it_is_one_or_the_other},
    {"password", write_first, write_second, it_is_the_second},
};

enum { STORIES = sizeof(stories) / sizeof(*stories) };

START_TEST(nothing_reported_is_lost_and_nothing_is_half_done)
{
	const struct story *story = &stories[_i];
	long calls, each;
	uint64_t seed = 0;

	prepare(story);
	tell_and_check(story, LONG_MAX, seed);
	calls = fx.told->calls;
	ck_assert_int_gt(calls, 3); /* or they are not seen */
	each = RUNS / calls + 1;
	for (long call = 1; call <= calls + 1; call += EACH)
		for (long i = 0; i < each; i++)
			tell_and_check(story, call, ++seed);
	printf("%s: %ld calls, %ld cuts\n", story->path, calls, (long)seed);
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("powercut");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 550);
	tcase_add_test(tests, sqlite_changes_files_by_the_calls_that_are_watched);
	tcase_add_loop_test(tests, nothing_reported_is_lost_and_nothing_is_half_done, 0, STORIES);
	return run_suite(tests, "powercut");
}
