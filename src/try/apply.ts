/** Brings changes of a try to the host: puts them in order for the C program (native/view.h). */

import { spawnSync } from "node:child_process";
import { executorPath } from "../executor/locate.ts";
import { describeErrno } from "../plan/errno.ts";
import { appliedMark, type Change, differs } from "./changes.ts";
import type { Try } from "./store.ts";

/** A change, and another path of the host that is to be the same file. */
export type ApplyStep = {
  readonly change: Change;
  readonly link: string;
  /** Below a directory that an earlier step makes. */
  readonly fresh: boolean;
  /** Another step is about another name of the same file of the host. */
  readonly shared: boolean;
};

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));

function ancestorsOf(path: string): string[] {
  const found: string[] = [];
  for (let at = parentOf(path); at !== ""; at = parentOf(at)) found.push(at);
  return found;
}

/** A directory that the change makes where none was. */
const makesDirectory = ({ letter, new: made }: Change): boolean =>
  (letter === "A" || letter === "T") && made.type === "d";

/** With the directories that lead to what is chosen, where those are new too. */
export function withParents(chosen: readonly Change[], all: readonly Change[]): Change[] {
  const made = new Map(all.filter(makesDirectory).map((change) => [change.path, change]));
  const wanted = new Set(chosen);
  for (const { path, letter } of chosen) {
    if (letter === "D") continue;
    for (const ancestor of ancestorsOf(path)) {
      const change = made.get(ancestor);
      if (change !== undefined) wanted.add(change);
    }
  }
  return all.filter((change) => wanted.has(change));
}

/** The names of one file in the view, by the file. */
const fileKey = ({ part, new: made }: Change): string => `${part} ${made.inode}`;

const hostKey = ({ part, old }: Change): string => `${part} ${old.inode}`;

/** Files of the host that several changes are about. */
function sharedFiles(changes: readonly Change[]): Set<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const change of changes.filter(({ old }) => old.type !== "-" && old.type !== "d")) {
    const key = hostKey(change);
    if (seen.has(key)) shared.add(key);
    seen.add(key);
  }
  return shared;
}

/**
 * The order in which nothing is missing: what is made or changed, parents first; before a directory
 * becomes something else, what is in it goes; what else is gone goes last, deepest first.
 *
 * @param chosen sorted by path
 * @param all every change of the try, for names that did not change
 */
export function orderSteps(chosen: readonly Change[], all: readonly Change[]): ApplyStep[] {
  const gone = chosen.filter(({ letter }) => letter === "D").toReversed();
  const replaced = chosen.filter(({ letter, old }) => letter === "T" && old.type === "d");
  const isWithin = (change: Change, { path }: Change): boolean =>
    change.path.startsWith(`${path}/`);
  const fresh = new Set(chosen.filter(makesDirectory).map(({ path }) => path));
  const leaders = new Map<string, string>();
  for (const same of all.filter(({ letter }) => letter === "=")) {
    leaders.set(fileKey(same), same.below);
  }
  const shared = sharedFiles(chosen);
  const stepOf = (change: Change): ApplyStep => ({
    change,
    shared: shared.has(hostKey(change)),
    link: linkOf(change, leaders),
    fresh: ancestorsOf(change.path).some((path) => fresh.has(path)),
  });
  const steps: ApplyStep[] = [];
  for (const change of chosen) {
    if (change.letter === "D") continue;
    if (replaced.includes(change)) {
      steps.push(...gone.filter((each) => isWithin(each, change)).map(stepOf));
    }
    steps.push(stepOf(change));
  }
  const rest = gone.filter((each) => !replaced.some((change) => isWithin(each, change)));
  return [...steps, ...rest.map(stepOf)];
}

/** The first name of a file leads, the others are linked to it. */
function linkOf(change: Change, leaders: Map<string, string>): string {
  if (change.letter === "D" || change.new.type === "d" || change.links < 2) return "";
  const key = fileKey(change);
  const leader = leaders.get(key);
  if (leader === undefined) leaders.set(key, change.below);
  return leader ?? "";
}

