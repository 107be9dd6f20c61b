/** Which ports of the host lead to a container. */

import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { readIfThere } from "../host/first-process.ts";
import { listIfThere } from "../host/list-if-there.ts";
import type { ExposedPorts, Protocol, PublishedPorts } from "../options/publish.ts";
import type { ReservedPort } from "../planner/network.ts";
import { bytesOf, parseAddress } from "./address.ts";
import { type Lease, leaseDirectory, ownerOf, releaseLeases, takeLease } from "./lease.ts";
import { type Listener, listeners, programWith } from "./sockets.ts";

/** As netavark takes it, and as it is read back for `ps` and `port`. */
export type PortMapping = {
  /** Empty: every address of the host. */
  readonly host_ip: string;
  readonly host_port: number;
  readonly container_port: number;
  /** How many, one after the other. */
  readonly range: number;
  readonly protocol: Protocol;
};

/** Beyond this a container with a careless image would take minutes to start. */
const mostPorts = 4096;

type Taker = {
  readonly roots: Roots;
  readonly id: string;
  readonly nameOf: (id: string) => string;
  /** Is told each lease at once. */
  readonly took: (lease: Lease) => void;
};

const leaseName = (protocol: Protocol, port: number, ip: string): string =>
  `${protocol}-${port}@${ip}`;

const isAny = (ip: string): boolean => ip === "" || ip === "0.0.0.0" || ip === "::";

const isSix = (ip: string): boolean => ip.includes(":");

/** Whether a packet could be meant for both. */
function meets(a: string, b: string): boolean {
  if (a === "" || b === "") return true;
  return a === b || (isSix(a) === isSix(b) && (isAny(a) || isAny(b)));
}

/** Takes the port; or gives the name of the container that has it. */
async function takePort(
  { protocol, hostIp }: PublishedPorts,
  port: number,
  { roots, id, nameOf, took }: Taker,
): Promise<string | null> {
  const name = leaseName(protocol, port, hostIp);
  const directory = leaseDirectory(roots, "ports");
  const lease = await takeLease(roots, "ports", name, id);
  if (lease === null) return nameOf(ownerOf(`${directory}/${name}`) ?? "");
  // Ours is there already: of two who overlap, at least one sees the other.
  const other = listIfThere(directory).find((each) => {
    const [what = "", ip = ""] = each.split("@");
    return each !== name && what === `${protocol}-${port}` && meets(ip, hostIp);
  });
  if (other === undefined) {
    took(lease);
    return null;
  }
  releaseLeases([lease], id);
  return nameOf(ownerOf(`${directory}/${other}`) ?? "");
}

/** Hexadecimal, as /proc/net has addresses; all zero is every one. */
const isWild = ({ address }: Listener): boolean => /^0+$/.test(address);

const asListed = (ip: string): string | null => {
  const address = parseAddress(ip);
  if (address === null || address.family === 6) return null;
  return [...bytesOf(address)]
    .toReversed()
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .toUpperCase();
};

/** A program of the host that serves the port. */
const serverOf = (all: readonly Listener[], port: number, ip: string): Listener | undefined =>
  all.find(
    (each) =>
      each.port === port &&
      (isAny(ip) || isSix(ip) || isWild(each) || each.address === asListed(ip)),
  );

const shown = (port: number, { protocol, hostIp }: PublishedPorts): string =>
  `port ${hostIp === "" ? "" : `${isSix(hostIp) ? `[${hostIp}]` : hostIp}:`}${port}/${protocol} of this machine`;

/** ip(7): what the machine itself chooses from for its own connections, as docker does. */
function ephemeralRange(): readonly [first: number, last: number] {
  const text = readIfThere("/proc/sys/net/ipv4/ip_local_port_range") ?? "";
  const [first = 32768, last = 60999] = text.trim().split(/\s+/).map(Number);
  return [first, last];
}

/** Numbers from a range, beginning somewhere: two starts at once try different ones first. */
function* around(first: number, last: number): Generator<number> {
  const count = last - first + 1;
  const from = Math.floor(Math.random() * count);
  for (let i = 0; i < count; i++) yield first + ((from + i) % count);
}

async function takeAny(wish: PublishedPorts, taker: Taker): Promise<number> {
  const all = listeners(wish.protocol);
  const [first, last] =
    wish.hostFirst === 0 ? ephemeralRange() : ([wish.hostFirst, wish.hostLast] as const);
  for (const port of around(first, last)) {
    if (serverOf(all, port, wish.hostIp) !== undefined) continue;
    if ((await takePort(wish, port, taker)) === null) return port;
  }
  throw new WishError([`all ports from ${first} to ${last}/${wish.protocol} are in use`]);
}

