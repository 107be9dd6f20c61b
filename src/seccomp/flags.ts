// The flags of a profile as the `flags` argument of seccomp(SECCOMP_SET_MODE_FILTER, flags, prog).
import { quote, type Result, refuse } from "./profile.ts";

/** SECCOMP_FILTER_FLAG_* of <linux/seccomp.h>. */
export const FLAG_TSYNC = 1;
export const FLAG_LOG = 2;
export const FLAG_SPEC_ALLOW = 4;
export const FLAG_NEW_LISTENER = 8;
export const FLAG_TSYNC_ESRCH = 16;
export const FLAG_WAIT_KILLABLE_RECV = 32;

/** The flags that a profile may have, by their names there. */
export const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: FLAG_TSYNC,
  SECCOMP_FILTER_FLAG_LOG: FLAG_LOG,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: FLAG_WAIT_KILLABLE_RECV,
};

/** The release of Linux that brought a flag. */
const RELEASES: Readonly<Record<number, readonly [major: number, minor: number]>> = {
  [FLAG_TSYNC]: [3, 17],
  [FLAG_LOG]: [4, 14],
  [FLAG_SPEC_ALLOW]: [4, 17],
  [FLAG_WAIT_KILLABLE_RECV]: [5, 19],
};

/** Whether a kernel has a flag of the profile; one whose release is not known counts as missing. */
export function hasFlag(kernel: readonly [major: number, minor: number], flag: string): boolean {
  const [major, minor] = RELEASES[FLAGS[flag] ?? 0] ?? [Number.POSITIVE_INFINITY, 0];
  return kernel[0] > major || (kernel[0] === major && kernel[1] >= minor);
}

/**
 * The kernel's flags for a profile's `flags`. `notifies` says whether the filter can return
 * SECCOMP_RET_USER_NOTIF: then a listener is asked for, and seccomp(2) returns its descriptor.
 *
 * A profile without `flags` gets SPEC_ALLOW, as runc and crun do: since Linux 5.16 the kernel no
 * longer turns on the speculative-store-bypass mitigation for filtered processes by default, and
 * this keeps older kernels from slowing every container down. An empty list means no flag at all.
 */
export function filterFlags(
  flags: readonly string[] | undefined,
  notifies: boolean,
): Result<number> {
  if (flags === undefined) {
    return { ok: true, value: FLAG_SPEC_ALLOW | (notifies ? FLAG_NEW_LISTENER : 0) };
  }
  let value = notifies ? FLAG_NEW_LISTENER : 0;
  for (const [i, flag] of flags.entries()) {
    const bit = Object.hasOwn(FLAGS, flag) ? FLAGS[flag] : undefined;
    if (bit === undefined) {
      return refuse(`flags[${i}]`, `one of ${Object.keys(FLAGS).join(", ")}`, quote(flag));
    }
    // It changes how a listener's client waits; without a listener the kernel answers EINVAL.
    if (bit === FLAG_WAIT_KILLABLE_RECV && !notifies) continue;
    value |= bit;
  }
  // Both need the return value: TSYNC for the thread that failed, the listener for its descriptor.
  // TSYNC_ESRCH makes the former an errno; without it the kernel answers EINVAL.
  if ((value & FLAG_TSYNC) !== 0 && notifies) value |= FLAG_TSYNC_ESRCH;
  return { ok: true, value };
}
