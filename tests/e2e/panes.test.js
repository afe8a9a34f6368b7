// Panes in tmux: each running task has one, from before its prompt is sent until it is over; and none that is not
// vigil's is ever touched.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assertInOrder, everyCommandLine, inWorld, tag, until, VIGIL } from "./harness.js";
import { isGone, Tmux } from "./tmux.js";

const SWEEP = { within: 25_000 }; // every 10 s
const DRAWN = { within: 60_000 };

const config = (tmux = {}, more = {}) => ({ tmux: { enabled: true, view: "follow", ...tmux }, ...more });
const inTmux = (settings, body) =>
  inWorld({ config: settings }, async (world) => {
    const tmux = await Tmux.open(world);
    try {
      await body(world, tmux);
    } finally {
      await world.stopRunners();
      await tmux.close();
    }
  });

const panesOf = (world, id) => world.rows("SELECT * FROM panes WHERE task_id = ? ORDER BY id", id);
const hint = (world, id) => ({ hint: async () => `${JSON.stringify(await panesOf(world, id))}\n${await world.story([id])}` });

/** The task's row of an open pane. */
const opened = (world, id) =>
  until("it has a pane", async () => (await panesOf(world, id)).find((row) => row.opened_at && !row.closed_at), hint(world, id));

/** The task's one row, once it is closed. */
async function closed(world, id, options) {
  await until("its pane is closed", async () => (await panesOf(world, id)).every((row) => row.closed_at), { ...hint(world, id), ...options });
  const rows = await panesOf(world, id);
  assert.equal(rows.length, 1, JSON.stringify(rows));
  return rows[0];
}

test("a running task has a pane, from before its prompt until it is over", inTmux(config(), async (world, tmux) => {
  const foreign = await tmux.foreign();
  const word = tag("shown");
  const id = await world.add("-d", "look at me", `${word} [slow 4] [say one two three four five six seven eight]`);
  await world.startRunner([], { env: tmux.env });
  const row = await opened(world, id);
  const [pane] = (await tmux.panes()).filter((each) => each.id !== foreign);
  assert.deepEqual([row.pane_id, row.pane_pid, row.tmux_socket, row.tmux_server_pid], [pane.id, pane.pid, tmux.socket, tmux.pid]);
  assert.match(pane.command, new RegExp(` follow ${id} .*--pane [0-9a-f]{16}-\\w{16}$`));
  await until("its title", async () => (await tmux.panes()).some(({ title }) => title === `${id} look at me`));
  await tmux.shows(pane.id, /two three/);
  assert.deepEqual((await tmux.ok("display-message", "-p", "#{pane_id}")), tmux.own, "the person stays where they were");

  const { session_id } = await world.finish(id);
  const end = await closed(world, id);
  assert.deepEqual([end.close_reason, end.session_id, end.detail], ["ended", session_id, null]);
  assertInOrder({ wanted: end.wanted_at, opened: end.opened_at, prompted: (await world.attempt(id)).prompted_at, closed: end.closed_at });
  assert.ok(isGone(pane.pid));
  assert.deepEqual((await tmux.panes()).map((each) => each.id), [foreign]);

  const shown = JSON.parse(await world.ok(["show", String(id), "--json"]));
  assert.deepEqual([shown.panes.length, shown.panes[0].pane_id, shown.panes[0].close_reason], [1, pane.id, "ended"]);
  assert.match(await world.ok(["show", String(id)]), /the task has ended/);
}));

