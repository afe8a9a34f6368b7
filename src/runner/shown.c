/*
 * See shown.h.
 *
 * A part that is being written is empty in the server's list, and has its words in the list and in
 * an event only when it is over. So of one that was begun before we came, what comes by deltas is
 * the middle: it is held back, and shown whole in the end.
 *
 * What was shown is remembered as its length and a hash, not as the words.
 */
#include "runner/shown.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define BLANKS " \t\r\n\v\f"

/* The words that were shown of something. */
struct tally {
	size_t bytes;
	uint64_t hash;
};

struct known_message {
	char *id;
	bool is_hidden;     /* not an agent's answer: a user's words, or a summary */
	struct tally of[2]; /* by stream, its parts joined as in the transcript */
};

struct known_part {
	char *id;
	size_t message;
	enum part_kind kind;
	struct tally shown;
	bool is_held; /* its beginning was missed, or something in between */
	bool is_over;
	bool is_told; /* a tool's call; of what is held back, that it is */
	char *label;  /* of a tool */
	char *blanks; /* its end so far: OpenCode drops them if nothing follows */
};

#define NO_PART SIZE_MAX /* words of the transcript, which knows no parts */

struct shown {
	vigil_follow_fn *fn;
	void *arg;
	struct known_message *messages;
	struct known_part *parts;
	size_t message_count, part_count;
	/* The line that was not ended yet, as more of the same may come. */
	bool is_open;
	size_t open_message, open_part;
	enum vigil_stream open_stream;
};

/* ---- tallies -------------------------------------------------------------------------------- */

/* FNV-1a, of 64 bits. */
static struct tally
tally_with(struct tally t, const char *text, size_t bytes)
{
	if (t.bytes == 0)
		t.hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < bytes; i++)
		t.hash = (t.hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	t.bytes += bytes;
	return t;
}

/* Does the text begin with what was shown? */
static bool
tally_begins(struct tally t, const char *text, size_t bytes)
{
	return t.bytes == 0 ||
	       (t.bytes <= bytes && tally_with((struct tally){0}, text, t.bytes).hash == t.hash);
}

/* ---- what is known -------------------------------------------------------------------------- */

static struct known_message *
find_message(struct shown *s, const char *id)
{
	for (size_t i = s->message_count; i > 0; i--)
		if (strcmp(s->messages[i - 1].id, id) == 0)
			return &s->messages[i - 1];
	return NULL;
}

static struct known_message *
know_message(struct shown *s, const char *id, bool is_hidden)
{
	struct known_message *m = find_message(s, id);
	if (!m) {
		s->messages = xrealloc(s->messages, (s->message_count + 1) * sizeof(*s->messages));
		m = &s->messages[s->message_count++];
		*m = (struct known_message){.id = xstrdup(id)};
	}
	m->is_hidden = is_hidden;
	return m;
}

static struct known_part *
find_part(struct shown *s, const char *id)
{
	for (size_t i = s->part_count; i > 0; i--)
		if (strcmp(s->parts[i - 1].id, id) == 0)
			return &s->parts[i - 1];
	return NULL;
}

static struct known_part *
know_part(struct shown *s, const struct known_message *m, const struct part *part, bool is_held)
{
	struct known_part *p = find_part(s, part->id);
	if (p)
		return p;
	s->parts = xrealloc(s->parts, (s->part_count + 1) * sizeof(*s->parts));
	p = &s->parts[s->part_count++];
	*p = (struct known_part){.id = xstrdup(part->id),
	    .message = (size_t)(m - s->messages),
	    .kind = part->kind,
	    .is_held = is_held};
	return p;
}

/* ---- lines ---------------------------------------------------------------------------------- */

static void
end_line(struct shown *s)
{
	if (s->is_open)
		s->fn(s->arg, s->open_stream, "\n");
	s->is_open = false;
}

static bool
is_at(const struct shown *s, size_t message, size_t part, enum vigil_stream stream)
{
	return s->is_open && s->open_message == message && s->open_stream == stream &&
	       (s->open_part == part || part == NO_PART);
}

