// The launcher, with a shell script in place of the JavaScript program: what it finds when it
// starts is printed and looked at.

import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { copyFileSync, statSync, writeFileSync } from "node:fs";
import { encodePlan } from "../src/executor/encode.ts";
import { readEvents } from "../src/executor/events.ts";
import { WireWriter } from "../src/executor/wire-writer.ts";
import type { Step } from "../src/plan/op.ts";
import {
  byParent,
  executor,
  freshDirectory,
  freshPath,
  leaveNothing,
  onHost,
} from "./executor-harness.ts";
import { patience } from "./patience.ts";

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
echo "parent=$(tr '\\0' ' ' </proc/$PPID/cmdline)"
env
[ -z "$DIE" ] || kill -$DIE $$
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
    "PIVOT_GO_FD",
  ];
  const env = Object.fromEntries([...gone, "BUN", "KEPT", "NODE_ENV"].map((name) => [name, "x"]));
  const { stdout, lines } = launch(undefined, { ...env, PIVOT_PLAN_FD: "1" });
  for (const name of gone) expect(stdout).not.toContain(`${name}=`);
  for (const name of ["BUN", "KEPT", "NODE_ENV"]) expect(lines).toContain(`${name}=x`);
  expect(lines).not.toContain("PIVOT_PLAN_FD=1");
});

test("descriptors of the caller keep their numbers; the pipe for the plan is out of the way", () => {
  const three = freshPath("three");
  writeFileSync(three, "");
  const { descriptors, lines } = launch(`"$@" 3<${three} 5<${three}`);
  const pipe = Number(/^PIVOT_PLAN_FD=(\d+)$/m.exec(lines.join("\n"))?.[1]);
  expect(pipe).toBeGreaterThanOrEqual(100);
  expect(descriptors.get(pipe)).toStartWith("pipe:");
  expect([3, 4, 5].map((fd) => descriptors.get(fd))).toEqual([three, undefined, three]);
  expect(new Set(descriptors.keys())).toEqual(new Set([0, 1, 2, 3, 5, 10, pipe])); // 10: the script
});

test("the launcher waits as the executor, from a sealed copy of itself", () => {
  const parent = launch().lines.find((line) => line.startsWith("parent="));
  expect(parent).toMatch(/^parent=pivot-executor follow \d+ \d+ /);
});

test("no room for the pipe: said", () => {
  const { status, stderr } = launch('ulimit -n 4; exec "$@"');
  expect({ status, stderr }).toEqual({
    status: 125,
    stderr: "pivot: too few open files are allowed: raise `ulimit -n` to 64 or more\n",
  });
});

test("a program that is ended by a signal: the launcher ends by the same", () => {
  for (const [name, number] of [["TERM", 15] as const, ["SEGV", 11] as const]) {
    expect(launch('"$@"; echo "status $?"', { DIE: name }).lines).toContain(
      `status ${128 + number}`,
    );
  }
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

// ── the plan that the program hands over ───────────────────────────────────────────────────

/** What `handOver` sends, as a file that a shell in the program's place copies to the pipe. */
function handOverFile(steps: readonly Step[], reporter: readonly string[]): string {
  const plan = encodePlan({ version: 1, steps });
  const head = new WireWriter();
  head.u32(0);
  head.texts(reporter);
  head.patch32(0, head.length - 4 + plan.length);
  const path = freshPath("hand-over");
  writeFileSync(path, Buffer.concat([head.bytes.subarray(0, head.length), plan]));
  return path;
}

/** Launches a program that hands something over, and, as the reporter, prints what it finds. */
function launchPlanner(script: string) {
  const planner = `${freshDirectory()}/pivot`;
  copyFileSync(executor, planner);
  writeFileSync(
    `${planner}-program`,
    `#!/bin/sh
if [ "$1" = tell ]; then env >&2; od -An -v -tx1 <&3 | tr -d ' \\n'; exit 18; fi
${script}
`,
    { mode: 0o755 },
  );
  const env = { PATH: "/usr/bin:/bin", SECRET: "of the caller" };
  const { status, stdout, stderr } = spawnSync(planner, [], { env, encoding: "utf8" });
  const bytes = Buffer.from(stdout.trim(), "hex");
  const size = bytes.length < 4 ? 0 : bytes.readUInt32LE(0);
  const { events } = readEvents(bytes.subarray(4, 4 + size));
  return { status, events, stderr, plan: bytes.subarray(4 + size) };
}

const mkdir = (at: string) =>
  byParent({ op: "mkdir", at: onHost(at), mode: 0o700, parents: false });

test("the plan that is handed over is carried out; the program itself is ended", () => {
  const path = freshPath();
  const file = handOverFile([mkdir(path)], ["tell"]);
  const began = Date.now();
  const { status, events } = launchPlanner(
    `cat ${file} >/proc/self/fd/$PIVOT_PLAN_FD; exec sleep ${30 * patience}`,
  );
  expect({ status, events }).toEqual({ status: 0, events: [] });
  expect(statSync(path).isDirectory()).toBeTrue();
  expect(Date.now() - began).toBeLessThan(20_000 * patience);
});

test("what went wrong is told by the program again: events and plan, and nothing of the caller's", () => {
  const steps = [mkdir(`${freshPath()}/none/below`)];
  const file = handOverFile(steps, ["tell"]);
  const { status, events, stderr, plan } = launchPlanner(
    `cat ${file} >/proc/self/fd/$PIVOT_PLAN_FD; exec sleep ${30 * patience}`,
  );
  expect({ status, events }).toEqual({
    status: 18,
    events: [{ kind: "failed", record: 0, errno: 2, text: "" }],
  });
  expect(plan.equals(encodePlan({ version: 1, steps }))).toBeTrue();
  expect(stderr).not.toContain("SECRET");
});

test("a plan in small pieces is one plan; one that is cut short is none", () => {
  const steps = [mkdir(`${freshPath()}/none/below`)];
  const file = handOverFile(steps, ["tell"]);
  const pieces = `for i in 0 1 2 3 4 5 6 7 8 9; do
    dd if=${file} bs=16 skip=$i count=1 2>/dev/null >/proc/self/fd/$PIVOT_PLAN_FD; done
    dd if=${file} bs=16 skip=10 2>/dev/null >/proc/self/fd/$PIVOT_PLAN_FD; exec sleep ${30 * patience}`;
  expect(launchPlanner(pieces)).toMatchObject({ status: 18, events: [{ kind: "failed" }] });
  // Nobody can be told: the arguments of the reporter have not come.
  expect(launchPlanner(`head -c 3 ${file} >/proc/self/fd/$PIVOT_PLAN_FD`).status).toBe(125);
  expect(launchPlanner(`head -c 50 ${file} >/proc/self/fd/$PIVOT_PLAN_FD`).status).toBe(125);
});
