// What starts when: slots, order, times, dependencies, keys, attempts.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assertInOrder, assertSubsequence, inWorld, mostAtOnce, sharedWorld, tag, until } from "./harness.js";

const world = sharedWorld({ runner: true });
const milliseconds = (from, to) => Date.parse(to) - Date.parse(from);

/** Writes a JSONL file into the world; its path. */
function jsonLines(w, name, tasks) {
  const path = join(w.root, name);
  writeFileSync(path, tasks.map((task) => `${JSON.stringify(task)}\n`).join(""));
  return path;
}

const idsOf = (stdout) => stdout.trim().split("\n").map(Number);

test(
  "twenty tasks through four slots, by priority and then by age",
  inWorld({}, async (own) => {
    const word = tag("slots");
    const tasks = Array.from({ length: 20 }, (_, i) => ({ prompt: `${word} ${i} [delay 0.6]`, priority: [0, 50, -50, 0, 100][i % 5] }));
    const ids = idsOf(await own.ok(["add", "--file", jsonLines(own, "twenty.jsonl", tasks)]));
    assert.equal(ids.length, 20);
    await own.drain();
    const rows = await own.finished(ids);
    assert.deepEqual(new Set(rows.map((task) => task.status)), new Set(["completed"]));
    const calls = await own.calls(word);
    assert.equal(calls.length, 20);
    assert.equal(mostAtOnce(calls), 4, "all four slots were used, and never more");
    const wanted = [...rows].sort((a, b) => b.priority - a.priority || a.id - b.id).map((task) => task.id);
    const started = await own.rows("SELECT task_id FROM attempts ORDER BY id");
    assert.deepEqual(started.map((row) => row.task_id), wanted);
  }),
);

test(
  "one slot: one at a time",
  inWorld({ config: { limits: { parallel: 1 } } }, async (own) => {
    const word = tag("one slot");
    for (let i = 0; i < 3; i++) await own.add(`${word} ${i} [delay 0.5]`);
    await own.drain();
    const calls = await own.calls(word);
    assert.deepEqual([calls.length, mostAtOnce(calls)], [3, 1]);
  }),
);

test("a task queued in the sqlite3 shell starts within a second, in the runner's directory", async () => {
  const word = tag("shell");
  await world.sqlite(`INSERT INTO tasks(prompt) VALUES('${word}')`, { write: true });
  const { id } = await world.row("SELECT id FROM tasks WHERE prompt = ?", word);
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.result, task.directory], ["completed", `answer to: ${word}`, world.work]);
  const events = await world.rows("SELECT kind, at FROM events WHERE task_id = ? ORDER BY id", id);
  assertSubsequence(events.map((event) => event.kind), ["queued", "starting", "running", "completed"]);
  const at = (kind) => events.find((event) => event.kind === kind).at;
  assert.ok(milliseconds(at("queued"), at("starting")) < 1000, JSON.stringify(events));
});

test("a task queued by vigil add starts at once", async () => {
  const id = await world.add(tag("poke"));
  const task = await world.finish(id);
  assert.ok(milliseconds(task.created_at, task.started_at) < 1000, `${task.created_at} ${task.started_at}`);
});

test("a task cancelled in the sqlite3 shell", async () => {
  const word = tag("by hand");
  const id = await world.add(`${word} [hang]`);
  await world.called(word);
  await world.sqlite(`UPDATE tasks SET status = 'stopping' WHERE id = ${id}`, { write: true });
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.error, task.error_kind], ["cancelled", "Cancelled by user", null]);
  await world.called(word, { outcome: "aborted" });
});

test("fifty tasks from a file, in one transaction; options beside it are each line's defaults", async () => {
  const word = tag("fifty");
  const tasks = Array.from({ length: 50 }, (_, i) => ({ prompt: `${word} ${i}`, ...(i === 7 ? { priority: 9 } : {}) }));
  const stdout = await world.ok(["add", "--file", jsonLines(world, "fifty.jsonl", tasks), "--priority", "3", "--description", "one of fifty"]);
  const ids = idsOf(stdout);
  assert.equal(new Set(ids).size, 50);
  const rows = await world.finished(ids);
  assert.deepEqual(rows.map((task) => task.result), tasks.map((task) => `answer to: ${task.prompt}`));
  assert.deepEqual(rows.map((task) => task.priority), tasks.map((task) => task.priority ?? 3));
  assert.deepEqual(new Set(rows.map((task) => task.description)), new Set(["one of fifty"]));
  assert.equal((await world.calls(word)).length, 50);
});

