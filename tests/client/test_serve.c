/*
 * The managed server: start, wait, find again, end; with commands that behave like servers of many
 * kinds. They are this very program under another name (fake-listen, fake-silent, …).
 */
#define _GNU_SOURCE /* flock(), SIGPIPE dispositions */

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/process.h"
#include "base/secret.h"
#include "lib/scratch.h"
#include "opencode/serve.h"

#define PATIENCE_MS 20000 /* for what must happen */
#define FAKE_LIFE 60      /* seconds: a fake that a failed test left behind ends by itself */

/* ---- The fakes ---- */

static int
listen_on(uint32_t address)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
	socklen_t size = sizeof name;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&name, size) != 0 || listen(fd, 8) != 0 ||
	    getsockname(fd, (struct sockaddr *)&name, &size) != 0)
		exit(9);
	return ntohs(name.sin_port);
}

static _Noreturn void
stay(void)
{
	for (;;)
		pause();
}

static _Noreturn void
fake_listen(void)
{
	printf("opencode server listening on http://127.0.0.1:%d\n", listen_on(INADDR_LOOPBACK));
	fflush(stdout);
	stay();
}

/* Of two sockets, says which is the server's. */
static _Noreturn void
fake_two(void)
{
	listen_on(INADDR_LOOPBACK);
	fake_listen();
}

static _Noreturn void
fake_wrapper(void)
{
	if (fork() == 0)
		fake_listen();
	stay();
}

static _Noreturn void
fake_exit(void)
{
	fputs("\033[31mError\033[0m: no such \xff provider\n\n  at line 3\n", stderr);
	exit(3);
}

static _Noreturn void
fake_outside(void)
{
	listen_on(INADDR_ANY);
	stay();
}

/* A server whose agent runs commands: one in a session of its own, one in a group of its own, and
 * none of them ends when asked to. */
static _Noreturn void
fake_stubborn(void)
{
	signal(SIGTERM, SIG_IGN);
	if (fork() == 0) {
		setsid();
		stay();
	}
	if (fork() == 0) {
		setpgid(0, 0);
		if (fork() == 0)
			stay();
		stay();
	}
	fake_listen();
}

/* A server whose agent runs a command, which leads a session of its own as OpenCode's do. */
static _Noreturn void
fake_agent(void)
{
	if (fork() == 0) {
		setsid();
		if (fork() == 0)
			stay();
		stay();
	}
	fake_listen();
}

#define DAEMON_FILE "daemon" /* in the server's directory: its pid */

/* Goes on as the child of nobody, in a session of its own. */
static void
go_into_the_background(void)
{
	pid_t parent = getpid();
	setsid();
	if (fork() != 0)
		_exit(0);
	while (getppid() == parent)
		sched_yield();
	FILE *file = fopen(DAEMON_FILE, "w");
	fprintf(file, "%ld\n", (long)getpid());
	fclose(file);
}

/* A server whose agent leaves something in the background. */
static _Noreturn void
fake_daemon(void)
{
	if (fork() == 0) {
		go_into_the_background();
		stay();
	}
	fake_listen();
}

/* The same, and it is to stay. */
static _Noreturn void
fake_free_daemon(void)
{
	if (fork() == 0) {
		go_into_the_background();
		execlp("env", "env", "-u", SERVE_NONCE_NAME, "sleep", "60", (char *)NULL);
		_exit(9);
	}
	fake_listen();
}

static const struct {
	const char *name;
	void (*run)(void);
} fakes[] = {
    {"fake-listen", fake_listen},
    {"fake-two", fake_two},
    {"fake-wrapper", fake_wrapper},
    {"fake-exit", fake_exit},
    {"fake-outside", fake_outside},
    {"fake-silent", stay},
    {"fake-stubborn", fake_stubborn},
    {"fake-agent", fake_agent},
    {"fake-daemon", fake_daemon},
    {"fake-free-daemon", fake_free_daemon},
};

static void
be_a_fake(const char *name, int argc, char **argv)
{
	for (size_t i = 0; i < sizeof fakes / sizeof *fakes; i++) {
		if (strcmp(name, fakes[i].name) != 0)
			continue;
		if (argc != 6 || strcmp(argv[1], "serve") != 0 || strcmp(argv[5], "127.0.0.1") != 0)
			exit(8);
		alarm(FAKE_LIFE);
		fakes[i].run();
	}
}

/* ---- The bench ---- */

static char *folder;
static char command[128], password_file[128], log_file[128];
static struct serve_options options;
static struct serve_process process;
static struct fault fault;
static struct ev_loop *loop;

