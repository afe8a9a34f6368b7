-- The database from nothing: tasks, their attempts, transcripts and history, and the guards that
-- hold in any sqlite3 shell. Times are UTC text, 2026-01-31T06:00:00.000Z. No function of vigil's
-- own is used here, so every trigger works where only SQLite is. `x IS strftime(…, x, '+0 days')` says
-- that x is such a time, and one that exists: '+0 days' makes 2 March of 30 February. An id has room
-- behind it: after the last one that there is, SQLite could insert nothing more.

CREATE TABLE vigil (                    -- one row: the database itself
	only_row    INTEGER PRIMARY KEY CHECK (only_row = 1),
	created_at  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
	id          TEXT,                   -- from its first run on; a copy gets another one. What has it in its
	                                    -- environment (a server) or in its mark (a pane) is this database's
	place       TEXT,                   -- the path at which its newest run found it
	machine     TEXT,                   -- on which machine that was; not the machine's own id
	file        TEXT,                   -- which file that was
	paused_at   TEXT                    -- the queue starts nothing while this is set
		CONSTRAINT "paused_at is a UTC time like 2026-01-31T06:00:00.000Z"
		CHECK (paused_at GLOB '[0-9]*' AND paused_at IS strftime('%Y-%m-%dT%H:%M:%fZ', paused_at, '+0 days'))
) STRICT;
INSERT INTO vigil (only_row) VALUES (1);
CREATE TRIGGER vigil_one BEFORE INSERT ON vigil
BEGIN
	SELECT RAISE(ABORT, 'the one row of this table stays');
END;
CREATE TRIGGER vigil_kept BEFORE DELETE ON vigil
BEGIN
	SELECT RAISE(ABORT, 'the one row of this table stays');
END;
CREATE TRIGGER vigil_paused AFTER UPDATE OF paused_at ON vigil
WHEN (NEW.paused_at IS NULL) <> (OLD.paused_at IS NULL)
BEGIN
	INSERT INTO events (kind) VALUES (iif(NEW.paused_at IS NULL, 'resumed', 'paused'));
END;

CREATE TABLE runners (                  -- one row a `vigil run`
	id         INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0 AND id < 1 << 53),
	pid        INTEGER NOT NULL,
	pid_start  INTEGER NOT NULL,        -- clock ticks since boot: with boot_id, tells a reused pid
	boot_id    TEXT NOT NULL,
	version    TEXT NOT NULL,
	directory  TEXT NOT NULL,           -- where tasks without a directory run
	slots      INTEGER,                 -- how many tasks it runs side by side
	server     TEXT,                    -- that it drives, as in tasks.server
	trouble    TEXT,                    -- why it can start none: its server is out of reach. NULL: it is there
	trouble_at TEXT                     -- since when
		CHECK (trouble_at IS strftime('%Y-%m-%dT%H:%M:%fZ', trouble_at, '+0 days')),
	clock_gap_ms INTEGER,               -- wall clock less monotonic clock, as last seen: with boot_id, the next
	                                    -- run knows for how long the machine has slept in between
	started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
		CHECK (started_at IS strftime('%Y-%m-%dT%H:%M:%fZ', started_at, '+0 days')),
	ended_at   TEXT                     -- NULL also after a crash
		CHECK (ended_at IS strftime('%Y-%m-%dT%H:%M:%fZ', ended_at, '+0 days')),
	ending     TEXT                     -- 'drained', 'stopped', or a sentence
) STRICT;
CREATE INDEX runners_alive ON runners (id) WHERE ended_at IS NULL;

CREATE TABLE servers (                  -- one row a server process of ours, or an address given to us
	id         INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0 AND id < 1 << 53),
	name       TEXT NOT NULL,           -- 'managed' for one that vigil starts
	url        TEXT,                    -- NULL until its port is known
	nonce      TEXT,                    -- in the environment of a managed one
	pid        INTEGER,
	pid_start  INTEGER,
	boot_id    TEXT,
	version    TEXT,                    -- as its health check says
	started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
		CHECK (started_at IS strftime('%Y-%m-%dT%H:%M:%fZ', started_at, '+0 days')),
	ended_at   TEXT CHECK (ended_at IS strftime('%Y-%m-%dT%H:%M:%fZ', ended_at, '+0 days')),
	ending     TEXT                     -- why it ended
) STRICT;
CREATE INDEX servers_alive ON servers (name) WHERE ended_at IS NULL;

CREATE TABLE tasks (                    -- one row a task: what it is to do, how it stands, what came of it
	id             INTEGER PRIMARY KEY AUTOINCREMENT -- never used twice
		CONSTRAINT "an id is a number above 0; leave it out" CHECK (id > 0 AND id < 1 << 53),
	status         TEXT NOT NULL DEFAULT 'queued'
		CONSTRAINT "a status is queued, held, starting, running, stopping, completed, failed or cancelled"
		CHECK (status IN ('queued', 'held', 'starting', 'running', 'stopping', 'completed', 'failed', 'cancelled')),
	prompt         TEXT NOT NULL        -- what it is to do
		CONSTRAINT "a prompt cannot contain a NUL" CHECK (instr(prompt, char(0)) = 0)
		CONSTRAINT "a prompt cannot be empty" CHECK (trim(prompt, char(9, 10, 11, 12, 13, 32, 160)) <> '')
		CONSTRAINT "a prompt has at most 16 MB" CHECK (length(CAST(prompt AS BLOB)) <= 16777216),
	description    TEXT,                -- a few words, for lists and as the session's title
	agent          TEXT                 -- NULL: the server's default
		CONSTRAINT "an agent's name is without its @" CHECK (agent NOT LIKE '@%'),
	model          TEXT                 -- NULL: as configured for the agent, else the server's default
		CONSTRAINT "a model is PROVIDER/MODEL" CHECK (model LIKE '_%/_%'),
	variant        TEXT,                -- of the model
	directory      TEXT                 -- NULL: the runner's own, recorded when it starts
		CONSTRAINT "a directory is an absolute path" CHECK (directory LIKE '/%'),
	parent_session TEXT,                -- the session that its own is a child of
	session_id     TEXT,                -- of the newest attempt
	server         TEXT,                -- where it ran last
	priority       INTEGER NOT NULL DEFAULT 0 -- higher first, then the lowest id
		CONSTRAINT "a priority is from -100 to 100" CHECK (priority BETWEEN -100 AND 100),
	not_before     TEXT                 -- it starts no sooner
		CONSTRAINT "not_before is a UTC time like 2026-01-31T06:00:00.000Z"
		CHECK (not_before GLOB '[0-9]*' AND not_before IS strftime('%Y-%m-%dT%H:%M:%fZ', not_before, '+0 days')),
	key            TEXT                 -- no two open tasks have the same
		CONSTRAINT "a key has 1 to 255 characters" CHECK (length(key) BETWEEN 1 AND 255),
	mutex          TEXT                 -- no two live tasks have the same
		CONSTRAINT "a mutex has 1 to 255 characters" CHECK (length(mutex) BETWEEN 1 AND 255),
	timeout_s      REAL                 -- NULL: as configured; 0: none
		CONSTRAINT "a timeout is from 0 seconds to 10 years" CHECK (timeout_s BETWEEN 0 AND 315619200),
	max_attempts   INTEGER              -- NULL: as configured
		CONSTRAINT "max_attempts is from 1 to 100" CHECK (max_attempts BETWEEN 1 AND 100),
	attempts       INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0), -- made so far: its rows in attempts
	attempts_base  INTEGER NOT NULL DEFAULT 0,        -- attempts made before the newest `retry`
	result         TEXT,                -- the text of the final answer
	result_cut     INTEGER NOT NULL DEFAULT 0 CHECK (result_cut IN (0, 1)), -- 1: longer than what is kept
	error          TEXT,                -- why it failed, or was cancelled: a sentence
	error_kind     TEXT                 -- the same of a failed one in a word
		CONSTRAINT "an error_kind is agent, empty, timeout, stalled, interrupted, rejected, refused, server, limit or lost"
		CHECK (error_kind IN ('agent', 'empty', 'timeout', 'stalled', 'interrupted', 'rejected', 'refused', 'server', 'limit', 'lost')),
	stop           TEXT                 -- what stops a stopping task: cancel, timeout, stall or loop
		CHECK (stop IN ('cancel', 'timeout', 'stall', 'loop')),
	note           TEXT,                -- what a live task waits for, where something is in its way
	created_at     TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
		CONSTRAINT "created_at is a UTC time like 2026-01-31T06:00:00.000Z"
		CHECK (created_at GLOB '[0-9]*' AND created_at IS strftime('%Y-%m-%dT%H:%M:%fZ', created_at, '+0 days')),
	started_at     TEXT                 -- of the first attempt
		CONSTRAINT "started_at is a UTC time like 2026-01-31T06:00:00.000Z"
		CHECK (started_at GLOB '[0-9]*' AND started_at IS strftime('%Y-%m-%dT%H:%M:%fZ', started_at, '+0 days')),
	completed_at   TEXT                 -- when it became final
		CONSTRAINT "completed_at is a UTC time like 2026-01-31T06:00:00.000Z"
		CHECK (completed_at GLOB '[0-9]*' AND completed_at IS strftime('%Y-%m-%dT%H:%M:%fZ', completed_at, '+0 days')),
	wake_at        TEXT                 -- when a live task is looked at next
		CONSTRAINT "wake_at is a UTC time like 2026-01-31T06:00:00.000Z"
		CHECK (wake_at GLOB '[0-9]*' AND wake_at IS strftime('%Y-%m-%dT%H:%M:%fZ', wake_at, '+0 days')),
	revision       INTEGER NOT NULL DEFAULT 0,        -- grows with each change of status
	-- Of the control characters beyond ASCII, U+0080 to U+009F, none may reach a terminal. In UTF-8 they are C2 and a
	-- second byte, which behind E2 90 is one of the pictures of control characters, U+2400 to U+241F. (The few letters
	-- and signs that begin with C2, too, are lost in such a text. A replace() for each is more than SQLite parses.)
	title          TEXT                 -- its description, else how its prompt begins; on one line, without escapes
		AS (replace(replace(replace(replace(coalesce(nullif(description, ''),
			substr(ltrim(prompt, char(9, 10, 13, 32)), 1, 60)),
			iif(coalesce(nullif(description, ''), substr(ltrim(prompt, char(9, 10, 13, 32)), 1, 60))
				GLOB '*[' || char(128) || '-' || char(159) || ']*', CAST(x'C2' AS TEXT), ''), CAST(x'E290' AS TEXT)),
			char(10), ' '), char(13), ' '), char(27), ' ')),
	error_line     TEXT                 -- how its error begins; the same
		AS (replace(replace(replace(replace(substr(error, 1, 100),
			iif(substr(error, 1, 100) GLOB '*[' || char(128) || '-' || char(159) || ']*',
				CAST(x'C2' AS TEXT), ''), CAST(x'E290' AS TEXT)),
			char(10), ' '), char(13), ' '), char(27), ' ')),
	CONSTRAINT "a text of a task cannot contain a NUL"
		CHECK (instr(description, char(0)) = 0 AND instr(agent, char(0)) = 0 AND instr(model, char(0)) = 0
			AND instr(variant, char(0)) = 0 AND instr(directory, char(0)) = 0
			AND instr(parent_session, char(0)) = 0 AND instr(key, char(0)) = 0 AND instr(mutex, char(0)) = 0),
	CONSTRAINT "a live task has a time of its next look"
		CHECK (status NOT IN ('starting', 'running', 'stopping') OR wake_at IS NOT NULL)
) STRICT;
CREATE INDEX tasks_queued ON tasks (priority DESC, id) WHERE status = 'queued';
CREATE INDEX tasks_not_before ON tasks (not_before) WHERE status = 'queued' AND not_before IS NOT NULL;
CREATE INDEX tasks_live ON tasks (wake_at) WHERE status IN ('starting', 'running', 'stopping');
CREATE INDEX tasks_created ON tasks (created_at);
CREATE INDEX tasks_completed ON tasks (completed_at) WHERE completed_at IS NOT NULL;
CREATE INDEX tasks_status ON tasks (status, id);
CREATE UNIQUE INDEX tasks_key ON tasks (key)
	WHERE key IS NOT NULL AND status IN ('queued', 'held', 'starting', 'running', 'stopping');
