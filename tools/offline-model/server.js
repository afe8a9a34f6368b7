// An OpenAI-compatible model server that does what the prompt says: for tests and the demo, without network,
// keys or cost. Words in square brackets in the newest user text script the answer: script.js lists them.
//
//   node server.js [--port N] [--ready-file FILE] [--log FILE.jsonl] [--with-parent]
//
// It listens on 127.0.0.1 alone, on a free port unless told one, and prints where. --ready-file names a file
// that appears with the address in it once the server answers; --log one to which each call is added at its
// end; --with-parent ends the server with the process that started it, so that a test that dies leaves
// nothing behind.
//
//   POST /v1/chat/completions, GET /v1/models    the model
//   GET /calls[?contains=TEXT][&own=no]          what was asked so far; without OpenCode's own calls
//   POST /open?word=WORD                         let go on what waits with [until WORD], or will
//   POST /reset                                  forget them, what has failed so far, and what was opened

import { appendFileSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { send, sendError, sendJson } from "./reply.js";
import { newestPrompt, parse, parseSummary, purpose } from "./script.js";

const BODY_LIMIT = 256 * 1024 * 1024;
const PROMPT_SHOWN = 2000;
export const MODELS = ["echo", "echo2", "small"];

async function readJson(req) {
  const chunks = [];
  let size = 0;
  for await (const chunk of req) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw new Error("the body is too long");
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

/** OpenCode's own calls quote the prompt: its directives are not meant for them, but for those of a compaction. */
function scriptOf(wanted, prompt, messages) {
  if (wanted === "answer") return parse(prompt);
  return wanted === "summary" ? parseSummary(messages) : parse("[say a title]");
}

/** The server, not yet listening. `onEnd` is called with each call's record when it is over. */
export function createModel({ onEnd = () => {} } = {}) {
  let calls = [];
  let failures = new Map();
  let gates = new Map();

  /** The gate of that word: {opened, open}. */
  function gate(word) {
    if (!gates.has(word)) {
      const made = {};
      made.opened = new Promise((resolve) => (made.open = resolve));
      gates.set(word, made);
    }
    return gates.get(word);
  }

  /** Whether the step's failure is due at this call; counts it. */
  function failsNow(step, prompt) {
    if (!step.fail) return false;
    const before = failures.get(prompt) ?? 0;
    failures.set(prompt, before + 1);
    return before < step.fail.times;
  }

  async function complete(req, res) {
    let body;
    try {
      body = await readJson(req);
      if (!Array.isArray(body.messages)) throw new Error("messages is not a list");
    } catch (error) {
      return sendError(res, 400, `bad request: ${error.message}`);
    }
    const { messages, model } = body;
    const tools = (body.tools ?? []).map((tool) => tool.function?.name);
    const { prompt, step: number } = newestPrompt(messages);
    const wanted = purpose(messages, tools);
    const script = scriptOf(wanted, prompt, messages);
    const step = script.steps[Math.min(number, script.steps.length - 1)];

    const call = {
      n: calls.length + 1,
      at: Date.now(),
      ended_at: null,
      outcome: "running",
      model,
      reasoning_effort: body.reasoning_effort ?? null,
      session: req.headers["x-session-affinity"] ?? null,
      prompt: prompt.slice(0, PROMPT_SHOWN),
      words: script.words,
      step: number,
      messages: messages.length,
      tools,
      title: wanted === "title",
      summary: wanted === "summary",
    };
    calls.push(call);

    const client = new AbortController();
    res.on("close", () => res.writableFinished || client.abort());
    try {
      const fails = failsNow(step, prompt);
      const id = `offline-${call.n}`;
      const opened = (word) => gate(word).opened;
      const wish = { id, model, stream: body.stream === true, step, fails, opened, signal: client.signal };
      call.outcome = await send(res, wish);
    } catch (error) {
      call.outcome = error.name === "AbortError" ? "aborted" : "failed";
      if (call.outcome === "failed") console.error(error);
      res.destroy();
    }
    call.ended_at = Date.now();
    onEnd(call);
  }

  function listCalls(query) {
    const contains = query.get("contains") ?? "";
    const own = query.get("own") !== "no";
    return calls.filter((call) => call.prompt.includes(contains) && (own || !(call.title || call.summary)));
  }

  return createServer((req, res) => {
    const url = new URL(req.url, "http://localhost");
    switch (`${req.method} ${url.pathname}`) {
      case "POST /v1/chat/completions":
        return complete(req, res);
      case "GET /v1/models":
        return sendJson(res, 200, { object: "list", data: MODELS.map((id) => ({ id, object: "model" })) });
      case "GET /calls": {
        const found = listCalls(url.searchParams);
        return sendJson(res, 200, { count: found.length, calls: found });
      }
      case "POST /reset":
        calls = [];
        failures = new Map();
        gates = new Map();
        return sendJson(res, 200, {});
      case "POST /open":
        if (!url.searchParams.get("word")) return sendError(res, 400, "which word?");
        gate(url.searchParams.get("word")).open();
        return sendJson(res, 200, {});
      default:
        return sendError(res, 404, `no such route: ${req.method} ${url.pathname}`);
    }
  });
}

function fail(message) {
  console.error(`offline-model: ${message}`);
  process.exit(1);
}

function main() {
  let options;
  try {
    ({ values: options } = parseArgs({
      options: {
        port: { type: "string", default: "0" },
        "ready-file": { type: "string" },
        log: { type: "string" },
        "with-parent": { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    fail(error.message);
  }
  if (!/^\d{1,5}$/.test(options.port) || Number(options.port) > 65535) fail(`not a port: '${options.port}'`);

  const onEnd = (call) => options.log && appendFileSync(options.log, `${JSON.stringify(call)}\n`);
  const server = createModel({ onEnd });
  server.on("error", (error) => fail(error.message));
  server.listen(Number(options.port), "127.0.0.1", () => {
    const url = `http://127.0.0.1:${server.address().port}`;
    const ready = options["ready-file"];
    if (ready) {
      // Under its name only when it is whole: whoever waits for the file may read it at once.
      writeFileSync(`${ready}.new`, `${url}\n`);
      renameSync(`${ready}.new`, ready);
    }
    console.log(`offline-model listening on ${url}`);
  });

  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => process.exit(0));
  if (options["with-parent"]) {
    const parent = process.ppid;
    setInterval(() => process.ppid === parent || process.exit(0), 250);
  }
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) main();
