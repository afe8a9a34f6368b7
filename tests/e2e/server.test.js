// Servers that vigil did not start, a server that cannot be started, and proxies that must not matter.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { freePort, inWorld, openGate, sharedWorld, tag, until } from "./harness.js";

const world = sharedWorld();
const PASSWORD = "correct horse battery staple";
const secret = (password) => ({ env: { OPENCODE_SERVER_PASSWORD: password } });

test("--server without a password", async () => {
  const server = await world.startOpenCode();
  const word = tag("given");
  const id = await world.add(word);
  await world.drain(["--server", server.url]);
  const task = await world.task(id);
  assert.deepEqual([task.status, task.result], ["completed", `answer to: ${word}`], task.error);
  const session = await world.openCode(`/session/${task.session_id}`, server);
  assert.equal(session.directory, world.work);
  assert.ok(server.process.isAlive, "a server that was given is never ended");
  assert.deepEqual(await world.rows("SELECT * FROM servers WHERE name = 'managed'"), [], "and no other is started");
  await server.process.stop();
});

test("server.url in the configuration, with a slash at its end", async () => {
  const server = await world.startOpenCode({ password: PASSWORD });
  world.configure({ server: { url: `${server.url}/`, password_env: "A_PASSWORD" } });
  const id = await world.add(tag("configured"));
  await world.drain([], { env: { A_PASSWORD: PASSWORD } });
  assert.equal((await world.task(id)).status, "completed");
  world.configure({});
  await server.process.stop();
});

test("a user's name for servers of one's own is not that of the server that vigil starts", async () => {
  world.configure({ server: { username: "somebody" } });
  const id = await world.add(tag("named"));
  await world.startRunner();
  assert.equal((await world.finish(id)).status, "completed");
  world.configure({});
});

test("a wrong password loses nothing: the task waits, the reason is said, then the right one works", async () => {
  const server = await world.startOpenCode({ password: PASSWORD });
  const word = tag("password");
  const id = await world.add(word);
  for (const env of [secret("tr0ub4dor&3"), {}]) {
    const runner = await world.startRunner(["--server", server.url], env);
    const said = () => /401|password|unauthori[sz]ed/i.test(runner.stdout + runner.stderr);
    await until("the runner says what is wrong", said, { hint: () => runner.stdout + runner.stderr });
    assert.equal((await world.task(id)).status, "queued");
    assert.equal((await world.task(id)).attempts, 0);
    assert.ok(runner.isAlive);
    const { status, stdout, stderr } = await runner.stop();
    assert.equal(status, 0);
    assert.ok(!(stdout + stderr).includes("tr0ub4dor"), "a password is not repeated, not even a wrong one");
  }
  await world.drain(["--server", server.url], secret(PASSWORD));
  const task = await world.task(id);
  assert.deepEqual([task.status, task.attempts], ["completed", 1]);
  assert.equal((await world.calls(word)).length, 1);
  await server.process.stop();
});

test("a given server that is not there yet is waited for", async () => {
  const port = await freePort();
  const id = await world.add(tag("not there"));
  const runner = await world.startRunner(["--server", `http://127.0.0.1:${port}`]);
  await until("the runner says that nobody answers", () => runner.stderr.includes(`127.0.0.1:${port}`));
  assert.equal((await world.task(id)).status, "queued");
  const reason = async () => (await world.row("SELECT reason FROM queue WHERE id = ?", id))?.reason;
  await until("the queue says why", async () => /^no OpenCode server since 2.*: .*127\.0\.0\.1/.test(await reason()), { hint: reason });
  assert.match(JSON.parse(await world.ok(["show", String(id), "--json"])).reason, /^no OpenCode server since /);
  const server = await world.startOpenCode({ port });
  assert.equal((await world.finish(id)).status, "completed");
  const trouble = () => world.row("SELECT trouble, trouble_at FROM runners ORDER BY id DESC LIMIT 1");
  await until("and no more", async () => Object.values(await trouble()).every((each) => each === null), { hint: trouble });
  assert.equal((await runner.stop()).status, 0);
  await server.process.stop();
});

