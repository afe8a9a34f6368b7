/*
 * See origin.h. Rows go with every copy of their file; where a run has found the file, it writes
 * down in it, and the next one compares:
 *
 *   machine  place              file     then it is
 *   -        -                  -        new
 *   same     same               same     this one
 *   same     same               same     this one, put back, too, where the newest attempt that is
 *                                        noted beside it is none of its own: .restore and cp write
 *                                        into the file that is there
 *   same     same               other    this one, put back, perhaps in an older state: a server
 *                                        that was started from here may be at work on what no row
 *                                        tells of, and is ended as one that no row knows
 *                                        (managed.c); then all goes on. One that was started from
 *                                        another place is that of the database there, which was
 *                                        moved away from here: it has the same id, and no trace of
 *                                        it is left here
 *   same     gone, or the file  same     this one, moved
 *   same     gone, or the file  other    a copy; moved to another disk, perhaps, but of such there
 *                                        can be many
 *   same     another file       any      a copy: by cp, VACUUM INTO, vigil backup, a snapshot
 *   other    any                any      a copy
 *
 * That nothing of the first one is alive now would prove nothing: it may be run again, and go on
 * with the very turns that are live here. So the same holds after a restart of the machine.
 */
#include "runner/origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-id128.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/file.h"
#include "runner/runner.h"

#define MACHINE_SIZE SD_ID128_STRING_MAX

struct home {
	char *place, *machine, *file;
};

static void
free_home(struct home *h)
{
	free(h->place);
	free(h->machine);
	free(h->file);
}

static bool
read_home(void *arg, const struct row *row)
{
	struct home *h = arg;
	h->place = xstrdup(row_text(row, 0));
	h->machine = xstrdup(row_text(row, 1));
	h->file = xstrdup(row_text(row, 2));
	return false;
}

/* The machine's own id is nobody's to know; this one is derived from it. "" where there is none. */
static void
name_machine(char out[MACHINE_SIZE])
{
	const sd_id128_t program =
	    SD_ID128_MAKE(5f, 0c, 3e, b1, 97, 6d, 4a, 08, a2, 11, c4, 7e, 90, 35, d8, 6b);
	sd_id128_t id;
	out[0] = '\0';
	if (sd_id128_get_machine_app_specific(program, &id) == 0)
		sd_id128_to_string(id, out);
}

static struct home
find_home(const struct runner *r)
{
	char file[FILE_IDENTITY_SIZE], machine[MACHINE_SIZE];
	file_identity(store_path(r->store), file);
	name_machine(machine);
	return (struct home){xstrdup(store_path(r->store)), xstrdup(machine), xstrdup(file)};
}

static bool
is_copy(const struct home *was, const struct home *is)
{
	if (!was->place)
		return false;
	if (!same_text(was->machine, is->machine))
		return true;
	if (same_text(was->place, is->place))
		return false;
	return !same_text(was->file, is->file) || !file_has_left(was->place, is->place);
}

static bool
is_in_place(const struct home *was, const struct home *is)
{
	return was->place && same_text(was->place, is->place);
}

static bool
read_newest(struct runner *r, int64_t *newest, struct fault *why)
{
	return store_int(r->store, Q_newest_attempt, NULL, 0, 0, newest, why);
}

static bool
write_home(struct runner *r, const struct home *h, bool is_new_id, struct fault *why)
{
	struct value v[] = {value_text(h->place), value_text(h->machine), value_text(h->file),
	    value_int(is_new_id)};
	failpoint_before(FP_COMMIT_HOME);
	bool ok = store_run(r->store, Q_home_write, v, 4, NULL, NULL, why);
	failpoint_after(FP_COMMIT_HOME);
	return ok;
}

/* The row alone: whether a process goes with it is for others. */
static bool
forget_servers(struct runner *r, const char *ending, struct fault *why)
{
	struct value v[] = {value_time(clock_now_ms()), value_text(ending)};
	return store_run(r->store, Q_servers_disown, v, 2, NULL, NULL, why);
}

/* ---- a copy becomes its own ----------------------------------------------------------------- */

struct live {
	int64_t *ids;
	size_t count;
};

static bool
keep_id(void *arg, const struct row *row)
{
	struct live *live = arg;
	live->ids = xrealloc(live->ids, (live->count + 1) * sizeof(*live->ids));
	live->ids[live->count++] = row_int(row, 0);
	return true;
}

