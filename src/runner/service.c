/*
 * See service.h. The only file that knows systemd's notifications.
 */
#include "runner/service.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/buf.h"

/* Told so many times in each of the watchdog's intervals, as sd_watchdog_enabled(3) advises. */
#define BEATS 2.

enum { KEEP_ENVIRONMENT = 0 };

static void
on_beat(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)timer;
	(void)revents;
	(void)sd_notify(KEEP_ENVIRONMENT, "WATCHDOG=1");
}

void
service_ready(struct service *s, struct ev_loop *loop)
{
	uint64_t interval_us;
	s->loop = loop;
	ev_timer_init(&s->beat, on_beat, 0., 0.);
	(void)sd_notify(KEEP_ENVIRONMENT, "READY=1");
	if (sd_watchdog_enabled(KEEP_ENVIRONMENT, &interval_us) <= 0)
		return;
	double every_s = (double)interval_us / 1e6 / BEATS;
	ev_timer_set(&s->beat, every_s, every_s);
	ev_timer_start(loop, &s->beat);
}

void
service_status(struct service *s, const char *text)
{
	if (s->status && strcmp(s->status, text) == 0)
		return;
	free(s->status);
	s->status = xstrdup(text);
	(void)sd_notifyf(KEEP_ENVIRONMENT, "STATUS=%s", text);
}

void
service_stopping(struct service *s)
{
	ev_timer_stop(s->loop, &s->beat);
	(void)sd_notify(KEEP_ENVIRONMENT, "STOPPING=1");
	free(s->status);
	s->status = NULL;
}
