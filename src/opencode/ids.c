/*
 * OpenCode's identifiers: see ids.h.
 */
#include "opencode/ids.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/secret.h"

enum { TAIL = 14 };

void
oc_id_make(char out[OC_ID_SIZE], const char *prefix, int64_t server_ms, unsigned counter)
{
	uint64_t time = ((uint64_t)server_ms * 4096 + counter % 4096) & UINT64_C(0xffffffffffff);
	char tail[TAIL + 1];

	random_base62(tail, sizeof(tail));
	snprintf(out, OC_ID_SIZE, "%.3s_%012" PRIx64 "%s", prefix, time, tail);
}
