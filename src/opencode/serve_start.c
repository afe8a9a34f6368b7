/*
 * Starting the managed server: fork and exec. Only what must happen in the child is done there;
 * everything that can fail for want of something is made before.
 */
#include "opencode/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/environment.h"
#include "base/failpoint.h"
#include "base/process.h"
#include "base/secret.h"
#include "opencode/serve_find.h"
#include "opencode/serve_log.h"

#define USER_NAME "OPENCODE_SERVER_USERNAME"

extern char **environ;

enum step { STEP_DESCRIPTORS, STEP_DIRECTORY, STEP_EXEC };

struct failure {
	enum step step;
	int error;
};

/* All that the child needs, made before the fork. Its descriptors are above 3. */
struct launch {
	char *argv[7];
	char **env;
	char *leader_digits; /* in env, behind "VIGIL_SERVER_PID=" */
	const char *directory;
	int null, log, status; /* status: written to if the exec fails, else closed by it */
	int word[2];           /* a pipe: the child waits for a byte, and ends without one */
	int highest;
};

static void
make_environment(struct launch *launch, const struct serve_options *options, const char *nonce,
    const char *password)
{
	/* Not handed down: ours replace them (vigil itself may run below another's server), and
	 * what a service manager waits to hear from vigil, nobody below it is to say. */
	static const char *const kept_back[] = {SERVE_NONCE_NAME, SERVE_LEADER_NAME,
	    SERVE_DATABASE_NAME, SERVE_PLACE_NAME, USER_NAME, SERVE_PASSWORD_NAME, "NOTIFY_SOCKET",
	    "WATCHDOG_PID", "WATCHDOG_USEC", NULL};
	size_t used;
	launch->env = environment_copy(kept_back, 6, &used);
	if (options->database) {
		launch->env[used++] = xasprintf(SERVE_DATABASE_NAME "=%s", options->database);
		launch->env[used++] = xasprintf(SERVE_PLACE_NAME "=%s", options->place);
	}
	launch->env[used++] = xasprintf(SERVE_NONCE_NAME "=%s", nonce);
	launch->env[used++] = xasprintf(USER_NAME "=" SERVE_USER);
	launch->env[used++] = xasprintf(SERVE_PASSWORD_NAME "=%s", password);
	launch->env[used] = xasprintf(SERVE_LEADER_NAME "=%020d", 0); /* room for the digits */
	launch->leader_digits = launch->env[used] + strlen(SERVE_LEADER_NAME "=");
}

static void
free_environment(struct launch *launch)
{
	for (size_t i = 0; launch->env[i] != NULL; i++)
		secret_free(launch->env[i]); /* one of them is the password */
	free(launch->env);
}

/* snprintf is not safe after a fork. */
static void
put_digits(char *out, long value)
{
	size_t length = 1;
	for (long rest = value / 10; rest > 0; rest /= 10)
		length++;
	out[length] = '\0';
	for (; length > 0; value /= 10)
		out[--length] = (char)('0' + value % 10);
}

static bool
place_descriptors(const struct launch *launch)
{
	if (dup2(launch->null, 0) < 0 || dup2(launch->log, 1) < 0 || dup2(launch->log, 2) < 0 ||
	    dup2(launch->status, 3) < 0 || fcntl(3, F_SETFD, FD_CLOEXEC) < 0)
		return false;
	process_close_from(4, launch->highest);
	return true;
}

/* The parent has committed who we are. If it has died instead, nobody would ever find us. */
static bool
await_word(const struct launch *launch)
{
	char word;
	ssize_t n;
	close(launch->word[1]); /* or it would never end */
	while ((n = read(launch->word[0], &word, 1)) < 0 && errno == EINTR)
		;
	return n == 1;
}

/* The child, between fork and exec: async-signal-safe calls alone (glibc's execvp allocates
 * nothing). */
static _Noreturn void
become_server(const struct launch *launch)
{
	int status = launch->status;
	struct failure failure = {.step = STEP_DESCRIPTORS};
	setsid(); /* a terminal's end must not reach it; a process just forked leads no group */
	put_digits(launch->leader_digits, (long)getpid());
	process_default_signals();
	if (!await_word(launch))
		_exit(0);
	if (place_descriptors(launch)) {
		status = 3;
		failure.step = STEP_DIRECTORY;
		if (chdir(launch->directory) == 0) {
			failure.step = STEP_EXEC;
			environ = launch->env;
			execvp(launch->argv[0], launch->argv);
		}
	}
	failure.error = errno;
	/* Nothing can be done about a write that fails: then it looks like a server that ended. */
	ssize_t n = write(status, &failure, sizeof failure);
	_exit(n < 0 ? 126 : 127);
}

static bool
say_failure(const struct serve_options *options, const struct failure *failure, struct fault *fault)
{
	if (failure->step == STEP_DIRECTORY)
		return fault_set(fault, FAULT_ENV, "cannot start the server in %s: %s",
		    options->directory, strerror(failure->error));
	if (failure->step == STEP_EXEC)
		return fault_set(fault, FAULT_USAGE,
		    "cannot run `%s`: %s (set server.command in the configuration, or install it: "
		    "npm install -g opencode-ai)",
		    options->command, strerror(failure->error));
	return fault_set(fault, FAULT_ENV, "cannot start the server: %s", strerror(failure->error));
}

