// Panes of children: sessions that appear below a task's, or below the conversation that it was queued from.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { assertInOrder, everyCommandLine, inWorld, openGate, sharedWorld, subagent, tag, until } from "./harness.js";
import { DRAWN, isGone, LOOK, LOOKED, panes, SWEEP, Tmux, withTmux } from "./tmux.js";

const withChildren = (settings) => panes({ sessions: "children", ...settings });

// One OpenCode for all that can share it, and a tmux of its own for each test.
const world = sharedWorld();
let server;
before(async () => (server = await world.startOpenCode()));
const run = (tmux, ...args) => world.startRunner(["--server", server.url, ...args], { env: tmux.env });

const inTmux = (settings, body) => withTmux(world, withChildren(settings), body, cancelAll);

/** So that no test has another's tasks taken up by its runner. */
async function cancelAll() {
  const open = (await world.rows("SELECT id FROM tasks WHERE completed_at IS NULL")).map(({ id }) => String(id));
  if (open.length === 0) return;
  if (!world.runner.isAlive) await world.startRunner(["--server", server.url, "--no-tmux"]);
  await world.ok(["cancel", ...open]);
  await world.finished(open.map(Number));
}

const all = (w = world) => w.rows("SELECT * FROM panes ORDER BY id");
const hint = (w = world) => ({ hint: async () => `${(await all(w)).map((row) => JSON.stringify(row)).join("\n")}\n${w.runner?.stderr}` });
const isOpen = (row) => row.opened_at && !row.closed_at;

/** The one open pane of a child of that task; of nobody's task: 0. */
async function childPane(id, w = world) {
  const look = async () => (await all(w)).find((row) => isOpen(row) && row.root_session && (row.task_id ?? 0) === id);
  return until("a child has a pane", look, hint(w));
}
const ownPane = (id, w = world) => until("the task has a pane", async () => (await all(w)).find((row) => isOpen(row) && row.task_id === id && !row.root_session), hint(w));
const closedRow = (row, { w = world, ...options } = {}) =>
  until("it is closed", async () => (await w.row("SELECT * FROM panes WHERE id = ?", row.id)).closed_at && w.row("SELECT * FROM panes WHERE id = ?", row.id), { ...hint(w), ...options });

const ask = (path, body, method = "POST") => world.openCode(path, { url: server.url, method, body: body && JSON.stringify(body) });
const newSession = (parentID, title) => ask(`/session?directory=${encodeURIComponent(world.work)}`, { parentID, title });

/** Without waiting for the answer. */
async function prompt(session, text) {
  const path = `/session/${session.id}/prompt_async?directory=${encodeURIComponent(world.work)}`;
  const headers = { "content-type": "application/json" };
  const answer = await fetch(server.url + path, { method: "POST", headers, body: JSON.stringify({ parts: [{ type: "text", text }] }) });
  assert.equal(answer.status, 204);
}

test("a task's subagent has a pane, until it is idle", inTmux({}, async (tmux) => {
  const foreign = await tmux.foreign();
  const [word, child, begin, end, done] = ["asks", "asked", "begin", "end", "done"].map(tag);
  const said = `${child} ${LOOK} [until ${begin}] [say one two three] ${LOOK} [until ${end}] [say four five six]`;
  const id = await world.add("-d", "ask", `${word} ${subagent(said)} [until ${done}] [say done at last]`);
  await run(tmux);
  const own = await ownPane(id);
  const row = await childPane(id);
  const attempt = await world.attempt(id);
  assert.deepEqual([row.root_session, row.attempt_id], [attempt.session_id, attempt.id]);
  const session = await ask(`/session/${row.session_id}`, undefined, "GET");
  assert.equal(session.parentID, attempt.session_id);
  const pane = (await tmux.panes()).find((each) => each.id === row.pane_id);
  assert.equal(pane.pid, row.pane_pid);
  assert.match(pane.command, new RegExp(` follow --session ${row.session_id} .*--pane [0-9a-f]{16}-\\w{16}$`));
  await until("its title", async () => (await tmux.panes()).some(({ title }) => title.startsWith(`${id} > ask another`)));
  await tmux.shows(row.pane_id, LOOKED);
  await world.letGo(begin);
  await tmux.shows(row.pane_id, "one two three");
  await world.letGo(end);
  const after = await closedRow(row);
  assert.deepEqual([after.close_reason, after.detail], ["ended", "its session is idle"]);
  assertInOrder({ wanted: after.wanted_at, opened: after.opened_at, closed: after.closed_at });
  assert.ok(isGone(row.pane_pid));
  assert.equal((await world.task(id)).status, "running");
  assert.ok(!isGone(own.pane_pid), "the task's stays");
  await world.letGo(done);
  assert.equal((await world.finish(id)).result, "done at last");
  await closedRow(own);
  assert.deepEqual((await tmux.panes()).map((each) => each.id), [foreign]);
  assert.equal((await all()).filter((each) => each.task_id === id).length, 2);
  assert.match(await world.ok(["show", String(id)]), /its session is idle/);
}));

