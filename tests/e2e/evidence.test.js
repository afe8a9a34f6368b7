// What a session, its messages and its status say of a task: each odd thing that a server can say or do, and the end it
// comes to. The real OpenCode does it where it can be made to; a gate before it says the rest.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { elapsed, inWorld, openGate, tag, until } from "./harness.js";

const STEP = '[tool bash {"command":"true","description":"a step"}]';

const ended = ({ status, error_kind, attempts }) => ({ status, error_kind, attempts });
const failed = (error_kind) => ({ status: "failed", error_kind, attempts: 1 });

/** Queues a prompt and returns once the model works on it: {id, word}. */
async function atWork(own, script, ...options) {
  const word = tag("evidence");
  const id = await own.add(...options, `${word} ${script}`);
  await own.called(word);
  await until("the task runs", async () => (await own.task(id)).status === "running", { hint: () => own.story([id]) });
  return { id, word };
}

async function assertCompleted(own, { id, word }, result, { calls = 1, resumes = 0 } = {}) {
  const task = await own.finish(id);
  assert.deepEqual([task.status, task.result, task.attempts], ["completed", result, 1], await own.story([id]));
  assert.equal((await own.attempt(id)).resumes, resumes, await own.story([id]));
  assert.equal((await own.calls(word)).length, calls);
}

/** What a person writes into a session. */
const write = (own, session, text, server, more = {}) =>
  own.openCode(`/session/${session}/message`, { ...server, method: "POST", body: JSON.stringify({ parts: [{ type: "text", text }], ...more }) });

const sessionOf = async (own, id) => (await own.attempt(id)).session_id;

/** A gate before a server of the test's own, with a runner behind it: {gate, server, runner}. */
async function behindGate(own, prepare = () => {}) {
  const server = await own.startOpenCode();
  const gate = await openGate(server.url);
  prepare(gate);
  const runner = await own.startRunner(["--server", gate.url]);
  return { gate, server, runner };
}

/** Kills the server as if it had died before it wrote the messages that `later` picks; the newest one left. */
async function dieBefore(own, id, pid, later) {
  process.kill(pid, "SIGKILL");
  const other = await own.startOpenCode();
  const path = `/session/${await sessionOf(own, id)}/message`;
  for (const { info } of later(await own.openCode(path, other))) await own.openCode(`${path}/${info.id}`, { ...other, method: "DELETE" });
  const left = (await own.openCode(path, other)).at(-1);
  await other.process.stop();
  return left;
}

const readMessages = /^GET \/session\/ses_[^/]+\/message$/;
const sentPrompts = (gate) => gate.seen.filter((each) => each.endsWith("/prompt_async")).length;

