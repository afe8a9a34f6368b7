// Never lost, never twice: vigil is killed at each of its failpoints, started again, and what it says is compared with
// what OpenCode and the model saw. The list of failpoints is the program's own; the list of journeys here must agree
// with it, and a failpoint that a journey does not come to fails. OpenCode goes on meanwhile, or dies with vigil, as
// when the machine goes down: failpoints.test.js and together.test.js.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { OPENCODE, VIGIL, World, tag, until } from "../e2e/harness.js";
import { Tmux } from "../e2e/tmux.js";
import { assertNoPanes, assertOneAtATime, assertPromptedOnce, sessionsIn } from "./aftermath.js";

const AT_ONCE = 4; // a journey mostly waits
const LONG = { within: 120000 }; // where the machine is busy

// ---- a database of its own for each journey: worlds and working folders are costly, for OpenCode ----------------------

const pool = [];

async function openPool() {
  const worlds = Array.from({ length: AT_ONCE }, () => new World());
  await Promise.all(worlds.map((world) => world.open()));
  pool.push(...worlds);
}

let journeys = 0;

/** The world with another database. */
function place(world, name) {
  const folder = join(world.root, `${++journeys}-${name}`);
  const here = Object.assign(Object.create(world), { db: join(folder, "state/vigil/vigil.db") });
  here.environment = { ...world.environment, XDG_STATE_HOME: join(folder, "state") };
  return here;
}

// ---- a journey: what happens until the kill, and what must have become of the task ------------------------------------

const dies = async (started) => {
  const { status, stdout, stderr } = await started.end(LONG.within);
  assert.equal(status, "SIGKILL", `the failpoint was not reached: ${stdout}${stderr}`);
};

class Journey {
  constructor(here, failpoint, server, together) {
    Object.assign(this, { here, failpoint, server, together, word: tag("crash") });
  }

  get url() {
    return this.server ? ["--server", this.server.url] : [];
  }
  arm(failpoint = this.failpoint) {
    return { env: { VIGIL_FAILPOINT: failpoint } };
  }
  isAfter() {
    return this.failpoint.startsWith("after-");
  }

  async add(prompt = "[say done]", ...args) {
    this.id = await this.here.add(...args, `${this.word} ${prompt}`);
  }
  /** A command that is killed at the failpoint. */
  async command(...args) {
    await dies(this.here.vigilStart(args, this.arm()));
  }
  /** A run that is killed at the failpoint. */
  async run({ at, url = this.url } = {}) {
    await dies(this.here.vigilStart(["run", "--drain", ...url], this.arm(at)));
    if (!at && this.together) await this.restartServer();
  }
  async restartServer(options) {
    await this.server.process.stop("SIGKILL");
    this.server = await this.here.startOpenCode({ port: new URL(this.server.url).port, ...options });
  }
  /** A task that the model works on when its runner has gone. */
  async leave(prompt, ...args) {
    await this.add(prompt, ...args);
    await this.run({ at: "after-commit-prompted" });
    await this.called();
  }
  called() {
    return until("the model is asked", async () => (await this.here.calls(this.word)).length, LONG);
  }
  /** A task that asks for what a person must allow, with its runner gone; the ask's row. */
  async leaveAsking() {
    const config = join(this.here.root, "hold.json");
    writeFileSync(config, JSON.stringify({ server: { command: OPENCODE }, permissions: { on_ask: "hold" } }));
    await this.add(OUTSIDE);
    const runner = this.here.vigilStart(["--config", config, "run", ...this.url]);
    const [ask] = await until("it has asked", async () => {
      const rows = await this.here.rows("SELECT * FROM asks");
      return rows.length && rows;
    }, LONG);
    await runner.stop("SIGKILL");
    return ask;
  }
}

const OUTSIDE = '[tool read {"filePath":"/etc/hostname"}] [say went on]'; // asks, and the turn goes on when refused
const QUESTION = { questions: [{ question: "Which?", header: "Pick", options: [{ label: "first", description: "a" }] }] };

