-- What the runner asks of the database: what to start, what is alive, and what it says of itself
-- and of its servers.

-- name: claim_next
-- ?1 now, ?2 ids that are passed over, as JSON, ?3 the longest wait before a retry, and ?4 that of one that was put
-- off, in seconds. The next task that may start: higher priority first, then older first. Where an attempt ended in the
-- future, or the newest that happened to the task is that it was put off then, the clock was set back since: the wait
-- that was counted from there is over.
SELECT id, directory FROM tasks
WHERE status = 'queued' AND id NOT IN (SELECT value FROM json_each(?2)) AND (not_before IS NULL OR not_before <= ?1
		OR not_before <= (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', ended_at, ?3 || ' seconds') FROM attempts
			WHERE task_id = tasks.id AND number = tasks.attempts AND ended_at > ?1)
		OR not_before <= (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', at, ?4 || ' seconds') FROM events
			WHERE id = (SELECT max(id) FROM events WHERE task_id = tasks.id) AND kind = 'delayed' AND at > ?1))
	AND (SELECT paused_at FROM vigil) IS NULL
	AND (mutex IS NULL OR NOT EXISTS (SELECT 1 FROM tasks AS other WHERE other.mutex = tasks.mutex
		AND other.status IN ('starting', 'running', 'stopping')))
	AND NOT EXISTS (SELECT 1 FROM dependencies LEFT JOIN tasks AS needed ON needed.id = needs_id
		WHERE task_id = tasks.id AND needed.status IS NOT 'completed')
ORDER BY priority DESC, id LIMIT 1;

-- name: claim_next_time
-- ?1 now. When the next task of later becomes due.
SELECT not_before FROM tasks WHERE status = 'queued' AND not_before > ?1 ORDER BY not_before LIMIT 1;

-- name: live_tasks
SELECT id, revision FROM tasks WHERE status IN ('starting', 'running', 'stopping') ORDER BY id;

-- name: drain_pending
-- ?1 server, NULL for all, ?2 ids that are passed over, as JSON. Whether anything is live there, or queued and can
-- still start: a task that comes after one that has failed, was cancelled or deleted, or is held waits for a person, one behind
-- a live task of another server for that.
WITH RECURSIVE elsewhere (id, mutex) AS (
	SELECT id, mutex FROM tasks WHERE status IN ('starting', 'running', 'stopping') AND server <> ?1
), blocked (id) AS (
	SELECT value FROM json_each(?2)
	UNION
	SELECT task_id FROM dependencies JOIN tasks AS needed ON needed.id = needs_id
	WHERE needed.status IN ('failed', 'cancelled', 'held')
	UNION
	SELECT tasks.id FROM tasks JOIN dependencies ON task_id = tasks.id
	WHERE tasks.status = 'queued' AND NOT EXISTS (SELECT 1 FROM tasks AS needed WHERE needed.id = needs_id)
	UNION
	SELECT task_id FROM dependencies JOIN elsewhere ON elsewhere.id = needs_id
	UNION
	SELECT tasks.id FROM tasks JOIN elsewhere ON elsewhere.mutex = tasks.mutex WHERE status = 'queued'
	UNION
	SELECT task_id FROM dependencies JOIN blocked ON needs_id = blocked.id
)
SELECT EXISTS (SELECT 1 FROM tasks WHERE status IN ('starting', 'running', 'stopping')
		AND server = coalesce(?1, server))
	OR EXISTS (SELECT 1 FROM tasks WHERE status = 'queued' AND id NOT IN (SELECT id FROM blocked));

-- name: drain_is_paused
-- ?1 server. Whether nothing can start for the queue is paused, and nothing is live there.
SELECT paused_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM tasks
	WHERE status IN ('starting', 'running', 'stopping') AND server = coalesce(?1, server))
FROM vigil;

-- name: drain_left
-- ?1 ids that were passed over, as JSON. What a drain leaves besides: queued tasks, all of which wait for a person;
-- live ones of other servers.
SELECT count(*) FILTER (WHERE status = 'queued' AND id NOT IN (SELECT value FROM json_each(?1))), count(*) FILTER (WHERE status <> 'queued')
FROM tasks WHERE status IN ('queued', 'starting', 'running', 'stopping');

