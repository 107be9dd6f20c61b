import { expect, test } from "bun:test";
import fc from "fast-check";
import { defaultPool, firstFree, mapAround, poolOf, restOf } from "./allocate.ts";
import { overlaps, parseSubordinate } from "./subordinate.ts";

test("the pool is what /etc/subuid gives to containers, else the default less what others have", () => {
  const own = poolOf(parseSubordinate("containers:100000:65536\nalice:0:5\ncontainers:500:10"));
  expect(own).toMatchObject({ isDefault: false, ranges: [{ start: 100000 }, { start: 500 }] });
  const others = poolOf(parseSubordinate(`alice:${defaultPool.start}:65536`));
  expect(others.isDefault).toBe(true);
  expect(others.ranges[0]?.start).toBe(defaultPool.start + 65536);
});

test("given ids stay, all others come from the range in order", () => {
  const given = [{ containerID: 10, hostID: 0, size: 2 }];
  expect(restOf(20, given)).toBe(18);
  expect(mapAround(20, given, { start: 1000, size: 18 })).toEqual([
    { containerID: 0, hostID: 1000, size: 10 },
    { containerID: 10, hostID: 0, size: 2 },
    { containerID: 12, hostID: 1010, size: 8 },
  ]);
  // Beyond the size an id is given all the same.
  expect(mapAround(5, given, { start: 1000, size: 5 })).toHaveLength(2);
});

test("whoever comes and goes, no two have an id in common", () => {
  const pool = [
    { start: 1000, size: 300 },
    { start: 5000, size: 100 },
  ];
  const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 120 }), fc.nat(20)), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (wishes) => {
      const held: { start: number; size: number }[] = [];
      for (const [size, leaves] of wishes) {
        const range = firstFree(pool, held, size);
        if (range === null) held.splice(0, 1);
        else {
          expect(held.some((other) => overlaps(other, range))).toBe(false);
          expect(
            pool.some(
              ({ start, size: of }) => range.start >= start && range.start + size <= start + of,
            ),
          ).toBe(true);
          held.push(range);
        }
        if (leaves < held.length) held.splice(leaves, 1);
      }
    }),
  );
});

test("a pool that is full has nothing, and gives again what was given back", () => {
  const pool = [{ start: 0, size: 20 }];
  const one = { start: 0, size: 10 };
  const two = { start: 10, size: 10 };
  expect(firstFree(pool, [one, two], 1)).toBeNull();
  expect(firstFree(pool, [two], 10)).toEqual(one);
  expect(firstFree(pool, [two], 11)).toBeNull();
});
