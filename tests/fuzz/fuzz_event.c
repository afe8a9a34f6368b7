/*
 * Any bytes as the data of one event: never a failure, and what is told of it is text.
 */
#include <string.h>

#include "base/utf8.h"
#include "opencode/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oc_event e;
	reply_event((const char *)data, size, &e);
	const char *const texts[] = {e.directory, e.session_id, e.message_id, e.part.id,
	    e.part.label, e.part.error, e.text, e.finish};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (texts[i] && texts[i][utf8_valid(texts[i], strlen(texts[i]))])
			die("not UTF-8");
	}
	oc_event_fini(&e);
	return 0;
}
