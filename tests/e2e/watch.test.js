// Looking on: wait, follow, result, list, show, with a runner at work beside them.

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

test("follow: the answer as it is written", async () => {
  const word = tag("follow");
  const id = await world.add(`${word} [delay 2] [slow 4] [long 2000]`);
  const follow = world.vigilStart(["follow", String(id)]);
  await until("some of it is there, and not all", () => follow.stdout.length > 20);
  assert.equal((await world.task(id)).completed_at, null, "it is not finished yet");
  const { status, stdout } = await follow.end();
  const { result } = await world.task(id);
  assert.deepEqual([status, stdout], [0, `${result}\n`]);
});

test("follow: who comes late has the whole answer in the end, on lines of its own", async () => {
  const word = tag("late");
  const id = await world.add(`${word} [delay 1] [slow 4] [say one two three four five six seven eight nine ten]`);
  const first = world.vigilStart(["follow", String(id)]);
  await until("it has begun", () => first.stdout.includes("three"));
  const second = await world.vigil(["follow", String(id)]);
  const { result } = await world.task(id);
  assert.equal(second.status, 0);
  assert.ok(`\n${second.stdout}`.endsWith(`\n${result}\n`), JSON.stringify(second.stdout));
  assert.equal((await first.end()).stdout, `${result}\n`);
});

test("follow: several steps, with reasoning", async () => {
  const id = await world.add(`${tag("steps")} [delay 1] [say looking] [tool bash {"command":"true","description":"look"}] [think hm] [slow 1] [say found it]`);
  const { status, stdout } = await world.vigil(["follow", String(id)]);
  assert.equal(status, 0);
  assert.match(stdout, /^looking\n[^]*found it\n$/);
});

test("follow: of a task that fails it has the exit status, and says why", async () => {
  const id = await world.add(`${tag("fails")} [delay 1] [fail 400]`);
  const { status, stderr } = await world.vigil(["follow", String(id)]);
  assert.equal(status, 1);
  assert.match(stderr, /the script says: fail with 400/);
});

test("follow: a final task is printed", async () => {
  const id = await world.add(`${tag("final")} [say said before]`);
  await world.finish(id);
  const { status, stdout } = await world.vigil(["follow", String(id)]);
  assert.deepEqual([status, stdout], [0, "said before\n"]);
});

test("follow: ends with a cancel", async () => {
  const word = tag("cancelled");
  const id = await world.add(`${word} [slow 60] [long 2000]`);
  const follow = world.vigilStart(["follow", String(id)]);
  await until("it has begun", () => follow.stdout.length > 0);
  await world.ok(["cancel", String(id), "--reason", "seen enough"]);
  const { status, stderr } = await follow.end();
  assert.equal(status, 1);
  assert.match(stderr, /seen enough/);
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