test("OpenCode's own interface in a pane; no password in any process's arguments, nor in tmux", inTmux(config({ view: "attach" }), async (world, tmux) => {
  const word = tag("attached");
  const id = await world.add(`${word} [say so far so good] [tool bash {"command":"true","description":"look"}] [hang]`);
  await world.startRunner([], { env: tmux.env });
  const row = await opened(world, id);
  await tmux.shows(row.pane_id, "so far so good", DRAWN);
  const { password } = world;
  assert.ok(password.length > 8);
  const lines = everyCommandLine();
  assert.ok(lines.some((line) => line.includes(` attach http`)), "the interface is among them");
  for (const line of lines) assert.ok(!line.includes(password), line);
  assert.ok(!readFileSync(`/proc/${tmux.pid}/environ`, "latin1").includes(password));
  assert.ok(!(await tmux.ok("show-environment", "-g")).includes(password));
  assert.ok(!(await tmux.ok("show-environment")).includes(password));
  await world.ok(["cancel", String(id)]);
  assert.equal((await world.finish(id)).status, "cancelled");
  assert.equal((await closed(world, id)).close_reason, "ended");
  assert.ok(isGone(row.pane_pid), "it has not outlived its pane");
  assert.deepEqual(await tmux.panes(), []);
}));

test("a pane that a person closes is not opened again, and the task goes on", inTmux(config(), async (world, tmux) => {
  const id = await world.add(`${tag("closed")} [slow 15] [say all the same]`);
  await world.startRunner([], { env: tmux.env });
  const row = await opened(world, id);
  await tmux.ok("kill-pane", "-t", row.pane_id);
  const end = await closed(world, id, SWEEP);
  assert.deepEqual([end.close_reason, (await world.task(id)).status], ["gone", "running"]);
  assert.equal((await world.finish(id)).result, "all the same");
  assert.deepEqual([(await panesOf(world, id)).length, await tmux.panes()], [1, []]);
}));

test("a tmux server that dies leaves the tasks alone", inTmux(config(), async (world, tmux) => {
  const id = await world.add(`${tag("killed")} [slow 15] [say all the same]`);
  await world.startRunner([], { env: tmux.env });
  const row = await opened(world, id);
  process.kill(tmux.pid, "SIGKILL");
  const end = await closed(world, id, SWEEP);
  assert.deepEqual([end.close_reason, end.pane_id], ["server gone", row.pane_id]);
  await until("what it showed is gone", () => isGone(row.pane_pid));
  assert.equal((await world.finish(id)).result, "all the same");
  assert.match(await world.ok(["show", String(id)]), /the tmux server has ended/);
}));

test("another server that gives a pane's id to somebody else's", inTmux(config(), async (world, tmux) => {
  const id = await world.add(`${tag("reborn")} [slow 15] [say done]`);
  await world.startRunner([], { env: tmux.env });
  const row = await opened(world, id);
  process.kill(tmux.pid, "SIGKILL");
  await until("tmux is gone", () => isGone(tmux.pid));
  const again = await Tmux.open(world, { socket: tmux.socket });
  assert.equal(await again.foreign(), row.pane_id);
  assert.equal((await closed(world, id, SWEEP)).close_reason, "server gone");
  await world.finish(id);
  await world.stopRunners();
  assert.deepEqual((await again.panes()).map((pane) => pane.id), [row.pane_id]);
  await again.close();
}));

test("kill -9: what runs keeps its pane, what has ended meanwhile loses it", inTmux(config(), async (world, tmux) => {
  const foreign = await tmux.foreign();
  const [word, other] = [tag("kept"), tag("over")];
  const kept = await world.add(`${word} [slow 20] [say one two three]`);
  const over = await world.add(`${other} [slow 20] [say one two three]`);
  const runner = await world.startRunner([], { env: tmux.env });
  const before = await opened(world, kept);
  const orphan = await opened(world, over);
  await world.called(word);
  await world.called(other);
  await runner.stop("SIGKILL");
  const ids = async () => (await tmux.panes()).map(({ id }) => id).sort();
  assert.deepEqual(await ids(), [foreign, before.pane_id, orphan.pane_id].sort());
  const { url, session_id } = { ...(await world.server()), ...(await world.attempt(over)) };
  await world.openCode(`/session/${session_id}`, { url, password: world.password, method: "DELETE" });
  await world.sqlite(`UPDATE tasks SET status = 'stopping' WHERE id = ${over}`, { write: true });
  await world.startRunner([], { env: tmux.env });
  await world.finish(over);
  assert.equal((await closed(world, over)).close_reason, "ended");
  assert.ok(isGone(orphan.pane_pid));
  assert.deepEqual(await ids(), [foreign, before.pane_id].sort());
  assert.ok(!isGone(before.pane_pid), "the same program");
  await world.finish(kept);
  const end = await closed(world, kept);
  assert.deepEqual([end.pane_id, end.pane_pid, end.close_reason], [before.pane_id, before.pane_pid, "ended"]);
  assert.deepEqual(await ids(), [foreign]);
}));

