/**
 * Where tries are kept: `DATA/tries/NAME` with `try.json`, the empty file `started`, of which the
 * time of change is when the try began, and for each directory of the host that is covered a
 * number with overlayfs's `upper` and `work`.
 *
 * A try is made under another name and then renamed, so that it is there as a whole or not at all;
 * of one that is being removed `try.json` goes first.
 */

import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import type { Step } from "../plan/op.ts";
import { planOwnNamespace } from "../planner/namespaces.ts";
import { byParent, lock, onHost } from "../planner/step.ts";

/** A directory of the host that is covered. */
export type Part = {
  /** Its path, which is a mount point. */
  readonly path: string;
  /** The name of its directory in the try's. */
  readonly directory: string;
  /** What is mounted there, to know it again: type, source, and the inode of the mount's root. */
  readonly identity: string;
};

export type TryRecord = {
  readonly version: 1;
  readonly name: string;
  /** The name was given by who made it: it is never removed unasked. */
  readonly isNamed: boolean;
  readonly uid: number;
  /** Where it was started. */
  readonly cwd: string;
  readonly command: readonly string[];
  /** When it was run last, in milliseconds of the epoch. */
  readonly ran: number;
  readonly parts: readonly Part[];
  /** What was applied to the host, by its path: `INODE CTIME` of what the host then had. */
  readonly applied: Readonly<Record<string, string>>;
};

export type Try = TryRecord & {
  /** Its directory. */
  readonly at: string;
  /** When it began, in nanoseconds of the epoch, by the clock of files. */
  readonly began: bigint;
};

export const triesDirectory = (dataRoot: string): string => `${dataRoot}/tries`;

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** A name of a container's kind; `.new-…` is none. */
export const isTryName = (name: string): boolean => /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(name);

function namesIn(dataRoot: string): string[] {
  try {
    return readdirSync(triesDirectory(dataRoot));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** The try of a name, or null: there is none, or it is being removed. */
export function readTry(dataRoot: string, name: string): Try | null {
  const at = `${triesDirectory(dataRoot)}/${name}`;
  try {
    const record = JSON.parse(readFileSync(`${at}/try.json`, "utf8")) as TryRecord;
    const began = statSync(`${at}/started`, { bigint: true }).ctimeNs;
    return record.version === 1 ? { ...record, at, began } : null;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** All tries, the one that was run last first. */
export const listTries = (dataRoot: string): Try[] =>
  namesIn(dataRoot)
    .filter(isTryName)
    .flatMap((name) => readTry(dataRoot, name) ?? [])
    .toSorted((a, b) => b.ran - a.ran);

const fileText = (record: TryRecord): string => `${JSON.stringify(record)}\n`;

/** Replaces what the store knows of a try. */
export function writeTry({ at, began: _, ...record }: Try): void {
  const fresh = `${at}/try.json.${process.pid}`;
  writeFileSync(fresh, fileText(record), { mode: 0o600 });
  renameSync(fresh, `${at}/try.json`);
}

/**
 * Makes a try.
 *
 * @param name null: the next number
 */
export function makeTry(dataRoot: string, name: string | null, wish: Omit<TryRecord, "name">): Try {
  const directory = triesDirectory(dataRoot);
  mkdirSync(dataRoot, { recursive: true, mode: 0o711 });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const fresh = `${directory}/.new-${process.pid}-${process.hrtime.bigint()}`;
  mkdirSync(fresh, { mode: 0o700 });
  writeFileSync(`${fresh}/started`, "", { mode: 0o600 });
  const numbers = namesIn(dataRoot).filter((each) => /^\d{1,9}$/.test(each));
  for (let number = Math.max(0, ...numbers.map(Number)) + 1; ; number++) {
    const record: TryRecord = { ...wish, name: name ?? String(number) };
    writeFileSync(`${fresh}/try.json`, fileText(record), { mode: 0o600 });
    try {
      // Refused when another has the name: a directory with something in it is not replaced.
      renameSync(fresh, `${directory}/${record.name}`);
    } catch (error) {
      const code = codeOf(error);
      if ((code === "ENOTEMPTY" || code === "EEXIST") && name === null) continue;
      rmSync(fresh, { recursive: true, force: true });
      throw error;
    }
    const made = readTry(dataRoot, record.name);
    if (made === null) throw new Error(`the try ${record.name} was removed while it was made`);
    return made;
  }
}

/** Loaded only here: most starts have nothing to ask or to remove. */
async function carryOut(steps: readonly Step[]) {
  const { executePlan } = await import("../executor/spawn.ts");
  return executePlan({ version: 1, steps }).outcome;
}

/** EWOULDBLOCK: somebody holds the lock. */
const EAGAIN = 11;

/** Whether a program runs in it, or another command is at work on it. */
export async function isInUse({ at }: Pick<Try, "at">): Promise<boolean> {
  const steps = [byParent(lock(onHost(at)), "somebody may use it")];
  const { failure } = await carryOut(steps);
  return failure?.errno === EAGAIN;
}

/** Removes a directory of a try. @returns false when it is in use. */
async function removeDirectory(at: string): Promise<boolean> {
  const uid = process.geteuid?.() ?? 0;
  const caller = { uid, gid: process.getegid?.() ?? 0 };
  const steps = [
    byParent(lock(onHost(at)), "nobody uses it"),
    // overlayfs leaves directories that their owner may not look into.
    ...(uid === 0 ? [] : planOwnNamespace(caller)),
    byParent({ op: "remove", at: onHost(`${at}/try.json`) }, "from here on it is no try any more"),
    byParent({ op: "remove", at: onHost(at) }, "the view, with all that was written in it"),
  ];
  const { failure } = await carryOut(steps);
  if (failure === null || failure.errno === 2) return true;
  if (failure.step === 0 && failure.errno === EAGAIN) return false;
  const { describeFailure } = await import("../executor/failure.ts");
  throw new Error(describeFailure({ version: 1, steps }, failure));
}

/** Removes a try. @returns false when it is in use. */
export const removeTry = ({ at }: Try): Promise<boolean> => removeDirectory(at);

const isEmpty = (directory: string): boolean => {
  try {
    return readdirSync(directory).length === 0;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return true;
    throw error;
  }
};

/** Whether nothing was ever written in it. */
export const isUntouched = ({ at, parts }: Try): boolean =>
  parts.every(({ directory }) => isEmpty(`${at}/${directory}/upper`));

/** One that has just been made may be about to run: its program has a minute to begin. */
const restMilliseconds = 60_000;

/** Removes tries without a name that nothing was written in: nobody has a use for them. */
export async function sweepUntouched(tries: readonly Try[]): Promise<void> {
  for (const each of tries) {
    const rests = Date.now() - each.ran > restMilliseconds;
    if (!each.isNamed && rests && isUntouched(each)) await removeTry(each);
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== "ESRCH";
  }
};

/** Directories that were left by a command that was killed while it made or removed a try. */
export const findLeftovers = (dataRoot: string): string[] =>
  namesIn(dataRoot)
    .filter((name) => {
      const maker = /^\.new-(\d+)-/.exec(name)?.[1];
      return maker === undefined ? readTry(dataRoot, name) === null : !isAlive(Number(maker));
    })
    .map((name) => `${triesDirectory(dataRoot)}/${name}`);

/** @returns those that went: others are in use */
export async function removeLeftovers(dataRoot: string): Promise<string[]> {
  const gone: string[] = [];
  for (const at of findLeftovers(dataRoot)) if (await removeDirectory(at)) gone.push(at);
  return gone;
}
