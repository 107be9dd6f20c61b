/** What is left of connections of containers that were killed, as steps that take it away. */

import { existsSync, readdirSync } from "node:fs";
import { basename } from "node:path";
import type { Roots } from "../container/roots.ts";
import type { Step } from "../plan/op.ts";
import { connectionDirectory, leftDirectory, type Netavark, teardown } from "../planner/network.ts";
import { byParent, onHost } from "../planner/step.ts";
import { leasesOf } from "./lease.ts";
import { findNetavark } from "./netavark.ts";
import { sharedDirectory } from "./network.ts";

/** One that has been uninstalled meanwhile: the step says that it is not there. */
function netavarkOrItsName(roots: Pick<Roots, "runRoot">): Netavark {
  const found = findNetavark(roots);
  if (found !== null) return found;
  const shared = sharedDirectory(roots);
  return { program: "/usr/lib/podman/netavark", nameServer: null, environment: [], shared };
}

/** @param state the state directory of a container that does not run any more */
export function disconnectSteps(roots: Pick<Roots, "runRoot">, id: string, state: string): Step[] {
  const leases = leasesOf(roots, id).map((path) =>
    byParent({ op: "remove", at: onHost(path) }, "its addresses and ports"),
  );
  const configs = connectionDirectory(state);
  if (!existsSync(configs)) return leases;
  const netavark = netavarkOrItsName(roots);
  const left = leftDirectory(netavark.shared, id);
  const how = { id, only: "", processFile: null, left };
  return [byParent(teardown(netavark, configs, how), "its networks"), ...leases];
}

/** Directories of what could not be taken away before, one for each container. */
export function leftOfNetworks(roots: Pick<Roots, "runRoot">): string[] {
  const all = `${sharedDirectory(roots)}/left`;
  return existsSync(all) ? readdirSync(all).map((id) => `${all}/${id}`) : [];
}

/** What could not be taken away before: a plan for each container. */
export function leftSteps(roots: Pick<Roots, "runRoot">): { path: string; steps: Step[] }[] {
  const netavark = netavarkOrItsName(roots);
  return leftOfNetworks(roots).map((path) => {
    const how = { id: basename(path), only: "", processFile: null, left: null };
    const steps = [
      byParent(teardown(netavark, path, how), "its networks, once more"),
      byParent({ op: "remove", at: onHost(path) }, "nothing of it is left"),
    ];
    return { path, steps };
  });
}
