// A person's tmux for the end-to-end tests: a server on a socket of its own, in which a runner opens panes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "./harness.js";

export const SWEEP = { within: 25_000 }; // every 10 s
export const DRAWN = { within: 60_000 };

// A view that comes in the middle of a text shows it when it is finished, and what is at work may have finished before
// its pane opens. So whoever is to be seen does this, before or after, and then waits until it is let go.
export const LOOK = '[tool bash {"command":"true","description":"look"}]';
export const LOOKED = "bash: true: ok";

/** A configuration with panes, in which the light view is. */
export const panes = (settings = {}) => ({ tmux: { enabled: true, view: "follow", ...settings } });

/** A test's function with a tmux of its own; `afterwards` is done while that and the runners are still there. */
export const withTmux = (world, config, body, afterwards = async () => {}) => async () => {
  world.configure(config);
  const tmux = await Tmux.open(world);
  try {
    await body(tmux);
  } finally {
    await afterwards();
    await world.stopRunners();
    await tmux.close();
  }
};

let opened = 0;

export class Tmux {
  /** A session `person` of one window with one pane, in which nothing happens: the runner's, as far as it can tell. */
  static async open(world, { columns = 200, rows = 50, socket = join(world.root, `desk-${++opened}`) } = {}) {
    const tmux = Object.assign(new Tmux(), { world, socket });
    await tmux.ok("-f", "/dev/null", "new-session", "-d", "-s", "person", "-x", String(columns), "-y", String(rows), "sleep", "3600");
    [tmux.own, tmux.pid] = (await tmux.ok("display-message", "-p", "#{pane_id} #{pid}")).split(" ");
    tmux.pid = Number(tmux.pid);
    return tmux;
  }

  /** What a program in that pane has in its environment. */
  get env() {
    return { TMUX: `${this.socket},${this.pid},0`, TMUX_PANE: this.own };
  }

  async run(...args) {
    const env = { TMUX: "", TMUX_PANE: "" };
    return this.world.start("tmux", ["-S", this.socket, ...args], { env }).end();
  }

  /** What tmux prints, without the end of its last line. */
  async ok(...args) {
    const { status, stdout, stderr } = await this.run(...args);
    assert.equal(status, 0, `tmux ${args.join(" ")}: ${stderr}`);
    return stdout.trimEnd();
  }

  /** All panes but the person's own: {id, pid, dead, command, title, size}. */
  async panes() {
    const format = ["pane_id", "pane_pid", "pane_dead", "pane_start_command", "pane_title", "pane_width", "pane_height"];
    const { status, stdout } = await this.run("list-panes", "-a", "-F", format.map((name) => `#{${name}}`).join("|"));
    if (status !== 0) return [];
    const all = stdout.trimEnd().split("\n").map((line) => line.split("|"));
    return all
      .map(([id, pid, dead, command, title, width, height]) => ({ id, pid: Number(pid), dead, command, title, width: Number(width), height: Number(height) }))
      .filter(({ id }) => id !== this.own);
  }

  /** Waits until the pane shows it (a text or an expression); the screen. */
  async shows(pane, what, { within } = {}) {
    let screen = "";
    const look = async () => {
      screen = await this.ok("capture-pane", "-p", "-J", "-S", "-", "-t", pane);
      return typeof what === "string" ? screen.includes(what) : what.test(screen);
    };
    await until(`the pane shows ${what}`, look, { within, hint: () => screen });
    return screen;
  }

  /** A pane of the person's own, in the same window. */
  async foreign(...command) {
    return this.ok("split-window", "-d", "-t", this.own, "-P", "-F", "#{pane_id}", ...(command.length ? command : ["sleep", "3600"]));
  }

  /** Also one that a failed test has left stopped. */
  close() {
    if (this.pid && !isGone(this.pid)) process.kill(this.pid, "SIGCONT");
    return this.run("kill-server");
  }
}

/** Has the process ended? */
export function isGone(pid) {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1").replace(/^.*\)/s, ""));
  } catch {
    return true;
  }
}
