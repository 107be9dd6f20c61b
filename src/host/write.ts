/** Complete writes to a descriptor, whatever it is. */

import { writeSync } from "node:fs";

const sleep = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
};

/**
 * Writes all of it. A pipe whose reader is slow takes it in parts (`process.stdout.write` before
 * `process.exit` would lose what is beyond 64 KiB); one whose reader is gone ends it.
 *
 * @returns false when there is nobody left to read.
 */
export function writeAll(fd: number, text: string | Uint8Array): boolean {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  for (let sent = 0; sent < bytes.length; ) {
    try {
      sent += writeSync(fd, bytes, sent, bytes.length - sent);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EPIPE") return false;
      if (code !== "EAGAIN") throw error;
      sleep(1);
    }
  }
  return true;
}
