/*
 * The world of a simulation: virtual time, OpenCode's processes and what they remember, what is
 * under way on the wire, and what is going to happen. It lives in memory that the lives of vigil,
 * forked children, share with the program that started them: a life that dies leaves it as it is.
 *
 *   world.c    time and chance, and what happens next
 *   opencode.c processes and sessions      turn.c    what a model does in a session
 *   routes.c   requests, and their answers  http.c    the wire: src/opencode/http.h
 *   serve.c    the managed server           ev.c, clock.c  libev and the clocks
 *   people.c   persons, with vigil's own commands and in the sqlite3 shell
 *   check.c    what must always hold        plan.c    what a seed means
 *   life.c     a life of vigil              trace.c   what happened, as text
 */
#ifndef VIGIL_TESTS_SIM_WORLD_H
#define VIGIL_TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define MS INT64_C(1000) /* of virtual time, which is counted in microseconds */
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define NEVER INT64_MAX

enum {
	MAX_PROCESSES = 64,
	MAX_SESSIONS = 400,
	MAX_MESSAGES = 6000,
	MAX_TURNS = 400,
	MAX_ASKS = 200,
	MAX_REQUESTS = 256,
	MAX_ACTS = 200,
	MAX_TASKS = 64,
	ID_SIZE = 40,
};

/* A server process. Its memory (statuses, loops, asks) goes with it; sessions are on the disk. */
struct process {
	bool is_alive, is_managed;
	int64_t listens_us; /* from when on */
	int64_t wedged_us;  /* until when it answers nothing; 0: it is well */
	int pid;
	char nonce[40], password[80], url[40];
};

struct session {
	bool is_there; /* false: deleted, or wiped */
	bool is_deleted;
	int parent; /* -1: none */
	int task;   /* of the plan, by its prompt; -1: not known */
	char id[ID_SIZE], directory[64], title[256], agent[32];
	int64_t created_ms;
	char script[256]; /* what its model does, see turn.c; from the prompt */
	int step;         /* of the script, that comes next */
	int prompts;      /* user messages that came as a prompt */
	int runs;         /* how often its loop began to call the model */
};

/* How a tool that was called in a message stands; its words are routes.c's. */
enum tool { TOOL_NONE, TOOL_RUNNING, TOOL_DONE, TOOL_REJECTED, TOOL_TOLD };

struct message {
	int session;
	bool from_user, is_summary, is_synthetic, is_compaction;
	int parts; /* of a prompt: it must stay one */
	enum tool tool;
	char id[ID_SIZE], part_id[ID_SIZE], parent[ID_SIZE], text[300];
	const char *finish, *error_name, *error_text; /* literals */
	int64_t created_ms, completed_ms;
};

/* What a process does in a session, from a prompt's being taken to its being idle. */
enum phase { TURN_NONE, TURN_TAKEN, TURN_STEP, TURN_ASKS, TURN_CHILD, TURN_RETRY, TURN_ZOMBIE };

struct turn {
	enum phase phase;
	int process, session;
	int64_t at_us;                                         /* when it goes on by itself */
	int message;                                           /* that is being written; -1: none */
	int child;                                             /* the session it waits for */
	char message_id[ID_SIZE], part_id[ID_SIZE], text[300]; /* TURN_TAKEN */
};

struct ask {
	bool is_open, is_question;
	int process, session, turn;
	char id[ID_SIZE];
};

/* What the wire does to a request. */
enum fate { FATE_GOOD, FATE_LOST, FATE_CUT, FATE_500, FATE_500_DONE, FATE_PAGE, FATES };

/* A request that is under way to its server: it arrives also when its sender is dead. */
struct request {
	bool is_used;
	bool is_stuck; /* its server hung: who did not wait for the answer is not served any more */
	int life, process;
	int64_t arrives_us;
	enum fate fate;
	struct http_call *call; /* valid in its life alone, until the call is cancelled */
	char method[8], path[1200], password[80], body[2000];
};

enum act {
	ACT_NONE,
	/* of the world */
	ACT_KILL_SERVER,
	ACT_WEDGE_SERVER,
	ACT_SERVER_AWAY,
	ACT_WIPE_SERVER,
	ACT_DELETE_SESSION,
	ACT_ABORT_SESSION,
	ACT_CUT_STREAM,
	ACT_BREAK_STATUS,
	ACT_SUSPEND,
	ACT_SET_CLOCK,
	/* of persons */
	ACT_ADD,
	ACT_ADD_BY_HAND,
	ACT_CANCEL,
	ACT_CANCEL_BY_HAND,
	ACT_RETRY,
	ACT_HOLD,
	ACT_RELEASE,
	ACT_ANSWER,
	ACT_EDIT_BY_HAND,
	ACT_LOCK,
	ACT_UNLOCK,
	/* of whoever runs vigil */
	ACT_STOP_VIGIL,
	ACT_KILL_VIGIL,
	ACTS
};

struct happening {
	enum act act;
	int64_t at_us;
	int64_t arg; /* a length in ms, a task, … */
};

struct task_plan {
	char script[200];
	const char *natural; /* how it ends if nobody interferes: a status, or an error_kind */
	int attempts;
	int timeout_s;
	int after; /* another of these, -1: none */
	const char *directory;
	bool is_tried, is_added, has_question;
	bool is_disturbed; /* a person or the world did what may end it otherwise */
	int64_t id;
	int retries; /* that a person may have made */
};

