-- A made-up fortnight, for what reports on it: into a new database, in the sqlite3 shell. Final rows come in as an
-- import's do. Its people live in TZ=CET-1CEST,M3.5.0,M10.5.0/3: what is written here is UTC, an hour behind their
-- clocks, and two from the night of the 28th of March on, when these skip from 02:00 to 03:00.
PRAGMA foreign_keys = ON;
BEGIN IMMEDIATE;

CREATE TEMP TABLE task (id INTEGER PRIMARY KEY, created_at, status, description, prompt);
INSERT INTO task VALUES
	(1, '2026-03-20T19:00:00.000Z', 'completed', 'upgrade deps', 'Upgrade what we depend on, one commit each.'),
	(2, '2026-03-20T19:05:00.000Z', 'completed', 'mend the flaky test', 'Fix the flaky test in tests/net.'),
	(3, '2026-03-20T19:10:00.000Z', 'failed', NULL, 'Write the changelog'||char(10)||'since the last tag.'),
	(4, '2026-03-21T21:00:00.000Z', 'completed', 'port to the new API', 'Port src/net to the new API.'),
	(5, '2026-03-21T21:00:00.000Z', 'cancelled', 'rename modules', 'Rename the modules as in the list.'),
	(6, '2026-03-21T21:00:00.000Z', 'cancelled', 'try a rewrite', 'Rewrite the parser.'),
	(7, '2026-03-22T20:00:00.000Z', 'failed', 'read the logs', 'Read the logs of last week.'),
	(8, '2026-03-22T20:00:00.000Z', 'completed', 'summarize issues', 'Summarize the open issues.'),
	(9, '2026-03-23T20:00:00.000Z', 'failed', 'translate the manual', 'Translate the manual.'),
	(10, '2026-03-24T20:00:00.000Z', 'completed', 'review the locks', 'Review where locks are held.'),
	(11, '2026-03-25T20:00:00.000Z', 'failed', 'ask a wrong agent', 'Whoever you are, do it.'),
	(12, '2026-03-25T20:00:00.000Z', 'failed', 'touch /etc', 'Change a file in /etc.'),
	(13, '2026-03-26T20:00:00.000Z', 'completed', 'benchmarks', 'Run the benchmarks, and say what is slow.'),
	(14, '2026-03-27T20:00:00.000Z', 'failed', 'draw a diagram', 'Draw a diagram of src.'),
	(15, '2026-03-28T20:00:00.000Z', 'completed', 'through the clock change', 'Work while the clocks skip an hour.'),
	(16, '2026-03-28T20:00:00.000Z', 'failed', 'on a lost server', 'Look at the other machine.'),
	(17, '2026-03-30T20:00:00.000Z', 'completed', 'third time lucky', 'Make the fuzzers pass.'),
	(18, '2026-03-31T20:00:00.000Z', 'failed', 'hang', 'Wait for the other team.'),
	(19, '2026-04-01T19:00:00.000Z', 'completed', 'with the lid closed', 'Sort the fixtures.'),
	(20, '2026-04-02T19:00:00.000Z', 'completed', 'write tests', 'Write tests for src/base.'),
	(21, '2026-04-02T19:00:00.000Z', 'failed', 'prove it', 'Prove the scheduler correct.');

CREATE TEMP TABLE attempt (task_id, number, agent, model, started_at, ended_at, outcome, error_kind, error, lost_ms,
	resumes, input, output, cost);
