/*
 * http.c against a server that cuts, stalls, garbles and floods. Every test goes through
 * ask()/on_done(), which check the rules of http.h: no callback before the starter has returned,
 * exactly one, none after a cancel.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "lib/loopback.h"
#include "opencode/http.h"

static const char good[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
			   "X-Next-Cursor: abc\r\nContent-Length: 11\r\n\r\n{\"ok\":true}";
static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			      "3\r\n{\"o\r\n8\r\nk\":true}\r\n0\r\n\r\n";
static const char stream_head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

static struct ev_loop *loop;
static struct http *http;
static struct loopback *server;

/* One call as its owner sees it. */
struct seen {
	struct http_call *call;
	bool returned, cancelled;
	int done, events;
	enum http_trouble trouble;
	int status;
	char *body, *sentence, *type, *cursor;
	size_t bytes;
	struct buf data;
	int cancel_at_event;       /* cancels itself at this one */
	bool cancel_when_done;     /* cancels itself in its last callback */
	struct seen *cancel_other; /* when done */
	struct seen *start_other;  /* when done */
	const struct http_request *other_request;
};

static void
setup(void)
{
	loop = ev_loop_new(EVFLAG_AUTO);
	http = http_new(loop);
	server = loopback_new(loop);
}

static void
teardown(void)
{
	http_free(http);
	loopback_free(server);
	ev_loop_destroy(loop);
}

static void
seen_free(struct seen *seen)
{
	free(seen->body);
	free(seen->sentence);
	free(seen->type);
	free(seen->cursor);
	buf_free(&seen->data);
	*seen = (struct seen){0};
}

static void ask(struct seen *, const struct http_request *);

static void
cancel(struct seen *seen)
{
	seen->cancelled = true;
	http_cancel(seen->call);
	seen->call = NULL;
}

static void
on_done(void *arg, const struct http_answer *answer)
{
	struct seen *seen = arg;

	ck_assert_msg(seen->returned, "called back before the starter returned");
	ck_assert_msg(!seen->cancelled, "called back after a cancel");
	ck_assert_int_eq(seen->done, 0);
	seen->done++;
	seen->trouble = answer->trouble;
	seen->status = answer->status;
	seen->body = xstrdup(answer->body);
	seen->bytes = answer->bytes;
	seen->sentence = xstrdup(answer->sentence);
	seen->type = xstrdup(answer->type);
	seen->cursor = xstrdup(answer->cursor);
	ck_assert_int_eq(answer->trouble == HTTP_ANSWERED, answer->sentence[0] == '\0');
	ck_assert_int_eq(answer->trouble == HTTP_ANSWERED, answer->status != 0);
	if (seen->cancel_when_done)
		cancel(seen);
	if (seen->cancel_other)
		cancel(seen->cancel_other);
	if (seen->start_other)
		ask(seen->start_other, seen->other_request);
}

static void
on_event(void *arg, const char *data, size_t bytes)
{
	struct seen *seen = arg;

	ck_assert_msg(seen->returned, "called back before the starter returned");
	ck_assert_msg(!seen->cancelled, "called back after a cancel");
	ck_assert_uint_eq(strlen(data), bytes);
	buf_puts(&seen->data, data);
	buf_puts(&seen->data, "|");
	if (++seen->events == seen->cancel_at_event)
		cancel(seen);
}

static void
ask(struct seen *seen, const struct http_request *request)
{
	seen->call = http_start(http, request, on_done, seen);
	seen->returned = true;
}

static void
ask_stream(struct seen *seen, const struct http_request *request)
{
	seen->call = http_stream(http, request, on_event, on_done, seen);
	seen->returned = true;
}

static struct http_request
get(void)
{
	return (struct http_request){
	    .method = "GET", .url = loopback_url(server), .deadline_ms = 8000, .idle_ms = 8000};
}

static struct http_request
post(const char *body)
{
	struct http_request request = get();

	request.method = "POST";
	request.body = body;
	return request;
}

static void
finish(struct seen *seen)
{
	run_until(loop, &seen->done, 1);
}

