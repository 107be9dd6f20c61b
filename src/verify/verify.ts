/** What separates a running process from the host, and what does not: everything that is looked at. */

import { checkBinds } from "./check-binds.ts";
import { checkKernelFiles } from "./check-kernel-files.ts";
import { checkNamespaces, checkUsers } from "./check-namespaces.ts";
import { checkPrivileges } from "./check-privileges.ts";
import { checkDescriptors, checkDevices, checkLimits } from "./check-reach.ts";
import { checkPropagation, checkRoot } from "./check-root.ts";
import { type Finding, levels } from "./finding.ts";
import type { HostSeen, Seen } from "./seen.ts";

/** The worst first; within a level in the order in which a reader would ask. */
export const sorted = (findings: readonly Finding[]): Finding[] =>
  levels.flatMap((level) => findings.filter((each) => each.level === level));

/** Judges what was seen; the same for every engine's containers, and for any process. */
export const judge = (seen: Seen, host: HostSeen): Finding[] => [
  ...checkNamespaces(seen, host),
  ...checkUsers(seen),
  ...checkRoot(seen),
  ...checkPropagation(seen, host),
  ...checkBinds(seen, host),
  ...checkKernelFiles(seen, host),
  ...checkPrivileges(seen),
  ...checkDevices(seen),
  ...checkDescriptors(seen, host),
  ...checkLimits(seen),
];