INSERT INTO attempt VALUES
	(1, 1, 'build', 'acme/large', '2026-03-20T20:00:00.000Z', '2026-03-20T21:23:00.000Z', 'completed', NULL, NULL, 0, 0, 120000, 8000, 1.25),
	(2, 1, 'build', 'acme/small', '2026-03-20T20:00:00.000Z', '2026-03-20T20:30:00.000Z', 'failed', 'agent', 'the provider is overloaded', 0, 0, 10000, 500, 0.05),
	(2, 2, 'build', 'acme/small', '2026-03-20T20:31:00.000Z', '2026-03-20T21:01:00.000Z', 'completed', NULL, NULL, 0, 0, 30000, 2000, 0.15),
	(3, 1, 'docs', 'zeta/one', '2026-03-20T21:23:00.000Z', '2026-03-20T22:23:00.000Z', 'failed', 'timeout', 'it ran longer than its timeout of 1h', 0, 0, 50000, 9000, 0.5),
	(4, 1, 'build', 'acme/large', '2026-03-21T22:30:00.000Z', '2026-03-22T00:10:00.000Z', 'completed', NULL, NULL, 0, 1, 200000, 20000, 2.5),
	(5, 1, 'build', 'acme/small', '2026-03-21T23:00:00.000Z', '2026-03-21T23:20:00.000Z', 'cancelled', NULL, 'not like this', 0, 0, 8000, 700, 0.04),
	(7, 1, 'docs', 'zeta/one', '2026-03-22T21:00:00.000Z', '2026-03-22T21:45:00.000Z', 'failed', 'stalled', 'no sign of work for 45m', 0, 0, 5000, 0, 0.02),
	(8, 1, 'docs', 'zeta/one', '2026-03-23T05:00:00.000Z', '2026-03-23T05:10:30.000Z', 'completed', NULL, NULL, 0, 0, 15000, 1500, 0.1),
	(9, 1, 'docs', 'zeta/one', '2026-03-23T21:00:00.000Z', '2026-03-23T21:00:07.000Z', 'failed', 'agent', 'the key is not valid', 0, 0, 0, 0, 0),
	(10, 1, 'review', 'acme/large', '2026-03-24T21:00:00.000Z', '2026-03-24T21:30:00.000Z', 'completed', NULL, NULL, 0, 2, 90000, 3000, 0.8),
	(11, 1, NULL, NULL, '2026-03-25T21:00:00.000Z', '2026-03-25T21:00:01.000Z', 'failed', 'refused', 'there is no agent ''whoever''', 0, 0, 0, 0, 0),
	(12, 1, 'build', 'acme/small', '2026-03-25T21:00:00.000Z', '2026-03-25T21:02:00.000Z', 'failed', 'rejected', 'it may not write /etc/hosts', 0, 0, 4000, 200, 0.02),
	(13, 1, 'build', 'acme/small', '2026-03-26T21:00:00.000Z', '2026-03-26T21:40:00.000Z', 'completed', NULL, NULL, 0, 0, 20000, 1000, 0.1),
	(14, 1, 'docs', 'zeta/one', '2026-03-27T21:00:00.000Z', '2026-03-27T21:05:00.000Z', 'failed', 'empty', 'the answer is empty', 0, 0, 3000, 0, 0.01),
	(15, 1, 'build', 'acme/large', '2026-03-29T00:30:00.000Z', '2026-03-29T01:30:00.000Z', 'completed', NULL, NULL, 0, 0, 100000, 5000, 1),
	(16, 1, 'review', 'acme/large', '2026-03-28T21:00:00.000Z', '2026-03-28T22:00:00.000Z', 'failed', 'lost', 'the session is gone', 0, 3, 40000, 1000, 0.4),
	(17, 1, 'build', 'acme/small', '2026-03-30T21:00:00.000Z', '2026-03-30T21:10:00.000Z', 'failed', 'server', 'the prompt was not taken', 0, 0, 0, 0, 0),
	(17, 2, 'build', 'acme/small', '2026-03-31T05:00:00.000Z', '2026-03-31T05:20:00.000Z', 'failed', 'interrupted', 'its turn was cut off', 0, 3, 6000, 300, 0.03),
	(17, 3, 'build', 'acme/large', '2026-03-31T20:00:00.000Z', '2026-03-31T21:00:00.000Z', 'completed', NULL, NULL, 0, 0, 80000, 4000, 0.7),
	(18, 1, 'docs', 'zeta/one', '2026-03-31T21:00:00.000Z', '2026-04-01T06:00:00.000Z', 'failed', 'stalled', 'no sign of work for 45m', 28800000, 0, 7000, 100, 0.04),
	(19, 1, 'build', 'acme/small', '2026-04-01T20:00:00.000Z', '2026-04-02T04:30:00.000Z', 'completed', NULL, NULL, 28200000, 1, 12000, 600, 0.06),
	(20, 1, 'build', 'acme/large', '2026-04-02T19:00:30.000Z', '2026-04-02T19:42:00.000Z', 'completed', NULL, NULL, 0, 0, 60000, 6000, 0.65),
	(21, 1, 'review', 'acme/large', '2026-04-02T19:00:30.000Z', '2026-04-03T03:00:30.000Z', 'failed', 'agent', 'the model was asked for more than it can hold', 0, 0, 900000, 50000, 9.75);

