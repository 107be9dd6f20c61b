/** Which parts of the host are mounted inside. */

import { type Finding, few, finding, type Level, levels } from "./finding.ts";
import { isBelow, type Mount } from "./mount-table.ts";
import { type HostSeen, isShared, type Power, powerOf, type Seen } from "./seen.ts";

/** A part of the host that is shown inside. */
export type Shown = { readonly mount: Mount; readonly source: string };

/** Which no container has of the host but by a bind of them. */
const kernelTypes = new Set(["proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "nsfs"]);

/** Those by which whoever may write to them is root of the host. */
const sockets = [
  "docker.sock",
  "podman.sock",
  "containerd.sock",
  "crio.sock",
  "system_bus_socket",
  "systemd/private",
  "attach",
];

/** What belongs to each container: files that its engine has written for it. */
const usual: ReadonlySet<string> = new Set([
  "/etc/hosts",
  "/etc/hostname",
  "/etc/resolv.conf",
  "/run/.containerenv",
]);

/** Directories of which to write is to be root, or to read is to know what only root may. */
const precious: ReadonlySet<string> = new Set([
  "/",
  "/etc",
  "/root",
  "/boot",
  "/usr",
  "/bin",
  "/sbin",
  "/lib",
  "/var",
  "/run",
  "/home",
  "/dev",
]);
const preciousBelow = [
  "/etc",
  "/boot",
  "/root",
  "/var/lib/docker",
  "/var/lib/containerd",
  "/var/lib/kubelet",
  "/var/spool/cron",
];

export function shownOf(seen: Seen, host: HostSeen): Shown[] {
  return seen.mounts.visible().flatMap((mount) => {
    if (kernelTypes.has(mount.type) || mount.point === "/") return [];
    // Masks, and devices one by one, are looked at with /proc and with the devices.
    if (mount.type === "devtmpfs" && mount.root !== "/") return [];
    const source = host.mounts.pathOf(mount);
    return source === null ? [] : [{ mount, source }];
  });
}

const isPrecious = (source: string): boolean =>
  precious.has(source) || preciousBelow.some((each) => isBelow(source, each));

function levelOf({ mount, source }: Shown, { isInitial, isRoot }: Power): Level {
  if (sockets.some((each) => source.endsWith(`/${each}`)))
    return isRoot || isInitial ? "open" : "weak";
  if (mount.type === "devtmpfs") return isInitial ? "open" : "weak";
  if (!isPrecious(source)) return "note";
  return !mount.readonly && isRoot ? "open" : "weak";
}

function sayOf({ mount, source }: Shown): string {
  const how = mount.readonly ? "to read" : "to write";
  if (sockets.some((each) => source.endsWith(`/${each}`))) {
    return `${source} of the host at ${mount.point}: who may speak to it has the host`;
  }
  return `${source} of the host is at ${mount.point}, ${how}`;
}

/** Whether it came along with another, whose files have it at the same place. */
const isPart = ({ mount, source }: Shown, all: readonly Shown[]): boolean =>
  all.slice(0, mostTold).some((other) => {
    const [point, base] = [other.mount.point, other.source.replace(/\/$/, "")];
    const rest = mount.point.slice(point.length);
    return isBelow(mount.point, point) && rest !== "" && source === base + rest;
  });

/** A process may have as many mounts as it likes. */
const mostTold = 20;

export function checkBinds(seen: Seen, host: HostSeen): Finding[] {
  if (isShared(seen, "mount")) return [];
  const power = powerOf(seen);
  const all = shownOf(seen, host).filter(({ mount }) => !usual.has(mount.point));
  const graded = all.map((shown) => ({ shown, level: levelOf(shown, power) }));
  const harmless = graded.filter(({ shown, level }) => level === "note" && !isPart(shown, all));
  const telling = graded
    .filter(({ level }) => level !== "note")
    .sort((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level));
  return [
    ...telling
      .slice(0, mostTold)
      .map(({ shown, level }) =>
        finding(
          level,
          "mounts",
          sayOf(shown),
          "leave this mount out, or bind less of it, with :ro",
        ),
      ),
    ...(telling.length <= mostTold
      ? []
      : [finding("weak", "mounts", `and ${telling.length - mostTold} more of the kind`)]),
    ...(harmless.length === 0
      ? [finding("ok", "mounts", "beside what is said, nothing of the host's files is shown")]
      : [
          finding(
            "note",
            "mounts",
            `of the host's files: ${few(harmless.map(({ shown: { mount, source } }) => `${source} at ${mount.point}${mount.readonly ? " (ro)" : ""}`))}`,
          ),
        ]),
    ...(seen.isCut ? [finding("weak", "mounts", "there are more mounts than are looked at")] : []),
  ];
}
