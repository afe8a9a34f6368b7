/*
 * Panes in a real tmux, on a socket of the test's own.
 */
#include <check.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "lib/scratch.h"
#include "lib/suite.h"
#include "tmux/pane.h"

#define OWNER "0123456789abcdef"
#define MARK OWNER "-nonce"
#define WITHIN_MS 20000

static struct {
	char *folder, *socket;
	struct ev_loop *loop;
	struct tmux *tmux;

	/* What came back. */
	bool is_back;
	struct tmux_reply reply;
	char *text;
	bool has_pane;
	struct pane pane;
	enum pane_end end;
	struct pane_found *found;
	struct pane_list list;
} fx;

/* ---- waiting -------------------------------------------------------------------------------- */

static void
on_time(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)timer;
	(void)revents;
	ev_break(loop, EVBREAK_ALL);
}

/* One turn of the loop, of at most 20 ms. */
static void
turn(void)
{
	ev_timer timer;
	ev_timer_init(&timer, on_time, 0.02, 0.);
	ev_timer_start(fx.loop, &timer);
	ev_run(fx.loop, EVRUN_ONCE);
	ev_timer_stop(fx.loop, &timer);
}

static void
await_reply(void)
{
	int64_t end_ms = clock_monotonic_ms() + WITHIN_MS;
	while (!fx.is_back && clock_monotonic_ms() < end_ms)
		turn();
	ck_assert_msg(fx.is_back, "nothing came back");
	fx.is_back = false;
}

static void
keep_reply(const struct tmux_reply *reply)
{
	ck_assert(!fx.is_back);
	fx.is_back = true;
	xreplace(&fx.text, reply->text);
	fx.reply = (struct tmux_reply){reply->outcome, fx.text};
}

static void
on_reply(void *arg, const struct tmux_reply *reply)
{
	(void)arg;
	keep_reply(reply);
}

static void
on_opened(void *arg, const struct pane *pane, const struct tmux_reply *reply)
{
	(void)arg;
	fx.has_pane = pane != NULL;
	if (pane)
		fx.pane = *pane;
	keep_reply(reply);
}

static void
on_closed(void *arg, enum pane_end end)
{
	(void)arg;
	ck_assert(!fx.is_back);
	fx.is_back = true;
	fx.end = end;
}

static void
on_listed(void *arg, const struct pane_list *list)
{
	(void)arg;
	ck_assert(!fx.is_back);
	fx.is_back = true;
	free(fx.found);
	fx.found = xcalloc(list->count + 1, sizeof *fx.found);
	for (size_t i = 0; i < list->count; i++)
		fx.found[i] = list->all[i];
	fx.list = (struct pane_list){list->outcome, fx.found, list->count};
}

/* ---- asking --------------------------------------------------------------------------------- */

/* What tmux prints, without its last newline. */
#define ASK(...) ask((const char *const[]){__VA_ARGS__, NULL})
static const char *
ask(const char *const *words)
{
	tmux_run(fx.tmux, fx.socket, words, on_reply, NULL);
	await_reply();
	size_t length = strlen(fx.text);
	if (length && fx.text[length - 1] == '\n')
		fx.text[length - 1] = '\0';
	return fx.text;
}

/* A person's server: a session of 80x24 with one pane, %0. It ends with a test that fails, too. */
static void
start_server(void)
{
	char pid[32];
	snprintf(pid, sizeof pid, "%ld", (long)getpid());
	(void)ASK("-f", "/dev/null", "new-session", "-d", "-s", "person", "-x", "80", "-y", "24",
	    "sh", "-c", "while kill -0 $1; do sleep 1; done; tmux -S \"$2\" kill-server", "sh", pid,
	    fx.socket);
	ck_assert_msg(fx.reply.outcome == TMUX_OK, "%s", fx.text);
}

