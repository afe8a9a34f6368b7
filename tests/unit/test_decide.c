/*
 * The decision table, four ways: printed and compared with decide.txt beside this file, held
 * against laws over the product of all that matters, played at random until every task has ended,
 * and as journeys.
 *
 * A scene is a task, an event and a policy. It is told, and shown, as words: "idle -10s, stuck 2".
 * Times are relative to the event's, and "-" is "not yet".
 *
 *   test_decide           the tests
 *   test_decide --print   the table, as it is now
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "core/decide.h"
#include "core/policy.h"

#define TABLE_FILE "tests/unit/decide.txt"
#define MOVES_FILE "migrations/0001_tasks.sql"
#define FILE_LIMIT (1 << 20)

#define START_MS INT64_C(1000000000) /* of every test's time */
#define ATTEMPT 7                    /* the id of the newest attempt */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct scene {
	struct task task;
	struct event event;
	struct policy policy;
};

static const char *table_now_path; /* where the table is written when it differs */

/* ---- a scene as words ---------------------------------------------------------------------- */

enum kind_of_field { A_COUNT, A_TIME, A_SPAN, A_FLAG, A_STOP, A_KIND, AN_INTERRUPT };

struct field {
	const char *name;
	enum kind_of_field kind;
	size_t at;
};

#define TASK(member) offsetof(struct scene, task.member)

/* The first ones are the task's: what a decision can change, its status aside. */
static const struct field fields[] = {
    {"stop", A_STOP, TASK(stop)},
    {"attempts", A_COUNT, TASK(attempts)},
    {"base", A_COUNT, TASK(attempts_base)},
    {"max", A_COUNT, TASK(max_attempts)},
    {"timeout", A_SPAN, TASK(timeout_ms)},
    {"not_before", A_TIME, TASK(not_before_ms)},
    {"id", A_SPAN, TASK(id)},
    {"attempt", A_SPAN, TASK(attempt.id)},
    {"started", A_TIME, TASK(attempt.started_ms)},
    {"session", A_FLAG, TASK(attempt.has_session)},
    {"searches", A_COUNT, TASK(attempt.searches)},
    {"sends", A_COUNT, TASK(attempt.sends)},
    {"sent", A_TIME, TASK(attempt.sent_ms)},
    {"prompted", A_TIME, TASK(attempt.prompted_ms)},
    {"progress", A_TIME, TASK(attempt.progress_ms)},
    {"stepped", A_TIME, TASK(attempt.step_ms)},
    {"idle", A_TIME, TASK(attempt.idle_ms)},
    {"resumes", A_COUNT, TASK(attempt.resumes)},
    {"stuck", A_COUNT, TASK(attempt.stuck)},
    {"unreachable", A_TIME, TASK(attempt.unreachable_ms)},
    {"stranger", A_TIME, TASK(attempt.stranger_ms)},
    {"waiting", A_TIME, TASK(attempt.waiting_ms)},
    {"lost", A_SPAN, TASK(attempt.lost_ms)},
    {"misses", A_COUNT, TASK(attempt.misses)},
    {"stopping", A_TIME, TASK(attempt.stop_ms)},
    {"aborted", A_TIME, TASK(attempt.aborted_ms)},
    {"ended", A_FLAG, TASK(attempt.has_ended)},
    {"wake", A_TIME, TASK(wake_at_ms)},
    {"news", A_TIME, offsetof(struct scene, event.progress_ms)},
    {"step", A_TIME, offsetof(struct scene, event.step_ms)},
    {"watched", A_TIME, offsetof(struct scene, event.watched_ms)},
    {"slept", A_SPAN, offsetof(struct scene, event.lost_ms)},
    {"away", A_SPAN, offsetof(struct scene, event.away_ms)},
    {"retry", A_FLAG, offsetof(struct scene, event.is_waiting)},
    {"found", A_FLAG, offsetof(struct scene, event.was_found)},
    {"kind", A_KIND, offsetof(struct scene, event.kind)},
    {"of", A_SPAN, offsetof(struct scene, event.attempt_id)},
    {"stall", A_SPAN, offsetof(struct scene, policy.stall_ms)},
    {"max_resumes", A_COUNT, offsetof(struct scene, policy.max_resumes)},
    {"interrupted", AN_INTERRUPT, offsetof(struct scene, policy.on_interrupt)},
};

static const char *const interrupts[] = {
    [ON_INTERRUPT_RESUME] = "resume",
    [ON_INTERRUPT_RESTART] = "restart",
    [ON_INTERRUPT_HOLD] = "hold",
    [ON_INTERRUPT_FAIL] = "fail",
};

static bool
is_of_task(const struct field *field)
{
	return field->at < offsetof(struct scene, event);
}

static int64_t
get(const struct scene *s, const struct field *field)
{
	const void *at = (const char *)s + field->at;
	switch (field->kind) {
	case A_TIME:
	case A_SPAN:
		return *(const int64_t *)at;
	case A_FLAG:
		return *(const bool *)at;
	case A_STOP:
		return *(const enum stop *)at;
	case A_KIND:
		return *(const enum error_kind *)at;
	case AN_INTERRUPT:
		return *(const enum on_interrupt *)at;
	case A_COUNT:
		break;
	}
	return *(const int *)at;
}

static void
set(struct scene *s, const struct field *field, int64_t value)
{
	void *at = (char *)s + field->at;
	switch (field->kind) {
	case A_TIME:
	case A_SPAN:
		*(int64_t *)at = value;
		break;
	case A_FLAG:
		*(bool *)at = value != 0;
		break;
	case A_STOP:
		*(enum stop *)at = (enum stop)value;
		break;
	case A_KIND:
		*(enum error_kind *)at = (enum error_kind)value;
		break;
	case AN_INTERRUPT:
		*(enum on_interrupt *)at = (enum on_interrupt)value;
		break;
	case A_COUNT:
		*(int *)at = (int)value;
		break;
	}
}

static void
show_span(struct buf *out, int64_t ms)
{
	if (ms % 1000)
		buf_printf(out, "%.3fs", (double)ms / 1000);
	else
		buf_printf(out, "%llds", (long long)(ms / 1000));
}

static void
show_time(struct buf *out, int64_t time_ms, int64_t now_ms)
{
	if (!time_ms) {
		buf_puts(out, "-");
	} else if (time_ms == now_ms) {
		buf_puts(out, "now");
	} else {
		buf_puts(out, time_ms > now_ms ? "+" : "");
		show_span(out, time_ms - now_ms);
	}
}

static void
show_field(struct buf *out, const struct scene *s, const struct field *field)
{
	int64_t value = get(s, field);
	if (field->kind == A_FLAG) {
		buf_printf(out, "%s%s", value ? "" : "no ", field->name);
		return;
	}
	buf_printf(out, "%s ", field->name);
	if (field->kind == A_TIME)
		show_time(out, value, s->event.now_ms);
	else if (field->kind == A_STOP)
		buf_puts(out, value ? stop_text((enum stop)value) : "-");
	else if (field->kind == A_KIND)
		buf_puts(out, value ? kind_text((enum error_kind)value) : "-");
	else if (field->kind == AN_INTERRUPT)
		buf_puts(out, interrupts[value]);
	else if (field->kind == A_SPAN && value >= 1000)
		show_span(out, value);
	else
		buf_printf(out, "%lld", (long long)value);
}

static int64_t
index_of(const char *const texts[], size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(texts[i], text) == 0)
			return (int64_t)i;
	die("what is \"%s\"?", text);
}

static int64_t
parse_kind(const char *text)
{
	for (int kind = KIND_NONE + 1; kind < KIND_COUNT; kind++)
		if (strcmp(kind_text((enum error_kind)kind), text) == 0)
			return kind;
	die("there is no kind \"%s\"", text);
}

/* "-10s", "now", "3" */
static int64_t
parse_number(const char *text, int64_t now_ms)
{
	char *end;
	double number = strtod(text, &end);
	if (strcmp(text, "now") == 0)
		return now_ms;
	if (strcmp(text, "-") == 0)
		return 0;
	if (strcmp(end, "s") == 0)
		return now_ms + (int64_t)(number * 1000 + (number < 0 ? -0.5 : 0.5));
	if (end == text || *end)
		die("\"%s\" is no number", text);
	return (int64_t)number;
}

