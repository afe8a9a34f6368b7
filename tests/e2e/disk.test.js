// The disk: full, at any place where vigil writes; of a kind that is refused; and the database's files taken away from
// under vigil. What needs a disk of its own has it from tests/shim/disk.c, so that no mount is needed.

import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { inWorld, tag, until } from "./harness.js";

const QUICK = { poll_interval: "500ms" };
const WITHIN = { timeout: 120000 };

const isRunning = (world, id) => until(`task ${id} runs`, async () => (await world.task(id)).status === "running", { hint: () => world.story([id]) });
const linesOf = ({ stderr }, pattern) => stderr.split("\n").filter((line) => pattern.test(line));

// ---- full ---------------------------------------------------------------------------------------------------------

/** A world whose database lies on a disk that can be filled: fill() for all of it, or for names that end so. */
const onSmallDisk = (body) =>
  inWorld({ config: QUICK }, async (world) => {
    const flag = join(world.root, "full");
    Object.assign(world.environment, { LD_PRELOAD: world.shim("disk"), VIGIL_SHIM_FOLDER: dirname(world.db), VIGIL_SHIM_FULL: flag });
    const disk = { fill: (names = "") => writeFileSync(flag, names), empty: () => rmSync(flag), refused: () => (existsSync(`${flag}.refused`) ? statSync(`${flag}.refused`).size : 0) };
    await body(world, disk);
  });

const napFor = (ms, began = Date.now()) => until("the time has passed", () => Date.now() - began > ms);

const FULL = /the disk is full/;
const OVER = /the database can be written again/;

test("full under a runner: nothing is started, nothing is lost, and it goes on once there is room", WITHIN, onSmallDisk(async (world, disk) => {
  const runner = await world.startRunner();
  const [word, later] = [tag("full"), tag("later")];
  const id = await world.add(`${word} [slow 3] [say one two three]`);
  await world.called(word);
  await isRunning(world, id);
  const held = await world.add("--hold", "held");
  const next = await world.add("--in", "1s", later);
  const before = await world.rows("SELECT id, status, revision FROM tasks");
  disk.fill();
  for (const args of [["add", "no room"], ["cancel", String(held)], ["cancel", String(id)], ["release", String(held)]]) {
    const { status, stdout, stderr } = await world.vigil(args);
    assert.deepEqual([status, stdout], [5, ""], args[0]);
    assert.match(stderr, FULL, args[0]);
  }
  assert.match(await world.ok(["list"]), /held/, "it can be looked at");
  await world.called(word, { outcome: "done" });
  const hint = () => runner.stderr;
  await until("it says so", () => linesOf(runner, /nothing new is started: .*the disk is full/).length > 0, { hint });
  await napFor(7000); // some tries, and a checkpoint
  assert.ok(runner.isAlive, runner.stderr);
  assert.deepEqual(await world.rows("SELECT id, status, revision FROM tasks"), before);
  assert.equal((await world.calls(later)).length, 0, "nothing new was started");
  assert.equal(linesOf(runner, /nothing new is started/).length, 1, `once, not each second:\n${runner.stderr}`);
  assert.ok(linesOf(runner, /the disk is full|No space/).length <= 2, `and once of its checkpoint, if that came first:\n${runner.stderr}`);
  disk.empty();
  const [task, second] = await world.finished(id, next);
  assert.deepEqual([task.status, task.result, task.attempts], ["completed", "one two three", 1], task.error);
  assert.deepEqual([second.status, second.attempts], ["completed", 1], second.error);
  assert.equal((await world.attempt(id)).resumes, 0);
  for (const each of [word, later]) assert.equal((await world.calls(each)).length, 1, `${each}: one call`);
  await until("it says that it is over", () => linesOf(runner, OVER).length === 1, { hint });
  assert.equal((await runner.stop()).status, 0);
  await until("no OpenCode is left", () => world.openCodePids().length === 0);
}));

