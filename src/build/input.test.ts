import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { tarArchive } from "../image/tar-writer.ts";
import { link, file as tarFile } from "../image/testing/members.ts";
import { fromArchive } from "./input.ts";

const top = mkdtempSync(`${tmpdir()}/pivot-input-`);
afterAll(() => rmSync(top, { recursive: true }));
writeFileSync(`${top}/secret`, "root:hash");
let count = 0;

function input(members: Parameters<typeof tarArchive>[0], file: string | null = null) {
  const temporary = `${top}/${count++}`;
  mkdirSync(`${temporary}/context`, { recursive: true });
  return fromArchive(tarArchive(members), file, temporary).dockerfile;
}

test("the Dockerfile of a tar is one of its files, also by a link within", () => {
  expect(input([tarFile("Dockerfile", "FROM a")])).toBe("FROM a");
  expect(input([tarFile("x", "FROM b"), link("Dockerfile", "x")])).toBe("FROM b");
  expect(input([tarFile("sub", "FROM c")], "sub")).toBe("FROM c");
});

test("one that leads to a file of this machine is not read", () => {
  const refusal = "the Dockerfile of the tar is no regular file of it";
  expect(() => input([link("Dockerfile", `${top}/secret`)])).toThrow(refusal);
  expect(() => input([link("Dockerfile", "../../secret")])).toThrow(refusal);
  expect(() => input([link("Dockerfile", "/dev/null")])).toThrow(refusal);
  expect(() => input([tarFile("Dockerfile", "")], "../../secret")).toThrow(refusal);
});