INSERT INTO importing (task_id, old_id) SELECT id, id FROM task;
INSERT INTO tasks (id, status, prompt, description, created_at, attempts, result, error, error_kind, started_at,
	completed_at, not_before)
SELECT task.id, status, prompt, description, created_at,
	(SELECT count(*) FROM attempt WHERE task_id = task.id),
	iif(status = 'completed', 'It is done.', NULL),
	iif(status = 'completed', NULL, coalesce(last.error, 'Cancelled by user')),
	iif(status = 'failed', last.error_kind, NULL),
	(SELECT min(started_at) FROM attempt WHERE task_id = task.id),
	coalesce(last.ended_at, '2026-03-22T06:00:00.000Z'),
	iif(task.id = 8, '2026-03-23T04:00:00.000Z', NULL)
FROM task LEFT JOIN attempt AS last ON last.task_id = task.id
	AND last.number = (SELECT max(number) FROM attempt WHERE task_id = task.id)
ORDER BY task.id;
INSERT INTO attempts (task_id, number, nonce, sealed, session_id, message_id, part_id, agent, model, started_at, ended_at, outcome,
	error_kind, error, lost_ms, resumes, tokens_input, tokens_output, tokens_reasoning, tokens_cache_read,
	tokens_cache_write, cost)
SELECT task_id, number, printf('nonce%d-%d', task_id, number), 1, printf('ses_%d_%d', task_id, number),
	printf('msg_%d_%d', task_id, number), printf('prt_%d_%d', task_id, number), agent, model,
	started_at, ended_at, outcome, error_kind, error, lost_ms, resumes, input, output, output / 10, input * 2,
	input / 10, cost
FROM attempt ORDER BY ended_at;
INSERT INTO events (task_id, at, kind) SELECT id, created_at, 'queued' FROM task;
INSERT INTO events (task_id, attempt_id, at, kind, detail)
SELECT task_id, id, ended_at, outcome, error FROM attempts ORDER BY ended_at;
DELETE FROM importing;

-- And what waits on the last morning.
INSERT INTO tasks (id, status, prompt, description, created_at, priority, not_before, mutex) VALUES
	(22, 'queued', 'Deploy.', 'deploy', '2026-04-03T05:00:00.000Z', 0, NULL, NULL),
	(23, 'held', 'Delete the old branches.', 'tidy up', '2026-04-03T05:00:00.000Z', 10, NULL, NULL),
	(24, 'queued', 'Say what the quarter brought.', 'quarterly notes', '2026-04-03T05:00:00.000Z', 5,
		'2199-07-01T06:00:00.000Z', NULL),
	(25, 'queued', 'Announce it.', 'announce', '2026-04-03T05:01:00.000Z', 0, NULL, NULL);
INSERT INTO dependencies VALUES (22, 21), (25, 22);
COMMIT;
DROP TABLE task;
DROP TABLE attempt;
