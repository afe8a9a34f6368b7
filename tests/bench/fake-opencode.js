#!/usr/bin/env node
// An OpenCode server that works on nothing: the routes that vigil uses, with answers shaped as the real one's
// (check-fake.js compares the two), so that what is measured is the runner and not a model. A session is busy
// from its prompt until it is released; then it has a finished answer.
//
//   POST /_release?over=MS   all busy sessions become idle, spread evenly at random over that time (0: at once)
//   POST /_chatter?rate=N    N pieces of text a second, over all busy sessions; 0 stops
//   POST /_counters          requests by route, bytes on the wire, prompts
//   POST /_idle              [[task, when it became idle], …] since the last time asked
//
// Listens on loopback, on a port of its own choice, and prints its address. Ends when standard input does.

import { createServer } from "node:http";
import { randomBytes } from "node:crypto";

const VERSION = "1.18.33";
const ANSWER = "The work is done. ".repeat(114); // 2 kB
const HEARTBEAT_MS = 10000;
const SNAPSHOT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

const now = () => performance.timeOrigin + performance.now();
const sessions = new Map();
const busy = new Set();
const streams = new Set();
const sockets = new Set();
const closed = { bytes: 0 };
const requests = {};
let idle = [];
let prompts = { count: 0, last: 0 };
let chatter;

// ---- ids, as the real server makes them: they sort by time -------------------------------------------------

let lastId = 0;

function newId(prefix, descending) {
  lastId = Math.max(lastId + 1, Date.now() * 4096);
  const time = BigInt(lastId) & 0xffffffffffffn;
  const digits = (descending ? time ^ 0xffffffffffffn : time).toString(16).padStart(12, "0");
  return `${prefix}_${digits}${randomBytes(7).toString("hex")}`;
}

// ---- events ------------------------------------------------------------------------------------------------

function send(text) {
  for (const stream of streams) stream.write(text);
}

function event(session, type, properties) {
  const id = newId("evt");
  const beginning = { directory: session.directory, project: "global" };
  send(`data: ${JSON.stringify({ ...beginning, payload: { id, type, properties: { sessionID: session.id, ...properties } } })}\n\n`);
}

/** What the server also writes down: it is said twice. */
function eventTwice(session, type, properties) {
  event(session, type, properties);
  const data = { sessionID: session.id, ...properties };
  const syncEvent = { id: newId("evt"), type: `${type}.1`, seq: 0, aggregateID: session.id, data };
  send(`data: ${JSON.stringify({ directory: session.directory, project: "global", payload: { type: "sync", syncEvent } })}\n\n`);
}

// ---- sessions and messages ---------------------------------------------------------------------------------

const tokens = (input, output) => ({ total: input + output, input, output, reasoning: 0, cache: { read: 0, write: 0 } });

function createSession(directory, body) {
  const at = Date.now();
  const info = {
    id: newId("ses", true), slug: "quiet-bench", projectID: "global", directory, path: "", cost: 0, tokens: tokens(0, 0),
    title: body.title ?? "New session", version: VERSION, metadata: body.metadata, parentID: body.parentID,
    time: { created: at, updated: at }, permission: body.permission,
  };
  sessions.set(info.id, { id: info.id, directory, info, messages: [], task: body.metadata?.vigil?.task });
  eventTwice(sessions.get(info.id), "session.created", { info });
  return info;
}

function userMessage(session, body) {
  const info = {
    id: body.messageID ?? newId("msg"), sessionID: session.id, role: "user", time: { created: Date.now() },
    summary: { diffs: [] }, agent: body.agent ?? "build",
    model: body.model ?? { providerID: "offline", modelID: "echo" },
  };
  const parts = body.parts.map((part) => ({ id: newId("prt"), sessionID: session.id, messageID: info.id, ...part }));
  return { info, parts };
}

function assistantMessage(session, user) {
  const info = {
    id: newId("msg"), sessionID: session.id, role: "assistant", time: { created: Date.now() }, parentID: user.info.id,
    modelID: user.info.model.modelID, providerID: user.info.model.providerID, mode: user.info.agent, agent: user.info.agent,
    path: { cwd: session.directory, root: session.directory }, cost: 0, tokens: tokens(0, 0),
  };
  const part = { sessionID: session.id, messageID: info.id };
  return { info, parts: [{ id: newId("prt"), ...part, type: "step-start", snapshot: SNAPSHOT }] };
}

