/*
 * The runner's doorbell: see poke.h.
 *
 * A socket's address has 108 bytes and a path can have more, so the folder is opened and the
 * socket is named through it: /proc/self/fd/N/NAME.
 */
#include "store/poke.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/store.h"

struct door {
	int folder;
	struct sockaddr_un address;
};

static bool
door_open(struct door *door, const char *name, struct fault *fault)
{
	const char *slash = strrchr(name, '/'); /* store_beside's names have one */
	char *folder = slash ? xstrndup(name, (size_t)(slash - name) + 1) : xstrdup(".");
	int length;

	door->address = (struct sockaddr_un){.sun_family = AF_UNIX};
	door->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (door->folder < 0)
		return fault_set(fault, FAULT_ENV, "cannot use %s: %s", name, strerror(errno));
	length = snprintf(door->address.sun_path, sizeof(door->address.sun_path),
	    "/proc/self/fd/%d/%s", door->folder, slash ? slash + 1 : name);
	if (length >= 0 && (size_t)length < sizeof(door->address.sun_path))
		return true;
	close(door->folder);
	return fault_set(
	    fault, FAULT_ENV, "cannot use %s: the name is too long for a socket", name);
}

static int
new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (fd >= 0) {
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		fcntl(fd, F_SETFL, O_NONBLOCK);
	}
	return fd;
}

void
poke_send(const char *path)
{
	char *name = store_beside(path, ".sock");
	int fd = new_socket();
	struct fault ignored;
	struct door door;

	if (fd >= 0 && door_open(&door, name, &ignored)) {
		/* A full queue is as good as a place in it. */
		(void)sendto(fd, "!", 1, MSG_NOSIGNAL, (const struct sockaddr *)&door.address,
		    sizeof(door.address));
		close(door.folder);
	}
	if (fd >= 0)
		close(fd);
	free(name);
}

/* The mode is set before there is a name, so that no umask can widen it. */
static bool
bind_to(int fd, const struct door *door)
{
	if (unlink(door->address.sun_path) != 0 && errno != ENOENT)
		return false;
	return fchmod(fd, 0600) == 0 &&
	       bind(fd, (const struct sockaddr *)&door->address, sizeof(door->address)) == 0;
}

int
poke_listen(const char *path, struct fault *fault)
{
	char *name = store_beside(path, ".sock");
	int fd = new_socket();
	struct door door;
	bool ok = fd >= 0;

	if (!ok)
		fault_set(fault, FAULT_ENV, "cannot make a socket: %s", strerror(errno));
	ok = ok && door_open(&door, name, fault);
	if (ok) {
		ok = bind_to(fd, &door);
		if (!ok)
			fault_set(
			    fault, FAULT_ENV, "cannot listen on %s: %s", name, strerror(errno));
		close(door.folder);
	}
	if (!ok && fd >= 0) {
		close(fd);
		fd = -1;
	}
	free(name);
	return fd;
}

void
poke_drain(int fd)
{
	char byte;

	while (recv(fd, &byte, 1, MSG_DONTWAIT) >= 0)
		;
}

void
poke_close(const char *path, int fd)
{
	char *name = store_beside(path, ".sock");

	unlink(name);
	close(fd);
	free(name);
}
