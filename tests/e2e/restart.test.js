// The runner comes and goes: one at a time, in order or killed, and what it leaves behind.

import assert from "node:assert/strict";
import { readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { everyCommandLine, inWorld, sharedWorld, tag, until } from "./harness.js";

const world = sharedWorld();

test("a second runner is refused, and says who holds the database", async () => {
  const runner = await world.startRunner();
  const second = await world.vigil(["run", "--drain"]);
  assert.deepEqual([second.status, second.stdout], [5, ""]);
  assert.match(second.stderr, new RegExp(`\\b${runner.pid}\\b`));
  assert.ok(runner.isAlive);
  assert.equal((await runner.stop("SIGTERM")).status, 0);
});

test("a second runner is refused also where the lock's file was deleted", async () => {
  const runner = await world.startRunner();
  rmSync(`${world.db}.lock`);
  const second = await world.vigil(["run", "--drain"]);
  assert.deepEqual([second.status, second.stdout], [5, ""]);
  assert.match(second.stderr, new RegExp(`\\ba runner \\(pid ${runner.pid}\\) drives `));
  assert.ok(runner.isAlive);
  assert.equal((await runner.stop("SIGTERM")).status, 0);
});

/** The run's row after its end. */
const run = ({ pid }) => world.row("SELECT * FROM runners WHERE pid = ? ORDER BY id DESC LIMIT 1", pid);

/** Starts a runner and a task, and returns once the model works on it. */
async function atWork(prompt) {
  const word = tag("restart");
  const runner = await world.startRunner();
  const id = await world.add(`${word} ${prompt}`);
  await world.called(word);
  await until("the task runs", async () => (await world.task(id)).status === "running");
  return { word, id, runner, server: await world.server() };
}

/** The next run has finished the task without a second call, a second attempt, or a second server. */
async function assertTakenUp({ word, id, server }, result) {
  const task = await world.task(id);
  assert.deepEqual([task.status, task.result, task.attempts], ["completed", result, 1], task.error);
  assert.equal((await world.attempt(id)).resumes, 0);
  assert.equal((await world.calls(word)).length, 1, "the model was asked once");
  const [newest] = await world.rows("SELECT * FROM servers ORDER BY id DESC LIMIT 1");
  assert.deepEqual([newest.id, newest.pid], [server.id, server.pid], "the same server was found again");
  assert.notEqual(newest.ended_at, null);
  await until("no OpenCode is left", () => world.openCodePids().length === 0);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  test(`${signal} stops in order: the agent goes on, the next run takes it up`, async () => {
    const work = await atWork("[slow 4] [say one two three four five six]");
    const { status } = await work.runner.stop(signal);
    assert.equal(status, 0);
    assert.equal((await run(work.runner)).ending, "stopped");
    assert.equal((await world.task(work.id)).status, "running");
    assert.ok(world.openCodePids().includes(work.server.pid), "the server goes on");
    await world.drain();
    await assertTakenUp(work, "one two three four five six");
  });
}

test("a session that was made twice is deleted; not one with a message, and no other", async () => {
  const word = tag("twins");
  const id = await world.add(`${word} [slow 3] [say one two three]`);
  const died = await world.vigil(["run"], { env: { VIGIL_FAILPOINT: "before-request-create" } });
  assert.equal(died.status, "SIGKILL");
  const runner = await world.startRunner();
  await world.called(word);
  const { nonce, session_id } = await world.attempt(id);
  const post = (path, body) => world.openCode(path, { method: "POST", body: JSON.stringify(body) });
  const make = (title) => post(`/session?directory=${encodeURIComponent(world.work)}`, { title });
  const twin = await make(`Background: ${word} [${nonce}]`);
  const used = await make(`Background: ${word} [${nonce}]`);
  const other = await make(`What became of [${nonce}]?`);
  await post(`/session/${used.id}/message`, { noReply: true, parts: [{ type: "text", text: "mine" }] });
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.result, task.attempts], ["completed", "one two three", 1], task.error);
  const all = await world.openCode(`/session?limit=1000&search=${encodeURIComponent(nonce)}&directory=${encodeURIComponent(world.work)}`);
  assert.deepEqual(all.map((each) => each.id).sort(), [session_id, used.id, other.id].sort(), `without ${twin.id}`);
  assert.equal((await world.calls(word)).length, 1);
  await runner.stop("SIGTERM");
});

test("an answer that was finished while no runner was there is found", async () => {
  const work = await atWork("[slow 2] [say while you were away]");
  assert.equal((await work.runner.stop("SIGTERM")).status, 0);
  await world.called(work.word, { outcome: "done" });
  await world.drain();
  await assertTakenUp(work, "while you were away");
});

