import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeRecord, encodeRecord } from "./record.ts";

const again = (record: unknown): unknown => decodeRecord(encodeRecord(record));

test("amounts of any size come back", () => {
  const record = { options: { memory: 1n << 70n, cpus: 1.5, list: [-3n] } };
  expect(again(record)).toEqual(record);
});

test("labels of an image that look like an amount are labels", () => {
  for (const value of ["abc", "5", "", "-"]) {
    const record = {
      labels: { $bigint: value, $$bigint: value },
      config: { Labels: { $bigint: value }, Volumes: [{ $$$bigint: {} }] },
    };
    expect(again(record)).toEqual(record);
  }
  // As an older version has written it.
  expect(decodeRecord('{"labels":{"$bigint":"abc"}}')).toEqual({ labels: { $bigint: "abc" } });
});

test("whatever is in a record comes back", () => {
  const key = fc.oneof(fc.string(), fc.constantFrom("$bigint", "$$bigint", "$$$bigint", "bigint"));
  const tree = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: "small" },
      fc.string(),
      fc.bigInt(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("any"), { maxLength: 3 }),
      fc.dictionary(key, tie("any"), { maxKeys: 3 }),
    ),
  })).any;
  fc.assert(
    fc.property(tree, (value) => {
      expect(encodeRecord(again(value))).toBe(encodeRecord(value));
    }),
  );
});
