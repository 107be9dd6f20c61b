/** `pivot network ls` and `pivot network inspect`. */

import { createHash } from "node:crypto";
import type { Roots } from "../container/roots.ts";
import { type Container, listContainers } from "../engine/status.ts";
import { liveMembers, uses } from "../network/members.ts";
import { defaultNetwork, type Network } from "../network/network.ts";
import { findNetwork, networksWithDefault, noSuchNetwork, pickNetwork } from "../network/store.ts";
import { type Flag, lastValue, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { engineRoots } from "./each-container.ts";
import { hasLabel, readFilters, readTruth } from "./filter.ts";
import { shortId } from "./human.ts";
import {
  filterFlag,
  formatFlag,
  inspectFormatFlag,
  noTruncFlag,
  quietFlag,
  readListing,
} from "./listing-flags.ts";
import { type Column, printDocuments, printRows } from "./output.ts";
import { report } from "./report-error.ts";

export const networkFilterKeys = [
  "dangling",
  "driver",
  "id",
  "label",
  "name",
  "scope",
  "type",
] as const;

export const listFlags: readonly Flag[] = [
  filterFlag(networkFilterKeys),
  formatFlag,
  noTruncFlag,
  quietFlag,
];

export const inspectFlags: readonly Flag[] = [
  inspectFormatFlag,
  { name: "verbose", short: "v", help: "as docker has it; there is no more to tell" },
];

/** With those that docker lists, though nobody makes them. */
export type ListedNetwork = Omit<Network, "driver"> & {
  readonly driver: "bridge" | "host" | "null";
};

/** No id is written down of them: it is the same each time, as far as data roots differ. */
const builtIn = (roots: Roots, name: "host" | "none"): ListedNetwork => ({
  id: createHash("sha256").update(`${roots.dataRoot}\n${name}`).digest("hex"),
  name,
  created: 0,
  driver: name === "host" ? "host" : "null",
  interface: "",
  subnets: [],
  internal: false,
  ipv6: false,
  attachable: false,
  labels: {},
  options: {},
});

export async function listedNetworks(roots: Roots): Promise<ListedNetwork[]> {
  const made = await networksWithDefault(roots.dataRoot);
  return [...made, builtIn(roots, "host"), builtIn(roots, "none")].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
}

export const isBuiltIn = ({ name }: Pick<Network, "name">): boolean =>
  [defaultNetwork, "host", "none"].includes(name);

const columns: readonly Column<ListedNetwork>[] = [
  {
    name: "ID",
    header: "NETWORK ID",
    quiet: true,
    value: ({ id }, { noTrunc }) => (noTrunc ? id : shortId(id)),
  },
  { name: "Name", header: "NAME", value: ({ name }) => name },
  { name: "Driver", header: "DRIVER", value: ({ driver }) => driver },
  { name: "Scope", header: "SCOPE", value: () => "local" },
  { name: "IPv4", header: "IPV4", hidden: true, value: () => "true" },
  { name: "IPv6", header: "IPV6", hidden: true, value: ({ ipv6 }) => String(ipv6) },
  { name: "Internal", header: "INTERNAL", hidden: true, value: (each) => String(each.internal) },
  {
    name: "Labels",
    header: "LABELS",
    hidden: true,
    value: ({ labels }) =>
      Object.entries(labels)
        .map(([name, value]) => `${name}=${value}`)
        .join(","),
  },
  {
    name: "Label",
    header: "",
    hidden: true,
    value:
      ({ labels }) =>
      (name: unknown) =>
        labels[String(name)] ?? "",
  },
  {
    name: "CreatedAt",
    header: "CREATED AT",
    hidden: true,
    value: ({ created }) => new Date(created).toISOString(),
  },
];

export async function listCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (given.words.length > 0) throw new UsageError("usage: pivot network ls [OPTIONS]");
  const roots = engineRoots(globals);
  const filters = given.flags.get("filter") ?? [];
  const asksForUse = filters.some((word) => word.startsWith("dangling"));
  const containers = asksForUse ? await listContainers(roots) : [];
  const isDangling = (each: ListedNetwork): boolean =>
    !isBuiltIn(each) && !containers.some((container) => uses(container, each));
  const passes = readFilters<ListedNetwork>(filters, {
    dangling: (each, value) => readTruth("dangling", value) === isDangling(each),
    driver: ({ driver }, value) => driver === value,
    id: ({ id }, value) => id.startsWith(value),
    label: ({ labels }, value) => hasLabel(labels, value),
    name: ({ name }, value) => name.includes(value),
    scope: (_, value) => value === "local",
    type: (each, value) => {
      if (value !== "custom" && value !== "builtin") {
        throw new UsageError(`--filter type takes custom or builtin, received ${value}`);
      }
      return (value === "builtin") === isBuiltIn(each);
    },
  });
  printRows((await listedNetworks(roots)).filter(passes), columns, readListing(given));
  return 0;
}

