/*
 * What a service manager hears of a run: the real vigil_run() in a process of its own, and a
 * socket in place of systemd's.
 */
#define _GNU_SOURCE /* SOCK_CLOEXEC and the like */
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "lib/scratch.h"
#include "lib/suite.h"
#include "ops/vigil.h"

#define PATIENCE_MS 20000
#define NOBODY "http://127.0.0.1:9" /* no server there: the run has nothing to do but wait */

static struct {
	char *folder, *database, *config, *address;
	int socket;
	pid_t runner;
} fx;

static void
listen_as_systemd(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	snprintf(name.sun_path, sizeof(name.sun_path), "%s", fx.address);
	fx.socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fx.socket, 0);
	ck_assert_int_eq(bind(fx.socket, (struct sockaddr *)&name, sizeof(name)), 0);
}

static void
set_up(void)
{
	fx.folder = scratch_new();
	fx.database = xasprintf("%s/vigil.db", fx.folder);
	fx.config = xasprintf("%s/config.json", fx.folder);
	fx.address = xasprintf("%s/notify", fx.folder);
	FILE *config = fopen(fx.config, "w");
	ck_assert(config && fputs("{}", config) >= 0 && fclose(config) == 0);
	listen_as_systemd();
}

static void
tear_down(void)
{
	if (fx.runner > 0) {
		kill(fx.runner, SIGKILL);
		waitpid(fx.runner, NULL, 0);
	}
	close(fx.socket);
	scratch_remove(fx.folder);
	free(fx.database);
	free(fx.config);
	free(fx.address);
}

static _Noreturn void
run(const char *watchdog_us)
{
	const struct vigil_run_options options = {.server_url = NOBODY};
	struct vigil *vigil;
	raise(SIGSTOP);
	setenv("NOTIFY_SOCKET", fx.address, 1);
	unsetenv("WATCHDOG_PID");
	if (watchdog_us)
		setenv("WATCHDOG_USEC", watchdog_us, 1);
	else
		unsetenv("WATCHDOG_USEC");
	enum vigil_result result = vigil_open(&vigil, fx.database, fx.config, VIGIL_READ_WRITE);
	if (result == VIGIL_OK)
		result = vigil_run(vigil, &options);
	vigil_close(vigil);
	exit((int)result);
}

/* The process is there, and waits: it must not inherit what SQLite knows of a connection here. */
static void
prepare_run(const char *watchdog_us)
{
	int status;
	fx.runner = fork();
	ck_assert_int_ge(fx.runner, 0);
	if (fx.runner == 0)
		run(watchdog_us);
	ck_assert_int_eq(waitpid(fx.runner, &status, WUNTRACED), fx.runner);
	ck_assert(WIFSTOPPED(status));
}

static void
start_run(const char *watchdog_us)
{
	prepare_run(watchdog_us);
	ck_assert_int_eq(kill(fx.runner, SIGCONT), 0);
}

/* The next thing it says. */
static void
hear(char *text, size_t size)
{
	struct pollfd wait = {.fd = fx.socket, .events = POLLIN};
	ck_assert_msg(poll(&wait, 1, PATIENCE_MS) == 1, "nothing was said");
	ssize_t bytes = recv(fx.socket, text, size - 1, 0);
	ck_assert_int_ge(bytes, 0);
	text[bytes] = '\0';
}

/* Hears until this is said; `never` must not be said before. */
static void
hear_before(const char *beginning, const char *never)
{
	char text[4096];
	do {
		hear(text, sizeof(text));
		ck_assert_msg(
		    !never || !strstr(text, never), "\"%s\" before \"%s\"", text, beginning);
	} while (strncmp(text, beginning, strlen(beginning)) != 0);
}

static void
must_end_well(void)
{
	int status;
	ck_assert_int_eq(kill(fx.runner, SIGTERM), 0);
	hear_before("STOPPING=1", "READY");
	ck_assert_int_eq(waitpid(fx.runner, &status, 0), fx.runner);
	fx.runner = 0;
	ck_assert_int_eq(status, 0);
}

START_TEST(it_says_when_it_is_ready_and_that_it_lives)
{
	start_run("200000");
	hear_before("READY=1", "WATCHDOG");
	for (int beats = 0; beats < 3; beats++)
		hear_before("WATCHDOG=1", "READY");
	must_end_well();
}
END_TEST

START_TEST(it_says_what_is_in_its_way)
{
	start_run(NULL);
	hear_before("READY=1", NULL);
	hear_before("STATUS=GET http://127.0.0.1:9/global/health", "WATCHDOG");
	must_end_well();
}
END_TEST

/* It is not ready while it waits for the database, and says so. */
START_TEST(a_locked_database_is_waited_for)
{
	struct vigil *vigil;
	sqlite3 *person;
	prepare_run("200000");
	ck_assert_int_eq(vigil_open(&vigil, fx.database, fx.config, VIGIL_READ_WRITE), VIGIL_OK);
	vigil_close(vigil);
	ck_assert_int_eq(sqlite3_open(fx.database, &person), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(person, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(kill(fx.runner, SIGCONT), 0);
	hear_before("STATUS=", "READY");
	ck_assert_int_eq(sqlite3_close(person), SQLITE_OK);
	hear_before("READY=1", "WATCHDOG");
	must_end_well();
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("service");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, it_says_when_it_is_ready_and_that_it_lives);
	tcase_add_test(tests, it_says_what_is_in_its_way);
	tcase_add_test(tests, a_locked_database_is_waited_for);
	return run_suite(tests, "service");
}
