// Panes in tmux: each running task has one, from before its prompt is sent until it is over; and none that is not
// vigil's is ever touched.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { assertInOrder, everyCommandLine, inWorld, openGate, sharedWorld, tag, until, VIGIL } from "./harness.js";
import { DRAWN, isGone, LOOK, panes, SWEEP, Tmux, withTmux } from "./tmux.js";

// One OpenCode for all that can share it, and a tmux of its own for each test.
const world = sharedWorld();
let server;
before(async () => (server = await world.startOpenCode()));
const run = (tmux, ...args) => world.startRunner(["--server", server.url, ...args], { env: tmux.env });
const drain = (tmux, ...args) => world.drain(["--server", server.url, ...args], { env: tmux.env });

const inTmux = (settings, body) => withTmux(world, panes(settings), body);

const panesOf = (w, id) => w.rows("SELECT * FROM panes WHERE task_id = ? ORDER BY id", id);
const hint = (w, id) => ({ hint: async () => `${JSON.stringify(await panesOf(w, id))}\n${await w.story([id])}` });

/** The task's row of an open pane. */
const opened = (id, w = world) =>
  until("it has a pane", async () => (await panesOf(w, id)).find((row) => row.opened_at && !row.closed_at), hint(w, id));

/** The task's one row, once it is closed. */
async function closed(id, { w = world, ...options } = {}) {
  await until("its pane is closed", async () => (await panesOf(w, id)).every((row) => row.closed_at), { ...hint(w, id), ...options });
  const rows = await panesOf(w, id);
  assert.equal(rows.length, 1, JSON.stringify(rows));
  return rows[0];
}

test("a running task has a pane, from before its prompt until it is over", inTmux({}, async (tmux) => {
  const foreign = await tmux.foreign();
  const [word, done] = [tag("shown"), tag("done")];
  const id = await world.add("-d", "look at me", `${word} [say one two three] ${LOOK} [until ${done}] [say four]`);
  await run(tmux);
  const row = await opened(id);
  const [pane] = (await tmux.panes()).filter((each) => each.id !== foreign);
  assert.deepEqual([row.pane_id, row.pane_pid, row.tmux_socket, row.tmux_server_pid], [pane.id, pane.pid, tmux.socket, tmux.pid]);
  assert.match(pane.command, new RegExp(` follow ${id} .*--pane [0-9a-f]{16}-\\w{16}$`));
  await until("its title", async () => (await tmux.panes()).some(({ title }) => title === `${id} look at me`));
  await tmux.shows(pane.id, "one two three");
  assert.deepEqual((await tmux.ok("display-message", "-p", "#{pane_id}")), tmux.own, "the person stays where they were");

  await world.letGo(done);
  const { session_id } = await world.finish(id);
  const end = await closed(id);
  assert.deepEqual([end.close_reason, end.session_id, end.detail], ["ended", session_id, null]);
  assertInOrder({ wanted: end.wanted_at, opened: end.opened_at, prompted: (await world.attempt(id)).prompted_at, closed: end.closed_at });
  assert.ok(isGone(pane.pid));
  assert.deepEqual((await tmux.panes()).map((each) => each.id), [foreign]);

  const shown = JSON.parse(await world.ok(["show", String(id), "--json"]));
  assert.deepEqual([shown.panes.length, shown.panes[0].pane_id, shown.panes[0].close_reason], [1, pane.id, "ended"]);
  assert.match(await world.ok(["show", String(id)]), /the task has ended/);
}));

