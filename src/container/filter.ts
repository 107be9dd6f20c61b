/** The seccomp filter of a container, compiled: the default one was compiled beforehand. */

import type { Capability } from "../plan/constants.ts";
import type { Facts } from "../planner/facts.ts";
import type { SeccompFilter } from "../planner/setting.ts";
import { precompiledDefault } from "../seccomp/precompiled.ts";
import type { Profile } from "../seccomp/profile.ts";
import { WishError } from "./wish-error.ts";

/** SECCOMP_FILTER_FLAG_SPEC_ALLOW, what filterFlags gives a profile without flags. */
const specAllow = 4;

async function compileProfile(profile: Profile, facts: Facts): Promise<SeccompFilter> {
  const { compile, filterFlags } = await import("../seccomp/mod.ts");
  const compiled = compile(profile, facts.arch);
  const problem = (path: string, expected: string, received: string) =>
    new WishError([`linux.seccomp.${path}: expected ${expected}, received ${received}`]);
  if (!compiled.ok) {
    const { path, expected, received } = compiled.problem;
    throw problem(path, expected, received);
  }
  const flags = filterFlags(profile.flags, compiled.notifies);
  if (!flags.ok) {
    throw problem(flags.problem.path, flags.problem.expected, flags.problem.received);
  }
  const filter = { program: compiled.program, flags: flags.value };
  const { listenerPath, listenerMetadata } = profile;
  if (!compiled.notifies || listenerPath === undefined) return filter;
  return { ...filter, agent: { path: listenerPath, metadata: listenerMetadata ?? null } };
}

/** Not a Buffer itself: that has a `toJSON`, by which a plan's JSON would show it as an object. */
function fromBase64(text: string): Uint8Array {
  const { buffer, byteOffset, length } = Buffer.from(text, "base64");
  return new Uint8Array(buffer, byteOffset, length);
}

/**
 * The filter for a choice of profile; null for none.
 *
 * @param capabilities the container's bounding set, by which the default profile differs
 * @throws WishError when the profile cannot be compiled
 */
export async function filterFor(
  choice: "default" | "unconfined" | Profile,
  capabilities: readonly Capability[],
  facts: Facts,
): Promise<SeccompFilter | null> {
  if (choice === "unconfined") return null;
  if (choice !== "default") return compileProfile(choice, facts);
  const [major, minor] = facts.kernel;
  const options = { capabilities, kernel: { major, minor }, arch: facts.arch };
  const ready = precompiledDefault(options);
  if (ready !== undefined) return { program: fromBase64(ready), flags: specAllow };
  const { defaultProfile } = await import("../seccomp/default-profile.ts");
  return compileProfile(defaultProfile(options), facts);
}
