/*
 * From events to rows: a task's life as it is written down. What an event means is tested with
 * decide(); here, that all of it is stored, in one transaction, past the guards of the schema.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/policy.h"
#include "help.h"
#include "store/apply.h"
#include "store/store_int.h"

#define NOON 1767268800000 /* 2026-01-01T12:00:00.000Z */

struct fixture {
	char *folder, *path;
	struct store *store;
	int64_t now_ms;
	struct decision decision;
	struct fault fault;
};

static struct fixture fx;

static const struct apply_defaults defaults = {
    .attempts = 1,
    .policy = {.stall_ms = 2700000, .max_resumes = 3, .on_interrupt = ON_INTERRUPT_RESUME},
};

static void
set_up(void)
{
	fx = (struct fixture){.folder = scratch_new(), .now_ms = NOON};
	fx.path = in_folder(fx.folder, "vigil.db");
	fx.store = must_open(fx.path, STORE_CREATE);
}

static void
tear_down(void)
{
	shell_gives(fx.path, "SELECT group_concat(problem) FROM problems", NULL);
	shell_gives(fx.path, "PRAGMA foreign_key_check", NULL);
	store_close(fx.store);
	scratch_remove(fx.folder);
	free(fx.path);
}

static void
gives(const char *sql, const char *expected)
{
	shell_gives(fx.path, sql, expected);
}

static void
add(const char *columns, const char *values)
{
	char *sql = xasprintf("INSERT INTO tasks (prompt%s) VALUES ('p'%s)", columns, values);

	shell_ok(fx.path, sql);
	free(sql);
}

/* A second later. */
static bool
try_event(struct event event)
{
	fx.now_ms += 1000;
	event.now_ms = fx.now_ms;
	fx.fault = (struct fault){0};
	return apply(fx.store, &defaults, 1, &event, &fx.decision, &fx.fault);
}

static void
happens(struct event event)
{
	ck_assert_msg(try_event(event), "%s: %s", event_text(event.type), fx.fault.text);
	ck_assert_int_eq(fx.decision.verdict, VERDICT_MOVE);
}

static void
claimed(void)
{
	happens((struct event){.type = EV_CLAIM,
	    .nonce = "n1",
	    .directory = "/work",
	    .server = "managed",
	    .runner_id = 1});
}

static void
running_as(const struct event *checked)
{
	claimed();
	happens(*checked);
	happens((struct event){
	    .type = EV_SESSION, .session_id = "ses_1", .message_id = "msg_1", .part_id = "prt_1"});
	happens((struct event){.type = EV_PROMPTED, .server_id = 1});
}

static void
running(void)
{
	running_as(&(struct event){
	    .type = EV_CHECKED, .agent = "oracle", .model = "p/m", .variant = "high"});
}

#define OWN(text) ((char *)(text)) /* a message owns its strings; these nobody frees */

static const struct message transcript[] = {
    {.id = OWN("msg_1"),
	.from_user = true,
	.text = OWN("p"),
	.reasoning = OWN(""),
	.created_ms = NOON + 1},
    {.id = OWN("msg_2"),
	.agent = OWN("oracle"),
	.model = OWN("p/m"),
	.finish = OWN("stop"),
	.text = OWN("answer"),
	.reasoning = OWN("thought"),
	.created_ms = NOON + 2,
	.completed_ms = NOON + 3,
	.cut = true,
	.tokens = {1, 2, 3, 4, 5},
	.cost = 0.25},
    {.id = OWN("msg_3"),
	.error_name = OWN("APIError"),
	.error_text = OWN("too many"),
	.text = OWN(""),
	.reasoning = OWN(""),
	.summary = true},
};

static const struct harvest harvest = {.messages = transcript,
    .count = 3,
    .result = "answer",
    .tokens = {10, 20, 30, 40, 50},
    .cost = 0.5};

/* Foreign keys are on: the rows that an attempt names. */
static void
with_runner(void)
{
	shell_ok(fx.path, A_RUNNER "INSERT INTO servers (name) VALUES ('managed')");
}

