/** `diff`: what a container has changed of its image. */

import { existsSync } from "node:fs";
import { WishError } from "../container/wish-error.ts";
import { planChanges } from "../planner/transfer.ts";
import { isCopied, layersOf, type TransferContainer, upperOf } from "./file-root.ts";
import { gatherOutput } from "./worker.ts";

export type Change = {
  /** Added, changed or deleted. */
  readonly kind: "A" | "C" | "D";
  /** From the root on, with a character for each byte. */
  readonly path: string;
};

/** As a walk meets them: what is in a directory comes right after it. */
const order = (path: string): string => path.replaceAll("/", "\0");

const compare = (a: Change, b: Change): number => (order(a.path) < order(b.path) ? -1 : 1);

/** The directories above a path, but for the root. */
function* directoriesAbove(path: string): Generator<string> {
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
    yield path.slice(0, at);
  }
}

/**
 * Reads what `list_changes` writes: kind, path and a NUL for each. A directory in which something
 * has changed counts as changed, as with docker.
 */
export function parseChanges(output: string): readonly Change[] {
  const found = new Map<string, Change>();
  for (const part of output.split("\0")) {
    const kind = part[0];
    if (kind !== "A" && kind !== "C" && kind !== "D") continue;
    found.set(part.slice(1), { kind, path: part.slice(1) });
  }
  for (const path of Array.from(found.keys())) {
    for (const above of directoriesAbove(path)) {
      if (!found.has(above)) found.set(above, { kind: "C", path: above });
    }
  }
  return [...found.values()].sort(compare);
}

/**
 * What the container has changed, sorted by path.
 *
 * @throws WishError when its root is a directory, of which nobody knows what it was; TransferError
 */
export async function listChanges(container: TransferContainer): Promise<readonly Change[]> {
  const layers = layersOf(container);
  if (layers === null) {
    throw new WishError([
      `container ${container.name} has a directory for a root, and no image that it could differ from`,
    ]);
  }
  if (isCopied(container)) {
    throw new WishError([
      `the root of container ${container.name} is a copy of its image, as its file system takes no overlay: what differs is not known`,
    ]);
  }
  const upper = upperOf(container);
  if (!existsSync(upper)) return [];
  return parseChanges(
    await gatherOutput(planChanges(upper, layers), `container ${container.name}`),
  );
}
