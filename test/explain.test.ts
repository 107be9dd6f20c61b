// `pivot explain`: what it predicts is what the kernel then makes; its words and its errors.

import { afterAll, expect, test } from "bun:test";
import { Ground, whyNot } from "./pivot.ts";

const containers = test.skipIf(whyNot !== undefined);
const because = whyNot === undefined ? "" : ` (skipped: ${whyNot})`;
const ground = whyNot === undefined ? new Ground("explained") : undefined;
afterAll(() => ground?.close());

const there = (): Ground => {
  if (ground === undefined) throw new Error(`not without ${whyNot}`);
  return ground;
};

const explain = (words: readonly string[]) => there().pivot(["explain", ...words]);

/** What can be told of a mount before it is made: root, place, flags, propagation, type, source. */
const comparable = (mountinfo: readonly string[]): string[] =>
  mountinfo
    .filter((line) => line !== "")
    .map((line) => {
      const [, , , root, at, ...rest] = line.replaceAll(/\b[0-9a-f]{64}\b/g, "ID").split(" ");
      return [root, at, ...rest.slice(0, -1)].join(" ");
    });

const wishes: readonly (readonly string[])[] = [
  [],
  [
    ..."--read-only --init --ipc host --tmpfs /run:size=1m,noexec -v /etc:/host-etc:ro".split(" "),
    "--mount",
    "type=bind,source=/usr,target=/x,bind-recursive=disabled,readonly",
  ],
  ["--security-opt", "mask=/usr/bin:/etc/passwd:/nowhere", "--cgroupns", "host"],
  ["--userns", "private"],
];

for (const wish of wishes) {
  containers(`the mounts are as predicted: ${wish.join(" ")}${because}`, () => {
    const words = [...wish, "busybox", "cat", "/proc/self/mountinfo"];
    const { code, stdout, stderr } = explain(["--rm", "--format", "json", ...words]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const { mounts } = JSON.parse(stdout) as { mounts: string[] };
    const real = there().run(words);
    expect(real.code).toBe(0);
    expect(comparable(mounts)).toEqual(comparable(real.stdout.split("\n")));
  });
}

containers(`text: the steps of the plan, each with what it is for${because}`, () => {
  const { code, stdout } = explain(["--rm", "busybox", "true"]);
  expect(code).toBe(0);
  const steps = Number(/^pivot run --rm busybox true: (\d+) steps\./.exec(stdout)?.[1]);
  expect(steps).toBeGreaterThan(80);
  expect(stdout.match(/^without /gm)).toHaveLength(steps);
  expect(stdout).not.toContain("\u001b");
  expect(stdout).not.toMatch(/[0-9a-f]{64}\/(upper|hosts)/);
});

containers(`one step, or those of an operation${because}`, () => {
  const pivot = explain(["--only", "pivot_root", "busybox"]);
  expect(pivot.stdout).toMatch(/: 1 of \d+ steps\./);
  expect(pivot.stdout).toMatch(/~ \/ {2}overlay .* → \/, with \d+ mounts below it/);
  expect(explain(["--step", "1", "--brief", "busybox"]).stdout).toContain("mkdir -p -m 700");
});

containers.each([
  [
    ["--format", "yaml", "busybox"],
    '--format takes text, markdown, json, sh, mermaid, received "yaml"',
  ],
  [["--step", "0", "busybox"], '--step takes the number of a step, received "0"'],
  [["--step", "5000", "busybox"], "--step 5000: the plan has"],
  [["--only", "pivotroot", "busybox"], "did you mean pivot_root?"],
  [["--only", "criu", "busybox"], "--only: the plan has no step criu"],
  [["--only", "mount", "--format", "sh", "busybox"], "--format sh is about the whole plan"],
])("wrong words are told in one line: %p", (words, line) => {
  const { code, stdout, stderr } = explain(words);
  expect(code).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toContain(line);
});
