/** The AppArmor profile that this process runs in: what it forbids comes as an errno like any other. */

import { readFileSync } from "node:fs";

/** A file's text without the space around it; null: it cannot be read. Tests answer for the machine. */
export type ReadFile = (path: string) => string | null;

export const readOfMachine: ReadFile = (path) => {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
};

/** The name of a profile that is enforced; null: there is none. */
export function enforcedProfile(read: ReadFile = readOfMachine): string | null {
  const label = read("/proc/self/attr/apparmor/current") ?? read("/proc/self/attr/current");
  return /^(.+) \(enforce\)$/.exec(label ?? "")?.[1] ?? null;
}

/** What to do about a profile. */
export const profileCure = (profile: string): string =>
  `leave AppArmor's profile ${profile} out: start the container around this with --security-opt apparmor=unconfined, or give the profile \`userns,\`, \`mount,\` and \`capability,\``;
