// The operations of a monitor one by one, in plans written by hand.

import { beforeAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import type { Op } from "../src/plan/op.ts";
import {
  byParent,
  failureOf,
  freshDirectory,
  freshPath,
  isRoot,
  isRunning,
  leaveNothing,
  onHost,
  planOf,
  prepare,
  run,
  shell,
  start,
  until,
} from "./executor-harness.ts";
import { patience } from "./patience.ts";

const remove = (path: string): Op => ({ op: "remove", at: onHost(path) });

/** A process, and the file that says which one it is. */
function processWith(script: string): { readonly pid: number; readonly file: string } {
  const child = spawn("/bin/sh", ["-c", script], { stdio: "ignore" });
  const pid = child.pid ?? 0;
  const started = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ")[19];
  const file = freshPath("pid");
  writeFileSync(file, `${pid} ${started}`);
  return { pid, file };
}

const signal = (
  file: string,
  number: number,
  wish: Partial<{ wait: boolean; patience: number; required: boolean }>,
) =>
  byParent({
    op: "signal",
    of: onHost(file),
    signal: number,
    wait: false,
    patience: 0,
    required: false,
    ...wish,
  });

describe.skipIf(!isRoot)("the monitor's operations (as root)", () => {
  beforeAll(prepare, 60_000);
  leaveNothing();

  test("append: a line with its time, and at the end one with the code", async () => {
    const file = freshPath("events");
    const line = { op: "append", at: onHost(file), mode: 0o640 } as const;
    const before = BigInt(Date.now()) * 1_000_000n;
    const events = byParent(
      { ...line, text: "start", code: false },
      { ...line, text: "end", code: true },
    );
    expect(await run(planOf(shell("exit 9"), { before: [events] }))).toMatchObject({ code: 9 });
    const [first = "", last = ""] = readFileSync(file, "utf8").split("\n");
    expect([first, last].map((each) => each.replace(/^\d+ /, ""))).toEqual(["start", "end 9"]);
    const times = [first, last].map((each) => BigInt(each.split(" ")[0] ?? ""));
    expect(before <= (times[0] ?? 0n) && (times[0] ?? 0n) <= (times[1] ?? 0n)).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });

  test("sleep: its time, or until somebody wants the end, and all is undone", async () => {
    const began = Date.now();
    expect(await run([byParent({ op: "sleep", time: 150 })])).toMatchObject({ code: 0 });
    expect(Date.now() - began).toBeGreaterThanOrEqual(150);
    const directory = freshPath("directory");
    const make = byParent(
      { op: "mkdir", at: onHost(directory), mode: 0o700, parents: false },
      remove(directory),
    );
    const running = start([make, byParent({ op: "sleep", time: 60_000 })]);
    await until(() => existsSync(directory), "it sleeps");
    running.process.kill("SIGUSR1"); // means nothing here
    running.process.kill("SIGTERM");
    const outcome = await running.outcome;
    expect(outcome).toMatchObject({ code: 143, events: [] });
    expect(existsSync(directory)).toBe(false);
  });

  test("signal with patience: the polite one first, and then the other", async () => {
    const deaf = processWith("trap '' TERM; while :; do sleep 0.05; done");
    await Bun.sleep(100);
    const began = Date.now();
    const polite = signal(deaf.file, 15, { patience: 200 });
    expect(await run([polite])).toMatchObject({ code: 0 });
    expect(Date.now() - began).toBeGreaterThanOrEqual(200);
    expect(isRunning(deaf.pid)).toBe(true);
    expect(await run([polite, signal(deaf.file, 9, { wait: true })])).toMatchObject({ code: 0 });
    expect(isRunning(deaf.pid)).toBe(false);
    const polished = processWith("exec sleep 1000");
    const soon = Date.now();
    const steps = [
      signal(polished.file, 15, { patience: 0xffffffff }),
      signal(polished.file, 9, {}),
    ];
    expect(await run(steps)).toMatchObject({ code: 0 });
    expect(Date.now() - soon).toBeLessThan(5000 * patience);
    // With `wait` its not ending is a failure.
    const other = processWith("trap '' TERM; while :; do sleep 0.05; done");
    await Bun.sleep(100);
    const outcome = await run([signal(other.file, 15, { wait: true, patience: 100 })]);
    expect(failureOf(outcome)).toMatchObject({ errno: 110 });
    process.kill(other.pid, "SIGKILL");
  });

  test("a detached executor tells its events up to the start, and closes them then", async () => {
    const status = freshPath("status");
    const detach = byParent({
      op: "detach",
      announce: "it runs\n",
      attach: false,
      of: null,
      input: false,
      keys: new Uint8Array(),
      farewell: "",
    });
    const steps = planOf(shell(`sleep ${0.5 * patience}; exit 3`), {
      before: [detach],
      supervision: { parent: false, status: onHost(status), replace: true },
    });
    const began = Date.now();
    const outcome = await run(steps);
    expect(outcome).toMatchObject({ code: 0, stdout: "it runs\n", stderr: "" });
    expect(outcome.events.map(({ kind }) => kind)).toEqual(["started"]);
    expect(Date.now() - began).toBeLessThan(450 * patience);
    await until(() => existsSync(status), "it has ended");
    expect(readFileSync(status, "utf8")).toBe("3");
  });

  test("log: of what a terminal shows too, and it can be nothing but a regular file", async () => {
    const log = freshPath("log");
    const op = { op: "log", at: onHost(log), mode: 0o600, most: 0n, files: 1 } as const;
    const streams = ["null", "pipe", "pipe"] as const;
    const outcome = await run(
      planOf(shell("printf 'a\\nb'; printf 'c\\n' >&2"), { before: [byParent(op)], streams }),
    );
    expect(outcome).toMatchObject({ code: 0, stdout: "a\nb", stderr: "c\n" });
    const lines = readFileSync(log, "utf8")
      .split("\n")
      .map((line) => line.slice(31));
    expect(lines.sort()).toEqual(["", "stderr F c", "stdout F a", "stdout P b"]);
    const refused = await run([byParent({ ...op, at: onHost(freshDirectory()) })]);
    expect(refused.code).toBe(125);
  });

  test("a socket's path may be longer than an address has room for", async () => {
    const directory = `${freshDirectory()}/${"x".repeat(200)}`;
    const outcome = await run([
      byParent({ op: "mkdir", at: onHost(directory), mode: 0o700, parents: false }),
      byParent({ op: "attachable", at: onHost(`${directory}/attach`) }),
    ]);
    expect(outcome).toMatchObject({ code: 0, events: [] });
    expect(statSync(`${directory}/attach`).mode & 0o777).toBe(0o600);
    const nobody = {
      op: "take_part",
      of: null,
      input: false,
      keys: new Uint8Array(),
      farewell: "",
    } as const;
    const refused = await run([byParent({ ...nobody, at: onHost(`${directory}/attach`) })]);
    expect(failureOf(refused)).toMatchObject({ errno: 111, text: "its monitor is gone" });
  });
});
