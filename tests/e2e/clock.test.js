// The wall clock, set while there is work: OpenCode's messages go by it. What sets it for every process of a world, and
// for nobody else, is tests/shim/clock.c.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { inWorld, openGate, tag, until } from "./harness.js";

const WITHIN = { timeout: 150000 };

/** A world in which setClock(S) makes the clock wrong by S seconds. */
const withClock = (body, config = {}) =>
  inWorld({ config }, async (world) => {
    const file = join(world.root, "clock");
    const setClock = (seconds) => writeFileSync(file, String(seconds));
    setClock(0);
    Object.assign(world.environment, { LD_PRELOAD: world.shim("clock"), VIGIL_SHIM_CLOCK: file });
    await body(world, setClock);
  });

const messagesOf = async (world, id, server) => world.openCode(`/session/${(await world.attempt(id)).session_id}/message`, server);
const isBefore = (messages, first, second) => messages.indexOf(first) < messages.indexOf(second);

describe("the clock is set back", () => {
  test("in the middle of a turn: OpenCode does not see its end, vigil does, and ends it with its answer", WITHIN, withClock(async (world, setClock) => {
    const word = tag("back");
    const step = '[tool bash {"command":"sleep 2","description":"a step"}]';
    const id = await world.add(`${word} ${step} ${step} [say the end]`);
    const runner = await world.startRunner();
    await world.called(word, { times: 2 });
    setClock(-600);
    const task = await world.finish(id);
    assert.deepEqual([task.status, task.result, task.attempts], ["completed", "the end", 1], await world.story([id]));
    assert.deepEqual(await world.busySessions(), [], "nothing goes on");
    const calls = (await world.calls(word)).length;
    assert.ok(calls >= 3 && calls < 40, `${calls} calls`);
    const steps = (await world.messages(id)).map(({ role, finish }) => finish ?? role);
    assert.deepEqual(steps.slice(0, 4), ["user", "tool-calls", "tool-calls", "stop"], "as it went");
    assert.equal((await runner.stop()).status, 0);
  }));

  test("between a session's making and its turn: the answer stands before its question, and counts", WITHIN, withClock(async (world, setClock) => {
    const server = await world.startOpenCode();
    const gate = await openGate(server.url);
    gate.atAnswer = async (method, path) => method === "POST" && path.endsWith("/prompt_async") && setClock(-600);
    const word = tag("between");
    const id = await world.add(`${word} [slow 1] [say the end]`);
    const runner = await world.startRunner(["--server", gate.url]);
    const task = await world.finish(id);
    assert.deepEqual([task.status, task.result, task.attempts], ["completed", "the end", 1], await world.story([id]));
    assert.equal((await world.attempt(id)).resumes, 0);
    const messages = await messagesOf(world, id, server);
    const question = messages.find(({ info }) => info.role === "user");
    const answer = messages.find(({ info }) => info.finish === "stop");
    assert.ok(isBefore(messages, answer, question), "what the test is about");
    assert.equal((await runner.stop()).status, 0);
    gate.close();
  }));

  test("while no runner is alive: a timeout does not wait for the time that was", WITHIN, withClock(async (world, setClock) => {
    setClock(86400);
    const word = tag("day");
    const id = await world.add("--timeout", "10s", `${word} [until ${word}]`);
    const first = await world.startRunner();
    await world.called(word);
    await until("it runs", async () => (await world.task(id)).status === "running");
    await first.stop("SIGKILL");
    setClock(0);
    const runner = await world.startRunner();
    const task = await world.finish(id);
    assert.deepEqual([task.status, task.error_kind], ["failed", "timeout"], await world.story([id]));
    assert.equal((await runner.stop()).status, 0);
  }));
});

test("the machine is off for a night: the turn goes on, and no timeout counts the night", WITHIN, withClock(async (world, setClock) => {
  const word = tag("night");
  const id = await world.add("--timeout", "1h", `${word} [until ${word}] [say the end]`);
  const evening = await world.startRunner();
  await world.called(word);
  await until("it runs", async () => (await world.task(id)).status === "running");
  const { pid } = await world.server();
  await evening.stop("SIGKILL");
  process.kill(pid, "SIGKILL");
  setClock(8 * 3600);
  await world.letGo(word);
  const morning = await world.startRunner();
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.result, task.attempts], ["completed", "the end", 1], await world.story([id]));
  const { resumes, seconds } = await world.attempt(id);
  assert.equal(resumes, 1);
  assert.ok(seconds < 3600, `${seconds} s of work`);
  assert.equal((await morning.stop()).status, 0);
}));

