// A directory on a mount that does not answer holds up its own tasks and nobody else. The mount is made by
// tests/shim/mount.c, so that no real one hangs.

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { freePort, inWorld, openGate, tag, until } from "./harness.js";

/** A world with a directory that answers no more: until answer(). */
const withMount = (body) =>
  inWorld({}, async (world) => {
    const mount = world.folder("mount");
    const hangs = `${mount}.hangs`;
    Object.assign(world.environment, { LD_PRELOAD: world.shim("mount"), VIGIL_SHIM_MOUNT: mount, VIGIL_SHIM_HANGS: hangs });
    await body(world, mount, { hang: () => writeFileSync(hangs, ""), answer: () => rmSync(hangs) });
  });

test("a task of a directory that does not answer is put off, those behind it go on", withMount(async (world, mount, its) => {
  const word = tag("mount");
  const hung = await world.add("-C", mount, `${word} [say hung]`);
  const behind = await world.add(`${word} [say behind]`);
  its.hang();
  const runner = await world.startRunner();
  assert.equal((await world.finish(behind)).status, "completed");
  const { status, not_before } = await world.task(hung);
  assert.equal(status, "queued");
  assert.ok(Date.parse(not_before) > Date.now(), not_before);
  const said = await world.rows("SELECT kind, detail FROM events WHERE task_id = ? ORDER BY id", hung);
  const delayed = { kind: "delayed", detail: `its directory ${mount} does not answer` };
  assert.deepEqual(said, [{ kind: "queued", detail: null }, delayed], "nobody has edited it");
  const { reason } = await world.row("SELECT reason FROM queue WHERE id = ?", hung);
  assert.match(reason, /^not before .*: its directory .* does not answer$/);
  its.answer();
  await world.ok(["edit", String(hung), "--in", "0"]);
  assert.equal((await world.finish(hung)).status, "completed");
  await runner.stop("SIGTERM");
}));

test("of many in a directory that does not answer, one is looked at for all", withMount(async (world, mount, its) => {
  const word = tag("mount");
  const hung = [];
  for (let i = 0; i < 5; i++) hung.push(await world.add("-C", mount, `${word} [say hung]`));
  const behind = await world.add(`${word} [say behind]`);
  its.hang();
  const runner = await world.startRunner();
  assert.equal((await world.finish(behind)).status, "completed");
  const delayed = await world.rows(`SELECT at FROM events WHERE kind = 'delayed' AND task_id IN (${hung.join()}) ORDER BY id`);
  assert.equal(delayed.length, 5);
  assert.ok(Date.parse(delayed[4].at) - Date.parse(delayed[0].at) < 4000, JSON.stringify(delayed)); // one look takes 5 s
  await runner.stop("SIGTERM");
}));

test("what a person changes while its directory is looked at, counts", withMount(async (world, mount, its) => {
  const word = tag("mount");
  const [later, elsewhere] = [await world.add("-C", mount, word), await world.add("-C", mount, `${word} [say elsewhere]`)];
  its.hang();
  const runner = await world.startRunner();
  await until("OpenCode is there", () => /OpenCode .* at http/.test(runner.stderr)); // and the look under way
  await world.ok(["edit", String(later), "--at", "2100-01-01"]);
  await world.ok(["edit", String(elsewhere), "-C", world.work]);
  assert.equal((await world.finish(elsewhere)).status, "completed");
  assert.match((await world.task(later)).not_before, /^(2099-12-31|2100-01-01)/);
  await runner.stop("SIGTERM");
}));

test("one that was claimed before waits for it, and the runner can be stopped", withMount(async (world, mount, its) => {
  const word = tag("mount");
  const hung = await world.add("-C", mount, `${word} [say hung]`);
  const killed = world.vigilStart(["run", "--drain"], { env: { VIGIL_FAILPOINT: "after-commit-claim" } });
  assert.equal((await killed.end()).status, "SIGKILL");
  its.hang();
  const runner = await world.startRunner();
  const behind = await world.add(`${word} [say behind]`);
  assert.equal((await world.finish(behind)).status, "completed");
  await until("it says what it waits for", async () => /does not answer/.test((await world.task(hung)).note ?? ""));
  assert.equal((await world.task(hung)).status, "starting");
  await runner.stop("SIGTERM", 5000); // within which a look at the mount would not end
  its.answer();
  await world.drain();
  const { status, attempts } = await world.task(hung);
  assert.deepEqual([status, attempts], ["completed", 1]);
}));

test("one that is cancelled while its directory is looked at again is not sent again", withMount(async (world, mount, its) => {
  const word = tag("mount");
  const port = await freePort();
  const server = await world.startOpenCode({ port });
  const gate = await openGate(server.url);
  const id = await world.add("-C", mount, `${word} [until ${word}]`);
  const runner = await world.startRunner(["--server", gate.url]);
  await world.called(word);
  await until("it runs", async () => (await world.task(id)).status === "running", { hint: () => world.story([id]) });
  await server.process.stop("SIGKILL");
  its.hang();
  await world.startOpenCode({ port });
  await until("it is to go on", async () => (await world.attempt(id)).resumes === 1, { hint: () => world.story([id]) });
  await world.ok(["cancel", String(id)]);
  assert.equal((await world.finish(id)).status, "cancelled");
  assert.equal(gate.seen.filter((route) => route.endsWith("/prompt_async")).length, 1, gate.seen.join("\n"));
  its.answer();
  await runner.stop("SIGTERM");
  gate.close();
}));
