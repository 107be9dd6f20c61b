/** The AppArmor profile that confines this process: what it forbids, the kernel calls EACCES or EPERM. */

import { readFileSync } from "node:fs";

/** What is asked of the machine; tests answer for it. */
export type ReadFile = (path: string) => string | null;

/** A small file without the white space around it; null: it cannot be read. */
export const ofMachine: ReadFile = (path) => {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
};

/** The profile's name; null where none is in force, or one that forbids nothing (apparmor(7)). */
export function confinedBy(read: ReadFile = ofMachine): string | null {
  const label = read("/proc/self/attr/apparmor/current") ?? "";
  return /^(.+) \((?:enforce|kill|mixed)\)$/s.exec(label)?.[1] ?? null;
}

/** What to do about it; `userns` is a rule since AppArmor 4. */
export const confinementCure =
  "run pivot outside of what is confined, or give the profile `capability, mount, umount, pivot_root, userns,`";
