/** `pivot network create`, `rm` and `prune`. */

import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { listContainers } from "../engine/status.ts";
import { writeAll } from "../host/write.ts";
import {
  formatAddress,
  holds,
  overlaps,
  parseAddress,
  parseSubnet,
  type Subnet,
} from "../network/address.ts";
import { isRootless, noBridge } from "../network/installed.ts";
import { forgetLeases, isAboutToBeUsed } from "../network/lease.ts";
import { uses } from "../network/members.ts";
import type { Network } from "../network/network.ts";
import {
  createNetwork,
  forgetNetwork,
  listNetworks,
  type NewNetwork,
  noSuchNetwork,
  pickNetwork,
} from "../network/store.ts";
import { networkNameProblem } from "../options/network.ts";
import { type Flag, isOn, lastValue, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { confirm } from "./confirm.ts";
import { engineRoots } from "./each-container.ts";
import { hasLabel, readFilterPairs, readFilters } from "./filter.ts";
import { readLabels } from "./labels.ts";
import { forceFlag, pruneFilterFlag } from "./listing-flags.ts";
import { readMoment } from "./moment.ts";
import { isBuiltIn } from "./network-show.ts";
import { report } from "./report-error.ts";

const many = "; may be given several times";

export const createFlags: readonly Flag[] = [
  { name: "attachable", help: "as docker has it; containers can be connected to every network" },
  { name: "driver", short: "d", value: "DRIVER", help: "what makes it: bridge, the only one" },
  {
    name: "gateway",
    value: "IP",
    help: `the host's own address there: the first unless told${many}`,
  },
  { name: "internal", help: "let nothing outside be reached from it" },
  { name: "ip-range", value: "SUBNET", help: `give addresses from a part of the subnet${many}` },
  { name: "ipam-driver", value: "DRIVER", help: "who gives addresses: default, the only one" },
  { name: "ipv6", help: "addresses of IPv6 as well" },
  { name: "label", value: "NAME=VALUE", help: `kept with it${many}` },
  {
    name: "opt",
    short: "o",
    value: "KEY=VALUE",
    help: `mtu=BYTES, com.docker.network.bridge.name=INTERFACE${many}`,
  },
  { name: "scope", value: "SCOPE", help: "local, the only one" },
  {
    name: "subnet",
    value: "SUBNET",
    help: `its addresses: 10.91.7.0/24; one of each family${many}`,
  },
];

export const removeFlags: readonly Flag[] = [
  { name: "force", short: "f", help: "one that is not there is no error" },
];

export const networkPruneKeys = ["label", "label!", "until"] as const;

export const pruneFlags: readonly Flag[] = [pruneFilterFlag(networkPruneKeys), forceFlag];

/** The one of these texts that lies in the subnet. */
const within = (texts: readonly string[], subnet: Subnet, read: (text: string) => bigint | null) =>
  texts.find((text) => {
    const value = read(text);
    return value !== null && holds(subnet, { family: familyOf(text), value });
  }) ?? null;

const familyOf = (text: string) => (text.includes(":") ? 6 : 4);

const addressIn = (text: string): bigint | null => parseAddress(text)?.value ?? null;
const rangeIn = (text: string): bigint | null => parseSubnet(text)?.base ?? null;

/** The least of each family in which there is room for the host and a container. */
const longestPrefix = { 4: 30, 6: 126 } as const;

function readSubnet(text: string): Subnet {
  const subnet = parseSubnet(text);
  if (subnet === null) {
    throw new UsageError(`--subnet looks like 10.91.7.0/24, received ${JSON.stringify(text)}`);
  }
  if (subnet.bits > longestPrefix[subnet.family]) {
    throw new UsageError(
      `--subnet ${text}: there is no room for containers: /${longestPrefix[subnet.family]} is the smallest`,
    );
  }
  const other = notForContainers.find(([range]) => {
    const reserved = parseSubnet(range);
    return reserved !== null && overlaps(reserved, subnet);
  });
  if (other !== undefined) {
    throw new UsageError(`--subnet ${text}: ${other[0]} is not for networks: it is ${other[1]}`);
  }
  return subnet;
}

/** RFC 6890: addresses that mean the same everywhere. */
const notForContainers: readonly (readonly [subnet: string, what: string])[] = [
  ["0.0.0.0/8", "this machine"],
  ["127.0.0.0/8", "loopback"],
  ["224.0.0.0/3", "groups, and what is reserved"],
  ["::/127", "loopback"],
  ["fe80::/10", "that of a link"],
  ["ff00::/8", "groups"],
];

function readSubnets(given: ParsedArguments): NewNetwork["subnets"] {
  const texts = (name: string) => given.flags.get(name) ?? [];
  const subnets = texts("subnet").map(readSubnet);
  const gateways = texts("gateway");
  const ranges = texts("ip-range");
  for (const family of [4, 6] as const) {
    if (subnets.filter((each) => each.family === family).length > 1) {
      throw new UsageError(`--subnet: one of IPv${family} is enough for a network`);
    }
  }
  const settled = subnets.map((subnet) => {
    const gateway = within(gateways, subnet, addressIn);
    const address = gateway === null ? null : parseAddress(gateway);
    return {
      subnet,
      gateway: address === null ? null : formatAddress(address),
      range: within(ranges, subnet, rangeIn),
    };
  });
  const used = new Set(settled.flatMap(({ gateway, range }) => [gateway, range]));
  for (const text of gateways) {
    const address = parseAddress(text);
    if (address !== null && used.has(formatAddress(address))) continue;
    throw new UsageError(`--gateway ${text}: it is an address of no --subnet that is given`);
  }
  for (const text of ranges) {
    if (!used.has(text)) {
      throw new UsageError(`--ip-range ${text}: it is a part of no --subnet that is given`);
    }
  }
  return settled;
}

const knownOptions = new Set([
  "mtu",
  "com.docker.network.driver.mtu",
  "com.docker.network.bridge.name",
]);

function readOptions(given: ParsedArguments, globals: Globals): Readonly<Record<string, string>> {
  const options: Record<string, string> = {};
  for (const word of given.flags.get("opt") ?? []) {
    const equals = word.indexOf("=");
    if (equals < 1) throw new UsageError(`-o takes KEY=VALUE, received ${JSON.stringify(word)}`);
    const [key, value] = [word.slice(0, equals), word.slice(equals + 1)];
    if (key.endsWith("mtu") && !/^[1-9]\d{1,4}$/.test(value)) {
      throw new UsageError(`-o ${word}: the MTU is a number of bytes such as 1400`);
    }
    if (key.endsWith("bridge.name") && !/^[a-zA-Z0-9][\w.-]{0,14}$/.test(value)) {
      throw new UsageError(`-o ${word}: an interface's name has at most 15 letters and digits`);
    }
    if (!knownOptions.has(key)) {
      report("warning", `-o ${key} is kept, and changes nothing`, globals.logFormat);
    }
    options[key] = value;
  }
  return options;
}

function checkOnly(given: ParsedArguments, flag: string, only: string): void {
  const value = lastValue(given, flag) ?? only;
  if (value !== only) {
    throw new UsageError(`--${flag} ${value}: could not find plugin ${value}: it is ${only}`);
  }
}

export async function createCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (isRootless()) throw new WishError([`network create: ${noBridge}`]);
  const [name, ...more] = given.words;
  if (name === undefined || more.length > 0) {
    throw new UsageError("usage: pivot network create [OPTIONS] NETWORK");
  }
  checkOnly(given, "driver", "bridge");
  checkOnly(given, "ipam-driver", "default");
  checkOnly(given, "scope", "local");
  const problem = isBuiltIn({ name })
    ? `operation is not permitted on predefined ${name} network`
    : ["private", "default"].includes(name)
      ? `${name} means something else in --network`
      : networkNameProblem(name);
  if (problem !== null) throw new UsageError(`network ${JSON.stringify(name)}: ${problem}`);
  const subnets = readSubnets(given);
  const { id } = await createNetwork(engineRoots(globals).dataRoot, {
    name,
    internal: isOn(given, "internal"),
    ipv6: isOn(given, "ipv6") || subnets.some(({ subnet }) => subnet.family === 6),
    attachable: isOn(given, "attachable"),
    labels: readLabels(given),
    options: readOptions(given, globals),
    subnets,
  });
  writeAll(1, `${id}\n`);
  return 0;
}

