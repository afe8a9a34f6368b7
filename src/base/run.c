/*
 * See run.h. What the program has started may hold the pipe open when the program itself has long
 * ended: both ends are watched, in slices of time.
 */
#include "base/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum { SLICE_MS = 20, OUTPUT_LIMIT = 1 << 20 };

extern char **environ;

struct run {
	const char *name;
	pid_t pid;
	int output;
	bool is_open, has_ended;
	int status;
};

/* A group of its own, no signal blocked or ignored, no terminal. An errno; 0: it runs. */
static int
spawn(struct run *run, const char *const *argv, int output)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, ignored;

	sigemptyset(&none);
	sigemptyset(&ignored);
	sigaddset(&ignored, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &ignored);
	posix_spawnattr_setflags(
	    &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	int error = posix_spawnp(
	    &run->pid, argv[0], &actions, &attributes, (char *const *)(const void *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return error;
}

static bool
begin(struct run *run, const char *const *argv, struct fault *fault)
{
	int ends[2];

	if (pipe(ends) != 0)
		return fault_set(fault, FAULT_ENV, "cannot run %s: %s", run->name, strerror(errno));
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	int error = spawn(run, argv, ends[1]);
	close(ends[1]);
	run->output = ends[0];
	run->is_open = true;
	if (error == ENOENT)
		return fault_set(fault, FAULT_NOT_FOUND, "%s is not found", run->name);
	return error == 0 ||
	       fault_set(fault, FAULT_ENV, "cannot run %s: %s", run->name, strerror(error));
}

/* Waits for a slice of time at most. */
static void
read_some(struct run *run, int wait_ms, struct buf *out)
{
	struct pollfd poll_for = {.fd = run->is_open ? run->output : -1, .events = POLLIN};
	char bytes[4096];

	if (poll(&poll_for, 1, wait_ms) <= 0)
		return;
	ssize_t count = read(run->output, bytes, sizeof(bytes));
	if (count > 0)
		buf_add(out, bytes, (size_t)count);
	else if (count == 0 || errno != EINTR)
		run->is_open = false;
}

static void
look_for_end(struct run *run)
{
	pid_t waited = waitpid(run->pid, &run->status, WNOHANG);

	run->has_ended = waited == run->pid || (waited < 0 && errno != EINTR);
}

static void
end_all(struct run *run)
{
	kill(-run->pid, SIGKILL);
	while (!run->has_ended && waitpid(run->pid, &run->status, 0) < 0 && errno == EINTR)
		;
}

/* What is in the pipe when it has ended is all there is. */
static void
drain(struct run *run, struct buf *out)
{
	size_t before;

	do {
		before = out->len;
		read_some(run, 0, out);
	} while (run->is_open && out->len > before && out->len <= OUTPUT_LIMIT);
}

static bool
finish(struct run *run, int deadline_ms, struct buf *out, struct fault *fault)
{
	int64_t end_ms = clock_monotonic_ms() + deadline_ms;

	while (!run->has_ended && out->len <= OUTPUT_LIMIT && clock_monotonic_ms() < end_ms) {
		read_some(run, SLICE_MS, out);
		look_for_end(run);
	}
	if (!run->has_ended) {
		end_all(run);
		return out->len > OUTPUT_LIMIT
			   ? fault_set(fault, FAULT_ENV, "%s does not stop printing", run->name)
			   : fault_set(fault, FAULT_TIMEOUT, "%s did not end within %ds", run->name,
				 (deadline_ms + 999) / 1000);
	}
	drain(run, out);
	if (WIFSIGNALED(run->status))
		return fault_set(fault, FAULT_ENV, "%s was ended by signal %d", run->name,
		    WTERMSIG(run->status));
	return WEXITSTATUS(run->status) == 0 ||
	       fault_set(fault, FAULT_ENV, "%s ended with status %d", run->name,
		   WEXITSTATUS(run->status));
}

bool
run_capture(const char *const *argv, int deadline_ms, struct buf *out, struct fault *fault)
{
	struct run run = {.name = argv[0]};
	bool done = begin(&run, argv, fault) && finish(&run, deadline_ms, out, fault);

	if (run.is_open || run.output > 0)
		close(run.output);
	return done;
}
