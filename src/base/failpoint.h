/*
 * Failpoints: where a test has this program killed, as if by kill -9, to see that the next run
 * makes it good. Each step that outlives us (a commit, a request, a file, a process) has one before
 * and one after it. They are in every build, and cost a comparison.
 *
 *     VIGIL_FAILPOINT=before-commit-claim     dies at the first passing
 *     VIGIL_FAILPOINT=after-request-create:3  dies at the third
 *     VIGIL_FAILPOINT=list                    prints their names
 *
 * Simulations replace failpoint.c, and die at the n-th passing of any.
 *
 * Only the program arms them, not the library: who links it is not to die by our environment.
 */
#ifndef VIGIL_BASE_FAILPOINT_H
#define VIGIL_BASE_FAILPOINT_H

#include "base/fault.h"

/* Before a commit: all is written, nothing is kept. After a request: its answer has come, and
 * nobody has seen it. */
#define FAILPOINT_LIST(X) \
	X(MAKE_DATABASE, "make-database") \
	X(SIGN_DATABASE, "sign-database") \
	X(USE_WAL, "use-wal") \
	X(MIGRATION, "migration") \
	X(CHECKPOINT, "checkpoint") \
	X(RUN_BEGINNING, "run-beginning") \
	X(RUN_ENDING, "run-ending") \
	X(COMMIT_HOME, "commit-home") \
	X(COMMIT_ADD, "commit-add") \
	X(COMMIT_CLAIM, "commit-claim") \
	X(COMMIT_DELAYED, "commit-delayed") \
	X(COMMIT_CANCEL, "commit-cancel") \
	X(COMMIT_RETRY, "commit-retry") \
	X(COMMIT_HOLD, "commit-hold") \
	X(COMMIT_RELEASE, "commit-release") \
	X(COMMIT_COPIED, "commit-copied") \
	X(COMMIT_ABSENT, "commit-absent") \
	X(COMMIT_CHECKED, "commit-checked") \
	X(COMMIT_REFUSED, "commit-refused") \
	X(COMMIT_SESSION, "commit-session") \
	X(COMMIT_PROMPTED, "commit-prompted") \
	X(COMMIT_UNREACHABLE, "commit-unreachable") \
	X(COMMIT_BUSY, "commit-busy") \
	X(COMMIT_UNPROMPTED, "commit-unprompted") \
	X(COMMIT_UNANSWERED, "commit-unanswered") \
	X(COMMIT_ANSWERED, "commit-answered") \
	X(COMMIT_FAULTY, "commit-faulty") \
	X(COMMIT_LOOPING, "commit-looping") \
	X(COMMIT_GONE, "commit-gone") \
	X(COMMIT_STRANGER, "commit-stranger") \
	X(COMMIT_ABORTED, "commit-aborted") \
	X(COMMIT_ASK, "commit-ask") \
	X(COMMIT_DECIDED, "commit-decided") \
	X(COMMIT_REPLIED, "commit-replied") \
	X(COMMIT_ANSWER, "commit-answer") \
	X(COMMIT_PANE, "commit-pane") \
	X(COMMIT_OPENED, "commit-opened") \
	X(COMMIT_CLOSED, "commit-closed") \
	X(REQUEST_HEALTH, "request-health") \
	X(REQUEST_EVENTS, "request-events") \
	X(REQUEST_SEARCH, "request-search") \
	X(REQUEST_AGENTS, "request-agents") \
	X(REQUEST_MODELS, "request-models") \
	X(REQUEST_CREATE, "request-create") \
	X(REQUEST_PROMPT, "request-prompt") \
	X(REQUEST_STATUSES, "request-statuses") \
	X(REQUEST_SESSION, "request-session") \
	X(REQUEST_MESSAGES, "request-messages") \
	X(REQUEST_CHILDREN, "request-children") \
	X(REQUEST_ABORT, "request-abort") \
	X(REQUEST_DELETE, "request-delete") \
	X(REQUEST_PERMISSIONS, "request-permissions") \
	X(REQUEST_QUESTIONS, "request-questions") \
	X(REQUEST_PERMIT, "request-permit") \
	X(REQUEST_ANSWER, "request-answer") \
	X(PANE_OPEN, "pane-open") \
	X(PANE_CLOSE, "pane-close") \
	X(SERVER_GIVEN, "server-given") \
	X(SERVER_VERSION, "server-version") \
	X(SERVER_PASSWORD, "server-password") \
	X(SERVER_INTENT, "server-intent") \
	X(SERVER_START, "server-start") \
	X(SERVER_PID, "server-pid") \
	X(SERVER_URL, "server-url") \
	X(SERVER_END, "server-end") \
	X(SERVER_ENDED, "server-ended")

enum failpoint {
#define X(name, text) FP_##name,
	FAILPOINT_LIST(X)
#undef X
	    FP_COUNT
};

/* Which of the two kills; FAILPOINT_NONE as a rule. */
#define FAILPOINT_BEFORE(at) (2 * (int)(at))
#define FAILPOINT_AFTER(at) (2 * (int)(at) + 1)
#define FAILPOINT_NONE (-1)
extern int failpoint_armed;

/* As the environment says. False with a fault: it names none. */
bool failpoint_arm(const char *setting, struct fault *);

/* To standard output, a line each, in the order of the list. */
void failpoint_print_names(void);

void failpoint_passed(int which); /* dies, if this passing is the one */

static inline void
failpoint_before(enum failpoint at)
{
	if (failpoint_armed != FAILPOINT_NONE)
		failpoint_passed(FAILPOINT_BEFORE(at));
}

static inline void
failpoint_after(enum failpoint at)
{
	if (failpoint_armed != FAILPOINT_NONE)
		failpoint_passed(FAILPOINT_AFTER(at));
}

#endif
