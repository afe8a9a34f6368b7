// Chaos: for a time, tasks come in through `vigil add` and through the sqlite3 shell, people cancel, retry, hold and
// answer, and vigil and its OpenCode are killed at random moments, and so are tmux, panes of it and what runs in them.
// Then the queue is drained, and what the database says is compared with what OpenCode and the model saw.
//
//   node chaos.js [--seconds 60] [--seed NUMBER]
//
// The seed is that of all choices (what, how often, how long until the next); it is printed, so that they can be made
// again. Those of the machine (who is quicker) cannot. If something is wrong, the database, the model's calls and what
// the runners said are kept. The last line is "N passed, N failed": tasks.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as nap } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { OPENCODE, VIGIL, World, until } from "../e2e/harness.js";
import { isGone, Tmux } from "../e2e/tmux.js";
import { assertNoPanes, assertOneAtATime, assertPromptedOnce, isOurs, paneProcesses, sessionsIn } from "./aftermath.js";

// How long until the next, on average, in ms.
const ADDED_EVERY = 1500;
const KILLED_EVERY = 4500;
const PERSON_EVERY = 1500;
const PANE_KILLED_EVERY = 3000; // or tmux itself

const MOST_OPEN = 25; // tasks: nobody adds more until some are done
const WITHIN = 15 * 60000; // the queue must be empty so long after the last kill

/** Numbers from 0 to 1, the same for the same seed (mulberry32), and what is chosen with them. */
function choices(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    pick: (list) => list[Math.floor(next() * list.length)],
    happens: (chance) => next() < chance,
    upTo: (most) => next() * most,
  };
}

// ---- what a task does, and what it is to end in -----------------------------------------------------------------------

const bash = (command) => `[tool bash ${JSON.stringify({ command, description: "a step" })}]`;
const subagent = (word) => `[tool task ${JSON.stringify({ description: "below", prompt: `below-${word} [slow 1]`, subagent_type: "general" })}]`;

/** `calls`: of the model, if nothing is cut off; `again`: so many more, since the model fails at first. */
const KINDS = [
  { prompt: "", calls: 1 },
  { prompt: "[slow 3]", calls: 1 },
  { prompt: "[delay 5]", calls: 1 },
  { prompt: "", filler: 200000, calls: 1 },
  { prompt: bash("sleep 1"), calls: 2 },
  { prompt: `${bash("true")} ${bash("sleep 0.5")} [slow 2]`, calls: 3 },
  { prompt: '[tool read {"filePath":"/etc/hostname"}]', calls: 2 }, // asks for permission
  { prompt: subagent, calls: 2 },
  { prompt: "[fail 400]", calls: 1, status: "failed", error_kind: "agent" },
  { prompt: "[fail-once 400]", args: ["--attempts", "2"], calls: 1, again: 1 },
  { prompt: "[fail 500 2]", calls: 1, again: 2 }, // the provider is tried again by OpenCode
  { prompt: "[hang]", args: ["--timeout", "4s"], calls: 1, status: "failed", error_kind: "timeout" },
];

/** Failpoints that no run comes to. */
const BY_A_COMMAND = /commit-(add|cancel|retry|hold|release|answer)$|server-given$/;

class Task {
  constructor(number, kind) {
    Object.assign(this, { kind, word: `chaos-${number}.`, isAcknowledged: false, isCancelled: false, retries: 0 });
    const prompt = typeof kind.prompt === "function" ? kind.prompt(this.word) : kind.prompt;
    this.prompt = `${this.word} ${prompt} [say done ${this.word}]${"\nso much text".repeat((kind.filler ?? 0) / 13)}`;
  }
}

const PANES = { enabled: true, view: "follow", max_panes: 4 };
const HELD = { permissions: { on_ask: "hold" } };
const ALLOWED = { permissions: { on_ask: "once" } };
const REFUSED = { permissions: { on_ask: "reject" } };

class Chaos {
  constructor(seconds, seed) {
    Object.assign(this, { seconds, seed });
    this.world = new World();
    this.tasks = new Map(); // by word
    this.figures = {};
    this.runs = [];
    this.failures = [];
  }

