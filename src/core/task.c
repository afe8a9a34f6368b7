/*
 * The texts of the enums in task.h, from the same lists.
 */
#include "core/task.h"

#include <string.h>

static const char *const status_texts[] = {
#define X(name, text) text,
    STATUS_LIST(X)
#undef X
};

static const char *const event_texts[] = {
#define X(name, text) text,
    EVENT_LIST(X)
#undef X
};

static const char *const effect_texts[] = {
#define X(name, text) text,
    EFFECT_LIST(X)
#undef X
};

static const char *const kind_texts[] = {
#define X(name, text) text,
    ERROR_KIND_LIST(X)
#undef X
};

static const char *const stop_texts[] = {
#define X(name, text) text,
    STOP_LIST(X)
#undef X
};

const char *
status_text(enum status status)
{
	return status_texts[status];
}

bool
status_parse(const char *text, enum status *status)
{
	for (int i = 0; i < STATUS_COUNT; i++) {
		if (strcmp(status_texts[i], text) == 0) {
			*status = (enum status)i;
			return true;
		}
	}
	return false;
}

const char *
event_text(enum event_type type)
{
	return event_texts[type];
}

const char *
effect_text(enum effect effect)
{
	return effect_texts[effect];
}

const char *
kind_text(enum error_kind kind)
{
	return kind_texts[kind];
}

const char *
stop_text(enum stop stop)
{
	return stop_texts[stop];
}

enum stop
stop_parse(const char *text)
{
	for (int i = STOP_NONE + 1; text && i < STOP_COUNT; i++) {
		if (strcmp(stop_texts[i], text) == 0)
			return (enum stop)i;
	}
	return STOP_NONE;
}