test("another server at the same address: its tasks wait until the right one is back", async () => {
  const port = await freePort();
  const server = await world.startOpenCode({ port });
  const word = tag("stranger");
  const id = await world.add(`${word} [slow 4] [say one two three]`);
  const runner = await world.startRunner(["--server", server.url]);
  await world.called(word);
  await until("it runs", async () => (await world.task(id)).status === "running");
  await server.process.stop("SIGKILL");
  const stranger = await world.startOpenCode({ port, data: join(world.root, "elsewhere") });
  const note = async () => (await world.task(id)).note?.includes("knows no session of ours");
  await until("the reason is shown", note, { hint: () => world.story([id]) });
  assert.equal((await world.task(id)).status, "running");
  await stranger.process.stop("SIGKILL");
  const again = await world.startOpenCode({ port });
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.attempts, task.result], ["completed", 1, "one two three"], task.error);
  assert.equal((await runner.stop()).status, 0);
  await again.process.stop();
});

test("a task of a server that this run does not drive waits, with that reason", async () => {
  const server = await world.startOpenCode();
  const word = tag("elsewhere");
  const id = await world.add(`${word} [slow 6] [say one two three]`);
  const runner = await world.startRunner(["--server", server.url]);
  await world.called(word);
  await until("it runs", async () => (await world.task(id)).status === "running");
  assert.equal((await runner.stop()).status, 0);
  world.configure({ limits: { parallel: 1 } });
  const beside = await world.add(tag("beside"));
  const other = await world.vigil(["run", "--drain"]);
  world.configure({});
  assert.equal(other.status, 0, other.stderr);
  assert.match(other.stderr, /left alive, on a server that this run does not drive: \d/);
  assert.equal((await world.task(beside)).status, "completed", "it takes no place of the others");
  assert.match((await world.task(id)).note, new RegExp(server.url));
  await world.drain(["--server", server.url]);
  const task = await world.task(id);
  assert.deepEqual([task.status, task.attempts], ["completed", 1]);
  assert.equal((await world.calls(word)).length, 1);
  const managed = await world.rows("SELECT * FROM servers WHERE name = 'managed' AND ended_at IS NULL");
  assert.deepEqual(managed, [], "a server of ours that no live task is on is not left behind");
  await server.process.stop();
});

test("a server of ours that a killed run left is ended by one that drives another, once nothing is alive on it", async () => {
  const killed = await world.startRunner();
  await world.finish(await world.add(tag("left")));
  const idle = await world.server();
  await killed.stop("SIGKILL");
  const given = await world.startOpenCode();
  const idleIsGone = () => !world.openCodePids().includes(idle.pid);
  const other = await world.startRunner(["--server", given.url]);
  await until("the one that was left is gone", idleIsGone);
  assert.equal((await other.stop()).status, 0);
  const word = tag("alive");
  const first = await world.startRunner();
  const id = await world.add(`${word} [until ${word}]`);
  await world.called(word);
  await until("it runs", async () => (await world.task(id)).status === "running");
  const { pid } = await world.server();
  await first.stop("SIGKILL");
  const second = await world.startRunner(["--server", given.url]);
  await until("it says what it waits for", async () => /waits for its server/.test((await world.task(id)).note));
  assert.equal((await second.stop()).status, 0);
  assert.ok(world.openCodePids().includes(pid), "its task is alive");
  await world.letGo(word);
  await world.drain();
  assert.equal((await world.task(id)).status, "completed");
  assert.equal((await world.calls(word)).length, 1);
  assert.deepEqual(await world.rows("SELECT * FROM servers WHERE name = 'managed' AND ended_at IS NULL"), []);
  await given.process.stop();
});

test("a server of ours that a killed run left, and that is given by its URL, is used", async () => {
  const killed = await world.startRunner();
  await world.finish(await world.add(tag("before")));
  const { url, pid } = await world.server();
  await killed.stop("SIGKILL");
  const given = await world.startRunner(["--server", url], secret(world.password));
  const task = await world.finish(await world.add(tag("after")));
  assert.equal(task.status, "completed", task.note);
  assert.equal((await given.stop()).status, 0);
  assert.ok(world.openCodePids().includes(pid), "it was given: it is not ended");
  await world.drain();
  assert.ok(!world.openCodePids().includes(pid));
});

