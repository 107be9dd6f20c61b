import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compile } from "./compile.ts";
import { kill } from "./process-tree.ts";
import { encodeVectors, spanMs, startStopwatch } from "./stopwatch.ts";

let directory = "";
let binary = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "stopwatch-test-"));
  binary = compile("stopwatch.c", join(directory, "stopwatch"));
});

afterAll(() => rmSync(directory, { recursive: true }));

const shell = (script: string) => ["/bin/sh", "-c", script];
const start = (...scripts: string[]) =>
  startStopwatch(binary, join(directory, "commands"), scripts.map(shell), process.env);

test("commands run in the order asked for, each with its status", async () => {
  const stopwatch = start("exit 3", "kill -9 $$", "true");
  const statuses: number[] = [];
  for (const index of [2, 0, 1, 0]) statuses.push((await stopwatch.run(index)).status);
  stopwatch.close();
  expect(statuses).toEqual([0, 3, 137, 3]);
});

test("the time is that of the command, and settles with what it leaves behind", async () => {
  const stopwatch = start("sleep 0.2", "sleep 0.2 & exit 0", "true");
  const waited = await stopwatch.run(0);
  const left = await stopwatch.run(1);
  const quick = await stopwatch.run(2);
  stopwatch.close();
  expect(waited.wallNs).toBeGreaterThan(200e6);
  expect(left.wallNs).toBeLessThan(200e6);
  expect(left.settledNs).toBeGreaterThan(200e6);
  expect(quick.settledNs).toBeLessThan(200e6);
});

test("processor time and memory are those of the whole tree", async () => {
  const busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
  const large = "dd if=/dev/zero of=/dev/null bs=32M count=1 2>/dev/null";
  const stopwatch = start("true", `(${busy}) & exit 0`, `${large}; true`);
  const small = await stopwatch.run(0);
  const orphan = await stopwatch.run(1);
  const child = await stopwatch.run(2);
  stopwatch.close();
  expect(orphan.userUs + orphan.sysUs).toBeGreaterThan(10 * (small.userUs + small.sysUs));
  expect(small.maxRssKb).toBeGreaterThan(0);
  expect(small.maxRssKb).toBeLessThan(8 * 1024);
  expect(child.maxRssKb).toBeGreaterThan(32 * 1024);
});

test("a vector that cannot be told from the end of the list is refused", () => {
  expect(encodeVectors([["/bin/a", "b"], ["/c"]])).toBe("/bin/a\0b\0\0/c\0\0");
  expect(() => encodeVectors([["/bin/a", ""]])).toThrow('["/bin/a",""]');
  expect(() => encodeVectors([[]])).toThrow("no empty argument");
});

test("the end of the stopwatch ends the wait for its answer", async () => {
  const stopwatch = start("sleep 0.3");
  const run = stopwatch.run(0);
  kill(stopwatch.pid);
  await expect(run).rejects.toThrow("stopwatch ended during /bin/sh -c sleep 0.3");
});

test("what a command of a line leaves running is there for the next one, or waited for", async () => {
  const file = join(directory, "left");
  const see = `test -e ${file}`;
  const stopwatch = start(`(sleep 0.2; echo > ${file}) & exit 0`, see, "exit 0", see);
  const runs = await stopwatch.runLine([
    { index: 0, wait: "left" },
    { index: 1, wait: "left" },
    { index: 2, wait: "settled" },
    { index: 3, wait: "settled" },
  ]);
  stopwatch.close();
  expect(runs.map(({ status }) => status)).toEqual([0, 1, 0, 0]);
});

test("commands together take as long as the longest, and answer in the order asked for", async () => {
  const stopwatch = start("sleep 0.3", "sleep 0.2; exit 2");
  const runs = await stopwatch.runLine([
    { index: 0, wait: "together" },
    { index: 1, wait: "together" },
  ]);
  stopwatch.close();
  expect(runs.map(({ status }) => status)).toEqual([0, 2]);
  expect(spanMs(runs)).toBeGreaterThan(300);
  expect(spanMs(runs)).toBeLessThan(500);
});
