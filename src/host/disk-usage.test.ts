import { afterAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
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

test("a directory whose place a link takes meanwhile leads nowhere else", () => {
  const tree = `${top}/swapped`;
  const names = Array.from({ length: 20 }, (_, i) => `sub${i}`);
  const make = (directory: string, text: string): void => {
    for (const name of names) {
      mkdirSync(`${directory}/${name}`, { recursive: true });
      writeFileSync(`${directory}/${name}/file`, text);
    }
  };
  make(`${tree}/a`, "1");
  // The thousand files among which somebody acts are in a directory of their own, beside the others.
  mkdirSync(`${tree}/a/sub5/many`);
  for (let i = 0; i < 1000; i++) writeFileSync(`${tree}/a/sub5/many/${i}`, "1");
  make(`${top}/elsewhere`, "much more");
  let isDone = false;
  const swap = (): void => {
    if (isDone) return;
    isDone = true;
    renameSync(`${tree}/a`, `${tree}/was-a`);
    symlinkSync(`${top}/elsewhere`, `${tree}/a`);
  };
  expect(new DiskUsage(swap).below(tree)).toBe(1020);
  expect(isDone).toBe(true);
});
