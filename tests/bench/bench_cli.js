#!/usr/bin/env node
// Whether the commands stay as fast when the database has a long history: 1,000 tasks beside 100,000, all
// completed, with an attempt, a transcript and events each.

import { join } from "node:path";
import { Unmeasured, bench, line, median, ms, percentile, ratio, runVigil, sqlite, tempFolder, timeInTurns, title } from "./lib.js";

const FEW = 1000;
const MANY = 100000;
const RUNS = 15;

/** From queued to completed the way the database's guards allow it, all tasks at once. */
function history(count) {
  return `
PRAGMA synchronous = OFF;
PRAGMA wal_autocheckpoint = 0;
BEGIN IMMEDIATE;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
INSERT INTO tasks (prompt, description, directory) SELECT 'task ' || i || ': look at the tests and mend what fails', 'mend ' || i, '/' FROM n;
INSERT INTO runners (pid, pid_start, boot_id, version, directory) VALUES (1, 1, '', '', '/');
INSERT INTO attempts (task_id, number, nonce, runner_id) SELECT id, 1, 'nonce-' || id, 1 FROM tasks;
UPDATE runners SET ended_at = started_at;
UPDATE tasks SET status = 'starting', attempts = 1, wake_at = created_at, started_at = created_at;
INSERT INTO messages (task_id, attempt_id, message_id, role, text) SELECT task_id, id, 'msg_user', 'user', 'mend ' || id FROM attempts;
INSERT INTO messages (task_id, attempt_id, message_id, role, text, finish)
	SELECT task_id, id, 'msg_answer', 'assistant', 'what failed is mended', 'stop' FROM attempts;
UPDATE attempts SET sealed = 1, ended_at = started_at, outcome = 'completed';
UPDATE tasks SET status = 'completed', result = 'what failed is mended';
COMMIT;
PRAGMA wal_checkpoint(TRUNCATE);
SELECT count(*) FROM problems;`;
}

function fill(folder, count) {
  const database = join(folder, `${count}.db`);
  runVigil(database, ["add", "first"]);
  sqlite(database, "DELETE FROM tasks;");
  const problems = sqlite(database, history(count)).trim().split("\n").at(-1);
  if (problems !== "0") throw new Unmeasured(`the filled database has ${problems} rows in its view problems`);
  return database;
}

const commands = (id) => [
  ["list --limit 20", ["list", "--limit", "20"]],
  ["list --limit 20 --status failed (there is none)", ["list", "--limit", "20", "--status", "failed"]],
  ["list --limit 20 --grep (a word that is nowhere)", ["list", "--limit", "20", "--grep", "nowhere"]],
  ["show ID", ["show", String(id)]],
  ["result ID", ["result", String(id)]],
  ["add PROMPT", ["add", "one more"]],
];

await bench(() => {
  const folder = tempFolder();
  const [few, many] = [FEW, MANY].map((count) => fill(folder, count));
  const middle = { [few]: FEW / 2, [many]: MANY / 2 };

  title(`commands with ${FEW.toLocaleString("en-US")} and with ${MANY.toLocaleString("en-US")} completed tasks; whole processes, median of ${RUNS} in turns`);
  commands().forEach(([name], which) => {
    const run = (database) => () => runVigil(database, commands(middle[database])[which][1]);
    const [small, large] = timeInTurns(RUNS, [run(few), run(many)]);
    const p99 = `p99 ${ms(percentile(small, 0.99))}, ${ms(percentile(large, 0.99))}`;
    line(`vigil ${name}`, ms(median(large)), `with the few: ${ms(median(small))}; ratio ${ratio(median(large), median(small))}; ${p99}`);
  });
});
