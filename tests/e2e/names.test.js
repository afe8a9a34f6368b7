// Which agent, model, variant, directory and parent a task gets, as the model and the server see it.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inWorld, sharedWorld, tag, VIGIL } from "./harness.js";

// OpenCode's own "seer" has a model and a variant, "oracle" has neither: here vigil configures that one.
const agents = { oracle: { model: "offline/echo2", variant: "high" } };
const world = sharedWorld({ runner: true, config: { agents } });

/** Runs a task with these options; its row, its attempt, and how its one call looked to the model. */
async function ask(...options) {
  const word = tag("names");
  const id = await world.add(...options, word);
  const task = await world.finish(id);
  assert.equal(task.status, "completed", task.error);
  const calls = await world.calls(word);
  assert.equal(calls.length, 1);
  return { id, task, call: calls[0], attempt: await world.attempt(id) };
}

const seen = ({ model, reasoning_effort }) => ({ model, reasoning_effort });

test("without a name everything is the server's default", async () => {
  const { task, call } = await ask();
  assert.deepEqual(seen(call), { model: "echo", reasoning_effort: null });
  assert.deepEqual([task.agent, task.model, task.variant], [null, null, null]);
});

test("a configured agent's model and variant reach the model", async () => {
  const { task, call, attempt } = await ask("--agent", "oracle");
  assert.deepEqual(seen(call), { model: "echo2", reasoning_effort: "high" });
  assert.deepEqual([attempt.agent, attempt.model, attempt.variant], ["oracle", "offline/echo2", "high"]);
  assert.deepEqual([task.agent, task.model, task.variant], ["oracle", null, null], "the task stays as it was given");
  const [question] = await world.openCode(`/session/${task.session_id}/message`);
  assert.equal(question.info.agent, "oracle");
});

test("a leading @ is dropped", async () => {
  const { task, call } = await ask("-a", "@oracle");
  assert.equal(task.agent, "oracle");
  assert.deepEqual(seen(call), { model: "echo2", reasoning_effort: "high" });
});

test("an explicit model is not overridden by the agent's, and has no variant that it does not know", async () => {
  const { call } = await ask("-a", "oracle", "-m", "offline/echo");
  assert.deepEqual(seen(call), { model: "echo", reasoning_effort: null });
});

test("an explicit model and variant reach the model", async () => {
  const { call, task } = await ask("-m", "offline/echo2", "--variant", "high");
  assert.deepEqual(seen(call), { model: "echo2", reasoning_effort: "high" });
  assert.deepEqual([task.model, task.variant], ["offline/echo2", "high"]);
});

test("an explicit model without a variant gets none", async () => {
  const { call } = await ask("-m", "offline/echo2");
  assert.deepEqual(seen(call), { model: "echo2", reasoning_effort: null });
});

test("what OpenCode configures for an agent itself stands", async () => {
  const { call } = await ask("-a", "seer");
  assert.deepEqual(seen(call), { model: "echo2", reasoning_effort: "high" });
});

/** A name that the server does not have: refused before there is a session, and the right ones are listed. */
async function assertRefused(options, ...expected) {
  const word = tag("refused");
  const sessions = async () => (await world.openCode("/session")).map((session) => session.id);
  const before = await sessions();
  const id = await world.add("--attempts", "3", ...options, word);
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.error_kind, task.attempts], ["failed", "refused", 1], task.error);
  for (const text of expected) assert.ok(task.error.includes(text), `${text} in: ${task.error}`);
  assert.equal(task.session_id, null);
  assert.deepEqual(await sessions(), before, "no session is left");
  assert.deepEqual(await world.calls(word), []);
  const result = await world.vigil(["result", String(id)]);
  assert.deepEqual([result.status, result.stdout], [1, ""]);
  assert.ok(result.stderr.includes(task.error), result.stderr);
}

test("an unknown agent fails at once, with the list of agents", () => assertRefused(["-a", "nobody"], '"nobody"', "oracle", "seer", "build"));

test("an unknown model fails at once, with the list of models", () =>
  assertRefused(["-m", "offline/nothing"], '"offline/nothing"', "offline/echo", "offline/echo2", "offline/small"));

test("an unknown provider fails at once, with the list of models", () => assertRefused(["-m", "nowhere/echo"], '"nowhere/echo"', "offline/echo"));

test("an unknown variant fails at once, with the list of variants", () =>
  assertRefused(["-m", "offline/echo2", "--variant", "extreme"], '"extreme"', "high"));

test("a child of a parent session", async () => {
  const directory = encodeURIComponent(world.work);
  const parent = await world.openCode(`/session?directory=${directory}`, { method: "POST", body: '{"title":"a parent"}' });
  const { task } = await ask("--parent", parent.id);
  assert.equal(task.parent_session, parent.id);
  assert.equal((await world.openCode(`/session/${task.session_id}`)).parentID, parent.id);
  assert.deepEqual((await world.openCode(`/session/${parent.id}/children`)).map((each) => each.id), [task.session_id]);
});

test("tasks run in their own directories", async () => {
  const write = '[tool bash {"command":"pwd > where.txt","description":"where"}] [say done]';
  const names = ["one", "zwei mit Leerzeichen"];
  const folders = names.map((name) => world.folder(name));
  const ids = [];
  for (const folder of folders) ids.push(await world.add("--directory", folder, `${tag("directory")} ${write}`));
  const tasks = await world.finished(ids);
  for (const [i, task] of tasks.entries()) {
    assert.deepEqual([task.status, task.directory], ["completed", folders[i]], task.error);
    assert.equal(readFileSync(join(folders[i], "where.txt"), "utf8"), `${folders[i]}\n`);
    assert.equal((await world.openCode(`/session/${task.session_id}`)).directory, folders[i]);
  }
});

test("the directory is where `vigil add` is called, and is stored resolved", async () => {
  const real = world.folder("real");
  const link = join(world.root, "link");
  symlinkSync(real, link);
  mkdirSync(join(real, "below"));
  const here = Number(await world.ok(["add", tag("here")], { cwd: real }));
  const linked = await world.add("-C", join(link, "below/.."), tag("linked"));
  const tasks = await world.finished(here, linked);
  assert.deepEqual(tasks.map((task) => [task.status, task.directory]), [["completed", real], ["completed", real]]);
});

test("a directory that does not exist is refused where it is typed", async () => {
  const { status, stdout, stderr } = await world.vigil(["add", "-C", "/nowhere/at/all", "x"]);
  assert.deepEqual([status, stdout], [2, ""]);
  assert.match(stderr, /^[^\n]*\/nowhere\/at\/all[^\n]*\n$/);
});

test("a directory that has gone meanwhile is refused, also where the runner's parent ignores how children end", inWorld({}, async (own) => {
  const folder = own.folder("gone");
  const id = await own.add("-C", folder, tag("gone"));
  rmdirSync(folder);
  const { status, stderr } = await own.start("env", ["--ignore-signal=CHLD", VIGIL, "run", "--drain"]).end();
  const task = await own.task(id);
  assert.deepEqual([status, task.status, task.error_kind], [0, "failed", "refused"], stderr);
  assert.equal(task.error, `its directory ${folder} does not exist`);
}));
