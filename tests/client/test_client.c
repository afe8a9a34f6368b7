/*
 * The client of one OpenCode server against scripted answers: what is sent, how each kind of
 * answer is judged, how a transcript is paged, how the event stream comes back.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "lib/loopback.h"
#include "opencode/client.h"

static struct ev_loop *loop;
static struct http *http;
static struct loopback *server;
static struct opencode *opencode;

/* What the last call brought; strings are copies. */
static struct {
	struct oc_call *call;
	bool returned, cancelled, truncated;
	int done;
	enum oc_outcome outcome;
	char *sentence, *version, *first_id;
	struct messages messages;
	size_t count;
} got;

static void
setup(void)
{
	loop = ev_loop_new(EVFLAG_AUTO);
	http = http_new(loop);
	server = loopback_new(loop);
	opencode = opencode_new(http, loopback_url(server), "opencode", "s3cret");
}

static void
forget(void)
{
	free(got.sentence);
	free(got.version);
	free(got.first_id);
	messages_fini(&got.messages);
	memset(&got, 0, sizeof(got));
}

static void
teardown(void)
{
	forget();
	opencode_free(opencode);
	http_free(http);
	loopback_free(server);
	ev_loop_destroy(loop);
}

static void
on_done(void *arg, struct oc_reply *reply)
{
	(void)arg;
	ck_assert_msg(got.returned, "called back before the starter returned");
	ck_assert_msg(!got.cancelled, "called back after a cancel");
	got.done++;
	got.outcome = reply->outcome;
	got.sentence = xstrdup(reply->sentence);
	got.truncated = reply->truncated;
	ck_assert_int_eq(reply->outcome == OC_OK, reply->sentence[0] == '\0');
	ck_assert_ptr_null(strstr(reply->sentence, "s3cret"));
	opencode_cancel(got.call); /* legal, and does nothing more */
}

static void
on_version(void *arg, struct oc_reply *reply)
{
	on_done(arg, reply);
	if (reply->outcome == OC_OK)
		got.version = xstrdup(reply->version);
}

static void
on_session(void *arg, struct oc_reply *reply)
{
	on_done(arg, reply);
	if (reply->outcome == OC_OK)
		got.first_id = xstrdup(reply->session->id);
}

static void
on_sessions(void *arg, struct oc_reply *reply)
{
	on_done(arg, reply);
	if (reply->outcome == OC_OK)
		got.count = reply->sessions->count;
}

static void
on_messages(void *arg, struct oc_reply *reply)
{
	on_done(arg, reply);
	if (reply->outcome != OC_OK)
		return;
	got.messages = *reply->messages;
	*reply->messages = (struct messages){0};
}

static void
on_asks(void *arg, struct oc_reply *reply)
{
	on_done(arg, reply);
	if (reply->outcome == OC_OK)
		got.count = reply->asks->count;
}

static void
finish(struct oc_call *call)
{
	got.call = call;
	got.returned = true;
	run_until(loop, &got.done, 1);
}

static bool
asked_for(const char *start)
{
	return strncmp(loopback_request(server, -1), start, strlen(start)) == 0;
}

/* The body of the last request, parsed; the caller frees. */
static struct json *
sent(void)
{
	const char *body = strstr(loopback_request(server, -1), "\r\n\r\n") + 4;
	struct fault fault;
	struct json *json = json_parse(body, strlen(body), &fault);

	ck_assert_msg(json != NULL, "%s", body);
	return json;
}

static void
check_health(const char *type, const char *body, enum oc_outcome wanted)
{
	forget();
	loopback_reply(server, 200, type, body);
	finish(opencode_health(opencode, on_version, NULL));
	ck_assert_msg(got.outcome == wanted, "%s: %d", body, got.outcome);
}

