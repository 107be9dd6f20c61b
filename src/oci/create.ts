/** `create` and `run`: a container from a bundle, to be started later or at once. */

import type { Flag, ParsedArguments } from "../cli/arguments.ts";
import { absolutePath } from "../container/roots.ts";
import { carryOut, warnOf } from "./carry-out.ts";
import { onlyId, readCount, readLast, readSwitch } from "./flags.ts";
import { type Globals, workingDirectory } from "./globals.ts";
import { type CreateWish, prepareCreate } from "./prepare.ts";

export const createFlags: readonly Flag[] = [
  { name: "bundle", short: "b", value: "DIR", help: "the bundle; default: the working directory" },
  { name: "console-socket", value: "SOCKET", help: "who gets the terminal's other end" },
  { name: "pid-file", value: "FILE", help: "write the process id there" },
  { name: "preserve-fds", value: "N", help: "pass on so many descriptors, from 3 on" },
  { name: "no-pivot", help: "move the root instead of pivot_root: for a root in memory" },
  { name: "no-new-keyring", help: "accepted: pivot makes none" },
];

export const runFlags: readonly Flag[] = [
  ...createFlags,
  { name: "detach", short: "d", help: "leave the container to itself once it runs" },
  { name: "keep", help: "keep the state when the container has ended" },
  { name: "no-subreaper", help: "accepted: pivot is none" },
];

function wishOf(
  given: ParsedArguments,
  globals: Globals,
  usage: string,
): Omit<CreateWish, "lifetime" | "keep"> {
  const cwd = workingDirectory();
  const file = (name: string): string | null => {
    const path = readLast(given, name);
    return path === null ? null : absolutePath(path, cwd);
  };
  return {
    root: globals.root,
    id: onlyId(given, usage),
    bundle: absolutePath(readLast(given, "bundle") ?? ".", cwd).replace(/(?<=.)(\/\.?)+$/, ""),
    pidFile: file("pid-file"),
    consoleSocket: file("console-socket"),
    preserveFds: readCount(given, "preserve-fds") ?? 0,
    noPivot: readSwitch(given, "no-pivot"),
    systemdCgroup: globals.systemdCgroup,
  };
}

async function make(wish: CreateWish, globals: Globals): Promise<never> {
  const { plan, warnings } = await prepareCreate(wish);
  warnOf(warnings, globals);
  return carryOut(plan, globals);
}

export function createCommand(given: ParsedArguments, globals: Globals): Promise<never> {
  const wish = wishOf(given, globals, "pivot-oci create [OPTIONS] ID");
  return make({ ...wish, lifetime: "created", keep: true }, globals);
}

export function runCommand(given: ParsedArguments, globals: Globals): Promise<never> {
  const wish = wishOf(given, globals, "pivot-oci run [OPTIONS] ID");
  const lifetime = readSwitch(given, "detach") ? "detached" : "supervised";
  return make({ ...wish, lifetime, keep: readSwitch(given, "keep") }, globals);
}
