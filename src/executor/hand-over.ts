/**
 * Hands a plan over to the executor, which waits for it: the launcher has started this process as
 * its child and become the executor (see `native/launch.c`). With the plan this process has done
 * its work; no JavaScript runtime stays beside a container.
 */

import { readFileSync, writeSync } from "node:fs";
import { WireWriter } from "./wire-writer.ts";

/** Where the executor has laid down what a reporter is to tell; see `native/follow.c`. */
const reportFd = 3;

/** Latin-1: a character for each byte. */
const bytesOf = (plan: string | Uint8Array): Uint8Array =>
  typeof plan === "string" ? Buffer.from(plan, "latin1") : plan;

/**
 * Never returns: the executor ends this process when it has the plan. When there is something to
 * tell, it becomes this program again, with the arguments of `reporter`.
 *
 * @param plan encoded; as a text it has a character for each byte
 * @throws Error when this process was not started by the launcher.
 */
export function handOver(plan: string | Uint8Array, reporter: readonly string[]): never {
  const pipe = process.env["PIVOT_PLAN_FD"];
  if (pipe === undefined) {
    throw new Error("this program is started by its launcher: call `pivot`, not `pivot-program`");
  }
  const bytes = bytesOf(plan);
  const head = new WireWriter();
  head.u32(0);
  head.texts(reporter);
  head.patch32(0, head.length - 4 + bytes.length);
  const message = Buffer.concat([head.bytes.subarray(0, head.length), bytes]);
  for (let sent = 0; sent < message.length; ) sent += writeSync(Number(pipe), message, sent);
  // Killed while it waits: to take a JavaScript runtime apart takes longer than to end it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  throw new Error("the executor is gone");
}

/** What the executor wants told: its events, and the plan that they are about. */
export function readReport(): { readonly events: Uint8Array; readonly plan: Uint8Array } {
  const bytes = readFileSync(reportFd);
  const end = 4 + bytes.readUInt32LE(0);
  return { events: bytes.subarray(4, end), plan: bytes.subarray(end) };
}
