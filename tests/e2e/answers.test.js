// What becomes of a prompt: answers of every kind, failures of every kind, and what is kept of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assertInOrder, assertSubsequence, sharedWorld, tag, until } from "./harness.js";

const world = sharedWorld({ runner: true });

const final = ({ status, result, error, error_kind, attempts }) => ({ status, result, error, error_kind, attempts });
const completed = (result, attempts = 1) => ({ status: "completed", result, error: null, error_kind: null, attempts });

/** Queues a prompt and waits for its end: its id and its row. */
async function ask(...promptAndOptions) {
  const id = await world.add(...promptAndOptions);
  return { id, task: await world.finish(id) };
}

/** Asserts what `vigil result ID` has to say about a task that completed. */
async function assertResult(id, text, ...options) {
  assert.deepEqual(await world.vigil(["result", String(id), ...options]), { status: 0, stdout: `${text}\n`, stderr: "" });
}

/** Asserts that `vigil result ID` and `vigil wait ID` both say that the task failed, and why. */
async function assertFailed(id, why) {
  const result = await world.vigil(["result", String(id)]);
  assert.equal(result.status, 1);
  assert.match(result.stderr, why);
  assert.equal(result.stderr.trimEnd().split("\n").length, 1, "one line");
  assert.equal((await world.vigil(["wait", String(id)])).status, 1);
}

test("completed: the answer, the transcript, tokens, times; one prompt, one call", async () => {
  const prompt = `what is ${tag("completed")}?`;
  const { id, task } = await ask(prompt, "--description", "a first question");
  assert.deepEqual(final(task), completed(`answer to: ${prompt}`));
  await assertResult(id, `answer to: ${prompt}`);

  const attempt = await world.attempt(id);
  assertInOrder({
    created: task.created_at,
    started: task.started_at,
    "attempt started": attempt.started_at,
    prompted: attempt.prompted_at,
    "attempt ended": attempt.ended_at,
    completed: task.completed_at,
  });
  assert.equal(attempt.outcome, "completed");
  assert.equal(attempt.session_id, task.session_id);
  assert.equal(attempt.resumes, 0);
  const { tokens_input, tokens_output, tokens_reasoning } = attempt;
  assert.deepEqual({ tokens_input, tokens_output, tokens_reasoning }, { tokens_input: 100, tokens_output: 20, tokens_reasoning: 0 });

  const [question, answer, ...more] = await world.messages(id);
  assert.deepEqual(more, []);
  assert.equal(question.message_id, attempt.message_id);
  assert.deepEqual([question.role, question.text], ["user", prompt]);
  assert.deepEqual([answer.role, answer.text, answer.finish, answer.error], ["assistant", `answer to: ${prompt}`, "stop", null]);
  assert.equal(answer.model, "offline/echo");
  assert.deepEqual([answer.tokens_input, answer.tokens_output], [100, 20]);
  assertInOrder({ asked: question.created_at, answering: answer.created_at, answered: answer.completed_at });

  assertSubsequence(await world.eventKinds(id), ["queued", "starting", "running", "completed"]);
  assert.equal((await world.calls(prompt)).length, 1);
});

test("completed: the server has one user message with one part, ours", async () => {
  const { id } = await ask(tag("once"), "--description", "Überschrift ✓");
  const attempt = await world.attempt(id);
  const session = await world.openCode(`/session/${attempt.session_id}`);
  assert.equal(session.title, `Background: Überschrift ✓ [${attempt.nonce}]`);
  assert.equal(session.directory, world.work);
  const messages = await world.openCode(`/session/${attempt.session_id}/message`);
  const asked = messages.filter(({ info }) => info.role === "user");
  assert.deepEqual(asked.map(({ info }) => info.id), [attempt.message_id]);
  assert.deepEqual(asked[0].parts.map((part) => part.id), [attempt.part_id]);
});

test("a task without a description has its prompt in the session's title", async () => {
  const prompt = tag("title");
  const { task } = await ask(prompt);
  const session = await world.openCode(`/session/${task.session_id}`);
  assert.ok(session.title.startsWith(`Background: ${prompt}`), session.title);
});

