/*
 * reply: answers recorded from a real server, and answers that no server should give.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "opencode/reply.h"
#include "opencode/sse.h"

#ifndef FIXTURES
#define FIXTURES "tests/fixtures"
#endif

static struct buf
read_fixture(const char *name)
{
	char *path = xasprintf("%s/opencode/%s", FIXTURES, name), piece[4096];
	FILE *file = fopen(path, "r");
	struct buf bytes = {0};
	size_t count;

	ck_assert_msg(file != NULL, "%s", path);
	while ((count = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(&bytes, piece, count);
	fclose(file);
	free(path);
	return bytes;
}

static struct messages
messages_of(const char *name)
{
	struct buf bytes = read_fixture(name);
	struct messages messages;
	struct fault fault;

	ck_assert_msg(reply_messages(bytes.data, bytes.len, &messages, &fault), "%s", fault.text);
	buf_free(&bytes);
	return messages;
}

static struct messages
messages_in(const char *json)
{
	struct messages messages;
	struct fault fault;

	ck_assert_msg(reply_messages(json, strlen(json), &messages, &fault), "%s", fault.text);
	return messages;
}

START_TEST(health)
{
	struct fault fault = {0};
	char *version;

	ck_assert(reply_health("{\"healthy\":true,\"version\":\"1.2.27\"}", 35, &version, &fault));
	ck_assert_str_eq(version, "1.2.27");
	free(version);
	ck_assert(!reply_health("<!doctype html>", 15, &version, &fault));
	ck_assert_ptr_null(version);
	ck_assert_int_eq(fault.kind, FAULT_ENV);
}
END_TEST

START_TEST(sessions_one_and_many)
{
	struct buf bytes = read_fixture("session-get.json");
	struct oc_session session;
	struct oc_sessions list;
	struct fault fault;
	char *text;

	ck_assert(reply_session(bytes.data, bytes.len, &session, &fault));
	ck_assert_str_eq(session.id, "ses_df8f9f46bffe530GUIRgN2lI0X");
	ck_assert_str_eq(strrchr(session.directory, '/'), "/project");
	ck_assert_str_eq(session.title, "Background: sample");
	ck_assert_ptr_null(session.parent_id);
	ck_assert_int_eq(session.created_ms, 1795414166420);
	ck_assert_int_eq(session.updated_ms, 1795414168718);
	oc_session_fini(&session);
	text = xasprintf("[%s,{\"id\":\"ses_2\",\"parentID\":\"ses_1\"}]", bytes.data);
	ck_assert(reply_sessions(text, strlen(text), &list, &fault));
	ck_assert_uint_eq(list.count, 2);
	ck_assert_str_eq(list.all[1].parent_id, "ses_1");
	oc_sessions_fini(&list);
	ck_assert(!reply_sessions("[{\"id\":\"ses_1\"},{}]", 19, &list, &fault));
	ck_assert_ptr_null(list.all);
	ck_assert(reply_sessions("[]", 2, &list, &fault));
	oc_sessions_fini(&list);
	free(text);
	buf_free(&bytes);
}
END_TEST

START_TEST(status_map)
{
	struct buf bytes = read_fixture("status-busy.json");
	struct oc_statuses statuses;
	struct fault fault;

	ck_assert(reply_statuses(bytes.data, bytes.len, &statuses, &fault));
	ck_assert_uint_eq(statuses.count, 2);
	ck_assert_int_eq(statuses.all[1].activity, OC_BUSY);
	ck_assert_str_eq(statuses.all[1].session_id, "ses_df8f9f46bffe530GUIRgN2lI0X");
	oc_statuses_fini(&statuses);
	buf_free(&bytes);
	setenv("TZ", "UTC0", 1);
	bytes = read_fixture("status-retry.json");
	ck_assert(reply_statuses(bytes.data, bytes.len, &statuses, &fault));
	ck_assert_int_eq(statuses.all[0].activity, OC_RETRY);
	ck_assert_str_eq(statuses.all[0].message,
	    "the provider says: fake error 500; next try at 2026-11-23 06:09:37");
	oc_statuses_fini(&statuses);
	buf_free(&bytes);
	ck_assert(reply_statuses(
	    "{\"a\":{\"type\":\"idle\"},\"b\":{\"type\":\"new\"},\"c\":3}", 46, &statuses, &fault));
	ck_assert_int_eq(statuses.all[0].activity, OC_IDLE);
	ck_assert_int_eq(statuses.all[1].activity, OC_BUSY);
	ck_assert_int_eq(statuses.all[2].activity, OC_BUSY);
	oc_statuses_fini(&statuses);
	static const char wordless[] = "{\"a\":{\"type\":\"retry\",\"next\":\"soon\"}}";
	ck_assert(reply_statuses(wordless, strlen(wordless), &statuses, &fault));
	ck_assert_str_eq(statuses.all[0].message, "the provider is asked again");
	oc_statuses_fini(&statuses);
	ck_assert(!reply_statuses("[]", 2, &statuses, &fault));
}
END_TEST

START_TEST(completed)
{
	struct messages messages = messages_of("messages-completed.json");
	const struct message *user = &messages.all[0], *answer = &messages.all[1];

	ck_assert_uint_eq(messages.count, 2);
	ck_assert(user->from_user && !user->summary);
	ck_assert_str_eq(user->text, "SLEEP 2 write a haiku");
	ck_assert_str_eq(user->model, "fake/echo");
	ck_assert_str_eq(user->agent, "build");
	ck_assert_ptr_null(user->finish);
	ck_assert(!answer->from_user && !answer->summary && !answer->cut);
	ck_assert_str_eq(answer->finish, "stop");
	ck_assert_str_eq(answer->model, "fake/echo");
	ck_assert_str_eq(answer->text,
	    "tick0 tick1 tick2 tick3 tick4 tick5 tick6 tick7 answer to: SLEEP 2 write a haiku");
	ck_assert_str_eq(answer->reasoning, "");
	ck_assert_int_eq(answer->created_ms, 1795414166532);
	ck_assert_int_eq(answer->completed_ms, 1795414168710);
	ck_assert_int_eq(answer->tokens.input, 100);
	ck_assert_int_eq(answer->tokens.output, 20);
	ck_assert_ptr_null(answer->error_name);
	ck_assert_uint_eq(answer->tools, 0);
	messages_fini(&messages);
}
END_TEST

START_TEST(running)
{
	struct messages messages = messages_of("messages-running.json");

	ck_assert_int_eq(messages.all[1].completed_ms, 0);
	ck_assert_ptr_null(messages.all[1].finish);
	ck_assert_str_eq(messages.all[1].text, "");
	messages_fini(&messages);
}
END_TEST

START_TEST(errors)
{
	struct messages messages = messages_of("messages-provider-error.json");

	ck_assert_str_eq(messages.all[1].error_name, "APIError");
	ck_assert_str_eq(messages.all[1].error_text, "fake error 401");
	messages_fini(&messages);
	messages = messages_of("messages-aborted.json");
	ck_assert_str_eq(messages.all[1].error_name, "MessageAbortedError");
	ck_assert_str_eq(messages.all[1].text, "starting... ");
	messages_fini(&messages);
	messages = messages_in(
	    "[{\"info\":{\"id\":\"m\",\"role\":\"assistant\",\"error\":{\"data\":7}}}]");
	ck_assert_str_eq(messages.all[0].error_name, "Error");
	ck_assert_str_eq(messages.all[0].error_text, "an error without a message");
	messages_fini(&messages);
}
END_TEST

START_TEST(tools)
{
	static const struct {
		const char *name;
		unsigned tools, rejected;
	} cases[] = {
	    {"messages-permission-rejected.json", 1, 1},
	    {"messages-question-rejected.json", 1, 1},
	    {"messages-question-answered.json", 1, 0},
	    {"messages-waiting-permission.json", 1, 0},
	    {"messages-tool-step-ends-in-stop.json", 1, 0},
	    {"messages-empty.json", 0, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct messages messages = messages_of(cases[i].name);

		ck_assert_uint_eq(messages.all[1].tools, cases[i].tools);
		ck_assert_uint_eq(messages.all[1].tools_rejected, cases[i].rejected);
		messages_fini(&messages);
	}
}
END_TEST

START_TEST(tools_of_the_provider_do_not_count)
{
	struct messages messages = messages_in(
	    "[{\"info\":{\"id\":\"m\",\"role\":\"assistant\"},\"parts\":["
	    "{\"type\":\"tool\",\"metadata\":{\"providerExecuted\":true},\"state\":{\"status\":"
	    "\"running\"}},"
	    "{\"type\":\"tool\",\"state\":{\"status\":\"pending\",\"metadata\":{"
	    "\"providerExecuted\":true}}},"
	    "{\"type\":\"tool\",\"metadata\":{\"providerExecuted\":false},\"state\":{\"status\":"
	    "\"pending\"}},"
	    "{\"type\":\"tool\",\"state\":{\"status\":\"error\",\"error\":\"no such file\"}},"
	    "{\"type\":\"tool\",\"state\":{\"status\":\"error\",\"error\":\"The user rejected "
	    "permission to use this specific tool call with the following feedback: go on\"}},"
	    "{\"type\":\"tool\"}]}]");

	ck_assert_uint_eq(messages.all[0].tools, 4);
	ck_assert_uint_eq(messages.all[0].tools_rejected, 0);
	messages_fini(&messages);
}
END_TEST

START_TEST(compaction)
{
	struct messages messages = messages_of("messages-compacted-midway.json");

	ck_assert_uint_eq(messages.count, 6);
	ck_assert(messages.all[2].from_user && !messages.all[2].summary);
	ck_assert(messages.all[3].summary);
	ck_assert_str_eq(messages.all[3].agent, "compaction");
	ck_assert_str_eq(messages.all[4].text, "");
	ck_assert(!messages.all[5].summary);
	messages_fini(&messages);
}
END_TEST

START_TEST(lone_surrogates_and_nul)
{
	struct messages messages = messages_of("messages-lone-surrogate.json");

	ck_assert_str_eq(messages.all[1].text,
	    "half \xef\xbf\xbd and nul \xef\xbf\xbd endanswer to: SURROGATE tail-kept");
	messages_fini(&messages);
}
END_TEST

START_TEST(texts_are_joined)
{
	struct messages messages = messages_in(
	    "[{\"info\":{\"id\":\"m\",\"role\":\"user\",\"mode\":\"plan\",\"summary\":true},"
	    "\"parts\":["
	    "{\"type\":\"text\",\"text\":\"one\"},{\"type\":\"text\",\"text\":\"two\","
	    "\"synthetic\":true},"
	    "{\"type\":\"text\",\"text\":\"three\",\"ignored\":true},{\"type\":\"text\",\"text\":"
	    "\"\"},"
	    "{\"type\":\"reasoning\",\"text\":\"why\"},{\"type\":\"text\",\"text\":7},"
	    "{\"type\":\"text\",\"text\":\"four\"},{\"type\":\"reasoning\",\"text\":\"not\"}]}]");

	ck_assert_str_eq(messages.all[0].text, "one\nfour");
	ck_assert_str_eq(messages.all[0].reasoning, "why\nnot");
	ck_assert_str_eq(messages.all[0].agent, "plan");
	ck_assert(!messages.all[0].summary);
	messages_fini(&messages);
}
END_TEST

START_TEST(long_text_is_cut_between_characters)
{
	struct buf json = {0};
	struct messages messages;

	buf_puts(&json, "[{\"info\":{\"id\":\"m\",\"role\":\"assistant\"},\"parts\":[");
	for (int part = 0; part < 2; part++) {
		buf_puts(&json,
		    part ? ",{\"type\":\"text\",\"text\":\"" : "{\"type\":\"text\",\"text\":\"x");
		for (int i = 0; i < REPLY_TEXT_LIMIT / 3; i++)
			buf_puts(&json, "\xe2\x82\xac");
		buf_puts(&json, "\"}");
	}
	buf_puts(&json, "]}]");
	messages = messages_in(json.data);
	ck_assert(messages.all[0].cut);
	ck_assert_uint_le(strlen(messages.all[0].text), REPLY_TEXT_LIMIT);
	ck_assert_uint_gt(strlen(messages.all[0].text), REPLY_TEXT_LIMIT - 4);
	messages_fini(&messages);
	buf_free(&json);
}
END_TEST

START_TEST(messages_need_id_and_role)
{
	static const char *const wrong[] = {"[{}]", "[1]", "{}", "[{\"info\":{\"id\":\"m\"}}]",
	    "[{\"info\":{\"id\":\"m\",\"role\":\"user\"}},{\"info\":{\"role\":\"user\"}}]", "[",
	    "null", ""};
	struct messages messages;
	struct fault fault;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert(!reply_messages(wrong[i], strlen(wrong[i]), &messages, &fault));
		ck_assert_ptr_null(messages.all);
		ck_assert_uint_eq(messages.count, 0);
	}
}
END_TEST

START_TEST(agents_that_are_not_hidden)
{
	struct buf bytes = read_fixture("agents.json");
	struct oc_names names;
	struct fault fault;

	ck_assert(reply_agents(bytes.data, bytes.len, &names, &fault));
	ck_assert_uint_eq(names.count, 4);
	ck_assert_str_eq(names.all[0], "build");
	ck_assert_str_eq(names.all[1], "explore");
	ck_assert_str_eq(names.all[3], "plan");
	oc_names_fini(&names);
	ck_assert(!reply_agents("{}", 2, &names, &fault));
	buf_free(&bytes);
}
END_TEST

START_TEST(models_and_variants)
{
	struct buf bytes = read_fixture("config-providers.json");
	struct oc_models models;
	struct fault fault;
	const char *two = "{\"providers\":[{\"id\":\"a\",\"models\":{\"x/y\":{}}},{\"id\":\"b\"}],"
			  "\"default\":{\"a\":\"x/y\"}}";

	ck_assert(reply_models(bytes.data, bytes.len, &models, &fault));
	ck_assert_uint_eq(models.count, 2);
	ck_assert_str_eq(models.all[0].name, "fake/echo");
	ck_assert_uint_eq(models.all[0].variant_count, 0);
	ck_assert_str_eq(models.all[1].name, "fake/echo2");
	ck_assert_uint_eq(models.all[1].variant_count, 1);
	ck_assert_str_eq(models.all[1].variants[0], "high");
	oc_models_fini(&models);
	ck_assert(reply_models(two, strlen(two), &models, &fault));
	ck_assert_str_eq(models.all[0].name, "a/x/y");
	oc_models_fini(&models);
	ck_assert(!reply_models("[]", 2, &models, &fault));
	ck_assert_ptr_nonnull(strstr(fault.text, "providers"));
	buf_free(&bytes);
}
END_TEST

static struct oc_asks
asks_in(const char *json, bool is_question)
{
	struct oc_asks asks;
	struct fault fault;
	bool done = is_question ? reply_questions(json, strlen(json), &asks, &fault)
				: reply_permissions(json, strlen(json), &asks, &fault);

	ck_assert_msg(done, "%s", fault.text);
	return asks;
}

START_TEST(permission_requests)
{
	struct buf bytes = read_fixture("permission-list.json");
	struct oc_asks asks = asks_in(bytes.data, false);

	ck_assert_uint_eq(asks.count, 1);
	ck_assert_str_eq(asks.all[0].id, "per_20706296d001whLz2Pd2KQfbPU");
	ck_assert_str_eq(asks.all[0].session_id, "ses_df8f9d714ffeWsu5eCx9csh7Q2");
	ck_assert_str_eq(asks.all[0].request, "external_directory: /etc/* (/etc/hostname)");
	ck_assert_uint_eq(asks.all[0].choice_count, 0);
	oc_asks_fini(&asks);
	buf_free(&bytes);
	asks = asks_in("[{\"id\":\"p1\",\"sessionID\":\"s\"},"
		       "{\"id\":\"p2\",\"sessionID\":\"s\",\"permission\":\"bash\","
		       "\"patterns\":[\"rm -r x\\n  y\",7,\"ls\"],\"metadata\":{}}]",
	    false);
	ck_assert_str_eq(asks.all[0].request, "permission");
	ck_assert_str_eq(asks.all[1].request, "bash: rm -r x y, ls");
	oc_asks_fini(&asks);
}
END_TEST

START_TEST(questions_and_their_options)
{
	struct buf bytes = read_fixture("question-list.json");
	struct oc_asks asks = asks_in(bytes.data, true);

	ck_assert_uint_eq(asks.count, 1);
	ck_assert_str_eq(asks.all[0].id, "que_2070635ca001mszQiS4LCpbZwt");
	ck_assert_str_eq(asks.all[0].session_id, "ses_df8f9cabcffeFEe9pOpefTnRUD");
	ck_assert_str_eq(asks.all[0].request, "Which? [A | B]");
	ck_assert_uint_eq(asks.all[0].choice_count, 1);
	ck_assert_str_eq(asks.all[0].choices[0], "A");
	oc_asks_fini(&asks);
	buf_free(&bytes);
	asks = asks_in("[{\"id\":\"q\",\"sessionID\":\"s\",\"questions\":["
		       "{\"question\":\"One?\",\"options\":[{\"label\":\"a\"}]},"
		       "{\"question\":\"Two?\",\"options\":[{},7]},3]},"
		       "{\"id\":\"q2\",\"sessionID\":\"s\"}]",
	    true);
	ck_assert_str_eq(asks.all[0].request, "One? [a]; Two?; a question without words");
	ck_assert_uint_eq(asks.all[0].choice_count, 3);
	ck_assert_str_eq(asks.all[0].choices[0], "a");
	ck_assert_str_eq(asks.all[0].choices[1], "");
	ck_assert_str_eq(asks.all[0].choices[2], "");
	ck_assert_uint_eq(asks.all[1].choice_count, 0);
	oc_asks_fini(&asks);
}
END_TEST

START_TEST(asks_need_id_and_session)
{
	static const char *const wrong[] = {"{}", "[{}]", "[1]", "[{\"id\":\"p\"}]",
	    "[{\"id\":\"p\",\"sessionID\":\"s\"},{\"sessionID\":\"s\"}]", "null", ""};
	struct oc_asks asks;
	struct fault fault;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert(!reply_permissions(wrong[i], strlen(wrong[i]), &asks, &fault));
		ck_assert_ptr_null(asks.all);
		ck_assert(!reply_questions(wrong[i], strlen(wrong[i]), &asks, &fault));
		ck_assert_uint_eq(asks.count, 0);
	}
}
END_TEST

START_TEST(error_sentences)
{
	static const struct {
		const char *body, *words;
		bool is_not_found;
	} cases[] = {
	    {"{\"name\":\"NotFoundError\",\"data\":{\"message\":\"gone\"}}", "gone", true},
	    {"{\"_tag\":\"PermissionNotFoundError\",\"requestID\":\"per_1\",\"message\":\"gone\"}",
		"gone", true},
	    {"{\"_tag\":\"QuestionNotFoundError\",\"requestID\":\"que_1\",\"message\":\"gone\"}",
		"gone", true},
	    {"{\"_tag\":\"NoSuchRoute\",\"message\":\"gone\"}", "gone", false},
	    {"{\"name\":\"UnknownError\",\"data\":{\"message\":\"boom\"}}", "boom", false},
	    {"{\"message\":\"flat\\n  and long\"}", "flat and long", false},
	    {"{\"error\":\"words\"}", "words", false},
	    {"{\"success\":false,\"error\":[{\"message\":\"bad\",\"path\":[\"parts\",0,\"type\"]},{"
	     "\"x\":1},"
	     "{\"message\":\"worse\"}]}",
		"bad (parts) (type); worse", false},
	    {"{\"error\":[]}", "{\"error\":[]}", false},
	    {"{\"_tag\":\"BadRequest\"}", "{\"_tag\":\"BadRequest\"}", false},
	    {"<html>\n\n  <b>Bad\tGateway</b>", "<html> <b>Bad Gateway</b>", false},
	    {"", "an empty answer", false},
	    {"\xff\xfe", "an empty answer", false},
	    {"NotFoundError", "NotFoundError", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool is_not_found;
		char *words = reply_error(cases[i].body, strlen(cases[i].body), &is_not_found);

		ck_assert_str_eq(words, cases[i].words);
		ck_assert_int_eq(is_not_found, cases[i].is_not_found);
		free(words);
	}
}
END_TEST

static void
count_types(void *arg, const char *data, size_t bytes)
{
	int *counts = arg;
	struct oc_event event;

	reply_event(data, bytes, &event);
	counts[event.type]++;
	if (event.type > OC_EV_HEARTBEAT)
		ck_assert_ptr_nonnull(event.session_id);
	oc_event_fini(&event);
}

static const struct {
	const char *type, *properties, *id, *text;
} ask_events[] = {
    {"permission.asked",
	"\"id\":\"p\",\"permission\":\"external_directory\",\"patterns\":[\"/etc/*\"],"
	"\"metadata\":{\"filepath\":\"/etc/hostname\"}",
	"p", "external_directory: /etc/* (/etc/hostname)"},
    {"permission.replied", "\"requestID\":\"p\",\"reply\":\"once\"", "p", "once"},
    {"question.asked",
	"\"id\":\"q\",\"questions\":[{\"question\":\"Which?\",\"options\":[{\"label\":\"A\"}]}]",
	"q", "Which? [A]"},
    {"question.replied", "\"requestID\":\"q\",\"answers\":[[\"A\",\"B\"],[],[3,\"C\"]]", "q",
	"A, B, C"},
    {"question.rejected", "\"requestID\":\"q\"", "q", "rejected"},
};

START_TEST(asks_and_replies_as_events)
{
	char *json =
	    xasprintf("{\"payload\":{\"type\":\"%s\",\"properties\":{\"sessionID\":\"s\",%s}}}",
		ask_events[_i].type, ask_events[_i].properties);
	struct oc_event event;
	reply_event(json, strlen(json), &event);
	ck_assert_str_eq(event.session_id, "s");
	ck_assert_str_eq(event.ask_id, ask_events[_i].id);
	ck_assert_str_eq(event.text, ask_events[_i].text);
	oc_event_fini(&event);
	free(json);
}
END_TEST

START_TEST(recorded_events)
{
	struct buf bytes = read_fixture("global-event.sse");
	int counts[OC_EV_REPLIED + 1] = {0};
	struct sse sse;

	sse_init(&sse);
	sse_feed(&sse, bytes.data, bytes.len, count_types, counts);
	sse_fini(&sse);
	ck_assert_int_eq(counts[OC_EV_CONNECTED], 1);
	ck_assert_int_eq(counts[OC_EV_HEARTBEAT], 1);
	ck_assert_int_eq(counts[OC_EV_SESSION_CREATED], 4);
	ck_assert_int_eq(counts[OC_EV_IDLE], 4);
	ck_assert_int_eq(counts[OC_EV_STATUS], 19);
	ck_assert_int_eq(counts[OC_EV_MESSAGE] + counts[OC_EV_PART], 48);
	ck_assert_int_eq(counts[OC_EV_PART], 22);
	ck_assert_int_eq(counts[OC_EV_DELTA], 10);
	ck_assert_int_eq(counts[OC_EV_ASKED], 2);
	ck_assert_int_eq(counts[OC_EV_REPLIED], 2);
	buf_free(&bytes);
}
END_TEST

static struct oc_event
event_in(const char *json)
{
	struct oc_event event;

	reply_event(json, strlen(json), &event);
	return event;
}

START_TEST(a_provider_that_is_asked_again)
{
	struct oc_event event = event_in(
	    "{\"payload\":{\"type\":\"session.status\",\"properties\":{\"sessionID\":\"ses_1\","
	    "\"status\":{\"type\":\"retry\",\"message\":\"overloaded\",\"next\":1795414177488}}}}");

	setenv("TZ", "UTC0", 1);
	ck_assert_int_eq(event.type, OC_EV_STATUS);
	ck_assert_int_eq(event.activity, OC_RETRY);
	ck_assert_str_eq(
	    event.text, "the provider says: overloaded; next try at 2026-11-23 06:09:37");
	oc_event_fini(&event);
	event = event_in(
	    "{\"payload\":{\"type\":\"session.status\",\"properties\":{\"sessionID\":\"ses_1\","
	    "\"status\":{\"type\":\"busy\"}}}}");
	ck_assert_ptr_null(event.text);
	oc_event_fini(&event);
}
END_TEST

START_TEST(events_in_detail)
{
	struct oc_event event = event_in(
	    "{\"directory\":\"/"
	    "d\",\"payload\":{\"type\":\"message.part.delta\",\"properties\":{\"sessionID\":"
	    "\"s\",\"messageID\":\"m\",\"partID\":\"p\",\"field\":\"text\",\"delta\":\"hi\"}}}");

	ck_assert_int_eq(event.type, OC_EV_DELTA);
	ck_assert_str_eq(event.directory, "/d");
	ck_assert_str_eq(event.session_id, "s");
	ck_assert_str_eq(event.message_id, "m");
	ck_assert_str_eq(event.part.id, "p");
	ck_assert_str_eq(event.text, "hi");
	oc_event_fini(&event);
	event = event_in(
	    "{\"payload\":{\"type\":\"session.created\",\"properties\":{\"info\":{\"id\":\"c\","
	    "\"parentID\":\"s\",\"title\":\"look (@general subagent)\"}}}}");
	ck_assert_int_eq(event.type, OC_EV_SESSION_CREATED);
	ck_assert_str_eq(event.session_id, "c");
	ck_assert_str_eq(event.parent_id, "s");
	ck_assert_str_eq(event.title, "look (@general subagent)");
	oc_event_fini(&event);
	event = event_in(
	    "{\"payload\":{\"type\":\"session.error\",\"properties\":{\"error\":{\"name\":\"X\","
	    "\"data\":{\"message\":\"no agent\"}}}}}");
	ck_assert_int_eq(event.type, OC_EV_ERROR);
	ck_assert_ptr_null(event.session_id);
	ck_assert_str_eq(event.text, "no agent");
	oc_event_fini(&event);
	/* What OpenCode says when its own code has failed, as for an agent that is not there. */
	event = event_in("{\"payload\":{\"type\":\"session.error\",\"properties\":{\"error\":"
			 "{\"name\":\"UnknownError\",\"data\":{\"message\":"
			 "\"UnknownError: UnknownError\\n    at <anonymous> (/x.js:1:2)\"}}}}}");
	ck_assert_int_eq(event.type, OC_EV_ERROR);
	ck_assert_ptr_null(event.text);
	oc_event_fini(&event);
	event = event_in("{\"payload\":{\"type\":\"session.error\",\"properties\":{\"error\":"
			 "{\"name\":\"UnknownError\",\"data\":{\"message\":"
			 "\"no such agent\\n    at f (/x.js:1:2)\\n    at g (/x.js:3:4)\"}}}}}");
	ck_assert_str_eq(event.text, "no such agent");
	oc_event_fini(&event);
	/* The type comes last, after a part's own. */
	event = event_in("{\"payload\":{\"properties\":{\"part\":{\"type\":\"text\",\"id\":\"p\"}},"
			 "\"type\":\"message.part.updated\"}}");
	ck_assert_int_eq(event.type, OC_EV_PART);
	oc_event_fini(&event);
}
END_TEST