START_TEST(answer_is_whole_at_any_pace)
{
	for (size_t chunk = 1; chunk < sizeof(good); chunk++) {
		struct seen seen = {0};
		struct http_request request = get();

		loopback_answer(server, (struct answer){.bytes = good, .chunk = chunk});
		ask(&seen, &request);
		finish(&seen);
		ck_assert_int_eq(seen.trouble, HTTP_ANSWERED);
		ck_assert_int_eq(seen.status, 200);
		ck_assert_str_eq(seen.body, "{\"ok\":true}");
		ck_assert_str_eq(seen.type, "application/json");
		ck_assert_str_eq(seen.cursor, "abc");
		seen_free(&seen);
	}
	ck_assert_uint_eq(loopback_connections(server), 1);
}
END_TEST

static void
check_cut(const char *answer, size_t bytes)
{
	for (size_t cut = 1; cut < bytes; cut++) {
		struct seen seen = {0};
		struct http_request request = get();

		loopback_answer(
		    server, (struct answer){.bytes = answer, .count = cut, .ending = CLOSE});
		ask(&seen, &request);
		finish(&seen);
		ck_assert_msg(seen.trouble == HTTP_BROKEN, "cut at %zu: %s", cut, seen.body);
		seen_free(&seen);
	}
}

START_TEST(cut_answer_is_broken)
{
	check_cut(good, sizeof(good) - 1);
}
END_TEST

START_TEST(cut_chunked_answer_is_broken)
{
	/* Of the last chunk's two line ends, the second adds nothing. */
	check_cut(chunked, sizeof(chunked) - 1 - 2);
}
END_TEST

START_TEST(garbage_is_broken)
{
	static const char *const garbage[] = {
	    "\r\n\r\n",
	    "SSH-2.0-OpenSSH\r\n\r\n",
	    "HTTP/9.9 200\r\n\r\n",
	    "HTTP/1.1 abc\r\n\r\n",
	    "<html>hello</html>",
	    "\x16\x03\x01\x02",
	    "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nxxxxx",
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	};

	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		struct seen seen = {0};
		struct http_request request = get();

		loopback_answer(server, (struct answer){.bytes = garbage[i], .ending = CLOSE});
		ask(&seen, &request);
		finish(&seen);
		ck_assert_msg(
		    seen.trouble == HTTP_BROKEN, "%zu: %d %s", i, seen.trouble, seen.body);
		seen_free(&seen);
	}
}
END_TEST

START_TEST(silence_ends_at_the_deadline)
{
	/* After so many bytes: none, in the status line, in the headers, in the body. */
	static const size_t cuts[] = {1, 10, 40, sizeof(good) - 4};

	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct seen seen = {0};
		struct http_request request = get();
		int64_t start_ms = clock_monotonic_ms();

		request.deadline_ms = 60;
		loopback_answer(server,
		    (struct answer){.bytes = good, .count = cuts[i], .chunk = 1, .ending = STALL});
		ask(&seen, &request);
		finish(&seen);
		ck_assert_int_eq(seen.trouble, HTTP_BROKEN);
		ck_assert_ptr_nonnull(strstr(seen.sentence, "within 60ms"));
		ck_assert_int_ge(clock_monotonic_ms() - start_ms, 55);
		seen_free(&seen);
	}
}
END_TEST

START_TEST(nobody_there_is_unreachable)
{
	static const char *const urls[] = {"http://127.0.0.1:1/session", "http://",
	    "ftp://127.0.0.1/x", "file:///etc/hostname", "nonsense://x", "http://[::1]:1/"};

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct seen seen = {0};
		struct http_request request = get();

		request.url = urls[i];
		ask(&seen, &request);
		finish(&seen);
		ck_assert_msg(seen.trouble == HTTP_UNREACHABLE, "%s: %s", urls[i], seen.sentence);
		ck_assert_ptr_nonnull(strstr(seen.sentence, "GET "));
		seen_free(&seen);
	}
}
END_TEST

static void
check_too_large(const char *answer)
{
	struct seen seen = {0};
	struct http_request request = get();

	request.answer_limit = 1000;
	loopback_answer(server, (struct answer){.bytes = answer, .ending = CLOSE});
	ask(&seen, &request);
	finish(&seen);
	ck_assert_msg(seen.trouble == HTTP_TOO_LARGE, "%s", seen.sentence);
	ck_assert_ptr_nonnull(strstr(seen.sentence, "larger than"));
	seen_free(&seen);
}

START_TEST(flood_is_too_large)
{
	struct buf flood = {0};

	check_too_large("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n");
	buf_puts(&flood, "HTTP/1.1 200 OK\r\n\r\n");
	for (int i = 0; i < 1001; i++)
		buf_puts(&flood, "x");
	check_too_large(flood.data);
	buf_clear(&flood);
	buf_puts(&flood, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 9000; i++)
		buf_puts(&flood, "X-Flood: more and more\r\n");
	check_too_large(flood.data);
	buf_free(&flood);
}
END_TEST

