/*
 * The numbers decisions are made with, each with its reason.
 */
#ifndef VIGIL_CORE_POLICY_H
#define VIGIL_CORE_POLICY_H

#include <stdint.h>

/* Idle without an answer is believed after this long: a turn shows up in the status map up to a
 * second after its prompt was taken, later on a directory's first use. */
#define POLICY_GRACE_MS 10000

/* A running task is looked at this often even if nothing says that anything changed. */
#define POLICY_LOOK_MS 30000

/* A request can be under way when its sender dies: a session that is not found is searched for
 * twice, the second time after this long, before another is made. */
#define POLICY_SEARCHES 2
#define POLICY_SEARCH_AGAIN_MS 2000

#define POLICY_SENDS 3            /* of a prompt that never arrives */
#define POLICY_MISSES 3           /* "not found" in a row until a session counts as gone */
#define POLICY_MISS_MS 1000       /* between two of them */
#define POLICY_STOP_MS 60000      /* a stop that cannot be confirmed is final after this long */
#define POLICY_STOP_AGAIN_MS 1000 /* between two tries of a stop */

/* A server that was wiped, or another at its address: a person can put the right one back. Counted
 * while somebody looks. */
#define POLICY_STRANGER_MS (60 * 60 * 1000)

/* A prompt that was sent just before its abort can start its turn after it: the abort is repeated
 * until this long after the sending. */
#define POLICY_SETTLE_MS 3000

/* Waiting as long again as it has failed so far is doubling, from 1 s to 30 s: a function of two
 * times alone, so that it goes on over restarts. */
static inline int64_t
policy_backoff_ms(int64_t since_ms, int64_t now_ms)
{
	const int64_t first_ms = 1000, most_ms = 30000, failed_ms = now_ms - since_ms;
	if (failed_ms < first_ms)
		return first_ms;
	return failed_ms < most_ms ? failed_ms : most_ms;
}

#define POLICY_DELAY_MS (5 * 60 * 1000) /* of a task that cannot be started for now */
#define POLICY_RETRY_MOST_MS (5 * 60 * 1000)

/* Before the next attempt of a failed task: 5 s, doubling to 5 min. */
static inline int64_t
policy_retry_ms(int attempts_made)
{
	const int64_t most_ms = POLICY_RETRY_MOST_MS;
	int64_t wait_ms = 5000;
	for (int i = 1; i < attempts_made && wait_ms < most_ms; i++)
		wait_ms *= 2;
	return wait_ms < most_ms ? wait_ms : most_ms;
}

#endif
