// node --test tools/offline-model/test.js

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { config } from "./config.js";
import { pieces } from "./reply.js";
import { ECHO_LIMIT, newestPrompt, parse, purpose } from "./script.js";
import { createModel, MODELS } from "./server.js";

const last = (prompt) => parse(prompt).steps.at(-1);

describe("the script in a prompt", () => {
  test("a prompt without directives is repeated", () => {
    assert.deepEqual(parse("  two words \n"), {
      words: [],
      text: "two words",
      steps: [
        {
          text: "answer to: two words",
          think: "",
          tool: undefined,
          delay: 0,
          until: undefined,
          slow: 0,
          fail: undefined,
          hang: undefined,
          cut: false,
          finish: "stop",
          usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
        },
      ],
    });
  });

  test("directives are taken out of the text, wherever they stand", () => {
    const { words, text } = parse("a [delay 2] b [slow 0.5]c [empty]");
    assert.deepEqual(words, ["delay 2", "slow 0.5", "empty"]);
    assert.equal(text, "a b c");
  });

  for (const [prompt, expected] of [
    ["[say TEXT [in brackets] ]", { text: "TEXT [in brackets]" }],
    ["[think hm] x", { think: "hm", text: "answer to: x" }],
    ["[empty] x", { text: "" }],
    ["[delay 0.25] x", { delay: 0.25 }],
    ["[until told] x", { until: "told", text: "answer to: x" }],
    ["[slow 3] x", { slow: 3 }],
    ["[fail 500]", { fail: { status: 500, times: Infinity } }],
    ["[fail 503 2]", { fail: { status: 503, times: 2 } }],
    ["[fail-once 429]", { fail: { status: 429, times: 1 } }],
    ["[hang]", { hang: "start" }],
    ["[hang-midway]", { hang: "midway" }],
    ["[cut]", { cut: true }],
    ["[finish length]", { finish: "length" }],
    ["[finish-unknown]", { finish: "out_of_breath" }],
    ["[surrogate]", { text: "half a pair: \ud83d and a NUL: \u0000 and the end" }],
  ]) {
    test(prompt, () => {
      const step = last(prompt);
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(step[key], value);
    });
  }

  test("[long BYTES] is that long and costs tokens; [tokens NUMBER] sets the prompt's", () => {
    const step = last("[long 20001] [tokens 90000]");
    assert.equal(Buffer.byteLength(step.text), 20001);
    assert.deepEqual(step.usage, { prompt_tokens: 90000, completion_tokens: 5001, total_tokens: 95001 });
  });

  for (const prompt of [
    "[x] y",
    "[fail]",
    "[fail 200]",
    "[fail 500 x]",
    "[fail-once]",
    "[delay soon]",
    "[hang on]",
    "[until]",
    "[until a b]",
    "[say ]",
    "[tool]",
    "[tool bash {]",
    '[tool bash {"a":1]',
    "[say open",
    "a[0]",
    "[constructor]",
    "[Say x]",
    "[finish a b]",
  ]) {
    test(`only text: ${prompt}`, () => assert.deepEqual(parse(prompt).words, []));
  }

  test("each tool call ends a step, with what stands before it", () => {
    const bash = String.raw`{"command":"echo ] [ \"]\""}`;
    const { steps, text } = parse(`[delay 1][tool bash ${bash}] [say so][tool-stop read] [empty] go`);
    assert.equal(text, "go");
    assert.deepEqual(
      steps.map(({ tool, delay, text, finish }) => ({ tool, delay, text, finish })),
      [
        { tool: { name: "bash", arguments: bash }, delay: 1, text: "", finish: "tool_calls" },
        { tool: { name: "read", arguments: "{}" }, delay: 0, text: "so", finish: "stop" },
        { tool: undefined, delay: 0, text: "", finish: "stop" },
      ],
    );
  });

  test("a very long prompt is repeated in part, and read in good time", () => {
    const answer = last(`${"x".repeat(ECHO_LIMIT - 1)}😀 ${"[x [say ".repeat(1e6)}`).text;
    assert.equal(answer, `answer to: ${"x".repeat(ECHO_LIMIT - 1)}…`);
  });

  test("pieces put together are the text", () => {
    for (const text of ["", "one", " two  words\n", "a b c d e f g h i j"]) {
      assert.equal(pieces(text, 3).join(""), text);
      assert.ok(pieces(text, 3).length <= 3);
    }
  });
});

