/** `pivot mountns`: a playground for mount commands, in the simulator or by the real kernel. */

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { isatty } from "node:tty";
import { whyOf } from "../host/file-error.ts";
import { writeAll } from "../host/write.ts";
import {
  type LineResult,
  runLinesByKernel,
  simulateLine,
  simulateLines,
} from "../mountns/playground.ts";
import {
  fromMountinfo,
  initialState,
  type Profile,
  parseScript,
  profiles,
  type ScriptLine,
  ScriptReader,
  type State,
  showTree,
  throwAwayState,
} from "../simulator/mod.ts";
import { type ParsedArguments, UsageError } from "./arguments.ts";

type Wish = {
  readonly kernel: boolean;
  readonly table: boolean;
  readonly json: boolean;
  readonly start: State;
};

function readProfile(name: string): Profile {
  const found = Object.values(profiles).find((profile) => profile.name === name);
  if (found !== undefined) return found;
  throw new UsageError(`--linux takes ${Object.keys(profiles).join(", ")}, received ${name}`);
}

function readTable(from: string): string {
  const path = /^(\d+|self)$/.test(from) ? `/proc/${from}/mountinfo` : from;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const what = path === from ? path : `the mount table of process ${from}`;
    throw new Error(`cannot read ${what}: ${whyOf(error)}`, { cause: error });
  }
}

function readWish(given: ParsedArguments): Wish {
  const last = (name: string): string | undefined => given.flags.get(name)?.at(-1);
  const format = last("format") ?? "text";
  if (format !== "text" && format !== "json") {
    throw new UsageError(`--format takes text or json, received ${JSON.stringify(format)}`);
  }
  const kernel = last("kernel") === "true";
  const from = last("from");
  const version = last("linux");
  if (kernel && (from !== undefined || version !== undefined)) {
    const other = from === undefined ? "--linux" : "--from";
    throw new UsageError(`${other} is for the simulator: leave it or --kernel out`);
  }
  const profile = readProfile(version ?? "6.18");
  const start = kernel
    ? throwAwayState(profile)
    : from === undefined
      ? initialState({ kernel: profile })
      : fromMountinfo(readTable(from), { kernel: profile });
  return { kernel, table: last("table") === "true", json: format === "json", start };
}

/**
 * The result of a line as people read it.
 * @param echo the line itself stands before it; not where somebody has just typed it
 */
export function showResult(result: LineResult, table: boolean, echo: boolean): string {
  const { line, errno, failure, expected, calls } = result;
  const lines = echo ? [`${String(line.number).padStart(3)}  ${line.text}`] : [];
  if (errno !== null) {
    // A line that makes several calls says which one it was.
    const call = calls.at(-1)?.op;
    lines.push(`     ${errno}${calls.length > 1 && call !== undefined ? ` (${call})` : ""}`);
    if (failure !== undefined)
      lines.push(`     rule: ${failure.rule}`, `     cure: ${failure.cure}`);
  }
  if (expected !== undefined) {
    lines.push(`     the simulator expected ${expected === null ? "no error" : expected}`);
  }
  if (table || line.command.kind === "show") {
    lines.push(
      ...showTree(result.table)
        .trimEnd()
        .split("\n")
        .map((row) => `     ${row}`),
    );
  }
  return lines.map((text) => `${text}\n`).join("");
}

const asJson = ({ line, errno, failure, expected, table }: LineResult): string =>
  `${JSON.stringify({
    line: line.number,
    text: line.text,
    process: line.by,
    errno,
    rule: failure?.rule ?? null,
    cure: failure?.cure ?? null,
    ...(expected === undefined ? {} : { expected }),
    table,
  })}\n`;

const show = (wish: Wish, result: LineResult, echo = true): boolean =>
  writeAll(1, wish.json ? asJson(result) : showResult(result, wish.table, echo));

const greeting = (kernel: boolean): string =>
  `Mount commands, ${kernel ? "by the kernel, in namespaces of their own" : "in a simulator"}: nothing of this machine is changed. \`help\` lists them.\n`;

const helpText = `  mount -t TYPE NAME DIR     mount a file system; -o ro,nosuid,… with options
  mount --bind DIR DIR       show a directory, or a file, at a second place; --rbind, --move
  mount --make-private DIR   propagation: shared, slave, private, unbindable; --make-rprivate, …
  mount, findmnt             the mount table
  umount DIR                 take a mount away; -l with all that is on it
  pivot_root NEW PUT_OLD     exchange the root
  chroot DIR                 change the root; --skip-chdir: and do not go there
  unshare -m                 a mount namespace; -U with a user namespace; --propagation unchanged
  nsenter -t p2 -m           go into the mount namespace of p2
  cd, mkdir -p, touch, ln -s, rm, rmdir
  p2: COMMAND                by another process, which is made when it is first named
  exit, or ctrl-d            end; \`p2: exit\` ends that process
`;

/** Line by line, as they are typed: a line that cannot be read is told, and forgotten. */
async function converse(wish: Wish): Promise<void> {
  writeAll(1, greeting(wish.kernel));
  const reader = new ScriptReader();
  const lines: ScriptLine[] = [];
  let state = wish.start;
  const input = createInterface({ input: process.stdin, output: process.stdout, prompt: "> " });
  input.prompt();
  for await (const text of input) {
    const word = text.trim();
    // Of the first process, which could do nothing after it.
    if (word === "exit" || word === "quit") return input.close();
    if (word === "help" || word === "?") {
      writeAll(1, helpText);
      input.prompt();
      continue;
    }
    try {
      const line = reader.read(text);
      if (line !== null) {
        lines.push(line);
        const simulated = simulateLine(line, state);
        state = simulated.state;
        // Each time from the beginning: a world lasts as long as one call of the program.
        const result = wish.kernel ? runLinesByKernel(lines, wish.start).at(-1) : simulated.result;
        if (result !== undefined) show(wish, result, false);
      }
    } catch (error) {
      writeAll(2, `pivot: ${error instanceof Error ? error.message : String(error)}\n`);
    }
    input.prompt();
  }
  // The prompt's line has no end: the shell's would stand behind it.
  writeAll(1, "\n");
}

function readScript(name: string): ScriptLine[] {
  const where = name === "-" ? "standard input" : name;
  let text: string;
  try {
    text = readFileSync(name === "-" ? 0 : name, "utf8");
  } catch (error) {
    throw new Error(`cannot read ${where}: ${whyOf(error)}`, { cause: error });
  }
  try {
    return parseScript(text);
  } catch (error) {
    throw new Error(`${where}, ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

export async function mountnsCommand(given: ParsedArguments): Promise<number> {
  const wish = readWish(given);
  if (given.words.length > 1) throw new UsageError("mountns takes one script, or none");
  const name = given.words[0] ?? "-";
  if (name === "-" && isatty(0)) {
    await converse(wish);
    return 0;
  }
  const lines = readScript(name);
  const results = wish.kernel
    ? runLinesByKernel(lines, wish.start)
    : simulateLines(lines, wish.start);
  for (const result of results) if (!show(wish, result)) break;
  return 0;
}