test("unicode goes there and back", async () => {
  const text = "naïve Ω 日本語 👩‍👩‍👧 עברית e\u0301 \u{10ffff}";
  const { id, task } = await ask(`${tag("unicode")} [say ${text}]`);
  assert.equal(task.result, text);
  await assertResult(id, text);
  assert.equal((await world.messages(id))[0].text, task.prompt);
});

test("lone surrogates and NUL in an answer become U+FFFD", async () => {
  const { id, task } = await ask(`${tag("surrogate")} [surrogate]`);
  assert.deepEqual(final(task), completed("half a pair: \ufffd and a NUL: \ufffd and the end"));
  await assertResult(id, "half a pair: \ufffd and a NUL: \ufffd and the end");
});

test("a long answer is kept whole", async () => {
  const { id, task } = await ask(`${tag("long")} [long 300000]`);
  assert.equal(task.status, "completed");
  assert.equal(task.result.length, 300000);
  assert.equal((await world.vigil(["result", String(id)])).stdout, `${task.result}\n`);
  assert.equal((await world.attempt(id)).tokens_output, 75000);
});

test("a prompt of 5 MB arrives whole", async () => {
  const word = tag("large");
  const prompt = `${word} ${"0123456789abcde\n".repeat((5 << 20) / 16)}end`;
  const id = Number(await world.ok(["add", "-"], { input: prompt }));
  const task = await world.finish(id);
  assert.equal(task.status, "completed", task.error);
  assert.ok(task.result.startsWith(`answer to: ${word} 0123456789abcde`));
  const messages = await world.openCode(`/session/${task.session_id}/message`);
  assert.equal(messages[0].parts[0].text, prompt);
  assert.equal((await world.calls(word)).length, 1);
});

test("reasoning is kept apart from the answer", async () => {
  const { id, task } = await ask(`${tag("think")} [think hm, let me see] [say forty-two]`);
  assert.equal(task.result, "forty-two");
  assert.equal((await world.messages(id)).at(-1).reasoning, "hm, let me see");
  await assertResult(id, "forty-two");
  await assertResult(id, "forty-two", "--all");
  await assertResult(id, "hm, let me see\n\nforty-two", "--reasoning");
});

test("tool calls: the result is the final answer, --all has every step's", async () => {
  const word = tag("tools");
  const call = (name) => `[tool bash {"command":"echo ${name} >> tools.txt; cat tools.txt","description":"write"}]`;
  const { id, task } = await ask(`${word} [say first] ${call("one")} [say second] ${call("two")} [say at last]`);
  assert.deepEqual(final(task), completed("at last"));
  assert.deepEqual((await world.calls(word)).map((each) => each.step), [0, 1, 2]);
  const messages = await world.messages(id);
  assert.deepEqual(messages.map((m) => m.finish), [null, "tool-calls", "tool-calls", "stop"]);
  const { tokens_input, tokens_output } = await world.attempt(id);
  assert.deepEqual([tokens_input, tokens_output], [300, 60]);
  await assertResult(id, "at last");
  await assertResult(id, "first\n\nsecond\n\nat last", "--all");
});

test("a tool that fails does not fail the task", async () => {
  const { task } = await ask(`${tag("bad tool")} [tool read {"filePath":"nothing.txt"}] [say it is not there]`);
  assert.deepEqual(final(task), completed("it is not there"));
});

test("a tool step that says `stop` is no answer", async () => {
  const { task } = await ask(`${tag("tool-stop")} [say not yet] [tool-stop bash {"command":"true","description":"nothing"}] [say now]`);
  const { goesOnAfterToolStop } = await world.openCodeDoes();
  if (goesOnAfterToolStop) assert.deepEqual(final(task), completed("now"));
  else assert.deepEqual([task.status, task.error_kind], ["failed", "interrupted"]);
});

