-- What happened between two times. Each of these looks at the rows of that time alone, and at what is open,
-- however much history there is besides.

-- name: report_now
-- ?1 whether a runner is alive. How the queue stands: one row, while which is read the rest is asked, so that all of
-- it is of one moment.
SELECT paused_at, ?1 AS has_runner, (SELECT count(*) FROM tasks WHERE status = 'queued') AS queued,
	(SELECT count(*) FROM tasks WHERE status = 'held') AS held
FROM vigil;

-- name: report_attempts
-- ?1 from, ?2 to, ?3 a day later, ?4 now. Whatever was under way in between. What was so at ?2 and ended later has ended
-- within a day, is one of the few that last longer, which have an index of their own, or is live.
-- An agent or a model that nobody chose is known once there is a transcript. Work is what was not lost, as in a wait
-- that is under way, of which no more is within the range than the range has room for: when it was lost is not known.
SELECT id, task_id, number,
	coalesce(agent, (SELECT messages.agent FROM messages WHERE attempt_id = attempts.id AND role = 'assistant'
		ORDER BY id DESC LIMIT 1)) AS agent,
	coalesce(model, (SELECT messages.model FROM messages WHERE attempt_id = attempts.id AND role = 'assistant'
		ORDER BY id DESC LIMIT 1)) AS model,
	session_id, started_at, prompted_at, ended_at, outcome, error_kind, error,
	resumes, tokens_input, tokens_output, tokens_reasoning, tokens_cache_read, tokens_cache_write, cost,
	lost AS lost_ms,
	CAST(round(max(0, min(julianday(coalesce(ended_at, ?4)) - julianday(started_at) - lost / 86400000.0,
		julianday(min(coalesce(ended_at, ?4), ?2)) - julianday(max(started_at, ?1)))) * 86400000) AS INTEGER) AS work_ms
FROM (SELECT *, lost_ms + iif(ended_at IS NULL, coalesce(max(0, CAST(round((julianday(?4)
		- julianday(coalesce(unreachable_at, waiting_at))) * 86400000) AS INTEGER)), 0), 0) AS lost FROM attempts) AS attempts
WHERE id IN (
	SELECT id FROM attempts WHERE ended_at >= ?1 AND ended_at < ?3 AND started_at < ?2
	UNION
	SELECT id FROM attempts WHERE ended_at >= ?3 AND started_at < ?2
		AND julianday(ended_at) - julianday(started_at) > 1
	UNION
	SELECT id FROM attempts WHERE ended_at IS NULL AND started_at < ?2)
ORDER BY started_at, id;

-- name: report_ended
-- ?1 from, ?2 to. Tasks that became final in between, those that never began among them.
SELECT id FROM tasks WHERE completed_at >= ?1 AND completed_at < ?2 ORDER BY completed_at, id;

-- name: report_task
-- ?1 id. How it stands now.
SELECT id, status,
	substr(coalesce(nullif(description, ''), trim(prompt, char(9, 10, 11, 12, 13, 32, 160))), 1, 200) AS subject,
	agent, model, directory, session_id, attempts, error_kind, substr(error, 1, 2000) AS error, note, created_at,
	started_at, completed_at, NULL AS next -- which the program puts in
FROM tasks WHERE id = ?1;

-- name: report_marks
-- ?1 task. What held its attempts up (an ask; a server that could not be asked), and where a turn that was cut off
-- went on. A server was there again when the next thing happened that only a server brings.
SELECT task_id, attempt_id, 'ask' AS kind, asked_at AS began_at, replied_at AS ended_at, request AS detail
FROM asks WHERE task_id = ?1
UNION ALL
SELECT task_id, attempt_id, 'resumed', at, at, detail FROM events WHERE task_id = ?1 AND kind = 'resumed'
UNION ALL
SELECT task_id, attempt_id, 'server', at, (SELECT later.at FROM events AS later
		WHERE later.task_id = ?1 AND later.id > events.id
			AND later.kind NOT IN ('cancel', 'edited', 'stopping') ORDER BY later.id LIMIT 1), detail