START_TEST(cursor_comes_with_an_answer_over_the_limit)
{
	struct seen seen = {0};
	struct http_request request = get();

	request.answer_limit = 4;
	loopback_answer(server, (struct answer){.bytes = good});
	ask(&seen, &request);
	finish(&seen);
	ck_assert_int_eq(seen.trouble, HTTP_TOO_LARGE);
	ck_assert_str_eq(seen.cursor, "abc");
	seen_free(&seen);
}
END_TEST

START_TEST(large_answer_is_whole)
{
	size_t bytes = 20 * 1024 * 1024;
	char *body = xcalloc(bytes + 1, 1);
	struct seen seen = {0};
	struct http_request request = get();

	memset(body, 'y', bytes);
	loopback_reply(server, 200, "application/json", body);
	ask(&seen, &request);
	finish(&seen);
	ck_assert_int_eq(seen.trouble, HTTP_ANSWERED);
	ck_assert_uint_eq(seen.bytes, bytes);
	ck_assert_int_eq(memcmp(seen.body, body, bytes), 0);
	seen_free(&seen);
	free(body);
}
END_TEST

START_TEST(large_body_arrives)
{
	size_t bytes = 8 * 1024 * 1024;
	char *body = xcalloc(bytes + 1, 1);
	struct seen seen = {0};
	struct http_request request;
	const char *came;

	memset(body, 'z', bytes);
	request = post(body);
	loopback_reply(server, 200, "application/json", "true");
	ask(&seen, &request);
	memset(body, 'a', bytes); /* it was copied */
	finish(&seen);
	ck_assert_int_eq(seen.status, 200);
	came = loopback_request(server, -1);
	ck_assert_int_eq(strncmp(came, "POST / HTTP/1.1\r\n", 17), 0);
	ck_assert_ptr_nonnull(strstr(came, "Content-Type: application/json\r\n"));
	came = strstr(came, "\r\n\r\n") + 4;
	ck_assert_uint_eq(strspn(came, "z"), bytes);
	ck_assert_ptr_null(strstr(loopback_request(server, -1), "Expect"));
	seen_free(&seen);
	free(body);
}
END_TEST

START_TEST(credentials_are_sent_and_never_said)
{
	struct seen seen = {0};
	struct http_request request = get();
	char *url =
	    xasprintf("http://someone:pass%%3Aword@%s/path?secret=1", loopback_url(server) + 7);

	request.user = "opencode";
	request.password = "s3:cr\xc3\xa9t";
	loopback_reply(server, 401, "text/plain", "no");
	ask(&seen, &request);
	finish(&seen);
	ck_assert_int_eq(seen.status, 401);
	ck_assert_ptr_nonnull(strstr(
	    loopback_request(server, -1), "Authorization: Basic b3BlbmNvZGU6czM6Y3LDqXQ=\r\n"));
	seen_free(&seen);

	request.url = url;
	request.fresh = true; /* on the kept connection it would be sent again */
	loopback_answer(server, (struct answer){.bytes = "HTTP/1.1", .ending = CLOSE});
	ask(&seen, &request);
	finish(&seen);
	ck_assert_int_eq(seen.trouble, HTTP_BROKEN);
	ck_assert_ptr_null(strstr(seen.sentence, "s3:cr"));
	ck_assert_ptr_null(strstr(seen.sentence, "pass"));
	ck_assert_ptr_null(strstr(seen.sentence, "someone"));
	ck_assert_ptr_null(strstr(seen.sentence, "secret"));
	ck_assert_ptr_nonnull(strstr(seen.sentence, "/path: "));
	seen_free(&seen);
	free(url);
}
END_TEST

START_TEST(loopback_goes_through_no_proxy)
{
	static const char *const names[] = {"http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"};
	static const char *const hosts[] = {"127.0.0.1", "localhost", "127.0.0.2"};
	const char *port = strrchr(loopback_url(server), ':');

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		setenv(names[i], "http://127.0.0.1:1", 1);
	for (size_t i = 0; i < 2; i++) {
		struct seen seen = {0};
		struct http_request request = get();
		char *url = xasprintf("http://%s%s/", hosts[i], port);

		request.url = url;
		loopback_answer(server, (struct answer){.bytes = good});
		ask(&seen, &request);
		finish(&seen);
		ck_assert_msg(seen.trouble == HTTP_ANSWERED, "%s", seen.sentence);
		seen_free(&seen);
		free(url);
	}
}
END_TEST

