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

test("what was begun one way goes on like that", () => {
  const data = `${directory}/containers/one`;
  expect(ownersKind(directory, "one", "/proc", [6, 18])).toBe("copied");
  mkdirSync(`${data}/upper`, { recursive: true });
  expect(ownersKind(directory, "one", "/proc", [6, 18])).toBe("copied");
  mkdirSync(`${data}/upper/etc`);
  expect(ownersKind(directory, "one", "/proc", [6, 18])).toBe("mapped");
  mkdirSync(`${data}/layers`);
  expect(ownersKind(directory, "one", directory, [6, 18])).toBe("copied");
});
