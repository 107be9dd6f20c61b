// Capabilities: which ones a container gets.

import { CAPABILITIES, type Capability } from "../spec/capability.ts";
import { accept, type Findings, type Result, refuse } from "./problem.ts";

/** What docker lets a container have unless told otherwise. */
const DEFAULTS: ReadonlySet<Capability> = new Set<Capability>([
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
]);

/** Parses `--cap-add` and `--cap-drop`: a name with or without `CAP_`, in any case, or `ALL`. */
export function parseCapability(given: string, option: string): Result<Capability | "ALL"> {
  const upper = given.toUpperCase();
  if (upper === "ALL") return accept("ALL");
  const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  const known = CAPABILITIES.find((capability) => capability === name);
  return known === undefined
    ? refuse(option, given, `unknown capability: ${name} (capabilities(7) has the list)`)
    : accept(known);
}

/** What the options say of capabilities. */
export interface CapabilityWish {
  readonly privileged: boolean;
  readonly add: readonly string[];
  readonly drop: readonly string[];
}

/**
 * The capabilities of a container, in the order of their numbers.
 *
 * Privileged: all that there are. Else, with `ALL` among those added, all that are not dropped; with
 * `ALL` among those dropped, only those added; and without it the defaults less those dropped, and
 * those added to them, so that what is both dropped and added is there.
 *
 * @param available what the caller has to give: defaults beyond it are left out
 */
export function capabilitySet(
  { privileged, add, drop }: CapabilityWish,
  available: readonly Capability[],
  findings: Findings,
): readonly Capability[] {
  const added = new Set(readNames(add, "--cap-add", findings));
  const dropped = new Set(readNames(drop, "--cap-drop", findings));
  for (const name of added) {
    if (privileged || name === "ALL" || available.includes(name)) continue;
    findings.problem(
      "--cap-add",
      name,
      "capability not supported by the kernel, or not held by the caller, who cannot pass it on",
    );
  }
  return CAPABILITIES.filter((name) => {
    if (!available.includes(name)) return false;
    if (privileged) return true;
    if (added.has("ALL")) return !dropped.has(name);
    if (added.has(name)) return true;
    return DEFAULTS.has(name) && !dropped.has("ALL") && !dropped.has(name);
  });
}

function readNames(
  names: readonly string[],
  option: string,
  findings: Findings,
): readonly (Capability | "ALL")[] {
  return names.flatMap((name) => findings.take(parseCapability(name, option)) ?? []);
}