static struct oc_event
message_event(const char *info)
{
	char *json = xasprintf("{\"payload\":{\"type\":\"message.updated\",\"properties\":"
			       "{\"sessionID\":\"s\",\"info\":%s}}}",
	    info);
	struct oc_event event = event_in(json);

	ck_assert_int_eq(event.type, OC_EV_MESSAGE);
	free(json);
	return event;
}

START_TEST(messages_as_events)
{
	struct oc_event event = message_event("{\"id\":\"m\",\"role\":\"user\",\"summary\":true}");

	ck_assert_str_eq(event.message_id, "m");
	ck_assert(event.from_user && !event.summary);
	oc_event_fini(&event);
	event = message_event(
	    "{\"id\":\"m\",\"role\":\"assistant\",\"summary\":true,\"finish\":\"unknown\"}");
	ck_assert(!event.from_user && event.summary);
	ck_assert_str_eq(event.finish, "unknown");
	oc_event_fini(&event);
}
END_TEST

static struct oc_event
part_event(const char *part)
{
	char *json =
	    xasprintf("{\"payload\":{\"type\":\"message.part.updated\",\"properties\":"
		      "{\"part\":{\"id\":\"p\",\"sessionID\":\"s\",\"messageID\":\"m\",%s}}}}",
		part);
	struct oc_event event = event_in(json);

	ck_assert_int_eq(event.type, OC_EV_PART);
	ck_assert_str_eq(event.session_id, "s");
	ck_assert_str_eq(event.message_id, "m");
	ck_assert_str_eq(event.part.id, "p");
	free(json);
	return event;
}

