// A minute of chaos, with the same choices each time. `make chaos` makes others, for as long as you like.

import assert from "node:assert/strict";
import { test } from "node:test";
import { chaos } from "./chaos.js";

test("nothing is lost, and nothing is done twice", async () => {
  const { failures, figures } = await chaos({ seconds: 60, seed: 4 });
  assert.deepEqual(failures, []);
  // How many turns are cut off is chance: that each is resumed, together.test.js makes sure of.
  for (const what of ["tasks", "kills of vigil", "kills of OpenCode"]) assert.ok(figures[what] > 0, what);
});