static int64_t
parse_value(enum kind_of_field kind, const char *text, int64_t now_ms)
{
	switch (kind) {
	case A_STOP:
		return stop_parse(text);
	case A_KIND:
		return parse_kind(text);
	case AN_INTERRUPT:
		return index_of(interrupts, COUNT(interrupts), text);
	case A_TIME:
		return parse_number(text, now_ms);
	case A_COUNT:
	case A_SPAN:
	case A_FLAG:
		break;
	}
	return parse_number(text, 0);
}

static const struct field *
find_field(const char *name)
{
	for (size_t i = 0; i < COUNT(fields); i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	die("there is no field \"%s\"", name);
}

/* "idle -10s", "session", "no session" */
static void
set_word(struct scene *s, char *word)
{
	char *value = strchr(word, ' ');
	bool is_no = strncmp(word, "no ", 3) == 0;
	if (is_no || !value) {
		set(s, find_field(is_no ? word + 3 : word), !is_no);
		return;
	}
	*value++ = '\0';
	const struct field *field = find_field(word);
	set(s, field, parse_value(field->kind, value, s->event.now_ms));
}

static void
set_words(struct scene *s, const char *words)
{
	char *copy = xstrdup(words), *rest = copy;
	while (*rest) {
		char *word = rest;
		rest += strcspn(rest, ",");
		if (*rest)
			*rest++ = '\0';
		rest += strspn(rest, " ");
		set_word(s, word);
	}
	free(copy);
}

/* ---- scenes -------------------------------------------------------------------------------- */

/* A task in each status as it usually is, a minute after its prompt; no policy but resuming. */
#define PROMPTED "session, sends 1, sent -60s, prompted -59s"
static const char *const usual[STATUS_COUNT] = {
    [STATUS_QUEUED] = "attempts 0, attempt 0, started -",
    [STATUS_HELD] = "attempts 0, attempt 0, started -",
    [STATUS_STARTING] = "wake now",
    [STATUS_RUNNING] = PROMPTED ", wake now",
    [STATUS_STOPPING] = PROMPTED ", stop cancel, stopping -5s, wake now",
    [STATUS_COMPLETED] = PROMPTED ", ended",
    [STATUS_FAILED] = PROMPTED ", ended",
    [STATUS_CANCELLED] = PROMPTED ", stop cancel, ended",
};

static bool
is_of_the_world(enum event_type type)
{
	return type > EV_WAKE;
}

static struct scene
scene_of(enum status status, enum event_type type, const char *words)
{
	struct scene s = {
	    .task = {.id = 3, .status = status, .attempts = 1, .max_attempts = 1},
	    .event = {.type = type, .now_ms = START_MS},
	    .policy = {.max_resumes = 3},
	};
	s.task.attempt.id = ATTEMPT;
	s.task.attempt.started_ms = START_MS - 61000;
	if (is_of_the_world(type) && status_is_live(status))
		s.event.attempt_id = ATTEMPT;
	if (type == EV_FAULTY || type == EV_REFUSED)
		s.event.kind = type == EV_FAULTY ? KIND_AGENT : KIND_REFUSED;
	set_words(&s, usual[status]);
	set_words(&s, words);
	return s;
}

static struct decision
decide_scene(const struct scene *s)
{
	struct decision d;
	decide(&s->task, &s->event, &s->policy, &d);
	return d;
}

static struct scene
scene_after(const struct scene *s, const struct decision *d)
{
	struct scene after = *s;
	after.task = d->next;
	return after;
}

static void
show_changes(struct buf *out, const struct scene *s, const struct decision *d)
{
	const struct scene after = scene_after(s, d);
	for (size_t i = 0; i < COUNT(fields) && is_of_task(&fields[i]); i++) {
		if (get(s, &fields[i]) == get(&after, &fields[i]))
			continue;
		buf_puts(out, ", ");
		show_field(out, &after, &fields[i]);
	}
}

static void
show_end(struct buf *out, const struct decision *d)
{
	const char *kind = kind_text(d->kind);
	if (!d->ends_attempt)
		return;
	buf_printf(out, ", attempt %s", status_text(d->outcome));
	if (kind)
		buf_printf(out, " (%s)", kind);
}

static void
show_move(struct buf *out, const struct decision *d)
{
	switch (d->verdict) {
	case VERDICT_IGNORE:
		buf_puts(out, "ignored");
		break;
	case VERDICT_REJECT:
		buf_puts(out, "refused");
		break;
	case VERDICT_BUG:
		buf_puts(out, "a bug");
		break;
	case VERDICT_ACT:
		break;
	case VERDICT_MOVE:
		buf_puts(out, status_text(d->next.status));
		break;
	}
	if (d->effect != FX_NONE)
		buf_printf(
		    out, "%s+%s", d->verdict == VERDICT_ACT ? "" : " ", effect_text(d->effect));
	show_end(out, d);
}

static void
show_decision(struct buf *out, const struct scene *s, const struct decision *d)
{
	show_move(out, d);
	show_changes(out, s, d);
	if (d->why)
		buf_printf(out, ": %s", d->why);
}

/* ---- (a) the table ------------------------------------------------------------------------- */

#define IN(status) (1U << STATUS_##status)
#define OPEN (IN(STARTING) | IN(RUNNING))

/* Cells that depend on more than their status; the others have one line. */
static const struct variants {
	unsigned statuses;
	enum event_type event;
	const char *words[20];
} variants[] = {
    {IN(QUEUED), EV_CLAIM,
	{"", "attempts 1, attempt 7, session, sends 3, sent -60s, searches 1, misses 2, prompted "
	     "-9s, "
	     "stop timeout, ended"}},
    {IN(HELD), EV_RELEASE, {"", "attempts 2, max 2, not_before +60s"}},
    {IN(COMPLETED) | IN(FAILED) | IN(CANCELLED), EV_RETRY,
	{"", "attempts 3, base 1, not_before +60s"}},
    {IN(STARTING), EV_CANCEL, {"searches 1", "session, searches 1"}},
    {IN(STARTING), EV_WAKE, {"", "session"}},
    {IN(STARTING), EV_ABSENT,
	{"", "searches 1", "searches 2", "unreachable -60s, misses 2",
	    "searches 1, unreachable -60s, misses 2"}},
    {IN(STARTING), EV_CHECKED, {"", "searches 2, unreachable -60s, misses 2"}},
    {IN(STARTING), EV_SESSION, {"", "found", "searches 1, unreachable -60s, misses 2"}},
    {OPEN, EV_REFUSED, {"", "kind server, max 2"}},
    {OPEN, EV_PROMPTED, {"session, sent -1s", "prompted -30s", "unreachable -60s, misses 2"}},
    {OPEN, EV_UNREACHABLE,
	{"", "unreachable -0.500s", "unreachable -7s", "unreachable +60s", "unreachable -30s",
	    "unreachable -600s", "unreachable -7s, stranger -7s"}},
    {OPEN, EV_BUSY,
	{"session", "session, idle -3s, unreachable -9s, stranger -9s, misses 2",
	    "news -2s, progress -5s, stuck 2", "news -5s, progress -5s, stuck 2",
	    "news -9s, progress -5s, stuck 2", "step -2s, stepped -5s, stuck 2",
	    "step -5s, stepped -5s, stuck 2", "prompted -59s, timeout 89s",
	    "prompted -59s, timeout 60s", "session, prompted -59s, timeout 59s, stall 10s",
	    "prompted -59s, stall 59.001s", "session, prompted -59s, stall 59s",
	    "session, prompted -59s, stall 59s, news -58s",
	    "session, prompted -59s, progress -9s, stall 9s",
	    "session, prompted 3600s, timeout 60s",
	    "session, prompted 3600s, progress 7200s, sent 3600s, stall 60s"}},
    {OPEN, EV_UNPROMPTED,
	{"session, sends 1, sent -9.999s, unreachable -60s, misses 2",
	    "session, sends 1, sent -10s, idle -8s", "session, sends 2, sent -10s",
	    "session, sends 3, sent -10s", "session, sends 3, sent -10s, max 2"}},
    {OPEN, EV_UNANSWERED,
	{"session, unreachable -60s, misses 2", "session, idle -9.999s", "session, idle -10s",
	    "session, idle -10s, stuck 2", "session, idle -10s, stuck 3",
	    "session, idle -10s, stuck 3, max 2",
	    "session, idle -10s, stuck 2, news -1s, progress -5s",
	    "session, idle -10s, stuck 3, step -11s, stepped -20s",
	    "session, idle -10s, max_resumes 0", "session, interrupted fail, idle -9.999s",
	    "session, interrupted restart, idle -10s",
	    "session, interrupted restart, idle -10s, max 2",
	    "session, interrupted hold, idle -10s, max 2",
	    "session, interrupted fail, idle -10s, max 2", "session, idle -9.999s, kind server",
	    "session, idle -10s, kind server", "session, idle -10s, kind server, max 2"}},
    {OPEN, EV_FAULTY,
	{"", "max 2", "max 9, attempts 2", "max 99, attempts 6", "max 99, attempts 7",
	    "max 99, attempts 98", "max 2, attempts 3, base 1", "max 2, attempts 3, base 2",
	    "kind rejected"}},
    {OPEN, EV_LOOPING, {"session", "session, prompted -30s, stuck 2"}},
    {OPEN, EV_GONE,
	{"session", "misses 1", "misses 2", "misses 2, max 2", "session, stranger -60s"}},
    {OPEN, EV_STRANGER,
	{"session", "session, unreachable -7s", "session, unreachable -9s, stranger -3599.999s",
	    "session, stranger -3600s", "session, stranger -3600s, wake -60s",
	    "session, stranger -3660s, wake -60s", "session, stranger -3600s, max 2",
	    "session, stranger +60s"}},
    {IN(STOPPING), EV_CANCEL, {"", "stop timeout", "stop stall, stopping -"}},
    {IN(STOPPING), EV_WAKE,
	{"", "no session", "stopping -59.999s", "stopping -60s", "stopping -60s, stop timeout",
	    "stopping -60s, stop timeout, max 2", "stopping -60s, stop stall",
	    "stopping -60s, stop stall, max 2", "stopping -, searches 1",
	    "stopping -, no session, stop timeout"}},
    {IN(STOPPING), EV_ABSENT,
	{"no session", "no session, searches 1", "no session, searches 1, stop timeout"}},
    {IN(STOPPING), EV_REFUSED, {"no session", "stop timeout", "stop stall, max 2"}},
    {IN(STOPPING), EV_SESSION, {"no session"}},
    {IN(STOPPING), EV_UNREACHABLE,
	{"", "stopping -59.999s", "stopping -60s", "stopping -99s, wake -59.999s",
	    "stopping -99s, wake -60s", "stopping -60s, stop timeout, max 2"}},
    {IN(STOPPING), EV_BUSY, {"", "stopping -59.999s", "stopping -60s"}},
    {IN(STOPPING), EV_UNPROMPTED,
	{"", "aborted -2s, sent -2.500s", "aborted -1s, sent -2.500s", "aborted -2s, sent -1s"}},
    {IN(STOPPING), EV_UNANSWERED,
	{"", "aborted -1s", "aborted -2s, sent -2.999s", "aborted -2s, sent -3s",
	    "aborted -3s, sent -7s", "aborted -1s, stop timeout", "aborted -1s, stop stall"}},
    {IN(STOPPING), EV_ANSWERED, {"", "stop timeout, max 2", "stop stall"}},
    {IN(STOPPING), EV_FAULTY, {"", "stop timeout", "stop stall, max 2", "stop loop"}},
    {IN(STOPPING), EV_LOOPING, {"", "stop loop, stopping -60s"}},
    {IN(STOPPING), EV_GONE, {"", "stop timeout"}},
    {IN(STOPPING), EV_STRANGER, {"", "stop timeout, stopping -60s"}},
};

static const char *const no_words[COUNT(variants[0].words)] = {""};

static const char *const *
variants_of(enum status status, enum event_type type)
{
	for (size_t i = 0; i < COUNT(variants); i++)
		if (variants[i].event == type && variants[i].statuses & 1U << status)
			return variants[i].words;
	return no_words;
}

static void
print_cell(struct buf *out, enum status status, enum event_type type)
{
	const char *const *words = variants_of(status, type);
	for (size_t i = 0; i < COUNT(no_words) && words[i]; i++) {
		struct scene s = scene_of(status, type, words[i]);
		struct decision d = decide_scene(&s);
		buf_printf(out, "%s x %s", status_text(status), event_text(type));
		if (*words[i])
			buf_printf(out, " [%s]", words[i]);
		buf_puts(out, " -> ");
		show_decision(out, &s, &d);
		buf_puts(out, "\n");
	}
}

static void
print_table(struct buf *out)
{
	for (int status = 0; status < STATUS_COUNT; status++) {
		for (int type = 0; type < EV_COUNT; type++)
			print_cell(out, (enum status)status, (enum event_type)type);
		buf_puts(out, status < STATUS_COUNT - 1 ? "\n" : "");
	}
}

static void
write_table(const char *text)
{
	FILE *file = fopen(table_now_path, "w");
	if (file) {
		fputs(text, file);
		fclose(file);
	}
}

static void
read_text(const char *path, struct buf *text)
{
	struct fault why;
	ck_assert_msg(file_read(path, FILE_LIMIT, text, &why), "%s cannot be read", path);
}

START_TEST(the_table_is_as_written)
{
	struct buf now = {0}, written = {0};
	print_table(&now);
	read_text(TABLE_FILE, &written);
	if (strcmp(buf_text(&now), buf_text(&written)) != 0) {
		write_table(buf_text(&now));
		ck_abort_msg("the decision table has changed; see\n"
			     "  diff %s %s\nand, if it is meant so, accept it:\n  cp %s %s",
		    TABLE_FILE, table_now_path, table_now_path, TABLE_FILE);
	}
	buf_free(&now);
	buf_free(&written);
}
END_TEST

/* ---- (b) laws ------------------------------------------------------------------------------ */

static bool may_move[STATUS_COUNT][STATUS_COUNT]; /* as the database allows */

static enum status
read_status(const char **at)
{
	char text[16] = "";
	enum status status = STATUS_QUEUED;
	const char *start = strchr(*at, '\'') + 1, *end = strchr(start, '\'');
	ck_assert_uint_lt((size_t)(end - start), sizeof text);
	memcpy(text, start, (size_t)(end - start));
	ck_assert_msg(status_parse(text, &status), "%s has the status %s", MOVES_FILE, text);
	*at = end + 1;
	return status;
}

/* ('queued', 'starting'), … of the INSERT. */
static void
read_moves(void)
{
	struct buf sql = {0};
	read_text(MOVES_FILE, &sql);
	const char *at = strstr(buf_text(&sql), "INSERT INTO status_moves");
	ck_assert_ptr_nonnull(at);
	const char *end = strchr(at, ';');
	while ((at = strstr(at, "('")) && at < end) {
		enum status from = read_status(&at);
		may_move[from][read_status(&at)] = true;
	}
	buf_free(&sql);
}

/* Each law is given a scene and what was decided, and says whether it is kept. */
typedef bool law(const struct scene *, const struct decision *);

static bool
is_about_another(const struct scene *s)
{
	return s->event.attempt_id &&
	       (s->event.attempt_id != s->task.attempt.id || s->task.attempt.has_ended);
}

static bool
only_a_move_changes_anything(const struct scene *s, const struct decision *d)
{
	const struct scene after = scene_after(s, d);
	if (d->verdict == VERDICT_MOVE)
		return true;
	for (size_t i = 0; i < COUNT(fields); i++)
		if (get(s, &fields[i]) != get(&after, &fields[i]))
			return false;
	return after.task.status == s->task.status && !d->ends_attempt;
}

static bool
an_effect_comes_of_acting_or_moving(const struct scene *s, const struct decision *d)
{
	(void)s;
	if (d->verdict == VERDICT_ACT)
		return d->effect != FX_NONE;
	return d->verdict == VERDICT_MOVE || d->effect == FX_NONE;
}

static bool
a_final_status_is_left_by_retry_alone(const struct scene *s, const struct decision *d)
{
	return !status_is_final(s->task.status) || s->event.type == EV_RETRY ||
	       d->next.status == s->task.status;
}

static bool
a_task_goes_live_by_claim_alone(const struct scene *s, const struct decision *d)
{
	return status_is_live(s->task.status) || !status_is_live(d->next.status) ||
	       s->event.type == EV_CLAIM;
}

static bool
attempts_grow_by_claim_alone(const struct scene *s, const struct decision *d)
{
	bool is_claim = s->event.type == EV_CLAIM && d->verdict == VERDICT_MOVE;
	return d->next.attempts == s->task.attempts + is_claim;
}

static bool
a_live_task_has_its_next_look(const struct scene *s, const struct decision *d)
{
	(void)s;
	return d->verdict != VERDICT_MOVE ||
	       status_is_live(d->next.status) == (d->next.wake_at_ms != 0);
}

/* Nor is it looked at over and over: where nothing is under way, the look is ahead. */
static bool
the_next_look_is_soon_but_not_now(const struct scene *s, const struct decision *d)
{
	int64_t in_ms = d->next.wake_at_ms - s->event.now_ms;
	if (d->verdict != VERDICT_MOVE || !status_is_live(d->next.status))
		return true;
	if (in_ms > POLICY_LOOK_MS)
		return false;
	return in_ms > 0 || d->effect != FX_NONE || s->event.type == EV_CANCEL;
}

static bool
a_wake_of_a_live_task_does_something(const struct scene *s, const struct decision *d)
{
	return s->event.type != EV_WAKE || !status_is_live(s->task.status) || is_about_another(s) ||
	       d->effect != FX_NONE || d->ends_attempt;
}

static bool
no_person_is_a_bug(const struct scene *s, const struct decision *d)
{
	return d->verdict != VERDICT_BUG ||
	       (s->event.type == EV_CLAIM && s->task.status != STATUS_QUEUED);
}

static bool
a_person_alone_is_refused_and_told_why(const struct scene *s, const struct decision *d)
{
	return d->verdict != VERDICT_REJECT ||
	       (s->event.type >= EV_CANCEL && s->event.type <= EV_RELEASE && d->why);
}

static bool
an_attempt_ends_where_the_task_leaves_life(const struct scene *s, const struct decision *d)
{
	bool leaves = status_is_live(s->task.status) && !status_is_live(d->next.status);
	return d->ends_attempt == leaves && (!leaves || d->next.attempt.has_ended);
}

static bool
an_end_is_told_in_full(const struct scene *s, const struct decision *d)
{
	bool says = d->why || s->event.type == EV_FAULTY || s->event.type == EV_REFUSED;
	if (!d->ends_attempt)
		return d->kind == KIND_NONE;
	if (!status_is_final(d->outcome))
		return false;
	if (status_is_final(d->next.status) && d->next.status != d->outcome)
		return false;
	return (d->outcome == STATUS_FAILED) == (d->kind != KIND_NONE) &&
	       (d->outcome != STATUS_FAILED || says);
}

static bool
another_attempt_follows_a_failed_one_alone(const struct scene *s, const struct decision *d)
{
	if (!d->ends_attempt || d->next.status != STATUS_QUEUED)
		return true;
	return d->outcome == STATUS_FAILED && d->next.not_before_ms > s->event.now_ms &&
	       s->task.attempts - s->task.attempts_base < s->task.max_attempts;
}

static bool
what_is_not_live_has_no_effect(const struct scene *s, const struct decision *d)
{
	(void)s;
	return status_is_live(d->next.status) || d->effect == FX_NONE;
}

static bool
a_stopping_task_is_not_prompted(const struct scene *s, const struct decision *d)
{
	if (s->task.status != STATUS_STOPPING && d->next.status != STATUS_STOPPING)
		return true;
	return d->effect != FX_SEND && d->effect != FX_CREATE && d->effect != FX_CHECK;
}

static bool
a_stop_ends_or_goes_on(const struct scene *s, const struct decision *d)
{
	return s->task.status != STATUS_STOPPING || d->next.status == STATUS_STOPPING ||
	       d->ends_attempt;
}

static bool
the_database_allows_the_move(const struct scene *s, const struct decision *d)
{
	return d->next.status == s->task.status || may_move[s->task.status][d->next.status];
}

static bool
news_of_another_attempt_are_ignored(const struct scene *s, const struct decision *d)
{
	return !is_about_another(s) || d->verdict == VERDICT_IGNORE;
}

static bool
only_an_answer_completes(const struct scene *s, const struct decision *d)
{
	return !d->ends_attempt || d->outcome != STATUS_COMPLETED || s->event.type == EV_ANSWERED;
}

static bool
a_cancel_wins(const struct scene *s, const struct decision *d)
{
	bool is_cancelled = s->task.status == STATUS_STOPPING && s->task.stop == STOP_CANCEL;
	return !is_cancelled || !d->ends_attempt || d->next.status == STATUS_CANCELLED;
}

/* A prompt goes out for a session just made, or after a look that found it missing or cut off for
 * longer than the grace time; and never without being counted. */
static bool
a_prompt_is_sent_after_a_look(const struct scene *s, const struct decision *d)
{
	const struct attempt *before = &s->task.attempt, *after = &d->next.attempt;
	bool was_sent_long_ago = s->event.now_ms - before->sent_ms >= POLICY_GRACE_MS;
	bool was_idle_long =
	    before->idle_ms && s->event.now_ms - before->idle_ms >= POLICY_GRACE_MS;
	bool has_arrived = s->event.type == EV_UNANSWERED;
	if (d->effect != FX_SEND)
		return after->sends == before->sends || s->event.type == EV_CLAIM ||
		       (has_arrived && after->sends == 0);
	if (after->sends != (has_arrived ? 0 : before->sends) + 1)
		return false;
	if (after->sent_ms != s->event.now_ms)
		return false;
	return s->event.type == EV_SESSION ||
	       (s->event.type == EV_UNPROMPTED && was_sent_long_ago &&
		   before->sends < POLICY_SENDS) ||
	       (s->event.type == EV_UNANSWERED && was_idle_long &&
		   s->policy.on_interrupt == ON_INTERRUPT_RESUME &&
		   after->resumes == before->resumes + 1 && after->stuck <= s->policy.max_resumes);
}

static bool
a_session_is_made_after_a_check(const struct scene *s, const struct decision *d)
{
	return d->effect != FX_CREATE ||
	       (s->task.status == STATUS_STARTING && s->event.type == EV_CHECKED);
}

#define LAW(name) \
	{ \
#name, name \
	}
static const struct {
	const char *name;
	law *is_kept;
} laws[] = {
    LAW(only_a_move_changes_anything),
    LAW(an_effect_comes_of_acting_or_moving),
    LAW(a_final_status_is_left_by_retry_alone),
    LAW(a_task_goes_live_by_claim_alone),
    LAW(attempts_grow_by_claim_alone),
    LAW(a_live_task_has_its_next_look),
    LAW(the_next_look_is_soon_but_not_now),
    LAW(a_wake_of_a_live_task_does_something),
    LAW(no_person_is_a_bug),
    LAW(a_person_alone_is_refused_and_told_why),
    LAW(an_attempt_ends_where_the_task_leaves_life),
    LAW(an_end_is_told_in_full),
    LAW(another_attempt_follows_a_failed_one_alone),
    LAW(what_is_not_live_has_no_effect),
    LAW(a_stopping_task_is_not_prompted),
    LAW(a_stop_ends_or_goes_on),
    LAW(the_database_allows_the_move),
    LAW(news_of_another_attempt_are_ignored),
    LAW(only_an_answer_completes),
    LAW(a_cancel_wins),
    LAW(a_prompt_is_sent_after_a_look),
    LAW(a_session_is_made_after_a_check),
};

static void
fail_law(const char *name, const struct scene *s, const struct decision *d)
{
	struct buf text = {0};
	for (size_t i = 0; i < COUNT(fields); i++) {
		if (!get(s, &fields[i]))
			continue;
		buf_puts(&text, text.len ? ", " : "");
		show_field(&text, s, &fields[i]);
	}
	buf_puts(&text, "] -> ");
	show_decision(&text, s, d);
	ck_abort_msg("%s: %s x %s [%s", name, status_text(s->task.status),
	    event_text(s->event.type), buf_text(&text));
}

static struct decision
decide_by_law(const struct scene *s)
{
	struct decision d = decide_scene(s);
	for (size_t i = 0; i < COUNT(laws); i++)
		if (!laws[i].is_kept(s, &d))
			fail_law(laws[i].name, s, &d);
	return d;
}

/* The axes of the product, the event aside: how many values each has. */
enum {
	STATUS,
	SESSION,
	STOP,
	LEFT,
	AGE,
	SINCE,
	SENDS,
	STUCK,
	MISSES,
	SEARCHES,
	INTERRUPT,
	LIMITS,
	OF,
	AXES
};
static const int axis_size[AXES] = {[STATUS] = STATUS_COUNT,
    [SESSION] = 2,
    [STOP] = STOP_COUNT,
    [LEFT] = 2,
    [AGE] = 4,
    [SINCE] = 2,
    [SENDS] = 2,
    [STUCK] = 2,
    [MISSES] = 2,
    [SEARCHES] = 2,
    [INTERRUPT] = 4,
    [LIMITS] = 2,
    [OF] = 3};

static bool
next_point(int at[AXES])
{
	int i = 0;
	while (i < AXES && ++at[i] == axis_size[i])
		at[i++] = 0;
	return i < AXES;
}

/* Most times, of an age: never, just now, some seconds ago, long ago. */
static void
set_times(struct scene *s, const int at[AXES])
{
	static const int64_t ages[] = {START_MS, 1, 5000, 3600000};
	const int64_t time_ms = START_MS - ages[at[AGE]];
	struct attempt *a = &s->task.attempt;
	a->idle_ms = a->stop_ms = a->aborted_ms = a->progress_ms = time_ms;
	a->unreachable_ms = at[SINCE] ? time_ms : 0;
	a->prompted_ms = at[SINCE] ? time_ms : 0;
	a->sent_ms = a->has_session ? START_MS - (at[AGE] ? ages[at[AGE]] : 2) : 0;
	s->event.progress_ms = at[SINCE] ? 0 : START_MS - 3000;
}

static struct scene
scene_at(enum event_type type, const int at[AXES])
{
	enum status status = (enum status)at[STATUS];
	bool is_live = status_is_live(status);
	struct scene s = {
	    .task = {.id = 3,
		.status = status,
		.stop = (enum stop)at[STOP],
		.attempts = 2 + is_live,
		.attempts_base = 1,
		.max_attempts = at[LEFT] ? 3 : 2,
		.timeout_ms = at[LIMITS] ? 600000 : 0,
		.wake_at_ms = is_live ? START_MS - 1 : 0,
		.attempt = {.id = ATTEMPT,
		    .started_ms = START_MS - 3700000,
		    .has_session = at[SESSION],
		    .sends = at[SENDS] ? POLICY_SENDS : 1,
		    .stuck = at[STUCK] ? 2 : 0,
		    .misses = at[MISSES] + 1,
		    .searches = at[SEARCHES],
		    .has_ended = !is_live}},
	    .event = {.type = type,
		.now_ms = START_MS,
		.attempt_id = at[OF] ? ATTEMPT + at[OF] - 1 : 0},
	    .policy = {.stall_ms = at[LIMITS] ? 600000 : 0,
		.max_resumes = 2,
		.on_interrupt = (enum on_interrupt)at[INTERRUPT]},
	};
	if (type == EV_FAULTY || type == EV_REFUSED)
		s.event.kind = KIND_AGENT;
	set_times(&s, at);
	return s;
}

START_TEST(the_laws_hold_everywhere)
{
	int at[AXES] = {0};
	read_moves();
	do {
		const struct scene s = scene_at((enum event_type)_i, at);
		decide_by_law(&s);
	} while (next_point(at));
}
END_TEST

START_TEST(every_move_the_database_allows_is_made)
{
	bool made[STATUS_COUNT][STATUS_COUNT] = {0};
	int at[AXES] = {0};
	read_moves();
	do {
		for (int type = 0; type < EV_COUNT; type++) {
			const struct scene s = scene_at((enum event_type)type, at);
			made[s.task.status][decide_scene(&s).next.status] = true;
		}
	} while (next_point(at));
	for (int from = 0; from < STATUS_COUNT; from++)
		for (int to = 0; to < STATUS_COUNT; to++)
			ck_assert_msg(made[from][to] || !may_move[from][to], "%s never becomes %s",
			    status_text((enum status)from), status_text((enum status)to));
}
END_TEST

/* ---- (c) every task ends ------------------------------------------------------------------- */

static uint64_t
random_next(uint64_t *state)
{
	*state += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t z = *state;
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static int
random_below(uint64_t *state, int limit)
{
	return (int)(random_next(state) % (uint64_t)limit);
}

enum { OUTCOMES = 9 };

/* What may come back of an effect. */
static const enum event_type outcomes[FX_COUNT][OUTCOMES] = {
    [FX_FIND] = {EV_SESSION, EV_ABSENT, EV_UNREACHABLE},
    [FX_CHECK] = {EV_CHECKED, EV_UNREACHABLE, EV_REFUSED},
    [FX_CREATE] = {EV_SESSION, EV_UNREACHABLE, EV_REFUSED},
    [FX_SEND] = {EV_PROMPTED, EV_UNREACHABLE, EV_GONE, EV_STRANGER, EV_REFUSED},
    [FX_LOOK] = {EV_BUSY, EV_UNPROMPTED, EV_UNANSWERED, EV_UNREACHABLE, EV_LOOPING, EV_GONE,
	EV_STRANGER, EV_FAULTY, EV_ANSWERED},
    [FX_ABORT] = {EV_ABORTED, EV_UNREACHABLE, EV_GONE, EV_STRANGER},
};

/* In a dull world nothing is ever refused, finished or deleted. */
static bool
is_dull(enum event_type type)
{
	return type != EV_REFUSED && type != EV_GONE && type != EV_FAULTY && type != EV_ANSWERED;
}

static enum event_type
random_outcome(uint64_t *state, enum effect effect, bool dull)
{
	enum event_type type;
	do
		type = outcomes[effect][random_below(state, OUTCOMES)];
	while (!type || (dull && !is_dull(type)));
	return type;
}

/* A life: a scene whose task goes on from decision to decision. */
struct life {
	struct scene scene;
	enum effect effect; /* under way */
	uint64_t state;
	bool dull;
};

static void
happen(struct life *life, enum event_type type)
{
	struct scene *s = &life->scene;
	int64_t before_ms = s->task.attempt.id;
	s->event.type = type;
	s->event.attempt_id = is_of_the_world(type) ? s->task.attempt.id : 0;
	s->event.kind = type == EV_FAULTY || type == EV_REFUSED ? KIND_AGENT : KIND_NONE;
	s->event.progress_ms = life->dull || random_below(&life->state, 2) ? 0 : s->event.now_ms;
	struct decision d = decide_by_law(s);
	if (d.verdict == VERDICT_MOVE)
		s->task = d.next;
	if (type == EV_CLAIM && d.verdict == VERDICT_MOVE)
		s->task.attempt.id = before_ms + 1;
	life->effect = d.effect;
}

static void
pass(struct life *life, int64_t until_ms)
{
	int64_t *now_ms = &life->scene.event.now_ms;
	*now_ms += 1 + random_below(&life->state, 200);
	if (*now_ms < until_ms)
		*now_ms = until_ms;
}

/* What the machinery does next: an answer comes, a look is due, a slot is free. */
static void
go_on(struct life *life)
{
	const struct task *t = &life->scene.task;
	if (life->effect != FX_NONE) {
		pass(life, 0);
		happen(life, random_outcome(&life->state, life->effect, life->dull));
	} else if (status_is_live(t->status)) {
		pass(life, t->wake_at_ms);
		happen(life, EV_WAKE);
	} else if (t->status == STATUS_QUEUED) {
		pass(life, t->not_before_ms);
		happen(life, EV_CLAIM);
	} else {
		pass(life, 0);
		happen(life, EV_RELEASE);
	}
}

static void
interfere(struct life *life)
{
	static const enum event_type people[] = {EV_CANCEL, EV_RETRY, EV_HOLD, EV_RELEASE, EV_WAKE};
	enum effect under_way = life->effect;
	pass(life, 0);
	if (random_below(&life->state, 8) == 0)
		life->effect = FX_NONE; /* vigil died */
	else if (random_below(&life->state, 8) == 0)
		happen(life, people[random_below(&life->state, COUNT(people))]);
	else if (random_below(&life->state, 20) == 0)
		happen(life,
		    (enum event_type)(EV_WAKE + random_below(&life->state, EV_COUNT - EV_WAKE)));
	else if (!status_is_final(life->scene.task.status))
		go_on(life);
	if (life->effect == FX_NONE && random_below(&life->state, 2))
		life->effect = status_is_live(life->scene.task.status) ? under_way : FX_NONE;
}

static struct life
life_of(int seed, bool dull)
{
	struct life life = {.scene = scene_of(STATUS_QUEUED, EV_WAKE, "timeout 3600s, stall 600s"),
	    .state = (uint64_t)seed,
	    .dull = dull};
	life.scene.task.max_attempts = 1 + seed % 3;
	life.scene.policy.on_interrupt = (enum on_interrupt)(seed / 3 % 4);
	return life;
}

START_TEST(every_task_ends)
{
	enum { LIVES = 2000, STEPS = 5000 };
	read_moves();
	for (int seed = 0; seed < LIVES; seed++) {
		struct life life = life_of(seed, _i != 0);
		for (int i = 0; i < seed % 300; i++)
			interfere(&life);
		int step = 0;
		while (!status_is_final(life.scene.task.status) && step++ < STEPS)
			go_on(&life);
		ck_assert_msg(step < STEPS, "life %d of kind %d goes on and on: %s", seed, _i,
		    status_text(life.scene.task.status));
	}
}
END_TEST

/* Whatever the world says, it is over within the time for a stop and a try or two. */
START_TEST(every_stop_ends_in_time)
{
	enum { LIVES = 2000, STEPS = 30 };
	read_moves();
	for (int seed = 0; seed < LIVES; seed++) {
		struct life life = life_of(seed, true);
		for (int i = 0; i < seed % STEPS; i++)
			go_on(&life);
		if (!status_is_live(life.scene.task.status))
			continue;
		enum effect under_way = life.effect;
		int64_t since_ms = life.scene.event.now_ms;
		happen(&life, EV_CANCEL);
		life.effect = under_way ? under_way : life.effect;
		while (!status_is_final(life.scene.task.status))
			go_on(&life);
		int64_t took_ms = life.scene.event.now_ms - since_ms;
		ck_assert_int_eq(life.scene.task.status, STATUS_CANCELLED);
		ck_assert_msg(took_ms <= POLICY_STOP_MS + 3 * POLICY_STOP_AGAIN_MS,
		    "the stop of life %d took %lld ms", seed, (long long)took_ms);
	}
}
END_TEST

/* ---- (d) journeys -------------------------------------------------------------------------- */

/* Lines of "SECONDS EVENT [WORDS] -> DECISION"; the words are set before the event, and stay. A
 * line without an event only sets. */
static const struct journey {
	const char *name, *text;
} journeys[] = {
    {"normal", "0 claim -> starting +check the names\n"
	       "0.1 checked -> starting +create the session\n"
	       "0.2 session -> starting +send the prompt\n"
	       "0.3 prompted -> running, wake +30s\n"
	       "5 wake -> +look\n"
	       "5.1 busy [news now] -> running, wake +30s\n"
	       "35.1 wake -> +look\n"
	       "35.2 answered -> completed, attempt completed\n"
	       "35.3 wake -> ignored\n"
	       "35.4 busy -> ignored\n"},
    {"cancelled in the middle", "0 claim -> starting +check the names\n"
				"0.1 checked -> starting +create the session\n"
				"0.2 session -> starting +send the prompt\n"
				"0.3 prompted -> running, wake +30s\n"
				"9 cancel -> stopping +abort\n"
				"9.1 aborted -> stopping +look\n"
				"9.2 busy -> stopping, wake +1s\n"
				"10.2 wake -> +abort\n"
				"10.3 cancel -> ignored\n"
				"10.4 aborted -> stopping +look\n"
				"10.5 faulty -> cancelled, attempt cancelled\n"
				"11 cancel -> refused\n"},
    {"cancelled, and answered meanwhile", "0 claim -> starting +check the names\n"
					  "0.1 checked -> starting +create the session\n"
					  "0.2 session -> starting +send the prompt\n"
					  "0.3 prompted -> running, wake +30s\n"
					  "9 cancel -> stopping +abort\n"
					  "9.1 aborted -> stopping +look\n"
					  "9.2 answered -> cancelled, attempt cancelled\n"},
    {"cancelled while its session is being made",
	"0 claim -> starting +check the names\n"
	"0.1 checked -> starting +create the session\n"
	"0.2 cancel -> stopping +find the session\n"
	"0.3 session -> stopping +abort\n"
	"0.4 aborted -> stopping +look\n"
	"0.5 unprompted -> cancelled, attempt cancelled\n"},
    {"cancelled while its prompt is under way", "0 claim -> starting +check the names\n"
						"0.1 checked -> starting +create the session\n"
						"0.2 session -> starting +send the prompt\n"
						"0.3 cancel -> stopping +abort\n"
						"0.4 prompted -> stopping +abort\n"
						"0.5 aborted -> stopping +look\n"
						"0.6 unanswered -> stopping, wake +1s\n"
						"1.6 wake -> +abort\n"
						"1.7 aborted -> stopping +look\n"
						"1.8 unanswered -> stopping, wake +1s\n"
						"2.8 wake -> +abort\n"
						"3.4 aborted -> stopping +look\n"
						"3.5 faulty -> cancelled, attempt cancelled\n"},
    {"cancelled before it began", "0 cancel -> cancelled\n"
				  "1 claim -> a bug\n"
				  "2 retry -> queued\n"
				  "3 hold -> held\n"
				  "4 release -> queued\n"
				  "5 claim -> starting +check the names\n"},
    {"a crash before the session is committed", "0 claim -> starting +check the names\n"
						"0.1 checked -> starting +create the session\n"
						"9 wake -> +find the session\n"
						"9.1 absent -> starting, wake +2s\n"
						"11.1 wake -> +find the session\n"
						"11.2 session -> starting +send the prompt\n"
						"11.3 prompted -> running, wake +30s\n"},
    {"a crash before the session is made", "0 claim -> starting +check the names\n"
					   "9 wake -> +find the session\n"
					   "9.1 absent -> starting, wake +2s\n"
					   "11.1 wake -> +find the session\n"
					   "11.2 absent -> starting +check the names\n"
					   "11.3 checked -> starting +create the session\n"
					   "15 unreachable -> starting, wake +1s\n"
					   "16 wake -> +find the session\n"
					   "16.1 absent -> starting, wake +2s\n"
					   "18.1 wake -> +find the session\n"
					   "18.2 absent -> starting +check the names\n"
					   "18.3 checked -> starting +create the session\n"
					   "18.4 session -> starting +send the prompt\n"},
    {"a crash just after the prompt was sent", "0 claim -> starting +check the names\n"
					       "0.1 checked -> starting +create the session\n"
					       "0.2 session -> starting +send the prompt\n"
					       "1 wake -> +look\n"
					       "1.1 unprompted -> starting, wake +9.100s\n"
					       "10.2 wake -> +look\n"
					       "10.3 busy -> running, wake +30s\n"
					       "40.3 wake -> +look\n"
					       "40.4 answered -> completed, attempt completed\n"},
    {"the prompt is lost three times", "0 claim -> starting +check the names\n"
				       "0.1 checked -> starting +create the session\n"
				       "1 session -> starting +send the prompt\n"
				       "2 prompted -> running, wake +30s\n"
				       "5 unprompted -> running, wake +6s\n"
				       "11 unprompted -> running +send the prompt\n"
				       "12 unreachable -> running, wake +1s\n"
				       "13 unprompted -> running, wake +8s\n"
				       "21 unprompted -> running +send the prompt\n"
				       "31 unprompted -> failed, attempt failed (server)\n"},
    {"a turn that is cut off goes on", "0 claim -> starting +check the names\n"
				       "0.1 checked -> starting +create the session\n"
				       "0.2 session -> starting +send the prompt\n"
				       "0.3 prompted -> running, wake +30s\n"
				       "20 busy [news -1s] -> running, wake +30s\n"
				       "30 unreachable -> running, wake +1s\n"
				       "40 wake -> +look\n"
				       "41 unanswered [news -] -> running, wake +10s\n"
				       "51 unanswered -> running +send the prompt\n"
				       "51.1 prompted -> running, wake +30s\n"
				       "52 busy -> running, wake +30s\n"
				       "60 unanswered -> running, wake +10s\n"
				       "70 unanswered -> running +send the prompt\n"
				       "71 unanswered -> running, wake +10s\n"
				       "81 unanswered -> running +send the prompt\n"
				       "82 unanswered -> running, wake +10s\n"
				       "91 busy -> running, wake +30s\n"
				       "92 unanswered -> running, wake +10s\n"
				       "102 unanswered -> failed, attempt failed (interrupted)\n"},
    {"progress between two cuts", "0 claim -> starting +check the names\n"
				  "0.1 checked -> starting +create the session\n"
				  "0.2 session [max_resumes 1] -> starting +send the prompt\n"
				  "1 unanswered [news -] -> running, wake +10s\n"
				  "11 unanswered -> running +send the prompt\n"
				  "12 busy [news now] -> running, wake +30s\n"
				  "13 busy [step -1s] -> running, wake +30s\n"
				  "14 unanswered [news -, step -] -> running, wake +10s\n"
				  "24 unanswered -> running +send the prompt\n"
				  "24.5 unanswered -> running, wake +10s\n"
				  "34.5 unanswered -> failed, attempt failed (interrupted)\n"},
    {"news alone is no progress between two cuts",
	"0 claim -> starting +check the names\n"
	"0.1 checked -> starting +create the session\n"
	"0.2 session [max_resumes 1] -> starting +send the prompt\n"
	"1 unanswered -> running, wake +10s\n"
	"11 unanswered -> running +send the prompt\n"
	"12 busy [news now] -> running, wake +30s\n"
	"42 unanswered -> running, wake +10s\n"
	"52 unanswered -> failed, attempt failed (interrupted)\n"},
    {"a timeout", "0 claim [timeout 60s, max 2] -> starting +check the names\n"
		  "0.1 checked -> starting +create the session\n"
		  "0.2 session -> starting +send the prompt\n"
		  "1 prompted -> running, wake +30s\n"
		  "20 busy -> running, wake +30s\n"
		  "50 busy -> running, wake +11s\n"
		  "61 busy -> stopping +abort\n"
		  "61.1 aborted -> stopping +look\n"
		  "61.2 faulty -> queued, attempt failed (timeout)\n"},
    {"a short timeout is looked at in time", "0 claim [timeout 2s] -> starting +check the names\n"
					     "0.1 checked -> starting +create the session\n"
					     "0.2 session -> starting +send the prompt\n"
					     "1 prompted -> running, wake +2s\n"
					     "3 busy -> stopping +abort\n"},
    {"an answer just before its timeout stops it",
	"0 claim [timeout 60s] -> starting +check the names\n"
	"0.1 checked -> starting +create the session\n"
	"0.2 session -> starting +send the prompt\n"
	"1 prompted -> running, wake +30s\n"
	"61 busy -> stopping +abort\n"
	"61.1 aborted -> stopping +look\n"
	"61.2 answered -> completed, attempt completed\n"},
    {"a cancel overtakes a timeout", "0 claim [timeout 60s] -> starting +check the names\n"
				     "0.1 checked -> starting +create the session\n"
				     "0.2 session -> starting +send the prompt\n"
				     "1 prompted -> running, wake +30s\n"
				     "61 busy -> stopping +abort\n"
				     "61.1 cancel -> stopping, wake -0.100s\n"
				     "61.2 aborted -> stopping +look\n"
				     "61.3 answered -> cancelled, attempt cancelled\n"},
    {"a stall", "0 claim [stall 45s] -> starting +check the names\n"
		"0.1 checked -> starting +create the session\n"
		"0.2 session -> starting +send the prompt\n"
		"1 prompted -> running, wake +30s\n"
		"30 busy [news -5s] -> running, wake +30s\n"
		"60 busy [news -] -> running, wake +10s\n"
		"70 busy -> stopping +abort\n"
		"70.1 aborted -> stopping +look\n"
		"70.2 busy -> stopping, wake +1s\n"
		"71.2 wake -> +abort\n"
		"71.3 unreachable -> stopping, wake +1s\n"
		"130 busy -> stopping, wake +1s\n"
		"132 busy -> failed, attempt failed (stalled)\n"},
    {"a cancel while no runner is alive waits for one",
	"0 claim -> starting +check the names\n"
	"0.1 checked -> starting +create the session\n"
	"0.2 session -> starting +send the prompt\n"
	"1 prompted -> running, wake +30s\n"
	"10 cancel -> stopping +abort\n"
	"7200 wake -> +abort\n"
	"7201 unreachable -> stopping, wake +1s\n"
	"7202 wake -> +abort\n"
	"7203 aborted -> stopping +look\n"
	"7204 faulty -> cancelled, attempt cancelled\n"},
    {"an absence of the runner is no stall", "0 claim [stall 60s] -> starting +check the names\n"
					     "0.1 checked -> starting +create the session\n"
					     "0.2 session -> starting +send the prompt\n"
					     "1 prompted -> running, wake +30s\n"
					     "7200 wake -> +look\n"
					     "7201 busy [watched -1s] -> running, wake +30s\n"},
    {"time without a server, in retry or asleep does not count",
	"0 claim [timeout 60s] -> starting +check the names\n"
	"0.1 checked -> starting +create the session\n"
	"0.2 session -> starting +send the prompt\n"
	"1 prompted -> running, wake +30s\n"
	"11 unreachable -> running, wake +1s\n"
	"111 busy -> running, wake +30s\n"
	"121 busy [retry] -> running, wake +30s\n"
	"221 busy [retry] -> running, wake +30s\n"
	"231 busy [retry -] -> running, wake +30s\n"
	"331 busy [slept 100s] -> running, wake +30s\n"
	"369 busy [slept -] -> running, wake +2s\n"
	"371 busy -> stopping +abort\n"},
    {"time between two runs in which nothing was done does not count",
	"0 claim [timeout 60s] -> starting +check the names\n"
	"0.1 checked -> starting +create the session\n"
	"0.2 session -> starting +send the prompt\n"
	"1 prompted -> running, wake +30s\n"
	"7200 wake -> +look\n"
	"7200 unreachable -> running, wake +1s\n"
	"7205 unanswered [away 7169s] -> running, wake +10s\n"
	"7215 unanswered [away -] -> running +send the prompt\n"
	"7216 busy -> running, wake +19s\n"
	"7235 busy -> stopping +abort\n"},
    {"that nobody was there is lost before the server is reached, and found again where it was "
     "work",
	"0 claim [timeout 60s] -> starting +check the names\n"
	"0.1 checked -> starting +create the session\n"
	"0.2 session -> starting +send the prompt\n"
	"1 prompted -> running, wake +30s\n"
	"7200 unreachable [away 7169s] -> running, wake +1s\n"
	"8200 unreachable [away -] -> running, wake +30s\n"
	"8205 busy -> running, wake +30s\n"
	"8206 unreachable -> running, wake +1s\n"
	"8207 busy [away -7169s] -> stopping +abort\n"},
    {"nor does sleep between two runs, where the agent went on",
	"0 claim [timeout 60s] -> starting +check the names\n"
	"0.1 checked -> starting +create the session\n"
	"0.2 session -> starting +send the prompt\n"
	"1 prompted -> running, wake +30s\n"
	"7200 busy [away 7160s] -> running, wake +21s\n"
	"7221 busy [away -] -> stopping +abort\n"},
    {"a timeout that cannot be confirmed is not tried again",
	"0 claim [timeout 60s, max 2] -> starting +check the names\n"
	"0.1 checked -> starting +create the session\n"
	"0.2 session -> starting +send the prompt\n"
	"1 prompted -> running, wake +30s\n"
	"61 busy -> stopping +abort\n"
	"62 unreachable -> stopping, wake +1s\n"
	"122 unreachable -> failed, attempt failed (timeout)\n"},
    {"unreachable, then back", "0 claim -> starting +check the names\n"
			       "0.1 checked -> starting +create the session\n"
			       "0.2 session -> starting +send the prompt\n"
			       "0.3 prompted -> running, wake +30s\n"
			       "10 unreachable -> running, wake +1s\n"
			       "11 wake -> +look\n"
			       "11 unreachable -> running, wake +1s\n"
			       "12 unreachable -> running, wake +2s\n"
			       "14 unreachable -> running, wake +4s\n"
			       "18 unreachable -> running, wake +8s\n"
			       "26 unreachable -> running, wake +16s\n"
			       "42 unreachable -> running, wake +30s\n"
			       "72 busy -> running, wake +30s\n"
			       "100 unreachable -> running, wake +1s\n"
			       "101 answered -> completed, attempt completed\n"},
    {"the session is deleted", "0 claim -> starting +check the names\n"
			       "0.1 checked -> starting +create the session\n"
			       "0.2 session -> starting +send the prompt\n"
			       "0.3 prompted -> running, wake +30s\n"
			       "10 gone -> running, wake +1s\n"
			       "11 gone -> running, wake +1s\n"
			       "12 busy -> running, wake +30s\n"
			       "13 gone -> running, wake +1s\n"
			       "14 gone -> running, wake +1s\n"
			       "15 gone -> failed, attempt failed (lost)\n"},
    {"tried again while attempts are left, and by a person",
	"0 claim [max 2] -> starting +check the names\n"
	"0.1 checked -> starting +create the session\n"
	"0.2 session -> starting +send the prompt\n"
	"1 prompted -> running, wake +30s\n"
	"9 faulty -> queued, attempt failed (agent)\n"
	"14 claim -> starting +check the names\n"
	"14.1 checked -> starting +create the session\n"
	"14.2 answered [of 1] -> ignored\n"
	"15 session -> starting +send the prompt\n"
	"16 prompted -> running, wake +30s\n"
	"19 faulty -> failed, attempt failed (agent)\n"
	"20 claim -> a bug\n"
	"30 retry -> queued\n"
	"31 claim -> starting +check the names\n"
	"32 checked -> starting +create the session\n"
	"33 session -> starting +send the prompt\n"
	"34 faulty -> queued, attempt failed (agent)\n"},
    {"cut off, and held for a person", "0 claim [interrupted hold] -> starting +check the names\n"
				       "0.1 checked -> starting +create the session\n"
				       "0.2 session -> starting +send the prompt\n"
				       "1 prompted -> running, wake +30s\n"
				       "9 unanswered -> running, wake +10s\n"
				       "19 unanswered -> held, attempt failed (interrupted)\n"
				       "20 busy -> ignored\n"
				       "21 claim -> a bug\n"
				       "22 release -> queued\n"
				       "23 claim -> starting +check the names\n"},
    {"in a copy, held for a person", "0 claim -> starting +check the names\n"
				     "0.1 checked -> starting +create the session\n"
				     "0.2 session -> starting +send the prompt\n"
				     "1 copied -> held, attempt failed (interrupted)\n"
				     "2 prompted -> ignored\n"
				     "3 release -> queued\n"
				     "4 claim -> starting +check the names\n"},
};

static enum event_type
event_named(const char *name)
{
	for (int type = 0; type < EV_COUNT; type++)
		if (strcmp(event_text((enum event_type)type), name) == 0)
			return (enum event_type)type;
	die("there is no event \"%s\"", name);
}

/* "SECONDS EVENT [WORDS] ->" */
static void
read_step(struct scene *s, const char *line)
{
	char name[32] = "", words[100] = "";
	double seconds = 0;
	ck_assert_int_ge(sscanf(line, "%lf %31s [%99[^]]]", &seconds, name, words), 2);
	s->event.now_ms = START_MS + (int64_t)(seconds * 1000 + 0.5);
	s->event.type = event_named(name);
	s->event.attempt_id = is_of_the_world(s->event.type) ? s->task.attempt.id : 0;
	s->event.kind = s->event.type == EV_FAULTY ? KIND_AGENT : KIND_NONE;
	set_words(s, words);
}

static void
show_step(struct buf *out, const struct scene *s, const struct decision *d)
{
	show_move(out, d);
	if (d->verdict == VERDICT_MOVE && status_is_live(d->next.status) && d->effect == FX_NONE) {
		buf_puts(out, ", wake ");
		show_time(out, d->next.wake_at_ms, s->event.now_ms);
	}
}

/* The line as it should read. */
static void
take_step(struct scene *s, const char *line, size_t given, int64_t *attempts, struct buf *out)
{
	read_step(s, line);
	struct decision d = decide_by_law(s);
	buf_add(out, line, given);
	buf_puts(out, " -> ");
	show_step(out, s, &d);
	if (d.verdict != VERDICT_MOVE)
		return;
	s->task = d.next;
	if (s->event.type == EV_CLAIM)
		s->task.attempt.id = ++*attempts;
}

START_TEST(a_journey_goes_as_told)
{
	const struct journey *journey = &journeys[_i];
	struct scene s = scene_of(STATUS_QUEUED, EV_WAKE, "");
	int64_t attempts = 0;
	struct buf out = {0};
	read_moves();
	for (const char *line = journey->text; *line; line = strchr(line, '\n') + 1) {
		const char *arrow = strstr(line, " -> "), *end = strchr(line, '\n');
		char *told = xstrndup(line, (size_t)(end - line));
		buf_clear(&out);
		take_step(&s, line, (size_t)(arrow - line), &attempts, &out);
		ck_assert_msg(strcmp(told, buf_text(&out)) == 0, "%s: told  %s\nbut it is  %s",
		    journey->name, told, buf_text(&out));
		free(told);
	}
	buf_free(&out);
}
END_TEST

/* ---- the program --------------------------------------------------------------------------- */

static int
run_suite(void)
{
	Suite *suite = suite_create("decide");
	TCase *tests = tcase_create("decide");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, the_table_is_as_written);
	tcase_add_loop_test(tests, the_laws_hold_everywhere, 0, EV_COUNT);
	tcase_add_test(tests, every_move_the_database_allows_is_made);
	tcase_add_loop_test(tests, every_task_ends, 0, 2);
	tcase_add_test(tests, every_stop_ends_in_time);
	tcase_add_loop_test(tests, a_journey_goes_as_told, 0, (int)COUNT(journeys));
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int
print(void)
{
	struct buf table = {0};
	print_table(&table);
	fputs(buf_text(&table), stdout);
	buf_free(&table);
	return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--print") == 0)
		return print();
	const char *slash = strrchr(argv[0], '/');
	int folder = slash ? (int)(slash - argv[0]) + 1 : 0;
	char *path = xasprintf("%.*sdecide.txt", folder, argv[0]);
	table_now_path = path;
	int status = run_suite();
	free(path);
	return status;
}