  count(what, by = 1) {
    this.figures[what] = (this.figures[what] ?? 0) + by;
  }
  goesOn() {
    return Date.now() < this.end;
  }
  acknowledged() {
    return [...this.tasks.values()].filter((task) => task.isAcknowledged);
  }
  config(settings) {
    const path = join(this.world.root, `${settings.permissions.on_ask}.json`);
    const whole = { server: { command: OPENCODE }, limits: { parallel: 6 }, task: { max_resumes: 100 }, tmux: PANES, ...settings };
    writeFileSync(path, JSON.stringify(whole));
    return path;
  }

  // ---- tasks come in ----

  async addByHand(task) {
    const sql = `INSERT INTO tasks (prompt, directory) VALUES ('${task.prompt}', '${this.world.work}') RETURNING id`;
    task.id = JSON.parse(await this.world.sqlite(sql, { write: true }))[0].id;
    this.count("added by hand");
  }

  async add(task, killAfter) {
    const command = this.world.vigilStart(["add", ...(task.kind.args ?? []), "-"], { input: task.prompt });
    if (killAfter !== undefined) {
      await nap(killAfter);
      command.signal("SIGKILL");
    }
    const { status, stdout, stderr } = await command.end();
    if (killAfter === undefined) assert.equal(status, 0, stderr);
    this.count(status === 0 ? "added" : "adds killed");
    if (stdout.endsWith("\n")) task.id = Number(stdout);
  }

  async addTasks() {
    const { pick, happens, upTo } = choices(this.seed);
    for (let number = 1; this.goesOn(); number++) {
      const task = new Task(number, pick(KINDS));
      const byHand = happens(0.25);
      const killAfter = happens(0.1) ? upTo(25) : undefined;
      const wait = upTo(2 * ADDED_EVERY);
      this.tasks.set(task.word, task);
      if (byHand && !task.kind.args && !task.kind.filler) await this.addByHand(task);
      else await this.add(task, killAfter);
      task.isAcknowledged = task.id !== undefined;
      await nap(wait);
      while (this.goesOn() && (await this.openCount()) >= MOST_OPEN) await nap(500);
    }
  }

  async openCount() {
    return (await this.world.row("SELECT count(*) AS n FROM tasks WHERE completed_at IS NULL")).n;
  }

  // ---- people ----

  /** A task that was acknowledged, and is in one of these statuses. */
  async some(pick, ...statuses) {
    const rows = await this.world.rows(`SELECT id FROM tasks WHERE status IN (${statuses.map((each) => `'${each}'`).join()})`);
    const ids = new Set(rows.map(({ id }) => id));
    return pick(this.acknowledged().filter(({ id }) => ids.has(id)));
  }

  /** A command that may come too late. True: it was acknowledged. */
  async command(...args) {
    const { status, stderr } = await this.world.vigil(args);
    if (status === 0) this.count(args[0]);
    else assert.equal(status, 2, `vigil ${args.join(" ")}: ${stderr}`);
    return status === 0;
  }

  async cancel(pick) {
    const task = await this.some(pick, "queued", "starting", "running");
    if (task && (await this.command("cancel", String(task.id)))) task.isCancelled = true;
  }
  async cancelByHand(pick) {
    const task = await this.some(pick, "starting", "running");
    if (!task) return;
    const sql = `UPDATE tasks SET status = 'stopping' WHERE id = ${task.id} AND status IN ('starting', 'running') RETURNING id`;
    if ((await this.world.sqlite(sql, { write: true })).trim() === "") return;
    task.isCancelled = true;
    this.count("cancelled by hand");
  }
  async retry(pick) {
    const task = await this.some(pick, "failed", "cancelled");
    if (!task || !(await this.command("retry", String(task.id)))) return;
    task.isCancelled = false;
    task.retries++;
  }
  async hold(pick) {
    const task = await this.some(pick, "queued");
    if (task) await this.command("hold", String(task.id));
  }
  async release(pick) {
    const task = await this.some(pick, "held");
    if (task) await this.command("release", String(task.id));
  }
  async answer(pick) {
    const reply = pick(["once", "reject"]);
    const ask = pick(JSON.parse(await this.world.ok(["asks", "--json"])));
    if (ask) await this.command("answer", String(ask.id), reply);
  }

  async actAsPeople() {
    const { pick, upTo } = choices(this.seed + 1);
    const acts = [this.cancel, this.cancelByHand, this.retry, this.retry, this.hold, this.release, this.answer, this.answer, this.answer];
    while (this.goesOn()) {
      await nap(upTo(2 * PERSON_EVERY));
      await pick(acts).call(this, pick);
    }
  }

