#!/usr/bin/env node
// Whether the report on one night depends on that night alone: the same night after 1,000 tasks and after
// 1,000,000, all completed in the years before it.

import { statSync } from "node:fs";
import { join } from "node:path";
import { Unmeasured, bench, line, median, ms, percentile, ratio, runVigil, sqlite, tempFolder, timeInTurns, title } from "./lib.js";

const FEW = 1000;
const MANY = 1000000;
const NIGHT = 200;
const RUNS = 15;

/** Tasks as an import takes them in: final, with an attempt, a transcript and an event each, `gap` minutes apart before that time. */
function tasks(first, count, last, gap) {
  const time = (offset) => `strftime('%Y-%m-%dT%H:%M:%fZ', '${last}', printf('-%.1f minutes', (${count} - i) * ${gap} + ${offset}))`;
  return `
CREATE TEMP TABLE n AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
SELECT i, ${first} + i AS id, ${time(30)} AS began, ${time(0)} AS ended FROM n;
INSERT INTO importing SELECT id, id FROM n;
INSERT INTO tasks (id, status, prompt, description, directory, attempts, result, created_at, started_at, completed_at)
	SELECT id, 'completed', 'task ' || i || ': look at the tests and mend what fails', 'mend ' || i, '/', 1, 'what failed is **mended**', began, began, ended FROM n;
INSERT INTO attempts (task_id, number, nonce, sealed, started_at, prompted_at, ended_at, outcome, tokens_input, cost)
	SELECT id, 1, 'n', 1, began, began, ended, 'completed', 1000, 0.01 FROM n;
INSERT INTO messages (task_id, attempt_id, message_id, role, text) SELECT task_id, id, 'msg', 'assistant', 'what failed is mended' FROM attempts WHERE task_id > ${first};
INSERT INTO events (at, task_id, kind) SELECT ended, id, 'completed' FROM n;
DELETE FROM importing;
DROP TABLE n;`;
}

function fill(folder, count) {
  const database = join(folder, `${count}.db`);
  runVigil(database, ["add", "first"]);
  sqlite(database, `PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0; DELETE FROM tasks; BEGIN;
${tasks(0, count, "2026-01-31T12:00:00Z", 1)} ${tasks(count, NIGHT, "2026-02-01T07:00:00Z", 3)}
COMMIT; PRAGMA wal_checkpoint(TRUNCATE);`);
  return database;
}

const range = ["--since", "2026-01-31T20:00:00Z", "--until", "2026-02-01T08:00:00Z"];
const reports = [
  ["report", ["report", ...range]],
  ["report --json", ["report", ...range, "--json"]],
  ["report --html -", ["report", ...range, "--html", "-"]],
];

await bench(() => {
  const folder = tempFolder();
  const [few, many] = [FEW, MANY].map((count) => fill(folder, count));

  title(`the report on a night of ${NIGHT} tasks after ${FEW.toLocaleString("en-US")} and after ${MANY.toLocaleString("en-US")} (${Math.round(statSync(many).size / 1e6)} MB); whole processes, median of ${RUNS} in turns`);
  for (const [name, args] of reports) {
    const run = (database) => () => runVigil(database, args);
    const told = JSON.parse(runVigil(many, ["report", ...range, "--json"])).total.tasks;
    if (told !== NIGHT) throw new Unmeasured(`the report tells of ${told} tasks`);
    const [small, large] = timeInTurns(RUNS, [run(few), run(many)]);
    const p99 = `p99 ${ms(percentile(small, 0.99))}, ${ms(percentile(large, 0.99))}`;
    line(`vigil ${name}`, ms(median(large)), `with the few: ${ms(median(small))}; ratio ${ratio(median(large), median(small))}; ${p99}`);
  }
});
