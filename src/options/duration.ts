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

/** A length of time without a sign; null: the text is none. */
export function milliseconds(text: string): number | null {
  if (text === "0") return 0;
  if (!/^((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+$/.test(text)) return null;
  const parts = [...text.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)];
  return parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (MILLISECONDS[unit ?? ""] ?? 0),
    0,
  );
}

/** Parses a length of time. @returns milliseconds */
export function parseDuration(given: string, option: string): Result<number> {
  const length = milliseconds(given);
  return length === null
    ? refuse(option, given, "it is a length of time such as 30s, 1m30s or 500ms")
    : accept(length);
}
