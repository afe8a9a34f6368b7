/*
 * The reading of clocks: see clock.h. In simulations this file is replaced.
 */
#include "base/clock.h"

#include <time.h>

static int64_t
read_clock(clockid_t which)
{
	struct timespec now;

	clock_gettime(which, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
clock_now_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t
clock_monotonic_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}