test("a person's conversation that a task was queued from: what appears below it, and nothing else", inTmux({}, async (tmux) => {
  const conversation = await newSession(undefined, "a conversation");
  const [word, aside, over] = ["queued", "aside", "over"].map(tag);
  const stranger = await newSession(undefined, "a stranger");
  const id = await world.add("--parent", conversation.id, `${word} [hang]`);
  await run(tmux);
  const own = await ownPane(id);
  await world.called(word);
  const before = (await all()).length;
  await newSession(stranger.id, "below a stranger");
  const child = await newSession(conversation.id, "below #{pid} it");
  const row = await childPane(0);
  assert.deepEqual([row.session_id, row.root_session, row.attempt_id], [child.id, conversation.id, null]);
  await until("its title", async () => (await tmux.panes()).some(({ title }) => title === "below #{pid} it"));
  // And below that, also when its own pane is closed.
  await prompt(child, `${aside} [say it is over] ${LOOK} [until ${over}] [say and out]`);
  const deep = await newSession(child.id, "deep down");
  const second = await until("a grandchild has a pane", async () => (await all()).find((each) => isOpen(each) && each.session_id === deep.id), hint());
  assert.deepEqual([second.root_session, second.task_id], [conversation.id, null]);
  await tmux.shows(row.pane_id, "it is over");
  await world.letGo(over);
  assert.equal((await closedRow(row)).detail, "its session is idle");
  const late = await newSession(child.id, "later");
  const third = await until("another has one", async () => (await all()).find((each) => isOpen(each) && each.session_id === late.id), hint());
  for (const each of [deep, late]) await ask(`/session/${each.id}`, undefined, "DELETE");
  for (const each of [second, third]) await closedRow(each);
  // One that is deleted.
  const gone = await newSession(conversation.id, "gone soon");
  const brief = await childPane(0);
  assert.equal(brief.session_id, gone.id);
  await ask(`/session/${gone.id}`, undefined, "DELETE");
  assert.deepEqual([(await closedRow(brief)).close_reason, (await closedRow(brief)).detail], ["ended", "its session was deleted"]);
  // And one that is there when the task ends.
  await newSession(conversation.id, "stays");
  const last = await childPane(0);
  await world.ok(["cancel", String(id)]);
  await world.finish(id);
  assert.deepEqual([(await closedRow(last)).close_reason, (await closedRow(last)).detail], ["ended", null]);
  await closedRow(own);
  assert.equal((await all()).length, before + 5, "nobody else's: neither the stranger's nor the task's own once more");
  await newSession(conversation.id, "nobody watches");
  assert.deepEqual(await tmux.panes(), []);
}));

test("a task's own session is no child, though it is heard of before its id is known", inTmux({}, async (tmux) => {
  const gate = await openGate(server.url);
  const conversation = await newSession(undefined, "a conversation");
  gate.atAnswer = async (method, path) => {
    if (method !== "POST" || path !== "/session") return;
    await newSession(conversation.id, "after it"); // once this has a pane, the other was heard of too
    await childPane(0);
  };
  const id = await world.add("--parent", conversation.id, `${tag("early")} [hang]`);
  await world.startRunner(["--server", gate.url], { env: tmux.env });
  const own = await ownPane(id);
  assert.deepEqual((await all()).filter((row) => row.session_id === own.session_id).map(({ root_session }) => root_session), [null]);
  await world.ok(["cancel", String(id)]);
  await world.finish(id);
  await world.stopRunners();
  gate.close();
}));

