/** What the checks of a container have said: a file of its state directory, and so of this run alone. */

import { renameSync, writeFileSync } from "node:fs";
import { readIfThere } from "../host/first-process.ts";

export type HealthStatus = "starting" | "healthy" | "unhealthy";

export type HealthCheckResult = {
  /** ISO 8601. */
  readonly Start: string;
  readonly End: string;
  readonly ExitCode: number;
  /** The first 4096 bytes of what it wrote. */
  readonly Output: string;
};

/** In docker's shape, since `inspect` shows it. */
export type Health = {
  readonly Status: HealthStatus;
  readonly FailingStreak: number;
  /** The last five, the oldest first. */
  readonly Log: readonly HealthCheckResult[];
};

const mostKept = 5;

const fileOf = (directory: string): string => `${directory}/health.json`;

export const noChecksYet: Health = { Status: "starting", FailingStreak: 0, Log: [] };

export function readHealth(directory: string): Health {
  const text = readIfThere(fileOf(directory));
  return text === null ? noChecksYet : (JSON.parse(text) as Health);
}

export type Judgement = {
  /** Failures in a row that make it unhealthy. */
  readonly retries: number;
  /** Failures do not count yet. */
  readonly isStarting: boolean;
};

/** What one more check makes of it. As docker: a success counts from the first on. */
export function judge(
  before: Health,
  result: HealthCheckResult,
  { retries, isStarting }: Judgement,
): Health {
  const Log = [...before.Log, result].slice(-mostKept);
  if (result.ExitCode === 0) return { Status: "healthy", FailingStreak: 0, Log };
  if (isStarting && before.Status === "starting") return { ...before, Log };
  const FailingStreak = before.FailingStreak + 1;
  const Status = FailingStreak >= retries ? "unhealthy" : before.Status;
  return { Status, FailingStreak, Log };
}

/** Only one writer at a time: the executor never starts two checks at once. */
export function writeHealth(directory: string, health: Health): void {
  const file = fileOf(directory);
  writeFileSync(`${file}.new`, JSON.stringify(health), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
