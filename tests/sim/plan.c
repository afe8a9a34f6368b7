/*
 * What a seed means: the tasks, how their models behave, the configuration, and what goes wrong
 * when. After `calm_us` nothing goes wrong any more, and all of it must come to an end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fault.h"
#include "world.h"

#define COUNT(array) ((int64_t)(sizeof(array) / sizeof(*(array))))

/* ---- tasks ---------------------------------------------------------------------------------- */

struct ending {
	const char *verb, *natural;
	int weight;
};

static const struct ending endings[] = {{"say", "completed", 60}, {"empty", "empty", 4},
    {"length", "agent", 4}, {"error", "agent", 6}, {"unknown", "agent", 4}, {"mute", "stalled", 4},
    {"chat", "timeout", 6}, {"question", "rejected", 6}};

static const struct ending *
choose_ending(void)
{
	int64_t at = world_upto(94);
	size_t i = 0;
	while (at >= endings[i].weight)
		at -= endings[i++].weight;
	return &endings[i];
}

static int
choose_ms(void)
{
	static const int scales[] = {20, 300, 3000, 30000, 200000};
	return 1 + (int)world_upto(scales[world_upto(COUNT(scales))]);
}

static void
write_script(struct task_plan *task)
{
	static const char *const verbs[] = {
	    "work", "work", "work", "ask", "sub", "compact", "retry"};
	const struct ending *ending = choose_ending();
	size_t used = 0;
	for (int64_t steps = world_upto(5); steps; steps--)
		used += (size_t)snprintf(task->script + used, sizeof(task->script) - used, " %s:%d",
		    verbs[world_upto(COUNT(verbs))], choose_ms());
	bool is_question = strcmp(ending->verb, "question") == 0;
	snprintf(task->script + used, sizeof(task->script) - used, " %s:%d%s", ending->verb,
	    choose_ms(), is_question ? " say:10" : "");
	task->natural = ending->natural;
	if (strcmp(ending->verb, "chat") == 0)
		task->timeout_s = 600 + (int)world_upto(600);
	if (is_question && strcmp(w->plan.on_ask, "reject") != 0)
		task->natural = "completed";
	if (is_question && strcmp(w->plan.on_ask, "hold") == 0)
		task->is_disturbed = true; /* a person answers it as they like */
}

static void
plan_task(int number)
{
	static const char *const places[] = {"/", "/", "/usr", "/tmp"};
	struct task_plan *task = &w->plan.task[number];
	bool by_hand = world_happens(250);
	write_script(task);
	task->attempts = world_happens(250) ? 2 : 1;
	task->directory = places[world_upto(COUNT(places))];
	task->after = number && !by_hand && world_happens(150) ? (int)world_upto(number) : -1;
	world_plan_act(by_hand ? ACT_ADD_BY_HAND : ACT_ADD,
	    w->now_us + (world_happens(500) ? 0 : world_upto(w->plan.calm_us)), number);
}

/* ---- what goes wrong ------------------------------------------------------------------------ */

static void
plan_act(enum act act)
{
	int64_t at_us = w->now_us + world_upto(w->plan.calm_us - w->now_us), arg = 0;
	if (act == ACT_KILL_SERVER || act == ACT_SERVER_AWAY || act == ACT_WIPE_SERVER)
		arg = world_upto(world_happens(300) ? 600000 : 5000);
	if (act == ACT_WEDGE_SERVER)
		arg = world_upto(world_happens(300) ? 900000 : 10000);
	if (act == ACT_SUSPEND)
		arg = world_upto(8 * 3600000);
	if (act == ACT_SET_CLOCK)
		arg = world_upto(2 * 3600000) - 3600000;
	if (act == ACT_LOCK)
		world_plan_act(ACT_UNLOCK, at_us + world_upto(20 * SECOND), 0);
	world_plan_act(act, at_us, arg);
}

static void
plan_acts(void)
{
	static const enum act often[] = {ACT_KILL_SERVER, ACT_KILL_SERVER, ACT_SERVER_AWAY,
	    ACT_WEDGE_SERVER, ACT_CUT_STREAM, ACT_SUSPEND, ACT_SET_CLOCK, ACT_ANSWER, ACT_ANSWER,
	    ACT_CANCEL, ACT_CANCEL_BY_HAND, ACT_RETRY, ACT_RETRY, ACT_HOLD, ACT_RELEASE,
	    ACT_EDIT_BY_HAND, ACT_EDIT_BY_HAND, ACT_LOCK, ACT_KILL_VIGIL};
	static const enum act seldom[] = {
	    ACT_WIPE_SERVER, ACT_DELETE_SESSION, ACT_DELETE_SESSION, ACT_ABORT_SESSION};
	for (int64_t acts = world_upto(20); acts; acts--)
		plan_act(often[world_upto(COUNT(often))]);
	for (int64_t acts = world_upto(8) - 4; acts > 0; acts--)
		plan_act(seldom[world_upto(COUNT(seldom))]);
}

static void
plan_wire(struct plan *p)
{
	static const int latencies[] = {1, 5, 50, 400, 1500};
	int level = (int)world_upto(4);
	p->latency_ms = latencies[world_upto(COUNT(latencies))];
	p->slow = level * (int)world_upto(8);
	p->lost = level * (int)world_upto(8);
	p->cut = level * (int)world_upto(15);
	p->bad = level * (int)world_upto(15);
	p->deaf = level * (int)world_upto(120);
}

static void
plan_configuration(struct plan *p)
{
	static const char *const on_asks[] = {"reject", "once", "hold"};
	static const char *const stalls[] = {"45m", "20m"};
	static const char *const others[] = {"restart", "hold", "fail"};
	p->is_managed = world_happens(500);
	p->parallel = 1 + (int)world_upto(6);
	p->max_resumes = 100;
	p->on_ask = on_asks[world_upto(3)];
	p->stall = stalls[world_upto(2)];
	p->on_interrupt = world_happens(850) ? "resume" : others[world_upto(3)];
}

/* In the end somebody looks after all that waits for a person. */
static void
plan_calm(const struct plan *p)
{
	for (int i = 0; i < p->tasks; i++)
		world_plan_act(ACT_RELEASE, p->calm_us + (i + 30) * SECOND, i + 1);
	world_plan_act(ACT_ANSWER, p->calm_us + SECOND, 0);
}

void
plan_seed(void)
{
	struct plan *p = &w->plan;
	plan_configuration(p);
	plan_wire(p);
	p->calm_us = w->now_us + 20 * SECOND + world_upto(20 * MINUTE);
	p->tasks = 2 + (int)world_upto(10);
	p->crash_passings = world_happens(700) ? 20 + (int)world_upto(400) : 0;
	for (int i = 0; i < p->tasks; i++) {
		plan_task(i);
		p->task[i].is_disturbed |= strcmp(p->on_interrupt, "resume") != 0;
	}
	plan_acts();
	plan_calm(p);
}

void
plan_write_config(void)
{
	const struct plan *p = &w->plan;
	char *config = xasprintf(
	    "{\"limits\": {\"parallel\": %d}, \"task\": {\"max_resumes\": %d, \"stall\": \"%s\", "
	    "\"on_interrupt\": \"%s\"}, \"permissions\": {\"on_ask\": \"%s\", \"on_question\": "
	    "\"%s\"}}\n",
	    p->parallel, p->max_resumes, p->stall, p->on_interrupt, p->on_ask, p->on_ask);
	FILE *file = fopen(w->config, "w");
	if (!file || fputs(config, file) < 0 || fclose(file) != 0)
		die("cannot write %s", w->config);
	free(config);
}