test("by default only tasks have panes", inTmux({ sessions: "tasks" }, async (tmux) => {
  const [word, child] = [tag("default"), tag("unseen")];
  const before = (await all()).length;
  const id = await world.add(`${word} ${subagent(`${child} [say nobody looks]`)} [say done]`);
  await run(tmux);
  assert.equal((await world.finish(id)).status, "completed");
  assert.equal((await all()).length, before + 1);
}));

test("kill -9: a child that is at work keeps its pane, one that has ended meanwhile loses it", inTmux({}, async (tmux) => {
  const foreign = await tmux.foreign();
  const [long, short] = [tag("long"), tag("short")];
  const kept = await world.add(`${tag("first")} ${subagent(`${long} [until ${long}] [say one two three four five six seven eight]`)} [say done]`);
  const over = await world.add(`${tag("second")} ${subagent(`${short} [until ${short}] [say one two three four]`)} [hang]`);
  const runner = await run(tmux);
  const [stays, goes] = [await childPane(kept), await childPane(over)];
  await world.called(short);
  await runner.stop("SIGKILL");
  await world.letGo(short);
  await world.called(short, { outcome: "done" });
  await run(tmux);
  // Its own program may have ended before the runner came back.
  assert.match((await closedRow(goes, SWEEP)).close_reason, /^(ended|gone)$/);
  assert.ok(isGone(goes.pane_pid));
  assert.equal((await world.row("SELECT closed_at FROM panes WHERE id = ?", stays.id)).closed_at, null);
  assert.ok(!isGone(stays.pane_pid), "the same program");
  await world.letGo(long);
  const end = await closedRow(stays);
  assert.deepEqual([end.close_reason, end.pane_pid], ["ended", stays.pane_pid]);
  await world.finish(kept);
  await world.ok(["cancel", String(over)]);
  await world.finish(over);
  await until("none is left", async () => (await tmux.panes()).length === 1, { hint: async () => JSON.stringify(await tmux.panes()) });
  assert.deepEqual((await tmux.panes()).map(({ id }) => id), [foreign]);
}));

test("a crash, and the task is cancelled: no pane of a child is left", inTmux({}, async (tmux) => {
  const word = tag("abandoned");
  const id = await world.add(`${tag("cancelled")} ${subagent(`${word} [hang]`)} [say done]`);
  const runner = await run(tmux);
  const row = await childPane(id);
  await world.called(word);
  await runner.stop("SIGKILL");
  await world.ok(["cancel", String(id)]);
  await run(tmux);
  await world.finish(id);
  assert.equal((await closedRow(row, SWEEP)).close_reason, "ended");
  await until("none is left", async () => (await tmux.panes()).length === 0);
  assert.ok(isGone(row.pane_pid));
}));

test("a person closes a child's pane: it is not opened again, and the agents go on", inTmux({}, async (tmux) => {
  const word = tag("closed");
  const id = await world.add(`${tag("parent")} ${subagent(`${word} [until ${word}] [say all the same]`)} [say done]`);
  await run(tmux);
  const row = await childPane(id);
  await tmux.ok("kill-pane", "-t", row.pane_id);
  assert.equal((await closedRow(row, SWEEP)).close_reason, "gone");
  await world.letGo(word);
  assert.equal((await world.finish(id)).result, "done");
  assert.equal((await all()).filter((each) => each.session_id === row.session_id).length, 1);
}));

