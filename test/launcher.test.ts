// The launcher, with a shell script in place of the JavaScript program: what it finds when it
// starts is printed and looked at.

import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { eventsVariable, planVariable } from "../src/executor/become.ts";
import { encodePlan } from "../src/executor/encode.ts";
import { readEvents } from "../src/executor/events.ts";
import type { Step } from "../src/plan/op.ts";
import {
  byParent,
  executor,
  freshDirectory,
  freshPath,
  leaveNothing,
  onHost,
} from "./executor-harness.ts";

leaveNothing();

const directory = freshDirectory("launcher");
const launcher = `${directory}/pivot`;
copyFileSync(executor, launcher);
writeFileSync(
  `${launcher}-program`,
  `#!/bin/sh
exec 1>&\${REPORT_TO:-1}
echo "program=$0 args=$*"
echo "cwd=$(readlink /proc/$$/cwd)"
grep -E 'Sig(Ign|Blk)' /proc/$$/status | tr -d '\\t'
for fd in /proc/$$/fd/*; do [ -L $fd ] || continue; echo -n "\${fd##*/} -> "; readlink $fd; done
cmp /proc/$$/fd/4 ${launcher} && echo "4 is the launcher"
env
exit 17
`,
  { mode: 0o755 },
);

/** Calls the launcher from a shell's script, where it is `"$@"`. */
function launch(script = '"$@"', env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(
    "/bin/sh",
    ["-c", script, "sh", launcher, "run", "an image"],
    { env: { PATH: "/usr/bin:/bin", ...env }, encoding: "utf8" },
  );
  const lines = stdout.split("\n");
  const descriptors = new Map(
    lines.flatMap((line) => {
      const [, fd, target] = /^(\d+) -> (.*)$/.exec(line) ?? [];
      return fd === undefined || target === undefined ? [] : [[Number(fd), target] as const];
    }),
  );
  return { status, stdout, stderr, lines, descriptors };
}

test("the program beside it, with the same arguments", () => {
  const { status, lines, stderr } = launch();
  expect(lines[0]).toBe(`program=${launcher}-program args=run an image`);
  expect({ status, stderr }).toEqual({ status: 17, stderr: "" });
});

test("what would run other code in the program, or lie to it, is taken from the environment", () => {
  const gone = [
    "BUN_OPTIONS",
    "BUN_INSPECT",
    "BUN_BE_BUN",
    "NODE_OPTIONS",
    "NODE_CHANNEL_FD",
    "PIVOT_NO_CWD",
    "PIVOT_MOVED_FD",
  ];
  const env = Object.fromEntries([...gone, "BUN", "KEPT", "NODE_ENV"].map((name) => [name, "x"]));
  const { stdout, lines } = launch(undefined, { ...env, PIVOT_NOFILE: "1:1" });
  for (const name of gone) expect(stdout).not.toContain(`${name}=`);
  for (const name of ["BUN", "KEPT", "NODE_ENV"]) expect(lines).toContain(`${name}=x`);
  expect(lines).not.toContain("PIVOT_NOFILE=1:1");
});

test("the caller's limit of open files is written down", () => {
  expect(launch('prlimit --nofile=777:888 "$@"').lines).toContain("PIVOT_NOFILE=777:888");
});

test("4 is the executor, a sealed copy of the launcher's own file, and nothing else is new", () => {
  const { lines, descriptors, stdout } = launch();
  expect([...descriptors.keys()].filter((fd) => fd !== 10)).toEqual([0, 1, 2, 4]); // 10: the script
  expect(descriptors.get(4)).toBe("/memfd:pivot-executor (deleted)");
  expect(lines).toContain("4 is the launcher");
  expect(stdout).not.toContain("PIVOT_MOVED_FD");
});