/* Waits for the exec: the pipe ends with it, or tells why there is none (in one write, so in one
 * read). */
static bool
await_exec(const struct serve_options *options, pid_t pid, int status_pipe, struct fault *fault)
{
	struct failure failure;
	ssize_t n;
	while ((n = read(status_pipe, &failure, sizeof failure)) < 0 && errno == EINTR)
		;
	if (n != (ssize_t)sizeof failure)
		return true;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return say_failure(options, &failure, fault);
}

/* Moves it out of the way of 0 to 3, where the child puts its own. -1 stays -1. */
static int
raise_descriptor(int fd)
{
	if (fd < 0)
		return -1;
	int raised = fcntl(fd, F_DUPFD_CLOEXEC, 4);
	int saved = errno;
	close(fd);
	errno = saved;
	return raised;
}

static void
close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

static bool
identify(pid_t pid, struct serve_process *process, struct fault *fault)
{
	struct process_stat child;
	/* Our child and not yet reaped: its entry is there, dead or alive. */
	if (!process_stat(pid, &child))
		return fault_set(fault, FAULT_ENV, "cannot read /proc/%ld/stat", (long)pid);
	process->pid = pid;
	process->start_ticks = child.start_ticks;
	process_boot_id(process->boot_id, sizeof process->boot_id);
	return true;
}

static bool
give_word(int word_pipe, struct fault *fault)
{
	ssize_t n;
	while ((n = write(word_pipe, "", 1)) < 0 && errno == EINTR)
		;
	/* No SIGPIPE: our own end to read from is open. */
	return n == 1 ||
	       fault_set(fault, FAULT_ENV, "cannot start the server: %s", strerror(errno));
}

/* The child is told to go on once its identity is taken, and kept. */
static bool
let_go_on(const struct serve_options *options, pid_t pid, const struct launch *launch,
    struct serve_process *process, struct fault *fault)
{
	return identify(pid, process, fault) &&
	       (!options->forked || options->forked(options->arg, process, fault)) &&
	       give_word(launch->word[1], fault);
}

static void
kill_child(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Forks with the descriptors given, and takes the child's identity. */
static bool
launch_server(const struct serve_options *options, struct launch *launch, int status_pipe,
    struct serve_process *process, struct fault *fault)
{
	launch->highest = process_highest_descriptor();
	failpoint_before(FP_SERVER_START);
	pid_t pid = process_fork();
	if (pid == 0)
		become_server(launch);
	failpoint_after(FP_SERVER_START); /* it may not have come to its exec yet */
	if (pid < 0)
		return fault_set(fault, FAULT_ENV, "cannot start the server: %s", strerror(errno));
	close(launch->status);
	launch->status = -1;
	bool started = let_go_on(options, pid, launch, process, fault);
	if (started)
		started = await_exec(options, pid, status_pipe, fault);
	else
		kill_child(pid);
	if (!started) {
		process->pid = 0;
		process->start_ticks = 0;
	}
	return started;
}

/* Everything the child's descriptors are made of. False with a fault. */
static bool
open_descriptors(const struct serve_options *options, const char *nonce, struct launch *launch,
    int *status_pipe, struct fault *fault)
{
	int ends[2];
	int log = serve_log_open(options->log_file, nonce, fault);
	if (log < 0)
		return false;
	launch->log = raise_descriptor(log);
	launch->null = raise_descriptor(open("/dev/null", O_RDWR | O_CLOEXEC));
	if (pipe(ends) == 0) {
		*status_pipe = raise_descriptor(ends[0]);
		launch->status = raise_descriptor(ends[1]);
	}
	if (pipe(ends) == 0) {
		launch->word[0] = raise_descriptor(ends[0]);
		launch->word[1] = raise_descriptor(ends[1]);
	}
	if (launch->log >= 0 && launch->null >= 0 && *status_pipe >= 0 && launch->status >= 0 &&
	    launch->word[0] >= 0 && launch->word[1] >= 0)
		return true;
	return fault_set(fault, FAULT_ENV, "cannot start the server: %s", strerror(errno));
}

bool
serve_start(const struct serve_options *options, struct serve_process *process, struct fault *fault)
{
	char *password = serve_password(options, fault);
	if (password == NULL)
		return false;
	int status_pipe = -1;
	struct launch launch = {
	    .argv = {(char *)options->command, (char *)"serve", (char *)"--port", (char *)"0",
		(char *)"--hostname", (char *)"127.0.0.1", NULL},
	    .directory = options->directory,
	    .log = -1,
	    .null = -1,
	    .status = -1,
	    .word = {-1, -1}};
	make_environment(&launch, options, process->nonce, password);
	secret_free(password);
	bool started = open_descriptors(options, process->nonce, &launch, &status_pipe, fault) &&
		       launch_server(options, &launch, status_pipe, process, fault);
	close_if_open(launch.log);
	close_if_open(launch.null);
	close_if_open(launch.status);
	close_if_open(launch.word[0]);
	close_if_open(launch.word[1]);
	close_if_open(status_pipe);
	free_environment(&launch);
	return started;
}