// Most of this is waiting: the tests do it together.
describe("evidence", { concurrency: 4 }, () => {
  // ---- nothing, and what is not there ----

  test(
    "a prompt that is taken and leaves nothing behind: sent three times, then failed",
    inWorld({}, async (own) => {
      const withGhost = (body) => JSON.stringify([...JSON.parse(body), { name: "ghost", mode: "all" }]);
      const { gate } = await behindGate(own, (made) => made.changes.set("GET /agent", withGhost));
      const task = await own.finish(await own.add("--agent", "ghost", tag("nothing")));
      assert.deepEqual(ended(task), failed("server"));
      assert.match(task.error, /^[^\n]*(sent three times, and never arrived|ghost)[^\n]*$/); // 1.18 has no word for it
      assert.equal(sentPrompts(gate), 3);
      assert.deepEqual(await own.calls("nothing"), []);
      gate.close();
    }),
  );

  test(
    "a status that says nothing of the session for its first seconds: the prompt is sent once",
    inWorld({ config: { poll_interval: "500ms" } }, async (own) => {
      const { gate } = await behindGate(own, (made) => {
        made.changes.set("GET /session/status", () => "{}");
        made.atAnswer = (_, path) => path === "/global/event" && new Promise(() => {}); // nor does an event
      });
      const work = await atWork(own, "[delay 9] [say late]");
      await until("it was looked for", () => gate.seen.some((each) => readMessages.test(each)));
      await elapsed(5000);
      gate.changes.clear();
      await assertCompleted(own, work, "late");
      assert.equal(sentPrompts(gate), 1);
      gate.close();
    }),
  );

  test(
    "the same while its messages cannot be listed: it is not given up for that",
    inWorld({ config: { poll_interval: "500ms" } }, async (own) => {
      const body = JSON.stringify({ name: "BadRequest", data: { message: "not now" } });
      const { gate } = await behindGate(own, (made) => {
        made.changes.set("GET /session/status", () => "{}").set("GET /session/ID/message", () => ({ status: 400, body }));
        made.atAnswer = (_, path) => path === "/global/event" && new Promise(() => {});
      });
      const late = tag("go");
      const work = await atWork(own, `[until ${late}] [say late]`);
      await until("it was looked for", () => gate.seen.filter((each) => readMessages.test(each)).length > 1);
      gate.changes.clear();
      await own.letGo(late);
      await assertCompleted(own, work, "late");
      gate.close();
    }),
  );

  test(
    "a session deleted while nobody looks stays busy for ever: it is lost",
    inWorld({}, async (own) => {
      const runner = await own.startRunner();
      await own.finish(await own.add(tag("beside"))); // else it could be another server
      const { id, word } = await atWork(own, "[hang]");
      await runner.stop("SIGKILL");
      const session = await sessionOf(own, id);
      await own.openCode(`/session/${session}`, { method: "DELETE" });
      assert.ok((await own.busySessions()).includes(session), "busy, though it is gone");
      await own.drain();
      const task = await own.task(id);
      assert.deepEqual(ended(task), failed("lost"));
      assert.match(task.error, /deleted/);
      assert.equal((await own.calls(word)).length, 1);
    }),
  );

  const WITH_SCHEMA = { format: { type: "json_schema", schema: { type: "object", properties: { answer: { type: "string" } } } } };

  test(
    "a person wants an answer by a JSON schema, which breaks the list of the session's messages: ours is read all the same",
    inWorld({}, async (own) => {
      await own.startRunner();
      const work = await atWork(own, "[slow 3] [say one two three]");
      await write(own, await sessionOf(own, work.id), "[say as you like]", {}, WITH_SCHEMA).catch(() => {});
      await assertCompleted(own, work, "one two three");
      assert.deepEqual((await own.messages(work.id)).map(({ role }) => role), ["user", "assistant"]);
    }),
  );

  test(
    "messages that cannot be listed at all: failed, with the reason, once the session is idle",
    inWorld({}, async (own) => {
      const body = JSON.stringify({ name: "BadRequest", data: { message: "no list for you" } });
      const { gate } = await behindGate(own, (gate) => gate.changes.set("GET /session/ID/message", () => ({ status: 400, body })));
      const { id, word } = await atWork(own, "[slow 3] [say one two three]");
      const task = await own.finish(id);
      assert.deepEqual(ended(task), failed("server"));
      assert.match(task.error, /status 400: .*no list for you/);
      assert.equal((await own.called(word, { outcome: "done" })).length, 1, "its agent was let go on");
      gate.close();
    }),
  );

  // ---- a turn that is cut off between two steps ----

  test(
    "`finish: tool-calls` on an idle session: the turn goes on",
    inWorld({}, async (own) => {
      const runner = await own.startRunner();
      const work = await atWork(own, `[say first] ${STEP} [delay 5] [say done]`);
      await own.called(work.word, { times: 2 });
      const { pid } = await own.server();
      await runner.stop("SIGKILL");
      const left = await dieBefore(own, work.id, pid, (messages) => messages.slice(-1));
      assert.deepEqual([left.info.finish, left.info.role], ["tool-calls", "assistant"]);
      await own.drain();
      await assertCompleted(own, work, "done", { calls: 3, resumes: 1 });
    }),
  );

  // ---- compaction ----

  const COMPACTED = `[say first] [tokens 6000] ${STEP} [say never]`;
  const small = ["--model", "offline/small"];

  const summaries = async (own) => (await (await fetch(`${own.model}/calls`)).json()).calls.filter((call) => call.summary);
  const compacting = (own) => until("it is compacted", async () => (await summaries(own)).length > 0);

  /** The turn went on in a message of OpenCode's, which the model has answered. */
  async function assertCompacted(own, { id, word }, resumes) {
    const task = await own.finish(id);
    assert.equal(task.status, "completed", await own.story([id]));
    assert.match(task.result, /^answer to: Continue/);
    assert.equal((await own.attempt(id)).resumes, resumes);
    assert.equal((await own.calls(word)).length, 1);
    const messages = await own.messages(id);
    assert.ok(messages.some((message) => message.summary === 1 && message.text === "a summary"));
    assert.equal(messages.filter((message) => message.text.includes(word)).length, 1, "prompted once");
  }

  test(
    "OpenCode dies in the middle of a compaction, and vigil of another",
    inWorld({}, async (own) => {
      const runner = await own.startRunner();
      const first = await atWork(own, `${COMPACTED} [compaction-delay 4]`, ...small);
      await compacting(own);
      process.kill((await own.server()).pid, "SIGKILL");
      await assertCompacted(own, first, 1);
      const before = (await summaries(own)).length;
      const second = await atWork(own, `${COMPACTED} [compaction-delay 2]`, ...small);
      await until("it is compacted", async () => (await summaries(own)).length > before);
      await runner.stop("SIGKILL");
      await own.drain();
      await assertCompacted(own, second, 0);
    }),
  );

  test(
    "a compaction that fails ends the turn",
    inWorld({}, async (own) => {
      await own.startRunner();
      const { id } = await atWork(own, `${COMPACTED} [compaction-fail 400]`, ...small);
      const task = await own.finish(id);
      assert.deepEqual(ended(task), failed("agent"));
      assert.match(task.error, /the script says: fail with 400/);
    }),
  );

  // OpenCode takes the finished summary for the end of the turn, and does nothing when the prompt is sent again.
  test(
    "OpenCode dies between a compaction and its own message to go on: vigil's takes its place",
    inWorld({ config: { task: { max_resumes: 1 } } }, async (own) => {
      const runner = await own.startRunner();
      const { id, word } = await atWork(own, COMPACTED, ...small);
      await own.called("Continue if");
      const { pid } = await own.server();
      await runner.stop("SIGKILL");
      await dieBefore(own, id, pid, (messages) => messages.slice(messages.findIndex(({ info }) => info.summary === true) + 1));
      await own.drain();
      const task = await own.task(id);
      assert.deepEqual([task.status, task.attempts], ["completed", 1], await own.story([id]));
      assert.match(task.result, /^answer to: The summary is all/);
      assert.equal((await own.attempt(id)).resumes, 1);
      assert.equal((await own.calls(word)).length, 1);
      const messages = await own.messages(id);
      assert.deepEqual(messages.map(({ role, summary }) => (summary ? "summary" : role)), ["user", "assistant", "user", "summary", "user", "assistant"]);
      assert.equal(messages[4].text, "", "nobody's words");
    }),
  );

  // ---- a person in the same session ----

  test(
    "a person steers the turn; what is said after it was done is not its answer",
    inWorld({}, async (own) => {
      const runner = await own.startRunner();
      const steered = await atWork(own, `[tool bash {"command":"sleep 3","description":"wait"}] [say unsteered]`);
      const done = await atWork(own, "[slow 3] [say this was it]");
      await own.openCode(`/session/${await sessionOf(own, steered.id)}/prompt_async`, {
        method: "POST",
        body: JSON.stringify({ parts: [{ type: "text", text: "[say steered]" }] }),
      }).catch(() => {}); // 204 is no JSON
      const { result, status } = await own.finish(steered.id);
      assert.deepEqual([status, result], ["completed", "steered"]);
      assert.equal((await own.messages(steered.id)).filter(({ role }) => role === "user").length, 2, "the transcript has it all");
      await runner.stop("SIGKILL");
      await own.called(done.word, { outcome: "done" });
      await write(own, await sessionOf(own, done.id), "[say something else]");
      await own.drain();
      await assertCompleted(own, done, "this was it");
      assert.ok((await own.messages(done.id)).every(({ text }) => !text.includes("something else")));
    }),
  );

  // ---- a server that is hard to understand ----

  test(
    "an event stream that is lost: the polls are enough, and it comes back",
    inWorld({ config: { poll_interval: "500ms" } }, async (own) => {
      let isCut = false;
      const { gate } = await behindGate(own, (made) => {
        made.atAnswer = async (_, path) => path === "/global/event" && isCut && new Promise(() => {});
      });
      const work = await atWork(own, `[delay 2] ${STEP} [delay 2] [say unheard]`);
      isCut = true;
      gate.sever("/global/event");
      await assertCompleted(own, work, "unheard", { calls: 2 });
      isCut = false;
      gate.sever("/global/event");
      const tries = gate.count("GET /global/event");
      await until("it is asked for again", () => gate.count("GET /global/event") > tries);
      const read = () => gate.seen.filter((each) => readMessages.test(each)).length;
      // Of a part that is being written already, OpenCode has no words for who comes late.
      const { id, word } = await atWork(own, "[delay 5] [slow 20] [long 2000]");
      const follow = own.vigilStart(["follow", String(id)]);
      await until("its words are heard", () => follow.stdout.length > 20);
      assert.equal((await own.calls(word)).length, 1);
      assert.ok(read() > 0);
      await own.ok(["cancel", String(id)]);
      await own.finish(id);
      gate.close();
    }),
  );

  test(
    "a web page in place of the messages, and then of the status: the task waits, and says so",
    inWorld({ config: { poll_interval: "500ms" } }, async (own) => {
      const page = () => "<html>Sorry</html>";
      const { gate } = await behindGate(own, (made) => {
        made.changes.set("GET /session/ID/message", page);
        made.atAnswer = (_, path) => path === "/global/event" && new Promise(() => {}); // which would say it too
      });
      const work = await atWork(own, "[say it was there]");
      const shown = (path) =>
        until(`the reason is shown: ${path}`, async () => (await own.task(work.id)).note?.includes(`${path}: a web page came`), { hint: () => own.story([work.id]) });
      await shown("/message");
      gate.changes.set("GET /session/status", page);
      gate.changes.delete("GET /session/ID/message");
      await shown("/session/status");
      assert.equal((await own.task(work.id)).status, "running");
      gate.changes.clear();
      await assertCompleted(own, work, "it was there");
      gate.close();
    }),
  );

  // ---- two servers ----

  test(
    "a second server with the same sessions, started by accident: nothing of the first one's is sent to it",
    inWorld({ config: { poll_interval: "500ms" } }, async (own) => {
      const runner = await own.startRunner();
      const work = await atWork(own, "[slow 8] [say one two three four]");
      const [session, first] = [await sessionOf(own, work.id), await own.server()];
      await runner.stop("SIGKILL");
      const { gate, runner: second } = await behindGate(own);
      const waits = async () => (await own.task(work.id)).note?.includes("waits for its server, managed");
      await until("the task waits, and says for what", waits, { hint: () => own.story([work.id]) });
      await own.finish(await own.add(tag("beside"))); // the second one is driven meanwhile
      await own.called(work.word, { outcome: "done" });
      assert.equal((await own.task(work.id)).status, "running");
      assert.deepEqual(gate.seen.filter((each) => each.includes(session)), [], "it was not even asked");
      assert.equal((await second.stop()).status, 0);
      assert.ok(own.openCodePids().includes(first.pid), "the first one goes on");
      await own.drain();
      await assertCompleted(own, work, "one two three four");
      gate.close();
    }),
  );
});
