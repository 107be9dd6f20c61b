// Who exchanges two names as fast as the machine can, while a container is made.

import { type ChildProcess, spawn } from "node:child_process";
import { compileC } from "../pivot.ts";

/** An attacker at work. */
export class Attacker {
  readonly #process: ChildProcess;
  readonly #ended: Promise<string>;

  /** Each pair of paths is exchanged in turn. */
  constructor(...pairs: readonly (readonly [string, string])[]) {
    this.#process = spawn(compileC("security/exchange.c"), pairs.flat(), {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    this.#process.stdout?.on("data", (bytes) => {
      said += bytes;
    });
    this.#ended = new Promise((resolve) => this.#process.once("close", () => resolve(said)));
  }

  /** Ends it; how often it has exchanged. An attacker that never did proves nothing, and throws. */
  async stop(): Promise<number> {
    this.#process.kill("SIGTERM");
    const count = Number.parseInt(await this.#ended, 10);
    if (!(count > 0)) throw new Error("the attacker has exchanged nothing");
    return count;
  }
}

/** Works while an attacker exchanges these; how often it did. */
export async function whileExchanged(
  pairs: readonly (readonly [string, string])[],
  work: () => void,
): Promise<number> {
  const attacker = new Attacker(...pairs);
  try {
    // It has to be at work before the first try.
    await Bun.sleep(20);
    work();
  } finally {
    await Bun.sleep(1);
  }
  return attacker.stop();
}
