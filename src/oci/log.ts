/** Errors and warnings: a line for people, and one in the client's log as it wants to read it. */

import { closeSync, constants, openSync, writeSync } from "node:fs";
import { writeAll } from "../host/write.ts";
import type { Globals } from "./globals.ts";

export type Logging = Pick<Globals, "log" | "logFormat">;

function lineFor(level: "error" | "warning", message: string, format: "text" | "json"): string {
  const time = new Date().toISOString();
  return format === "json"
    ? `${JSON.stringify({ level, msg: message, time })}\n`
    : `time="${time}" level=${level} msg=${JSON.stringify(message)}\n`;
}

/**
 * Adds to the log, which any kind of file may be, as with the peers: a pipe of the client's too. But it
 * is not waited for: a FIFO that nobody reads is an error, and one that is full.
 */
function append(path: string, text: string): void {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOCTTY, O_NONBLOCK } = constants;
  const file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK, 0o644);
  try {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  } finally {
    closeSync(file);
  }
}

/** Says it on standard error, and where the client looks for it. */
export function log(
  level: "error" | "warning",
  text: string,
  { log: file, logFormat }: Logging,
): void {
  const message = text.replaceAll("\n", " ");
  if (file !== null) {
    try {
      append(file, lineFor(level, message, logFormat));
    } catch (error) {
      writeAll(2, `pivot-oci: cannot write to the log: ${(error as Error).message}\n`);
    }
  }
  if (file === null && logFormat === "json") writeAll(2, lineFor(level, message, "json"));
  else writeAll(2, `pivot-oci: ${level === "warning" ? "warning: " : ""}${message}\n`);
}
