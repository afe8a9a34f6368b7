#!/usr/bin/env node
// Is the fake like the real OpenCode? Asks both the same questions, in the order of a task's life, and compares
// what vigil reads of the answers: which of these fields are there, and of which type. A difference is an error,
// since figures taken with a fake that is not like the real one mean nothing.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { config } from "../../tools/offline-model/config.js";
import { Unmeasured, bench, end, root, sleep, start, startFake, tempFolder, title, until } from "./lib.js";

// ---- what vigil reads: of each answer, paths; "*" is every element or value ----------------------------------

const SESSION = ["id", "parentID", "directory", "title", "time.created", "time.updated"];
const MESSAGE = [
  "info.id", "info.role", "info.parentID", "info.agent", "info.mode", "info.providerID", "info.modelID",
  "info.model.providerID", "info.model.modelID", "info.finish", "info.time.created", "info.time.completed", "info.error",
  "info.tokens.input", "info.tokens.output", "info.tokens.reasoning", "info.tokens.cache.read", "info.tokens.cache.write",
  "info.cost", "info.summary", "parts.*.type", "parts.*.text", "parts.*.synthetic", "parts.*.ignored", "parts.*.state",
];
const under = (prefix, paths) => paths.map((path) => `${prefix}.${path}`);

const READ = {
  health: ["healthy", "version"],
  agents: ["*.name", "*.hidden"],
  models: ["providers.*.id", "providers.*.models.*.variants", "providers.*.models.*.variants.*", "default.*"],
  permissions: [""],
  questions: [""],
  create: SESSION,
  session: SESSION,
  search: under("*", SESSION),
  children: ["*"],
  prompt: ["*"],
  "status, busy": ["*.type", "*.attempt", "*.message", "*.next"],
  "messages, running": under("*", MESSAGE),
  messages: under("*", MESSAGE),
  "status, idle": ["*.type"],
  abort: [""],
  "no such session": ["name", "data.message"],
};

const EVENT = [
  "directory", "payload.type", "payload.properties.sessionID", "payload.properties.status.type", "payload.properties.info.id",
  "payload.properties.info.sessionID", "payload.properties.part.id", "payload.properties.part.messageID",
  "payload.properties.part.sessionID", "payload.properties.messageID", "payload.properties.partID",
  "payload.properties.field", "payload.properties.delta",
];

/** The events that vigil goes by. */
const HEARD = ["session.status", "session.idle", "message.updated", "message.part.updated", "message.part.delta"];

function typeOf(value) {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** "path: type" of what is found at a path. */
function found(value, path) {
  const walk = (at, keys, done) => {
    if (at === undefined) return [];
    if (!keys.length) return [`${done || "the answer"}: ${typeOf(at)}`];
    const [key, ...rest] = keys;
    if (at === null || typeof at !== "object") return [];
    const next = key === "*" ? Object.values(at) : [at[key]];
    return next.flatMap((item) => walk(item, rest, done ? `${done}.${key}` : key));
  };
  return walk(value, path ? path.split(".") : [], "");
}

const shape = (value, paths) => new Set(paths.flatMap((path) => found(value, path)));

// ---- a task's life, asked for as vigil does ------------------------------------------------------------------

function messageId(prefix, ms) {
  const time = (BigInt(ms) * 4096n + 1n) & 0xffffffffffffn;
  return `${prefix}_${time.toString(16).padStart(12, "0")}aaaaaaaaaaaaaa`;
}

function listen(url, events) {
  const aborter = new AbortController();
  const read = async () => {
    const { body } = await fetch(`${url}/global/event`, { signal: aborter.signal });
    let rest = "";
    for await (const piece of body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + piece).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) events.push(JSON.parse(block.replace(/^data: /, "")));
    }
  };
  read().catch(() => {});
  return () => aborter.abort();
}

