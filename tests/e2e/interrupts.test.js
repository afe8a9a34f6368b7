// Turns that are cut off, and what on_interrupt makes of them; servers that die, hang, or are only slow.

import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { OPENCODE, elapsed, everyCommandLine, inWorld, tag, until } from "./harness.js";

const SCRIPT = "[slow 6] [say one two three four five six]";
const ANSWER = "one two three four five six";

/** A task that the model works on, beside others: {id, word}. */
async function anotherAtWork(own, { script = SCRIPT, options = [] } = {}) {
  const word = tag("interrupted");
  const id = await own.add(...options, `${word} ${script}`);
  await own.called(word);
  await until("the task runs", async () => (await own.task(id)).status === "running");
  return { id, word };
}

/** The same with a runner of its own: {id, word, runner, server}. */
async function atWork(own, { env, ...task } = {}) {
  const runner = await own.startRunner([], { env });
  return { ...(await anotherAtWork(own, task)), runner, server: await own.server() };
}

function assertInterrupted(task) {
  assert.deepEqual([task.status, task.error_kind, task.attempts], ["failed", "interrupted", 1], task.error);
  assert.match(task.error, /cut off/);
}

const kill = ({ pid }) => process.kill(pid, "SIGKILL");

/** Kills the server whenever the model has been asked once more, so many times. */
async function killAtEachCall(own, word, times) {
  for (let calls = 1; calls <= times; calls++) {
    await own.called(word, { times: calls });
    kill(await until("there is a server", () => own.server()));
  }
}

