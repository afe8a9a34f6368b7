/*
 * What a task is like, as options say it: the same words for add, edit and retry.
 */
#ifndef VIGIL_CLI_TASK_H
#define VIGIL_CLI_TASK_H

#include "base/buf.h"
#include "base/fault.h"
#include "cli/args.h"
#include "ops/vigil.h"

/* For tables of options. */
#define TASK_OPTION_AGENT \
	{ \
		'a', "agent", "NAME", "who does it; a leading @ is dropped" \
	}
#define TASK_OPTION_MODEL \
	{ \
		'm', "model", "PROVIDER/MODEL", "the model, whatever the agent is configured with" \
	}
#define TASK_OPTION_VARIANT \
	{ \
		0, "variant", "V", "the model's variant" \
	}
#define TASK_OPTION_DESCRIPTION \
	{ \
		'd', "description", "TEXT", \
		    "a few words, shown in lists and as the session's title" \
	}
#define TASK_OPTION_PARENT \
	{ \
		0, "parent", "SESSION", "the session it is a child of" \
	}
#define TASK_OPTION_PRIORITY \
	{ \
		0, "priority", "N", "-100 to 100 (default: 0); higher first, then oldest first" \
	}
#define TASK_OPTION_AT \
	{ \
		0, "at", "TIME", \
		    "not before 22:00, 'tomorrow 06:00', '2026-01-31 06:00', RFC 3339" \
	}
#define TASK_OPTION_IN \
	{ \
		0, "in", "DUR", "not before 90s, 15m, 8h, 2d from now" \
	}
#define TASK_OPTION_MUTEX \
	{ \
		0, "mutex", "NAME", "at most one task with this name is live" \
	}
#define TASK_OPTION_ATTEMPTS \
	{ \
		0, "attempts", "N", "how often it is tried, 1 to 100" \
	}
#define TASK_OPTION_TIMEOUT \
	{ \
		0, "timeout", "DUR", "the longest an attempt may work; 0: as long as it takes" \
	}

/* Of those options that the command has: the fields that are given, and which they are (a sum of
 * enum vigil_field). Texts are borrowed. `empty_is_default`: an empty text stands for the default;
 * else the library refuses it. */
bool task_options(const struct args *, bool empty_is_default, struct vigil_task *, unsigned *fields,
    struct fault *);

/* The prompt as it was typed, or read from standard input into `input` for "-" and NULL. */
bool task_prompt(const char *typed, struct buf *input, struct vigil_task *, struct fault *);

#endif
