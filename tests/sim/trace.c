/*
 * What happened, as text with virtual times; for golden traces, and for whoever looks at a seed
 * that failed. Requests that were made before, with nothing but others of them between, are
 * counted and not shown.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "world.h"

enum { MAX_REPEATED = 64 };

static char *seen[MAX_REPEATED];
static int seen_count, hidden;

static const char *
time_text(void)
{
	static char text[40];
	int64_t ms = w->now_us / MS;
	snprintf(text, sizeof(text), "%02d:%02d:%02d.%03d", (int)(ms / 3600000),
	    (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), (int)(ms % 1000));
	return text;
}

static void
write_line(const char *line)
{
	char *whole = xasprintf("%s  %s\n", time_text(), line);
	if (write(w->trace_fd, whole, strlen(whole)) < 0)
		w->trace_fd = -1;
	free(whole);
}

static void
forget(void)
{
	if (hidden) {
		char *line = xasprintf("    … %d more such requests", hidden);
		write_line(line);
		free(line);
	}
	for (int i = 0; i < seen_count; i++)
		free(seen[i]);
	seen_count = hidden = 0;
}

void
trace(const char *format, ...)
{
	va_list args;
	if (w->trace_fd < 0)
		return;
	forget();
	va_start(args, format);
	char *line = xvasprintf(format, args);
	va_end(args);
	write_line(line);
	free(line);
}

void
trace_request(const char *line)
{
	if (w->trace_fd < 0)
		return;
	for (int i = 0; i < seen_count; i++) {
		if (strcmp(seen[i], line) == 0) {
			hidden++;
			return;
		}
	}
	if (seen_count == MAX_REPEATED)
		forget();
	seen[seen_count++] = xstrdup(line);
	write_line(line);
}

int
trace_open(char **name)
{
	const char *base = getenv("TMPDIR");
	*name = xasprintf("%s/vigil-sim-trace-XXXXXX", base && *base ? base : "/tmp");
	return mkstemp(*name);
}

bool
trace_differs(const char *a, const char *b)
{
	int status;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		execlp("diff", "diff", "-u", a, b, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return status != 0;
}