static void
stop_server(void)
{
	int64_t pid = strtoll(ASK("display-message", "-p", "#{pid}"), NULL, 10);
	struct process_stat server;
	if (fx.reply.outcome != TMUX_OK || !process_stat((pid_t)pid, &server))
		return;
	(void)ASK("kill-server");
	int64_t end_ms = clock_monotonic_ms() + WITHIN_MS;
	struct process_stat now;
	while (
	    process_stat((pid_t)pid, &now) && process_lives(&now) && clock_monotonic_ms() < end_ms)
		turn();
}

static const char *const sleeper[] = {"sh", "-c", "exec sleep 300", "view", NULL};
/* Says the pid of what it has started, which outlives it. */
static const char stubborn[] =
    "trap '' INT HUP TERM; sleep 300 & echo $! >\"$1.part\"; mv \"$1.part\" \"$1\"; "
    "while :; do sleep 1; done";

static struct pane_wish
a_wish(const char *const *command, const char *mark)
{
	return (struct pane_wish){.socket = fx.socket,
	    .beside = "%0",
	    .layout = {"main-vertical", 60},
	    .command = command,
	    .mark = mark,
	    .title = "a title"};
}

static void
open_wish(const struct pane_wish *wish)
{
	pane_open(fx.tmux, wish, on_opened, NULL);
	await_reply();
}

static void
open_marked(const char *const *command, const char *mark)
{
	const struct pane_wish wish = a_wish(command, mark);
	open_wish(&wish);
	ck_assert_msg(fx.has_pane, "%s", fx.text);
}

/* By somebody else: only its command looks like ours. */
static void
open_by_hand(const char *mark)
{
	(void)ASK("select-layout", "tiled");
	(void)ASK("split-window", "-d", "-t", "%0", "-P", "-F", "#{pane_id}", "sh", "-c",
	    "exec sleep 300", "view", "--pane", mark);
	ck_assert_msg(fx.reply.outcome == TMUX_OK, "%s", fx.text);
}

static void
list_of(const char *owner)
{
	pane_list_all(fx.tmux, fx.socket, owner, on_listed, NULL);
	await_reply();
}

static enum pane_end
close_pane(const struct pane *pane)
{
	pane_close(fx.tmux, pane, on_closed, NULL);
	await_reply();
	return fx.end;
}

static bool
is_alive(int64_t pid)
{
	struct process_stat process;
	return process_stat((pid_t)pid, &process) && process_lives(&process);
}

/* Waits until the program of the pane has taken its command over from tmux. */
static void
await_process(const struct pane *pane)
{
	int64_t end_ms = clock_monotonic_ms() + WITHIN_MS;
	bool is_there = false; /* a shell that becomes its command shows none for a moment */
	while (
	    !(is_there = pane_process_is(pane->pid, pane->mark)) && clock_monotonic_ms() < end_ms)
		turn();
	ck_assert(is_there);
}

static void
await_file(const char *path)
{
	int64_t end_ms = clock_monotonic_ms() + WITHIN_MS;
	while (access(path, F_OK) != 0 && clock_monotonic_ms() < end_ms)
		turn();
	ck_assert_msg(access(path, F_OK) == 0, "%s is not there", path);
}

static void
set_up(void)
{
	unsetenv("TMUX");
	unsetenv("TMUX_PANE");
	fx.folder = scratch_new();
	fx.socket = xasprintf("%s/socket", fx.folder);
	fx.loop = ev_loop_new(EVFLAG_AUTO);
	setenv("A_SECRET", "open sesame", 1);
	fx.tmux = tmux_new(fx.loop, "A_SECRET");
	start_server();
}

static void
tear_down(void)
{
	stop_server();
	tmux_free(fx.tmux);
	ev_loop_destroy(fx.loop);
	free(fx.found);
	free(fx.text);
	free(fx.socket);
	scratch_remove(fx.folder);
}

/* ---- commands ------------------------------------------------------------------------------- */