describe("the newest prompt of a request", () => {
  const user = (content) => ({ role: "user", content });
  const call = { role: "assistant", content: "", tool_calls: [{}] };
  const result = { role: "tool", content: "ok" };

  test("steps are the tool calls since", () => {
    const messages = [user("a"), call, result, user("b"), call, result, call, result];
    assert.deepEqual(newestPrompt(messages), { prompt: "b", step: 2 });
    assert.deepEqual(newestPrompt([user("a"), { role: "assistant", content: "said" }]), { prompt: "a", step: 0 });
    assert.deepEqual(newestPrompt([]), { prompt: "", step: 0 });
  });

  test("reminders are not the prompt, a message that steers is", () => {
    const reminder = "<system-reminder>\nremember [hang]\n</system-reminder>";
    const steered =
      "<system-reminder>\nThe user sent the following message:\nturn left\n\n" +
      "Please address this message and continue with your tasks.\n</system-reminder>";
    assert.equal(newestPrompt([user([{ type: "text", text: reminder }, { type: "text", text: "a" }])]).prompt, "a");
    assert.equal(newestPrompt([user("a"), user(reminder)]).prompt, "a");
    assert.equal(newestPrompt([user("a"), call, result, user(steered)]).prompt, "turn left");
  });

  test("OpenCode's own calls are told from the session's", () => {
    assert.equal(purpose([{ role: "system", content: "You are a title generator." }, user("a")], []), "title");
    assert.equal(purpose([user("Provide a detailed prompt for continuing our conversation above.")], []), "summary");
    assert.equal(purpose([user("Here is the conversation so far:\n<conversation>")], []), "summary");
    assert.equal(purpose([user("summarise this")], []), "answer");
    assert.equal(purpose([user("continuing our conversation")], ["bash"]), "answer");
  });
});

