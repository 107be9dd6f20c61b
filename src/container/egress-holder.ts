/**
 * A container that shares the network of one with an egress list is held to the same list: it gets no
 * right by which it could change the rules, or send beside them, for both.
 */

import { beyondEgress, egressConflict } from "../options/egress.ts";
import type { RunOptions } from "../options/options.ts";
import { findContainer } from "./state.ts";
import { WishError } from "./wish-error.ts";

/** `--network container:` may lead to one that shares another's in turn. */
const farthest = 16;

/** The container with a list whose network this one shares; null: there is none. */
export function egressHolder(
  { network }: Pick<RunOptions, "network">,
  runRoot: string,
): string | null {
  let mode = network;
  for (let i = 0; i < farthest; i++) {
    if (typeof mode !== "object" || !("container" in mode)) return null;
    const { state } = findContainer(runRoot, mode.container);
    if (state?.options.egress !== undefined) return mode.container;
    mode = state?.options.network;
  }
  return null;
}

/**
 * The options with which it is held to the list.
 *
 * @throws WishError when they ask for what no list holds
 */
export function heldToList(options: RunOptions, runRoot: string): RunOptions {
  const holder = egressHolder(options, runRoot);
  if (holder === null) return options;
  const conflict = egressConflict(options.privileged === true, options.capAdd ?? []);
  if (conflict !== null) {
    throw new WishError([
      `--network container:${holder}: conflicting options: ${holder} has an egress list, to which nothing is held with ${conflict}`,
    ]);
  }
  return { ...options, capDrop: [...(options.capDrop ?? []), ...beyondEgress] };
}