function encodeStep({ change, link, fresh, shared }: ApplyStep): string {
  const { letter, part, flags, new: made, old, below } = change;
  // Of what is made, the old time is that of its directory: it is expected not to be there.
  const host = (fresh ? 1 : 0) + (shared ? 2 : 0);
  const numbers = [part, flags, host, made.inode, made.ctime, old.inode, old.ctime];
  return `${letter} ${made.type} ${old.type} ${numbers.join(" ")}\0${below}\0${link}\0`;
}

export type ApplyFailure = { readonly path: string; readonly why: string };

export type Applied =
  | { readonly kind: "done"; readonly marks: Readonly<Record<string, string>> }
  /** Nothing was done. */
  | { readonly kind: "refused"; readonly failures: readonly ApplyFailure[] }
  /** What came before the failure was done. */
  | {
      readonly kind: "stopped";
      readonly failures: readonly ApplyFailure[];
      readonly marks: Readonly<Record<string, string>>;
    }
  /** A program runs in the try, or another command is at work on it. */
  | { readonly kind: "busy" };

export type ApplyWish = {
  /** Look at both sides only. */
  readonly isCheck: boolean;
  /** Files that run with others' rights, and devices, too. */
  readonly privileged: boolean;
};

const ESTALE = 116;

/** The lines that `view apply` writes. */
export function readOutcome(output: string, steps: readonly ApplyStep[]): Applied {
  const lines = output.split("\n").filter((line) => line !== "");
  const marks: Record<string, string> = {};
  const failures: ApplyFailure[] = [];
  let isStopped = false;
  for (const line of lines) {
    const [word, index = "", first = "", ...rest] = line.split(" ");
    const path = steps[Number(index)]?.change.path ?? "";
    if (word === "done") marks[path] = appliedMark(first, rest[0] ?? "");
    if (word !== "fail") continue;
    const words = rest.join(" ");
    if (words === "busy") return { kind: "busy" };
    isStopped ||= words.startsWith("it could not be");
    const errno = Number(first);
    failures.push({ path, why: errno === ESTALE ? words : `${words}: ${describeErrno(errno)}` });
  }
  if (lines.at(-1) === "ok") return { kind: "done", marks };
  if (failures.length === 0) throw new Error("the program that applies changes was ended");
  return isStopped ? { kind: "stopped", failures, marks } : { kind: "refused", failures };
}

/** Applies changes in order; none when one is refused. */
export function applySteps(of: Try, steps: readonly ApplyStep[], wish: ApplyWish): Applied {
  const args = [
    "view",
    "apply",
    ...(wish.isCheck ? ["--check"] : []),
    ...(wish.privileged ? ["--privileged"] : []),
    of.at,
    ...of.parts.flatMap(({ path, directory }) => [`${of.at}/${directory}/upper`, path]),
  ];
  const { stdout, stderr, error } = spawnSync(executorPath(), args, {
    argv0: "pivot-executor",
    env: {},
    input: Buffer.from(steps.map(encodeStep).join(""), "latin1"),
    maxBuffer: 2 ** 31 - 1,
  });
  if (error !== undefined) throw error;
  if (stdout.length === 0 && stderr.length > 0) throw new Error(stderr.toString().trim());
  return readOutcome(stdout.toString("latin1"), steps);
}

/** Why this change is not applied, whatever the host is like; or null. */
export function refusalOf(
  { letter, flags, new: made }: Change,
  privileged: boolean,
): string | null {
  if (letter === "!") return `it cannot be compared: ${describeErrno(flags)}`;
  if (letter === "D" || privileged || (flags & differs.privileged) === 0) return null;
  const what = made.type === "f" ? "it runs with others' rights" : "it is a device";
  return `${what}: --allow-privileged applies it all the same`;
}