  // ---- runs, and their ends ----

  /** A runner nearly all the time; some are killed at a failpoint, others by killOne(). */
  async keepRunning() {
    const { pick, happens, upTo } = choices(this.seed + 2);
    const all = execFileSync(VIGIL, [], { env: { VIGIL_FAILPOINT: "list" }, encoding: "utf8" }).trim().split("\n");
    const failpoints = all.filter((name) => /-(checkpoint|run|commit|request|pane|server)/.test(name) && !BY_A_COMMAND.test(name));
    while (this.goesOn()) {
      const config = this.config(pick([HELD, ALLOWED, REFUSED]));
      const failpoint = happens(0.4) && `${pick(failpoints)}:${pick([1, 1, 2, 3, 5])}`;
      const wait = happens(0.2) ? upTo(3000) : 0;
      await this.run(["--config", config, "run"], failpoint);
      await nap(wait);
    }
  }

  async run(args, failpoint) {
    const began = new Date().toISOString();
    const env = { ...this.tmux.env, ...(failpoint && { VIGIL_FAILPOINT: failpoint }) };
    const runner = this.world.vigilStart(args, { env });
    this.runner = runner;
    const { status, stdout, stderr } = await runner.end(this.seconds * 1000 + WITHIN);
    this.runs.push(`${began} ${failpoint || ""} ${status}\n${stdout}${stderr}`);
    this.count("runs");
    if (status === "SIGKILL") this.count(runner.isShot ? "kills of vigil" : "kills of vigil at a failpoint");
    else if (status === "SIGTERM" && runner.isStopped && !stderr) this.count("stops before a run had begun");
    else if (status === 5 && /killed by signal 9 before it listened/.test(stderr)) this.count("gave up");
    else if (status !== 0) throw new Error(`vigil run ended with ${status}: ${stderr}`);
  }

  shoot() {
    if (!this.runner?.isAlive) return;
    this.runner.isShot = true;
    this.runner.signal("SIGKILL");
  }

  killOpenCode() {
    for (const pid of this.world.openCodePids()) {
      process.kill(pid, "SIGKILL");
      this.count("kills of OpenCode");
    }
  }

  /** A person's, in whose window the panes are; with one that is the person's own too. */
  async openTmux() {
    const socket = join(this.world.root, "desk");
    this.tmux = await Tmux.open(this.world, { socket });
    this.foreign = await this.tmux.foreign();
  }

  async killTmux() {
    const { pid } = this.tmux;
    process.kill(pid, "SIGKILL");
    this.count("kills of tmux");
    await until("tmux is gone", () => isGone(pid));
    await this.openTmux();
  }

  /** A person closes one, or its program dies. */
  async killPane(pick) {
    const pane = pick((await this.tmux.panes()).filter(({ id }) => id !== this.foreign));
    const [view] = paneProcesses(this.world);
    if (pane) await this.tmux.run("kill-pane", "-t", pane.id);
    else if (view) process.kill(view, "SIGKILL");
    this.count("kills of panes", pane || view ? 1 : 0);
  }

  /** Until all is done: most tasks run when nobody kills OpenCode any more. */
  async killPanes() {
    const { pick, upTo } = choices(this.seed + 4);
    while (!this.isDrained) {
      await nap(upTo(2 * PANE_KILLED_EVERY));
      const isTmux = this.goesOn() && pick([true, false, false]);
      await (isTmux ? this.killTmux() : this.killPane(pick));
    }
  }

  killOne(what) {
    if (what === "stop" && this.runner?.isAlive) {
      this.runner.isStopped = true;
      this.runner.signal("SIGTERM");
      this.count("stops in order");
    }
    if (what === "OpenCode" || what === "both") this.killOpenCode();
    if (what === "vigil" || what === "both") this.shoot();
  }

  async killThings() {
    const { pick, upTo } = choices(this.seed + 3);
    while (this.goesOn()) {
      await nap(upTo(2 * KILLED_EVERY));
      this.killOne(pick(["vigil", "vigil", "OpenCode", "OpenCode", "both", "both", "stop"]));
    }
    this.shoot();
  }

  // ---- afterwards ----

  async check(what, body) {
    try {
      return await body();
    } catch (error) {
      this.failures.push(`${what} ${error.message}`);
    }
  }

