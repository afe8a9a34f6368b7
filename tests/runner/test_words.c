/*
 * What a looker-on hears of a session from a server that is scripted: the stream, and the lists
 * that are asked for beside it.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "lib/loopback.h"
#include "lib/suite.h"
#include "runner/words.h"

static struct {
	struct ev_loop *loop;
	struct loopback *server;
	struct shown *shown;
	struct words *words;
	struct buf said;
	int pieces;
} fx;

static void
hear(void *arg, enum vigil_stream stream, const char *text)
{
	(void)arg;
	(void)stream;
	buf_puts(&fx.said, text);
	fx.pieces++;
}

static void
set_up(void)
{
	fx.loop = ev_loop_new(EVFLAG_AUTO);
	fx.server = loopback_new(fx.loop);
	fx.shown = shown_new(hear, NULL);
	fx.words = words_new(fx.loop, fx.shown, &(struct words_listener){0});
	fx.pieces = 0;
}

static void
tear_down(void)
{
	words_free(fx.words);
	shown_free(fx.shown);
	loopback_free(fx.server);
	ev_loop_destroy(fx.loop);
	buf_free(&fx.said);
}

/* The stream is up, and says nothing more. */
static void
connect_to_a_silent_stream(void)
{
	loopback_answer(fx.server,
	    (struct answer){
		.bytes =
		    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
		    "data: {\"payload\":{\"type\":\"server.connected\",\"properties\":{}}}\n\n",
		.ending = STALL});
	words_connect(
	    fx.words, loopback_url(fx.server), &(struct onlook_key){.user = "opencode"}, "ses_1");
}

static void
answer_list(const char *parts)
{
	char *list =
	    xasprintf("[{\"info\":{\"id\":\"msg_1\",\"sessionID\":\"ses_1\",\"role\":\"assistant\","
		      "\"parentID\":\"msg_0\",\"time\":{\"created\":1}},\"parts\":[%s]}]",
		parts);
	loopback_reply(fx.server, 200, "application/json", list);
	free(list);
}

static const char a_word[] = "{\"id\":\"prt_1\",\"messageID\":\"msg_1\",\"sessionID\":\"ses_1\","
			     "\"type\":\"text\",\"text\":\"a word\",\"time\":{\"end\":2}}";

START_TEST(what_is_there_when_it_begins)
{
	connect_to_a_silent_stream();
	answer_list(a_word);
	run_until(fx.loop, &fx.pieces, 1);
	ck_assert_str_eq(buf_text(&fx.said), "a word");
}
END_TEST

START_TEST(what_came_after_the_list_and_before_the_server_heard)
{
	connect_to_a_silent_stream();
	answer_list("");
	answer_list(a_word);
	run_until(fx.loop, &fx.pieces, 1);
	ck_assert_str_eq(buf_text(&fx.said), "a word");
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("words");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, what_is_there_when_it_begins);
	tcase_add_test(tests, what_came_after_the_list_and_before_the_server_heard);
	return run_suite(tests, "words");
}