const lengthOf = (subnet: string): string => subnet.slice(subnet.indexOf("/"));

function memberOf(
  { container, connection }: ReturnType<typeof liveMembers>[number],
  network: ListedNetwork,
) {
  const withLength = (isSix: boolean): string => {
    const ip = connection.addresses.find((each) => each.includes(":") === isSix);
    const subnet = network.subnets.find((each) => each.subnet.includes(":") === isSix)?.subnet;
    return ip === undefined || subnet === undefined ? "" : `${ip}${lengthOf(subnet)}`;
  };
  return {
    Name: container.name,
    EndpointID: endpointId(container.id, network.id),
    MacAddress: connection.mac,
    IPv4Address: withLength(false),
    IPv6Address: withLength(true),
  };
}

/** docker has one for each connection. */
export const endpointId = (container: string, network: string): string =>
  createHash("sha256").update(`${container}${network}`).digest("hex");

const documentOf = (network: ListedNetwork, containers: readonly Container[]) => ({
  Name: network.name,
  Id: network.id,
  Created: new Date(network.created).toISOString(),
  Scope: "local",
  Driver: network.driver,
  EnableIPv4: true,
  EnableIPv6: network.ipv6,
  IPAM: {
    Driver: "default",
    Options: {},
    Config: network.subnets.map(({ subnet, gateway, range }) => ({
      Subnet: subnet,
      ...(range === null ? {} : { IPRange: range }),
      Gateway: gateway,
    })),
  },
  Internal: network.internal,
  Attachable: network.attachable,
  Ingress: false,
  ConfigFrom: { Network: "" },
  ConfigOnly: false,
  Containers: Object.fromEntries(
    liveMembers(containers, network).map((each) => [each.container.id, memberOf(each, network)]),
  ),
  Options: {
    ...(network.interface === "" ? {} : { "com.docker.network.bridge.name": network.interface }),
    ...network.options,
  },
  Labels: network.labels,
});

/** For `inspect` of whatever has that name; undefined: no network has. */
export async function lookAtNetwork(roots: Roots, word: string): Promise<object | undefined> {
  const found = findNetwork(await listedNetworks(roots), word);
  return found === undefined ? undefined : documentOf(found, await listContainers(roots));
}

export async function inspectCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (given.words.length === 0) {
    throw new UsageError("which network? `pivot network ls` lists them");
  }
  const roots = engineRoots(globals);
  const all = await listedNetworks(roots);
  const containers = await listContainers(roots);
  const found: ListedNetwork[] = [];
  let code = 0;
  const problems: string[] = [];
  for (const word of given.words) {
    try {
      found.push(pickNetwork(all, word));
    } catch (error) {
      problems.push(error instanceof Error ? error.message : noSuchNetwork(word).message);
      code = 1;
    }
  }
  printDocuments(
    found.map((each) => documentOf(each, containers)),
    lastValue(given, "format"),
  );
  for (const problem of problems) report("error", problem, globals.logFormat);
  return code;
}
