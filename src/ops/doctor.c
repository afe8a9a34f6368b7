/*
 * What is in the way, and what to do about it: the configuration, the database, who is alive. It
 * changes nothing, but that a database of an older version is migrated, as by any command.
 */
#include "ops/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/process.h"
#include "base/when.h"
#include "core/task.h"

#define MB INT64_C(1000000)
#define LITTLE_SPACE (1000 * MB)
#define TOO_LITTLE_SPACE (50 * MB)
#define LARGE_WAL (256 * MB)

static double
in_mb(int64_t bytes)
{
	return (double)bytes / 1e6;
}

void
doctor_say(struct doctor *d, enum vigil_health health, const char *name, const char *remedy,
    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = xvasprintf(format, args);
	va_end(args);
	d->is_wrong = d->is_wrong || health == VIGIL_WRONG;
	d->fn(d->arg,
	    &(struct vigil_check){.name = name, .health = health, .text = text, .remedy = remedy});
	free(text);
}

/* What cannot be asked is wrong, too. */
static int64_t
ask(struct doctor *d, const char *name, enum query query, const struct value *value)
{
	int64_t out = -1;

	if (!store_int(d->vigil->store, query, value, value != NULL, 0, &out, &d->vigil->fault)) {
		doctor_say(d, VIGIL_WRONG, name, NULL, "%s", d->vigil->fault.text);
		return -1;
	}
	return out;
}

/* ---- the configuration -------------------------------------------------------------------- */

static void
check_config(struct doctor *d, const char *trouble)
{
	const struct config *config = d->vigil->config;

	if (!config)
		doctor_say(
		    d, VIGIL_WRONG, "configuration", "mend it, or move it away", "%s", trouble);
	else if (config->path)
		doctor_say(d, VIGIL_HEALTHY, "configuration", NULL, "%s", config->path);
	else
		doctor_say(d, VIGIL_HEALTHY, "configuration", NULL, "no file; the defaults hold");
}

/* ---- where the database lies -------------------------------------------------------------- */

/* The folder that it is in, or will be made in. The caller frees. */
static char *
folder_of(const char *database)
{
	char *folder = file_folder(database);

	while (access(folder, F_OK) != 0 && strcmp(folder, "/") != 0 && strcmp(folder, ".") != 0) {
		char *above = file_folder(folder);

		free(folder);
		folder = above;
	}
	return folder;
}

static void
check_space(struct doctor *d, const char *folder)
{
	struct statvfs disk;

	if (statvfs(folder, &disk) != 0) {
		doctor_say(d, VIGIL_WRONG, "disk", NULL, "%s: %s", folder, strerror(errno));
		return;
	}
	int64_t bytes = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
	enum vigil_health health = bytes < TOO_LITTLE_SPACE ? VIGIL_WRONG
				   : bytes < LITTLE_SPACE   ? VIGIL_NOTABLE
							    : VIGIL_HEALTHY;
	doctor_say(d, health, "disk",
	    health == VIGIL_HEALTHY ? NULL
				    : "make room: vigil prune gives back what old tasks take",
	    "%.0f MB are free in %s", in_mb(bytes), folder);
}

static void
check_file_system(struct doctor *d, const char *folder)
{
	struct fault why;

	if (store_is_local(folder, &why))
		doctor_say(d, VIGIL_HEALTHY, "file system", NULL, "of this machine");
	else
		doctor_say(d, VIGIL_WRONG, "file system", NULL, "%s", why.text);
}

static void
check_place(struct doctor *d)
{
	char *folder = folder_of(d->vigil->database);

	check_file_system(d, folder);
	check_space(d, folder);
	free(folder);
}

/* ---- the database ------------------------------------------------------------------------- */

static void
check_whole(struct doctor *d)
{
	struct fault why;

	if (store_check(d->vigil->store, &why))
		doctor_say(d, VIGIL_HEALTHY, "integrity", NULL, "whole");
	else
		doctor_say(d, VIGIL_WRONG, "integrity",
		    "stop the runner, go back to a backup, or try .recover of the sqlite3 shell",
		    "%s", why.text);
}

static bool
say_problem(void *arg, const struct row *row)
{
	struct doctor *d = arg;

	doctor_say(d, VIGIL_WRONG, "tasks", "see SELECT * FROM problems, and report it",
	    "task %s: %s", row_text(row, 1), row_text(row, 0));
	return false;
}

static void
check_problems(struct doctor *d)
{
	bool was_wrong = d->is_wrong;

	d->is_wrong = false;
	if (!store_run(d->vigil->store, Q_problems, NULL, 0, say_problem, d, &d->vigil->fault))
		doctor_say(d, VIGIL_WRONG, "tasks", NULL, "%s", d->vigil->fault.text);
	else if (!d->is_wrong)
		doctor_say(d, VIGIL_HEALTHY, "tasks", NULL, "no row contradicts another");
	d->is_wrong = d->is_wrong || was_wrong;
}

static void
check_wal(struct doctor *d)
{
	int64_t bytes = store_wal_bytes(d->vigil->store);
	bool is_large = bytes > LARGE_WAL;

	doctor_say(d, is_large ? VIGIL_WRONG : VIGIL_HEALTHY, "journal",
	    is_large ? "end what reads the database all the time; never delete the file" : NULL,
	    "%.1f MB in %s-wal", in_mb(bytes), store_path(d->vigil->store));
}

