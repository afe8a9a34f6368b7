// Cancelling: what is not yet there, what is at work, and what is at work deeper down.

import assert from "node:assert/strict";
import { test } from "node:test";
import { everyCommandLine, inWorld, sharedWorld, tag, until } from "./harness.js";

const world = sharedWorld({ runner: true });
const ended = ({ status, error, error_kind }) => ({ status, error, error_kind });
const cancelled = (error = "Cancelled by user") => ({ status: "cancelled", error, error_kind: null });

/** Another task runs from beginning to end: whatever was still to come from a cancelled one has had its time. */
async function assertNothingFollows(word, calls) {
  const id = await world.add(`${tag("afterwards")} [delay 1]`);
  assert.equal((await world.finish(id)).status, "completed");
  assert.equal((await world.calls(word)).length, calls, "nothing reaches the model after the cancel");
}

test("in the middle of an answer, with a reason", async () => {
  const word = tag("midway");
  const id = await world.add(`${word} [slow 60] [long 2000] [tool bash {"command":"true","description":"x"}] [say never]`);
  await world.called(word);
  const cancel = await world.vigil(["cancel", String(id), "--reason", "changed my mind"]);
  assert.equal(cancel.status, 0, cancel.stderr);
  const task = await world.finish(id);
  assert.deepEqual(ended(task), cancelled("changed my mind"));
  const attempt = await world.attempt(id);
  assert.deepEqual([attempt.outcome, attempt.error, attempt.error_kind], ["cancelled", "changed my mind", null]);
  const [call] = await world.called(word, { outcome: "aborted" });
  assert.ok(call.ended_at - call.at < 30000);
  assert.deepEqual(await world.busySessions(), []);
  await assertNothingFollows(word, 1);

  const result = await world.vigil(["result", String(id)]);
  assert.equal(result.status, 1);
  assert.match(result.stderr, /changed my mind/);
  assert.equal((await world.vigil(["wait", String(id)])).status, 1);
});

test("before the model has said a word; the reason has a default", async () => {
  const word = tag("hang");
  const id = await world.add(`${word} [hang]`);
  await world.called(word);
  await world.ok(["cancel", String(id)]);
  assert.deepEqual(ended(await world.finish(id)), cancelled());
  await world.called(word, { outcome: "aborted" });
  assert.deepEqual(await world.busySessions(), []);
  await assertNothingFollows(word, 1);
});

test("while a tool runs: the tool is ended, the model is not asked again", async () => {
  const word = tag("tool");
  const seconds = `300.${process.pid}`;
  const id = await world.add(`${word} [tool bash {"command":"sleep ${seconds}","description":"sleep","timeout":400000}] [say never]`);
  const sleeping = () => everyCommandLine().some((line) => line.startsWith("sleep ") && line.includes(seconds));
  await until("the tool runs", sleeping);
  await world.ok(["cancel", String(id)]);
  assert.deepEqual(ended(await world.finish(id)), cancelled());
  await until("the tool has ended", () => !sleeping());
  assert.deepEqual(await world.busySessions(), []);
  await assertNothingFollows(word, 1);
});

test("while OpenCode waits to ask an overloaded provider again", async () => {
  const word = tag("overloaded");
  const id = await world.add(`${word} [fail 503]`);
  await world.called(word, { outcome: "failed" });
  await world.ok(["cancel", String(id)]);
  assert.deepEqual(ended(await world.finish(id)), cancelled());
  const calls = (await world.calls(word)).length;
  assert.deepEqual(await world.busySessions(), []);
  await assertNothingFollows(word, calls);
});

test("while a subagent works: the child is aborted too", async () => {
  const child = tag("child");
  const word = tag("parent");
  const call = { description: "ask another", prompt: `${child} [hang]`, subagent_type: "general" };
  const id = await world.add(`${word} [tool task ${JSON.stringify(call)}] [say never]`);
  // The parent's prompt quotes the child's, and is a call of its own.
  const callsOf = async (start) => (await world.calls("")).filter((each) => each.prompt.startsWith(start));
  await until("the child is at work", async () => (await callsOf(child)).length === 1, { hint: () => world.story([id]) });
  const { session_id } = await world.attempt(id);
  assert.equal((await world.openCode(`/session/${session_id}/children`)).length, 1);
  await world.ok(["cancel", String(id), "--reason", "all of it"]);
  assert.deepEqual(ended(await world.finish(id)), cancelled("all of it"));
  await until("the child is aborted", async () => (await callsOf(child))[0].outcome === "aborted");
  await until("both sessions are idle", async () => (await world.busySessions()).length === 0);
  await assertNothingFollows(word, 1);
  assert.equal((await callsOf(child)).length, 1);
});

