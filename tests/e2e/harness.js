// A world for the end-to-end tests: a home of its own, the offline model, the real OpenCode, vigil and its
// database, all below one temporary folder.
//
//   VIGIL      the program under test; ./vigil of this checkout otherwise
//   OPENCODE   OpenCode's program; what tools/opencode/install says otherwise ($OPENCODE_VERSION, or the pinned one)
//
// Everything that a world starts carries its mark in the environment. That is how it is found again when the world
// ends, whoever its parent is by then, and how nothing else is ever touched.

import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { accessSync, constants, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, afterEach, before } from "node:test";
import { fileURLToPath } from "node:url";
import { config as openCodeConfig } from "../../tools/offline-model/config.js";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const MARK = "VIGIL_E2E_WORLD";
const SECOND = 1000;

// OpenCode fetches some 60 MB of packages for its plugins into every new home, and goes on where it cannot: nobody
// listens at this address, so no test depends on the network or fills the disk.
const NOBODY = "http://127.0.0.1:9";
const NO_REGISTRY = { npm_config_registry: NOBODY, npm_config_fetch_retries: "0", BUN_CONFIG_REGISTRY: NOBODY };

// ---- the programs under test: one that is missing fails every test, in a sentence -------------------------------

function program(path, what) {
  const found = resolve(ROOT, path);
  try {
    accessSync(found, constants.X_OK);
  } catch {
    throw new Error(`${what} is not there, or cannot be run: ${found}`);
  }
  return realpathSync(found);
}

function installedOpenCode() {
  const version = process.env.OPENCODE_VERSION ? [process.env.OPENCODE_VERSION] : [];
  const stdio = ["ignore", "pipe", "inherit"];
  return execFileSync(join(ROOT, "tools/opencode/install"), version, { encoding: "utf8", stdio }).trim();
}

export const VIGIL = program(process.env.VIGIL || "vigil", "vigil");
export const OPENCODE = program(process.env.OPENCODE || installedOpenCode(), "OpenCode");

// Where older versions of OpenCode differ from the newest; whatever is not here is the same.
const DIFFERENCES = [
  // Seen on 1.2.27: its loop ends at the finish reason "stop" even if the step has called a tool. There is no final
  // answer then, and sending the prompt again does not bring one.
  { before: "1.3", goesOnAfterToolStop: false },
];

// ---- waiting ------------------------------------------------------------------------------------------------------

const nap = (ms) => new Promise((done) => setTimeout(done, ms));

/** Looks again and again until `look` gives something true, and returns that. Errors of `look` count as "not yet". */
export async function until(what, look, { within = 60 * SECOND, hint = () => "" } = {}) {
  const end = Date.now() + within;
  for (let trouble = ""; ; await nap(40)) {
    try {
      const found = await look();
      if (found) return found;
      trouble = "";
    } catch (error) {
      trouble = `: ${error.message}`;
    }
    if (Date.now() >= end) throw new Error(`not within ${within / SECOND} s: ${what}${trouble}\n${await hint()}`);
  }
}

// ---- processes ----------------------------------------------------------------------------------------------------

/** What a process has written so far, and its end. */
class Process {
  constructor(command, args, { input, ...options }) {
    this.out = [];
    this.err = [];
    this.child = spawn(command, args, { ...options, stdio: ["pipe", "pipe", "pipe"] });
    this.child.stdout.on("data", (data) => this.out.push(data));
    this.child.stderr.on("data", (data) => this.err.push(data));
    this.child.stdin.on("error", () => {}); // it need not read all that it is given
    if (input !== null) this.child.stdin.end(input ?? ""); // else it is still to come
    this.ended = new Promise((done, fail) => {
      this.child.on("error", fail);
      this.child.on("close", (status, signal) => done({ status: status ?? signal, stdout: this.stdout, stderr: this.stderr }));
    });
    this.ended.catch(() => {});
  }

