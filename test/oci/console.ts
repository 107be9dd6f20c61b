// A terminal that a runtime hands over by --console-socket, with this process as its keyboard.

import { existsSync, rmSync } from "node:fs";
import { patience } from "../patience.ts";
import { compileC } from "../pivot.ts";

export type Console = {
  readonly socket: string;
  /** The receiver's first line: what came with the descriptor, and whether it is a terminal. */
  readonly received: () => Promise<string>;
  readonly type: (text: string) => void;
  /** Waits until the screen shows this since the last wait; what it showed. */
  readonly until: (pattern: RegExp) => Promise<string>;
  readonly close: () => Promise<void>;
};

/** @param size rows and columns that the terminal is given once it is received */
export async function openConsole(
  socket: string,
  size?: readonly [rows: number, columns: number],
): Promise<Console> {
  const words = [compileC("oci/console-receiver.c"), socket, ...(size ?? []).map(String)];
  const child = Bun.spawn(words, { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  let screen = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of child.stdout) screen += decoder.decode(bytes, { stream: true });
  })();
  for (let i = 0; i < 500 * patience && !existsSync(socket); i++) await Bun.sleep(5);
  return {
    socket,
    received: async () => {
      const { value } = await child.stderr.getReader().read();
      return new TextDecoder().decode(value);
    },
    type: (text) => {
      child.stdin.write(text);
      child.stdin.flush();
    },
    until: async (pattern) => {
      for (let i = 0; i < 500; i++) {
        const found = pattern.exec(screen);
        if (found !== null) {
          const seen = screen.slice(0, found.index + found[0].length);
          screen = screen.slice(seen.length);
          return seen;
        }
        await Bun.sleep(10);
      }
      throw new Error(`${pattern} did not come up on the screen: ${JSON.stringify(screen)}`);
    },
    close: async () => {
      child.kill("SIGKILL");
      await child.exited;
      await reading;
      rmSync(socket, { force: true });
    },
  };
}
