import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { canMapOwners, canMapType, ownersKind } from "./idmapped.ts";

const directory = mkdtempSync(`${tmpdir()}/idmapped-`);
afterAll(() => rmSync(directory, { recursive: true }));

const [ext4, btrfs, tmpfs, overlay, nfs] = [0xef53, 0x9123683e, 0x01021994, 0x794c7630, 0x6969];

test.each([
  [ext4, [5, 19], true],
  [ext4, [5, 18], false],
  [ext4, [6, 0], true],
  [btrfs, [5, 19], true],
  [tmpfs, [6, 2], false],
  [tmpfs, [6, 3], true],
  [overlay, [6, 18], false],
  [nfs, [6, 18], false],
] as const)("type %i on Linux %p: %p", (type, kernel, can) => {
  expect(canMapType(type, kernel)).toBe(can);
});

test("the environment has the last word", () => {
  expect(canMapOwners("/proc", [6, 18], {})).toBe(false);
  expect(canMapOwners("/proc", [6, 18], { PIVOT_IDMAP: "yes" })).toBe(true);
  expect(canMapOwners(directory, [6, 18], { PIVOT_IDMAP: "no" })).toBe(false);
});

const kindOf = (of: string): string =>
  ownersKind({ dataRoot: directory, id: "one", of, maps: null }, { kernel: [6, 18] });

test("what was begun one way goes on like that", () => {
  const data = `${directory}/containers/one`;
  expect(kindOf("/proc")).toBe("copied");
  mkdirSync(`${data}/upper`, { recursive: true });
  expect(kindOf("/proc")).toBe("copied");
  mkdirSync(`${data}/upper/etc`);
  expect(kindOf("/proc")).toBe("mapped");
  mkdirSync(`${data}/layers`);
  expect(kindOf(directory)).toBe("copied");
});

test("an ordinary user's files are copied, unless they stay whose they are", () => {
  const ids = (size: number, hostID = 100000) => ({ containerID: 1, hostID, size });
  const self = { containerID: 0, hostID: 1000, size: 1 };
  const same = { uid: [self, ids(9)], gid: [self, ids(9)], setgroups: true };
  const of = { dataRoot: directory, id: "two", of: directory };
  const facts = { kernel: [6, 18], userNamespace: same } as const;
  const maps = (uid: number, gid: number) => ({ uid: [ids(2, uid)], gid: [ids(2, gid)] });
  expect(ownersKind({ ...of, maps: maps(1, 1) }, facts)).toBe("same");
  expect(ownersKind({ ...of, maps: maps(1, 2) }, facts)).toBe("copied");
  expect(ownersKind({ ...of, maps: null }, facts)).toBe("copied");
  const alone = { uid: [self], gid: [self], setgroups: false };
  expect(ownersKind({ ...of, maps: null }, { kernel: [6, 18], userNamespace: alone })).toBe("same");
});
