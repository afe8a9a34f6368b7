-- What the commands ask for. Columns of tasks are in the order in which people are shown them.

-- name: task_exists
-- ?1 id
SELECT 1 FROM tasks WHERE id = ?1;

-- name: task_insert
-- ?1 status, ?2 prompt, ?3 description, ?4 agent, ?5 model, ?6 variant, ?7 directory,
-- ?8 parent_session, ?9 priority, ?10 not_before, ?11 key, ?12 mutex, ?13 timeout_s, ?14 max_attempts
INSERT INTO tasks (status, prompt, description, agent, model, variant, directory, parent_session, priority,
	not_before, key, mutex, timeout_s, max_attempts)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14);

-- name: task_edit
-- ?1 id, ?2 which of them are meant (enum vigil_field), ?3 … ?15 as ?2 … ?14 of task_insert
UPDATE tasks SET prompt = iif(?2 & 2, ?3, prompt), description = iif(?2 & 4, ?4, description),
	agent = iif(?2 & 8, ?5, agent), model = iif(?2 & 16, ?6, model), variant = iif(?2 & 32, ?7, variant),
	directory = iif(?2 & 64, ?8, directory), parent_session = iif(?2 & 128, ?9, parent_session),
	priority = iif(?2 & 256, ?10, priority), not_before = iif(?2 & 512, ?11, not_before),
	key = iif(?2 & 1024, ?12, key), mutex = iif(?2 & 2048, ?13, mutex),
	timeout_s = iif(?2 & 4096, ?14, timeout_s), max_attempts = iif(?2 & 8192, ?15, max_attempts)
WHERE id = ?1;

-- name: task_with_key
-- ?1 key. The open task that has it.
SELECT id FROM tasks
WHERE key = ?1 AND status IN ('queued', 'held', 'starting', 'running', 'stopping');

-- name: dependency_insert
-- ?1 task, ?2 the task it comes after
INSERT OR IGNORE INTO dependencies (task_id, needs_id) VALUES (?1, ?2);

-- name: paused_at
SELECT paused_at FROM vigil;

-- name: queue_pause
-- ?1 now. Unless it is paused already.
UPDATE vigil SET paused_at = ?1 WHERE paused_at IS NULL;

-- name: queue_resume
UPDATE vigil SET paused_at = NULL WHERE paused_at IS NOT NULL;

-- name: count_open
SELECT count(*) FROM tasks WHERE status IN ('queued', 'held', 'starting', 'running', 'stopping');

-- name: problems
-- scan: the view looks at every task and every attempt; it is asked for when a person wants to know
SELECT problem, task_id FROM problems LIMIT 1;

-- name: open_ids
SELECT id FROM tasks WHERE status IN ('queued', 'held', 'starting', 'running', 'stopping') ORDER BY id;

-- name: task_answer
-- ?1 id. What became of it; its result, and whether that was cut.
SELECT status, error_kind, error, result, result_cut FROM tasks WHERE id = ?1;

-- name: task_answers
-- ?1 id. The answers of the newest attempt's turn, in order.
SELECT text, reasoning, message_id, cut FROM messages
WHERE attempt_id = (SELECT max(id) FROM attempts WHERE task_id = ?1) AND role = 'assistant' AND summary = 0
ORDER BY id;

-- name: task_status
-- ?1 id
SELECT status FROM tasks WHERE id = ?1;

-- name: status_counts
-- ?1 since when a final one counts. How many tasks there are, by status.
SELECT status, count(*) FROM tasks WHERE status IN ('queued', 'held', 'starting', 'running', 'stopping')
GROUP BY status
UNION ALL
SELECT status, count(*) FROM tasks WHERE completed_at >= ?1 GROUP BY +status;

-- name: list_ids
-- ?1 since when or NULL, ?2 a text or NULL. Tasks, newest first, and of each whether it was created since then; in
-- older ones no text is looked for.
-- scan: from its end, as far as somebody reads; a text that is nowhere is looked for in all
SELECT id, ?1 IS NULL OR created_at >= ?1 FROM tasks
WHERE (?1 IS NOT NULL AND created_at < ?1)
	OR ?2 IS NULL OR instr(lower(prompt), lower(?2)) OR instr(lower(description), lower(?2))
	OR instr(lower(result), lower(?2)) OR instr(lower(error), lower(?2))