const completed = { status: "completed", calls: 1 };
const failed = { status: "failed", calls: 1 };
const cancelled = { status: "cancelled", calls: 1 };
const refused = { reply: "reject", replied_by: "vigil" };
const allowed = { reply: "once", replied_by: "person" };
const untouched = { calls: 0, sessions: 0, attempts: 0 };

/** A task that is queued when a run comes, and dies. */
const queued = (prompt, outcome = completed, ...args) => async (j) => {
  await j.add(prompt, ...args);
  await j.run();
  return outcome;
};

/** The same, after a run that died at another failpoint. */
const crashedBefore = (at, prompt) => async (j) => {
  await j.add(prompt);
  await j.run({ at });
  await j.run();
  return completed;
};

/** The database is made by a command that dies: nothing was acknowledged, and the next command completes it. */
async function made(j) {
  await j.command("add", `${j.word} never`);
  await j.add();
  assert.equal((await j.here.rows("SELECT id FROM tasks")).length, 1);
  return completed;
}

async function added(j) {
  await j.here.ok(["add", "--hold", "so that there is a database"]);
  await j.command("add", `${j.word} [say done]`);
  const found = await j.here.rows("SELECT id FROM tasks WHERE status = 'queued'");
  assert.equal(found.length, j.isAfter() ? 1 : 0);
  if (!found.length) return { ...untouched, id: null };
  j.id = found[0].id;
  return completed;
}

/** A person's command that dies; without a runner. */
const byPerson = (command, first, undone, done) => {
  const journey = async (j) => {
    await j.add("[say done]", ...(first === "hold" ? ["--hold"] : []));
    if (first === "cancel") await j.here.ok(["cancel", String(j.id)]);
    await j.command(command, String(j.id));
    return j.isAfter() ? done : undone;
  };
  return Object.assign(journey, { byRun: false });
};

/** Cancelled while the model works, and the runner that stops it dies. */
async function stopped(j) {
  await j.add("[slow 30] [say one two three four five six seven eight nine ten]");
  const runner = j.here.vigilStart(["run", "--drain", ...j.url], j.arm());
  await j.called();
  await until("it runs", async () => (await j.here.task(j.id)).status === "running", LONG);
  await j.here.ok(["cancel", String(j.id)]);
  await dies(runner);
  if (j.together) await j.restartServer();
  return cancelled;
}

/** Its session is made a second time, as by a request that was under way when vigil died. */
async function madeTwice(j) {
  await j.add("[slow 3] [say done]");
  await j.run({ at: "before-request-create" });
  const runner = j.here.vigilStart(["run", "--drain", ...j.url], j.arm());
  await j.called();
  const { nonce } = await j.here.attempt(j.id);
  const title = `Background: ${j.word} [${nonce}]`;
  await j.here.openCode(`/session?directory=${encodeURIComponent(j.here.work)}`, { ...j.server, method: "POST", body: JSON.stringify({ title }) });
  await dies(runner);
  if (j.together) await j.restartServer();
  return completed;
}

/** Cancelled in the shell, with the runner away. */
async function stoppedByHand(j) {
  await j.leave("[slow 30] [say one two three four five six seven eight nine ten]");
  await j.here.sqlite(`UPDATE tasks SET status = 'stopping' WHERE id = ${j.id}`, { write: true });
  await j.run();
  return cancelled;
}

/** The task's server is not the one that this run drives. */
async function elsewhere(j) {
  await j.leave("[slow 3] [say done]");
  await j.run({ url: ["--server", j.server.url.replace("127.0.0.1", "localhost")] });
  return completed;
}

/** Found at work by the next run. */
async function atWork(j) {
  await j.leave("[slow 4] [say one two three]");
  await j.run();
  return completed;
}

/** Looked at again when its time is over, and nothing has happened since it was read. */
async function overTime(j) {
  await j.leave("[delay 60]", "--timeout", "8s");
  await j.run();
  return { ...failed, error_kind: "timeout" };
}

/** The server dies in the middle of the turn, and comes back. */
async function cutOff(j) {
  await j.leave("[slow 4] [say one two three]");
  await j.restartServer();
  await j.run();
  return { ...completed, calls: 2, isResumed: true };
}

