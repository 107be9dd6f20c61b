/**
 * A container has ended, and its executor has become this program: by its restart policy the
 * container is started again, which this process hands to the executor that it was.
 */

import { prepareContainer } from "../container/prepare.ts";
import type { Described } from "../container/record.ts";
import { type KeptContainer, noteError, noteRestart, readKept } from "../engine/kept.ts";
import { wantsRestart } from "../engine/options.ts";
import { wishOf } from "../engine/start.ts";
import { encodePlan } from "../executor/encode.ts";
import { handOver } from "../executor/hand-over.ts";
import type { Globals } from "./command.ts";
import { engineRoots } from "./each-container.ts";

const shortestPause = 100;
const longestPause = 60_000;

/** One that ran for so long had started well: the pauses begin anew. */
const wellStarted = 10_000;

/**
 * Milliseconds before the next start: twice as long each time, as docker has it.
 *
 * @param ran milliseconds that it ran
 */
export const pauseBefore = (restarts: number, ran: number): number =>
  ran >= wellStarted
    ? shortestPause
    : Math.min(shortestPause * 2 ** Math.min(restarts, 20), longestPause);

async function startAgain(
  { record, restarts, started }: KeptContainer,
  globals: Globals,
): Promise<number> {
  const roots = engineRoots(globals);
  const delay = pauseBefore(restarts, Date.now() - (started ?? 0));
  const again: Described = record;
  try {
    const { plan, release } = await prepareContainer(
      wishOf(again, { roots, announce: null, attach: null, delay }),
    );
    // A start that was noted comes: a signal that was meant for the last executor must not end it here,
    // where nobody would see that. Whoever stops the container waits for it, and ends it (act.ts).
    process.on("SIGTERM", () => {});
    if (!(await noteRestart(roots.dataRoot, record.id))) {
      release();
      return 0;
    }
    const report = ["--root", roots.dataRoot, "internal-report", record.id, "again"];
    return handOver(encodePlan(plan), report);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    await noteError(roots.dataRoot, record.id, why);
    return 125;
  }
}

/** @param words the container's id, and its exit code */
export async function endedCommand(words: readonly string[], globals: Globals): Promise<number> {
  const [id = "", code = "0"] = words;
  const kept = await readKept(engineRoots(globals).dataRoot, id);
  if (kept === null || kept.record.engine === null) return 0;
  const { restart } = kept.record.engine;
  if (!wantsRestart(restart, Number(code), kept.restarts, kept.stopped)) return 0;
  return startAgain(kept, globals);
}
