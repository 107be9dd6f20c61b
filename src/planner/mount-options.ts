/** Reads the options of an OCI mount: which are flags, which belong to the file system. */

import type { MountAttribute, Propagation } from "../plan/constants.ts";

export type MountOptions = {
  readonly isBind: boolean;
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

/** The flags by the names that mount(8) gives to setting and to clearing them. */
const flags: ReadonlyMap<string, readonly [MountAttribute, set: boolean]> = new Map<
  string,
  readonly [MountAttribute, boolean]
>([
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
  ["strictatime", ["strictatime", true]],
  ["nostrictatime", ["strictatime", false]],
  ["nodiratime", ["nodiratime", true]],
  ["diratime", ["nodiratime", false]],
  ["nosymfollow", ["nosymfollow", true]],
  ["symfollow", ["nosymfollow", false]],
]);

const propagations: ReadonlySet<string> = new Set(["private", "shared", "slave", "unbindable"]);

/** The kernel's default, or what only the old mount(2) knew: accepted without effect. */
const withoutEffect: ReadonlySet<string> = new Set([
  "defaults",
  "relatime",
  "norelatime",
  "async",
  "nomand",
  "loud",
]);

/** All options that are read here and not handed to the file system, in the order of the alphabet. */
export function knownMountOptions(): string[] {
  const withRecursive = [...flags.keys(), ...propagations].flatMap((name) => [name, `r${name}`]);
  return [...withRecursive, ...withoutEffect, "bind", "rbind"].toSorted();
}

/** The options of config.md, "Linux mount options". Later ones overrule earlier ones. */
export function readMountOptions(options: readonly string[]): MountOptions {
  const plain = new Map<MountAttribute, boolean>();
  const deep = new Map<MountAttribute, boolean>();
  const data: string[] = [];
  let isBind = false;
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
      plain.set(flag[0], flag[1]);
    } else if (deepFlag !== undefined) {
      deep.set(deepFlag[0], deepFlag[1]);
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
