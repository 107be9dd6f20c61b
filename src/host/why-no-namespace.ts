/**
 * Why an ordinary user has no user namespace, in words: which rule of the kernel or of this machine
 * forbids it, and what to do.
 */

import { describeErrno } from "../plan/errno.ts";
import { confinedBy, confinementCure, ofMachine, type ReadFile } from "./confinement.ts";
import type { NoNamespace } from "./rootless.ts";

export type Reason = {
  readonly says: string;
  /** A command where one helps. */
  readonly cure: string;
};

const EPERM = 1;
const EACCES = 13;
const EINVAL = 22;
const ENOSPC = 28;
const EUSERS = 87;

const isRefusal = (errno: number): boolean => errno === EPERM || errno === EACCES;

const sysctl = (read: ReadFile, name: string): string | null =>
  read(`/proc/sys/${name.replaceAll(".", "/")}`);

/** A line of /proc/self/status. */
const status = (read: ReadFile, name: string): string | undefined =>
  new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(read("/proc/self/status") ?? "")?.[1];

const appArmor: Reason = {
  says: "AppArmor allows ordinary users no rights in user namespaces (kernel.apparmor_restrict_unprivileged_userns=1)",
  cure: "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or a profile with `userns,` for build/pivot",
};

const isRestricted = (read: ReadFile): boolean =>
  sysctl(read, "kernel.apparmor_restrict_unprivileged_userns") === "1";

/** A profile is in force that has no rule for what was tried. */
function confinement(what: string, read: ReadFile): Reason | null {
  const profile = confinedBy(read);
  return profile === null
    ? null
    : {
        says: `the AppArmor profile ${profile}, which this runs under, ${what}`,
        cure: confinementCure,
      };
}

/** unshare(CLONE_NEWUSER) was refused. */
function refusedNamespace(errno: number, read: ReadFile): Reason {
  if (errno === ENOSPC || errno === EUSERS) {
    return {
      says: `no further user namespace is allowed (user.max_user_namespaces=${sysctl(read, "user.max_user_namespaces") ?? "unknown"}, and 32 of them within each other)`,
      cure: "sudo sysctl -w user.max_user_namespaces=15000",
    };
  }
  if (errno === EINVAL) {
    return {
      says: "this kernel has no user namespaces",
      cure: "use a kernel with CONFIG_USER_NS, or run pivot as root",
    };
  }
  if (sysctl(read, "kernel.unprivileged_userns_clone") === "0") {
    return {
      says: "user namespaces are root's alone (kernel.unprivileged_userns_clone=0)",
      cure: "sudo sysctl -w kernel.unprivileged_userns_clone=1",
    };
  }
  if (isRestricted(read)) return appArmor;
  // A filter says EPERM.
  const confined = errno === EACCES ? confinement("allows no user namespaces", read) : null;
  if (confined !== null) return confined;
  if (status(read, "Seccomp") === "2") {
    return {
      says: "a seccomp filter of whoever started this, such as another container's, forbids user namespaces (unshare(2))",
      cure: "start that container with --security-opt seccomp=unconfined, or --privileged",
    };
  }
  return {
    says: `the kernel refuses a user namespace (${describeErrno(errno)}): below chroot(2) it always does`,
    cure: "run pivot outside of the chroot, or as root",
  };
}

/** newuidmap(1) or newgidmap(1) did not write its map. */
function refusedRange(text: string, read: ReadFile): Reason {
  const alone = "PIVOT_SINGLE_ID=1 goes on with your own id alone";
  if (status(read, "NoNewPrivs") === "1") {
    return {
      says: "no_new_privs is in force here, so newuidmap has no rights to map subordinate ids",
      cure: `start it without NoNewPrivileges= or no-new-privileges; ${alone}`,
    };
  }
  const isRefused = /Permission denied|not permitted/.test(text);
  const confined = isRefused ? confinement("lets newuidmap map no ids", read) : null;
  if (confined !== null) return confined;
  return {
    says: `subordinate ids cannot be mapped: ${text.split("\n")[0] || "newuidmap failed"}`,
    cure: /not allowed/.test(text)
      ? `correct /etc/subuid and /etc/subgid: a range has to be yours, and within the ids of this user namespace; ${alone}`
      : `sudo chmod u+s /usr/bin/newuidmap /usr/bin/newgidmap; ${alone}`,
  };
}

export function whyNoNamespace(
  { stage, errno, text }: NoNamespace,
  read: ReadFile = ofMachine,
): Reason {
  const error = describeErrno(errno);
  switch (stage) {
    case "namespace":
      return refusedNamespace(errno, read);
    case "newuidmap":
      return refusedRange(text, read);
    case "maps":
    case "mounts":
      if (isRefusal(errno) && isRestricted(read)) return appArmor;
      if (stage === "mounts" && errno === ENOSPC) {
        return {
          says: "no further mount namespace is allowed (user.max_mnt_namespaces)",
          cure: "sudo sysctl -w user.max_mnt_namespaces=15000",
        };
      }
      return (
        (isRefusal(errno) ? confinement("gives no rights in user namespaces", read) : null) ?? {
          says: `the user namespace has no rights (${stage}: ${error}): a security module or a seccomp filter takes them`,
          cure: "run pivot outside of other containers, or as root",
        }
      );
    case "directory":
      return {
        says: `${text} is not used (${error}): it has to be a directory of yours in which nobody else may write`,
        cure: "set XDG_RUNTIME_DIR to one that is",
      };
    default:
      return {
        says: `the user namespace of your other commands cannot be entered (${stage}: ${error})`,
        cure: "end your containers, and try again",
      };
  }
}
