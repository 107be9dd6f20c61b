/**
 * A container that shares the network of one with an egress list is held to the same list: it gets no
 * right by which it could change the rules, or send beside them, for both. That it is held is seen in
 * its own record, by the capabilities that were taken: who has the list may be gone, or be another by then.
 */

import { beyondEgress, egressConflict } from "../options/egress.ts";
import type { RunOptions } from "../options/options.ts";
import { findContainer } from "./state.ts";
import { WishError } from "./wish-error.ts";

/** Whether a container is held to a list: its own, or that of whose network it shares. */
export const isHeld = ({ egress, network, capDrop = [] }: RunOptions): boolean =>
  egress !== undefined ||
  (typeof network === "object" &&
    "container" in network &&
    beyondEgress.every((name) => capDrop.includes(name)));

/**
 * The options with which it is held to the list of the container whose network it shares, if that is held to
 * one.
 *
 * @throws WishError when they ask for what no list holds
 */
export function heldToList(options: RunOptions, runRoot: string): RunOptions {
  const { network, privileged, capAdd = [], capDrop = [] } = options;
  if (typeof network !== "object" || !("container" in network)) return options;
  const holder = network.container;
  const { state } = findContainer(runRoot, holder);
  if (state === null || !isHeld(state.options)) return options;
  const conflict = egressConflict(privileged === true, capAdd);
  if (conflict !== null) {
    throw new WishError([
      `--network container:${holder}: conflicting options: ${holder} is held to an egress list, to which nothing is with ${conflict}`,
    ]);
  }
  return isHeld(options) ? options : { ...options, capDrop: [...capDrop, ...beyondEgress] };
}