function prompt(session, body) {
  if (session.messages.some((message) => message.info.id === body.messageID)) return;
  const user = userMessage(session, body);
  const assistant = assistantMessage(session, user);
  session.messages.push(user, assistant);
  busy.add(session);
  prompts = { count: prompts.count + 1, last: now() };
  eventTwice(session, "session.updated", { info: session.info });
  eventTwice(session, "message.updated", { info: user.info });
  for (const part of user.parts) eventTwice(session, "message.part.updated", { part, time: Date.now() });
  event(session, "session.status", { status: { type: "busy" } });
  eventTwice(session, "message.updated", { info: assistant.info });
  eventTwice(session, "message.part.updated", { part: assistant.parts[0], time: Date.now() });
}

function answer(session, { info, parts }) {
  const own = { sessionID: session.id, messageID: info.id };
  const at = Date.now();
  const text = { id: newId("prt"), ...own, type: "text", text: ANSWER, time: { start: at, end: at } };
  parts.push(text);
  parts.push({ id: newId("prt"), ...own, type: "step-finish", reason: "stop", snapshot: SNAPSHOT, cost: 0, tokens: tokens(100, 20) });
  const delta = { messageID: info.id, partID: text.id, field: "text", delta: ANSWER };
  Object.assign(info, { time: { ...info.time, completed: at }, finish: "stop", tokens: tokens(100, 20) });
  eventTwice(session, "message.part.updated", { part: { ...text, text: "", time: { start: at } }, time: at });
  event(session, "message.part.delta", delta);
  for (const part of parts.slice(1)) eventTwice(session, "message.part.updated", { part, time: at });
  eventTwice(session, "message.updated", { info });
}

function becomeIdle(session, at) {
  answer(session, session.messages.at(-1));
  busy.delete(session);
  session.info.time.updated = Date.now();
  idle.push([session.task, at ?? now()]);
  event(session, "session.status", { status: { type: "idle" } });
  event(session, "session.idle", {});
  eventTwice(session, "session.updated", { info: session.info });
}

function abort(session) {
  if (!busy.delete(session)) return;
  const { info } = session.messages.at(-1);
  info.error = { name: "MessageAbortedError", data: { message: "Aborted" } };
  info.time.completed = Date.now();
  event(session, "session.status", { status: { type: "idle" } });
  event(session, "session.idle", {});
}

// ---- what is offered ---------------------------------------------------------------------------------------

const agents = [
  { name: "build", description: "The default agent.", mode: "primary", hidden: null, options: {}, permission: [], native: true },
  { name: "compaction", mode: "primary", hidden: true, options: {}, permission: [], native: true },
  { name: "general", description: "For everything.", mode: "subagent", hidden: null, options: {}, permission: [], native: true },
];

const model = (id, variants) => ({ id, providerID: "offline", name: id, limit: { context: 100000, output: 8000 }, variants });
const models = { echo: model("echo", {}), echo2: model("echo2", { high: { reasoningEffort: "high" } }) };
const providers = {
  providers: [{ id: "offline", name: "Offline", source: "config", env: [], options: {}, models }],
  default: { offline: "echo2" },
};

// ---- routes ------------------------------------------------------------------------------------------------

const notFound = (id) => ({ status: 404, json: { name: "NotFoundError", data: { message: `Session not found: ${id}` } } });
const json = (value) => ({ status: 200, json: value });

function find(query) {
  const word = query.get("search") ?? "";
  const directory = query.get("directory");
  const fits = ({ info }) => info.title.includes(word) && (!directory || info.directory === directory) &&
    info.time.updated >= Number(query.get("start") ?? 0);
  return json([...sessions.values()].filter(fits).slice(0, Number(query.get("limit") ?? 100)).map(({ info }) => info));
}

function statuses(query) {
  const directory = query.get("directory");
  const here = [...busy].filter((session) => !directory || session.directory === directory);
  return json(Object.fromEntries(here.map((session) => [session.id, { type: "busy" }])));
}

function release(query) {
  const over = Number(query.get("over") ?? 0);
  const all = [...busy];
  const at = now();
  for (const session of all) {
    if (over) setTimeout(() => busy.has(session) && becomeIdle(session), Math.random() * over);
    else becomeIdle(session, at);
  }
  return json({ released: all.length });
}

