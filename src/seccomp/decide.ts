// What a profile says about one system call, read from the profile itself and not from a program.
//
// It tells a person which entry stands in the way of a call, and it is what the compiler is tested
// against: so it shares with it the reading of a profile and the tables of numbers, and nothing else.

import {
  type Abi,
  ARM_PRIVATE,
  type Arch,
  type SyscallNumbers,
  syscallNumbers,
  X32_BIT,
} from "./abi.ts";
import { ENOSYS, isPermissive, RET_ERRNO, RET_KILL_THREAD } from "./action.ts";
import type { SyscallData } from "./machine.ts";
import { multiplexed } from "./multiplex.ts";
import type { Profile, Result } from "./profile.ts";
import { type CheckedProfile, type Comparison, type Entry, readProfile } from "./read-profile.ts";

/** The answer to a call, and why. */
export interface Decision {
  /** SECCOMP_RET_* with its data. */
  readonly action: number;
  /**
   * `entry`: that entry of `syscalls` matched; `default`: none did; `younger`: the call's number is
   * above all that the profile names; `architecture`: the profile does not list the call's ABI.
   */
  readonly reason: "entry" | "default" | "younger" | "architecture";
  /** The index in `syscalls`, when an entry is the reason. */
  readonly entry?: number;
}

/** Decides on `call` as a filter compiled from `profile` for `arch` does. */
export function decide(profile: Profile, arch: Arch, call: SyscallData): Result<Decision> {
  const checked = readProfile(profile, arch);
  return checked.ok ? { ok: true, value: decideChecked(checked.value, call) } : checked;
}

function decideChecked(profile: CheckedProfile, call: SyscallData): Decision {
  const nr = call.nr >>> 0;
  const abi = abiOf(profile.abis, call.arch, nr);
  if (abi === undefined) return { action: RET_KILL_THREAD, reason: "architecture" };
  const numbers = syscallNumbers(abi.name);
  const idle = (entry: Entry): boolean => entry.action === profile.defaultAction;
  const choices = profile.entries.map((entry) => {
    return idle(entry) ? [] : choicesFor(entry, abi, numbers, nr);
  });
  const holding = (all: readonly Comparison[]): boolean =>
    all.every((comparison) => holds(comparison, abi.bits, call.args[comparison.index] ?? 0n));
  // An entry that always matches wins over those that look at arguments, wherever it stands.
  const always = choices.findIndex((any) =>
    any.some((all) => all.every((c) => isVoid(c, abi.bits))),
  );
  const entry = always >= 0 ? always : choices.findIndex((any) => any.some(holding));
  const action = profile.entries[entry]?.action;
  if (action !== undefined) return { action, reason: "entry", entry };
  const named = profile.entries.flatMap(({ names }) =>
    names.map((name) => numbers.get(name) ?? -1),
  );
  const newest = Math.max(-1, ...named.filter((number) => number < ARM_PRIVATE));
  const isNamed =
    named.includes(nr - abi.base) ||
    // A call that goes through another's number names that number too.
    (abi.name === "x86" &&
      profile.entries.some(({ names }) => names.some((name) => multiplexed(name)?.number === nr)));
  const isYounger = newest >= 0 && newest + abi.base > 0 && nr > newest + abi.base && !isNamed;
  const tracerSkips = nr === 0xffffffff && abi.name === "x86_64";
  if (isYounger && !tracerSkips && !isPermissive(profile.defaultAction)) {
    return { action: RET_ERRNO + ENOSYS, reason: "younger" };
  }
  return { action: profile.defaultAction, reason: "default" };
}

/** The ABI that a call belongs to, if the profile lists it. */
function abiOf(abis: readonly Abi[], audit: number, nr: number): Abi | undefined {
  const sharing = abis.filter((abi) => abi.audit === audit);
  const x32 = sharing.find((abi) => abi.name === "x32");
  if (sharing[0]?.name !== "x86_64" || nr < X32_BIT) return sharing[0];
  return x32 ?? (nr === 0xffffffff ? sharing[0] : undefined);
}

/** The lists of comparisons of which one has to hold for an entry to match the call `nr`. */
function choicesFor(
  entry: Entry,
  abi: Abi,
  numbers: SyscallNumbers,
  nr: number,
): readonly (readonly Comparison[])[] {
  return entry.names.flatMap((name) => {
    const number = numbers.get(name);
    if (number !== undefined && number + abi.base === nr) return entry.alternatives;
    const outer = abi.name === "x86" ? multiplexed(name) : undefined;
    if (outer?.number !== nr) return [];
    const [value, other] = [BigInt(outer.mask), BigInt(outer.subcall)];
    const subcall: Comparison = { index: 0, operator: "MASKED_EQ", value, other };
    return entry.alternatives.map((all) => [subcall, ...all.filter(({ index }) => index !== 0)]);
  });
}

/** Whether a comparison looks at no bit at all. */
function isVoid({ operator, value }: Comparison, bits: 32 | 64): boolean {
  return operator === "MASKED_EQ" && BigInt.asUintN(bits, value) === 0n;
}

function holds(comparison: Comparison, bits: 32 | 64, argument: bigint): boolean {
  const actual = BigInt.asUintN(bits, argument);
  const value = BigInt.asUintN(bits, comparison.value);
  switch (comparison.operator) {
    case "EQ":
      return actual === value;
    case "NE":
      return actual !== value;
    case "LT":
      return actual < value;
    case "LE":
      return actual <= value;
    case "GT":
      return actual > value;
    case "GE":
      return actual >= value;
    case "MASKED_EQ":
      return (actual & value) === (comparison.other & value);
  }
}