test("OpenCode's own interface in a pane; no password in any process's arguments, nor in tmux", inWorld({ config: panes({ view: "attach" }) }, async (own) => {
  const tmux = await Tmux.open(own);
  const word = tag("attached");
  const id = await own.add("-d", "look at me", `${word} [say so far so good] ${LOOK} [hang]`);
  await own.startRunner([], { env: tmux.env });
  const row = await opened(id, own);
  await tmux.shows(row.pane_id, "so far so good", DRAWN);
  assert.deepEqual((await tmux.panes()).map(({ title }) => title), [`${id} look at me`], "the title is vigil's");
  const { password } = own;
  assert.ok(password.length > 8);
  const lines = everyCommandLine();
  assert.ok(lines.some((line) => line.includes(` attach http`)), "the interface is among them");
  for (const line of lines) assert.ok(!line.includes(password), line);
  assert.ok(!readFileSync(`/proc/${tmux.pid}/environ`, "latin1").includes(password));
  assert.ok(!(await tmux.ok("show-environment", "-g")).includes(password));
  assert.ok(!(await tmux.ok("show-environment")).includes(password));
  await own.ok(["cancel", String(id)]);
  assert.equal((await own.finish(id)).status, "cancelled");
  assert.equal((await closed(id, { w: own })).close_reason, "ended");
  assert.ok(isGone(row.pane_pid), "it has not outlived its pane");
  assert.deepEqual(await tmux.panes(), []);
  await tmux.close();
}));

test("a server of vigil's that dies: OpenCode's own interface is opened anew, on the one that is started then", inWorld({ config: panes({ view: "attach" }) }, async (own) => {
  const tmux = await Tmux.open(own);
  const [first, second] = [tag("before"), tag("after")];
  const prompt = `${LOOK} [until ${first}] [tool bash {"command":"echo $((6*7))nd-life","description":"look"}] [until ${second}] [say done]`;
  const ids = [await own.add(prompt), await own.add(prompt)];
  const runner = await own.startRunner([], { env: tmux.env });
  const rows = await Promise.all(ids.map((id) => opened(id, own)));
  for (const row of rows) await tmux.shows(row.pane_id, /true/, DRAWN);
  process.kill((await own.server()).pid, "SIGKILL");
  const renewed = async ({ task_id, pane_id }) => {
    const now = await opened(task_id, own);
    return now.pane_id !== pane_id && now;
  };
  const now = [];
  for (const row of rows) now.push(await until("there is another pane", () => renewed(row), { hint: () => runner.stderr }));
  await own.letGo(first);
  for (const row of now) await tmux.shows(row.pane_id, "42nd-life", DRAWN);
  assert.deepEqual((await tmux.panes()).map((pane) => pane.id).sort(), now.map((row) => row.pane_id).sort());
  for (const row of rows) assert.ok(isGone(row.pane_pid));
  assert.match(await own.ok(["show", String(ids[0])]), /its OpenCode server has ended, and another was started/);
  await own.letGo(second);
  await own.finished(ids);
  await own.stopRunners();
  assert.deepEqual(await tmux.panes(), []);
  await tmux.close();
}));

test("a server of vigil's that dies: who has a pane keeps its place, and who waits for one waits", inWorld({ config: panes({ view: "attach", max_panes: 1 }) }, async (own) => {
  const tmux = await Tmux.open(own);
  const [word, next] = [tag("full"), tag("next")];
  const id = await own.add(`${LOOK} [until ${word}] [say done]`);
  const runner = await own.startRunner([], { env: tmux.env });
  const first = await opened(id, own);
  await tmux.shows(first.pane_id, /true/, DRAWN);
  const waits = await own.add(`${next} [until ${word}] [say done]`);
  await own.called(next);
  assert.equal((await panesOf(own, waits))[0].opened_at, null);
  process.kill((await own.server()).pid, "SIGKILL");
  const another = async () => (await own.rows("SELECT * FROM panes WHERE opened_at > ? AND closed_at IS NULL", first.opened_at))[0];
  const now = await until("there is another pane", another, { hint: () => runner.stderr });
  assert.deepEqual([now.task_id, (await tmux.panes()).map((pane) => pane.id)], [id, [now.pane_id]]);
  await own.ok(["cancel", String(waits), String(id)]);
  await own.finished([id, waits]);
  await own.stopRunners();
  assert.deepEqual(await tmux.panes(), []);
  await tmux.close();
}));

