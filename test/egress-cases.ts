// What is tried in a container with an egress list, and what comes of it: by a bridge, and by pasta.

import { expect } from "bun:test";
import { OutsideWorld } from "./outside-world.ts";

export type Mode = "a bridge" | "pasta";

const flagsOf = (mode: Mode): readonly string[] => (mode === "pasta" ? ["--network", "pasta"] : []);

const deny = `
  /probe look-up 127.0.0.11 udp example.com A
  /probe look-up 203.0.113.1 udp example.com A
  /probe look-up 203.0.113.1 tcp example.com A
  wget -qO- http://203.0.113.7/; wget -qO- "http://[2001:db8::7]/"
  /probe flood 203.0.113.8 7 1
  /probe beyond; ip link set lo down 2>/dev/null || echo stays up; wget -qO- http://127.0.0.11/`;

/** Nothing leaves, and each try is told. */
export function tryDenied(world: OutsideWorld, name: Mode, probe: readonly string[]): void {
  const flags = flagsOf(name);
  const before = world.heard();
  const { out, err } = world.run([...flags, ...probe, "--egress", "deny"], deny);
  expect(out.split("\n")).toEqual([
    "code 3",
    "Operation not permitted",
    "No route to host",
    "passed 0",
    "packet socket: Operation not permitted",
    "raw socket: Operation not permitted",
    expect.stringMatching(/^vsock: (Operation not permitted|Address family not supported)/),
    "mark: Operation not permitted",
    "rules: Operation not permitted",
    "namespace: Operation not permitted",
    "stays up",
    "",
  ]);
  const told = OutsideWorld.refusals(err);
  const listed = (what: string, entry = what): string =>
    `egress refused: ${what} (not on the list; allow with --egress allow=${entry})`;
  const named = "names are answered by the container's own resolver alone";
  expect(told).toContain(listed("example.com"));
  expect(told).toContain(listed("tcp 203.0.113.7:80", "203.0.113.7:80"));
  expect(told).toContain(listed("udp 203.0.113.8:7", "203.0.113.8:7"));
  for (const protocol of ["udp", "tcp"]) {
    expect(told).toContain(
      `egress refused: ${protocol} 203.0.113.1:53 (${named}; allow with --egress allow=203.0.113.1:53)`,
    );
  }
  if (name === "pasta") {
    expect(told).toContain(listed("tcp [2001:db8::7]:80", "[2001:db8::7]:80"));
  }
  // Nobody outside has heard anything.
  expect(world.heard()).toBe(before);
}

/** Names, ports and ranges of a list. */
export function tryAllowed(world: OutsideWorld, name: Mode, probe: readonly string[]): void {
  const flags = flagsOf(name);
  const list = "example.com:80,www.example.com,*.wild.example,meta.example,203.0.113.8:8080";
  const { out, err } = world.run(
    [...flags, ...probe, "--egress", `allow=${list}`],
    `wget -qO- http://203.0.113.7/
    wget -qO- http://example.com/ | sed 's/ to .*//'
    wget -qO- http://example.com:8080/
    /probe look-up 127.0.0.11 tcp www.example.com A
    /probe look-up 127.0.0.11 udp www.example.com AAAA
    /probe look-up 127.0.0.11 udp example.com TXT
    wget -qO- http://www.example.com:8080/ | sed 's/ to .*//'
    /probe look-up 127.0.0.11 udp a.wild.example A
    /probe look-up 127.0.0.11 udp wild.example A
    /probe look-up 127.0.0.11 udp near.wild.example A
    /probe look-up 127.0.0.11 udp meta.example A
    /probe look-up 127.0.0.11 udp other.example.org A
    wget -qO- http://203.0.113.8:8080/ | sed 's/ to .*//'
    cat /etc/resolv.conf`,
  );
  const first = name === "pasta" ? "2001:db8::7" : "203.0.113.7";
  expect(out.split("\n")).toEqual([
    `${first} 80`,
    "code 0 203.0.113.7",
    "code 0 2001:db8::7",
    "code 0",
    `${first} 8080`,
    "code 0 203.0.113.8",
    "code 3",
    "code 0",
    "code 0",
    "code 3",
    "203.0.113.8 8080",
    "nameserver 127.0.0.11",
    "",
  ]);
  const shown = first.includes(":") ? `[${first}]` : first;
  expect(OutsideWorld.refusals(err)).toEqual([
    "egress refused: tcp 203.0.113.7:80 (not on the list; allow with --egress allow=203.0.113.7:80)",
    `egress refused: tcp ${shown}:8080, which is example.com (not on the list; allow with --egress allow=example.com:8080)`,
    "egress refused: wild.example (not on the list; allow with --egress allow=wild.example)",
    "egress refused: near.wild.example is 10.1.2.3, a private address, which a wildcard does not cover (allow with --egress allow=10.1.2.3)",
    "egress refused: meta.example is 169.254.169.254, an address of the machine itself or its link (allow with --egress allow=169.254.169.254)",
    "egress refused: other.example.org (not on the list; allow with --egress allow=other.example.org)",
  ]);
}

/** The guard's connection to its server is nobody else's, also when its socket is closed. */
export function tryToGoOn(world: OutsideWorld, name: Mode, probe: readonly string[]): void {
  const before = world.heard();
  const { out } = world.run(
    [...flagsOf(name), ...probe, "--egress", "allow=example.com"],
    "/probe go-on 203.0.113.1 example.com stolen.example",
  );
  expect(out).toMatch(/^not answered: /);
  expect(world.heard().slice(before.length)).not.toContain("stolen.example");
}

/** Who answers the guard from within gives no address to anybody: 203.0.113.2 is the machine's, and by pasta the container's. */
export function tryToAnswer(world: OutsideWorld, name: Mode, probe: readonly string[]): void {
  const own = name === "pasta" ? "203.0.113.2" : "127.0.0.1";
  const flags = [...flagsOf(name), ...probe, "--dns", own, "--egress", "allow=example.com"];
  const { out, err } = world.run(
    flags,
    `/probe lie ${own} 203.0.113.8
    /probe look-up ${own} udp example.com A
    /probe look-up 127.0.0.11 udp example.com A
    wget -qO- http://203.0.113.8:8080/ || echo refused`,
  );
  // It is asked by others, and answers; the guard says that its server has failed.
  expect(out.split("\n")).toEqual(["code 0 203.0.113.8", "code 2", "refused", ""]);
  expect(err).toContain(
    "egress: example.com cannot be looked up: no name server outside of the container has answered\n",
  );
}
