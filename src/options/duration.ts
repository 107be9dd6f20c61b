// A length of time as Go writes it: 1m30s, 500ms, 1.5h.

import { accept, type Result, refuse } from "./problem.ts";

const MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Parses a length of time. @returns milliseconds */
export function parseDuration(given: string, option: string): Result<number> {
  const parts = [...given.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)];
  const whole = parts.map(([text]) => text).join("");
  if (given === "0") return accept(0);
  if (given === "" || whole !== given) {
    return refuse(option, given, "it is a length of time such as 30s, 1m30s or 500ms");
  }
  return accept(
    parts.reduce(
      (sum, [, count, unit]) => sum + Number(count) * (MILLISECONDS[unit ?? ""] ?? 0),
      0,
    ),
  );
}