static char *
in_folder(char out[128], const char *name)
{
	snprintf(out, 128, "%s/%s", folder, name);
	return out;
}

static void
use(const char *fake)
{
	char program[128] = "";
	ck_assert_int_ge(readlink("/proc/self/exe", program, sizeof program - 1), 1);
	in_folder(command, fake);
	ck_assert_int_eq(symlink(program, command), 0);
}

static void
set_up(void)
{
	folder = scratch_new();
	process = (struct serve_process){0};
	fault = (struct fault){0};
	options = (struct serve_options){.command = command,
	    .password_file = in_folder(password_file, "password"),
	    .log_file = in_folder(log_file, "server.log"),
	    .directory = folder};
	loop = ev_loop_new(EVFLAG_AUTO);
}

static void
tear_down(void)
{
	serve_end(&process, 0);
	ev_loop_destroy(loop);
	scratch_remove(folder);
}

static void
start(const char *fake)
{
	use(fake);
	ck_assert_msg(serve_prepare(&options, &process, &fault), "%s", fault.text);
	ck_assert_msg(serve_start(&options, &process, &fault), "%s", fault.text);
	ck_assert_int_gt(process.pid, 0);
}

struct outcome {
	char url[64];
	char sentence[1024];
	int calls;
	struct serve *cancel; /* from inside */
};

static void
on_ready(void *arg, const char *url, const char *sentence)
{
	struct outcome *outcome = arg;
	ck_assert((url == NULL) != (sentence == NULL));
	snprintf(outcome->url, sizeof outcome->url, "%s", url == NULL ? "" : url);
	snprintf(
	    outcome->sentence, sizeof outcome->sentence, "%s", sentence == NULL ? "" : sentence);
	outcome->calls++;
	serve_cancel(outcome->cancel);
}

/* Runs until nothing is left to wait for. */
static struct outcome
await(int64_t deadline_ms)
{
	struct outcome outcome = {0};
	struct serve *serve =
	    serve_await(loop, &options, &process, deadline_ms, on_ready, &outcome);
	ck_assert_ptr_nonnull(serve);
	ck_assert_int_eq(outcome.calls, 0);
	ev_run(loop, 0);
	ck_assert_int_eq(outcome.calls, 1);
	return outcome;
}

static struct outcome
start_and_await(const char *fake)
{
	start(fake);
	struct outcome outcome = await(PATIENCE_MS);
	ck_assert_msg(outcome.url[0] != '\0', "%s", outcome.sentence);
	return outcome;
}

/* How many live processes carry this server's nonce, its own children's children too. */
static size_t
carriers(void)
{
	struct process_stat *list;
	size_t count = process_list(&list), found = 0;
	for (size_t i = 0; i < count; i++) {
		char *value = process_environ(list[i].pid, SERVE_NONCE_NAME);
		found +=
		    value != NULL && strcmp(value, process.nonce) == 0 && process_lives(&list[i]);
		free(value);
	}
	free(list);
	return found;
}

static void
wait_for_carriers(size_t wanted)
{
	for (int64_t end = clock_monotonic_ms() + PATIENCE_MS; carriers() != wanted;)
		ck_assert_msg(
		    clock_monotonic_ms() < end, "%zu processes, not %zu", carriers(), wanted);
}

static bool
answers(const char *url)
{
	struct sockaddr_in name = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int port = 0, end = 0;
	ck_assert_int_eq(sscanf(url, "http://127.0.0.1:%d%n", &port, &end), 1);
	ck_assert_int_eq(url[end], '\0');
	name.sin_port = htons((uint16_t)port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool connected = connect(fd, (struct sockaddr *)&name, sizeof name) == 0;
	close(fd);
	return connected;
}

static char *
proc_text(pid_t pid, const char *what)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, what);
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	char *text = xcalloc(1, 16384);
	ck_assert_uint_gt(fread(text, 1, 16383, file), 0);
	fclose(file);
	return text;
}

static void
kill_leader(void)
{
	ck_assert(process_signal(process.pid, process.start_ticks, SIGKILL));
	for (int64_t end = clock_monotonic_ms() + PATIENCE_MS; serve_find(&process);)
		ck_assert_int_lt(clock_monotonic_ms(), end);
}

/* ---- Secrets ---- */

