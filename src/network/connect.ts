/**
 * A container's networks, before its plan is made: which there are, which addresses and ports it
 * gets, and what follows for /etc/hosts and /etc/resolv.conf.
 */

import { existsSync } from "node:fs";
import { nameOf } from "../container/record.ts";
import type { Roots } from "../container/roots.ts";
import { readState } from "../container/state.ts";
import { WishError } from "../container/wish-error.ts";
import type { NetworkMode } from "../options/namespace-mode.ts";
import type { NetworkWish } from "../options/network.ts";
import type { RunOptions } from "../options/options.ts";
import { type ExposedPorts, type PublishedPorts, parseExpose } from "../options/publish.ts";
import type { Connection, Netavark, NetworkSetting } from "../planner/network.ts";
import { macOf, takeAddresses } from "./addresses.ts";
import { howToInstall } from "./installed.ts";
import { type Lease, releaseLeases } from "./lease.ts";
import { findNetavark, netavarkConfig } from "./netavark.ts";
import { defaultNetwork, hasNames, type Network } from "./network.ts";
import { atFamilies, type PortMapping, publishedBy, reservationsOf, takePorts } from "./ports.ts";
import { networksWithDefault, pickNetwork } from "./store.ts";

export type Connected = {
  readonly setting: NetworkSetting;
  /** Settings of its interfaces, for `linux.sysctl`; what somebody has asked for goes before. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Its addresses, for /etc/hosts. */
  readonly addresses: readonly string[];
  /** Who resolves names of the networks' members; none: the host's servers do. */
  readonly nameServers: readonly string[];
  readonly warnings: readonly string[];
  /** Gives back what was taken, for a start that does not come about. */
  readonly release: () => void;
};

/** The name of a container that runs, or of one that is about to. */
export const runningName = ({ runRoot }: Pick<Roots, "runRoot">, id: string): string =>
  nameOf({ id, name: readState(runRoot, id).state?.name ?? null });

/** The networks that are asked for, the first one first; none for other modes. */
export function wantedNetworks(mode: NetworkMode, options: RunOptions): NetworkWish[] {
  if (typeof mode !== "object" || !("network" in mode)) return [];
  const { ip, ip6, macAddress, networkAliases } = options;
  const first: NetworkWish = {
    ...mode,
    ...(ip === undefined ? {} : { ip }),
    ...(ip6 === undefined ? {} : { ip6 }),
    ...(macAddress === undefined ? {} : { mac: macAddress }),
    ...(networkAliases === undefined
      ? {}
      : { aliases: [...(mode.aliases ?? []), ...networkAliases] }),
  };
  return [first, ...(options.networks ?? [])];
}

/** @throws WishError when the program is missing */
export function requireNetavark(roots: Pick<Roots, "runRoot">, what: string): Netavark {
  const found = findNetavark(roots);
  if (found === null) throw new WishError([`${what}: ${howToInstall}`]);
  return found;
}

export type ConnectWish = {
  readonly roots: Roots;
  readonly id: string;
  /** The container's name. */
  readonly name: string;
  readonly dns: readonly string[];
  /** Interfaces that it has already. */
  readonly taken: readonly string[];
  readonly isRunning: boolean;
};

const hasIPv6 = (): boolean => existsSync("/proc/sys/net/ipv6/conf");

type Made = {
  readonly connection: Connection;
  readonly network: Network;
  readonly addresses: readonly string[];
};

/** Connects to one network: takes addresses, and says what netavark is to be told. */
export async function connectTo(
  network: Network,
  wish: NetworkWish,
  { roots, id, name, dns, taken, isRunning }: ConnectWish,
  {
    ports,
    netavark,
    took,
  }: {
    readonly ports: readonly PortMapping[];
    readonly netavark: Netavark;
    readonly took: (lease: Lease) => void;
  },
): Promise<Made> {
  if ((wish.aliases ?? []).length > 0 && !hasNames(network)) {
    throw new WishError([
      `--network-alias: names do not resolve in the network ${network.name}: make one with \`pivot network create\``,
    ]);
  }
  const of = { roots, id, isRunning, took, nameOf: (owner: string) => runningName(roots, owner) };
  const addresses = await takeAddresses(network, wish, of);
  let number = 0;
  while (taken.includes(`eth${number}`)) number++;
  const config = netavarkConfig(
    {
      id,
      name,
      network,
      interface: `eth${number}`,
      addresses,
      mac: wish.mac ?? macOf(addresses),
      aliases: hasNames(network) ? [id.slice(0, 12), ...(wish.aliases ?? [])] : [],
      ports,
      dns,
    },
    netavark.nameServer !== null,
  );
  return {
    connection: {
      interface: `eth${number}`,
      config: JSON.stringify(config),
      bridge: network.interface,
      ipv6: hasIPv6(),
    },
    network,
    addresses,
  };
}