test("the password of a given server is the runner's to know, and its panes find it", inWorld({}, async (own) => {
  const password = "a password of one's own";
  const { url, process: openCode } = await own.startOpenCode({ password });
  own.configure({ ...panes({ view: "attach" }), server: { url, password_env: "MY_PASSWORD" } });
  const tmux = await Tmux.open(own);
  const id = await own.add(`${tag("given")} [say so far so good] ${LOOK} [hang]`);
  await own.startRunner([], { env: { ...tmux.env, MY_PASSWORD: password } });
  const row = await opened(id, own);
  await tmux.shows(row.pane_id, "so far so good", DRAWN);
  for (const line of everyCommandLine()) assert.ok(!line.includes(password), line);
  await own.ok(["cancel", String(id)]);
  await closed(id, { w: own });
  await own.stopRunners();
  // A server that the first pane brings up has the runner's environment, but for that.
  const outside = { TMUX_TMPDIR: own.folder("tmux"), TMUX: "", TMUX_PANE: "", MY_PASSWORD: password };
  const next = await own.add(`${tag("outside")} [say so far so good] ${LOOK} [hang]`);
  await own.startRunner([], { env: outside });
  const { tmux_server_pid, tmux_socket, pane_id } = await opened(next, own);
  assert.ok(!readFileSync(`/proc/${tmux_server_pid}/environ`, "latin1").includes(password));
  const theirs = Object.assign(new Tmux(), { world: own, socket: tmux_socket });
  assert.ok(!(await theirs.ok("show-environment", "-g")).includes(password));
  await theirs.shows(pane_id, "so far so good", DRAWN);
  await own.stopRunners();
  await tmux.close();
  await openCode.stop("SIGKILL"); // on TERM it waits for the turn
}));

test("a pane that a person closes is not opened again, and the task goes on", inTmux({}, async (tmux) => {
  const word = tag("closed");
  const id = await world.add(`${word} [until ${word}] [say all the same]`);
  const runner = await run(tmux);
  const row = await opened(id);
  await tmux.ok("kill-pane", "-t", row.pane_id);
  const end = await closed(id, SWEEP);
  assert.deepEqual([end.close_reason, (await world.task(id)).status], ["gone", "running"]);
  await runner.stop(); // nor by the next run
  await run(tmux);
  await world.letGo(word);
  assert.equal((await world.finish(id)).result, "all the same");
  assert.deepEqual([(await panesOf(world, id)).length, await tmux.panes()], [1, []]);
}));

test("a tmux server that dies leaves the tasks alone", inTmux({}, async (tmux) => {
  const word = tag("killed");
  const id = await world.add(`${word} [until ${word}] [say all the same]`);
  await run(tmux);
  const row = await opened(id);
  process.kill(tmux.pid, "SIGKILL");
  const end = await closed(id, SWEEP);
  assert.deepEqual([end.close_reason, end.pane_id], ["server gone", row.pane_id]);
  await until("what it showed is gone", () => isGone(row.pane_pid));
  await world.letGo(word);
  assert.equal((await world.finish(id)).result, "all the same");
  assert.match(await world.ok(["show", String(id)]), /the tmux server has ended/);
}));

test("another server that gives a pane's id to somebody else's", inTmux({}, async (tmux) => {
  const [word, other] = [tag("reborn"), tag("elsewhere")];
  const id = await world.add(`${word} [until ${word}] [say done]`);
  await run(tmux);
  const row = await opened(id);
  process.kill(tmux.pid, "SIGKILL");
  await until("tmux is gone", () => isGone(tmux.pid));
  const again = await Tmux.open(world, { socket: tmux.socket });
  assert.equal(await again.foreign(), row.pane_id);
  assert.equal((await closed(id, SWEEP)).close_reason, "server gone");
  await world.letGo(word);
  await world.finish(id);
  assert.deepEqual((await again.panes()).map((pane) => pane.id), [row.pane_id]);
  // Nor is its window, which is not the runner's, split any more.
  const next = await opened(await world.add(`${other} [until ${other}] [say done]`));
  assert.equal(await again.ok("display-message", "-p", "-t", next.pane_id, "#{session_name}"), "vigil");
  await world.letGo(other);
  await world.finish(next.task_id);
  await world.stopRunners();
  assert.deepEqual((await again.panes()).map((pane) => pane.id), [row.pane_id]);
  await again.close();
}));