test("a stop in order closes the panes, and the next run opens them again", inTmux(config(), async (world, tmux) => {
  const word = tag("stopped");
  const id = await world.add(`${word} [slow 15] [say one two three]`);
  const runner = await world.startRunner([], { env: tmux.env });
  const first = await opened(world, id);
  await world.called(word);
  assert.equal((await runner.stop()).status, 0);
  assert.deepEqual([await tmux.panes(), isGone(first.pane_pid)], [[], true]);
  assert.equal((await closed(world, id)).close_reason, "stopped");
  await world.startRunner([], { env: tmux.env });
  const second = await opened(world, id);
  assert.notEqual(second.mark, first.mark);
  await world.finish(id);
  await until("it is closed", async () => (await panesOf(world, id)).every((row) => row.closed_at));
  assert.deepEqual((await panesOf(world, id)).map((row) => row.close_reason), ["stopped", "ended"]);
}));

test("no more than tmux.max_panes; who waits has one when another is closed", inTmux(config({ max_panes: 2 }), async (world, tmux) => {
  const ids = [];
  for (const seconds of [6, 6, 12]) ids.push(await world.add(`${tag("many")} [slow ${seconds}] [say one two three]`));
  await world.startRunner([], { env: tmux.env });
  await until("all have a row", async () => (await world.rows("SELECT 1 FROM panes")).length === 3);
  await opened(world, ids[0]);
  await opened(world, ids[1]);
  const waits = await world.ok(["show", String(ids[2])]);
  assert.match(waits, /waits until another pane is closed \(tmux\.max_panes\)/);
  assert.equal((await tmux.panes()).length, 2);
  await opened(world, ids[2]);
  assert.ok((await tmux.panes()).length <= 2);
  for (const id of ids) await world.finish(id);
  for (const id of ids) assert.equal((await closed(world, id)).close_reason, "ended");
  const { prompted_at } = await world.attempt(ids[2]);
  assert.ok((await panesOf(world, ids[2]))[0].opened_at > prompted_at, "its prompt has not waited for it");
}));

test("outside of tmux there is a session of vigil's own, and it goes with its panes", inWorld({ config: config() }, async (world) => {
  const env = { TMUX_TMPDIR: world.folder("tmux"), TMUX: "", TMUX_PANE: "" };
  const ids = [];
  for (let i = 0; i < 3; i++) ids.push(await world.add(`${tag("own")} [slow 6] [say one two three]`));
  const runner = await world.startRunner(["--drain"], { env });
  const rows = [];
  for (const id of ids) rows.push(await opened(world, id));
  const tmux = Object.assign(new Tmux(), { world, socket: rows[0].tmux_socket });
  assert.ok(tmux.socket.startsWith(`${world.root}/tmux/`), tmux.socket);
  assert.equal(await tmux.ok("list-panes", "-s", "-t", "=vigil", "-F", "#{window_index} #{window_width}x#{window_height}"), Array(3).fill("0 200x50").join("\n"));
  await until("they are laid out", async () => (await tmux.panes()).some(({ width }) => width > 100 && width < 125), { hint: async () => JSON.stringify(await tmux.panes()) });
  const { status, stderr } = await runner.end();
  assert.equal(status, 0, stderr);
  assert.equal(stderr.match(/tmux attach -t vigil/g).length, 1, stderr);
  assert.deepEqual(await tmux.panes(), []);
  assert.notEqual((await tmux.run("has-session")).status, 0, "its server has nothing left to do");
}));

