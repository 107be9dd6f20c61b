/** Gathers what the planner is told about the machine. On the path of every start: few reads. */

import { readFileSync } from "node:fs";
import { type Capability, capabilities } from "../plan/constants.ts";
import type { CgroupLayout, Facts, StreamFact } from "../planner/facts.ts";
import { readUserNamespace } from "./user-namespace.ts";

/** The names of a mask as /proc/PID/status writes it. */
function capabilityNames(hex: string): Capability[] {
  const mask = BigInt(`0x${hex}`);
  return (Object.keys(capabilities) as Capability[]).filter(
    (name) => ((mask >> BigInt(capabilities[name])) & 1n) === 1n,
  );
}

/** The major and minor number of the kernel that runs. */
export function kernelVersion(): [number, number] {
  const release = readFileSync("/proc/sys/kernel/osrelease", "latin1");
  const [major = "0", minor = "0"] = release.split(".");
  return [Number.parseInt(major, 10), Number.parseInt(minor, 10)];
}

/** What plans about files need to know of the machine. */
export function kernelFacts(): Pick<Facts, "kernel" | "userNamespace"> {
  const userNamespace = readUserNamespace();
  return { kernel: kernelVersion(), ...(userNamespace === null ? {} : { userNamespace }) };
}

const archs: Readonly<Record<string, Facts["arch"]>> = { x64: "x86_64", arm64: "aarch64" };

/**
 * @throws Error when the machine is neither x86-64 nor arm64.
 */
export function readFacts(
  cgroups: CgroupLayout,
  streams: readonly [StreamFact, StreamFact, StreamFact],
): Facts {
  const arch = archs[process.arch];
  if (arch === undefined) {
    throw new Error(`pivot runs on x86-64 and arm64, this machine is ${process.arch}`);
  }
  const status = readFileSync("/proc/self/status", "latin1");
  const userNamespace = readUserNamespace();
  return {
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    kernel: kernelVersion(),
    arch,
    capabilities: capabilityNames(/^CapBnd:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"),
    cgroups,
    ...(userNamespace === null ? {} : { userNamespace }),
    streams,
  };
}