test("kill -9: what runs keeps its pane, what has ended meanwhile loses it", inTmux({}, async (tmux) => {
  const foreign = await tmux.foreign();
  const [word, other] = [tag("kept"), tag("over")];
  const kept = await world.add(`${word} [until ${word}] [say one two three]`);
  const over = await world.add(`${other} [hang]`);
  const runner = await run(tmux);
  const before = await opened(kept);
  const orphan = await opened(over);
  await world.called(word);
  await world.called(other);
  await runner.stop("SIGKILL");
  const ids = async () => (await tmux.panes()).map(({ id }) => id).sort();
  assert.deepEqual(await ids(), [foreign, before.pane_id, orphan.pane_id].sort());
  await world.sqlite(`UPDATE tasks SET status = 'stopping' WHERE id = ${over}`, { write: true });
  await run(tmux);
  await world.finish(over);
  assert.equal((await closed(over)).close_reason, "ended");
  assert.ok(isGone(orphan.pane_pid));
  assert.deepEqual(await ids(), [foreign, before.pane_id].sort());
  assert.ok(!isGone(before.pane_pid), "the same program");
  await world.letGo(word);
  await world.finish(kept);
  const end = await closed(kept);
  assert.deepEqual([end.pane_id, end.pane_pid, end.close_reason], [before.pane_id, before.pane_pid, "ended"]);
  assert.deepEqual(await ids(), [foreign]);
}));

test("panes stand in the order of their tasks, whichever was there first; a person who is in one stays in it", inTmux({}, async (tmux) => {
  const [first, rest] = [tag("first"), tag("rest")];
  const before = await world.add(`${first} [until ${first}] [say done]`);
  const ids = [await world.add("--after", String(before), `${rest} [until ${rest}] [say done]`), await world.add(`${rest} [until ${rest}] [say done]`)];
  await run(tmux);
  const last = await opened(ids[1]);
  await tmux.ok("select-pane", "-t", last.pane_id);
  await world.letGo(first);
  const wanted = [tmux.own, (await opened(ids[0])).pane_id, last.pane_id].join("\n");
  const list = () => tmux.ok("list-panes", "-t", tmux.own, "-F", "#{pane_id}");
  await until("they are in order", async () => (await list()) === wanted, { hint: list });
  assert.equal(await tmux.ok("display-message", "-p", "#{pane_id}"), last.pane_id);
  await world.letGo(rest);
  await world.finished(ids);
}));

test("kill -9, and the window has another size: the next run lays out what it takes up", inTmux({}, async (tmux) => {
  const word = tag("resized");
  const id = await world.add(`${word} [until ${word}] [say done]`);
  const runner = await run(tmux);
  await opened(id);
  const width = (wanted) => {
    const look = () => tmux.ok("display-message", "-p", "-t", tmux.own, "#{pane_width}");
    return until(`the main pane has ${wanted} columns`, async () => (await look()) === String(wanted), { hint: look });
  };
  await width(119);
  await runner.stop("SIGKILL");
  await tmux.ok("resize-window", "-t", tmux.own, "-x", "100", "-y", "30");
  await tmux.ok("resize-pane", "-t", tmux.own, "-x", "20");
  await run(tmux);
  await width(59);
  await world.letGo(word);
  await world.finish(id);
}));

test("a stop in order closes the panes, and the next run opens them again", inTmux({}, async (tmux) => {
  const word = tag("stopped");
  const id = await world.add(`${word} [until ${word}] [say one two three]`);
  const runner = await run(tmux);
  const first = await opened(id);
  await world.called(word);
  assert.equal((await runner.stop()).status, 0);
  assert.deepEqual([await tmux.panes(), isGone(first.pane_pid)], [[], true]);
  assert.equal((await closed(id)).close_reason, "stopped");
  await run(tmux);
  const second = await opened(id);
  assert.notEqual(second.mark, first.mark);
  await world.letGo(word);
  await world.finish(id);
  await until("it is closed", async () => (await panesOf(world, id)).every((row) => row.closed_at));
  assert.deepEqual((await panesOf(world, id)).map((row) => row.close_reason), ["stopped", "ended"]);
}));

