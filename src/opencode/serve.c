/*
 * The managed server: its secrets, and the wait until it listens. serve_start.c starts it,
 * serve_find.c knows which process it is, serve_end.c ends it.
 */
#include "opencode/serve.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/secret.h"
#include "base/when.h"
#include "opencode/serve_find.h"
#include "opencode/serve_log.h"

#define PASSWORD_SIZE 44 /* 43 of 62 characters each: 256 bits */
#define POLL_FIRST 0.05  /* seconds */
#define POLL_SLOWEST 0.25
#define POLL_GROWTH 1.1

bool
serve_prepare(
    const struct serve_options *options, struct serve_process *process, struct fault *fault)
{
	char password[PASSWORD_SIZE];
	*process = (struct serve_process){0};
	random_hex(process->nonce, sizeof process->nonce);
	process_boot_id(process->boot_id, sizeof process->boot_id);
	random_base62(password, sizeof password);
	failpoint_before(FP_SERVER_PASSWORD);
	bool ok = secret_write(options->password_file, password, fault);
	failpoint_after(FP_SERVER_PASSWORD);
	secret_wipe(password, sizeof password);
	return ok;
}

char *
serve_password(const struct serve_options *options, struct fault *fault)
{
	return secret_read(options->password_file, fault);
}

/* /proc shows the environment of our own processes to us alone, as it does the file. */
char *
serve_password_of(
    const struct serve_options *options, const struct serve_process *process, struct fault *fault)
{
	char *password = serve_environ(process, SERVE_PASSWORD_NAME);
	return password ? password : serve_password(options, fault);
}

bool
serve_keep_password(const struct serve_options *options, const char *password, struct fault *fault)
{
	struct fault ignored;
	char *kept = serve_password(options, &ignored);
	bool is_kept = kept && strcmp(kept, password) == 0;
	secret_free(kept);
	return is_kept || secret_write(options->password_file, password, fault);
}

struct serve {
	struct ev_loop *loop;
	ev_timer timer;
	struct serve_process process;
	char *command, *log_file;
	int64_t started_at, deadline_at; /* monotonic */
	double interval;                 /* seconds */
	serve_ready *ready;
	void *arg;
	bool telling; /* inside `ready` */
};

static void
serve_free(struct serve *serve)
{
	ev_timer_stop(serve->loop, &serve->timer);
	free(serve->command);
	free(serve->log_file);
	free(serve);
}

/* Takes `sentence`. */
static void
tell(struct serve *serve, const char *url, char *sentence)
{
	serve->telling = true;
	serve->ready(serve->arg, url, sentence);
	free(sentence);
	serve_free(serve);
}

/* "the server `opencode` WHAT: its last lines (its output is in PATH)" */
static char *
sentence_of(const struct serve *serve, const char *what)
{
	char *tail = serve_log_tail(serve->log_file, serve->process.nonce);
	char *sentence = xasprintf("the server `%s` %s%s%s (its output is in %s)", serve->command,
	    what, tail[0] != '\0' ? ": " : ", and wrote nothing", tail, serve->log_file);
	free(tail);
	return sentence;
}

static char *
sentence_of_death(const struct serve *serve, int status)
{
	char what[96];
	if (WIFEXITED(status) && status >= 0)
		snprintf(what, sizeof what, "ended with status %d before it listened",
		    WEXITSTATUS(status));
	else if (WIFSIGNALED(status) && status >= 0)
		snprintf(what, sizeof what, "was killed by signal %d before it listened",
		    WTERMSIG(status));
	else
		snprintf(what, sizeof what, "ended before it listened");
	return sentence_of(serve, what);
}

static char *
sentence_of_deadline(const struct serve *serve)
{
	char what[96], span[32];
	snprintf(what, sizeof what, "does not listen on 127.0.0.1 after %s",
	    when_typed(serve->deadline_at - serve->started_at, span));
	return sentence_of(serve, what);
}

static void
wait_on(struct serve *serve, int64_t left_ms)
{
	double left = (double)left_ms / 1000;
	double delay = left < serve->interval ? left : serve->interval;
	serve->interval = serve->interval * POLL_GROWTH < POLL_SLOWEST
			      ? serve->interval * POLL_GROWTH
			      : POLL_SLOWEST;
	ev_timer_set(&serve->timer, delay, 0.);
	ev_timer_start(serve->loop, &serve->timer);
}

static void
on_poll(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop, (void)events;
	struct serve *serve = timer->data;
	char url[SERVE_URL_SIZE];
	int status = -1;
	if (!serve_look(&serve->process, &status) && process_can_look()) {
		tell(serve, NULL, sentence_of_death(serve, status));
		return;
	}
	if (serve_find_url(&serve->process, serve->log_file, url)) {
		tell(serve, url, NULL);
		return;
	}
	int64_t left = serve->deadline_at - clock_monotonic_ms();
	if (left > 0)
		wait_on(serve, left);
	else
		tell(serve, NULL, sentence_of_deadline(serve));
}

struct serve *
serve_await(struct ev_loop *loop, const struct serve_options *options,
    const struct serve_process *process, int64_t deadline_ms, serve_ready *ready, void *arg)
{
	struct serve *serve = xcalloc(1, sizeof *serve);
	*serve = (struct serve){.loop = loop,
	    .process = *process,
	    .command = xstrdup(options->command),
	    .log_file = xstrdup(options->log_file),
	    .started_at = clock_monotonic_ms(),
	    .interval = POLL_FIRST,
	    .ready = ready,
	    .arg = arg};
	serve->deadline_at = serve->started_at + deadline_ms;
	/* At once, for a server that was found again; a new one takes a few rounds. */
	ev_timer_init(&serve->timer, on_poll, 0., 0.);
	serve->timer.data = serve;
	ev_timer_start(loop, &serve->timer);
	return serve;
}

void
serve_cancel(struct serve *serve)
{
	if (serve != NULL && !serve->telling)
		serve_free(serve);
}