-- name: flight_load
-- ?1 task. What the journey of its newest attempt needs; not the prompt, which can be large.
SELECT tasks.status, tasks.revision, tasks.wake_at, tasks.directory, tasks.parent_session,
	tasks.title AS label, tasks.agent, tasks.model, tasks.variant,
	attempts.id AS attempt_id, attempts.number, attempts.nonce, attempts.server,
	attempts.session_id, attempts.message_id, attempts.part_id,
	attempts.agent AS sent_agent, attempts.model AS sent_model, attempts.variant AS sent_variant,
	attempts.progress_at, attempts.started_at, attempts.searches,
	attempts.prompted_at IS NOT NULL AND attempts.waiting_at IS NULL AND attempts.unreachable_at IS NULL AS is_timed
FROM tasks JOIN attempts ON attempts.task_id = tasks.id AND attempts.ended_at IS NULL
WHERE tasks.id = ?1;

-- name: sessions_beside
-- ?1 server, ?2 session. Others of ours there, the newest first; older ones alone: of a server that was wiped, or is
-- another one, newer ones would prove nothing.
SELECT session_id FROM attempts WHERE server = ?1 AND session_id <> ?2
	AND id < (SELECT id FROM attempts WHERE session_id = ?2 AND ended_at IS NULL) ORDER BY id DESC LIMIT 5;

-- name: task_prompt
SELECT prompt FROM tasks WHERE id = ?1;

-- name: runner_insert
-- ?1 pid, ?2 pid_start, ?3 boot_id, ?4 version, ?5 directory, ?6 slots, ?7 server, ?8 clock_gap_ms
-- scan: SQLite itself looks for attempts that refer to the new row; once a run
INSERT INTO runners (pid, pid_start, boot_id, version, directory, slots, server, clock_gap_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);

-- name: runner_clock_gap
-- ?1 boot_id. What the newest run saw of the clocks, since the machine was started.
-- scan: from its end, and one row of it
SELECT clock_gap_ms FROM (SELECT boot_id, clock_gap_ms FROM runners ORDER BY id DESC LIMIT 1)
WHERE boot_id = ?1 AND clock_gap_ms IS NOT NULL;

-- name: runner_clocks_parted
-- ?1 id, ?2 clock_gap_ms
UPDATE runners SET clock_gap_ms = ?2 WHERE id = ?1;

-- name: runner_trouble
-- ?1 id, ?2 why its server cannot be used, NULL: it can, ?3 now. The time is that of the first of several in a row.
UPDATE runners SET trouble = ?2, trouble_at = iif(?2 IS NULL, NULL, coalesce(trouble_at, ?3)) WHERE id = ?1;

-- name: runner_is_there
-- ?1 id
SELECT EXISTS (SELECT 1 FROM runners WHERE id = ?1 AND ended_at IS NULL);

-- name: runner_end
-- ?1 id, ?2 now, ?3 ending, ?4 clock_gap_ms
UPDATE runners SET ended_at = ?2, ending = ?3, clock_gap_ms = ?4 WHERE id = ?1 AND ended_at IS NULL;

-- name: runners_open
SELECT pid, pid_start, boot_id FROM runners WHERE ended_at IS NULL;

-- name: runners_crashed
-- ?1 now. We hold the lock: whoever has not said goodbye is gone.
UPDATE runners SET ended_at = ?1, ending = 'crashed' WHERE id IN
	(SELECT id FROM runners WHERE ended_at IS NULL);

-- name: live_taken_up
-- ?1 the new run. The history of what was live meanwhile tells that no vigil was there.
INSERT INTO events (task_id, attempt_id, kind, detail)
SELECT tasks.id, (SELECT max(id) FROM attempts WHERE task_id = tasks.id), 'taken up',
	'by a new vigil run; the one before ' || coalesce((SELECT iif(ending = 'crashed', 'crashed, or was killed',
		'ended at ' || ended_at) FROM runners WHERE id < ?1 ORDER BY id DESC LIMIT 1), 'is not known')
