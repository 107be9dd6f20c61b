/** Options of the network that do not go together, in docker's words. Pure. */

import type { NetworkMode } from "../options/namespace-mode.ts";
import type { RunOptions } from "../options/options.ts";

const isConnected = (mode: NetworkMode): boolean => typeof mode === "object" && "network" in mode;

/** It has a network namespace of its own, with more than loopback in it. */
const reachesOut = (mode: NetworkMode): boolean =>
  isConnected(mode) || (typeof mode === "object" && "pasta" in mode);

/** What its interface is, which only a network gives it. */
function endpointFlags({ ip, ip6, macAddress, networkAliases }: RunOptions): string[] {
  return [
    ...(ip === undefined ? [] : ["--ip"]),
    ...(ip6 === undefined ? [] : ["--ip6"]),
    ...(macAddress === undefined ? [] : ["--mac-address"]),
    ...((networkAliases ?? []).length === 0 ? [] : ["--network-alias"]),
  ];
}

const publishes = ({ publish, publishAll }: RunOptions): boolean =>
  (publish ?? []).length > 0 || publishAll === true;

const modeName = (mode: NetworkMode): string => {
  if (typeof mode === "string") return mode;
  if ("container" in mode) return `container:${mode.container}`;
  if ("pasta" in mode) return "pasta";
  return "path" in mode ? `ns:${mode.path}` : mode.network;
};

/** What is said to an egress list in a mode that has nothing to hold to it; null: nothing. */
function egressFinding(mode: NetworkMode): string | null {
  if (reachesOut(mode)) return null;
  if (mode === "none") return "--egress is left out: with --network none nothing is reached anyway";
  return `--egress: conflicting options: with --network ${modeName(mode)} the network is not the container's own: use bridge, a network's name or pasta`;
}

/**
 * @param mode as it is after the default has been settled
 * @param isAsked somebody said so, and it is not what is left without netavark
 */
export function checkNetwork(
  mode: NetworkMode,
  options: RunOptions,
  isAsked: boolean,
): { readonly problems: readonly string[]; readonly warnings: readonly string[] } {
  const egress = options.egress === undefined ? null : egressFinding(mode);
  if (isConnected(mode)) return { problems: [], warnings: [] };
  const name = modeName(mode);
  const problems: string[] = egress !== null && mode !== "none" ? [egress] : [];
  const warnings: string[] = egress !== null && mode === "none" ? [egress] : [];
  if ((options.networks ?? []).length > 0) {
    problems.push(
      `--network: conflicting options: ${name} is no network that others can stand beside`,
    );
  }
  for (const flag of endpointFlags(options)) {
    problems.push(
      `${flag}: conflicting options: with --network ${name} there is no network for it`,
    );
  }
  if (publishes(options) && !reachesOut(mode)) {
    if (typeof mode === "object") {
      problems.push("-p: conflicting options: port publishing and the container type network mode");
    } else if (isAsked) {
      warnings.push(`-p: published ports are discarded with --network ${name}`);
    }
  }
  return { problems, warnings };
}
