-- What apply() reads and writes: a task, its newest attempt, the transcript, the history. An attempt
-- is written before its task, since the guards of a task's status look at it.

-- name: apply_load
-- ?1 task
SELECT tasks.status, tasks.stop, tasks.attempts, tasks.attempts_base, tasks.max_attempts, tasks.timeout_s,
	tasks.not_before, tasks.wake_at, tasks.revision,
	newest.id, newest.started_at, newest.prompted_at, newest.progress_at, newest.step_at, newest.idle_at,
	newest.unreachable_at, newest.stranger_at, newest.waiting_at, newest.stop_at, newest.sent_at, newest.aborted_at,
	newest.lost_ms, newest.sends, newest.resumes, newest.stuck, newest.searches, newest.misses, newest.session_id IS NOT NULL,
	newest.ended_at IS NOT NULL
FROM tasks LEFT JOIN attempts AS newest ON newest.task_id = tasks.id
	AND newest.number = (SELECT max(number) FROM attempts WHERE task_id = ?1)
WHERE tasks.id = ?1;

-- name: apply_claim
-- ?1 task, ?2 number, ?3 nonce, ?4 server, ?5 server_id, ?6 runner_id, ?7 now. A server whose row somebody has
-- deleted is none: it must not stop a task.
INSERT INTO attempts (task_id, number, nonce, server, server_id, runner_id, started_at)
VALUES (?1, ?2, ?3, ?4, (SELECT id FROM servers WHERE id = ?5), nullif(?6, 0), ?7);

-- name: apply_attempt
-- ?1 attempt, ?2 … ?17 its times and counters, ?18 has it a session, ?19 … ?25 what the event brought. As to its
-- server, see apply_claim.
UPDATE attempts SET prompted_at = ?2, progress_at = ?3, step_at = ?4, idle_at = ?5, unreachable_at = ?6,
	stranger_at = ?7, waiting_at = ?8, stop_at = ?9, sent_at = ?10, aborted_at = ?11, lost_ms = ?12, sends = ?13,
	resumes = ?14, stuck = ?15, searches = ?16, misses = ?17,
	session_id = iif(?18, coalesce(?19, session_id), NULL),
	message_id = iif(?18, coalesce(?20, message_id), NULL),
	part_id = iif(?18, coalesce(?21, part_id), NULL),
	agent = coalesce(?22, agent), model = coalesce(?23, model), variant = coalesce(?24, variant),
	server_id = (SELECT id FROM servers WHERE id = coalesce(nullif(?25, 0), server_id))
WHERE id = ?1;

-- name: apply_message
-- ?1 task, ?2 attempt, ?3 … the message; unless it is there.
INSERT INTO messages (task_id, attempt_id, message_id, role, agent, model, text, reasoning, finish, error,
	summary, cut, created_at, completed_at, tokens_input, tokens_output, tokens_reasoning,
	tokens_cache_read, tokens_cache_write, cost)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20
WHERE NOT EXISTS (SELECT 1 FROM messages WHERE attempt_id = ?2 AND message_id = ?3);

-- name: apply_end
-- ?1 attempt, ?2 now, ?3 outcome, ?4 error (of a cancel: its reason, which the task has), ?5 error_kind,
-- ?6 … ?10 tokens, ?11 cost. Where the server chose agent or model, its answers tell which these were.
UPDATE attempts SET sealed = 1,
	agent = coalesce(agent, (SELECT agent FROM messages WHERE attempt_id = ?1 AND agent IS NOT NULL
		AND NOT summary ORDER BY created_at DESC LIMIT 1)),
	model = coalesce(model, (SELECT model FROM messages WHERE attempt_id = ?1 AND model IS NOT NULL
		AND NOT summary ORDER BY created_at DESC LIMIT 1)), ended_at = ?2, outcome = ?3, error_kind = ?5,
	error = iif(?3 = 'cancelled', (SELECT error FROM tasks WHERE id = task_id), ?4),
	tokens_input = ?6, tokens_output = ?7, tokens_reasoning = ?8, tokens_cache_read = ?9,
	tokens_cache_write = ?10, cost = ?11
WHERE id = ?1;

-- name: apply_task
-- ?1 task, ?2 status, ?3 stop, ?4 wake_at, ?5 not_before, ?6 attempts, ?7 attempts_base,
-- ?8 is the error kept, ?9 error, ?10 error_kind, ?11 result, ?12 note, ?13 started_at,
-- ?14 completed_at, ?15 attempt, ?16 directory, ?17 server, ?18 was the result cut
UPDATE tasks SET status = ?2, stop = ?3, wake_at = ?4, not_before = ?5, attempts = ?6, attempts_base = ?7,
	error = iif(?8, error, ?9), error_kind = ?10, result = ?11, result_cut = ?18, note = ?12,
	started_at = coalesce(started_at, ?13), completed_at = ?14,
	session_id = iif(?15, (SELECT session_id FROM attempts WHERE id = ?15), session_id),
	directory = coalesce(?16, directory), server = coalesce(?17, server)
WHERE id = ?1;

-- name: apply_event
-- ?1 now, ?2 task, ?3 attempt, ?4 kind, ?5 detail
INSERT INTO events (at, task_id, attempt_id, kind, detail) VALUES (?1, ?2, nullif(?3, 0), ?4, ?5);
