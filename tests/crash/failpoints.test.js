// kill -9 at every failpoint, while OpenCode goes on.

import assert from "node:assert/strict";
import { test } from "node:test";
import { failpoints, printed, walkAll } from "./failpoints.js";

test("each failpoint has its journey", () => assert.deepEqual([...failpoints].sort(), [...printed].sort()));
walkAll(failpoints);