test("without tmux it is said once, and tasks go on", inWorld({ config: config() }, async (world) => {
  const ids = [];
  for (let i = 0; i < 2; i++) ids.push(await world.add(`${tag("without")} [say done]`));
  const env = { PATH: world.folder("empty"), TMUX: "", TMUX_PANE: "" };
  const { status, stderr } = await world.vigil(["run", "--drain"], { env, within: 120_000 });
  assert.equal(status, 0, stderr);
  assert.equal(stderr.match(/tasks go on without a pane: tmux is not installed/g).length, 1, stderr);
  for (const id of ids) {
    assert.equal((await world.task(id)).status, "completed");
    assert.match(await world.ok(["show", String(id)]), /none .*tmux is not installed/);
  }
}));

test("--no-tmux and --tmux override the configuration", inTmux(config(), async (world, tmux) => {
  const without = await world.add(`${tag("no")} [say done]`);
  await world.drain(["--no-tmux"], { env: tmux.env });
  assert.deepEqual([(await world.task(without)).status, await panesOf(world, without)], ["completed", []]);
  world.configure({ tmux: { view: "follow" } });
  const withIt = await world.add(`${tag("yes")} [say done]`);
  await world.drain(["--tmux"], { env: tmux.env });
  assert.equal((await closed(world, withIt)).close_reason, "ended");
  const { status, stderr } = await world.vigil(["run", "--tmux", "--no-tmux"]);
  assert.deepEqual([status, stderr], [2, "vigil: --tmux and --no-tmux exclude each other\n"]);
}));

test("a tmux that hangs holds a prompt up for 2 s at most, and its late pane is not left behind", inTmux(config(), async (world, tmux) => {
  const runner = await world.startRunner([], { env: tmux.env });
  await world.finish(await world.add(`${tag("before")} [say the server is there]`));
  await until("no pane is left", async () => (await tmux.panes()).length === 0);
  process.kill(tmux.pid, "SIGSTOP");
  const id = await world.add(`${tag("late")} [say done]`);
  const { started_at } = await world.finish(id).then(() => world.attempt(id));
  const { prompted_at } = await world.attempt(id);
  assert.ok(Date.parse(prompted_at) - Date.parse(started_at) < 10_000, `${started_at} ${prompted_at}`);
  assert.ok(runner.isAlive);
  process.kill(tmux.pid, "SIGCONT");
  await closed(world, id, { within: 40_000 });
  await until("no pane is left", async () => (await tmux.panes()).length === 0, { hint: async () => JSON.stringify(await tmux.panes()) });
}));

test("a runner within tmux outlives its terminal in order, and the next takes up", inWorld({ config: config() }, async (world) => {
  const tmux = await Tmux.open(world);
  const word = tag("hup");
  const id = await world.add(`${word} [slow 15] [say one two three]`);
  await tmux.ok("respawn-pane", "-k", "-t", tmux.own, VIGIL, "run");
  const first = await opened(world, id);
  await world.called(word);
  const { pid } = await world.row("SELECT pid FROM runners");
  await tmux.close();
  await until("the runner has ended", () => isGone(pid));
  assert.equal((await world.row("SELECT ending FROM runners")).ending, "stopped");
  await until("what it showed is gone", () => isGone(first.pane_pid));
  const again = await Tmux.open(world);
  await world.startRunner(["--drain"], { env: again.env });
  await opened(world, id);
  assert.equal((await world.finish(id)).status, "completed");
  await world.runner.end();
  assert.deepEqual(await again.panes(), []);
  await again.close();
}));