test("descriptors of the caller stay open; who had the number 4 is told where it is", () => {
  const [three, four] = [freshPath("three"), freshPath("four")];
  for (const path of [three, four]) writeFileSync(path, "");
  for (const script of [`"$@" 3<${three} 4<${four}`, `"$@" 4<${four} 3<${three} 5<${three}`]) {
    const { stdout, descriptors, lines } = launch(script);
    const moved = Number(/^PIVOT_MOVED_FD=(\d+)$/m.exec(stdout)?.[1]);
    expect(descriptors.get(3)).toBe(three);
    expect(descriptors.get(4)).toContain("memfd");
    expect(moved).toBeGreaterThanOrEqual(10);
    expect(descriptors.get(moved)).toBe(four);
    expect(lines).toContain("4 is the launcher");
  }
});

test("no room to move it: said, and nothing is lost in silence", () => {
  const { status, stderr } = launch('ulimit -n 9; exec "$@" 4</dev/null');
  expect({ status, stderr }).toEqual({
    status: 125,
    stderr: "pivot: too many open files: close some, or raise `ulimit -n`\n",
  });
});

test("closed standard streams become /dev/null", () => {
  const script = 'REPORT_TO=7 "$@" 7>&1 <&- >&- 2>&-';
  const { descriptors } = launch(script);
  expect([0, 2].map((fd) => descriptors.get(fd))).toEqual(["/dev/null", "/dev/null"]);
});

test("a working directory that is gone is left for /", () => {
  const path = freshDirectory("gone");
  const gone = launch(`cd ${path} && rmdir ${path} && "$@"`);
  expect(gone.lines).toContain("cwd=/");
  expect(gone.lines).toContain("PIVOT_NO_CWD=1");
  const there = launch(`cd ${directory} && "$@"`);
  expect(there.lines).toContain(`cwd=${directory}`);
  expect(there.stdout).not.toContain("PIVOT_NO_CWD");
});

test("signals that the caller ignores stay ignored", () => {
  const { lines } = launch('env --ignore-signal=HUP --ignore-signal=USR2 "$@"');
  expect(lines).toContain("SigIgn:0000000000000801");
  expect(lines).toContain("SigBlk:0000000000000000");
});

test("without the program beside it: one line, and 125", () => {
  const alone = `${freshDirectory()}/pivot`;
  copyFileSync(executor, alone);
  const { status, stderr } = spawnSync(alone, [], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({
    status: 125,
    stderr: `pivot: ${alone}-program: No such file or directory\n`,
  });
});

// ── the plan by way of the environment ─────────────────────────────────────────────────────

/** Runs a plan that is in the environment, in parts, with a shell as the reporter. */
function runFromEnvironment(steps: readonly Step[], partLength: number, change = (s: string) => s) {
  const text = change(encodePlan({ version: 1, steps }).toString("base64"));
  const env: Record<string, string> = { PATH: "/usr/bin:/bin" };
  for (let part = 0; part * partLength < text.length; part++) {
    env[planVariable(part)] = text.slice(part * partLength, (part + 1) * partLength);
  }
  const reporter = ["/bin/sh", "-c", `echo $${eventsVariable}; exit 18`];
  const { status, stdout } = spawnSync(executor, ["run", "env", "env", ...reporter], {
    env,
    encoding: "utf8",
  });
  return { status, events: readEvents(Buffer.from(stdout.trim(), "hex")).events };
}

const mkdir = (at: string) =>
  byParent({ op: "mkdir", at: onHost(at), mode: 0o700, parents: false });

test("a plan from the environment, in parts of whole groups; the reporter tells what went wrong", () => {
  const path = freshPath();
  for (const length of [4, 100, 120_000]) {
    expect(runFromEnvironment([mkdir(`${path}/none/below`)], length)).toEqual({
      status: 18,
      events: [{ kind: "failed", record: 0, errno: 2, text: "" }],
    });
  }
  expect(runFromEnvironment([mkdir(path)], 100)).toEqual({ status: 125, events: [] });
  for (const spoil of [(s: string) => s.slice(4), (s: string) => `!${s}`, () => ""]) {
    const { status, events } = runFromEnvironment([mkdir(path)], 100, spoil);
    expect(status).toBe(18);
    expect(events).toMatchObject([{ kind: "failed", errno: 71, text: "the plan cannot be read" }]);
  }
});
