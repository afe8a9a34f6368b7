// The simulation's OpenCode (tests/sim) answers as the real one does: the same questions, by vigil's own client, to
// both, and what was decoded of the answers.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { VIGIL, sharedWorld, until } from "./harness.js";

const world = sharedWorld();
// Built with the tests: beside the program under test, or where that is another one, beside this checkout's own.
const folders = [dirname(VIGIL), fileURLToPath(new URL("../../build/gcc", import.meta.url))].map((folder) => join(folder, "tests/sim"));
const built = (name) => join(folders.find((folder) => existsSync(join(folder, name))) ?? folders[1], name);

// The simulation's is 1.18. In these lines 1.2.27 is another one.
const simulatesVersion = (version) => version.localeCompare("1.3", "en", { numeric: true }) > 0;
const OLDER = [
  "-the same reply again: ok",
  "+the same reply again: not found",
  "-the same reply again: ok",
  "+the same reply again: not found",
  "-the same reply again: ok",
  "+the same reply again: not found",
  "-  assistant build offline/echo: finish none, open, no error, tools 1, rejected 0",
  "+  assistant build offline/echo: finish none, completed, MessageAbortedError, tools 1, rejected 0",
  "-  assistant build offline/echo: finish none, completed, MessageAbortedError, tools 0, rejected 0",
  "+  assistant build offline/echo: finish none, completed, no error, tools 0, rejected 0",
  "-children: ok",
  "-prompt: ok",
  "+children: not found",
  "+prompt: not found",
];

test("the simulation's OpenCode is like the real one", async () => {
  const server = await world.startOpenCode();
  const real = world.start(built("compare-real"), [server.url, world.work], { input: null });
  await until("it asks for a restart", () => /^restart$/m.test(real.stderr) || !real.isAlive, { within: 200000, hint: () => real.stdout + real.stderr });
  const { version } = await world.openCode("/global/health", { url: server.url });
  await server.process.stop("SIGKILL");
  const again = await world.startOpenCode();
  real.child.stdin.end(`${again.url}\n`);
  const { status, stdout, stderr } = await real.end(100000);
  assert.equal(status, 0, stdout + stderr);
  const simulated = execFileSync(built("compare-sim"), { encoding: "utf8" });
  writeFileSync(join(world.root, "real"), stdout);
  writeFileSync(join(world.root, "simulated"), simulated);
  const { stdout: differences } = await world.start("diff", ["-U0", join(world.root, "real"), join(world.root, "simulated")]).end();
  const lines = differences.split("\n").filter((line) => /^[-+](?![-+])/.test(line));
  assert.deepEqual(lines, simulatesVersion(version) ? [] : OLDER, differences);
  assert.ok(stdout.split("\n").length > 100, "it has asked all that there is to ask");
});