CREATE UNIQUE INDEX tasks_mutex ON tasks (mutex)
	WHERE mutex IS NOT NULL AND status IN ('starting', 'running', 'stopping');

-- Of few tasks, and written when these end; without it, those that passed in the end are looked for among all.
CREATE INDEX tasks_retried ON tasks (completed_at) WHERE attempts > 1 AND completed_at IS NOT NULL;

CREATE TABLE dependencies (             -- task_id starts only once needs_id has completed
	task_id  INTEGER NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
	needs_id INTEGER NOT NULL,          -- no longer in tasks: it was deleted, and had not completed
	PRIMARY KEY (task_id, needs_id),
	CONSTRAINT "a task can only come after an older one" CHECK (needs_id < task_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX dependencies_needed ON dependencies (needs_id);

CREATE TABLE attempts (                 -- one row a try; frozen once it has ended
	id                 INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0 AND id < 1 << 53),
	task_id            INTEGER NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
	number             INTEGER NOT NULL CHECK (number >= 1),
	nonce              TEXT NOT NULL,   -- in the session's title and metadata
	server             TEXT,
	server_id          INTEGER REFERENCES servers (id), -- the process the prompt was given to
	runner_id          INTEGER REFERENCES runners (id), -- the runner that claimed it
	session_id         TEXT,
	message_id         TEXT,            -- of our prompt, committed before it is sent
	part_id            TEXT,
	agent              TEXT,            -- as resolved and sent; where none was, the one that worked
	model              TEXT,
	variant            TEXT,
	started_at         TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
		CHECK (started_at IS strftime('%Y-%m-%dT%H:%M:%fZ', started_at, '+0 days')),
	prompted_at        TEXT             -- when the server had it, not when it was meant
		CHECK (prompted_at IS strftime('%Y-%m-%dT%H:%M:%fZ', prompted_at, '+0 days')),
	progress_at        TEXT             -- the newest sign of work in its messages
		CHECK (progress_at IS strftime('%Y-%m-%dT%H:%M:%fZ', progress_at, '+0 days')),
	step_at            TEXT             -- when its newest step was finished, by the server's clock
		CHECK (step_at IS strftime('%Y-%m-%dT%H:%M:%fZ', step_at, '+0 days')),
	idle_at            TEXT             -- since when the session is idle without an answer
		CHECK (idle_at IS strftime('%Y-%m-%dT%H:%M:%fZ', idle_at, '+0 days')),
	unreachable_at     TEXT             -- since when the server cannot be asked
		CHECK (unreachable_at IS strftime('%Y-%m-%dT%H:%M:%fZ', unreachable_at, '+0 days')),
	stranger_at        TEXT             -- since when the server knows no session of ours
		CHECK (stranger_at IS strftime('%Y-%m-%dT%H:%M:%fZ', stranger_at, '+0 days')),
	waiting_at         TEXT             -- since when it waits: for a person, or for its provider
		CHECK (waiting_at IS strftime('%Y-%m-%dT%H:%M:%fZ', waiting_at, '+0 days')),
	stop_at            TEXT             -- since when a stop is tried, and not confirmed
		CHECK (stop_at IS strftime('%Y-%m-%dT%H:%M:%fZ', stop_at, '+0 days')),
	sent_at            TEXT             -- when the prompt was last sent
		CHECK (sent_at IS strftime('%Y-%m-%dT%H:%M:%fZ', sent_at, '+0 days')),
	aborted_at         TEXT             -- when an abort was last confirmed
		CHECK (aborted_at IS strftime('%Y-%m-%dT%H:%M:%fZ', aborted_at, '+0 days')),
	lost_ms            INTEGER NOT NULL DEFAULT 0,      -- of its time: how long it could not work
	sends              INTEGER NOT NULL DEFAULT 0,      -- since our message was last seen there
	resumes            INTEGER NOT NULL DEFAULT 0,      -- how often a turn that was cut off went on
	stuck              INTEGER NOT NULL DEFAULT 0,      -- resumptions without progress between them
	searches           INTEGER NOT NULL DEFAULT 0,      -- for a session made just before a crash
	misses             INTEGER NOT NULL DEFAULT 0,      -- answers in a row that the session is gone
	ended_at           TEXT
		CHECK (ended_at IS strftime('%Y-%m-%dT%H:%M:%fZ', ended_at, '+0 days')),
	sealed             INTEGER NOT NULL DEFAULT 0,      -- 1 with its end: a runner's, no hand's
	outcome            TEXT CHECK (outcome IN ('completed', 'failed', 'cancelled')),
	error              TEXT,
	error_kind         TEXT,
	tokens_input       INTEGER NOT NULL DEFAULT 0,
	tokens_output      INTEGER NOT NULL DEFAULT 0,
	tokens_reasoning   INTEGER NOT NULL DEFAULT 0,
	tokens_cache_read  INTEGER NOT NULL DEFAULT 0,
	tokens_cache_write INTEGER NOT NULL DEFAULT 0,
	cost               REAL NOT NULL DEFAULT 0,         -- US dollars, as the server counts
	error_line         TEXT                             -- how its error begins, on one line, without escapes
		AS (replace(replace(replace(replace(substr(error, 1, 100),
			iif(substr(error, 1, 100) GLOB '*[' || char(128) || '-' || char(159) || ']*',
				CAST(x'C2' AS TEXT), ''), CAST(x'E290' AS TEXT)),
			char(10), ' '), char(13), ' '), char(27), ' ')),
	seconds            INTEGER                          -- of work: from start to end, less what it lost
		AS (max(0, CAST(round((julianday(ended_at) - julianday(started_at)) * 86400 - lost_ms / 1000.0) AS INTEGER))),
	UNIQUE (task_id, number),
	CHECK ((ended_at IS NULL) = (outcome IS NULL) AND (ended_at IS NOT NULL) = sealed),
	CONSTRAINT "only a runner gives an attempt its session, with the ids of message and part"
		CHECK ((session_id IS NULL) = (message_id IS NULL) AND (session_id IS NULL) = (part_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX attempts_one_live ON attempts (task_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX attempts_live_session ON attempts (session_id) WHERE ended_at IS NULL AND session_id IS NOT NULL;
-- Written once an attempt; without them, one night's report would look at every attempt there ever was. What was
-- under way between two times ended after the first, within a day of the second, or is live; and the few
-- that last for more than a day are found by themselves, so that no report depends on the nights around its own.
CREATE INDEX attempts_ended ON attempts (ended_at, started_at) WHERE ended_at IS NOT NULL;
CREATE INDEX attempts_long ON attempts (ended_at, started_at) WHERE julianday(ended_at) - julianday(started_at) > 1;

CREATE TABLE messages (                 -- the transcript: one row a message of our turn
	id                 INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0 AND id < 1 << 53),
	task_id            INTEGER NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
	attempt_id         INTEGER NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
	message_id         TEXT NOT NULL,
	role               TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
	agent              TEXT,
	model              TEXT,
	text               TEXT NOT NULL,
	reasoning          TEXT,
	finish             TEXT,
	error              TEXT,
	summary            INTEGER NOT NULL DEFAULT 0,      -- 1: a compaction's, no answer
	cut                INTEGER NOT NULL DEFAULT 0,      -- 1: longer than what is kept
	created_at         TEXT,
	completed_at       TEXT,
	tokens_input       INTEGER NOT NULL DEFAULT 0,
	tokens_output      INTEGER NOT NULL DEFAULT 0,
	tokens_reasoning   INTEGER NOT NULL DEFAULT 0,
	tokens_cache_read  INTEGER NOT NULL DEFAULT 0,
	tokens_cache_write INTEGER NOT NULL DEFAULT 0,
	cost               REAL NOT NULL DEFAULT 0,
	UNIQUE (attempt_id, message_id)
) STRICT;
CREATE INDEX messages_task ON messages (task_id);

CREATE TABLE events (                   -- append-only: what happened to a task, and when
	id         INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0 AND id < 1 << 53),
	at         TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
		CHECK (at IS strftime('%Y-%m-%dT%H:%M:%fZ', at, '+0 days')),
	task_id    INTEGER,                 -- NULL: of the whole queue, paused or resumed
	attempt_id INTEGER,
	kind       TEXT NOT NULL,           -- a status that was reached, or what happened within one
	detail     TEXT
) STRICT;
CREATE INDEX events_task ON events (task_id, id);

CREATE TABLE asks (                     -- what an agent has asked a person, and what it was told
	id         INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0 AND id < 1 << 53),
	task_id    INTEGER NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
	attempt_id INTEGER NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
	session_id TEXT NOT NULL,           -- that asks: the attempt's, or one of a subagent below it
	ask_id     TEXT NOT NULL UNIQUE,    -- the server's own id of it
	kind       TEXT NOT NULL CHECK (kind IN ('permission', 'question')),
	asked_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) -- when it was seen
		CHECK (asked_at IS strftime('%Y-%m-%dT%H:%M:%fZ', asked_at, '+0 days')),
	request    TEXT NOT NULL,           -- in words; of a question with its options
	reply      TEXT                     -- NULL: a person is to say. Of several questions, a line each
		CONSTRAINT "a reply cannot be empty" CHECK (trim(reply, ' ' || char(9, 10, 13)) <> ''),
	replied_at TEXT                     -- when the server had it, not when it was decided
		CHECK (replied_at IS strftime('%Y-%m-%dT%H:%M:%fZ', replied_at, '+0 days')),
	replied_by TEXT                     -- elsewhere: in OpenCode itself, or what asked has ended
		CHECK (replied_by IN ('vigil', 'person', 'elsewhere')),
	CONSTRAINT "a permission is replied to with once, always or reject"
		CHECK (kind <> 'permission' OR reply IN ('once', 'always', 'reject'))
) STRICT;
CREATE INDEX asks_task ON asks (task_id);
CREATE INDEX asks_attempt ON asks (attempt_id);
CREATE INDEX asks_open ON asks (id) WHERE replied_at IS NULL;

CREATE TABLE panes (                    -- in tmux, which show a session; also those that could not be had
	id         INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0 AND id < 1 << 53),
	task_id    INTEGER REFERENCES tasks (id) ON DELETE CASCADE, -- NULL: of a session that is below no task's
	attempt_id INTEGER REFERENCES attempts (id) ON DELETE CASCADE,
	session_id TEXT NOT NULL,
	root_session TEXT,                  -- the task's session, or its parent_session, that this one is below; NULL:
	                                    -- it is the task's own
	mark       TEXT NOT NULL UNIQUE,    -- in its command, from its first moment
	wanted_at  TEXT NOT NULL            -- committed before it is opened
		CHECK (wanted_at IS strftime('%Y-%m-%dT%H:%M:%fZ', wanted_at, '+0 days')),
	tmux_socket       TEXT,
	tmux_server_pid   INTEGER,
	tmux_server_start INTEGER,          -- seconds since 1970; with the pid, tells a server from a later one
	pane_id    TEXT,
	pane_pid   INTEGER,
	opened_at  TEXT                     -- NULL: it never was
		CHECK (opened_at IS strftime('%Y-%m-%dT%H:%M:%fZ', opened_at, '+0 days')),
	closed_at  TEXT
		CHECK (closed_at IS strftime('%Y-%m-%dT%H:%M:%fZ', closed_at, '+0 days')),
	close_reason TEXT                   -- ended: its task has; stopped, crashed: its runner did; gone: a person
	                                    -- closed it, or its program ended; server gone: tmux itself; failed:
	                                    -- there never was one; displaced: a task needed its place; renewed: its
	                                    -- server was another, and it was opened anew
		CHECK (close_reason IN
			('ended', 'stopped', 'crashed', 'gone', 'server gone', 'failed', 'displaced', 'renewed')),
	detail     TEXT,                    -- why there is none (yet), or what has ended
	CHECK ((closed_at IS NULL) = (close_reason IS NULL)),
	CONSTRAINT "a pane that was opened has all that identifies it"
		CHECK ((opened_at IS NULL) = (tmux_socket IS NULL OR tmux_server_pid IS NULL OR tmux_server_start IS NULL
			OR pane_id IS NULL OR pane_pid IS NULL))
) STRICT;
CREATE INDEX panes_task ON panes (task_id);
CREATE INDEX panes_attempt ON panes (attempt_id);
CREATE INDEX panes_session ON panes (session_id);
CREATE INDEX panes_open ON panes (id) WHERE closed_at IS NULL;
CREATE UNIQUE INDEX panes_one_open ON panes (session_id) WHERE closed_at IS NULL;

