-- Tasks written down as JSON, and taken in again. What a runner keeps for live attempts is left out; a real
-- number has all its digits, and is one that JSON has.

-- name: export_tasks
-- ?1 since when they were made, or NULL. Those that can be imported, the oldest first.
-- scan: oldest first by id, whatever there is since then
SELECT id, json_object(
	'id', id, 'status', tasks.status, 'prompt', tasks.prompt, 'description', tasks.description, 'agent',
	tasks.agent, 'model', tasks.model, 'variant', tasks.variant, 'directory', tasks.directory,
	'parent_session', tasks.parent_session, 'session_id', tasks.session_id, 'server', tasks.server, 'priority',
	tasks.priority, 'not_before', tasks.not_before, 'key', tasks.key, 'mutex', tasks.mutex, 'timeout_s',
	iif(tasks.timeout_s IS NULL, NULL, json(printf('%!.17g', tasks.timeout_s))), 'max_attempts',
	tasks.max_attempts, 'attempts', tasks.attempts, 'attempts_base', tasks.attempts_base, 'result',
	tasks.result, 'result_cut', tasks.result_cut, 'error', tasks.error, 'error_kind', tasks.error_kind, 'stop', tasks.stop,
	'created_at', tasks.created_at, 'started_at', tasks.started_at, 'completed_at', tasks.completed_at,
	'revision', tasks.revision)
FROM tasks WHERE +status IN ('queued', 'held', 'completed', 'failed', 'cancelled')
	AND +created_at >= coalesce(?1, '')
ORDER BY id;

-- name: export_after
-- ?1 task
SELECT json_group_array(needs_id) FROM (SELECT needs_id FROM dependencies WHERE task_id = ?1 ORDER BY needs_id);

-- name: export_attempts
-- ?1 task
SELECT json_object(
	'number', attempts.number, 'nonce', attempts.nonce, 'server', attempts.server, 'session_id',
	attempts.session_id, 'message_id', attempts.message_id, 'part_id', attempts.part_id, 'agent',
	attempts.agent, 'model', attempts.model, 'variant', attempts.variant, 'started_at', attempts.started_at,
	'prompted_at', attempts.prompted_at, 'progress_at', attempts.progress_at, 'step_at', attempts.step_at,
	'aborted_at', attempts.aborted_at, 'lost_ms', attempts.lost_ms, 'resumes', attempts.resumes, 'ended_at',
	attempts.ended_at, 'outcome', attempts.outcome, 'error', attempts.error, 'error_kind', attempts.error_kind,
	'tokens_input', attempts.tokens_input, 'tokens_output', attempts.tokens_output, 'tokens_reasoning',
	attempts.tokens_reasoning, 'tokens_cache_read', attempts.tokens_cache_read, 'tokens_cache_write',
	attempts.tokens_cache_write, 'cost', json(printf('%!.17g', min(attempts.cost, 1e300))))
FROM attempts WHERE task_id = ?1 ORDER BY number;

-- name: export_messages
-- ?1 task
SELECT json_object(
	'attempt', number, 'message_id', messages.message_id, 'role', messages.role, 'agent', messages.agent,
	'model', messages.model, 'text', messages.text, 'reasoning', messages.reasoning, 'finish', messages.finish,
	'error', messages.error, 'summary', messages.summary, 'cut', messages.cut, 'created_at',
	messages.created_at, 'completed_at', messages.completed_at, 'tokens_input', messages.tokens_input,
	'tokens_output', messages.tokens_output, 'tokens_reasoning', messages.tokens_reasoning,
	'tokens_cache_read', messages.tokens_cache_read, 'tokens_cache_write', messages.tokens_cache_write, 'cost',
	json(printf('%!.17g', min(messages.cost, 1e300))))
FROM messages JOIN attempts ON attempts.id = attempt_id WHERE messages.task_id = ?1 ORDER BY messages.id;

