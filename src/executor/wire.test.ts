import { expect, test } from "bun:test";
import fc from "fast-check";
import { catalogue, type Entry } from "../plan/catalogue.ts";
import { planFromJson, planToJson } from "../plan/json.ts";
import type { Op, Plan } from "../plan/op.ts";
import { arbitraryPlan } from "../plan/testing/arbitrary.ts";
import { decodePlan } from "./decode.ts";
import { encodePlan } from "./encode.ts";

/** The wire gives slots numbers in the order in which they are met; so do we, to compare. */
function withNumberedSlots(plan: Plan): unknown {
  const numbers = new Map<string, string>();
  const numbered = (name: string): string => {
    if (!numbers.has(name)) numbers.set(name, `#${numbers.size}`);
    return numbers.get(name) ?? "";
  };
  const isSlot = (op: Op, field: string): boolean =>
    (catalogue[op.op] as Entry).fields[field]?.[0] === "slot";
  const renamed = (op: Op): unknown =>
    Object.fromEntries(
      Object.entries(op).map(([key, value]) => {
        if (typeof value === "string" && isSlot(op, key)) return [key, numbered(value)];
        if (typeof value === "object" && value !== null && "in" in value) {
          const place = value as { in: string; path: string };
          return [key, { ...place, in: place.in === "host" ? "host" : numbered(place.in) }];
        }
        return [key, value];
      }),
    );
  return plan.steps.map((step) => ({
    ...step,
    why: "",
    op: renamed(step.op),
    ...(step.undo === undefined ? {} : { undo: renamed(step.undo) }),
  }));
}

/** An undo is the parent's whatever else; the order of names in a set carries no meaning. */
const normal = (steps: unknown): unknown =>
  JSON.parse(
    JSON.stringify(steps, (_key, value) => {
      if (typeof value === "bigint") return `${value}n`;
      if (value instanceof Uint8Array) return [...value];
      return value;
    }),
  );

test("what is written is read back", () => {
  fc.assert(
    fc.property(arbitraryPlan, (plan) => {
      const { plan: back, stepOfRecord } = decodePlan(encodePlan(plan));
      expect(normal(back.steps)).toEqual(normal(withNumberedSlots(plan)));
      expect(stepOfRecord.length).toBe(
        plan.steps.length + plan.steps.filter(({ undo }) => undo !== undefined).length,
      );
    }),
    { numRuns: 300 },
  );
});

test("a plan survives JSON", () => {
  fc.assert(
    fc.property(arbitraryPlan, (plan) => {
      expect(planFromJson(planToJson(plan))).toEqual(plan);
    }),
  );
});

test("a text with a NUL is refused: C would read another path than we wrote", () => {
  const plan: Plan = {
    version: 1,
    steps: [{ by: "init", op: { op: "chroot", path: "/a\0/b" }, why: "" }],
  };
  expect(() => encodePlan(plan)).toThrow(
    'chroot: a text of the plan contains a NUL: "/a\\u0000/b"',
  );
});

test("a number that does not fit is refused, with its place", () => {
  const umask = (mask: number): Plan => ({
    version: 1,
    steps: [{ by: "init", op: { op: "umask", mask }, why: "" }],
  });
  for (const mask of [-1, 2 ** 32, 0.5, Number.NaN]) {
    expect(() => encodePlan(umask(mask))).toThrow(
      `umask: expected a whole number below 2^32, received ${mask}`,
    );
  }
});

test("a long text makes the buffer grow", () => {
  const path = "é".repeat(100_000);
  const plan: Plan = { version: 1, steps: [{ by: "init", op: { op: "chroot", path }, why: "" }] };
  expect(decodePlan(encodePlan(plan)).plan).toEqual(plan);
});
