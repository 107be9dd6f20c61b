// The script as a text: it is one for any plan, and nothing of a plan is read as a command.

import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import type { Plan, Step } from "../plan/op.ts";
import { arbitraryOp, arbitraryPlan } from "../plan/testing/arbitrary.ts";
import { byInit, byParent, onHost, write } from "../planner/step.ts";
import { planScript, scriptProblem } from "./script.ts";
import { shellLines } from "./shell.ts";
import { Places } from "./shell-place.ts";

const clone = (namespaces: readonly ("mount" | "pid" | "user")[]): Step =>
  byParent(
    { op: "clone", namespaces, cgroup: null, user: null, process: null, join: [], proc: "child" },
    "linux.namespaces",
  );

/** What a shell says of a script, or of itself when it could not run. */
function parses(script: string): string {
  const { error, status, signal, stderr } = spawnSync("sh", ["-n"], {
    input: script,
    encoding: "utf8",
  });
  return status === 0 ? stderr : `${stderr ?? ""}${error?.message ?? signal ?? ""}: ${status}`;
}

test("a shell can read the script of any plan", () => {
  fc.assert(
    fc.property(arbitraryPlan, ({ steps }) => {
      const plan: Plan = { version: 1, steps: [clone(["mount"]), ...steps] };
      expect(parses(planScript(plan, "pivot run"))).toBe("");
    }),
    { numRuns: 60 },
  );
});

test("a plan that does not wait ends with whole lines, and its process goes on", () => {
  const undoes: Step = byParent({ op: "remove_cgroup", at: onHost("/x") }, "x");
  const script = planScript({ version: 1, steps: [clone(["mount"]), undoes] }, "pivot run");
  expect(parses(script)).toBe("");
  expect(script).toMatch(/\ndone\necho go >&7\nsaid waits\n/);
});

test("a setting of an interface that a network's program would make is left out", () => {
  const paths = ["sys/net/ipv6/conf/eth0/accept_ra", "sys/net/ipv6/conf/default/accept_ra"];
  const steps = paths.map((path) => byInit(write(onHost(`/proc/${path}`), "0"), "linux.sysctl"));
  const script = planScript({ version: 1, steps: [clone(["mount"]), ...steps] }, "pivot run");
  expect(script).not.toMatch(/^printf .*eth0/m);
  expect(script).toMatch(/^printf .*conf\/default\/accept_ra/m);
  expect(script).toContain("# left out: a setting of an interface");
});

const mark = "PWNED";
const nasty = `x' "$(${mark})" \`${mark}\` ; ${mark} &\n${mark} #'`;

/** The same with each of its texts a nasty one. */
const poisoned = (value: unknown): unknown =>
  typeof value === "string"
    ? nasty
    : Array.isArray(value)
      ? value.map(poisoned)
      : value !== null && typeof value === "object" && !(value instanceof Uint8Array)
        ? Object.fromEntries(
            Object.entries(value).map(([key, each]) =>
              // Names from lists of names stay what they are.
              key === "op" ||
              key === "in" ||
              !/^(at|from|to|of|text|path|paths|name|source|type|options|argv|env|target|new_root|put_old|before|after|user|group|groups|program|announce|farewell|empty|null|staging|log|root)$/.test(
                key,
              )
                ? [key, each]
                : [key, poisoned(each)],
            ),
          )
        : value;

/** What is left when words in quotes and comments are taken away. */
const bare = (lines: readonly string[]): string =>
  lines
    .filter((line) => !line.startsWith("# "))
    .join("\n")
    .replaceAll("'\\''", "")
    .replaceAll(/'[^']*'/g, "");

test("no text of a plan is a command of the script", () => {
  fc.assert(
    fc.property(arbitraryOp, (op) => {
      for (const manner of ["plain", "safe"] as const) {
        const evil = poisoned(op) as typeof op;
        if (evil.op === "setns" || evil.op === "mknod") continue; // their types are names of a list
        expect(bare(shellLines(evil, new Places(manner)))).not.toContain(mark);
      }
    }),
    { numRuns: 600 },
  );
});

test("a line of the plan that ends a here-document does not end it", () => {
  const plan: Plan = {
    version: 1,
    steps: [
      clone(["mount"]),
      byInit(
        { op: "write", at: onHost("/x"), text: "a\nEND\nrm -rf /\n", how: "existing", mode: 0 },
        "x",
      ),
    ],
  };
  const script = planScript(plan, "pivot run");
  expect(script).toContain("<<'END_'");
  expect(parses(script)).toBe("");
});

test("what cannot be: a user namespace, or the host's mounts", () => {
  expect(scriptProblem({ version: 1, steps: [clone(["mount", "pid"])] })).toBeNull();
  expect(scriptProblem({ version: 1, steps: [clone(["mount", "user"])] })).toContain(
    "user namespace",
  );
  expect(scriptProblem({ version: 1, steps: [clone(["pid"])] })).toContain("mount namespace");
  expect(scriptProblem({ version: 1, steps: [] })).toContain("no process");
});