START_TEST(a_command_is_answered_refused_or_has_no_server)
{
	ck_assert_str_eq(ASK("display-message", "-p", "#{session_name}"), "person");
	(void)ASK("display-message", "-p", "ends in a semicolon;");
	ck_assert_str_eq(fx.text, "ends in a semicolon;");
	(void)ASK("no-such-command");
	ck_assert_int_eq(fx.reply.outcome, TMUX_REFUSED);
	ck_assert_str_eq(fx.text, "unknown command: no-such-command");
	stop_server();
	(void)ASK("list-panes");
	ck_assert_int_eq(fx.reply.outcome, TMUX_NO_SERVER);
	tmux_run(fx.tmux, "/nonexistent/socket", (const char *const[]){"list-panes", NULL},
	    on_reply, NULL);
	await_reply();
	ck_assert_int_eq(fx.reply.outcome, TMUX_NO_SERVER);
}
END_TEST

START_TEST(without_tmux_it_says_so)
{
	const char *before = getenv("PATH");
	char *path = xstrdup(before ? before : "");
	setenv("PATH", fx.folder, 1);
	struct tmux *without = tmux_new(fx.loop, NULL);
	setenv("PATH", path, 1);
	tmux_run(without, fx.socket, (const char *const[]){"list-panes", NULL}, on_reply, NULL);
	await_reply();
	tmux_free(without);
	free(path);
	ck_assert_int_eq(fx.reply.outcome, TMUX_MISSING);
	ck_assert_ptr_nonnull(strstr(fx.text, "not installed"));
}
END_TEST

/* And the next command goes on. */
START_TEST(a_server_that_hangs_is_not_waited_for)
{
	pid_t server = (pid_t)strtol(ASK("display-message", "-p", "#{pid}"), NULL, 10);
	int64_t start_ms = clock_monotonic_ms();
	ck_assert_int_eq(kill(server, SIGSTOP), 0);
	(void)ASK("display-message", "-p", "late");
	kill(server, SIGCONT);
	ck_assert_int_eq(fx.reply.outcome, TMUX_LATE);
	ck_assert_int_lt(clock_monotonic_ms() - start_ms, 8000);
	ck_assert_str_eq(ASK("display-message", "-p", "again"), "again");
}
END_TEST

/* The servers that it makes know no secret; leak checkers look at the rest. */
START_TEST(what_is_under_way_can_be_dropped)
{
	char *mark = NULL;
	const struct pane_wish wish = a_wish(sleeper, MARK);
	int64_t server = strtoll(ASK("display-message", "-p", "#{pid}"), NULL, 10);
	ck_assert_ptr_null(mark = process_environ((pid_t)server, "A_SECRET"));
	open_marked(sleeper, MARK "1");
	const struct pane first = fx.pane;
	pane_close(fx.tmux, &first, on_closed, NULL);
	for (int i = 0; i < 5; i++)
		turn();
	pane_open(fx.tmux, &wish, on_opened, NULL);
	pane_list_all(fx.tmux, fx.socket, OWNER, on_listed, NULL);
	tmux_free(fx.tmux);
	ck_assert(!fx.is_back);
	fx.tmux = tmux_new(fx.loop, NULL);
}
END_TEST

/* ---- open ----------------------------------------------------------------------------------- */

START_TEST(a_pane_is_opened_beside_another)
{
	char format[128];
	(void)ASK("set-environment", "-g", "PATH", "/nowhere");
	open_marked(sleeper, MARK);
	ck_assert_str_eq(fx.pane.socket, fx.socket);
	ck_assert_str_eq(fx.pane.mark, MARK);
	const struct pane pane = fx.pane;
	await_process(&pane);
	snprintf(format, sizeof format, "%" PRId64 " %" PRId64 " %" PRId64 " %s", pane.server_pid,
	    pane.server_start, pane.pid, "a title");
	ck_assert_str_eq(ASK("display-message", "-p", "-t", pane.id,
			     "#{pid} #{start_time} #{pane_pid} #{pane_title}"),
	    format);
	ck_assert_str_eq(ASK("display-message", "-p", "#{pane_id}"), "%0"); /* where a person is */
	char *path = process_environ((pid_t)pane.pid, "PATH");
	ck_assert_str_eq(path, getenv("PATH"));
	free(path);
}
END_TEST

