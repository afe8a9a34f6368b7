// Sends one step of a script as an answer to /v1/chat/completions.

import { setTimeout as sleep } from "node:timers/promises";

/** Cuts a text into at most `most` pieces between words, which keeps characters whole. */
export function pieces(text, most) {
  const all = text.match(/\S+\s*|\s+/g) ?? [];
  const each = Math.ceil(all.length / most);
  const out = [];
  for (let i = 0; i < all.length; i += each) out.push(all.slice(i, i + each).join(""));
  return out;
}

export function sendJson(res, status, body) {
  res.writeHead(status, { "content-type": "application/json" });
  res.end(JSON.stringify(body));
}

const ERROR_TYPES = { 400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error" };

export function sendError(res, status, message) {
  sendJson(res, status, { error: { message, type: ERROR_TYPES[status] ?? "server_error", param: null, code: status } });
}

const gone = (signal) => new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));

/**
 * Answers with a step. `fails` says whether its failure is still due; `opened(word)` waits until it is;
 * `signal` is aborted when the client goes.
 * Throws an AbortError then.
 *
 * @returns {Promise<"done"|"failed">}
 */
export async function send(res, { id, model, stream, step, fails, opened, signal }) {
  await sleep(step.delay * 1000, undefined, { signal });
  if (step.until !== undefined) await Promise.race([opened(step.until), gone(signal)]);
  signal.throwIfAborted();
  if (fails) {
    sendError(res, step.fail.status, `the script says: fail with ${step.fail.status}`);
    return "failed";
  }
  if (step.hang === "start") {
    await gone(signal);
    signal.throwIfAborted();
  }
  const head = { id, created: Math.floor(Date.now() / 1000), model };
  const answer = stream ? new Stream(res, head) : new Whole(res, head);
  answer.add({ role: "assistant", content: "" });
  if (step.think) for (const piece of pieces(step.think, 4)) answer.add({ reasoning_content: piece });

  const parts = pieces(step.text, step.slow > 0 ? 20 : step.text.length > 10000 ? 100 : 5);
  for (const [i, part] of parts.entries()) {
    if (i > 0 && (step.hang || step.cut)) break;
    answer.add({ content: part });
    await sleep((step.slow * 1000) / parts.length, undefined, { signal });
  }
  if (step.hang) {
    await gone(signal);
    signal.throwIfAborted();
  }
  if (step.cut) {
    res.destroy();
    return "failed";
  }
  if (step.tool) {
    answer.add({ tool_calls: [{ index: 0, id: `call_${id}`, type: "function", function: step.tool }] });
  }
  answer.end(step.finish, step.usage);
  return "done";
}

/** An answer sent as it comes: server-sent events, the usage in the last one. */
class Stream {
  constructor(res, head) {
    this.res = res;
    this.head = { ...head, object: "chat.completion.chunk" };
    res.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  }

  event(fields) {
    this.res.write(`data: ${JSON.stringify({ ...this.head, ...fields })}\n\n`);
  }

  add(delta) {
    this.event({ choices: [{ index: 0, delta, finish_reason: null }] });
  }

  end(finish, usage) {
    this.event({ choices: [{ index: 0, delta: {}, finish_reason: finish }] });
    this.event({ choices: [], usage });
    this.res.end("data: [DONE]\n\n");
  }
}

/** An answer collected and sent at its end. */
class Whole {
  constructor(res, head) {
    this.res = res;
    this.head = { ...head, object: "chat.completion" };
    this.message = {};
  }

  add(delta) {
    for (const [key, value] of Object.entries(delta)) {
      if (typeof value === "string" && key !== "role") this.message[key] = (this.message[key] ?? "") + value;
      else this.message[key] = value;
    }
  }

  end(finish, usage) {
    const choice = { index: 0, message: this.message, finish_reason: finish };
    sendJson(this.res, 200, { ...this.head, choices: [choice], usage });
  }
}
