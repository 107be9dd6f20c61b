/** One line for a person about a step that failed: what, where in the plan, why, and what to do. */

import { enforcedProfile, profileCure } from "../host/confinement.ts";
import { describeOp, describePlace } from "../plan/describe.ts";
import { describeErrno } from "../plan/errno.ts";
import type { Op, Plan, Slot, Step } from "../plan/op.ts";

export type StepFailure = {
  /** Index into `plan.steps`; -1: of none, when the plan could not be read or the executor was killed. */
  readonly step: number;
  /** 0: it was killed. */
  readonly errno: number;
  /** Words of the executor or of the kernel, or "". */
  readonly text: string;
};

const EPERM = 1;
const ENOENT = 2;
const ESRCH = 3;
const EINTR = 4;
const EACCES = 13;
const EBUSY = 16;
const EEXIST = 17;
const ENODEV = 19;
const ENOTDIR = 20;
const EINVAL = 22;
const EOVERFLOW = 75;
const ENOSPC = 28;
const EROFS = 30;
const ELOOP = 40;
const ENOEXEC = 8;
const EADDRINUSE = 98;
const EADDRNOTAVAIL = 99;
const ECONNREFUSED = 111;
const ETIMEDOUT = 110;

/** The file of which a slot holds the descriptor. */
function openedAs(slot: Slot | null, steps: readonly Step[]): string {
  const found = steps.map(({ op }) => op).findLast((op) => op.op === "open" && op.into === slot);
  return describePlace(found?.op === "open" ? found.at : null);
}

export const noUserNamespaces =
  "this machine allows ordinary users no user namespaces: see the sysctls kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns, or run pivot as root";

const isJoining = (slot: Slot | null, steps: readonly Step[]): boolean =>
  openedAs(slot, steps).endsWith("/cgroup.procs");

/** The root is a view of the host's own. */
const showsHost = (steps: readonly Step[]): boolean =>
  steps.some(({ op }) => op.op === "mount" && /^lowerdir\+?=\/$/.test(op.options[0] ?? ""));

/** Another user namespace's root has it, and root of ours has no rights over it (setns(2)). */
const foreignOwner = (type: string): string =>
  `this ${type} namespace belongs to another user namespace: join that one as well, by --userns container:NAME`;

/** The container is in somebody's pid namespace, and in a user namespace that is made for it. */
const joinsPids = (steps: readonly Step[]): boolean =>
  steps.some(({ op }) => op.op === "setns" && op.type === "pid") &&
  steps.some(({ op }) => op.op === "user_namespace");

