/*
 * Random text, and secrets in files that are ours alone. A secret never stands in a sentence.
 */
#define _DEFAULT_SOURCE /* explicit_bzero */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

#define SECRET_LIMIT 256 /* bytes */

static void
random_bytes(unsigned char *out, size_t count)
{
	while (count) {
		ssize_t n = getrandom(out, count, 0);
		if (n < 0 && errno != EINTR)
			die("getrandom: %s", strerror(errno));
		if (n > 0) {
			out += n;
			count -= (size_t)n;
		}
	}
}

/* The first `base` of these; a byte beyond their multiple would make some likelier. */
static void
random_text(char *out, size_t size, unsigned base)
{
	static const char digits[] =
	    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	unsigned char bytes[64];
	for (size_t i = 0; i + 1 < size;) {
		random_bytes(bytes, sizeof(bytes));
		for (size_t k = 0; k < sizeof(bytes) && i + 1 < size; k++)
			if (bytes[k] < 256 / base * base)
				out[i++] = digits[bytes[k] % base];
	}
	out[size - 1] = '\0';
}

void
random_hex(char *out, size_t size)
{
	random_text(out, size, 16);
}

void
random_base62(char *out, size_t size)
{
	random_text(out, size, 62);
}

static bool
write_all(int fd, const char *bytes, size_t count)
{
	while (count > 0) {
		ssize_t n = write(fd, bytes, count);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			bytes += n;
			count -= (size_t)n;
		}
	}
	return true;
}

static void
close_quietly(int fd)
{
	int saved = errno;
	close(fd);
	errno = saved;
}

static bool
write_file(const char *path, const char *text)
{
	if (unlink(path) != 0 && errno != ENOENT)
		return false;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	bool written = write_all(fd, text, strlen(text)) && fsync(fd) == 0;
	close_quietly(fd);
	return written;
}

bool
secret_write(const char *path, const char *text, struct fault *fault)
{
	if (!write_file(path, text))
		return fault_set(fault, FAULT_ENV, "cannot write %s: %s", path, strerror(errno));
	return file_sync_folder(path, fault);
}

/* A secret is read in one piece: it is written before anyone is told of it. */
static bool
read_file(const char *path, char *out, size_t size, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return false;
	ssize_t n = fstat(fd, st) == 0 ? read(fd, out, size - 1) : -1;
	close_quietly(fd);
	if (n >= 0)
		out[n] = '\0';
	return n >= 0;
}

/* The first line of what was read, if it is to be trusted. */
static char *
take_secret(const char *path, char *text, const struct stat *st, struct fault *fault)
{
	text[strcspn(text, "\r\n")] = '\0';
	if (!S_ISREG(st->st_mode) || st->st_uid != geteuid() || (st->st_mode & 077) != 0) {
		fault_set(fault, FAULT_ENV,
		    "%s is not a file of yours that nobody else can read (chmod 600)", path);
		return NULL;
	}
	if (text[0] == '\0') {
		fault_set(fault, FAULT_ENV, "%s is empty", path);
		return NULL;
	}
	return xstrdup(text);
}

char *
secret_read(const char *path, struct fault *fault)
{
	char text[SECRET_LIMIT + 1] = "";
	struct stat st;
	char *secret = NULL;
	if (read_file(path, text, sizeof text, &st))
		secret = take_secret(path, text, &st, fault);
	else
		fault_set(fault, FAULT_ENV, "cannot read %s: %s", path, strerror(errno));
	secret_wipe(text, sizeof text);
	return secret;
}

void
secret_wipe(void *bytes, size_t count)
{
	explicit_bzero(bytes, count);
}

void
secret_free(char *secret)
{
	if (secret)
		secret_wipe(secret, strlen(secret));
	free(secret);
}
