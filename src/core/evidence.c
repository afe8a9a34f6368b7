/*
 * The rule of evidence, over decoded messages: no I/O, no allocation. Each `return` of
 * evidence_judge() is one line of the rule; the tests remove them one by one.
 */
#include "core/evidence.h"

#include <string.h>

#define LOOP_STEPS 5 /* in a row: a model may stumble once or twice */

static bool
finish_is(const struct message *m, const char *finish)
{
	return m->finish && strcmp(m->finish, finish) == 0;
}

/* OpenCode's loop goes on after a step that ended so: it has called tools, or ended in a way that
 * OpenCode does not know and asks about again. */
static bool
goes_on(const struct message *m)
{
	return finish_is(m, "tool-calls") || finish_is(m, "unknown") || m->tools > 0;
}

/* A server that is killed between an answer's end and its last note on it leaves one without a time
 * of completion. Its finish is what counts for OpenCode, which never goes on with such a turn,
 * however often it is asked to (observed on 1.18.33). */
static bool
is_answer(const struct message *m, bool is_busy)
{
	return !m->from_user && !m->summary && (m->completed_ms || !is_busy) && !m->error_name &&
	       m->finish && !goes_on(m);
}

static size_t
find_ours(const struct messages *all, const char *our_id)
{
	size_t i = 0;
	while (i < all->count && strcmp(all->all[i].id, our_id) != 0)
		i++;
	return i;
}

static size_t
find_answer(const struct messages *all, size_t first, bool is_busy)
{
	size_t i = first;
	while (i < all->count && !is_answer(&all->all[i], is_busy))
		i++;
	return i;
}

/* A person goes on talking: the turn before is over, whatever the status says. */
static bool
is_followed(const struct messages *all, size_t answer)
{
	for (size_t i = answer + 1; i < all->count; i++) {
		if (all->all[i].from_user)
			return true;
	}
	return false;
}

/* The newest of the assistant's messages; summaries or not. NULL if none. */
static const struct message *
newest(const struct messages *all, size_t first, bool summary)
{
	for (size_t i = all->count; i > first; i--) {
		const struct message *m = &all->all[i - 1];
		if (!m->from_user && m->summary == summary)
			return m;
	}
	return NULL;
}

static bool
is_stumble(const struct message *m)
{
	return !m->from_user && m->completed_ms && finish_is(m, "unknown") && m->tools == 0;
}

/* OpenCode asks the model again, at once and without end, after a step that ended in a way that it
 * does not know. The step that is being written does not count. */
static bool
is_looping(const struct messages *all, size_t first)
{
	size_t end = all->count;
	if (end > first && !all->all[end - 1].completed_ms)
		end--;
	if (end - first < LOOP_STEPS)
		return false;
	for (size_t i = end - LOOP_STEPS; i < end; i++) {
		if (!is_stumble(&all->all[i]))
			return false;
	}
	return true;
}

static bool
same_parent(const struct message *a, const struct message *b)
{
	return a->parent_id && b->parent_id && strcmp(a->parent_id, b->parent_id) == 0;
}

/* OpenCode goes by the times of its messages: where its clock was set back in the middle of a turn,
 * it does not see that the turn is over, and asks the model again and again. Each time that is one
 * more finished answer to the same message, and there is no other way to a second one. */
static bool
is_answered_again(const struct messages *all, size_t answer)
{
	for (size_t i = answer + 1; i < all->count; i++) {
		if (is_answer(&all->all[i], true) && same_parent(&all->all[i], &all->all[answer]))
			return true;
	}
	return false;
}

/* What the loop said after its first answer belongs to the turn as well. */
static size_t
find_end(const struct messages *all, size_t answer)
{
	size_t end = answer;
	while (
	    end < all->count && (end == answer || same_parent(&all->all[end], &all->all[answer])))
		end++;
	return end;
}

