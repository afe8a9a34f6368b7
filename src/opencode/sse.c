/*
 * Server-sent events: see sse.h.
 *
 * Every byte is looked at once. A line that arrives whole is used where it lies; only one that is
 * cut by the end of the bytes is kept in `line` until the rest comes.
 */
#include "opencode/sse.h"

#include <string.h>

enum { KEPT_CAPACITY = 1024 * 1024 }; /* a buffer that grew beyond this is given back */

void
sse_init(struct sse *sse)
{
	*sse = (struct sse){.at_start = true};
}

void
sse_fini(struct sse *sse)
{
	buf_free(&sse->line);
	buf_free(&sse->data);
}

static void
empty(struct buf *buf)
{
	if (buf->capacity > KEPT_CAPACITY)
		buf_free(buf);
	else
		buf_clear(buf);
}

/* A blank line: the event is complete. */
static void
dispatch(struct sse *sse, sse_event *on_event, void *arg)
{
	if (sse->has_data && !sse->skipping)
		on_event(arg, buf_text(&sse->data), sse->data.len);
	sse->has_data = sse->skipping = false;
	empty(&sse->data);
}

static bool
fits(const struct sse *sse, size_t count)
{
	return count <= SSE_EVENT_LIMIT - sse->data.len;
}

static void
skip_event(struct sse *sse)
{
	sse->skipping = true;
	empty(&sse->data);
}

static void
add_data(struct sse *sse, const char *text, size_t count)
{
	if (!fits(sse, count + 1)) {
		skip_event(sse);
		return;
	}
	if (sse->has_data)
		buf_add(&sse->data, "\n", 1);
	buf_add(&sse->data, text, count);
	sse->has_data = true;
}

static void
end_line(struct sse *sse, const char *line, size_t count, sse_event *on_event, void *arg)
{
	if (sse->at_start && count >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
		line += 3, count -= 3;
	sse->at_start = false;
	if (count == 0) {
		dispatch(sse, on_event, arg);
		return;
	}
	if (sse->skipping || count < 4 || memcmp(line, "data", 4) != 0)
		return;
	if (count == 4) {
		add_data(sse, "", 0);
	} else if (line[4] == ':') {
		size_t value = count > 5 && line[5] == ' ' ? 6 : 5;

		add_data(sse, line + value, count - value);
	}
}

/* The beginning of a line whose end has not come yet. Of one that is too long, one byte is kept
 * to tell that it is not blank. */
static void
keep_line(struct sse *sse, const char *bytes, size_t count)
{
	if (!sse->skipping && !fits(sse, sse->line.len + count)) {
		skip_event(sse);
		empty(&sse->line);
	}
	if (!sse->skipping)
		buf_add(&sse->line, bytes, count);
	else if (sse->line.len == 0)
		buf_add(&sse->line, "x", 1);
}

static size_t
line_length(const char *bytes, size_t count)
{
	size_t length = 0;

	while (length < count && bytes[length] != '\n' && bytes[length] != '\r')
		length++;
	return length;
}

void
sse_feed(struct sse *sse, const char *bytes, size_t count, sse_event *on_event, void *arg)
{
	const char *at = bytes, *end = bytes + count;

	while (at < end) {
		size_t length = line_length(at, (size_t)(end - at));
		bool complete = at + length < end;

		if (sse->after_cr && *at == '\n') { /* the rest of a CR LF */
			sse->after_cr = false;
			at++;
			continue;
		}
		sse->after_cr = complete && at[length] == '\r';
		if (sse->line.len > 0 || (!complete && length > 0))
			keep_line(sse, at, length);
		if (complete && sse->line.len > 0)
			end_line(sse, sse->line.data, sse->line.len, on_event, arg);
		else if (complete)
			end_line(sse, at, length, on_event, arg);
		if (complete)
			empty(&sse->line);
		at += length + complete;
	}
}
