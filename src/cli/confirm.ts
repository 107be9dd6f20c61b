/** Asks before something is removed, as docker's prunes do. */

import { readSync } from "node:fs";
import { isatty } from "node:tty";
import { writeAll } from "../host/write.ts";
import { UsageError } from "./arguments.ts";

/** A line of standard input, without its end; null: there is none. */
function readLine(): string | null {
  const byte = new Uint8Array(1);
  const bytes: number[] = [];
  for (;;) {
    let count: number;
    try {
      count = readSync(0, byte);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") continue;
      throw error;
    }
    if (count === 0) return bytes.length === 0 ? null : Buffer.from(bytes).toString();
    if (byte[0] === 10) return Buffer.from(bytes).toString();
    bytes.push(byte[0] ?? 0);
  }
}

/**
 * Prints what would be done and asks `Are you sure you want to continue? [y/N]` on the terminal.
 *
 * @param warning "WARNING! This will remove all stopped containers."
 * @returns whether the answer was yes
 * @throws UsageError where there is no terminal to ask at: it names `-f`
 */
export function confirm(warning: string): boolean {
  if (!isatty(0)) {
    throw new UsageError("this asks first, and standard input is no terminal: give -f to go on");
  }
  writeAll(2, `${warning}\nAre you sure you want to continue? [y/N] `);
  const answer = readLine();
  if (answer === null) writeAll(2, "\n");
  return /^\s*y(es)?\s*$/i.test(answer ?? "");
}