static void
gather(struct evidence *e, const struct messages *all, size_t first, size_t end)
{
	e->harvest.messages = all->all + first;
	e->harvest.count = end - first;
	for (size_t i = first; i < end; i++) {
		const struct message *m = &all->all[i];
		struct tokens *sum = &e->harvest.tokens;
		sum->input += m->tokens.input;
		sum->output += m->tokens.output;
		sum->reasoning += m->tokens.reasoning;
		sum->cache_read += m->tokens.cache_read;
		sum->cache_write += m->tokens.cache_write;
		e->harvest.cost += m->cost;
		if (m->completed_ms > e->step_ms)
			e->step_ms = m->completed_ms;
	}
}

static struct evidence
faulty(struct evidence e, enum error_kind kind, const char *sentence)
{
	e.finding = EV_FAULTY;
	e.kind = kind;
	e.sentence = sentence;
	return e;
}

static struct evidence
found(struct evidence e, enum event_type finding)
{
	e.finding = finding;
	return e;
}

static bool
is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}

/* A finished answer: is it one that counts? Its text is kept in any case. */
static struct evidence
judge_answer(struct evidence e, const struct message *answer)
{
	e.harvest.result = is_blank(answer->text) ? NULL : answer->text;
	if (finish_is(answer, "length"))
		return faulty(e, KIND_AGENT, "the answer was cut off at the model's output limit");
	if (finish_is(answer, "content-filter"))
		return faulty(e, KIND_AGENT, "the provider's content filter stopped the answer");
	if (finish_is(answer, "error"))
		return faulty(e, KIND_AGENT, "the provider ended the answer with an error");
	if (!e.harvest.result)
		return faulty(e, KIND_EMPTY, "the agent finished without a word of answer");
	return found(e, EV_ANSWERED);
}

/* No answer, and nothing at work: the newest step says what became of the turn. */
static struct evidence
judge_silence(struct evidence e, const struct message *step, const struct message *summary)
{
	if (summary && summary->error_name && (!step || summary->created_ms >= step->created_ms))
		return faulty(e, KIND_AGENT, summary->error_text);
	if (!step)
		return found(e, EV_UNANSWERED);
	if (step->error_name) {
		e.harvest.result = is_blank(step->text) ? NULL : step->text;
		return faulty(e, KIND_AGENT, step->error_text);
	}
	/* An abort while OpenCode waits for its provider leaves neither (observed on 1.18.33). */
	if (step->completed_ms && !step->finish)
		return faulty(e, KIND_AGENT, "the turn was aborted in its session");
	if (step->completed_ms && step->tools_rejected)
		return faulty(e, KIND_REJECTED,
		    "a permission or a question was refused, and the turn ended on it");
	return found(e, EV_UNANSWERED);
}

/* The newest message, if it is a finished summary. */
static const char *
find_last_summary(const struct messages *all, size_t first)
{
	const struct message *last = all->count > first ? &all->all[all->count - 1] : NULL;
	return last && last->summary && last->finish && !last->error_name ? last->id : NULL;
}

struct evidence
evidence_judge(const struct messages *all, const char *our_message_id, bool is_busy)
{
	struct evidence e = {.finding = EV_BUSY};
	size_t ours = our_message_id ? find_ours(all, our_message_id) : 0;
	if (our_message_id && ours == all->count)
		return found(e, is_busy ? EV_BUSY : EV_UNPROMPTED);
	size_t answer = find_answer(all, ours, is_busy);
	bool has_answer = answer < all->count;
	gather(&e, all, ours, find_end(all, answer));
	if (has_answer && (!is_busy || is_followed(all, answer)))
		return judge_answer(e, &all->all[answer]);
	if (is_busy && (has_answer ? is_answered_again(all, answer) : is_looping(all, ours)))
		return found(e, EV_LOOPING);
	if (is_busy)
		return found(e, EV_BUSY);
	e = judge_silence(e, newest(all, ours, false), newest(all, ours, true));
	if (e.finding == EV_UNANSWERED)
		e.summary_id = find_last_summary(all, ours);
	return e;
}