test("kill -9 in the middle costs nothing", async () => {
  const work = await atWork("[slow 4] [say one two three four five six]");
  assert.equal((await work.runner.stop("SIGKILL")).status, "SIGKILL");
  await world.drain();
  await assertTakenUp(work, "one two three four five six");
  assert.equal((await run(work.runner)).ending, "crashed");
});

test("kill -9, and a server's row that somebody has made by hand hides ours from nobody", async () => {
  const work = await atWork("[slow 4] [say one two three]");
  await work.runner.stop("SIGKILL");
  await world.sqlite("INSERT INTO servers (name) VALUES ('managed')", { write: true });
  await world.drain();
  assert.equal((await world.calls(work.word)).length, 1, "the model was asked once");
  assert.equal((await world.attempt(work.id)).resumes, 0);
  assert.deepEqual(await world.rows("SELECT id FROM servers WHERE ended_at IS NULL"), []);
  await until("no OpenCode is left", () => world.openCodePids().length === 0);
});

test("kill -9, and the answer is finished while no runner is there", async () => {
  const work = await atWork('[tool bash {"command":"sleep 1","description":"wait"}] [say done]');
  await work.runner.stop("SIGKILL");
  const calls = await world.called(work.word, { times: 2, outcome: "done" });
  await world.drain();
  const task = await world.task(work.id);
  assert.deepEqual([task.status, task.result, task.attempts], ["completed", "done", 1]);
  assert.equal((await world.calls(work.word)).length, calls.length);
});

test("kill -9 with four tasks at once, three times", async () => {
  const word = tag("thrice");
  const ids = [];
  for (let i = 0; i < 4; i++) ids.push(await world.add(`${word} ${i} [slow 5] [say answer ${i} of a task that takes its time]`));
  for (let times = 1; times <= 3; times++) {
    const runner = await world.startRunner();
    const enough = times === 1 ? 1 : 4;
    await world.called(word, { times: enough });
    await runner.stop("SIGKILL");
  }
  await world.drain();
  for (const [i, task] of (await world.finished(ids)).entries())
    assert.deepEqual([task.status, task.result, task.attempts], ["completed", `answer ${i} of a task that takes its time`, 1], task.error);
  for (let i = 0; i < 4; i++) assert.equal((await world.calls(`${word} ${i} `)).length, 1);
  const prompts = await world.rows("SELECT count(*) AS n FROM messages WHERE role = 'user' AND task_id IN (SELECT id FROM tasks WHERE prompt LIKE ? || '%')", word);
  assert.equal(prompts[0].n, 4);
  await until("no OpenCode is left", () => world.openCodePids().length === 0);
});

test("a server that dies takes no task with it: the turn goes on in another", async () => {
  const work = await atWork("[slow 6] [say one two three four five six]");
  process.kill(work.server.pid, "SIGKILL");
  const task = await world.finish(work.id);
  assert.deepEqual([task.status, task.result, task.attempts], ["completed", "one two three four five six", 1], task.error);
  const attempt = await world.attempt(work.id);
  assert.equal(attempt.resumes, 1);
  const messages = await world.openCode(`/session/${attempt.session_id}/message`);
  assert.equal(messages.filter(({ info }) => info.role === "user").length, 1, "one prompt, however often it was sent");
  assert.equal((await world.calls(work.word)).length, 2, "the call that was cut off, and the one that went on");
  assert.equal((await work.runner.stop()).status, 0);
  await until("no OpenCode is left", () => world.openCodePids().length === 0);
});

test("--drain exits 0 whatever became of the tasks, and leaves no server", async () => {
  const word = tag("drain");
  const good = await world.add(word);
  const bad = await world.add(`${word} [fail 400]`);
  const held = await world.add("--hold", word);
  const after = await world.add("--after", String(bad), word);
  const { status } = await world.vigil(["run", "--drain"]);
  assert.equal(status, 0);
  const rows = await Promise.all([good, bad, held, after].map((id) => world.task(id)));
  assert.deepEqual(rows.map((task) => task.status), ["completed", "failed", "held", "queued"]);
  const [last] = await world.rows("SELECT ending FROM runners ORDER BY id DESC LIMIT 1");
  assert.equal(last.ending, "drained");
  await until("no OpenCode is left", () => world.openCodePids().length === 0);
  assert.deepEqual(await world.rows("SELECT * FROM servers WHERE ended_at IS NULL"), []);
  await world.ok(["cancel", String(held), String(after)]);
});

test("--drain with nothing to do ends at once", async () => {
  const began = Date.now();
  await world.drain();
  assert.ok(Date.now() - began < 15000);
});

