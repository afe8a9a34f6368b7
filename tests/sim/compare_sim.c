/*
 * The simulation's OpenCode, for compare.c: a world in which nothing goes wrong.
 */
#include "compare.h"
#include "world.h"

struct server
compare_begin(char **arguments)
{
	(void)arguments;
	world_map();
	w->trace_fd = -1;
	world_reset(1);
	w->is_living = true;
	w->given = process_start(false, "", "", 0);
	return (struct server){"http://127.0.0.1:4096", "/"};
}

struct server
compare_restart(struct server server)
{
	process_kill(w->given);
	w->given = process_start(false, "", "", 0);
	return server;
}
