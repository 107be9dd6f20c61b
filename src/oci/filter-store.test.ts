import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filterKey, keepFilter, recallFilter } from "./filter-store.ts";
import { isContainerId } from "./record.ts";

const filter = { program: Uint8Array.from({ length: 16 }, (_, i) => i), flags: 4 };
const key = filterKey({ arch: "x86_64", value: 1n });
let root = "";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "pivot-filter-store-"));
});

afterEach(() => rmSync(root, { recursive: true }));

const directory = (): string => join(root, readdirSync(root)[0] ?? "nothing");
const file = (): string => join(directory(), key);

test("a filter comes back as it was kept, under its own key alone", () => {
  expect(recallFilter(root, key)).toBeNull();
  keepFilter(root, key, filter);
  expect(recallFilter(root, key)).toEqual(filter);
  expect(recallFilter(root, filterKey({ arch: "x86_64", value: 2n }))).toBeNull();
});

test("a number of 64 bits and the text that it is written as are two things", () => {
  expect(filterKey([1n])).not.toBe(filterKey([1]));
  expect(filterKey([1n])).toBe(filterKey([1n]));
});

test("the directory is its owner's alone, and no container's", () => {
  keepFilter(root, key, filter);
  expect(statSync(directory()).mode & 0o777).toBe(0o700);
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory())).toEqual([key]);
  expect(readdirSync(root).some(isContainerId)).toBe(false);
});

test("what others may write to is not believed", () => {
  keepFilter(root, key, filter);
  chmodSync(file(), 0o620);
  expect(recallFilter(root, key)).toBeNull();
  chmodSync(file(), 0o600);
  chmodSync(directory(), 0o770);
  expect(recallFilter(root, key)).toBeNull();
  rmSync(file());
  keepFilter(root, key, filter);
  expect(readdirSync(directory())).toEqual([]);
});

test.if(process.getuid?.() === 0)("what is another user's is not believed", () => {
  keepFilter(root, key, filter);
  chownSync(file(), 65534, 65534);
  expect(recallFilter(root, key)).toBeNull();
  chownSync(file(), 0, 0);
  expect(recallFilter(root, key)).toEqual(filter);
  chownSync(directory(), 65534, 65534);
  expect(recallFilter(root, key)).toBeNull();
});

test("neither a symbolic link nor a part of a filter is taken for one", () => {
  keepFilter(root, key, filter);
  truncateSync(file(), 16);
  expect(recallFilter(root, key)).toBeNull();
  keepFilter(root, "other", filter);
  rmSync(file());
  symlinkSync("other", file());
  expect(recallFilter(root, "other")).toEqual(filter);
  expect(recallFilter(root, key)).toBeNull();
});

test("a root that cannot be made is no failure", () => {
  writeFileSync(join(root, "file"), "");
  keepFilter(join(root, "file/below"), key, filter);
  expect(recallFilter(join(root, "file/below"), key)).toBeNull();
});

test("old filters make room", () => {
  for (let i = 0; i < 70; i++) keepFilter(root, filterKey(i), filter);
  expect(readdirSync(directory()).length).toBeLessThanOrEqual(65);
});
