// What agents ask a person, at night: permission requests and questions are recorded and answered, as configured,
// and those of other people's sessions are left alone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inWorld, sharedWorld, tag, until } from "./harness.js";

const HOLD = { permissions: { on_ask: "hold", on_question: "hold" } };

const world = sharedWorld({ runner: true });
/** Here a person is there, sometimes. */
const own = sharedWorld({ runner: true, config: HOLD });

/** A file outside of every project: reading it asks. */
const OUTSIDE = '[tool read {"filePath":"/etc/hostname"}]';
const QUESTION = {
  questions: [
    {
      question: "Which?",
      header: "Pick",
      options: [
        { label: "first one", description: "a" },
        { label: "second", description: "b" },
      ],
    },
  ],
};
const ASK = `[tool question ${JSON.stringify(QUESTION)}]`;

const asksOf = (w, id) => w.rows("SELECT * FROM asks WHERE task_id = ? ORDER BY id", id);
const told = ({ kind, reply, replied_by }) => ({ kind, reply, replied_by });
const listed = (w, kind, server) => w.openCode(`/${kind}?directory=${encodeURIComponent(w.work)}`, server);
const version = async (w) => (await w.openCode("/global/health")).version;

/** Does the server ask, though a rule denies it? (1.2 does; later ones hide the tool.) */
const asksAllTheSame = async (w) => /^1\.2\./.test(await version(w));

/** Waits until the task has asked, and gives the row. */
async function asked(w, id) {
  await until("it has asked", async () => (await asksOf(w, id)).length, { hint: () => w.story([id]) });
  return (await asksOf(w, id))[0];
}

test("a file outside of the project: refused, recorded, and the turn goes on", async () => {
  const word = tag("outside");
  const id = await world.add(`${word} ${OUTSIDE} [say went on without]`);
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.result, task.attempts], ["completed", "went on without", 1], await world.story([id]));
  const [ask, ...more] = await asksOf(world, id);
  assert.deepEqual(more, []);
  assert.deepEqual(told(ask), { kind: "permission", reply: "reject", replied_by: "vigil" });
  assert.match(ask.request, /^external_directory: .*\/etc/);
  assert.equal(ask.session_id, task.session_id);
  assert.ok(ask.replied_at >= ask.asked_at);
  assert.deepEqual(await listed(world, "permission"), []);

  const messages = await world.openCode(`/session/${task.session_id}/message`);
  const tool = messages.flatMap(({ parts }) => parts).find((part) => part.type === "tool");
  assert.match(tool.state.error, /Nobody is there/, "the model is told why");
  assert.equal((await world.calls(word)).length, 2);

  const shown = JSON.parse(await world.ok(["show", String(id), "--json"]));
  assert.deepEqual(shown.asks.map(told), [told(ask)]);
  assert.equal(shown.asks[0].request, ask.request);
  const text = await world.ok(["show", String(id)]);
  assert.match(text, /external_directory/);
  assert.match(text, /reject/);
  const kinds = await world.eventKinds(id);
  assert.ok(kinds.includes("asked") && kinds.includes("replied"), kinds.join());
});

test("several asks of one turn, each refused once", async () => {
  const word = tag("several");
  const id = await world.add(`${word} ${OUTSIDE} [tool read {"filePath":"/usr/share/x"}] [say both refused]`);
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.result], ["completed", "both refused"], await world.story([id]));
  const asks = await asksOf(world, id);
  assert.deepEqual(asks.map((ask) => ask.reply), ["reject", "reject"]);
  assert.equal(new Set(asks.map((ask) => ask.ask_id)).size, 2);
});

test("a subagent asks: it is refused, and both turns go on", async () => {
  const child = tag("child");
  const word = tag("parent");
  const call = { description: "ask another", prompt: `${child} ${OUTSIDE} [say the child went on]`, subagent_type: "general" };
  const id = await world.add(`${word} [tool task ${JSON.stringify(call)}] [say both are done]`);
  const task = await world.finish(id);
  assert.deepEqual([task.status, task.result], ["completed", "both are done"], await world.story([id]));
  const asks = await asksOf(world, id);
  assert.deepEqual(asks.map(told), [{ kind: "permission", reply: "reject", replied_by: "vigil" }]);
  assert.notEqual(asks[0].session_id, task.session_id, "the ask is the child's");
  const session = await world.openCode(`/session/${asks[0].session_id}`);
  assert.equal(session.parentID, task.session_id);
});

test("a question: the model has none to ask; where it has, it is refused, and OpenCode ends the turn on it", async () => {
  const id = await world.add(`${tag("question")} ${ASK} [say went on]`);
  const { status, result, error_kind } = await world.finish(id);
  const asks = await asksOf(world, id);
  if (await asksAllTheSame(world)) {
    assert.deepEqual(asks.map(told), [{ kind: "question", reply: "reject", replied_by: "vigil" }]);
    assert.equal(asks[0].request, "Which? [first one | second]");
    assert.deepEqual([status, error_kind], ["failed", "rejected"], await world.story([id]));
  } else {
    assert.deepEqual(asks, []);
    assert.deepEqual([status, result], ["completed", "went on"], await world.story([id]));
  }
  assert.deepEqual(await listed(world, "question"), []);
});