FROM tasks WHERE status IN ('starting', 'running', 'stopping');

-- name: server_insert
-- ?1 name, ?2 url, ?3 nonce, ?4 boot_id
-- scan: SQLite itself looks for attempts that refer to the new row; once a server
INSERT INTO servers (name, url, nonce, boot_id) VALUES (?1, ?2, ?3, ?4);

-- name: server_process
-- ?1 id, ?2 pid, ?3 pid_start
UPDATE servers SET pid = ?2, pid_start = ?3 WHERE id = ?1;

-- name: server_url
-- ?1 id, ?2 url
UPDATE servers SET url = ?2 WHERE id = ?1;

-- name: server_version
-- ?1 id, ?2 version
UPDATE servers SET version = ?2 WHERE id = ?1;

-- name: server_end
-- ?1 id, ?2 now, ?3 why
UPDATE servers SET ended_at = ?2, ending = ?3 WHERE id = ?1 AND ended_at IS NULL;

-- name: server_alive
-- ?1 name. The newest that is not known to have ended.
SELECT id, pid, pid_start, boot_id, nonce FROM servers
WHERE name = ?1 AND ended_at IS NULL ORDER BY id DESC LIMIT 1;

-- name: server_by_url
-- ?1 url, as its name
SELECT id FROM servers WHERE name = ?1 AND ended_at IS NULL ORDER BY id DESC LIMIT 1;

-- name: onlook
-- ?1 task. How it stands, its newest attempt, and where that one's server is: the one of its name that is alive,
-- else the one that had the prompt.
SELECT tasks.status, tasks.directory, attempts.id AS attempt_id, attempts.session_id, attempts.server,
	servers.url, servers.pid, servers.pid_start, servers.boot_id, servers.nonce
FROM tasks LEFT JOIN attempts ON attempts.task_id = tasks.id AND attempts.number = tasks.attempts
LEFT JOIN servers ON servers.id = coalesce(
	(SELECT max(alive.id) FROM servers AS alive WHERE alive.name = attempts.server AND alive.ended_at IS NULL),
	attempts.server_id)
WHERE tasks.id = ?1;

-- name: onlook_session
-- ?1 session, of which nobody knows more than that a pane shows it. Its server is that of its task, else of the newest
-- attempt; in the columns of onlook.
SELECT NULL AS status, NULL AS directory, attempts.id AS attempt_id, ?1 AS session_id,
	attempts.server, servers.url, servers.pid, servers.pid_start, servers.boot_id, servers.nonce
FROM attempts LEFT JOIN servers ON servers.id = coalesce(
	(SELECT max(alive.id) FROM servers AS alive WHERE alive.name = attempts.server AND alive.ended_at IS NULL),
	attempts.server_id)
WHERE attempts.id = coalesce(
	(SELECT attempt_id FROM panes WHERE session_id = ?1 ORDER BY id DESC LIMIT 1),
	(SELECT max(id) FROM attempts));

-- name: follow_since
-- ?1 task. Its newest event.
SELECT max(id) FROM events WHERE task_id = ?1;

-- name: follow_events
-- ?1 task, ?2 an event. What has happened to it since.
SELECT id, kind, detail FROM events WHERE task_id = ?1 AND id > ?2 ORDER BY id;

-- name: ask_find
-- ?1 the server's id of it
SELECT id, reply, replied_at, replied_by FROM asks WHERE ask_id = ?1;

-- name: ask_insert
-- ?1 task, ?2 attempt, ?3 session, ?4 the server's id, ?5 kind, ?6 now, ?7 request, ?8 reply or NULL
INSERT INTO asks (task_id, attempt_id, session_id, ask_id, kind, asked_at, request, reply, replied_by)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, iif(?8 IS NULL, NULL, 'vigil'));

-- name: ask_decide
-- ?1 id, ?2 reply. Unless a person was quicker.
UPDATE asks SET reply = ?2, replied_by = 'vigil' WHERE id = ?1 AND reply IS NULL AND replied_at IS NULL;

