// What a prompt asks the offline model to do: words in square brackets become a list of steps.
//
//   [say TEXT]            the answer is exactly TEXT
//   [think TEXT]          reasoning comes first
//   [long BYTES]          an answer of that many bytes
//   [empty]               no text at all
//   [surrogate]           the answer holds half a surrogate pair and a NUL character
//   [tool NAME {JSON}]    a tool call; several make several steps, one call each, in order
//   [tool-stop NAME {JSON}]   the same, and the step says that it finished with "stop"
//   [delay SECONDS]       wait before the first token
//   [until WORD]          wait before the first token until somebody opens WORD (POST /open?word=WORD)
//   [slow SECONDS]        spread the answer over that time
//   [fail STATUS]         answer with that HTTP status, always
//   [fail STATUS TIMES]   so many times for this very prompt, then succeed
//   [fail-once STATUS]    the same, once
//   [hang]                never answer
//   [hang-midway]         a few tokens, then silence
//   [cut]                 a few tokens, then the connection is closed
//   [finish REASON]       finish with that reason, known or not
//   [finish-unknown]      finish with a reason that nobody knows
//   [tokens NUMBER]       report that many prompt tokens (a full context makes OpenCode compact)
//   [compaction-delay SECONDS]   the summary that a compaction asks for comes so late
//   [compaction-fail STATUS]     and this one is answered with that HTTP status
//
// A step ends at its tool call: what stands before the call belongs to it, what stands after the last call
// belongs to the final answer. Anything else in brackets is text.

/** The most of a prompt that the answer repeats. */
export const ECHO_LIMIT = 2000;

const OPENING = /\[([a-z]+(?:-[a-z]+)*)(?=[\s\]])/g;

const number = (text) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined);
const count = (text) => (/^\d+$/.test(text) ? Number(text) : undefined);

function status(text) {
  const value = count(text);
  return value >= 400 && value <= 599 ? value : undefined;
}

function failure(text) {
  const [code, times = "Infinity", ...rest] = text.split(/\s+/);
  const limit = times === "Infinity" ? Infinity : count(times);
  if (rest.length > 0 || status(code) === undefined || limit === undefined) return undefined;
  return { status: status(code), times: limit };
}

function toolCall(text, finish) {
  const [, name, json = "{}"] = /^(\S+)(?:\s+([^]*))?$/.exec(text) ?? [];
  if (name === undefined) return undefined;
  try {
    return { tool: { name, arguments: JSON.stringify(JSON.parse(json)) }, finish };
  } catch {
    return undefined;
  }
}

const field = (name, read) => (text) => {
  const value = read(text);
  return value === undefined ? undefined : { [name]: value };
};
const flag = (fields) => (text) => (text === "" ? fields : undefined);
const words = (text) => (text === "" ? undefined : text);
const name = (text) => (/^\S+$/.test(text) ? text : undefined);

/** Each directive: what its argument adds to the step, or undefined where the argument is not of its kind. */
const DIRECTIVES = {
  say: field("text", words),
  think: field("think", words),
  long: field("long", count),
  empty: flag({ text: "" }),
  surrogate: flag({ text: "half a pair: \ud83d and a NUL: \u0000 and the end" }),
  tool: (text) => toolCall(text, "tool_calls"),
  "tool-stop": (text) => toolCall(text, "stop"),
  delay: field("delay", number),
  until: field("until", name),
  slow: field("slow", number),
  fail: field("fail", failure),
  "fail-once": field("fail", (text) => failure(`${text} 1`)),
  hang: flag({ hang: "start" }),
  "hang-midway": flag({ hang: "midway" }),
  cut: flag({ cut: true }),
  finish: field("finish", name),
  "finish-unknown": flag({ finish: "out_of_breath" }),
  tokens: field("promptTokens", count),
  "compaction-delay": field("compactionDelay", number),
  "compaction-fail": field("compactionFail", failure),
};

/**
 * Where the bracket that opens before `from` closes, or -1. Brackets inside it count in pairs; with `json`, those
 * inside a JSON string do not count at all.
 */
function closing(text, from, json) {
  let depth = 1;
  let quoted = false;
  for (let i = from; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c === "\\") i++;
      else if (c === '"') quoted = false;
    } else if (json && c === '"') quoted = true;
    else if (c === "[") depth++;
    else if (c === "]" && --depth === 0) return i;
  }
  return -1;
}

/**
 * Reads a prompt.
 *
 * @returns {{words: string[], text: string, steps: object[]}} the directives as typed, the prompt without them,
 *   and the steps: `steps.at(-1)` is the final answer, each before it ends in a tool call.
 */
export function parse(prompt) {
  const { words, text, steps } = read(prompt);
  return { words, text, steps: steps.map((step) => complete(step, text)) };
}

