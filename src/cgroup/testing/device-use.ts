// Uses of devices and what rules say of them, read straight from the definition; for tests.

import * as fc from "fast-check";
import type { LinuxDeviceCgroup } from "../../spec/mod.ts";
import { type DeviceRule, MKNOD, READ, WRITE } from "../device-rules.ts";

export type Use = {
  readonly type: "b" | "c";
  readonly major: number;
  readonly minor: number;
  /** One or more of MKNOD, READ and WRITE. */
  readonly access: number;
};

const speaksOf = (rule: DeviceRule, { type, major, minor }: Use): boolean =>
  (rule.type === null || rule.type === type) &&
  (rule.major === null || rule.major === major) &&
  (rule.minor === null || rule.minor === minor);

/** Each access that is asked for was allowed by the last rule that speaks of it. */
export const isAllowed = (rules: readonly DeviceRule[], use: Use): boolean =>
  [MKNOD, READ, WRITE].every(
    (bit) =>
      (use.access & bit) === 0 ||
      rules.findLast((rule) => speaksOf(rule, use) && (rule.access & bit) !== 0)?.allow === true,
  );

// Few numbers, so that rules meet each other; one of them large.
const major = fc.constantFrom(1, 2, 4095);
const minor = fc.constantFrom(0, 3, 1048575);
const orAny = (number: fc.Arbitrary<number>) =>
  fc.oneof(number, fc.constantFrom(undefined, -1)) as fc.Arbitrary<number | undefined>;

export const anyUse: fc.Arbitrary<Use> = fc.record({
  type: fc.constantFrom("b", "c"),
  major,
  minor,
  access: fc.integer({ min: 1, max: 7 }),
});

export const anyRule: fc.Arbitrary<LinuxDeviceCgroup> = fc.record({
  allow: fc.boolean(),
  type: fc.constantFrom("a", "b", "c"),
  major: orAny(major),
  minor: orAny(minor),
  access: fc.constantFrom("r", "w", "m", "rw", "rm", "wm", "rwm"),
}) as fc.Arbitrary<LinuxDeviceCgroup>;
