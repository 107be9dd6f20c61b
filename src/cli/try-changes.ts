/** `pivot try diff` and `pivot try apply`. */

import { realpathSync } from "node:fs";
import { absolutePath } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { writeAll } from "../host/write.ts";
import {
  type Applied,
  type ApplyStep,
  applySteps,
  orderSteps,
  refusalOf,
  withParents,
} from "../try/apply.ts";
import { type Change, findChanges, selectChanges } from "../try/changes.ts";
import { chooseTry } from "../try/choose.ts";
import { identitiesNow } from "../try/prepare.ts";
import { listJson, listText, patchOf, shownPath, statText } from "../try/show.ts";
import { removeTry, type Try, writeTry } from "../try/store.ts";
import { type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { report } from "./report-error.ts";
import { readRoots } from "./roots.ts";
import { presentDirectory } from "./try.ts";

const isOn = (given: ParsedArguments, name: string): boolean =>
  given.flags.get(name)?.at(-1) === "true";

type Meant = {
  /** As the store has it. */
  readonly stored: Try;
  /** With the parts that are still there. */
  readonly of: Try;
  readonly cwd: string;
  readonly paths: readonly string[];
  readonly all: readonly Change[];
  readonly chosen: readonly Change[];
  readonly leftOut: number;
};

/** Absolute, without links in the directories that lead there: so the host's tree is compared. */
function wholePath(path: string, cwd: string): string {
  const whole = absolutePath(path, cwd).replace(/\/+$/, "") || "/";
  const slash = whole.lastIndexOf("/");
  const name = whole.slice(slash + 1);
  if (name === "" || name === "." || name === "..") return realpathSync(whole);
  try {
    const directory = realpathSync(whole.slice(0, slash) || "/");
    return directory === "/" ? `/${name}` : `${directory}/${name}`;
  } catch {
    return whole; // its directory is new, too
  }
}

/** Directories that are not the same file systems as when the try began are left out. */
function presentParts(of: Try, now: ReadonlyMap<string, string>, globals: Globals): Try {
  const here = of.parts.filter(({ path, identity }) => now.get(path) === identity);
  for (const { path } of of.parts.filter((part) => !here.includes(part))) {
    const what = now.has(path)
      ? "another file system is mounted there"
      : "nothing is mounted there";
    report("warning", `${path} is left out: ${what} than when the try began`, globals.logFormat);
  }
  return { ...of, parts: here };
}

function meant(given: ParsedArguments, globals: Globals): Meant {
  const cwd = presentDirectory();
  const roots = readRoots(globals, cwd);
  const uid = process.geteuid?.() ?? 0;
  const name = given.flags.get("name")?.at(-1) ?? null;
  const stored = chooseTry(roots.dataRoot, name, { cwd, uid });
  const of = presentParts(
    stored,
    identitiesNow(
      roots,
      stored.parts.map(({ path }) => path),
    ),
    globals,
  );
  const paths = given.words.map((path) => wholePath(path, cwd));
  const all = findChanges(of);
  const { chosen, leftOut } = selectChanges(all, paths, of.cwd);
  for (const [i, path] of paths.entries()) {
    if (selectChanges(all, [path], of.cwd).chosen.length > 0) continue;
    throw new WishError([`${given.words[i]}: the try ${of.name} changed nothing there`]);
  }
  return { stored, of, cwd, paths, all, chosen, leftOut };
}

const tellLeftOut = (leftOut: number, globals: Globals): void => {
  if (leftOut === 0 || globals.logFormat !== "text") return;
  const count = leftOut === 1 ? "1 change" : `${leftOut} changes`;
  report(
    "note",
    `${count} in temporary directories, or of sockets, left out: name a path to see them`,
  );
};

export function tryDiffCommand(given: ParsedArguments, globals: Globals): number {
  const format = given.flags.get("format")?.at(-1) ?? "text";
  if (format !== "text" && format !== "json") {
    throw new UsageError(`--format takes text or json, received ${JSON.stringify(format)}`);
  }
  const { of, cwd, chosen, leftOut } = meant(given, globals);
  if (isOn(given, "patch")) {
    for (const change of chosen) {
      if (change.letter === "!") report("warning", `${shownPath(change.path)} cannot be compared`);
      else writeAll(1, Buffer.from(patchOf(of, change), "latin1"));
    }
  } else if (isOn(given, "stat")) {
    writeAll(1, statText(of, chosen, cwd));
  } else {
    writeAll(1, format === "json" ? listJson(chosen) : listText(chosen, cwd));
  }
  tellLeftOut(leftOut, globals);
  return 0;
}

/** Says what stands against it. @returns whether something does */
function refuse(chosen: readonly Change[], given: ParsedArguments, globals: Globals): boolean {
  const force = isOn(given, "force");
  const privileged = isOn(given, "allow-privileged");
  let isRefused = false;
  for (const change of chosen) {
    const conflict = force ? null : change.conflict;
    const why = refusalOf(change, privileged) ?? conflict;
    if (why === null) continue;
    isRefused = true;
    report("error", `${shownPath(change.path)}: ${why}`, globals.logFormat);
  }
  return isRefused;
}

const nothingApplied = "nothing is applied: name other paths";

function tellOutcome(outcome: Applied, of: Try, globals: Globals): void {
  if (outcome.kind === "busy") {
    throw new WishError([`the try ${of.name} is in use: wait until its program has ended`]);
  }
  if (outcome.kind === "done") return;
  for (const { path, why } of outcome.failures) {
    report("error", `${shownPath(path)}: ${why}`, globals.logFormat);
  }
  const end =
    outcome.kind === "refused"
      ? nothingApplied
      : "what comes before it in the list is applied, the rest is not: `pivot try diff` shows it";
  report("error", end, globals.logFormat);
}

const describeStep = ({ change: { letter, path } }: ApplyStep): string =>
  `${letter}\t${shownPath(path)}\n`;

export async function tryApplyCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const found = meant(given, globals);
  const { stored, of, all, paths, leftOut } = found;
  const chosen = withParents(found.chosen, all);
  if (refuse(chosen, given, globals)) {
    const force = chosen.some(({ conflict }) => conflict !== null) && !isOn(given, "force");
    const hint = force ? ", or --force what the try made of them" : "";
    report("error", nothingApplied + hint, globals.logFormat);
    return 1;
  }
  const steps = orderSteps(chosen, all);
  const isCheck = isOn(given, "dry-run");
  const privileged = isOn(given, "allow-privileged");
  const outcome = applySteps(of, steps, { isCheck, privileged });
  tellOutcome(outcome, of, globals);
  if (outcome.kind === "done" || outcome.kind === "stopped") {
    if (!isCheck) writeTry({ ...stored, applied: { ...stored.applied, ...outcome.marks } });
  }
  if (outcome.kind !== "done") return 1;
  if (isCheck) {
    writeAll(1, steps.map(describeStep).join(""));
    tellLeftOut(leftOut, globals);
    return 0;
  }
  const count = steps.length === 1 ? "1 change" : `${steps.length} changes`;
  const isWhole = paths.length === 0 && !isOn(given, "keep") && (await removeTry(of));
  writeAll(1, `Applied ${count}${isWhole ? `, and discarded the try ${of.name}` : ""}\n`);
  return 0;
}
