/** The subnets to which this machine has routes already: a network there would hide them. */

import { readIfThere } from "../host/first-process.ts";
import type { Subnet } from "./address.ts";

export type Route = { readonly subnet: Subnet; readonly interface: string };

/** The kernel writes the number as its own bytes lie in memory, which here is backwards. */
const reversed = (hex: string): bigint =>
  BigInt(`0x${(hex.match(/../g) ?? []).toReversed().join("")}`);

const onesIn = (mask: bigint): number => mask.toString(2).replaceAll("0", "").length;

/** proc(5), /proc/net/route: Iface Destination Gateway Flags RefCnt Use Metric Mask … */
export function parseRoutes4(text: string): Route[] {
  return text
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const fields = line.trim().split(/\s+/);
      const [name = "", base = "", mask = ""] = [fields[0], fields[1], fields[7]];
      if (!/^[0-9A-F]{8}$/.test(base) || !/^[0-9A-F]{8}$/.test(mask)) return [];
      const subnet = { family: 4, base: reversed(base), bits: onesIn(reversed(mask)) } as const;
      return [{ subnet, interface: name }];
    });
}

/** proc(5), /proc/net/ipv6_route: destination, its prefix length, …, the interface. */
export function parseRoutes6(text: string): Route[] {
  return text.split("\n").flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [base = "", length = ""] = fields;
    const name = fields.at(-1) ?? "";
    if (!/^[0-9a-f]{32}$/.test(base) || name === "lo") return [];
    const subnet = { family: 6, base: BigInt(`0x${base}`), bits: Number.parseInt(length, 16) };
    return [{ subnet: { ...subnet, family: 6 as const }, interface: name }];
  });
}

/** All but those of everything (the default route), and of links and groups, which all have. */
const counts = ({ subnet: { family, base, bits } }: Route): boolean =>
  bits > 0 && (family === 4 || (base >> 118n !== 0x3fan && base >> 120n !== 0xffn));

export const readRoutes = (): Route[] =>
  [
    ...parseRoutes4(readIfThere("/proc/net/route") ?? ""),
    ...parseRoutes6(readIfThere("/proc/net/ipv6_route") ?? ""),
  ].filter(counts);
