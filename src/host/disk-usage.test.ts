import { afterAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { DiskUsage } from "./disk-usage.ts";

const top = mkdtempSync(`${tmpdir()}/pivot-usage-`);
afterAll(() => spawnSync("rm", ["-r", top]));

test("each file once, no link is followed", () => {
  const tree = `${top}/tree`;
  mkdirSync(`${tree}/a`, { recursive: true });
  writeFileSync(`${tree}/a/five`, "12345");
  linkSync(`${tree}/a/five`, `${tree}/same`);
  symlinkSync("/", `${tree}/a/root`);
  expect(new DiskUsage().below(tree)).toBe(5);
  expect(new DiskUsage().below(`${tree}/none`)).toBe(0);
});

test("a tree that is deeper than a path can say is counted as far as that", () => {
  const tree = `${top}/deep`;
  mkdirSync(tree);
  writeFileSync(`${tree}/five`, "12345");
  const name = "d".repeat(200);
  const script = `i=0; while [ $i -lt 30 ]; do mkdir ${name} && cd -P ${name} || exit 1; i=$((i+1)); done`;
  // A shell's cd builds on its own idea of the path; relative ones go on where that ends.
  spawnSync("bash", ["-c", script], { cwd: tree });
  expect(new DiskUsage().below(tree)).toBe(5);
});
