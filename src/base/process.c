/*
 * Other processes, as /proc shows them, and what it takes to start one.
 */
#define _DEFAULT_SOURCE /* syscall() */

#include "base/process.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"

#define PATH_ROOM 64
#define TCP_LISTEN 0x0A

/* A file of /proc has no size to ask for: read it to its end. */
static bool
slurp(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	char chunk[8192];
	ssize_t n;
	while ((n = read(fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			buf_add(out, chunk, (size_t)n);
	close(fd);
	return n == 0;
}

bool
process_stat(pid_t pid, struct process_stat *out)
{
	char path[PATH_ROOM];
	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	struct buf text = {0};
	long parent = 0, session = 0;
	char state = 0;
	int threads = 0;
	uint64_t start = 0;
	/* The name in parentheses may hold anything, parentheses and spaces too. */
	const char *rest = pid > 0 && slurp(path, &text) ? strrchr(buf_text(&text), ')') : NULL;
	int found = rest == NULL ? 0
				 : sscanf(rest,
				       ") %c %ld %*d %ld %*d %*d %*u %*u %*u %*u %*u %*u %*u"
				       " %*d %*d %*d %*d %d %*d %" SCNu64,
				       &state, &parent, &session, &threads, &start);
	buf_free(&text);
	if (found != 5)
		return false;
	*out = (struct process_stat){.pid = pid,
	    .parent = (pid_t)parent,
	    .session = (pid_t)session,
	    .state = state,
	    .threads = threads,
	    .start_ticks = start};
	return true;
}

bool
process_can_look(void)
{
	struct process_stat self;
	return process_stat(getpid(), &self);
}

bool
process_lives(const struct process_stat *process)
{
	return (process->state != 'Z' && process->state != 'X') || process->threads > 1;
}

static int
by_pid(const void *a, const void *b)
{
	const struct process_stat *left = a, *right = b;
	return (left->pid > right->pid) - (left->pid < right->pid);
}

size_t
process_list(struct process_stat **list)
{
	*list = NULL;
	DIR *dir = opendir("/proc");
	if (dir == NULL)
		return 0;
	size_t count = 0, room = 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (count == room) {
			room = room == 0 ? 256 : 2 * room;
			*list = xrealloc(*list, room * sizeof **list);
		}
		if (process_stat((pid_t)strtol(entry->d_name, NULL, 10), &(*list)[count]))
			count++;
	}
	closedir(dir);
	if (count > 0)
		qsort(*list, count, sizeof **list, by_pid);
	return count;
}

const struct process_stat *
process_in_list(const struct process_stat *list, size_t count, pid_t pid)
{
	struct process_stat wanted = {.pid = pid};
	return count == 0 ? NULL : bsearch(&wanted, list, count, sizeof *list, by_pid);
}

void
process_boot_id(char *out, size_t size)
{
	struct buf text = {0};
	if (!slurp("/proc/sys/kernel/random/boot_id", &text))
		buf_clear(&text);
	snprintf(out, size, "%.*s", (int)strcspn(buf_text(&text), "\n"), buf_text(&text));
	buf_free(&text);
}

char *
process_environ(pid_t pid, const char *name)
{
	char path[PATH_ROOM];
	snprintf(path, sizeof path, "/proc/%ld/environ", (long)pid);
	struct buf text = {0};
	char *value = NULL;
	size_t length = strlen(name);
	if (slurp(path, &text) && text.len > 0) {
		/* NUL-separated, and the buffer ends in one more. */
		for (const char *p = text.data; p < text.data + text.len && value == NULL;
		     p += strlen(p) + 1)
			if (strncmp(p, name, length) == 0 && p[length] == '=')
				value = xstrdup(p + length + 1);
	}
	buf_free(&text);
	return value;
}

bool
process_signal(pid_t pid, uint64_t start_ticks, int signal_number)
{
	int fd = -1;
#ifdef SYS_pidfd_open
	/* Opened first, compared then: from here on the descriptor is that process or nobody. */
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
#endif
	struct process_stat now;
	bool same = process_stat(pid, &now) && now.start_ticks == start_ticks;
	bool sent = false;
#ifdef SYS_pidfd_send_signal
	if (same && fd >= 0)
		sent = syscall(SYS_pidfd_send_signal, fd, signal_number, NULL, 0) == 0;
#endif
	if (same && fd < 0)
		sent = kill(pid, signal_number) == 0;
	if (fd >= 0)
		close(fd);
	return sent;
}

/* The kernel prints an address as 32-bit words in its own byte order. */
static uint32_t
word_at(const char *hex, size_t word)
{
	char digits[9] = {0};
	memcpy(digits, hex + 8 * word, 8);
	return ntohl((uint32_t)strtoul(digits, NULL, 16));
}

static bool
is_loopback(const char *hex, bool *v6)
{
	static const uint32_t v4_loopback = 0x7F000001;
	*v6 = false;
	if (strlen(hex) == 8)
		return word_at(hex, 0) == v4_loopback;
	if (strlen(hex) != 32 || word_at(hex, 0) != 0 || word_at(hex, 1) != 0)
		return false;
	*v6 = word_at(hex, 2) == 0;
	return *v6 ? word_at(hex, 3) == 1
		   : word_at(hex, 2) == 0xFFFF && word_at(hex, 3) == v4_loopback;
}

static bool
parse_listener(const char *line, struct process_listener *out)
{
	char address[33];
	unsigned port, state;
	*out = (struct process_listener){0};
	if (sscanf(line, " %*d: %32[0-9A-F]:%4x %*[0-9A-F]:%*x %2x %*s %*s %*s %*u %*u %" SCNu64,
		address, &port, &state, &out->inode) != 4)
		return false; /* the heading */
	out->port = (uint16_t)port;
	return state == TCP_LISTEN && out->inode != 0 && is_loopback(address, &out->v6);
}

static void
add_listeners(const char *path, struct process_listener **list, size_t *count)
{
	struct buf text = {0};
	slurp(path, &text); /* what could be read; there may be no IPv6 */
	char *rest = NULL;
	char *line = text.data == NULL ? NULL : strtok_r(text.data, "\n", &rest);
	for (; line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		struct process_listener found;
		if (!parse_listener(line, &found))
			continue;
		*list = xrealloc(*list, (*count + 1) * sizeof **list);
		(*list)[(*count)++] = found;
	}
	buf_free(&text);
}

size_t
process_listeners(struct process_listener **list)
{
	size_t count = 0;
	*list = NULL;
	add_listeners("/proc/net/tcp", list, &count);
	add_listeners("/proc/net/tcp6", list, &count);
	return count;
}

bool
process_owns(pid_t pid, uint64_t inode)
{
	char path[PATH_ROOM], wanted[PATH_ROOM], target[PATH_ROOM];
	snprintf(path, sizeof path, "/proc/%ld/fd", (long)pid);
	snprintf(wanted, sizeof wanted, "socket:[%" PRIu64 "]", inode);
	DIR *dir = opendir(path);
	if (dir == NULL)
		return false;
	bool found = false;
	for (struct dirent *entry; !found && (entry = readdir(dir)) != NULL;) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		found = strcmp(target, wanted) == 0;
	}
	closedir(dir);
	return found;
}

pid_t
process_fork(void)
{
	sigset_t all, before;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	int saved = errno;
	if (pid != 0)
		sigprocmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return pid;
}

void
process_default_signals(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	for (int number = 1; number <= SIGRTMAX; number++)
		sigaction(number, &action, NULL); /* the kernel's and libc's own refuse */
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int
process_highest_descriptor(void)
{
	int highest = 2;
	DIR *dir = opendir("/proc/self/fd");
	if (dir == NULL)
		return (int)sysconf(_SC_OPEN_MAX) - 1;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		int fd = (int)strtol(entry->d_name, NULL, 10);
		if (fd > highest)
			highest = fd;
	}
	closedir(dir);
	return highest;
}

void
process_close_from(int lowest, int highest)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, (unsigned)lowest, ~0U, 0U) == 0)
		return;
#endif
	for (int fd = lowest; fd <= highest; fd++)
		close(fd);
}
