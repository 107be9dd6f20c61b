// What a checked profile says about each call number of one ABI.
import { type Abi, ARM_PRIVATE, isSyscall, type SyscallNumbers, syscallNumbers } from "./abi.ts";
import { type Multiplexed, multiplexed } from "./multiplex.ts";
import type { CheckedProfile, Comparison, Entry } from "./read-profile.ts";

/** The values from `low` to `high`, both included. */
export interface Span {
  readonly low: bigint;
  readonly high: bigint;
}

/** What one argument must be: within any of the spans, or equal to `value` where `mask` has bits. */
export type Condition =
  | { readonly kind: "within"; readonly index: number; readonly spans: readonly Span[] }
  | {
      readonly kind: "masked";
      readonly index: number;
      readonly mask: bigint;
      readonly value: bigint;
    };

/** Return `action` if all conditions hold. */
export interface Rule {
  readonly action: number;
  readonly conditions: readonly Condition[];
}

/**
 * What one call gets: either one rule without conditions, or rules of which the first that matches
 * answers, and the default action if none does. Where there are no rules the profile has nothing to
 * say: the call gets the default action, or ENOSYS if its number is above `last`.
 */
export type CallRules = readonly Rule[] | undefined;

/** Calls with adjoining numbers: that of the first, and the rules from there on. */
export interface Block {
  readonly base: number;
  readonly calls: readonly CallRules[];
}

/** The rules for the calls of one ABI. */
export interface AbiRules {
  readonly abi: Abi;
  /** In the order of their numbers. */
  readonly blocks: readonly Block[];
  /** The largest number in the first block that the profile names, by whatever action. */
  readonly last: number | undefined;
}

/** The rules of all ABIs of a profile, and the names that no ABI of either machine has. */
export interface ProfileRules {
  readonly abis: readonly AbiRules[];
  readonly unknown: readonly string[];
}

/**
 * Sorts the profile's entries by call number, as libseccomp's rule base ends up:
 * - an entry with the default action says nothing and is passed over (runc and crun do that too);
 * - the first entry without conditions wins over all others, wherever they stand;
 * - else entries stand in the profile's order. libseccomp orders rules by their comparisons; that
 *   makes a difference only where two entries for one call both match and differ in their action.
 */
export function rulesOf(profile: CheckedProfile): ProfileRules {
  const tables: SyscallNumbers[] = [];
  const abis = profile.abis.map((abi): AbiRules => {
    const numbers = syscallNumbers(abi.name, tables[0]);
    tables.push(numbers);
    return rulesFor(profile, abi, numbers);
  });
  const unknown = new Set<string>();
  const [native, ...others] = tables;
  for (const { names } of profile.entries) {
    for (const name of names) {
      if (native?.has(name) || others.some((numbers) => numbers.has(name))) continue;
      if (!isSyscall(name)) unknown.add(name);
    }
  }
  return { abis, unknown: [...unknown] };
}

function rulesFor(profile: CheckedProfile, abi: Abi, numbers: SyscallNumbers): AbiRules {
  const ordinary: CallRules[] = [];
  // Only 32-bit arm has calls up there. They say nothing about how new a profile is.
  const far: CallRules[] = [];
  let last = -1;
  for (const entry of profile.entries) {
    const rules =
      entry.action === profile.defaultAction ? undefined : rulesOfEntry(entry, abi.bits);
    for (const name of entry.names) {
      const number = numbers.get(name) ?? -1;
      if (number >= ARM_PRIVATE) {
        add(far, number - ARM_PRIVATE, rules ?? []);
      } else if (number >= 0) {
        if (number > last) last = number;
        if (rules !== undefined) add(ordinary, number, rules);
      }
      if (rules === undefined || abi.name !== "x86") continue;
      const outer = multiplexed(name);
      if (outer === undefined) continue;
      const through = rules.map((rule) => ruleThrough(outer, rule));
      add(ordinary, outer.number, through);
    }
  }
  const blocks = [
    { base: abi.base, calls: ordinary },
    { base: ARM_PRIVATE, calls: far },
  ];
  return {
    abi,
    blocks: blocks.filter(({ calls }) => calls.length > 0),
    last: last < 0 ? undefined : last + abi.base,
  };
}

/** Adds the rules of one entry: all of them have conditions, or there is one that has none. */
function add(calls: CallRules[], number: number, rules: readonly Rule[]): void {
  const before = calls[number];
  if (before === undefined || (isFinal(rules) && !isFinal(before))) calls[number] = rules;
  else if (!isFinal(before)) calls[number] = [...before, ...rules];
}

function isFinal(rules: readonly Rule[]): boolean {
  return rules[0]?.conditions.length === 0;
}

/** One rule per alternative; just one if that one always matches. */
function rulesOfEntry(entry: Entry, bits: 32 | 64): readonly Rule[] {
  const rules = entry.alternatives.map((all) => ruleFor(entry.action, all, bits));
  const always = rules.find((rule) => rule.conditions.length === 0);
  return always === undefined ? rules : [always];
}

function ruleFor(action: number, comparisons: readonly Comparison[], bits: 32 | 64): Rule {
  const conditions: Condition[] = [];
  for (const comparison of comparisons) {
    const condition = conditionFor(comparison, bits);
    if (condition !== undefined) conditions.push(condition);
  }
  return { action, conditions };
}

/** The rule for the same call made through a multiplexer. */
function ruleThrough(outer: Multiplexed, rule: Rule): Rule {
  const subcall: Condition = {
    kind: "masked",
    index: 0,
    mask: BigInt(outer.mask),
    value: BigInt(outer.subcall),
  };
  const others = rule.conditions.filter((condition) => condition.index !== 0);
  return { action: rule.action, conditions: [subcall, ...others] };
}

/**
 * A comparison in the width of the ABI, where the value is cut to that width as libseccomp does, so
 * that -1 written as 64 bits also means the 32-bit -1. Nothing if an empty mask makes it always hold.
 */
function conditionFor(comparison: Comparison, bits: 32 | 64): Condition | undefined {
  const { index, operator } = comparison;
  const value = BigInt.asUintN(bits, comparison.value);
  const top = BigInt.asUintN(bits, -1n);
  if (operator === "MASKED_EQ" && value !== top) {
    const wanted = comparison.other & value;
    return value === 0n ? undefined : { kind: "masked", index, mask: value, value: wanted };
  }
  const spans = operatorSpans(operator, value, BigInt.asUintN(bits, comparison.other), top);
  return { kind: "within", index, spans: spans.filter((span) => span.low <= span.high) };
}

/** The values that satisfy an operator. A span whose low is above its high is empty. */
function operatorSpans(
  operator: Comparison["operator"],
  value: bigint,
  other: bigint,
  top: bigint,
): readonly Span[] {
  switch (operator) {
    case "EQ":
      return [{ low: value, high: value }];
    case "NE":
      return [
        { low: 0n, high: value - 1n },
        { low: value + 1n, high: top },
      ];
    case "LT":
      return [{ low: 0n, high: value - 1n }];
    case "LE":
      return [{ low: 0n, high: value }];
    case "GT":
      return [{ low: value + 1n, high: top }];
    case "GE":
      return [{ low: value, high: top }];
    case "MASKED_EQ":
      // Under a mask of all bits.
      return [{ low: other, high: other }];
  }
}
