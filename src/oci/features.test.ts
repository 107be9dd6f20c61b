// The features document beside what the code does, and beside that of runc.

import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { filterFor } from "../container/filter.ts";
import type { Facts } from "../planner/facts.ts";
import { readMountOptions } from "../planner/mount-options.ts";
import { findUnsupported } from "../planner/unsupported.ts";
import { parseSpec, type Spec } from "../spec/mod.ts";
import { features, SECCOMP_NOTIFY } from "./features.ts";

const document = features({ version: "0.1.0", kernel: [6, 18], checkpoint: true });
const { linux } = document;

/** A configuration with parts, read by the parser. */
function read(parts: Record<string, unknown>): Spec {
  const base = { ociVersion: "1.3.0", root: { path: "r" }, process: { args: ["sh"], cwd: "/" } };
  const parsed = parseSpec(JSON.stringify({ ...base, ...parts }));
  if (!parsed.ok || parsed.warnings.length > 0) throw new Error(JSON.stringify(parsed));
  return parsed.spec;
}

const isThere = (parts: Record<string, unknown>): boolean =>
  findUnsupported(read(parts)).length === 0;

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

test("a feature is said to be there exactly if the planner does not refuse it", () => {
  const process = { args: ["sh"], cwd: "/" };
  const ids = [{ containerID: 0, hostID: 1000, size: 1 }];
  const mount = { destination: "/m", source: "/", options: ["bind"] };
  expect({
    hooks: document.hooks.length > 0,
    apparmor: linux.apparmor.enabled,
    selinux: linux.selinux.enabled,
    intelRdt: linux.intelRdt.enabled,
    idmap: linux.mountExtensions.idmap.enabled,
    netDevices: linux.netDevices.enabled,
    memoryPolicy: linux.memoryPolicy.modes.length > 0,
  }).toEqual({
    hooks: isThere({ hooks: { poststop: [{ path: "/bin/x" }] } }),
    apparmor: isThere({ process: { ...process, apparmorProfile: "docker-default" } }),
    selinux: isThere({ process: { ...process, selinuxLabel: "a:b:c:d" } }),
    intelRdt: isThere({ linux: { intelRdt: { l3CacheSchema: "L3:0=f" } } }),
    idmap: isThere({ mounts: [{ ...mount, uidMappings: ids, gidMappings: ids }] }),
    netDevices: isThere({ linux: { netDevices: { eth1: { name: "eth0" } } } }),
    memoryPolicy: isThere({ linux: { memoryPolicy: { mode: "MPOL_BIND", nodes: "0" } } }),
  });
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
  expect(SECCOMP_NOTIFY).toBe(isMade);
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
    expect(missing(linux.seccomp.actions, theirs.linux.seccomp.actions)).toEqual(
      SECCOMP_NOTIFY ? [] : ["SCMP_ACT_NOTIFY"],
    );
    expect(missing(Object.keys(linux), Object.keys(theirs.linux))).toEqual([]);
  },
);