async function takeThis(wish: PublishedPorts, port: number, taker: Taker): Promise<number> {
  const server = serverOf(listeners(wish.protocol), port, wish.hostIp);
  const other = await takePort(wish, port, taker);
  if (other !== null) {
    throw new WishError([
      `${shown(port, wish)} is already allocated: container ${other} has it: choose another with -p`,
    ]);
  }
  if (server === undefined) return port;
  const program = programWith(server) ?? "some program";
  throw new WishError([
    `${shown(port, wish)} is already in use by ${program}: choose another with -p`,
  ]);
}

async function settle(wish: PublishedPorts, taker: Taker): Promise<PortMapping[]> {
  const mapping = { host_ip: wish.hostIp, protocol: wish.protocol };
  const isFixed = wish.hostFirst !== 0 && wish.hostLast - wish.hostFirst + 1 === wish.count;
  if (isFixed) {
    for (let i = 0; i < wish.count; i++) await takeThis(wish, wish.hostFirst + i, taker);
    const ports = { host_port: wish.hostFirst, container_port: wish.containerFirst };
    return [{ ...mapping, ...ports, range: wish.count }];
  }
  const found: PortMapping[] = [];
  for (let i = 0; i < wish.count; i++) {
    const port = await takeAny(wish, taker);
    found.push({ ...mapping, host_port: port, container_port: wish.containerFirst + i, range: 1 });
  }
  return found;
}

/** What `-P` adds: each exposed port that is not published already. */
export function publishedBy(
  exposed: readonly ExposedPorts[],
  published: readonly PublishedPorts[],
): PublishedPorts[] {
  const seen = new Set(
    published.flatMap(({ containerFirst, count, protocol }) =>
      Array.from({ length: count }, (_, i) => `${containerFirst + i}/${protocol}`),
    ),
  );
  const added: PublishedPorts[] = [];
  for (const { first, count, protocol } of exposed) {
    for (let port = first; port < first + count && added.length <= mostPorts; port++) {
      const key = `${port}/${protocol}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const any = { hostIp: "", hostFirst: 0, hostLast: 0 };
      added.push({ ...any, containerFirst: port, count: 1, protocol });
    }
  }
  return added;
}

/**
 * Ports with the addresses that netavark takes: by 0.0.0.0 it means that address alone, and by none
 * all of each family that the container has.
 *
 * @param hasSix the container's network has addresses of IPv6
 * @throws WishError when that is not what is asked for
 */
export function atFamilies(ports: readonly PublishedPorts[], hasSix: boolean): PublishedPorts[] {
  return ports.map((each) => {
    const { hostIp } = each;
    if (isSix(hostIp) && !hasSix) {
      throw new WishError([
        `-p: nothing can be published at [${hostIp}]: the container's network has no IPv6: see \`pivot network create --ipv6\``,
      ]);
    }
    if (hostIp === "" || !isAny(hostIp)) return each;
    if (hasSix) {
      throw new WishError([
        `-p: netavark cannot publish at ${hostIp} alone in a network that has both IPv4 and IPv6: leave the address out, or name one of this machine`,
      ]);
    }
    return { ...each, hostIp: "" };
  });
}

/** @throws WishError when one is in use, with the name of who has it */
export async function takePorts(
  wishes: readonly PublishedPorts[],
  taker: Taker,
): Promise<PortMapping[]> {
  const total = wishes.reduce((sum, { count }) => sum + count, 0);
  if (total > mostPorts) {
    throw new WishError([`${total} ports are to be published: ${mostPorts} are the most`]);
  }
  const all: PortMapping[] = [];
  for (const wish of wishes) all.push(...(await settle(wish, taker)));
  return all;
}

const numbers: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };

/** What the executor holds for a mapping, so that no program of the host takes it meanwhile. */
export function reservationsOf(
  { host_ip, host_port, range, protocol }: PortMapping,
  hasSix: boolean,
): ReservedPort[] {
  const addresses = host_ip !== "" ? [host_ip] : hasSix ? ["0.0.0.0", "::"] : ["0.0.0.0"];
  return addresses.flatMap((ip) => {
    const address = parseAddress(ip);
    if (address === null) return [];
    return [
      { protocol: numbers[protocol], address: bytesOf(address), port: host_port, count: range },
    ];
  });
}
