/** Reads the options of an OCI mount: which are flags, which belong to the file system. */

import type { MountAttribute, Propagation } from "../plan/constants.ts";

export type MountOptions = {
  readonly isBind: boolean;
  /** Changes what is mounted there already. */
  readonly remount: boolean;
  /** Owners are mapped: those of the mount alone, or of the mounts below it too. */
  readonly idmap: "top" | "deep" | null;
  /** The new tmpfs gets a copy of what it covers. */
  readonly copyUp: boolean;
  /** A bind takes the mounts below its source along. */
  readonly recursive: boolean;
  readonly set: readonly MountAttribute[];
  readonly clear: readonly MountAttribute[];
  /** Flags for the mounts below as well: `rro` and its kin. */
  readonly deepSet: readonly MountAttribute[];
  readonly deepClear: readonly MountAttribute[];
  readonly propagation: Propagation;
  readonly deepPropagation: boolean;
  /** Everything else, handed to the file system as it is. */
  readonly data: readonly string[];
};

type Flag = readonly [MountAttribute, set: boolean];

/**
 * The flags by the names that mount(8) gives to setting and to clearing them. Of the three ways to
 * keep access times relatime is the kernel's default, which has no bit: it is the others' end.
 */
const flags: ReadonlyMap<string, Flag> = new Map<string, Flag>([
  ["ro", ["ro", true]],
  ["rw", ["ro", false]],
  ["nosuid", ["nosuid", true]],
  ["suid", ["nosuid", false]],
  ["nodev", ["nodev", true]],
  ["dev", ["nodev", false]],
  ["noexec", ["noexec", true]],
  ["exec", ["noexec", false]],
  ["noatime", ["noatime", true]],
  ["atime", ["noatime", false]],
  ["relatime", ["noatime", false]],
  ["strictatime", ["strictatime", true]],
  ["nostrictatime", ["strictatime", false]],
  ["nodiratime", ["nodiratime", true]],
  ["diratime", ["nodiratime", false]],
  ["nosymfollow", ["nosymfollow", true]],
  ["symfollow", ["nosymfollow", false]],
]);

const propagations: ReadonlySet<string> = new Set(["private", "shared", "slave", "unbindable"]);

/**
 * The kernel's default, or what only the old mount(2) knew: accepted without effect. `silent` was
 * about the kernel's log, and file systems that count changes (`iversion`) always do so now.
 */
const withoutEffect: ReadonlySet<string> = new Set([
  "defaults",
  "norelatime",
  "rnorelatime",
  "async",
  "nomand",
  "loud",
  "silent",
  "iversion",
  "noiversion",
]);

/**
 * Options that every file system takes, for the whole of itself: fsconfig(2) has them set, so they
 * are among the data. A bind shows a file system that others use too, and does not change it.
 */
export const isOfFileSystem = (option: string): boolean =>
  /^(sync|dirsync|mand|(no)?lazytime)$/.test(option);

/** The flags of a mount that has none below it: there `rro` is `ro`. */
export const allFlags = ({ set, deepSet }: MountOptions): MountAttribute[] => [
  ...new Set([...set, ...deepSet]),
];

/** A later flag overrules an earlier one, and one way to keep access times the other. */
function choose(chosen: Map<MountAttribute, boolean>, [name, set]: Flag): void {
  if (name === "noatime") chosen.delete("strictatime");
  if (name === "strictatime") chosen.delete("noatime");
  chosen.set(name, set);
}

/** All options that are read here and not handed to the file system, in the order of the alphabet. */
export function knownMountOptions(): string[] {
  const own = ["bind", "rbind", "remount", "idmap", "ridmap", "tmpcopyup"];
  const withRecursive = [...flags.keys(), ...propagations].flatMap((name) => [name, `r${name}`]);
  return [...new Set([...withRecursive, ...withoutEffect, ...own])].toSorted();
}

/** The options of config.md, "Linux mount options". Later ones overrule earlier ones. */
export function readMountOptions(options: readonly string[]): MountOptions {
  const plain = new Map<MountAttribute, boolean>();
  const deep = new Map<MountAttribute, boolean>();
  const data: string[] = [];
  let isBind = false;
  let remount = false;
  let idmap: MountOptions["idmap"] = null;
  let copyUp = false;
  let recursive = false;
  let propagation: Propagation = "private";
  let deepPropagation = true;
  for (const option of options) {
    if (option === "bind" || option === "rbind") {
      isBind = true;
      recursive = option === "rbind";
      continue;
    }
    const flag = flags.get(option);
    const deepFlag = option.startsWith("r") ? flags.get(option.slice(1)) : undefined;
    if (flag !== undefined) {
      choose(plain, flag);
    } else if (deepFlag !== undefined) {
      choose(deep, deepFlag);
    } else if (option === "remount") {
      remount = true;
    } else if (option === "idmap" || option === "ridmap") {
      idmap = option === "idmap" ? "top" : "deep";
    } else if (option === "tmpcopyup") {
      copyUp = true;
    } else if (propagations.has(option)) {
      propagation = option as Propagation;
      deepPropagation = false;
    } else if (option.startsWith("r") && propagations.has(option.slice(1))) {
      propagation = option.slice(1) as Propagation;
      deepPropagation = true;
    } else if (!withoutEffect.has(option)) {
      data.push(option);
    }
  }
  const chosen = (map: Map<MountAttribute, boolean>, wanted: boolean): MountAttribute[] =>
    [...map].filter(([, set]) => set === wanted).map(([name]) => name);
  return {
    isBind,
    remount,
    idmap,
    copyUp,
    recursive,
    set: chosen(plain, true),
    clear: chosen(plain, false),
    deepSet: chosen(deep, true),
    deepClear: chosen(deep, false),
    propagation,
    deepPropagation,
    data,
  };
}
