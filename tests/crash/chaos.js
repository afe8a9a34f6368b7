// Chaos: for a time, tasks come in through `vigil add` and through the sqlite3 shell, while vigil and its OpenCode
// are killed at random moments. Then the queue is drained, and what the database says is compared with what OpenCode
// and the model saw.
//
//   CHAOS_SECONDS=60   how long
//   CHAOS_SEED=        the choices (what, and when); printed, so that they can be made again
//
// The last line is "N passed, N failed": tasks.

import assert from "node:assert/strict";
import { setTimeout as nap } from "node:timers/promises";
import { World, until } from "../e2e/harness.js";
import { assertOneAtATime, assertPromptedOnce, sessionsIn } from "./aftermath.js";

const SECONDS = Number(process.env.CHAOS_SECONDS || 60);
const SEED = Number(process.env.CHAOS_SEED || Date.now() % 1000000);
const ADDED_EVERY = 1500; // ms, on average
const KILLED_EVERY = 2500;

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// Each has choices of its own, so that the pace of one does not change those of another.
const forTasks = random(SEED);
const forKills = random(SEED + 1);
const pick = (next, list) => list[Math.floor(next() * list.length)];

/** What a task does, and what it is to end in. */
const KINDS = [
  { prompt: "[say done]", calls: 1 },
  { prompt: "[slow 2] [say one two three four five six]", calls: 1 },
  { prompt: '[tool bash {"command":"sleep 1","description":"wait"}] [say done]', calls: 2 },
  { prompt: '[tool bash {"command":"true","description":"a"}] [tool bash {"command":"true","description":"b"}] [say done]', calls: 3 },
  { prompt: "[fail 400]", calls: 1, status: "failed" },
];

const world = new World({ config: { limits: { parallel: 4 }, task: { max_resumes: 100 } } });
const figures = { vigil: 0, OpenCode: 0, "gave up": 0, added: 0, "by hand": 0 };
const tasks = new Map(); // word → kind, of those that were acknowledged
const end = Date.now() + SECONDS * 1000;
const goesOn = () => Date.now() < end;

async function addOne(number) {
  const kind = pick(forTasks, KINDS);
  const byHand = forTasks() < 0.3;
  const word = `chaos-${number}.`;
  const prompt = `${word} ${kind.prompt}`;
  if (byHand) await world.sqlite(`INSERT INTO tasks (prompt, directory) VALUES ('${prompt}', '${world.work}')`, { write: true });
  else await world.add(prompt);
  tasks.set(word, kind);
  figures[byHand ? "by hand" : "added"]++;
}

async function addTasks() {
  for (let number = 1; goesOn(); number++) {
    await addOne(number);
    await nap(forTasks() * 2 * ADDED_EVERY);
  }
}

/** A runner all the time: one that was killed, or whose server was before it could listen, is started again. */
let runner;
async function keepRunning() {
  while (goesOn()) {
    runner = world.vigilStart(["run"]);
    const { status, stderr } = await runner.end(SECONDS * 1000 + 120000);
    if (status === 5 && /killed by signal 9 before it listened/.test(stderr)) figures["gave up"]++;
    else if (status !== "SIGKILL") throw new Error(`vigil run ended with ${status}: ${stderr}`);
  }
}

function killOne() {
  const what = pick(forKills, ["vigil", "OpenCode", "both"]);
  if (what !== "vigil")
    for (const pid of world.openCodePids()) {
      process.kill(pid, "SIGKILL");
      figures.OpenCode++;
    }
  if (what !== "OpenCode" && runner?.isAlive) {
    runner.signal("SIGKILL");
    figures.vigil++;
  }
}

async function killThings() {
  while (goesOn()) {
    await nap(forKills() * 2 * KILLED_EVERY);
    killOne();
  }
  if (runner?.isAlive) runner.signal("SIGKILL");
}

// ---- afterwards -------------------------------------------------------------------------------------------------------

/** A call is made for each step, and again for each time the turn was resumed. */
async function checkTask(word, kind, server) {
  const [task] = await world.rows("SELECT * FROM tasks WHERE prompt LIKE ?", `${word} %`);
  assert.ok(task, "it was acknowledged, and is not there");
  assert.equal(task.status, kind.status ?? "completed", `${task.error_kind}: ${task.error}`);
  const attempts = await world.attempts(task.id);
  assert.deepEqual([task.attempts, attempts.length], [1, 1]);
  const [attempt] = attempts;
  await assertPromptedOnce(world, attempt, server);
  const calls = await world.calls(word);
  assertOneAtATime(calls);
  const most = kind.calls + attempt.resumes + attempt.sends - 1;
  assert.ok(calls.length >= kind.calls && calls.length <= most, `${calls.length} calls, of ${kind.calls} to ${most}: ${JSON.stringify(calls)}`);
  figures.calls += calls.length;
  figures.resumes += attempt.resumes;
  return attempt.session_id;
}

async function checkAll() {
  const server = await world.startOpenCode();
  const failures = [];
  const known = new Set();
  Object.assign(figures, { calls: 0, resumes: 0 });
  for (const [word, kind] of tasks) {
    try {
      known.add(await checkTask(word, kind, server));
    } catch (error) {
      failures.push(`${word} ${error.message}`);
    }
  }
  const sessions = await sessionsIn(world, world.work, server);
  figures.sessions = sessions.length;
  const ours = sessions.filter(({ title }) => title.startsWith("Background: "));
  for (const { id, title } of ours) if (!known.has(id)) failures.push(`a session that no task knows: ${id} ${title}`);
  await server.process.stop("SIGKILL");
  return failures;
}

async function main() {
  console.log(`chaos: CHAOS_SEED=${SEED} CHAOS_SECONDS=${SECONDS}`);
  await world.open();
  await world.ok(["add", "--hold", "so that there is a database"]);
  await Promise.all([addTasks(), keepRunning(), killThings()]);
  await world.drain([], { within: 600000 });
  await until("no OpenCode is left", () => world.openCodePids().length === 0, { within: 60000 });
  await world.checkDatabase();
  const failures = await checkAll();
  for (const failure of failures) console.log(failure);
  console.log(`chaos: ${Object.entries(figures).map(([name, count]) => `${name} ${count}`).join(", ")}`);
  console.log(`${tasks.size} passed, ${failures.length} failed`);
  return failures.length === 0;
}

let isGood = false;
try {
  isGood = await main();
} catch (error) {
  console.log(`${error.stack}\n0 passed, 1 failed`);
} finally {
  await world.close();
}
process.exit(isGood ? 0 : 1);
