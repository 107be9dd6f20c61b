import { expect, test } from "bun:test";
import { CAPABILITIES, type Capability } from "../spec/capability.ts";
import { type CapabilityWish, capabilitySet, parseCapability } from "./capability.ts";
import { Findings, formatOptionProblem } from "./problem.ts";
import { outcome } from "./testing/outcome.ts";

test.each([
  ["CAP_NET_ADMIN", "CAP_NET_ADMIN"],
  ["net_admin", "CAP_NET_ADMIN"],
  ["Cap_Sys_Time", "CAP_SYS_TIME"],
  ["all", "ALL"],
])("%s", (given, name) => {
  expect<unknown>(outcome(parseCapability(given, "--cap-add"))).toBe(name);
});

test.each([
  ["", "CAP_"],
  ["CAP_ALL", "CAP_ALL"],
  ["admin", "CAP_ADMIN"],
])("%p is none", (given, name) => {
  expect(outcome(parseCapability(given, "--cap-drop"))).toBe(
    `invalid argument "${given}" for "--cap-drop": unknown capability: ${name} (capabilities(7) has the list)`,
  );
});

const defaults: readonly Capability[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_RAW",
  "CAP_SYS_CHROOT",
  "CAP_MKNOD",
  "CAP_AUDIT_WRITE",
  "CAP_SETFCAP",
];

const set = (wish: Partial<CapabilityWish>, available: readonly Capability[] = CAPABILITIES) => {
  const findings = new Findings();
  const names = capabilitySet(
    { privileged: false, add: [], drop: [], ...wish },
    available,
    findings,
  );
  return findings.problems.length === 0 ? names : findings.problems.map(formatOptionProblem);
};

test("fourteen by default, less and more as asked for", () => {
  expect(set({})).toEqual(defaults);
  expect(set({ drop: ["MKNOD", "cap_net_raw"] })).toEqual(
    defaults.filter((name) => name !== "CAP_MKNOD" && name !== "CAP_NET_RAW"),
  );
  expect(set({ add: ["SYS_TIME"] })).toEqual(
    CAPABILITIES.filter((name) => name === "CAP_SYS_TIME" || defaults.includes(name)),
  );
  expect(set({ add: ["MKNOD"], drop: ["MKNOD"] })).toEqual(defaults);
});

test("ALL on either side", () => {
  expect(set({ drop: ["ALL"] })).toEqual([]);
  expect(set({ drop: ["all"], add: ["CHOWN", "SYS_TIME"] })).toEqual(["CAP_CHOWN", "CAP_SYS_TIME"]);
  expect(set({ add: ["ALL"] })).toEqual(CAPABILITIES);
  expect(set({ add: ["ALL"], drop: ["SYS_ADMIN"] })).toEqual(
    CAPABILITIES.filter((name) => name !== "CAP_SYS_ADMIN"),
  );
  expect(set({ add: ["ALL"], drop: ["ALL"] })).toEqual(CAPABILITIES);
});

test("nobody gets what the caller has not", () => {
  const held: readonly Capability[] = ["CAP_CHOWN", "CAP_SYS_ADMIN"];
  expect(set({}, held)).toEqual(["CAP_CHOWN"]);
  expect(set({ privileged: true, drop: ["CHOWN"] }, held)).toEqual(held);
  expect(set({ add: ["ALL"] }, held)).toEqual(held);
  expect(set({ add: ["SYS_TIME"] }, held)).toEqual([
    'invalid argument "CAP_SYS_TIME" for "--cap-add": capability not supported by the kernel, or not held by the caller, who cannot pass it on',
  ]);
});

test("every wrong name is found", () => {
  expect(set({ add: ["x"], drop: ["y"] })).toEqual([
    'invalid argument "x" for "--cap-add": unknown capability: CAP_X (capabilities(7) has the list)',
    'invalid argument "y" for "--cap-drop": unknown capability: CAP_Y (capabilities(7) has the list)',
  ]);
});
