#!/usr/bin/env node
// What a long history costs: the same last ten nights of 100 tasks each, alone, and with 999,000 older tasks before
// them, 1,000 a night. What asks about these nights should not notice the older ones. Rows come in as an import's do,
// with attempts and events, without transcripts, which nothing here reads. TASKS= makes it another number than a million.

import { join } from "node:path";
import { Unmeasured, bench, goal, line, median, ms, now, openShell, ratio, runVigil, sqlite, tempFolder, timeInTurns, title } from "./lib.js";

const RECENT = 1000;
const MANY = Number(process.env.TASKS || 1000000);
const RUNS = 15;
const SCANS = 3;

/** Tasks 1 to `count`, the newest last: one in 20 failed, one in 20 was cancelled, one in 20 passed when tried again. */
function history(count) {
  const time = (ago) => `strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-' || (${ago}) || ' seconds')`;
  return `
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -200000;
BEGIN EXCLUSIVE;
CREATE TEMP TABLE made AS
WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < ${count}),
night (id, age, place) AS (SELECT id, iif(${count} - id < ${RECENT}, (${count} - id) / 100, 10 + (${count} - id - ${RECENT}) / 1000),
	iif(${count} - id < ${RECENT}, (${count} - id) % 100 * 10, (${count} - id - ${RECENT}) % 1000) FROM n)
SELECT id, age * 86400 + place * 20 + 3600 AS ended, 60 + id * 7919 % 6000 AS took,
	CASE id % 20 WHEN 0 THEN 'failed' WHEN 1 THEN 'cancelled' ELSE 'completed' END AS status,
	iif(id % 20 = 2, 2, 1) AS attempts
FROM night;
INSERT INTO importing (task_id, old_id) SELECT id, id FROM made;
INSERT INTO tasks (id, status, prompt, description, agent, directory, attempts, result, error, error_kind, created_at, started_at, completed_at)
SELECT id, status, 'Look at the tests of module ' || id || ', and mend what fails. Run each of them 50 times.', 'mend ' || id,
	'build', '/srv/project', attempts, iif(status = 'completed', 'What failed is mended: it was a race in the test itself.', NULL),
	CASE status WHEN 'failed' THEN 'the provider is overloaded' WHEN 'cancelled' THEN 'Cancelled by user' END,
	CASE WHEN status = 'failed' THEN json_extract('["agent", "timeout", "stalled", "server", "empty"]', '$[' || (id / 20 % 5) || ']') END,
	${time("ended + took + 3600")}, ${time("ended + took")}, ${time("ended")}
FROM made;
INSERT INTO attempts (task_id, number, nonce, sealed, agent, model, started_at, ended_at, outcome, error, error_kind,
	tokens_input, tokens_output, cost)
SELECT id, number, 'nonce', 1, 'build', 'acme/' || iif(id % 3, 'small', 'large'),
	${time("ended + took / number")}, ${time("ended + iif(number < attempts, took / 2 + 1, 0)")},
	iif(number < attempts, 'failed', status), iif(number < attempts OR status = 'failed', 'the provider is overloaded', NULL),
	iif(number < attempts OR status = 'failed', 'agent', NULL), 20000, 1000, 0.05
FROM made JOIN (SELECT 1 AS number UNION ALL SELECT 2) ON number <= attempts;
INSERT INTO events (task_id, at, kind) SELECT id, ${time("ended + took + 3600")}, 'queued' FROM made;
INSERT INTO events (task_id, at, kind) SELECT id, ${time("ended")}, status FROM made;
DELETE FROM importing;
COMMIT;
DROP TABLE made;
INSERT INTO tasks (prompt) SELECT 'next ' || value FROM json_each('[1, 2, 3, 4, 5, 6]');
UPDATE tasks SET status = 'held' WHERE prompt = 'next 6';
INSERT INTO runners (pid, pid_start, boot_id, version, directory, slots, server) VALUES (1, 1, '', '', '/', 1, 'managed');
INSERT INTO attempts (task_id, number, nonce, runner_id) SELECT id, 1, 'live', 1 FROM tasks WHERE prompt = 'next 1';
UPDATE tasks SET status = 'starting', attempts = 1, server = 'managed', wake_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+1 hour') WHERE prompt = 'next 1';
PRAGMA journal_mode = WAL;
SELECT 'problems: ' || count(*) FROM problems;`;
}

