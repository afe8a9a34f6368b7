// The simulation's OpenCode (tests/sim) answers as the real one does: the same questions, by vigil's own client, to
// both, and what was decoded of the answers.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { VIGIL, sharedWorld, until } from "./harness.js";

const world = sharedWorld();
const beside = (name) => realpathSync(join(dirname(VIGIL), "tests/sim", name));

test("the simulation's OpenCode is like the real one", async () => {
  const server = await world.startOpenCode();
  const real = world.start(beside("compare-real"), [server.url, world.work], { input: null });
  await until("it asks for a restart", () => /^restart$/m.test(real.stderr) || !real.isAlive, { within: 200000, hint: () => real.stdout + real.stderr });
  await server.process.stop("SIGKILL");
  const again = await world.startOpenCode();
  real.child.stdin.end(`${again.url}\n`);
  const { status, stdout, stderr } = await real.end(100000);
  assert.equal(status, 0, stdout + stderr);
  const simulated = execFileSync(beside("compare-sim"), { encoding: "utf8" });
  writeFileSync(join(world.root, "real"), stdout);
  writeFileSync(join(world.root, "simulated"), simulated);
  const { stdout: differences } = await world.start("diff", ["-U3", join(world.root, "real"), join(world.root, "simulated")]).end();
  assert.equal(differences, "");
  assert.ok(stdout.split("\n").length > 100, "it has asked all that there is to ask");
});