/** Those that are connected, or about to be. */
async function membersOf(network: Network, roots: Roots): Promise<string[]> {
  const running = (await listContainers(roots)).filter(({ process }) => process !== null);
  const names = running.filter((each) => uses(each, network)).map(({ name }) => name);
  if (names.length > 0) return names;
  return isAboutToBeUsed(network.id, roots) ? ["one that is just being started"] : [];
}

/** @throws WishError when a container is connected */
async function removeNetwork(network: Network, roots: Roots): Promise<void> {
  const members = await membersOf(network, roots);
  if (members.length > 0) {
    throw new WishError([
      `network ${network.name} has active endpoints: ${members.join(", ")}: \`pivot network disconnect\` them first`,
    ]);
  }
  await forgetNetwork(roots.dataRoot, network.id);
  forgetLeases(roots, network.id);
}

export async function removeCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (given.words.length === 0) {
    throw new UsageError("which network? `pivot network ls` lists them");
  }
  const roots = engineRoots(globals);
  let code = 0;
  for (const word of given.words) {
    try {
      if (isBuiltIn({ name: word })) {
        throw new WishError([`${word} is a pre-defined network and cannot be removed`]);
      }
      const all = await listNetworks(roots.dataRoot);
      const isThere = all.some(({ id, name }) => name === word || id.startsWith(word));
      if (!isThere && isOn(given, "force")) continue;
      if (!isThere) throw noSuchNetwork(word);
      await removeNetwork(pickNetwork(all, word), roots);
      writeAll(1, `${word}\n`);
    } catch (error) {
      if (!(error instanceof WishError)) throw error;
      for (const line of error.problems) report("error", line, globals.logFormat);
      code = 1;
    }
  }
  return code;
}

