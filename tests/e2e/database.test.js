// The database in other hands: locked by another program at the worst moments, made and filled by many at once,
// edited, and refusing rows.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { afterEach, test } from "node:test";
import { openGate, sharedWorld, tag, until } from "./harness.js";

const QUICK = { poll_interval: "500ms" };
const locks = new Set();

// A test that fails leaves the database free, and nothing else in the next one's way.
afterEach(async () => {
  for (const each of locks) await each.release();
  world.configure(QUICK);
});
const world = sharedWorld({ config: QUICK });

/** Another connection that holds the write lock until it is let go: {pid, release}. */
async function lock({ db, environment }) {
  const shell = spawn("sqlite3", ["-batch", "-cmd", ".timeout 10000", db], { env: environment, stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((done) => shell.on("close", done));
  let said = "";
  shell.stdout.on("data", (data) => (said += data));
  shell.stdin.on("error", () => {});
  shell.stdin.write("BEGIN IMMEDIATE; SELECT 'locked';\n");
  await until("the database is locked", () => said.includes("locked"));
  const held = {
    pid: shell.pid,
    async release() {
      locks.delete(held);
      shell.stdin.end("ROLLBACK;\n");
      await ended;
    },
  };
  locks.add(held);
  return held;
}

const said = (runner, pattern) => runner.stderr.split("\n").filter((line) => pattern.test(line));

const napFor = (ms, began = Date.now()) => until("the time has passed", () => Date.now() - began > ms);

/** Holds the lock until somebody has been seen to be stopped by it, and for some turns of the runner after that. */
async function holdOn(runner, held) {
  const named = new RegExp(`locked by sqlite3 \\(pid ${held.pid}\\)`);
  const hint = () => runner.stderr;
  await until("the runner says who holds the database", () => said(runner, named).length > 0, { hint, within: 60000 });
  await napFor(3500);
  assert.ok(runner.isAlive, runner.stderr);
  assert.equal(new Set(said(runner, named).map((line) => line.slice(19))).size, said(runner, named).length, `once, not each second:\n${runner.stderr}`);
  return said(runner, /nothing new is started/).length;
}

// ---- a gate between vigil and OpenCode: an answer waits while the test does something ------------------------------

const MOMENTS = {
  "a session was created": (method, path) => method === "POST" && path === "/session",
  "the prompt was answered": (method, path) => method === "POST" && path.endsWith("/prompt_async"),
  "the answer is to be stored": (method, path, isDone) => isDone && method === "GET" && path.endsWith("/message"),
};

for (const [name, isMoment] of Object.entries(MOMENTS)) {
  test(`locked when ${name}: nothing is lost, nothing is sent twice`, async () => {
    const server = await world.startOpenCode();
    const gate = await openGate(server.url);
    const runner = await world.startRunner(["--server", gate.url]);
    const other = tag("other");
    const otherId = await world.add(`${other} [slow 12] [long 400] [say and it went on]`);
    await world.called(other);
    await until("the other task runs", async () => (await world.task(otherId)).status === "running");
    const word = tag("locked");
    let held;
    gate.atAnswer = async (method, path) => {
      if (held || !isMoment(method, path, (await world.calls(word)).at(-1)?.outcome === "done")) return;
      held = {};
      Object.assign(held, await lock(world));
    };
    const id = await world.add(word);
    await until("the moment has come", () => held?.pid, { hint: () => world.story([id]) });
    const late = tag("late");
    const streams = gate.count("GET /global/event");
    const polls = gate.count("GET /session/status");
    assert.equal(await holdOn(runner, held), 1, runner.stderr);
    await until("the others are looked after", () => gate.count("GET /session/status") > polls + 2);
    assert.equal(gate.count("GET /global/event"), streams, "the stream was not lost");
    await held.release();
    const lateId = await world.add(late);
    for (const task of await world.finished(id, otherId, lateId)) assert.deepEqual([task.status, task.attempts], ["completed", 1], task.error);
    for (const each of [word, other, late]) assert.equal((await world.calls(each)).length, 1, `${each}: one call`);
    const sessions = await world.openCode(`/session?directory=${encodeURIComponent(world.work)}`, server);
    const { nonce } = await world.attempt(id);
    assert.equal(sessions.filter(({ title }) => title.includes(nonce)).length, 1, "one session");
    assert.equal(said(runner, /can be written again/).length, 1, runner.stderr);
    assert.equal((await runner.stop()).status, 0);
    gate.close();
    await server.process.stop();
  });
}

/** Grows with each child that it has seen end. */
const faultsOfChildren = (pid) => Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ")[8]);

test("locked when a task may start: its directory is not looked at again and again", async () => {
  const runner = await world.startRunner();
  await world.finish(await world.add(tag("before")));
  const id = await world.add("--in", "2s", tag("locked"));
  const held = await lock(world);
  await until("the runner is stopped by it", () => said(runner, /nothing new is started/).length, { hint: () => runner.stderr });
  const before = faultsOfChildren(runner.pid);
  assert.ok(before > 0, "it has looked once");
  await holdOn(runner, held);
  assert.equal(faultsOfChildren(runner.pid), before, "no process was made meanwhile");
  await held.release();
  assert.equal((await world.finish(id)).status, "completed");
  assert.equal((await runner.stop()).status, 0);
});

test("locked for a command: it says by whom, and nothing has changed", async () => {
  const id = await world.add("--hold", tag("command"));
  const before = await world.rows("SELECT id, status, revision FROM tasks");
  const held = await lock(world);
  const commands = [["add", tag("no")], ["cancel", String(id)], ["release", String(id)], ["retry", String(id)]];
  for (const { status, stdout, stderr } of await Promise.all(commands.map((args) => world.vigil(args)))) {
    assert.deepEqual([status, stdout], [5, ""], stderr);
    assert.match(stderr, new RegExp(`^vigil: database .*/vigil\\.db is locked by sqlite3 \\(pid ${held.pid}\\)\n$`));
  }
  assert.match(await world.ok(["list"]), /command/, "it can be read");
  await held.release();
  assert.deepEqual(await world.rows("SELECT id, status, revision FROM tasks"), before);
  await world.ok(["cancel", String(id)]);
});

// ---- many at once -------------------------------------------------------------------------------------------------

const FIFTY = Array.from({ length: 50 }, (_, i) => i);

/** Fifty commands at once, each of which must print an id of its own: the ids. */
async function addFifty(args = []) {
  const ids = (await Promise.all(FIFTY.map((i) => world.ok(["add", "--hold", ...args, `prompt ${i}.`])))).map(Number);
  assert.equal(new Set(ids).size, 50, "fifty ids");
  return ids;
}

test("fifty commands make a database at once: fifty ids, fifty rows", async () => {
  const db = `${world.root}/fresh/state/vigil.db`;
  for (let round = 0; round < 3; round++) {
    rmSync(`${world.root}/fresh`, { recursive: true, force: true });
    const ids = await addFifty(["--db", db]);
    assert.deepEqual(ids.sort((a, b) => a - b), FIFTY.map((i) => i + 1));
    const rows = JSON.parse(await world.ok(["--db", db, "list", "--json", "--limit", "1000"]));
    assert.deepEqual(new Set(rows.map(({ prompt }) => prompt)), new Set(FIFTY.map((i) => `prompt ${i}.`)));
  }
});

test("fifty commands add while a runner works through the queue", async () => {
  world.configure({ ...QUICK, limits: { parallel: 3 } });
  const runner = await world.startRunner();
  const word = tag("crowd");
  const worked = [];
  for (let i = 0; i < 6; i++) worked.push(await world.add(`${word} ${i}. [slow 1]`));
  await world.called(word);
  const ids = await addFifty();
  const counted = await world.row(`SELECT count(*) AS tasks, sum(status = 'held') AS held FROM tasks WHERE id IN (${ids.join()})`);
  assert.deepEqual(counted, { tasks: 50, held: 50 });
  for (const task of await world.finished(worked)) assert.deepEqual([task.status, task.attempts], ["completed", 1], task.error);
  assert.equal((await world.calls(word)).length, 6);
  assert.deepEqual(said(runner, /nothing new is started|cannot/), []);
  assert.equal((await runner.stop()).status, 0);
  await byHand(`DELETE FROM tasks WHERE id IN (${ids.join()})`);
});

// ---- locked while a runner begins ---------------------------------------------------------------------------------

test("a runner that begins while the database is locked waits, and ends no server", async () => {
  const word = tag("begin");
  const first = await world.startRunner();
  const id = await world.add(`${word} [slow 15] [say one two three]`);
  await world.called(word);
  await until("it runs", async () => (await world.task(id)).status === "running");
  const server = await world.server();
  await first.stop("SIGKILL");
  const held = await lock(world);
  const began = Date.now();
  const runner = world.vigilStart(["run"]);
  const hint = () => runner.stderr;
  await until("it says who holds the database", () => !runner.isAlive || /locked by sqlite3/.test(runner.stderr), { hint });
  await until("20 seconds have passed", () => !runner.isAlive || Date.now() - began > 20000);
  assert.ok(runner.isAlive, runner.stderr);
  assert.equal(said(runner, /locked by/).length, 1, `once:\n${runner.stderr}`);
  await held.release();
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.result, task.attempts], ["completed", "one two three", 1], task.error);
  assert.equal((await world.attempt(id)).resumes, 0);
  assert.equal((await world.calls(word)).length, 1);
  assert.equal((await world.server()).pid, server.pid, "the same server");
  assert.ok(world.openCodePids().includes(server.pid));
  assert.equal((await runner.stop()).status, 0);
  await until("no OpenCode is left", () => world.openCodePids().length === 0);
});