START_TEST(health_wants_json_and_a_version)
{
	check_health("application/json", "{\"healthy\":true,\"version\":\"1.18.33\"}", OC_OK);
	ck_assert_str_eq(got.version, "1.18.33");
	ck_assert(asked_for("GET /global/health HTTP/1.1\r\n"));
	check_health("text/html;charset=utf-8", "<!doctype html><html></html>", OC_TROUBLE);
	ck_assert_ptr_nonnull(strstr(got.sentence, "not OpenCode's 1.x API"));
	check_health("application/json", "{\"healthy\":true}", OC_TROUBLE);
	check_health("application/json", "{\"healthy\":false,\"version\":\"1\"}", OC_TROUBLE);
	check_health("application/json", "{\"healthy\":true,\"version\":7}", OC_TROUBLE);
	check_health("application/json", "[]", OC_TROUBLE);
	check_health("application/json", "", OC_TROUBLE);
	check_health("application/json", "{\"healthy\":true,\"version\":\"1", OC_TROUBLE);
	ck_assert_ptr_nonnull(strstr(got.sentence, "not OpenCode's 1.x API"));
}
END_TEST

START_TEST(outcome_by_status)
{
	static const struct {
		int status;
		const char *type, *body;
		enum oc_outcome outcome;
		const char *words;
	} cases[] = {
	    {200, "application/json", "{\"id\":\"ses_1\"}", OC_OK, ""},
	    {200, "application/json", "{\"id\":", OC_TROUBLE, "no JSON"},
	    {200, "application/json", "{\"name\":\"x\"}", OC_TROUBLE, "no id"},
	    {200, "text/html", "<html>", OC_TROUBLE, "web page"},
	    {204, "", "", OC_TROUBLE, "too early"},
	    {302, "text/html", "", OC_TROUBLE, "status 302"},
	    {400, "application/json",
		"{\"name\":\"BadRequest\",\"data\":{\"message\":\"no\\n such\"}}", OC_BAD_REQUEST,
		"status 400: no such"},
	    {401, "text/plain", "Unauthorized", OC_DENIED,
		"/session/ses_1: the password is wrong or missing (status 401)"},
	    {403, "", "", OC_DENIED, "the password is wrong or missing (status 403)"},
	    {404, "application/json",
		"{\"name\":\"NotFoundError\",\"data\":{\"message\":\"gone\"}}", OC_NOT_FOUND,
		"status 404: gone"},
	    {404, "text/html", "<html>\n<p>Not\tFound", OC_TROUBLE, "404: <html> <p>Not Found"},
	    {404, "application/json", "{\"name\":\"Other\"}", OC_TROUBLE, "status 404"},
	    {408, "", "", OC_TROUBLE, "status 408"},
	    {413, "text/html", "too big", OC_BAD_REQUEST, "too big"},
	    {429, "", "", OC_TROUBLE, "status 429"},
	    {500, "application/json", "{\"name\":\"UnknownError\",\"data\":{\"message\":\"boom\"}}",
		OC_TROUBLE, "status 500: boom"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		forget();
		loopback_reply(server, cases[i].status, cases[i].type, cases[i].body);
		finish(opencode_session(opencode, "ses_1", on_session, NULL));
		ck_assert_msg(got.outcome == cases[i].outcome, "%zu: %s", i, got.sentence);
		ck_assert_msg(
		    strstr(got.sentence, cases[i].words) != NULL, "%zu: %s", i, got.sentence);
	}
	ck_assert(asked_for("GET /session/ses_1 HTTP/1.1\r\n"));
}
END_TEST

START_TEST(outcome_without_an_answer)
{
	struct opencode *nobody = opencode_new(http, "http://127.0.0.1:1", NULL, NULL);

	finish(opencode_session(nobody, "ses_1", on_session, NULL));
	ck_assert_int_eq(got.outcome, OC_UNREACHABLE);
	ck_assert_str_eq(got.sentence, "GET http://127.0.0.1:1/session/ses_1: Connection refused");
	opencode_free(nobody);
	forget();
	loopback_answer(server, (struct answer){.bytes = "HTTP/1.1 200 OK\r\n", .ending = CLOSE});
	finish(opencode_session(opencode, "ses_1", on_session, NULL));
	ck_assert_int_eq(got.outcome, OC_AMBIGUOUS);
}
END_TEST

START_TEST(create_sends_what_it_should)
{
	struct oc_new_session session = {
	    .directory = "/tmp/a b/\xc3\xa9&c",
	    .title = "Background: \"x\" [n]",
	    .parent_id = "ses_0",
	    .agent = "build",
	    .model = "openrouter/org/model",
	    .variant = "high",
	    .nonce = "n0nce",
	    .task = 7,
	    .attempt = 2,
	};
	const struct json *rule;
	struct json *body;

	loopback_reply(
	    server, 200, "application/json", "{\"id\":\"ses_1\",\"time\":{\"created\":5}}");
	finish(opencode_create(opencode, &session, on_session, NULL));
	ck_assert_str_eq(got.first_id, "ses_1");
	ck_assert(asked_for("POST /session?directory=%2Ftmp%2Fa%20b%2F%C3%A9%26c HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(
	    strstr(loopback_request(server, -1), "Authorization: Basic b3BlbmNvZGU6czNjcmV0\r\n"));
	body = sent();
	ck_assert_str_eq(json_text(body, "title"), session.title);
	ck_assert_str_eq(json_text(body, "parentID"), "ses_0");
	ck_assert_str_eq(json_text(body, "agent"), "build");
	ck_assert_str_eq(json_text(body, "model.providerID"), "openrouter");
	ck_assert_str_eq(json_text(body, "model.id"), "org/model");
	ck_assert_str_eq(json_text(body, "model.variant"), "high");
	ck_assert_str_eq(json_text(body, "metadata.vigil.nonce"), "n0nce");
	ck_assert_int_eq(json_int(body, "metadata.vigil.task"), 7);
	ck_assert_int_eq(json_int(body, "metadata.vigil.attempt"), 2);
	ck_assert_uint_eq(json_count(json_at(body, "permission")), 3);
	rule = json_first(json_at(body, "permission"));
	ck_assert_str_eq(json_text(rule, "permission"), "question");
	ck_assert_str_eq(json_text(rule, "pattern"), "*");
	ck_assert_str_eq(json_text(rule, "action"), "deny");
	json_free(body);
}
END_TEST

START_TEST(prompt_sends_what_it_should)
{
	struct oc_prompt prompt = {.session_id = "ses_1",
	    .message_id = "msg_1",
	    .part_id = "prt_1",
	    .text = "say \"hi\"\n\xf0\x9f\x98\x80",
	    .directory = "/tmp",
	    .model = "p/m",
	    .variant = "low"};
	const struct json *part;
	struct json *body;

	loopback_answer(server, (struct answer){.bytes = "HTTP/1.1 204 No Content\r\n\r\n"});
	finish(opencode_prompt(opencode, &prompt, on_done, NULL));
	ck_assert_int_eq(got.outcome, OC_OK);
	ck_assert(asked_for("POST /session/ses_1/prompt_async?directory=%2Ftmp HTTP/1.1\r\n"));
	body = sent();
	ck_assert_str_eq(json_text(body, "messageID"), "msg_1");
	ck_assert_ptr_null(json_at(body, "agent"));
	ck_assert_str_eq(json_text(body, "model.providerID"), "p");
	ck_assert_str_eq(json_text(body, "model.modelID"), "m");
	ck_assert_str_eq(json_text(body, "variant"), "low");
	part = json_first(json_at(body, "parts"));
	ck_assert_str_eq(json_text(part, "id"), "prt_1");
	ck_assert_str_eq(json_text(part, "type"), "text");
	ck_assert_str_eq(json_text(part, "text"), prompt.text);
	json_free(body);

	/* Cut anywhere, and with another status, it is not known to be taken. */
	for (size_t cut = 1; cut < 27; cut++) {
		forget();
		loopback_answer(server,
		    (struct answer){
			.bytes = "HTTP/1.1 204 No Content\r\n\r\n", .count = cut, .ending = CLOSE});
		finish(opencode_prompt(opencode, &prompt, on_done, NULL));
		ck_assert_msg(got.outcome == OC_AMBIGUOUS, "cut at %zu: %d", cut, got.outcome);
	}
	forget();
	loopback_reply(server, 200, "application/json", "true");
	finish(opencode_prompt(opencode, &prompt, on_done, NULL));
	ck_assert_int_eq(got.outcome, OC_TROUBLE);
}
END_TEST

START_TEST(other_requests_ask_for_the_right_thing)
{
	loopback_reply(server, 200, "application/json", "[{\"id\":\"ses_1\"},{\"id\":\"ses_2\"}]");
	finish(opencode_search(opencode, "/d", "[a+b]", 1234567890123, on_sessions, NULL));
	ck_assert_uint_eq(got.count, 2);
	ck_assert(asked_for(
	    "GET /session?directory=%2Fd&start=1234567890123&limit=100&search=%5Ba%2Bb%5D HTTP"));
	forget();
	loopback_reply(server, 200, "application/json", "[]");
	finish(opencode_search(opencode, NULL, "w", 0, on_sessions, NULL));
	ck_assert(asked_for("GET /session?start=0&limit=100&search=w HTTP"));
	forget();
	loopback_reply(server, 200, "application/json", "[]");
	finish(opencode_children(opencode, "ses_1", on_sessions, NULL));
	ck_assert(asked_for("GET /session/ses_1/children HTTP"));
	forget();
	loopback_reply(server, 200, "application/json", "{}");
	finish(opencode_statuses(opencode, "/d", on_done, NULL));
	ck_assert(asked_for("GET /session/status?directory=%2Fd HTTP"));
	forget();
	loopback_reply(server, 200, "application/json", "[]");
	finish(opencode_agents(opencode, "/d", on_done, NULL));
	ck_assert(asked_for("GET /agent?directory=%2Fd HTTP"));
	forget();
	loopback_reply(server, 200, "application/json", "{\"providers\":[]}");
	finish(opencode_models(opencode, "/d", on_done, NULL));
	ck_assert(asked_for("GET /config/providers?directory=%2Fd HTTP"));
	ck_assert_int_eq(got.outcome, OC_OK);
	forget();
	loopback_reply(server, 200, "application/json", "true");
	finish(opencode_abort(opencode, "ses_1", "/d", on_done, NULL));
	ck_assert(asked_for("POST /session/ses_1/abort?directory=%2Fd HTTP"));
	ck_assert_int_eq(got.outcome, OC_OK);
	forget();
	loopback_reply(server, 200, "application/json", "false");
	finish(opencode_abort(opencode, "ses_1", NULL, on_done, NULL));
	ck_assert_int_eq(got.outcome, OC_TROUBLE);
	forget();
	loopback_reply(server, 200, "application/json", "true");
	finish(opencode_delete(opencode, "ses_1", on_done, NULL));
	ck_assert(asked_for("DELETE /session/ses_1 HTTP"));
	ck_assert_int_eq(got.outcome, OC_OK);
	forget();
	loopback_reply(server, 404, "application/json", "{\"name\":\"NotFoundError\"}");
	finish(opencode_delete(opencode, "ses_1", on_done, NULL));
	ck_assert_int_eq(got.outcome, OC_NOT_FOUND);
}
END_TEST

START_TEST(directories_that_a_server_misreads)
{
	static const char *const sound[] = {
	    "/a b", "/100%", "/a%zz", "/a%20b%", "/%2", "/%ff", "/\xc3\xa9", "/%c3", ""};
	static const char *const misread[] = {"/x%20y", "/%25", "/\xc3\xa9%2Fb", "/%c3%A9", "/%00"};

	for (size_t i = 0; i < sizeof(sound) / sizeof(sound[0]); i++)
		ck_assert_msg(!opencode_misreads(sound[i]), "%s", sound[i]);
	for (size_t i = 0; i < sizeof(misread) / sizeof(misread[0]); i++)
		ck_assert_msg(opencode_misreads(misread[i]), "%s", misread[i]);
}
END_TEST

START_TEST(asks_are_listed_by_directory)
{
	loopback_reply(
	    server, 200, "application/json", "[{\"id\":\"per_1\",\"sessionID\":\"ses_1\"}]");
	finish(opencode_permissions(opencode, "/a b", on_asks, NULL));
	ck_assert_uint_eq(got.count, 1);
	ck_assert(asked_for("GET /permission?directory=%2Fa%20b HTTP"));
	forget();
	loopback_reply(server, 200, "application/json", "[]");
	finish(opencode_questions(opencode, "/d", on_asks, NULL));
	ck_assert_int_eq(got.outcome, OC_OK);
	ck_assert(asked_for("GET /question?directory=%2Fd HTTP"));
	forget();
	loopback_reply(server, 200, "application/json", "[{}]");
	finish(opencode_questions(opencode, "/d", on_asks, NULL));
	ck_assert_int_eq(got.outcome, OC_TROUBLE);
}
END_TEST

static char *
sent_text(void)
{
	struct json *body = sent();
	char *text = json_print(body);

	json_free(body);
	return text;
}

static void
check_question_reply(const char *answers, const char *body)
{
	char *text;

	forget();
	loopback_reply(server, 200, "application/json", "true");
	finish(opencode_question_reply(opencode, "/d", "que_1", answers, on_done, NULL));
	ck_assert_int_eq(got.outcome, OC_OK);
	ck_assert(asked_for("POST /question/que_1/reply?directory=%2Fd HTTP"));
	text = sent_text();
	ck_assert_str_eq(text, body);
	free(text);
}

START_TEST(replies_say_what_they_should)
{
	char *text;

	loopback_reply(server, 200, "application/json", "true");
	finish(opencode_permission_reply(
	    opencode, "/d", "per/1", "reject", "say \"no\"", on_done, NULL));
	ck_assert_int_eq(got.outcome, OC_OK);
	ck_assert(asked_for("POST /permission/per%2F1/reply?directory=%2Fd HTTP"));
	text = sent_text();
	ck_assert_str_eq(text, "{\"reply\":\"reject\",\"message\":\"say \\\"no\\\"\"}");
	free(text);
	forget();
	loopback_reply(server, 404, "application/json", "{\"name\":\"NotFoundError\"}");
	finish(opencode_permission_reply(opencode, "/d", "per_1", "once", NULL, on_done, NULL));
	ck_assert_int_eq(got.outcome, OC_NOT_FOUND);
	text = sent_text();
	ck_assert_str_eq(text, "{\"reply\":\"once\"}");
	free(text);
	check_question_reply("A", "{\"answers\":[[\"A\"]]}");
	check_question_reply(
	    "one line\n\nanother", "{\"answers\":[[\"one line\"],[],[\"another\"]]}");
	forget();
	loopback_reply(server, 200, "application/json", "true");
	finish(opencode_question_reply(opencode, "/d", "que_1", NULL, on_done, NULL));
	ck_assert_int_eq(got.outcome, OC_OK);
	ck_assert(asked_for("POST /question/que_1/reject?directory=%2Fd HTTP"));
}
END_TEST

START_TEST(cancel_is_silence)
{
	struct oc_call *call;

	for (int turns = 0; turns < 30; turns++) {
		forget();
		loopback_reply(server, 200, "application/json", "{\"id\":\"ses_1\"}");
		call = opencode_session(opencode, "ses_1", on_session, NULL);
		got.returned = true;
		for (int i = 0; i < turns && !got.done; i++)
			ev_run(loop, EVRUN_NOWAIT);
		if (!got.done) {
			opencode_cancel(call);
			got.cancelled = true;
		}
		run_idle(loop);
	}
	opencode_cancel(NULL);
}
END_TEST

/*
 * Pages
 */

/* Messages FIRST to LAST, as a page of a transcript. */
static char *
page(int first, int last)
{
	struct buf out = {0};

	for (int i = first; i <= last; i++)
		buf_printf(&out,
		    "%s{\"info\":{\"id\":\"msg_%03d\",\"role\":\"user\"},\"parts\":[]}",
		    i == first ? "[" : ",", i);
	buf_puts(&out, "]");
	return buf_take(&out);
}

static void
give_page(int first, int last, const char *header)
{
	char *body = page(first, last);

	loopback_page(server, header, body);
	free(body);
}

static void
check_messages(int first, int last)
{
	ck_assert_msg(got.outcome == OC_OK, "%s", got.sentence);
	ck_assert_uint_eq(got.messages.count, (size_t)(last - first + 1));
	for (int i = first; i <= last; i++) {
		char *id = xasprintf("msg_%03d", i);

		ck_assert_str_eq(got.messages.all[i - first].id, id);
		free(id);
	}
}

START_TEST(pages_are_put_together)
{
	give_page(21, 30, "X-Next-Cursor: a/b=");
	give_page(11, 20, "x-next-cursor: c2");
	give_page(1, 10, "");
	finish(opencode_messages(opencode, "ses_1", on_messages, NULL));
	check_messages(1, 30);
	ck_assert(!got.truncated);
	ck_assert_ptr_nonnull(strstr(loopback_request(server, 0), "/message?limit=32 HTTP"));
	ck_assert_ptr_nonnull(
	    strstr(loopback_request(server, 1), "/message?limit=32&before=a%2Fb%3D HTTP"));
	ck_assert(asked_for("GET /session/ses_1/message?limit=32&before=c2 HTTP"));
}
END_TEST

START_TEST(empty_page_with_a_cursor_is_the_end)
{
	loopback_page(server, "X-Next-Cursor: same", "[]");
	finish(opencode_messages(opencode, "ses_1", on_messages, NULL));
	ck_assert_int_eq(got.outcome, OC_OK);
}
END_TEST

/* An answer that says how long it is, and is not sent. */
static void
give_large_page(const char *header, size_t bytes)
{
	char *head = xasprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%s\r\n"
			       "Content-Length: %zu\r\n\r\n[",
	    header, bytes);

	loopback_answer(server, (struct answer){.bytes = head, .ending = CLOSE});
	free(head);
}

START_TEST(large_pages_shrink)
{
	give_large_page("X-Next-Cursor: c0", 9000000);
	give_large_page("X-Next-Cursor: c0", 9000000);
	give_page(29, 30, "X-Next-Cursor: c1");
	give_page(1, 28, "");
	finish(opencode_messages(opencode, "ses_1", on_messages, NULL));
	check_messages(1, 30);
	ck_assert(!got.truncated);
	ck_assert_ptr_nonnull(strstr(loopback_request(server, 1), "limit=8 HTTP"));
	ck_assert_ptr_nonnull(strstr(loopback_request(server, 2), "limit=2 HTTP"));
	ck_assert_ptr_nonnull(strstr(loopback_request(server, 3), "limit=2&before=c1 HTTP"));
}
END_TEST

START_TEST(message_too_large_is_left_out)
{
	give_page(30, 30, "X-Next-Cursor: c1");
	for (int i = 0; i < 3; i++)
		give_large_page("X-Next-Cursor: c2", 9000000);
	give_large_page("X-Next-Cursor: c2", 70000000);
	give_page(28, 28, "");
	finish(opencode_messages(opencode, "ses_1", on_messages, NULL));
	ck_assert_msg(got.outcome == OC_OK, "%s", got.sentence);
	ck_assert(got.truncated);
	ck_assert_uint_eq(got.messages.count, 2);
	ck_assert_str_eq(got.messages.all[0].id, "msg_028");
	ck_assert(asked_for("GET /session/ses_1/message?limit=1&before=c2 HTTP"));
}
END_TEST

START_TEST(newest_message_too_large_is_no_use_asking_again)
{
	for (int i = 0; i < 3; i++)
		give_large_page("X-Next-Cursor: c2", 9000000);
	give_large_page("X-Next-Cursor: c2", 70000000);
	finish(opencode_messages(opencode, "ses_1", on_messages, NULL));
	ck_assert_int_eq(got.outcome, OC_BAD_REQUEST);
	ck_assert_ptr_nonnull(strstr(got.sentence, "newest message cannot be read"));
}
END_TEST

START_TEST(broken_page_is_the_outcome)
{
	give_page(21, 30, "X-Next-Cursor: c1");
	loopback_reply(server, 404, "application/json", "{\"name\":\"NotFoundError\"}");
	finish(opencode_messages(opencode, "ses_1", on_messages, NULL));
	ck_assert_int_eq(got.outcome, OC_NOT_FOUND);
	forget();
	give_page(21, 30, "X-Next-Cursor: c1");
	loopback_page(server, "", "[{\"info\":1}]");
	finish(opencode_messages(opencode, "ses_1", on_messages, NULL));
	ck_assert_int_eq(got.outcome, OC_TROUBLE);
}
END_TEST

static void
refuse_pages(int count)
{
	for (int i = 0; i < count; i++)
		loopback_reply(server, 400, "application/json", "{\"_tag\":\"BadRequest\"}");
}

START_TEST(refused_pages_shrink)
{
	refuse_pages(2);
	give_page(3, 4, "X-Next-Cursor: c1");
	give_page(1, 2, "");
	finish(opencode_messages(opencode, "ses_1", on_messages, NULL));
	check_messages(1, 4);
	ck_assert(!got.truncated);
	ck_assert_ptr_nonnull(strstr(loopback_request(server, 1), "limit=8 HTTP"));
	ck_assert_ptr_nonnull(strstr(loopback_request(server, 3), "limit=2&before=c1 HTTP"));
}
END_TEST

START_TEST(what_is_behind_a_refused_message_is_left_out)
{
	give_page(3, 4, "X-Next-Cursor: c1");
	refuse_pages(4);
	finish(opencode_messages(opencode, "ses_1", on_messages, NULL));
	check_messages(3, 4);
	ck_assert(got.truncated);
}
END_TEST

START_TEST(newest_message_refused_is_no_use_asking_again)
{
	refuse_pages(4);
	finish(opencode_messages(opencode, "ses_1", on_messages, NULL));
	ck_assert_int_eq(got.outcome, OC_BAD_REQUEST);
	ck_assert_uint_eq(loopback_requests(server), 4);
}
END_TEST

/* As a server that has just opened its port does: it takes a request, and never answers it. */
START_TEST(page_that_is_never_answered_is_asked_for_again)
{
	loopback_answer(server, (struct answer){.bytes = "", .ending = STALL});
	give_page(1, 3, "X-Nothing: more");
	finish(opencode_messages(opencode, "ses_1", on_messages, NULL));
	check_messages(1, 3);
	ck_assert_uint_eq(loopback_connections(server), 2);
}
END_TEST

START_TEST(paging_can_be_cancelled)
{
	int seen = 0;
	struct oc_call *call;

	give_page(21, 30, "X-Next-Cursor: c1");
	call = opencode_messages(opencode, "ses_1", on_messages, NULL);
	got.returned = true;
	while (seen < 2) { /* until the second page is asked for */
		ev_run(loop, EVRUN_ONCE);
		seen = (int)loopback_requests(server);
	}
	opencode_cancel(call);
	got.cancelled = true;
	run_idle(loop);
	ck_assert_int_eq(got.done, 0);
}
END_TEST

/*
 * The event stream
 */

static struct {
	struct oc_events *stream;
	bool returned, closed;
	int ups, downs, events;
	int close_at_up, close_at_down, close_at_event;
	char *sentence;
} heard;

static void
close_stream(void)
{
	heard.closed = true;
	opencode_events_close(heard.stream);
}

static void
on_state(void *arg, bool up, const char *sentence)
{
	(void)arg;
	ck_assert_msg(heard.returned, "called back before the starter returned");
	ck_assert_msg(!heard.closed, "called back after it was closed");
	free(heard.sentence);
	heard.sentence = xstrdup(sentence);
	if (up ? ++heard.ups == heard.close_at_up : ++heard.downs == heard.close_at_down)
		close_stream();
}

static void
on_event(void *arg, const struct oc_event *event)
{
	(void)arg;
	ck_assert_msg(!heard.closed, "called back after it was closed");
	ck_assert_int_ne(event->type, OC_EV_OTHER);
	if (++heard.events == heard.close_at_event)
		close_stream();
}

static void
give_stream(const char *events, enum ending ending)
{
	char *bytes =
	    xasprintf("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n%s", events);

	loopback_answer(server, (struct answer){.bytes = bytes, .ending = ending});
	free(bytes);
}

static void
listen_to_events(void)
{
	heard.stream = opencode_events_open(opencode, loop, on_state, on_event, NULL);
	heard.returned = true;
}

static const char some_events[] =
    "data: {\"payload\":{\"type\":\"server.connected\",\"properties\":{}}}\n\n"
    "data: {\"payload\":{\"type\":\"plugin.added\",\"properties\":{}}}\n\n"
    "data: nonsense\n\n"
    "data: {\"payload\":{\"type\":\"session.idle\",\"properties\":{\"sessionID\":\"ses_1\"}}}\n\n";

START_TEST(stream_comes_back)
{
	give_stream(some_events, CLOSE);
	loopback_reply(server, 401, "text/plain", "no");
	give_stream(some_events, STALL);
	listen_to_events();
	run_until(loop, &heard.ups, 1);
	run_until(loop, &heard.downs, 1);
	ck_assert_int_eq(heard.events, 2);
	ck_assert_ptr_nonnull(strstr(heard.sentence, "ended the stream"));
	run_until(loop, &heard.ups, 2);
	run_until(loop, &heard.events, 4);
	ck_assert_int_eq(heard.downs, 1);
	ck_assert(asked_for("GET /global/event HTTP"));
	ck_assert_ptr_nonnull(strstr(loopback_request(server, -1), "Authorization: Basic "));
	opencode_events_close(heard.stream);
	free(heard.sentence);
}
END_TEST

START_TEST(stream_says_why_it_does_not_come_up)
{
	loopback_reply(server, 200, "text/html", "<html>");
	listen_to_events();
	run_until(loop, &heard.downs, 1);
	ck_assert_ptr_nonnull(strstr(heard.sentence, "not OpenCode's 1.x API"));
	opencode_events_close(heard.stream);
	free(heard.sentence);
}
END_TEST

START_TEST(stream_can_be_closed_anywhere)
{
	for (int where = 0; where < 4; where++) {
		int *counts[] = {&heard.ups, &heard.downs, &heard.events};

		memset(&heard, 0, sizeof(heard));
		heard.close_at_up = where == 0;
		heard.close_at_down = where == 1;
		heard.close_at_event = where == 2;
		give_stream(some_events, CLOSE);
		listen_to_events();
		if (where < 3)
			run_until(loop, counts[where], 1);
		else
			close_stream();
		run_idle(loop);
		free(heard.sentence);
	}
}
END_TEST

static Suite *
client_suite(void)
{
	Suite *suite = suite_create("client");
	TCase *requests = tcase_create("requests"), *pages = tcase_create("pages");
	TCase *events = tcase_create("events");

	tcase_add_checked_fixture(requests, setup, teardown);
	tcase_set_timeout(requests, 60);
	tcase_add_test(requests, health_wants_json_and_a_version);
	tcase_add_test(requests, outcome_by_status);
	tcase_add_test(requests, outcome_without_an_answer);
	tcase_add_test(requests, create_sends_what_it_should);
	tcase_add_test(requests, prompt_sends_what_it_should);
	tcase_add_test(requests, other_requests_ask_for_the_right_thing);
	tcase_add_test(requests, directories_that_a_server_misreads);
	tcase_add_test(requests, asks_are_listed_by_directory);
	tcase_add_test(requests, replies_say_what_they_should);
	tcase_add_test(requests, cancel_is_silence);
	suite_add_tcase(suite, requests);

	tcase_add_checked_fixture(pages, setup, teardown);
	tcase_set_timeout(pages, 60);
	tcase_add_test(pages, pages_are_put_together);
	tcase_add_test(pages, empty_page_with_a_cursor_is_the_end);
	tcase_add_test(pages, large_pages_shrink);
	tcase_add_test(pages, message_too_large_is_left_out);
	tcase_add_test(pages, newest_message_too_large_is_no_use_asking_again);
	tcase_add_test(pages, broken_page_is_the_outcome);
	tcase_add_test(pages, refused_pages_shrink);
	tcase_add_test(pages, what_is_behind_a_refused_message_is_left_out);
	tcase_add_test(pages, newest_message_refused_is_no_use_asking_again);
	tcase_add_test(pages, page_that_is_never_answered_is_asked_for_again);
	tcase_add_test(pages, paging_can_be_cancelled);
	suite_add_tcase(suite, pages);

	tcase_add_checked_fixture(events, setup, teardown);
	tcase_set_timeout(events, 60);
	tcase_add_test(events, stream_comes_back);
	tcase_add_test(events, stream_says_why_it_does_not_come_up);
	tcase_add_test(events, stream_can_be_closed_anywhere);
	suite_add_tcase(suite, events);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(client_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
