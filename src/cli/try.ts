/** `pivot try`: runs a command in a copy-on-write view of the host. */

import { mkdirSync, realpathSync } from "node:fs";
import { absolutePath, type Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { encodePlan } from "../executor/encode.ts";
import { handOver } from "../executor/hand-over.ts";
import { readStreams } from "../host/streams.ts";
import { tryNamed } from "../try/choose.ts";
import { ownDirectories } from "../try/host-mounts.ts";
import { arrangeParts, checkDataRoot, prepareTry, type TryWish } from "../try/prepare.ts";
import { hiddenPaths } from "../try/secrets.ts";
import {
  isInUse,
  isTryName,
  listTries,
  makeTry,
  readTry,
  removeTry,
  sweepUntouched,
  type Try,
  writeTry,
} from "../try/store.ts";
import type { Shown } from "../try/view-mounts.ts";
import { type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { report } from "./report-error.ts";
import { readRoots } from "./roots.ts";
import { readRunOptions } from "./run-options.ts";

/** Of the launcher, or without meaning for another program. */
const notHandedOn = new Set(["PIVOT_GO_FD", "PIVOT_NO_CWD", "PIVOT_PLAN_FD", "NODE_CHANNEL_FD"]);

const isBelow = (path: string, directory: string): boolean => path.startsWith(`${directory}/`);

/** @throws WishError when the working directory is gone, or not shown in a view */
export function presentDirectory(): string {
  if (process.env["PIVOT_NO_CWD"] === undefined) return process.cwd();
  throw new WishError(["the working directory is gone: cd to one that is there"]);
}

/** Links in the paths are followed: what lies there is covered by its path. */
function realRoots(globals: Globals, cwd: string): Roots {
  const roots = readRoots(globals, cwd);
  checkDataRoot(roots.dataRoot);
  mkdirSync(roots.dataRoot, { recursive: true, mode: 0o711 });
  mkdirSync(roots.runRoot, { recursive: true, mode: 0o700 });
  return { dataRoot: realpathSync(roots.dataRoot), runRoot: realpathSync(roots.runRoot) };
}

function checkPresentDirectory(cwd: string, roots: Roots, share: readonly string[]): void {
  if (share.some((path) => cwd === path || isBelow(cwd, path))) return;
  const own = [...ownDirectories, roots.dataRoot, roots.runRoot];
  const within = own.find((path) => cwd === path || isBelow(cwd, path));
  // Disks that the desktop has mounted.
  if (within === undefined || isBelow(cwd, "/run/media")) return;
  throw new WishError([
    `the present directory ${cwd} is not shown in a view, which has a ${within} of its own: cd elsewhere, or --share ${cwd}`,
  ]);
}

/** `~/x` is the shell's to expand, but not behind an `=`. */
function readPaths(given: ParsedArguments, flag: string, cwd: string): string[] {
  const home = process.env["HOME"] ?? "/";
  return (given.flags.get(flag) ?? []).map((path) => {
    if (path === "") throw new UsageError(`--${flag} needs a path`);
    const whole = absolutePath(path.replace(/^~(?=\/|$)/, home), cwd);
    const parts: string[] = [];
    for (const part of whole.split("/")) {
      if (part === "..") parts.pop();
      else if (part !== "" && part !== ".") parts.push(part);
    }
    return `/${parts.join("/")}`;
  });
}

function sharedPaths(given: ParsedArguments, cwd: string): string[] {
  return readPaths(given, "share", cwd).map((path) => {
    if (path === "/") throw new UsageError("--share / would leave nothing to try");
    try {
      return realpathSync(path);
    } catch (error) {
      throw new WishError([`--share ${path}: ${(error as Error).message}`]);
    }
  });
}

function environment(name: string, extra: Readonly<Record<string, string | null>>) {
  const given = { ...process.env, ...extra, PIVOT_TRY: name };
  return Object.fromEntries(
    Object.entries(given).flatMap(([key, value]) =>
      value === null || value === undefined || notHandedOn.has(key) ? [] : [[key, value]],
    ),
  );
}

/** @throws WishError when the try is in use */
async function findOrMake(
  roots: Roots,
  given: ParsedArguments,
  record: { cwd: string; command: readonly string[]; uid: number },
): Promise<{ of: Try; isNew: boolean }> {
  const name = given.flags.get("name")?.at(-1) ?? null;
  if (name !== null && !isTryName(name)) {
    throw new UsageError(
      `--name ${JSON.stringify(name)}: a name begins with a letter or digit, and goes on with those, _, . and -`,
    );
  }
  const ran = Date.now();
  const found = name === null ? null : readTry(roots.dataRoot, name);
  if (found !== null) {
    if (found.uid !== record.uid) throw new WishError([`the try ${name} is another user's`]);
    if (await isInUse(found)) {
      throw new WishError([
        `a program runs in the try ${name}: wait for its end, or begin another`,
      ]);
    }
    return { of: { ...found, ran, command: record.command }, isNew: false };
  }
  await sweepUntouched(listTries(roots.dataRoot));
  const wish = {
    version: 1 as const,
    isNamed: name !== null && !/^\d+$/.test(name),
    ran,
    parts: [],
    applied: {},
    ...record,
  };
  makeDistinct(roots, name);
  return { of: makeTry(roots.dataRoot, name, wish), isNew: true };
}

/** A number is given by us: one that is not there any more was meant. */
function makeDistinct(roots: Roots, name: string | null): void {
  if (name !== null && /^\d+$/.test(name)) tryNamed(roots.dataRoot, name);
}

/** What a person should know before the program takes the terminal. */
function tell({ name }: Try, isNew: boolean, shown: readonly Shown[], cwd: string): void {
  const how = isNew ? "" : " goes on";
  report(
    "note",
    `try ${name}${how}: the host stays as it is; afterwards \`pivot try diff\`, \`apply\` or \`discard\``,
  );
  const around = shown.findLast(({ path }) => cwd === path || isBelow(cwd, path));
  if (around !== undefined && around.path !== "/" && around.directory === undefined) {
    report("warning", `${around.path} is shown read-only: its file system cannot be covered`);
  }
}

export async function tryCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const uid = process.geteuid?.() ?? 0;
  const cwd = presentDirectory();
  const { options, problems } = readRunOptions(given, { cwd, env: process.env });
  if (problems.length > 0) throw new WishError(problems);
  const { network = "host", memory, cpus, pidsLimit, env = {} } = options;
  if (typeof network === "object" && "network" in network) {
    throw new WishError([`--network ${network.network}: it is none, host, container:ID or a path`]);
  }
  if (uid !== 0 && [memory, cpus, pidsLimit].some((limit) => limit !== undefined)) {
    throw new WishError([
      "limits of ordinary users are not there yet: leave them out, or use systemd-run",
    ]);
  }
  const roots = realRoots(globals, cwd);
  const share = sharedPaths(given, cwd);
  checkPresentDirectory(cwd, roots, share);
  const command = given.words.length > 0 ? given.words : [process.env["SHELL"] ?? "/bin/sh"];
  const { of, isNew } = await findOrMake(roots, given, { cwd, command, uid });
  const streams = readStreams();
  try {
    const home = process.env["HOME"];
    const { shown, arranged } = arrangeParts(roots, of, [
      cwd,
      ...(home === undefined ? [] : [home]),
    ]);
    writeTry(arranged);
    const wish: TryWish = {
      command,
      options: { network, memory, cpus, pidsLimit },
      roots,
      cwd,
      env: environment(of.name, env),
      streams,
      share,
      hide: hiddenPaths(
        home?.startsWith("/") === true && home !== "/" ? home : null,
        readPaths(given, "hide", cwd),
        readPaths(given, "show", cwd),
      ),
    };
    const { plan, warnings } = await prepareTry(wish, arranged, shown);
    for (const warning of warnings) report("warning", warning, globals.logFormat);
    if (streams[2] === "terminal" && globals.logFormat === "text") tell(of, isNew, shown, cwd);
    return handOver(encodePlan(plan), ["--log-format", globals.logFormat, "internal-report"]);
  } catch (error) {
    if (isNew) await removeTry(of);
    throw error;
  }
}
