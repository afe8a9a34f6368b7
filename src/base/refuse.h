/*
 * Sentences that refuse a value: they show it, cut to what can be read.
 */
#ifndef VIGIL_BASE_REFUSE_H
#define VIGIL_BASE_REFUSE_H

#include <stdbool.h>

#include "base/fault.h"
#include "base/json.h"

/* FAULT_USAGE "WHAT 'VALUE' WHY". False. */
bool refuse_text(struct fault *, const char *what, const char *value, const char *why);

/* "KEY is VALUE; it must be ACCEPTED". False. */
bool refuse_json(struct fault *, enum fault_kind, const char *key, const struct json *value,
    const char *accepted);

#endif