/** Another server is at its address for a while. */
async function amongStrangers(j) {
  await j.leave("[slow 4] [say one two three]");
  await j.restartServer({ data: join(j.here.root, "elsewhere") });
  await j.run();
  await j.restartServer();
  return { ...completed, calls: 2, isResumed: true };
}

/** The database has come from another machine, where the task may go on. */
async function copied(j) {
  await j.leave("[slow 3] [say done]");
  await j.here.sqlite("UPDATE vigil SET machine = 'another'", { write: true });
  await j.run();
  return { status: "held", calls: 1 };
}

/** The session is deleted in the middle of the turn; by an older one the server shows that it is the right one. */
async function deleted(j) {
  await j.here.add(tag("older"));
  await j.here.drain(j.url);
  await j.leave("[slow 3] [say done]");
  const { session_id } = await j.here.attempt(j.id);
  await j.here.openCode(`/session/${session_id}`, { ...j.server, method: "DELETE" });
  await j.run();
  return { ...failed, sessions: 0, error_kind: "lost" };
}

/** What a person allows, with the runner away; and what the configuration refuses, since nobody did. */
async function allowedByPerson(j) {
  const ask = await j.leaveAsking();
  await j.command("answer", String(ask.id), "once");
  return { ...completed, calls: 2, ask: j.isAfter() ? allowed : refused };
}

/** What was held is decided by the next run's configuration. */
async function decidedLater(j) {
  await j.leaveAsking();
  await j.run();
  return { ...completed, calls: 2, ask: refused };
}

/** A session below ours has a question: our own rules keep questions away, or hide them, by version. */
async function questioned(j) {
  await j.leave("[slow 6] [say one two three]");
  const { session_id: parentID } = await j.here.attempt(j.id);
  const body = (content) => ({ ...j.server, method: "POST", body: JSON.stringify(content) });
  const child = await j.here.openCode(`/session?directory=${encodeURIComponent(j.here.work)}`, body({ parentID, title: "below" }));
  const text = `${tag("question")} [tool question ${JSON.stringify(QUESTION)}] [say never]`;
  j.here.openCode(`/session/${child.id}/message`, body({ parts: [{ type: "text", text }] })).catch(() => {});
  await until("it has a question", async () => (await asked(j, "question")).length, LONG);
  await j.run();
  return { ...completed, ask: refused };
}

/** The task's directory does not answer, for a while. */
async function putOff(j) {
  const hangs = `${j.here.db}.hangs`;
  const shim = { LD_PRELOAD: j.here.shim("mount"), VIGIL_SHIM_MOUNT: j.here.work, VIGIL_SHIM_HANGS: hangs };
  j.here.environment = { ...j.here.environment, ...shim };
  await j.add();
  writeFileSync(hangs, "");
  await j.run();
  rmSync(hangs);
  await j.here.ok(["edit", String(j.id), "--in", "0"]);
  return completed;
}

/** In a pane of a person's tmux, which has panes of its own. */
async function paned(j) {
  const config = join(j.here.root, "panes.json");
  writeFileSync(config, JSON.stringify({ server: { command: OPENCODE }, tmux: { enabled: true, view: "follow" } }));
  j.tmux = await Tmux.open(j.here);
  j.foreign = await j.tmux.foreign();
  j.here.environment = { ...j.here.environment, ...j.tmux.env, VIGIL_CONFIG: config };
  await j.add("[slow 3] [say done]");
  await j.run();
  return completed;
}

const simple = queued("[say done]");
const asking = queued(OUTSIDE, { ...completed, calls: 2, ask: refused });
const managed = Object.assign(queued("[say done]"), { managed: true });

