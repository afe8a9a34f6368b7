// The database's files taken away from under vigil.

import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { test } from "node:test";
import { inWorld, tag, until } from "./harness.js";

const QUICK = { poll_interval: "500ms" };
const WITHIN = { timeout: 120000 };

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

const isRunning = (world, id) => until(`task ${id} runs`, async () => (await world.task(id)).status === "running", { hint: () => world.story([id]) });

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
