// A terminal for the end-to-end tests: tmux on a socket of its own, one program in one pane.

import assert from "node:assert/strict";
import { join } from "node:path";
import { until } from "./harness.js";

let opened = 0;

export class Terminal {
  /** Runs the program (an array, no shell) in the world's environment, on a terminal of that size. */
  static async open(world, command, { columns = 100, rows = 30, env = {} } = {}) {
    const terminal = new Terminal();
    terminal.world = world;
    terminal.socket = join(world.root, `tmux-${++opened}`);
    terminal.env = { ...env, TMUX: "" };
    // The pane stays when its program has ended, so that its last words can be read.
    const keep = ["set-option", "-g", "remain-on-exit", "on", ";"];
    const size = ["-x", String(columns), "-y", String(rows)];
    await terminal.tmux("start-server", ";", ...keep, "new-session", "-d", ...size, ...command);
    return terminal;
  }

  async tmux(...args) {
    const tmux = this.world.start("tmux", ["-S", this.socket, "-f", "/dev/null", ...args], { env: this.env });
    const { status, stdout, stderr } = await tmux.end();
    assert.equal(status, 0, `tmux ${args.join(" ")}: ${stderr}`);
    return stdout;
  }

  /** What a person sees; `escapes` with the sequences for colours. Lines that tmux has wrapped are one. */
  screen({ escapes = false, history = true } = {}) {
    return this.tmux("capture-pane", "-p", "-J", ...(escapes ? ["-e"] : []), ...(history ? ["-S", "-"] : []));
  }

  /** Waits until the screen shows it (a text or an expression); the screen. */
  async shows(what, { within, ...options } = {}) {
    let screen = "";
    const look = async () => {
      screen = await this.screen(options);
      return typeof what === "string" ? screen.includes(what) : what.test(screen);
    };
    await until(`the terminal shows ${what}`, look, { within, hint: () => screen.trimEnd() });
    return screen;
  }

  async read(format) {
    return (await this.tmux("display-message", "-p", format)).trim();
  }

  /** The program's pid. */
  async pid() {
    return Number(await this.read("#{pane_pid}"));
  }

  keys(...keys) {
    return this.tmux("send-keys", ...keys);
  }

  /** Waits until the program has ended: its exit status, or its signal's number. */
  async ended(within) {
    const look = async () => {
      const [dead, status] = (await this.read("#{pane_dead} #{pane_dead_status}#{pane_dead_signal}")).split(" ");
      // tmux 3.3a can miss the signal of a program that ends soon, and reaps it with the next child that ends.
      if (dead === "1" && !status) await this.tmux("run-shell", "true");
      return status;
    };
    return Number(await until("the program on the terminal has ended", look, { within, hint: () => this.screen() }));
  }

  async close() {
    await this.tmux("kill-server");
  }
}