test("a stop in order closes them, and the next run opens them again", inTmux({}, async (tmux) => {
  const word = tag("stopped");
  const id = await world.add(`${tag("parent")} ${subagent(`${word} [until ${word}] [say one two three]`)} [say done]`);
  const runner = await run(tmux);
  const row = await childPane(id);
  await world.called(word);
  assert.equal((await runner.stop()).status, 0);
  assert.deepEqual([await tmux.panes(), isGone(row.pane_pid)], [[], true]);
  assert.equal((await closedRow(row)).close_reason, "stopped");
  await run(tmux);
  const again = await childPane(id);
  assert.equal(again.session_id, row.session_id);
  await world.letGo(word);
  assert.equal((await world.finish(id)).result, "done");
  assert.equal((await closedRow(again)).close_reason, "ended");
}));

test("a stop: below a person's conversation what is at work has a pane again, what is idle has none", inTmux({}, async (tmux) => {
  const conversation = await newSession(undefined, "a conversation");
  const [word, first, later, deep] = ["queued", "first", "later", "deep"].map(tag);
  const id = await world.add("--parent", conversation.id, `${word} [hang]`);
  const runner = await run(tmux);
  await ownPane(id);
  await world.called(word);
  const child = await newSession(conversation.id, "at work");
  await prompt(child, `${first} [until ${first}] [say and out]`);
  const open = (session) => until(`${session} has a pane`, async () => (await all()).find((row) => isOpen(row) && row.session_id === session), hint());
  const before = await open(child.id);
  const below = await newSession(child.id, "deep down");
  await prompt(below, `${deep} [until ${deep}] [say deep]`);
  await open(below.id);
  await runner.stop();
  assert.deepEqual(await tmux.panes(), []);
  // What appears while nobody listens, too.
  const missed = await newSession(conversation.id, "missed");
  await prompt(missed, `${later} [until ${later}] [say missed]`);
  const idle = await newSession(conversation.id, "idle");
  await run(tmux);
  const again = [await open(child.id), await open(below.id), await open(missed.id)];
  assert.notEqual(again[0].id, before.id);
  for (const row of again) assert.deepEqual([row.root_session, row.task_id], [conversation.id, null]);
  // Below one that is idle they are heard of, as below any other.
  await open((await newSession(idle.id, "below the idle one")).id);
  for (const each of [first, deep, later]) await world.letGo(each);
  for (const row of again) assert.equal((await closedRow(row)).close_reason, "ended");
  assert.equal((await all()).filter((row) => row.session_id === idle.id).length, 0);
  await world.ok(["cancel", String(id)]);
  await world.finish(id);
}));

test("a task ends while it is asked what is below its conversation: nothing of that has a pane", inTmux({}, async (tmux) => {
  const gate = await openGate(server.url);
  const conversation = await newSession(undefined, "a conversation");
  const [word, below] = ["ends", "below"].map(tag);
  const id = await world.add("--parent", conversation.id, `${word} [hang]`);
  const through = () => world.startRunner(["--server", gate.url], { env: tmux.env });
  const before = await through();
  await ownPane(id);
  await world.called(word);
  await before.stop();
  const child = await newSession(conversation.id, "at work");
  await prompt(child, `${below} [until ${below}] [say below]`);
  await world.called(below);
  let answer;
  const over = new Promise((done) => (answer = done));
  const asked = `/session/${conversation.id}/children`;
  gate.atAnswer = async (method, path) => path === asked && over;
  const runner = await through();
  await until("it is asked", () => gate.seen.includes(`GET ${asked}`), hint());
  await world.ok(["cancel", String(id)]);
  await world.finish(id);
  answer();
  await world.finish(await world.add(`${tag("after")} [say done]`));
  assert.ok(runner.isAlive, runner.stderr);
  assert.deepEqual((await all()).filter((row) => row.session_id === child.id), []);
  await world.letGo(below);
  await world.stopRunners();
  gate.close();
}));

