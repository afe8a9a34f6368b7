// Stall and timeout: what they end, with all that is below it, and whose time they leave out.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { elapsed, freePort, inWorld, subagent, tag, until } from "./harness.js";

/** The calls whose prompt begins so: a parent's prompt quotes its child's. */
const callsOf = async (own, word) => (await own.calls("")).filter((each) => each.prompt.startsWith(word));

/** A task whose subagent is at work: {id, word, child}. */
async function withSubagent(own, script, ...options) {
  const [word, child] = [tag("parent"), tag("child")];
  const id = await own.add(...options, `${word} ${subagent(`${child} ${script}`)} [say done]`);
  await until("the subagent is at work", async () => (await callsOf(own, child)).length > 0, { hint: () => own.story([id]) });
  return { id, word, child };
}

async function assertAllAborted(own, { id, word, child }) {
  await until("the subagent's call is ended", async () => (await callsOf(own, child)).every((call) => call.outcome === "aborted"));
  await until("both sessions are idle", async () => (await own.busySessions()).length === 0);
  assert.equal((await callsOf(own, word)).length, 1, "the model is not asked to go on");
  assert.equal((await own.attempt(id)).resumes, 0);
}

async function assertCompleted(own, id, result) {
  const task = await own.finish(id);
  assert.deepEqual([task.status, task.result, task.attempts], ["completed", result, 1], await own.story([id]));
  assert.ok(!(await own.eventKinds(id)).includes("stopping"), "it was never stopped");
}

// Most of this is waiting: the tests do it together.
describe("limits", { concurrency: 4 }, () => {
  test(
    "a subagent that is silent is a stall: both are aborted",
    inWorld({ config: { task: { stall: "8s" } } }, async (own) => {
      await own.startRunner();
      const work = await withSubagent(own, "[hang]");
      const task = await own.finish(work.id);
      assert.deepEqual([task.status, task.error_kind], ["failed", "stalled"]);
      assert.match(task.error, /stalled: nothing has happened/);
      await assertAllAborted(own, work);
    }),
  );

  test(
    "a task past its timeout is aborted with its subagent, though that is at work",
    inWorld({}, async (own) => {
      await own.startRunner();
      const work = await withSubagent(own, "[slow 60] [long 2000]", "--timeout", "12s");
      const task = await own.finish(work.id);
      assert.deepEqual([task.status, task.error_kind], ["failed", "timeout"]);
      assert.match(task.error, /longer than its timeout/);
      await assertAllAborted(own, work);
    }),
  );

  test(
    "a subagent at work is no stall, though its parent is silent",
    inWorld({ config: { task: { stall: "10s" } } }, async (own) => {
      await own.startRunner();
      const { id } = await withSubagent(own, "[slow 20] [say one two three four five six seven eight nine ten eleven twelve]");
      await assertCompleted(own, id, "done");
    }),
  );

  test(
    "nor after a restart that has not seen it begin",
    inWorld({ config: { task: { stall: "10s" } } }, async (own) => {
      const runner = await own.startRunner();
      const { id } = await withSubagent(own, "[slow 20] [say one two three four five six seven eight nine ten eleven twelve]");
      await until("the task runs", async () => (await own.task(id)).status === "running");
      await runner.stop("SIGKILL");
      await own.drain();
      await assertCompleted(own, id, "done");
    }),
  );

  test(
    "the time that a provider is given to recover counts for neither, nor does a subagent's",
    inWorld({ config: { task: { stall: "10s", timeout: "12s" } } }, async (own) => {
      await own.startRunner();
      const word = tag("overloaded");
      const id = await own.add(`${word} [fail 503 3] [say at last]`);
      const { id: parent } = await withSubagent(own, "[fail 503 3]");
      await until("the reason is shown", async () => (await own.task(id)).note?.includes("503"), { hint: () => own.story([id]) });
      await until("and the subagent's", async () => (await own.task(parent)).note?.includes("503"), { hint: () => own.story([parent]) });
      await assertCompleted(own, id, "at last");
      await assertCompleted(own, parent, "done");
      assert.equal((await own.calls(word)).length, 4);
      for (const each of [id, parent]) {
        const { prompted_at, ended_at } = await own.attempt(each);
        assert.ok(Date.parse(ended_at) - Date.parse(prompted_at) > 12000, "it took longer than its timeout");
      }
    }),
  );

  test(
    "the time without a server counts for neither",
    inWorld({ config: { task: { stall: "30s", timeout: "30s" } } }, async (own) => {
      const port = await freePort();
      const server = await own.startOpenCode({ port });
      const runner = await own.startRunner(["--server", server.url]);
      const word = tag("away");
      const id = await own.add(`${word} [slow 2] [say one two three]`);
      await own.called(word);
      await until("the task runs", async () => (await own.task(id)).status === "running");
      await server.process.stop("SIGKILL");
      await elapsed(25000);
      await own.startOpenCode({ port });
      await assertCompleted(own, id, "one two three");
      assert.equal((await own.calls(word)).length, 2);
      assert.equal((await runner.stop()).status, 0);
    }),
  );
});
