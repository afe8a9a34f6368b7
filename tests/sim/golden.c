/*
 * See golden.h. A trace that changes is a change of what vigil does: look at it, and then
 *
 *   TRACES=write build/gcc/tests/sim/sim
 *
 * makes all of them anew.
 */
#include "golden.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"

const struct journey journeys[] = {
    {.name = "good", .scripts = {" work:1000 say:2000"}, .natural = {"completed"}},
    {.name = "cancelled-before-its-start",
	.scripts = {" say:5000", " say:10"},
	.natural = {"completed", "cancelled"},
	.acts = {{ACT_CANCEL, 3000, 2}}},
    {.name = "cancelled-at-work",
	.scripts = {" work:1000 sub:20000 say:10"},
	.natural = {"cancelled"},
	.acts = {{ACT_CANCEL, 9000, 1}}},
    {.name = "cancelled-while-its-server-is-away",
	.is_given = true,
	.scripts = {" work:1000 mute:0"},
	.natural = {"cancelled"},
	.acts = {{ACT_SERVER_AWAY, 5000, 90000}, {ACT_CANCEL, 7000, 1}}},
    {.name = "cut-off-and-resumed",
	.scripts = {" work:3000 work:3000 say:1000"},
	.natural = {"completed"},
	.acts = {{ACT_KILL_SERVER, 6000, 0}}},
    {.name = "killed-between-create-and-commit",
	.scripts = {" say:1000"},
	.natural = {"completed"},
	.dies_at = "before-commit-session",
	.pause_s = 10},
    {.name = "cancelled-before-its-session-was-known",
	.scripts = {" say:1000"},
	.natural = {"cancelled"},
	.acts = {{ACT_CANCEL, 5000, 1}},
	.dies_at = "before-commit-session",
	.pause_s = 10},
    {.name = "killed-before-the-prompt-was-answered",
	.scripts = {" say:1000"},
	.natural = {"completed"},
	.dies_at = "after-request-prompt",
	.pause_s = 10},
    {.name = "killed-while-its-session-was-made",
	.scripts = {" work:20000 say:1000"},
	.natural = {"completed"},
	.acts = {{ACT_KILL_VIGIL, 1500, 0}},
	.late_session_ms = 20000},
    {.name = "stopped-in-order-and-taken-up",
	.scripts = {" work:20000 say:1000"},
	.natural = {"completed"},
	.stops_s = 5,
	.pause_s = 60},
    {.name = "server-away",
	.is_given = true,
	.scripts = {" work:8000 say:1000"},
	.natural = {"completed"},
	.acts = {{ACT_SERVER_AWAY, 5000, 90000}}},
    {.name = "stalled", .scripts = {" work:1000 mute:0"}, .natural = {"stalled"}},
    {.name = "timed-out", .scripts = {" chat:0"}, .natural = {"timeout"}},
    {.name = "status-cannot-be-asked",
	.scripts = {" work:60000 say:1000"},
	.natural = {"completed"},
	.acts = {{ACT_BREAK_STATUS, 5000, 15000}}},
    {.name = "held-ask",
	.on_ask = "hold",
	.scripts = {" ask:1000 say:1000"},
	.natural = {"completed"},
	.acts = {{ACT_ANSWER, 300000, 1}}},
    {.name = "refused-ask", .scripts = {" ask:1000 say:1000"}, .natural = {"completed"}},
    {.name = "server-wiped",
	.is_given = true,
	.scripts = {" say:1000", " work:60000 say:1000"},
	.natural = {"completed", "lost"},
	.acts = {{ACT_WIPE_SERVER, 30000, 2000}}},
    {.name = "server-wiped-and-used-again",
	.is_given = true,
	.parallel = 2,
	.scripts = {" say:1000", " work:60000 say:1000", " say:1000"},
	.natural = {"completed", "lost", "completed"},
	.added_ms = {0, 0, 40000},
	.acts = {{ACT_WIPE_SERVER, 30000, 2000}}},
    {.name = "session-deleted",
	.is_given = true,
	.scripts = {" mute:0", " say:1000"},
	.natural = {"lost", "completed"},
	.acts = {{ACT_DELETE_SESSION, 100, 1}, {ACT_DELETE_SESSION, 9000, 1}}},
    {.name = "clock-set-back-at-work",
	.scripts = {" work:60000 work:3000 say:1000"},
	.natural = {"completed"},
	.acts = {{ACT_SET_CLOCK, 40000, -600000}}},
    {.name = "clock-set-right-before-a-retry",
	.attempts = 2,
	.scripts = {" error:500"},
	.natural = {"agent"},
	.acts = {{ACT_SET_CLOCK, 3000, -3600000}}},
    {.name = "server-wiped-and-slept",
	.is_given = true,
	.scripts = {" say:1000", " work:60000 say:1000"},
	.natural = {"completed", "lost"},
	.acts = {{ACT_WIPE_SERVER, 30000, 2000}, {ACT_SUSPEND, 600000, 8 * 3600000}}},
    {.name = "slept",
	.scripts = {" work:5000 say:5000"},
	.natural = {"completed"},
	.acts = {{ACT_SUSPEND, 4000, 8 * 3600000}}},
    {.name = "slept-while-it-was-looked-at",
	.scripts = {" work:60000 say:1000"},
	.natural = {"completed"},
	.acts = {{ACT_SUSPEND, 30993, 8 * 3600000}}},
    {.name = "slept-and-its-server-was-away",
	.is_given = true,
	.timeout_s = 300,
	.scripts = {" work:60000 say:1000"},
	.natural = {"completed"},
	.acts = {{ACT_SUSPEND, 5000, 8 * 3600000}, {ACT_SERVER_AWAY, 5001, 10000}}},
};
const int journey_count = sizeof(journeys) / sizeof(*journeys);