test(
  "where no event comes through, what is written counts: a turn at work is no stall",
  inWorld({ config: { task: { stall: "8s" } } }, async (own) => {
    const server = await own.startOpenCode();
    const gate = await openGate(server.url);
    gate.atAnswer = (_, path) => path === "/global/event" && new Promise(() => {});
    const step = '[delay 3] [tool bash {"command":"true","description":"a step"}]';
    const id = await own.add(`${tag("deaf")} ${step} ${step} ${step} ${step} [say heard all the same]`);
    await own.drain(["--server", gate.url]);
    const task = await own.task(id);
    assert.deepEqual([task.status, task.result], ["completed", "heard all the same"], task.error);
    assert.ok(gate.count("GET /global/event") > 0);
    gate.close();
    await server.process.stop();
  }),
);

test("proxies in the environment are not used for loopback", async () => {
  const server = await world.startOpenCode({ password: PASSWORD });
  const dead = "http://127.0.0.1:9";
  const proxies = Object.fromEntries(["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"].map((name) => [name, dead]));
  const env = { ...proxies, OPENCODE_SERVER_PASSWORD: PASSWORD };
  const word = tag("proxy");
  const id = Number(await world.ok(["add", `${word} [delay 2] [say straight there]`], { env }));
  const runner = await world.startRunner(["--server", server.url, "--drain"], { env });
  const follow = await world.vigil(["follow", String(id)], { env });
  assert.deepEqual([follow.status, follow.stdout], [0, "straight there\n"]);
  assert.equal((await runner.end()).status, 0);
  assert.equal((await world.task(id)).result, "straight there");
  await server.process.stop();
});

test(
  "a program that cannot be run is named, and the task waits",
  inWorld({ config: { server: { command: "/nowhere/opencode" } } }, async (own) => {
    const id = await own.add(tag("no program"));
    const { status, stdout, stderr } = await own.vigil(["run", "--drain"]);
    assert.deepEqual([status, stdout], [5, ""]);
    assert.match(stderr, /\/nowhere\/opencode.*server\.command/);
    const task = await own.task(id);
    assert.deepEqual([task.status, task.attempts], ["queued", 0]);
  }),
);

test("the password of a given server is not in the database", async () => {
  assert.ok(!(await world.sqlite(".dump")).includes(PASSWORD));
});

// ---- whoever listens where our server was --------------------------------------------------------------------------

/** A web server on that port that answers nothing, and keeps what it was asked. */
async function listenAt(url) {
  const heard = [];
  const server = createServer((req) => heard.push({ request: `${req.method} ${req.url}`, authorization: req.headers.authorization }));
  const { port, hostname } = new URL(url);
  await new Promise((done, fail) => server.on("error", fail).listen(Number(port), hostname, done));
  return {
    heard,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

// With the runner stopped meanwhile, it learns of both at once: its own requests come before it knows.
for (const isStopped of [false, true]) {
  test(
    `a stranger where the managed server was never gets the password${isStopped ? ", nor by a request that was due" : ""}`,
    inWorld({ config: { poll_interval: "500ms" } }, async (own) => {
      const word = tag("stranger");
      const runner = await own.startRunner();
      const id = await own.add(`${word} [slow 6] [say one two three]`);
      await own.called(word);
      await until("it runs", async () => (await own.task(id)).status === "running");
      const server = await own.server();
      if (isStopped) {
        runner.signal("SIGSTOP");
        const began = Date.now();
        await until("its timers are due", () => Date.now() - began > 1500);
      }
      process.kill(server.pid, "SIGKILL");
      const stranger = await until("a stranger listens there", () => listenAt(server.url));
      if (isStopped) runner.signal("SIGCONT");
      const task = await own.finish(id);
      assert.deepEqual([task.status, task.attempts], ["completed", 1], task.error);
      assert.deepEqual(stranger.heard.filter(({ authorization }) => authorization), []);
      assert.notEqual((await own.server()).url, server.url);
      assert.equal((await runner.stop()).status, 0);
      stranger.close();
    }),
  );
}