/** How each step is come to. */
const JOURNEYS = {
  // Those that take longest stand first.
  "commit-unanswered": cutOff,
  "commit-unprompted": crashedBefore("before-request-prompt"),
  checkpoint: queued("[slow 7] [say it takes a while]"),
  "make-database": made,
  "sign-database": made,
  "use-wal": made,
  migration: made,
  "run-beginning": simple,
  "run-ending": simple,
  "commit-home": simple,
  "commit-add": Object.assign(added, { byRun: false }),
  "commit-claim": simple,
  "commit-delayed": putOff,
  "commit-cancel": byPerson("cancel", "", completed, { ...untouched, status: "cancelled" }),
  "commit-retry": byPerson("retry", "cancel", { ...untouched, status: "cancelled" }, completed),
  "commit-hold": byPerson("hold", "", completed, { ...untouched, status: "held" }),
  "commit-release": byPerson("release", "hold", { ...untouched, status: "held" }, completed),
  "commit-copied": copied,
  "commit-absent": crashedBefore("after-commit-claim"),
  "commit-checked": simple,
  "commit-refused": queued("[say done]", { ...failed, calls: 0, sessions: 0, error_kind: "refused" }, "--model", "offline/none"),
  "commit-session": simple,
  "commit-prompted": simple,
  "commit-unreachable": elsewhere,
  "commit-busy": atWork,
  "commit-answered": simple,
  "commit-faulty": queued("[fail 400]", { ...failed, error_kind: "agent" }),
  "commit-looping": queued("[finish-unknown] [say well]", { ...failed, calls: 5, mostCalls: 200, error_kind: "agent" }),
  "commit-gone": deleted,
  "commit-stranger": amongStrangers,
  "commit-aborted": stopped,
  "commit-ask": asking,
  "commit-decided": decidedLater,
  "commit-replied": asking,
  "commit-pane": paned,
  "commit-opened": paned,
  "commit-closed": paned,
  "pane-open": paned,
  "pane-close": paned,
  "commit-answer": Object.assign(allowedByPerson, { byRun: false }),
  "request-health": simple,
  "request-events": simple,
  "request-search": crashedBefore("after-commit-claim"),
  "request-agents": simple,
  "request-models": simple,
  "request-create": simple,
  "request-prompt": simple,
  "request-statuses": queued("[slow 3] [say one two three]"),
  "request-session": overTime,
  "request-messages": simple,
  "request-children": stoppedByHand,
  "request-abort": stopped,
  "request-delete": madeTwice,
  "request-permissions": asking,
  "request-questions": asking,
  "request-permit": asking,
  "request-answer": questioned,
  "server-given": simple,
  "server-version": simple,
  "server-password": managed,
  "server-intent": managed,
  "server-start": managed,
  "server-pid": managed,
  "server-url": managed,
  "server-end": managed,
  "server-ended": managed,
};

// ---- afterwards -------------------------------------------------------------------------------------------------------

async function assertTask(j, wanted) {
  const task = await j.here.task(j.id);
  assert.deepEqual([task.status, task.attempts], [wanted.status, wanted.attempts ?? 1], await j.here.story([j.id]));
  assert.equal(task.error_kind, wanted.error_kind ?? null);
  if (wanted.status === "completed") assert.notEqual(task.result, null);
}

/** What the sessions of the folder ask; each that was ours to answer has been answered, and is known to be. */
const asked = (j, kind, server = j.server) => j.here.openCode(`/${kind}?directory=${encodeURIComponent(j.here.work)}`, server);

async function assertAsks(j, wanted, server) {
  const rows = await j.here.rows("SELECT reply, replied_by, replied_at FROM asks");
  // What OpenCode was asking when it died, nobody asks any more.
  if (!j.together) assert.deepEqual(rows.map(({ reply, replied_by }) => ({ reply, replied_by })), wanted ? [wanted] : []);
  assert.ok(rows.every(({ replied_at }) => replied_at !== null), JSON.stringify(rows));
  for (const kind of ["permission", "question"]) assert.deepEqual(await asked(j, kind, server), []);
}

