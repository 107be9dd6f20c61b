/** Turns whatever went wrong into one line, and an exit code. */

import { OptionError, WishError } from "../container/wish-error.ts";
import { writeAll } from "../host/write.ts";
import { FlagError, UsageError } from "./arguments.ts";
import type { Command } from "./command.ts";
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

/**
 * Docker's: 125 for every error of a command whose codes are a program's own, and anywhere for flags
 * that cannot be read; else 1.
 */
const exitCodeOf = (error: unknown, answers: boolean): number =>
  answers || error instanceof FlagError || error instanceof OptionError ? 125 : 1;

/**
 * @param command the one whose error it is; null where the words name none
 * @returns the exit code
 */
export function reportError(
  error: unknown,
  argv: readonly string[],
  command: Pick<Command, "name" | "answers"> | null,
): number {
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
    writeAll(2, `pivot: see \`pivot ${command === null ? "" : `${command.name} `}--help\`\n`);
  }
  return exitCodeOf(error, command?.answers === true);
}
