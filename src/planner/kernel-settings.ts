/** `linux.sysctl`: settings of the container's namespaces, and never the machine's. */

import type { Slot, Step } from "../plan/op.ts";
import { namespaceOf, type Spec } from "../spec/mod.ts";
import { byInit, mount, write } from "./step.ts";

/**
 * Settings that would be changed for the whole machine, as runc and crun refuse them too: whoever
 * says what a container's parameters are need not be who says what the machine's are
 * (CVE-2022-0811).
 */
export function findSysctlProblems({ linux }: Spec): string[] {
  return Object.keys(linux?.sysctl ?? {}).flatMap((name) => {
    const type = namespaceOf(name.replaceAll("/", "."));
    if (type === undefined) {
      return [
        `linux.sysctl.${name}: expected a setting of a namespace, received one that holds for the whole machine: set it there`,
      ];
    }
    return linux?.namespaces?.some((entry) => entry.type === type) === true
      ? []
      : [
          `linux.sysctl.${name}: expected a ${type} namespace in linux.namespaces, received none: it would be the host's that is changed`,
        ];
  });
}

/** @param proc the container's own procfs, if it has one */
export function planKernelSettings(spec: Spec, proc: Slot | null): Step[] {
  const entries = Object.entries(spec.linux?.sysctl ?? {});
  if (entries.length === 0) return [];
  // A procfs of our own, which nothing was mounted over.
  const own =
    proc === null
      ? [byInit(mount({ type: "proc", into: "settings" }), "linux.sysctl: a procfs to write to")]
      : [];
  return [
    ...own,
    ...entries.map(([name, value]) =>
      byInit(
        write({ in: proc ?? "settings", path: `sys/${name.replaceAll(".", "/")}` }, value),
        `linux.sysctl.${name}`,
      ),
    ),
  ];
}
