// The caller is uid 1000 with 65536 subordinate ids from 100000 on, as most users are.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { sizeOf } from "./subordinate.ts";
import { keptMap, missingIn, needsNoShift, sameIds, subordinates, withinOwn } from "./within.ts";

const own = [
  { containerID: 0, hostID: 1000, size: 1 },
  { containerID: 1, hostID: 100000, size: 65536 },
];
const single = [{ containerID: 0, hostID: 1000, size: 1 }];

const lines = (maps: readonly { containerID: number; hostID: number; size: number }[]) =>
  maps.map(({ containerID, hostID, size }) => `${containerID}:${hostID}:${size}`);

test("keep-id as podman documents it", () => {
  expect(lines(keptMap(own, 11))).toEqual(["0:1:11", "11:0:1", "12:12:65525"]);
  expect(lines(keptMap(own, 0))).toEqual(["0:0:1", "1:1:65536"]);
  expect(lines(keptMap(own, 11, 100))).toEqual(["0:1:11", "11:0:1", "12:12:88"]);
});

test("an id beyond all that there are leaves a gap, and one alone is itself", () => {
  expect(lines(keptMap(own, 200000))).toEqual(["0:1:65536", "200000:0:1"]);
  expect(lines(keptMap(own, 1000, 10))).toEqual(["0:1:9", "1000:0:1"]);
  expect(lines(keptMap(single, 1000))).toEqual(["1000:0:1"]);
});

test("whatever is kept, no id is there twice, and none is made up", () => {
  const line = fc.record({
    gap: fc.integer({ min: 0, max: 5 }),
    size: fc.integer({ min: 1, max: 9 }),
  });
  const kept = fc.integer({ min: 0, max: 60 });
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 5 }), kept, (parts, id) => {
      let at = 1;
      const some = [{ containerID: 0, hostID: 7, size: 1 }];
      for (const { gap, size } of parts) {
        some.push({ containerID: at + gap, hostID: 1000 + at + gap, size });
        at += gap + size;
      }
      const maps = keptMap(some, id);
      const ids = (key: "containerID" | "hostID") =>
        maps.flatMap((each) => Array.from({ length: each.size }, (_, i) => each[key] + i));
      const there = sizeOf(subordinates(some)) + 1;
      expect(new Set(ids("containerID")).size).toBe(ids("containerID").length);
      expect(new Set(ids("hostID")).size).toBe(ids("hostID").length);
      expect(ids("hostID").length).toBeLessThanOrEqual(there);
      for (const map of maps) expect(missingIn(some, map)).toBeNull();
    }),
  );
});

test("ids of the host are those of the namespace, or nobody's there", () => {
  expect(withinOwn(own, { start: 1000, size: 1 })).toEqual([{ start: 0, size: 1 }]);
  expect(withinOwn(own, { start: 100005, size: 10 })).toEqual([{ start: 6, size: 10 }]);
  expect(withinOwn(own, { start: 99999, size: 2 })).toBeNull();
  expect(withinOwn(own, { start: 165535, size: 2 })).toBeNull();
});

test("what is missing is named by its first id", () => {
  expect(missingIn(own, { containerID: 0, hostID: 65530, size: 20 })).toEqual({
    start: 65537,
    size: 13,
  });
  expect(missingIn(own, { containerID: 0, hostID: 0, size: 65537 })).toBeNull();
});

test("owners stay where ids do, and where there is one", () => {
  expect(needsNoShift(sameIds(own), own)).toBe(true);
  expect(needsNoShift(keptMap(own, 1000), own)).toBe(false);
  expect(needsNoShift(keptMap(single, 1000), single)).toBe(true);
});
