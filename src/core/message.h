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

struct message {
	char *id;
	char *agent;  /* NULL where the server does not say */
	char *model;  /* "provider/model"; NULL where the server does not say */
	char *finish; /* "stop", "tool-calls", "length", "unknown", …; NULL while open */
	char *error_name, *error_text; /* both NULL without an error */
	char *text;      /* its text parts, synthetic and ignored ones left out; never NULL */
	char *reasoning; /* never NULL */
	int64_t created_ms, completed_ms; /* the server's clock; completed 0 while open */
	struct tokens tokens;
	double cost; /* US dollars, as the server counts */
	bool from_user;
	bool summary;            /* an assistant's compaction summary: never an answer */
	bool cut;                /* text or reasoning was longer than what is kept */
	unsigned tools;          /* tool parts, those the provider ran itself left out */
	unsigned tools_rejected; /* of these: refused by a permission or a dismissed question */
};

/* Messages in the session's order, oldest first. */
struct messages {
	struct message *all;
	size_t count;
};

#endif
