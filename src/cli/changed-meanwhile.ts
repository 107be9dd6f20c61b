/**
 * Commands that look at a container for a while: what goes wrong since somebody else ended or removed
 * it is told with that in front.
 */

import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { type Container, readContainer } from "../engine/status.ts";

/** Null: it is what it was. */
async function whatChanged(before: Container, roots: Roots): Promise<string | null> {
  const data = `${before.record.dataRoot}/containers/${before.id}`;
  for (const pause of [0, 100, 300]) {
    await sleep(pause);
    const now = await readContainer(roots, before.id);
    if (now === null) return "was removed meanwhile";
    if (before.process !== null && now.process === null) return "has just ended";
    if (before.process?.pid !== now.process?.pid) return "was started meanwhile";
    // A removal takes the row away last, a moment after the files.
    if (existsSync(data)) return null;
  }
  return null;
}

/** @throws WishError what `act` throws, behind what became of the container where that may be why */
export async function whileItIsThere<T>(
  container: Container,
  roots: Roots,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof WishError)) throw error;
    const changed = await whatChanged(container, roots);
    if (changed === null) throw error;
    const why = error.problems.join("; ");
    throw new WishError([`container ${container.name} ${changed}: ${why}`], { cause: error });
  }
}
