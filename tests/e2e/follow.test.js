// vigil follow: what an agent says and does, into pipes and on a real terminal.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inWorld, sharedWorld, tag, until, VIGIL } from "./harness.js";
import { Terminal } from "./terminal.js";

const world = sharedWorld({ runner: true });
const follow = (id, ...options) => world.vigilStart(["follow", String(id), ...options]);
const onTerminal = (where, id, size) => Terminal.open(where, [VIGIL, "follow", String(id), "--pane", "a mark"], size);

// An answer that is begun before the stream is open is shown when it is finished. So it waits below, behind a call of a
// tool, until somebody has seen that.
const LOOK = '[tool bash {"command":"true","description":"look"}]';
const seen = (who, what) => until(`it is told ${what}`, () => what.test(who.stderr), { hint: () => who.stdout + who.stderr });
const lookSeen = (who) => seen(who, /^vigil: bash: true: ok$/m);

// ---- into pipes -----------------------------------------------------------------------------------------------------

test("the answer as it is written", async () => {
  const word = tag("follow");
  const id = await world.add(`${word} ${LOOK} [until ${word}] [slow 4] [long 2000]`);
  const following = follow(id);
  await lookSeen(following);
  await world.letGo(word);
  await until("some of it is there, and not all", () => following.stdout.length > 20);
  assert.equal((await world.task(id)).completed_at, null, "it is not finished yet");
  const { status, stdout, stderr } = await following.end();
  const { result } = await world.task(id);
  assert.deepEqual([status, stdout], [0, `${result}\n`]);
  assert.match(stderr, new RegExp(`vigil: running\n(.*\n)*vigil: task ${id} completed in \\S+.*\n$`));
});

test("who comes late has the whole answer, once, from its beginning", async () => {
  const word = tag("late");
  const id = await world.add(`${word} ${LOOK} [until ${word}] [slow 8] [say one two three four five six seven eight nine ten]`);
  const first = follow(id);
  await lookSeen(first);
  await world.letGo(word);
  await until("it has begun", () => first.stdout.includes("three"));
  const second = await follow(id).end();
  const { result } = await world.task(id);
  assert.deepEqual([second.status, second.stdout], [0, `${result}\n`]);
  assert.match(second.stderr, /vigil: it is writing something that it began before/);
  assert.equal((await first.end()).stdout, `${result}\n`);
});

test("several steps: the answers are data, the rest is not", async () => {
  const word = tag("steps");
  const id = await world.add(`${word} [think where to look] [say looking] ${LOOK} [tool read {"filePath":"nowhere"}] [until ${word}] [think hm] [say found it]`);
  const following = follow(id);
  await lookSeen(following);
  await seen(following, /^vigil: read: nowhere: failed: /m);
  await world.letGo(word);
  const { status, stdout, stderr } = await following.end();
  assert.deepEqual([status, stdout], [0, "looking\nfound it\n"]);
  assert.match(stderr, /^vigil: bash: true: ok$/m);
  assert.match(stderr, /^vigil: read: nowhere: failed: .*not found/m);
  assert.doesNotMatch(stderr, /hm/, "what it thinks is for a terminal");

  const afterwards = await follow(id).end();
  assert.deepEqual([afterwards.status, afterwards.stdout], [0, stdout], "the transcript says the same");

  const json = JSON.parse(await world.ok(["follow", String(id), "--json"]));
  const said = (stream) => json.filter((piece) => piece.stream === stream).map((piece) => piece.text).join("");
  assert.equal(said("text"), stdout);
  assert.equal(said("reasoning"), "where to look\nhm\n");
});

test("what is asked, and what it was told", async () => {
  const word = tag("asks");
  const id = await world.add(`${word} [until ${word}] [tool read {"filePath":"/etc/hostname"}] [say without it, then]`);
  const following = follow(id);
  await seen(following, /^vigil: running$/m);
  await world.letGo(word);
  const { status, stdout, stderr } = await following.end();
  assert.deepEqual([status, stdout], [0, "without it, then\n"]);
  assert.match(stderr, /^vigil: asks: permission: external_directory: .*$/m);
  assert.match(stderr, /^vigil: is told: external_directory: .*: reject, by vigil$/m);
});

