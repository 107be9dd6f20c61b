// Programs about one thing: everything is shared, three processes are in three mount namespaces, of
// which one or two are less privileged, and all mount and unmount on the same few places.

import fc from "fast-check";
import type { Operation } from "../../src/simulator/mod.ts";
import { preparation } from "./programs.ts";

const path = fc.constantFrom("/a", "/b", "/a/x", "/b/x", "/c", "/c/x", "/a/z", "/a/x/y");
const by = fc.constantFrom(1, 1, 2, 3);
const is = <T>(value: T): fc.Arbitrary<T> => fc.constant(value);
const nothing = is<readonly never[]>([]);

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 4,
    // A tree in which all is shared would grow beyond all bounds.
    arbitrary: fc.record({ op: is("bind"), by, source: path, target: path, recursive: is(false) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: is("mount"),
      by,
      type: is("tmpfs"),
      source: is("none"),
      target: path,
      attributes: nothing,
      options: nothing,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      op: is("umount"),
      by,
      target: path,
      flags: fc.constantFrom<readonly "detach"[]>([], ["detach"], ["detach"]),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: is("move"), by, source: path, target: path }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: is("propagation"),
      by,
      target: path,
      type: fc.constantFrom("shared", "slave"),
      recursive: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: is("chdir"), by, path }) },
) as fc.Arbitrary<Operation>;

const shared: readonly Operation[] = [
  ...preparation,
  { op: "propagation", by: 1, target: "/", type: "shared", recursive: true },
  { op: "fork", by: 1, child: 2 },
  { op: "fork", by: 1, child: 3 },
];

/** A program, with its preparation. */
export const denseProgram: fc.Arbitrary<readonly Operation[]> = fc
  .tuple(
    fc.array(operation, { minLength: 2, maxLength: 4 }),
    fc.constantFrom(["mount"] as const, ["mount", "user"] as const),
    fc.array(operation, { minLength: 6, maxLength: 14, size: "max" }),
  )
  .map(([before, namespaces, after]): readonly Operation[] => [
    ...shared,
    ...before,
    { op: "unshare", by: 2, namespaces: ["mount", "user"] },
    { op: "unshare", by: 3, namespaces },
    ...after,
  ]);