START_TEST(loopback_is_told_from_names_like_it)
{
	static const char *const here[] = {"http://127.0.0.1:4096", "https://LOCALHOST/x",
	    "http://[::1]:1", "http://someone:word@127.1.2.3", "http://localhost"};
	static const char *const elsewhere[] = {"http://127.0.0.1.example.com",
	    "http://localhost.example.com:80", "http://127.0.0.1@example.com",
	    "http://example.com/#//127.0.0.1", "http://127.example.com", "http://[::2]", "",
	    "http://"};

	for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++)
		ck_assert_msg(http_is_loopback(here[i]), "%s", here[i]);
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		ck_assert_msg(!http_is_loopback(elsewhere[i]), "%s", elsewhere[i]);
}
END_TEST

START_TEST(other_hosts_may_go_through_a_proxy)
{
	struct seen seen = {0};
	struct http_request request = get();

	setenv("http_proxy", loopback_url(server), 1);
	request.url = "http://elsewhere.invalid/path";
	loopback_answer(server, (struct answer){.bytes = good});
	ask(&seen, &request);
	finish(&seen);
	ck_assert_msg(seen.trouble == HTTP_ANSWERED, "%s", seen.sentence);
	seen_free(&seen);
}
END_TEST

START_TEST(redirect_is_not_followed)
{
	struct seen seen = {0};
	struct http_request request = get();

	loopback_page(server, "Location: /elsewhere", "");
	loopback_answer(server, (struct answer){.bytes = "HTTP/1.1 302 Found\r\nLocation: /else\r\n"
							 "Content-Length: 0\r\n\r\n"});
	ask(&seen, &request);
	finish(&seen);
	seen_free(&seen);
	ask(&seen, &request);
	finish(&seen);
	ck_assert_int_eq(seen.status, 302);
	ck_assert_uint_eq(loopback_requests(server), 2);
	seen_free(&seen);
}
END_TEST

/* A kept connection that the server closes when it is used again: what only asks is sent again,
 * what changes something never. */
START_TEST(only_questions_are_sent_twice)
{
	struct seen seen = {0};
	struct http_request question = get(), change = post("{}");

	loopback_answer(server, (struct answer){.bytes = good});
	ask(&seen, &question);
	finish(&seen);
	seen_free(&seen);
	loopback_answer(server, (struct answer){.bytes = "", .ending = CLOSE});
	loopback_answer(server, (struct answer){.bytes = good});
	ask(&seen, &question);
	finish(&seen);
	ck_assert_int_eq(seen.trouble, HTTP_ANSWERED);
	ck_assert_uint_eq(loopback_requests(server), 3);
	seen_free(&seen);

	loopback_answer(server, (struct answer){.bytes = "", .ending = CLOSE});
	loopback_answer(server, (struct answer){.bytes = good});
	ask(&seen, &change);
	finish(&seen);
	ck_assert_int_eq(seen.trouble, HTTP_BROKEN);
	ck_assert_uint_eq(loopback_requests(server), 4);
	seen_free(&seen);
}
END_TEST

/* A connection that is never answered on, and then one that is. */
START_TEST(question_without_a_byte_is_asked_again)
{
	struct http_request request = get();
	struct seen seen = {0};

	request.repeat_ms = 50;
	loopback_answer(server, (struct answer){.bytes = good, .ending = KEEP});
	ask(&seen, &request);
	finish(&seen);
	seen_free(&seen);
	ck_assert_uint_eq(loopback_connections(server), 1);
	seen = (struct seen){0};
	loopback_answer(server, (struct answer){.bytes = "", .ending = STALL});
	loopback_answer(server, (struct answer){.bytes = good});
	ask(&seen, &request);
	finish(&seen);
	ck_assert_msg(seen.trouble == HTTP_ANSWERED, "%s", seen.sentence);
	ck_assert_uint_eq(loopback_requests(server), 3);
	ck_assert_uint_eq(loopback_connections(server), 2);
	seen_free(&seen);
}
END_TEST

