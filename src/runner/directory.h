/*
 * A look at a directory, as the loop can afford it: on a mount that does not answer it takes for
 * ever, so a child process looks, and is given up after a while.
 */
#ifndef VIGIL_RUNNER_DIRECTORY_H
#define VIGIL_RUNNER_DIRECTORY_H

struct ev_loop;

enum directory_outcome {
	DIRECTORY_FOUND,
	DIRECTORY_UNUSABLE, /* missing, not a directory, not ours to enter */
	DIRECTORY_SILENT,   /* it cannot be told now */
};

struct directory_look;

/* `text` is the path with all links resolved; of any other outcome a sentence that names it. It is
 * borrowed. */
typedef void directory_seen(void *arg, enum directory_outcome, const char *text);

/* `seen` is called once, never before this has returned. */
struct directory_look *directory_look_start(
    struct ev_loop *, const char *path, directory_seen *, void *arg);
/* After it: silence. NULL is ignored. */
void directory_look_cancel(struct directory_look *);

#endif
