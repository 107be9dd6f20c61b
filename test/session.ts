// A program at a pseudo-terminal of its own, driven as a person would at a keyboard.

import { patience } from "./patience.ts";

/** A sequence that moves the cursor, asks for it or clears: CSI of ECMA-48. */
const sequence = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*[A-Za-z]`, "g");

/** A program at a terminal of its own, and what is on its screen. */
export class Session {
  screen = "";
  readonly #process: Bun.Subprocess;

  constructor(
    words: readonly string[],
    cols = 80,
    rows = 24,
    env: Readonly<Record<string, string>> = { PATH: process.env["PATH"] ?? "" },
  ) {
    this.#process = Bun.spawn([...words], {
      env: { PIVOT_NETWORK: "none", ...env, TERM: "xterm" },
      terminal: {
        cols,
        rows,
        data: (_terminal, bytes) => {
          // busybox's shell asks where the cursor is: no part of what a person reads.
          this.screen += new TextDecoder().decode(bytes).replaceAll(sequence, "");
        },
      },
    });
  }

  get #terminal(): Bun.Terminal {
    const { terminal } = this.#process;
    if (terminal === undefined) throw new Error("there is no terminal");
    return terminal;
  }

  get pid(): number {
    return this.#process.pid;
  }

  type(text: string): void {
    this.#terminal.write(text);
  }

  resize(cols: number, rows: number): void {
    this.#terminal.resize(cols, rows);
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Takes the terminal away, as closing a window does. */
  hangUp(): void {
    this.#terminal.close();
  }

  /** Waits until the screen, from where the last wait ended, shows this; what it showed. */
  async until(pattern: RegExp, seconds = 5): Promise<string> {
    for (let i = 0; i < seconds * 100 * patience; i++) {
      const found = pattern.exec(this.screen);
      if (found !== null) {
        const seen = this.screen.slice(0, found.index + found[0].length);
        this.screen = this.screen.slice(seen.length);
        return seen;
      }
      await Bun.sleep(10);
    }
    this.#process.kill("SIGKILL");
    throw new Error(`${pattern} did not come up on the screen: ${JSON.stringify(this.screen)}`);
  }

  /** Waits for its end, and kills it when it takes too long; its code. */
  async end(wait = 4000): Promise<number> {
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), wait * patience);
    const code = await this.#process.exited;
    clearTimeout(timer);
    await Bun.sleep(20);
    if (!this.#terminal.closed) this.#terminal.close();
    return code;
  }
}
