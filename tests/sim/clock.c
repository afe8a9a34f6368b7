/*
 * Clocks, chance and death in the place of the system's: src/base/clock.c and failpoint.c, and what
 * SQLite and others ask the C library. The database need not survive the machine here, so nothing
 * is synced.
 */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "life.h"
#include "world.h"

int64_t
clock_now_ms(void)
{
	return world_wall_ms();
}

int64_t
clock_monotonic_ms(void)
{
	return w->now_us / MS;
}

/* The C library's names begin with underscores.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

/* SQLite's 'now'. */
int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	int64_t us = w->now_us + w->wall_us;
	(void)zone;
	now->tv_sec = us / SECOND;
	now->tv_usec = us % SECOND;
	return 0;
}

/* Whoever waits for a lock that is held here waits in vain: nothing happens meanwhile. */
int
nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)left;
	w->now_us += time->tv_sec * SECOND + time->tv_nsec / 1000;
	return 0;
}

int
usleep(useconds_t us)
{
	w->now_us += us;
	return 0;
}

/* A sanitizer asks before there is a world. */
ssize_t
getrandom(void *out, size_t count, unsigned int flags)
{
	static uint64_t before_all;
	uint64_t *state = w ? &w->secrets : &before_all;
	(void)flags;
	for (size_t i = 0; i < count; i++)
		((unsigned char *)out)[i] = (unsigned char)(chance_next(state) >> 24);
	return (ssize_t)count;
}

int
fsync(int fd)
{
	(void)fd;
	return 0;
}

int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* ---- failpoints ----------------------------------------------------------------------------- */

int failpoint_armed = FAILPOINT_NONE;

static const char *const names[2 * FP_COUNT] = {
#define X(name, text) \
	[FAILPOINT_BEFORE(FP_##name)] = "before-" text, \
	[FAILPOINT_AFTER(FP_##name)] = "after-" text,
    FAILPOINT_LIST(X)
#undef X
};

/* In a life that is to die here, every one counts. */
void
failpoint_passed(int which)
{
	bool is_named = w->dies_at && strcmp(w->dies_at, names[which]) == 0;
	if (is_named || (w->passings && --w->passings == 0))
		life_die(names[which]);
}