/* No shell, no format, no command of tmux's is made of what we say. */
START_TEST(words_arrive_as_they_are)
{
	char *out = xasprintf("%s/out", fx.folder), *done = xasprintf("%s/done", fx.folder);
	const char *const command[] = {"sh", "-c",
	    "out=$1 done=$2; shift 2; printf '%s\\n' \"$@\" >\"$out\"; : >\"$done\"; sleep 300",
	    "view", out, done, "a b", "$HOME", "#{pid}", "'\"\\", ";", "end;", "", "~", "%1", NULL};
	struct pane_wish wish = a_wish(command, MARK);
	wish.title = "50% of #{pid};\n#[fg=red]\xc2\x9b;";
	open_wish(&wish);
	ck_assert(fx.has_pane);
	await_file(done);
	struct buf text = {0};
	struct fault fault;
	ck_assert(file_read(out, 4096, &text, &fault));
	ck_assert_str_eq(
	    buf_text(&text), "a b\n$HOME\n#{pid}\n'\"\\\n;\nend;\n\n~\n%1\n--pane\n" MARK "\n");
	ck_assert_str_eq(ASK("display-message", "-p", "-t", fx.pane.id, "#{pane_title}"),
	    "50% of #{pid}; ##[fg=red] ;"); /* a style, where it is drawn */
	buf_free(&text);
	free(out);
	free(done);
}
END_TEST

START_TEST(a_session_is_made_where_there_is_none)
{
	struct pane_wish wish = a_wish(sleeper, MARK "1");
	wish.beside = NULL;
	wish.session = "vigil";
	stop_server();
	open_wish(&wish);
	ck_assert_msg(fx.has_pane, "%s", fx.text);
	ck_assert_str_eq(ASK("display-message", "-p", "-t", fx.pane.id,
			     "#{session_name} #{window_width}x#{window_height} #{pane_title}"),
	    "vigil 200x50 a title");
	/* A person's own of this name gets a window more, and stays where it is. */
	char *first = xstrdup(fx.pane.id);
	wish.mark = MARK "2";
	open_wish(&wish);
	ck_assert_msg(fx.has_pane, "%s", fx.text);
	ck_assert_str_eq(ASK("list-panes", "-s", "-t", "=vigil", "-F",
			     "#{window_index} #{pane_id} #{window_active}"),
	    "0 %0 1\n1 %1 0");
	ck_assert_str_eq(first, "%0");
	/* What it was to be beside may have gone. */
	wish.beside = "%77";
	wish.mark = MARK "3";
	open_wish(&wish);
	ck_assert(fx.has_pane);
	free(first);
}
END_TEST

START_TEST(without_a_place_there_is_no_pane)
{
	struct pane_wish wish = a_wish(sleeper, MARK);
	wish.beside = "%77";
	open_wish(&wish);
	ck_assert(!fx.has_pane);
	ck_assert_int_eq(fx.reply.outcome, TMUX_REFUSED);
	ck_assert_str_eq(fx.text, "can't find pane: %77");
	stop_server();
	open_wish(&wish);
	ck_assert(!fx.has_pane);
	ck_assert_int_eq(fx.reply.outcome, TMUX_NO_SERVER);
}
END_TEST

static void
open_six(const char *layout)
{
	for (int i = 0; i < 6; i++) {
		char mark[PANE_MARK_SIZE];
		snprintf(mark, sizeof mark, "%s-%d", MARK, i);
		struct pane_wish wish = a_wish(sleeper, mark);
		wish.layout.name = layout;
		open_wish(&wish);
		ck_assert_msg(fx.has_pane, "%d: %s", i, fx.text);
	}
	pane_lay_out(fx.tmux, fx.socket, "%0", &(struct pane_layout){layout, 60});
}