/** Removes networks that no container has, running or not. */
export async function pruneNetworks(roots: Roots, filters: readonly string[]): Promise<string[]> {
  const passes = readFilters<Network>(filters, {
    label: ({ labels }, value) => hasLabel(labels, value),
    "label!": ({ labels }, value) => !hasLabel(labels, value),
    until: ({ created }, value) => created < readMoment("--filter until", value),
  });
  const containers = await listContainers(roots);
  const removed: string[] = [];
  for (const network of await listNetworks(roots.dataRoot)) {
    if (isBuiltIn(network) || !passes(network)) continue;
    if (containers.some((each) => uses(each, network))) continue;
    if ((await membersOf(network, roots)).length > 0) continue;
    await forgetNetwork(roots.dataRoot, network.id);
    forgetLeases(roots, network.id);
    removed.push(network.name);
  }
  return removed;
}

const warning = "WARNING! This will remove all custom networks not used by at least one container.";

export async function pruneCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (given.words.length > 0) throw new UsageError("usage: pivot network prune [OPTIONS]");
  const filters = given.flags.get("filter") ?? [];
  readFilterPairs(filters, networkPruneKeys); // a wrong one is told before we ask
  if (!isOn(given, "force") && !confirm(warning)) return 0;
  const names = await pruneNetworks(engineRoots(globals), filters);
  if (names.length > 0) writeAll(1, `Deleted Networks:\n${names.join("\n")}\n`);
  return 0;
}