test("no more than tmux.max_panes; who waits has one when another is closed", inTmux({ max_panes: 2 }, async (tmux) => {
  const words = [1, 2, 3].map(() => tag("many"));
  const ids = [];
  for (const word of words) ids.push(await world.add(`${word} [hang]`));
  await run(tmux);
  for (const word of words) await world.called(word);
  const all = async () => (await Promise.all(ids.map((id) => panesOf(world, id)))).flat();
  const shown = (await all()).filter((row) => row.opened_at);
  const [waits] = (await all()).filter((row) => !row.opened_at);
  assert.deepEqual([(await all()).length, shown.length, (await tmux.panes()).length], [3, 2, 2]);
  assert.match(await world.ok(["show", String(waits.task_id)]), /waits until another pane is closed \(tmux\.max_panes\)/);
  await world.ok(["cancel", String(shown[0].task_id)]);
  const late = await opened(waits.task_id);
  assert.ok(late.opened_at > (await world.attempt(late.task_id)).prompted_at, "its prompt has not waited for it");
  assert.equal((await tmux.panes()).length, 2);
  await world.ok(["cancel", String(shown[1].task_id), String(late.task_id)]);
  await world.finished(ids);
  for (const id of ids) assert.equal((await closed(id)).close_reason, "ended");
}));

test("where a window is too small for OpenCode's interface in all panes there may be, they show the answer alone", async () => {
  world.configure(panes({ view: "attach", max_panes: 3 }));
  const tmux = await Tmux.open(world, { columns: 80, rows: 24 });
  const word = tag("small");
  const id = await world.add(`${word} [say so far so good] ${LOOK} [hang]`);
  const runner = await run(tmux);
  const row = await opened(id);
  assert.match((await tmux.panes())[0].command, / follow \d+ /);
  await tmux.shows(row.pane_id, "so far so good");
  await until("it is said", () => /panes show the answers alone .*: 80x24 has no room/.test(runner.stderr));
  // Where there is room by now, it is used; by tiles, where the layout as configured has none.
  await tmux.ok("resize-window", "-t", tmux.own, "-x", "120", "-y", "30");
  const ids = [];
  for (let i = 0; i < 2; i++) ids.push(await world.add(`${word} [say once more] ${LOOK} [hang]`));
  for (const each of ids) await opened(each);
  const isTiled = async () => (await tmux.panes()).every(({ width, height }) => width >= 59 && height >= 14);
  await until("it is laid out in tiles", isTiled, { hint: async () => JSON.stringify(await tmux.panes()) });
  for (const each of ids) await tmux.shows((await opened(each)).pane_id, /true/, DRAWN);
  assert.equal((await tmux.panes()).filter(({ command }) => / attach \d+ /.test(command)).length, 2);
  await world.ok(["cancel", String(ids[0]), String(ids[1])]);
  await world.finished(ids);
  const isAsConfigured = async () => (await tmux.panes()).every(({ width }) => width === 48);
  await until("and as configured again", isAsConfigured, { hint: async () => JSON.stringify(await tmux.panes()) });
  await world.ok(["cancel", String(id)]);
  await world.finish(id);
  await world.stopRunners();
  await tmux.close();
});