// Most of this is waiting: the tests do it together.
describe("interrupts", { concurrency: 4 }, () => {
  test(
    "restart: a new session, which counts as an attempt; with none left it has failed",
    inWorld({ config: { task: { on_interrupt: "restart" } } }, async (own) => {
      const { id, word, server } = await atWork(own, { options: ["--attempts", "2"] });
      const { id: last, word: lastWord } = await anotherAtWork(own);
      kill(server);
      const task = await own.finish(id);
      assert.deepEqual([task.status, task.result, task.attempts], ["completed", ANSWER, 2], task.error);
      const [first, second] = await own.attempts(id);
      assert.deepEqual([first.outcome, first.error_kind, first.resumes], ["failed", "interrupted", 0]);
      assert.match(first.error, /cut off/);
      assert.notEqual(first.session_id, second.session_id);
      assert.equal(second.outcome, "completed");
      assert.equal((await own.calls(word)).length, 2);
      assertInterrupted(await own.finish(last));
      assert.equal((await own.calls(lastWord)).length, 1);
    }),
  );

  test(
    "hold: a person releases it, as a new attempt",
    inWorld({ config: { task: { on_interrupt: "hold" } } }, async (own) => {
      const { id, word, server } = await atWork(own);
      kill(server);
      await until("it is held", async () => (await own.task(id)).status === "held", { hint: () => own.story([id]) });
      const shown = await own.ok(["show", String(id)]);
      assert.match(shown, /cut off/);
      const { reason } = await own.row("SELECT reason FROM queue WHERE id = ?", id);
      assert.equal(reason, `held until vigil release ${id}; its last attempt: the turn was cut off, and did not go on`);
      assert.equal((await own.attempt(id)).error_kind, "interrupted");
      assert.equal((await own.calls(word)).length, 1);
      await own.ok(["release", String(id)]);
      const task = await own.finish(id);
      assert.deepEqual([task.status, task.result, task.attempts], ["completed", ANSWER, 2], task.error);
    }),
  );

  test(
    "resume: not in a directory that is gone",
    inWorld({}, async (own) => {
      const directory = own.folder("soon-gone");
      const { id, word, server } = await atWork(own, { options: ["-C", directory] });
      rmSync(directory, { recursive: true });
      kill(server);
      const task = await own.finish(id);
      assert.deepEqual([task.status, task.error_kind], ["failed", "refused"]);
      assert.equal(task.error, `its directory ${directory} does not exist`);
      assert.equal((await own.attempt(id)).resumes, 1);
      assert.equal((await own.calls(word)).length, 1);
    }),
  );

  test(
    "fail: at once, whatever attempts are left",
    inWorld({ config: { task: { on_interrupt: "fail" } } }, async (own) => {
      const { id, word, server } = await atWork(own, { options: ["--attempts", "3"] });
      kill(server);
      assertInterrupted(await own.finish(id));
      assert.equal((await own.calls(word)).length, 1);
    }),
  );

  test(
    "resume: so many times without progress between, and then it has failed",
    inWorld({ config: { task: { max_resumes: 1 } } }, async (own) => {
      const step = '[tool bash {"command":"true","description":"a step"}]';
      const { id, word } = await atWork(own, { script: `${step} [delay 60] [say never]` });
      // The first cut comes after a step, so does not count against the one after it.
      await own.called(word, { times: 2 });
      await killAtEachCall(own, word, 3);
      assertInterrupted(await own.finish(id));
    }),
  );

  test(
    "in the middle of a tool call: the tool is not left running, nor run again, and the turn goes on",
    inWorld({}, async (own) => {
      const seconds = `300.${process.pid}`;
      const sleeping = () => everyCommandLine().some((line) => line.startsWith("sleep ") && line.includes(seconds));
      const command = `echo once >> ran.txt; sleep ${seconds}`;
      const { id, word, server } = await atWork(own, { script: `[tool bash ${JSON.stringify({ command, description: "sleep" })}] [say well]` });
      await until("the tool runs", sleeping);
      kill(server);
      const task = await own.finish(id);
      assert.deepEqual([task.status, task.result, task.attempts], ["completed", "well", 1], task.error);
      assert.ok(!sleeping(), "what the dead server had started is ended");
      assert.equal(readFileSync(join(own.work, "ran.txt"), "utf8"), "once\n");
      const messages = await own.openCode(`/session/${task.session_id}/message`);
      const tools = messages.flatMap(({ parts }) => parts.filter((part) => part.type === "tool"));
      assert.deepEqual(tools.map(({ state }) => state.status), ["running"], "the old message says so for ever");
      assert.equal((await own.attempt(id)).resumes, 1);
      assert.equal((await own.calls(word)).length, 2);
    }),
  );

  // ---- the managed server ----

  test(
    "one that does not answer any more is ended and replaced, and its turn goes on",
    inWorld({}, async (own) => {
      const { id, word, runner, server } = await atWork(own, { env: { VIGIL_WEDGED_MS: "3000" } });
      process.kill(server.pid, "SIGSTOP");
      const task = await own.finish(id);
      assert.deepEqual([task.status, task.result, task.attempts], ["completed", ANSWER, 1], task.error);
      assert.ok(!existsSync(`/proc/${server.pid}`), "ended, though it did not hear the signal, and reaped");
      const { ending } = await own.row("SELECT ending FROM servers WHERE id = ?", server.id);
      assert.match(ending, /did not answer/);
      assert.match(runner.stderr, /does not answer any more: it is started again/);
      assert.equal((await own.attempt(id)).resumes, 1);
      assert.equal((await own.calls(word)).length, 2);
    }),
  );

  test(
    "one that is only slow is left alone",
    inWorld({}, async (own) => {
      const { id, word, runner, server } = await atWork(own);
      process.kill(server.pid, "SIGSTOP");
      const began = Date.now();
      await until("the reason is shown", async () => (await own.task(id)).note?.includes("no whole answer"), { hint: () => own.story([id]) });
      await until("20 s have passed", () => Date.now() - began >= 20000);
      process.kill(server.pid, "SIGCONT");
      const task = await own.finish(id);
      assert.deepEqual([task.status, task.result, task.attempts], ["completed", ANSWER, 1], task.error);
      assert.equal((await own.server()).pid, server.pid, "the same process");
      assert.equal((await own.attempt(id)).resumes, 0);
      assert.equal((await own.calls(word)).length, 1);
      assert.equal((await runner.stop()).status, 0);
    }),
  );

  test(
    "one that cannot be started any more is tried at a bounded rate; the task waits, and says why",
    inWorld({}, async (own) => {
      const [broken, tries] = [join(own.root, "broken"), join(own.root, "tries")];
      const command = join(own.root, "sometimes-opencode");
      const lines = ["#!/bin/sh", `echo >> ${tries}`, `[ ! -e ${broken} ] || { echo 'no such provider' >&2; exit 3; }`, `exec '${OPENCODE}' "$@"`];
      writeFileSync(command, `${lines.join("\n")}\n`, { mode: 0o755 });
      own.configure({ server: { command } });
      const { id, runner, server } = await atWork(own);
      writeFileSync(broken, "");
      rmSync(tries);
      kill(server);
      const note = async () => (await own.task(id)).note ?? "";
      await until("the task says why", async () => /ended with status 3.*no such provider/.test(await note()), { hint: () => own.story([id]) });
      await elapsed(8000);
      const count = readFileSync(tries, "utf8").length;
      assert.ok(count >= 2 && count <= 6, `${count} tries`);
      assert.equal(runner.stderr.match(/no such provider/g).length, 1, "it is said once");
      assert.equal((await own.task(id)).status, "running");
      rmSync(broken);
      const task = await own.finish(id);
      assert.deepEqual([task.status, task.result, task.attempts], ["completed", ANSWER, 1], task.error);
    }),
  );

  test(
    "one that dies as soon as it is there is started again ever more slowly",
    inWorld({}, async (own) => {
      const { id, server } = await atWork(own);
      let newest = server;
      for (let deaths = 1; deaths <= 3; deaths++) {
        kill(newest);
        newest = await until("another is there", async () => {
          const next = await own.server();
          return next.version && next.id !== newest.id && next;
        }, { within: 60000 });
      }
      const all = await own.rows("SELECT started_at, ended_at FROM servers ORDER BY id");
      const gaps = all.slice(1).map((each, i) => Date.parse(each.started_at) - Date.parse(all[i].ended_at));
      assert.equal(gaps.length, 3);
      assert.ok(gaps[1] >= 1000 && gaps[2] >= 1.5 * gaps[1], `ever longer: ${gaps} ms`);
      const task = await own.finish(id);
      assert.deepEqual([task.status, task.attempts], ["completed", 1], task.error);
    }),
  );

  test(
    "one that listens and dies at the first question is started again ever more slowly",
    inWorld({}, async (own) => {
      const [command, log] = ["opencode", "starts"].map((name) => join(own.root, name));
      const lines = ['const { appendFileSync } = require("node:fs");', `appendFileSync(${JSON.stringify(log)}, Date.now() + "\\n");`];
      lines.push('const server = require("node:net").createServer(() => process.exit(1));');
      lines.push('server.listen(0, "127.0.0.1", () => console.log(`opencode server listening on http://127.0.0.1:${server.address().port}`));');
      writeFileSync(command, `#!${process.execPath}\n${lines.join("\n")}\n`, { mode: 0o755 });
      own.configure({ server: { command } });
      await own.add("x");
      await own.startRunner();
      const starts = () => readFileSync(log, "utf8").trim().split("\n").map(Number);
      await until("five starts", () => starts().length >= 5, { within: 90000 });
      const gaps = starts().slice(1).map((at, i) => at - starts()[i]);
      assert.ok(gaps[3] >= 2500 && gaps[3] >= 1.5 * gaps[2], `ever longer: ${gaps} ms`);
      await own.ok(["cancel", "1"]);
    }),
  );
});