/* *held is one more, if it is. */
static bool
let_go(struct runner *r, int64_t task_id, const char *first, size_t *held, struct fault *why)
{
	struct decision d;
	char *text =
	    xasprintf("this database is a copy of %s, where the task may go on: vigil release "
		      "%lld starts it anew here",
		first, (long long)task_id);
	const struct event copied = {.type = EV_COPIED, .now_ms = clock_now_ms(), .text = text};
	bool ok = apply_within(r->store, &r->defaults, task_id, &copied, &d, why);
	free(text);
	*held += ok && d.next.status == STATUS_HELD;
	return ok;
}

static bool
disown_within(
    struct runner *r, const char *first, const struct home *is, size_t *held, struct fault *why)
{
	struct live live = {0};
	struct value now = value_time(clock_now_ms());
	bool ok = store_run(r->store, Q_live_tasks, NULL, 0, keep_id, &live, why);
	for (size_t i = 0; ok && i < live.count; i++)
		ok = let_go(r, live.ids[i], first, held, why);
	free(live.ids);
	return ok && forget_servers(r, "it is not ours: this database is a copy", why) &&
	       store_run(r->store, Q_panes_disown, &now, 1, NULL, NULL, why) &&
	       write_home(r, is, true, why);
}

static bool
disown(struct runner *r, const char *first, const struct home *is, struct fault *why)
{
	size_t held = 0;
	if (!store_begin(r->store, why))
		return false;
	if (!disown_within(r, first, is, &held, why)) {
		store_rollback(r->store);
		return false;
	}
	if (!store_commit(r->store, why))
		return false;
	failpoint_after(FP_COMMIT_COPIED);
	runner_say(r, "this database is a copy of %s, and one of its own from now on", first);
	if (held)
		runner_say(r,
		    "held, for they may go on there (vigil release starts them anew): %zu", held);
	return true;
}

/* ---- one that was put back ------------------------------------------------------------------ */

static bool
own_again(struct runner *r, const struct home *is, struct fault *why)
{
	if (!store_begin(r->store, why))
		return false;
	if (!forget_servers(r, "the database was put back in its place", why) ||
	    !write_home(r, is, false, why)) {
		store_rollback(r->store);
		return false;
	}
	if (!store_commit(r->store, why))
		return false;
	runner_say(r,
	    "this database was put back in its place: a server of vigil's that is still at "
	    "work for it is ended, and what is live goes on with another");
	return true;
}

/* ---- outside ------------------------------------------------------------------------------- */

static bool
settle_copy(struct runner *r, const struct home *was, const struct home *is, struct fault *why)
{
	char *first = xasprintf(
	    "%s%s", was->place, same_text(was->machine, is->machine) ? "" : " on another machine");
	bool ok = disown(r, first, is, why);
	free(first);
	return ok;
}

bool
origin_is_copy(struct runner *r, bool *copied, struct fault *why)
{
	struct home was = {0}, is = find_home(r);
	bool ok = store_run(r->store, Q_home, NULL, 0, read_home, &was, why);
	*copied = ok && is_copy(&was, &is);
	free_home(&was);
	free_home(&is);
	return ok;
}

bool
origin_settle(struct runner *r, struct fault *why)
{
	int64_t newest = 0;
	struct home was = {0}, is = find_home(r);
	bool ok = read_newest(r, &newest, why) &&
		  store_run(r->store, Q_home, NULL, 0, read_home, &was, why);
	bool is_older = newest < store_lock_noted(r->lock);
	if (ok && is_copy(&was, &is))
		ok = settle_copy(r, &was, &is, why);
	else if (ok && !is_in_place(&was, &is))
		ok = write_home(r, &is, !was.place, why);
	else if (ok && (is_older || !same_text(was.file, is.file)))
		ok = own_again(r, &is, why);
	if (ok)
		store_lock_note(r->lock, newest);
	free_home(&was);
	free_home(&is);
	return ok;
}

bool
origin_is_older(struct runner *r, bool *is_older, struct fault *why)
{
	int64_t newest;
	if (!read_newest(r, &newest, why))
		return false;
	*is_older = newest < store_lock_noted(r->lock);
	return true;
}