/* The one way out for words. */
static void
show(struct shown *s, size_t message, size_t part, enum vigil_stream stream, const char *text,
    size_t bytes)
{
	if (bytes == 0)
		return;
	if (!is_at(s, message, part, stream))
		end_line(s);
	char *piece = xstrndup(text, bytes);
	s->fn(s->arg, stream, piece);
	free(piece);
	s->is_open = true;
	s->open_message = message;
	s->open_part = part;
	s->open_stream = stream;
}

/* More of a part. The first words of one that has others before it begin a line: so they are
 * joined in the transcript. */
static void
show_more(struct shown *s, struct known_part *p, const char *text, size_t bytes)
{
	enum vigil_stream stream = p->kind == PART_REASONING ? VIGIL_REASONING : VIGIL_TEXT;
	struct tally *whole = &s->messages[p->message].of[stream];
	if (bytes == 0)
		return;
	if (p->shown.bytes == 0 && whole->bytes > 0)
		*whole = tally_with(*whole, "\n", 1);
	*whole = tally_with(*whole, text, bytes);
	p->shown = tally_with(p->shown, text, bytes);
	show(s, p->message, (size_t)(p - s->parts), stream, text, bytes);
}

static void
drop_blanks(struct known_part *p)
{
	free(p->blanks);
	p->blanks = NULL;
}

/* ---- parts ---------------------------------------------------------------------------------- */

/* `text` is all there is of it so far. False: that is not what was shown. */
static bool
show_rest(struct shown *s, struct known_part *p, const char *text, size_t bytes)
{
	if (!tally_begins(p->shown, text, bytes))
		return false;
	drop_blanks(p);
	show_more(s, p, text + p->shown.bytes, bytes - p->shown.bytes);
	return true;
}

static void
tell_tool(struct shown *s, enum vigil_stream stream, const char *label, const char *ending)
{
	char *line = xasprintf("%s%s", label, ending);
	end_line(s);
	s->fn(s->arg, stream, line);
	free(line);
}

/* Under the label that it had first, so that both lines say the same. */
static void
take_tool(struct shown *s, struct known_part *p, const struct part *now)
{
	if (!p->label)
		p->label = xstrdup(now->label);
	if (!p->label || p->is_over)
		return;
	if (!now->is_over) {
		if (!p->is_told)
			tell_tool(s, VIGIL_TOOL, p->label, "");
		p->is_told = true;
		return;
	}
	char *failed = now->error ? xasprintf(": failed: %s", now->error) : NULL;
	tell_tool(s, VIGIL_TOOL_END, p->label, failed ? failed : ": ok");
	free(failed);
}

/* From the list, or in the stream, whose deltas all come after it. */
static void
take_part(struct shown *s, struct known_part *p, const struct part *now, const char *text,
    size_t bytes, bool is_streamed)
{
	if (p->is_over)
		return;
	if (p->kind == PART_TOOL)
		take_tool(s, p, now);
	else if (show_rest(s, p, text, bytes) && is_streamed)
		p->is_held = false;
	p->is_over = now->is_over;
	if (p->is_over)
		drop_blanks(p);
}

/* Of what is held back, that much: that it is being written. */
static void
tell_held(struct shown *s, struct known_part *p)
{
	if (!p->is_told)
		s->fn(s->arg, VIGIL_NOTE,
		    "it is writing something that it began before: it is shown when it is "
		    "finished");
	p->is_told = true;
}

/* The blanks at the end wait until something follows. */
static void
take_words(struct shown *s, struct known_part *p, const char *delta)
{
	char *text = xasprintf("%s%s", p->blanks ? p->blanks : "", delta);
	size_t bytes = strlen(text);
	while (bytes > 0 && strchr(BLANKS, text[bytes - 1]))
		bytes--;
	drop_blanks(p);
	p->blanks = xstrdup(text + bytes);
	show_more(s, p, text, bytes);
	free(text);
}

