#!/usr/bin/env node
// What panes cost: many short tasks with and without them, on a server that works on nothing (fake-opencode.js), in a
// tmux of the benchmark's own. A loop that waited for tmux would show in how soon a finished task is in the database.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  Unmeasured, bench, end, goal, hasEnded, line, memory, ms, number, onEnd, openShell, percentile, processorMs, runVigil, sleep, startFake,
  startRunner, tempFolder, title, until,
} from "./lib.js";

const TASKS = 200;
const AT_ONCE = 12;
const PANES = 6;
const WORK_MS = 500; // of each task, at most

function openTmux(folder) {
  const socket = join(folder, "tmux");
  const tmux = (...args) => execFileSync("tmux", ["-S", socket, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trimEnd();
  tmux("-f", "/dev/null", "new-session", "-d", "-x", "200", "-y", "50", "sleep", "3600");
  onEnd(() => tmux("kill-server"));
  process.env.TMUX = `${socket},${tmux("display-message", "-p", "#{pid}")},0`;
  process.env.TMUX_PANE = tmux("display-message", "-p", "#{pane_id}");
  return tmux;
}

function openWorld(fake, name, panes) {
  const folder = tempFolder();
  const [database, config, file] = ["vigil.db", "config.json", "tasks.jsonl"].map((each) => join(folder, each));
  const tmux = { enabled: panes, view: "follow", max_panes: PANES };
  writeFileSync(config, JSON.stringify({ limits: { parallel: AT_ONCE }, tmux }));
  writeFileSync(file, Array.from({ length: TASKS }, (_, i) => `{"prompt": "${name} ${i}"}\n`).join(""));
  return { fake, database, config, file };
}

/** From the first prompt until all is done: when each task was idle on the server, and completed for a reader. */
async function work({ fake, database, config, file }) {
  runVigil(database, ["add", "--file", file]);
  await fake.control("/_idle");
  const look = openShell(database);
  const runner = await startRunner(database, ["--config", config, "--server", fake.url]);
  const idle = new Map();
  await until("all tasks", async () => {
    if (hasEnded(runner)) throw new Unmeasured(`vigil run ended: ${runner.said}`);
    await fake.control(`/_release?over=${WORK_MS}`);
    await sleep(WORK_MS);
    for (const [task, at] of await fake.control("/_idle")) idle.set(String(task), at);
    return Number(await look("SELECT count(*) FROM tasks WHERE completed_at IS NULL")) === 0;
  }, 300);
  const rows = (await look("SELECT id, completed_at FROM tasks")).map((row) => row.split("|"));
  const late = rows.map(([id, at]) => Date.parse(at) - idle.get(id));
  const [cpu, held] = [processorMs(runner.pid), memory(runner.pid).peak];
  await end(runner);
  return { late, cpu, held, panes: Number(await look("SELECT count(opened_at) FROM panes")), open: Number(await look("SELECT count(*) FROM panes WHERE closed_at IS NULL")) };
}

function say(what, { late, cpu, held }) {
  line(`${what}: from idle on the server to completed, p50`, ms(percentile(late, 0.5)), `p99 ${ms(percentile(late, 0.99))}`);
  line(`${what}: processor time of the runner for each task`, ms(cpu / TASKS), `memory held at most: ${number(held)} MB`);
}

await bench(async () => {
  const tmux = openTmux(tempFolder());
  const fake = await startFake();
  const without = await work(openWorld(fake, "without", false));
  const shown = await work(openWorld(fake, "with", true));
  const left = tmux("list-panes", "-a").split("\n").length - 1;

  title(`${TASKS} tasks, ${AT_ONCE} at once, without panes and through ${PANES} of them`);
  say("without", without);
  say("with", shown);
  line("panes opened", number(shown.panes), `left: ${left}; rows left open: ${shown.open}`);
  goal("none is left behind", left === 0 && shown.open === 0);
});
