/** Networks in the engine's database: who makes one sees all the others meanwhile. */

import { randomBytes } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { WishError } from "../container/wish-error.ts";
import { inTransaction, readDatabase, withDatabase } from "../engine/database.ts";
import { type Family, formatAddress, overlaps, parseSubnet, type Subnet } from "./address.ts";
import { defaultNetwork, type Network, type NetworkSubnet } from "./network.ts";
import { freeSubnet, privateSubnet6 } from "./pool.ts";
import { type Route, readRoutes } from "./routes.ts";

export type NewNetwork = Pick<
  Network,
  "name" | "internal" | "ipv6" | "attachable" | "labels" | "options"
> & {
  /** Those asked for; a family that has none gets one where it is needed. */
  readonly subnets: readonly {
    readonly subnet: Subnet;
    readonly gateway: string | null;
    readonly range: string | null;
  }[];
};

const networkOf = (row: Readonly<Record<string, unknown>>): Network =>
  JSON.parse(String(row["record"])) as Network;

const all = (database: DatabaseSync): Network[] =>
  database.prepare("SELECT record FROM networks ORDER BY created, id").all().map(networkOf);

/** Those that there are, the oldest first. */
export const listNetworks = async (dataRoot: string): Promise<Network[]> =>
  (await readDatabase(dataRoot, all)) ?? [];

const subnetsOf = ({ subnets }: Network): Subnet[] =>
  subnets.flatMap(({ subnet }) => parseSubnet(subnet) ?? []);

/** In docker's words, which scripts look for. */
function checkOverlap(wanted: Subnet, others: readonly Network[], routes: readonly Route[]): void {
  const text = `${formatAddress({ family: wanted.family, value: wanted.base })}/${wanted.bits}`;
  const other = others.find((each) => subnetsOf(each).some((subnet) => overlaps(subnet, wanted)));
  if (other !== undefined) {
    throw new WishError([
      `subnet ${text}: pool overlaps with other one on this address space: network ${other.name} has ${other.subnets.map(({ subnet }) => subnet).join(", ")}`,
    ]);
  }
  const route = routes.find(({ subnet }) => overlaps(subnet, wanted));
  if (route !== undefined) {
    throw new WishError([
      `subnet ${text}: this machine reaches addresses of it by ${route.interface} already (ip route): choose another --subnet`,
    ]);
  }
}

type Around = {
  readonly others: readonly Network[];
  readonly routes: readonly Route[];
  readonly kind: "large" | "small";
};

function chooseSubnet(family: Family, { others, routes, kind }: Around): Subnet {
  const taken = [...others.flatMap(subnetsOf), ...routes.map(({ subnet }) => subnet)];
  const text = family === 6 ? privateSubnet6() : freeSubnet(kind, taken);
  const chosen = text === null ? null : parseSubnet(text);
  if (chosen === null) {
    throw new WishError([
      "all private subnets that pivot gives to networks are in use on this machine: choose one by --subnet",
    ]);
  }
  return chosen;
}

function settleSubnets(wish: NewNetwork, around: Around): NetworkSubnet[] {
  const given = [...wish.subnets];
  for (const { subnet } of given) checkOverlap(subnet, around.others, around.routes);
  const lacks = (family: Family): boolean => given.every(({ subnet }) => subnet.family !== family);
  const none = { gateway: null, range: null };
  if (lacks(4)) given.unshift({ subnet: chooseSubnet(4, around), ...none });
  if (wish.ipv6 && lacks(6)) given.push({ subnet: chooseSubnet(6, around), ...none });
  return given.map(({ subnet, gateway, range }) => ({
    subnet: `${formatAddress({ family: subnet.family, value: subnet.base })}/${subnet.bits}`,
    gateway: gateway ?? formatAddress({ family: subnet.family, value: subnet.base + 1n }),
    range,
  }));
}

/** Names of interfaces have at most 15 bytes. */
function interfaceOf(wish: NewNetwork, id: string, dataRoot: string): string {
  const asked = wish.options["com.docker.network.bridge.name"];
  if (asked !== undefined) return asked;
  const isUsual = wish.name === defaultNetwork && dataRoot === "/var/lib/pivot";
  return isUsual ? "pivot0" : `pv-${id.slice(0, 12)}`;
}

function insert(database: DatabaseSync, wish: NewNetwork, dataRoot: string): Network {
  const others = all(database);
  if (others.some(({ name }) => name === wish.name)) {
    throw new WishError([
      `network with name ${wish.name} already exists: \`pivot network inspect ${wish.name}\` shows it`,
    ]);
  }
  const id = randomBytes(32).toString("hex");
  const name = interfaceOf(wish, id, dataRoot);
  const same = others.find((each) => each.interface === name);
  if (same !== undefined) {
    throw new WishError([`the bridge ${name} is that of network ${same.name}: choose another`]);
  }
  const kind = wish.name === defaultNetwork ? "large" : "small";
  const network: Network = {
    ...wish,
    id,
    created: Date.now(),
    driver: "bridge",
    interface: name,
    subnets: settleSubnets(wish, { others, routes: readRoutes(), kind }),
  };
  database
    .prepare("INSERT INTO networks (id, name, created, record) VALUES (?, ?, ?, ?)")
    .run(id, network.name, network.created, JSON.stringify(network));
  return network;
}

/** @throws WishError when the name or a subnet is taken, or there is none left */
export const createNetwork = (dataRoot: string, wish: NewNetwork): Promise<Network> =>
  withDatabase(dataRoot, (database) =>
    inTransaction(database, () => insert(database, wish, dataRoot)),
  );

const standard: NewNetwork = {
  name: defaultNetwork,
  internal: false,
  ipv6: false,
  attachable: false,
  labels: {},
  options: {},
  subnets: [],
};

/** All of them, with the default one, which is made if it is not there yet. */
export function networksWithDefault(dataRoot: string): Promise<Network[]> {
  const isThere = (list: readonly Network[]) => list.some(({ name }) => name === defaultNetwork);
  return withDatabase(dataRoot, (database) => {
    const found = all(database);
    if (isThere(found)) return found;
    return inTransaction(database, () => {
      const again = all(database);
      return isThere(again) ? again : [...again, insert(database, standard, dataRoot)];
    });
  });
}

export const forgetNetwork = (dataRoot: string, id: string): Promise<void> =>
  withDatabase(dataRoot, (database) => {
    database.prepare("DELETE FROM networks WHERE id = ?").run(id);
  });

/** In docker's words, which scripts look for. */
export const noSuchNetwork = (word: string): WishError =>
  new WishError([`network ${word} not found: \`pivot network ls\` lists them`]);

/**
 * Of these, the one that is meant by a name, an id or the beginning of one; undefined: there is none.
 *
 * @throws WishError when there is more than one
 */
export function findNetwork<N extends Pick<Network, "id" | "name">>(
  networks: readonly N[],
  word: string,
): N | undefined {
  const exact = networks.find(({ id, name }) => name === word || id === word);
  if (exact !== undefined) return exact;
  const found = /^[0-9a-f]+$/.test(word) ? networks.filter(({ id }) => id.startsWith(word)) : [];
  if (found.length > 1) {
    throw new WishError([
      `${found.length} networks have ids that begin with ${word}: give more of it`,
    ]);
  }
  return found[0];
}

/** The same, where there has to be one. @throws WishError when there is none, or more than one */
export function pickNetwork<N extends Pick<Network, "id" | "name">>(
  networks: readonly N[],
  word: string,
): N {
  const found = findNetwork(networks, word);
  if (found === undefined) throw noSuchNetwork(word);
  return found;
}