START_TEST(a_life_from_claim_to_answer)
{
	with_runner();
	add("", "");
	running();
	gives("SELECT status || attempts || directory || server || session_id || started_at FROM "
	      "tasks",
	    "running1/workmanagedses_12026-01-01T12:00:01.000Z");
	gives("SELECT nonce || runner_id || server || server_id || session_id || message_id || "
	      "part_id || agent "
	      "|| model || variant || number || sends FROM attempts",
	    "n11managed1ses_1msg_1prt_1oraclep/mhigh11");
	gives("SELECT prompted_at FROM attempts", "2026-01-01T12:00:04.000Z");
	happens((struct event){.type = EV_BUSY, .progress_ms = NOON + 4500});
	gives("SELECT progress_at FROM attempts", "2026-01-01T12:00:04.500Z");
	happens((struct event){.type = EV_ANSWERED, .harvest = &harvest});
	gives("SELECT status || result || completed_at || coalesce(error, '-') || "
	      "coalesce(wake_at, '-') FROM "
	      "tasks",
	    "completedanswer2026-01-01T12:00:06.000Z--");
	gives("SELECT outcome || ended_at || tokens_input || tokens_output || tokens_reasoning || "
	      "tokens_cache_read || tokens_cache_write || cost FROM attempts",
	    "completed2026-01-01T12:00:06.000Z10203040500.5");
	gives("SELECT group_concat(role || message_id || text || coalesce(error, '') || cut || "
	      "summary, ' ') FROM "
	      "messages",
	    "usermsg_1p00 assistantmsg_2answer10 assistantmsg_3APIError: too many01");
	gives("SELECT reasoning || finish || created_at || completed_at || tokens_cache_write || "
	      "cost FROM "
	      "messages WHERE message_id = 'msg_2'",
	    "thoughtstop2026-01-01T12:00:00.002Z2026-01-01T12:00:00.003Z50.25");
	gives("SELECT group_concat(kind, ' ') FROM events",
	    "queued starting session running completed");
	gives("SELECT count(DISTINCT attempt_id) || count(attempt_id) FROM events", "14");
}
END_TEST

START_TEST(where_nobody_was_named_the_attempt_has_who_answered)
{
	with_runner();
	add("", "");
	running_as(&(struct event){.type = EV_CHECKED});
	gives("SELECT agent || model FROM attempts", NULL);
	happens((struct event){.type = EV_ANSWERED, .harvest = &harvest});
	gives("SELECT agent || model FROM attempts", "oraclep/m");
	gives("SELECT agent || model FROM tasks", NULL);
}
END_TEST

/* But for its directory, which the claim brings resolved. */
START_TEST(what_a_task_says_itself_stays)
{
	with_runner();
	add(", directory, max_attempts, timeout_s", ", '/mine', 2, 1.5");
	claimed();
	gives("SELECT directory FROM tasks", "/work");
	ck_assert_int_eq(fx.decision.next.max_attempts, 2);
	ck_assert_int_eq(fx.decision.next.timeout_ms, 1500);
	ck_assert_int_eq(fx.decision.next.attempt.id, 1);
}
END_TEST

START_TEST(a_failure_is_tried_again_while_attempts_are_left)
{
	char at[STAMP_SIZE];

	with_runner();
	add(", max_attempts", ", 2");
	running();
	happens((struct event){
	    .type = EV_FAULTY, .kind = KIND_AGENT, .text = "it broke", .harvest = &harvest});
	stamp_format(fx.now_ms + policy_retry_ms(1), at);
	gives("SELECT status || coalesce(error, '-') || coalesce(error_kind, '-') || "
	      "coalesce(result, '-') FROM "
	      "tasks",
	    "queued---");
	gives("SELECT not_before FROM tasks", at);
	gives("SELECT outcome || error || error_kind FROM attempts", "failedit brokeagent");
	gives("SELECT count(*) FROM messages", "3");
	gives("SELECT detail FROM events WHERE kind = 'attempt ended'", "it broke");
	running();
	gives("SELECT group_concat(number || coalesce(outcome, '-')) FROM attempts", "1failed,2-");
	happens((struct event){.type = EV_FAULTY, .kind = KIND_EMPTY, .text = "nothing came"});
	gives("SELECT status || error || error_kind || attempts FROM tasks",
	    "failednothing cameempty2");
	gives("SELECT started_at FROM tasks", "2026-01-01T12:00:01.000Z");
	happens((struct event){.type = EV_RETRY});
	gives("SELECT status || attempts || attempts_base || coalesce(error, '-') || "
	      "coalesce(completed_at, '-') "
	      "FROM tasks",
	    "queued22--");
	claimed();
	gives("SELECT max(number) FROM attempts", "3");
}
END_TEST

