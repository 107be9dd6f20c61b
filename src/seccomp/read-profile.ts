// Checks a profile and turns it into numbers: actions, 64-bit values, the ABIs it is for.

import { type Abi, type Arch, abisOf, isArchitecture } from "./abi.ts";
import { actionValue, RET_USER_NOTIF } from "./action.ts";
import {
  type ArgumentRule,
  type ArgumentValue,
  type Profile,
  quote,
  type Refusal,
  type Result,
  refuse,
  type SyscallRule,
} from "./profile.ts";

export type Operator = "EQ" | "NE" | "LT" | "LE" | "GT" | "GE" | "MASKED_EQ";

/** One comparison of one argument. `other` counts for MASKED_EQ only, where `value` is the mask. */
export interface Comparison {
  readonly index: number;
  readonly operator: Operator;
  readonly value: bigint;
  readonly other: bigint;
}

/** One entry of `syscalls`. It answers when all comparisons of any of its alternatives hold. */
export interface Entry {
  readonly names: readonly string[];
  /** What the filter returns. */
  readonly action: number;
  readonly alternatives: readonly (readonly Comparison[])[];
}

/** A profile that has been found to be in order. */
export interface CheckedProfile {
  readonly defaultAction: number;
  /** The native ABI first, then those siblings that `architectures` lists. */
  readonly abis: readonly [Abi, ...Abi[]];
  readonly entries: readonly Entry[];
  /** Whether the default or an entry asks for SCMP_ACT_NOTIFY. */
  readonly notifies: boolean;
}

/** What stands after `SCMP_CMP_`. */
export const OPERATORS: readonly Operator[] = ["EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ"];
const MAX_U64 = 0xffffffffffffffffn;

/** Reads `profile` for a machine. Every error of the profile is a Problem. */
export function readProfile(profile: Profile, arch: Arch): Result<CheckedProfile> {
  const paths = { action: "defaultAction", errno: "defaultErrnoRet" };
  const defaultAction = actionValue(profile.defaultAction, profile.defaultErrnoRet, paths);
  if (!defaultAction.ok) return defaultAction;
  const abis = readArchitectures(profile.architectures ?? [], arch);
  if (!abis.ok) return abis;
  const entries: Entry[] = [];
  for (const [i, rule] of (profile.syscalls ?? []).entries()) {
    const entry = readEntry(rule, `syscalls[${i}]`);
    if (!entry.ok) return entry;
    entries.push(entry.value);
  }
  const notifies =
    defaultAction.value === RET_USER_NOTIF ||
    entries.some((entry) => entry.action === RET_USER_NOTIF);
  const fault = checkListener(profile, notifies);
  if (fault !== undefined) return fault;
  return {
    ok: true,
    value: { defaultAction: defaultAction.value, abis: abis.value, entries, notifies },
  };
}

/** The native ABI counts as listed always: libseccomp begins each filter with it. */
function readArchitectures(
  architectures: readonly string[],
  arch: Arch,
): Result<readonly [Abi, ...Abi[]]> {
  for (const [i, name] of architectures.entries()) {
    if (!isArchitecture(name)) {
      return refuse(`architectures[${i}]`, "a name such as SCMP_ARCH_X86_64", quote(name));
    }
  }
  const [native, ...siblings] = abisOf(arch);
  const listed = siblings.filter((abi) => architectures.includes(abi.scmp));
  return { ok: true, value: [native, ...listed] };
}

function readEntry(rule: SyscallRule, path: string): Result<Entry> {
  const paths = { action: `${path}.action`, errno: `${path}.errnoRet` };
  const action = actionValue(rule.action, rule.errnoRet, paths);
  if (!action.ok) return action;
  if (rule.names.length === 0) return refuse(`${path}.names`, "at least one name", "none");
  const empty = rule.names.indexOf("");
  if (empty >= 0) return refuse(`${path}.names[${empty}]`, "the name of a system call", '""');
  const comparisons: Comparison[] = [];
  for (const [i, arg] of (rule.args ?? []).entries()) {
    const comparison = readComparison(arg, `${path}.args[${i}]`);
    if (!comparison.ok) return comparison;
    comparisons.push(comparison.value);
  }
  const value = {
    names: rule.names,
    action: action.value,
    alternatives: alternatives(comparisons),
  };
  return { ok: true, value };
}

/**
 * All comparisons have to hold, unless two look at the same argument: then any one is enough. It is
 * odd, but runc and crun do so and profiles rely on it (a list of allowed values in one entry).
 */
function alternatives(comparisons: readonly Comparison[]): readonly (readonly Comparison[])[] {
  const indices = new Set(comparisons.map((comparison) => comparison.index));
  if (indices.size === comparisons.length) return [comparisons];
  return comparisons.map((comparison) => [comparison]);
}

function readComparison(arg: ArgumentRule, path: string): Result<Comparison> {
  if (!Number.isInteger(arg.index) || arg.index < 0 || arg.index > 5) {
    return refuse(`${path}.index`, "an argument from 0 to 5", `${arg.index}`);
  }
  const operator = OPERATORS.find((name) => `SCMP_CMP_${name}` === arg.op);
  if (operator === undefined) {
    const names = OPERATORS.map((name) => `SCMP_CMP_${name}`).join(", ");
    return refuse(`${path}.op`, `one of ${names}`, quote(arg.op));
  }
  const value = readValue(arg.value, `${path}.value`);
  if (!value.ok) return value;
  const other = readValue(arg.valueTwo ?? 0, `${path}.valueTwo`);
  if (!other.ok) return other;
  return {
    ok: true,
    value: { index: arg.index, operator, value: value.value, other: other.value },
  };
}

function readValue(value: ArgumentValue, path: string): Result<bigint> {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    return refuse(path, "an integer up to 2^53, or a bigint", `${value}`);
  }
  const exact = BigInt(value);
  if (exact < 0n || exact > MAX_U64)
    return refuse(path, "an integer from 0 to 2^64 - 1", `${value}`);
  return { ok: true, value: exact };
}

function checkListener(profile: Profile, notifies: boolean): Refusal | undefined {
  const path = profile.listenerPath ?? "";
  if (notifies && path === "") {
    return refuse("listenerPath", "the socket of an agent, since SCMP_ACT_NOTIFY is used", "none");
  }
  if ((profile.listenerMetadata ?? "") !== "" && path === "") {
    return refuse("listenerMetadata", "none, since there is no listenerPath", "metadata");
  }
  return undefined;
}
