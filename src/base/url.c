/*
 * A server's address: see url.h. Paths of requests are appended to it, so nothing may follow.
 */
#include "base/url.h"

#include <stdbool.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

enum { PORT_MOST = 65535, PORT_DIGITS = 5 };

/* Its length; 0 if what begins here is no host. */
static size_t
host_length(const char *text)
{
	if (*text != '[')
		return strspn(text, LETTERS DIGITS ".-_");
	size_t length = 1 + strspn(text + 1, DIGITS "abcdefABCDEF:.");
	return length > 1 && text[length] == ']' ? length + 1 : 0;
}

/* ":PORT" or nothing, then perhaps a slash, and the end. */
static bool
is_rest(const char *text)
{
	size_t digits;
	int port = 0;

	if (*text == ':') {
		text++;
		digits = strspn(text, DIGITS);
		if (digits == 0 || digits > PORT_DIGITS)
			return false;
		for (; digits > 0; digits--)
			port = port * 10 + (*text++ - '0');
		if (port < 1 || port > PORT_MOST)
			return false;
	}
	return !text[*text == '/'];
}

enum url_form
url_form(const char *text)
{
	size_t scheme = strncmp(text, "https://", 8) == 0  ? 8
			: strncmp(text, "http://", 7) == 0 ? 7
							   : 0;
	size_t host = scheme ? host_length(text + scheme) : 0;

	if (strchr(text, '@'))
		return URL_HAS_USER;
	return host && is_rest(text + scheme + host) ? URL_GOOD : URL_BAD;
}