struct plan {
	bool is_managed;
	int tasks, parallel, max_resumes;
	const char *on_ask, *on_interrupt, *stall;
	int64_t calm_us;                /* from then on nothing goes wrong */
	int latency_ms;                 /* the most, as a rule */
	int slow, lost, cut, bad, deaf; /* in 1000: requests, and events that are not heard */
	int late_session_ms;            /* of the first session: how late its request arrives */
	int crash_passings;             /* 1 in so many lives' failpoints; 0: none */
	struct task_plan task[MAX_TASKS];
};

struct world {
	uint64_t chance, secrets; /* states of the two generators */
	int64_t now_us, wall_us;  /* monotonic; what is added to it for the wall clock */
	int life;
	bool is_living;                  /* a life of vigil is running: this process is it */
	int passings;                    /* failpoints until this life dies; 0: it does not */
	const char *dies_at;             /* a failpoint; a literal, NULL: none */
	int64_t dies_us;                 /* NEVER, or when it dies between two turns of its loop */
	int64_t turns;                   /* of its loop */
	int64_t second_us, second_turns; /* of these, since then */
	bool is_broken;                  /* `broken` says what did not hold */
	char broken[4000];
	int64_t newest_event; /* that was traced */
	int trace_fd;         /* -1: nobody reads it */
	char folder[200], database[256], config[256];
	struct plan plan;

	int process_count, session_count, message_count, ask_count, ids;
	int64_t broken_us; /* until then, what the sessions do cannot be asked */
	int given;         /* the process at the given address; -1: none */
	bool is_locked;    /* somebody holds the database */
	struct process process[MAX_PROCESSES];
	struct session session[MAX_SESSIONS];
	struct message message[MAX_MESSAGES];
	struct turn turn[MAX_TURNS];
	struct ask ask[MAX_ASKS];
	struct request request[MAX_REQUESTS];
	struct happening happening[MAX_ACTS];

	/* What the checks remember of each task, by its id. */
	struct {
		bool is_final;
		int64_t revision;
		int retries_seen;
	} seen[MAX_TASKS * 2];

	int64_t total_tasks, total_lives, total_crashes, total_requests;
};

extern struct world *w;

/* ---- world.c: time and chance */
void world_map(void); /* once */
void world_reset(uint64_t seed);
uint64_t chance_next(uint64_t *state);
int64_t world_upto(int64_t limit); /* 0 … limit - 1 */
bool world_happens(int in_1000);
int64_t world_wall_ms(void);
void world_plan_act(enum act, int64_t at_us, int64_t arg);
int64_t world_next_us(void);
void world_run(void);        /* all that is due */
void world_pass(int64_t us); /* time passes while vigil is dead */
bool world_is_calm(void);
/* What did not hold; the first is kept. The life, if this is one, ends here. */
void broken(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- opencode.c: processes and sessions */
int process_start(bool is_managed, const char *nonce, const char *password, int64_t in_us);
void process_kill(int process);
int process_at(const char *url, size_t bytes); /* that listens there; -1 */
bool process_listens(int process);
bool process_is_wedged(int process);
void opencode_wipe(void);
int session_find(const char *id); /* -1: none */
int session_new(const char *directory, const char *title, const char *agent, int parent);
void session_delete(int process, int session);
int message_new(int session, bool from_user);
void make_id(char out[ID_SIZE], const char *prefix);
/* To everybody who listens to this process; directory NULL: an event of the server's own. */
void emit(int process, const char *directory, const char *type, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- turn.c */
struct turn *turn_of(int process, int session); /* NULL: it is idle there */
void turn_prompt(
    int process, int session, const char *message_id, const char *part_id, const char *text);
void turn_abort(int process, int session);
void turn_drop(struct turn *); /* its process is dead */
void turn_run(struct turn *);  /* at_us has come */
bool turn_reply(struct ask *, bool is_rejected, bool has_words);
bool answer_is_finished(int session);
const char *status_word(const struct turn *); /* "busy", "retry"; NULL: not in the map */

/* ---- routes.c */
struct answer {
	int status;
	const char *type;
	char cursor[ID_SIZE];
	struct buf body;
};
void routes_answer(int process, const struct request *, struct answer *);
void add_quoted(struct buf *, const char *text);
void add_session(struct buf *, int session);
void add_message_info(struct buf *, const struct message *);

/* ---- http.c, ev.c: hooks of the others into them */
void http_hear(int process, const char *data); /* an event, for the streams of this life */
void http_process_died(int process);
void http_cut_streams(void);
void http_arrived(struct request *, struct answer *); /* takes the body */
int64_t http_next_us(void);
void http_run(void);
void ev_raise(int signal_number);
int64_t wire_latency_us(void);

/* ---- people.c */
void people_act(const struct happening *);
void people_close(void); /* before a fork */

/* ---- check.c */
void check_open(void); /* the life's own eyes on the database */
void check_close(void);
void check_turn(void);
void check_sending(const char *session_id);
void check_whole(void); /* between two lives */
void check_end(void);

/* ---- trace.c */
void trace(const char *format, ...) __attribute__((format(printf, 1, 2)));
void trace_request(const char *line);
int trace_open(char **name); /* a file for one; the caller frees, and removes it */

bool trace_differs(const char *a, const char *b); /* two files; says where */

/* ---- plan.c */
void plan_seed(void);
void plan_write_config(void);

/* ---- story.c: a world from its beginning to its end. False: something did not hold. */
bool story_tell(uint64_t seed, int trace_fd);
struct journey; /* golden.c */
bool story_tell_journey(const struct journey *, int trace_fd);

#endif
