// vigil and OpenCode die at the same moment, as when the machine goes down: after every step on a task's way.

import { onTheWay, walkAll } from "./failpoints.js";

walkAll(onTheWay, { together: true });
