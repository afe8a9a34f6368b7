/*
 * A life of vigil: see life.h. The child runs vigil_run() as it is, on the fakes that are linked
 * in.
 */
#include "life.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/fault.h"
#include "ops/vigil.h"

#define TURNS_A_SECOND 20000
#define LONGEST_US (24 * 60 * MINUTE) /* from when on nothing goes wrong any more */

static void
on_log(void *arg, const char *line)
{
	(void)arg;
	trace("vigil: %s", line);
}

static enum vigil_result
run(const struct life *life)
{
	struct vigil *vigil;
	const struct vigil_run_options options = {.drain = life->drain,
	    .server_url = w->plan.is_managed ? NULL : "http://127.0.0.1:4096",
	    .log = on_log};
	enum vigil_result result = vigil_open(&vigil, w->database, w->config, VIGIL_READ_WRITE);
	if (result == VIGIL_OK) {
		check_open();
		result = vigil_run(vigil, &options);
		check_close();
	}
	if (result != VIGIL_OK)
		trace("vigil ends with %d: %s", result, vigil_error(vigil));
	people_close();
	vigil_close(vigil);
	return result;
}

static void
be_born(const struct life *life)
{
	if (chdir("/") != 0)
		die("there is no root directory");
	w->is_living = true;
	w->passings = life->passings;
	w->dies_us = life->dies_us;
	w->dies_at = life->dies_at;
	failpoint_armed =
	    life->passings || life->dies_at ? FAILPOINT_BEFORE(FP_COUNT) : FAILPOINT_NONE;
	enum vigil_result result = run(life);
	w->is_living = false;
	exit(result == VIGIL_OK ? LIFE_ENDED : LIFE_REFUSED);
}

enum life_end
life_live(const struct life *life)
{
	int status;
	people_close();
	fflush(NULL);
	w->life++;
	w->total_lives++;
	w->turns = 0;
	trace("---- life %d", w->life);
	pid_t pid = fork();
	if (pid < 0)
		die("cannot fork");
	if (pid == 0)
		be_born(life);
	waitpid(pid, &status, 0);
	w->is_living = false;
	w->dies_us = NEVER;
	w->is_locked = false;
	if (!WIFEXITED(status) || WEXITSTATUS(status) > LIFE_BROKEN) {
		broken("vigil crashed: status %x", (unsigned)status);
		return LIFE_CRASHED;
	}
	return (enum life_end)WEXITSTATUS(status);
}

void
life_die(const char *how)
{
	trace("---- vigil is killed: %s", how);
	w->total_crashes++;
	_exit(LIFE_DIED);
}

void
life_act(enum act act)
{
	if (!w->is_living)
		return;
	if (act == ACT_KILL_VIGIL)
		life_die("at a moment of the world's");
	else
		ev_raise(SIGTERM);
}

void
life_turn(void)
{
	w->turns++;
	w->second_turns++;
	if (w->now_us > w->second_us + SECOND) {
		w->second_us = w->now_us;
		w->second_turns = 0;
	}
	if (w->second_turns > TURNS_A_SECOND)
		broken("the loop turned %d times within a second", TURNS_A_SECOND);
	if (w->now_us >= w->dies_us)
		life_die("between two turns of its loop");
	if (w->now_us > w->plan.calm_us + LONGEST_US)
		broken("a day after the last fault it is not done");
	check_turn();
}