FROM events WHERE task_id = ?1 AND kind = 'unreachable'
ORDER BY 4;

-- name: report_refused
-- ?1 task, ?2 from, ?3 to. What it asked for and was refused, whoever did, in the attempts that report_attempts gives.
SELECT id, task_id, attempt_id, kind, asked_at, request, reply, replied_at, replied_by
FROM asks
WHERE task_id = ?1 AND reply = 'reject' AND EXISTS (SELECT 1 FROM attempts
	WHERE attempts.id = attempt_id AND started_at < ?3 AND coalesce(ended_at, ?2) >= ?2)
ORDER BY id;

-- name: report_held
SELECT id, substr(coalesce(nullif(description, ''), trim(prompt, char(9, 10, 11, 12, 13, 32, 160))), 1, 200) AS subject
FROM tasks WHERE status = 'held' ORDER BY id;

-- name: report_blocked
-- Tasks that have failed, were cancelled or deleted, or are held, and which tasks are queued behind each, or behind one
-- that is.
-- From what is queued (CROSS JOIN keeps the order): what has failed is all history.
WITH RECURSIVE blocked (id, behind) AS (
	SELECT tasks.id, needs_id FROM tasks CROSS JOIN dependencies ON task_id = tasks.id
		LEFT JOIN tasks AS needed ON needed.id = needs_id
	WHERE tasks.status = 'queued' AND coalesce(needed.status, 'deleted') IN ('failed', 'cancelled', 'held', 'deleted')
	UNION
	SELECT task_id, behind FROM blocked CROSS JOIN dependencies ON needs_id = blocked.id
		CROSS JOIN tasks ON tasks.id = task_id AND tasks.status = 'queued'
)
SELECT first.behind AS id, coalesce(needed.status, 'deleted') AS status, substr(coalesce(nullif(needed.description, ''),
		trim(needed.prompt, char(9, 10, 11, 12, 13, 32, 160))), 1, 200) AS subject,
	count(*) AS blocked, group_concat(first.id) AS tasks
FROM (SELECT id, min(behind) AS behind FROM blocked GROUP BY id ORDER BY id) AS first
	LEFT JOIN tasks AS needed ON needed.id = first.behind
GROUP BY first.behind ORDER BY first.behind;

-- name: report_total
-- ?1 … ?23: sums that are made while the rows go by; here they get their names.
SELECT ?1 AS since, ?2 AS until, ?3 AS tasks, ?4 AS completed, ?5 AS failed, ?6 AS cancelled, ?7 AS live,
	?8 AS waiting, ?9 AS attempts, ?10 AS resumes, ?11 AS work_ms, ?12 AS tokens_input, ?13 AS tokens_output,
	?14 AS tokens_reasoning, ?15 AS tokens_cache_read, ?16 AS tokens_cache_write, ?17 AS cost, ?18 AS paused_at,
	?19 AS has_runner, ?20 AS queued, ?21 AS held, ?22 AS blocked, ?23 AS refused;

-- name: report_text
-- ?1 task, ?2 how many characters of a text
SELECT id, substr(prompt, 1, ?2) AS prompt, length(prompt) AS prompt_length, substr(result, 1, ?2) AS result,
	length(result) AS result_length, result_cut
FROM tasks WHERE id = ?1;

-- name: report_messages
-- ?1 task, ?2 how many characters of a text
SELECT task_id, attempt_id, role, agent, model, substr(text, 1, ?2) AS text, length(text) AS text_length,
	substr(reasoning, 1, ?2) AS reasoning, length(reasoning) AS reasoning_length, substr(error, 1, 2000) AS error,
	created_at, summary, cut
FROM messages WHERE task_id = ?1 ORDER BY id;
