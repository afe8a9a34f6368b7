// What the benchmarks share: the programs they run, folders that go away again, percentiles, and the lines
// that are printed. Nothing here ends a process that it did not start.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const here = dirname(fileURLToPath(import.meta.url));
export const root = resolve(here, "../..");
export const vigil = resolve(process.env.VIGIL || join(root, "vigil"));

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Milliseconds since 1970, with their fraction; comparable between processes of one machine. */
export const now = () => performance.timeOrigin + performance.now();

/** One measurement could not be made: the benchmark ends with status 1. */
export class Unmeasured extends Error {}

// ---- folders and processes that are ours ---------------------------------------------------------------

const cleanups = [];

export function onEnd(action) {
  cleanups.push(action);
}

async function cleanUp() {
  while (cleanups.length) await cleanups.pop()();
}

export function tempFolder() {
  const folder = mkdtempSync(join(tmpdir(), "vigil-bench-"));
  onEnd(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** The environment of every vigil here: nothing of the person's own is read or written. */
export function vigilEnv(database) {
  const env = { ...process.env, VIGIL_DB: database, HOME: dirname(database) };
  for (const name of ["VIGIL_CONFIG", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "OPENCODE_SERVER_PASSWORD"]) delete env[name];
  return env;
}

export function runVigil(database, args, input) {
  const ran = spawnSync(vigil, args, { env: vigilEnv(database), input, cwd: dirname(database), maxBuffer: 1 << 28 });
  if (ran.status !== 0) throw new Unmeasured(`vigil ${args.join(" ")}: ${ran.error?.message || ran.stderr}`);
  return ran.stdout.toString();
}

/** One call of the sqlite3 shell, without the person's ~/.sqliterc. */
export function sqlite(database, sql) {
  const args = ["-batch", "-bail", "-init", "/dev/null", database];
  return execFileSync("sqlite3", args, { input: sql, stdio: ["pipe", "pipe", "inherit"], maxBuffer: 1 << 28 }).toString();
}

/** What one commit of one row costs here and now, in ms, durable as vigil's own are. */
export function commitMs(folder) {
  const count = 300;
  const rows = "INSERT INTO t (text) VALUES (hex(randomblob(128)));\n".repeat(count);
  const began = now();
  sqlite(join(folder, "commits.db"), `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS t (text);\n${rows}`);
  return (now() - began) / count;
}

export function hasEnded(child) {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Ends a child by its own pid, and waits for it. */
export async function end(child, signal = "SIGTERM") {
  if (hasEnded(child)) return;
  const gone = new Promise((done) => child.once("exit", done));
  const hard = setTimeout(() => child.kill("SIGKILL"), 10000);
  child.kill(signal);
  await gone;
  clearTimeout(hard);
}

/** A child that lives as long as the benchmark, at most. Its output is kept in child.said. */
export function start(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], ...options });
  child.said = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (child.said += text));
  child.stdin.on("error", () => {});
  child.on("error", (error) => (child.said += error.message));
  onEnd(() => end(child));
  return child;
}

export async function until(what, test, seconds = 30) {
  const deadline = now() + seconds * 1000;
  for (;;) {
    const found = await test();
    if (found) return found;
    if (now() > deadline) throw new Unmeasured(`${what}: not within ${seconds} s`);
    await sleep(20);
  }
}

// ---- the fake server, the runner, the database, watched --------------------------------------------------

export async function startFake() {
  const child = start(process.execPath, [join(here, "fake-opencode.js")]);
  const url = await until("the fake server", () => child.said.match(/http:\S+/)?.[0]);
  const control = async (path) => (await fetch(url + path, { method: "POST" })).json();
  return { child, url, control };
}

export async function startRunner(database, args) {
  const runner = start(vigil, ["run", ...args], { env: vigilEnv(database), cwd: dirname(database) });
  await until("a runner", () => {
    if (hasEnded(runner)) throw new Unmeasured(`vigil run ended: ${runner.said}`);
    return /OpenCode \S+ at /.test(runner.said);
  });
  return runner;
}

/** A sqlite3 shell that stays open, so that a look costs no process. */
export function openShell(database) {
  const child = start("sqlite3", ["-batch", "-init", "/dev/null", "-readonly", database]);
  return async (sql) => {
    child.said = "";
    child.stdin.write(`${sql};\nSELECT '.';\n`);
    while (!child.said.endsWith(".\n")) {
      if (hasEnded(child)) throw new Unmeasured(`the sqlite3 shell ended: ${child.said}`);
      await new Promise((done) => child.stdout.once("data", done));
    }
    return child.said.slice(0, -2).split("\n").filter(Boolean);
  };
}

function field(text, name) {
  return Number(text.match(new RegExp(`^${name}:\\s*(\\d+)`, "m"))?.[1] ?? 0);
}

/** The most memory it ever held, and what it holds now, in MB. */
export function memory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return { peak: field(status, "VmHWM") / 1024, now: field(status, "VmRSS") / 1024 };
}

/** How often the threads of a process have waited, or been interrupted. */
export function switches(pid) {
  const sum = { voluntary: 0, involuntary: 0 };
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8");
    sum.voluntary += field(status, "voluntary_ctxt_switches");
    sum.involuntary += field(status, "nonvoluntary_ctxt_switches");
  }
  return sum;
}

/** Milliseconds on a processor, all threads: /proc/PID/schedstat is finer than the ticks of stat. */
export function processorMs(pid) {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]) / 1e6;
  return sum;
}

// ---- numbers ---------------------------------------------------------------------------------------------

export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}

export const median = (values) => percentile(values, 0.5);

/** Milliseconds that each of several runs of some actions took. They take turns, so that noise is shared. */
export function timeInTurns(times, actions) {
  const took = actions.map(() => []);
  for (let i = 0; i < times; i++)
    actions.forEach((action, which) => {
      const began = performance.now();
      action(i);
      took[which].push(performance.now() - began);
    });
  return took;
}

export function number(value) {
  if (value >= 100) return Math.round(value).toLocaleString("en-US");
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export const ms = (value) => `${number(value)} ms`;

export const range = (values) => `${ms(Math.min(...values))} to ${ms(Math.max(...values))}`;

export const ratio = (value, other) => `${number(value / other)}x`;

// ---- printing --------------------------------------------------------------------------------------------

export function title(text) {
  console.log(`\n${text}`);
}

/** One line: what was measured, the figure, and beside what. */
export function line(what, figure, beside = "") {
  console.log(`  ${what.padEnd(58)} ${figure.padStart(16)}  ${beside}`.trimEnd());
}

export function goal(words, is_met) {
  console.log(`  goal: ${words}: ${is_met ? "met" : "NOT met"}`);
}

/** Runs a benchmark. Speed is no test: only what could not be measured is a failure. */
export async function bench(main) {
  let status = 0;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.once(signal, () => cleanUp().finally(() => process.exit(130)));
  try {
    if (!existsSync(vigil)) throw new Unmeasured(`${vigil} is not there: run make first`);
    await main();
  } catch (error) {
    console.error(`not measured: ${error instanceof Unmeasured ? error.message : error.stack}`);
    status = 1;
  }
  await cleanUp();
  process.exit(status);
}
