/** What only few configurations make pivot ask the machine about: not on the path of every start. */

import { readFileSync } from "node:fs";
import type { Facts, ResctrlFacts } from "../planner/facts.ts";
import { asksForLabels } from "../planner/labels.ts";
import type { Spec } from "../spec/mod.ts";

const readOrNull = (path: string): string | null => {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return null;
  }
};

/** The mount point of the first file system of a type; proc_pid_mountinfo(5). */
export function mountPointOf(mountinfo: string, type: string): string | null {
  const line = mountinfo.split("\n").find((each) => each.includes(` - ${type} `));
  const field = line?.split(" ")[4];
  return (
    field?.replaceAll(/\\([0-7]{3})/g, (_all, code: string) =>
      String.fromCharCode(Number.parseInt(code, 8)),
    ) ?? null
  );
}

export const readResctrlMount = (): string | null =>
  mountPointOf(readOrNull("/proc/self/mountinfo") ?? "", "resctrl");

function resctrlFacts(group: string): ResctrlFacts | null {
  const mount = readResctrlMount();
  if (mount === null) return null;
  return { mount, schemata: readOrNull(`${mount}/${group}/schemata`) };
}

/** The facts that a configuration asks for beyond `readFacts`. */
export function readAskedFacts(spec: Spec, id: string): Partial<Facts> {
  const rdt = spec.linux?.intelRdt;
  return {
    ...(asksForLabels(spec)
      ? {
          apparmor: readOrNull("/sys/module/apparmor/parameters/enabled")?.startsWith("Y") === true,
          // There only where SELinux is on: a kernel that merely knows it has no such files.
          selinux: readOrNull("/sys/fs/selinux/policyvers") !== null,
        }
      : {}),
    ...(rdt === undefined ? {} : { resctrl: resctrlFacts(rdt.closID ?? id) }),
  };
}
