/** Addresses and subnets of IPv4 and IPv6 as numbers, and back as text. Pure. */

import { isIPv4, isIPv6 } from "../options/ip-address.ts";

export type Family = 4 | 6;

export type Address = { readonly family: Family; readonly value: bigint };

/** `10.0.0.0/24`: the addresses whose first bits are those of the base. */
export type Subnet = { readonly family: Family; readonly base: bigint; readonly bits: number };

export const widthOf = (family: Family): number => (family === 4 ? 32 : 128);

const readIPv4 = (text: string): bigint =>
  text.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n);

/** The groups of one side of `::`, each of 16 bits; the last two may be written as IPv4. */
function groupsOf(text: string): bigint[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [BigInt(`0x${group}`)];
    const value = readIPv4(group);
    return [value >> 16n, value & 0xffffn];
  });
}

function readIPv6(text: string): bigint {
  const [before = "", after] = text.split("::");
  const first = groupsOf(before);
  const last = after === undefined ? [] : groupsOf(after);
  const middle = Array<bigint>(8 - first.length - last.length).fill(0n);
  return [...first, ...middle, ...last].reduce((sum, group) => (sum << 16n) | group, 0n);
}

/** Null when the text is no address. */
export function parseAddress(text: string): Address | null {
  if (isIPv4(text)) return { family: 4, value: readIPv4(text) };
  return isIPv6(text) ? { family: 6, value: readIPv6(text) } : null;
}

/** RFC 5952: the longest run of zero groups, of two or more, becomes `::`. */
function formatIPv6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => (value >> BigInt(16 * (7 - i))) & 0xffffn);
  const text = groups.map((group) => group.toString(16)).join(":");
  const runs = [...text.matchAll(/\b0(?::0\b)+/g)].sort((a, b) => b[0].length - a[0].length);
  const longest = runs[0];
  if (longest === undefined) return text;
  const end = longest.index + longest[0].length;
  return `${text.slice(0, longest.index).replace(/:$/, "")}::${text.slice(end).replace(/^:/, "")}`;
}

export const formatAddress = ({ family, value }: Address): string =>
  family === 6
    ? formatIPv6(value)
    : [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join(".");

/** How many addresses the subnet has. */
export const sizeOf = ({ family, bits }: Subnet): bigint => 1n << BigInt(widthOf(family) - bits);

/** `10.1.2.3/24` is in 10.1.2.0/24; null when the text is no subnet. */
export function parseSubnet(text: string): Subnet | null {
  const [ip = "", length = "", ...more] = text.split("/");
  const address = parseAddress(ip);
  if (address === null || more.length > 0 || !/^\d{1,3}$/.test(length)) return null;
  const bits = Number(length);
  if (bits > widthOf(address.family)) return null;
  const size = 1n << BigInt(widthOf(address.family) - bits);
  return { family: address.family, base: address.value - (address.value % size), bits };
}

export const formatSubnet = ({ family, base, bits }: Subnet): string =>
  `${formatAddress({ family, value: base })}/${bits}`;

export const holds = (subnet: Subnet, { family, value }: Address): boolean =>
  subnet.family === family && value >= subnet.base && value < subnet.base + sizeOf(subnet);

export const overlaps = (a: Subnet, b: Subnet): boolean =>
  a.family === b.family && a.base < b.base + sizeOf(b) && b.base < a.base + sizeOf(a);

/** As the kernel takes it. */
export const bytesOf = ({ family, value }: Address): Uint8Array =>
  Uint8Array.from({ length: widthOf(family) / 8 }, (_, i) =>
    Number((value >> BigInt(widthOf(family) - 8 * (i + 1))) & 0xffn),
  );

/** 127.0.0.0/8 and ::1: of the machine itself. */
export const isLoopback = ({ family, value }: Address): boolean =>
  family === 4 ? value >> 24n === 127n : value === 1n;
