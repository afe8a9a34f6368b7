/*
 * The programs that vigil works with: are they there, and new enough?
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/run.h"
#include "ops/doctor.h"

/* A loaded machine is slow, not broken. */
enum { DEADLINE_MS = 30000 };

struct version {
	int major, minor, patch;
};

static const struct version oldest_opencode = {1, 2, 27};

/* How much of a line is a version: two words, "tmux 3.3a". */
static size_t
version_length(const char *text)
{
	size_t word = strcspn(text, " \r\n");

	return text[word] == ' ' ? word + 1 + strcspn(text + word + 1, " \r\n") : word;
}

/* What a program says when it is asked for its version. The caller frees; NULL and a fault. */
static char *
ask_version(const char *program, const char *option, struct fault *why)
{
	const char *const argv[] = {program, option, NULL};
	struct buf out = {0};
	char *line = NULL;

	if (run_capture(argv, DEADLINE_MS, &out, why))
		line = xstrndup(buf_text(&out), version_length(buf_text(&out)));
	buf_free(&out);
	return line;
}

static bool
read_version(const char *text, struct version *v)
{
	return sscanf(text + strcspn(text, "0123456789"), "%d.%d.%d", &v->major, &v->minor,
		   &v->patch) == 3;
}

static bool
is_older(const struct version *a, const struct version *b)
{
	if (a->major != b->major)
		return a->major < b->major;
	return a->minor != b->minor ? a->minor < b->minor : a->patch < b->patch;
}

/* ---- OpenCode ------------------------------------------------------------------------------ */

static void
judge_opencode(struct doctor *d, const char *program, const char *said)
{
	struct version version;

	if (!read_version(said, &version))
		doctor_say(d, VIGIL_WRONG, "OpenCode", "name the right program in server.command",
		    "%s --version says '%s', which is no version", program, said);
	else if (is_older(&version, &oldest_opencode))
		doctor_say(d, VIGIL_WRONG, "OpenCode", "npm install -g opencode-ai",
		    "%s is %s; vigil needs 1.2.27 or newer", program, said);
	else if (version.major > oldest_opencode.major)
		doctor_say(d, VIGIL_NOTABLE, "OpenCode", NULL,
		    "%s is %s; vigil was made for 1.x, and not tried with it", program, said);
	else
		doctor_say(d, VIGIL_HEALTHY, "OpenCode", NULL, "%s is %s", program, said);
}

static void
check_opencode(struct doctor *d)
{
	const struct config *config = d->vigil->config;
	const char *program = config ? config->server_command : "opencode";
	struct fault why;

	if (config && config->server_url) {
		doctor_say(d, VIGIL_HEALTHY, "OpenCode", NULL, "that at %s, which vigil run asks",
		    config->server_url);
		return;
	}
	char *said = ask_version(program, "--version", &why);
	if (said)
		judge_opencode(d, program, said);
	else if (why.kind == FAULT_NOT_FOUND)
		doctor_say(d, VIGIL_WRONG, "OpenCode",
		    "npm install -g opencode-ai, or name it in server.command",
		    strchr(program, '/') ? "%s is not there" : "%s is not on the PATH", program);
	else
		doctor_say(d, VIGIL_WRONG, "OpenCode", "try it in a shell", "%s", why.text);
	free(said);
}

static void
check_password(struct doctor *d)
{
	const struct config *config = d->vigil->config;

	if (config && config->server_url && !environment_get(config->server_password_env))
		doctor_say(d, VIGIL_NOTABLE, "password", "set it, unless the server wants none",
		    "%s is not set", config->server_password_env);
}

/* ---- the others ---------------------------------------------------------------------------- */

static void
check_helper(
    struct doctor *d, const char *program, const char *option, const char *use, const char *remedy)
{
	struct fault why;
	char *said = ask_version(program, option, &why);

	if (said)
		doctor_say(d, VIGIL_HEALTHY, program, NULL, "%s", said);
	else
		doctor_say(d, VIGIL_NOTABLE, program, remedy, "%s; %s", why.text, use);
	free(said);
}

/* systemd keeps a person's services beyond their logging out by a file of their name. */
static bool
lingers(void)
{
	const struct passwd *person = getpwuid(getuid());
	char *path = xasprintf("/var/lib/systemd/linger/%s", person ? person->pw_name : "");
	bool found = person && access(path, F_OK) == 0;

	free(path);
	return found;
}

/* A link is all that enabling a unit is, and can be seen without systemd. */
static void
check_unit(struct doctor *d)
{
	char *link = environment_file(
	    "XDG_CONFIG_HOME", ".config", "systemd/user/default.target.wants/vigil.service");

	if (!link || access(link, F_OK) != 0)
		doctor_say(
		    d, VIGIL_HEALTHY, "service", NULL, "not enabled: vigil run is up to you");
	else if (lingers())
		doctor_say(
		    d, VIGIL_HEALTHY, "service", NULL, "enabled, also while you are logged out");
	else
		doctor_say(d, VIGIL_WRONG, "service", "loginctl enable-linger",
		    "enabled, but it ends when you log out");
	free(link);
}

void
doctor_programs(struct doctor *d)
{
	check_opencode(d);
	check_password(d);
	check_helper(
	    d, "tmux", "-V", "it is for panes alone", "apt install tmux, if you want them");
	check_helper(d, "sqlite3", "-version", "it is for vigil sql", "apt install sqlite3");
	check_unit(d);
}