START_TEST(question_is_asked_again_once_within_its_deadline)
{
	struct http_request request = get();
	struct seen seen = {0};
	int64_t start_ms = clock_monotonic_ms(), took_ms;

	request.repeat_ms = 100;
	request.deadline_ms = 300;
	ask(&seen, &request);
	finish(&seen);
	took_ms = clock_monotonic_ms() - start_ms;
	ck_assert_int_eq(seen.trouble, HTTP_BROKEN);
	ck_assert_ptr_nonnull(strstr(seen.sentence, "within 300ms"));
	ck_assert_uint_eq(loopback_requests(server), 2);
	ck_assert_msg(took_ms >= 295 && took_ms < 5000, "%lld ms", (long long)took_ms);
	seen_free(&seen);
}
END_TEST

/* Half an answer is there: it is waited for, and not asked again. */
START_TEST(answer_that_has_begun_is_waited_for)
{
	struct http_request request = get();
	struct seen seen = {0};

	request.repeat_ms = 50;
	request.deadline_ms = 200;
	loopback_answer(
	    server, (struct answer){.bytes = good, .count = sizeof(good) - 4, .ending = STALL});
	ask(&seen, &request);
	finish(&seen);
	ck_assert_int_eq(seen.trouble, HTTP_BROKEN);
	ck_assert_ptr_nonnull(strstr(seen.sentence, "within 200ms"));
	ck_assert_uint_eq(loopback_requests(server), 1);
	seen_free(&seen);
}
END_TEST

START_TEST(fresh_is_a_connection_of_its_own)
{
	struct http_request request = get();

	request.fresh = true;
	for (int i = 0; i < 3; i++) {
		struct seen seen = {0};

		loopback_answer(server, (struct answer){.bytes = good});
		ask(&seen, &request);
		finish(&seen);
		ck_assert_int_eq(seen.trouble, HTTP_ANSWERED);
		seen_free(&seen);
	}
	ck_assert_uint_eq(loopback_connections(server), 3);
}
END_TEST

START_TEST(many_wait_their_turn)
{
	enum { MANY = 1000 };
	static struct seen seen[MANY];
	struct http_request request = get();

	for (int i = 0; i < MANY; i++) {
		loopback_answer(server, (struct answer){.bytes = good});
		ask(&seen[i], &request);
	}
	for (int i = 0; i < MANY; i++) {
		finish(&seen[i]);
		ck_assert_int_eq(seen[i].trouble, HTTP_ANSWERED);
		seen_free(&seen[i]);
	}
	ck_assert_uint_le(loopback_connections(server), 40);
}
END_TEST

/* A server that answers nobody: those who wait have their whole time when their turn comes, a
 * probe gets through to it at once, and another server is not touched. */
START_TEST(wedged_server_holds_up_only_itself)
{
	enum { MANY = 40 };
	static struct seen seen[MANY];
	struct seen probe = {0}, other = {0};
	struct http_request request = get(), fresh = get(), elsewhere = get();
	struct loopback *another = loopback_new(loop);
	int64_t began = clock_monotonic_ms();

	request.deadline_ms = 300;
	fresh.fresh = true;
	fresh.deadline_ms = 300;
	for (int i = 0; i < MANY; i++)
		ask(&seen[i], &request);
	ask(&probe, &fresh);
	elsewhere.url = loopback_url(another);
	loopback_answer(another, (struct answer){.bytes = good});
	ask(&other, &elsewhere);
	finish(&other);
	ck_assert_int_eq(other.trouble, HTTP_ANSWERED);
	finish(&probe);
	ck_assert_int_eq(probe.trouble, HTTP_BROKEN);
	for (int i = 0; i < MANY; i++) {
		finish(&seen[i]);
		ck_assert_int_eq(seen[i].trouble, HTTP_BROKEN);
		seen_free(&seen[i]);
	}
	ck_assert_int_ge(clock_monotonic_ms() - began, 600);
	ck_assert_uint_eq(loopback_requests(server), 41);
	seen_free(&probe);
	seen_free(&other);
	loopback_free(another);
}
END_TEST

START_TEST(cancel_at_every_stage)
{
	struct http_request request = get();

	/* After so many turns of the loop: before it is sent, under way, answered in part. */
	for (int turns = 0; turns < 60; turns++) {
		struct seen seen = {0};

		loopback_answer(server, (struct answer){.bytes = good, .chunk = 3});
		ask(&seen, &request);
		for (int i = 0; i < turns && !seen.done; i++)
			ev_run(loop, EVRUN_NOWAIT);
		if (!seen.done)
			cancel(&seen);
		run_idle(loop);
		seen_free(&seen);
	}
}
END_TEST

