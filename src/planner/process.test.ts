import { expect, test } from "bun:test";
import type { Process } from "../spec/mod.ts";
import { executablePaths, lastValues, planProcess } from "./process.ts";
import type { Setting } from "./setting.ts";
import { plainFacts } from "./testing/facts.ts";

/** What planProcess reads of it. */
const setting = { seccomp: null, user: null, groups: [], init: false } as unknown as Setting;

function capset(capabilities: NonNullable<Process["capabilities"]>) {
  const process: Process = { cwd: "/", args: ["x"], user: { uid: 0, gid: 0 }, capabilities };
  const { steps, warnings } = planProcess(process, setting, plainFacts);
  return { op: steps.map(({ op }) => op).find(({ op }) => op === "capset"), warnings };
}

test("a capability is ambient only where it is permitted and inheritable", () => {
  const both = ["CAP_KILL", "CAP_CHOWN"] as const;
  const { op, warnings } = capset({ permitted: both, inheritable: ["CAP_KILL"], ambient: both });
  expect(op).toMatchObject({ ambient: ["CAP_KILL"] });
  expect(warnings).toEqual([
    "process.capabilities.ambient: CAP_CHOWN is left out: it would have to be in permitted and inheritable too",
  ]);
});

test("what the caller does not have is left out with a warning", () => {
  const { op, warnings } = capset({ effective: ["CAP_KILL", "CAP_SYSLOG"] });
  expect(op).toMatchObject({ effective: ["CAP_KILL"] });
  expect(warnings).toEqual(["CAP_SYSLOG is left out: the caller does not have it to give"]);
});

test("a name is looked for along PATH, a path is not", () => {
  expect(executablePaths("ls", ["PATH=/a::/b"])).toEqual(["/a/ls", "./ls", "/b/ls"]);
  expect(executablePaths("./ls", ["PATH=/a"])).toEqual(["./ls"]);
  expect(executablePaths("ls", [])).toEqual(["/bin/ls", "/usr/bin/ls"]);
});

test("of several values of a variable the last counts, and nothing else is lost", () => {
  expect(lastValues(["A=1", "B=x=y", "A=2", "C", "B=", "AA=3"])).toEqual([
    "A=2",
    "B=",
    "C",
    "AA=3",
  ]);
  expect(lastValues([])).toEqual([]);
});