test("right after it was queued, many at once", async () => {
  const word = tag("quick");
  const ids = [];
  for (let i = 0; i < 4; i++) {
    ids.push(await world.add(`${word} ${i} [slow 60] [long 500]`));
    await world.ok(["cancel", String(ids.at(-1)), "--reason", "too quick"]);
  }
  for (const task of await world.finished(ids)) assert.deepEqual(ended(task), cancelled("too quick"));
  await until("the sessions are idle", async () => (await world.busySessions()).length === 0);
  const calls = await world.calls(word);
  assert.deepEqual(calls.filter((call) => call.outcome === "running"), []);
  await assertNothingFollows(word, calls.length);
});

test("a queued task and a held one are final at once", async () => {
  const word = tag("queued");
  const queued = await world.add("--in", "1h", word);
  const held = await world.add("--hold", word);
  await world.ok(["cancel", String(queued), String(held), "--reason", "not needed"]);
  for (const id of [queued, held]) {
    const task = await world.task(id);
    assert.deepEqual(ended(task), cancelled("not needed"));
    assert.equal(task.attempts, 0);
    assert.notEqual(task.completed_at, null);
  }
  assert.deepEqual(await world.calls(word), []);
});

test("a task that is final stays as it is, and the command says so", async () => {
  const id = await world.add(tag("final"));
  const before = await world.finish(id);
  const cancel = await world.vigil(["cancel", String(id)]);
  assert.match(cancel.stderr, /final/);
  assert.notEqual(cancel.status, 0);
  assert.deepEqual(await world.task(id), before);
});

test("no such task", async () => {
  const { status, stdout, stderr } = await world.vigil(["cancel", "999999"]);
  assert.deepEqual([status, stdout], [3, ""]);
  assert.match(stderr, /999999/);
});

test("a cancelled task can be queued again", async () => {
  const word = tag("again");
  const id = await world.add(`${word} [delay 20] [say at last]`);
  await world.called(word);
  await world.ok(["cancel", String(id)]);
  await world.finish(id);
  await world.sqlite(`UPDATE tasks SET prompt = '${word} [say at last]', status = 'queued' WHERE id = ${id}`, { write: true });
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.result, task.error, task.attempts], ["completed", "at last", null, 2]);
});

test("--all", async () => {
  const word = tag("all");
  const running = await world.add(`${word} [hang]`);
  await world.called(word);
  const queued = await world.add("--in", "1h", word);
  const held = await world.add("--hold", word);
  await world.ok(["cancel", "--all", "--reason", "good night"]);
  for (const task of await world.finished(running, queued, held)) assert.deepEqual(ended(task), cancelled("good night"));
});

test("a person who aborts the turn in OpenCode ends the task; it is not taken up again", async () => {
  const word = tag("by a person");
  const id = await world.add(`${word} [slow 60] [long 2000]`);
  await world.called(word);
  const { session_id } = await world.attempt(id);
  await world.openCode(`/session/${session_id}/abort`, { method: "POST" });
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.error_kind], ["failed", "agent"]);
  assert.match(task.error, /abort/i);
  await assertNothingFollows(word, 1);
});

test("a session that is deleted is lost", async () => {
  const word = tag("deleted");
  const id = await world.add(`${word} [slow 60] [long 2000]`);
  await world.called(word);
  const { session_id } = await world.attempt(id);
  await world.openCode(`/session/${session_id}`, { method: "DELETE" });
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.error_kind], ["failed", "lost"]);
});

test(
  "with no runner alive the next one does it, and says so",
  inWorld({}, async (own) => {
    const word = tag("nobody");
    const runner = await own.startRunner();
    const id = await own.add(`${word} [slow 60] [long 2000]`);
    await own.called(word);
    await runner.stop("SIGKILL");
    const cancel = await own.vigil(["cancel", String(id), "--reason", "while nobody looks"]);
    assert.equal(cancel.status, 0, cancel.stderr);
    assert.match(cancel.stdout + cancel.stderr, /next/, "it says that the next `vigil run` does it");
    assert.equal((await own.task(id)).status, "stopping");
    await own.drain();
    assert.deepEqual(ended(await own.task(id)), cancelled("while nobody looks"));
    const calls = await own.called(word, { outcome: "aborted" });
    assert.equal(calls.length, 1);
    assert.equal((await own.attempt(id)).resumes, 0);
  }),
);