test("locked in the middle, and the runner is killed and begins again: the server is kept", async () => {
  const word = tag("middle");
  const first = await world.startRunner();
  const id = await world.add(`${word} [slow 8] [say one two three]`);
  await world.called(word);
  await until("it runs", async () => (await world.task(id)).status === "running");
  const server = await world.server();
  await first.stop("SIGTERM");
  const runner = await world.startRunner();
  const held = await lock(world);
  await world.called(word, { outcome: "done" });
  await holdOn(runner, held);
  await held.release();
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.attempts], ["completed", 1], task.error);
  assert.equal((await world.calls(word)).length, 1);
  assert.equal((await world.server()).pid, server.pid);
  assert.equal((await runner.stop()).status, 0);
});

test("a runner that waits for the database can be stopped", async () => {
  const id = await world.add("--hold", tag("waits"));
  const held = await lock(world);
  const runner = world.vigilStart(["run"]);
  await until("it says who holds the database", () => /locked by sqlite3/.test(runner.stderr), { hint: () => runner.stderr });
  assert.equal((await runner.stop("SIGTERM", 5000)).status, 0);
  await held.release();
  await world.ok(["cancel", String(id)]);
});

// ---- locked while a server is started -----------------------------------------------------------------------------

const nobodyIsLeft = () => until("no OpenCode is left", () => world.openCodePids().length === 0);

