/** Connecting containers to networks, and disconnecting them, while they run or before they do. */

import { existsSync } from "node:fs";
import { resolverFile, withoutLoopback } from "../container/network-files.ts";
import type { ContainerRecord } from "../container/record.ts";
import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { carryOut } from "../engine/act.ts";
import { changeRecord } from "../engine/kept.ts";
import { type Container, isAlive } from "../engine/status.ts";
import { readIfThere } from "../host/first-process.ts";
import type { NetworkWish } from "../options/network.ts";
import type { RunOptions } from "../options/options.ts";
import type { Step } from "../plan/op.ts";
import { upstreamFile } from "../planner/egress.ts";
import { connectionDirectory, planConnection, teardown } from "../planner/network.ts";
import { byParent, onHost, write } from "../planner/step.ts";
import { readBounded } from "../verify/process-handle.ts";
import { connectTo, requireNetavark } from "./connect.ts";
import { type Lease, releaseLeases } from "./lease.ts";
import { type LiveConnection, liveConnections } from "./live.ts";
import { connectionsOf, networkNames, recordedWishes, uses } from "./members.ts";
import { hasNames, type Network } from "./network.ts";

/** What a container has written into a file of ours may be anything, and much. */
const longestFile = 1 << 20;

/**
 * New text for a file that a running container sees: the same inode, so what it is to see must be
 * as long as what it saw.
 */
function rewrite(path: string, change: (text: string) => string, why: string): Step[] {
  if (!existsSync(path)) return [];
  const before = readBounded(path, longestFile + 1);
  if (Buffer.byteLength(before) > longestFile) return [];
  const after = change(before).trimEnd();
  const missing = Math.max(1, Buffer.byteLength(before) - Buffer.byteLength(after));
  return [byParent(write(onHost(path), after + "\n".repeat(missing)), why)];
}

/** Names of other members resolve by the gateway's name server, where there is one. */
function filesFor(
  { directory, record }: Container,
  connections: readonly { readonly gateways: readonly string[]; readonly named: boolean }[],
  hosts: (text: string) => string,
): Step[] {
  const names = connections.filter(({ named }) => named).flatMap(({ gateways }) => gateways);
  const { dns = [], dnsSearch = [], dnsOptions = [] } = record.options;
  const upstream = readIfThere("/run/systemd/resolve/resolv.conf") ?? "";
  const resolver = resolverFile({
    hostText: withoutLoopback(readIfThere("/etc/resolv.conf") ?? "", upstream),
    dns: names.length > 0 ? names.slice(0, 3) : dns,
    search: dnsSearch,
    options: dnsOptions,
  });
  return [
    ...rewrite(`${directory}/hosts`, hosts, "its address in the network"),
    // With a list the container asks its guard, and the guard these.
    ...rewrite(
      record.options.egress === undefined ? `${directory}/resolv.conf` : upstreamFile(directory),
      () => resolver,
      "who knows the names of members",
    ),
  ];
}

const gatewaysOf = ({ subnets }: Pick<LiveConnection, "subnets">): string[] =>
  subnets.map(({ gateway }) => gateway);

const isNamed = ({ network }: LiveConnection, all: readonly Network[]): boolean => {
  const found = all.find(({ name }) => name === network);
  return found !== undefined && hasNames(found);
};

/** Networks as a container's options have them from now on. */
const withWishes = (options: RunOptions, wishes: readonly NetworkWish[]): RunOptions => {
  const [first, ...more] = wishes;
  return {
    ...options,
    network: first ?? "none",
    networks: more.length > 0 ? more : undefined,
    // They are the first network's, whichever that is now.
    ...(first?.network === recordedFirst(options) ? {} : withoutEndpoint),
  };
};

const withoutEndpoint = {
  ip: undefined,
  ip6: undefined,
  macAddress: undefined,
  networkAliases: undefined,
} as const;

const recordedFirst = ({ network }: RunOptions): string | null =>
  typeof network === "object" && "network" in network ? network.network : null;

async function keep(container: Container, wishes: readonly NetworkWish[]): Promise<void> {
  if (!container.kept) return;
  const options = withWishes(container.record.options, wishes);
  const networkMode = wishes[0]?.network ?? "none";
  await changeRecord({ ...container.record, options, networkMode });
}

