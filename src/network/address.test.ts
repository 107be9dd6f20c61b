import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  type Address,
  bytesOf,
  formatAddress,
  formatSubnet,
  holds,
  isLoopback,
  overlaps,
  parseAddress,
  parseSubnet,
} from "./address.ts";

const address: fc.Arbitrary<Address> = fc.oneof(
  fc.bigInt(0n, 2n ** 32n - 1n).map((value) => ({ family: 4 as const, value })),
  fc
    .array(fc.constantFrom(0n, 0n, 1n, 0xffffn, 0x2001n), { minLength: 8, maxLength: 8 })
    .map((groups) => ({
      family: 6 as const,
      value: groups.reduce<bigint>((sum, g) => (sum << 16n) | g, 0n),
    })),
);

test("what is printed is read back, as the system's own parser has it", () => {
  fc.assert(
    fc.property(address, (each) => {
      const text = formatAddress(each);
      expect(parseAddress(text)).toEqual(each);
      if (each.family === 6) expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`);
    }),
  );
});

test.each([
  ["::", 0n],
  ["::1", 1n],
  ["fd00::1:0:0:1", (0xfd00n << 112n) | (1n << 48n) | 1n],
  ["::ffff:10.0.0.1", (0xffffn << 32n) | 0x0a000001n],
])("%s is read", (text, value) => {
  expect(parseAddress(text)).toEqual({ family: 6, value });
});

test.each(["", "10.0.0", "10.0.0.256", "1::2::3", "10.0.0.1/8", "fd00::g"])(
  "%p is none",
  (text) => {
    expect(parseAddress(text)).toBeNull();
  },
);

const subnet = (text: string) => {
  const parsed = parseSubnet(text);
  if (parsed === null) throw new Error(text);
  return parsed;
};
const ip = (text: string) => {
  const parsed = parseAddress(text);
  if (parsed === null) throw new Error(text);
  return parsed;
};

test("a subnet is its base, whatever address of it was given", () => {
  expect(formatSubnet(subnet("10.1.2.3/24"))).toBe("10.1.2.0/24");
  expect(formatSubnet(subnet("fd00:1::77/64"))).toBe("fd00:1::/64");
  expect(formatSubnet(subnet("0.0.0.0/0"))).toBe("0.0.0.0/0");
  for (const wrong of ["10.0.0.0", "10.0.0.0/33", "fd00::/129", "x/8", "10.0.0.0/8/8"])
    expect(parseSubnet(wrong)).toBeNull();
});

test("what is in a subnet, and which subnets share addresses", () => {
  expect(holds(subnet("10.0.0.0/30"), ip("10.0.0.3"))).toBe(true);
  expect(holds(subnet("10.0.0.0/30"), ip("10.0.0.4"))).toBe(false);
  expect(holds(subnet("0.0.0.0/0"), ip("::1"))).toBe(false);
  expect(overlaps(subnet("10.0.0.0/8"), subnet("10.9.0.0/24"))).toBe(true);
  expect(overlaps(subnet("10.9.0.0/24"), subnet("10.0.0.0/8"))).toBe(true);
  expect(overlaps(subnet("10.9.0.0/24"), subnet("10.9.1.0/24"))).toBe(false);
});

test("bytes as in a packet, and what is the machine itself", () => {
  expect([...bytesOf(ip("10.1.2.255"))]).toEqual([10, 1, 2, 255]);
  expect([...bytesOf(ip("::1"))]).toEqual([...Array(15).fill(0), 1]);
  expect([ip("127.0.0.53"), ip("::1"), ip("128.0.0.1")].map(isLoopback)).toEqual([
    true,
    true,
    false,
  ]);
});