ORDER BY id DESC;

-- name: list_ids_by_status
-- ?1 and ?2 as list_ids, ?3 statuses, as JSON. Each step takes the newest of those below the one before, by the index
-- of each status: few of a million are found as fast as few of few.
WITH RECURSIVE wanted (status) AS (SELECT value FROM json_each(?3)), newest (id) AS (
	SELECT max((SELECT max(id) FROM tasks WHERE tasks.status = wanted.status)) FROM wanted
	UNION ALL
	SELECT (SELECT max((SELECT max(id) FROM tasks WHERE tasks.status = wanted.status AND tasks.id < newest.id))
		FROM wanted)
	FROM newest WHERE newest.id IS NOT NULL
)
SELECT tasks.id, ?1 IS NULL OR created_at >= ?1 FROM newest CROSS JOIN tasks ON tasks.id = newest.id
WHERE (?1 IS NOT NULL AND created_at < ?1)
	OR ?2 IS NULL OR instr(lower(prompt), lower(?2)) OR instr(lower(description), lower(?2))
	OR instr(lower(result), lower(?2)) OR instr(lower(error), lower(?2));

-- name: list_least
-- ?1 since when. The smallest id of the tasks created since then (or one that none has), below which none is to be
-- looked for: ids and times need not agree, after an import, or when a clock was set back. By time (+), for there are
-- few as a rule.
SELECT coalesce(min(+id), 1 << 53) FROM tasks WHERE created_at >= ?1;

-- name: list_row
-- ?1 id, ?2 ',column,column,': which are wanted of those that are long or computed, ?3 how many characters of a text.
-- Its columns are those of COLUMN_LIST. Of an open task, `reason` is but what its agent asks: show_reason has the
-- rest; `next` is put in by the program. What an attempt took ends where a wait begins that is under way
-- (unreachable_at, waiting_at): that is lost already.
SELECT id, status,
	iif(instr(?2, ',prompt,'), substr(prompt, 1, ?3), NULL) AS prompt,
	substr(description, 1, ?3) AS description,
	agent, model, variant, directory, parent_session, session_id, server, priority, not_before, key, mutex, timeout_s,
	max_attempts, attempts, attempts_base,
	iif(instr(?2, ',result,'), substr(result, 1, ?3), NULL) AS result, result_cut,
	substr(error, 1, ?3) AS error, error_kind, stop, note, created_at, started_at, completed_at, wake_at, revision,
	iif(instr(?2, ',after,'), (SELECT group_concat(needs_id) FROM dependencies WHERE task_id = tasks.id), NULL)
		AS after,
	iif(instr(?2, ',task,'), ltrim(substr(coalesce(nullif(description, ''), prompt), 1, 300), char(9, 10, 13, 32)),
		NULL) AS task,
	CASE WHEN NOT instr(?2, ',reason,') THEN NULL
	WHEN status = 'failed' THEN error_kind || coalesce(': ' || substr(error, 1, ?3), '')
	WHEN status = 'cancelled' THEN substr(error, 1, ?3)
	WHEN status IN ('starting', 'running')
		THEN (SELECT 'waits for a person: ' || request || ' (vigil answer ' || asks.id || ' REPLY)'
			FROM attempts JOIN asks ON asks.attempt_id = attempts.id
			WHERE attempts.task_id = tasks.id AND attempts.ended_at IS NULL
				AND asks.reply IS NULL AND asks.replied_at IS NULL
			ORDER BY asks.id LIMIT 1)
	END AS reason,
	NULL AS next,
	iif(instr(?2, ',took,'), (SELECT round(sum(max(0, (julianday(coalesce(ended_at, unreachable_at, waiting_at, 'now'))
		- julianday(started_at)) * 86400 - lost_ms / 1000.0)), 3) FROM attempts WHERE task_id = tasks.id), NULL) AS took,
	iif(instr(?2, ',waited,'), round(max(0, julianday(coalesce(started_at, completed_at, 'now'))
		- julianday(created_at)) * 86400, 3), NULL) AS waited,
	iif(instr(?2, ',resumes,'), (SELECT sum(resumes) FROM attempts WHERE task_id = tasks.id), NULL) AS resumes,
	iif(instr(?2, ',tokens_input,'), (SELECT sum(tokens_input) FROM attempts WHERE task_id = tasks.id), NULL)
		AS tokens_input,
	iif(instr(?2, ',tokens_output,'), (SELECT sum(tokens_output) FROM attempts WHERE task_id = tasks.id), NULL)
		AS tokens_output,
	iif(instr(?2, ',cost,'), (SELECT round(sum(cost), 6) FROM attempts WHERE task_id = tasks.id), NULL) AS cost
