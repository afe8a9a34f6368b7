// One database, and what is made of it: copied, moved, put back in an older state, with its server out of its sight.
// Whatever is run, nothing of the first one's is touched, and no turn runs twice.

import assert from "node:assert/strict";
import { chmodSync, copyFileSync, cpSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { inWorld, tag, until } from "./harness.js";
import { Tmux } from "./tmux.js";

const QUICK = { config: { poll_interval: "500ms" } };

/** The model is at work on it until the word is let go. */
const held = (word) => `${word} [until ${word}] [say one two three four five six]`;

const byHand = (world, sql) => world.sqlite(sql, { write: true });

/** A task at work whose runner was killed: {id, word, server}. */
async function leftAtWork(world, { env } = {}) {
  const word = tag("left");
  const id = await world.add(held(word));
  const runner = await world.startRunner([], { env });
  await world.called(word);
  await until("it runs", async () => (await world.task(id)).status === "running", { hint: () => world.story([id]) });
  const server = await world.server();
  await runner.stop("SIGKILL");
  return { id, word, server };
}

/** The same world with another database. */
const withDatabase = (world, db) => Object.assign(Object.create(world), { db, environment: { ...world.environment, VIGIL_DB: db } });

async function backedUp(world) {
  const db = join(world.folder("copy"), "copy.db");
  await byHand(world, `VACUUM INTO '${db}'`);
  return withDatabase(world, db);
}

function copiedWithAll(world) {
  cpSync(dirname(world.db), world.folder("copy"), { recursive: true, filter: (path) => !path.endsWith(".sock") });
  return withDatabase(world, join(world.root, "copy/vigil.db"));
}

const drained = (world, env) => world.vigil(["run", "--drain"], { within: 120000, env });

/** The first one's task goes on as if nothing had been. */
async function goesOn(world, { id, word, server }) {
  await world.startRunner();
  await world.letGo(word);
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.result, task.attempts], ["completed", "one two three four five six", 1], task.error);
  assert.equal((await world.attempt(id)).resumes, 0);
  assert.equal((await world.calls(word)).length, 1, "one call");
  assert.equal((await world.server()).pid, server.pid, "the same server");
}

function assertOneAtATime(calls) {
  for (const [i, call] of calls.entries())
    for (const other of calls.slice(i + 1)) {
      const together = call.at < (other.ended_at ?? Infinity) && other.at < (call.ended_at ?? Infinity);
      assert.ok(!together, `two calls at once: ${JSON.stringify([call, other])}`);
    }
}

const nobodyIsLeft = (world) => until("no OpenCode is left", () => world.openCodePids().length === 0);

// ---- copies ---------------------------------------------------------------------------------------------------------

const COPIES = { "VACUUM INTO": backedUp, "cp -r of the folder": copiedWithAll };

for (const [name, made] of Object.entries(COPIES)) {
  test(`a copy (${name}) is a database of its own: what was live is held in it, and goes on in the first`, inWorld(QUICK, async (world) => {
    const left = await leftAtWork(world);
    const copy = await made(world);
    const { status, stderr } = await drained(copy);
    assert.equal(status, 0, stderr);
    assert.match(stderr, new RegExp(`a copy of ${world.db}, and one of its own from now on\n.*held, for they may go on there .*: 1\n`));
    assert.equal((await copy.task(left.id)).status, "held");
    assert.match((await copy.attempt(left.id)).error, /vigil release .* starts it anew/);
    assert.match(await copy.ok(["show", String(left.id)]), /is a copy of /);
    assert.ok(world.openCodePids().includes(left.server.pid), "its server was not ended");
    await copy.checkDatabase();
    await goesOn(world, left);
    await copy.ok(["release", String(left.id)]);
    assert.equal((await drained(copy)).status, 0);
    assert.equal((await copy.task(left.id)).status, "completed", "and anew in the copy, for a person has said so");
    const [first, ...more] = await copy.attempts(left.id);
    assert.notEqual(more[0].session_id, first.session_id);
  }));
}

test("a copy is run while the first one is", inWorld(QUICK, async (world) => {
  const word = tag("meanwhile");
  const id = await world.add(held(word));
  await world.startRunner();
  await world.called(word);
  await until("it runs", async () => (await world.task(id)).status === "running", { hint: () => world.story([id]) });
  const copy = await backedUp(world);
  const passing = await copy.add(tag("in the copy"));
  const { status, stderr } = await drained(copy);
  assert.equal(status, 0, stderr);
  assert.deepEqual([(await copy.task(id)).status, (await copy.task(passing)).status], ["held", "completed"]);
  await world.letGo(word);
  assert.equal((await world.finish(id)).status, "completed");
  assert.equal((await world.calls(word)).length, 1);
}));

