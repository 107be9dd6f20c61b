/** mount(8) of util-linux, as system calls. */

import { type OptionTable, readOptions } from "./command-words.ts";
import type { Attribute, Operation, Propagation } from "./operation.ts";
import type { ProcessId } from "./state.ts";

const propagations = ["shared", "slave", "private", "unbindable"] as const;

const table: OptionTable = {
  "-t": { name: "type", value: true },
  "--types": { name: "type", value: true },
  "-o": { name: "options", value: true },
  "--options": { name: "options", value: true },
  "--source": { name: "source", value: true },
  "--target": { name: "target", value: true },
  "-B": { name: "bind" },
  "--bind": { name: "bind" },
  "-R": { name: "rbind" },
  "--rbind": { name: "rbind" },
  "-M": { name: "move" },
  "--move": { name: "move" },
  "-r": { name: "ro" },
  "--read-only": { name: "ro" },
  "-w": { name: "rw" },
  "--rw": { name: "rw" },
  "-m": { name: "mkdir" },
  "--mkdir": { name: "mkdir" },
  "-n": { name: "ignored" },
  "--no-mtab": { name: "ignored" },
  "-v": { name: "ignored" },
  "--verbose": { name: "ignored" },
  ...Object.fromEntries(
    propagations.flatMap((type) => [
      [`--make-${type}`, { name: `make-${type}` }],
      [`--make-r${type}`, { name: `make-r${type}` }],
    ]),
  ),
};

/** Flags that the kernel has for each mount, by mount(8)'s names; null: what it is unless told. */
const flags: Readonly<Record<string, Attribute | null>> = {
  ro: "ro",
  rw: null,
  nosuid: "nosuid",
  suid: null,
  nodev: "nodev",
  dev: null,
  noexec: "noexec",
  exec: null,
  nosymfollow: "nosymfollow",
  symfollow: null,
  nodiratime: "nodiratime",
  diratime: null,
  noatime: "noatime",
  atime: null,
  relatime: "relatime",
  norelatime: null,
  strictatime: "strictatime",
  nostrictatime: null,
  defaults: null,
  sync: null,
  async: null,
  auto: null,
  noauto: null,
  nofail: null,
};

type Wish = {
  attributes: Attribute[];
  /** Some flag of the mount was named: a bind mount is given flags by a second call. */
  named: boolean;
  data: string[];
  how: "new" | "bind" | "rbind" | "move" | "remount" | "remount,bind";
  propagation: { readonly type: Propagation; readonly recursive: boolean }[];
  mkdir: boolean;
};

function readWord(wish: Wish, word: string): void {
  const attribute = flags[word];
  const propagation = /^(r?)(shared|slave|private|unbindable)$/.exec(word);
  if (attribute !== undefined) {
    if (attribute !== null) wish.attributes.push(attribute);
    if (word === "rw") wish.attributes = wish.attributes.filter((a) => a !== "ro");
    wish.named ||= word !== "defaults";
  } else if (propagation !== null) {
    wish.propagation.push({
      type: propagation[2] as Propagation,
      recursive: propagation[1] === "r",
    });
  } else if (word === "remount") {
    wish.how = wish.how === "bind" ? "remount,bind" : "remount";
  } else if (word === "bind") {
    wish.how = wish.how === "remount" ? "remount,bind" : "bind";
  } else if (word === "rbind") wish.how = "rbind";
  else if (word === "move") wish.how = "move";
  else if (/^X-mount\.mkdir(=|$)/.test(word)) wish.mkdir = true;
  else if (word !== "") wish.data.push(word);
}

/** The system calls of a command, in order: mount(8) makes several when several things are asked. */
export function mountCommand(by: ProcessId, words: readonly string[]): Operation[] {
  const { options, operands } = readOptions(words, table);
  const wish: Wish = {
    attributes: [],
    named: false,
    data: [],
    how: "new",
    propagation: [],
    mkdir: options.has("mkdir"),
  };
  for (const word of (options.get("options") ?? []).join(",").split(",")) readWord(wish, word);
  for (const name of ["bind", "rbind", "move", "ro", "rw"] as const) {
    if (options.has(name)) readWord(wish, name);
  }
  for (const type of propagations) {
    if (options.has(`make-${type}`)) wish.propagation.push({ type, recursive: false });
    if (options.has(`make-r${type}`)) wish.propagation.push({ type, recursive: true });
  }
  const type = options.get("type")?.at(-1);
  const named = [...(options.get("source") ?? []), ...operands, ...(options.get("target") ?? [])];
  const alone =
    named.length === 1 &&
    (wish.propagation.length > 0 || wish.how === "remount" || wish.how === "remount,bind");
  if (named.length !== 2 && !alone) {
    throw new Error("mount takes a source and a target, or a target with --make-… or -o remount");
  }
  const target = named.at(-1) ?? "";
  const source = named.at(-2) ?? "none";
  return [
    ...(wish.mkdir ? [{ op: "mkdir", by, path: target, parents: true } as const] : []),
    ...firstCalls(by, wish, type, source, target, alone),
    ...wish.propagation.map((change) => ({ op: "propagation", by, target, ...change }) as const),
  ];
}

function firstCalls(
  by: ProcessId,
  wish: Wish,
  type: string | undefined,
  source: string,
  target: string,
  alone: boolean,
): Operation[] {
  const { attributes } = wish;
  switch (wish.how) {
    case "move":
      return [{ op: "move", by, source, target }];
    case "remount":
    case "remount,bind":
      return [{ op: "remount", by, target, attributes, bind: wish.how === "remount,bind" }];
    case "bind":
    case "rbind": {
      const recursive = wish.how === "rbind";
      // The kernel leaves flags out of a bind mount: mount(8) sets them by a second call.
      return [
        { op: "bind", by, source, target, recursive },
        ...(wish.named && attributes.length > 0
          ? [{ op: "remount", by, target, attributes, bind: true } as const]
          : []),
      ];
    }
    case "new":
      if (alone) return [];
      if (type === undefined) {
        throw new Error("say which file system is meant: mount -t tmpfs NAME TARGET");
      }
      return [{ op: "mount", by, type, source, target, attributes, options: wish.data }];
  }
}