test("full now and then, as a disk is that others write to: it is said once, and is over once it stays well", WITHIN, onSmallDisk(async (world, disk) => {
  world.configure({ ...QUICK, limits: { parallel: 1 } });
  const runner = await world.startRunner();
  const hint = () => runner.stderr;
  await until("the server is up", () => linesOf(runner, /OpenCode .* at http/).length > 0, { hint });
  const word = tag("flicker");
  const ids = [];
  for (let i = 0; i < 4; i++) ids.push(await world.add(`${word} ${i}. [slow 1]`));
  const moves = async () => (await world.row("SELECT sum(revision) AS moves FROM tasks")).moves;
  for (let round = 0; round < 4; round++) {
    const [refused, moved] = [disk.refused(), await moves()];
    disk.fill("-wal");
    await until("something was refused", () => disk.refused() > refused, { hint });
    disk.empty();
    await until("something was written", async () => (await moves()) > moved, { hint });
  }
  for (const task of await world.finished(ids)) assert.deepEqual([task.status, task.attempts], ["completed", 1], task.error);
  assert.equal((await world.calls(word)).length, 4);
  await until("it says that it is over", () => linesOf(runner, OVER).length === linesOf(runner, /nothing new is started/).length, { hint });
  const when = (line) => Date.parse(line.slice(0, 19));
  const lines = linesOf(runner, /nothing new is started|can be written again/);
  lines.forEach((line, i) => {
    assert.match(line, i % 2 === 0 ? FULL : OVER, runner.stderr);
    if (i % 2 === 1) assert.ok(when(line) - when(lines[i - 1]) >= 10000, `too early to say so:\n${runner.stderr}`);
  });
  assert.ok(lines.length > 0);
  assert.equal((await runner.stop()).status, 0);
}));

test("full but for the -wal: tasks go on, and what cannot be folded into the database waits there", WITHIN, onSmallDisk(async (world, disk) => {
  const runner = await world.startRunner();
  await until("the server is up", () => linesOf(runner, /OpenCode .* at http/).length > 0, { hint: () => runner.stderr });
  disk.fill("vigil.db");
  const ids = [await world.add(`${tag("wal")} [slow 6]`), await world.add(tag("wal"))];
  for (const task of await world.finished(ids)) assert.deepEqual([task.status, task.attempts], ["completed", 1], task.error);
  await until("it says so", () => linesOf(runner, FULL).length > 0, { hint: () => runner.stderr });
  await napFor(6000); // another checkpoint
  assert.equal(linesOf(runner, FULL).length, 1, runner.stderr);
  assert.match(linesOf(runner, FULL)[0], /what is written stays in the -wal/);
  assert.doesNotMatch(runner.stderr, /nothing new is started|can be written again/);
  const late = tag("late");
  assert.equal((await world.finish(await world.add(late))).status, "completed");
  assert.ok(!readFileSync(world.db).includes(late));
  disk.empty();
  await until("it is folded in", () => readFileSync(world.db).includes(late), { hint: () => runner.stderr });
  assert.equal((await runner.stop()).status, 0);
}));

test("full while agents ask: what cannot be recorded is not answered, and not tried for each of them anew", WITHIN, onSmallDisk(async (world, disk) => {
  const SIZE = 8;
  world.configure({ ...QUICK, limits: { parallel: SIZE } });
  const runner = await world.startRunner();
  const word = tag("asks");
  const ids = [];
  for (let i = 0; i < SIZE; i++) ids.push(await world.add(`${word} ${i}. [delay 6] [tool read {"filePath":"/etc/hostname"}] [say went on without]`));
  await world.called(word, { times: SIZE });
  for (const id of ids) await isRunning(world, id);
  disk.fill();
  const asking = async () => (await world.openCode(`/permission?directory=${encodeURIComponent(world.work)}`)).length;
  await until("all ask", async () => (await asking()) === SIZE, { hint: () => runner.stderr, within: 30000 });
  const refused = disk.refused();
  await napFor(8000);
  const tries = disk.refused() - refused;
  assert.ok(tries > 0 && tries <= 12, `one a second, and checkpoints: ${tries}`);
  assert.equal(await asking(), SIZE);
  assert.deepEqual(await world.rows("SELECT 1 FROM asks"), []);
  disk.empty();
  for (const task of await world.finished(ids)) assert.deepEqual([task.status, task.result, task.attempts], ["completed", "went on without", 1], task.error);
  assert.equal((await world.rows("SELECT 1 FROM asks WHERE reply = 'reject' AND replied_by = 'vigil' AND replied_at IS NOT NULL")).length, SIZE);
  assert.equal((await runner.stop()).status, 0);
}));