void
journey_plan(const struct journey *j)
{
	struct plan *p = &w->plan;
	*p = (struct plan){.is_managed = !j->is_given, .max_resumes = 3};
	p->parallel = j->parallel ? j->parallel : 1;
	p->on_ask = j->on_ask ? j->on_ask : "reject";
	p->on_interrupt = "resume";
	p->stall = "20m";
	p->late_session_ms = j->late_session_ms;
	for (; p->tasks < 3 && j->scripts[p->tasks]; p->tasks++) {
		struct task_plan *task = &p->task[p->tasks];
		snprintf(task->script, sizeof(task->script), "%s", j->scripts[p->tasks]);
		task->natural = j->natural[p->tasks];
		task->after = -1;
		task->attempts = j->attempts ? j->attempts : 1;
		task->directory = "/";
		task->timeout_s = strstr(task->script, "chat") ? 300 : j->timeout_s;
		world_plan_act(ACT_ADD, j->added_ms[p->tasks] * MS, p->tasks);
	}
	for (size_t i = 0; i < sizeof(j->acts) / sizeof(*j->acts); i++) {
		if (j->acts[i].act != ACT_NONE)
			world_plan_act(j->acts[i].act, j->acts[i].at_us * MS, j->acts[i].arg);
	}
}

/* ---- telling and comparing ------------------------------------------------------------------ */

static bool
tell(const struct journey *j, int fd)
{
	int status;
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0)
		die("cannot fork");
	if (pid == 0)
		exit(story_tell_journey(j, fd) ? 0 : 1);
	waitpid(pid, &status, 0);
	return status == 0;
}

bool
journey_check(const struct journey *j, bool write)
{
	char *kept = xasprintf("tests/sim/traces/%s.txt", j->name), *told = NULL;
	int fd = write ? open(kept, O_CREAT | O_TRUNC | O_WRONLY, 0644) : trace_open(&told);
	if (fd < 0)
		die("cannot write the trace of %s: run it where tests/ is", j->name);
	bool is_good = tell(j, fd);
	close(fd);
	if (!is_good)
		printf("FAILED: %s: %s\n", j->name, w->broken);
	fflush(stdout);
	if (told) {
		is_good = !trace_differs(kept, told) && is_good;
		unlink(told);
	}
	free(kept);
	free(told);
	return is_good;
}