  /** The whole database at once: thousands of queries would take longer than the chaos. */
  async readAll() {
    const { world } = this;
    this.server = await world.startOpenCode();
    this.rows = await world.rows("SELECT id, prompt, status, result, error, error_kind, attempts FROM tasks");
    this.attempts = groupBy(await world.rows("SELECT * FROM attempts ORDER BY id"), ({ task_id }) => task_id);
    this.calls = groupBy(await world.calls(""), (call) => call.prompt.split(" ")[0]);
    this.sessions = await sessionsIn(world, world.work, this.server);
  }

  checkStatus({ kind, word, isCancelled }, row) {
    const said = `${row.error_kind}: ${row.error}`;
    if (isCancelled) return assert.equal(row.status, "cancelled", said);
    assert.equal(row.status, kind.status ?? "completed", said);
    assert.equal(row.error_kind, kind.error_kind ?? null, said);
    if (row.status === "completed") assert.equal(row.result, `done ${word}`);
  }

  /** A call is made for each step, and again for each time the turn was resumed. */
  checkCalls({ kind, word, isCancelled }, attempts) {
    const calls = this.calls.get(word) ?? [];
    const below = this.calls.get(`below-${word}`) ?? [];
    const resumes = attempts.reduce((sum, { resumes }) => sum + resumes, 0);
    const least = isCancelled || kind.error_kind === "timeout" ? 0 : kind.calls; // it can end before OpenCode calls
    const most = kind.calls * attempts.length + resumes + (kind.again ?? 0);
    assert.ok(calls.length >= least && calls.length <= most, `${calls.length} calls, of ${least} to ${most}: ${JSON.stringify(calls)}`);
    assert.ok(below.length <= calls.length, `${below.length} calls below ${calls.length}`);
    for (const each of groupBy([...calls, ...below], ({ session }) => session).values()) assertOneAtATime(each);
    assertOneAtATime(calls);
    this.count("model calls", calls.length + below.length);
    this.count("resumes", resumes);
  }

  async checkTask(task) {
    const found = this.rows.filter(({ prompt }) => prompt.startsWith(`${task.word} `));
    if (!found.length && !task.isAcknowledged) return;
    assert.equal(found.length, 1, "it is there once");
    const [row] = found;
    assert.equal(row.prompt, task.prompt);
    if (task.isAcknowledged) assert.equal(row.id, task.id);
    const attempts = this.attempts.get(row.id) ?? [];
    const most = task.retries + 1 + (task.kind.again && task.kind.args ? 1 : 0);
    assert.equal(row.attempts, attempts.length);
    assert.ok(attempts.length <= most, `${attempts.length} attempts, of ${most}`);
    this.checkStatus(task, row);
    this.checkCalls(task, attempts);
    for (const attempt of attempts) {
      if (!attempt.session_id) continue;
      await assertPromptedOnce(this.world, attempt, this.server, attempt.prompted_at !== null);
    }
    this.count("tasks");
    this.count("attempts", attempts.length);
  }

  /** Each session is an attempt's own, or below one. */
  checkSessions() {
    const known = new Set([...this.attempts.values()].flat().map(({ session_id }) => session_id));
    for (const session of this.sessions) {
      const { id, title, parentID } = session;
      if (!(isOurs(session) ? known.has(id) : known.has(parentID))) this.failures.push(`a session that no attempt knows: ${id} ${title}`);
    }
    this.count("sessions", this.sessions.length);
  }

  async checkRows() {
    const left = {
      "runs without an end": "SELECT * FROM runners WHERE ended_at IS NULL",
      "servers without an end": "SELECT * FROM servers WHERE ended_at IS NULL",
      "attempts without an end": "SELECT * FROM attempts WHERE ended_at IS NULL",
      "tasks without an end": "SELECT * FROM tasks WHERE completed_at IS NULL",
    };
    for (const [what, query] of Object.entries(left))
      await this.check(what, async () => assert.deepEqual(await this.world.rows(query), []));
    await this.check("asks", async () => assert.deepEqual(JSON.parse(await this.world.ok(["asks", "--json"])), []));
    this.count("asks", (await this.world.row("SELECT count(*) AS n FROM asks")).n);
  }

