// Finds out in few comparisons in which of many ranges a 32-bit word lies.
import { type Assembler, JMP_JEQ_K, JMP_JGE_K, type Target } from "./assembler.ts";

/** From this value up to the next step's value, go there. The first step of a list is at 0. */
export interface Step {
  readonly from: number;
  readonly to: Target;
}

/** A range with one place to go to, but for at most one value inside that goes elsewhere. */
interface Leaf {
  readonly from: number;
  readonly to: Target;
  readonly exception: Step | undefined;
}

/**
 * Code that goes where the accumulator's range says: a binary search, balanced by the number of
 * comparisons. Neighbours that go to the same place count as one range, and a single value inside
 * a range is tested by equality, which saves a level for each lone exception.
 */
export function search(assembler: Assembler, steps: readonly Step[]): Target {
  const leaves = leavesOf(merge(steps));
  const last = leaves.length;
  const build = (first: number, end: number): Target => {
    const leaf = leaves[first];
    if (leaf === undefined) throw new Error("search: a list of steps cannot be empty");
    if (end - first === 1) return leafCode(assembler, leaf);
    const middle = balance(leaves, first, end);
    const from = leaves[middle]?.from ?? 0;
    const high = build(middle, end);
    const low = build(first, middle);
    return assembler.jump(JMP_JGE_K, from, high, low);
  };
  return build(0, last);
}

function merge(steps: readonly Step[]): readonly Step[] {
  return steps.filter((step, i) => step.to !== steps[i - 1]?.to);
}

function leavesOf(steps: readonly Step[]): readonly Leaf[] {
  const leaves: Leaf[] = [];
  for (let i = 0; i < steps.length; i++) {
    const [step, lone, after] = [steps[i], steps[i + 1], steps[i + 2]];
    if (step === undefined) break;
    const isLone = lone !== undefined && after?.to === step.to && after.from === lone.from + 1;
    leaves.push({ ...step, exception: isLone ? lone : undefined });
    if (isLone) i += 2;
  }
  return leaves;
}

function leafCode(assembler: Assembler, leaf: Leaf): Target {
  const { exception } = leaf;
  if (exception === undefined) return leaf.to;
  return assembler.jump(JMP_JEQ_K, exception.from, exception.to, leaf.to);
}

/** Where to cut leaves `first` to `end` so that both halves need about as many comparisons. */
function balance(leaves: readonly Leaf[], first: number, end: number): number {
  const weight = (i: number): number => (leaves[i]?.exception === undefined ? 1 : 2);
  let total = 0;
  for (let i = first; i < end; i++) total += weight(i);
  let low = weight(first);
  let middle = first + 1;
  while (middle < end - 1 && 2 * low + weight(middle) <= total) low += weight(middle++);
  return middle;
}
