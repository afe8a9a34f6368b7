// What must hold when everything was killed and has come back: the database, OpenCode's sessions and the model's
// calls are compared.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

/** The sessions of a folder, as a server tells them. */
export const sessionsIn = (world, directory, server) =>
  world.openCode(`/session?limit=1000000&directory=${encodeURIComponent(directory)}`, server);

/** A title of ours: the nonce of its attempt is at its end. */
export const isOurs = ({ title }) => /^Background: .* \[\S+\]$/s.test(title);

/**
 * An attempt's session holds our prompt once: one user message, under the ids that were committed before it was sent,
 * with one part. `prompted` false: it may not have been sent at all, but never twice. A server that is killed while it
 * takes the prompt can leave the message without its part: that is no answer, and no task completes on it.
 */
export async function assertPromptedOnce(world, attempt, server, prompted = true) {
  const messages = await world.openCode(`/session/${attempt.session_id}/message`, server);
  const ours = messages.filter(({ info }) => info.role === "user");
  if (!prompted && ours.length === 0) return;
  assert.deepEqual(ours.map(({ info }) => info.id), [attempt.message_id], `one prompt in ${attempt.session_id}`);
  const parts = ours[0].parts.map(({ id }) => id);
  if (attempt.outcome !== "completed" && parts.length === 0) return;
  assert.deepEqual(parts, [attempt.part_id], `of one part in ${attempt.session_id}`);
}

/** No two calls of one session overlap. One that was cut off by a kill ends when its server does. */
export function assertOneAtATime(calls) {
  const inOrder = [...calls].sort((a, b) => a.at - b.at);
  for (let i = 1; i < inOrder.length; i++) {
    const [before, next] = [inOrder[i - 1], inOrder[i]];
    assert.ok(before.ended_at !== null && before.ended_at <= next.at, `calls overlap: ${JSON.stringify([before, next])}`);
  }
}

/** What was started in a pane of vigil's in this world, whether that is still there or not. */
export const paneProcesses = (world) =>
  world.ownPids().filter((pid) => {
    try {
      return /(^|\0)VIGIL_PANE=/.test(readFileSync(`/proc/${pid}/environ`, "latin1"));
    } catch {
      return false; // it is gone
    }
  });

/** No pane of ours is left, no row of one is open, and what was started in one is gone; the foreign ones are there. */
export async function assertNoPanes(world, tmux, foreign) {
  assert.deepEqual(await world.rows("SELECT * FROM panes WHERE closed_at IS NULL"), []);
  assert.deepEqual((await tmux.panes()).map(({ id }) => id), foreign);
  assert.deepEqual(paneProcesses(world), []);
}