test("an error of the provider fails the task, in the provider's words", async () => {
  const word = tag("refused by the provider");
  const { id, task } = await ask(`${word} [fail 401]`);
  assert.deepEqual([task.status, task.error_kind, task.result], ["failed", "agent", null]);
  assert.match(task.error, /the script says: fail with 401/);
  const attempt = await world.attempt(id);
  assert.deepEqual([attempt.outcome, attempt.error, attempt.error_kind], ["failed", task.error, "agent"]);
  assert.equal((await world.calls(word)).length, 1);
  await assertFailed(id, /the script says: fail with 401/);
});

test("a provider that is overloaded once is asked again by OpenCode, in the same attempt", async () => {
  const word = tag("overloaded");
  const { id, task } = await ask(`${word} [fail-once 503]`);
  assert.deepEqual(final(task), completed(`answer to: ${word}`));
  assert.deepEqual((await world.calls(word)).map((call) => call.outcome), ["failed", "done"]);
  await world.attempt(id);
});

test("an empty answer is a failure", async () => {
  const word = tag("empty");
  const { id, task } = await ask(`${word} [empty]`);
  assert.deepEqual([task.status, task.error_kind, task.result], ["failed", "empty", null]);
  assert.equal((await world.calls(word)).length, 1);
  await assertFailed(id, /without a word of answer/);
});

test("an answer that was cut off is a failure; its text is kept", async () => {
  const { id, task } = await ask(`${tag("cut off")} [say as far as it goes] [finish length]`);
  assert.deepEqual([task.status, task.error_kind, task.result], ["failed", "agent", "as far as it goes"]);
  const result = await world.vigil(["result", String(id)]);
  assert.deepEqual([result.status, result.stdout], [1, "as far as it goes\n"]);
  assert.match(result.stderr, /cut off/);
});

test("a model that ends its steps in a way that OpenCode does not know is stopped, since it would be asked for ever", async () => {
  const word = tag("loop");
  const { task } = await ask(`${word} [finish-unknown] [say well]`);
  assert.deepEqual([task.status, task.error_kind], ["failed", "agent"], task.error);
  assert.match(task.error, /again and again/);
  const calls = (await world.calls(word)).length;
  assert.ok(calls < 100, `it was asked ${calls} times`);
  assert.ok(!(await world.busySessions()).includes(task.session_id), "its session is idle");
  await ask(`${tag("meanwhile")} [delay 1]`);
  assert.equal((await world.calls(word)).length, calls, "the model is left alone");
});

test("a connection that is cut in the middle of an answer is no answer: OpenCode asks again, the reason is shown", async () => {
  const word = tag("cut");
  const id = await world.add(`${word} [cut] [say one two three four five six seven eight]`);
  await world.called(word, { times: 2 });
  await until("the reason is shown", async () => (await world.task(id)).note, { hint: () => world.story([id]) });
  const { status, result } = await world.task(id);
  assert.deepEqual([status, result], ["running", null]);
  await world.ok(["cancel", String(id)]);
  assert.equal((await world.finish(id)).status, "cancelled");
  await world.attempt(id);
});

test("a turn that goes on after a compaction is followed to its answer", async () => {
  const word = tag("compaction");
  const call = '[tool bash {"command":"true","description":"nothing"}]';
  const { id, task } = await ask("--model", "offline/small", `${word} [say first] [tokens 6000] ${call} [say never]`);
  assert.equal(task.status, "completed", task.error);
  // The model is asked by OpenCode to go on, in a message of its own.
  assert.match(task.result, /^answer to: Continue/);
  const messages = await world.messages(id);
  assert.ok(messages.some((message) => message.summary === 1));
  assert.equal((await world.vigil(["result", String(id), "--all"])).stdout, `first\n\n${task.result}\n`);
  assert.equal((await world.calls(word)).length, 1);
});

test("result --json", async () => {
  const { id, task } = await ask(`${tag("json")} [say {"a": "b"}]`);
  const { result, result_cut, error_kind, error } = task;
  assert.deepEqual(JSON.parse(await world.ok(["result", "--json", String(id)])), { id, status: "completed", result, result_cut, error_kind, error });
});
