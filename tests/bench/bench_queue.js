#!/usr/bin/env node
// How fast tasks are queued: many from one file, and one by a command. Beside each, the sqlite3 shell doing
// the same insert into the same tables: that is what the database itself costs, guards and all.

import { copyFileSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import {
  Unmeasured, bench, goal, line, median, ms, percentile, range, ratio, runVigil, sqlite, tempFolder, timeInTurns, title, vigil, vigilEnv,
} from "./lib.js";

const TASKS = 1000;
const RUNS = 5;
const SINGLES = 100;

const prompts = Array.from({ length: TASKS }, (_, i) => `task ${i}: ${"look at the tests and mend what fails; ".repeat(6)}`);
const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

/** An empty database of vigil's own making, to be copied. */
function emptyDatabase(folder) {
  const file = join(folder, "empty.db");
  runVigil(file, ["add", "first"]);
  sqlite(file, "DELETE FROM tasks; PRAGMA wal_checkpoint(TRUNCATE);");
  return file;
}

/** `count` copies, so that each run begins alike. */
function copies(empty, count) {
  return Array.from({ length: count }, (_, i) => {
    const file = empty.replace(/empty\.db$/, `copy-${Math.random()}-${i}.db`);
    copyFileSync(empty, file);
    return file;
  });
}

function expect(file, count) {
  const found = Number(sqlite(file, "SELECT count(*) FROM tasks;"));
  if (found !== count) throw new Unmeasured(`${found} tasks are queued where ${count} were to be`);
}

/** The shell's fastest way: one statement, so that it has nothing to parse a thousand times. */
function insertAll(directory) {
  const all = quoted(JSON.stringify(prompts));
  return `PRAGMA synchronous = FULL; INSERT INTO tasks (prompt, directory) SELECT value, ${quoted(directory)} FROM json_each(${all});`;
}

function many(folder, empty) {
  const file = join(folder, "tasks.jsonl");
  const sql = insertAll(folder);
  const ours = copies(empty, RUNS);
  const theirs = copies(empty, RUNS);
  writeFileSync(file, prompts.map((prompt) => JSON.stringify({ prompt })).join("\n") + "\n");
  const [add, shell] = timeInTurns(RUNS, [
    (i) => runVigil(ours[i], ["add", "--file", file]),
    (i) => sqlite(theirs[i], sql),
  ]);
  ours.concat(theirs).forEach((copy) => expect(copy, TASKS));

  title(`${TASKS} tasks from one JSONL file, in one transaction; whole processes, median of ${RUNS} taken in turns`);
  line("vigil add --file", ms(median(add)), range(add));
  line("sqlite3 shell, INSERT … SELECT of the same rows", ms(median(shell)), range(shell));
  line("vigil add --file / sqlite3 shell", ratio(median(add), median(shell)));
  goal(`${TASKS} tasks in under a second`, median(add) < 1000);
}

function one(empty) {
  const [ours, theirs] = copies(empty, 2);
  const options = { env: vigilEnv(ours), cwd: join(ours, "..") };
  const sql = `PRAGMA synchronous = FULL; INSERT INTO tasks (prompt) VALUES (${quoted(prompts[0])});`;
  const [add, shell, floor] = timeInTurns(SINGLES, [
    () => spawnSync(vigil, ["add", prompts[0]], options),
    () => spawnSync("sqlite3", ["-batch", "-init", "/dev/null", theirs, sql], options),
    () => spawnSync(vigil, ["version"], options),
  ]);
  expect(ours, SINGLES);
  expect(theirs, SINGLES);

  const both = (values) => [ms(median(values)), `p99 ${ms(percentile(values, 0.99))}`];
  title(`one task by one command, on a database nobody else has open; ${SINGLES} processes each, in turns: p50, p99`);
  line("vigil add PROMPT", ...both(add));
  line('sqlite3 FILE "INSERT …"', ...both(shell));
  line("vigil version: what starting the process costs", ...both(floor));
  line("vigil add / sqlite3 shell, p50", ratio(median(add), median(shell)), `p99 ${ratio(percentile(add, 0.99), percentile(shell, 0.99))}`);
}

await bench(() => {
  const folder = tempFolder();
  const empty = emptyDatabase(folder);
  many(folder, empty);
  one(empty);
});