test("outside of tmux there is a session of vigil's own, and it goes with its panes", async () => {
  world.configure(panes());
  const env = { TMUX_TMPDIR: world.folder("tmux"), TMUX: "", TMUX_PANE: "" };
  const ids = [];
  const done = tag("done");
  for (let i = 0; i < 3; i++) ids.push(await world.add(`${tag("own")} [until ${done}] [say one two three]`));
  const runner = await run({ env }, "--drain");
  const rows = [];
  for (const id of ids) rows.push(await opened(id));
  const tmux = Object.assign(new Tmux(), { world, socket: rows[0].tmux_socket });
  assert.ok(tmux.socket.startsWith(`${world.root}/tmux/`), tmux.socket);
  assert.equal(await tmux.ok("list-panes", "-s", "-t", "=vigil", "-F", "#{window_index} #{window_width}x#{window_height}"), Array(3).fill("0 200x50").join("\n"));
  const isLaidOut = async () => (await tmux.panes()).filter(({ width }) => width > 100 && width < 125).length === 1;
  await until("they are laid out", isLaidOut, { hint: async () => JSON.stringify(await tmux.panes()) });
  await world.letGo(done);
  const { status, stderr } = await runner.end();
  assert.equal(status, 0, stderr);
  assert.equal(stderr.match(/tmux attach -t vigil/g).length, 1, stderr);
  assert.deepEqual(await tmux.panes(), []);
  assert.notEqual((await tmux.run("has-session")).status, 0, "its server has nothing left to do");
});

test("without tmux it is said once, and tasks go on", async () => {
  world.configure(panes());
  const ids = [];
  for (let i = 0; i < 2; i++) ids.push(await world.add(`${tag("without")} [say done]`));
  const env = { PATH: world.folder("empty"), TMUX: "", TMUX_PANE: "" };
  const { status, stderr } = await (await run({ env }, "--drain")).end();
  assert.equal(status, 0, stderr);
  assert.equal(stderr.match(/tasks go on without a pane: tmux is not installed/g).length, 1, stderr);
  for (const id of ids) {
    assert.equal((await world.task(id)).status, "completed");
    assert.match(await world.ok(["show", String(id)]), /none.*tmux is not installed/);
  }
});

test("--no-tmux and --tmux override the configuration", inTmux({}, async (tmux) => {
  const without = await world.add(`${tag("no")} [say done]`);
  await drain(tmux, "--no-tmux");
  assert.deepEqual([(await world.task(without)).status, await panesOf(world, without)], ["completed", []]);
  world.configure(panes({ enabled: false }));
  const shown = await world.add(`${tag("yes")} [say done]`);
  await drain(tmux, "--tmux");
  assert.equal((await closed(shown)).close_reason, "ended");
  const { status, stderr } = await world.vigil(["run", "--tmux", "--no-tmux"]);
  assert.deepEqual([status, stderr], [2, "vigil: --tmux and --no-tmux exclude each other\n"]);
}));

test("a tmux that hangs holds a prompt up for 2 s at most, and its late pane is not left behind", inTmux({}, async (tmux) => {
  const runner = await run(tmux);
  await world.finish(await world.add(`${tag("before")} [say what is slow at first is over]`));
  await until("no pane is left", async () => (await tmux.panes()).length === 0);
  process.kill(tmux.pid, "SIGSTOP");
  const id = await world.add(`${tag("late")} [say done]`);
  await world.finish(id);
  const [{ prompted_at }, [{ wanted_at }]] = [await world.attempt(id), await panesOf(world, id)];
  const held = Date.parse(prompted_at) - Date.parse(wanted_at);
  assert.ok(held >= 1990 && held < 4000, `${wanted_at} ${prompted_at}`);
  await until("it is given up", () => runner.stderr.includes("tmux does not answer"));
  process.kill(tmux.pid, "SIGCONT");
  await closed(id, { within: 40_000 });
  await until("no pane is left", async () => (await tmux.panes()).length === 0, { hint: async () => JSON.stringify(await tmux.panes()) });
}));

