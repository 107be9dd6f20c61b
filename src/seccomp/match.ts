// Code that finds the first rule whose conditions a call's arguments fulfil.
import { type Assembler, JMP_JEQ_K, JMP_JSET_K, type Target } from "./assembler.ts";
import type { Condition, Rule, Span } from "./rules.ts";
import { type Step, search } from "./search.ts";

/** Offsets in struct seccomp_data of <linux/seccomp.h>; both machines are little endian. */
const ARGS = 16;
const ARG_BYTES = 8;
const HIGH_HALF = 4;

const MASK_32 = 0xffffffffn;
const MAX_32 = 0xffffffff;

/** From this value up to the next piece's value, go there. The first piece of a list is at 0. */
interface Piece {
  readonly from: bigint;
  readonly to: Target;
}

/**
 * Code that returns the action of the first rule that matches, and goes to `otherwise` if none does.
 * `bits` is how much of an argument counts.
 */
export function match(
  assembler: Assembler,
  rules: readonly Rule[],
  bits: 32 | 64,
  otherwise: Target,
): Target {
  let next = otherwise;
  for (const rule of joinRuns(rules).toReversed()) next = matchAll(assembler, rule, bits, next);
  return next;
}

/**
 * Neighbouring rules with one action and one condition, on the value of one argument, become one
 * rule: a list of allowed values is then searched and not walked.
 */
function joinRuns(rules: readonly Rule[]): readonly Rule[] {
  const joined: Rule[] = [];
  for (const rule of rules) {
    const before = joined.at(-1);
    const [a, b] = [onlySpans(before), onlySpans(rule)];
    if (a !== undefined && a.index === b?.index && before?.action === rule.action) {
      const spans = [...a.spans, ...b.spans];
      joined[joined.length - 1] = { action: rule.action, conditions: [{ ...a, spans }] };
    } else {
      joined.push(rule);
    }
  }
  return joined;
}

function onlySpans(rule: Rule | undefined): (Condition & { readonly kind: "within" }) | undefined {
  const condition = rule?.conditions[0];
  return rule?.conditions.length === 1 && condition?.kind === "within" ? condition : undefined;
}

/** One rule: each of its conditions in turn, the last of them returning its action. */
function matchAll(assembler: Assembler, rule: Rule, bits: 32 | 64, otherwise: Target): Target {
  let next = assembler.return(rule.action);
  for (const condition of rule.conditions.toReversed()) {
    next = test(assembler, condition, bits, next, otherwise);
  }
  return next;
}

function test(
  assembler: Assembler,
  condition: Condition,
  bits: 32 | 64,
  yes: Target,
  no: Target,
): Target {
  const { index } = condition;
  if (condition.kind === "within") {
    return valueSearch(assembler, index, bits, piecesOf(condition.spans, yes, no));
  }
  const { mask, value } = condition;
  const low = maskedHalf(assembler, argument(index), mask & MASK_32, value & MASK_32, yes, no);
  if (bits === 32) return low;
  return maskedHalf(assembler, argument(index) + HIGH_HALF, mask >> 32n, value >> 32n, low, no);
}

/** Tests one half of an argument under a mask; nothing at all if the mask has no bit there. */
function maskedHalf(
  assembler: Assembler,
  offset: number,
  mask: bigint,
  value: bigint,
  yes: Target,
  no: Target,
): Target {
  if (mask === 0n) return yes;
  if (value === 0n) {
    return assembler.load(offset, assembler.jump(JMP_JSET_K, Number(mask), no, yes));
  }
  const equal = assembler.jump(JMP_JEQ_K, Number(value), yes, no);
  return assembler.load(offset, mask === MASK_32 ? equal : assembler.and(Number(mask), equal));
}

function argument(index: number): number {
  return ARGS + ARG_BYTES * index;
}

/** Where each value goes when those in a span go to `yes`. */
function piecesOf(spans: readonly Span[], yes: Target, no: Target): readonly Piece[] {
  const sorted = spans.toSorted((a, b) => (a.low < b.low ? -1 : 1));
  const pieces: Piece[] = [];
  let end = 0n;
  for (const { low, high } of sorted) {
    if (low > end || pieces.length === 0) {
      if (low > end) pieces.push({ from: end, to: no });
      pieces.push({ from: low, to: yes });
    }
    if (high >= end) end = high + 1n;
  }
  pieces.push({ from: end, to: no });
  return pieces;
}

/** A search over an argument's value: in one step for 32 bits, else by the upper half first. */
function valueSearch(
  assembler: Assembler,
  index: number,
  bits: 32 | 64,
  pieces: readonly Piece[],
): Target {
  const offset = argument(index);
  const inside = pieces.filter((piece) => piece.from >> BigInt(bits) === 0n);
  if (bits === 32) {
    const steps = inside.map(({ from, to }) => ({ from: Number(from), to }));
    return searchWord(assembler, offset, steps);
  }
  const highSteps: Step[] = [];
  let before: Target | undefined;
  for (const [high, group] of Map.groupBy(inside, ({ from }) => Number(from >> 32n))) {
    const lowSteps = group.map(({ from, to }) => ({ from: Number(from & MASK_32), to }));
    // What the values below got still goes on until the first piece of this group.
    if (before !== undefined && lowSteps[0]?.from !== 0) lowSteps.unshift({ from: 0, to: before });
    highSteps.push({ from: high, to: searchWord(assembler, offset, lowSteps) });
    before = group.at(-1)?.to;
    if (before !== undefined && high < MAX_32) highSteps.push({ from: high + 1, to: before });
  }
  return searchWord(assembler, offset + HIGH_HALF, distinct(highSteps));
}

/** Steps of which a later one at the same value replaces the earlier. */
function distinct(steps: readonly Step[]): readonly Step[] {
  return steps.filter((step, i) => step.from !== steps[i + 1]?.from);
}

/** Loads a word and searches; without a load if all its values go to the same place. */
function searchWord(assembler: Assembler, offset: number, steps: readonly Step[]): Target {
  const [first] = steps;
  if (first !== undefined && steps.every((step) => step.to === first.to)) return first.to;
  return assembler.load(offset, search(assembler, steps));
}
