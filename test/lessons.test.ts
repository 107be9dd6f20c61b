// The lessons of the web page on the real kernel: every line, whole and with each step left out,
// fails or goes through as the page shows it, and leaves the same mount tables.
//
// The kernel's worlds lie in a user namespace, where proc, sysfs and their kin cannot be mounted: so
// each file system is a tmpfs here. What is mounted makes no difference to where it goes.

import { describe, expect, test } from "bun:test";
import { release } from "node:os";
import { runByKernel } from "../src/mountns/kernel.ts";
import { type Operation, ScriptReader } from "../src/simulator/mod.ts";
import { lessons } from "../web/src/lessons/all.ts";
import { examples } from "../web/src/lessons/examples.ts";
import type { Lesson } from "../web/src/lessons/lesson.ts";
import { compare, describe as inWords } from "./differential/compare.ts";

function whyNoKernel(): string | undefined {
  if (!release().startsWith("6.18."))
    return `lessons are those of Linux 6.18, this is ${release()}`;
  try {
    runByKernel([[]]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
const noKernel = whyNoKernel();

/** The system calls of lines that are each `NAME: COMMAND`. */
function callsOf(lines: readonly string[]): Operation[] {
  const names = [...new Set(["host", ...lines.map((line) => line.slice(0, line.indexOf(":")))])];
  const reader = new ScriptReader();
  return lines.flatMap((line) => {
    const colon = line.indexOf(":");
    const read = reader.read(`p${names.indexOf(line.slice(0, colon)) + 1}${line.slice(colon)}`);
    if (read?.command.kind !== "calls") throw new Error(`${line} is no system call`);
    return read.command.calls.map(asTmpfs);
  });
}

const asTmpfs = (call: Operation): Operation =>
  call.op === "mount" ? { ...call, type: "tmpfs", options: [] } : call;

const linesOf = ({ setup, steps }: Lesson, without: number): string[] => [
  ...setup,
  ...steps
    .filter((_, i) => i + 1 !== without)
    .flatMap(({ by, lines, brings = [] }) => [
      ...lines.filter((line) => typeof line === "string").map((line) => `${by}: ${line}`),
      ...brings,
    ]),
];

describe.skipIf(noKernel !== undefined)(`lessons by the kernel (${noKernel ?? "here"})`, () => {
  test.each(lessons.map((lesson) => [lesson.id, lesson] as const))("%s", (_id, lesson) => {
    const programs = [0, ...lesson.steps.map((_, i) => i + 1)].map((without) =>
      callsOf(linesOf(lesson, without)),
    );
    expect(programs.every((program) => program.length > 8)).toBe(true);
    expect(compare(programs).map(inWords)).toEqual([]);
  });

  test("the examples of the playground", () => {
    const programs = examples.map(({ text }) => {
      const reader = new ScriptReader();
      return text.split("\n").flatMap((line) => {
        const command = reader.read(line)?.command;
        return command?.kind === "calls" ? command.calls.map(asTmpfs) : [];
      });
    });
    expect(compare(programs).map(inWords)).toEqual([]);
  });
});
