/*
 * The managed server: `opencode serve` as a process of its own, which survives vigil and is
 * found again. Knows nothing of tasks or tables: what must outlive us is handed to the caller
 * as a struct, and comes back in it.
 *
 * The order that leaves nothing unaccounted for: serve_prepare() (random nonce and password, the
 * password in a 0600 file that is synced); the caller commits the intent with the nonce;
 * serve_start() (fork); the caller commits pid and start time, and only then the child becomes the
 * server, with the nonce in its environment; `ready` tells the URL, after /proc has shown that the
 * listening socket belongs to the process we started; the caller commits it. After a crash anywhere
 * between, serve_find() finds the process by its nonce. Before another is started, serve_end() for
 * the old one, dead or not.
 */
#ifndef VIGIL_OPENCODE_SERVE_H
#define VIGIL_OPENCODE_SERVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/fault.h"

#define SERVE_NONCE_SIZE 33
#define SERVE_BOOT_SIZE 64

/* In the server's environment, and so in that of all it starts. Leading a session proves nothing
 * (the commands of OpenCode's agents do): the server is the one whose own pid the second holds. */
#define SERVE_NONCE_NAME "VIGIL_SERVER_NONCE"
#define SERVE_LEADER_NAME "VIGIL_SERVER_PID"
/* Whose it is, where a row no longer tells: the database's id, and its file, for a backup that is
 * put where the first was moved away from has the same id. */
#define SERVE_DATABASE_NAME "VIGIL_SERVER_DATABASE"
#define SERVE_PLACE_NAME "VIGIL_SERVER_PLACE"

#define SERVE_USER \
	"opencode" /* who has the password, whatever servers of one's own call theirs \
		    */

struct ev_loop;
struct serve;

/* What identifies a server process beyond doubt: pids repeat, pid and start time within one boot
 * do not. */
struct serve_process {
	pid_t pid;            /* 0: not known */
	uint64_t start_ticks; /* /proc/PID/stat, field 22 */
	char boot_id[SERVE_BOOT_SIZE];
	char nonce[SERVE_NONCE_SIZE]; /* VIGIL_SERVER_NONCE in its environment */
};

/* Between fork and exec: the process is known, and is not the server yet. False with a fault: it
 * never becomes one. */
typedef bool serve_forked(void *arg, const struct serve_process *, struct fault *);

/* Paths are the caller's, beside the database. */
struct serve_options {
	const char *command; /* "opencode", or a path; a relative one counts from `directory` */
	const char *password_file; /* 0600 */
	const char *log_file;      /* 0600; the server's output */
	const char *directory;     /* its working directory */
	const char *database;      /* the id of the database that it is for; NULL: of none */
	const char *place;         /* that database's file; NULL only with it */
	serve_forked *forked;      /* NULL: nobody wants to know */
	void *arg;
};

/* Fills in nonce and boot id; the pid is 0 until serve_start(). */
bool serve_prepare(const struct serve_options *, struct serve_process *, struct fault *);

/* Forks: own session and process group, descriptors closed, output to the log. Blocks no longer
 * than until the exec, and reports one that fails: FAULT_USAGE, the command cannot be run. */
bool serve_start(const struct serve_options *, struct serve_process *, struct fault *);

/* Is this very process alive? Also true for one known by nonce alone (pid 0), which is then looked
 * for in /proc and filled in. Reaps it if it is our child and has ended. After false there may
 * still be children it left behind, and where `command` is a wrapper, the server itself is one of
 * them: serve_end() ends these. */
bool serve_find(struct serve_process *);

/* A server that was started for the database with this id, at its place or at one that it has left,
 * other than the one known (NULL: whichever), or what such a one has left: its nonce, for
 * serve_end(). */
bool serve_find_stray(const char *database, const char *place, const struct serve_process *known,
    struct serve_process *stray);

/* Does this very process, or one of its session, listen at this URL? To be asked before a password
 * is sent to a URL that was remembered. Reads /proc alone. */
bool serve_listens(const struct serve_process *, const char *url);

/* Waits until the process (or one of its session) listens on loopback, by timer; then `ready` is
 * called once with the URL ("http://127.0.0.1:PORT"), or NULL and a sentence with the last lines
 * of its log when it has died or `deadline_ms` passed (it is not ended then). `ready` is not
 * called before serve_await() returned; the struct serve is gone after it. */
typedef void serve_ready(void *arg, const char *url, const char *sentence);
struct serve *serve_await(struct ev_loop *, const struct serve_options *,
    const struct serve_process *, int64_t deadline_ms, serve_ready *, void *arg);
/* Stops waiting, the process goes on. Silence afterwards. NULL is fine; so is calling it inside
 * `ready`, but not later. */
void serve_cancel(struct serve *);

/* The password; NULL with a fault, also when others may read the file. The caller frees with
 * secret_free. */
char *serve_password(const struct serve_options *, struct fault *);
/* The same of a server that is alive, which knows it without a file. */
char *serve_password_of(const struct serve_options *, const struct serve_process *, struct fault *);
/* Makes the file again, where it is gone, open to others, or has another password. */
bool serve_keep_password(const struct serve_options *, const char *password, struct fault *);

/* Ends the process that `serve_process` names, dead or alive, and all that goes with it: whatever
 * carries its nonce, in what session ever, so also what its agents have left in the background;
 * and, while it lives, what is of its session or descends from it. TERM, then KILL after grace_ms.
 * Blocks until all are gone, at most grace_ms + 2 s; false: some would not go. */
bool serve_end(const struct serve_process *, int64_t grace_ms);

#endif
