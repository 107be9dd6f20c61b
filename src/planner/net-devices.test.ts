import { expect, test } from "bun:test";
import type { Linux, Spec } from "../spec/mod.ts";
import { findNetDeviceProblems, planNetDevices } from "./net-devices.ts";

const specOf = (netDevices: Linux["netDevices"], hasNetwork = true): Spec => ({
  ociVersion: "1.3.0",
  root: { path: "/r" },
  linux: {
    ...(netDevices === undefined ? {} : { netDevices }),
    namespaces: hasNetwork ? [{ type: "network" }] : [],
  },
});

test("a device keeps its name, or gets the one that is said", () => {
  const steps = planNetDevices(specOf({ eth1: {}, eth2: { name: "net%d" } }));
  expect(steps.map(({ by, op }) => [by, op])).toEqual([
    ["parent", { op: "move_interface", name: "eth1", to: "eth1" }],
    ["parent", { op: "move_interface", name: "eth2", to: "net%d" }],
  ]);
  expect(planNetDevices(specOf(undefined))).toEqual([]);
});

test("two of one name, a name that is no pattern, and the host's own network are refused", () => {
  expect(findNetDeviceProblems(specOf({ a: { name: "x" }, b: { name: "y" } }))).toEqual([]);
  expect(findNetDeviceProblems(specOf({ a: { name: "x" }, x: {} }))).toEqual([
    "linux.netDevices: a and x cannot both be called x",
  ]);
  expect(findNetDeviceProblems(specOf({ a: { name: "n%d" }, b: { name: "n%d" } }))).toEqual([]);
  expect(findNetDeviceProblems(specOf({ a: { name: "n%s" } }))).toHaveLength(1);
  expect(findNetDeviceProblems(specOf({ a: {} }, false))).toHaveLength(1);
  expect(findNetDeviceProblems(specOf({}, false))).toEqual([]);
});
