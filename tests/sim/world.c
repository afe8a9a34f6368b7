/*
 * Time and chance, and what happens next in the world.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fault.h"
#include "life.h"

#define EPOCH_US (INT64_C(1769817600000) * MS) /* 2026-01-31T00:00:00Z */

struct world *w;

void
world_map(void)
{
	w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (w == MAP_FAILED)
		die("no memory for a world");
}

void
world_reset(uint64_t seed)
{
	int trace_fd = w->trace_fd;
	memset(w, 0, sizeof(*w));
	w->trace_fd = trace_fd;
	w->chance = seed;
	w->secrets = ~seed;
	w->wall_us = EPOCH_US;
	w->given = -1;
	w->dies_us = NEVER;
}

/* ---- chance --------------------------------------------------------------------------------- */

/* splitmix64 */
uint64_t
chance_next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

int64_t
world_upto(int64_t limit)
{
	return limit > 0 ? (int64_t)(chance_next(&w->chance) % (uint64_t)limit) : 0;
}

bool
world_happens(int in_1000)
{
	return world_upto(1000) < in_1000;
}

/* ---- time ----------------------------------------------------------------------------------- */

int64_t
world_wall_ms(void)
{
	return (w->now_us + w->wall_us) / MS;
}

bool
world_is_calm(void)
{
	return w->now_us >= w->plan.calm_us;
}

