/** What of /proc, /sys and the cgroups is shown, and what can be written there. */

import { hasNoNamespace } from "./check-namespaces.ts";
import { type Finding, few, finding } from "./finding.ts";
import type { Mount } from "./mount-table.ts";
import { type HostSeen, isShared, powerOf, type Seen } from "./seen.ts";

const READ_ONLY_USUALLY: ReadonlySet<string> = new Set([
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
]);

const cure = "leave --privileged and --security-opt systempaths=unconfined out";

/** A path of a file system that stands at its usual place: is it that file system still? */
const isBare = ({ mounts }: Seen, path: string, top: Mount): boolean =>
  mounts.at(path)?.id === top.id;

function checkProc(seen: Seen, host: HostSeen): Finding[] {
  const proc = seen.mounts.at("/proc");
  if (proc?.type !== "proc") return [finding("ok", "/proc", "there is none")];
  if (proc.options.includes("subset=pid"))
    return [finding("ok", "/proc", "processes alone (subset=pid)")];
  const below = host.sensitive.filter((path) => path.startsWith("/proc/"));
  const hidden = below.filter((path) => !READ_ONLY_USUALLY.has(path));
  const shown = hidden.filter((path) => isBare(seen, path, proc));
  const writable = below.filter((path) => {
    const mount = seen.mounts.at(path);
    return READ_ONLY_USUALLY.has(path) && mount?.type === "proc" && !mount.readonly;
  });
  // What the kernel asks for is the uid, whatever the user namespace: root of one may be root's.
  const { isRoot } = powerOf(seen);
  const found: Finding[] = [];
  if (writable.length > 0) {
    const which = few(writable);
    found.push(
      isRoot
        ? finding(
            "open",
            "/proc",
            `root may write to ${which}: kernel.core_pattern runs a program on the host`,
            cure,
          )
        : finding(
            "note",
            "/proc",
            `not read-only: ${which}; its user is not the host's root, so little of it can be written`,
            cure,
          ),
    );
  }
  if (shown.length > 0) {
    found.push(
      finding("weak", "/proc", `not masked: ${few(shown)}: what the whole machine does`, cure),
    );
  }
  return found.length > 0
    ? found
    : [finding("ok", "/proc", "masked and read-only where it is the host's")];
}

/** A second view of procfs: that of the host's processes, or one without masks. */
function checkOtherProc(seen: Seen, host: HostSeen): Finding[] {
  const hosts = host.mounts.at("/proc");
  const main = seen.mounts.at("/proc");
  const { isRoot } = powerOf(seen);
  return seen.mounts.visible().flatMap((mount) => {
    if (mount.type !== "proc" || mount.root !== "/" || mount.id === main?.id) return [];
    const whose = mount.device === hosts?.device ? "the host's /proc" : "a /proc without masks";
    const level = !mount.readonly && isRoot ? "open" : "weak";
    return [
      finding(
        level,
        "/proc",
        `${whose} is at ${mount.point}${mount.readonly ? ", to read" : ", to write"}`,
        "leave this mount out",
      ),
    ];
  });
}

function checkSys(seen: Seen): Finding[] {
  const all = seen.mounts.visible().filter(({ type }) => type === "sysfs");
  const writable = all.filter(({ readonly }) => !readonly).map(({ point }) => point);
  const { isRoot } = powerOf(seen);
  if (writable.length === 0) {
    return [finding("ok", "/sys", all.length === 0 ? "there is none" : "read-only")];
  }
  return isRoot
    ? [
        finding(
          "open",
          "/sys",
          `root may write to ${few(writable)}: devices, modules, uevent_helper`,
          cure,
        ),
      ]
    : [
        finding(
          "note",
          "/sys",
          `not read-only at ${few(writable)}; its user is not the host's root`,
          cure,
        ),
      ];
}

/** CVE-2022-0492: the root of a hierarchy of version 1 names a program that the kernel starts. */
function checkCgroupMounts(seen: Seen): Finding[] {
  const { has, isRoot, isInitial } = powerOf(seen);
  const writable = seen.mounts
    .visible()
    .filter(({ type, readonly }) => (type === "cgroup" || type === "cgroup2") && !readonly);
  const agents = writable.filter(({ type, root }) => type === "cgroup" && root === "/");
  const points = (mounts: readonly Mount[]) => few(mounts.map(({ point }) => point));
  if (writable.length === 0) return [finding("ok", "cgroups", "none can be written to")];
  if (agents.length > 0 && has("CAP_SYS_ADMIN")) {
    return [
      finding(
        "open",
        "cgroups",
        `release_agent at ${points(agents)} can be written: the kernel starts it on the host`,
        "--cgroupns private, without --privileged",
      ),
    ];
  }
  const whole = writable.some(({ root }) => root === "/");
  return [
    finding(
      isRoot && isInitial ? "weak" : "note",
      "cgroups",
      whole
        ? `those of the whole machine can be written at ${points(writable)}`
        : `its own can be written at ${points(writable)}: it may raise its limits`,
      "--cgroupns private, without --privileged",
    ),
  ];
}

export function checkKernelFiles(seen: Seen, host: HostSeen): Finding[] {
  if (seen.root.isNowhere) {
    const says = "not known: they are in no mount namespace, and no table tells of them";
    return [finding("weak", "mounts", says, hasNoNamespace)];
  }
  const own = isShared(seen, "mount") ? [] : checkOtherProc(seen, host);
  return [...checkProc(seen, host), ...own, ...checkSys(seen), ...checkCgroupMounts(seen)];
}