test("its provider is asked again: the reason is shown", async () => {
  const word = tag("retried");
  const id = await world.add(`${word} [until ${word}] [fail-once 503] [say in the end]`);
  const following = follow(id);
  await seen(following, /^vigil: running$/m);
  await world.letGo(word);
  const { status, stdout, stderr } = await following.end();
  assert.deepEqual([status, stdout], [0, "in the end\n"]);
  assert.match(stderr, /^vigil: .*503/m);
});

test("of a task that fails it has the exit status, and says why", async () => {
  const word = tag("fails");
  const id = await world.add(`${word} [until ${word}] [fail 400]`);
  const following = follow(id);
  await seen(following, /^vigil: running$/m);
  await world.letGo(word);
  const { status, stderr } = await following.end();
  assert.equal(status, 1);
  assert.match(stderr, new RegExp(`\nvigil: task ${id} failed \\(agent\\): .*the script says: fail with 400.*\n$`));
});

test("ends with a cancel", async () => {
  const word = tag("cancelled");
  const id = await world.add(`${word} ${LOOK} [until ${word}] [slow 60] [long 2000]`);
  const following = follow(id);
  await lookSeen(following);
  await world.letGo(word);
  await until("it has begun", () => following.stdout.length > 0);
  await world.ok(["cancel", String(id), "--reason", "seen enough"]);
  const { status, stderr } = await following.end();
  assert.equal(status, 1);
  assert.match(stderr, /seen enough/);
});

