#!/usr/bin/env node
// A runner with 1,000 live tasks on a server that works on nothing (fake-opencode.js): what it holds, what it
// costs the server and the processor while they are busy, and how soon a finished one is in the database.
//
// Beside it stands a model of the older way: polling every 2 s with a status request for each task, whose answer
// lists all of them. One such cycle is really sent, to the same server.

import { Agent, get } from "node:http";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkFake } from "./check-fake.js";
import {
  Unmeasured, bench, commitMs, end, goal, hasEnded, line, median, memory, ms, number, openShell, percentile, processorMs, range, ratio, runVigil,
  sleep, startFake, startRunner, switches, tempFolder, title, now, until,
} from "./lib.js";

const TASKS = 1000;
const CYCLE_MS = 2000; // of the older way, and of what is given per cycle here
const STEADY_CYCLES = 15; // 30 s: within it, each running task is looked at once even if nothing happens
const CHATTER = 2000; // pieces of text a second, over all sessions
const CHATTER_MS = 5000;
const SPREAD_MS = 10000;
const BURSTS = 3;
const MEMORY_MB = 32;

// ---- a world with 1,000 busy tasks -------------------------------------------------------------------------

function writeTasks(folder) {
  const file = join(folder, "tasks.jsonl");
  const lines = Array.from({ length: TASKS }, (_, i) => JSON.stringify({ prompt: `task ${i}: look at the tests and mend what fails` }));
  writeFileSync(file, lines.join("\n") + "\n");
  return file;
}

async function openWorld() {
  const folder = tempFolder();
  const database = join(folder, "vigil.db");
  const config = join(folder, "config.json");
  writeFileSync(config, JSON.stringify({ limits: { parallel: TASKS } }));
  const fake = await startFake();
  const runner = await startRunner(database, ["--config", config, "--server", fake.url]);
  const look = openShell(database);
  return { folder, database, fake, runner, look, file: writeTasks(folder) };
}

function stillRuns({ runner }) {
  if (hasEnded(runner)) throw new Unmeasured(`vigil run ended: ${runner.said.slice(-500)}`);
}

/** Queues them; how long after it the server had the last prompt, in ms. */
async function startAll(world) {
  const before = (await world.fake.control("/_counters")).prompts.count;
  const began = now();
  runVigil(world.database, ["add", "--file", world.file]);
  await until("all prompts", async () => {
    stillRuns(world);
    return (await world.fake.control("/_counters")).prompts.count >= before + TASKS;
  }, 120);
  const { prompts, busy } = await world.fake.control("/_counters");
  if (prompts.count !== before + TASKS || busy !== TASKS) throw new Unmeasured(`${prompts.count - before} prompts, ${busy} busy: not ${TASKS}`);
  await until("all tasks to run", async () => Number(await world.look("SELECT count(*) FROM tasks WHERE status = 'running'")) === TASKS);
  return prompts.last - began;
}

// ---- while they are busy -----------------------------------------------------------------------------------

async function measured(world, duration) {
  const { pid } = world.runner;
  const before = { cpu: processorMs(pid), wakes: switches(pid).voluntary, ...(await world.fake.control("/_counters")) };
  const began = now();
  await sleep(duration);
  const took = now() - began;
  const after = { cpu: processorMs(pid), wakes: switches(pid).voluntary, ...(await world.fake.control("/_counters")) };
  const cycles = took / CYCLE_MS;
  return {
    took,
    cpu: after.cpu - before.cpu,
    requests: (after.total - before.total) / cycles,
    bytes: (after.bytes - before.bytes) / cycles,
    wakes: (after.wakes - before.wakes) / (took / 1000),
    looks: (after.requests["GET /session/ID"] ?? 0) - (before.requests["GET /session/ID"] ?? 0),
  };
}

function askOnce(url, agent, sockets) {
  return new Promise((done, fail) => {
    const request = get(`${url}/session/status`, { agent }, (answer) => answer.resume().on("end", done));
    request.on("error", fail).on("socket", (socket) => sockets.add(socket));
  });
}

/** One cycle of the older way: a status request for each task. Its bytes are counted at its own sockets. */
async function pollingCycle({ fake }) {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const sockets = new Set();
  await Promise.all(Array.from({ length: TASKS }, () => askOnce(fake.url, agent, sockets)));
  const bytes = [...sockets].reduce((sum, socket) => sum + socket.bytesRead + socket.bytesWritten, 0);
  agent.destroy();
  return { requests: TASKS, bytes };
}

const megabytes = (bytes) => `${number(bytes / 1e6)} MB`;
const percent = ({ cpu, took }) => `${number((cpu / took) * 100)} %`;

async function steady(world) {
  const ours = await measured(world, STEADY_CYCLES * CYCLE_MS);
  const polling = await pollingCycle(world);
  const { peak, now: held } = memory(world.runner.pid);

  title(`${TASKS} busy tasks, nothing happens; ${STEADY_CYCLES * CYCLE_MS / 1000} s, beside polling every 2 s with a request for each task`);
  line("memory held at most, until now", `${number(peak)} MB`, `${number(held)} MB at the end`);
  line("requests in 2 s", number(ours.requests), `polling: ${number(polling.requests)}; ratio ${ratio(polling.requests, ours.requests)}`);
  line("bytes on the wire in 2 s", megabytes(ours.bytes), `polling: ${megabytes(polling.bytes)}; ratio ${ratio(polling.bytes, ours.bytes)}`);
  line("processor", percent(ours), `${number(ours.wakes)} wake-ups a second`);
}

