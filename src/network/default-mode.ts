/**
 * What `--network` is when nobody says it: the network `bridge` where netavark is there to make it, for
 * ordinary users pasta where that is there; else loopback alone. The environment can say another: PIVOT_NETWORK.
 */

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import type { Roots } from "../container/roots.ts";
import { type NetworkMode, parseNetworkMode } from "../options/namespace-mode.ts";
import { formatOptionProblem } from "../options/problem.ts";
import {
  defaultNetwork,
  howToInstall,
  isLoopbackByDefault,
  isRootless,
  whyNoPasta,
} from "./installed.ts";

/**
 * @throws Error in one line when PIVOT_NETWORK says what is no mode
 */
export function defaultMode(env: NodeJS.ProcessEnv = process.env): NetworkMode {
  const given = env["PIVOT_NETWORK"];
  if (given === undefined || given === "") return defaultNetwork(isRootless(env), env);
  const parsed = parseNetworkMode(given);
  if (!parsed.ok) {
    throw new Error(formatOptionProblem({ ...parsed.problem, option: "PIVOT_NETWORK" }));
  }
  return parsed.value;
}

/** The mode that is meant. */
export const settleMode = (mode: NetworkMode | undefined): NetworkMode =>
  mode === undefined || mode === "private" ? defaultMode() : mode;

/** Once a boot, as long as somebody could have expected more than loopback; else null. */
export function missingWarning(mode: NetworkMode | undefined, { runRoot }: Roots): string | null {
  if (mode !== undefined && mode !== "private") return null;
  if ((process.env["PIVOT_NETWORK"] ?? "") !== "" || !isLoopbackByDefault()) return null;
  const mark = `${runRoot}/network/told-of-loopback`;
  if (existsSync(mark)) return null;
  mkdirSync(`${runRoot}/network`, { recursive: true, mode: 0o700 });
  writeFileSync(mark, "", { mode: 0o600 });
  const why = isRootless() ? whyNoPasta() : howToInstall;
  return `the container has loopback alone: ${why}, or say --network none`;
}
