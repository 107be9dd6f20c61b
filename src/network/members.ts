/** Which containers a network has, and which networks a container. */

import type { ContainerRecord } from "../container/record.ts";
import { type Container, isAlive } from "../engine/status.ts";
import type { NetworkWish } from "../options/network.ts";
import { type LiveConnection, liveConnections } from "./live.ts";
import { defaultNetwork, type Network } from "./network.ts";

/** What a container asks for when it is started; none in other modes. */
export function recordedWishes({
  options,
  networkMode,
}: Pick<ContainerRecord, "options" | "networkMode">): NetworkWish[] {
  const { network, networks = [] } = options;
  if (typeof network === "object" && "network" in network) return [network, ...networks];
  const isDefault = network === undefined || network === "private";
  if (!isDefault || networkMode !== defaultNetwork) return [];
  return [{ network: defaultNetwork }, ...networks];
}

export const connectionsOf = (container: Container): LiveConnection[] =>
  isAlive(container) ? liveConnections(container.directory) : [];

/** Names of its networks: of one that runs those that it has now. */
export function networkNames(container: Container): string[] {
  const live = connectionsOf(container).map(({ network }) => network);
  return live.length > 0 ? live : recordedWishes(container.record).map(({ network }) => network);
}

/** Whether it would have the network, by its name or by its id. */
export const uses = (container: Container, { id, name }: Pick<Network, "id" | "name">): boolean =>
  networkNames(container).some(
    (each) => each === name || (each.length >= 12 && id.startsWith(each)),
  );

/** Those that are connected now. */
export const liveMembers = (
  containers: readonly Container[],
  network: Pick<Network, "id">,
): { readonly container: Container; readonly connection: LiveConnection }[] =>
  containers.flatMap((container) =>
    connectionsOf(container)
      .filter(({ networkId }) => networkId === network.id)
      .map((connection) => ({ container, connection })),
  );
