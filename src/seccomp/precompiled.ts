// The default profile's programs, compiled when the project is built and not when a container starts.
//
// A container with Docker's default capabilities has one of the set that the profile looks at,
// CAP_SYS_CHROOT; one that has dropped all has none. For these two the program is at hand. This file
// loads neither the compiler nor the profile.
import type { Arch } from "./abi.ts";
import { MATTERING, PROGRAMS } from "./default.generated.ts";
import type { DefaultProfileOptions } from "./default-profile.ts";

/**
 * The program for `defaultProfile(options)` in base64, if it is one of the precompiled ones; else
 * nothing, and it has to be compiled. `filterFlags(undefined, false)` are its flags.
 */
export function precompiledDefault(options: DefaultProfileOptions): string | undefined {
  const { capabilities, kernel, arch } = options;
  // Older kernels get no ptrace, and a profile of their own: see defaultProfile.
  if (kernel.major < 5) return undefined;
  const mattering = capabilities.filter((capability) => MATTERING.includes(capability));
  if (mattering.length === 0) return PROGRAMS[arch].none;
  return mattering.every((name) => name === "CAP_SYS_CHROOT") ? PROGRAMS[arch].chroot : undefined;
}

/** What the precompiled programs are made for; `tools/seccomp-default.ts` compiles them. */
export function precompiledOptions(arch: Arch, chroot: boolean): DefaultProfileOptions {
  return { capabilities: chroot ? ["CAP_SYS_CHROOT"] : [], kernel: { major: 5, minor: 0 }, arch };
}