test("locked when the server has died: another is started once the lock is gone", async () => {
  const word = tag("died");
  const runner = await world.startRunner();
  const id = await world.add(`${word} [slow 6] [say one two three]`);
  await world.called(word);
  await until("it runs", async () => (await world.task(id)).status === "running");
  const { pid } = await world.server();
  const held = await lock(world);
  process.kill(pid, "SIGKILL");
  await until("it is noticed", () => /has died/.test(runner.stderr), { hint: () => runner.stderr });
  await holdOn(runner, held);
  await held.release();
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.result, task.attempts], ["completed", "one two three", 1], task.error);
  assert.equal((await world.calls(word)).length, 2, "the call that was cut off, and the one that went on");
  assert.equal((await runner.stop()).status, 0);
  assert.deepEqual(await world.rows("SELECT * FROM servers WHERE ended_at IS NULL AND name = 'managed'"), []);
  await nobodyIsLeft();
});

test("locked when a given server is found well: its version is written once the lock is gone", async () => {
  const server = await world.startOpenCode();
  const gate = await openGate(server.url);
  const version = async () => (await world.row("SELECT version FROM servers WHERE url = ?", gate.url))?.version;
  let held;
  gate.atAnswer = async (method, path) => {
    if (held || path !== "/global/health") return;
    held = {};
    Object.assign(held, await lock(world));
  };
  const runner = await world.startRunner(["--server", gate.url]);
  await until("it is up", () => said(runner, /^.* OpenCode .* at /).length > 0, { hint: () => runner.stderr });
  assert.equal(await version(), null);
  await held.release();
  await until("it is written", version, { within: 30000, hint: () => runner.stderr });
  assert.equal((await runner.stop()).status, 0);
  gate.close();
  await server.process.stop();
});

