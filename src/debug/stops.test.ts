import { expect, test } from "bun:test";
import { decodePlan } from "../executor/decode.ts";
import { encodePlan } from "../executor/encode.ts";
import type { Plan, Step } from "../plan/op.ts";
import { byInit, byParent, mkdir, onHost } from "../planner/step.ts";
import { markChanges, mountLines } from "./mount-changes.ts";
import { withStops } from "./stops.ts";
import { readCommand } from "./words.ts";

const made: Step = byParent(mkdir(onHost("/x"), 0o700), "", { op: "remove", at: onHost("/x") });
const umask: Step = byInit({ op: "umask", mask: 0 }, "");
const exec: Step = byInit({ op: "exec", paths: ["/bin/true"], argv: ["true"], env: [] }, "");
const due: Step = byParent({ op: "due" }, "");
const filter: Step = byInit({ op: "seccomp", flags: 0, program: new Uint8Array(8) }, "");

const plan = (...steps: Step[]): Plan => ({ version: 1, steps });

test("a stop before each step up to the program, and numbers that lead back", () => {
  const { plan: padded, stepOf, stepOfRecord, last } = withStops(plan(made, umask, exec, due));
  expect(padded.steps.map(({ op }) => op.op)).toEqual([
    "pause",
    "mkdir",
    "pause",
    "umask",
    "pause",
    "exec",
    "due",
  ]);
  expect(
    padded.steps.filter(({ op }) => op.op === "pause").every(({ by }) => by === "parent"),
  ).toBe(true);
  expect(stepOf).toEqual([0, 0, 1, 1, 2, 2, 3]);
  expect(last).toBe(2);
  // What the executor names are records, undos among them.
  const decoded = decodePlan(encodePlan(padded));
  expect(stepOfRecord).toEqual(decoded.stepOfRecord.map((step) => stepOf[step] ?? -1));
});

test("no stop behind a filter of init's: from there on it cannot be talked to", () => {
  const { plan: padded, last } = withStops(plan(made, filter, umask, exec));
  expect(padded.steps.map(({ op }) => op.op)).toEqual([
    "pause",
    "mkdir",
    "pause",
    "seccomp",
    "umask",
    "exec",
  ]);
  expect(last).toBe(1);
});

test("what changed in a table: new, changed, gone", () => {
  const before =
    "1 0 8:1 / / rw - ext4 sda rw\n2 1 0:4 / /old rw - tmpfs a rw\n3 1 0:5 / /same rw - tmpfs b rw\n";
  const now =
    "1 0 8:1 / / ro - ext4 sda rw\n3 1 0:5 / /same rw - tmpfs b rw\n4 1 0:6 / /new rw shared:7 - tmpfs c rw\n";
  const marked = markChanges(before, now);
  expect(marked.map(({ mark, mount }) => `${mark} ${mount.point}`)).toEqual([
    "~ /",
    "  /same",
    "+ /new",
    "- /old",
  ]);
  expect(markChanges(null, now).every(({ mark }) => mark === " ")).toBe(true);
  expect(mountLines(marked)[3]).toMatch(/^\+ 4 +1 +\/new +tmpfs rw shared:7$/);
});

test("commands by name, by letter and by their beginning", () => {
  expect(readCommand("s 3")).toEqual({ name: "step", words: ["3"], rest: "3" });
  expect(readCommand(" sh parent ls  -l")?.rest).toBe("parent ls  -l");
  expect(readCommand("cont")?.name).toBe("continue");
  // Both shell and step begin with it, and neither is called so.
  expect(readCommand("st")?.name).toBe("step");
  expect(readCommand("xyz")).toBeNull();
  expect(readCommand("")).toBeNull();
});
