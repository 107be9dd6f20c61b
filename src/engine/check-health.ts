/** One check of a container's health: its command is run inside, and what it says is noted. */

import type { Readable } from "node:stream";
import type { Roots } from "../container/roots.ts";
import { describeFailure } from "../executor/failure.ts";
import { executePlan } from "../executor/spawn.ts";
import { prepareExec } from "./enter.ts";
import { noteEvent } from "./events.ts";
import { type HealthCheckResult, judge, readHealth, writeHealth } from "./health-log.ts";
import type { HealthCheck } from "./options.ts";
import { type Container, subjectOf } from "./status.ts";

const mostOutput = 4096;

/** The beginning of what a stream says; the rest is read and thrown away. */
function beginningOf(streams: readonly (Readable | null)[]): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  for (const stream of streams) {
    stream?.on("data", (chunk: Buffer) => {
      if (size < mostOutput) chunks.push(chunk.subarray(0, mostOutput - size));
      size += chunk.length;
    });
  }
  return () => Buffer.concat(chunks).toString("utf8");
}

/** As docker's: the exit code of a check that could not be run, or took too long. */
const noVerdict = -1;

async function runCheck(
  container: Container,
  { command, timeout }: HealthCheck,
  roots: Roots,
): Promise<Pick<HealthCheckResult, "ExitCode" | "Output">> {
  const wish = {
    command,
    env: {},
    user: null,
    workdir: null,
    interactive: false,
    tty: false,
    privileged: false,
    detach: false,
    detachKeys: new Uint8Array(),
    streams: ["null", "socket", "socket"],
  } as const;
  const { plan } = await prepareExec(container, wish, roots);
  const { child, outcome, end } = executePlan(plan, ["ignore", "pipe", "pipe"]);
  const output = beginningOf([child.stdout, child.stderr]);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    end();
  }, timeout);
  const { failure, exitCode } = await outcome;
  clearTimeout(timer);
  if (isLate) {
    return { ExitCode: noVerdict, Output: `Health check exceeded timeout (${timeout}ms)` };
  }
  if (failure !== null) return { ExitCode: noVerdict, Output: describeFailure(plan, failure) };
  return { ExitCode: exitCode ?? noVerdict, Output: output() };
}

/** @param check of the container's options */
export async function checkHealth(
  container: Container,
  check: HealthCheck,
  roots: Roots,
): Promise<void> {
  const { directory, id, started } = container;
  const begin = new Date();
  const result = await runCheck(container, check, roots).catch((error: unknown) => ({
    ExitCode: noVerdict,
    Output: error instanceof Error ? error.message : String(error),
  }));
  const isStarting = begin.getTime() < (started ?? 0) + check.startPeriod;
  const before = readHealth(directory);
  const after = judge(
    before,
    { Start: begin.toISOString(), End: new Date().toISOString(), ...result },
    { retries: check.retries, isStarting },
  );
  writeHealth(directory, after);
  if (after.Status !== before.Status) {
    noteEvent(roots, `health_status: ${after.Status}`, id, subjectOf(container));
  }
}