-- A task goes live only together with an attempt, and leaves that only once the attempt has ended: this is what
-- keeps a hand's slip from losing an agent's work.
CREATE TABLE status_moves (             -- which status may follow which
	old TEXT NOT NULL,
	new TEXT NOT NULL,
	PRIMARY KEY (old, new)
) STRICT, WITHOUT ROWID;
INSERT INTO status_moves (old, new) VALUES
	('queued', 'starting'), ('queued', 'held'), ('queued', 'cancelled'),
	('held', 'queued'), ('held', 'cancelled'),
	('starting', 'running'), ('starting', 'stopping'), ('starting', 'queued'), ('starting', 'held'),
	('starting', 'completed'), ('starting', 'failed'),
	('running', 'stopping'), ('running', 'queued'), ('running', 'held'), ('running', 'completed'),
	('running', 'failed'),
	('stopping', 'cancelled'), ('stopping', 'failed'), ('stopping', 'completed'), ('stopping', 'queued'),
	('completed', 'queued'), ('failed', 'queued'), ('cancelled', 'queued');
CREATE TRIGGER status_moves_insert BEFORE INSERT ON status_moves
BEGIN
	SELECT RAISE(ABORT, 'the moves are part of the program: this table is to be read');
END;
CREATE TRIGGER status_moves_update BEFORE UPDATE ON status_moves
BEGIN
	SELECT RAISE(ABORT, 'the moves are part of the program: this table is to be read');
END;
CREATE TRIGGER status_moves_delete BEFORE DELETE ON status_moves
BEGIN
	SELECT RAISE(ABORT, 'the moves are part of the program: this table is to be read');
END;

-- A row is there while the trigger tasks_moved completes a move: what it writes is what the guards keep a
-- hand from writing. Empty before and after every statement.
CREATE TABLE moving (                   -- the task whose status changes at this moment
	task_id INTEGER PRIMARY KEY
) STRICT;

-- An import brings rows as they were written down elsewhere, final ones among them, which nobody makes by hand.
-- Empty before and after every transaction.
CREATE TABLE importing (                -- the tasks of an import that is under way
	task_id INTEGER PRIMARY KEY,                      -- what it has become here
	old_id  INTEGER NOT NULL UNIQUE                   -- what it was there
) STRICT;

