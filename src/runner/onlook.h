/*
 * What a process beside the runner knows of a task: how its row stands, and the way to the server
 * that has its session; and the loop in which it looks. For follow and attach.
 */
#ifndef VIGIL_RUNNER_ONLOOK_H
#define VIGIL_RUNNER_ONLOOK_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/task.h"
#include "opencode/serve.h"
#include "ops/handle.h"

/* The columns of the statements onlook and onlook_session, in the order of both. */
#define ONLOOK_COLUMNS(X) \
	X(STATUS, "status") \
	X(DIRECTORY, "directory") \
	X(ATTEMPT_ID, "attempt_id") \
	X(SESSION_ID, "session_id") \
	X(SERVER, "server") \
	X(URL, "url") \
	X(PID, "pid") /* from here on: managed_read_process() */ \
	X(PID_START, "pid_start") \
	X(BOOT_ID, "boot_id") \
	X(NONCE, "nonce")

enum onlook_column {
#define X(name, text) ONLOOK_##name,
	ONLOOK_COLUMNS(X)
#undef X
	    ONLOOK_COLUMN_COUNT
};

struct onlook {
	enum status status;
	int64_t attempt_id; /* 0: it was never claimed */
	char *directory;    /* of the task */
	char *session_id;   /* this and the rest: NULL while not known */
	char *server, *url;
	struct serve_process process; /* if it is the managed one */
};

/* False: the handle has the fault, FAULT_NOT_FOUND among them, and nothing is to be let go of. */
bool onlook_read(struct vigil *, int64_t task_id, struct onlook *);
void onlook_fini(struct onlook *);
/* Of a session that is no task's: where it should be, by what the database knows. Its status and
 * its directory are unknown. Without a server (onlook_has_session()) nobody knows. */
bool onlook_read_session(struct vigil *, const char *session_id, struct onlook *);

/* What an open task waits for, in words; NULL: nothing is in its way. False: the handle has the
 * fault. The caller frees. */
bool onlook_reason(struct vigil *, int64_t task_id, char **reason);

/* Is there a session, on a server with an address? */
bool onlook_has_session(const struct onlook *);

/* Who talks to the server; both NULL where it asks for nobody. */
struct onlook_key {
	const char *user; /* borrowed */
	char *password;
};

/* The managed server's password only once that very process was seen to listen there. False: it is
 * not there, or not yet. */
bool onlook_key(const struct vigil *, const struct onlook *, struct onlook_key *, struct fault *);
void onlook_key_fini(struct onlook_key *);

/* A loop of its own, in which `look` is called at once and then every so often. */
struct onlook_loop {
	struct ev_loop *loop;
	ev_timer look; /* its `data` is what was given */
	enum vigil_result result;
};

typedef void onlook_look(struct ev_loop *, ev_timer *, int revents);
void onlook_loop_init(struct onlook_loop *l, onlook_look *look, double every_s, void *data);
void onlook_loop_run(struct onlook_loop *); /* until: */
void onlook_loop_stop(struct onlook_loop *, enum vigil_result);
void onlook_loop_fini(struct onlook_loop *); /* after all that is in the loop */

#endif