  get pid() {
    return this.child.pid;
  }
  get stdout() {
    return Buffer.concat(this.out).toString("utf8");
  }
  get stderr() {
    return Buffer.concat(this.err).toString("utf8");
  }
  get isAlive() {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Its end: {status, stdout, stderr}. The status of one that a signal ended is the signal's name. */
  async end(within = 60 * SECOND) {
    const late = Symbol("late");
    let timer;
    const deadline = new Promise((done) => (timer = setTimeout(done, within, late)));
    const ended = await Promise.race([this.ended, deadline]);
    clearTimeout(timer);
    if (ended !== late) return ended;
    this.child.kill("SIGKILL");
    throw new Error(`still running after ${within / SECOND} s: ${this.child.spawnargs.join(" ").slice(0, 300)}\n${this.stdout}${this.stderr}`);
  }

  signal(name) {
    this.child.kill(name);
  }

  async stop(signal = "SIGTERM", within = 30 * SECOND) {
    if (this.isAlive) this.signal(signal);
    return this.end(within);
  }
}

function readProc(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return ""; // it is gone, or not ours to read
  }
}

const allPids = () => readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number);
const isZombie = (pid) => / Z /.test(readProc(pid, "stat").replace(/^.*\)/s, ""));

/** The arguments of every process of this machine, a line each. */
export const everyCommandLine = () => allPids().map((pid) => readProc(pid, "cmdline").replaceAll("\0", " "));

// ---- a world ------------------------------------------------------------------------------------------------------

const worlds = new Set();

// A test that is ended from outside leaves nothing behind either.
process.on("exit", () => worlds.forEach((world) => world.destroy()));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1));

export class World {
  /**
   * `config` is vigil's configuration; `opencode` is merged into OpenCode's; `env` is added to what every vigil of
   * this world sees.
   */
  constructor({ config = {}, opencode = {}, env = {} } = {}) {
    this.options = { config, opencode, env };
    this.processes = [];
  }

  async open() {
    this.root = realpathSync(mkdtempSync(join(process.env.TMPDIR || tmpdir(), "vigil-e2e-")));
    worlds.add(this);
    this.home = this.folder("home");
    this.work = this.folder("work");
    this.db = join(this.root, "state/vigil/vigil.db");
    this.environment = this.makeEnvironment();
    this.model = await this.startModel();
    const offered = { ...openCodeConfig(this.model), ...this.options.opencode };
    writeFileSync(join(this.folder("config/opencode"), "opencode.json"), JSON.stringify(offered));
    this.configure(this.options.config);
  }