START_TEST(parts_as_events)
{
	struct oc_event event =
	    part_event("\"type\":\"reasoning\",\"text\":\"\",\"time\":{\"start\":1}");

	ck_assert_int_eq(event.part.kind, PART_REASONING);
	ck_assert_str_eq(event.text, "");
	ck_assert(!event.part.is_over);
	oc_event_fini(&event);
	event = part_event("\"type\":\"text\",\"text\":\"hi\",\"time\":{\"start\":1,\"end\":2}");
	ck_assert_int_eq(event.part.kind, PART_TEXT);
	ck_assert_str_eq(event.text, "hi");
	ck_assert(event.part.is_over);
	struct oc_event copy = oc_event_copy(&event);
	oc_event_fini(&event);
	ck_assert_str_eq(copy.part.id, "p");
	ck_assert_str_eq(copy.text, "hi");
	oc_event_fini(&copy);
	event = part_event("\"type\":\"step-start\"");
	ck_assert_int_eq(event.part.kind, PART_OTHER);
	oc_event_fini(&event);
}
END_TEST

/* What a tool's part says at each of its steps: its label, whether it is over, its error. */
static const struct {
	const char *state, *label, *error;
	bool is_over;
} steps[] = {
    {"{\"status\":\"pending\",\"input\":{},\"raw\":\"\"}", NULL, NULL, false},
    {"{\"status\":\"running\",\"input\":{\"command\":\"npm\\n test\",\"description\":\"x\"}}",
	"bash: npm test", NULL, false},
    {"{\"status\":\"running\",\"input\":{\"todos\":[]}}", "bash", NULL, false},
    {"{\"status\":\"completed\",\"input\":{\"description\":\"x\"},\"output\":\"o\"}", "bash: x",
	NULL, true},
    {"{\"status\":\"error\",\"input\":{},\"error\":\"no\\nway\"}", "bash", "no way", true},
    {"{\"status\":\"error\",\"input\":{}}", "bash", "no reason is given", true},
};

