/** Turns whatever went wrong into one line, and an exit code. */

import { WishError } from "../container/wish-error.ts";
import { writeAll } from "../host/write.ts";
import { UsageError } from "./arguments.ts";
import type { Interruption } from "./interrupt.ts";
import { visible } from "./visible.ts";

/** Writes a message as people or as machines read it. */
export function report(
  level: "error" | "warning" | "note",
  message: string,
  format: "text" | "json" = "text",
): void {
  const line = message.replaceAll("\n", " ");
  writeAll(
    2,
    format === "json"
      ? `${JSON.stringify({ level, msg: line, time: new Date().toISOString() })}\n`
      : `pivot: ${level === "warning" ? "warning: " : ""}${visible(line)}\n`,
  );
}

/** By its name: the module is not loaded for a start, as this one is. */
const isInterruption = (error: unknown): error is Interruption =>
  error instanceof Error && error.name === "Interruption";

/** @returns the exit code: 125, as docker has it for what is not the container's own. */
export function reportError(error: unknown, argv: readonly string[]): number {
  // Whoever interrupted it knows.
  if (isInterruption(error)) return error.exitCode;
  const asJson = argv.some((word) => word === "--log-format=json" || word === "json");
  const format = asJson && argv.some((w) => w.startsWith("--log-format")) ? "json" : "text";
  const message = error instanceof Error ? error.message : String(error);
  const lines = error instanceof WishError ? error.problems : [message];
  for (const line of lines) report("error", line, format);
  if (process.env["PIVOT_TRACE"] !== undefined && error instanceof Error) {
    writeAll(2, `${error.stack}\n`);
  }
  if (error instanceof UsageError && format === "text") {
    writeAll(2, "pivot: see `pivot --help`, or `pivot COMMAND --help`\n");
  }
  return 125;
}