void
world_plan_act(enum act act, int64_t at_us, int64_t arg)
{
	for (int i = 0; i < MAX_ACTS; i++) {
		if (w->happening[i].act == ACT_NONE) {
			w->happening[i] = (struct happening){act, at_us, arg};
			return;
		}
	}
	die("more than %d acts are planned", MAX_ACTS);
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t
world_next_us(void)
{
	int64_t next = NEVER;
	for (int i = 0; i < MAX_REQUESTS; i++) {
		if (w->request[i].is_used)
			next = earlier(next, w->request[i].arrives_us);
	}
	for (int i = 0; i < MAX_TURNS; i++) {
		if (w->turn[i].phase != TURN_NONE)
			next = earlier(next, w->turn[i].at_us);
	}
	for (int i = 0; i < MAX_ACTS; i++) {
		if (w->happening[i].act != ACT_NONE)
			next = earlier(next, w->happening[i].at_us);
	}
	return next;
}

/* ---- what happens --------------------------------------------------------------------------- */

static void
arrive(struct request *request)
{
	struct request taken = *request;
	int process = taken.process;
	struct answer answer = {.type = ""};
	bool is_there = process_listens(process) && taken.fate != FATE_LOST;
	bool is_wanted = taken.call && taken.life == w->life && w->is_living;
	if (is_there && process_is_wedged(process)) {
		request->is_stuck = true;
		request->arrives_us = w->process[process].wedged_us;
		return;
	}
	request->is_used = false;
	if (is_there && (!taken.is_stuck || is_wanted))
		routes_answer(process, &taken, &answer);
	if (is_wanted)
		http_arrived(&taken, &answer);
	buf_free(&answer.body);
}

static void
server_away(int64_t ms)
{
	if (w->given < 0)
		return;
	process_kill(w->given);
	w->given = process_start(false, "", "", ms * MS);
}

static int
any_live_process(void)
{
	for (int i = w->process_count - 1; i >= 0; i--) {
		if (process_listens(i))
			return i;
	}
	return -1;
}

static void
disturb_all(void)
{
	for (int i = 0; i < w->plan.tasks; i++)
		w->plan.task[i].is_disturbed = true;
}

/* What is done to it is not vigil's doing, and may end its task otherwise. */
static int
any_session(void)
{
	int session = w->session_count ? (int)world_upto(w->session_count) : -1;
	if (session < 0 || !w->session[session].is_there)
		return -1;
	if (w->session[session].task < 0)
		disturb_all();
	else
		w->plan.task[w->session[session].task].is_disturbed = true;
	return session;
}

static void
kill_server(int64_t away_ms)
{
	int process = any_live_process();
	if (process < 0)
		return;
	if (process == w->given)
		server_away(away_ms);
	else
		process_kill(process);
}

static void
wedge_server(int64_t ms)
{
	int process = any_live_process();
	if (process >= 0)
		w->process[process].wedged_us = w->now_us + ms * MS;
}

static void
wipe_server(int64_t away_ms)
{
	disturb_all();
	kill_server(away_ms);
	opencode_wipe();
}

static void
change_session(enum act act)
{
	int session = any_session(), process = any_live_process();
	if (session < 0 || process < 0)
		return;
	if (act == ACT_DELETE_SESSION)
		session_delete(process, session);
	else
		turn_abort(process, session);
}

static void
happen(const struct happening *h)
{
	static const char *const words[ACTS] = {[ACT_KILL_SERVER] = "the server dies",
	    [ACT_WEDGE_SERVER] = "the server hangs",
	    [ACT_SERVER_AWAY] = "the server goes away",
	    [ACT_WIPE_SERVER] = "the server is wiped",
	    [ACT_DELETE_SESSION] = "somebody deletes a session",
	    [ACT_ABORT_SESSION] = "somebody aborts a session",
	    [ACT_CUT_STREAM] = "the event stream is cut",
	    [ACT_BREAK_STATUS] = "the status cannot be asked",
	    [ACT_SUSPEND] = "the machine sleeps",
	    [ACT_SET_CLOCK] = "somebody sets the clock"};
	if (words[h->act])
		trace("* %s (%lld)", words[h->act], (long long)h->arg);
	switch (h->act) {
	case ACT_KILL_SERVER:
	case ACT_SERVER_AWAY:
		kill_server(h->arg);
		break;
	case ACT_WEDGE_SERVER:
		wedge_server(h->arg);
		break;
	case ACT_WIPE_SERVER:
		wipe_server(h->arg);
		break;
	case ACT_DELETE_SESSION:
	case ACT_ABORT_SESSION:
		change_session(h->act);
		break;
	case ACT_CUT_STREAM:
		http_cut_streams();
		break;
	case ACT_BREAK_STATUS:
		w->broken_us = w->now_us + h->arg * MS;
		break;
	case ACT_SUSPEND:
	case ACT_SET_CLOCK:
		w->wall_us += h->arg * MS;
		break;
	case ACT_STOP_VIGIL:
	case ACT_KILL_VIGIL:
		life_act(h->act);
		break;
	default:
		people_act(h);
		break;
	}
}

/* The first that is due of each kind; more than one thing at a time happens in this order. */
void
world_run(void)
{
	for (int i = 0; i < MAX_REQUESTS; i++) {
		if (w->request[i].is_used && w->request[i].arrives_us <= w->now_us)
			arrive(&w->request[i]);
	}
	for (int i = 0; i < MAX_TURNS; i++) {
		if (w->turn[i].phase != TURN_NONE && w->turn[i].at_us <= w->now_us)
			turn_run(&w->turn[i]);
	}
	for (int i = 0; i < MAX_ACTS; i++) {
		struct happening now = w->happening[i];
		if (now.act == ACT_NONE || now.at_us > w->now_us)
			continue;
		w->happening[i].act = ACT_NONE;
		happen(&now);
	}
}

void
world_pass(int64_t us)
{
	int64_t end_us = w->now_us + us;
	for (;;) {
		int64_t next = world_next_us();
		if (next > end_us)
			break;
		if (next > w->now_us)
			w->now_us = next;
		world_run();
	}
	w->now_us = end_us;
}

void
broken(const char *format, ...)
{
	va_list args;
	if (!w->is_broken) {
		va_start(args, format);
		vsnprintf(w->broken, sizeof(w->broken), format, args);
		va_end(args);
		w->is_broken = true;
		trace("BROKEN: %s", w->broken);
	}
	if (w->is_living)
		_exit(LIFE_BROKEN);
}