test("a bad line queues nothing, and is named by its number", async () => {
  const word = tag("bad line");
  const file = jsonLines(world, "bad.jsonl", [{ prompt: word }, { prompt: word, prioritty: 1 }, { prompt: word }]);
  const { status, stdout, stderr } = await world.vigil(["add", "--file", file]);
  assert.deepEqual([status, stdout], [2, ""]);
  assert.match(stderr, /bad\.jsonl:?.*\b2\b.*prioritty/);
  assert.deepEqual(await world.rows("SELECT id FROM tasks WHERE prompt = ?", word), []);
});

test("--in and --at keep a task until then", async () => {
  const soon = await world.add("--in", "2s", tag("in"));
  // The tests run in the time zone of the machine, as the program does.
  const when = new Date(Math.ceil((Date.now() + 1500) / 1000) * 1000);
  const at = await world.add("--at", when.toISOString(), tag("at"));
  const [a, b] = await world.finished(soon, at);
  assert.ok(milliseconds(a.created_at, a.started_at) >= 1900, `${a.created_at} ${a.started_at}`);
  assert.equal(b.not_before, when.toISOString());
  assertInOrder({ "not before": b.not_before, started: b.started_at });
  assert.ok(milliseconds(b.not_before, b.started_at) < 2000, `${b.not_before} ${b.started_at}`);
});

test("--after: only once the others completed", async () => {
  const word = tag("after");
  const first = await world.add(`${word} [delay 1] [say one]`);
  const second = await world.add(`${word} [delay 2] [say two]`);
  const last = await world.add("--after", `${first},${second}`, `${word} [say three]`);
  const [a, b, c] = await world.finished(first, second, last);
  assert.equal(c.status, "completed");
  assertInOrder({ first: a.completed_at, second: b.completed_at, last: c.started_at });
});

test("--after a task that fails: it waits, with the reason, until that one completes after a retry", async () => {
  const word = tag("after a failure");
  const first = await world.add(`${word} [fail-once 400] [say one]`);
  const second = await world.add("--after", String(first), `${word} [say two]`);
  assert.equal((await world.finish(first)).status, "failed");
  const reason = async () => (await world.row("SELECT reason FROM queue WHERE id = ?", second)).reason;
  assert.match(await reason(), new RegExp(`task ${first}, which failed`));
  await world.ok(["retry", String(first)]);
  const [a, b] = await world.finished(first, second);
  assert.deepEqual([a.status, a.attempts, b.status], ["completed", 2, "completed"]);
});

test("--key: an open task with the same key is not queued twice", async () => {
  const key = tag("key");
  const first = await world.add("--key", key, "--hold", "x");
  const again = await world.vigil(["add", "--key", key, "y"]);
  assert.deepEqual([again.status, again.stdout], [0, `${first}\n`]);
  assert.match(again.stderr, new RegExp(`${first}`), "it says so");
  await world.ok(["cancel", String(first)]);
  const next = await world.add("--key", key, "--hold", "z");
  assert.notEqual(next, first, "a key is free once its task is final");
  await world.ok(["cancel", String(next)]);
});

test("--mutex: at most one at a time", async () => {
  const mutex = tag("mutex");
  const ids = [];
  for (let i = 0; i < 3; i++) ids.push(await world.add("--mutex", mutex, `${mutex} ${i} [delay 0.5]`));
  for (const task of await world.finished(ids)) assert.equal(task.status, "completed");
  const calls = await world.calls(mutex);
  assert.deepEqual([calls.length, mostAtOnce(calls)], [3, 1]);
});

test("--hold, release, hold", async () => {
  const word = tag("hold");
  const held = await world.add("--hold", word);
  const later = await world.add("--in", "1h", word);
  const other = await world.add(tag("other"));
  assert.equal((await world.finish(other)).status, "completed");
  assert.equal((await world.task(held)).status, "held");
  await world.ok(["hold", String(later)]);
  assert.equal((await world.task(later)).status, "held");
  await world.ok(["release", String(held)]);
  assert.equal((await world.finish(held)).status, "completed");
  assert.equal((await world.calls(word)).length, 1);
  await world.ok(["cancel", String(later)]);
});

