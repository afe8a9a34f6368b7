/*
 * A message of an OpenCode session, decoded: what the evidence is judged by and the
 * transcript is made of. Plain data; whoever makes one owns its strings.
 */
#ifndef VIGIL_CORE_MESSAGE_H
#define VIGIL_CORE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tokens {
	int64_t input, output, reasoning, cache_read, cache_write;
};

enum part_kind { PART_OTHER, PART_TEXT, PART_REASONING, PART_TOOL };

/* What a message is made of, as somebody sees it who watches it being written. */
struct part {
	char *id;
	enum part_kind kind;
	bool is_over; /* written to its end; of a tool: it has ended */
	/* Where it stands in the message's text, or its reasoning. Empty while it is written. */
	size_t at, bytes;
	char
	    *label; /* of a tool: its name and what it is to do, a line; NULL until that is known */
	char *error; /* of a tool: why it failed, a line; else NULL */
};

struct message {
	char *id;
	char *parent_id; /* of an assistant's: the user's message that it answers; else NULL */
	char *agent;     /* NULL where the server does not say */
	char *model;     /* "provider/model"; NULL where the server does not say */
	char *finish;    /* "stop", "tool-calls", "length", "unknown", …; NULL while open */
	char *error_name, *error_text; /* both NULL without an error */
	char *text;      /* its text parts, synthetic and ignored ones left out; never NULL */
	char *reasoning; /* never NULL */
	int64_t created_ms, completed_ms; /* the server's clock; completed 0 while open */
	struct tokens tokens;
	double cost; /* US dollars, as the server counts */
	bool from_user;
	bool summary;       /* an assistant's compaction summary: never an answer */
	bool cut;           /* text or reasoning was longer than what is kept */
	struct part *parts; /* in order; of other kinds than these, and synthetic ones, none */
	size_t part_count;
	unsigned tools;          /* tool parts, those the provider ran itself left out */
	unsigned tools_rejected; /* of these: refused by a permission or a dismissed question */
};

/* Messages in the session's order, oldest first. */
struct messages {
	struct message *all;
	size_t count;
};

#endif
