/** A moment as docker's `--since` and `--filter until=` take it. */

import { UsageError } from "./arguments.ts";

const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A Go duration (`1h30m`, `10s`) in milliseconds; null: the text is none. */
export function readDuration(text: string): number | null {
  if (text === "0") return 0;
  const found = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+)$/.exec(text);
  if (found === null) return null;
  let sum = 0;
  for (const [, count, unit] of (found[2] ?? "").matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)) {
    sum += Number(count) * (units[unit ?? ""] ?? 0);
  }
  return found[1] === "-" ? -sum : sum;
}

/**
 * Reads a duration before now (`10m`), seconds since the epoch (`1136073600.000000001`), or a date
 * with or without time and zone (`2006-01-02T15:04:05Z`; without a zone it is the machine's).
 *
 * @param flag for the error: `--since`, `--filter until`
 * @returns milliseconds since the epoch
 * @throws UsageError
 */
export function readMoment(flag: string, text: string, now: number = Date.now()): number {
  const duration = readDuration(text);
  if (duration !== null) return now - duration;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const date = /^\d{4}-\d{2}-\d{2}(T\d{2}(:\d{2}(:\d{2}(\.\d+)?)?)?)?(Z|[+-]\d{2}:\d{2})?$/.exec(
    text,
  );
  if (date !== null) {
    // Date.parse reads neither hours alone nor a zone after a bare date, and a bare date as UTC.
    const [, time = "", , seconds, , zone = ""] = date;
    const day = text.slice(0, 10);
    const clock = time === "" ? "T00:00:00" : time.length === 3 ? `${time}:00:00` : time;
    const whole = Date.parse(
      `${day}${seconds === undefined && clock.length === 6 ? `${clock}:00` : clock}${zone}`,
    );
    if (!Number.isNaN(whole)) return whole;
  }
  throw new UsageError(
    `${flag} takes a duration (10m, 1h30m), a date (2006-01-02T15:04:05) or seconds since 1970, received ${JSON.stringify(text)}`,
  );
}
