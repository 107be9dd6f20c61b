// The options of a tmpfs, and the short way to write one: --tmpfs /run:size=64m.

import { cleanPath, isAbsolute, targetProblem } from "./path.ts";
import { accept, type Result, refuse } from "./problem.ts";

const OPTION = "--tmpfs";

/** What holds unless the options say otherwise. */
const DEFAULTS = ["noexec", "nosuid", "nodev", "rprivate"];

/** The options that exclude each other: of each line the last one given holds. */
const SWITCHES = [
  ["ro", "rw"],
  ["exec", "noexec"],
  ["suid", "nosuid"],
  ["dev", "nodev"],
  ["async", "sync"],
  ["atime", "noatime"],
  ["diratime", "nodiratime"],
  ["relatime", "norelatime"],
  ["strictatime", "nostrictatime"],
  ["private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable"],
];

/** The options with a value (tmpfs(5)), and what the value looks like. */
const SETTINGS: Readonly<Record<string, RegExp>> = {
  size: /^\d+(?:[kmgKMG]|%)?$/,
  mode: /^[0-7]{1,5}$/,
  uid: /^\d{1,10}$/,
  gid: /^\d{1,10}$/,
  nr_inodes: /^\d+[kmgKMG]?$/,
  nr_blocks: /^\d+[kmgKMG]?$/,
  mpol: /^[\w=:,-]+$/,
};

/** A tmpfs as `tmpfs` of the options takes it: an entry of the map. */
export interface TmpfsEntry {
  /** Absolute, in the container. */
  readonly target: string;
  /** Comma-separated; empty for none. */
  readonly options: string;
}

/** Parses `--tmpfs`: `TARGET[:OPTIONS]`, with options of mount(8) such as `size=64m,mode=1777,exec`. */
export function parseTmpfs(given: string): Result<TmpfsEntry> {
  const end = given.indexOf(":");
  const path = end < 0 ? given : given.slice(0, end);
  const target = isAbsolute(path) ? cleanPath(path) : path;
  const options = end < 0 ? "" : given.slice(end + 1);
  const problem = targetProblem(target);
  if (problem !== null) return refuse(OPTION, given, problem);
  const merged = mergeTmpfsOptions(options, given);
  return merged.ok ? accept({ target, options }) : merged;
}

/**
 * The options of the mount: docker's defaults, and those given over them. Of options that exclude
 * each other the last one stays.
 *
 * @param options comma-separated
 * @param given the argument, for the problem
 */
export function mergeTmpfsOptions(options: string, given = options): Result<readonly string[]> {
  // In the order of the last mention, under what the option decides.
  const chosen = new Map<string, string>();
  for (const option of [...DEFAULTS, ...options.split(",")]) {
    if (option === "" || option === "defaults") continue;
    const decides = decidedBy(option);
    if (decides === undefined) {
      return refuse(
        OPTION,
        given,
        `invalid tmpfs option ${option}: it is one such as size=64m, mode=1777 or exec`,
      );
    }
    chosen.delete(decides);
    chosen.set(decides, option);
  }
  return accept([...chosen.values()]);
}

function decidedBy(option: string): string | undefined {
  const end = option.indexOf("=");
  if (end < 0) return SWITCHES.find((words) => words.includes(option))?.[0];
  const name = option.slice(0, end);
  const looks = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined;
  return looks?.test(option.slice(end + 1)) === true ? name : undefined;
}