  /** Makes a folder of this world; its path. */
  folder(name) {
    const path = join(this.root, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  configure(config) {
    const whole = { ...config, server: { command: OPENCODE, ...config.server } };
    writeFileSync(join(this.folder("config/vigil"), "config.json"), JSON.stringify(whole));
  }

  /** Nothing of the caller's own configuration or proxies; what sanitizers need is passed on. */
  makeEnvironment() {
    const passed = ["PATH", "LANG", "LC_ALL", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"];
    const env = Object.fromEntries(passed.filter((name) => process.env[name]).map((name) => [name, process.env[name]]));
    return {
      ...env,
      [MARK]: this.root,
      HOME: this.home,
      XDG_CONFIG_HOME: join(this.root, "config"),
      XDG_STATE_HOME: join(this.root, "state"),
      XDG_DATA_HOME: join(this.root, "data"),
      XDG_CACHE_HOME: join(this.root, "cache"),
      TMUX_TMPDIR: this.root,
      OPENCODE_DISABLE_AUTOUPDATE: "1",
      OPENCODE_DISABLE_MODELS_FETCH: "1",
      ...NO_REGISTRY,
      ...this.options.env,
    };
  }

  /** A library of tests/shim for LD_PRELOAD, which parts its names at blanks: this checkout's folder may have one. */
  shim(name) {
    const built = join(ROOT, `build/shim/${name}.so`);
    assert.ok(existsSync(built), `${built} is not there: make tests`);
    const copy = join(this.root, `${name}.so`);
    copyFileSync(built, copy);
    return copy;
  }

  start(command, args, { env = {}, cwd = this.work, input } = {}) {
    const started = new Process(command, args, { cwd, input, env: { ...this.environment, ...env } });
    this.processes.push(started);
    return started;
  }

  async startModel() {
    const server = this.start(process.execPath, [join(ROOT, "tools/offline-model/server.js"), "--with-parent"]);
    const said = () => /listening on (http:\S+)/.exec(server.stdout)?.[1];
    return until("the offline model listens", said, { hint: () => server.stderr });
  }

  // ---- vigil ----

  /** Starts a command in the background. */
  vigilStart(args, options) {
    return this.start(VIGIL, args, options);
  }

  /** Runs a command to its end: {status, stdout, stderr}. */
  async vigil(args, { within, ...options } = {}) {
    return this.vigilStart(args, options).end(within);
  }

  /** Runs a command that must succeed; what it printed. */
  async ok(args, options) {
    const { status, stdout, stderr } = await this.vigil(args, options);
    assert.equal(status, 0, `vigil ${args.join(" ").slice(0, 300)}: exit status ${status}\n${stdout.slice(0, 2000)}${stderr}`);
    return stdout;
  }

  /** Queues a task; its id. */
  async add(...args) {
    const { status, stdout, stderr } = await this.vigil(["add", ...args]);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
    assert.match(stdout, /^\d+\n$/, "the id alone on a line");
    return Number(stdout);
  }

  /** Starts a runner and returns once it has begun. */
  async startRunner(args = [], options) {
    const runner = this.vigilStart(["run", ...args], options);
    const begun = () => this.rows("SELECT 1 FROM runners WHERE pid = ?", runner.pid);
    const hint = () => `${runner.stdout}${runner.stderr}`;
    await until("a runner has begun", async () => !runner.isAlive || (await begun()).length, { hint });
    assert.ok(runner.isAlive, `the runner has ended: ${hint()}`);
    this.runner = runner;
    return runner;
  }

  /** `vigil run --drain` to its end, which must be a good one. */
  async drain(args = [], options) {
    assert.equal(await this.ok(["run", "--drain", ...args], { within: 120 * SECOND, ...options }), "", "a runner has no data to print");
  }

  /** Ends what a test left running; a runner that does not want to end is killed. */
  async stopRunners() {
    const runners = this.processes.filter((each) => each.isAlive && each.child.spawnargs[1] === "run");
    for (const runner of runners) await runner.stop("SIGTERM", 15 * SECOND);
  }

  /** Waits until the tasks are final, and returns their rows. */
  async finished(...ids) {
    const list = ids.flat();
    // A server that has just come back can take a request and never answer it: vigil asks again after some seconds.
    const within = { within: 150 * SECOND, hint: () => this.story(list) };
    const open = `SELECT id FROM tasks WHERE id IN (${list.join()}) AND completed_at IS NULL`;
    await until(`tasks ${list.join()} are final`, async () => (await this.rows(open)).length === 0, within);
    return Promise.all(list.map((id) => this.task(id)));
  }

  async finish(id) {
    return (await this.finished(id))[0];
  }

  // ---- the database, through the sqlite3 shell ----

  async sqlite(sql, { write = false } = {}) {
    const args = [...(write ? [] : ["-readonly"]), "-cmd", ".timeout 10000", "-json", this.db, sql];
    const options = { env: { PATH: process.env.PATH }, maxBuffer: 256 << 20 };
    return new Promise((done, fail) => {
      execFile("sqlite3", args, options, (error, stdout, stderr) => (error ? fail(new Error(stderr || error.message)) : done(stdout)));
    });
  }

  /** The rows of a query; each `?` is replaced by a value. */
  async rows(query, ...values) {
    const quoted = (value) => (typeof value === "number" ? String(value) : `'${String(value).replaceAll("'", "''")}'`);
    const text = await this.sqlite(query.replaceAll("?", () => quoted(values.shift())));
    return text.trim() === "" ? [] : JSON.parse(text);
  }

  async row(query, ...values) {
    const found = await this.rows(query, ...values);
    assert.equal(found.length, 1, query);
    return found[0];
  }

  task(id) {
    return this.row("SELECT * FROM tasks WHERE id = ?", id);
  }
  attempts(id) {
    return this.rows("SELECT * FROM attempts WHERE task_id = ? ORDER BY number", id);
  }
  async attempt(id) {
    const all = await this.attempts(id);
    assert.equal(all.length, 1, "one attempt");
    return all[0];
  }
  messages(id) {
    return this.rows("SELECT * FROM messages WHERE task_id = ? ORDER BY id", id);
  }
  async eventKinds(id) {
    return (await this.rows("SELECT kind FROM events WHERE task_id = ? ORDER BY id", id)).map((row) => row.kind);
  }

  /** What the rows say about tasks, for a person who looks at a failed test. */
  async story(ids) {
    const list = ids.join();
    const queries = [
      `SELECT id, status, error_kind, error, note, wake_at FROM tasks WHERE id IN (${list})`,
      `SELECT * FROM attempts WHERE task_id IN (${list})`,
      `SELECT at, task_id, kind, detail FROM events WHERE task_id IN (${list}) ORDER BY id`,
      "SELECT * FROM servers",
    ];
    const lines = [];
    for (const query of queries) lines.push(...(await this.rows(query)).map((row) => JSON.stringify(row)));
    return [...lines, this.runner?.stdout, this.runner?.stderr].join("\n");
  }

  async checkDatabase() {
    if (!existsSync(this.db)) return;
    assert.deepEqual(await this.rows("SELECT * FROM problems"), [], "the view `problems` is empty");
    assert.deepEqual(await this.rows("PRAGMA integrity_check"), [{ integrity_check: "ok" }]);
    assert.deepEqual(await this.rows("PRAGMA foreign_key_check"), []);
  }

  // ---- the model ----

  /** The calls whose prompt contains the text; OpenCode's own (for titles) are left out. */
  async calls(contains) {
    const answer = await fetch(`${this.model}/calls?own=no&contains=${encodeURIComponent(contains)}`);
    return (await answer.json()).calls;
  }

  /** Waits for so many calls, the last of them in the state. */
  async called(contains, { times = 1, outcome } = {}) {
    const look = async () => {
      const calls = await this.calls(contains);
      return calls.length >= times && (!outcome || calls.at(-1).outcome === outcome) && calls;
    };
    return until(`${times} calls with "${contains}"${outcome ? ` (${outcome})` : ""}`, look, {
      hint: async () => `${JSON.stringify(await this.calls(contains))}\n${this.runner?.stdout}${this.runner?.stderr}`,
    });
  }

  /** Lets the model go on where it waits with [until WORD], or will. */
  async letGo(word) {
    const answer = await fetch(`${this.model}/open?word=${encodeURIComponent(word)}`, { method: "POST" });
    assert.equal(answer.status, 200);
  }

  // ---- OpenCode ----

  /** vigil's own server, as the database has it. */
  server() {
    return this.row("SELECT * FROM servers WHERE name = 'managed' AND ended_at IS NULL");
  }

  get password() {
    return readFileSync(`${this.db}.password`, "utf8").trim();
  }

  /** Asks a server of this world; the managed one unless another is named. */
  async openCode(path, { url, password, ...request } = {}) {
    const base = url ?? (await this.server()).url;
    const secret = url ? password : this.password;
    const headers = { "content-type": "application/json" };
    if (secret) headers.authorization = `Basic ${Buffer.from(`opencode:${secret}`).toString("base64")}`;
    const answer = await fetch(base + path, { ...request, headers });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** Where versions of OpenCode differ: what this one does. */
  async openCodeDoes() {
    const { version } = await this.openCode("/global/health");
    const difference = DIFFERENCES.find(({ before }) => version.localeCompare(before, "en", { numeric: true }) < 0);
    return { version, goesOnAfterToolStop: true, ...difference };
  }

  /** The sessions whose status in the directory is anything but idle. */
  async busySessions(directory = this.work, server = {}) {
    return Object.keys(await this.openCode(`/session/status?directory=${encodeURIComponent(directory)}`, server));
  }

  /** A program for `server.command` that becomes OpenCode when it is told to: {command, isThere, go}. */
  slowServer() {
    const command = join(this.root, "slow-opencode");
    const [here, go] = [`${command}.here`, `${command}.go`];
    for (const file of [here, go]) rmSync(file, { force: true });
    const lines = ["#!/bin/sh", `touch ${here}`, `while [ ! -e ${go} ]; do sleep 0.05; done`, `exec '${OPENCODE}' "$@"`];
    writeFileSync(command, `${lines.join("\n")}\n`, { mode: 0o755 });
    return { command, isThere: () => existsSync(here), go: () => writeFileSync(go, "") };
  }

  /** An `opencode serve` of the test's own: {url, password, process}. `data`: a storage of its own. */
  async startOpenCode({ password, port, data } = {}) {
    port ??= await freePort(); // with 0 it takes 4096 where that is free, and one that comes back may find it taken
    const env = { ...(password && { OPENCODE_SERVER_PASSWORD: password }), ...(data && { XDG_DATA_HOME: data }) };
    const server = this.start(OPENCODE, ["serve", "--port", String(port), "--hostname", "127.0.0.1"], { env });
    const said = () => /listening on (http:\S+)/.exec(server.stdout)?.[1];
    const hint = () => server.stdout + server.stderr;
    const url = await until("opencode serve listens", said, { hint, within: 90 * SECOND });
    const healthy = () => this.openCode("/global/health", { url, password, signal: AbortSignal.timeout(SECOND) });
    await until("opencode serve answers", healthy, { hint, within: 90 * SECOND });
    return { url, password, process: server };
  }

  // ---- the end ----

  /** The processes that carry this world's mark. */
  ownPids() {
    const mark = `${MARK}=${this.root}`;
    return allPids().filter((pid) => readProc(pid, "environ").split("\0").includes(mark) && !isZombie(pid));
  }

  /** Those of them that are an OpenCode. */
  openCodePids() {
    return this.ownPids().filter((pid) => {
      const [command, ...args] = readProc(pid, "cmdline").split("\0");
      return command === OPENCODE || args[0] === "serve";
    });
  }

  /** Ends runners in order, so that their servers end too, and then whatever is left, and deletes the folder. */
  async close() {
    if (!this.root) return;
    try {
      for (const each of this.processes) each.isAlive && each.signal("SIGTERM");
      await Promise.allSettled(this.processes.map((each) => each.end(15 * SECOND)));
    } finally {
      this.destroy();
    }
  }

  /** Without waiting for anyone: also what runs when the tests themselves are ended. */
  destroy() {
    worlds.delete(this);
    for (let left = this.ownPids(), end = Date.now() + 10 * SECOND; left.length > 0 && Date.now() < end; left = this.ownPids()) {
      left.forEach(killHard);
      block(10);
    }
    rmSync(this.root, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** Nothing else can be waited for while this process exits. */
const block = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

function killHard(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended meanwhile
  }
}

// ---- worlds and tests ---------------------------------------------------------------------------------------------

/**
 * One world for all tests of a file; after each the database must be in order. With `runner` there is one all the
 * time; without, each test starts its own, and one that fails does not leave it to the next.
 */
export function sharedWorld({ runner = false, ...options } = {}) {
  const world = new World(options);
  before(async () => {
    await world.open();
    if (runner) await world.startRunner();
  });
  afterEach(async () => {
    if (!runner) await world.stopRunners();
    await world.checkDatabase();
  });
  after(() => world.close());
  return world;
}

/** A test's function with a world of its own. */
export const inWorld = (options, body) => async () => {
  const world = new World(options);
  try {
    await world.open();
    await body(world);
    await world.checkDatabase();
  } finally {
    await world.close();
  }
};

async function bodyOf(answer) {
  const chunks = [];
  for await (const chunk of answer) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/**
 * Stands before a server, at a `url` of its own. `seen`: what was asked; `atAnswer(method, path)` is waited for before
 * an answer is passed on; `changes`: by "GET /session/ID/message", a function from an answer's body to another one (or
 * to a {status, body}), text that is no JSON becoming a web page; `sever(path)` cuts the connections on which that path was asked for.
 */
export async function openGate(target) {
  const gate = { seen: [], atAnswer: async () => {}, changes: new Map() };
  const open = new Set();
  const server = createHttpServer((req, res) => {
    const path = req.url.split("?")[0];
    const route = `${req.method} ${path}`;
    const passing = { path, res };
    gate.seen.push(route);
    open.add(passing);
    const upstream = request(target + req.url, { method: req.method, headers: req.headers }, async (answer) => {
      await gate.atAnswer(req.method, path);
      const change = gate.changes.get(route.replace(/ses_\w+/, "ID"));
      if (!change) {
        res.writeHead(answer.statusCode, answer.headers);
        answer.pipe(res);
        return;
      }
      const changed = change(await bodyOf(answer));
      const { status, body } = typeof changed === "string" ? { status: 200, body: changed } : changed;
      res.writeHead(status, { "content-type": body.startsWith("<") ? "text/html" : "application/json" });
      res.end(body);
    });
    upstream.on("error", () => res.destroy());
    res.on("close", () => {
      open.delete(passing);
      upstream.destroy();
    });
    req.pipe(upstream);
  });
  gate.sever = (path) => open.forEach((each) => each.path === path && each.res.destroy());
  server.unref(); // a test that fails before it closes the gate must end all the same
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  gate.url = `http://127.0.0.1:${server.address().port}`;
  gate.count = (wanted) => gate.seen.filter((each) => each === wanted).length;
  gate.close = () => {
    server.close();
    server.closeAllConnections();
  };
  return gate;
}

/** A port that nobody listens on. */
export const freePort = () =>
  new Promise((done, fail) => {
    const server = createServer().on("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

// ---- small things that several tests need --------------------------------------------------------------------------

let tags = 0;

/** A word that no other prompt of this file contains. */
export const tag = (word) => `${word}-${process.pid}-${++tags}.`;

/** The directive that has the model ask a subagent. */
export const subagent = (prompt) => `[tool task ${JSON.stringify({ description: "ask another", prompt, subagent_type: "general" })}]`;

/** Waits until so much time has passed: for what only time can bring about. */
export function elapsed(ms) {
  const began = Date.now();
  return until(`${ms} ms have passed`, () => Date.now() - began >= ms, { within: 2 * ms });
}

/** Asserts that the times, given in order, never go back; none may be missing. */
export function assertInOrder(times) {
  const entries = Object.entries(times);
  for (const [name, time] of entries) assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, name);
  for (let i = 1; i < entries.length; i++)
    assert.ok(entries[i - 1][1] <= entries[i][1], `${entries[i - 1].join(" ")} is not after ${entries[i].join(" ")}`);
}

/** Asserts that `wanted` are among `all`, in this order. */
export function assertSubsequence(all, wanted) {
  let at = 0;
  for (const each of all) if (each === wanted[at]) at++;
  assert.equal(at, wanted.length, `${JSON.stringify(wanted)} in order among ${JSON.stringify(all)}`);
}

/** The most calls that were under way at once. */
export function mostAtOnce(calls) {
  return Math.max(...calls.map(({ at }) => calls.filter((other) => other.at <= at && (other.ended_at ?? Infinity) > at).length));
}