test("what was to stop when the copy was made is over in the copy, and stops in the first", inWorld(QUICK, async (world) => {
  const left = await leftAtWork(world);
  const copy = await backedUp(world);
  await copy.ok(["cancel", String(left.id)]);
  assert.equal((await drained(copy)).status, 0);
  assert.equal((await copy.task(left.id)).status, "cancelled");
  assert.deepEqual((await world.calls(left.word)).map(({ outcome }) => outcome), ["running"], "the first one's agent goes on");
  await world.ok(["cancel", String(left.id)]);
  await world.startRunner();
  assert.equal((await world.finish(left.id)).status, "cancelled");
}));

test("of two copies of a database that was never run, neither ends the other's server", inWorld(QUICK, async (world) => {
  const waiting = await world.add("--hold", tag("before"));
  const copy = copiedWithAll(world);
  const left = await leftAtWork(world);
  await copy.ok(["cancel", String(waiting)]);
  await copy.add(tag("in the copy"));
  assert.equal((await drained(copy)).status, 0);
  await goesOn(world, left);
}));

test("a copy closes no pane of the first", inWorld({ config: { ...QUICK.config, tmux: { enabled: true, view: "follow" } } }, async (world) => {
  const tmux = await Tmux.open(world);
  const left = await leftAtWork(world, { env: tmux.env });
  const ids = async () => (await tmux.panes()).map(({ id, pid }) => [id, pid]);
  const panes = await ids();
  assert.equal(panes.length, 1, "it has a pane");
  const copy = await backedUp(world);
  const { status, stderr } = await drained(copy, tmux.env);
  assert.equal(status, 0, stderr);
  assert.deepEqual(await ids(), panes);
  await goesOn(world, left);
}));

test("what is live in a database that comes from another machine is held", inWorld(QUICK, async (world) => {
  const left = await leftAtWork(world);
  process.kill(left.server.pid, "SIGKILL");
  await byHand(world, "UPDATE vigil SET machine = 'another'");
  const { status, stderr } = await drained(world);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /a copy of .*vigil\.db on another machine/);
  assert.equal((await world.task(left.id)).status, "held");
  assert.equal((await world.calls(left.word)).length, 1);
}));

// ---- moved ----------------------------------------------------------------------------------------------------------

const MOVES = {
  "with all that lies beside it": (from, to) => renameSync(dirname(from), dirname(to)),
  "without its password": (from, to) => {
    mkdirSync(dirname(to), { recursive: true });
    for (const end of ["", "-wal", "-shm"]) renameSync(from + end, to + end);
  },
};

for (const [name, move] of Object.entries(MOVES)) {
  test(`a database that was moved ${name} goes on, with its server`, inWorld(QUICK, async (world) => {
    const left = await leftAtWork(world);
    const moved = withDatabase(world, join(world.root, "moved/vigil.db"));
    move(world.db, moved.db);
    await goesOn(moved, left);
    assert.equal((await moved.runner.stop()).status, 0);
    await nobodyIsLeft(world);
  }));
}

test("a backup is put where a database was moved away from: it does not end the server of the one that was moved", inWorld(QUICK, async (world) => {
  await world.add(tag("before"));
  assert.equal((await drained(world)).status, 0);
  const older = join(world.root, "older.db");
  await world.ok(["backup", older]);
  const moved = withDatabase(world, join(world.root, "moved/vigil.db"));
  MOVES["without its password"](world.db, moved.db);
  const left = await leftAtWork(moved);
  copyFileSync(older, world.db);
  const passing = await world.add(tag("where it was"));
  const { status, stderr } = await drained(world);
  assert.equal(status, 0, stderr);
  assert.equal((await world.task(passing)).status, "completed");
  assert.ok(world.openCodePids().includes(left.server.pid), "the server of the one that was moved was not ended");
  await goesOn(moved, left);
}));

// ---- a server that no row knows -------------------------------------------------------------------------------------

