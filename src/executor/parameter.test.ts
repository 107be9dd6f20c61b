import { expect, test } from "bun:test";
import type { Step } from "../plan/op.ts";
import { byParent, onHost } from "../planner/step.ts";
import { encodePlan } from "./encode.ts";
import { encodeWithParameter } from "./parameter.ts";

const signal = (number: number): Step =>
  byParent(
    { op: "signal", of: onHost("/x"), signal: number, wait: false, patience: 0, required: true },
    "",
  );

test("with the number in its place it is the plan for that number", () => {
  const bytes = Buffer.from(
    encodeWithParameter((number) => ({ version: 1, steps: [signal(3), signal(number)] })),
  );
  const plan = bytes.subarray(4);
  plan.writeUInt32LE(15, bytes.readUInt32LE(0));
  expect(plan).toEqual(Buffer.from(encodePlan({ version: 1, steps: [signal(3), signal(15)] })));
});

test("a plan that has it nowhere, or twice, is none", () => {
  const twice = (number: number): Step[] => [signal(number), signal(number)];
  for (const steps of [() => [signal(1)], twice]) {
    expect(() => encodeWithParameter((number) => ({ version: 1, steps: steps(number) }))).toThrow(
      "in one place",
    );
  }
});
