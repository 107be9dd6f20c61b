// The OCI runtime on another kernel: one whose cgroups are all of version 2, and which CRIU knows.
//
// PIVOT_VM is a program that takes a command of sh, runs it as root in a virtual machine which sees
// this directory at the same path, passes output and exit status on, and heeds VM_TIMEOUT (seconds)
// and VM_ENV (names of variables that go in). Such a machine may be slow, hence the patience.

import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const root = new URL("..", import.meta.url).pathname;
const machine = process.env["PIVOT_VM"];
const whyNot =
  machine === undefined
    ? "PIVOT_VM names no virtual machine"
    : existsSync(machine)
      ? undefined
      : `PIVOT_VM: there is no ${machine}`;

const seconds = 1800;

/** The numbers of `bun test`'s last lines. */
const countOf = (text: string, what: string): number =>
  Number(new RegExp(`^ *(\\d+) ${what}$`, "m").exec(text)?.[1] ?? 0);

describe.skipIf(whyNot !== undefined)(`in a virtual machine (${whyNot ?? machine})`, () => {
  for (const { file, mayskip } of [
    { file: "oci/checkpoint", mayskip: 0 },
    { file: "oci/state", mayskip: 0 },
    { file: "oci/resources", mayskip: 0 },
    { file: "cgroup", mayskip: 9 },
  ]) {
    test(
      `test/${file}.test.ts`,
      () => {
        const command = [
          `cd '${root}'`,
          "[ -f /sys/fs/cgroup/cgroup.controllers ] || { echo no pure cgroup v2; exit 9; }",
          `TMPDIR=/var/tmp node_modules/.bin/bun test --timeout 600000 test/${file}.test.ts`,
        ].join("\n");
        const { stdout, stderr } = spawnSync(machine ?? "", [command], {
          encoding: "utf8",
          env: {
            ...process.env,
            PIVOT_TEST_PATIENCE: "10",
            VM_ENV: "PIVOT_TEST_PATIENCE",
            VM_CPUS: "2",
            VM_TIMEOUT: String(seconds),
          },
        });
        const said = stdout + stderr;
        const failed = said.split("\n").filter((line) => line.startsWith("(fail)"));
        expect({ failed, why: failed.length > 0 ? said : "" }).toEqual({ failed: [], why: "" });
        expect(countOf(said, "pass")).toBeGreaterThan(5);
        expect(countOf(said, "skip")).toBeLessThanOrEqual(mayskip);
      },
      seconds * 1000,
    );
  }
});
