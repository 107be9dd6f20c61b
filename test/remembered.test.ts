/** Remembered plans: used when everything is the same, and never otherwise. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const binary = new URL("../build/pivot", import.meta.url).pathname;

let root = "";

beforeAll(() => {
  root = mkdtempSync("/tmp/pivot-remembered-");
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

function pivot(...words: string[]): { out: string; code: number } {
  const argv = [binary, "--root", join(root, "data"), "--runroot", join(root, "run"), ...words];
  const { stdout, exitCode } = Bun.spawnSync(argv, {
    stdin: "ignore",
    stderr: "inherit",
    env: process.env,
  });
  return { out: stdout.toString(), code: exitCode };
}

const templates = (): string[] => {
  try {
    return readdirSync(join(root, "data/templates"));
  } catch {
    return [];
  }
};

test("a second start like the first uses its plan, with its own id and command", () => {
  const first = pivot("run", "--rm", "busybox", "sh", "-c", "hostname; cat /etc/hostname; exit 3");
  expect(templates().length).toBe(1);
  const second = pivot("run", "--rm", "busybox", "hostname");
  expect(templates().length).toBe(1);
  const [kernelName = "", fileName = ""] = first.out.trim().split("\n");
  expect(kernelName).toMatch(/^[0-9a-f]{12}$/);
  expect(fileName).toBe(kernelName);
  expect(first.code).toBe(3);
  expect(second.out.trim()).toMatch(/^[0-9a-f]{12}$/);
  expect(second.out.trim()).not.toBe(kernelName);
});

test("the kept file holds no command", () => {
  pivot("run", "--rm", "busybox", "echo", "sesame-4711");
  for (const name of templates()) {
    expect(readFileSync(join(root, "data/templates", name), "utf8")).not.toContain("sesame-4711");
  }
});

test("options that may hold secrets, or name what changes, are not remembered", () => {
  const before = templates();
  pivot("run", "--rm", "-e", "TOKEN=sesame", "busybox", "true");
  pivot("run", "--rm", "--cpuset-cpus", "0", "busybox", "true");
  pivot("run", "--rm", "busybox");
  expect(templates()).toEqual(before);
});

test("another user gets another plan", () => {
  expect(pivot("run", "--rm", "-u", "1000", "busybox", "id", "-u").out).toBe("1000\n");
  expect(pivot("run", "--rm", "-u", "1001", "busybox", "id", "-u").out).toBe("1001\n");
  expect(pivot("run", "--rm", "-u", "1000", "busybox", "id", "-u").out).toBe("1000\n");
});

test("a plan is not used when the image's record has changed, nor when the file is damaged", () => {
  pivot("run", "--rm", "busybox", "true");
  const name = templates()[0] ?? "";
  const path = join(root, "data/templates", name);
  const refs = join(root, "data/refs");
  const now = new Date();
  utimesSync(join(refs, readdirSync(refs)[0] ?? ""), now, now);
  const before = readFileSync(path, "utf8");
  expect(pivot("run", "--rm", "busybox", "echo", "still").out).toBe("still\n");
  expect(
    templates().some((each) => readFileSync(join(root, "data/templates", each), "utf8") !== before),
  ).toBe(true);
  for (const each of templates()) writeFileSync(join(root, "data/templates", each), "{");
  expect(pivot("run", "--rm", "busybox", "echo", "still").out).toBe("still\n");
});