test("locked when a new server listens: it is kept, and nothing is left at the end", async () => {
  const slow = world.slowServer();
  world.configure({ ...QUICK, server: { command: slow.command } });
  const word = tag("listens");
  const id = await world.add(word);
  const runner = await world.startRunner();
  await until("the server starts", slow.isThere);
  const { pid } = await world.server();
  const held = await lock(world);
  slow.go();
  await holdOn(runner, held);
  await held.release();
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.attempts], ["completed", 1], task.error);
  assert.equal((await world.server()).pid, pid, "the same server");
  assert.equal((await runner.stop()).status, 0);
  await nobodyIsLeft();
});

test("locked again and again while everything starts and ends", async () => {
  const script = "BEGIN IMMEDIATE;\n.shell sleep 0.$(shuf -i 1-3 -n 1)\nROLLBACK;\n.shell sleep 0.$(shuf -i 1-2 -n 1)\n";
  const shell = world.start("sqlite3", ["-batch", "-cmd", ".timeout 10000", world.db], { input: script.repeat(1000) });
  const word = tag("flicker");
  const ids = [];
  for (let i = 0; i < 2; i++) {
    ids.push(await world.add(`${word} ${i}. [slow 2]`));
    const { status, stderr } = await world.vigil(["run", "--drain"], { within: 120000 });
    assert.equal(status, 0, stderr);
    await nobodyIsLeft();
  }
  await shell.stop();
  for (const task of await world.finished(ids)) assert.deepEqual([task.status, task.attempts], ["completed", 1], task.error);
  for (let i = 0; i < 2; i++) assert.equal((await world.calls(`${word} ${i}. `)).length, 1);
  assert.deepEqual(await world.rows("SELECT * FROM servers WHERE ended_at IS NULL AND name = 'managed'"), []);
});

// ---- edited by hand -----------------------------------------------------------------------------------------------

const byHand = (sql) => world.sqlite(sql, { write: true });

test("a live task that is stopped by hand ends, and its slot is free", async () => {
  world.configure({ ...QUICK, limits: { parallel: 1 } });
  const runner = await world.startRunner();
  const word = tag("by hand");
  const id = await world.add(`${word} [slow 60] [long 500]`);
  const next = await world.add(tag("next"));
  await world.called(word);
  await byHand(`UPDATE tasks SET status = 'stopping' WHERE id = ${id}`);
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.error], ["cancelled", "Cancelled by user"]);
  assert.equal((await world.finish(next)).status, "completed");
  await world.called(word, { outcome: "aborted" });
  assert.equal((await runner.stop()).status, 0);
});

test("what the database refuses to do to a live task changes nothing", async () => {
  const runner = await world.startRunner();
  const word = tag("refused");
  const id = await world.add(`${word} [slow 4] [say one two three]`);
  await world.called(word);
  await until("it runs", async () => (await world.task(id)).status === "running");
  for (const status of ["completed", "failed", "cancelled", "queued", "held"])
    await assert.rejects(byHand(`UPDATE tasks SET status = '${status}' WHERE id = ${id}`), /live|cannot go/);
  await assert.rejects(byHand(`DELETE FROM tasks WHERE id = ${id}`), /live/);
  await byHand(`UPDATE tasks SET status = 'starting' WHERE id = ${id}`).catch((error) => assert.match(error.message, /cannot go/));
  await assert.rejects(byHand(`UPDATE tasks SET directory = '/nowhere' WHERE id = ${id}`), /cannot be changed/);
  await byHand(`UPDATE tasks SET wake_at = '2020-01-01T00:00:00.000Z' WHERE id = ${id}`);
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.result, task.attempts], ["completed", "one two three", 1], task.error);
  assert.equal((await world.calls(word)).length, 1);
  assert.equal((await runner.stop()).status, 0);
});

// ---- rows that the database refuses -------------------------------------------------------------------------------

const now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";
const TAKEN_AWAY = {
  "the run's row is ended": `UPDATE runners SET ended_at = ${now}, ending = 'by hand'`,
  "the server's row is ended": `UPDATE servers SET ended_at = ${now}`,
};

