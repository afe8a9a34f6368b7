// A minute of chaos, with the same choices each time. `make chaos` makes others, for as long as you like.

import assert from "node:assert/strict";
import { test } from "node:test";
import { chaos } from "./chaos.js";

test("nothing is lost, and nothing is done twice", async () => {
  const { failures, figures } = await chaos({ seconds: 60, seed: 4 });
  assert.deepEqual(failures, []);
  for (const what of ["tasks", "kills of vigil", "kills of OpenCode", "resumes"]) assert.ok(figures[what] > 0, what);
});