-- name: export_asks
-- ?1 task
SELECT json_object(
	'attempt', number, 'session_id', asks.session_id, 'ask_id', asks.ask_id, 'kind', asks.kind, 'asked_at',
	asks.asked_at, 'request', asks.request, 'reply', asks.reply, 'replied_at', asks.replied_at, 'replied_by',
	asks.replied_by)
FROM asks JOIN attempts ON attempts.id = attempt_id WHERE asks.task_id = ?1 ORDER BY asks.id;

-- name: export_events
-- ?1 task
SELECT json_object(
	'attempt', number, 'at', events.at, 'kind', events.kind, 'detail', events.detail)
FROM events LEFT JOIN attempts ON attempts.id = events.attempt_id WHERE events.task_id = ?1 ORDER BY events.id;

-- name: export_left_out
-- ?1 since when they were made, or NULL. How many are live.
SELECT count(*) FROM tasks WHERE status IN ('starting', 'running', 'stopping') AND created_at >= coalesce(?1, '');

-- name: import_here
-- ?1 the line. The task that it was printed of, where this database has it: not one of those taken in before it. The
-- directory may have been filled in, or resolved, by a claim since then.
SELECT tasks.id FROM (SELECT ?1 -> 'task' AS t) JOIN tasks ON tasks.created_at = t ->> 'created_at'
	AND tasks.prompt = t ->> 'prompt' AND (tasks.directory IS t ->> 'directory'
		OR tasks.attempts > 0 AND (tasks.id = t ->> 'id' OR t ->> 'directory' IS NULL))
WHERE NOT EXISTS (SELECT 1 FROM importing WHERE task_id = tasks.id)
ORDER BY tasks.directory IS NOT t ->> 'directory', tasks.id <> t ->> 'id', tasks.id LIMIT 1;

-- name: import_known
-- ?1 the line's task as it is called here, ?2 its id there
INSERT INTO importing (task_id, old_id) VALUES (?1, ?2);

-- name: import_id
-- ?1 its id there. It keeps that where no task of ours ever had it, nor a later one.
-- scan: of sqlite_sequence, which has a row for each table
INSERT INTO importing (task_id, old_id) SELECT iif(?1 > seq, ?1, seq + 1), ?1
FROM (SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'tasks'), 0) AS seq);

-- name: import_task
-- ?1 the line, ?2 id
INSERT INTO tasks (id,
	status, prompt, description, agent, model, variant, directory, parent_session, session_id, server,
	priority, not_before, key, mutex, timeout_s, max_attempts, attempts, attempts_base, result, result_cut, stop,
	error, error_kind, created_at, started_at, completed_at, revision)
SELECT ?2,
	t ->> 'status', t ->> 'prompt', t ->> 'description', t ->> 'agent', t ->> 'model', t ->> 'variant', t ->>
	'directory', t ->> 'parent_session', t ->> 'session_id', t ->> 'server', t ->> 'priority', t ->>
	'not_before', t ->> 'key', t ->> 'mutex', t ->> 'timeout_s', t ->> 'max_attempts', t ->> 'attempts', t ->>
	'attempts_base', t ->> 'result', t ->> 'result_cut', t ->> 'stop', t ->> 'error', t ->> 'error_kind', t ->> 'created_at',
	t ->> 'started_at', t ->> 'completed_at', t ->> 'revision'
FROM (SELECT ?1 -> 'task' AS t);

-- name: import_after
-- ?1 the line, ?2 task
INSERT INTO dependencies (task_id, needs_id)
SELECT ?2, importing.task_id FROM json_each(?1, '$.after') AS a JOIN importing ON importing.old_id = a.value;

-- name: import_missing
-- ?1 the line. What an open task comes after, and what has not come before it.
SELECT value FROM json_each(?1, '$.after')
WHERE value NOT IN (SELECT old_id FROM importing) AND ?1 ->> '$.task.status' IN ('queued', 'held') LIMIT 1;