test("tasks first: a child's pane makes place for a task's, and a child that waits comes last", inTmux({ max_panes: 2 }, async (tmux) => {
  const word = tag("crowded");
  const id = await world.add(`${tag("parent")} ${subagent(`${word} [until ${word}] [say one two three]`)} [say done]`);
  await run(tmux);
  const [own, row] = [await ownPane(id), await childPane(id)];
  const next = tag("next");
  const other = await world.add(`${next} [hang]`);
  const pane = await ownPane(other);
  await world.called(next);
  const { prompted_at } = await until("it is prompted", async () => (await world.attempt(other)).prompted_at && world.attempt(other));
  assert.ok(pane.opened_at <= prompted_at, `its prompt has waited for it: ${pane.opened_at} ${prompted_at}`);
  assert.equal((await closedRow(row)).close_reason, "displaced");
  assert.equal((await tmux.panes()).length, 2);
  const waits = await until("the child waits", async () => (await all()).find((each) => each.session_id === row.session_id && !each.closed_at), hint());
  assert.match(waits.detail, /max_panes/);
  await world.ok(["cancel", String(other)]);
  await world.finish(other);
  assert.equal((await childPane(id)).id, waits.id);
  assert.ok(!isGone(own.pane_pid));
}));

test("tasks first: what is at work below a person's conversation has its pane again, when there is room", inTmux({ max_panes: 2 }, async (tmux) => {
  const conversation = await newSession(undefined, "a conversation");
  const [word, below] = ["crowded", "below"].map(tag);
  const id = await world.add("--parent", conversation.id, `${word} [hang]`);
  await run(tmux);
  await ownPane(id);
  const child = await newSession(conversation.id, "at work");
  await prompt(child, `${below} [until ${below}] [say and out]`);
  await world.called(below);
  const row = await childPane(0);
  const other = await world.add(`${tag("next")} [hang]`);
  await ownPane(other);
  assert.equal((await closedRow(row)).close_reason, "displaced");
  await world.ok(["cancel", String(other)]);
  await world.finish(other);
  const again = await until("it has one again", async () => (await all()).find((each) => isOpen(each) && each.session_id === child.id), { ...hint(), ...SWEEP });
  assert.deepEqual([again.root_session, again.task_id], [conversation.id, null]);
  await world.letGo(below);
  assert.equal((await closedRow(again)).close_reason, "ended");
}));

test("a child is over before its pane is begun, and its row cannot be closed yet: its place is another's soon", inTmux({ max_panes: 2 }, async (tmux) => {
  const conversation = await newSession(undefined, "a conversation");
  const id = await world.add("--parent", conversation.id, "--in", "2s", `${tag("parent")} [hang]`);
  const runner = await run(tmux);
  await world.sqlite("CREATE TRIGGER no BEFORE UPDATE OF closed_at ON panes BEGIN SELECT RAISE(ABORT, 'not now'); END", { write: true });
  process.kill(tmux.pid, "SIGSTOP"); // the task's is being opened, and the first child's is to be after it
  await until("the task's is wanted", async () => (await all()).some((row) => row.task_id === id), hint());
  const [first, second] = [await newSession(conversation.id, "first"), await newSession(conversation.id, "second")];
  const rowOf = async ({ id: session }) => (await all()).find((row) => row.session_id === session);
  await until("both are wanted", async () => (await rowOf(first)) && (await rowOf(second)), hint());
  assert.match((await rowOf(second)).detail, /max_panes/);
  await ask(`/session/${first.id}`, undefined, "DELETE");
  await until("its row cannot be closed", () => /a pane cannot be recorded: not now/.test(runner.stderr), hint());
  process.kill(tmux.pid, "SIGCONT");
  await world.sqlite("DROP TRIGGER no", { write: true });
  const { detail } = await until("it is closed", async () => (await rowOf(first)).closed_at && rowOf(first), { ...hint(), ...SWEEP });
  assert.equal(detail, "it was over before it could be opened");
  await until("the second has its place", async () => isOpen(await rowOf(second)), hint());
  assert.equal((await world.task(id)).status, "running");
}));