START_TEST(cancel_in_callbacks)
{
	struct seen first = {0}, second = {0}, third = {0};
	struct http_request request = get();

	first.cancel_when_done = true;
	first.cancel_other = &second;
	first.start_other = &third;
	first.other_request = &request;
	loopback_answer(server, (struct answer){.bytes = good});
	ask(&first, &request);
	ask(&second, &request);
	run_until(loop, &first.done, 1);
	loopback_answer(server, (struct answer){.bytes = good});
	finish(&third);
	ck_assert_int_eq(second.done, 0);
	seen_free(&first);
	seen_free(&third);
}
END_TEST

START_TEST(cancel_while_waiting_lets_others_pass)
{
	enum { MANY = 50 };
	static struct seen seen[MANY];
	struct http_request request = get();

	for (int i = 0; i < MANY; i++)
		ask(&seen[i], &request);
	run_idle(loop);
	for (int i = 0; i < MANY - 1; i++)
		cancel(&seen[i]);
	loopback_answer(server, (struct answer){.bytes = good});
	loopback_answer(server, (struct answer){.bytes = good});
	finish(&seen[MANY - 1]);
	ck_assert_int_eq(seen[MANY - 1].trouble, HTTP_ANSWERED);
	seen_free(&seen[MANY - 1]);
	http_cancel(NULL);
}
END_TEST

START_TEST(free_ends_what_is_under_way)
{
	static struct seen seen[40];
	struct http_request request = get();

	for (int i = 0; i < 40; i++)
		ask(&seen[i], &request);
	ask_stream(&seen[0], &request);
	run_idle(loop);
	http_free(http);
	http = http_new(loop);
	run_idle(loop);
	for (int i = 0; i < 40; i++)
		ck_assert_int_eq(seen[i].done, 0);
}
END_TEST

static void
answer_stream(const char *events, size_t chunk, enum ending ending)
{
	char *bytes = xasprintf("%s%s", stream_head, events);

	loopback_answer(server, (struct answer){.bytes = bytes, .chunk = chunk, .ending = ending});
	free(bytes);
}

START_TEST(stream_delivers_at_any_pace)
{
	for (size_t chunk = 1; chunk < 90; chunk += 4) {
		struct seen seen = {0};
		struct http_request request = get();

		answer_stream(
		    "data: one\n\ndata: two\ndata: lines\n\n: comment\n\ndata:3\n\n", chunk, CLOSE);
		ask_stream(&seen, &request);
		finish(&seen);
		ck_assert_str_eq(buf_text(&seen.data), "one|two\nlines|3|");
		ck_assert_int_eq(seen.trouble, HTTP_BROKEN);
		ck_assert_ptr_nonnull(strstr(seen.sentence, "ended the stream"));
		seen_free(&seen);
	}
}
END_TEST

START_TEST(stream_that_is_none_is_an_answer)
{
	struct seen seen = {0};
	struct http_request request = get();

	loopback_reply(server, 200, "text/html", "data: x\n\n");
	ask_stream(&seen, &request);
	finish(&seen);
	ck_assert_int_eq(seen.trouble, HTTP_ANSWERED);
	ck_assert_int_eq(seen.events, 0);
	ck_assert_str_eq(seen.body, "data: x\n\n");
	seen_free(&seen);
	loopback_reply(server, 401, "text/event-stream", "no");
	ask_stream(&seen, &request);
	finish(&seen);
	ck_assert_int_eq(seen.status, 401);
	seen_free(&seen);
}
END_TEST

START_TEST(silent_stream_is_broken)
{
	struct seen seen = {0};
	struct http_request request = get();

	request.idle_ms = 60;
	answer_stream("data: one\n\n", 1, STALL);
	ask_stream(&seen, &request);
	finish(&seen);
	ck_assert_int_eq(seen.trouble, HTTP_BROKEN);
	ck_assert_int_eq(seen.events, 1);
	ck_assert_ptr_nonnull(strstr(seen.sentence, "silent for 60ms"));
	seen_free(&seen);
}
END_TEST

