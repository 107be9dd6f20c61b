// A container's networks: what `--network` asks for, and what goes with it.

import { readFields } from "./csv.ts";
import { isIPv4, isIPv6 } from "./ip-address.ts";
import { accept, type Result, refuse } from "./problem.ts";

/** A network by its name, and what the container is there. */
export interface NetworkWish {
  readonly network: string;
  readonly ip?: string | undefined;
  readonly ip6?: string | undefined;
  readonly mac?: string | undefined;
  /** Further names by which the others of the network find it. */
  readonly aliases?: readonly string[] | undefined;
}

export const networkNamePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** A name that no network can have, since `--network` means something else by it. */
const isReserved = (name: string): boolean => /^(?:container|ns|pasta)$/.test(name);

/** What is wrong with the name of a network; null if nothing. */
export function networkNameProblem(name: string): string | null {
  if (isReserved(name)) return `${name} means something else in --network`;
  if (name.length > 128) return "a name has at most 128 characters";
  return networkNamePattern.test(name)
    ? null
    : "a name has letters, digits, _, . and -, and begins with a letter or a digit";
}

export const parseIp4 = (given: string, option = "--ip"): Result<string> =>
  isIPv4(given) ? accept(given) : refuse(option, given, "it is an IPv4 address");

export const parseIp6 = (given: string, option = "--ip6"): Result<string> =>
  isIPv6(given) ? accept(given) : refuse(option, given, "it is an IPv6 address");

export function parseMac(given: string, option = "--mac-address"): Result<string> {
  const mac = given.toLowerCase().replaceAll("-", ":");
  if (!/^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)) {
    return refuse(option, given, "it looks like 02:42:ac:11:00:02");
  }
  // The lowest bit of the first byte means many receivers.
  return Number.parseInt(mac.slice(0, 2), 16) % 2 === 0
    ? accept(mac)
    : refuse(option, given, "it is the address of a group, and not of one interface");
}

export const parseAlias = (given: string, option = "--network-alias"): Result<string> =>
  /^[a-zA-Z0-9_](?:[a-zA-Z0-9_.-]*[a-zA-Z0-9_])?$/.test(given)
    ? accept(given)
    : refuse(option, given, "a name has letters, digits, _, . and -");

/** Parses `name=NET,alias=NAME,ip=…,ip6=…,mac-address=…`. */
export function parseNetworkFields(given: string): Result<NetworkWish> {
  const option = "--network";
  const read = readFields(given);
  if (!read.ok) return refuse(option, given, read.reason);
  let wish: NetworkWish = { network: "" };
  for (const field of read.fields) {
    const equals = field.indexOf("=");
    const key = field.slice(0, Math.max(0, equals)).trim().toLowerCase();
    const value = field.slice(equals + 1).trim();
    const checked = fieldOf(key, value, option);
    if (!checked.ok) return refuse(option, given, checked.problem.reason);
    const aliases = [...(wish.aliases ?? []), ...(checked.value.aliases ?? [])];
    wish = { ...wish, ...checked.value, ...(aliases.length > 0 ? { aliases } : {}) };
  }
  if (wish.network === "") return refuse(option, given, "name=NETWORK is missing");
  return accept(wish);
}

function fieldOf(key: string, value: string, option: string): Result<Partial<NetworkWish>> {
  const as = <K extends keyof NetworkWish>(name: K, parsed: Result<NetworkWish[K]>) =>
    parsed.ok ? accept({ [name]: parsed.value } as Partial<NetworkWish>) : parsed;
  switch (key) {
    case "name": {
      const problem = networkNameProblem(value);
      return problem === null ? accept({ network: value }) : refuse(option, value, problem);
    }
    case "alias": {
      const parsed = parseAlias(value, option);
      return parsed.ok ? accept({ aliases: [parsed.value] }) : parsed;
    }
    case "ip":
      return as("ip", parseIp4(value, option));
    case "ip6":
      return as("ip6", parseIp6(value, option));
    case "mac-address":
      return as("mac", parseMac(value, option));
    default:
      return refuse(
        option,
        value,
        `unknown setting ${key}: there are name, alias, ip, ip6 and mac-address`,
      );
  }
}