test("an older state is put back under a live server: that is ended before its turn goes on", inWorld(QUICK, async (world) => {
  const word = tag("restored");
  const first = await world.startRunner();
  const id = await world.add(held(word));
  await world.called(word);
  await until("it runs", async () => (await world.task(id)).status === "running");
  const older = await backedUp(world);
  await first.stop("SIGKILL");
  process.kill((await world.server()).pid, "SIGKILL");
  const second = await world.startRunner();
  await world.called(word, { times: 2 });
  const unknown = await world.server();
  await second.stop("SIGKILL");
  for (const end of ["", "-wal", "-shm"]) rmSync(world.db + end, { force: true });
  copyFileSync(older.db, world.db);
  const third = await world.startRunner();
  await world.called(word, { times: 3 });
  assert.deepEqual(world.openCodePids().filter((pid) => pid === unknown.pid), [], "no row knew it");
  assertOneAtATime(await world.calls(word));
  await world.ok(["cancel", String(id)]);
  await world.finish(id);
  assert.equal((await third.stop()).status, 0);
  await nobodyIsLeft(world);
}));

/** What a database has when it is put back; the last two write into the file that is there. */
const RESTORES = {
  "another file": async (world, older) => {
    for (const end of ["", "-wal", "-shm"]) rmSync(world.db + end, { force: true });
    copyFileSync(older.db, world.db);
  },
  "cp over it": async (world, older) => {
    for (const end of ["-wal", "-shm"]) rmSync(world.db + end, { force: true });
    copyFileSync(older.db, world.db);
  },
  ".restore": (world, older) => byHand(world, `.restore '${older.db}'`),
};

/** One task at work that the older state knows, and one of which it knows that it is held: {early, late, ids, older, runner}. */
async function atWorkSinceABackup(world) {
  const [early, late] = [tag("early"), tag("late")];
  const runner = await world.startRunner();
  const id = await world.add(held(early));
  await world.called(early);
  await until("it runs", async () => (await world.task(id)).status === "running");
  const next = await world.add("--hold", held(late));
  const older = await backedUp(world);
  await world.ok(["release", String(next)]);
  await world.called(late);
  return { early, late, ids: [id, next], older, runner };
}

/** What is held in the older state is let go there, too. */
async function goesOnFromThere(world, { early, late, ids }) {
  await world.startRunner();
  await world.ok(["release", String(ids[1])]);
  await world.called(late, { times: 2 });
  for (const word of [early, late]) await world.letGo(word);
  for (const task of await world.finished(...ids)) assert.equal(task.status, "completed", task.error);
  for (const word of [early, late]) assertOneAtATime(await world.calls(word));
}

for (const [name, restore] of Object.entries(RESTORES))
  test(`an older state is put back (${name}) under the very server that it knows: what that does besides is ended`, inWorld(QUICK, async (world) => {
    const work = await atWorkSinceABackup(world);
    await work.runner.stop("SIGKILL");
    await restore(world, work.older);
    await goesOnFromThere(world, work);
  }));

test("an older state is restored into a database that is in use: its runner ends what no row tells of, and stops", inWorld(QUICK, async (world) => {
  const work = await atWorkSinceABackup(world);
  await RESTORES[".restore"](world, work.older);
  const { status, stderr } = await work.runner.end();
  assert.equal(status, 5, stderr);
  assert.match(stderr, /an older state was put back while it was in use/);
  await nobodyIsLeft(world);
  await goesOnFromThere(world, work);
}));

test("a server's row is ended by hand after a crash: the server is ended before another is started", inWorld(QUICK, async (world) => {
  const left = await leftAtWork(world);
  await byHand(world, "UPDATE servers SET ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')");
  const runner = await world.startRunner();
  await world.called(left.word, { times: 2 });
  assertOneAtATime(await world.calls(left.word));
  await world.letGo(left.word);
  assert.equal((await world.finish(left.id)).status, "completed");
  assert.equal((await runner.stop()).status, 0);
  await nobodyIsLeft(world);
}));

test("a server's row is ended by hand with nothing left to do: the server is ended", inWorld(QUICK, async (world) => {
  const runner = await world.startRunner();
  await world.finish(await world.add(tag("done")));
  await runner.stop("SIGKILL");
  await byHand(world, "UPDATE servers SET ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')");
  assert.equal((await drained(world)).status, 0);
  await nobodyIsLeft(world);
}));

// ---- the password ---------------------------------------------------------------------------------------------------

const PASSWORDS = { deleted: (file) => rmSync(file), "open to others": (file) => chmodSync(file, 0o644) };

for (const [name, spoil] of Object.entries(PASSWORDS)) {
  test(`the password's file is ${name}: the server goes on, and the file is made again`, inWorld(QUICK, async (world) => {
    const left = await leftAtWork(world);
    const file = `${world.db}.password`;
    const password = world.password;
    spoil(file);
    await goesOn(world, left);
    assert.equal(world.password, password);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  }));
}