/* Each split takes half of the window: it is laid out anew where the rest has no room. */
START_TEST(there_is_room_for_six_in_a_narrow_window)
{
	(void)ASK("resize-window", "-x", "16", "-y", "24");
	open_six("even-vertical");
	ck_assert_str_eq(ASK("list-panes", "-F", "#{pane_width}"), "16\n16\n16\n16\n16\n16\n16");
}
END_TEST

START_TEST(there_is_room_for_six)
{
	open_six("main-vertical");
	ck_assert_str_eq(ASK("list-panes", "-F", "#{pane_left} #{pane_width}x#{pane_height}"),
	    "0 47x24\n48 32x3\n48 32x3\n48 32x3\n48 32x3\n48 32x3\n48 32x4");
	pane_lay_out(fx.tmux, fx.socket, "%0", &(struct pane_layout){"main-horizontal", 50});
	ck_assert_str_eq(ASK("list-panes", "-F", "#{pane_top} #{pane_width}x#{pane_height}"),
	    "0 80x11\n12 12x12\n12 12x12\n12 12x12\n12 12x12\n12 12x12\n12 15x12");
	pane_lay_out(fx.tmux, fx.socket, "%0", &(struct pane_layout){"tiled", 50});
	ck_assert_str_eq(ASK("list-panes", "-F", "#{pane_width}"), "26\n26\n26\n26\n26\n26\n80");
}
END_TEST

/* Four of ours, %1 to %3 and %5, and one of a person's between them; the person is in %1. */
static void
open_around_a_foreign_one(struct pane ours[4])
{
	for (int i = 0; i < 4; i++) {
		char mark[PANE_MARK_SIZE];
		snprintf(mark, sizeof mark, "%s-%d", MARK, i);
		if (i == 3)
			(void)ASK("split-window", "-d", "-t", "%3", "sleep", "300");
		open_marked(sleeper, mark);
		ours[i] = fx.pane;
	}
	(void)ASK("select-pane", "-t", "%1");
}

START_TEST(panes_are_put_in_order_and_others_stay)
{
	const struct pane_layout layout = {"even-vertical", 60};
	struct pane ours[4];
	open_around_a_foreign_one(ours);
	ck_assert_str_eq(ASK("list-panes", "-F", "#{pane_id}"), "%0\n%1\n%2\n%3\n%4\n%5");
	const struct pane order[] = {ours[3], ours[2], ours[0], ours[1]};
	pane_arrange(fx.tmux, fx.socket, "%0", &layout, order, 4);
	(void)ASK("list-panes"); /* what follows the answer is asked by then */
	ck_assert_str_eq(ASK("list-panes", "-F", "#{pane_id} #{pane_active} #{pane_width}"),
	    "%0 0 80\n%5 0 80\n%3 0 80\n%1 1 80\n%4 0 80\n%2 0 80");
}
END_TEST

START_TEST(a_window_without_any_of_them_stays_as_it_is)
{
	const struct pane_layout layout = {"even-vertical", 60};
	struct pane ours[4];
	open_around_a_foreign_one(ours);
	char *before = xstrdup(ASK("display-message", "-p", "#{window_layout}"));
	for (int i = 0; i < 4; i++)
		ours[i].server_start--; /* another server's, with the same ids */
	pane_arrange(fx.tmux, fx.socket, "%0", &layout, ours, 4);
	(void)ASK("list-panes");
	ck_assert_str_eq(ASK("display-message", "-p", "#{window_layout}"), before);
	free(before);
}
END_TEST

/* The smallest of those that are not the main one. */
static struct pane_window
smallest_pane(void)
{
	struct pane_window least = {.columns = INT_MAX, .rows = INT_MAX};
	char *lines =
	    xstrdup(ASK("list-panes", "-F", "#{pane_index} #{pane_width} #{pane_height}"));
	char *rest = NULL;
	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		int index, columns, rows;
		ck_assert_int_eq(sscanf(line, "%d %d %d", &index, &columns, &rows), 3);
		if (index > 0 && columns < least.columns)
			least.columns = columns;
		if (index > 0 && rows < least.rows)
			least.rows = rows;
	}
	free(lines);
	return least;
}