static void
take_delta(struct shown *s, struct known_part *p, const char *delta)
{
	if (p->is_over || p->kind == PART_TOOL)
		return;
	if (p->is_held)
		tell_held(s, p);
	else
		take_words(s, p, delta);
}

/* ---- the ways in ---------------------------------------------------------------------------- */

static void
take_part_event(struct shown *s, const struct known_message *m, const struct oc_event *e)
{
	const char *text = e->text ? e->text : "";
	if (!m->is_hidden)
		take_part(s, know_part(s, m, &e->part, false), &e->part, text, strlen(text), true);
}

bool
shown_event(struct shown *s, const struct oc_event *e)
{
	bool is_part =
	    e->type == OC_EV_PART && e->message_id && e->part.id && e->part.kind != PART_OTHER;
	const struct known_message *m = is_part ? find_message(s, e->message_id) : NULL;
	if (e->type == OC_EV_MESSAGE && e->message_id)
		know_message(s, e->message_id, e->from_user || e->summary);
	else if (m)
		take_part_event(s, m, e);
	else if (e->type == OC_EV_DELTA && e->part.id && e->text && find_part(s, e->part.id))
		take_delta(s, find_part(s, e->part.id), e->text);
	return !is_part || m;
}

void
shown_pass_over(struct shown *s, const char *message_id)
{
	know_message(s, message_id, true);
}

static void
take_listed(struct shown *s, const struct message *m)
{
	const struct known_message *known = know_message(s, m->id, m->from_user || m->summary);
	for (size_t i = 0; i < m->part_count && !known->is_hidden; i++) {
		struct part part = m->parts[i];
		const char *words = part.kind == PART_REASONING ? m->reasoning : m->text;
		part.is_over = part.is_over || (m->completed_ms && part.kind != PART_TOOL);
		take_part(
		    s, know_part(s, known, &part, true), &part, words + part.at, part.bytes, false);
	}
}

void
shown_list(struct shown *s, const struct messages *list)
{
	for (size_t i = 0; i < list->count; i++)
		take_listed(s, &list->all[i]);
}

void
shown_gap(struct shown *s)
{
	for (size_t i = 0; i < s->part_count; i++)
		s->parts[i].is_held = true;
}

static void
take_stored(
    struct shown *s, size_t message, enum vigil_stream stream, const char *text, bool is_cut)
{
	struct tally t = s->messages[message].of[stream];
	size_t bytes = strlen(text);
	if (bytes == 0 || (is_cut && t.bytes >= bytes))
		return;
	bool begins = tally_begins(t, text, bytes);
	const char *rest = begins ? text + t.bytes : text;
	if (begins && t.bytes > 0 && *rest == '\n' && !is_at(s, message, NO_PART, stream))
		rest++; /* the line has been ended */
	if (!begins) {
		end_line(s);
		s->fn(s->arg, VIGIL_NOTE, "it was not all as shown; this is it:");
	}
	show(s, message, NO_PART, stream, rest, strlen(rest));
}

void
shown_stored(
    struct shown *s, const char *message_id, const char *reasoning, const char *text, bool is_cut)
{
	size_t message = (size_t)(know_message(s, message_id, false) - s->messages);
	take_stored(s, message, VIGIL_REASONING, reasoning ? reasoning : "", is_cut);
	take_stored(s, message, VIGIL_TEXT, text ? text : "", is_cut);
}

void
shown_end(struct shown *s)
{
	end_line(s);
}

struct shown *
shown_new(vigil_follow_fn *fn, void *arg)
{
	struct shown *s = xcalloc(1, sizeof(*s));
	s->fn = fn;
	s->arg = arg;
	return s;
}

void
shown_free(struct shown *s)
{
	for (size_t i = 0; i < s->message_count; i++)
		free(s->messages[i].id);
	for (size_t i = 0; i < s->part_count; i++) {
		free(s->parts[i].id);
		free(s->parts[i].label);
		free(s->parts[i].blanks);
	}
	free(s->messages);
	free(s->parts);
	free(s);
}