test("escape sequences of an answer go through a pipe as they are, and not to a terminal", async () => {
  const id = await world.add(`${tag("escapes")} [say \u001b(B\u0007 and \u009b31m red]`);
  await world.finish(id);
  const { stdout } = await follow(id).end();
  assert.equal(stdout, "\u001b(B\u0007 and \u009b31m red\n");
  const terminal = await onTerminal(world, id);
  assert.equal(await terminal.ended(), 0);
  assert.match(await terminal.screen({ escapes: true }), /\^\[\(B\^G and <U\+009B>31m red/);
  await terminal.close();
});

// ---- on a terminal --------------------------------------------------------------------------------------------------

const DIM = "\u001b[2m";

test("on a terminal: reasoning dimmed, tools, asks, notes, and the end, each on lines of their own", async () => {
  const [word, begin] = [tag("terminal"), tag("terminal")];
  const id = await world.add(`${word} ${LOOK} [until ${begin}] [think where to look] [say looking] [tool bash {"command":"sleep 2","description":"look"}] [tool read {"filePath":"/etc/hostname"}] [until ${word}] [think that was that] [slow 6] [say one two three four]`);
  const terminal = await onTerminal(world, id);
  await terminal.shows(/^· bash: true: ok$/m);
  await world.letGo(begin);
  await terminal.shows(/^· bash: sleep 2$/m);
  await terminal.shows(/^· bash: sleep 2: ok$/m);
  for (const last of [/^· is told: /m, /^· read: .*: failed/m]) await terminal.shows(last);
  await world.letGo(word);
  await terminal.shows(/^one two$/m);
  assert.equal(await terminal.ended(), 0);
  const lines = (await terminal.screen()).trimEnd().split("\n").map((line) => line.replace(/: failed: .*/, ": failed"));
  const from = lines.indexOf("where to look");
  const told = ["· asks: permission: external_directory: /etc/* (/etc/hostname)", "· is told: external_directory: /etc/* (/etc/hostname): reject, by vigil", "· read: /etc/hostname: failed"];
  for (const line of told) assert.equal(lines.filter((each) => each === line).length, 1, line); // the database's and the server's word race
  assert.deepEqual(lines.slice(from, -1).filter((line) => line !== "" && !told.includes(line) && line !== "· read: /etc/hostname"), [
    "where to look",
    "looking",
    "· bash: sleep 2: ok",
    "that was that",
    "one two three four",
    lines.find((line) => line.startsWith(`· task ${id} completed in `)),
  ]);
  const coloured = await terminal.screen({ escapes: true });
  const styles = (text) => coloured.slice(0, coloured.indexOf(text)).match(/\u001b\[[0-9;]*m/g); // tmux says what changes
  assert.ok(styles("where to look").includes(DIM), JSON.stringify(coloured));
  assert.ok(styles("looking").at(-1) !== DIM, "an answer is not dimmed");
  await terminal.close();
});

test("without colours, where they are not wanted", async () => {
  const id = await world.add(`${tag("plain")} [think hm] [say plain]`);
  await world.finish(id);
  const terminal = await Terminal.open(world, [VIGIL, "follow", String(id)], { env: { NO_COLOR: "1" } });
  assert.equal(await terminal.ended(), 0);
  const screen = await terminal.screen({ escapes: true });
  assert.match(screen, /^hm\nplain\n· task/);
  await terminal.close();
});

test("Ctrl-C ends it at once, and nothing else", async () => {
  const id = await world.add(`${tag("hangs")} [say a word] ${LOOK} [hang]`);
  const terminal = await onTerminal(world, id);
  await terminal.shows("a word");
  await terminal.keys("C-c");
  assert.equal(await terminal.ended(), 2, "by the signal");
  assert.equal((await world.task(id)).status, "running");
  await terminal.close();
  await world.ok(["cancel", String(id)]);
  await world.finish(id);
});

// ---- through restarts -----------------------------------------------------------------------------------------------

test("the server dies, and the runner: it goes on when they are back", inWorld({}, async (own) => {
  await own.startRunner();
  const word = tag("survives");
  const id = await own.add(`${word} [say looking] ${LOOK} [until ${word}] [slow 8] [say one two three four five six seven eight]`);
  const following = own.vigilStart(["follow", String(id)]);
  await lookSeen(following);
  await own.letGo(word);
  const said = { within: 60_000, hint: () => following.stdout + following.stderr };
  await until("its second answer has begun", () => /one two/.test(following.stdout), said);
  const server = await own.server();
  process.kill(server.pid, "SIGKILL");
  await own.runner.stop("SIGKILL");
  await until("it says so", () => /no runner is alive/.test(following.stderr), said);
  await own.startRunner();
  const { status, stdout, stderr } = await following.end(120_000);
  assert.equal(status, 0, stderr);
  const { result } = await own.task(id);
  assert.equal(result, "one two three four five six seven eight");
  const [first, ...rest] = stdout.trimEnd().split("\n");
  assert.equal(first, "looking");
  assert.equal(rest.pop(), result);
  assert.ok(rest.length === 1 && result.startsWith(rest[0]), `what was cut off, and nothing twice: ${stdout}`);
  assert.match(stderr, /^vigil: resumed: its turn was cut off, and goes on in the same session$/m);
}));

test("a runner that is killed is not missed", inWorld({}, async (own) => {
  await own.startRunner();
  const word = tag("alone");
  const id = await own.add(`${word} ${LOOK} [until ${word}] [slow 8] [say one two three four five six seven eight]`);
  const terminal = await onTerminal(own, id);
  await terminal.shows(/^· bash: true: ok$/m);
  await own.letGo(word);
  await terminal.shows("one two");
  await own.runner.stop("SIGKILL");
  await terminal.shows(/^· no runner is alive/m);
  await terminal.shows("eight");
  await own.startRunner();
  assert.equal(await terminal.ended(60_000), 0);
  const lines = (await terminal.screen()).split("\n").filter((line) => line !== "" && !/^·|^Pane/.test(line));
  assert.equal(lines.join(""), "one two three four five six seven eight");
}));
