/** The container that people mean. */

import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import type { Identity } from "./kept.ts";
import { type Container, listIdentities, readContainer } from "./status.ts";

/** In docker's words, which scripts look for. */
export class NoSuchContainerError extends WishError {
  override name = "NoSuchContainerError";
}

/**
 * Of these, the one that is meant by an id, a name, or the beginning of an id.
 *
 * @throws NoSuchContainerError when there is none; WishError when there are several
 */
export function pickContainer<T extends Identity>(containers: readonly T[], word: string): T {
  const wanted = word.replace(/^\//, "");
  const exact = containers.find(({ id, name }) => id === wanted || name === wanted);
  if (exact !== undefined) return exact;
  const found = wanted === "" ? [] : containers.filter(({ id }) => id.startsWith(wanted));
  if (found.length > 1) {
    throw new WishError([
      `${found.length} containers have ids that begin with ${word}: give more of it`,
    ]);
  }
  if (found[0] !== undefined) return found[0];
  throw noSuchContainer(word);
}

const noSuchContainer = (word: string): NoSuchContainerError =>
  new NoSuchContainerError([
    word === ""
      ? "the name of the container is empty"
      : `no such container: ${word}; \`pivot ps -a\` lists them all`,
  ]);

/** @throws NoSuchContainerError, WishError */
export async function findContainer(roots: Roots, word: string): Promise<Container> {
  const { id } = pickContainer(await listIdentities(roots), word);
  const found = await readContainer(roots, id);
  if (found === null) throw noSuchContainer(word);
  return found;
}

/** @throws WishError when it does not run */
export async function findRunning(roots: Roots, word: string): Promise<Container> {
  const found = await findContainer(roots, word);
  if (found.status === "running") return found;
  const how =
    found.status === "paused" ? "is paused: unpause it first" : `is not running (${found.status})`;
  throw new WishError([`container ${word} ${how}`]);
}