START_TEST(tools_as_events)
{
	char *part = xasprintf(
	    "\"type\":\"tool\",\"tool\":\"bash\",\"callID\":\"c\",\"state\":%s", steps[_i].state);
	struct oc_event event = part_event(part);

	ck_assert_int_eq(event.part.kind, PART_TOOL);
	ck_assert(same_text(event.part.label, steps[_i].label));
	ck_assert(same_text(event.part.error, steps[_i].error));
	ck_assert_int_eq(event.part.is_over, steps[_i].is_over);
	oc_event_fini(&event);
	free(part);
}
END_TEST

/* Where each part's words stand in the message's. */
START_TEST(parts_of_a_message)
{
	static const char body[] =
	    "[{\"info\":{\"id\":\"m\",\"role\":\"assistant\"},\"parts\":["
	    "{\"id\":\"1\",\"type\":\"reasoning\",\"text\":\"why\",\"time\":{\"start\":1,\"end\":2}"
	    "},"
	    "{\"id\":\"2\",\"type\":\"text\",\"text\":\"one\",\"time\":{\"start\":1,\"end\":2}},"
	    "{\"id\":\"x\",\"type\":\"text\",\"text\":\"not ours\",\"synthetic\":true},"
	    "{\"id\":\"x\",\"type\":\"step-start\"},"
	    "{\"id\":\"3\",\"type\":\"tool\",\"tool\":\"ls\",\"state\":{\"status\":\"running\"}},"
	    "{\"id\":\"4\",\"type\":\"text\",\"text\":\"two\",\"time\":{\"start\":1,\"end\":2}},"
	    "{\"id\":\"5\",\"type\":\"text\",\"text\":\"\",\"time\":{\"start\":1}}]}]";
	static const char *const words[] = {"why", "one", "", "two", ""};
	struct messages messages;
	struct fault fault;

	ck_assert(reply_messages(body, strlen(body), &messages, &fault));
	const struct message *m = &messages.all[0];
	ck_assert_str_eq(m->text, "one\ntwo");
	ck_assert_uint_eq(m->part_count, 5);
	for (size_t i = 0; i < m->part_count; i++) {
		const struct part *part = &m->parts[i];
		const char *all = part->kind == PART_REASONING ? m->reasoning : m->text;

		ck_assert_int_eq(part->id[0], (int)('1' + i));
		ck_assert_uint_eq(part->bytes, strlen(words[i]));
		ck_assert_int_eq(strncmp(all + part->at, words[i], part->bytes), 0);
	}
	ck_assert_str_eq(m->parts[2].label, "ls");
	ck_assert(m->parts[3].is_over && !m->parts[4].is_over);
	messages_fini(&messages);
}
END_TEST