  async checkAll() {
    await this.check("the database", () => this.world.checkDatabase());
    await this.check("panes", async () => assertNoPanes(this.world, this.tmux, [this.foreign]));
    this.count("panes", (await this.world.row("SELECT count(opened_at) AS n FROM panes")).n);
    await this.check("processes", () => until("no OpenCode is left", () => this.world.openCodePids().length === 0));
    await this.checkRows();
    await this.readAll();
    for (const task of this.tasks.values()) await this.check(task.word, () => this.checkTask(task));
    this.checkSessions();
    await this.server.process.stop("SIGKILL");
  }

  // ---- all of it ----

  async drain() {
    const held = await this.world.rows("SELECT id FROM tasks WHERE status = 'held'");
    if (held.length) await this.world.ok(["release", ...held.map(({ id }) => String(id))]);
    await this.run(["--config", this.config(REFUSED), "run", "--drain"]);
  }

  /** What is needed to see what went wrong. */
  keep() {
    const folder = join(process.env.TMPDIR || tmpdir(), `vigil-chaos-${this.seed}`);
    mkdirSync(folder, { recursive: true });
    cpSync(dirname(this.world.db), folder, { recursive: true, filter: (path) => !path.endsWith(".sock") });
    writeFileSync(join(folder, "calls.json"), JSON.stringify([...(this.calls ?? new Map()).values()].flat(), null, 1));
    writeFileSync(join(folder, "runs.log"), this.runs.join("\n"));
    writeFileSync(join(folder, "failures.txt"), this.failures.join("\n\n"));
    return folder;
  }

  /** A chaos in which no turn was cut off and went on proves too little: then it lasts longer, up to three times. */
  async lastUntilResumed() {
    const last = Date.now() + 3 * this.seconds * 1000;
    while (this.goesOn()) {
      const resumed = await this.world.rows("SELECT 1 FROM attempts WHERE resumes > 0 LIMIT 1");
      if (resumed.length || !this.goesOn()) return;
      this.end = Math.max(this.end, Math.min(last, Date.now() + 5000));
      await nap(1000);
    }
  }

  /** One of those that act has failed: the others end too. */
  stop(error) {
    this.failures.push(error.stack);
    this.end = 0;
  }

  async go() {
    const { world } = this;
    try {
      await world.open();
      await this.openTmux();
      await world.ok(["add", "--hold", `${new Task(0, KINDS[0]).prompt}`]);
      this.tasks.set("chaos-0.", Object.assign(new Task(0, KINDS[0]), { id: 1, isAcknowledged: true }));
      this.end = Date.now() + this.seconds * 1000;
      const all = [this.addTasks(), this.actAsPeople(), this.keepRunning(), this.killThings(), this.lastUntilResumed()];
      const panes = this.killPanes().catch((error) => this.stop(error));
      await Promise.all(all.map((each) => each.catch((error) => this.stop(error))));
      if (!this.failures.length) await this.drain();
      this.isDrained = true;
      await panes;
      if (this.failures.length) return;
      await this.checkAll();
    } catch (error) {
      this.failures.push(error.stack);
    } finally {
      this.isDrained = true;
      if (this.failures.length) this.kept = this.keep();
      await world.close();
    }
  }
}

function groupBy(list, key) {
  const groups = new Map();
  for (const each of list) {
    if (!groups.has(key(each))) groups.set(key(each), []);
    groups.get(key(each)).push(each);
  }
  return groups;
}

/** Returns {failures, figures, seed, kept}: sentences, counts, and where to look. */
export async function chaos({ seconds = 60, seed = Date.now() % 1000000 } = {}) {
  console.log(`chaos: --seconds ${seconds} --seed ${seed}`);
  const all = new Chaos(seconds, seed);
  await all.go();
  for (const failure of all.failures) console.log(failure);
  if (all.kept) console.log(`chaos: kept in ${all.kept}`);
  console.log(`chaos: ${Object.entries(all.figures).map(([name, count]) => `${name} ${count}`).join(", ")}`);
  return all;
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { seconds: { type: "string" }, seed: { type: "string" } } });
  const options = Object.fromEntries(Object.entries(values).filter(([, text]) => text).map(([name, text]) => [name, Number(text)]));
  const { failures, figures } = await chaos(options);
  console.log(`${figures.tasks ?? 0} passed, ${failures.length} failed`);
  process.exit(failures.length ? 1 : 0);
}
