/** What the debugger prints: steps, mount tables and descriptors. */

import { shortId } from "../container/identity.ts";
import { catalogue, type Entry } from "../plan/catalogue.ts";
import { describeOp } from "../plan/describe.ts";
import type { Op, Plan, Step } from "../plan/op.ts";
import type { OpenDescriptor } from "./actors.ts";
import { markChanges, mountLines } from "./mount-changes.ts";

/** `62  init    mount proc on /proc`. */
export function stepLine({ steps }: Plan, index: number, id: string): string {
  const step = steps[index];
  if (step === undefined) return "";
  const { what } = describeOp(step.op);
  const said = what.replaceAll(id, shortId(id));
  return `${String(index + 1).padStart(3)}  ${step.by.padEnd(6)}  ${said}`;
}

const fieldText = (name: string, value: unknown): string =>
  name === "mode" && typeof value === "number"
    ? `0${value.toString(8)}`
    : value instanceof Uint8Array
      ? `${value.length} bytes`
      : JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? `${each}` : each));

function opLines(op: Op, indent: string): string[] {
  const entry: Entry = catalogue[op.op];
  const fields = Object.entries(op).filter(([name]) => name !== "op");
  return fields.map(([name, value]) => {
    const about = entry.fields[name]?.[1];
    const text = fieldText(name, value);
    return `${indent}${name} = ${text.length > 120 ? `${text.slice(0, 119)}…` : text}${about === undefined ? "" : `   (${about})`}`;
  });
}

/** All of a step, each field of its operation with what it means. */
export function stepText(plan: Plan, index: number, id: string): string {
  const step = plan.steps[index];
  if (step === undefined) return "";
  const entry: Entry = catalogue[step.op.op];
  const lines = [
    stepLine(plan, index, id),
    `     why: ${step.why}`,
    `     ${step.op.op}: ${entry.gist}`,
    `     system calls: ${entry.calls}; see ${entry.man}`,
    ...opLines(step.op, "       "),
    ...(step.undo === undefined
      ? []
      : [
          `     undone by ${step.undo.op}${step.keep === true ? ", when the start fails" : ""}`,
          ...opLines(step.undo, "       "),
        ]),
  ];
  return `${lines.join("\n")}\n`;
}

/** Those that changed since `before`. */
export const changedMounts = (before: string | null, now: string | null): string[] => {
  if (now === null) return [];
  const changed = markChanges(before, now).filter(({ mark }) => mark !== " ");
  return changed.length === 0 ? [] : mountLines(changed).slice(1);
};

export const mountsText = (title: string, before: string | null, now: string | null): string =>
  now === null
    ? `${title}: there is no such process\n`
    : `${title}\n${mountLines(markChanges(before, now))
        .map((line) => `  ${line}\n`)
        .join("")}`;

/** The slots that steps before this one have filled: descriptors with names. Init begins with the parent's. */
export function slotsOf({ steps }: Plan, before: number, by: Step["by"]): string[] {
  const clone = steps.findIndex(({ op }) => op.op === "clone");
  return steps.slice(0, before).flatMap((step, i) => {
    const isKnown = step.by === by || (by === "init" && i < clone);
    const name = "into" in step.op ? step.op.into : "proc" in step.op ? step.op.proc : null;
    return !isKnown || name === null ? [] : [`${name} (step ${i + 1})`];
  });
}

export function descriptorsText(
  title: string,
  descriptors: readonly OpenDescriptor[],
  slots: readonly string[],
): string {
  const lines = descriptors.map(
    ({ number, target, mount }) =>
      `  ${String(number).padStart(3)}  ${target}${mount === "" ? "" : `  (mount ${mount})`}`,
  );
  const names = slots.length === 0 ? [] : [`  kept by the plan: ${slots.join(", ")}`];
  return `${[title, ...lines, ...names].join("\n")}\n`;
}
