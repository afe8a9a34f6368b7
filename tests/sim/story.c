/*
 * A world from its beginning to its end: lives of vigil, one after the other, each ended in some
 * way while things go wrong; then one that has all the time it needs.
 */
#define _XOPEN_SOURCE 700 /* nftw */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fault.h"
#include "golden.h"
#include "life.h"
#include "world.h"

enum { MOST_LIVES = 300, LAST_LIVES = 20 };

/* ---- its folder ----------------------------------------------------------------------------- */

static int
remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
	(void)info;
	(void)type;
	(void)where;
	return remove(path);
}

static void
make_folder(void)
{
	const char *base = getenv("TMPDIR");
	snprintf(
	    w->folder, sizeof(w->folder), "%s/vigil-sim-XXXXXX", base && *base ? base : "/tmp");
	if (!mkdtemp(w->folder))
		die("cannot make %s", w->folder);
	snprintf(w->database, sizeof(w->database), "%s/db", w->folder);
	snprintf(w->config, sizeof(w->config), "%s/config", w->folder);
	plan_write_config();
}

/* ---- lives ---------------------------------------------------------------------------------- */

static bool
has_planned(enum act act)
{
	for (int i = 0; i < MAX_ACTS; i++) {
		if (w->happening[i].act == act)
			return true;
	}
	return false;
}

static struct life
choose_life(void)
{
	struct life life = {.drain = world_happens(300), .dies_us = NEVER};
	if (w->plan.crash_passings && world_happens(600))
		life.passings = 1 + (int)world_upto(w->plan.crash_passings);
	if (world_happens(250))
		life.dies_us = w->now_us + world_upto(2 * MINUTE);
	return life;
}

/* Often no longer than a request is under way, at times an hour. */
static int64_t
choose_pause_us(void)
{
	static const int64_t most_us[] = {200 * MS, SECOND, 30 * SECOND, 30 * SECOND};
	return world_upto(world_happens(50) ? 60 * MINUTE : most_us[world_upto(4)]);
}

/* Each life is ended by something, when the calm comes at the latest. */
static void
live_in_trouble(void)
{
	for (int lives = 0; !world_is_calm() && !w->is_broken; lives++) {
		struct life life = choose_life();
		int64_t most_us = w->plan.calm_us - w->now_us;
		if (lives == MOST_LIVES)
			most_us = 1;
		if (most_us > 5 * MINUTE && world_happens(500))
			most_us = world_upto(5 * MINUTE);
		world_plan_act(ACT_STOP_VIGIL, w->now_us + most_us, 0);
		(void)life_live(&life);
		check_whole();
		world_pass(choose_pause_us());
		people_close();
	}
}

static void
live_in_peace(void)
{
	const struct life life = {.drain = true, .dies_us = NEVER};
	for (int lives = 0; !w->is_broken; lives++) {
		bool is_last = !has_planned(ACT_STOP_VIGIL) && !has_planned(ACT_KILL_VIGIL) &&
			       !has_planned(ACT_ADD) && !has_planned(ACT_RELEASE);
		if (life_live(&life) == LIFE_REFUSED)
			broken("in peace, vigil run failed");
		check_whole();
		if (is_last)
			return;
		if (lives == LAST_LIVES)
			broken("there is no end of lives");
		world_pass(10 * SECOND);
		people_close();
	}
}

static void
begin(uint64_t seed, int trace_fd)
{
	w->trace_fd = trace_fd;
	world_reset(seed);
}

static bool
end(void)
{
	if (!w->is_broken)
		check_end();
	trace("the end");
	if (!getenv("KEEP"))
		nftw(w->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return !w->is_broken;
}

bool
story_tell(uint64_t seed, int trace_fd)
{
	begin(seed, trace_fd);
	plan_seed();
	make_folder();
	trace("seed %llu: %s, %d tasks, on_ask %s, on_interrupt %s, latency %d ms, calm in %lld s",
	    (unsigned long long)seed, w->plan.is_managed ? "managed" : "given", w->plan.tasks,
	    w->plan.on_ask, w->plan.on_interrupt, w->plan.latency_ms,
	    (long long)(w->plan.calm_us / SECOND));
	if (!w->plan.is_managed)
		w->given = process_start(false, "", "", 0);
	world_pass(0);
	live_in_trouble();
	live_in_peace();
	return end();
}

bool
story_tell_journey(const struct journey *journey, int trace_fd)
{
	begin(1, trace_fd);
	journey_plan(journey);
	make_folder();
	if (!w->plan.is_managed)
		w->given = process_start(false, "", "", 0);
	world_pass(0);
	if (journey->dies_at || journey->stops_s) {
		const struct life first = {.dies_us = NEVER, .dies_at = journey->dies_at};
		if (journey->stops_s)
			world_plan_act(ACT_STOP_VIGIL, journey->stops_s * SECOND, 0);
		(void)life_live(&first);
		check_whole();
		world_pass(journey->pause_s * SECOND);
		people_close();
	}
	live_in_peace();
	return end();
}
