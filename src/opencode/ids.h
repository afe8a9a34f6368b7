/*
 * OpenCode's identifiers. They sort by time: "msg_" + 12 hex digits of
 * (ms since 1970 × 4096 + counter) mod 2^48 + 14 characters of base62. (Observed on 1.18.33; an id
 * ahead of the server's clock or behind an existing answer confuses older servers, so the time
 * is always the server's own.)
 */
#ifndef VIGIL_OPENCODE_IDS_H
#define VIGIL_OPENCODE_IDS_H

#include <stdint.h>

#define OC_ID_SIZE 31 /* "msg_" + 12 + 14 and NUL */

/* prefix: "msg" or "prt"; `server_ms`: the server's clock; counter 0 to 4095. */
void oc_id_make(char out[OC_ID_SIZE], const char *prefix, int64_t server_ms, unsigned counter);

#endif