static void
check_modes(struct doctor *d)
{
	const char *path = store_path(d->vigil->store);
	struct stat file;

	if (stat(path, &file) == 0 && (file.st_mode & 077))
		doctor_say(d, VIGIL_WRONG, "privacy", "chmod 600 it",
		    "%s can be read by others than you", path);
}

static void
check_sqlite(struct doctor *d)
{
	if (!store_has_wal_reset_bug())
		doctor_say(d, VIGIL_HEALTHY, "SQLite", NULL, "%s", store_sqlite_version());
	else
		doctor_say(d, VIGIL_NOTABLE, "SQLite",
		    "while a runner is alive, write with vigil's commands; or install 3.51.3",
		    "%s can damage a database when two programs checkpoint it at once: vigil "
		    "never does, but a sqlite3 shell that writes may",
		    store_sqlite_version());
}

static bool
take_pause(void *arg, const struct row *row)
{
	char since[32];

	if (!row_is_null(row, 0))
		doctor_say(arg, VIGIL_NOTABLE, "queue", "vigil resume", "paused since %s",
		    when_local(row_time(row, 0), since));
	return false;
}

static void
check_database(struct doctor *d)
{
	struct vigil *vigil = d->vigil;
	int64_t version = ask(d, "database", Q_user_version, NULL);
	struct stat file;

	doctor_say(d, VIGIL_HEALTHY, "database", NULL, "%s: version %d, %.1f MB", vigil->database,
	    (int)version, stat(vigil->database, &file) == 0 ? in_mb(file.st_size) : 0);
	check_modes(d);
	check_whole(d);
	check_problems(d);
	check_wal(d);
	store_run(vigil->store, Q_paused_at, NULL, 0, take_pause, d, &vigil->fault);
}

/* ---- who is alive ------------------------------------------------------------------------- */

static void
check_runner(struct doctor *d)
{
	long pid = store_lock_holder(d->vigil->database);
	int64_t open = ask(d, "runner", Q_count_open, NULL);

	if (pid)
		doctor_say(d, VIGIL_HEALTHY, "runner", NULL, "alive (pid %ld)", pid);
	else if (open > 0)
		doctor_say(d, VIGIL_NOTABLE, "runner",
		    "vigil run, or systemctl --user enable --now vigil",
		    "none is alive; open tasks: %lld", (long long)open);
	else
		doctor_say(d, VIGIL_HEALTHY, "runner", NULL, "none is alive, and nothing is open");
}

/* The columns of server_alive. */
static bool
take_server(void *arg, const struct row *row)
{
	struct doctor *d = arg;
	pid_t pid = (pid_t)row_int(row, 1);
	const char *its_boot = row_text(row, 3);
	struct process_stat process;
	char boot_id[64];

	process_boot_id(boot_id, sizeof(boot_id));
	if (pid && its_boot && strcmp(its_boot, boot_id) == 0 && process_stat(pid, &process) &&
	    process.start_ticks == (uint64_t)row_int(row, 2) && process_lives(&process))
		doctor_say(
		    d, VIGIL_HEALTHY, "server", NULL, "vigil's own is alive (pid %ld)", (long)pid);
	else
		doctor_say(d, VIGIL_NOTABLE, "server", "vigil run finds out, and starts another",
		    "vigil's own has not ended in order, or is being started");
	return false;
}

static void
check_server(struct doctor *d)
{
	struct value name = value_text("managed");
	int64_t id = ask(d, "server", Q_server_alive, &name);

	if (id == 0)
		doctor_say(d, VIGIL_HEALTHY, "server", NULL, "vigil's own is not running");
	else if (id > 0)
		store_run(
		    d->vigil->store, Q_server_alive, &name, 1, take_server, d, &d->vigil->fault);
}

/* ---- all of it ---------------------------------------------------------------------------- */

/* With another configuration than the one that is wrong: none is needed to look at a database. */
static void
open_store(struct doctor *d)
{
	struct vigil *vigil = d->vigil;

	if (access(vigil->database, F_OK) != 0 && errno == ENOENT) {
		doctor_say(d, VIGIL_HEALTHY, "database", NULL, "%s: the first vigil add makes it",
		    vigil->database);
		return;
	}
	if (!vigil->store && !vigil->config)
		vigil->store = store_open(
		    vigil->database, STORE_EXISTING, STORE_WAIT_COMMAND_MS, &vigil->fault);
	if (!vigil->store)
		doctor_say(d, VIGIL_WRONG, "database", NULL, "%s", vigil->fault.text);
}

static void
examine(struct doctor *d)
{
	if (!d->vigil->database) {
		doctor_say(d, VIGIL_WRONG, "database", NULL, "%s", d->vigil->fault.text);
		return;
	}
	check_config(d, d->vigil->fault.text);
	check_place(d);
	open_store(d);
	check_sqlite(d);
	if (d->vigil->store) {
		check_database(d);
		check_runner(d);
		check_server(d);
	}
	doctor_programs(d);
}

enum vigil_result
vigil_doctor(const char *database, const char *config, vigil_check_fn *fn, void *arg)
{
	struct doctor doctor = {.fn = fn, .arg = arg};

	vigil_open(&doctor.vigil, database, config, VIGIL_READ_ONLY);
	examine(&doctor);
	vigil_close(doctor.vigil);
	return doctor.is_wrong ? VIGIL_FAILED : VIGIL_OK;
}
