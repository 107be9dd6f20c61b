/** The changes of a try that somebody means, and what comes of applying them. */

import { realpathSync } from "node:fs";
import { absolutePath, type Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import {
  type ApplyFailure,
  type ApplyStep,
  applySteps,
  orderSteps,
  refusalOf,
  withParents,
} from "./apply.ts";
import { type Change, findChanges, selectChanges } from "./changes.ts";
import { identitiesNow } from "./parts.ts";
import { removeTry, type Try, writeTry } from "./store.ts";

export type Meant = {
  /** As the store has it. */
  readonly stored: Try;
  /** With the parts that are still there. */
  readonly of: Try;
  readonly all: readonly Change[];
  readonly chosen: readonly Change[];
  /** How many were left out, since nobody named them. */
  readonly leftOut: number;
  readonly isWhole: boolean;
  readonly warnings: readonly string[];
};

/** Absolute, without links in the directories that lead there: so the host's tree is compared. */
function wholePath(path: string, cwd: string): string {
  const whole = absolutePath(path, cwd).replace(/\/+$/, "") || "/";
  const slash = whole.lastIndexOf("/");
  const name = whole.slice(slash + 1);
  try {
    if (name === "" || name === "." || name === "..") return realpathSync(whole);
    const directory = realpathSync(whole.slice(0, slash) || "/");
    return directory === "/" ? `/${name}` : `${directory}/${name}`;
  } catch {
    return whole; // its directory is new, too
  }
}

/** Directories that are not the same file systems as when the try began are left out. */
function presentParts(of: Try, roots: Roots): { of: Try; warnings: string[] } {
  const now = identitiesNow(
    roots,
    of.parts.map(({ path }) => path),
  );
  const parts = of.parts.filter(({ path, identity }) => now.get(path) === identity);
  const warnings = of.parts
    .filter((part) => !parts.includes(part))
    .map(({ path }) => {
      const what = now.has(path) ? "another file system" : "nothing";
      return `${path} is left out: ${what} is mounted there since the try began`;
    });
  return { of: { ...of, parts }, warnings };
}

/**
 * The changes at and below the paths; without any all but those of temporary directories.
 *
 * @param paths from `cwd` on
 * @throws WishError when nothing changed at one of them
 */
export function findMeant(stored: Try, roots: Roots, paths: readonly string[], cwd: string): Meant {
  const { of, warnings } = presentParts(stored, roots);
  const whole = paths.map((path) => wholePath(path, cwd));
  const all = findChanges(of);
  const { chosen, leftOut } = selectChanges(all, whole, of.cwd);
  const idle = paths.filter((_, i) => {
    return selectChanges(all, [whole[i] ?? ""], of.cwd).chosen.length === 0;
  });
  if (idle.length > 0) {
    throw new WishError(idle.map((path) => `${path}: the try ${of.name} changed nothing there`));
  }
  return { stored, of, all, chosen, leftOut, isWhole: paths.length === 0, warnings };
}

export type ApplyOptions = {
  /** Also where the host changed meanwhile. */
  readonly force?: boolean;
  /** Also files that run with others' rights, and devices. */
  readonly allowPrivileged?: boolean;
  /** Only look whether it could be done. */
  readonly dryRun?: boolean;
  /** Keep the try although all of it was applied. */
  readonly keep?: boolean;
};

export type ApplyOutcome = {
  /** In the order in which they were done, or would be. */
  readonly steps: readonly ApplyStep[];
  /** `refused`: nothing was done. `stopped`: what comes before the failure was. */
  readonly kind: "done" | "refused" | "stopped" | "busy";
  readonly failures: readonly ApplyFailure[];
  /** Among the failures are changes of the host since the try began. */
  readonly hasConflicts: boolean;
  readonly isDiscarded: boolean;
};

/** What stands against the changes before anything is looked at again. */
function findRefusals(changes: readonly Change[], options: ApplyOptions): ApplyFailure[] {
  return changes.flatMap((change) => {
    const conflict = options.force === true ? null : change.conflict;
    const why = refusalOf(change, options.allowPrivileged === true) ?? conflict;
    return why === null ? [] : [{ path: change.path, why }];
  });
}

/** Applies what is meant; the try is discarded when that is all of it. */
export async function applyMeant(meant: Meant, options: ApplyOptions): Promise<ApplyOutcome> {
  const { stored, of, all } = meant;
  const chosen = withParents(meant.chosen, all);
  const refused = findRefusals(chosen, options);
  const hasConflicts = options.force !== true && chosen.some(({ conflict }) => conflict !== null);
  const nothing = { steps: [], hasConflicts, isDiscarded: false };
  if (refused.length > 0) return { ...nothing, kind: "refused", failures: refused };
  const steps = orderSteps(chosen, all);
  const isCheck = options.dryRun === true;
  const privileged = options.allowPrivileged === true;
  const outcome = applySteps(of, steps, { isCheck, privileged });
  if (outcome.kind === "busy") return { ...nothing, kind: "busy", failures: [] };
  if (outcome.kind === "refused") return { ...nothing, ...outcome };
  if (!isCheck) writeTry({ ...stored, applied: { ...stored.applied, ...outcome.marks } });
  if (outcome.kind === "stopped") return { ...nothing, ...outcome, steps };
  const isOver = meant.isWhole && !isCheck && options.keep !== true && meant.warnings.length === 0;
  const isDiscarded = isOver && (await removeTry(stored));
  return { steps, kind: "done", failures: [], hasConflicts: false, isDiscarded };
}