/** The same, with nothing in a step but what it says itself. */
function read(prompt) {
  const typed = [];
  const steps = [{}];
  let text = "";
  let end = 0;
  OPENING.lastIndex = 0;
  for (let match; (match = OPENING.exec(prompt)) !== null; ) {
    const name = match[1];
    if (!Object.hasOwn(DIRECTIVES, name)) continue;
    const start = match.index + match[0].length;
    const close = closing(prompt, start, name.startsWith("tool"));
    // Nothing closes it: the rest is text.
    if (close < 0) break;
    const fields = DIRECTIVES[name](prompt.slice(start, close).trim());
    if (fields === undefined) continue;
    Object.assign(steps.at(-1), fields);
    if (fields.tool) steps.push({});
    typed.push(prompt.slice(match.index + 1, close));
    text += prompt.slice(end, match.index);
    end = OPENING.lastIndex = close + 1;
    // The space around a directive goes with it.
    if (prompt[end] === " " && (text === "" || text.endsWith(" "))) end++;
  }
  text = (text + prompt.slice(end)).trim();
  return { words: typed, text, steps };
}

/** A script like parse()'s for the summary of a compaction: what is said of it stands in any prompt of the session. */
export function parseSummary(messages) {
  const prompts = messages.filter(({ role }) => role === "user").map(({ content }) => text(content));
  const { compactionDelay, compactionFail } = Object.assign({}, ...prompts.flatMap((prompt) => read(prompt).steps));
  return { words: [], text: "", steps: [complete({ text: "a summary", delay: compactionDelay, fail: compactionFail })] };
}

/** Gives a step all that it does not say itself. */
function complete(step, text) {
  let answer = step.text;
  if (step.long !== undefined) answer = filler(step.long);
  else if (answer === undefined) answer = step.tool ? "" : echo(text);
  return {
    text: answer,
    think: step.think ?? "",
    tool: step.tool,
    delay: step.delay ?? 0,
    until: step.until,
    slow: step.slow ?? 0,
    fail: step.fail,
    hang: step.hang,
    cut: step.cut ?? false,
    finish: step.finish ?? "stop",
    usage: usage(step.promptTokens ?? 100, step.long === undefined ? 20 : Math.max(20, Math.ceil(step.long / 4))),
  };
}

function echo(text) {
  // Not cut within a surrogate pair.
  const shown = text.length > ECHO_LIMIT ? `${text.slice(0, ECHO_LIMIT).replace(/[\ud800-\udbff]$/, "")}…` : text;
  return `answer to: ${shown}`;
}

function filler(bytes) {
  const line = "the quick brown fox jumps over the lazy dog and goes on its way\n";
  // The last byte is no space: OpenCode may trim the end of an answer.
  return bytes === 0 ? "" : `${line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes - 1)}.`;
}

function usage(prompt, completion) {
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

const REMINDER = /<system-reminder>([^]*?)<\/system-reminder>/g;
const STEERED = /The user sent the following message:\s*([^]*?)\s*Please address this message and continue/;

/** The text that a person wrote in a user message, without what OpenCode adds to it; "" where there is none. */
function written(content) {
  const parts = typeof content === "string" ? [content] : (content ?? []).map((part) => part.text ?? "");
  // A message that arrives while a turn runs is shown to the model inside a reminder.
  return parts
    .map((part) => part.replace(REMINDER, (_, inner) => STEERED.exec(inner)?.[1] ?? ""))
    .filter((part) => part.trim() !== "")
    .join("\n")
    .trim();
}

/**
 * Finds, in a request's messages, the newest prompt and how far the answer to it has come.
 *
 * @returns {{prompt: string, step: number}} `step` counts the tool calls made since
 */
export function newestPrompt(messages) {
  let step = 0;
  for (let i = messages.length - 1; i >= 0; i--) {
    const { role, content, tool_calls: calls } = messages[i];
    if (role === "assistant") step += calls?.length ?? 0;
    const prompt = role === "user" ? written(content) : "";
    if (prompt !== "") return { prompt, step };
  }
  return { prompt: "", step };
}

const SUMMARY = /continuing our conversation|conversation so far|anchored summary/i;

/**
 * What OpenCode wants: "title" and "summary" are its own calls, without tools, for a session's title and for its
 * compaction; "answer" is all else.
 */
export function purpose(messages, tools) {
  if (tools.length > 0) return "answer";
  if (messages.some((m) => m.role === "system" && /title generator/i.test(text(m.content)))) return "title";
  const last = messages.at(-1);
  return last?.role === "user" && SUMMARY.test(text(last.content)) ? "summary" : "answer";
}

function text(content) {
  return typeof content === "string" ? content : (content ?? []).map((part) => part.text ?? "").join("\n");
}
