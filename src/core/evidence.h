/*
 * Is the turn done? Judged from a session's messages alone, by the rule observed on OpenCode:
 * its loop ends at the first answer that is finished and calls no tool; a turn can go on under
 * other messages than ours after a compaction, and a person may write into the session meanwhile.
 * The messages stand as they were written, an answer behind what it answers.
 */
#ifndef VIGIL_CORE_EVIDENCE_H
#define VIGIL_CORE_EVIDENCE_H

#include "core/message.h"
#include "core/task.h"

struct evidence {
	enum event_type finding; /* EV_BUSY, EV_UNPROMPTED, EV_UNANSWERED, EV_ANSWERED, EV_FAULTY or
				    EV_LOOPING */
	enum error_kind kind;    /* of EV_FAULTY */
	const char *sentence;    /* of EV_FAULTY: borrowed from the messages, or static */
	/* Of EV_UNANSWERED: the summary after which it stopped; NULL as a rule. OpenCode takes that
	 * for the end where it died before it wrote its own message to go on. */
	const char *summary_id;
	int64_t step_ms;        /* when the newest step was finished; the server's clock */
	struct harvest harvest; /* our turn so far; borrows the messages */
};

/* `is_busy`: the status map said so before the messages were read. `our_message_id` NULL: what was
 * read begins after it, since the whole was too long to read. */
struct evidence evidence_judge(const struct messages *, const char *our_message_id, bool is_busy);

#endif