START_TEST(events_of_no_use)
{
	static const char *const useless[] = {"", "x", "{}", "[]", "{\"payload\":7}", "\"type\":\"",
	    "\"type\":\"sync",
	    "{\"payload\":{\"type\":\"sync\",\"x\":{\"type\":\"session.idle\"}}}",
	    "{\"payload\":{\"type\":\"plugin.added\"}}", "{\"payload\":{\"type\":\"new.kind\"}}",
	    "{\"payload\":{\"type\":[\"session.idle\"]}}",
	    "{\"payload\":{\"type\":\"session.idle\"}"};

	for (size_t i = 0; i < sizeof(useless) / sizeof(useless[0]); i++) {
		struct oc_event event = event_in(useless[i]);

		ck_assert_int_eq(event.type, OC_EV_OTHER);
		oc_event_fini(&event);
	}
}
END_TEST

/* Every beginning of a recorded answer, and each with a byte spoiled: an answer or a fault. */
START_TEST(spoiled_answers_are_survived)
{
	struct buf bytes = read_fixture("messages-question-rejected.json");
	struct messages messages;
	struct oc_event event;
	struct fault fault;

	for (size_t cut = 0; cut < bytes.len; cut++) {
		char *spoiled = xstrndup(bytes.data, bytes.len);

		ck_assert(!reply_messages(spoiled, cut, &messages, &fault) || cut >= bytes.len - 1);
		messages_fini(&messages);
		spoiled[cut] = (char)(spoiled[cut] ^ 0x5a);
		reply_messages(spoiled, bytes.len, &messages, &fault);
		messages_fini(&messages);
		reply_event(spoiled, bytes.len, &event);
		oc_event_fini(&event);
		free(spoiled);
	}
	buf_free(&bytes);
}
END_TEST