test("full when the server has died: no other is started without a trace, and one is once there is room", WITHIN, onSmallDisk(async (world, disk) => {
  const runner = await world.startRunner();
  const word = tag("died");
  const id = await world.add(`${word} [slow 5] [say one two three]`);
  await world.called(word);
  await isRunning(world, id);
  const { pid } = await world.server();
  disk.fill();
  process.kill(pid, "SIGKILL");
  await until("it is noticed", () => /has died/.test(runner.stderr), { hint: () => runner.stderr });
  await until("it says why there is no other", () => linesOf(runner, /No space left on device|the disk is full/).length > 0, { hint: () => runner.stderr });
  await napFor(4000);
  assert.deepEqual(world.openCodePids(), []);
  assert.equal((await world.task(id)).status, "running");
  disk.empty();
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.result, task.attempts], ["completed", "one two three", 1], task.error);
  assert.equal((await world.calls(word)).length, 2, "the call that was cut off, and the one that went on");
  assert.equal((await runner.stop()).status, 0);
  await until("no OpenCode is left", () => world.openCodePids().length === 0);
}));

test("full when the database is made: the next add makes it", WITHIN, onSmallDisk(async (world, disk) => {
  for (const names of ["", "vigil.db", "-journal", "-wal", "-shm"]) {
    rmSync(dirname(world.db), { recursive: true, force: true });
    disk.fill(names);
    for (const args of [["add", "no room"], ["run", "--drain"]]) {
      const { status, stdout, stderr } = await world.vigil(args);
      assert.deepEqual([status, stdout], [5, ""], `${names}: ${args}: ${stderr}`);
      assert.match(stderr, FULL, names);
    }
    assert.ok(readFileSync(world.db).length < 100000 && !readdirSync(dirname(world.db)).some((name) => name.endsWith(".part")));
    disk.empty();
    assert.equal(await world.add("--hold", "room"), 1, names);
    await world.checkDatabase();
  }
}));

test("full where the lock or the password is: it is said, and no server is left", WITHIN, onSmallDisk(async (world, disk) => {
  const id = await world.add(tag("password"));
  disk.fill(".lock");
  const { status, stderr } = await world.vigil(["run", "--drain"]);
  assert.equal(status, 5);
  assert.match(stderr, /cannot write .*vigil\.db\.lock: No space left on device/);
  disk.fill(".password");
  const runner = world.vigilStart(["run", "--drain"]);
  const hint = () => runner.stderr;
  await until("it says so", () => linesOf(runner, /cannot write .*vigil\.db\.password: No space left on device/).length > 0, { hint });
  await napFor(4000);
  assert.equal(linesOf(runner, /No space left/).length, 1, runner.stderr);
  assert.deepEqual(world.openCodePids(), []);
  assert.equal((await world.task(id)).status, "queued");
  disk.empty();
  assert.equal((await runner.end(60000)).status, 0, runner.stderr);
  assert.equal((await world.task(id)).status, "completed");
}));

// ---- of a kind that is refused ------------------------------------------------------------------------------------

test("a network file system is refused, whatever is to be done there", WITHIN, inWorld({ config: QUICK }, async (world) => {
  const env = { LD_PRELOAD: world.shim("disk"), VIGIL_SHIM_FOLDER: dirname(world.db), VIGIL_SHIM_FILE_SYSTEM: "0x6969" };
  for (const args of [["add", "x"], ["run", "--drain"]]) {
    const { status, stderr } = await world.vigil(args, { env });
    assert.equal(status, 5, stderr);
    assert.match(stderr, /is on a file system \(NFS\) where a database is not safe: choose a local place with --db or VIGIL_DB/);
  }
  assert.ok(!existsSync(world.db), "nothing was made there");
  await world.add("--hold", "x");
  for (const args of [["list"], ["add", "x"], ["cancel", "1"], ["run", "--drain"]]) {
    const { status, stderr } = await world.vigil(args, { env });
    assert.equal(status, 5, `${args}: ${stderr}`);
    assert.match(stderr, /is on a file system \(NFS\)/);
  }
}));

// ---- taken away ---------------------------------------------------------------------------------------------------