CREATE TRIGGER tasks_insert BEFORE INSERT ON tasks
WHEN NOT EXISTS (SELECT 1 FROM importing WHERE task_id = NEW.id)
BEGIN
	SELECT RAISE(ABORT, 'a new task is queued or held; only a runner makes it anything else')
	WHERE NEW.status NOT IN ('queued', 'held');
	SELECT RAISE(ABORT, 'a task with this id exists; leave the id out')
	WHERE EXISTS (SELECT 1 FROM tasks WHERE id = NEW.id);
	SELECT RAISE(ABORT, 'this id is too large; leave the id out') WHERE NEW.id >= 1 << 31;
	SELECT RAISE(ABORT, 'an open task with this key exists')
	WHERE EXISTS (SELECT 1 FROM tasks WHERE key = NEW.key
		AND status IN ('queued', 'held', 'starting', 'running', 'stopping'));
	SELECT RAISE(ABORT, 'a new task has no result, error, attempt or end; leave these columns out')
	WHERE (NEW.result, NEW.error, NEW.error_kind, NEW.stop, NEW.note, NEW.wake_at, NEW.session_id, NEW.server,
			NEW.started_at, NEW.completed_at)
			IS NOT (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
		OR (NEW.attempts, NEW.attempts_base, NEW.revision, NEW.result_cut) IS NOT (0, 0, 0, 0);
END;

CREATE TRIGGER tasks_import BEFORE INSERT ON tasks WHEN EXISTS (SELECT 1 FROM importing WHERE task_id = NEW.id)
BEGIN
	SELECT RAISE(ABORT, 'only a task that is queued, held or final can be imported')
	WHERE NEW.status IN ('starting', 'running', 'stopping') OR NEW.wake_at IS NOT NULL;
END;

CREATE TRIGGER tasks_inserted AFTER INSERT ON tasks
WHEN NOT EXISTS (SELECT 1 FROM importing WHERE task_id = NEW.id)
BEGIN
	INSERT INTO events (task_id, kind) VALUES (NEW.id, NEW.status);
END;

CREATE TRIGGER tasks_id BEFORE UPDATE ON tasks WHEN NEW.id <> OLD.id -- rowid is another name of it
BEGIN
	SELECT RAISE(ABORT, 'the id of a task never changes');
END;

CREATE TRIGGER tasks_move BEFORE UPDATE OF status ON tasks WHEN NEW.status <> OLD.status
BEGIN
	SELECT RAISE(ABORT, 'a task cannot go from its status to that one: see the table status_moves')
	WHERE NOT EXISTS (SELECT 1 FROM status_moves WHERE old = OLD.status AND new = NEW.status);
	SELECT RAISE(ABORT, 'only a runner starts a task: it makes an attempt first')
	WHERE NEW.status IN ('starting', 'running', 'stopping')
		AND NOT EXISTS (SELECT 1 FROM attempts WHERE task_id = OLD.id AND ended_at IS NULL);
	SELECT RAISE(ABORT, 'only a runner says that a task is running: it makes a session first')
	WHERE NEW.status = 'running'
		AND NOT EXISTS (SELECT 1 FROM attempts WHERE task_id = OLD.id AND ended_at IS NULL AND session_id IS NOT NULL);
	SELECT RAISE(ABORT, 'this task is live: set its status to stopping, or use vigil cancel')
	WHERE NEW.status NOT IN ('starting', 'running', 'stopping')
		AND EXISTS (SELECT 1 FROM attempts WHERE task_id = OLD.id AND ended_at IS NULL);
END;

-- The UNIQUE indexes say so too; but UPDATE OR REPLACE would delete the other task.
CREATE TRIGGER tasks_names BEFORE UPDATE OF key, mutex, status ON tasks
WHEN (NEW.key, NEW.mutex, NEW.status) IS NOT (OLD.key, OLD.mutex, OLD.status)
BEGIN
	SELECT RAISE(ABORT, 'an open task with this key exists')
	WHERE NEW.status IN ('queued', 'held', 'starting', 'running', 'stopping')
		AND EXISTS (SELECT 1 FROM tasks WHERE key = NEW.key AND id <> OLD.id
			AND status IN ('queued', 'held', 'starting', 'running', 'stopping'));
	SELECT RAISE(ABORT, 'another live task holds this mutex')
	WHERE NEW.status IN ('starting', 'running', 'stopping')
		AND EXISTS (SELECT 1 FROM tasks WHERE mutex = NEW.mutex AND id <> OLD.id
			AND status IN ('starting', 'running', 'stopping'));
END;

CREATE TRIGGER tasks_counted BEFORE UPDATE OF attempts ON tasks WHEN NEW.attempts <> OLD.attempts
BEGIN
	SELECT RAISE(ABORT, 'attempts is the number of the task''s rows in the table attempts')
	WHERE NEW.attempts <> (SELECT count(*) FROM attempts WHERE task_id = OLD.id);
END;

CREATE TRIGGER tasks_revision BEFORE UPDATE OF revision ON tasks
WHEN NEW.revision <> OLD.revision AND NOT EXISTS (SELECT 1 FROM moving WHERE task_id = OLD.id)
BEGIN
	SELECT RAISE(ABORT, 'the revision of a task grows by itself, with each change of its status');
END;

CREATE TRIGGER tasks_created BEFORE UPDATE OF created_at ON tasks WHEN NEW.created_at <> OLD.created_at
BEGIN
	SELECT RAISE(ABORT, 'created_at never changes');
END;

-- What a runner writes, while no runner has the task. A move by hand may say why (error); of the rest of
-- a move, tasks_moved sees to it that it fits.
CREATE TRIGGER tasks_untouched BEFORE UPDATE ON tasks
WHEN OLD.status NOT IN ('starting', 'running', 'stopping') AND NEW.status NOT IN ('starting', 'running', 'stopping')
	AND NOT EXISTS (SELECT 1 FROM moving WHERE task_id = OLD.id)
BEGIN
	SELECT RAISE(ABORT, 'this task is final: it cannot be edited, but for its description (vigil retry queues it again)')
	WHERE NEW.status = OLD.status AND OLD.status IN ('completed', 'failed', 'cancelled')
		AND (NEW.prompt, NEW.agent, NEW.model, NEW.variant, NEW.directory, NEW.parent_session, NEW.session_id,
			NEW.server, NEW.priority, NEW.not_before, NEW.key, NEW.mutex, NEW.timeout_s, NEW.max_attempts,
			NEW.attempts, NEW.attempts_base, NEW.result, NEW.result_cut, NEW.error, NEW.error_kind, NEW.stop,
			NEW.note, NEW.started_at, NEW.completed_at, NEW.wake_at)
		IS NOT (OLD.prompt, OLD.agent, OLD.model, OLD.variant, OLD.directory, OLD.parent_session, OLD.session_id,
			OLD.server, OLD.priority, OLD.not_before, OLD.key, OLD.mutex, OLD.timeout_s, OLD.max_attempts,
			OLD.attempts, OLD.attempts_base, OLD.result, OLD.result_cut, OLD.error, OLD.error_kind, OLD.stop,
			OLD.note, OLD.started_at, OLD.completed_at, OLD.wake_at);
	SELECT RAISE(ABORT, 'session_id, server, started_at, note and wake_at are for a runner to write')
	WHERE (NEW.session_id, NEW.server, NEW.started_at, NEW.note, NEW.wake_at)
		IS NOT (OLD.session_id, OLD.server, OLD.started_at, OLD.note, OLD.wake_at);
	SELECT RAISE(ABORT, 'a queued task has no result, error or end: only a runner writes them')
	WHERE OLD.status IN ('queued', 'held') AND ((NEW.result, NEW.result_cut, NEW.error_kind, NEW.attempts_base)
			IS NOT (OLD.result, OLD.result_cut, OLD.error_kind, OLD.attempts_base)
		OR NEW.status IN ('queued', 'held')
			AND (NEW.error, NEW.stop, NEW.completed_at) IS NOT (OLD.error, OLD.stop, OLD.completed_at));
END;

CREATE TRIGGER tasks_at_work BEFORE UPDATE OF prompt, agent, model, variant, directory, parent_session, server ON tasks
WHEN OLD.status IN ('starting', 'running', 'stopping')
	AND (NEW.prompt, NEW.agent, NEW.model, NEW.variant, NEW.directory, NEW.parent_session, NEW.server)
	IS NOT (OLD.prompt, OLD.agent, OLD.model, OLD.variant, OLD.directory, OLD.parent_session, OLD.server)
BEGIN
	SELECT RAISE(ABORT, 'this task is live: what its agent was told to do, and where, cannot be changed any more');
END;

CREATE TRIGGER tasks_moved AFTER UPDATE OF status ON tasks WHEN NEW.status <> OLD.status
BEGIN
	-- What a move implies, so that a move made by hand is as complete as one of vigil's own.
	INSERT OR IGNORE INTO moving (task_id) VALUES (NEW.id);
	UPDATE tasks SET revision = revision + 1,
		completed_at = CASE WHEN NEW.status IN ('completed', 'failed', 'cancelled')
			THEN coalesce(NEW.completed_at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) END,
		wake_at = CASE WHEN NEW.status IN ('starting', 'running', 'stopping') THEN NEW.wake_at END,
		stop = CASE WHEN NEW.status = 'stopping' THEN coalesce(NEW.stop, 'cancel')
			WHEN NEW.status IN ('queued', 'held') THEN NULL ELSE NEW.stop END,
		note = CASE WHEN NEW.status IN ('starting', 'running', 'stopping') THEN NEW.note END,
		error = CASE WHEN OLD.status IN ('completed', 'failed', 'cancelled') THEN NULL
			WHEN NEW.status IN ('stopping', 'cancelled') AND coalesce(NEW.stop, 'cancel') = 'cancel'
			THEN coalesce(NEW.error, 'Cancelled by user') ELSE NEW.error END,
		error_kind = CASE WHEN OLD.status IN ('completed', 'failed', 'cancelled') THEN NULL ELSE NEW.error_kind END,
		result = CASE WHEN OLD.status IN ('completed', 'failed', 'cancelled') THEN NULL ELSE NEW.result END,
		result_cut = CASE WHEN OLD.status IN ('completed', 'failed', 'cancelled') THEN 0 ELSE NEW.result_cut END,
		attempts_base = CASE WHEN OLD.status IN ('completed', 'failed', 'cancelled') THEN NEW.attempts
			ELSE NEW.attempts_base END
	WHERE id = NEW.id;
	INSERT INTO events (task_id, attempt_id, kind, detail)
	SELECT id, (SELECT max(attempts.id) FROM attempts WHERE task_id = NEW.id), status, error
	FROM tasks WHERE id = NEW.id;
	DELETE FROM moving;
END;

CREATE TRIGGER tasks_edited AFTER UPDATE OF prompt, description, agent, model, variant, directory,
	parent_session, priority, not_before, key, mutex, timeout_s, max_attempts ON tasks
WHEN NEW.status = OLD.status AND (NEW.prompt <> OLD.prompt OR NEW.description IS NOT OLD.description
	OR NEW.agent IS NOT OLD.agent OR NEW.model IS NOT OLD.model OR NEW.variant IS NOT OLD.variant
	OR NEW.directory IS NOT OLD.directory OR NEW.parent_session IS NOT OLD.parent_session
	OR NEW.priority <> OLD.priority OR NEW.key IS NOT OLD.key
	OR NEW.not_before IS NOT OLD.not_before AND NOT EXISTS (SELECT 1 FROM events -- or a runner has just put it off
		WHERE id = (SELECT max(id) FROM events WHERE task_id = NEW.id) AND kind = 'delayed'
		AND strftime('%Y-%m-%dT%H:%M:%fZ', at, '+5 minutes') = NEW.not_before)
	OR NEW.mutex IS NOT OLD.mutex OR NEW.timeout_s IS NOT OLD.timeout_s
	OR NEW.max_attempts IS NOT OLD.max_attempts)
BEGIN
	INSERT INTO events (task_id, kind, detail) VALUES (NEW.id, 'edited', ltrim(
		iif(NEW.prompt <> OLD.prompt, ', prompt', '')
		|| iif(NEW.description IS NOT OLD.description, ', description', '')
		|| iif(NEW.agent IS NOT OLD.agent, ', agent', '')
		|| iif(NEW.model IS NOT OLD.model, ', model', '')
		|| iif(NEW.variant IS NOT OLD.variant, ', variant', '')
		|| iif(NEW.directory IS NOT OLD.directory, ', directory', '')
		|| iif(NEW.parent_session IS NOT OLD.parent_session, ', parent_session', '')
		|| iif(NEW.priority <> OLD.priority, ', priority ' || OLD.priority || ' to ' || NEW.priority, '')
		|| iif(NEW.not_before IS NOT OLD.not_before, ', not_before', '')
		|| iif(NEW.key IS NOT OLD.key, ', key', '')
		|| iif(NEW.mutex IS NOT OLD.mutex, ', mutex', '')
		|| iif(NEW.timeout_s IS NOT OLD.timeout_s, ', timeout_s', '')
		|| iif(NEW.max_attempts IS NOT OLD.max_attempts, ', max_attempts', ''), ', '));
END;

CREATE TRIGGER dependencies_insert BEFORE INSERT ON dependencies -- foreign keys are off in a plain shell
BEGIN
	SELECT RAISE(ABORT, 'there is no such task to come after')
	WHERE NOT EXISTS (SELECT 1 FROM tasks WHERE id = NEW.needs_id);
	SELECT RAISE(ABORT, 'there is no such task that could come after another')
	WHERE NOT EXISTS (SELECT 1 FROM tasks WHERE id = NEW.task_id);
END;

CREATE TRIGGER dependencies_same BEFORE UPDATE ON dependencies
BEGIN
	SELECT RAISE(ABORT, 'a dependency never changes: delete it, and insert another');
END;

CREATE TRIGGER tasks_delete BEFORE DELETE ON tasks
BEGIN
	SELECT RAISE(ABORT, 'this task is live: cancel it before it is deleted')
	WHERE OLD.status IN ('starting', 'running', 'stopping');
	SELECT RAISE(ABORT, 'an open task comes after this one: cancel that one first')
	WHERE EXISTS (SELECT 1 FROM dependencies JOIN tasks ON tasks.id = dependencies.task_id
		WHERE needs_id = OLD.id AND tasks.status IN ('queued', 'held', 'starting', 'running', 'stopping'));
END;

CREATE TRIGGER tasks_deleted AFTER DELETE ON tasks -- foreign keys are off there too
BEGIN
	DELETE FROM messages WHERE task_id = OLD.id;
	DELETE FROM asks WHERE task_id = OLD.id;
	DELETE FROM panes WHERE task_id = OLD.id;
	DELETE FROM attempts WHERE task_id = OLD.id;
	DELETE FROM events WHERE task_id = OLD.id;
	-- What came after one that did not complete is still not to start, should a person retry it.
	DELETE FROM dependencies WHERE task_id = OLD.id OR needs_id = OLD.id AND OLD.status = 'completed';
END;

CREATE TRIGGER attempts_import BEFORE INSERT ON attempts
WHEN EXISTS (SELECT 1 FROM importing WHERE task_id = NEW.task_id)
BEGIN
	SELECT RAISE(ABORT, 'only an attempt that has ended can be imported') WHERE NEW.ended_at IS NULL;
END;

CREATE TRIGGER attempts_insert BEFORE INSERT ON attempts
WHEN NOT EXISTS (SELECT 1 FROM importing WHERE task_id = NEW.task_id)
BEGIN
	SELECT RAISE(ABORT, 'an attempt is the next one of a queued task, and only a runner makes it')
	WHERE NEW.ended_at IS NOT NULL OR NEW.id >= 1 << 31
		OR NOT EXISTS (SELECT 1 FROM runners WHERE id = NEW.runner_id AND ended_at IS NULL)
		OR NOT EXISTS (SELECT 1 FROM tasks WHERE id = NEW.task_id AND status = 'queued'
			AND attempts = NEW.number - 1)
		OR EXISTS (SELECT 1 FROM attempts WHERE id = NEW.id)
		OR EXISTS (SELECT 1 FROM attempts WHERE task_id = NEW.task_id AND number >= NEW.number);
END;

CREATE TRIGGER attempts_id BEFORE UPDATE ON attempts
WHEN NEW.id <> OLD.id OR NEW.task_id <> OLD.task_id OR NEW.number <> OLD.number
BEGIN
	SELECT RAISE(ABORT, 'an attempt keeps its id, its task and its number');
END;

CREATE TRIGGER attempts_known BEFORE UPDATE OF nonce, server, runner_id, started_at, session_id, message_id, part_id
ON attempts
WHEN (NEW.nonce, NEW.server, NEW.runner_id, NEW.started_at) IS NOT (OLD.nonce, OLD.server, OLD.runner_id, OLD.started_at)
	OR OLD.session_id IS NOT NULL
		AND (NEW.session_id, NEW.message_id, NEW.part_id) IS NOT (OLD.session_id, OLD.message_id, OLD.part_id)
BEGIN
	SELECT RAISE(ABORT, 'what identifies an attempt to its server never changes');
END;

CREATE TRIGGER attempts_session BEFORE UPDATE OF session_id ON attempts WHEN NEW.session_id IS NOT OLD.session_id
BEGIN
	SELECT RAISE(ABORT, 'another live attempt works in this session')
	WHERE EXISTS (SELECT 1 FROM attempts WHERE session_id = NEW.session_id AND ended_at IS NULL AND id <> OLD.id);
END;

CREATE TRIGGER attempts_frozen BEFORE UPDATE ON attempts WHEN OLD.ended_at IS NOT NULL
BEGIN
	SELECT RAISE(ABORT, 'this attempt has ended: it cannot be edited');
END;

CREATE TRIGGER attempts_ended BEFORE UPDATE OF ended_at, outcome ON attempts
WHEN NEW.sealed = 0 AND (NEW.ended_at IS NOT NULL OR NEW.outcome IS NOT NULL)
BEGIN
	SELECT RAISE(ABORT, 'only a runner ends an attempt: set the status of its task to stopping, or use vigil cancel');
END;

CREATE TRIGGER attempts_kept BEFORE DELETE ON attempts
WHEN EXISTS (SELECT 1 FROM tasks WHERE id = OLD.task_id)
BEGIN
	SELECT RAISE(ABORT, 'attempts are history: they go when their task is deleted');
END;

CREATE TRIGGER runners_insert BEFORE INSERT ON runners
BEGIN
	SELECT RAISE(ABORT, 'a run with this id exists: leave the id out')
	WHERE NEW.id >= 1 << 31 OR EXISTS (SELECT 1 FROM runners WHERE id = NEW.id);
END;

CREATE TRIGGER runners_known BEFORE UPDATE ON runners
WHEN (NEW.id, NEW.pid, NEW.pid_start, NEW.boot_id) IS NOT (OLD.id, OLD.pid, OLD.pid_start, OLD.boot_id)
BEGIN
	SELECT RAISE(ABORT, 'what identifies a run never changes');
END;

CREATE TRIGGER runners_kept BEFORE DELETE ON runners
BEGIN
	SELECT RAISE(ABORT, 'this run has not ended: its row may go once it has')
	WHERE OLD.ended_at IS NULL;
	SELECT RAISE(ABORT, 'attempts name this run: it may go once their tasks are deleted')
	WHERE EXISTS (SELECT 1 FROM attempts WHERE runner_id = OLD.id);
END;

CREATE TRIGGER servers_insert BEFORE INSERT ON servers -- REPLACE would delete the row, and tell no other trigger
BEGIN
	SELECT RAISE(ABORT, 'a server with this id exists: leave the id out')
	WHERE NEW.id >= 1 << 31 OR EXISTS (SELECT 1 FROM servers WHERE id = NEW.id);
END;

CREATE TRIGGER servers_known BEFORE UPDATE ON servers -- a process that no row describes would run for ever
WHEN (NEW.id, NEW.name, NEW.nonce, NEW.boot_id, NEW.started_at)
		IS NOT (OLD.id, OLD.name, OLD.nonce, OLD.boot_id, OLD.started_at)
	OR OLD.pid IS NOT NULL AND (NEW.pid, NEW.pid_start) IS NOT (OLD.pid, OLD.pid_start)
BEGIN
	SELECT RAISE(ABORT, 'what identifies a server never changes');
END;

CREATE TRIGGER servers_ended BEFORE UPDATE OF ended_at ON servers
WHEN OLD.name = 'managed' AND OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
	AND NOT EXISTS (SELECT 1 FROM runners WHERE ended_at IS NULL)
BEGIN
	SELECT RAISE(ABORT, 'only a runner ends its server, or finds it dead: start vigil run');
END;

CREATE TRIGGER servers_kept BEFORE DELETE ON servers
BEGIN
	SELECT RAISE(ABORT, 'this row is how the next run finds the server that vigil has started: it may go once that has ended')
	WHERE OLD.name = 'managed' AND OLD.ended_at IS NULL;
	SELECT RAISE(ABORT, 'attempts name this server: it may go once their tasks are deleted')
	WHERE EXISTS (SELECT 1 FROM attempts WHERE server_id = OLD.id);
END;

CREATE TRIGGER messages_insert BEFORE INSERT ON messages
BEGIN
	SELECT RAISE(ABORT, 'a message is of an attempt, and of its task: there is no such attempt')
	WHERE NEW.id >= 1 << 31
		OR NOT EXISTS (SELECT 1 FROM attempts WHERE id = NEW.attempt_id AND task_id = NEW.task_id);
	SELECT RAISE(ABORT, 'messages are history: this one is there already')
	WHERE EXISTS (SELECT 1 FROM messages WHERE id = NEW.id)
		OR EXISTS (SELECT 1 FROM messages WHERE attempt_id = NEW.attempt_id AND message_id = NEW.message_id);
END;

CREATE TRIGGER messages_same BEFORE UPDATE ON messages
BEGIN
	SELECT RAISE(ABORT, 'messages are history: they cannot be edited');
END;

CREATE TRIGGER messages_kept BEFORE DELETE ON messages
WHEN EXISTS (SELECT 1 FROM tasks WHERE id = OLD.task_id)
BEGIN
	SELECT RAISE(ABORT, 'messages are history: they go when their task is deleted');
END;

CREATE TRIGGER asks_insert BEFORE INSERT ON asks
WHEN NOT EXISTS (SELECT 1 FROM importing WHERE task_id = NEW.task_id)
BEGIN
	SELECT RAISE(ABORT, 'an ask comes from a live attempt, and only a runner records it')
	WHERE NEW.replied_at IS NOT NULL OR NEW.id >= 1 << 31
		OR NOT EXISTS (SELECT 1 FROM attempts WHERE id = NEW.attempt_id AND task_id = NEW.task_id
			AND ended_at IS NULL)
		OR EXISTS (SELECT 1 FROM asks WHERE id = NEW.id)
		OR EXISTS (SELECT 1 FROM asks WHERE ask_id = NEW.ask_id);
END;

CREATE TRIGGER asks_inserted AFTER INSERT ON asks
WHEN NOT EXISTS (SELECT 1 FROM importing WHERE task_id = NEW.task_id)
BEGIN
	INSERT INTO events (task_id, attempt_id, kind, detail)
	VALUES (NEW.task_id, NEW.attempt_id, 'asked', NEW.kind || ': ' || NEW.request);
END;

CREATE TRIGGER asks_kept_same BEFORE UPDATE ON asks
WHEN NEW.id <> OLD.id OR NEW.task_id <> OLD.task_id OR NEW.attempt_id <> OLD.attempt_id
	OR NEW.session_id <> OLD.session_id OR NEW.ask_id <> OLD.ask_id OR NEW.kind <> OLD.kind
	OR NEW.asked_at <> OLD.asked_at OR NEW.request <> OLD.request
BEGIN
	SELECT RAISE(ABORT, 'what was asked stays as it is: set its reply alone');
END;

CREATE TRIGGER asks_frozen BEFORE UPDATE ON asks WHEN OLD.replied_at IS NOT NULL
BEGIN
	SELECT RAISE(ABORT, 'this ask has been replied to: it cannot be edited');
END;

CREATE TRIGGER asks_replied AFTER UPDATE OF replied_at ON asks WHEN NEW.replied_at IS NOT NULL
BEGIN
	INSERT INTO events (task_id, attempt_id, kind, detail) VALUES (NEW.task_id, NEW.attempt_id, 'replied',
		NEW.request || ': ' || coalesce(NEW.reply || ', ', '') || 'by ' || coalesce(NEW.replied_by, 'person'));
END;

CREATE TRIGGER asks_kept BEFORE DELETE ON asks
WHEN EXISTS (SELECT 1 FROM tasks WHERE id = OLD.task_id)
BEGIN
	SELECT RAISE(ABORT, 'asks are history: they go when their task is deleted');
END;

CREATE TRIGGER panes_insert BEFORE INSERT ON panes
BEGIN
	SELECT RAISE(ABORT, 'a pane is of a live attempt, or of a session that is no task''s; only a runner opens it')
	WHERE NEW.opened_at IS NOT NULL OR NEW.closed_at IS NOT NULL OR NEW.id >= 1 << 31
		OR NEW.task_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM attempts
			WHERE id = NEW.attempt_id AND task_id = NEW.task_id AND ended_at IS NULL)
		OR EXISTS (SELECT 1 FROM panes WHERE id = NEW.id)
		OR EXISTS (SELECT 1 FROM panes WHERE mark = NEW.mark)
		OR EXISTS (SELECT 1 FROM panes WHERE session_id = NEW.session_id AND closed_at IS NULL);