FROM tasks WHERE id = ?1;

-- name: show_reason
-- ?1 id, ?2 whether a runner is alive: the view knows only what rows say, and a crash says nothing.
SELECT iif(?2 OR waits_for IN ('release', 'retry', 'resume', 'time', 'task', 'mutex'), reason,
	'no runner is alive: start vigil run') AS reason
FROM queue WHERE id = ?1
UNION ALL
SELECT CASE WHEN ?2 THEN note ELSE coalesce(note || '; ', '') || 'no runner is alive: start vigil run' END
FROM tasks WHERE id = ?1 AND status IN ('starting', 'running', 'stopping') AND (note IS NOT NULL OR NOT ?2);

-- name: show_wait
-- ?1 id, ?2 whether a runner is alive. What an open task waits for, as in the view, and of the tasks that it comes after
-- the one that is most in its way; or the ask that its agent waits with.
SELECT * FROM (
	SELECT waits.id, what, needs_id, coalesce(needed.status, 'deleted') AS stands
	FROM (SELECT id, iif(?2 OR waits_for IN ('release', 'retry', 'resume', 'time', 'task', 'mutex'), waits_for, 'runner')
				AS what
			FROM queue WHERE id = ?1) AS waits
		LEFT JOIN dependencies ON task_id = waits.id AND what IN ('retry', 'task')
		LEFT JOIN tasks AS needed ON needed.id = needs_id
	WHERE needed.status IS NOT 'completed'
	UNION ALL
	SELECT tasks.id, iif(asks.id IS NULL, 'runner', 'answer'), asks.id, NULL
	FROM tasks JOIN attempts ON attempts.task_id = tasks.id AND attempts.ended_at IS NULL
		LEFT JOIN asks ON asks.attempt_id = attempts.id AND asks.reply IS NULL AND asks.replied_at IS NULL
	WHERE tasks.id = ?1 AND tasks.status IN ('starting', 'running', 'stopping') AND (asks.id IS NOT NULL OR NOT ?2))
ORDER BY stands NOT IN ('failed', 'cancelled', 'deleted'), stands <> 'held', needs_id LIMIT 1;

-- name: show_refused
-- ?1 task. How much its newest attempt was refused of what it asked for, other than by a person, who knows.
SELECT count(*) FROM asks
WHERE attempt_id = (SELECT max(id) FROM attempts WHERE task_id = ?1) AND reply = 'reject' AND replied_by IS NOT 'person';

-- name: last_run
-- ?1 whether a runner is alive
-- scan: from its end, and one row of it
SELECT ending, ended_at, ?1 AS alive FROM runners ORDER BY id DESC LIMIT 1;

-- name: show_attempts
-- ?1 task
SELECT id, number, server, session_id, message_id, agent, model, variant, started_at, prompted_at, ended_at,
	outcome, error, error_kind, resumes, tokens_input, tokens_output, tokens_reasoning, tokens_cache_read,
	tokens_cache_write, cost,
	round(max(0, (julianday(coalesce(ended_at, unreachable_at, waiting_at, 'now')) - julianday(started_at)) * 86400
		- lost_ms / 1000.0), 3) AS took
FROM attempts WHERE task_id = ?1 ORDER BY number;

