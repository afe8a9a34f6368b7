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

// ---- a night --------------------------------------------------------------------------------------------------------

const NIGHT = 8 * 3600;

/** A task that is at work, and goes on to its end once its word is let go: {word, id, runner}. */
async function evening(world) {
  const word = tag("night");
  const id = await world.add("--timeout", "1h", `${word} [until ${word}] [say the end]`);
  const runner = await world.startRunner();
  await world.called(word);
  await until("it runs", async () => (await world.task(id)).status === "running");
  return { word, id, runner };
}

/** The machine goes off: vigil and its server are killed. */
async function off(world, runner) {
  const { pid } = await world.server();
  await runner.stop("SIGKILL");
  process.kill(pid, "SIGKILL");
}

async function hasAnswer(world, id) {
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.result, task.attempts], ["completed", "the end", 1], await world.story([id]));
}

/** It has its answer, at its first attempt, and no night of work: the attempt. */
async function isWhole(world, id) {
  await hasAnswer(world, id);
  return isShort(world, id);
}

async function isShort(world, id) {
  const attempt = await world.attempt(id);
  assert.ok(attempt.seconds < 3600, `${attempt.seconds} s of work`);
  return attempt;
}

test("the machine is off for a night: the turn goes on, and no timeout counts the night", WITHIN, withClock(async (world, setClock) => {
  const { word, id, runner } = await evening(world);
  await off(world, runner);
  setClock(NIGHT);
  await world.letGo(word);
  const morning = await world.startRunner();
  assert.equal((await isWhole(world, id)).resumes, 1);
  assert.equal((await morning.stop()).status, 0);
}));

test("the first run of the morning does not reach the server: the next one counts no night either", WITHIN, withClock(async (world, setClock) => {
  const { word, id, runner } = await evening(world);
  await off(world, runner);
  setClock(NIGHT);
  await world.letGo(word);
  const mistaken = await world.startRunner(["--server", "http://127.0.0.1:9"]);
  await until("it waits", async () => /waits for its server/.test((await world.task(id)).note), { hint: () => world.story([id]) });
  assert.equal((await mistaken.stop()).status, 0);
  await world.drain();
  await isWhole(world, id);
}));

test("stopped in the evening, and the lid closed: the agent goes on in the morning, and no timeout counts the night", WITHIN, withClock(async (world, setClock) => {
  const { word, id, runner } = await evening(world);
  assert.equal((await runner.stop()).status, 0);
  setClock(NIGHT);
  const morning = await world.startRunner();
  await until("it is reached", async () => (await world.rows("SELECT * FROM events WHERE kind = 'reachable'")).length, { hint: () => world.story([id]) });
  await world.letGo(word);
  assert.equal((await isWhole(world, id)).resumes, 0);
  assert.equal((await morning.stop()).status, 0);
}));

test("a run that was killed before it sent the prompt, and a night: the timeout is none longer for that", WITHIN, withClock(async (world, setClock) => {
  const word = tag("unsent");
  const id = await world.add("--timeout", "1h", `${word} [until ${word}] [say the end]`);
  const died = await world.vigil(["run"], { env: { ...world.environment, VIGIL_FAILPOINT: "before-request-prompt" } });
  assert.equal(died.status, "SIGKILL");
  setClock(NIGHT);
  const morning = await world.startRunner();
  await world.called(word);
  const isAtWork = ({ prompted_at: prompted, progress_at: progress }) => prompted && progress > prompted;
  await until("it is at work", async () => isAtWork(await world.attempt(id)), { hint: () => world.story([id]) });
  await world.letGo(word);
  await hasAnswer(world, id);
  const { lost_ms } = await world.attempt(id);
  assert.ok(lost_ms < 3600_000, `${lost_ms} ms lost`);
  assert.equal((await morning.stop()).status, 0);
}));

test("a night of waiting, and then a cancel: it is no work", WITHIN, withClock(async (world, setClock) => {
  const call = JSON.stringify({ filePath: "/etc/hostname" });
  const id = await world.add(`${tag("wait")} [tool read ${call}] [say never]`);
  await world.startRunner();
  await until("it waits", async () => (await world.attempt(id)).waiting_at, { hint: () => world.story([id]) });
  setClock(NIGHT);
  await world.ok(["cancel", String(id)]);
  const task = await world.finish(id);
  assert.equal(task.status, "cancelled");
  await isShort(world, id);
}, { permissions: { on_ask: "hold" } }));

test("an answer that is found after a night without a runner: the night was no work", WITHIN, withClock(async (world, setClock) => {
  const { word, id, runner } = await evening(world);
  await runner.stop("SIGKILL");
  await world.letGo(word);
  await until("it is answered", async () => (await messagesOf(world, id)).at(-1).info.finish === "stop");
  setClock(NIGHT);
  await world.drain();
  await isWhole(world, id);
}));
