/*
 * The scripted server of the client's tests: see loopback.h.
 */
#include "loopback.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

enum { MOST = 4096, PATIENCE_MS = 10000 };

struct script {
	char *bytes;
	size_t count, chunk;
	enum ending ending;
};

struct peer {
	struct peer *next;
	struct loopback *server;
	ev_io io;
	ev_timer pace; /* the next chunk */
	int fd;
	struct buf in;
	struct script *script; /* being written; NULL while a request is read */
	size_t written;
};

struct loopback {
	struct ev_loop *loop;
	ev_io io;
	int fd;
	char url[64];
	struct peer *peers;
	size_t connections;
	struct script scripts[MOST];
	size_t script_count, scripts_used;
	char *requests[MOST];
	size_t request_count;
};

static void
close_peer(struct peer *peer)
{
	ev_io_stop(peer->server->loop, &peer->io);
	ev_timer_stop(peer->server->loop, &peer->pace);
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
}

/* How long the request at the beginning of `in` is; 0 while it is not whole. */
static size_t
request_length(const struct buf *in)
{
	const char *end = in->data ? strstr(in->data, "\r\n\r\n") : NULL;
	const char *length = in->data ? strstr(in->data, "Content-Length: ") : NULL;
	size_t head, body = 0;

	if (!end)
		return 0;
	head = (size_t)(end - in->data) + 4;
	if (length && length < end)
		body = strtoul(length + 16, NULL, 10);
	return in->len >= head + body ? head + body : 0;
}

static void
end_script(struct peer *peer)
{
	if (peer->script->ending == CLOSE)
		close_peer(peer);
	if (peer->script->ending == KEEP)
		peer->script = NULL;
}

static void
on_pace(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct peer *peer = timer->data;
	struct script *script = peer->script;
	size_t left = script->count - peer->written;
	size_t chunk = script->chunk && script->chunk < left ? script->chunk : left;
	ssize_t sent =
	    chunk ? send(peer->fd, script->bytes + peer->written, chunk, MSG_NOSIGNAL) : 0;

	(void)events;
	if (sent < 0 && errno != EAGAIN) {
		close_peer(peer); /* the client has gone */
		return;
	}
	peer->written += sent > 0 ? (size_t)sent : 0;
	if (peer->written == script->count) {
		end_script(peer);
		return;
	}
	/* A socket that is full empties only when the client's turn has come. */
	ev_timer_set(timer, sent < 0 ? 0.001 : 0., 0.);
	ev_timer_start(loop, timer);
}

/* Takes a whole request, if one is there and nothing is being answered. */
static void
take_request(struct peer *peer)
{
	struct loopback *server = peer->server;
	size_t length = peer->script ? 0 : request_length(&peer->in);

	if (length == 0)
		return;
	ck_assert_uint_lt(server->request_count, MOST);
	server->requests[server->request_count++] = xstrndup(peer->in.data, length);
	buf_drop(&peer->in, length);
	if (server->scripts_used == server->script_count)
		return;
	peer->script = &server->scripts[server->scripts_used++];
	peer->written = 0;
	ev_timer_set(&peer->pace, 0., 0.);
	ev_timer_start(server->loop, &peer->pace);
}

static void
on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct peer *peer = io->data;
	char bytes[65536];
	ssize_t count = recv(peer->fd, bytes, sizeof(bytes), 0);

	(void)loop, (void)events;
	if (count > 0) {
		buf_add(&peer->in, bytes, (size_t)count);
		take_request(peer);
	} else if (count == 0 || errno != EAGAIN) {
		close_peer(peer);
	}
}

static void
on_connection(struct ev_loop *loop, ev_io *io, int events)
{
	struct loopback *server = io->data;
	int fd = accept(server->fd, NULL, NULL), on = 1;
	struct peer *peer;

	(void)events;
	if (fd < 0)
		return;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	server->connections++;
	peer = xcalloc(1, sizeof(*peer));
	peer->server = server;
	peer->fd = fd;
	peer->next = server->peers;
	server->peers = peer;
	ev_io_init(&peer->io, on_readable, fd, EV_READ);
	peer->io.data = peer;
	ev_io_start(loop, &peer->io);
	ev_timer_init(&peer->pace, on_pace, 0., 0.);
	peer->pace.data = peer;
}