START_TEST(prepare_makes_fresh_secrets)
{
	struct serve_process other;
	struct stat st;
	umask(0);
	ck_assert(serve_prepare(&options, &other, &fault));
	char *first = serve_password(&options, &fault);
	ck_assert(serve_prepare(&options, &process, &fault));
	char *second = serve_password(&options, &fault);
	ck_assert_str_ne(other.nonce, process.nonce);
	ck_assert_str_ne(first, second);
	ck_assert_uint_eq(strlen(process.nonce), 32);
	ck_assert_uint_eq(strspn(process.nonce, "0123456789abcdef"), 32);
	ck_assert_uint_ge(strlen(second), 32);
	ck_assert_int_eq(process.pid, 0);
	ck_assert_int_eq(stat(password_file, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	free(first);
	free(second);
}
END_TEST

START_TEST(prepare_replaces_what_is_there)
{
	char victim[128];
	in_folder(victim, "victim");
	ck_assert_int_eq(close(open(victim, O_CREAT | O_WRONLY, 0644)), 0);
	ck_assert_int_eq(symlink(victim, password_file), 0);
	ck_assert(serve_prepare(&options, &process, &fault));
	struct stat st;
	ck_assert_int_eq(stat(victim, &st), 0);
	ck_assert_int_eq(st.st_size, 0);
	ck_assert_int_eq(lstat(password_file, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
}
END_TEST

START_TEST(prepare_names_the_file_it_cannot_write)
{
	options.password_file = "/proc/nowhere/password";
	ck_assert(!serve_prepare(&options, &process, &fault));
	ck_assert_int_eq(fault.kind, FAULT_ENV);
	ck_assert_ptr_nonnull(strstr(fault.text, "/proc/nowhere/password: No such file"));
}
END_TEST

START_TEST(password_that_others_may_read_is_refused)
{
	ck_assert(serve_prepare(&options, &process, &fault));
	ck_assert_int_eq(chmod(password_file, 0640), 0);
	ck_assert_ptr_null(serve_password(&options, &fault));
	ck_assert_ptr_nonnull(strstr(fault.text, password_file));
	ck_assert_int_eq(truncate(password_file, 0), 0);
	ck_assert_int_eq(chmod(password_file, 0600), 0);
	ck_assert_ptr_null(serve_password(&options, &fault));
	ck_assert_ptr_nonnull(strstr(fault.text, "is empty"));
}
END_TEST

/* ---- Start ---- */

START_TEST(started_server_is_ready_at_its_url)
{
	struct outcome outcome = start_and_await("fake-listen");
	ck_assert(answers(outcome.url));
	ck_assert(serve_listens(&process, outcome.url));
	ck_assert(!serve_listens(&process, "http://127.0.0.1:1"));
	ck_assert(serve_find(&process));
	ck_assert_int_eq(getsid(process.pid), process.pid);
	ck_assert_int_eq(getpgid(process.pid), process.pid);
}
END_TEST

START_TEST(child_has_the_secrets_in_its_environment)
{
	setenv(SERVE_NONCE_NAME, "another", 1);
	setenv("OPENCODE_SERVER_PASSWORD", "another", 1);
	start_and_await("fake-listen");
	char *password = serve_password(&options, &fault);
	char *in_child = process_environ(process.pid, "OPENCODE_SERVER_PASSWORD");
	char *nonce = process_environ(process.pid, SERVE_NONCE_NAME);
	char *leader = process_environ(process.pid, SERVE_LEADER_NAME);
	char *user = process_environ(process.pid, "OPENCODE_SERVER_USERNAME");
	ck_assert_str_eq(in_child, password);
	ck_assert_str_eq(nonce, process.nonce);
	ck_assert_int_eq(strtol(leader, NULL, 10), process.pid);
	ck_assert_str_eq(user, "opencode");
	char *arguments = proc_text(process.pid, "cmdline");
	ck_assert_ptr_null(memmem(arguments, 16384, password, strlen(password)));
	free(password), free(in_child), free(nonce), free(leader), free(user), free(arguments);
}
END_TEST

/* What /proc does not show is not dead. */
START_TEST(what_cannot_be_seen_is_not_dead)
{
	struct rlimit all, none;
	start_and_await("fake-listen");
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
	none = all;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	bool can_look = process_can_look();
	bool is_ended = serve_end(&process, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
	ck_assert(!can_look);
	ck_assert(!is_ended);
	ck_assert(process_can_look());
	ck_assert(serve_find(&process));
}
END_TEST

START_TEST(child_cannot_speak_for_us_to_a_service_manager)
{
	setenv("NOTIFY_SOCKET", "/nowhere", 1);
	start_and_await("fake-listen");
	ck_assert_ptr_null(process_environ(process.pid, "NOTIFY_SOCKET"));
}
END_TEST

START_TEST(child_inherits_no_lock)
{
	char path[128];
	int held = open(in_folder(path, "lock"), O_CREAT | O_RDWR, 0600);
	int high = dup2(held, 200);
	ck_assert_int_eq(flock(held, LOCK_EX), 0);
	start_and_await("fake-listen");
	close(held);
	close(high);
	int again = open(path, O_RDWR);
	ck_assert_int_eq(flock(again, LOCK_EX | LOCK_NB), 0);
	close(again);
}
END_TEST

START_TEST(child_starts_clean)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t some;
	sigaction(SIGHUP, &ignore, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigemptyset(&some);
	sigaddset(&some, SIGUSR1);
	sigprocmask(SIG_SETMASK, &some, NULL);
	start_and_await("fake-listen");
	char *status = proc_text(process.pid, "status"), path[64], target[128] = "";
	ck_assert_ptr_nonnull(strstr(status, "SigBlk:\t0000000000000000"));
	/* Signals 32 and 33 are the C library's own: make's children have them ignored, and no
	 * sigaction() may change that. */
	const char *ignored = strstr(status, "SigIgn:\t");
	ck_assert_ptr_nonnull(ignored);
	ck_assert_uint_eq(strtoull(ignored + strlen("SigIgn:\t"), NULL, 16) & ~0x180000000ULL, 0);
	free(status);
	snprintf(path, sizeof path, "/proc/%ld/fd/0", (long)process.pid);
	ck_assert_int_gt(readlink(path, target, sizeof target - 1), 0);
	ck_assert_str_eq(target, "/dev/null");
	snprintf(path, sizeof path, "/proc/%ld/cwd", (long)process.pid);
	memset(target, 0, sizeof target);
	ck_assert_int_gt(readlink(path, target, sizeof target - 1), 0);
	ck_assert_str_eq(target, folder);
	sigset_t now;
	sigprocmask(SIG_SETMASK, NULL, &now);
	ck_assert(sigismember(&now, SIGUSR1) == 1 && sigismember(&now, SIGTERM) == 0);
}
END_TEST

START_TEST(starts_without_standard_streams)
{
	use("fake-listen");
	ck_assert(serve_prepare(&options, &process, &fault));
	int saved[3];
	for (int fd = 0; fd < 3; fd++) {
		saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 50);
		close(fd);
	}
	bool started = serve_start(&options, &process, &fault);
	for (int fd = 0; fd < 3; fd++)
		dup2(saved[fd], fd);
	ck_assert_msg(started, "%s", fault.text);
	ck_assert(await(PATIENCE_MS).url[0] != '\0');
}
END_TEST

START_TEST(missing_command_is_a_fault)
{
	options.command = "no-such-opencode";
	ck_assert(serve_prepare(&options, &process, &fault));
	ck_assert(!serve_start(&options, &process, &fault));
	ck_assert_int_eq(fault.kind, FAULT_USAGE);
	ck_assert_str_eq(fault.text,
	    "cannot run `no-such-opencode`: No such file or directory (set server.command in the "
	    "configuration, or install it: npm install -g opencode-ai)");
	ck_assert_int_eq(process.pid, 0);
	ck_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}
END_TEST

static bool
refuse(void *arg, const struct serve_process *forked, struct fault *why)
{
	*(pid_t *)arg = forked->pid;
	return fault_set(why, FAULT_BUSY, "no room for it");
}

START_TEST(process_that_is_not_wanted_never_becomes_the_server)
{
	pid_t forked = 0;
	use("fake-listen");
	options.forked = refuse;
	options.arg = &forked;
	ck_assert(serve_prepare(&options, &process, &fault));
	ck_assert(!serve_start(&options, &process, &fault));
	ck_assert_str_eq(fault.text, "no room for it");
	ck_assert_int_gt(forked, 0);
	ck_assert_int_eq(process.pid, 0);
	ck_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}
END_TEST

/* Tells who was forked, and is gone before it can be told to go on. */
static bool
tell_and_die(void *arg, const struct serve_process *forked, struct fault *why)
{
	(void)why;
	(void)!write(*(int *)arg, &forked->pid, sizeof forked->pid);
	_exit(0);
}

START_TEST(process_whose_parent_dies_never_becomes_the_server)
{
	int ends[2];
	pid_t forked = 0;
	use("fake-listen");
	options.forked = tell_and_die;
	options.arg = &ends[1];
	ck_assert(pipe(ends) == 0);
	ck_assert(serve_prepare(&options, &process, &fault));
	if (fork() == 0) {
		serve_start(&options, &process, &fault);
		_exit(1);
	}
	ck_assert_int_eq(read(ends[0], &forked, sizeof forked), sizeof forked);
	close(ends[1]);
	/* It has the pipe open, too: its end is the end of the pipe. */
	char rest;
	ck_assert_int_eq(read(ends[0], &rest, 1), 0);
	ck_assert(!serve_find(&process));
}
END_TEST

START_TEST(missing_directory_is_a_fault)
{
	use("fake-listen");
	options.directory = "/no/such/directory";
	ck_assert(serve_prepare(&options, &process, &fault));
	ck_assert(!serve_start(&options, &process, &fault));
	ck_assert_str_eq(
	    fault.text, "cannot start the server in /no/such/directory: No such file or directory");
}
END_TEST

START_TEST(log_is_ours_and_does_not_grow_for_ever)
{
	struct stat st;
	int fd = open(log_file, O_CREAT | O_WRONLY, 0644);
	ck_assert_int_eq(ftruncate(fd, 11 * 1024 * 1024), 0);
	close(fd);
	start_and_await("fake-listen");
	ck_assert_int_eq(stat(log_file, &st), 0);
	ck_assert_int_lt(st.st_size, 1024);
	ck_assert_int_gt(st.st_size, 50);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

/* ---- Waiting ---- */

START_TEST(wrapper_may_start_the_listener)
{
	struct outcome outcome = start_and_await("fake-wrapper");
	ck_assert(answers(outcome.url));
	ck_assert(serve_listens(&process, outcome.url));
}
END_TEST

/* The URL in the log, once it is there. */
static char *
logged_url(void)
{
	struct buf url = {0};
	char line[128];
	for (int64_t end = clock_monotonic_ms() + PATIENCE_MS; url.len == 0;) {
		ck_assert_int_lt(clock_monotonic_ms(), end);
		FILE *log = fopen(log_file, "r");
		while (fgets(line, sizeof line, log) != NULL)
			if (strstr(line, "http://") != NULL && strchr(line, '\n') != NULL)
				buf_add(&url, strstr(line, "http://"),
				    strcspn(strstr(line, "http://"), "\n"));
		fclose(log);
	}
	return buf_take(&url);
}

START_TEST(of_two_ports_the_logged_one_counts)
{
	start("fake-two");
	char *url = logged_url();
	ck_assert_str_eq(await(PATIENCE_MS).url, url);
	free(url);
}
END_TEST

START_TEST(server_that_ends_is_explained_by_its_output)
{
	start("fake-exit");
	struct outcome outcome = await(PATIENCE_MS);
	ck_assert_str_eq(outcome.url, "");
	ck_assert_ptr_nonnull(strstr(outcome.sentence, "ended with status 3 before it listened"));
	ck_assert_ptr_nonnull(strstr(outcome.sentence, "Error: no such ? provider |   at line 3"));
	ck_assert_ptr_nonnull(strstr(outcome.sentence, log_file));
	ck_assert(!serve_find(&process));
	ck_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}
END_TEST

START_TEST(an_earlier_servers_output_is_not_quoted)
{
	start("fake-exit");
	await(PATIENCE_MS);
	start("fake-silent");
	struct outcome outcome = await(100);
	ck_assert_ptr_null(strstr(outcome.sentence, "provider"));
}
END_TEST

START_TEST(default_loop_that_reaps_is_no_trouble)
{
	struct ev_loop *reaping = ev_default_loop(EVFLAG_AUTO);
	struct outcome outcome = {0};
	start("fake-exit");
	serve_await(reaping, &options, &process, PATIENCE_MS, on_ready, &outcome);
	ev_run(reaping, 0);
	ck_assert_int_eq(outcome.calls, 1);
	ck_assert_ptr_nonnull(strstr(outcome.sentence, "before it listened"));
}
END_TEST

START_TEST(server_that_never_listens_meets_the_deadline)
{
	start("fake-silent");
	int64_t before = clock_monotonic_ms();
	struct outcome outcome = await(300);
	ck_assert_int_ge(clock_monotonic_ms() - before, 300);
	ck_assert_str_eq(outcome.url, "");
	ck_assert_ptr_nonnull(strstr(
	    outcome.sentence, "does not listen on 127.0.0.1 after 300ms, and wrote nothing"));
	ck_assert(serve_find(&process));
}
END_TEST

START_TEST(a_port_open_to_others_does_not_count)
{
	start("fake-outside");
	ck_assert_str_eq(await(300).url, "");
}
END_TEST

START_TEST(someone_elses_port_does_not_count)
{
	int port = listen_on(INADDR_LOOPBACK);
	char url[64];
	snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
	start("fake-silent");
	ck_assert_str_eq(await(200).url, "");
	ck_assert(!serve_listens(&process, url));
}
END_TEST

START_TEST(after_cancel_there_is_silence)
{
	struct outcome outcome = {0};
	start("fake-exit");
	struct serve *serve =
	    serve_await(loop, &options, &process, PATIENCE_MS, on_ready, &outcome);
	serve_cancel(serve);
	serve_cancel(NULL);
	ev_run(loop, 0);
	ck_assert_int_eq(outcome.calls, 0);
}
END_TEST

START_TEST(cancel_inside_ready_is_fine)
{
	struct outcome outcome = {0};
	start("fake-listen");
	outcome.cancel = serve_await(loop, &options, &process, PATIENCE_MS, on_ready, &outcome);
	ev_run(loop, 0);
	ck_assert_int_eq(outcome.calls, 1);
}
END_TEST

/* ---- Finding ---- */

START_TEST(found_again_by_pid_start_and_boot)
{
	start_and_await("fake-listen");
	struct serve_process known = process;
	ck_assert(serve_find(&known));
	known.start_ticks++;
	ck_assert(!serve_find(&known));
	ck_assert(!serve_listens(&known, "http://127.0.0.1:1"));
	known = process;
	known.boot_id[0] = 'x';
	ck_assert(!serve_find(&known));
	known = process;
	known.pid = 1;
	ck_assert(!serve_find(&known));
}
END_TEST

START_TEST(found_by_nonce_alone)
{
	start_and_await("fake-stubborn");
	wait_for_carriers(4);
	struct serve_process known = {0};
	memcpy(known.nonce, process.nonce, sizeof known.nonce);
	ck_assert(serve_find(&known));
	ck_assert_int_eq(known.pid, process.pid);
	ck_assert_uint_eq(known.start_ticks, process.start_ticks);
	ck_assert_str_eq(known.boot_id, process.boot_id);
	known = (struct serve_process){.nonce = "00000000000000000000000000000000"};
	ck_assert(!serve_find(&known));
	known = (struct serve_process){0};
	ck_assert(!serve_find(&known));
}
END_TEST

/* Ends what serve_end() rightly leaves alone. */
static void
kill_carriers(void)
{
	struct process_stat *list;
	size_t count = process_list(&list);
	for (size_t i = 0; i < count; i++) {
		char *value = process_environ(list[i].pid, SERVE_NONCE_NAME);
		if (value != NULL && strcmp(value, process.nonce) == 0)
			process_signal(list[i].pid, list[i].start_ticks, SIGKILL);
		free(value);
	}
	free(list);
}

START_TEST(a_child_that_leads_a_session_is_not_the_server)
{
	start_and_await("fake-stubborn");
	wait_for_carriers(4);
	struct serve_process known = {0};
	memcpy(known.nonce, process.nonce, sizeof known.nonce);
	kill_leader();
	wait_for_carriers(3);
	ck_assert(!serve_find(&known));
	ck_assert(!serve_find(&process));
	kill_carriers();
	wait_for_carriers(0);
}
END_TEST

START_TEST(killed_server_is_not_found_and_not_a_zombie)
{
	start_and_await("fake-listen");
	kill_leader();
	ck_assert(!serve_find(&process));
	ck_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}
END_TEST

/* ---- Ending ---- */

START_TEST(ended_server_is_gone_and_reaped)
{
	struct outcome outcome = start_and_await("fake-listen");
	int64_t before = clock_monotonic_ms();
	ck_assert(serve_end(&process, PATIENCE_MS));
	ck_assert_int_lt(clock_monotonic_ms() - before, PATIENCE_MS);
	ck_assert(!serve_find(&process));
	ck_assert(!answers(outcome.url));
	ck_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
	ck_assert(serve_end(&process, PATIENCE_MS)); /* again: nothing to do */
}
END_TEST

START_TEST(wrapper_and_listener_are_ended)
{
	struct outcome outcome = start_and_await("fake-wrapper");
	ck_assert(serve_end(&process, PATIENCE_MS));
	ck_assert_uint_eq(carriers(), 0);
	ck_assert(!answers(outcome.url));
}
END_TEST

START_TEST(stubborn_server_is_killed_with_all_it_started)
{
	start_and_await("fake-stubborn");
	wait_for_carriers(4);
	int64_t before = clock_monotonic_ms();
	ck_assert(serve_end(&process, 200));
	ck_assert_int_ge(clock_monotonic_ms() - before, 200);
	ck_assert_int_le(clock_monotonic_ms() - before, 200 + 2000);
	ck_assert_uint_eq(carriers(), 0);
}
END_TEST

START_TEST(what_a_dead_wrapper_left_is_ended)
{
	struct outcome outcome = start_and_await("fake-wrapper");
	kill_leader();
	ck_assert(answers(outcome.url));
	ck_assert(!serve_listens(&process, outcome.url));
	ck_assert(serve_end(&process, PATIENCE_MS));
	ck_assert(!answers(outcome.url));
}
END_TEST

/* A turn that is cut off goes on in another server, perhaps with the same command. */
START_TEST(what_a_dead_servers_agents_ran_is_ended)
{
	start_and_await("fake-agent");
	wait_for_carriers(3);
	kill_leader();
	ck_assert_uint_eq(carriers(), 2);
	ck_assert(serve_end(&process, PATIENCE_MS));
	ck_assert_uint_eq(carriers(), 0);
}
END_TEST

/* The pid of what an agent has left, once nothing but its environment says whose it is. */
static pid_t
await_daemon(void)
{
	char path[128];
	long pid = 0;
	for (int64_t end = clock_monotonic_ms() + PATIENCE_MS; pid <= 0;) {
		FILE *file = fopen(in_folder(path, DAEMON_FILE), "r");
		if (file && fscanf(file, "%ld", &pid) != 1)
			pid = 0;
		if (file)
			fclose(file);
		ck_assert(clock_monotonic_ms() < end);
	}
	return (pid_t)pid;
}

static bool
is_alive(pid_t pid)
{
	struct process_stat now;
	return process_stat(pid, &now) && process_lives(&now);
}

START_TEST(what_agents_left_in_the_background_goes_with_the_server)
{
	start_and_await("fake-daemon");
	pid_t left = await_daemon();
	ck_assert(is_alive(left));
	ck_assert(serve_end(&process, PATIENCE_MS));
	ck_assert(!is_alive(left));
}
END_TEST

START_TEST(what_was_started_without_the_nonce_outlives_the_server)
{
	start_and_await("fake-free-daemon");
	pid_t left = await_daemon();
	wait_for_carriers(1); /* it has dropped it */
	ck_assert(serve_end(&process, PATIENCE_MS));
	ck_assert(is_alive(left));
	kill(left, SIGKILL);
}
END_TEST

START_TEST(a_server_that_no_row_knows_is_found_by_its_database)
{
	struct serve_process stray;
	options.database = "5e1f";
	options.place = password_file; /* any file */
	start_and_await("fake-agent");
	wait_for_carriers(3);
	ck_assert(!serve_find_stray("5e1f", options.place, &process, &stray));
	ck_assert(!serve_find_stray("5e1", options.place, NULL, &stray));
	ck_assert(serve_find_stray("5e1f", options.place, NULL, &stray));
	kill_leader(); /* and so is what it has left */
	ck_assert(serve_find_stray("5e1f", options.place, NULL, &stray));
	ck_assert_str_eq(stray.nonce, process.nonce);
	ck_assert(serve_end(&stray, PATIENCE_MS));
	ck_assert_uint_eq(carriers(), 0);
	ck_assert(!serve_find_stray("5e1f", options.place, NULL, &stray));
}
END_TEST

START_TEST(a_server_of_a_database_with_the_same_id_at_another_place_is_left_alone)
{
	struct serve_process stray;
	char moved[128];
	in_folder(moved, "moved");
	options.database = "5e1f";
	options.place = password_file;
	start_and_await("fake-agent");
	wait_for_carriers(3);
	ck_assert(!serve_find_stray("5e1f", log_file, NULL, &stray));
	ck_assert_int_eq(rename(password_file, moved), 0);
	ck_assert(serve_find_stray("5e1f", moved, NULL, &stray));
	ck_assert(serve_end(&stray, PATIENCE_MS));
}
END_TEST

START_TEST(a_live_servers_password_needs_no_file)
{
	start_and_await("fake-listen");
	char *first = serve_password(&options, &fault);
	ck_assert_int_eq(unlink(password_file), 0);
	ck_assert_ptr_null(serve_password(&options, &fault));
	char *again = serve_password_of(&options, &process, &fault);
	ck_assert_str_eq(again, first);
	ck_assert(serve_keep_password(&options, again, &fault));
	char *kept = serve_password(&options, &fault);
	ck_assert_str_eq(kept, first);
	free(first);
	free(again);
	free(kept);
	kill_leader();
	ck_assert_int_eq(unlink(password_file), 0);
	ck_assert_ptr_null(serve_password_of(&options, &process, &fault));
}
END_TEST

START_TEST(known_by_nonce_alone_it_is_ended_dead_or_alive)
{
	struct serve_process known = {0};
	struct outcome outcome = start_and_await("fake-wrapper");
	memcpy(known.nonce, process.nonce, sizeof known.nonce);
	kill_leader();
	ck_assert(serve_end(&known, PATIENCE_MS));
	ck_assert(!answers(outcome.url));
	outcome = start_and_await("fake-listen");
	memcpy(known.nonce, process.nonce, sizeof known.nonce);
	ck_assert(serve_end(&known, PATIENCE_MS));
	ck_assert(!answers(outcome.url));
}
END_TEST

START_TEST(only_the_very_process_is_ended)
{
	struct outcome outcome = start_and_await("fake-listen");
	struct serve_process other = process;
	other.start_ticks--;
	other.nonce[0] = other.nonce[0] == '0' ? '1' : '0';
	ck_assert(serve_end(&other, 0));
	other = process;
	other.boot_id[0] = 'x';
	ck_assert(serve_end(&other, 0));
	other = (struct serve_process){0};
	ck_assert(serve_end(&other, 0));
	ck_assert(serve_find(&process));
	ck_assert(answers(outcome.url));
}
END_TEST

START_TEST(server_outlives_the_one_who_started_it)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	use("fake-listen");
	ck_assert(serve_prepare(&options, &process, &fault));
	pid_t starter = fork();
	if (starter == 0) {
		bool started = serve_start(&options, &process, &fault);
		ssize_t n = write(ends[1], &process, sizeof process);
		_exit(started && n == (ssize_t)sizeof process ? 0 : 1);
	}
	int status;
	ck_assert_int_eq(waitpid(starter, &status, 0), starter);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(read(ends[0], &process, sizeof process), sizeof process);
	struct outcome outcome = await(PATIENCE_MS);
	ck_assert(answers(outcome.url));
	ck_assert(serve_end(&process, PATIENCE_MS));
	ck_assert(!answers(outcome.url));
}
END_TEST

static void
add(Suite *suite, const char *name, const TTest **tests, size_t count)
{
	TCase *tcase = tcase_create(name);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, FAKE_LIFE);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
}

#define ADD(name, ...) \
	add(suite, name, (const TTest *[]){__VA_ARGS__}, \
	    sizeof((const TTest *[]){__VA_ARGS__}) / sizeof(TTest *))

static Suite *
serve_suite(void)
{
	Suite *suite = suite_create("serve");
	ADD("secrets", prepare_makes_fresh_secrets, prepare_replaces_what_is_there,
	    prepare_names_the_file_it_cannot_write, password_that_others_may_read_is_refused,
	    a_live_servers_password_needs_no_file);
	ADD("start", started_server_is_ready_at_its_url, child_has_the_secrets_in_its_environment,
	    what_cannot_be_seen_is_not_dead, child_cannot_speak_for_us_to_a_service_manager,
	    child_inherits_no_lock, child_starts_clean, starts_without_standard_streams,
	    missing_command_is_a_fault, missing_directory_is_a_fault,
	    process_that_is_not_wanted_never_becomes_the_server,
	    process_whose_parent_dies_never_becomes_the_server,
	    log_is_ours_and_does_not_grow_for_ever);
	ADD("await", wrapper_may_start_the_listener, of_two_ports_the_logged_one_counts,
	    server_that_ends_is_explained_by_its_output, an_earlier_servers_output_is_not_quoted,
	    default_loop_that_reaps_is_no_trouble, server_that_never_listens_meets_the_deadline,
	    a_port_open_to_others_does_not_count, someone_elses_port_does_not_count,
	    after_cancel_there_is_silence, cancel_inside_ready_is_fine);
	ADD("find", found_again_by_pid_start_and_boot, found_by_nonce_alone,
	    a_child_that_leads_a_session_is_not_the_server,
	    a_server_that_no_row_knows_is_found_by_its_database,
	    a_server_of_a_database_with_the_same_id_at_another_place_is_left_alone,
	    killed_server_is_not_found_and_not_a_zombie);
	ADD("end", ended_server_is_gone_and_reaped, wrapper_and_listener_are_ended,
	    stubborn_server_is_killed_with_all_it_started, what_a_dead_wrapper_left_is_ended,
	    what_a_dead_servers_agents_ran_is_ended,
	    what_agents_left_in_the_background_goes_with_the_server,
	    what_was_started_without_the_nonce_outlives_the_server,
	    known_by_nonce_alone_it_is_ended_dead_or_alive, only_the_very_process_is_ended,
	    server_outlives_the_one_who_started_it);
	return suite;
}

int
main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	be_a_fake(slash == NULL ? argv[0] : slash + 1, argc, argv);
	SRunner *runner = srunner_create(serve_suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