START_TEST(a_cancel_keeps_its_reason)
{
	with_runner();
	add("", "");
	running();
	happens((struct event){.type = EV_CANCEL, .text = "not needed"});
	gives("SELECT status || stop || error FROM tasks", "stoppingcancelnot needed");
	gives("SELECT detail FROM events WHERE kind = 'stopping'", "not needed");
	happens((struct event){.type = EV_UNREACHABLE, .text = "no answer"});
	gives("SELECT error || note FROM tasks", "not neededno answer");
	happens((struct event){.type = EV_ANSWERED, .harvest = &harvest});
	gives("SELECT status || error || coalesce(error_kind, '-') || result || coalesce(note, "
	      "'-') FROM tasks",
	    "cancellednot needed-answer-");
	gives("SELECT outcome || error FROM attempts", "cancellednot needed");
}
END_TEST

START_TEST(a_cancel_without_a_reason_has_one)
{
	with_runner();
	add("", "");
	if (_i)
		running();
	happens((struct event){.type = EV_CANCEL});
	gives("SELECT error FROM tasks", "Cancelled by user");
	gives("SELECT count(*) FROM attempts", _i ? "1" : "0");
}
END_TEST

START_TEST(a_timeout_says_so)
{
	with_runner();
	add(", timeout_s", ", 10");
	running();
	fx.now_ms += 10000;
	happens((struct event){.type = EV_BUSY});
	gives("SELECT status || stop || coalesce(error, '-') FROM tasks", "stoppingtimeout-");
	if (_i) {
		happens((struct event){.type = EV_CANCEL, .text = "enough"});
		gives("SELECT stop || error FROM tasks", "cancelenough");
		happens((struct event){
		    .type = EV_FAULTY, .kind = KIND_AGENT, .text = "MessageAborted"});
		gives("SELECT status || error FROM tasks", "cancelledenough");
		return;
	}
	happens((struct event){.type = EV_FAULTY, .kind = KIND_AGENT, .text = "MessageAborted"});
	gives("SELECT status || error_kind || error FROM tasks",
	    "failedtimeoutit ran longer than its timeout (10s)");
	gives("SELECT error_kind || error FROM attempts",
	    "timeoutit ran longer than its timeout (10s)");
}
END_TEST

START_TEST(what_is_in_the_way_is_noted_once)
{
	with_runner();
	add("", "");
	running();
	happens((struct event){.type = EV_UNREACHABLE, .text = "connection refused"});
	happens((struct event){.type = EV_UNREACHABLE, .text = "timed out"});
	gives("SELECT note FROM tasks", "timed out");
	gives("SELECT unreachable_at FROM attempts", "2026-01-01T12:00:05.000Z");
	happens((struct event){.type = EV_BUSY, .text = "waits for its provider"});
	gives("SELECT note FROM tasks", "waits for its provider");
	happens((struct event){.type = EV_BUSY});
	gives("SELECT coalesce(note, '-') FROM tasks", "-");
	gives("SELECT group_concat(kind || coalesce(' ' || detail, ''), '; ') FROM events WHERE id "
	      "> 4",
	    "unreachable connection refused; reachable waits for its provider");
}
END_TEST

START_TEST(a_turn_that_was_cut_off_goes_on)
{
	with_runner();
	add("", "");
	running();
	happens((struct event){.type = EV_UNANSWERED});
	gives("SELECT idle_at FROM attempts", "2026-01-01T12:00:05.000Z");
	fx.now_ms += POLICY_GRACE_MS;
	happens((struct event){.type = EV_UNANSWERED});
	ck_assert_int_eq(fx.decision.effect, FX_SEND);
	gives("SELECT resumes || stuck || sends || coalesce(idle_at, '-') FROM attempts", "111-");
	gives("SELECT kind FROM events ORDER BY id DESC", "resumed");
}
END_TEST

START_TEST(a_hold_and_its_release)
{
	add("", "");
	happens((struct event){.type = EV_HOLD});
	happens((struct event){.type = EV_RELEASE});
	gives("SELECT group_concat(kind, ' ') FROM events", "queued held queued");
}
END_TEST

