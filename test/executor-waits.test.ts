// Whoever asks the executor to stop is heard while it waits for a lock of others, or copies a tree.

import { describe, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import type { Step } from "../src/plan/op.ts";
import {
  byParent,
  failureOf,
  freshDirectory,
  freshPath,
  isRoot,
  leaveNothing,
  onHost,
  start,
  until,
} from "./executor-harness.ts";

const longer = 600_000;

/** What has to wait, and the directory whose lock somebody else has. */
const waits: Readonly<Record<string, (locked: string) => readonly Step[]>> = {
  "a lock": (locked) => [byParent({ op: "lock", at: onHost(locked), patience: longer, past: 0 })],
  "a volume that others change": (locked) => [
    byParent({
      op: "volume",
      at: onHost(`${locked}/volume`),
      record: "{}",
      user: "",
      into: "volume",
    }),
  ],
  "a volume that another container fills": (locked) => {
    mkdirSync(`${locked}/_data`);
    const data = onHost(`${locked}/_data`);
    return [
      byParent({ op: "open", at: onHost(locked), flags: ["path"], into: "volume" }),
      byParent({
        op: "fill",
        volume: "volume",
        from: onHost("/etc"),
        staging: onHost(locked),
        to: data,
        copy: true,
      }),
    ];
  },
};

async function hold(path: string): Promise<ChildProcess> {
  const holder = spawn("flock", ["-F", path, "sh", "-c", "echo locked; exec sleep 100"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(holder.stdout ?? holder, "data");
  return holder;
}

describe.skipIf(!isRoot)("signals while it waits or works (needs root)", () => {
  leaveNothing();

  test("a copy of many files ends between two of them, and nothing of it stays", async () => {
    const [from, to] = [freshDirectory("layer"), freshPath("copy")];
    for (let i = 0; i < 2_000; i++) writeFileSync(`${from}/${i}`, "");
    const map = "0 1000000 65536\n";
    const { process, outcome } = start([
      byParent({ op: "user_namespace", uid_map: map, gid_map: map, into: "users" }),
      byParent({ op: "user_copy", namespace: "users", from: onHost(from), to: onHost(to) }),
      byParent({ op: "sleep", time: longer }),
    ]);
    await until(() => existsSync(`${to}.making`), "the copy");
    process.kill("SIGTERM");
    const ended = await outcome;
    expect(ended.code).toBe(128 + 15);
    expect(failureOf(ended)).toMatchObject({ record: 1, errno: constants.errno.EINTR });
    expect([existsSync(to), existsSync(`${to}.making`)]).toEqual([false, false]);
  });

  for (const [what, stepsFor] of Object.entries(waits)) {
    test(`${what}: what is done is undone, 128 and the signal`, async () => {
      const [locked, made, pid] = [freshDirectory(), freshPath(), freshPath("pid")];
      const steps = stepsFor(locked);
      const holder = await hold(locked);
      try {
        const { process, outcome } = start([
          byParent(
            { op: "mkdir", at: onHost(made), mode: 0o700, parents: false },
            { op: "remove", at: onHost(made) },
          ),
          byParent({
            op: "write_pid",
            at: onHost(pid),
            how: "exclusive",
            mode: 0o600,
            started: false,
            own: true,
          }),
          ...steps,
        ]);
        await until(() => existsSync(pid), "the executor");
        await Bun.sleep(30);
        expect(process.exitCode).toBeNull();
        process.kill("SIGTERM");
        const ended = await outcome;
        expect(ended.code).toBe(128 + 15);
        expect(failureOf(ended)).toMatchObject({ errno: constants.errno.EINTR });
        expect(existsSync(made)).toBe(false);
      } finally {
        holder.kill("SIGKILL");
      }
    });
  }
});
