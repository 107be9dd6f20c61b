import { expect, test } from "bun:test";
import type { LinuxNamespaceType, Spec } from "../spec/mod.ts";
import { findSysctlProblems } from "./kernel-settings.ts";

const specOf = (names: readonly string[], namespaces: readonly LinuxNamespaceType[]): Spec => ({
  ociVersion: "1.3.0",
  root: { path: "/r" },
  linux: {
    sysctl: Object.fromEntries(names.map((name) => [name, "1"])),
    namespaces: namespaces.map((type) => ({ type })),
  },
});

test("settings of the container's own namespaces are its own to say", () => {
  const names = [
    "net.ipv4.ip_forward",
    "net/ipv4/ip_forward",
    "kernel.msgmax",
    "fs.mqueue.msg_max",
  ];
  const namespaces = ["network", "ipc", "uts"] as const;
  expect(findSysctlProblems(specOf([...names, "kernel.domainname"], namespaces))).toEqual([]);
  expect(findSysctlProblems(specOf([], []))).toEqual([]);
});

test("without the namespace it would be the host's that is changed", () => {
  for (const [name, type] of [
    ["net.ipv4.ip_forward", "network"],
    ["net/ipv4/ip_forward", "network"],
    ["kernel.sem", "ipc"],
    ["kernel.domainname", "uts"],
  ] as const) {
    expect(findSysctlProblems(specOf([name], ["mount", "pid"]))).toEqual([
      `linux.sysctl.${name}: expected a ${type} namespace in linux.namespaces, received none: it would be the host's that is changed`,
    ]);
  }
});

test("a setting of the whole machine is refused, whatever namespaces there are (CVE-2022-0811)", () => {
  const all = ["network", "ipc", "uts", "pid", "mount", "user"] as const;
  for (const name of ["kernel.core_pattern", "kernel/core_pattern", "vm.swappiness", "net"]) {
    expect(findSysctlProblems(specOf([name], all))).toEqual([
      `linux.sysctl.${name}: expected a setting of a namespace, received one that holds for the whole machine: set it there`,
    ]);
  }
});
