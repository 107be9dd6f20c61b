/**
 * Little scripts of mount commands, in the grammar of util-linux and the shell:
 *
 *     mkdir -p /new/old
 *     mount -t tmpfs none /new
 *     p2: unshare --mount            # another process, forked from the first when it is first named
 *     pivot_root /new /new/old
 *
 * Reading is one thing (`parseScript`), and making system calls of a line another (`expand`), since
 * `umount -R` depends on what is mounted. Nothing of a shell but words and quotes.
 */

import { readOptions } from "./command-words.ts";
import { mountCommand } from "./mount-command.ts";
import { mountTable } from "./mountinfo.ts";
import type { NamespaceKind, Operation, Propagation } from "./operation.ts";
import type { ProcessId, State } from "./state.ts";
import { splitWords } from "./words.ts";

export type Command =
  | { readonly kind: "calls"; readonly calls: readonly Operation[] }
  /** `umount -R`: what is mounted below, the last first. */
  | { readonly kind: "umount-tree"; readonly target: string; readonly detach: boolean }
  /** `mount` and `findmnt` alone: show the table. */
  | { readonly kind: "show" };

export type ScriptLine = {
  readonly number: number;
  /** As it was written, without blanks around it. */
  readonly text: string;
  readonly by: ProcessId;
  readonly command: Command;
};

/** A line that cannot be read. */
export class ScriptError extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.name = "ScriptError";
    this.line = line;
  }
}

type Reader = (by: ProcessId, words: readonly string[]) => Command;

const calls = (...made: readonly Operation[]): Command => ({ kind: "calls", calls: made });

function only(words: readonly string[], count: number, usage: string): readonly string[] {
  if (words.length !== count) throw new Error(`the command is: ${usage}`);
  return words;
}

function readUmount(by: ProcessId, words: readonly string[]): Command {
  const { options, operands } = readOptions(words, {
    "-l": { name: "detach" },
    "--lazy": { name: "detach" },
    "-f": { name: "force" },
    "--force": { name: "force" },
    "-R": { name: "recursive" },
    "--recursive": { name: "recursive" },
    "-n": { name: "ignored" },
  });
  const [target] = only(operands, 1, "umount [-l] [-f] [-R] TARGET");
  const detach = options.has("detach");
  if (options.has("recursive")) return { kind: "umount-tree", target: target ?? "", detach };
  const flags = (["detach", "force"] as const).filter((flag) => options.has(flag));
  return calls({ op: "umount", by, target: target ?? "", flags });
}

function readUnshare(by: ProcessId, words: readonly string[]): Command {
  const { options, operands } = readOptions(words, {
    "-m": { name: "mount" },
    "--mount": { name: "mount" },
    "-U": { name: "user" },
    "--user": { name: "user" },
    "-r": { name: "user" },
    "--map-root-user": { name: "user" },
    "--propagation": { name: "propagation", value: true },
  });
  only(operands, 0, "unshare [-m] [-U|-r] [--propagation private|slave|shared|unchanged]");
  const namespaces = (["mount", "user"] as const).filter((kind) => options.has(kind));
  if (namespaces.length === 0) throw new Error("say which namespace: unshare -m, or unshare -rm");
  const propagation = options.get("propagation")?.at(-1) ?? "private";
  const types: Readonly<Record<string, Propagation | null>> = {
    private: "private",
    slave: "slave",
    shared: "shared",
    unchanged: null,
  };
  const type = types[propagation];
  if (type === undefined) {
    throw new Error(`--propagation takes private, slave, shared or unchanged, not ${propagation}`);
  }
  // unshare(1) makes all mounts of a new namespace private, unless it is told otherwise.
  const unshare = { op: "unshare", by, namespaces } as const;
  if (!namespaces.includes("mount") || type === null) return calls(unshare);
  return calls(unshare, { op: "propagation", by, target: "/", type, recursive: true });
}

function processNumber(word: string | undefined): ProcessId {
  const found = /^p?(\d+)$/.exec(word ?? "");
  const number = Number(found?.[1]);
  if (found === null || number < 1 || number > 63) {
    throw new Error(`a process is called p1 to p63, not ${word ?? "nothing"}`);
  }
  return number;
}

function readNsenter(by: ProcessId, words: readonly string[]): Command {
  const { options, operands } = readOptions(words, {
    "-t": { name: "target", value: true },
    "--target": { name: "target", value: true },
    "-m": { name: "mount" },
    "--mount": { name: "mount" },
    "-U": { name: "user" },
    "--user": { name: "user" },
  });
  only(operands, 0, "nsenter -t pN [-m] [-U]");
  const process = processNumber(options.get("target")?.at(-1));
  const namespaces = (["mount", "user"] as const).filter((kind): kind is NamespaceKind =>
    options.has(kind),
  );
  if (namespaces.length === 0) throw new Error("say which namespace: nsenter -t pN -m");
  return calls({ op: "setns", by, process, namespaces });
}

/** One call for each path. */
const each =
  (op: "touch" | "rmdir" | "unlink", usage: string): Reader =>
  (by, words) => {
    const { operands } = readOptions(words, { "-f": { name: "ignored" } });
    if (operands.length === 0) throw new Error(`the command is: ${usage}`);
    return calls(...operands.map((path) => ({ op, by, path }) as const));
  };