START_TEST(late_news_changes_nothing)
{
	with_runner();
	add(", max_attempts", ", 2");
	running();
	happens((struct event){.type = EV_FAULTY, .kind = KIND_AGENT, .text = "x"});
	claimed();
	ck_assert(
	    try_event((struct event){.type = EV_ANSWERED, .attempt_id = 1, .harvest = &harvest}));
	ck_assert_int_eq(fx.decision.verdict, VERDICT_IGNORE);
	gives("SELECT status FROM tasks", "starting");
	ck_assert(try_event((struct event){.type = EV_WAKE}));
	ck_assert_int_eq(fx.decision.verdict, VERDICT_ACT);
	ck_assert_int_eq(fx.decision.effect, FX_FIND);
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
	struct event cancel = {.type = EV_CANCEL};

	add("", "");
	ck_assert(!try_event((struct event){.type = EV_RETRY}));
	must_be(&fx.fault, FAULT_USAGE, "task 1: it is queued already");
	ck_assert(!apply(fx.store, &defaults, 7, &cancel, &fx.decision, &fx.fault));
	must_be(&fx.fault, FAULT_NOT_FOUND, "there is no task 7");
	happens(cancel);
	ck_assert(!try_event(cancel));
	must_be(&fx.fault, FAULT_USAGE, "final");
}
END_TEST

START_TEST(what_cannot_happen_dies)
{
	add(", status", ", 'held'");
	try_event((struct event){.type = EV_CLAIM, .nonce = "n"});
}
END_TEST

START_TEST(several_in_one_transaction)
{
	struct event event = {.type = EV_CANCEL, .now_ms = NOON};

	add("", "");
	add("", "");
	ck_assert(store_begin(fx.store, &fx.fault));
	for (int id = 1; id <= 2; id++)
		ck_assert(apply_within(fx.store, &defaults, id, &event, &fx.decision, &fx.fault));
	gives("SELECT count(*) FROM tasks WHERE status = 'queued'", "2");
	ck_assert(store_commit(fx.store, &fx.fault));
	gives("SELECT count(*) FROM tasks WHERE status = 'cancelled'", "2");
}
END_TEST

/* A page limit lets the first writes of a move through, and not the last: all or nothing. */
START_TEST(a_move_is_whole_or_not_at_all)
{
	char *big = xcalloc(200001, 1), *pages, *sql;
	struct message message = {.id = OWN("msg_9"), .text = big, .reasoning = OWN("")};
	struct harvest large = {.messages = &message, .count = 1, .result = "r"};

	memset(big, 'x', 200000);
	with_runner();
	add("", "");
	running();
	pages = shell(fx.path, "PRAGMA page_count");
	sql = xasprintf("PRAGMA max_page_count = %ld", strtol(pages, NULL, 10) + 10);
	ck_assert(store_exec(fx.store, sql, &fx.fault));
	ck_assert(!try_event((struct event){.type = EV_ANSWERED, .harvest = &large}));
	must_be(&fx.fault, FAULT_ENV, "full");
	gives("SELECT status FROM tasks", "running");
	gives("SELECT count(*) FROM messages", "0");
	ck_assert(store_exec(fx.store, "PRAGMA max_page_count = 100000", &fx.fault));
	happens((struct event){.type = EV_ANSWERED, .harvest = &large});
	gives("SELECT status FROM tasks", "completed");
	free(big);
	free(pages);
	free(sql);
}
END_TEST

/* A stop tries again each second; that the server is away is news once. */
START_TEST(a_stop_says_once_that_the_server_is_away)
{
	with_runner();
	add("", "");
	running();
	happens((struct event){.type = EV_CANCEL});
	for (int i = 0; i < 5; i++)
		happens((struct event){.type = EV_UNREACHABLE, .text = "no answer"});
	gives("SELECT count(*) FROM events WHERE kind = 'unreachable'", "1");
}
END_TEST

