// The features document beside what the code does, and beside that of runc.

import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { filterFor } from "../container/filter.ts";
import { planToJson } from "../plan/json.ts";
import type { Facts } from "../planner/facts.ts";
import { readMountOptions } from "../planner/mount-options.ts";
import { planContainer } from "../planner/plan.ts";
import { plainFacts } from "../planner/testing/facts.ts";
import { plainSetting } from "../planner/testing/setting.ts";
import { parseSpec, type Spec } from "../spec/mod.ts";
import { features } from "./features.ts";

const document = features({ version: "0.1.0", kernel: [6, 18], checkpoint: true });
const { linux } = document;

/** A configuration with parts, read by the parser. */
function read(parts: Record<string, unknown>): Spec {
  const base = { ociVersion: "1.3.0", root: { path: "r" }, process: { args: ["sh"], cwd: "/" } };
  const parsed = parseSpec(JSON.stringify({ ...base, ...parts }));
  if (!parsed.ok || parsed.warnings.length > 0) throw new Error(JSON.stringify(parsed));
  return parsed.spec;
}

/** The plan of such a configuration as text, on a machine that has everything. */
function planOf(parts: Record<string, unknown>): string {
  const namespaces = [{ type: "mount" }, { type: "network" }];
  const linuxParts = { namespaces, ...(parts["linux"] as object | undefined) };
  const spec = read({ ...parts, linux: linuxParts });
  const resctrl = { mount: "/sys/fs/resctrl", schemata: null };
  const facts = { ...plainFacts, apparmor: true, selinux: true, resctrl };
  const cgroup = { make: [], clone: null, join: [], paths: [] };
  const planned = planContainer(spec, plainSetting, facts, cgroup);
  if (!planned.ok) throw new Error(planned.problems.join("\n"));
  return planToJson(planned.plan);
}

test("the first and the last version are read, and none beyond the major one", () => {
  for (const ociVersion of [document.ociVersionMin, document.ociVersionMax]) {
    expect(read({ ociVersion }).ociVersion).toBe(ociVersion);
  }
  expect(() => read({ ociVersion: "2.0.0" })).toThrow();
});

test("each listed name is read by the parser", () => {
  read({ hooks: Object.fromEntries(document.hooks.map((name) => [name, [{ path: "/bin/x" }]])) });
  read({
    linux: {
      namespaces: linux.namespaces.map((type) => ({ type })),
      seccomp: {
        defaultAction: "SCMP_ACT_ALLOW",
        architectures: linux.seccomp.archs,
        flags: linux.seccomp.knownFlags,
        listenerPath: "/run/listener",
        syscalls: linux.seccomp.actions.map((action) => ({
          names: ["read"],
          action,
          args: linux.seccomp.operators.map((op) => ({ index: 0, value: 1, valueTwo: 1, op })),
        })),
      },
    },
  });
  read({ process: { args: ["sh"], cwd: "/", capabilities: { bounding: linux.capabilities } } });
  for (const mode of linux.memoryPolicy.modes) read({ linux: { memoryPolicy: { mode } } });
});

test("what is said to be enabled is planned", () => {
  const process = { args: ["sh"], cwd: "/" };
  const ids = [{ containerID: 0, hostID: 1000, size: 1 }];
  const mount = { destination: "/m", source: "/", options: ["bind"] };
  const asked: Readonly<Record<string, [enabled: boolean, parts: Record<string, unknown>]>> = {
    hook: [document.hooks.length === 6, { hooks: { poststop: [{ path: "/bin/x" }] } }],
    "attr/apparmor": [linux.apparmor.enabled, { process: { ...process, apparmorProfile: "a" } }],
    "attr/exec": [linux.selinux.enabled, { process: { ...process, selinuxLabel: "a:b:c:d" } }],
    resctrl: [linux.intelRdt.enabled, { linux: { intelRdt: { schemata: ["L3:0=f"] } } }],
    idmap: [
      linux.mountExtensions.idmap.enabled,
      { mounts: [{ ...mount, uidMappings: ids, gidMappings: ids }] },
    ],
    move_interface: [
      linux.netDevices.enabled,
      { linux: { netDevices: { eth1: { name: "eth0" } } } },
    ],
    memory_policy: [
      linux.memoryPolicy.modes.length > 0,
      { linux: { memoryPolicy: { mode: "MPOL_BIND", nodes: "0" } } },
    ],
  };
  for (const [trace, [enabled, parts]] of Object.entries(asked)) {
    expect({ trace, enabled, planned: planOf(parts).includes(trace) }).toEqual({
      trace,
      enabled: true,
      planned: true,
    });
  }
});

test("SCMP_ACT_NOTIFY is listed exactly if a filter with it is made", async () => {
  const profile = {
    defaultAction: "SCMP_ACT_ALLOW",
    listenerPath: "/run/listener",
    syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_NOTIFY" }],
  };
  const facts = { arch: "x86_64", kernel: [6, 18] } as unknown as Facts;
  const isMade = await filterFor(profile, [], facts).then(
    () => true,
    () => false,
  );
  expect(linux.seccomp.actions.includes("SCMP_ACT_NOTIFY")).toBe(isMade);
});

test("a kernel without a flag does not support it", () => {
  const { seccomp } = features({ version: "", kernel: [5, 12], checkpoint: false }).linux;
  const waits = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV";
  expect(seccomp.knownFlags).toContain(waits);
  expect(seccomp.supportedFlags).toEqual(seccomp.knownFlags.filter((flag) => flag !== waits));
  expect(linux.seccomp.supportedFlags).toEqual(linux.seccomp.knownFlags);
});

test("checkpoint is told by runc's annotation", () => {
  const key = "org.opencontainers.runc.checkpoint.enabled";
  const without = features({ version: "0.1.0", kernel: [6, 18], checkpoint: false });
  expect(document.annotations).toEqual({ "pivot.version": "0.1.0", [key]: "true" });
  expect(without.annotations).toEqual({ "pivot.version": "0.1.0" });
});

/** Whether an option has a meaning of its own here: no file system gets to see it. */
const isOwn = (option: string): boolean => readMountOptions([option]).data.length === 0;

test("the listed mount options are those that no file system gets to see", () => {
  expect(document.mountOptions.filter((option) => !isOwn(option))).toEqual([]);
  expect(new Set(document.mountOptions).size).toBe(document.mountOptions.length);
});

const runc = spawnSync("runc", ["features"], { encoding: "utf8" });
const isComparable = runc.status === 0;

test.skipIf(!isComparable)(
  `beside runc's document${isComparable ? "" : " (skipped: runc is not installed, or too old)"}`,
  () => {
    const theirs = JSON.parse(runc.stdout);
    expect(document.mountOptions.filter((name) => theirs.mountOptions.includes(name))).toEqual(
      theirs.mountOptions.filter(isOwn),
    );
    const missing = (ours: readonly string[], all: readonly string[]) =>
      all.filter((name) => !ours.includes(name));
    expect(missing(linux.namespaces, theirs.linux.namespaces)).toEqual([]);
    expect(missing(linux.capabilities, theirs.linux.capabilities)).toEqual([]);
    expect(missing(linux.seccomp.archs, theirs.linux.seccomp.archs)).toEqual([]);
    expect(missing(linux.seccomp.operators, theirs.linux.seccomp.operators)).toEqual([]);
    expect(missing(linux.seccomp.actions, theirs.linux.seccomp.actions)).toEqual([]);
    expect(missing(Object.keys(linux), Object.keys(theirs.linux))).toEqual([]);
  },
);