END;

CREATE TRIGGER panes_same BEFORE UPDATE ON panes
WHEN (NEW.id, NEW.task_id, NEW.attempt_id, NEW.session_id, NEW.root_session, NEW.mark, NEW.wanted_at)
	IS NOT (OLD.id, OLD.task_id, OLD.attempt_id, OLD.session_id, OLD.root_session, OLD.mark, OLD.wanted_at)
	OR OLD.opened_at IS NOT NULL AND (NEW.tmux_socket, NEW.tmux_server_pid, NEW.tmux_server_start, NEW.pane_id,
		NEW.opened_at)
		IS NOT (OLD.tmux_socket, OLD.tmux_server_pid, OLD.tmux_server_start, OLD.pane_id, OLD.opened_at)
BEGIN
	SELECT RAISE(ABORT, 'what identifies a pane never changes');
END;

CREATE TRIGGER panes_frozen BEFORE UPDATE ON panes WHEN OLD.closed_at IS NOT NULL
BEGIN
	SELECT RAISE(ABORT, 'this pane is closed: its row cannot be edited');
END;

CREATE TRIGGER panes_kept BEFORE DELETE ON panes
WHEN EXISTS (SELECT 1 FROM tasks WHERE id = OLD.task_id)
BEGIN
	SELECT RAISE(ABORT, 'panes are history: they go when their task is deleted');