function setChatter(query) {
  const every = 20;
  const each = (Number(query.get("rate") ?? 0) * every) / 1000;
  let next = 0;
  clearInterval(chatter);
  if (!each) return json({});
  chatter = setInterval(() => {
    const all = [...busy];
    for (let i = 0; i < each && all.length; i++) {
      const session = all[next++ % all.length];
      const ids = { messageID: session.messages.at(-1).info.id, partID: session.messages.at(-1).parts[0].id };
      event(session, "message.part.delta", { ...ids, field: "text", delta: "another word " });
    }
  }, every);
  return json({});
}

function counters() {
  let bytes = closed.bytes;
  for (const socket of sockets) if (!socket.isControl) bytes += socket.bytesRead + socket.bytesWritten;
  const total = Object.values(requests).reduce((sum, count) => sum + count, 0);
  return json({ requests, total, bytes, prompts, busy: busy.size });
}

function takeIdle() {
  const taken = idle;
  idle = [];
  return json(taken);
}

const controls = { "/_release": release, "/_chatter": setChatter, "/_counters": counters, "/_idle": takeIdle };

const plain = {
  "GET /global/health": () => json({ healthy: true, version: VERSION }),
  "GET /agent": () => json(agents),
  "GET /config/providers": () => json(providers),
  "GET /session": find,
  "GET /session/status": statuses,
  "GET /permission": () => json([]),
  "GET /question": () => json([]),
  "POST /session": (query, body) => json(createSession(query.get("directory") ?? process.cwd(), body)),
};

const ofSession = {
  "GET ": (session) => json(session.info),
  "GET children": ({ id }) => json([...sessions.values()].filter(({ info }) => info.parentID === id).map(({ info }) => info)),
  "GET message": ({ messages }, query) => json(messages.slice(-Number(query.get("limit") ?? messages.length))),
  "POST prompt_async": (session, query, body) => (prompt(session, body), { status: 204 }),
  "POST abort": (session) => (abort(session), json(true)),
};

function count(route) {
  requests[route] = (requests[route] ?? 0) + 1;
}

function route(method, path, query, body) {
  const whole = `${method} ${path}`;
  if (plain[whole]) {
    count(whole);
    return plain[whole](query, body);
  }
  const [, id, action = ""] = path.match(/^\/session\/([^/]+)(?:\/(.*))?$/) ?? [];
  const handler = ofSession[`${method} ${action}`];
  count(handler ? `${method} /session/ID${action && "/"}${action}` : `unknown: ${whole}`);
  if (!handler) return { status: 404, json: { name: "NotFoundError", data: { message: whole } } };
  return sessions.has(id) ? handler(sessions.get(id), query, body) : notFound(id);
}

function openStream(request, response) {
  count("GET /global/event");
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  response.write(`data: ${JSON.stringify({ payload: { id: newId("evt"), type: "server.connected", properties: {} } })}\n\n`);
  streams.add(response);
  request.on("close", () => streams.delete(response));
}

function reply(response, { status, json: value }) {
  const text = value === undefined ? "" : JSON.stringify(value);
  const headers = value === undefined ? {} : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) };
  response.writeHead(status, headers);
  response.end(text);
}

async function readBody(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return pieces.length ? JSON.parse(Buffer.concat(pieces).toString()) : {};
}

async function handle(request, response) {
  const { pathname, searchParams } = new URL(request.url, "http://127.0.0.1");
  if (pathname === "/global/event") return openStream(request, response);
  if (controls[pathname]) {
    request.socket.isControl = true;
    return reply(response, controls[pathname](searchParams));
  }
  const body = request.method === "POST" ? await readBody(request) : {};
  reply(response, route(request.method, pathname, searchParams, body));
}

const server = createServer((request, response) => {
  handle(request, response).catch((error) => reply(response, { status: 500, json: { name: "UnknownError", data: { message: error.message } } }));
});

server.on("connection", (socket) => {
  sockets.add(socket);
  socket.on("close", () => {
    sockets.delete(socket);
    if (!socket.isControl) closed.bytes += socket.bytesRead + socket.bytesWritten;
  });
});
server.keepAliveTimeout = 60000;

setInterval(() => send(`data: ${JSON.stringify({ payload: { id: newId("evt"), type: "server.heartbeat", properties: {} } })}\n\n`), HEARTBEAT_MS);
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.stdin.resume().on("end", () => process.exit(0));