test("the first run of the morning does not reach the server: the next one counts no night either", WITHIN, withClock(async (world, setClock) => {
  const word = tag("first");
  const id = await world.add("--timeout", "1h", `${word} [until ${word}] [say the end]`);
  const evening = await world.startRunner();
  await world.called(word);
  await until("it runs", async () => (await world.task(id)).status === "running");
  const { pid } = await world.server();
  await evening.stop("SIGKILL");
  process.kill(pid, "SIGKILL");
  setClock(8 * 3600);
  await world.letGo(word);
  const mistaken = await world.startRunner(["--server", "http://127.0.0.1:9"]);
  await until("it waits", async () => /waits for its server/.test((await world.task(id)).note), { hint: () => world.story([id]) });
  assert.equal((await mistaken.stop()).status, 0);
  await world.drain();
  const task = await world.task(id);
  assert.deepEqual([task.status, task.result, task.attempts], ["completed", "the end", 1], await world.story([id]));
  const { seconds } = await world.attempt(id);
  assert.ok(seconds < 3600, `${seconds} s of work`);
}));

test("stopped in the evening, and the lid closed: the agent goes on in the morning, and no timeout counts the night", WITHIN, withClock(async (world, setClock) => {
  const word = tag("lid");
  const id = await world.add("--timeout", "1h", `${word} [until ${word}] [say the end]`);
  const evening = await world.startRunner();
  await world.called(word);
  await until("it runs", async () => (await world.task(id)).status === "running");
  assert.equal((await evening.stop()).status, 0);
  setClock(8 * 3600);
  const morning = await world.startRunner();
  await until("it is reached", async () => (await world.rows("SELECT * FROM events WHERE kind = 'reachable'")).length, { hint: () => world.story([id]) });
  await world.letGo(word);
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.result, task.attempts], ["completed", "the end", 1], await world.story([id]));
  const { resumes, seconds } = await world.attempt(id);
  assert.equal(resumes, 0);
  assert.ok(seconds < 3600, `${seconds} s of work`);
  assert.equal((await morning.stop()).status, 0);
}));

test("a run that was killed before it sent the prompt, and a night: the timeout is none longer for that", WITHIN, withClock(async (world, setClock) => {
  const word = tag("unsent");
  const id = await world.add("--timeout", "1h", `${word} [until ${word}] [say the end]`);
  const died = await world.vigil(["run"], { env: { ...world.environment, VIGIL_FAILPOINT: "before-request-prompt" } });
  assert.equal(died.status, "SIGKILL");
  setClock(8 * 3600);
  const morning = await world.startRunner();
  await world.called(word);
  const isAtWork = ({ prompted_at: prompted, progress_at: progress }) => prompted && progress > prompted;
  await until("it is at work", async () => isAtWork(await world.attempt(id)), { hint: () => world.story([id]) });
  await world.letGo(word);
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.result, task.attempts], ["completed", "the end", 1], await world.story([id]));
  const { lost_ms } = await world.attempt(id);
  assert.ok(lost_ms < 3600_000, `${lost_ms} ms lost`);
  assert.equal((await morning.stop()).status, 0);
}));

test("a night of waiting, and then a cancel: it is no work", WITHIN, withClock(async (world, setClock) => {
  const call = JSON.stringify({ filePath: "/etc/hostname" });
  const id = await world.add(`${tag("wait")} [tool read ${call}] [say never]`);
  await world.startRunner();
  await until("it waits", async () => (await world.attempt(id)).waiting_at, { hint: () => world.story([id]) });
  setClock(8 * 3600);
  await world.ok(["cancel", String(id)]);
  const task = await world.finish(id);
  assert.equal(task.status, "cancelled");
  const { seconds } = await world.attempt(id);
  assert.ok(seconds < 3600, `${seconds} s of work`);
}, { permissions: { on_ask: "hold" } }));

test("an answer that is found after a night without a runner: the night was no work", WITHIN, withClock(async (world, setClock) => {
  const word = tag("found");
  const id = await world.add(`${word} [until ${word}] [say the end]`);
  const evening = await world.startRunner();
  await world.called(word);
  await until("it runs", async () => (await world.task(id)).status === "running");
  await evening.stop("SIGKILL");
  await world.letGo(word);
  await until("it is answered", async () => (await messagesOf(world, id)).at(-1).info.finish === "stop");
  setClock(8 * 3600);
  await world.drain();
  assert.equal((await world.task(id)).result, "the end");
  const { seconds } = await world.attempt(id);
  assert.ok(seconds < 3600, `${seconds} s of work`);
}));