END;

CREATE TRIGGER events_insert BEFORE INSERT ON events
BEGIN
	SELECT RAISE(ABORT, 'events are append-only: leave the id out')
	WHERE NEW.id >= 1 << 31 OR EXISTS (SELECT 1 FROM events WHERE id = NEW.id);
END;

CREATE TRIGGER events_frozen BEFORE UPDATE ON events
BEGIN
	SELECT RAISE(ABORT, 'events are append-only');
END;

CREATE TRIGGER events_kept BEFORE DELETE ON events
WHEN EXISTS (SELECT 1 FROM tasks WHERE id = OLD.task_id)
BEGIN
	SELECT RAISE(ABORT, 'events are append-only: they go when their task is deleted');
END;

-- Views for people, in any sqlite3 shell. Times are local; those that end in _at are UTC, as in the tables, and what
-- a WHERE compares: it then uses an index. A duration is there in seconds, to reckon with, and in words, as "1h 23m".
-- It is work, as in attempts.seconds, and for a task that of all its attempts, not the time between them. Tokens and
-- cost are those of all attempts, the failed ones too. The words are
-- the same expression each time: SQLite knows no functions of a schema's own.

CREATE VIEW queue AS                    -- what has not started: one row a task, the next one first
SELECT id,                              -- the task's
	priority,                           -- higher first
	title,                              -- what it was described as, or how its prompt begins
	CASE waits_for                      -- why it is not running
	WHEN 'release' THEN 'held until vigil release ' || id || coalesce('; its last attempt: ' || (SELECT error_line
		FROM attempts WHERE task_id = blocked.id AND number = blocked.attempts AND outcome = 'failed'), '')
	WHEN 'retry' THEN (SELECT 'comes after task ' || needs_id || CASE needed.status
			WHEN 'failed' THEN ', which failed: vigil retry ' || needs_id || ', or vigil cancel ' || blocked.id
			WHEN 'cancelled' THEN ', which was cancelled: vigil retry ' || needs_id || ', or vigil cancel ' || blocked.id
			ELSE ', which was deleted before it had completed (delete the dependency, too, to let it start)' END
		FROM dependencies LEFT JOIN tasks AS needed ON needed.id = needs_id
		WHERE task_id = blocked.id AND coalesce(needed.status, 'deleted') IN ('failed', 'cancelled', 'deleted')
		ORDER BY needs_id LIMIT 1)
	WHEN 'resume' THEN 'the queue is paused since ' || datetime((SELECT paused_at FROM vigil), 'localtime')
		|| ', until vigil resume'
	WHEN 'time' THEN 'not before ' || datetime(not_before, 'localtime') || coalesce(': ' || (SELECT detail FROM events
		WHERE id = (SELECT max(id) FROM events WHERE task_id = blocked.id AND kind <> 'queued')
			AND kind IN ('delayed', 'attempt ended')), '')
	WHEN 'task' THEN (SELECT 'comes after task ' || needs_id || ', which is ' || needed.status
		FROM dependencies JOIN tasks AS needed ON needed.id = needs_id
		WHERE task_id = blocked.id AND needed.status <> 'completed' ORDER BY needs_id LIMIT 1)
	WHEN 'mutex' THEN (SELECT 'task ' || other.id || ' holds the mutex ' || other.mutex FROM tasks AS other
		WHERE other.mutex = blocked.mutex AND other.status IN ('starting', 'running', 'stopping'))
	WHEN 'runner' THEN iif(runner_pid IS NULL, 'no runner is alive: start vigil run',
		'the runner (pid ' || runner_pid || ') does nothing any more: if it has crashed, start vigil run')
	WHEN 'server' THEN 'no OpenCode server since ' || datetime(trouble_at, 'localtime') || ': ' || trouble
	WHEN 'slot' THEN 'all slots are busy: ' || slots
	ELSE 'it is about to start'
	END AS reason,
	waits_for,                          -- the same in a word: release, retry, resume, time, task, mutex, runner,
	                                    -- server, slot; NULL: nothing
	attempts,                           -- made so far
	datetime(created_at, 'localtime') AS created -- when it was queued