START_TEST(stream_outlives_its_first_deadline)
{
	struct seen seen = {0};
	struct http_request request = get();
	int64_t end_ms;

	request.deadline_ms = 50;
	answer_stream("data: one\n\n", 0, STALL);
	ask_stream(&seen, &request);
	run_until(loop, &seen.events, 1);
	for (end_ms = clock_monotonic_ms() + 120; clock_monotonic_ms() < end_ms;)
		ev_run(loop, EVRUN_NOWAIT);
	ck_assert_int_eq(seen.done, 0);
	cancel(&seen);
	seen_free(&seen);
}
END_TEST

START_TEST(stream_can_be_cancelled_in_any_event)
{
	for (int at = 1; at <= 3; at++) {
		struct seen seen = {.cancel_at_event = at};
		struct http_request request = get();

		answer_stream("data: 1\n\ndata: 2\n\ndata: 3\n\n", 0, STALL);
		ask_stream(&seen, &request);
		run_until(loop, &seen.events, at);
		run_idle(loop);
		ck_assert_int_eq(seen.events, at);
		ck_assert_int_eq(seen.done, 0);
		seen_free(&seen);
	}
}
END_TEST

START_TEST(many_small_events_are_cheap)
{
	enum { MANY = 100000 };
	struct buf events = {0};
	struct seen seen = {0};
	struct http_request request = get();
	int64_t start_ms = clock_monotonic_ms();

	for (int i = 0; i < MANY; i++)
		buf_puts(&events, "data: {\"payload\":{}}\n\n");
	answer_stream(events.data, 0, STALL);
	ask_stream(&seen, &request);
	run_until(loop, &seen.events, MANY);
	ck_assert_int_lt(clock_monotonic_ms() - start_ms, 5000);
	cancel(&seen);
	seen_free(&seen);
	buf_free(&events);
}
END_TEST

static Suite *
http_suite(void)
{
	Suite *suite = suite_create("http");
	TCase *answers = tcase_create("answers"), *calls = tcase_create("calls");
	TCase *streams = tcase_create("streams");

	tcase_add_checked_fixture(answers, setup, teardown);
	tcase_set_timeout(answers, 60);
	tcase_add_test(answers, answer_is_whole_at_any_pace);
	tcase_add_test(answers, cut_answer_is_broken);
	tcase_add_test(answers, cut_chunked_answer_is_broken);
	tcase_add_test(answers, garbage_is_broken);
	tcase_add_test(answers, silence_ends_at_the_deadline);
	tcase_add_test(answers, nobody_there_is_unreachable);
	tcase_add_test(answers, flood_is_too_large);
	tcase_add_test(answers, cursor_comes_with_an_answer_over_the_limit);
	tcase_add_test(answers, large_answer_is_whole);
	tcase_add_test(answers, large_body_arrives);
	tcase_add_test(answers, credentials_are_sent_and_never_said);
	tcase_add_test(answers, loopback_goes_through_no_proxy);
	tcase_add_test(answers, loopback_is_told_from_names_like_it);
	tcase_add_test(answers, other_hosts_may_go_through_a_proxy);
	tcase_add_test(answers, redirect_is_not_followed);
	suite_add_tcase(suite, answers);

	tcase_add_checked_fixture(calls, setup, teardown);
	tcase_set_timeout(calls, 60);
	tcase_add_test(calls, only_questions_are_sent_twice);
	tcase_add_test(calls, question_without_a_byte_is_asked_again);
	tcase_add_test(calls, question_is_asked_again_once_within_its_deadline);
	tcase_add_test(calls, answer_that_has_begun_is_waited_for);
	tcase_add_test(calls, fresh_is_a_connection_of_its_own);
	tcase_add_test(calls, many_wait_their_turn);
	tcase_add_test(calls, wedged_server_holds_up_only_itself);
	tcase_add_test(calls, cancel_at_every_stage);
	tcase_add_test(calls, cancel_in_callbacks);
	tcase_add_test(calls, cancel_while_waiting_lets_others_pass);
	tcase_add_test(calls, free_ends_what_is_under_way);
	suite_add_tcase(suite, calls);

	tcase_add_checked_fixture(streams, setup, teardown);
	tcase_set_timeout(streams, 60);
	tcase_add_test(streams, stream_delivers_at_any_pace);
	tcase_add_test(streams, stream_that_is_none_is_an_answer);
	tcase_add_test(streams, silent_stream_is_broken);
	tcase_add_test(streams, stream_outlives_its_first_deadline);
	tcase_add_test(streams, stream_can_be_cancelled_in_any_event);
	tcase_add_test(streams, many_small_events_are_cheap);
	suite_add_tcase(suite, streams);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(http_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
