/*
 * The simulation: many worlds, each by its seed, in which vigil's runner lives and dies in virtual
 * time. A seed that fails is told again, with all that happened.
 *
 *   SEEDS=100   how many       SEED=17   this one alone, with its trace
 *   FIRST=1     the first      KEEP=1    its database stays
 *
 * Before them come the journeys of golden.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "golden.h"

static long
setting(const char *name, long otherwise)
{
	const char *text = getenv(name);
	return text && *text ? strtol(text, NULL, 10) : otherwise;
}

/* In a process of its own: whatever it does to itself, the next one is told. */
static bool
tell(uint64_t seed, int trace_fd)
{
	int status;
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0)
		die("cannot fork");
	if (pid == 0)
		exit(story_tell(seed, trace_fd) ? 0 : 1);
	waitpid(pid, &status, 0);
	return status == 0;
}

/* The end of what happened is what is wanted. */
static void
tell_again(uint64_t seed)
{
	char *name;
	int fd = trace_open(&name);
	printf("FAILED: seed %llu: %s\n", (unsigned long long)seed, w->broken);
	(void)tell(seed, fd);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		execlp("tail", "tail", "-n", "120", name, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	printf("SEED=%llu repeats it\n", (unsigned long long)seed);
	unlink(name);
	free(name);
	close(fd);
}

/* Nothing but its seed makes a world: else no failure could be repeated. */
static bool
is_repeatable(uint64_t seed)
{
	char *once, *again;
	int first = trace_open(&once), second = trace_open(&again);
	(void)tell(seed, first);
	(void)tell(seed, second);
	close(first);
	close(second);
	bool is_so = !trace_differs(once, again);
	unlink(once);
	unlink(again);
	free(once);
	free(again);
	return is_so;
}

static void
count_one(bool is_good, long *passed, long *failed)
{
	*passed += is_good;
	*failed += !is_good;
}

int
main(void)
{
	long only = setting("SEED", -1), count = setting("SEEDS", 100), first = setting("FIRST", 1);
	long passed = 0, failed = 0;
	int64_t tasks = 0, lives = 0, crashes = 0, requests = 0;
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere", 1); /* no logind in these worlds */
	world_map();
	if (only >= 0) {
		bool is_good = tell((uint64_t)only, STDOUT_FILENO);
		printf("%d passed, %d failed\n", is_good, !is_good);
		return !is_good;
	}
	for (int i = 0; i < journey_count; i++)
		count_one(journey_check(&journeys[i], getenv("TRACES") != NULL), &passed, &failed);
	count_one(is_repeatable(1), &passed, &failed);
	for (long seed = first; seed < first + count && failed < 5; seed++) {
		bool is_good = tell((uint64_t)seed, -1);
		count_one(is_good, &passed, &failed);
		tasks += w->plan.tasks;
		lives += w->total_lives;
		crashes += w->total_crashes;
		requests += w->total_requests;
		if (!is_good)
			tell_again((uint64_t)seed);
	}
	printf("%lld tasks, %lld lives, %lld of them cut short, %lld requests\n", (long long)tasks,
	    (long long)lives, (long long)crashes, (long long)requests);
	printf("%ld passed, %ld failed\n", passed, failed);
	return failed != 0;
}