/** Each resumption is a call more; a turn that OpenCode died with may need one. */
async function assertCalls(j, wanted) {
  const calls = await j.here.calls(j.word);
  const resumed = j.together && j.id ? (await j.here.attempt(j.id)).resumes : 0;
  const isWanted = calls.length >= wanted.calls && calls.length <= (wanted.mostCalls ?? wanted.calls) + resumed;
  assert.ok(isWanted, `the model was asked ${wanted.calls} times, and for ${resumed} resumptions: ${JSON.stringify(calls)}`);
  assertOneAtATime(calls);
}

async function assertWorld(j, wanted, server) {
  await assertCalls(j, wanted);
  await assertAsks(j, wanted.ask, server);
  const sessions = (await sessionsIn(j.here, j.here.work, server)).filter(({ title }) => title.includes(j.word));
  assert.equal(sessions.length, wanted.sessions ?? 1, JSON.stringify(sessions));
  if (!sessions.length) return;
  const attempt = await j.here.attempt(j.id);
  assert.equal(sessions[0].id, attempt.session_id);
  if (!j.together) assert.equal(attempt.resumes > 0, wanted.isResumed ?? false); // a slow server is asked again, and calls once
  assert.ok(sessions[0].title.includes(attempt.nonce));
  await assertPromptedOnce(j.here, attempt, server, wanted.calls > 0);
}

const left = async (here) => JSON.stringify([here.openCodePids(), await here.rows("SELECT * FROM servers")]);

/** The world a managed server was in, as another server sees it. */
async function walkManaged(j, wanted) {
  await j.here.drain();
  await until("no OpenCode is left", () => j.here.openCodePids().length === 0, { ...LONG, hint: () => left(j.here) });
  assert.deepEqual(await j.here.rows("SELECT * FROM servers WHERE ended_at IS NULL"), []);
  await assertTask(j, wanted);
  const server = await j.here.startOpenCode();
  await assertWorld(j, wanted, server);
  await server.process.stop("SIGKILL");
}

async function walkGiven(j, wanted) {
  await j.here.drain(j.url);
  if (j.id === undefined) assert.deepEqual(await j.here.calls(j.word), []);
  else {
    await assertTask(j, wanted);
    await assertWorld(j, wanted, j.server);
  }
}

async function walk(world, failpoint, together) {
  const journey = JOURNEYS[stepOf(failpoint)];
  const here = place(world, failpoint);
  // A managed server is alone in its world; the other journeys of a world share one.
  if (!journey.managed && !world.given?.process.isAlive) world.given = await world.startOpenCode();
  if (journey.managed && world.given) {
    await world.given.process.stop("SIGKILL"); // on TERM it can wait for its open connections
    world.given = undefined;
  }
  const j = new Journey(here, failpoint, journey.managed ? undefined : world.given, together);
  const wanted = await journey(j);
  await (journey.managed ? walkManaged : walkGiven)(j, wanted);
  if (j.server) world.given = j.server;
  if (j.tmux) await assertNoPanes(j.here, j.tmux, [j.foreign]).finally(() => j.tmux.close());
  await here.checkDatabase();
}

const stepOf = (failpoint) => failpoint.replace(/^(before|after)-/, "");

/** The program's own list. */
export const printed = execFileSync(VIGIL, [], { env: { VIGIL_FAILPOINT: "list" }, encoding: "utf8" }).trim().split("\n");
/** Ours, those that take longest first. */
export const failpoints = Object.keys(JOURNEYS).flatMap((step) => [`before-${step}`, `after-${step}`]);
/**
 * Those on a task's way. Without those before a step: after the step before it, all is as it was then, if nothing goes
 * on alone.
 */
export const onTheWay = failpoints.filter((each) => /^after-(commit|request)-/.test(each) && JOURNEYS[stepOf(each)].byRun !== false);

/** A test for each of `some`; with `together` OpenCode dies too. */
export function walkAll(some, { together = false } = {}) {
  before(openPool);
  after(() => Promise.all(pool.map((world) => world.close())));
  describe("killed", { concurrency: AT_ONCE }, () => {
    for (const failpoint of some)
      test(failpoint, async () => {
        const world = pool.pop();
        try {
          await walk(world, failpoint, together);
        } finally {
          pool.push(world);
        }
      });
  });
}
