/*
 * The configuration: every key, every kind of mistake.
 */
#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/nearest.h"
#include "config/config.h"
#include "core/task.h"

static char path[64];

static void
write_file(const char *text, size_t bytes)
{
	FILE *file;
	int fd;

	snprintf(path, sizeof(path), "/tmp/vigil-config-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	file = fdopen(fd, "w");
	ck_assert_uint_eq(fwrite(text, 1, bytes, file), bytes);
	ck_assert_int_eq(fclose(file), 0);
}

static struct config *
load(const char *text)
{
	struct fault fault = {0};
	struct config *config;

	write_file(text, strlen(text));
	config = config_load(path, &fault);
	ck_assert_msg(config != NULL, "%s: %s", text, fault.text);
	unlink(path);
	return config;
}

static void
refuse_bytes(const char *text, size_t bytes, const char *words)
{
	struct fault fault = {0};

	write_file(text, bytes);
	ck_assert_msg(!config_load(path, &fault), "accepted: %s", text);
	unlink(path);
	ck_assert_int_eq(fault.kind, FAULT_ENV);
	ck_assert_msg(strstr(fault.text, path) != NULL, "%s", fault.text);
	ck_assert_msg(strstr(fault.text, words) != NULL, "%s: %s", text, fault.text);
	ck_assert_msg(!strchr(fault.text, '\n'), "%s", fault.text);
}

START_TEST(defaults_are_as_promised)
{
	struct config *config = load("{}");

	ck_assert_ptr_null(config->server_url);
	ck_assert_str_eq(config->server_username, "opencode");
	ck_assert_str_eq(config->server_password_env, "OPENCODE_SERVER_PASSWORD");
	ck_assert_str_eq(config->server_command, "opencode");
	ck_assert_int_eq(config->parallel, 4);
	ck_assert_int_eq(config->attempts, 1);
	ck_assert_int_eq(config->timeout_ms, 0);
	ck_assert_int_eq(config->stall_ms, 45 * 60 * 1000);
	ck_assert_int_eq(config->on_interrupt, ON_INTERRUPT_RESUME);
	ck_assert_int_eq(config->on_ask, ON_ASK_REJECT);
	ck_assert_int_eq(config->on_question, ON_ASK_REJECT);
	ck_assert_int_eq(config->max_resumes, 3);
	ck_assert_int_eq(config->poll_ms, 2000);
	ck_assert_uint_eq(config->agent_count, 0);
	ck_assert(!config->tmux_enabled);
	ck_assert_str_eq(config_tmux_layouts[config->tmux_layout], "main-vertical");
	ck_assert_int_eq(config->tmux_main_pane_size, 60);
	ck_assert_int_eq(config->tmux_max_panes, 6);
	ck_assert_str_eq(config_tmux_views[config->tmux_view], "attach");
	ck_assert_int_eq(config->tmux_sessions, TMUX_SESSIONS_TASKS);
	config_free(config);
}
END_TEST

START_TEST(values_are_read)
{
	struct config *config =
	    load("{ // a comment\n"
		 "\"server\": {\"url\": \"http://127.0.0.1:4096\", \"command\": \"oc\"},\n"
		 "\"limits\": {\"parallel\": 0}, /* another */\n"
		 "\"task\": {\"attempts\": 3, \"timeout\": \"2h\", \"stall\": 0, \"on_interrupt\": "
		 "\"fail\"},\n"
		 "\"permissions\": {\"on_ask\": \"once\", \"on_question\": \"hold\"},\n"
		 "\"agents\": {\"@oracle\": {\"model\": \"p/m/n\", \"variant\": \"high\"}, "
		 "\"a.b\": {}},\n"
		 "\"tmux\": {\"enabled\": true, \"layout\": \"even-vertical\", "
		 "\"main_pane_size\": 20, \"max_panes\": 1, \"view\": \"follow\", "
		 "\"sessions\": \"children\"},\n"
		 "\"poll_interval\": \"500ms\"}\n");
	const struct config_agent *agent = config_agent(config, "oracle");

	ck_assert_str_eq(config->server_url, "http://127.0.0.1:4096");
	ck_assert_str_eq(config->server_command, "oc");
	ck_assert_int_eq(config->parallel, INT_MAX);
	ck_assert_int_eq(config->attempts, 3);
	ck_assert_int_eq(config->timeout_ms, 2 * 60 * 60 * 1000);
	ck_assert_int_eq(config->stall_ms, 0);
	ck_assert_int_eq(config->on_interrupt, ON_INTERRUPT_FAIL);
	ck_assert_int_eq(config->on_ask, ON_ASK_ONCE);
	ck_assert_int_eq(config->on_question, ON_ASK_HOLD);
	ck_assert_int_eq(config->poll_ms, 500);
	ck_assert(config->tmux_enabled);
	ck_assert_str_eq(config_tmux_layouts[config->tmux_layout], "even-vertical");
	ck_assert_int_eq(config->tmux_main_pane_size, 20);
	ck_assert_int_eq(config->tmux_max_panes, 1);
	ck_assert_str_eq(config_tmux_views[config->tmux_view], "follow");
	ck_assert_int_eq(config->tmux_sessions, TMUX_SESSIONS_CHILDREN);
	ck_assert_ptr_nonnull(agent);
	ck_assert_ptr_eq(agent, config_agent(config, "@oracle"));
	ck_assert_str_eq(agent->model, "p/m/n");
	ck_assert_str_eq(agent->variant, "high");
	ck_assert_ptr_nonnull(config_agent(config, "a.b"));
	ck_assert_ptr_null(config_agent(config, "none"));
	ck_assert_ptr_null(config_agent(config, NULL));
	config_free(config);
}
END_TEST

START_TEST(what_is_not_there_yet_may_have_its_default)
{
	config_free(load("{\"servers\": {}, \"limits\": {\"per_server\": 0, \"per_model\": {}},"
			 "\"task\": {\"max_cost\": 0},"
			 "\"notify\": {\"command\": null, \"parent\": true},"
			 "\"agents\": {\"a\": {\"models\": [], \"model\": null}}}"));
}
END_TEST

static const struct {
	const char *text, *words;
} mistakes[] = {
    {"", "line 1"},
    {"{\n\"limits\": {\n\"parallel\": }}", "line 3"},
    {"{} x", "line 1"},
    {"[]", "one JSON object"},
    {"{\"limts\": {}}", "unknown key 'limts' (did you mean 'limits'?)"},
    {"{\"limits\": {\"paralel\": 1}}", "'limits.paralel' (did you mean 'limits.parallel'?)"},
    {"{\"paralel\": 1}", "(did you mean 'limits.parallel'?)"},
    {"{\"limits.parallel\": 1}", "unknown key 'limits.parallel'"},
    {"{\"bogus\": 1}",
	"unknown key 'bogus'; there are server, servers, limits, task, permissions, tmux, notify, "
	"poll_interval, agents"},
    {"{\"permissions\": {\"bogus\": 1}}",
	"unknown key 'permissions.bogus'; there are on_ask, on_question"},
    {"{\"no.such\": 1}", "unknown key 'no.such'; there are server, servers"},
    {"{\"tasks\": {}}", "(did you mean 'task'?)"},
    {"{\"poll_interval\": \"2s\", \"poll_interval\": \"3s\"}",
	"the key 'poll_interval' is given twice"},
    {"{\"limits\": {}, \"limits\": {}}", "the key 'limits' is given twice"},
    {"{\"limits\": {\"parallel\": 1, \"parallel\": 2}}",
	"the key 'limits.parallel' is given twice"},
    {"{\"agents\": {\"a\": {}, \"@a\": {}}}", "the key 'agents.@a' is given twice"},
    {"{\"agents\": {\"@a\": {\"model\": \"p/m\", \"model\": \"p/n\"}}}",
	"the key 'agents.a.model' is given twice"},
    {"{\"limits\": {\n\"parallel\": 2, // two\n}}",
	"line 2: JSON has no comma after the last value: remove it"},
    {"{\n\"agents\": {\"a\": {\"models\": [\"\\\",}\",]}}}", "line 2: JSON has no comma"},
    {"{\"server\": {\"command\": \",}\"}", "line 1: no JSON"},
    {"{\"limits\": 4}", "limits is 4; it must be an object"},
    {"{\"limits\": {\"parallel\": \"4\"}}",
	"limits.parallel is \"4\"; it must be a whole number from 0 to"},
    {"{\"limits\": {\"parallel\": -1}}", "limits.parallel is -1"},
    {"{\"limits\": {\"parallel\": 1.5}}", "limits.parallel is 1.5"},
    {"{\"limits\": {\"parallel\": 1e99}}", "limits.parallel is 1e+99"},
    {"{\"task\": {\"attempts\": 0}}",
	"task.attempts is 0; it must be a whole number from 1 to 100"},
    {"{\"task\": {\"timeout\": 90}}", "task.timeout is 90; it must be a duration"},
    {"{\"task\": {\"stall\": \"long\"}}", "task.stall is \"long\""},
    {"{\"task\": {\"stall\": 0.5}}", "task.stall is 0.5"},
    {"{\"task\": {\"on_interrupt\": \"stop\"}}", "\"resume\", \"restart\", \"hold\" or \"fail\""},
    {"{\"permissions\": {\"on_ask\": \"allow\"}}",
	"permissions.on_ask is \"allow\"; it must be \"reject\", \"once\" or \"hold\""},
    {"{\"permissions\": {\"on_question\": true}}", "permissions.on_question is true"},
    {"{\"poll_interval\": \"1ms\"}",
	"poll_interval is \"1ms\"; it must be a duration from 100ms to 10m"},
    {"{\"server\": {\"url\": \"localhost\"}}", "server.url is \"localhost\"; it must be null or "
					       "http://HOST[:PORT] or https://HOST[:PORT]"},
    {"{\"server\": {\"url\": \"http://\"}}", "server.url is \"http://\"; it must be"},
    {"{\"server\": {\"url\": \"http://:4096\"}}", "server.url is \"http://:4096\""},
    {"{\"server\": {\"url\": \"http://h:0\"}}", "server.url is \"http://h:0\""},
    {"{\"server\": {\"url\": \"http://h:65536\"}}", "server.url is"},
    {"{\"server\": {\"url\": \"http://h:\"}}", "server.url is"},
    {"{\"server\": {\"url\": \"http://h/api\"}}", "server.url is \"http://h/api\""},
    {"{\"server\": {\"url\": \"http://h?a=b\"}}", "server.url is"},
    {"{\"server\": {\"url\": \"http://h#a\"}}", "server.url is"},
    {"{\"server\": {\"url\": \"http://[::1\"}}", "server.url is"},
    {"{\"server\": {\"url\": \"http://a b\"}}", "server.url is"},
    {"{\"server\": {\"url\": \"ftp://h\"}}", "server.url is"},
    {"{\"server\": {\"url\": 4096}}", "server.url is 4096"},
    {"{\"server\": {\"url\": \"http://me:secret@h\"}}", "(OPENCODE_SERVER_PASSWORD)"},
    {"{\"server\": {\"command\": \"\"}}", "server.command is \"\""},
    {"{\"server\": {\"username\": null}}", "server.username is null"},
    {"{\"limits\": {\"per_provider\": {\"a\": 1}}}",
	"limits.per_provider is not supported by this version yet (remove it)"},
    {"{\"servers\": {\"a\": {}}}", "servers is not supported"},
    {"{\"tmux\": {\"enabled\": 1}}", "tmux.enabled is 1; it must be true or false"},
    {"{\"tmux\": {\"layout\": \"main\"}}", "\"even-horizontal\" or \"even-vertical\""},
    {"{\"tmux\": {\"main_pane_size\": 19}}",
	"tmux.main_pane_size is 19; it must be a whole number from 20 to 80"},
    {"{\"tmux\": {\"max_panes\": 0}}", "tmux.max_panes is 0; it must be a whole number from 1"},
    {"{\"tmux\": {\"view\": \"tui\"}}",
	"tmux.view is \"tui\"; it must be \"attach\" or \"follow\""},
    {"{\"tmux\": {\"sessions\": \"all\"}}",
	"tmux.sessions is \"all\"; it must be \"tasks\" or \"children\""},
    {"{\"notify\": {\"parent\": false}}", "notify.parent is not supported"},
    {"{\"agents\": []}", "agents is []"},
    {"{\"agents\": {\"a\": 1}}", "agents.a is 1"},
    {"{\"agents\": {\"@\": {}}}", "a name is empty"},
    {"{\"agents\": {\"a\": {\"modle\": \"p/m\"}}}", "'agents.a.modle' (did you mean 'model'?)"},
    {"{\"agents\": {\"a\": {\"bogus\": 1}}}", "'agents.a.bogus'; there are model, variant, models"},
    {"{\"agents\": {\"a\": {\"model\": \"gpt\"}}}", "agents.a.model is \"gpt\""},
    {"{\"agents\": {\"a\": {\"model\": \"a/b,c/d\"}}}", "a list of models is not supported"},
    {"{\"agents\": {\"a\": {\"models\": [\"a/b\"]}}}", "agents.a.models is not supported"},
};

START_TEST(a_mistake_is_one_sentence)
{
	refuse_bytes(mistakes[_i].text, strlen(mistakes[_i].text), mistakes[_i].words);
}
END_TEST

START_TEST(what_is_no_text_is_refused)
{
	refuse_bytes("{\n\"server\": {\"command\": \"\xff\"}}", 27, "line 2 is not UTF-8");
	refuse_bytes("{}\n\n\0", 5, "line 3 is not UTF-8");
}
END_TEST

START_TEST(a_named_file_must_exist)
{
	struct fault fault = {0};
	struct config *config;

	ck_assert_ptr_null(config_load("/nonexistent/c.json", &fault));
	ck_assert_int_eq(fault.kind, FAULT_ENV);
	ck_assert_ptr_nonnull(strstr(fault.text, "/nonexistent/c.json"));
	ck_assert_ptr_null(config_load("/", &fault));
	setenv("VIGIL_CONFIG", "/nonexistent/v.json", 1);
	ck_assert_ptr_null(config_load(NULL, &fault));
	unsetenv("VIGIL_CONFIG");
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	config = config_load(NULL, &fault);
	ck_assert_ptr_nonnull(config);
	ck_assert_ptr_null(config->path);
	config_free(config);
}
END_TEST

START_TEST(models)
{
	ck_assert(config_is_model("a/b"));
	ck_assert(config_is_model("a/b/c:free"));
	ck_assert(!config_is_model("a"));
	ck_assert(!config_is_model("/b"));
	ck_assert(!config_is_model("a/"));
	ck_assert(!config_is_model("a/b,c/d"));
	ck_assert(!config_is_model("a/b c"));
}
END_TEST

static const char *const addresses[] = {"http://127.0.0.1:4096", "https://a-b.example_1:65535",
    "http://[::1]:4096", "http://localhost", "http://localhost:1/"};

START_TEST(addresses_of_servers)
{
	char *text = xasprintf("{\"server\": {\"url\": \"%s\"}}", addresses[_i]);
	struct config *config = load(text);

	ck_assert_str_eq(config->server_url, addresses[_i]);
	config_free(config);
	free(text);
}
END_TEST

START_TEST(a_password_is_not_shown)
{
	const char *text = "{\"server\": {\"url\": \"http://me:secret@h:1\"}}";
	struct fault fault = {0};

	write_file(text, strlen(text));
	ck_assert_ptr_null(config_load(path, &fault));
	unlink(path);
	ck_assert_ptr_null(strstr(fault.text, "secret"));
}
END_TEST

static const struct {
	const char *typed, *meant; /* NULL: none of the words */
} guesses[] = {
    {"parent", "parent"},
    {"parnet", "parent"},
    {"praent", "parent"},
    {"pernt", NULL},
    {"reslutt", "result"},
    {"tnerap", NULL},
    {"pa", "parent"},
    {"p", NULL},
    {"", NULL},
    {"runn", "run"},
    {"rum", NULL},
    {"x", NULL},
    {"description", NULL},
};

START_TEST(only_what_is_near_is_offered)
{
	struct nearest nearest = {.word = guesses[_i].typed};

	nearest_offer(&nearest, "run");
	nearest_offer(&nearest, "parent");
	nearest_offer(&nearest, "result");
	ck_assert_pstr_eq(nearest.best, guesses[_i].meant);
}
END_TEST

START_TEST(distances)
{
	char longer[400];

	ck_assert_uint_eq(nearest_distance("", ""), 0);
	ck_assert_uint_eq(nearest_distance("", "abc"), 3);
	ck_assert_uint_eq(nearest_distance("prompt", "promt"), 1);
	ck_assert_uint_eq(nearest_distance("model", "modle"), 1);
	ck_assert_uint_eq(nearest_distance("kitten", "sitting"), 3);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_uint_eq(nearest_distance(longer, "x"), 126);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config");
	TCase *tests = tcase_create("config");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_add_test(tests, defaults_are_as_promised);
	tcase_add_test(tests, values_are_read);
	tcase_add_test(tests, what_is_not_there_yet_may_have_its_default);
	tcase_add_loop_test(
	    tests, a_mistake_is_one_sentence, 0, (int)(sizeof(mistakes) / sizeof(mistakes[0])));
	tcase_add_test(tests, what_is_no_text_is_refused);
	tcase_add_test(tests, a_named_file_must_exist);
	tcase_add_test(tests, models);
	tcase_add_loop_test(
	    tests, addresses_of_servers, 0, (int)(sizeof(addresses) / sizeof(addresses[0])));
	tcase_add_test(tests, a_password_is_not_shown);
	tcase_add_test(tests, distances);
	tcase_add_loop_test(
	    tests, only_what_is_near_is_offered, 0, (int)(sizeof(guesses) / sizeof(guesses[0])));
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