static Suite *
reply_suite(void)
{
	Suite *suite = suite_create("reply");
	TCase *all = tcase_create("reply");

	tcase_set_timeout(all, 60);
	tcase_add_test(all, health);
	tcase_add_test(all, sessions_one_and_many);
	tcase_add_test(all, status_map);
	tcase_add_test(all, completed);
	tcase_add_test(all, running);
	tcase_add_test(all, errors);
	tcase_add_test(all, tools);
	tcase_add_test(all, tools_of_the_provider_do_not_count);
	tcase_add_test(all, compaction);
	tcase_add_test(all, lone_surrogates_and_nul);
	tcase_add_test(all, texts_are_joined);
	tcase_add_test(all, long_text_is_cut_between_characters);
	tcase_add_test(all, messages_need_id_and_role);
	tcase_add_test(all, agents_that_are_not_hidden);
	tcase_add_test(all, models_and_variants);
	tcase_add_test(all, permission_requests);
	tcase_add_test(all, questions_and_their_options);
	tcase_add_test(all, asks_need_id_and_session);
	tcase_add_test(all, error_sentences);
	tcase_add_test(all, recorded_events);
	tcase_add_loop_test(
	    all, asks_and_replies_as_events, 0, (int)(sizeof(ask_events) / sizeof(ask_events[0])));
	tcase_add_test(all, a_provider_that_is_asked_again);
	tcase_add_test(all, events_in_detail);
	tcase_add_test(all, messages_as_events);
	tcase_add_test(all, parts_as_events);
	tcase_add_loop_test(all, tools_as_events, 0, (int)(sizeof(steps) / sizeof(steps[0])));
	tcase_add_test(all, parts_of_a_message);
	tcase_add_test(all, events_of_no_use);
	tcase_add_test(all, spoiled_answers_are_survived);
	suite_add_tcase(suite, all);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(reply_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