function fill(folder, count) {
  const database = join(folder, `${count}.db`);
  runVigil(database, ["add", "first"]);
  sqlite(database, "DELETE FROM tasks;");
  const began = now();
  const said = sqlite(database, history(count)).trim().split("\n").at(-1);
  if (said !== "problems: 0") throw new Unmeasured(`the filled database: ${said}`);
  line(`${count.toLocaleString("en-US")} tasks`, `${((now() - began) / 1000).toFixed(1)} s`, "made in SQL, and looked over by the view problems");
  return database;
}

/** What a person waits for; each within 1.5 times. Another command is added here: a report of one night, say. */
const commands = (id) => [
  ["list, 1,000 into a pipe", ["list"]],
  ["list --limit 20", ["list", "--limit", "20"]],
  ["list --limit 20 --status failed", ["list", "--limit", "20", "--status", "failed"]],
  ["list --status queued", ["list", "--status", "queued"]],
  ["list --limit 20 --since 2d", ["list", "--limit", "20", "--since", since(2)]],
  ["list --since 1 hour ago", ["list", "--since", since(1 / 24)]],
  ["show ID", ["show", String(id)]],
];

const since = (days) => new Date(Date.now() - days * 86400000).toISOString();
const time = (days) => `'${since(days)}'`;
const night = (days) => `date('now', 'localtime', '-12 hours', '-${days} days')`;

const questions = [
  ["queue", "SELECT * FROM queue"],
  ["running", "SELECT * FROM running"],
  ["history LIMIT 20", "SELECT * FROM history LIMIT 20"],
  ["history, what failed, LIMIT 20", "SELECT * FROM history WHERE status = 'failed' LIMIT 20"],
  ["history of one night", `SELECT * FROM history WHERE completed_at >= ${time(1)}`],
  ["spans of one night", `SELECT * FROM spans WHERE until_at > ${time(3)} AND since_at < ${time(2)}`],
  ["waits LIMIT 20", "SELECT * FROM waits LIMIT 20"],
  ["retried LIMIT 20", "SELECT * FROM retried LIMIT 20"],
  ["nights LIMIT 7", "SELECT * FROM nights LIMIT 7"],
  ["nights of a week", `SELECT * FROM nights WHERE night BETWEEN ${night(8)} AND ${night(2)}`],
  ["days LIMIT 7", "SELECT * FROM days LIMIT 7"],
  ["cost by model, a week", `SELECT model, sum(cost) FROM spans WHERE until_at >= ${time(7)} GROUP BY model`],
];
const scans = [
  ["nights, all", "SELECT count(*), sum(cost) FROM nights"],
  ["nights of 30 days, 1,000 tasks each", `SELECT * FROM nights WHERE night BETWEEN ${night(60)} AND ${night(31)}`],
  ["failures", "SELECT * FROM failures"],
  ["slowest LIMIT 10", "SELECT * FROM slowest LIMIT 10"],
  ["models", "SELECT * FROM models"],
  ["agents", "SELECT * FROM agents"],
  ["problems", "SELECT * FROM problems"],
];

async function timeQuestion(shells, sql, runs) {
  const took = shells.map(() => []);
  for (let run = 0; run < runs; run++)
    for (const [which, shell] of shells.entries()) {
      const began = now();
      await shell(sql);
      took[which].push(now() - began);
    }
  return took.map(median);
}

await bench(async () => {
  const folder = tempFolder();
  title("filling");
  const [few, many] = [RECENT, MANY].map((count) => fill(folder, count));

  title(`whole commands, with ${MANY.toLocaleString("en-US")} tasks and with the last ${RECENT.toLocaleString("en-US")} of them; median of ${RUNS} in turns`);
  let worst = 0;
  commands().forEach(([name], which) => {
    const id = { [few]: RECENT / 2, [many]: MANY - RECENT / 2 };
    const run = (database) => () => runVigil(database, commands(id[database])[which][1]);
    const [small, large] = timeInTurns(RUNS, [run(few), run(many)]).map(median);
    worst = Math.max(worst, large / small);
    line(`vigil ${name}`, ms(large), `with the few: ${ms(small)}; ratio ${ratio(large, small)}`);
  });
  goal("list and show within 1.5 times", worst < 1.5);

  const shells = [few, many].map(openShell);
  title(`the views, asked in an open sqlite3 shell, about the last nights; median of ${RUNS} in turns`);
  for (const [name, sql] of questions) {
    const [small, large] = await timeQuestion(shells, sql, RUNS);
    line(name, ms(large), `with the few: ${ms(small)}; ratio ${ratio(large, small)}`);
  }
  title(`what looks at everything, or at much; median of ${SCANS}`);
  for (const [name, sql] of scans) {
    const [, large] = await timeQuestion(shells, sql, SCANS);
    line(name, ms(large));
  }
});
