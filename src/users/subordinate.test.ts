import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { readSubordinate, userOfName, userOfUid } from "../host/subordinate.ts";
import { mapOver, overlaps, parseSubordinate, rangesOf, sizeOf, without } from "./subordinate.ts";

const alice = { name: "alice", uid: 1000 };

describe("/etc/subuid", () => {
  test("by name and by uid, several ranges in the file's order", () => {
    const file = parseSubordinate(
      "alice:100000:65536\nbob:165536:65536\n1000:300000:1000\n\n# a word\nALL:500000:10\n",
    );
    expect(file.bad).toEqual([]);
    expect(rangesOf(file, alice)).toEqual([
      { start: 100000, size: 65536 },
      { start: 300000, size: 1000 },
    ]);
    expect(rangesOf(file, { name: "bob", uid: null })[0]).toEqual({ start: 165536, size: 65536 });
    // A uid that is a prefix of another is not that other.
    expect(sizeOf(rangesOf(file, { name: null, uid: 100 }))).toBe(0);
  });

  test("what overlaps is given once", () => {
    const file = parseSubordinate("alice:100:100\nalice:150:100\nalice:100:100\nalice:0:400\n");
    const ranges = rangesOf(file, alice);
    expect(ranges).toEqual([
      { start: 100, size: 100 },
      { start: 200, size: 50 },
      { start: 0, size: 100 },
      { start: 250, size: 150 },
    ]);
    expect(sizeOf(ranges)).toBe(400);
  });

  test.each([
    ["alice", "expected NAME:START:COUNT"],
    ["alice:1", "expected NAME:START:COUNT"],
    ["alice:1:2:3", "expected NAME:START:COUNT"],
    [":1:2", "expected a name or a uid before the first colon"],
    ["alice:x:2", 'expected a first id from 0 to 4294967294, received "x"'],
    ["alice:-1:2", 'expected a first id from 0 to 4294967294, received "-1"'],
    ["alice:99999999999:2", 'expected a first id from 0 to 4294967294, received "99999999999"'],
    ["alice:1:1e3", 'expected a count, received "1e3"'],
    ["alice:1:0", "a range of no ids"],
    ["alice:4294967290:6", "the range goes beyond the last id, 4294967294"],
  ])("%s is a bad line, and the others count", (line, reason) => {
    const file = parseSubordinate(`alice:5:6\n${line}\nalice:50:6`);
    expect(file.bad).toEqual([{ line: 2, text: line, reason }]);
    expect(sizeOf(rangesOf(file, alice))).toBe(12);
  });

  test("the very last id that there is", () => {
    const [entry] = parseSubordinate("alice:4294967290:5").entries;
    expect(entry).toEqual({ owner: "alice", start: 4294967290, size: 5 });
  });

  test("files that are not there have no ranges; names come from passwd", () => {
    const directory = mkdtempSync(`${tmpdir()}/subordinate-`);
    const files = {
      subuid: `${directory}/subuid`,
      subgid: `${directory}/subgid`,
      passwd: `${directory}/passwd`,
    };
    try {
      expect(readSubordinate(files).uid).toEqual({ entries: [], bad: [] });
      expect(userOfUid(1000, files)).toEqual({ name: null, uid: 1000 });
      writeFileSync(files.subgid, "1000:1:2");
      writeFileSync(files.passwd, "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n");
      expect(readSubordinate(files).gid.entries).toHaveLength(1);
      expect(userOfUid(1000, files)).toEqual(alice);
      expect(userOfName("alice", files)).toEqual(alice);
      expect(userOfName("nobody", files)).toEqual({ name: "nobody", uid: null });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe("ranges", () => {
  test("overlap by one id, and not by touching", () => {
    expect(overlaps({ start: 0, size: 10 }, { start: 9, size: 1 })).toBe(true);
    expect(overlaps({ start: 0, size: 10 }, { start: 10, size: 1 })).toBe(false);
  });

  test("less others", () => {
    expect(without({ start: 0, size: 10 }, [{ start: 3, size: 2 }])).toEqual([
      { start: 0, size: 3 },
      { start: 5, size: 5 },
    ]);
    expect(without({ start: 3, size: 2 }, [{ start: 0, size: 10 }])).toEqual([]);
  });

  test("become maps, as many ids as asked for or as there are", () => {
    const ranges = [
      { start: 100, size: 10 },
      { start: 300, size: 10 },
    ];
    expect(mapOver(ranges, 1, 15)).toEqual([
      { containerID: 1, hostID: 100, size: 10 },
      { containerID: 11, hostID: 300, size: 5 },
    ]);
    expect(mapOver(ranges).map(({ size }) => size)).toEqual([10, 10]);
    expect(mapOver(ranges, 0, 10)).toHaveLength(1);
  });
});