describe("the server", () => {
  let url;
  let ended;
  const server = createModel({ onEnd: (call) => ended?.(call) });

  before(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${server.address().port}`;
  });
  beforeEach(() => fetch(`${url}/reset`, { method: "POST" }));
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const ask = (prompt, { signal, ...fields } = {}) =>
    fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      signal,
      body: JSON.stringify({ model: "echo", messages: [{ role: "user", content: prompt }], ...fields }),
    });
  const calls = async (query = "") => (await fetch(`${url}/calls${query}`)).json();

  /** The events of a streamed answer. */
  async function events(prompt, fields) {
    const body = await (await ask(prompt, { stream: true, ...fields })).text();
    const lines = body.split("\n\n").filter((line) => line !== "");
    assert.equal(lines.pop(), "data: [DONE]");
    return lines.map((line) => JSON.parse(line.replace(/^data: /, "")));
  }
  const joined = (list, key) => list.map((event) => event.choices[0]?.delta[key] ?? "").join("");

  test("streams in pieces, the usage last", async () => {
    const list = await events("[think let me see] one two three");
    assert.equal(joined(list, "content"), "answer to: one two three");
    assert.equal(joined(list, "reasoning_content"), "let me see");
    assert.ok(list.length > 5);
    assert.equal(list.at(-2).choices[0].finish_reason, "stop");
    assert.deepEqual(list.at(-1).usage, { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 });
  });

  test("answers whole when it is not asked to stream", async () => {
    const body = await (await ask('[say look][tool bash {"command":"true"}]')).json();
    assert.equal(body.choices[0].finish_reason, "tool_calls");
    assert.equal(body.choices[0].message.content, "look");
    assert.deepEqual(body.choices[0].message.tool_calls[0].function, { name: "bash", arguments: '{"command":"true"}' });
  });

  test("goes on after a tool call", async () => {
    const prompt = { role: "user", content: "[tool bash] then" };
    const called = { role: "assistant", content: null, tool_calls: [{ id: "1" }] };
    const list = await events("", { messages: [prompt, called, { role: "tool", tool_call_id: "1", content: "" }] });
    assert.equal(joined(list, "content"), "answer to: then");
  });

  test("sends the surrogate and the NUL as escapes", async () => {
    const body = await (await ask("[surrogate]", { stream: true })).text();
    assert.match(body, /\\ud83d/);
    assert.match(body, /\\u0000/);
  });

  test("fails as told, each prompt counted for itself", async () => {
    const statuses = async (prompt, times) => {
      const out = [];
      for (let i = 0; i < times; i++) out.push((await ask(prompt)).status);
      return out;
    };
    assert.deepEqual(await statuses("[fail 418] a", 2), [418, 418]);
    assert.deepEqual(await statuses("[fail-once 500] a", 2), [500, 200]);
    assert.deepEqual(await statuses("[fail-once 500] b", 2), [500, 200]);
    assert.deepEqual(await statuses("[fail 503 2] c", 3), [503, 503, 200]);
    const error = await (await ask("[fail 401] a")).json();
    assert.equal(error.error.type, "authentication_error");
    await fetch(`${url}/reset`, { method: "POST" });
    assert.deepEqual(await statuses("[fail-once 500] a", 1), [500]);
  });

  test("waits before and while it answers", async () => {
    const start = Date.now();
    await events("[delay 0.1] [slow 0.1] a b c d");
    assert.ok(Date.now() - start >= 190);
  });

  test("a compaction's summary does what any prompt of the session says of it, and nothing else", async () => {
    const user = (content) => ({ role: "user", content });
    const compaction = user("Provide a detailed prompt for continuing our conversation above.");
    const summary = (prompt) => ask("", { messages: [user(prompt), user("meanwhile"), compaction] });
    const answer = await (await summary("[fail 500] [say never]")).json();
    assert.equal(answer.choices[0].message.content, "a summary");
    assert.equal((await summary("[tool bash {}] [compaction-fail 403] [say no]")).status, 403);
    const start = Date.now();
    await (await summary("[compaction-delay 0.1]")).json();
    assert.ok(Date.now() - start >= 90);
    assert.equal((await ask("[compaction-fail 403] a")).status, 200);
  });

  test("waits until it is let go on; what was let go on once waits no more", async () => {
    const held = ask("[until told] red");
    while ((await calls()).calls[0]?.outcome !== "running") await new Promise(setImmediate);
    assert.equal((await fetch(`${url}/open`, { method: "POST" })).status, 400);
    await fetch(`${url}/open?word=another`, { method: "POST" });
    assert.equal((await calls()).calls[0].outcome, "running");
    await fetch(`${url}/open?word=told`, { method: "POST" });
    assert.equal((await (await held).json()).choices[0].message.content, "answer to: red");
    assert.equal((await ask("[until told] blue")).status, 200);
  });

  test("cuts the connection midway", async () => {
    const response = await ask("[cut] one two three four", { stream: true });
    assert.equal(response.status, 200);
    await assert.rejects(response.text());
    assert.equal((await calls()).calls[0].outcome, "failed");
  });

  for (const prompt of ["[hang] x", "[until never] x", "[hang-midway] one two three four", "[delay 60] x"]) {
    test(`${prompt}: a call that the client gives up is aborted`, async () => {
      const end = new Promise((resolve) => (ended = resolve));
      const client = new AbortController();
      const answer = ask(prompt, { stream: true, signal: client.signal }).then((r) => r.text());
      answer.catch(() => {});
      while ((await calls()).calls[0]?.outcome !== "running") await new Promise(setImmediate);
      client.abort();
      await assert.rejects(answer);
      assert.equal((await end).outcome, "aborted");
    });
  }

  test("lists its calls", async () => {
    await events("red", { reasoning_effort: "high", tools: [{ type: "function", function: { name: "bash" } }] });
    await events("[say x] blue");
    const title = { role: "system", content: "You are a title generator." };
    await events("", { messages: [title, { role: "user", content: "blue [hang]" }] });
    const all = await calls();
    assert.equal(all.count, 3);
    const { at, ended_at, ...first } = all.calls[0];
    assert.ok(at <= ended_at);
    assert.deepEqual(first, {
      n: 1,
      outcome: "done",
      model: "echo",
      reasoning_effort: "high",
      session: null,
      prompt: "red",
      words: [],
      step: 0,
      messages: 1,
      tools: ["bash"],
      title: false,
      summary: false,
    });
    assert.deepEqual((await calls("?contains=blue")).calls.map((call) => call.title), [false, true]);
    assert.equal((await calls("?contains=blue&own=no")).count, 1);
  });

  test("names its models, and refuses what it does not know", async () => {
    const models = await (await fetch(`${url}/v1/models`)).json();
    assert.deepEqual(models.data.map((model) => model.id), MODELS);
    assert.deepEqual(Object.keys(config(url).provider.offline.models), MODELS);
    assert.equal((await fetch(`${url}/nowhere`)).status, 404);
    assert.equal((await fetch(`${url}/v1/chat/completions`, { method: "POST", body: "{" })).status, 400);
    assert.equal((await fetch(`${url}/v1/chat/completions`, { method: "POST", body: "{}" })).status, 400);
  });
});

describe("the program", () => {
  const program = fileURLToPath(new URL("server.js", import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), "offline-model-"));
  after(() => rmSync(folder, { recursive: true }));

  test("says where it listens, keeps a log, and ends on SIGTERM", async () => {
    const ready = join(folder, "ready");
    const log = join(folder, "calls.jsonl");
    const child = spawn(process.execPath, [program, "--ready-file", ready, "--log", log]);
    const [line] = await once(child.stdout, "data");
    const url = /^offline-model listening on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(line)[1];
    assert.equal(readFileSync(ready, "utf8"), `${url}\n`);
    const body = JSON.stringify({ model: "echo", messages: [{ role: "user", content: "hi" }] });
    await (await fetch(`${url}/v1/chat/completions`, { method: "POST", body })).text();
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "exit"), [0, null]);
    assert.equal(JSON.parse(readFileSync(log, "utf8")).prompt, "hi");
  });

  test("ends with its parent", async () => {
    const script = `require("node:child_process").spawn(process.execPath, [process.argv[1], "--with-parent"], {
      stdio: ["ignore", "inherit", "inherit"],
    });`;
    const parent = spawn(process.execPath, ["-e", script, program]);
    await once(parent.stdout, "data");
    parent.kill("SIGKILL");
    // Its end of the pipe closes only when the server, which has it too, is gone.
    await once(parent.stdout, "close");
  });

  test("refuses options that it does not know", async () => {
    for (const options of [["--prot", "1"], ["--port", "x"], ["--port", "99999"]]) {
      const child = spawn(process.execPath, [program, ...options]);
      const [[message], [status]] = await Promise.all([once(child.stderr, "data"), once(child, "exit")]);
      assert.match(String(message), /^offline-model: .+\n$/);
      assert.equal(status, 1);
    }
  });
});
