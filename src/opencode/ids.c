/*
 * OpenCode's identifiers: see ids.h.
 */
#define _DEFAULT_SOURCE /* getrandom() is in glibc, not in POSIX */
#include "opencode/ids.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/fault.h"

enum { TAIL = 14 };

static unsigned char
random_byte(void)
{
	unsigned char byte;

	while (getrandom(&byte, 1, 0) != 1)
		if (errno != EINTR)
			die("no random numbers from the kernel: %s", strerror(errno));
	return byte;
}

void
oc_random_word(char *out, int count)
{
	static const char base62[] =
	    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	int done = 0;

	while (done < count) {
		unsigned char byte = random_byte() & 63;

		if (byte < 62) /* the two others would favour some characters */
			out[done++] = base62[byte];
	}
	out[count] = '\0';
}

void
oc_id_make(char out[OC_ID_SIZE], const char *prefix, int64_t server_ms, unsigned counter)
{
	uint64_t time = ((uint64_t)server_ms * 4096 + counter % 4096) & UINT64_C(0xffffffffffff);
	char tail[TAIL + 1];

	oc_random_word(tail, TAIL);
	snprintf(out, OC_ID_SIZE, "%.3s_%012" PRIx64 "%s", prefix, time, tail);
}