-- name: show_messages
-- ?1 task
SELECT id, attempt_id, message_id, role, agent, model, text, reasoning, finish, error, created_at, completed_at,
	tokens_input, tokens_output, tokens_reasoning, tokens_cache_read, tokens_cache_write, cost
FROM messages WHERE task_id = ?1 ORDER BY id;

-- name: show_events
-- ?1 task
SELECT id, at, attempt_id, kind, detail FROM events WHERE task_id = ?1 ORDER BY id;

-- name: show_asks
-- ?1 task
SELECT id, attempt_id, session_id, kind, asked_at, request, reply, replied_at, replied_by
FROM asks WHERE task_id = ?1 ORDER BY id;

-- name: show_panes
-- ?1 task
SELECT id, attempt_id, session_id, root_session, tmux_socket, tmux_server_pid, tmux_server_start, pane_id, pane_pid,
	opened_at, closed_at, close_reason, detail
FROM panes WHERE task_id = ?1 ORDER BY id;

-- name: list_asks
-- What waits for a person: asks of live attempts that nobody has replied to.
SELECT asks.id, asks.task_id, asks.session_id, asks.kind, asks.asked_at, asks.request
FROM asks JOIN attempts ON attempts.id = asks.attempt_id
WHERE asks.replied_at IS NULL AND asks.reply IS NULL AND attempts.ended_at IS NULL
ORDER BY asks.id;

-- name: ask_load
-- ?1 id. Its kind, and whether it still waits.
SELECT asks.kind, asks.reply IS NULL AND asks.replied_at IS NULL, attempts.ended_at IS NULL
FROM asks JOIN attempts ON attempts.id = asks.attempt_id WHERE asks.id = ?1;

-- name: ask_answer
-- ?1 id, ?2 reply. Unless somebody was quicker.
UPDATE asks SET reply = ?2, replied_by = 'person' WHERE id = ?1 AND reply IS NULL AND replied_at IS NULL;

-- name: prune_count
-- ?1 before when they ended. How many tasks prune_next gives, all in all.
SELECT count(*) FROM tasks
WHERE completed_at < ?1 AND +status IN ('completed', 'failed', 'cancelled')
	AND NOT EXISTS (SELECT 1 FROM dependencies JOIN tasks AS later ON later.id = dependencies.task_id
		WHERE needs_id = tasks.id AND later.status IN ('queued', 'held', 'starting', 'running', 'stopping'));

-- name: prune_next
-- ?1 before when it ended, ?2 and ?3 when the one before it ended, and its id. The next task that may go; by when
-- they ended, not by status, or each of them would look at all.
SELECT id, completed_at FROM tasks
WHERE completed_at < ?1 AND (completed_at, id) > (?2, ?3) AND +status IN ('completed', 'failed', 'cancelled')
	AND NOT EXISTS (SELECT 1 FROM dependencies JOIN tasks AS later ON later.id = dependencies.task_id
		WHERE needs_id = tasks.id AND later.status IN ('queued', 'held', 'starting', 'running', 'stopping'))
ORDER BY completed_at, id LIMIT 1;

-- name: prune_task
-- ?1 id. What belongs to it goes with it, by the schema.
DELETE FROM tasks WHERE id = ?1;

-- name: pick_tasks
-- ?1 status, ?2 and ?3 the least and the greatest id, ?4 how many. The newest of them.
SELECT id, status, coalesce(nullif(description, ''), substr(prompt, 1, 200)) AS about FROM tasks
WHERE status = ?1 AND id BETWEEN ?2 AND ?3 ORDER BY id DESC LIMIT ?4;

-- name: recent_agents
-- scan: of the newest thousand attempts alone
SELECT DISTINCT agent FROM (SELECT agent FROM attempts ORDER BY id DESC LIMIT 1000) WHERE agent IS NOT NULL;

-- name: recent_models
-- scan: of the newest thousand attempts alone
SELECT DISTINCT model FROM (SELECT model FROM attempts ORDER BY id DESC LIMIT 1000) WHERE model IS NOT NULL;