static const struct {
	const char *layout, *columns, *rows;
} windows[] = {
    {"main-vertical", "80", "24"},
    {"main-vertical", "200", "50"},
    {"main-horizontal", "200", "50"},
    {"main-horizontal", "161", "47"},
    {"tiled", "80", "24"},
    {"tiled", "200", "50"},
    {"tiled", "133", "41"},
    {"even-vertical", "80", "50"},
    {"even-horizontal", "200", "24"},
};

static void
keep_window(void *arg, const struct pane_window *window, const struct tmux_reply *reply)
{
	(void)reply;
	ck_assert_ptr_nonnull(window);
	*(struct pane_window *)arg = *window;
	fx.is_back = true;
}

START_TEST(the_room_that_a_layout_gives_is_known)
{
	const struct pane_layout layout = {windows[_i].layout, 60};
	struct pane_window window;
	open_six("tiled");
	(void)ASK("resize-window", "-x", windows[_i].columns, "-y", windows[_i].rows);
	pane_lay_out(fx.tmux, fx.socket, "%0", &layout);
	pane_measure(fx.tmux, fx.socket, "%0", keep_window, &window);
	await_reply();
	ck_assert_int_eq(window.panes, 7);
	const struct pane_window least = smallest_pane();
	ck_assert_msg(pane_layout_fits(&layout, &window, least.columns, least.rows), "%s: %dx%d",
	    layout.name, least.columns, least.rows);
	ck_assert(!pane_layout_fits(&layout, &window, least.columns + 2, least.rows));
	ck_assert(!pane_layout_fits(&layout, &window, least.columns, least.rows + 2));
}
END_TEST

START_TEST(no_room_is_said)
{
	(void)ASK("resize-window", "-x", "10", "-y", "3");
	struct pane_wish wish = a_wish(sleeper, MARK);
	wish.layout.name = "even-horizontal";
	for (int i = 0; i < 6; i++)
		open_wish(&wish);
	ck_assert(!fx.has_pane);
	ck_assert_str_eq(fx.text, "no space for new pane");
}
END_TEST

/* ---- list ----------------------------------------------------------------------------------- */

START_TEST(only_ours_are_listed)
{
	open_marked(sleeper, MARK);
	const struct pane ours = fx.pane;
	open_marked(sleeper, "fedcba9876543210-nonce");
	open_by_hand(OWNER "-x y");
	open_by_hand(OWNER);
	open_by_hand(OWNER "-");
	ck_assert_str_eq(ASK("list-panes", "-a", "-F", "#{pane_id}"), "%0\n%5\n%4\n%3\n%1\n%2");
	list_of(OWNER);
	ck_assert_int_eq(fx.list.outcome, TMUX_OK);
	ck_assert_int_eq((int)fx.list.count, 1);
	ck_assert_str_eq(fx.found[0].pane.id, ours.id);
	ck_assert_str_eq(fx.found[0].pane.mark, MARK);
	ck_assert_str_eq(fx.found[0].pane.socket, fx.socket);
	ck_assert(fx.found[0].pane.pid == ours.pid &&
		  fx.found[0].pane.server_pid == ours.server_pid &&
		  fx.found[0].pane.server_start == ours.server_start);
	ck_assert(!fx.found[0].is_dead);
	stop_server();
	list_of(OWNER);
	ck_assert_int_eq(fx.list.outcome, TMUX_NO_SERVER);
	ck_assert_int_eq((int)fx.list.count, 0);
}
END_TEST