test(
  "pause, resume: what is live goes on, what is queued waits, and a drain does not wait for it",
  inWorld({}, async (own) => {
    const word = tag("pause");
    const runner = await own.startRunner();
    const live = await own.add(`${word} live [delay 1]`);
    await own.called(`${word} live`);
    await own.ok(["pause"]);
    const queued = await own.add(`${word} queued`);
    assert.equal((await own.finish(live)).status, "completed");
    await until("the runner says so", async () => /the queue is paused/.test(runner.stderr));
    await own.ok(["resume"]);
    const { at } = await own.row("SELECT at FROM events WHERE kind = 'resumed'");
    const { status, started_at } = await own.finish(queued);
    assert.equal(status, "completed");
    assertInOrder({ resumed: at, started: started_at });
    await own.stopRunners();
    await own.ok(["pause"]);
    const left = await own.add(`${word} left`);
    await own.drain();
    assert.equal((await own.task(left)).status, "queued");
    await own.ok(["cancel", String(left)]);
  }),
);

test("--attempts: a failure is tried again, in a new session", async () => {
  const word = tag("attempts");
  const id = await world.add("--attempts", "2", `${word} [fail-once 400]`);
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.result, task.error, task.error_kind, task.attempts], ["completed", `answer to: ${word}`, null, null, 2]);
  const [first, second] = await world.attempts(id);
  assert.deepEqual([first.number, first.outcome, first.error_kind], [1, "failed", "agent"]);
  assert.deepEqual([second.number, second.outcome, second.error_kind], [2, "completed", null]);
  assert.notEqual(first.session_id, second.session_id);
  assert.equal(task.session_id, second.session_id);
  assert.deepEqual((await world.calls(word)).map((call) => call.outcome), ["failed", "done"]);
});

test("--attempts: when all are used up the last error stands", async () => {
  const word = tag("used up");
  const id = await world.add("--attempts", "2", `${word} [fail 400]`);
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.error_kind, task.attempts], ["failed", "agent", 2]);
  assert.equal((await world.calls(word)).length, 2);
});

test("retry: a failed task is queued again, as a new attempt", async () => {
  const word = tag("retry");
  const id = await world.add(`${word} [fail-once 400]`);
  assert.equal((await world.finish(id)).status, "failed");
  await world.ok(["retry", String(id)]);
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.result, task.error, task.error_kind], ["completed", `answer to: ${word}`, null, null]);
  assert.deepEqual((await world.attempts(id)).map((attempt) => attempt.outcome), ["failed", "completed"]);
  assertSubsequence(await world.eventKinds(id), ["queued", "failed", "queued", "completed"]);
});

test("--timeout ends what takes too long, and aborts its session", async () => {
  const word = tag("timeout");
  const id = await world.add("--timeout", "2s", `${word} [hang]`);
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.error_kind], ["failed", "timeout"]);
  assert.match(task.error, /timeout/);
  await world.called(word, { outcome: "aborted" });
  await until("the session is idle", async () => (await world.busySessions()).length === 0);
  const { prompted_at, ended_at } = await world.attempt(id);
  assert.ok(milliseconds(prompted_at, ended_at) >= 2000);
  assert.ok(milliseconds(prompted_at, ended_at) < 15000, `${prompted_at} ${ended_at}`);
});

test("a timeout that is long enough changes nothing", async () => {
  const id = await world.add("--timeout", "1m", `${tag("in time")} [delay 1]`);
  assert.equal((await world.finish(id)).status, "completed");
});

test("what is being worked on can be neither held nor queued again", async () => {
  const word = tag("busy");
  const id = await world.add(`${word} [hang]`);
  await world.called(word);
  for (const command of ["hold", "release", "retry"]) {
    const { status, stderr } = await world.vigil([command, String(id)]);
    assert.notEqual(status, 0, command);
    assert.match(stderr, /^[^\n]+\n$/);
  }
  await world.ok(["cancel", String(id)]);
  await world.finish(id);
});

test(
  "silence is ended as a stall",
  inWorld({ config: { task: { stall: "2s" } } }, async (own) => {
    const word = tag("stall");
    const id = await own.add(`${word} [hang-midway] [say one two three four five six]`);
    await own.drain();
    const task = await own.task(id);
    assert.deepEqual([task.status, task.error_kind], ["failed", "stalled"]);
    const { prompted_at, ended_at } = await own.attempt(id);
    assert.ok(milliseconds(prompted_at, ended_at) < 15000, `${prompted_at} ${ended_at}`);
    await own.called(word, { outcome: "aborted" });
  }),
);