FROM (SELECT tasks.*, runner.pid AS runner_pid, runner.slots, runner.trouble, runner.trouble_at,
		CASE
		WHEN tasks.status = 'held' THEN 'release'
		WHEN EXISTS (SELECT 1 FROM dependencies LEFT JOIN tasks AS needed ON needed.id = needs_id
			WHERE task_id = tasks.id AND coalesce(needed.status, 'deleted') IN ('failed', 'cancelled', 'deleted'))
			THEN 'retry'
		WHEN (SELECT paused_at FROM vigil) IS NOT NULL THEN 'resume'
		WHEN not_before > strftime('%Y-%m-%dT%H:%M:%fZ', 'now') THEN 'time'
		WHEN EXISTS (SELECT 1 FROM dependencies JOIN tasks AS needed ON needed.id = needs_id
			WHERE task_id = tasks.id AND needed.status <> 'completed') THEN 'task'
		WHEN EXISTS (SELECT 1 FROM tasks AS other WHERE other.mutex = tasks.mutex
			AND other.status IN ('starting', 'running', 'stopping')) THEN 'mutex'
		WHEN runner.id IS NULL THEN 'runner'
		-- A crash writes nothing: but a runner that is alive looks at each live task twice a minute …
		WHEN EXISTS (SELECT 1 FROM tasks AS live WHERE live.status IN ('starting', 'running', 'stopping')
			AND live.wake_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-2 minutes')) THEN 'runner'
		WHEN runner.trouble IS NOT NULL THEN 'server'
		WHEN (SELECT count(*) FROM tasks AS live WHERE live.status IN ('starting', 'running', 'stopping')
			AND live.server = runner.server) >= runner.slots THEN 'slot'
		-- … and starts at once what can start.
		WHEN max((SELECT at FROM events WHERE id = (SELECT max(id) FROM events)), runner.started_at,
			coalesce(not_before, '')) < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-2 minutes') THEN 'runner'
		END AS waits_for
	FROM tasks LEFT JOIN runners AS runner ON runner.id = (SELECT max(id) FROM runners WHERE ended_at IS NULL)
	WHERE tasks.status IN ('queued', 'held')) AS blocked
ORDER BY status = 'held', priority DESC, id;

CREATE VIEW running AS                  -- what is live: one row a task
SELECT tasks.id,                        -- the task's
	tasks.status,                       -- starting, running or stopping
	live.number AS attempt,             -- 1: the first
	tasks.title,                        -- what it was described as, or how its prompt begins
	live.agent, live.model,             -- NULL until they are known
	datetime(live.started_at, 'localtime') AS started, -- this attempt
	live.worked AS seconds,             -- of this attempt's work so far
	iif(live.worked < 60, live.worked || 's', replace(iif(live.worked < 3600, printf('%dm %ds', live.worked / 60, live.worked % 60),
		(live.worked / 3600) || printf('h %dm', live.worked / 60 % 60)), iif(live.worked < 3600, ' 0s', ' 0m'), '')) AS took,
	live.quiet_seconds,                 -- since its newest sign of work
	iif(live.quiet_seconds < 60, live.quiet_seconds || 's', replace(iif(live.quiet_seconds < 3600, printf('%dm %ds', live.quiet_seconds / 60, live.quiet_seconds % 60),
		(live.quiet_seconds / 3600) || printf('h %dm', live.quiet_seconds / 60 % 60)), iif(live.quiet_seconds < 3600, ' 0s', ' 0m'), '')) AS quiet,
	live.resumes,                       -- how often a turn that was cut off went on
	tasks.note,                         -- what is in its way
	live.session_id                     -- OpenCode's
FROM (SELECT *, max(0, CAST(round((julianday(coalesce(unreachable_at, waiting_at, 'now')) - julianday(started_at)) * 86400
			- lost_ms / 1000.0) AS INTEGER)) AS worked,
		CAST(round((julianday('now') - julianday(coalesce(progress_at, started_at))) * 86400) AS INTEGER)
			AS quiet_seconds
	FROM attempts WHERE ended_at IS NULL) AS live CROSS JOIN tasks ON tasks.id = live.task_id -- CROSS: in this order
ORDER BY live.task_id;

CREATE VIEW history AS                  -- what has ended: one row a task, the newest first
SELECT id,                              -- the task's
	+status AS status,                  -- completed, failed or cancelled
	error_kind,                         -- why it failed, in a word
	title,                              -- what it was described as, or how its prompt begins
	newest_agent AS agent, newest_model AS model, -- of its newest attempt
	attempts,                           -- how often it was tried
	datetime(created_at, 'localtime') AS created, -- when it was queued
	datetime(started_at, 'localtime') AS started, -- its first attempt
	datetime(completed_at, 'localtime') AS ended, -- when it became final
	seconds,                            -- of work
	iif(seconds < 60, seconds || 's', replace(iif(seconds < 3600, printf('%dm %ds', seconds / 60, seconds % 60),
		(seconds / 3600) || printf('h %dm', seconds / 60 % 60)), iif(seconds < 3600, ' 0s', ' 0m'), '')) AS took,
	tokens_input, tokens_output,        -- of all its attempts
	cost,                               -- US dollars
	error_line AS error,                -- how it begins; if cancelled, why
	created_at, completed_at            -- as created and ended, in UTC
FROM (SELECT *, (SELECT agent FROM attempts WHERE task_id = tasks.id AND number = tasks.attempts) AS newest_agent,
		(SELECT model FROM attempts WHERE task_id = tasks.id AND number = tasks.attempts) AS newest_model,
		(SELECT sum(seconds) FROM attempts WHERE task_id = tasks.id) AS seconds,
		(SELECT sum(tokens_input) FROM attempts WHERE task_id = tasks.id) AS tokens_input,
		(SELECT sum(tokens_output) FROM attempts WHERE task_id = tasks.id) AS tokens_output,
		(SELECT round(sum(cost), 4) FROM attempts WHERE task_id = tasks.id) AS cost
	FROM tasks WHERE completed_at IS NOT NULL) -- +status lets those of one be looked for by time
ORDER BY completed_at DESC, id DESC;

CREATE VIEW slowest AS                  -- the same, the longest work first; it looks at every attempt
SELECT task_id AS id,                   -- the task's
	(SELECT status FROM tasks WHERE id = task_id) AS status, -- completed, failed or cancelled
	(SELECT title FROM tasks WHERE id = task_id) AS title,
	(SELECT attempts FROM tasks WHERE id = task_id) AS attempts,
	(SELECT datetime(completed_at, 'localtime') FROM tasks WHERE id = task_id) AS ended,
	seconds,                            -- of work
	iif(seconds < 60, seconds || 's', replace(iif(seconds < 3600, printf('%dm %ds', seconds / 60, seconds % 60),
		(seconds / 3600) || printf('h %dm', seconds / 60 % 60)), iif(seconds < 3600, ' 0s', ' 0m'), '')) AS took,
	cost,                               -- US dollars
	(SELECT completed_at FROM tasks WHERE id = task_id) AS completed_at
FROM (SELECT task_id, sum(seconds) AS seconds, round(sum(cost), 4) AS cost FROM attempts WHERE ended_at IS NOT NULL
	GROUP BY task_id ORDER BY seconds DESC, task_id DESC)
WHERE (SELECT completed_at FROM tasks WHERE id = task_id) IS NOT NULL;

CREATE VIEW waits AS                    -- waiting against running: one row a task that has ended, the newest first
SELECT id,                              -- the task's
	title,                              -- what it was described as, or how its prompt begins
	datetime(ready_at, 'localtime') AS ready, -- when it was queued; with a time not to start before, that
	datetime(started_at, 'localtime') AS started, -- its first attempt
	waited_seconds,                     -- between the two: held, paused, behind others, without a runner
	iif(waited_seconds < 60, waited_seconds || 's', replace(iif(waited_seconds < 3600, printf('%dm %ds', waited_seconds / 60, waited_seconds % 60),
		(waited_seconds / 3600) || printf('h %dm', waited_seconds / 60 % 60)), iif(waited_seconds < 3600, ' 0s', ' 0m'), '')) AS waited,
	seconds,                            -- of work
	iif(seconds < 60, seconds || 's', replace(iif(seconds < 3600, printf('%dm %ds', seconds / 60, seconds % 60),
		(seconds / 3600) || printf('h %dm', seconds / 60 % 60)), iif(seconds < 3600, ' 0s', ' 0m'), '')) AS took,
	waited_seconds * 100 / nullif(waited_seconds + seconds, 0) AS waited_percent, -- of both together
	completed_at                        -- when it became final, in UTC
FROM (SELECT *, CAST(round((julianday(started_at) - julianday(ready_at)) * 86400) AS INTEGER) AS waited_seconds
	FROM (SELECT *, (SELECT sum(seconds) FROM attempts WHERE task_id = tasks.id) AS seconds,
			-- A time that is later than the first start is of a try that followed by itself.
			iif(not_before BETWEEN created_at AND started_at, not_before, created_at) AS ready_at
		FROM tasks WHERE completed_at IS NOT NULL AND started_at IS NOT NULL))
ORDER BY completed_at DESC, id DESC;

CREATE VIEW spans AS                    -- when something ran: one row an attempt, live ones too. What ran between two
                                        -- times, all of it or a part: WHERE until_at > … AND since_at < …
SELECT task_id,
	number AS attempt,                  -- 1: the first
	coalesce(outcome, (SELECT status FROM tasks WHERE id = task_id)) AS outcome, -- completed, failed, cancelled;
	                                    -- while live, the task's status
	(SELECT title FROM tasks WHERE id = task_id) AS title,
	agent, model,                       -- NULL: it did not get so far
	datetime(started_at, 'localtime') AS started, -- when it did
	datetime(ended_at, 'localtime') AS ended, -- NULL: it has not
	worked AS seconds,
	iif(worked < 60, worked || 's', replace(iif(worked < 3600, printf('%dm %ds', worked / 60, worked % 60),
		(worked / 3600) || printf('h %dm', worked / 60 % 60)), iif(worked < 3600, ' 0s', ' 0m'), '')) AS took,
	lost_ms / 1000 AS lost_seconds,     -- in which it could not work
	resumes,                            -- how often a turn that was cut off went on
	tokens_input, tokens_output,
	cost,                               -- US dollars
	error_kind,                         -- why it failed, in a word
	error_line AS error,                -- how it begins
	session_id,                         -- OpenCode's
	started_at AS since_at,
	until_at                            -- its end; while live, now
FROM (SELECT *, seconds AS worked, ended_at AS until_at FROM attempts WHERE ended_at IS NOT NULL
	UNION ALL
	SELECT *, max(0, CAST(round((julianday(coalesce(unreachable_at, waiting_at, 'now')) - julianday(started_at)) * 86400
			- lost_ms / 1000.0) AS INTEGER)),
		strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
	FROM attempts WHERE ended_at IS NULL);

-- `FROM x, json_each((SELECT json_array(json_object(…)) FROM y WHERE …)) AS sums` puts sums over those rows of y that
-- belong to a row of x beside it: made once, and only for the rows of x that are asked for.

CREATE VIEW nights AS                   -- one row a night in which an attempt ended, the newest first
SELECT night,                           -- from noon to noon; the date is its evening's
	tasks,                              -- that were worked on, by how they stood in the end:
	completed, failed, cancelled,
	attempts,                           -- all that ended
	seconds,                            -- of all of them, side by side or not
	iif(seconds < 60, seconds || 's', replace(iif(seconds < 3600, printf('%dm %ds', seconds / 60, seconds % 60),
		(seconds / 3600) || printf('h %dm', seconds / 60 % 60)), iif(seconds < 3600, ' 0s', ' 0m'), '')) AS took,
	tokens_input, tokens_output,        -- of all its attempts
	cost,                               -- US dollars
	since_at, until_at                  -- the two noons
FROM (SELECT night, since_at, until_at,
		json_extract(value, '$.tasks') AS tasks, json_extract(value, '$.completed') AS completed,
		json_extract(value, '$.failed') AS failed, json_extract(value, '$.cancelled') AS cancelled,
		json_extract(value, '$.attempts') AS attempts, json_extract(value, '$.seconds') AS seconds,
		json_extract(value, '$.input') AS tokens_input, json_extract(value, '$.output') AS tokens_output,
		json_extract(value, '$.cost') AS cost
	FROM (WITH RECURSIVE ends (newest) AS ( -- each is the newest before the noon in which the later night began
			SELECT max(ended_at) FROM attempts WHERE ended_at IS NOT NULL
			UNION ALL
			SELECT (SELECT max(ended_at) FROM attempts WHERE ended_at < min(newest,
				strftime('%Y-%m-%dT%H:%M:%fZ', date(newest, 'localtime', '-12 hours') || ' 12:00', 'utc')))
			FROM ends WHERE newest IS NOT NULL)
		SELECT date(newest, 'localtime', '-12 hours') AS night,
			strftime('%Y-%m-%dT%H:%M:%fZ', date(newest, 'localtime', '-12 hours') || ' 12:00', 'utc') AS since_at,
			strftime('%Y-%m-%dT%H:%M:%fZ', date(newest, 'localtime', '+12 hours') || ' 12:00', 'utc') AS until_at
		FROM ends WHERE newest IS NOT NULL),
	json_each((SELECT json_array(json_object('tasks', count(*), 'completed', sum(outcome = 'completed'),
			'failed', sum(outcome = 'failed'), 'cancelled', sum(outcome = 'cancelled'),
			'attempts', sum(attempts), 'seconds', sum(seconds), 'input', sum(input), 'output', sum(output),
			'cost', round(sum(cost), 4)))
		FROM (SELECT outcome, max(number), -- with max(), the outcome is of that row
				count(*) AS attempts, sum(seconds) AS seconds, sum(tokens_input) AS input,
				sum(tokens_output) AS output, sum(cost) AS cost
			FROM attempts WHERE ended_at >= since_at AND ended_at < until_at GROUP BY task_id))));

CREATE VIEW days AS                     -- what a day has cost: one row a day on which an attempt ended, the newest first
SELECT day,                             -- the date
	attempts,                           -- all that ended
	seconds,                            -- of work
	iif(seconds < 60, seconds || 's', replace(iif(seconds < 3600, printf('%dm %ds', seconds / 60, seconds % 60),
		(seconds / 3600) || printf('h %dm', seconds / 60 % 60)), iif(seconds < 3600, ' 0s', ' 0m'), '')) AS took,
	tokens_input, tokens_output, tokens_reasoning, tokens_cache_read, tokens_cache_write,
	cost,                               -- US dollars
	since_at, until_at                  -- the two midnights
FROM (SELECT day, since_at, until_at,
		json_extract(value, '$.attempts') AS attempts, json_extract(value, '$.seconds') AS seconds,
		json_extract(value, '$.input') AS tokens_input, json_extract(value, '$.output') AS tokens_output,
		json_extract(value, '$.reasoning') AS tokens_reasoning,
		json_extract(value, '$.cache_read') AS tokens_cache_read,
		json_extract(value, '$.cache_write') AS tokens_cache_write, json_extract(value, '$.cost') AS cost
	FROM (WITH RECURSIVE ends (newest) AS ( -- as in nights
			SELECT max(ended_at) FROM attempts WHERE ended_at IS NOT NULL
			UNION ALL
			SELECT (SELECT max(ended_at) FROM attempts WHERE ended_at < min(newest,
				strftime('%Y-%m-%dT%H:%M:%fZ', date(newest, 'localtime'), 'utc')))
			FROM ends WHERE newest IS NOT NULL)
		SELECT date(newest, 'localtime') AS day,
			strftime('%Y-%m-%dT%H:%M:%fZ', date(newest, 'localtime'), 'utc') AS since_at,
			strftime('%Y-%m-%dT%H:%M:%fZ', date(newest, 'localtime', '+1 day'), 'utc') AS until_at
		FROM ends WHERE newest IS NOT NULL),
	json_each((SELECT json_array(json_object('attempts', count(*), 'seconds', sum(seconds),
			'input', sum(tokens_input), 'output', sum(tokens_output), 'reasoning', sum(tokens_reasoning),
			'cache_read', sum(tokens_cache_read), 'cache_write', sum(tokens_cache_write),
			'cost', round(sum(cost), 4)))
		FROM attempts WHERE ended_at >= since_at AND ended_at < until_at)));

CREATE VIEW models AS                   -- what each model has cost, the dearest first; looks at every attempt
SELECT model,                           -- NULL: it did not get so far
	attempts,                           -- all that ended
	completed, failed,                  -- of these
	seconds,                            -- of work
	iif(seconds < 60, seconds || 's', replace(iif(seconds < 3600, printf('%dm %ds', seconds / 60, seconds % 60),
		(seconds / 3600) || printf('h %dm', seconds / 60 % 60)), iif(seconds < 3600, ' 0s', ' 0m'), '')) AS took,
	tokens_input, tokens_output, tokens_reasoning, tokens_cache_read, tokens_cache_write,
	cost                                -- US dollars
FROM (SELECT model, count(*) AS attempts, sum(outcome = 'completed') AS completed, sum(outcome = 'failed') AS failed,
		sum(seconds) AS seconds, sum(tokens_input) AS tokens_input, sum(tokens_output) AS tokens_output,
		sum(tokens_reasoning) AS tokens_reasoning, sum(tokens_cache_read) AS tokens_cache_read,
		sum(tokens_cache_write) AS tokens_cache_write, round(sum(cost), 4) AS cost
	FROM attempts WHERE ended_at IS NOT NULL GROUP BY model)
ORDER BY cost DESC, seconds DESC;

CREATE VIEW agents AS                   -- what each agent has cost, the dearest first; looks at every attempt
SELECT agent,                           -- NULL: it did not get so far
	attempts,                           -- all that ended
	completed, failed,                  -- of these
	seconds,                            -- of work
	iif(seconds < 60, seconds || 's', replace(iif(seconds < 3600, printf('%dm %ds', seconds / 60, seconds % 60),
		(seconds / 3600) || printf('h %dm', seconds / 60 % 60)), iif(seconds < 3600, ' 0s', ' 0m'), '')) AS took,
	tokens_input, tokens_output, tokens_reasoning, tokens_cache_read, tokens_cache_write,
	cost                                -- US dollars
FROM (SELECT agent, count(*) AS attempts, sum(outcome = 'completed') AS completed, sum(outcome = 'failed') AS failed,
		sum(seconds) AS seconds, sum(tokens_input) AS tokens_input, sum(tokens_output) AS tokens_output,
		sum(tokens_reasoning) AS tokens_reasoning, sum(tokens_cache_read) AS tokens_cache_read,
		sum(tokens_cache_write) AS tokens_cache_write, round(sum(cost), 4) AS cost
	FROM attempts WHERE ended_at IS NOT NULL GROUP BY agent)
ORDER BY cost DESC, seconds DESC;

CREATE VIEW failures AS                 -- what has failed and not passed since, by kind: the most frequent first
SELECT error_kind,                      -- why they failed, in a word
	count(*) AS tasks,                  -- so many
	sum(attempts) AS attempts,          -- how often they were tried, together
	datetime(max(completed_at), 'localtime') AS newest, -- when the newest of them did
	id AS newest_id,                    -- the task's
	error_line AS newest_error          -- how its error begins
FROM tasks WHERE status = 'failed'           -- with max(), the columns that are no sums are of its row
GROUP BY error_kind ORDER BY tasks DESC, newest DESC;

CREATE VIEW retried AS                  -- what failed and passed in the end: one row a task, the newest first
SELECT id,                              -- the task's
	title,                              -- what it was described as, or how its prompt begins
	attempts,                           -- how often it was tried
	(SELECT group_concat(error_kind, ', ') FROM attempts WHERE task_id = tasks.id AND outcome = 'failed')
		AS failures,                    -- their kinds, in order
	(SELECT round(sum(cost), 4) FROM attempts WHERE task_id = tasks.id AND outcome = 'failed')
		AS failures_cost,               -- US dollars
	datetime(completed_at, 'localtime') AS ended, -- when it became final
	completed_at                        -- when it became final, in UTC
FROM tasks WHERE attempts > 1 AND completed_at IS NOT NULL AND +status = 'completed'
	AND EXISTS (SELECT 1 FROM attempts WHERE task_id = tasks.id AND outcome = 'failed')
ORDER BY completed_at DESC, id DESC;

CREATE VIEW problems AS                 -- what only a mistake of vigil's can bring about: always empty
SELECT 'live task without a live attempt' AS problem, -- what is wrong
	id AS task_id                       -- with which task
FROM tasks
WHERE status IN ('starting', 'running', 'stopping')
	AND NOT EXISTS (SELECT 1 FROM attempts WHERE task_id = tasks.id AND ended_at IS NULL)
UNION ALL
SELECT 'live attempt of a task that is not live', task_id FROM attempts
WHERE ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM tasks WHERE id = attempts.task_id
	AND status IN ('starting', 'running', 'stopping'))
UNION ALL
SELECT 'final task without completed_at', id FROM tasks
WHERE status IN ('completed', 'failed', 'cancelled') AND completed_at IS NULL
UNION ALL
SELECT 'completed task without a result', id FROM tasks WHERE status = 'completed' AND result IS NULL
UNION ALL
SELECT 'failed task without error_kind', id FROM tasks WHERE status = 'failed' AND error_kind IS NULL
UNION ALL
SELECT 'attempts counted wrongly', id FROM tasks
WHERE attempts <> (SELECT count(*) FROM attempts WHERE task_id = tasks.id)
UNION ALL
SELECT 'a change of status that was left half done', task_id FROM moving
UNION ALL
SELECT 'an import that was left half done', task_id FROM importing;
