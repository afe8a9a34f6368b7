// vigil and OpenCode die at the same moment, as when the machine goes down: after every step on a task's way, or, with
// EACH=3 in the environment, after every third of them.

import { onTheWay, walkAll } from "./failpoints.js";

const each = Number(process.env.EACH ?? 1);

walkAll(onTheWay.filter((_, i) => i % each === 0), { together: true });