for (const [name, sql] of Object.entries(TAKEN_AWAY)) {
  test(`${name} by hand: what is alive goes on, what is queued starts`, async () => {
    world.configure({ ...QUICK, limits: { parallel: 2 } });
    const runner = await world.startRunner();
    const word = tag("rows");
    const id = await world.add(`${word} [slow 3] [say one two three]`);
    await world.called(word);
    await until("it runs", async () => (await world.task(id)).status === "running");
    await byHand(sql);
    for (const rows of ["servers", "runners"]) await assert.rejects(byHand(`DELETE FROM ${rows}`), /may go once/);
    const ids = [id, await world.add(`${word} a. `), await world.add(`${word} b. `)];
    for (const task of await world.finished(ids)) assert.deepEqual([task.status, task.attempts], ["completed", 1], task.error);
    assert.equal((await world.calls(word)).length, 3);
    assert.deepEqual(said(runner, /held|cannot/), []);
    assert.equal((await runner.stop()).status, 0);
    assert.deepEqual(await world.rows("SELECT * FROM servers WHERE ended_at IS NULL AND name = 'managed'"), []);
    await nobodyIsLeft();
  });
}

test("the run's row is ended by hand, and then its server dies: another is started", async () => {
  const runner = await world.startRunner();
  const word = tag("rows");
  const id = await world.add(`${word} [slow 3] [say one two three]`);
  await world.called(word);
  const server = await world.server();
  await byHand(TAKEN_AWAY["the run's row is ended"]);
  process.kill(server.pid, "SIGKILL");
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.attempts], ["completed", 1], task.error);
  assert.equal((await runner.stop()).status, 0);
  await nobodyIsLeft();
});

/** A rule of a person's own, for as long as the test wants it. */
const forbid = (what, rule) => byHand(`CREATE TRIGGER ${what} BEFORE ${rule} BEGIN SELECT RAISE(ABORT, 'not while ${what} is there'); END`);

test("what the database refuses to do for one task stops no other", async () => {
  const word = tag("refused");
  const bad = await world.add(`${word} bad`);
  await forbid("picky", `INSERT ON attempts WHEN NEW.task_id = ${bad}`);
  const runner = await world.startRunner();
  const stuck = await world.add(`${word} stuck`);
  await forbid("stubborn", `UPDATE OF outcome ON attempts WHEN NEW.task_id = ${stuck} AND NEW.outcome IS NOT NULL`);
  const good = await world.add(`${word} good`);
  assert.equal((await world.finish(good)).status, "completed");
  assert.equal((await world.task(bad)).status, "held");
  await until("it says so", () => said(runner, new RegExp(`task ${stuck} cannot go on: not while stubborn`)).length > 0, { hint: () => runner.stderr });
  assert.equal(said(runner, new RegExp(`task ${bad} cannot be started, and is held: not while picky`)).length, 1);
  assert.deepEqual(said(runner, /nothing new is started/), []);
  await byHand("DROP TRIGGER picky; DROP TRIGGER stubborn");
  await world.ok(["release", String(bad)]);
  assert.equal((await world.finish(bad)).status, "completed");
  await runner.stop(); // the next run need not wait for the minute to be over
  await world.startRunner();
  const task = await world.finish(stuck);
  assert.deepEqual([task.status, task.attempts], ["completed", 1]);
  assert.equal((await world.calls(word)).length, 3);
});

test("a task that can be neither started nor held is passed over: those behind it start, and a drain ends", async () => {
  const word = tag("passed over");
  const bad = await world.add("--priority", "9", `${word} bad`);
  const after = await world.add("--priority", "9", "--after", String(bad), `${word} after`);
  await forbid("picky", `INSERT ON attempts WHEN NEW.task_id = ${bad}`);
  await forbid("stubborn", `UPDATE OF status ON tasks WHEN NEW.id = ${bad}`);
  const good = [await world.add(`${word} good`), await world.add(`${word} better`)];
  const { status, stderr } = await world.vigil(["run", "--drain"], { within: 120000 });
  assert.equal(status, 0, stderr);
  for (const task of await world.finished(good)) assert.equal(task.status, "completed");
  assert.deepEqual([(await world.task(bad)).status, (await world.task(after)).status], ["queued", "queued"]);
  const lines = stderr.split("\n").filter((line) => line.includes(`task ${bad} `));
  assert.equal(lines.length, 1, stderr);
  assert.match(lines[0], /can be neither started nor held, and is passed over by this run: not while picky is there/);
  assert.doesNotMatch(stderr, /nothing new is started/);
  await byHand("DROP TRIGGER picky; DROP TRIGGER stubborn");
  await world.drain();
  for (const task of await world.finished(bad, after)) assert.equal(task.status, "completed");
});
