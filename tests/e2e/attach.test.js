// vigil attach: OpenCode's own interface on a task's session, on a real terminal.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { everyCommandLine, inWorld, tag, until, VIGIL } from "./harness.js";
import { Terminal } from "./terminal.js";

const DRAWN = { within: 60_000 };
const attach = (world, id, options) => Terminal.open(world, [VIGIL, "attach", String(id), "--pane", "a mark"], options);

/** A task that has said something and goes on for as long as the test does. */
async function talking(world, word) {
  const id = await world.add(`${tag(word)} [say so far so good] [tool bash {"command":"true","description":"look"}] [hang]`);
  await until("its first step is over", async () => (await world.calls(word)).length >= 2);
  return id;
}

function assertNoPassword(password) {
  assert.ok(password.length > 8);
  const lines = everyCommandLine();
  assert.ok(lines.some((line) => / attach http/.test(line)), "the interface is among them");
  for (const line of lines) assert.ok(!line.includes(password), line);
}

test("the session of a live task, on the managed server", inWorld({}, async (world) => {
  await world.startRunner();
  const id = await talking(world, "talking");
  const proxy = "http://127.0.0.1:9"; // which nobody listens at: what is on this machine is asked without it
  const terminal = await attach(world, id, { env: { HTTP_PROXY: proxy, http_proxy: proxy, no_proxy: "example.org" } });
  const screen = await terminal.shows("so far so good", DRAWN);
  assert.match(screen, /talking-/, "what it was told");
  const { session_id, directory } = await world.task(id);
  const { url } = await world.server();
  const words = readFileSync(`/proc/${await terminal.pid()}/cmdline`, "utf8").split("\0").slice(1, -1);
  assert.deepEqual(words, ["attach", url, "--session", session_id, "--dir", directory], "the same process, by exec");
  assertNoPassword(world.password);
  await terminal.keys("C-c");
  assert.equal(await terminal.ended(), 0);
  assert.equal((await world.task(id)).status, "running", "leaving the interface leaves the task alone");
  await world.ok(["cancel", String(id)]);
  await world.finish(id);
}));

test("a task without a session yet: it waits, and says for what", inWorld({}, async (world) => {
  const word = tag("later");
  const id = await world.add(`${word} [say here it is] [tool bash {"command":"true","description":"look"}] [hang]`);
  const terminal = await attach(world, id);
  await terminal.shows(`vigil: task ${id} is queued, and has no session: `);
  await terminal.shows("vigil run");
  await world.startRunner();
  await terminal.shows("here it is", DRAWN);
  await terminal.close();
  await world.ok(["cancel", String(id)]);
  await world.finish(id);
}));

test("a server that is away: it waits until it is back", inWorld({}, async (world) => {
  await world.startRunner();
  const id = await talking(world, "away");
  const slow = world.slowServer();
  const server = await world.server();
  world.configure({ server: { command: slow.command } });
  await world.runner.stop("SIGKILL");
  process.kill(server.pid, "SIGKILL");
  await world.startRunner();
  await until("another server is being started", slow.isThere);
  const terminal = await attach(world, id);
  await terminal.shows(`vigil: task ${id} is running, and `);
  slow.go();
  await terminal.shows("so far so good", DRAWN);
  await terminal.close();
  await world.ok(["cancel", String(id)]);
  await world.finish(id);
}));

test("a given server: its password comes from the variable that the configuration names, ours or the runner's", inWorld({}, async (world) => {
  const password = "a password of one's own";
  const server = await world.startOpenCode({ password });
  world.configure({ server: { url: server.url, password_env: "MY_PASSWORD" } });
  const env = { MY_PASSWORD: password };
  await world.startRunner([], { env });
  const id = await talking(world, "given");
  const terminal = await attach(world, id, { env: { ...env, OPENCODE_SERVER_PASSWORD: "of another server" } });
  await terminal.shows("so far so good", DRAWN);
  assertNoPassword(password);
  await terminal.close();

  const asTheRunner = await attach(world, id);
  await asTheRunner.shows("so far so good", DRAWN);
  await asTheRunner.close();

  // The runner has it where the variable is not set; one that is set counts, and no other variable does.
  const refused = await attach(world, id, { env: { MY_PASSWORD: "not this", OPENCODE_SERVER_PASSWORD: password } });
  assert.equal(await refused.ended(), 5, "the password that is named is wrong");
  assert.match(await refused.screen(), /vigil: .*401/);
  await world.ok(["cancel", String(id)]);
  await world.finish(id);
}));

test("a final task: its session as long as the server lives, and then one line", inWorld({}, async (world) => {
  const runner = await world.startRunner();
  const id = await world.add(`${tag("over")} [say all is said]`);
  await world.finish(id);
  const kept = await talking(world, "keeps the server");
  const terminal = await attach(world, id);
  await terminal.shows("all is said", DRAWN);
  await terminal.close();

  const { session_id } = await world.task(id);
  await world.openCode(`/session/${session_id}`, { method: "DELETE" });
  const gone = await attach(world, id);
  assert.equal(await gone.ended(), 3);
  assert.match(await gone.screen(), new RegExp(`vigil: task ${id} is completed, and its server does not have its session`));

  await world.ok(["cancel", String(kept)]);
  await world.finish(kept);
  await runner.stop();
  const ended = await attach(world, kept);
  assert.equal(await ended.ended(), 5);
  assert.match(await ended.screen(), new RegExp(`vigil: task ${kept} is cancelled, and its server is not there`));
}));

test("what cannot be attached to", inWorld({}, async (world) => {
  const id = await world.add(tag("never started"));
  await world.ok(["cancel", String(id)]);
  const terminal = await attach(world, id);
  assert.equal(await terminal.ended(), 3);
  assert.match(await terminal.screen(), new RegExp(`vigil: task ${id} is cancelled, and has no session`));

  const nothing = await attach(world, 999);
  assert.equal(await nothing.ended(), 3);
  assert.match(await nothing.screen(), /vigil: there is no task 999/);

  const piped = await world.vigil(["attach", String(id)]);
  assert.equal(piped.status, 5);
  assert.equal(piped.stdout, "");
  assert.match(piped.stderr, /needs a terminal/);
}));
