/** Which subnet a network gets that asks for none. Pure. */

import { randomBytes } from "node:crypto";
import { formatSubnet, overlaps, parseSubnet, type Subnet } from "./address.ts";

/**
 * Whole private ranges, cut into subnets. The first of each is what people see when nothing is in
 * the way; docker's (172.17 to 172.20) and podman's (10.88, 10.89) are left to them.
 */
const pools = {
  /** Of the default network. */
  large: [
    { base: "10.90.0.0/16", bits: 16 },
    { base: "172.28.0.0/16", bits: 16 },
    { base: "192.168.224.0/20", bits: 20 },
  ],
  small: [
    { base: "10.91.0.0/16", bits: 24 },
    { base: "10.92.0.0/14", bits: 24 },
    { base: "172.29.0.0/16", bits: 24 },
    { base: "192.168.240.0/20", bits: 24 },
  ],
} as const;

function* subnetsOf(kind: keyof typeof pools): Generator<Subnet> {
  for (const { base, bits } of pools[kind]) {
    const whole = parseSubnet(base);
    if (whole === null) continue;
    const size = 1n << BigInt(32 - bits);
    const end = whole.base + (1n << BigInt(32 - whole.bits));
    for (let at = whole.base; at < end; at += size) yield { family: 4, base: at, bits };
  }
}

/**
 * A subnet of IPv4 that shares no address with those that are taken, as text; null: there is none.
 *
 * @param kind `large`: 65,000 containers or 4,000; `small`: 250
 */
export function freeSubnet(kind: keyof typeof pools, taken: readonly Subnet[]): string | null {
  for (const each of subnetsOf(kind)) {
    if (!taken.some((other) => overlaps(each, other))) return formatSubnet(each);
  }
  return null;
}

/** RFC 4193: a prefix of 48 bits that nobody else is likely to have; the first /64 of it. */
export function privateSubnet6(random: Uint8Array = randomBytes(5)): string {
  const value = random.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0xfdn);
  return formatSubnet({ family: 6, base: value << 80n, bits: 64 });
}
