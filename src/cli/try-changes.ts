/** `pivot try diff` and `pivot try apply`. */

import { WishError } from "../container/wish-error.ts";
import { writeAll } from "../host/write.ts";
import { chooseTry } from "../try/choose.ts";
import { type ApplyOutcome, applyMeant, findMeant, type Meant } from "../try/outcome.ts";
import { listJson, listText, patchOf, shownPath, statText } from "../try/show.ts";
import { isOn, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { report } from "./report-error.ts";
import { readRoots } from "./roots.ts";
import { presentDirectory } from "./try.ts";

function readMeant(given: ParsedArguments, { logFormat, ...globals }: Globals, cwd: string): Meant {
  const roots = readRoots({ logFormat, ...globals }, cwd);
  const name = given.flags.get("name")?.at(-1) ?? null;
  const uid = process.geteuid?.() ?? 0;
  const meant = findMeant(chooseTry(roots.dataRoot, name, { cwd, uid }), roots, given.words, cwd);
  for (const warning of meant.warnings) report("warning", warning, logFormat);
  return meant;
}

const tellLeftOut = (leftOut: number, globals: Globals): void => {
  if (leftOut === 0 || globals.logFormat !== "text") return;
  const count = leftOut === 1 ? "1 change" : `${leftOut} changes`;
  const where = "in temporary directories, or of sockets";
  report("note", `${count} ${where}, left out: name a path to see them`);
};

export function tryDiffCommand(given: ParsedArguments, globals: Globals): number {
  const format = given.flags.get("format")?.at(-1) ?? "text";
  if (format !== "text" && format !== "json") {
    throw new UsageError(`--format takes text or json, received ${JSON.stringify(format)}`);
  }
  const cwd = presentDirectory();
  const { of, chosen, leftOut } = readMeant(given, globals, cwd);
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

function tellFailure({ kind, failures, hasConflicts }: ApplyOutcome, { logFormat }: Globals): void {
  for (const { path, why } of failures) report("error", `${shownPath(path)}: ${why}`, logFormat);
  const force = hasConflicts ? ", or --force what the try made of them" : "";
  const end =
    kind === "refused"
      ? `nothing is applied: name other paths${force}`
      : "the rest is not applied: `pivot try diff` shows it";
  report("error", end, logFormat);
}

export async function tryApplyCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const meant = readMeant(given, globals, presentDirectory());
  const { name } = meant.of;
  const dryRun = isOn(given, "dry-run");
  const outcome = await applyMeant(meant, {
    force: isOn(given, "force"),
    allowPrivileged: isOn(given, "allow-privileged"),
    keep: isOn(given, "keep"),
    dryRun,
  });
  if (outcome.kind === "busy") {
    throw new WishError([`the try ${name} is in use: wait until its program has ended`]);
  }
  if (outcome.kind !== "done") {
    tellFailure(outcome, globals);
    return 1;
  }
  const { steps, isDiscarded } = outcome;
  if (dryRun) {
    const lines = steps.map(({ change }) => `${change.letter}\t${shownPath(change.path)}\n`);
    writeAll(1, lines.join(""));
    tellLeftOut(meant.leftOut, globals);
    return 0;
  }
  const count = steps.length === 1 ? "1 change" : `${steps.length} changes`;
  writeAll(1, `Applied ${count}${isDiscarded ? `, and discarded the try ${name}` : ""}\n`);
  return 0;
}