test("OpenCode's own interface of a subagent, on the managed server; no password in any process's arguments", inWorld({ config: withChildren({ view: "attach" }) }, async (own) => {
  const tmux = await Tmux.open(own);
  const word = tag("attached");
  const id = await own.add(`${tag("parent")} ${subagent(`${word} [say so far so good] ${LOOK} [hang]`)} [say done]`);
  await own.startRunner([], { env: tmux.env });
  const row = await childPane(id, own);
  await tmux.shows(row.pane_id, "so far so good", DRAWN);
  const words = readFileSync(`/proc/${row.pane_pid}/cmdline`, "utf8").split("\0");
  assert.deepEqual([words[1], words[4]], ["attach", row.session_id]);
  for (const line of everyCommandLine()) assert.ok(!line.includes(own.password), line);
  await own.runner.stop("SIGKILL");
  process.kill((await own.server()).pid, "SIGKILL"); // and its children with it: the turn is cut off
  await own.startRunner([], { env: tmux.env });
  assert.equal((await closedRow(row, { w: own, ...DRAWN })).close_reason, "ended");
  assert.ok(isGone(row.pane_pid), "it has not outlived its pane");
  await own.ok(["cancel", String(id)]);
  await own.finish(id);
  await until("none is left", async () => (await tmux.panes()).length === 0);
  await tmux.close();
}));

test("follow --session: what the session asks, also before anybody looked, and what it is told", async () => {
  world.configure({});
  const id = await world.add(`${tag("parent")} [hang]`);
  await world.startRunner(["--server", server.url]);
  await until("it runs", async () => (await world.task(id)).status === "running");
  const session = await newSession(undefined, "asks");
  const question = { questions: [{ question: "Which?", header: "Pick", options: [{ label: "A", description: "a" }, { label: "B", description: "b" }] }] };
  const early = world.vigilStart(["follow", "--session", session.id]);
  await prompt(session, `${tag("asks")} [tool read {"filePath":"/etc/hostname"}] [tool question ${JSON.stringify(question)}] [say so be it]`);
  const told = (follower, line) => until(line, () => follower.stderr.includes(`vigil: ${line}\n`), { hint: () => follower.stderr });
  const [permission, which] = ["external_directory: /etc/* (/etc/hostname)", "Which? [A | B]"];
  await told(early, `asks: ${permission}`);
  const late = world.vigilStart(["follow", "--session", session.id]);
  await told(late, `asks: ${permission}`);
  const waiting = async (path) => (await ask(`/${path}?directory=${encodeURIComponent(world.work)}`, undefined, "GET")).find(({ sessionID }) => sessionID === session.id);
  const answer = (path, each, body) => ask(`/${path}/${each.id}/reply?directory=${encodeURIComponent(world.work)}`, body);
  await answer("permission", await waiting("permission"), { reply: "once" });
  await answer("question", await until("it has a question", () => waiting("question")), { answers: [["B"]] });
  for (const follower of [early, late]) {
    const { status, stdout, stderr } = await follower.end();
    assert.deepEqual([status, stdout], [0, "so be it\n"]);
    const notes = stderr.match(/(?<=^vigil: )(asks|is told): .*$/gm);
    assert.deepEqual(notes, [`asks: ${permission}`, `is told: ${permission}: once`, `asks: ${which}`, `is told: ${which}: B`]);
  }
  await world.ok(["cancel", String(id)]);
  await world.finish(id);
  await world.stopRunners();
});

test("follow --session and attach --session", async () => {
  world.configure({});
  const word = tag("followed");
  const id = await world.add(`${tag("parent")} [hang]`);
  await world.startRunner(["--server", server.url]);
  await until("it runs", async () => (await world.task(id)).status === "running");
  const session = await newSession(undefined, "any");
  const follower = world.vigilStart(["follow", "--session", session.id]); // it has nothing to say yet
  await prompt(session, `${word} [slow 2] [say one two three] ${LOOK} [say and four]`);
  const { status, stdout, stderr } = await follower.end();
  assert.deepEqual([status, stdout], [0, "one two three\nand four\n"]);
  assert.match(stderr, /the session is idle/);
  assert.equal(await world.ok(["follow", "--session", session.id]), "one two three\nand four\n", "of one that is idle, all of it");
  for (const command of ["follow"]) {
    const nobody = await world.vigil([command, "--session", "ses_nobody"]);
    assert.deepEqual([nobody.status, nobody.stdout], [3, ""]);
    assert.match(nobody.stderr, /^vigil: there is no session ses_nobody at the server\n$/);
  }
  await world.ok(["cancel", String(id)]);
  await world.finish(id);
  await world.stopRunners();
});
