// The actions of a profile as the 32-bit values that a seccomp filter returns (seccomp(2)).
import { quote, type Result, refuse } from "./profile.ts";

/** SECCOMP_RET_* of <linux/seccomp.h>: the action in the upper half, its data in the lower one. */
export const RET_KILL_PROCESS = 0x80000000;
export const RET_KILL_THREAD = 0x00000000;
export const RET_TRAP = 0x00030000;
export const RET_ERRNO = 0x00050000;
export const RET_USER_NOTIF = 0x7fc00000;
export const RET_TRACE = 0x7ff00000;
export const RET_LOG = 0x7ffc0000;
export const RET_ALLOW = 0x7fff0000;

export const EPERM = 1;
export const ENOSYS = 38;

/** The kernel cuts a larger errno down to this (MAX_ERRNO). */
const MAX_ERRNO = 4095;
/** SECCOMP_RET_DATA has 16 bits. */
const MAX_DATA = 0xffff;

/** The actions that a profile may have, by their names there. */
export const ACTIONS: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: RET_KILL_THREAD,
  SCMP_ACT_KILL_THREAD: RET_KILL_THREAD,
  SCMP_ACT_KILL_PROCESS: RET_KILL_PROCESS,
  SCMP_ACT_TRAP: RET_TRAP,
  SCMP_ACT_ERRNO: RET_ERRNO,
  SCMP_ACT_TRACE: RET_TRACE,
  SCMP_ACT_ALLOW: RET_ALLOW,
  SCMP_ACT_LOG: RET_LOG,
  SCMP_ACT_NOTIFY: RET_USER_NOTIF,
};

/**
 * The filter's return value for an action and its errno, which is EPERM unless given. `paths` say
 * where the two stand in the profile. An errno on an action that takes none is refused, as the
 * specification demands (config-linux.md, "seccomp").
 */
export function actionValue(
  action: string,
  errno: number | undefined,
  paths: { readonly action: string; readonly errno: string },
): Result<number> {
  const base = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  if (base === undefined) {
    return refuse(paths.action, `one of ${Object.keys(ACTIONS).join(", ")}`, quote(action));
  }
  if (base !== RET_ERRNO && base !== RET_TRACE) {
    if (errno === undefined) return { ok: true, value: base };
    const takers = "only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take one";
    return refuse(paths.errno, `no errno for ${action} (${takers})`, `${errno}`);
  }
  const data = errno ?? EPERM;
  const most = base === RET_ERRNO ? MAX_ERRNO : MAX_DATA;
  if (!Number.isInteger(data) || data < 0 || data > most) {
    return refuse(paths.errno, `an errno from 0 to ${most} for ${action}`, `${data}`);
  }
  return { ok: true, value: base + data };
}

/** Whether a filter with this default lets through what it does not name. */
export function isPermissive(action: number): boolean {
  if (action === RET_USER_NOTIF) return true;
  return action === RET_ALLOW || action === RET_LOG || (action & 0xffff0000) === RET_TRACE;
}
