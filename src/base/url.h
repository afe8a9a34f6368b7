/*
 * A server's address, as people give it: http://HOST[:PORT] or https://HOST[:PORT].
 */
#ifndef VIGIL_BASE_URL_H
#define VIGIL_BASE_URL_H

#define URL_ACCEPTED "http://HOST[:PORT] or https://HOST[:PORT]"
#define URL_PASSWORD_PLACE \
	"the password belongs in the environment variable that server.password_env names " \
	"(OPENCODE_SERVER_PASSWORD), the user in server.username"

enum url_form {
	URL_GOOD,
	URL_HAS_USER, /* or a password: not to be shown */
	URL_BAD,      /* no scheme, no host, or more than these and a port; one '/' may follow */
};

enum url_form url_form(const char *text);

#endif