/** Of an image as it says it, since its config may say anything. */
const exposedBy = (image: readonly string[], options: RunOptions): ExposedPorts[] => [
  ...(options.expose ?? []),
  ...image.flatMap((text) => {
    const parsed = parseExpose(text);
    return parsed.ok ? [parsed.value] : [];
  }),
];

/** What `-p` and `-P` ask for. */
export const publishedPorts = (
  options: RunOptions,
  exposed: readonly string[],
): readonly PublishedPorts[] => [
  ...(options.publish ?? []),
  ...(options.publishAll === true
    ? publishedBy(exposedBy(exposed, options), options.publish ?? [])
    : []),
];

const nameServersOf = (made: readonly Made[], { nameServer }: Netavark): string[] =>
  nameServer === null
    ? []
    : made
        .filter(({ network }) => hasNames(network))
        .flatMap(({ network }) => network.subnets.map(({ gateway }) => gateway))
        .slice(0, 3); // as many as resolv.conf(5) takes

function checkTwice(chosen: readonly Network[]): void {
  const twice = chosen.find((each, i) => chosen.findIndex(({ id }) => id === each.id) !== i);
  if (twice !== undefined) {
    throw new WishError([`--network ${twice.name} is given twice: once connects the container`]);
  }
}

/**
 * Addresses and routes are those of the network, whatever others on it say: else any container of it
 * could announce itself as everybody's router (CVE-2020-13401). Where the network has no IPv6 the
 * interface has none either, as with docker.
 */
function sysctlsOf(made: readonly Made[]): Readonly<Record<string, string>> {
  if (!hasIPv6()) return {};
  const settings: Record<string, string> = { "net.ipv6.conf.default.accept_ra": "0" };
  for (const { connection, addresses } of made) {
    const of = `net.ipv6.conf.${connection.interface}`;
    settings[`${of}.accept_ra`] = "0";
    if (!addresses.some((ip) => ip.includes(":"))) settings[`${of}.disable_ipv6`] = "1";
  }
  return settings;
}

/**
 * Takes all that the container's networks need. What was taken is given back when it fails.
 *
 * @param exposed the image's `ExposedPorts`
 * @throws WishError in one line
 */
export async function connectContainer(
  wishes: readonly NetworkWish[],
  options: RunOptions,
  exposed: readonly string[],
  { roots, id, name }: Pick<ConnectWish, "roots" | "id" | "name">,
): Promise<Connected> {
  const netavark = requireNetavark(roots, `--network ${wishes[0]?.network ?? defaultNetwork}`);
  const all = await networksWithDefault(roots.dataRoot);
  const chosen = wishes.map(({ network }) => pickNetwork(all, network));
  checkTwice(chosen);
  const leases: Lease[] = [];
  const took = (lease: Lease) => leases.push(lease);
  const published = publishedPorts(options, exposed);
  const serving = chosen.findIndex(({ internal }) => !internal);
  const warnings: string[] = [];
  if (published.length > 0 && serving < 0) {
    warnings.push("-p: published ports are left out: all its networks are internal");
  }
  if (netavark.nameServer === null && chosen.some(hasNames)) {
    warnings.push(
      "names of containers do not resolve: aardvark-dns is not installed: `apt-get install aardvark-dns` does",
    );
  }
  try {
    const nameOfOwner = (owner: string) => runningName(roots, owner);
    const serves = chosen[serving];
    const withSix = serves?.subnets.some(({ subnet }) => subnet.includes(":")) === true;
    const ports =
      serves === undefined
        ? []
        : await takePorts(atFamilies(published, withSix), { roots, id, nameOf: nameOfOwner, took });
    const made: Made[] = [];
    for (const [i, network] of chosen.entries()) {
      const taken = made.map(({ connection }) => connection.interface);
      const of = { roots, id, name, dns: options.dns ?? [], taken, isRunning: false };
      const how = { ports: i === serving ? ports : [], netavark, took };
      made.push(await connectTo(network, wishes[i] ?? { network: network.name }, of, how));
    }
    const hasSix = made[serving]?.addresses.some((ip) => ip.includes(":")) === true;
    return {
      sysctls: sysctlsOf(made),
      setting: {
        netavark,
        pasta: null,
        connections: made.map(({ connection }) => connection),
        leases: leases.map(({ path }) => path),
        ports: ports.flatMap((port) => reservationsOf(port, hasSix)),
      },
      addresses: made.flatMap(({ addresses }) => addresses),
      nameServers: nameServersOf(made, netavark),
      warnings,
      release: () => releaseLeases(leases, id),
    };
  } catch (error) {
    releaseLeases(leases, id);
    throw error;
  }
}
