// Asks CRIU whether it can save and restore on this machine.

import { spawnSync } from "node:child_process";
import { findCriuError } from "./checkpoint.ts";

/**
 * Why this machine cannot checkpoint, as one line; null when CRIU says that it can. It takes CRIU some
 * ten milliseconds to find out. A CRIU that is older than the kernel fails here already, before it
 * touches any process.
 */
export function whyNoCheckpoint(program = "criu"): string | null {
  const { error, status, stderr, stdout } = spawnSync(program, ["check"], { encoding: "utf8" });
  if (error !== undefined) {
    const code = (error as NodeJS.ErrnoException).code ?? error.message;
    return `checkpoint and restore need CRIU: cannot run ${program} (${code}): install it`;
  }
  if (status === 0) return null;
  const reason = findCriuError(stderr) ?? findCriuError(stdout) ?? `exit code ${status}`;
  return `CRIU cannot checkpoint on this machine: criu check says "${reason}": a release of CRIU that knows this kernel is needed`;
}