/** The database with what belongs to it, under another name. */
const moveAway = (db) => ["", "-wal", "-shm"].forEach((suffix) => renameSync(db + suffix, `${db}.aside${suffix}`));

// What happens to the file; what is said of it; whether it is still there, in one piece, for the next run.
const TAKEN = {
  "the database is deleted": { act: ({ db }) => ["", "-wal", "-shm"].forEach((suffix) => rmSync(db + suffix)), said: /was moved or deleted/ },
  "the database is moved": { act: ({ db }) => moveAway(db), back: ({ db }) => ["", "-wal", "-shm"].forEach((suffix) => renameSync(`${db}.aside${suffix}`, db + suffix)), said: /was moved or deleted/ },
  "the database is replaced": { act: ({ db }) => (moveAway(db), copyFileSync(`${db}.other`, db)), isOther: true, said: /was replaced by another file/ },
  "the -wal is deleted": { act: ({ db }) => rmSync(`${db}-wal`), back: () => {}, said: /its -wal or -shm file was deleted/ },
  "the -shm is deleted": { act: ({ db }) => rmSync(`${db}-shm`), back: () => {}, said: /its -wal or -shm file was deleted/ },
};

/** What was written last is in the database itself, not in the -wal alone. */
const isCheckpointed = (world, written) => until("a checkpoint has come", () => readFileSync(world.db).includes(written));

for (const [name, { act, back, isOther, said }] of Object.entries(TAKEN)) {
  test(`${name} under a runner: it says so and stops, and no server is left`, WITHIN, inWorld({ config: QUICK }, async (world) => {
    if (isOther) {
      await world.ok(["--db", `${world.db}.other`, "add", "--hold", "of another"]);
      await world.start("sqlite3", [`${world.db}.other`, "SELECT count(*) FROM tasks"]).end(); // it checkpoints
    }
    const runner = await world.startRunner();
    const word = tag("taken");
    const id = await world.add(`${word} [slow 60] [say one two three]`);
    const waiting = world.vigilStart(["wait", String(id)]);
    const following = world.vigilStart(["follow", String(id)]);
    await world.called(word);
    await isRunning(world, id);
    const { session_id, prompted_at } = await world.attempt(id);
    if (back) await isCheckpointed(world, prompted_at);
    const before = isOther && readFileSync(`${world.db}.other`);
    act(world);
    const { status, stderr } = await runner.end(20000);
    assert.equal(status, 5, stderr);
    assert.match(stderr, said);
    assert.match(stderr, new RegExp(`stopped with the OpenCode server, which keeps their sessions: ${session_id}`));
    assert.doesNotMatch(stderr, /takes? (it|them) up/);
    for (const each of [waiting, following]) {
      const end = await each.end(20000);
      assert.equal(end.status, 5, end.stderr);
      assert.match(end.stderr, said);
    }
    await until("no OpenCode is left", () => world.openCodePids().length === 0);
    if (isOther) assert.ok(before.equals(readFileSync(world.db)), "the other one is as it was");
    if (!back) return;
    back(world);
    await world.checkDatabase();
    assert.equal((await world.task(id)).status, "running");
    await world.ok(["cancel", String(id)]);
    await world.drain();
    assert.equal((await world.task(id)).status, "cancelled");
  }));
}

test("the database is deleted under a runner with a server of yours: it says where its agents go on", WITHIN, inWorld({ config: QUICK }, async (world) => {
  const server = await world.startOpenCode();
  const runner = await world.startRunner(["--server", server.url]);
  const words = [tag("yours"), tag("yours")];
  const ids = [];
  for (const word of words) ids.push(await world.add(`${word} [slow 60] [say one two three]`));
  for (const word of words) await world.called(word);
  for (const id of ids) await isRunning(world, id);
  const sessions = await Promise.all(ids.map(async (id) => (await world.attempt(id)).session_id));
  TAKEN["the database is deleted"].act(world);
  const { status, stderr } = await runner.end(20000);
  assert.equal(status, 5, stderr);
  assert.match(stderr, new RegExp(`still at work at ${server.url}, and followed by nobody: `));
  for (const session of sessions) assert.ok(stderr.includes(session), stderr);
  assert.equal((await world.busySessions(world.work, server)).length, 2);
  assert.ok(!existsSync(world.db), "nothing was made in its place");
  await server.process.stop();
}));
