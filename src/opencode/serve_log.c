/*
 * The managed server's log. Its text explains; it decides nothing.
 */
#include "opencode/serve_log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"

#define LOG_LIMIT (10 * 1024 * 1024)
#define HEADING_SIZE 64
#define LINE_SIZE 512 /* a longer one counts as several */
#define TAIL_LINES 5
#define TAIL_BYTES 500

/* Precedes each server's output, so that a sentence never quotes an earlier server. */
static void
make_heading(char out[HEADING_SIZE], const char *nonce)
{
	snprintf(out, HEADING_SIZE, "--- server %s", nonce);
}

int
serve_log_open(const char *path, const char *nonce, struct fault *fault)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;
	if (fd < 0 || fchmod(fd, 0600) != 0 || fstat(fd, &st) != 0 ||
	    (st.st_size > LOG_LIMIT && ftruncate(fd, 0) != 0)) {
		fault_set(
		    fault, FAULT_ENV, "cannot open the server's log %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	char heading[HEADING_SIZE], stamp[STAMP_SIZE];
	make_heading(heading, nonce);
	stamp_format(clock_now_ms(), stamp);
	dprintf(fd, "%s %s\n", heading, stamp); /* a disk that is full stops the server, not us */
	return fd;
}

/* Opens the log behind the heading of this server; NULL if there is none. */
static FILE *
open_behind_heading(const char *path, const char *nonce)
{
	char heading[HEADING_SIZE], line[LINE_SIZE];
	make_heading(heading, nonce);
	FILE *log = fopen(path, "re");
	while (log != NULL && fgets(line, sizeof line, log) != NULL)
		if (strncmp(line, heading, strlen(heading)) == 0)
			return log;
	if (log != NULL)
		fclose(log);
	return NULL;
}

/* Past an escape sequence (ESC [ … letter) that starts here; its last character, or the NUL. */
static const char *
skip_escape(const char *from)
{
	from += 2;
	while (*from != '\0' && (*from < '@' || *from > '~'))
		from++;
	return from;
}

/* Colours and other control characters out, so that a line can be part of a sentence. */
static void
clean_line(char *line)
{
	char *to = line;
	for (const char *from = line; *from != '\0'; from++) {
		if (from[0] == '\033' && from[1] == '[') {
			from = skip_escape(from);
			if (*from == '\0')
				break;
			continue;
		}
		*to++ = (unsigned char)*from < ' ' || *from == 0x7F ? ' ' : *from;
	}
	while (to > line && to[-1] == ' ')
		to--;
	*to = '\0';
}

/* Drops what is too much at the front; the rest is valid UTF-8 afterwards. */
static void
fit_tail(struct buf *tail)
{
	size_t cut = tail->len > TAIL_BYTES ? tail->len - TAIL_BYTES : 0;
	while (cut > 0 && cut < tail->len && ((unsigned char)tail->data[cut] & 0xC0) == 0x80)
		cut++;
	buf_drop(tail, cut);
	for (size_t good; (good = utf8_valid(buf_text(tail), tail->len)) < tail->len;)
		tail->data[good] = '?';
}

char *
serve_log_tail(const char *path, const char *nonce)
{
	char lines[TAIL_LINES][LINE_SIZE];
	size_t count = 0;
	FILE *log = open_behind_heading(path, nonce);
	while (log != NULL && fgets(lines[count % TAIL_LINES], LINE_SIZE, log) != NULL) {
		clean_line(lines[count % TAIL_LINES]);
		if (lines[count % TAIL_LINES][0] != '\0')
			count++;
	}
	if (log != NULL)
		fclose(log);
	struct buf tail = {0};
	/* One less than there is room for: the last read may have written over the oldest. */
	for (size_t i = count < TAIL_LINES ? 0 : count - TAIL_LINES + 1; i < count; i++)
		buf_printf(&tail, "%s%s", tail.len > 0 ? " | " : "", lines[i % TAIL_LINES]);
	fit_tail(&tail);
	return buf_take(&tail);
}

/* Is the URL in the line, and not the beginning of one with a longer port? */
static bool
line_names(const char *line, const char *url)
{
	for (const char *at = line; (at = strstr(at, url)) != NULL; at++)
		if (!isdigit((unsigned char)at[strlen(url)]))
			return true;
	return false;
}

bool
serve_log_names(const char *path, const char *nonce, const char *url)
{
	char line[LINE_SIZE];
	bool found = false;
	FILE *log = open_behind_heading(path, nonce);
	while (log != NULL && !found && fgets(line, sizeof line, log) != NULL)
		found = line_names(line, url);
	if (log != NULL)
		fclose(log);
	return found;
}