test("asks of sessions that are not ours are never answered", async () => {
  const body = JSON.stringify({ title: "a person's" });
  const directory = `directory=${encodeURIComponent(world.work)}`;
  const session = await world.openCode(`/session?${directory}`, { method: "POST", body });
  const below = await world.openCode(`/session?${directory}`, { method: "POST", body: JSON.stringify({ parentID: session.id }) });
  for (const { id } of [session, below]) {
    const text = `${tag("theirs")} ${OUTSIDE} [say theirs]`;
    const prompt = JSON.stringify({ parts: [{ type: "text", text }] });
    world.openCode(`/session/${id}/message?${directory}`, { method: "POST", body: prompt }).catch(() => {});
  }
  const theirs = async () => (await listed(world, "permission")).filter((ask) => [session.id, below.id].includes(ask.sessionID));
  await until("both wait", async () => (await theirs()).length === 2);
  const id = await world.add(`${tag("ours")} ${OUTSIDE} [say ours]`);
  assert.equal((await world.finish(id)).result, "ours");
  assert.equal((await asksOf(world, id)).length, 1);
  assert.equal((await theirs()).length, 2, "they still wait");
  const ids = (await theirs()).map((ask) => `'${ask.id}'`).join();
  assert.deepEqual(await world.rows(`SELECT * FROM asks WHERE ask_id IN (${ids})`), []);
  for (const ask of await theirs())
    await world.openCode(`/permission/${ask.id}/reply?${directory}`, { method: "POST", body: JSON.stringify({ reply: "reject" }) });
});

test(
  "once: it is let through, also a question's first option",
  inWorld({ config: { permissions: { on_ask: "once", on_question: "once" } } }, async (lax) => {
    await lax.startRunner();
    const id = await lax.add(`${tag("once")} ${OUTSIDE} ${ASK} [say I was let through]`);
    const task = await lax.finish(id);
    assert.deepEqual([task.status, task.result], ["completed", "I was let through"], await lax.story([id]));
    const [first, second] = await asksOf(lax, id);
    assert.deepEqual(told(first), { kind: "permission", reply: "once", replied_by: "vigil" });
    if (await asksAllTheSame(lax)) assert.deepEqual(told(second), { kind: "question", reply: "first one", replied_by: "vigil" });
    const parts = (await lax.openCode(`/session/${task.session_id}/message`)).flatMap((message) => message.parts);
    const tools = parts.filter((part) => part.type === "tool");
    assert.equal(tools[0].state.status, "completed");
    if (second) assert.match(tools[1].state.output, /first one/);
  }),
);

test("hold: the task waits, says so, and a cancel ends it", async () => {
  const word = tag("hold");
  const id = await own.add(`${word} ${OUTSIDE} [say never]`);
  const ask = await asked(own, id);
  assert.deepEqual(told(ask), { kind: "permission", reply: null, replied_by: null });
  const note = async () => (await own.task(id)).note?.startsWith("waits for a person: external_directory");
  await until("the note says so", note, { hint: () => own.story([id]) });
  assert.match(await own.ok(["show", String(id)]), /waits for a person: external_directory/);
  await own.ok(["cancel", String(id), "--reason", "not now"]);
  const task = await own.finish(id);
  assert.deepEqual([task.status, task.error], ["cancelled", "not now"], await own.story([id]));
  assert.deepEqual((await asksOf(own, id)).map(told), [{ kind: "permission", reply: "reject", replied_by: "vigil" }]);
  assert.deepEqual(await listed(own, "permission"), []);
  assert.deepEqual(await own.busySessions(), []);
  const messages = await own.openCode(`/session/${task.session_id}/message`);
  assert.ok(messages.at(-1).info.time.completed, "the last message is completed");
  assert.equal((await own.calls(word)).length, 1);
});

test("hold: a subagent's ask is cancelled with its parent", async () => {
  const call = { description: "ask another", prompt: `${tag("child")} ${OUTSIDE} [say never]`, subagent_type: "general" };
  const id = await own.add(`${tag("parent")} [tool task ${JSON.stringify(call)}] [say never]`);
  await asked(own, id);
  await own.ok(["cancel", String(id)]);
  assert.equal((await own.finish(id)).status, "cancelled");
  assert.deepEqual(await listed(own, "permission"), []);
  await until("all sessions are idle", async () => (await own.busySessions()).length === 0);
});

