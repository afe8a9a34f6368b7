/*
 * The two OpenCodes that compare.c asks: the real one, and the simulation's.
 */
#ifndef VIGIL_TESTS_SIM_COMPARE_H
#define VIGIL_TESTS_SIM_COMPARE_H

/* What they are given is the command line's: of the real one its address and a directory. */
struct server {
	const char *url, *directory;
};

struct server compare_begin(char **arguments);
/* The server is killed, and started again. The real one's is somebody else's to start: what is
 * printed on standard error asks for it, and a line on standard input gives the new address. */
struct server compare_restart(struct server);

#endif