/** What stands behind an errno that does not say it, and what helps; or "". */
function hint(op: Op, { errno, text }: StepFailure, { steps }: Plan): string {
  switch (op.op) {
    case "setns":
      if (errno === EPERM && op.type !== "user") return foreignOwner(op.type);
      if (errno === EINVAL) return `${openedAs(op.namespace, steps)} is no ${op.type} namespace`;
      return "";
    case "mount":
      if (errno === EPERM && op.type === "proc" && joinsPids(steps)) return foreignOwner("pid");
      if (errno === EPERM && (op.type === "proc" || op.type === "sysfs")) {
        return `the host's /${op.type === "proc" ? "proc" : "sys"} is partly hidden, so the kernel refuses a fresh one in a user namespace: run outside of the container that hides it, or start that one with --security-opt systempaths=unconfined`;
      }
      if (op.type === "overlay" && errno === ELOOP)
        return "before Linux 5.13 overlayfs keeps no changes within what it covers: choose a --root on another file system";
      if (op.type === "overlay" && errno === EINVAL) return "the kernel's log (dmesg) says more";
      if (errno === ENODEV) return `this kernel does not know the file system ${op.type}`;
      if (errno === ELOOP) return "the image has a symbolic link there: use another image";
      if (errno === ENOTDIR) return "the image has a file where a directory is needed";
      return "";
    case "exec":
      if (errno === ENOENT) {
        const who = showsHost(steps) ? "there is" : "the image has";
        return `${who} no such program: ${op.argv[0] ?? ""}`;
      }
      if (errno === EACCES) return "it is no regular file, or nobody may execute it";
      if (errno === ENOEXEC) return "it is made for another machine, or a script without #!";
      return "";
    case "clone":
      if (errno === ENOSPC)
        return "a limit of namespaces is reached: see /proc/sys/user/max_*_namespaces";
      if (errno === EPERM) return "making namespaces needs root, or a user namespace";
      if (errno === ESRCH && op.join !== null) return "the container has just ended";
      return "";
    case "open":
      if (errno === ENOENT && op.into === "user ids")
        return "its start took so long that its user ids may be another container's by now: start it again";
      return errno === ENOENT && /\/(tasks|cgroup\.procs)$/.test(op.at?.path ?? "")
        ? "its cgroup is gone: the container has just ended"
        : "";
    case "freeze":
      return errno === ENOENT || errno === ENODEV ? "the container has just ended" : "";
    case "borrow_root":
      // A process that is about to be gone has left its mount namespace (EINVAL), or its file (ENOENT).
      return [EINVAL, ENOENT, ESRCH].includes(errno) ? "the container has just ended" : "";
    case "unshare":
      if (errno === ENOSPC) return "user namespaces are switched off: see user.max_user_namespaces";
      if (errno === EPERM && op.namespaces.includes("user")) return noUserNamespaces;
      return "";
    case "pivot_root":
      if (errno === EINVAL)
        return "the host's root is not one that can be moved (an initramfs?): try --root-switch move";
      return "";
    case "symlink":
      if (errno === EEXIST) return "another container has this name: choose another, or remove it";
      return "";
    case "attach":
      if (errno === EINVAL) return "a directory goes on a directory, and a file on a file";
      if (errno === EROFS) return "the root is read-only and lacks this: make it in the image";
      return "";
    case "mkdir":
      if (errno === EROFS && op.at?.in === "host")
        return "the file system is read-only: choose another --root or --runroot";
      if (errno === EROFS) return "the root is read-only and lacks this: make it in the image";
      return "";
    case "setrlimit":
      if (errno === EPERM)
        return "the caller's own hard limit is lower, and raising it needs CAP_SYS_RESOURCE";
      return "";
    case "write":
      if (/^\/proc\/self\/(setgroups|[ug]id_map)$/.test(op.at?.path ?? "")) return noUserNamespaces;
      // Other reasons are AppArmor's own: `ofProfile`.
      if (wantedProfile(op) !== null)
        return errno === ENOENT ? "no AppArmor profile of this name is loaded" : "";
      if (errno === EACCES && op.at?.path.endsWith("oom_score_adj"))
        return "less than the caller's own takes CAP_SYS_RESOURCE on the machine, which no user namespace gives";
      if (errno === EACCES && op.at?.in !== "host" && isJoining(op.at?.in ?? null, steps))
        return "this process is outside of the cgroups that were delegated to its user: start it by `systemd-run --user --scope`";
      if (errno === EACCES || errno === ENOENT) return "this kernel does not have the setting here";
      if (errno === EINVAL) return "the kernel does not take this value";
      return "";
    case "idmap":
      if (errno === EINVAL)
        return "this file system cannot show other owners: leave uidMappings, gidMappings and idmap out";
      if (errno === EPERM)
        return "its owners are mapped already, or it is a file system of the machine's, which an ordinary user cannot show with other owners: leave idmap out, U gives the files to the container's user";
      return "";
    case "user_overlay":
      if (errno === EINVAL && op.mapped)
        return "a file system cannot show other owners: PIVOT_IDMAP=no has the files copied";
      if (errno === EPERM || errno === EOVERFLOW)
        return "the user namespace's ids are not ours to use";
      return "";
    case "own_pipes":
      if (errno === EINVAL) return "--userns names no user namespace";
      return "";
    case "set_user":
      if (errno === EINVAL)
        return "more come from /etc/subuid and /etc/subgid, --userns auto:size=N or --uidmap";
      return "";
    case "user_copy":
      if (errno === ENOSPC) return "the disk is full: nothing of the copy is left";
      return "";
    case "own":
      if (errno === EROFS) return "it is read-only: its owner cannot be changed, leave U out";
      return "";
    case "reconfigure":
      if (errno === EINVAL) return "no mount point, or its file system does not take this";
      return "";
    case "copy_up":
      if (errno === ENOSPC) return "it does not fit: give the tmpfs a larger size=";
      return "";
    case "fill":
      if (errno === ENOSPC) return "the disk is full: nothing of the copy is left";
      return "";
    case "bind":
      if (errno === ENOENT && op.from !== null && op.from.in !== "host")
        return "volume-subpath: the volume has no such directory";
      if (errno === ENOENT && text === "the source")
        return "this machine has nothing there: make it first, or use -v, which makes a directory";
      return "";
    case "reserve_port":
      if (errno === EADDRINUSE) return "a program of this machine has it: choose another with -p";
      if (errno === EADDRNOTAVAIL) return "this machine has no such address: see `ip address`";
      return "";
    case "pasta":
      if (/tun socket/.test(text))
        return "pasta needs /dev/net/tun, by whoever runs it: `modprobe tun`, and `chmod 666 /dev/net/tun` as udev has it";
      if (/routable|default route|interface/i.test(text))
        return "pasta takes addresses from the interface with the default route: say another by --network pasta:--interface,NAME, or --network none where there is no network";
      return "";
    case "egress_rules":
    case "egress_guard":
      return "the kernel has to have nf_tables and nfnetlink_log: modprobe -a nf_tables nf_conntrack nft_ct nft_log nft_reject_inet nfnetlink_log";
    case "move_interface":
      if (errno === ENODEV) return "the host has no network device of this name";
      if (errno === EINVAL) return "this device belongs to the host's network for good";
      if (errno === EEXIST) return "give it another name, or one with %d";
      return "";
    case "seccomp_agent":
      if (errno === ENOENT || errno === ECONNREFUSED)
        return "nobody listens at linux.seccomp.listenerPath: start the agent first";
      return "";
    case "seccomp":
      if (errno === EPERM && text === "pidfd_getfd")
        return "to hand the filter to its agent needs CAP_SYS_PTRACE";
      return "";
    case "scheduler":
      if (errno === EPERM && /_(FIFO|RR)$/.test(op.policy))
        return "its cgroup gives realtime processes no time: set linux.resources.cpu.realtimeRuntime";
      return "";
    case "ask_systemd":
      return systemdHint(errno, text);
    case "remove_cgroup":
      if (errno === EBUSY) return "processes are still in it: `pivot system prune` tries again";
      return "";
    default:
      return "";
  }
}

