/** Random operations and plans, for property tests: made from the catalogue, so never out of date. */

import fc from "fast-check";
import { catalogue, type Kind, type OpName } from "../catalogue.ts";
import { capabilities, choices, flagSets } from "../constants.ts";
import type { Op, Plan, Step } from "../op.ts";

const text = fc.string({ unit: "binary" }).map((value) => value.replaceAll("\0", ""));

/** Few names, so that steps share slots as real ones do. */
const slot = fc.constantFrom("root", "dev", "proc", "empty");

const place = fc.option(fc.record({ in: fc.oneof(fc.constant("host"), slot), path: text }), {
  nil: null,
});

function valueOf(kind: Kind): fc.Arbitrary<unknown> {
  switch (kind) {
    case "bool":
      return fc.boolean();
    case "u32":
      return fc.nat({ max: 0xffffffff });
    case "u64":
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    case "text":
      return text;
    case "texts":
      return fc.array(text, { maxLength: 4 });
    case "bytes":
      return fc.uint8Array({ maxLength: 32 });
    case "slot":
      return fc.option(slot, { nil: null });
    case "place":
      return place;
    case "capabilities":
      return fc.subarray(Object.keys(capabilities));
    default: {
      const [how, set] = kind.split(":") as ["flags" | "one", string];
      if (how === "one") {
        return fc.constantFrom(...Object.keys(choices[set as keyof typeof choices]));
      }
      const flags: Readonly<Record<string, number>> = flagSets[set as keyof typeof flagSets];
      return fc.subarray(Object.keys(flags).filter((name) => flags[name] !== 0));
    }
  }
}

/** Any operation of one name. */
export const arbitraryOpOf = (op: OpName): fc.Arbitrary<Op> =>
  fc.record({
    op: fc.constant(op),
    ...Object.fromEntries(
      Object.entries(catalogue[op].fields).map(([name, [kind]]) => [name, valueOf(kind)]),
    ),
  }) as fc.Arbitrary<Op>;

export const arbitraryOp: fc.Arbitrary<Op> = fc
  .constantFrom(...(Object.keys(catalogue) as OpName[]))
  .chain(arbitraryOpOf);

const arbitraryStep: fc.Arbitrary<Step> = fc
  .record({
    by: fc.constantFrom("parent" as const, "init" as const),
    op: arbitraryOp,
    why: text,
    undo: fc.option(arbitraryOp, { nil: undefined }),
    keep: fc.boolean(),
  })
  .map(({ undo, keep, ...step }) =>
    undo === undefined ? step : keep ? { ...step, undo, keep } : { ...step, undo },
  );

export const arbitraryPlan: fc.Arbitrary<Plan> = fc
  .array(arbitraryStep, { maxLength: 12 })
  .map((steps) => ({ version: 1, steps }));
