/*
 * Other processes, as /proc shows them: which are there, what they are, which sockets they
 * listen on; a signal that cannot hit the wrong one; and what it takes to start one.
 *
 * Pids repeat. Pid and start time within one boot do not: that pair is what names a process here.
 */
#ifndef VIGIL_BASE_PROCESS_H
#define VIGIL_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process_stat {
	pid_t pid, parent, session;
	char state;           /* 'R', 'S', 'D', 'T', …; 'Z' is a zombie */
	int threads;          /* a zombie's others may still run, and hold its descriptors open */
	uint64_t start_ticks; /* since boot; set by fork, kept by exec */
};

/* False: there is no such process. A zombie is one. */
bool process_stat(pid_t, struct process_stat *);
bool process_lives(const struct process_stat *); /* any thread of it does */

/* False: nothing can be seen now, as without a free descriptor. Then that a process was not found
 * says nothing about it. */
bool process_can_look(void);

/* Everything in /proc, by ascending pid, zombies too. The caller frees *list. */
size_t process_list(struct process_stat **list);
/* One of such a list; NULL if it is not there. */
const struct process_stat *process_in_list(const struct process_stat *list, size_t count, pid_t);

/* This boot's id, without a newline; "" where the system has none. */
void process_boot_id(char *out, size_t size);

/* A variable in the environment the process was started with; NULL if it has none, or if it is
 * not ours to read. The caller frees. */
char *process_environ(pid_t, const char *name);

/* Signals the process only if it is still the one that started then. False: it is gone. */
bool process_signal(pid_t, uint64_t start_ticks, int signal_number);

/* A socket that listens on 127.0.0.1 or ::1 alone. */
struct process_listener {
	uint64_t inode;
	uint16_t port;
	bool v6; /* on ::1; a mapped 127.0.0.1 is not */
};

/* All of this machine, whoever owns them. The caller frees *list. */
size_t process_listeners(struct process_listener **list);
bool process_owns(pid_t, uint64_t inode); /* has it a descriptor of this socket? */

/* Forks with every signal blocked, since a handler of ours that ran in the child would write to our
 * loop; the child has them so until it calls the second one, which is safe there: nothing is caught
 * or blocked any more. */
pid_t process_fork(void);
void process_default_signals(void);

/* The highest descriptor open here; for process_close_from(), which is safe after a fork. */
int process_highest_descriptor(void);
void process_close_from(int lowest, int highest);

#endif