-- name: ask_over
-- ?1 id, ?2 now. The server has the reply, or does not wait for one any more.
UPDATE asks SET replied_at = ?2,
	replied_by = coalesce(replied_by, iif(reply IS NULL, 'elsewhere', 'person'))
WHERE id = ?1 AND replied_at IS NULL;

-- name: ask_elsewhere
-- ?1 id, ?2 now. The server did not take our reply: it waits for none any more.
UPDATE asks SET replied_at = ?2, reply = NULL, replied_by = 'elsewhere' WHERE id = ?1 AND replied_at IS NULL;

-- name: asks_open
-- ?1 attempt
SELECT id, kind, ask_id, request, reply FROM asks WHERE attempt_id = ?1 AND replied_at IS NULL ORDER BY id;

-- name: asks_unsent
-- The sessions of live attempts with a reply that is to be sent.
SELECT attempts.session_id FROM asks JOIN attempts ON attempts.id = asks.attempt_id
WHERE asks.replied_at IS NULL AND asks.reply IS NOT NULL AND attempts.ended_at IS NULL;

-- name: database_id
SELECT id FROM vigil;

-- name: home
-- Where its newest run found it; NULLs before the first.
SELECT place, machine, file FROM vigil;

-- name: home_write
-- ?1 place, ?2 machine, ?3 file, ?4 whether it is to have a new id: of a copy, what has the first one's is not its own.
UPDATE vigil SET place = ?1, machine = ?2, file = ?3, id = iif(?4, lower(hex(randomblob(8))), id);

-- name: newest_attempt
-- Of all that this database has known, deleted ones too; 0: none.
-- scan: sqlite_sequence has one row for each table
SELECT max(coalesce((SELECT max(id) FROM attempts), 0),
	coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'attempts'), 0));

-- name: servers_disown
-- ?1 now, ?2 why
UPDATE servers SET ended_at = ?1, ending = ?2
WHERE name = 'managed' AND ended_at IS NULL;

-- name: panes_disown
-- ?1 now
UPDATE panes SET closed_at = ?1, close_reason = 'stopped', detail = 'it is not ours: this database is a copy'
WHERE id IN (SELECT id FROM panes WHERE closed_at IS NULL);

-- name: pane_intent
-- ?1 task, ?2 attempt, ?3 session, ?4 what it is below, ?5 mark, ?6 now, ?7 why not yet, or NULL. None for an attempt
-- or a child that has had one, unless that went with its runner, or for a task's.
INSERT INTO panes (task_id, attempt_id, session_id, root_session, mark, wanted_at, detail)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (SELECT 1 FROM panes
	WHERE session_id = ?3 AND attempt_id IS ?2
	AND coalesce(close_reason, '') NOT IN ('stopped', 'crashed', 'displaced', 'renewed'));

-- name: pane_opened
-- ?1 id, ?2 socket, ?3 server's pid, ?4 server's start, ?5 pane's id, ?6 pane's pid, ?7 now
UPDATE panes SET tmux_socket = ?2, tmux_server_pid = ?3, tmux_server_start = ?4, pane_id = ?5, pane_pid = ?6,
	opened_at = coalesce(opened_at, ?7), detail = NULL
WHERE id = ?1 AND closed_at IS NULL;

-- name: pane_left
-- ?1 id, ?2 why it could not be closed
UPDATE panes SET detail = ?2 WHERE id = ?1 AND closed_at IS NULL;

-- name: pane_closed
-- ?1 id, ?2 now, ?3 reason, ?4 more about it, or NULL
UPDATE panes SET closed_at = ?2, close_reason = ?3, detail = ?4 WHERE id = ?1 AND closed_at IS NULL;

-- name: panes_open
-- The last column is the server that there was when it was opened, of those with its attempt's server's name.
SELECT id, task_id, attempt_id, session_id, root_session, mark, opened_at,
	tmux_socket, tmux_server_pid, tmux_server_start, pane_id, pane_pid, detail,
	(SELECT max(servers.id) FROM servers JOIN attempts ON attempts.server = servers.name
		WHERE attempts.id = panes.attempt_id AND servers.started_at <= panes.opened_at)
FROM panes WHERE closed_at IS NULL ORDER BY id;
