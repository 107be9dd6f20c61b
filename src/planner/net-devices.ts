/** `linux.netDevices`: network devices of the host that go over to the container. */

import type { Step } from "../plan/op.ts";
import type { Spec } from "../spec/mod.ts";
import { byParent } from "./step.ts";

/** By the parent, which alone sees both sides; when init is in its network namespace. */
export const planNetDevices = ({ linux }: Spec): Step[] =>
  Object.entries(linux?.netDevices ?? {}).map(([name, { name: to }]) =>
    byParent({ op: "move_interface", name, to: to ?? name }, `linux.netDevices.${name}`),
  );

export function findNetDeviceProblems({ linux }: Spec): string[] {
  const devices = Object.entries(linux?.netDevices ?? {});
  const problems: string[] = [];
  if (devices.length > 0 && !linux?.namespaces?.some(({ type }) => type === "network")) {
    problems.push(
      "linux.netDevices: expected a network namespace for them to go to, received none: the devices are the container's already",
    );
  }
  const taken = new Map<string, string>();
  for (const [name, { name: to = name }] of devices) {
    const other = taken.get(to);
    if (other !== undefined && !to.includes("%d")) {
      problems.push(`linux.netDevices: ${other} and ${name} cannot both be called ${to}`);
    }
    if (to.includes("%") && !/^[^%]*%d[^%]*$/.test(to)) {
      problems.push(`linux.netDevices.${name}.name: expected %d once, received ${to}`);
    }
    taken.set(to, name);
  }
  return problems;
}