const readers: Readonly<Record<string, Reader>> = {
  mount: (by, words) => (words.length === 0 ? { kind: "show" } : calls(...mountCommand(by, words))),
  findmnt: () => ({ kind: "show" }),
  umount: readUmount,
  pivot_root: (by, words) => {
    const [newRoot, putOld] = only(words, 2, "pivot_root NEW_ROOT PUT_OLD");
    return calls({ op: "pivot_root", by, newRoot: newRoot ?? "", putOld: putOld ?? "" });
  },
  chroot: (by, words) => {
    const { options, operands } = readOptions(words, { "--skip-chdir": { name: "stay" } });
    const [path] = only(operands, 1, "chroot [--skip-chdir] DIR");
    const change = { op: "chroot", by, path: path ?? "" } as const;
    // chroot(1) goes to the new root; the system call alone does not.
    if (options.has("stay")) return calls(change);
    return calls(change, { op: "chdir", by, path: "/" });
  },
  cd: (by, words) => {
    if (words.length > 1) throw new Error("the command is: cd [DIR]");
    return calls({ op: "chdir", by, path: words[0] ?? "/" });
  },
  mkdir: (by, words) => {
    const { options, operands } = readOptions(words, {
      "-p": { name: "parents" },
      "--parents": { name: "parents" },
    });
    if (operands.length === 0) throw new Error("the command is: mkdir [-p] DIR...");
    const parents = options.has("parents");
    return calls(...operands.map((path) => ({ op: "mkdir", by, path, parents }) as const));
  },
  touch: each("touch", "touch FILE..."),
  rmdir: each("rmdir", "rmdir DIR..."),
  rm: each("unlink", "rm FILE..."),
  ln: (by, words) => {
    const { operands } = readOptions(words, { "-s": { name: "symbolic" } });
    const [to, path] = only(operands, 2, "ln -s TARGET NAME");
    return calls({ op: "symlink", by, to: to ?? "", path: path ?? "" });
  },
  unshare: readUnshare,
  nsenter: readNsenter,
  fork: (by, words) => {
    const [child] = only(words, 1, "fork pN");
    return calls({ op: "fork", by, child: processNumber(child) });
  },
  exit: (by) => calls({ op: "exit", by }),
};

/** What a script may say. */
export const scriptCommands: readonly string[] = Object.keys(readers);

/** Reads lines one by one; remembers which processes have been named. */
export class ScriptReader {
  readonly #known = new Set<ProcessId>([1]);
  #line = 0;

  /**
   * @returns null for a line with nothing in it.
   * @throws ScriptError
   */
  read(text: string): ScriptLine | null {
    this.#line++;
    try {
      const words = splitWords(text);
      const named = /^p(\d+):$/.exec(words[0] ?? "");
      const by = named === null ? 1 : processNumber(named[1]);
      const [name, ...rest] = named === null ? words : words.slice(1);
      if (name === undefined) return null;
      const reader = readers[name];
      if (reader === undefined) {
        throw new Error(`there is no command ${name} here, only ${scriptCommands.join(", ")}`);
      }
      const command = this.#withFork(by, reader(by, rest));
      return { number: this.#line, text: text.trim(), by, command };
    } catch (error) {
      throw new ScriptError(this.#line, error instanceof Error ? error.message : String(error));
    }
  }

  /** Who is named for the first time is a child of the first process. */
  #withFork(by: ProcessId, command: Command): Command {
    if (command.kind === "calls") {
      for (const call of command.calls) if (call.op === "fork") this.#known.add(call.child);
    }
    if (this.#known.has(by)) return command;
    this.#known.add(by);
    const fork = { op: "fork", by: 1, child: by } as const;
    if (command.kind !== "calls") {
      throw new Error(
        `p${by} is not there yet: make it by a command of its own, such as p${by}: cd /`,
      );
    }
    return { kind: "calls", calls: [fork, ...command.calls] };
  }
}

/** @throws ScriptError for the first line that cannot be read. */
export function parseScript(text: string): ScriptLine[] {
  const reader = new ScriptReader();
  return text.split("\n").flatMap((line) => reader.read(line) ?? []);
}

/** The system calls of a line in a state. */
export function expand(line: ScriptLine, state: State): readonly Operation[] {
  const { command, by } = line;
  if (command.kind === "show") return [];
  if (command.kind === "calls") return command.calls;
  const flags = command.detach ? (["detach"] as const) : [];
  const { target } = command;
  const top = target.length > 1 ? target.replace(/\/+$/, "") : target;
  const prefix = top === "/" ? "/" : `${top}/`;
  const rows = mountTable(state, by).filter(
    ({ mountpoint }) => mountpoint === top || mountpoint.startsWith(prefix),
  );
  if (!target.startsWith("/") || rows.length === 0) return [{ op: "umount", by, target, flags }];
  return rows
    .toReversed()
    .sort((a, b) => depth(b.mountpoint) - depth(a.mountpoint))
    .map(({ mountpoint }) => ({ op: "umount", by, target: mountpoint, flags }) as const);
}

const depth = (path: string): number => path.split("/").filter((name) => name !== "").length;
