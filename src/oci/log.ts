/** Errors and warnings: a line for people, and one in the client's log as it wants to read it. */

import { appendFileSync } from "node:fs";
import { writeAll } from "../host/write.ts";
import type { Globals } from "./globals.ts";

export type Logging = Pick<Globals, "log" | "logFormat">;

function lineFor(level: "error" | "warning", message: string, format: "text" | "json"): string {
  const time = new Date().toISOString();
  return format === "json"
    ? `${JSON.stringify({ level, msg: message, time })}\n`
    : `time="${time}" level=${level} msg=${JSON.stringify(message)}\n`;
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
      appendFileSync(file, lineFor(level, message, logFormat));
    } catch (error) {
      writeAll(2, `pivot-oci: cannot write to the log: ${(error as Error).message}\n`);
    }
  }
  if (file === null && logFormat === "json") writeAll(2, lineFor(level, message, "json"));
  else writeAll(2, `pivot-oci: ${level === "warning" ? "warning: " : ""}${message}\n`);
}
