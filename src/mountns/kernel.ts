/** Operations carried out by the real kernel, in a mount namespace that is thrown away. */

import { spawnSync } from "node:child_process";
import { noUserNamespaces } from "../executor/failure.ts";
import { executorPath } from "../executor/locate.ts";
import type { Operation } from "../simulator/operation.ts";
import type { ProcessId } from "../simulator/state.ts";
import { LineEncoder } from "./encode.ts";

/** What the kernel made of one operation. */
export type KernelStep = {
  /** 0: it went well; -1: it was not tried, since the one before failed. */
  readonly errno: number;
  /** The text of mountinfo of each process that was asked about, in order. */
  readonly tables: readonly string[];
};

/** An operation, and whose tables are wanted after it. */
export type KernelOrder = {
  /** null: nothing is done, the tables are wanted. */
  readonly op: Operation | null;
  /** Only if the operation before went well. */
  readonly ifWell?: boolean;
  readonly tables: readonly ProcessId[];
};

const largestOutput = 1 << 30;

/**
 * Runs programs, each in a world of its own that begins with process 1 and an empty tmpfs at `/`.
 * @param program the C program; the executor, unless another is given
 * @throws Error when no mount namespace can be made, or the program ends early.
 */
export function runByKernel(
  programs: readonly (readonly KernelOrder[])[],
  program = executorPath(),
): KernelStep[][] {
  const lines = programs.flatMap((orders) => {
    const encoder = new LineEncoder();
    return [
      "begin",
      ...orders.flatMap(({ op, ifWell, tables }) => [
        ...(op === null ? [] : [`${ifWell === true ? "&" : ""}${encoder.encode(op)}`]),
        ...tables.map((id) => `table\t${id}`),
      ]),
    ];
  });
  const ran = spawnSync(program, ["mountns"], {
    argv0: "pivot-executor",
    input: `${lines.join("\n")}\n`,
    encoding: "utf8",
    maxBuffer: largestOutput,
  });
  if (ran.status !== 0) {
    const said = (ran.error?.message ?? ran.stderr.trim()) || `it ended by ${ran.signal}`;
    const words = said.replace(/^mountns: /, "");
    throw new Error(words.endsWith("not permitted") ? `${words}; ${noUserNamespaces}` : words);
  }
  return readSteps(ran.stdout, programs);
}

function readSteps(text: string, programs: readonly (readonly KernelOrder[])[]): KernelStep[][] {
  let at = 0;
  const line = (): string => {
    const end = text.indexOf("\n", at);
    if (end < 0) throw new Error("the kernel's world ended too early");
    const found = text.slice(at, end);
    at = end + 1;
    return found;
  };
  const table = (): string => {
    // A dot on a line of its own ends a table: no row of mountinfo is one.
    const from = at;
    while (line() !== ".") continue;
    return text.slice(from, at - 2);
  };
  return programs.map((orders) =>
    orders.map(({ op, tables }) => ({
      errno: op === null ? 0 : Number(line()),
      tables: tables.map(table),
    })),
  );
}
