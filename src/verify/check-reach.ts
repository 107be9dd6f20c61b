/** What a process holds or may use beside its files: devices, descriptors, the machine's resources. */

import { type Finding, few, finding } from "./finding.ts";
import { type DeviceRule, type HostSeen, isShared, type Node, powerOf, type Seen } from "./seen.ts";

/** null, zero, full, random, urandom, tty, console, ptmx: docker's list, and terminals. */
const isHarmless = ({ type, major, minor }: Node): boolean =>
  type === "c" &&
  ((major === 1 && [3, 5, 7, 8, 9].includes(minor)) ||
    (major === 5 && minor <= 2) ||
    major === 136);

/** Memory and ports of the machine; disks. */
const isWhole = ({ type, major, minor }: Node): boolean =>
  type === "b" || (type === "c" && major === 1 && [1, 2, 4].includes(minor));

const allows = ({ type, major, minor, access }: DeviceRule, node: Node): boolean =>
  (type === "a" || type === node.type) &&
  (major === "*" || major === node.major) &&
  (minor === "*" || minor === node.minor) &&
  /[rw]/.test(access);

const nameOf = ({ path, type, major, minor }: Node): string =>
  `${path} (${type} ${major}:${minor})`;

/** A rule for a disk, or for all devices of a kind: with mknod(2), a node for it is no hurdle. */
const isWide = ({ type, major, access }: DeviceRule): boolean =>
  /[rw]/.test(access) && (type === "a" || major === "*" || type === "b");

export function checkDevices(seen: Seen): Finding[] {
  const { devices, nodes } = seen;
  const { isInitial, isRoot, has } = powerOf(seen);
  const cure = "leave --privileged, --device and --device-cgroup-rule out";
  const usable = nodes.filter(
    (node) => devices === null || devices.some((rule) => allows(rule, node)),
  );
  const whole = usable.filter(isWhole);
  const others = usable.filter((node) => !isWhole(node) && !isHarmless(node));
  const known = devices === null ? ", unless the kernel's device program says no" : "";
  const found: Finding[] = [];
  if (whole.length > 0) {
    const level = isInitial && isRoot && devices !== null ? "open" : "weak";
    found.push(finding(level, "devices", `it reaches ${few(whole.map(nameOf), 3)}${known}`, cure));
  } else if (devices?.some(isWide) === true && isInitial && has("CAP_MKNOD")) {
    found.push(
      finding(
        "open",
        "devices",
        "its rules allow all devices, and CAP_MKNOD makes nodes for them",
        cure,
      ),
    );
  } else if (devices?.some(isWide) === true && isInitial) {
    found.push(
      finding(
        "weak",
        "devices",
        "its rules allow all devices; it has no node for a disk",
        "limit them by cgroups: every engine does unless it is told not to",
      ),
    );
  }
  if (others.length > 0) {
    found.push(
      finding("weak", "devices", `it reaches ${few(others.map(nameOf), 4)}${known}`, cure),
    );
  }
  if (devices === null && found.length === 0) {
    const says = has("CAP_MKNOD")
      ? "the rules are a program of the kernel's, which cannot be read: /dev has harmless nodes alone"
      : "/dev has harmless nodes alone";
    found.push(finding("ok", "devices", says));
  }
  return found.length > 0 ? found : [finding("ok", "devices", "harmless ones alone")];
}

/** Of a process that has mounts of its own: what leads to others was opened outside. */
export function checkDescriptors(seen: Seen, host: HostSeen): Finding[] {
  if (isShared(seen, "mount")) return [];
  const isOutside = (mount: number): boolean =>
    mount !== seen.mounts.top && seen.mounts.byId(mount) === undefined;
  const isHosts = (mount: number): boolean => host.mounts.byId(mount) !== undefined;
  const out = seen.descriptors.filter(({ mount }) => isOutside(mount) && isHosts(mount));
  const adrift = seen.descriptors.filter(({ mount }) => isOutside(mount) && !isHosts(mount));
  const said = (all: typeof out) => few(all.map(({ number, target }) => `${number} (${target})`));
  const directories = out.filter(({ directory }) => directory === true);
  const files = out.filter(({ directory, target }) => directory !== true && target !== "/dev/null");
  const found: Finding[] = [];
  const cwd = seen.workingDirectory;
  if (cwd !== null && isOutside(cwd.mount) && isHosts(cwd.mount) && !seen.root.isHost) {
    found.push(
      finding(
        "open",
        "descriptors",
        `its working directory is outside: ${cwd.target}`,
        "start it in a directory of its own root",
      ),
    );
  }
  if (directories.length > 0) {
    found.push(
      finding(
        "open",
        "descriptors",
        `directories of the host are open: ${said(directories)}`,
        "close them before the start: pivot does",
      ),
    );
  }
  if (files.length > 0) {
    found.push(
      finding(
        files.some(({ writable, target }) => writable && /^\/dev\/(pts|tty|console)/.test(target))
          ? "weak"
          : "note",
        "descriptors",
        `files of the host are open: ${said(files)}`,
        "let its streams be pipes, or a terminal of its own (-t)",
      ),
    );
  }
  if (adrift.length > 0) {
    found.push(
      finding(
        "note",
        "descriptors",
        `open, on mounts that neither it nor the host has: ${said(adrift)}`,
        "close them before the start: pivot does",
      ),
    );
  }
  return found.length > 0 ? found : [finding("ok", "descriptors", "none leads out of its root")];
}

const mebi = 1n << 20n;
const sizeText = (bytes: bigint): string =>
  bytes >= mebi ? `${bytes / mebi} MiB` : `${bytes} bytes`;

export function checkLimits({ limits: { memory, pids, cpus } }: Seen): Finding[] {
  return [
    memory === null
      ? finding(
          "weak",
          "limits",
          "no limit of memory: it can take all of the machine's",
          "--memory 1g",
        )
      : finding("ok", "limits", `memory: ${sizeText(memory)}`),
    pids === null
      ? finding(
          "weak",
          "limits",
          "no limit of processes: it can take every pid",
          "--pids-limit 1000",
        )
      : finding("ok", "limits", `processes: ${pids}`),
    cpus === null
      ? finding("note", "limits", "no limit of CPU time", "--cpus 2")
      : finding("ok", "limits", `CPUs: ${Math.round(cpus * 100) / 100}`),
  ];
}