test("what was decided before a crash is sent after it", async () => {
  const id = await own.add(`${tag("crash")} ${OUTSIDE} [say let through later]`);
  const ask = await asked(own, id);
  await own.runner.stop("SIGKILL");
  await own.sqlite(`UPDATE asks SET reply = 'once' WHERE id = ${ask.id}`, { write: true });
  await own.startRunner();
  const task = await own.finish(id);
  assert.deepEqual([task.status, task.result, task.attempts], ["completed", "let through later", 1], await own.story([id]));
  assert.deepEqual((await asksOf(own, id)).map(told), [{ kind: "permission", reply: "once", replied_by: "person" }]);
  assert.equal((await own.attempt(id)).resumes, 0);
});

test("what was held is decided by a configuration that was changed since", async () => {
  const id = await own.add(`${tag("changed")} ${OUTSIDE} [say went on]`);
  await asked(own, id);
  const restart = async (config) => {
    await own.runner.stop();
    own.configure(config);
    await own.startRunner();
  };
  await restart({});
  try {
    assert.equal((await own.finish(id)).result, "went on");
    assert.deepEqual((await asksOf(own, id)).map(told), [{ kind: "permission", reply: "reject", replied_by: "vigil" }]);
  } finally {
    await restart(HOLD);
  }
});

test("a run that drives another server leaves what was asked open", async () => {
  const id = await own.add(`${tag("two servers")} ${OUTSIDE} [say let through at last]`);
  await asked(own, id);
  await own.runner.stop();
  const other = await own.startOpenCode();
  const runner = await own.startRunner(["--server", other.url]);
  const elsewhere = await own.add(tag("meanwhile"));
  assert.equal((await own.finish(elsewhere)).status, "completed");
  await until("it says what it waits for", async () => /waits for its server/.test((await own.task(id)).note));
  await runner.stop();
  await other.process.stop();
  const [ask] = await asksOf(own, id);
  assert.deepEqual([ask.replied_at, ask.replied_by], [null, null]);
  await own.startRunner();
  await own.ok(["answer", String(ask.id), "once"]);
  assert.equal((await own.finish(id)).result, "let through at last");
});

test("answered in OpenCode itself: the row says so, and the task goes on", async () => {
  const id = await own.add(`${tag("elsewhere")} ${OUTSIDE} [delay 1] [say a person allowed it]`);
  const ask = await asked(own, id);
  const path = `/permission/${ask.ask_id}/reply?directory=${encodeURIComponent(own.work)}`;
  await own.openCode(path, { method: "POST", body: JSON.stringify({ reply: "once" }) });
  assert.equal((await own.finish(id)).result, "a person allowed it");
  assert.deepEqual((await asksOf(own, id)).map(told), [{ kind: "permission", reply: null, replied_by: "elsewhere" }]);
});

test("asks and answer: a person allows it, later", async () => {
  const id = await own.add(`${tag("answer")} ${OUTSIDE} [say allowed]`);
  const ask = await asked(own, id);
  const [waiting, ...more] = JSON.parse(await own.ok(["asks", "--json"]));
  assert.deepEqual(more, []);
  assert.deepEqual([waiting.id, waiting.task_id, waiting.request], [ask.id, id, ask.request]);
  const wrong = await own.vigil(["answer", String(ask.id), "maybe"]);
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /once, always or reject/);
  const right = await own.vigil(["answer", String(ask.id), "once"]);
  assert.deepEqual([right.status, right.stderr], [0, `ask ${ask.id}: the runner sends the reply\n`]);
  assert.equal((await own.finish(id)).result, "allowed");
  assert.deepEqual((await asksOf(own, id)).map(told), [{ kind: "permission", reply: "once", replied_by: "person" }]);
  assert.deepEqual(JSON.parse(await own.ok(["asks", "--json"])), []);
  const late = await own.vigil(["answer", String(ask.id), "reject"]);
  assert.equal(late.status, 2);
  assert.equal((await own.vigil(["answer", "999999", "once"])).status, 3);
});

test("answer: a person refuses it, and the turn goes on", async () => {
  const id = await own.add(`${tag("refuse")} ${OUTSIDE} [say went on without]`);
  const ask = await asked(own, id);
  await own.ok(["answer", String(ask.id), "reject"]);
  assert.equal((await own.finish(id)).result, "went on without");
});

test("answer: a question, where it is asked", async () => {
  const id = await own.add(`${tag("which")} ${ASK} [say I know now]`);
  await own.called("which", { times: 1, outcome: "done" });
  if (await asksAllTheSame(own)) await own.ok(["answer", String((await asked(own, id)).id), "second"]);
  const task = await own.finish(id);
  assert.equal(task.result, "I know now");
  const parts = (await own.openCode(`/session/${task.session_id}/message`)).flatMap((message) => message.parts);
  const tool = parts.find((part) => part.type === "tool");
  if ((await asksOf(own, id)).length) assert.match(tool.state.output, /second/);
});
