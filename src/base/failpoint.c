/*
 * Failpoints: see failpoint.h.
 */
#include "base/failpoint.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int failpoint_armed = FAILPOINT_NONE;

static long passings_left = 1;

static const char *const names[2 * FP_COUNT] = {
#define X(name, text) \
	[FAILPOINT_BEFORE(FP_##name)] = "before-" text, \
	[FAILPOINT_AFTER(FP_##name)] = "after-" text,
    FAILPOINT_LIST(X)
#undef X
};

static int
find_name(const char *name, size_t length)
{
	for (int i = 0; i < 2 * FP_COUNT; i++) {
		if (strlen(names[i]) == length && strncmp(names[i], name, length) == 0)
			return i;
	}
	return FAILPOINT_NONE;
}

bool
failpoint_arm(const char *setting, struct fault *fault)
{
	size_t length = strcspn(setting, ":");
	bool is_counted = setting[length] == ':';
	char *end = NULL;
	long passings = is_counted ? strtol(setting + length + 1, &end, 10) : 1;
	int found = find_name(setting, length);
	if (found == FAILPOINT_NONE || passings < 1 || (end && *end))
		return fault_set(fault, FAULT_USAGE,
		    "VIGIL_FAILPOINT=%s names no failpoint; VIGIL_FAILPOINT=list prints them",
		    setting);
	failpoint_armed = found;
	passings_left = passings;
	return true;
}

void
failpoint_print_names(void)
{
	for (int i = 0; i < 2 * FP_COUNT; i++)
		puts(names[i]);
}

void
failpoint_passed(int which)
{
	if (which != failpoint_armed || --passings_left > 0)
		return;
	kill(getpid(), SIGKILL);
	for (;;)
		pause(); /* nothing more happens, however late the signal is */
}
