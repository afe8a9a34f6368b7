/*
 * Any bytes as an event stream: the events are the same however the stream is cut. The first byte
 * of the input says how.
 */
#include <string.h>

#include "base/fault.h"
#include "opencode/sse.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
keep(void *arg, const char *data, size_t bytes)
{
	buf_add(arg, data, bytes);
	buf_add(arg, "\0|", 2);
}

static void
feed_in_pieces(const char *bytes, size_t count, size_t piece, struct buf *out)
{
	struct sse sse;
	sse_init(&sse);
	for (size_t at = 0; at < count; at += piece)
		sse_feed(&sse, bytes + at, count - at < piece ? count - at : piece, keep, out);
	sse_fini(&sse);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = {0}, cut = {0};
	if (size < 2)
		return 0;
	const char *bytes = (const char *)data + 1;
	feed_in_pieces(bytes, size - 1, size, &whole);
	feed_in_pieces(bytes, size - 1, (size_t)data[0] % 16 + 1, &cut);
	if (whole.len != cut.len || memcmp(buf_text(&whole), buf_text(&cut), whole.len) != 0)
		die("a stream that is cut gives other events");
	buf_free(&whole);
	buf_free(&cut);
	return 0;
}
