// Whether a case does what its row says: the payload of its trial run reports from inside.
// Without this, a program that fails silently, or isolates less, would win.

import { readlinkSync } from "node:fs";
import type { Payload } from "./site.ts";

export const namespaces = ["mnt", "pid", "net", "ipc", "uts", "cgroup"] as const;
export type Namespace = (typeof namespaces)[number];

/** Prints the identity of each namespace, then the seccomp mode (proc_pid_status(5)). */
export const proof: Payload = {
  name: "proof",
  argv: [
    "/bin/sh",
    "-c",
    `for n in ${namespaces.join(" ")}; do readlink /proc/self/ns/$n; done
     grep ^Seccomp: /proc/self/status`,
  ],
};

export interface Claim {
  /** Namespaces that the case leaves to the host. */
  readonly shares: readonly Namespace[];
  readonly seccomp: boolean;
}

/** The namespaces of this process, as the payload prints them. */
export function ownNamespaces(): string[] {
  return namespaces.map((name) => readlinkSync(`/proc/self/ns/${name}`));
}

/** Compares what the payload printed with the claim; returns what is wrong, if anything is. */
export function contradiction(
  printed: string,
  { shares, seccomp }: Claim,
  own: readonly string[],
): string | undefined {
  const lines = printed.trim().split("\n");
  if (lines.length !== namespaces.length + 1) {
    return `the payload did not run: it printed ${JSON.stringify(printed.slice(0, 40))}`;
  }
  for (const [index, name] of namespaces.entries()) {
    const shared = lines[index] === own[index];
    if (shared !== shares.includes(name)) {
      return `the payload's ${name} namespace is ${shared ? "the host's" : "another than the host's"}`;
    }
  }
  // Mode 2 is a filter.
  const filtered = /^Seccomp:\s*2$/.test(lines.at(-1) ?? "");
  if (filtered === seccomp) return undefined;
  return `the payload ran ${filtered ? "with" : "without"} a seccomp filter`;
}