/** Containers that share another's namespace, or the host's, have no interface of their own. */
function checkMode({ networkMode }: ContainerRecord, name: string, isRunning: boolean): void {
  if (/^(?:host$|container:|\/|ns:)/.test(networkMode)) {
    throw new WishError([
      `container ${name} cannot be connected to a network: it shares a network namespace (${networkMode})`,
    ]);
  }
  if (networkMode === "pasta") {
    throw new WishError([
      `container ${name} cannot be connected to a network: it has the machine's own by pasta`,
    ]);
  }
  if (isRunning && networkMode === "none") {
    throw new WishError([
      `container ${name} cannot be connected while it runs: it was started with no network at all: stop it first`,
    ]);
  }
}

/**
 * Connects a container, at once if it runs, and whenever it is started.
 *
 * @throws WishError when it is connected already, or cannot be
 */
export async function connectExisting(
  container: Container,
  network: Network,
  wish: NetworkWish,
  roots: Roots,
  all: readonly Network[],
): Promise<void> {
  const { name, id, directory, record: about } = container;
  const isRunning = isAlive(container);
  checkMode(about, name, isRunning);
  if (uses(container, network)) {
    throw new WishError([`container ${name} is connected to network ${network.name} already`]);
  }
  if (isRunning) {
    const netavark = requireNetavark(roots, `network connect ${network.name}`);
    const live = connectionsOf(container);
    const leases: Lease[] = [];
    const taken = live.map((each) => each.interface);
    try {
      const of = { roots, id, name, dns: about.options.dns ?? [], taken, isRunning };
      const how = { ports: [], netavark, took: (lease: Lease) => leases.push(lease) };
      const { connection, addresses } = await connectTo(network, wish, of, how);
      const shown = [
        ...live.map((each) => ({ gateways: gatewaysOf(each), named: isNamed(each, all) })),
        { gateways: gatewaysOf(network), named: hasNames(network) && netavark.nameServer !== null },
      ];
      const lines = addresses.map((ip) => `${ip}\t${about.hostname}`).join("\n");
      await carryOut([
        ...planConnection(netavark, container, connection, `${directory}/pid`),
        ...filesFor(container, shown, (text) => `${text.trimEnd()}\n${lines}`),
      ]);
    } catch (error) {
      releaseLeases(leases, id);
      throw error;
    }
  }
  await keep(container, [...recordedWishes(about), wish]);
}

/** Those that are not the network's. */
const othersOf = (wishes: readonly NetworkWish[], { id, name }: Network): NetworkWish[] =>
  wishes.filter(
    ({ network }) => network !== name && !(network.length >= 12 && id.startsWith(network)),
  );

/** @throws WishError when it is not connected, or netavark fails */
export async function disconnectExisting(
  container: Container,
  network: Network,
  roots: Roots,
  all: readonly Network[],
): Promise<void> {
  const { id, name, directory, record: about } = container;
  if (!uses(container, network)) {
    throw new WishError([
      `container ${name} is not connected to the network ${network.name}: its networks are ${networkNames(container).join(", ") || "none"}`,
    ]);
  }
  const live = isAlive(container) ? liveConnections(directory) : [];
  const found = live.find(({ networkId }) => networkId === network.id);
  if (found !== undefined) {
    const netavark = requireNetavark(roots, `network disconnect ${network.name}`);
    const how = { id, only: found.interface, processFile: `${directory}/pid`, left: null };
    const rest = live.filter((each) => each !== found);
    const shown = rest.map((each) => ({ gateways: gatewaysOf(each), named: isNamed(each, all) }));
    const isGone = (line: string): boolean =>
      found.addresses.some((ip) => line.startsWith(`${ip}\t`));
    const hosts = (text: string): string =>
      text
        .split("\n")
        .filter((line) => !isGone(line))
        .join("\n");
    await carryOut([
      byParent(teardown(netavark, connectionDirectory(directory), how), "network disconnect"),
      ...filesFor(container, shown, hosts),
    ]);
  }
  await keep(container, othersOf(recordedWishes(about), network));
}
