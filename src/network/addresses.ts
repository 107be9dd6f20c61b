/** Which addresses a container has on a network: those asked for, else the lowest that are free. */

import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { listIfThere } from "../host/list-if-there.ts";
import type { NetworkWish } from "../options/network.ts";
import {
  type Address,
  formatAddress,
  holds,
  parseAddress,
  parseSubnet,
  type Subnet,
  sizeOf,
} from "./address.ts";
import { type Lease, leaseDirectory, ownerOf, takeLease } from "./lease.ts";
import type { Network, NetworkSubnet } from "./network.ts";

type Taker = {
  /** Is told each lease at once, also when a later one fails. */
  readonly took: (lease: Lease) => void;
  readonly roots: Roots;
  readonly id: string;
  readonly isRunning: boolean;
  readonly nameOf: (id: string) => string;
};

/** The first and the last address that may be given: neither the network's nor that of all. */
function bounds(subnet: Subnet, range: Subnet): readonly [first: bigint, last: bigint] {
  const end = subnet.base + sizeOf(subnet) - 1n;
  const spare = sizeOf(subnet) > 2n ? 1n : 0n;
  const first = subnet.base + spare;
  const last = subnet.family === 4 ? end - spare : end;
  const rangeEnd = range.base + sizeOf(range) - 1n;
  return [range.base > first ? range.base : first, rangeEnd < last ? rangeEnd : last];
}

function subnetOf({ subnet }: NetworkSubnet): Subnet {
  const parsed = parseSubnet(subnet);
  if (parsed === null) throw new Error(`a network has the subnet ${subnet}`);
  return parsed;
}

async function take(network: Network, ip: string, taker: Taker): Promise<boolean> {
  const { roots, id, isRunning, took } = taker;
  const lease = await takeLease(roots, network.id, ip, id, isRunning);
  if (lease !== null) took(lease);
  return lease !== null;
}

async function takeLowest(network: Network, at: NetworkSubnet, taker: Taker): Promise<string> {
  const subnet = subnetOf(at);
  const range = at.range === null ? subnet : (parseSubnet(at.range) ?? subnet);
  const [first, last] = bounds(subnet, range);
  const taken = new Set(listIfThere(leaseDirectory(taker.roots, network.id)));
  // Those that are taken are tried once more, last: one may be of a container that was killed.
  for (const again of [false, true]) {
    const most = first + BigInt(taken.size) + 4096n;
    for (let value = first; value <= last && value <= most; value++) {
      const ip = formatAddress({ family: subnet.family, value });
      if (ip === at.gateway || taken.has(ip) !== again) continue;
      if (await take(network, ip, taker)) return ip;
    }
  }
  throw new WishError([
    `network ${network.name}: all addresses of ${at.range ?? at.subnet} are in use`,
  ]);
}

async function takeGiven(network: Network, given: Address, taker: Taker): Promise<string> {
  const ip = formatAddress(given);
  const at = network.subnets.find((each) => holds(subnetOf(each), given));
  if (at === undefined) {
    const has = network.subnets.map(({ subnet }) => subnet).join(", ");
    throw new WishError([`address ${ip} is not in network ${network.name}, which has ${has}`]);
  }
  if (ip === at.gateway) {
    throw new WishError([`address ${ip} is the host's own in network ${network.name}`]);
  }
  if (await take(network, ip, taker)) return ip;
  const owner = ownerOf(`${leaseDirectory(taker.roots, network.id)}/${ip}`);
  const who = owner === null ? "" : `: container ${taker.nameOf(owner)} has it`;
  throw new WishError([`address ${ip} of network ${network.name} is in use${who}`]);
}

/**
 * Takes an address of each family that the network has.
 *
 * @throws WishError when one that was asked for is in use, or none is left
 */
export async function takeAddresses(
  network: Network,
  wish: NetworkWish,
  taker: Taker,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [given, family] of [
    [wish.ip, 4],
    [wish.ip6, 6],
  ] as const) {
    const at = network.subnets.find((each) => subnetOf(each).family === family);
    const address = given === undefined ? null : parseAddress(given);
    if (at === undefined && address === null) continue;
    const ip =
      address !== null
        ? await takeGiven(network, address, taker)
        : at !== undefined
          ? await takeLowest(network, at, taker)
          : null;
    if (ip !== null) found.push(ip);
  }
  return found;
}

/** As docker had it: with the address comes the name of the interface, so no two have the same. */
export function macOf(addresses: readonly string[]): string {
  const address = parseAddress(addresses[0] ?? "");
  const value = address === null ? 0n : address.value & 0xffff_ffffn;
  const bytes = [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn);
  return ["02", "42", ...bytes.map((byte) => byte.toString(16).padStart(2, "0"))].join(":");
}