/** The routine looks come all at once, every 30 s: a time without one is waited for. */
async function withoutLooks(world) {
  for (let tries = 1; ; tries++) {
    const ours = await measured(world, CHATTER_MS);
    if (!ours.looks || tries === 5) return ours;
  }
}

async function talking(world) {
  await world.fake.control(`/_chatter?rate=${CHATTER}`);
  const ours = await withoutLooks(world);
  await world.fake.control("/_chatter?rate=0");
  const each = ((ours.cpu * 1000) / ours.took / CHATTER) * 1000;

  title(`${TASKS} busy tasks whose answers are being written: ${number(CHATTER)} pieces of text a second; ${CHATTER_MS / 1000} s`);
  line("processor", percent(ours), `${number(each)} µs for each piece, all else included`);
  line("requests in 2 s", number(ours.requests), ours.looks ? `${ours.looks} routine looks among them in all` : "text is no reason to ask");
}

// ---- when they finish --------------------------------------------------------------------------------------

/** Looks again and again; for each task, when a reader first saw it completed. */
async function watchCompletions(world, deadline_ms, pause_ms) {
  const seen = new Map();
  const began = now();
  let since = new Date().toISOString();
  while (seen.size < TASKS) {
    const rows = await world.look(`SELECT id, completed_at FROM tasks WHERE completed_at >= '${since}' ORDER BY completed_at`);
    const at = now();
    for (const row of rows) {
      const [id, completed] = row.split("|");
      if (!seen.has(id)) seen.set(id, at);
      since = completed;
    }
    if (at - began > deadline_ms) throw new Unmeasured(`${seen.size} of ${TASKS} tasks completed within ${deadline_ms / 1000} s`);
    stillRuns(world);
    await sleep(pause_ms);
  }
  return seen;
}

/** Milliseconds from idle on the server to completed for any reader of the database, for each task. */
async function release(world, over, pause_ms) {
  await world.fake.control("/_idle");
  const watching = watchCompletions(world, over + 60000, pause_ms);
  const cpu = processorMs(world.runner.pid);
  await world.fake.control(`/_release?over=${over}`);
  const seen = await watching;
  const idle = await world.fake.control("/_idle");
  const problems = Number(await world.look("SELECT count(*) FROM problems"));
  if (problems) throw new Unmeasured(`${problems} rows in the view problems`);
  return { latencies: idle.map(([task, at]) => seen.get(String(task)) - at), cpu: processorMs(world.runner.pid) - cpu };
}

async function oneByOne(world) {
  const { latencies, cpu } = await release(world, SPREAD_MS, 2);
  const [p50, p99] = [percentile(latencies, 0.5), percentile(latencies, 0.99)];

  title(`${TASKS} sessions become idle over ${SPREAD_MS / 1000} s: from idle on the server to completed, as a reader of the database sees it`);
  line("p50", ms(p50), `polling every 2 s: ${ms(CYCLE_MS / 2)} by arithmetic; ratio ${ratio(CYCLE_MS / 2, p50)}`);
  line("p99", ms(p99), `polling every 2 s: ${ms(CYCLE_MS * 0.99)} by arithmetic; ratio ${ratio(CYCLE_MS * 0.99, p99)}`);
  line("processor time for each task", ms(cpu / TASKS));
}

/** Again from the start, several times. Returns what each start took, and a commit beside it. */
async function atOnce(world) {
  const [runs, starts, commits] = [[], [], []];
  for (let i = 0; i < BURSTS; i++) {
    starts.push(await startAll(world));
    commits.push(commitMs(world.folder));
    runs.push(await release(world, 0, 10));
  }
  const of = (share) => runs.map(({ latencies }) => percentile(latencies, share));
  const row = median(commits) * TASKS;

  title(`${TASKS} sessions become idle in the same instant; median of ${BURSTS}`);
  line("p50", ms(median(of(0.5))), range(of(0.5)));
  line("p99", ms(median(of(0.99))), range(of(0.99)));
  line(`the sqlite3 shell: ${TASKS} commits of one row`, ms(row), `p99 / that: ${ratio(median(of(0.99)), row)}`);
  line("processor time for each task", ms(median(runs.map(({ cpu }) => cpu / TASKS))));
  return { starts, commits };
}

function sayStarts(starts, commits) {
  const [each, commit] = [median(starts) / TASKS, median(commits)];

  title(`${TASKS} tasks from the start of vigil add --file until the server has every prompt; median of ${starts.length}`);
  line("all prompted", ms(median(starts)), range(starts));
  line("for each task", ms(each), `a commit of one row by the sqlite3 shell: ${ms(commit)}; ratio ${ratio(each, commit)}`);
}

function sayMemory(world) {
  const { peak } = memory(world.runner.pid);

  title("the runner's memory, over all of this");
  line("held at most", `${number(peak)} MB`, "the older way, in JavaScript: 68 to 70 MB, as once measured");
  goal(`under ${MEMORY_MB} MB with ${TASKS} live tasks`, peak < MEMORY_MB);
}

// ---- all of it ---------------------------------------------------------------------------------------------

await bench(async () => {
  await checkFake();
  const world = await openWorld();
  const first = await startAll(world);
  await steady(world);
  await talking(world);
  await oneByOne(world);
  const { starts, commits } = await atOnce(world);
  sayStarts([first, ...starts], commits);
  sayMemory(world);
  await end(world.runner);
});