/** What to do when systemd does not do as it is asked. */
function systemdHint(errno: number, text: string): string {
  if (/\.UnitExists\b/.test(text))
    return "another container has this scope: delete that one first, or stop it with `systemctl stop`";
  if (/UnknownProperty|PropertyReadOnly|Cannot set property|unknown property/.test(text))
    return "this systemd is too old for it, or an annotation org.systemd.property.* names no property of a scope";
  if (errno === ENOENT || errno === ECONNREFUSED)
    return "systemd does not run here: use cgroups without it (podman: --cgroup-manager cgroupfs; containerd: SystemdCgroup = false; docker: native.cgroupdriver=cgroupfs)";
  if (text.includes('job ended as "failed"'))
    return "systemd says why in its journal: `journalctl`, or of a user's own `journalctl --user`";
  if (errno === ETIMEDOUT) return "see what systemd is at with `systemctl list-jobs`";
  return "";
}

/** The kernel's own kill, or somebody's: before the program could be started. */
const wasKilled = ({ text }: StepFailure): boolean => text === "init was ended by signal 9";
const killedHint =
  "somebody killed it, or the kernel did since its memory limit is too low to start: raise --memory";

const isInterrupted = ({ errno, text }: StepFailure): boolean =>
  errno === EINTR && text.startsWith("stopped by signal");

/** Words may be an image's, such as a hook's last line, and a terminal obeys what it is shown. */
const withoutControls = (text: string): string => text.replace(/\p{Cc}/gu, "?");

/** AppArmor's rules for these come as EACCES, for which the kernel itself has hardly a reason. */
const mediated: ReadonlySet<Op["op"]> = new Set([
  "mount",
  "attach",
  "bind",
  "move",
  "umount",
  "mount_setattr",
  "reconfigure",
  "pivot_root",
  "user_overlay",
  "user_namespace",
]);

/** The profile for the program, where this is what sets it. */
const wantedProfile = (op: Op): string | null =>
  op.op === "write" && op.at?.path.endsWith("attr/apparmor/exec") === true
    ? op.text.replace(/^exec /, "")
    : null;

/** @param said whether another reason is told already */
function ofProfile(
  op: Op,
  { errno }: StepFailure,
  said: boolean,
  profile: () => string | null,
): string {
  const isCertain = errno === EACCES && mediated.has(op.op);
  const isLikely = !said && (errno === EACCES || errno === EPERM);
  const name = isCertain || isLikely ? profile() : null;
  if (name === null) return "";
  const wanted = wantedProfile(op);
  if (wanted !== null)
    return `AppArmor's profile ${name}, in which pivot itself runs, allows no change to another one: leave the container's profile out, or give ${name} \`change_profile -> ${wanted},\``;
  return `${isCertain ? "AppArmor forbids it" : "if AppArmor forbids it"}: ${profileCure(name)}`;
}

/**
 * `cannot mount proc on /proc (step 14 of 31, mount type=proc …): EPERM: …; what to do`.
 *
 * @param profile asks for the AppArmor profile that this process runs in
 */
export function describeFailure(
  plan: Plan,
  failure: StepFailure,
  profile: () => string | null = enforcedProfile,
): string {
  const step = plan.steps[failure.step];
  if (step === undefined) {
    return failure.errno === 0 ? failure.text : `the plan could not be read: ${failure.text}`;
  }
  if (isInterrupted(failure)) return `${failure.text} while the container was being made`;
  const { what, detail } = describeOp(step.op);
  const position = `step ${failure.step + 1} of ${plan.steps.length}`;
  const why = wasKilled(failure) ? killedHint : hint(step.op, failure, plan);
  const words = [
    `cannot ${what} (${position}, ${detail}): ${describeErrno(failure.errno)}`,
    withoutControls(failure.text),
    why,
    ofProfile(step.op, failure, why !== "", profile),
  ];
  return words.filter((part) => part !== "").join("; ");
}

/** The exit code of docker for it: 127 no such program, 126 not executable, 125 anything else. */
export function exitCodeOf(plan: Plan, failure: StepFailure): number {
  if (isInterrupted(failure)) return 128 + Number(failure.text.replace(/\D+/g, ""));
  const name = plan.steps[failure.step]?.op.op ?? "";
  // Of a further process, docker has these too for a user or a directory that is not there.
  const isExec = plan.steps.some(({ op }) => op.op === "process");
  if (isExec && name === "set_user") return 126;
  if (name !== "exec" && !(isExec && name === "chdir")) return 125;
  return failure.errno === ENOENT || failure.errno === ENOTDIR ? 127 : 126;
}
