// Looking on: wait, result, list, show, with a runner at work beside them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedWorld, tag, until } from "./harness.js";

const world = sharedWorld({ runner: true });

/** A task that failed. */
async function failed() {
  const id = await world.add(`${tag("fails")} [fail 400]`);
  await world.finish(id);
  return id;
}

test("wait: 0 when all completed", async () => {
  const ids = [await world.add(`${tag("wait")} [delay 1]`), await world.add(tag("wait"))];
  const { status, stdout } = await world.vigil(["wait", ...ids.map(String)]);
  assert.deepEqual([status, stdout], [0, ""]);
  for (const id of ids) assert.equal((await world.task(id)).status, "completed");
});

test("wait: 1 when one failed", async () => {
  const good = await world.add(tag("good"));
  const { status } = await world.vigil(["wait", String(await failed()), String(good)]);
  assert.equal(status, 1);
});

test("wait: 4 when the time has passed, and the task goes on", async () => {
  const word = tag("too long");
  const id = await world.add(`${word} [hang]`);
  await world.called(word);
  const { status, stderr } = await world.vigil(["wait", String(id), "--timeout", "1s"]);
  assert.equal(status, 4);
  assert.notEqual(stderr, "");
  assert.equal((await world.task(id)).status, "running");
  const result = await world.vigil(["result", String(id)]);
  assert.deepEqual([result.status, result.stdout], [4, ""]);
  const waited = await world.vigil(["result", String(id), "--wait", "--timeout", "1s"]);
  assert.deepEqual([waited.status, waited.stdout], [4, ""]);
  await world.ok(["cancel", String(id)]);
  await world.finish(id);
});

test("wait --any: the first that ends is enough", async () => {
  const word = tag("any");
  const slow = await world.add(`${word} [hang]`);
  const quick = await world.add(word);
  const { status } = await world.vigil(["wait", "--any", String(slow), String(quick)]);
  assert.equal(status, 0);
  assert.equal((await world.task(slow)).completed_at, null);
  await world.ok(["cancel", String(slow)]);
  await world.finish(slow);
});

test("wait: no such task", async () => {
  const { status, stderr } = await world.vigil(["wait", "999999"]);
  assert.equal(status, 3);
  assert.match(stderr, /999999/);
});

test("wait without ids: until nothing is queued or live", async () => {
  const id = await world.add(`${tag("everything")} [delay 1]`);
  const { status } = await world.vigil(["wait"]);
  assert.equal(status, 0);
  assert.equal((await world.task(id)).status, "completed");
});

test("result --wait", async () => {
  const id = await world.add(`${tag("result")} [delay 1] [say it took a second]`);
  assert.deepEqual(await world.vigil(["result", "--wait", String(id)]), { status: 0, stdout: "it took a second\n", stderr: "" });
});

test("result: no such task, and no such number", async () => {
  assert.equal((await world.vigil(["result", "999999"])).status, 3);
  assert.equal((await world.vigil(["result", "twelve"])).status, 2);
});

test("list and show: JSON with the columns' names", async () => {
  const word = tag("columns");
  const id = await world.add("--description", word, "--priority", "7", `${word} [say in short]`);
  await world.finish(id);
  const listed = JSON.parse(await world.ok(["list", "--json", "--grep", word]));
  assert.deepEqual(listed.map((task) => task.id), [id]);
  const row = await world.task(id);
  for (const name of ["id", "status", "prompt", "description", "directory", "session_id", "priority", "attempts", "result", "error", "error_kind", "created_at", "started_at", "completed_at"])
    assert.deepEqual(listed[0][name], row[name], name);
  const shown = JSON.parse(await world.ok(["show", String(id), "--json"]));
  assert.ok(JSON.stringify(shown).includes("in short"));
  const text = await world.ok(["show", String(id)]);
  for (const expected of [word, "completed", row.session_id]) assert.ok(text.includes(expected), expected);
});

test("list: newest first, by status", async () => {
  const bad = await failed();
  const good = await world.add(tag("newest"));
  await world.finish(good);
  const ids = async (...options) => JSON.parse(await world.ok(["list", "--json", ...options])).map((task) => task.id);
  assert.equal((await ids())[0], good);
  assert.equal((await ids("--status", "failed"))[0], bad);
  assert.deepEqual(await ids("--limit", "1"), [good]);
});