async function ask(url, method, path, body) {
  const answer = await fetch(url + path, {
    method,
    headers: { "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(30000),
  });
  const text = await answer.text();
  return { status: answer.status, value: text ? JSON.parse(text) : {} };
}

/** All answers by the names in READ. `release` lets the session finish. */
async function liveThrough(url, directory, release) {
  const where = `?directory=${encodeURIComponent(directory)}`;
  const answers = {};
  const events = [];
  const keep = async (name, ...request) => (answers[name] = await ask(url, ...request)).value;

  await keep("health", "GET", "/global/health");
  await keep("agents", "GET", `/agent${where}`);
  await keep("models", "GET", `/config/providers${where}`);
  await keep("permissions", "GET", `/permission${where}`);
  await keep("questions", "GET", `/question${where}`);
  const stop = listen(url, events);
  await until("the first event", () => events.length);
  await sleep(200); // the real one can be a little late to listen itself
  const mark = { vigil: { nonce: "abcdefghijklmnop", task: 1, attempt: 1 } };
  const session = await keep("create", "POST", `/session${where}`, {
    title: "Background: a check [abcdefghijklmnop]", metadata: mark, permission: [{ permission: "question", pattern: "*", action: "deny" }],
  });
  const path = `/session/${session.id}`;
  await keep("session", "GET", path);
  await keep("search", "GET", `/session${where}&start=${session.time.created}&limit=100&search=abcdefghijklmnop`);
  await keep("children", "GET", `${path}/children`);
  await keep("prompt", "POST", `${path}/prompt_async${where}`, {
    messageID: messageId("msg", session.time.created),
    parts: [{ id: messageId("prt", session.time.created), type: "text", text: "[slow 2] [say one two three four five six seven eight]" }],
  });
  const isBusy = async () => session.id in (await keep("status, busy", "GET", `/session/status${where}`));
  await until("a busy session", isBusy);
  const isAnswering = async () => (await keep("messages, running", "GET", `${path}/message?limit=32`))[1]?.parts.length;
  await until("an answer's beginning", isAnswering);
  await release();
  await until("an idle session", async () => !(session.id in (await keep("status, idle", "GET", `/session/status${where}`))));
  await keep("messages", "GET", `${path}/message?limit=32`);
  await keep("abort", "POST", `${path}/abort${where}`);
  await keep("no such session", "GET", "/session/ses_doesnotexist000000000000000");
  stop();
  return { answers, events: events.filter((event) => event.payload.properties?.sessionID === session.id) };
}

// ---- the real one ----------------------------------------------------------------------------------------------

async function startReal() {
  const binary = process.env.OPENCODE ? resolve(process.env.OPENCODE) : execFileSync(join(root, "tools/opencode/install")).toString().trim();
  const home = tempFolder();
  const ready = join(home, "model-url");
  const env = { ...process.env, HOME: home, OPENCODE_DISABLE_AUTOUPDATE: "1", OPENCODE_DISABLE_MODELS_FETCH: "1" };
  for (const name of Object.keys(env)) if (/^(XDG_|OPENCODE_SERVER_|OPENCODE_CONFIG)/.test(name)) delete env[name];
  const answering = start(process.execPath, [join(root, "tools/offline-model/server.js"), "--ready-file", ready, "--with-parent"]);
  const model = await until("the offline model", () => {
    try {
      return readFileSync(ready, "utf8").trim();
    } catch {
      return "";
    }
  });
  mkdirSync(join(home, ".config/opencode"), { recursive: true });
  mkdirSync(join(home, "project"));
  writeFileSync(join(home, ".config/opencode/opencode.json"), JSON.stringify(config(model)));
  const child = start(binary, ["serve", "--port", "0", "--hostname", "127.0.0.1"], { env, cwd: join(home, "project") });
  const url = await until("the real OpenCode", () => child.said.match(/listening on (http:\S+)/)?.[1]);
  // Just after the port opens, a connection can be taken and never answered.
  const isUp = () => fetch(`${url}/global/health`, { signal: AbortSignal.timeout(500) }).then(({ ok }) => ok, () => false);
  await until("the real OpenCode's health", isUp);
  return { url, directory: join(home, "project"), children: [child, answering] };
}

// ---- comparing -----------------------------------------------------------------------------------------------

function difference(what, real, fake) {
  const missing = [...real].filter((entry) => !fake.has(entry));
  const extra = [...fake].filter((entry) => !real.has(entry));
  return [...missing.map((entry) => `${what}: only the real one has ${entry}`), ...extra.map((entry) => `${what}: only the fake has ${entry}`)];
}

function compareAnswers(real, fake) {
  return Object.entries(READ).flatMap(([name, paths]) => {
    const [a, b] = [real.answers[name], fake.answers[name]];
    const statuses = a.status === b.status ? [] : [`${name}: status ${a.status} of the real one, ${b.status} of the fake`];
    return statuses.concat(difference(name, shape(a.value, paths), shape(b.value, paths)));
  });
}

function compareEvents(real, fake) {
  return HEARD.flatMap((type) => {
    const of = ({ events }) => new Set(events.filter(({ payload }) => payload.type === type).flatMap((event) => [...shape(event, EVENT)]));
    return difference(`event ${type}`, of(real), of(fake));
  });
}

export async function checkFake() {
  const { url, directory, children } = await startReal();
  const fake = await startFake();
  const [real, ours] = await Promise.all([
    liveThrough(url, directory, async () => {}),
    liveThrough(fake.url, directory, () => fake.control("/_release")),
  ]);
  for (const child of [...children, fake.child]) await end(child);
  const differences = [...compareAnswers(real, ours), ...compareEvents(real, ours)];
  if (differences.length) throw new Unmeasured(`the fake is not like OpenCode ${real.answers.health.value.version}:\n  ${differences.join("\n  ")}`);
  title(`the fake server answers as OpenCode ${real.answers.health.value.version} does: ${Object.keys(READ).length} answers and ${HEARD.length} kinds of events compared`);
}

if (import.meta.url === pathToFileURL(resolve(process.argv[1])).href) await bench(checkFake);