START_TEST(the_decision_has_the_error_that_was_written)
{
	with_runner();
	add(", max_attempts", ", 2");
	running();
	happens((struct event){.type = EV_FAULTY, .kind = KIND_AGENT, .text = "it broke"});
	ck_assert_str_eq(fx.decision.why, "it broke");
	running();
	happens((struct event){.type = EV_ANSWERED, .harvest = &harvest});
	ck_assert_ptr_null(fx.decision.why);
}
END_TEST

/* The result is the text of one of the messages; its flag is the result's. */
START_TEST(a_result_that_was_cut_says_so)
{
	struct harvest whole = harvest, part = harvest;

	whole.result = transcript[0].text;
	part.result = transcript[1].text;
	with_runner();
	add("", "");
	running();
	happens((struct event){.type = EV_ANSWERED, .harvest = _i ? &part : &whole});
	gives("SELECT result_cut FROM tasks", _i ? "1" : "0");
	happens((struct event){.type = EV_RETRY});
	gives("SELECT result_cut FROM tasks", "0");
}
END_TEST

START_TEST(a_message_is_stored_once)
{
	const struct message twice[] = {transcript[0], transcript[0]};
	struct harvest doubled = {.messages = twice, .count = 2, .result = ""};

	with_runner();
	add("", "");
	running();
	happens((struct event){.type = EV_ANSWERED, .harvest = &doubled});
	gives("SELECT count(*) FROM messages", "1");
	gives("SELECT result FROM tasks", "");
}
END_TEST

/* 0: none. */
static int64_t
next_to_claim(int64_t now_ms)
{
	struct value v[] = {value_time(now_ms), value_text("[]"),
	    value_int(POLICY_RETRY_MOST_MS / 1000), value_int(POLICY_DELAY_MS / 1000)};
	int64_t id = -1;

	ck_assert(store_int(fx.store, Q_claim_next, v, 4, 0, &id, &fx.fault));
	return id;
}

/* What was put off is as wrong as the clock was then; what a person has set since is not. */
START_TEST(one_that_was_put_off_does_not_wait_for_a_clock_that_was_set_back)
{
	add("", "");
	ck_assert_int_eq(next_to_claim(NOON), 1);
	happens((struct event){.type = EV_DELAYED, .text = "its directory does not answer"});
	ck_assert_int_eq(next_to_claim(fx.now_ms), 0);
	ck_assert_int_eq(next_to_claim(fx.now_ms + POLICY_DELAY_MS - 1000), 0);
	ck_assert_int_eq(next_to_claim(fx.now_ms + POLICY_DELAY_MS), 1);
	ck_assert_int_eq(next_to_claim(fx.now_ms - 3600000), 1);
	shell_ok(fx.path, "UPDATE tasks SET not_before = '2026-01-01T12:00:30.000Z'");
	ck_assert_int_eq(next_to_claim(fx.now_ms - 3600000), 0);
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("apply");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_life_from_claim_to_answer);
	tcase_add_test(tests, where_nobody_was_named_the_attempt_has_who_answered);
	tcase_add_test(tests, what_a_task_says_itself_stays);
	tcase_add_test(tests, a_failure_is_tried_again_while_attempts_are_left);
	tcase_add_test(tests, a_cancel_keeps_its_reason);
	tcase_add_test(tests, one_that_was_put_off_does_not_wait_for_a_clock_that_was_set_back);
	tcase_add_loop_test(tests, a_cancel_without_a_reason_has_one, 0, 2);
	tcase_add_loop_test(tests, a_timeout_says_so, 0, 2);
	tcase_add_test(tests, what_is_in_the_way_is_noted_once);
	tcase_add_test(tests, a_turn_that_was_cut_off_goes_on);
	tcase_add_test(tests, a_hold_and_its_release);
	tcase_add_test(tests, late_news_changes_nothing);
	tcase_add_test(tests, what_cannot_be_is_refused);
	tcase_add_test_raise_signal(tests, what_cannot_happen_dies, SIGABRT);
	tcase_add_test(tests, several_in_one_transaction);
	tcase_add_test(tests, a_move_is_whole_or_not_at_all);
	tcase_add_test(tests, a_stop_says_once_that_the_server_is_away);
	tcase_add_test(tests, the_decision_has_the_error_that_was_written);
	tcase_add_loop_test(tests, a_result_that_was_cut_says_so, 0, 2);
	tcase_add_test(tests, a_message_is_stored_once);
	return run_suite(tests, "apply");
}
