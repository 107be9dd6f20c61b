/** A moment as docker's `--since` and `--filter until=` take it. */

import { milliseconds } from "../options/duration.ts";
import { UsageError } from "./arguments.ts";

/** A Go duration (`1h30m`, `10s`, `-5m`) in milliseconds; null: the text is none. */
export function readDuration(text: string): number | null {
  const length = milliseconds(text.replace(/^[+-]/, ""));
  return length !== null && text.startsWith("-") ? -length : length;
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
