/*
 * The configuration: one table of settings (settings.def), one JSON file, checked whole.
 */
#ifndef VIGIL_CONFIG_CONFIG_H
#define VIGIL_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

/* What becomes of what an agent asks a person. */
enum on_ask {
	ON_ASK_REJECT,
	ON_ASK_ONCE, /* allowed this once; of a question, its first option */
	ON_ASK_HOLD, /* the task waits for a person */
};

/* What a pane shows: the command that it runs. */
enum tmux_view { TMUX_VIEW_ATTACH, TMUX_VIEW_FOLLOW };

/* Which sessions have panes. */
enum tmux_sessions { TMUX_SESSIONS_TASKS, TMUX_SESSIONS_CHILDREN /* and those below them */ };

/* What an agent runs with where the task itself says nothing. */
struct config_agent {
	char *name;
	char *model, *variant; /* NULL: not set */
};

struct config {
	char *path; /* the file, NULL if there is none */
	char *server_url, *server_username, *server_password_env, *server_command;
	int parallel; /* INT_MAX where the file says 0: no limit */
	int attempts;
	int64_t timeout_ms, stall_ms, poll_ms;
	int max_resumes;
	int on_interrupt;        /* enum on_interrupt */
	int on_ask, on_question; /* enum on_ask */
	bool tmux_enabled;
	int tmux_layout; /* config_tmux_layouts */
	int tmux_main_pane_size, tmux_max_panes;
	int tmux_view;     /* enum tmux_view */
	int tmux_sessions; /* enum tmux_sessions */
	struct config_agent *agents;
	size_t agent_count;
};

/* As tmux has them; and the commands that are views, by enum tmux_view. NULL at the end. */
extern const char *const config_tmux_layouts[], *const config_tmux_views[];

/* `path` NULL: $VIGIL_CONFIG, else ${XDG_CONFIG_HOME:-~/.config}/vigil/config.json. A file that
 * was named must exist; the default one need not. Every key is checked: one that is unknown is
 * FAULT_ENV with the nearest known one, a value of the wrong type or out of range likewise with
 * what is accepted; FILE and the dotted key are in the sentence. */
struct config *config_load(const char *path, struct fault *);
void config_free(struct config *);

/* NULL where the agent is not configured. A leading '@' is dropped. */
const struct config_agent *config_agent(const struct config *, const char *name);

/* Is it PROVIDER/MODEL? One name, not a list. */
bool config_is_model(const char *text);

#endif