struct loopback *
loopback_new(struct ev_loop *loop)
{
	struct loopback *server = xcalloc(1, sizeof(*server));
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	char *url;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->loop = loop;
	server->fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_ge(server->fd, 0);
	ck_assert_int_eq(bind(server->fd, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(server->fd, 512), 0);
	fcntl(server->fd, F_SETFL, O_NONBLOCK);
	getsockname(server->fd, (struct sockaddr *)&address, &size);
	url = xasprintf("http://127.0.0.1:%d", ntohs(address.sin_port));
	memcpy(server->url, url, strlen(url) + 1);
	free(url);
	ev_io_init(&server->io, on_connection, server->fd, EV_READ);
	server->io.data = server;
	ev_io_start(loop, &server->io);
	return server;
}

void
loopback_free(struct loopback *server)
{
	struct peer *peer;

	while ((peer = server->peers)) {
		server->peers = peer->next;
		close_peer(peer);
		buf_free(&peer->in);
		free(peer);
	}
	for (size_t i = 0; i < server->script_count; i++)
		free(server->scripts[i].bytes);
	for (size_t i = 0; i < server->request_count; i++)
		free(server->requests[i]);
	ev_io_stop(server->loop, &server->io);
	close(server->fd);
	free(server);
}

const char *
loopback_url(const struct loopback *server)
{
	return server->url;
}

void
loopback_answer(struct loopback *server, struct answer answer)
{
	struct script *script = &server->scripts[server->script_count++];

	ck_assert_uint_lt(server->script_count, MOST);
	script->count = answer.count ? answer.count : strlen(answer.bytes);
	script->bytes = xcalloc(script->count + 1, 1);
	memcpy(script->bytes, answer.bytes, script->count);
	script->chunk = answer.chunk;
	script->ending = answer.ending;
}

static void
reply(struct loopback *server, int status, const char *type, const char *header, const char *body)
{
	char *bytes =
	    xasprintf("HTTP/1.1 %d X\r\nContent-Type: %s\r\n%s%sContent-Length: %zu\r\n\r\n%s",
		status, type, header, *header ? "\r\n" : "", strlen(body), body);

	loopback_answer(server, (struct answer){.bytes = bytes});
	free(bytes);
}

void
loopback_reply(struct loopback *server, int status, const char *type, const char *body)
{
	reply(server, status, type, "", body);
}

void
loopback_page(struct loopback *server, const char *header, const char *body)
{
	reply(server, 200, "application/json", header, body);
}

size_t
loopback_requests(const struct loopback *server)
{
	return server->request_count;
}

size_t
loopback_connections(const struct loopback *server)
{
	return server->connections;
}

const char *
loopback_request(const struct loopback *server, int index)
{
	size_t at = index < 0 ? server->request_count - 1 : (size_t)index;

	ck_assert_uint_lt(at, server->request_count);
	return server->requests[at];
}

static void
on_turn(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop, (void)timer, (void)events;
}

void
run_until(struct ev_loop *loop, const int *count, int wanted)
{
	int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
	ev_timer turn; /* so that a loop with nothing to do still sees the end */

	ev_timer_init(&turn, on_turn, 0.5, 0.5);
	ev_timer_start(loop, &turn);
	while (*count < wanted) {
		ck_assert_msg(
		    clock_monotonic_ms() < end_ms, "waited in vain: %d of %d came", *count, wanted);
		ev_run(loop, EVRUN_ONCE);
	}
	ev_timer_stop(loop, &turn);
}

void
run_idle(struct ev_loop *loop)
{
	/* As many turns as the kernel and both ends could need; none of them waits. */
	for (int i = 0; i < 200; i++)
		ev_run(loop, EVRUN_NOWAIT);
}