START_TEST(one_that_has_ended_and_stays_is_dead)
{
	static const char *const brief[] = {"true", "view", NULL};
	(void)ASK("set-option", "-g", "remain-on-exit", "on");
	open_marked(brief, MARK);
	const struct pane pane = fx.pane;
	int64_t end_ms = clock_monotonic_ms() + WITHIN_MS;
	do
		list_of(OWNER);
	while (fx.list.count == 1 && !fx.found[0].is_dead && clock_monotonic_ms() < end_ms);
	ck_assert_int_eq((int)fx.list.count, 1);
	ck_assert(fx.found[0].is_dead);
	ck_assert_int_eq(close_pane(&pane), PANE_CLOSED);
	list_of(OWNER);
	ck_assert_int_eq((int)fx.list.count, 0);
}
END_TEST

/* ---- close ---------------------------------------------------------------------------------- */

START_TEST(a_pane_is_closed_with_its_process)
{
	open_marked(sleeper, MARK);
	const struct pane pane = fx.pane;
	await_process(&pane);
	ck_assert_int_eq(close_pane(&pane), PANE_CLOSED);
	ck_assert(!is_alive(pane.pid));
	ck_assert_str_eq(ASK("list-panes", "-a", "-F", "#{pane_id}"), "%0");
	ck_assert_int_eq(close_pane(&pane), PANE_WAS_GONE);
	stop_server();
	ck_assert_int_eq(close_pane(&pane), PANE_WAS_GONE);
}
END_TEST

static int64_t
open_stubborn(void)
{
	char *ready = xasprintf("%s/ready", fx.folder);
	const char *command[] = {"sh", "-c", stubborn, "view", ready, NULL};
	struct buf text = {0};
	struct fault fault;
	open_marked(command, MARK);
	await_file(ready);
	ck_assert(file_read(ready, 64, &text, &fault));
	int64_t child = strtoll(buf_text(&text), NULL, 10);
	buf_free(&text);
	free(ready);
	return child;
}

START_TEST(a_process_that_will_not_end_is_killed)
{
	int64_t child = open_stubborn();
	ck_assert_int_eq(close_pane(&fx.pane), PANE_CLOSED);
	ck_assert(!is_alive(fx.pane.pid));
	kill((pid_t)child, SIGKILL);
}
END_TEST

START_TEST(one_that_outlives_the_tmux_server_is_killed)
{
	int64_t child = open_stubborn();
	const struct pane pane = fx.pane;
	(void)ASK("kill-server");
	ck_assert(is_alive(pane.pid));
	ck_assert_int_eq(close_pane(&pane), PANE_WAS_GONE);
	ck_assert(!is_alive(pane.pid));
	kill((pid_t)child, SIGKILL);
}
END_TEST

/* By what it is that differs. */
START_TEST(another_pane_is_never_closed)
{
	open_by_hand(MARK);
	list_of(OWNER);
	ck_assert_int_eq((int)fx.list.count, 1);
	const struct pane pane = fx.found[0].pane;
	struct pane other[5] = {pane, pane, pane, pane, pane};
	snprintf(other[0].mark, sizeof other[0].mark, "%s", MARK "2");
	other[1].pid++;
	other[2].server_pid++;
	other[3].server_start++;
	snprintf(other[4].id, sizeof other[4].id, "%%0");
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(close_pane(&other[i]), PANE_WAS_GONE);
	ck_assert(is_alive(pane.pid));
	ck_assert_str_eq(ASK("list-panes", "-a", "-F", "#{pane_id}"), "%0\n%1");
	ck_assert_int_eq(close_pane(&pane), PANE_CLOSED);
}
END_TEST

/* What a person types goes to all panes of the window; our Ctrl-C does not. */
START_TEST(panes_that_are_typed_into_together_are_left)
{
	open_marked(sleeper, MARK);
	const struct pane pane = fx.pane;
	(void)ASK("split-window", "-d", "-t", "%0", "sleep", "300");
	(void)ASK("set-window-option", "-t", "%0", "synchronize-panes", "on");
	await_process(&pane);
	ck_assert_int_eq(close_pane(&pane), PANE_CLOSED);
	ck_assert(!is_alive(pane.pid));
	ck_assert_str_eq(
	    ASK("list-panes", "-a", "-F", "#{pane_id} #{pane_synchronized}"), "%0 1\n%2 1");
}
END_TEST