test("--drain waits for a task of later", async () => {
  const id = await world.add("--in", "2s", tag("later"));
  await world.drain();
  assert.equal((await world.task(id)).status, "completed");
});

test("without work an orderly stop ends the server", async () => {
  const runner = await world.startRunner();
  const id = await world.add(tag("idle"));
  await world.finish(id);
  assert.ok(world.openCodePids().length > 0);
  assert.equal((await runner.stop("SIGINT")).status, 0);
  assert.deepEqual(world.openCodePids(), []);
});

for (const signal of ["SIGTERM", "SIGKILL"]) {
  test(`${signal} while the server starts, without work: nothing is left after the next run`, async () => {
    const slow = world.slowServer();
    world.configure({ server: { command: slow.command } });
    const runner = await world.startRunner();
    await until("the server starts", slow.isThere);
    const { status } = await runner.stop(signal);
    assert.equal(status, signal === "SIGTERM" ? 0 : signal);
    if (signal === "SIGTERM") assert.deepEqual(world.openCodePids(), [], "ended in order");
    slow.go();
    world.configure({});
    const id = await world.add(tag("after"));
    await world.drain();
    assert.equal((await world.task(id)).status, "completed");
    await until("no OpenCode is left", () => world.openCodePids().length === 0);
    assert.deepEqual(await world.rows("SELECT * FROM servers WHERE ended_at IS NULL"), []);
  });

  test(`${signal} while the server starts again, with a task alive: it goes on, the next run uses it`, async () => {
    const work = await atWork("[slow 5] [say one two three]");
    const slow = world.slowServer();
    await work.runner.stop("SIGKILL");
    process.kill(work.server.pid, "SIGKILL");
    world.configure({ server: { command: slow.command } });
    const runner = await world.startRunner();
    await until("the server starts", slow.isThere);
    const { pid } = await until("it is in the database", async () => (await world.server()).pid && world.server());
    const { status } = await runner.stop(signal);
    assert.equal(status, signal === "SIGTERM" ? 0 : signal);
    slow.go();
    const next = await world.startRunner();
    const task = await world.finish(work.id);
    assert.deepEqual([task.status, task.result, task.attempts], ["completed", "one two three", 1], task.error);
    assert.equal((await world.server()).pid, pid, "the same process");
    assert.equal((await world.calls(work.word)).length, 2, "the call that was cut off, and the one that went on");
    assert.equal((await next.stop()).status, 0);
    world.configure({});
    await until("no OpenCode is left", () => world.openCodePids().length === 0);
  });
}

test("a server that an earlier run left dies while it is taken up: that is said, and another is started", async () => {
  const slow = world.slowServer();
  world.configure({ server: { command: slow.command } });
  const killed = await world.startRunner();
  await until("the server starts", slow.isThere);
  const { pid } = await until("it is in the database", async () => (await world.server()).pid && world.server());
  await killed.stop("SIGKILL");
  world.configure({});
  const runner = await world.startRunner();
  await world.ok(["pause"]);
  await until("its loop turns", () => /the queue is paused/.test(runner.stderr));
  await world.ok(["resume"]);
  process.kill(pid, "SIGKILL");
  const id = await world.add(tag("another"));
  assert.equal((await world.finish(id)).status, "completed");
  assert.match(runner.stderr, / the OpenCode server has died\n/);
  assert.doesNotMatch(runner.stderr, /before it listened/);
  assert.equal((await runner.stop()).status, 0);
});

test("the runner goes on when nobody reads what it says", async () => {
  const runner = await world.startRunner();
  runner.child.stdout.destroy();
  runner.child.stderr.destroy();
  const ids = [await world.add(tag("unread")), await world.add(tag("unread"))];
  for (const task of await world.finished(ids)) assert.equal(task.status, "completed");
  assert.ok(runner.isAlive);
  assert.equal((await runner.stop()).status, 0);
});

/** Every file below a folder. */
function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

test("the password is in one file, and nobody else can read what is there", async () => {
  const work = await atWork("[slow 2] [say secret enough]");
  const password = world.password;
  assert.ok(password.length >= 16);
  assert.deepEqual(everyCommandLine().filter((line) => line.includes(password)), []);
  await world.finish(work.id);
  const { stdout, stderr } = await work.runner.stop();
  assert.ok(!(stdout + stderr).includes(password));
  const folder = dirname(world.db);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  for (const file of filesBelow(folder)) {
    assert.equal(statSync(file).mode & 0o777, 0o600, file);
    if (file !== `${world.db}.password`) assert.ok(!readFileSync(file).includes(password), `no password in ${file}`);
  }
});
