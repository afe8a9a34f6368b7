/*
 * The real OpenCode, for compare.c: compare-real URL DIRECTORY.
 */
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "compare.h"

struct server
compare_begin(char **arguments)
{
	if (!arguments[1] || !arguments[2])
		die("usage: compare-real URL DIRECTORY");
	return (struct server){arguments[1], arguments[2]};
}

struct server
compare_restart(struct server server)
{
	static char url[200];
	fputs("restart\n", stderr);
	if (!fgets(url, sizeof(url), stdin))
		die("no address came");
	url[strcspn(url, "\n")] = '\0';
	server.url = url;
	return server;
}
