#!/usr/bin/env node
// What a runner costs that has nothing to do: how often it wakes, and the time it takes. Each wait of a thread
// that ends is a wake-up, and the kernel counts them as voluntary context switches.

import { join } from "node:path";
import {
  bench, end, goal, line, memory, ms, number, processorMs, runVigil, sleep, startFake, startRunner, switches, tempFolder, title,
} from "./lib.js";

const SECONDS = 10;
const A_FEW = 5; // a second

async function watch(pid) {
  const [before, cpu] = [switches(pid), processorMs(pid)];
  await sleep(SECONDS * 1000);
  const after = switches(pid);
  return { wakes: (after.voluntary - before.voluntary) / SECONDS, cpu: processorMs(pid) - cpu };
}

await bench(async () => {
  const database = join(tempFolder(), "vigil.db");
  const fake = await startFake();
  runVigil(database, ["add", "--hold", "held, so that there is a row"]);
  const runner = await startRunner(database, ["--server", fake.url]);
  await sleep(2000);
  const { wakes, cpu } = await watch(runner.pid);

  title(`an idle runner, connected to a server, nothing queued; ${SECONDS} s`);
  line("wake-ups a second, all threads", number(wakes));
  line("processor time", ms(cpu), `of ${SECONDS} s: ${number(cpu / SECONDS / 10)} %`);
  line("memory held", `${number(memory(runner.pid).now)} MB`, `at most ${number(memory(runner.pid).peak)} MB`);
  goal(`at most ${A_FEW} wake-ups a second`, wakes <= A_FEW);
  await end(runner);
});
