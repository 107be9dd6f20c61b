/** Begins a try, or goes on with one: up to the plan of its program. */

import { mkdirSync, realpathSync } from "node:fs";
import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { whyOf } from "../host/file-error.ts";
import type { RunOptions } from "../options/options.ts";
import type { StreamFact } from "../planner/facts.ts";
import { tryNamed } from "./choose.ts";
import { ownDirectories } from "./host-mounts.ts";
import { arrangeParts, checkDataRoot } from "./parts.ts";
import { type PreparedTry, prepareTry } from "./prepare.ts";
import { hiddenPaths } from "./secrets.ts";
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
} from "./store.ts";
import type { Shown } from "./view-mounts.ts";

export type BeginWish = {
  /** The try to go on with, or to begin under this name; null: a new one with a number. */
  readonly name: string | null;
  readonly command: readonly string[];
  /** Of these the network and limits count. */
  readonly options: RunOptions;
  readonly roots: Roots;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly streams: readonly [StreamFact, StreamFact, StreamFact];
  /** Absolute paths: shown as they are; covered; not covered although they usually are. */
  readonly share: readonly string[];
  readonly hide: readonly string[];
  readonly show: readonly string[];
  readonly endWithCaller: boolean;
};

export type BegunTry = PreparedTry & {
  readonly of: Try;
  readonly isNew: boolean;
  readonly shown: readonly Shown[];
};

const isBelow = (path: string, directory: string): boolean => path.startsWith(`${directory}/`);

/** Links in the paths are followed: what lies there is covered by its path. */
function realRoots({ dataRoot, runRoot }: Roots): Roots {
  checkDataRoot(dataRoot);
  mkdirSync(dataRoot, { recursive: true, mode: 0o711 });
  mkdirSync(runRoot, { recursive: true, mode: 0o700 });
  return { dataRoot: realpathSync(dataRoot), runRoot: realpathSync(runRoot) };
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

function checkOptions({ network, memory, cpus, pidsLimit }: RunOptions, uid: number): void {
  if (typeof network === "object" && "network" in network) {
    throw new WishError([`--network ${network.network}: it is none, host, container:ID or a path`]);
  }
  if (uid !== 0 && [memory, cpus, pidsLimit].some((limit) => limit !== undefined)) {
    throw new WishError([
      "limits of ordinary users are not there yet: leave them out, or use systemd-run",
    ]);
  }
}

/** @throws WishError when it is not there */
function sharedPath(path: string): string {
  if (path === "/") throw new WishError(["--share / would leave nothing to try"]);
  try {
    return realpathSync(path);
  } catch (error) {
    throw new WishError([`--share ${path}: ${whyOf(error)}`]);
  }
}

/** @throws WishError when the try is in use, or another user's */
async function findOrMake(wish: BeginWish, uid: number): Promise<{ of: Try; isNew: boolean }> {
  const { name, cwd, command, roots } = wish;
  const ran = Date.now();
  if (name !== null && !isTryName(name)) {
    throw new WishError([
      `${JSON.stringify(name)} is no name of a try: it begins with a letter or digit, and goes on with those, _, . and -`,
    ]);
  }
  const isNumber = name !== null && /^\d+$/.test(name);
  // A number is given by us: one that is not there any more was meant.
  const found = isNumber
    ? tryNamed(roots.dataRoot, name)
    : name === null
      ? null
      : readTry(roots.dataRoot, name);
  if (found !== null) {
    if (found.uid !== uid) throw new WishError([`the try ${name} is another user's`]);
    if (await isInUse(found)) {
      throw new WishError([
        `a program runs in the try ${name}: wait for its end, or begin another`,
      ]);
    }
    return { of: { ...found, ran, command }, isNew: false };
  }
  await sweepUntouched(listTries(roots.dataRoot).filter((each) => each.uid === uid));
  const record = { version: 1 as const, isNamed: name !== null, ran, parts: [], applied: {} };
  return { of: makeTry(roots.dataRoot, name, { ...record, cwd, command, uid }), isNew: true };
}

/**
 * Makes or finds the try and plans its program. Nothing of a new one stays when that fails.
 *
 * @throws WishError with every problem
 */
export async function beginTry(given: BeginWish): Promise<BegunTry> {
  const uid = process.geteuid?.() ?? 0;
  const options: RunOptions = {
    ...given.options,
    network: given.options.network ?? "host",
  };
  checkOptions(options, uid);
  const share = given.share.map(sharedPath);
  const roots = realRoots(given.roots);
  const wish: BeginWish = { ...given, options, share, roots };
  const { cwd, env } = wish;
  checkPresentDirectory(cwd, roots, share);
  const { of, isNew } = await findOrMake(wish, uid);
  try {
    const home = env["HOME"]?.startsWith("/") === true && env["HOME"] !== "/" ? env["HOME"] : null;
    const places = [cwd, ...(home === null ? [] : [home])];
    const { shown, arranged, warnings } = arrangeParts(roots, of, places);
    writeTry(arranged);
    const hide = hiddenPaths(home, wish.hide, wish.show);
    const inside = { ...env, PIVOT_TRY: of.name };
    const prepared = await prepareTry({ ...wish, hide, env: inside }, arranged, shown);
    const all = [...warnings, ...prepared.warnings];
    return { ...prepared, warnings: all, of: arranged, isNew, shown };
  } catch (error) {
    if (isNew) await removeTry(of);
    throw error;
  }
}
