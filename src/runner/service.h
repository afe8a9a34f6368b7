/*
 * A run as a service of systemd: it says when it is ready, what it is doing, and that it still
 * turns (sd_notify(3), sd_watchdog_enabled(3)). Started by anybody else, all of this does nothing.
 * The unit is tools/vigil.service.in.
 */
#ifndef VIGIL_RUNNER_SERVICE_H
#define VIGIL_RUNNER_SERVICE_H

#include <ev.h>

struct service {
	struct ev_loop *loop;
	ev_timer beat; /* tells the watchdog that the loop turns */
	char *status;  /* as it was told last; NULL: nothing yet */
};

/* Ready, and watched from here on, where a watchdog is asked for. */
void service_ready(struct service *, struct ev_loop *);

/* What `systemctl status` shows, on one line; the same twice is told once. Also before it is ready:
 * then the struct must be zeroed. */
void service_status(struct service *, const char *text);

/* The end has begun; not watched any more, for that may take a while. */
void service_stopping(struct service *);

#endif