-- name: import_attempts
-- ?1 the line, ?2 task
INSERT INTO attempts (task_id, sealed,
	number, nonce, server, session_id, message_id, part_id, agent, model, variant, started_at, prompted_at,
	progress_at, step_at, aborted_at, lost_ms, resumes, ended_at, outcome, error, error_kind, tokens_input,
	tokens_output, tokens_reasoning, tokens_cache_read, tokens_cache_write, cost)
SELECT ?2, 1,
	a.value ->> 'number', a.value ->> 'nonce', a.value ->> 'server', a.value ->> 'session_id', a.value ->>
	'message_id', a.value ->> 'part_id', a.value ->> 'agent', a.value ->> 'model', a.value ->> 'variant',
	a.value ->> 'started_at', a.value ->> 'prompted_at', a.value ->> 'progress_at', a.value ->> 'step_at',
	a.value ->> 'aborted_at', a.value ->> 'lost_ms', a.value ->> 'resumes', a.value ->> 'ended_at', a.value ->>
	'outcome', a.value ->> 'error', a.value ->> 'error_kind', a.value ->> 'tokens_input', a.value ->>
	'tokens_output', a.value ->> 'tokens_reasoning', a.value ->> 'tokens_cache_read', a.value ->>
	'tokens_cache_write', a.value ->> 'cost'
FROM json_each(?1, '$.attempts') AS a;

-- name: import_messages
-- ?1 the line, ?2 task. Of an attempt that is not there: the guard of the table says so.
INSERT INTO messages (task_id, attempt_id,
	message_id, role, agent, model, text, reasoning, finish, error, summary, cut, created_at, completed_at,
	tokens_input, tokens_output, tokens_reasoning, tokens_cache_read, tokens_cache_write, cost)
SELECT ?2, coalesce((SELECT id FROM attempts WHERE task_id = ?2 AND number = a.value ->> 'attempt'), 0),
	a.value ->> 'message_id', a.value ->> 'role', a.value ->> 'agent', a.value ->> 'model', a.value ->> 'text',
	a.value ->> 'reasoning', a.value ->> 'finish', a.value ->> 'error', a.value ->> 'summary', a.value ->>
	'cut', a.value ->> 'created_at', a.value ->> 'completed_at', a.value ->> 'tokens_input', a.value ->>
	'tokens_output', a.value ->> 'tokens_reasoning', a.value ->> 'tokens_cache_read', a.value ->>
	'tokens_cache_write', a.value ->> 'cost'
FROM json_each(?1, '$.messages') AS a;

-- name: import_asks
-- ?1 the line, ?2 task
INSERT INTO asks (task_id, attempt_id,
	session_id, ask_id, kind, asked_at, request, reply, replied_at, replied_by)
SELECT ?2, coalesce((SELECT id FROM attempts WHERE task_id = ?2 AND number = a.value ->> 'attempt'), 0),
	a.value ->> 'session_id', a.value ->> 'ask_id', a.value ->> 'kind', a.value ->> 'asked_at', a.value ->>
	'request', a.value ->> 'reply', a.value ->> 'replied_at', a.value ->> 'replied_by'
FROM json_each(?1, '$.asks') AS a;

-- name: import_events
-- ?1 the line, ?2 task
INSERT INTO events (task_id, attempt_id,
	at, kind, detail)
SELECT ?2, (SELECT id FROM attempts WHERE task_id = ?2 AND number = a.value ->> 'attempt'),
	a.value ->> 'at', a.value ->> 'kind', a.value ->> 'detail'
FROM json_each(?1, '$.events') AS a;

-- name: import_problem
-- ?1 task. What is wrong with it, as it was taken in.
SELECT problem FROM problems WHERE task_id = ?1 AND problem <> 'an import that was left half done' LIMIT 1;

-- name: import_is_json
-- ?1 the line. SQLite's own opinion: it is more narrow in places.
SELECT json_valid(?1);

-- name: import_end
DELETE FROM importing;
