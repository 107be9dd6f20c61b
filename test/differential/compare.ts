// The same program by the kernel and by the simulator: errno by errno, table by table.

import { type KernelOrder, runByKernel } from "../../src/mountns/kernel.ts";
import { type LineResult, simulateLines } from "../../src/mountns/playground.ts";
import { errnoName } from "../../src/plan/errno.ts";
import {
  apply,
  type MountinfoRow,
  mountTable,
  type Operation,
  type ProcessId,
  type ScriptLine,
  type State,
  throwAwayState,
} from "../../src/simulator/mod.ts";
import { parseMountinfo } from "../../src/simulator/parse-mountinfo.ts";

export type Difference = {
  readonly program: readonly Operation[];
  /** Which operation they disagree about. */
  readonly at: number;
  readonly kernel: string;
  readonly simulator: string;
};

type Predicted = {
  readonly errno: string;
  readonly rule: string;
  readonly tables: readonly { readonly id: ProcessId; readonly rows: readonly MountinfoRow[] }[];
};

function predict(program: readonly Operation[], start: State): Predicted[] {
  let state = start;
  return program.map((op) => {
    const outcome = apply(state, op);
    if (outcome.ok) state = outcome.state;
    const ids = Object.keys(state.processes).map(Number);
    return {
      errno: outcome.ok ? "OK" : outcome.errno,
      rule: outcome.ok ? "" : outcome.rule,
      tables: ids.map((id) => ({ id, rows: mountTable(state, id) })),
    };
  });
}

/** A row by where it is: the places of all that it is mounted on, and its own. */
function byPlace(rows: readonly MountinfoRow[]): [string, MountinfoRow][] {
  const known = new Map(rows.map((row) => [row.id, row]));
  const place = (row: MountinfoRow, depth: number): string => {
    const parent = row.parent === row.id || depth > 200 ? undefined : known.get(row.parent);
    return `${parent === undefined ? "" : place(parent, depth + 1)}>${row.mountpoint}`;
  };
  return rows
    .map((row): [string, MountinfoRow] => [place(row, 0), row])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Numbers in the order in which they are met: those of the two sides differ, their pattern must not. */
class Numbering {
  readonly #seen = new Map<string | number, number>();
  of(value: string | number | null): string {
    if (value === null) return "-";
    const known = this.#seen.get(value) ?? this.#seen.size;
    this.#seen.set(value, known);
    return String(known);
  }
}

/** Tables as text that is the same when they say the same. */
function normal(tables: readonly (readonly MountinfoRow[])[]): string {
  const groups = new Numbering();
  const mounts = new Numbering();
  const devices = new Numbering();
  return tables
    .map((rows) =>
      byPlace(rows)
        .map(([place, row]) =>
          [
            place,
            `#${mounts.of(row.id)}`,
            devices.of(row.device),
            row.root,
            row.flags,
            `shared:${groups.of(row.shared)}`,
            `master:${groups.of(row.master)}`,
            `from:${groups.of(row.propagateFrom)}`,
            row.unbindable ? "unbindable" : "",
            row.type,
            row.superOptions.split(",")[0],
          ].join(" "),
        )
        .join("\n"),
    )
    .join("\n--\n");
}

/** @returns the first difference of each program that has one. */
export function compare(
  programs: readonly (readonly Operation[])[],
  start: State = throwAwayState(),
): Difference[] {
  const predictions = programs.map((program) => predict(program, start));
  const orders = programs.map((program, i): KernelOrder[] =>
    program.map((op, j) => ({
      op,
      tables: (predictions[i]?.[j]?.tables ?? []).map(({ id }) => id),
    })),
  );
  const done = runByKernel(orders);
  return programs.flatMap((program, i): Difference[] => {
    for (let at = 0; at < program.length; at++) {
      const step = done[i]?.[at];
      const predicted = predictions[i]?.[at];
      if (step === undefined || predicted === undefined) throw new Error("a step is missing");
      const errno = step.errno === 0 ? "OK" : errnoName(step.errno);
      if (errno !== predicted.errno) {
        return [{ program, at, kernel: errno, simulator: `${predicted.errno} ${predicted.rule}` }];
      }
      const kernel = normal(step.tables.map(parseMountinfo));
      const simulator = normal(predicted.tables.map(({ rows }) => rows));
      if (kernel !== simulator) return [{ program, at, kernel, simulator }];
    }
    return [];
  });
}

/** Are the tables of a script's lines the ones that the simulator foresees? */
export function sameTables(
  results: readonly LineResult[],
  lines: readonly ScriptLine[],
  start: State,
): boolean {
  const foreseen = simulateLines(lines, start);
  return results.every(({ table }, i) => normal([table]) === normal([foreseen[i]?.table ?? []]));
}

/** Leaves out operations for as long as a difference remains. */
export function shrink(found: Difference): Difference {
  let best = { ...found, program: found.program.slice(0, found.at + 1) };
  for (let size = Math.ceil(best.program.length / 2); size >= 1; ) {
    const shorter = Array.from({ length: best.program.length }, (_, i) =>
      best.program.filter((_op, j) => j < i || j >= i + size),
    );
    const again = compare(shorter).sort((a, b) => a.at - b.at)[0];
    if (again === undefined || again.at + 1 >= best.program.length) {
      if (size === 1) break;
      size = Math.floor(size / 2);
    } else best = { ...again, program: again.program.slice(0, again.at + 1) };
  }
  return best;
}

/** A difference as people read it. */
export const describe = ({ program, at, kernel, simulator }: Difference): string =>
  [
    ...program.slice(0, at + 1).map((op) => JSON.stringify(op)),
    `the kernel:\n${kernel}`,
    `the simulator:\n${simulator}`,
  ].join("\n");