/* Its id is given to another, whose command even looks the same. */
START_TEST(a_new_server_s_pane_with_its_id_is_left)
{
	open_marked(sleeper, MARK);
	const struct pane pane = fx.pane;
	await_process(&pane);
	stop_server();
	start_server();
	open_by_hand(MARK);
	ck_assert_str_eq(fx.text, pane.id);
	ck_assert_int_eq(close_pane(&pane), PANE_WAS_GONE);
	ck_assert_str_eq(ASK("list-panes", "-a", "-F", "#{pane_id}"), "%0\n%1");
}
END_TEST

START_TEST(one_that_a_person_has_taken_over_is_left)
{
	open_marked(sleeper, MARK);
	const struct pane pane = fx.pane;
	(void)ASK("respawn-pane", "-k", "-t", pane.id, "sleep", "2000");
	ck_assert_int_eq(close_pane(&pane), PANE_WAS_GONE);
	ck_assert_str_eq(ASK("list-panes", "-a", "-F", "#{pane_id}"), "%0\n%1");
}
END_TEST

/* ---- what outlives its pane ----------------------------------------------------------------- */

static bool
is_listed(void *arg, const char *mark)
{
	return strcmp(mark, arg) == 0;
}

START_TEST(leftovers_are_ended_and_no_others)
{
	static char kept[] = MARK "kept";
	open_marked(sleeper, kept);
	const struct pane with_pane = fx.pane;
	open_marked(sleeper, "fedcba9876543210-nonce");
	const struct pane of_another = fx.pane;
	int64_t child = open_stubborn();
	const struct pane left = fx.pane;
	await_process(&with_pane);
	await_process(&of_another);
	(void)ASK("kill-pane", "-t", left.id);
	ck_assert(is_alive(left.pid));
	pane_end_leftovers(OWNER, is_listed, kept);
	int64_t end_ms = clock_monotonic_ms() + WITHIN_MS;
	while (is_alive(left.pid) && clock_monotonic_ms() < end_ms)
		turn();
	ck_assert(!is_alive(left.pid));
	ck_assert(is_alive(with_pane.pid) && is_alive(of_another.pid));
	ck_assert(is_alive(child)); /* a person's, perhaps */
	kill((pid_t)child, SIGKILL);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {a_command_is_answered_refused_or_has_no_server,
	    without_tmux_it_says_so, a_server_that_hangs_is_not_waited_for,
	    what_is_under_way_can_be_dropped, a_pane_is_opened_beside_another,
	    words_arrive_as_they_are, a_session_is_made_where_there_is_none,
	    without_a_place_there_is_no_pane, there_is_room_for_six,
	    there_is_room_for_six_in_a_narrow_window, no_room_is_said, only_ours_are_listed,
	    one_that_has_ended_and_stays_is_dead, a_pane_is_closed_with_its_process,
	    a_process_that_will_not_end_is_killed, one_that_outlives_the_tmux_server_is_killed,
	    another_pane_is_never_closed, panes_that_are_typed_into_together_are_left,
	    a_new_server_s_pane_with_its_id_is_left, one_that_a_person_has_taken_over_is_left,
	    panes_are_put_in_order_and_others_stay, a_window_without_any_of_them_stays_as_it_is,
	    leftovers_are_ended_and_no_others};
	TCase *all = tcase_create("panes");
	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_set_timeout(all, 60);
	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
		tcase_add_test(all, tests[i]);
	tcase_add_loop_test(
	    all, the_room_that_a_layout_gives_is_known, 0, (int)(sizeof windows / sizeof *windows));
	return run_suite(all, "panes");
}