for (const ending of ["SIGCONT", "SIGKILL"])
  test(`a tmux that hangs while vigil stops in order, and then has a ${ending}: nothing is called a crash, nor a person's doing`, inTmux({}, async (tmux) => {
    const word = tag("hung");
    const shown = await world.add(`${word} [until ${word}] [say done]`);
    const runner = await run(tmux);
    await opened(shown);
    await world.called(word);
    process.kill(tmux.pid, "SIGSTOP");
    const late = await world.add(`${word} [until ${word}] [say done]`);
    await until("its pane is to be opened", async () => (await panesOf(world, late)).length === 1);
    assert.equal((await runner.stop()).status, 0);
    assert.match(await world.ok(["show", String(late)]), /tmux did not answer when vigil stopped/);
    process.kill(tmux.pid, ending);
    await until("tmux goes on, or not", async () => ending === "SIGCONT" || isGone(tmux.pid));
    const next = await Tmux.open(world);
    await run(ending === "SIGCONT" ? tmux : next);
    for (const id of [shown, late]) {
      const isShown = async () => (await opened(id)).detail === null; // and not the row that was left
      await until("it is shown", isShown, { hint: async () => JSON.stringify(await panesOf(world, id)) });
      const reasons = (await panesOf(world, id)).filter((row) => row.closed_at).map((row) => row.close_reason);
      assert.ok(reasons.every((reason) => reason === "stopped"), `${id}: ${reasons}`);
    }
    await world.letGo(word);
    await world.finished(shown, late);
    await next.close();
  }));

test("a tmux that hangs while vigil stops in order, and a server that is back meanwhile", inTmux({}, async (tmux) => {
  const gate = await openGate(server.url);
  const word = tag("back");
  const id = await world.add(`${word} [until ${word}] [say done]`);
  const through = () => world.startRunner(["--server", gate.url], { env: tmux.env });
  const runner = await through();
  await opened(id);
  await world.called(word);
  gate.changes.set("GET /global/health", () => ({ status: 503, body: "{}" }));
  gate.sever("/global/event");
  await until("the server is away", () => /status 503/.test(runner.stderr), { hint: () => runner.stderr });
  let answer;
  gate.atAnswer = (_, path) => path === "/global/health" && !answer && new Promise((done) => (answer = done));
  gate.changes.delete("GET /global/health");
  await until("it is asked for once more", () => answer, { hint: () => runner.stderr });
  process.kill(tmux.pid, "SIGSTOP");
  const end = runner.stop();
  answer();
  assert.equal((await end).status, 0);
  assert.equal(runner.stderr.match(/ OpenCode \S+ at /g).length, 2, runner.stderr);
  process.kill(tmux.pid, "SIGCONT");
  await through();
  await world.letGo(word);
  await world.finish(id);
  await world.stopRunners();
  gate.close();
}));

test("a row that cannot be closed yet, of a pane that was never opened, holds nothing up", inTmux({}, async (tmux) => {
  const runner = await run(tmux);
  await world.sqlite("CREATE TRIGGER no BEFORE UPDATE OF closed_at ON panes BEGIN SELECT RAISE(ABORT, 'not now'); END", { write: true });
  process.kill(tmux.pid, "SIGSTOP"); // the first is being opened, and the others are to be opened after it
  const ids = [];
  for (let i = 0; i < 3; i++) ids.push(await world.add(`${tag("behind")} [say done]`));
  await world.finished(ids);
  await until("the first is given up", () => runner.stderr.includes("tmux does not answer"));
  await world.finish(await world.add(`${tag("next")} [say done]`));
  process.kill(tmux.pid, "SIGCONT");
  await world.sqlite("DROP TRIGGER no", { write: true });
  for (const id of ids) await closed(id, { within: 40_000 });
}));

test("a runner within tmux outlives its terminal in order, and the next takes up", async () => {
  world.configure({ ...panes(), server: { url: server.url } });
  const tmux = await Tmux.open(world);
  const word = tag("hup");
  const id = await world.add(`${word} [until ${word}] [say one two three]`);
  await tmux.ok("respawn-pane", "-k", "-t", tmux.own, VIGIL, "run");
  const first = await opened(id);
  await world.called(word);
  const runner = () => world.row("SELECT pid, ending FROM runners ORDER BY id DESC LIMIT 1");
  const { pid } = await runner();
  await tmux.close();
  await until("the runner has ended", () => isGone(pid));
  assert.equal((await runner()).ending, "stopped");
  await until("what it showed is gone", () => isGone(first.pane_pid));
  const again = await Tmux.open(world);
  const next = await run(again, "--drain");
  await opened(id);
  await world.letGo(word);
  assert.equal((await world.finish(id)).status, "completed");
  await next.end();
  assert.deepEqual(await again.panes(), []);
  await again.close();
});
