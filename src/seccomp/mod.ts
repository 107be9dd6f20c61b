// Seccomp: from an OCI profile to the program that the kernel runs before each system call.
//
// The way of a profile: `compile` gives the program, `filterFlags` the flags of seccomp(2). For the
// default profile `precompiledDefault` has the program ready; a caller on the way to a container's
// start imports precompiled.ts alone, which loads neither compiler nor tables.

export type { Arch } from "./abi.ts";
export { decodeBase64 } from "./base64.ts";
export { type Compiled, compile } from "./compile.ts";
export { type Decision, decide } from "./decide.ts";
export { type DefaultProfileOptions, defaultProfile } from "./default-profile.ts";
export { filterFlags } from "./flags.ts";
export { run, type SyscallData, type Verdict } from "./machine.ts";
export { precompiledDefault } from "./precompiled.ts";
export type { ArgumentRule, ArgumentValue, Problem, Profile, SyscallRule } from "./profile.ts";
