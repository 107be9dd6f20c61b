/** `run` of a container that stays when it has ended, or that goes on by itself; and `create`. */

import { rmSync, writeFileSync } from "node:fs";
import { newId } from "../container/identity.ts";
import { type PreparedContainer, prepareContainer } from "../container/prepare.ts";
import { type Described, nameOf } from "../container/record.ts";
import { describeContainer } from "../container/record-container.ts";
import { absolutePath, type Roots } from "../container/roots.ts";
import { OptionError, WishError } from "../container/wish-error.ts";
import { noteEvent } from "../engine/events.ts";
import { checkNameIsFree, keepContainer, noteStart } from "../engine/kept.ts";
import { engineOptions } from "../engine/options.ts";
import { type StartWish, watched } from "../engine/start.ts";
import { encodePlan } from "../executor/encode.ts";
import { handOver } from "../executor/hand-over.ts";
import { writeAll } from "../host/write.ts";
import type { StreamFact } from "../planner/facts.ts";
import { isOn, type ParsedArguments } from "./arguments.ts";
import { readAttachment } from "./attachment.ts";
import type { Globals } from "./command.ts";
import { readEngineWish } from "./engine-wish.ts";
import { importProgress } from "./import-progress.ts";
import { report } from "./report-error.ts";
import { readRunWish } from "./run-wish.ts";

type Made = {
  readonly prepared: PreparedContainer;
  /** Its plan for the executor. */
  readonly encoded: Uint8Array;
  readonly record: Described;
};

/**
 * docker's: the file must not be there, so that no other container's id is lost.
 *
 * @returns its path; null: none was asked for
 */
function writeIdFile(given: ParsedArguments, cwd: string, id: string): string | null {
  const file = given.flags.get("cidfile")?.at(-1);
  if (file === undefined) return null;
  try {
    const path = absolutePath(file, cwd);
    writeFileSync(path, id, { flag: "wx", mode: 0o644 });
    return path;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "EEXIST" ? "it is there already: remove it, or name another" : code;
    throw new WishError([`--cidfile ${file}: ${why}`]);
  }
}

/** Plans the container, and writes down what is to be kept of it. */
async function makeContainer(
  given: ParsedArguments,
  globals: Globals,
  streams: readonly [StreamFact, StreamFact, StreamFact],
  how: (id: string) => Pick<StartWish, "announce" | "attach">,
  isOnlyMade = false,
): Promise<Made & { readonly roots: Roots }> {
  const wish = readRunWish(given, globals, streams, importProgress(globals.logFormat));
  const engine = readEngineWish(given);
  if (engine.problems.length > 0) throw new OptionError(engine.problems);
  const { roots, options } = wish;
  if (options.name !== undefined) await checkNameIsFree(roots, options.name);
  const id = newId();
  const view = watched(id, (image) => engineOptions(engine.wish, image), {
    roots,
    ...how(id),
    delay: 0,
  });
  const prepared = await prepareContainer({ ...wish, engine: view, isOnlyMade });
  for (const warning of prepared.warnings) report("warning", warning, globals.logFormat);
  const record = describeContainer(prepared, wish.command);
  let encoded: Uint8Array;
  let idFile: string | null = null;
  try {
    // First: a container that cannot be started, or whose id cannot be written down, is not made at all.
    encoded = encodePlan(prepared.plan);
    idFile = writeIdFile(given, wish.cwd, id);
    if (options.rm !== true) await keepContainer(record);
    // From now on its record says what it has.
    if (isOnlyMade) prepared.release();
  } catch (error) {
    prepared.release();
    if (idFile !== null) rmSync(idFile, { force: true });
    throw error;
  }
  noteEvent(roots, "create", id, { ...record, name: nameOf(record) });
  return { prepared, encoded, record, roots };
}

export async function runWatched(
  given: ParsedArguments,
  globals: Globals,
  streams: readonly [StreamFact, StreamFact, StreamFact],
): Promise<number> {
  const attachment = readAttachment(given, isOn(given, "interactive"));
  const { encoded, record, roots } = await makeContainer(given, globals, streams, (id) =>
    isOn(given, "detach")
      ? { announce: `${id}\n`, attach: null }
      : { announce: null, attach: attachment },
  );
  const isKept = record.options.rm !== true;
  if (isKept) await noteStart(roots.dataRoot, record.id);
  const told = isKept
    ? ["--root", roots.dataRoot, "internal-report", record.id]
    : ["internal-report"];
  return handOver(encoded, ["--log-format", globals.logFormat, ...told]);
}

export async function createCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const streams = ["pipe", "pipe", "pipe"] as const;
  const { prepared, record, roots } = await makeContainer(
    given,
    globals,
    streams,
    () => ({
      announce: null,
      attach: null,
    }),
    true,
  );
  if (prepared.hasVolumes) {
    const { makeVolumesOf } = await import("../volume/change.ts");
    await makeVolumesOf(prepared.plan, roots);
  }
  writeAll(1, `${record.id}\n`);
  return 0;
}
