// Whether an OCI runtime made what it was asked for: as proof.ts, and the mounts besides.

import { contradiction, ownNamespaces, proof } from "./proof.ts";
import type { Payload } from "./site.ts";

/** Prints what `proof` does, then the places of all mounts (proc_pid_mountinfo(5), field 5). */
export const ociProof: Payload = {
  name: "oci-proof",
  argv: ["/bin/sh", "-c", `${proof.argv[2]}; cut -d" " -f5 /proc/self/mountinfo`],
};

export interface OciClaim {
  readonly seccomp: boolean;
  /** Places inside that something must be mounted on: mounts, masked and read-only paths. */
  readonly mounted: readonly string[];
}

/** Compares what the payload printed with the claim; returns what is wrong, if anything is. */
export function ociContradiction(
  printed: string,
  { seccomp, mounted }: OciClaim,
  own: readonly string[] = ownNamespaces(),
): string | undefined {
  const lines = printed.trimEnd().split("\n");
  const first = lines.slice(0, own.length + 1);
  const wrong = contradiction(first.join("\n"), { shares: [], seccomp }, own);
  if (wrong !== undefined) return wrong;
  const there = new Set(lines.slice(first.length));
  const missing = mounted.filter((path) => !there.has(path));
  return missing.length === 0 ? undefined : `nothing is mounted on ${missing.join(", ")}`;
}
