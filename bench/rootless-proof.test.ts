import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { namespaces } from "./proof.ts";
import {
  proving,
  type RootlessClaim,
  rootlessContradiction,
  rootlessProof,
} from "./rootless-proof.ts";

const spaces = (first: number) =>
  ["mnt", "pid", "net", "ipc", "uts", "cgroup"].map((name, i) => `${name}:[${first + i}]`);

const lines = (first: number, map: readonly string[], interfaces: number, mode = 2) =>
  [...spaces(first), `Seccomp:\t${mode}`, `user:[${first + 6}]`, ...map, interfaces].join("\n");

const machine = lines(1, ["0 0 4294967295"], 3, 0);
const range = ["         0      64711          1", "         1    3000000      65536"];
const one = ["         0      64711          1"];
const printed = (map: readonly string[], interfaces: number) =>
  `${machine}\n\n${lines(101, map, interfaces)}\n`;

const claim: RootlessClaim = {
  shares: [],
  seccomp: true,
  ids: "range",
  connected: false,
  uid: 64711,
};

test("a payload with a range and loopback alone contradicts only another claim", () => {
  expect(rootlessContradiction(printed(range, 1), claim)).toBeUndefined();
  expect(rootlessContradiction(printed(range, 1), { ...claim, ids: "one" })).toContain("65537 ids");
  expect(rootlessContradiction(printed(range, 1), { ...claim, connected: true })).toContain(
    "1 interfaces",
  );
  expect(rootlessContradiction(printed(range, 1), { ...claim, seccomp: false })).toContain(
    "with a seccomp",
  );
});

test("one id is no range, and an interface more is a network", () => {
  expect(rootlessContradiction(printed(one, 2), claim)).toContain("has 1 ids");
  const single = { ...claim, ids: "one" } as const;
  expect(rootlessContradiction(printed(one, 2), single)).toContain("2 interfaces");
  expect(rootlessContradiction(printed(one, 2), { ...single, connected: true })).toBeUndefined();
});

test("another user's ids, and the machine's user namespace, are found out", () => {
  const other = ["         0       1000          1", "         1    3000000      65536"];
  expect(rootlessContradiction(printed(other, 1), claim)).toContain("not the user 64711");
  const shared = printed(range, 1).replace("user:[107]", "user:[7]");
  expect(rootlessContradiction(shared, claim)).toContain("user namespace is the host's");
});

test("a program that only says it succeeded is found out", () => {
  expect(rootlessContradiction(`${machine}\n\n`, claim)).toContain("did not run");
  expect(rootlessContradiction("", claim)).toContain("did not run");
});

test("the payload itself, run without a container, shares all that there is", () => {
  const [shell = "", ...args] = proving(rootlessProof.argv);
  const { stdout } = spawnSync(shell, args, { encoding: "utf8" });
  const wrong = [true, false].map((seccomp) =>
    rootlessContradiction(stdout, { ...claim, shares: namespaces, seccomp }),
  );
  // The test itself may run under a filter or not, but not both.
  expect(wrong.filter((each) => each === undefined)).toHaveLength(1);
  expect(rootlessContradiction(stdout, claim)).toContain("is the host's");
});
