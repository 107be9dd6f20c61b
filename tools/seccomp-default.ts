// Writes src/seccomp/default.generated.ts: the default profile's programs for the usual capabilities.
//
//   bun tools/seccomp-default.ts
//
// To be run after each change of the profile, the compiler or the tables; a test says when.
import { writeFileSync } from "node:fs";
import type { Arch } from "../src/seccomp/abi.ts";
import { compile } from "../src/seccomp/compile.ts";
import { capabilitiesThatMatter, defaultProfile } from "../src/seccomp/default-profile.ts";
import { precompiledOptions } from "../src/seccomp/precompiled.ts";

const OUTPUT = new URL("../src/seccomp/default.generated.ts", import.meta.url);

function program(arch: Arch, chroot: boolean): string {
  const compiled = compile(defaultProfile(precompiledOptions(arch, chroot)), arch);
  if (!compiled.ok) throw new Error(`the default profile: ${JSON.stringify(compiled.problem)}`);
  console.log(`${arch}, ${chroot ? "chroot" : "none"}: ${compiled.instructions} instructions`);
  return Buffer.from(compiled.program).toString("base64");
}

function programs(arch: Arch): string {
  return `{
    chroot: "${program(arch, true)}",
    none: "${program(arch, false)}",
  }`;
}

writeFileSync(
  OUTPUT,
  `// Written by tools/seccomp-default.ts: do not edit.

/** The capabilities that make a difference to the default profile. */
export const MATTERING: readonly string[] = ${JSON.stringify(capabilitiesThatMatter())};

/**
 * The default profile compiled, in base64: by machine, for a container of whose capabilities
 * CAP_SYS_CHROOT alone matters, and for one without any that does.
 */
export const PROGRAMS = {
  x86_64: ${programs("x86_64")},
  aarch64: ${programs("aarch64")},
};
`,
);
