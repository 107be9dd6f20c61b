/** Looks at a process from outside, and at the host beside it. */

import { existsSync, lstatSync, opendirSync, statSync } from "node:fs";
import { WishError } from "../container/wish-error.ts";
import { isInForce } from "../host/machine.ts";
import { readUserNamespace } from "../host/user-namespace.ts";
import { MASKED, READONLY } from "../options/system-paths.ts";
import { type Capability, capabilities, type Namespace } from "../plan/constants.ts";
import { parseMountinfo } from "../simulator/parse-mountinfo.ts";
import { type Mount, MountTable, parseMountTable } from "./mount-table.ts";
import { ProcessHandle, type Whereabouts } from "./process-handle.ts";
import { readCgroupsOf } from "./read-cgroups.ts";
import type {
  Beneath,
  CapabilitySets,
  Descriptor,
  HostSeen,
  IdRange,
  NamespaceSeen,
  Node,
  Root,
  Seen,
} from "./seen.ts";

/** By their files in /proc/PID/ns. */
const namespaceFiles: Readonly<Record<Namespace, string>> = {
  mount: "mnt",
  pid: "pid",
  network: "net",
  ipc: "ipc",
  uts: "uts",
  user: "user",
  cgroup: "cgroup",
  time: "time",
};

/** A table of the most mounts that Linux allows (fs.mount-max) has some 20 MB. */
const mountBytesMax = 64 << 20;
const descriptorsMax = 4096;
const nodesMax = 4096;

const O_ACCMODE = 3;

/** By a descriptor of the root, and the file of its mount namespace; null: the kernel does not say. */
export type AskBeneath = (root: number, namespace: string) => Beneath[] | null;

function readNamespaces(process: ProcessHandle, host: ProcessHandle): NamespaceSeen[] {
  return (Object.keys(namespaceFiles) as Namespace[]).flatMap((type) => {
    const theirs = process.link(`ns/${namespaceFiles[type]}`);
    if (theirs === null) return [];
    // Seen from within an ordinary user's namespace, the machine's own is not to be looked at.
    const isOwners = type === "user" && readUserNamespace() !== null;
    return [{ type, shared: !isOwners && theirs === host.link(`ns/${namespaceFiles[type]}`) }];
  });
}

const fieldOf = (status: string, name: string): string =>
  new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "";

function capabilitiesOf(status: string, name: string): Capability[] {
  const mask = BigInt(`0x${fieldOf(status, name) || "0"}`);
  return (Object.keys(capabilities) as Capability[]).filter(
    (each) => ((mask >> BigInt(capabilities[each])) & 1n) === 1n,
  );
}

const capabilitySetsOf = (status: string): CapabilitySets => ({
  inheritable: capabilitiesOf(status, "CapInh"),
  permitted: capabilitiesOf(status, "CapPrm"),
  effective: capabilitiesOf(status, "CapEff"),
  bounding: capabilitiesOf(status, "CapBnd"),
  ambient: capabilitiesOf(status, "CapAmb"),
});

export function parseIdMap(text: string): IdRange[] {
  return text.split("\n").flatMap((line) => {
    const [inside, outside, count] = line.trim().split(/\s+/).map(Number);
    if (inside === undefined || outside === undefined || count === undefined) return [];
    return [{ inside, outside, count }];
  });
}

const nowhere: Whereabouts = { mount: -1, inode: "0", flags: 0 };

/** File systems that answer by themselves. */
const ownAnswer = new Set(
  "btrfs devtmpfs erofs ext2 ext3 ext4 f2fs ramfs rootfs squashfs tmpfs xfs zfs".split(" "),
);

/**
 * Whether a look-up in a root can be trusted to end: behind a FUSE there is a program, which may be the
 * container's, and an overlay that was made in a user namespace may lie over one.
 */
const isPrompt = (mount: Mount | undefined, isInitial: boolean): boolean =>
  mount !== undefined && (ownAnswer.has(mount.type) || (mount.type === "overlay" && isInitial));

/** `..` of a mount namespace's root is the root itself; above the root of a mere chroot is more. */
function readRoot(
  process: ProcessHandle,
  host: ProcessHandle,
  mounts: HostSeen["mounts"],
  isInitial: boolean,
  beneath: AskBeneath | undefined,
) {
  const { root, covered } = process.where("root", (found, fd) => ({
    root: found,
    covered: beneath?.(fd, process.path("ns/mnt")) ?? null,
  })) ?? { root: nowhere, covered: null };
  const text = process.read("mountinfo", mountBytesMax) ?? "";
  const table = new MountTable(parseMountTable(text), root.mount);
  // A chroot is on a mount that its own table does not name; the host's may.
  const own: Mount | undefined = table.byId(root.mount) ?? mounts.byId(root.mount);
  const prompt = isPrompt(own, isInitial);
  const above = prompt ? (process.where("root/..", (found) => found) ?? root) : root;
  const isCut = text.length >= mountBytesMax;
  const hostRoot = host.where("root", (found) => found) ?? nowhere;
  const hostMount = mounts.byId(hostRoot.mount);
  const seen: Root = {
    isHost: own !== undefined && own.device === hostMount?.device && root.inode === hostRoot.inode,
    isChroot: above.mount !== root.mount || above.inode !== root.inode,
    isNowhere: own === undefined && root !== nowhere && !isCut,
    readonly: own?.readonly === true,
    beneath: covered,
  };
  return { root: seen, table, rows: isCut ? null : parseMountinfo(text), isCut, prompt };
}

/** Kinds that lead to no file system: pipes, sockets, memory. */
const isAnonymous = (target: string): boolean =>
  /^(pipe|socket|anon_inode|net|mnt|pid|user|uts|ipc|cgroup|time):/.test(target) ||
  target.startsWith("/memfd:");

/** Only of what is on one of the host's own mounts: another could let who asks wait for ever. */
function isDirectory(process: ProcessHandle, number: string, isHosts: boolean): boolean | null {
  return isHosts ? process.where(`fd/${number}`, () => true) === true : null;
}

function readDescriptors(process: ProcessHandle, host: MountTable): Descriptor[] {
  return process.names("fd", descriptorsMax).flatMap((number) => {
    const target = process.link(`fd/${number}`);
    const info = process.read(`fdinfo/${number}`, 65536);
    if (target === null || info === null || isAnonymous(target)) return [];
    const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? "0", 8);
    const mount = Number(/^mnt_id:\s*(\d+)/m.exec(info)?.[1] ?? "-1");
    const isHosts = host.byId(mount) !== undefined;
    return [
      {
        number: Number(number),
        target,
        mount,
        directory: isDirectory(process, number, isHosts),
        writable: (flags & O_ACCMODE) !== 0,
      },
    ];
  });
}

/** linux/kdev_t.h as stat(2) shows it. */
const major = (device: number): number => Math.floor(device / 256) & 0xfff;
const minor = (device: number): number => (device & 0xff) | (Math.floor(device / 4096) & 0xfff00);

/** Only of a /dev in memory, and there only what is no mount: nothing that could have to be waited for. */
function readNodes(process: ProcessHandle, table: MountTable): Node[] {
  const dev = table.at("/dev");
  if (dev === undefined || (dev.type !== "tmpfs" && dev.type !== "devtmpfs")) return [];
  const nodes = process.where("root/dev", ({ mount }, fd) => {
    if (mount !== dev.id) return [];
    const found: Node[] = [];
    const directory = opendirSync(`/proc/self/fd/${fd}`);
    for (let i = 0; i < nodesMax; i++) {
      const name = directory.readSync()?.name;
      if (name === undefined) break;
      if (table.isMountPoint(`/dev/${name}`)) continue;
      const stat = lstatSync(`/proc/self/fd/${fd}/${name}`, { throwIfNoEntry: false });
      if (stat?.isBlockDevice() !== true && stat?.isCharacterDevice() !== true) continue;
      const type = stat.isBlockDevice() ? "b" : "c";
      const path = `/dev/${name}`;
      found.push({ path, type, major: major(stat.rdev), minor: minor(stat.rdev) });
    }
    directory.closeSync();
    return found;
  });
  return nodes ?? [];
}

/** Single nodes of the host's /dev that are mounted: what they are, the host's own node says. */
const boundNodes = (table: MountTable): Node[] =>
  table.visible().flatMap(({ type, root, point }) => {
    if (type !== "devtmpfs" || root === "/" || root === "/null") return [];
    const stat = statSync(`/dev${root}`, { throwIfNoEntry: false });
    if (stat?.isBlockDevice() !== true && stat?.isCharacterDevice() !== true) return [];
    const kind = stat.isBlockDevice() ? "b" : "c";
    return [{ path: point, type: kind, major: major(stat.rdev), minor: minor(stat.rdev) } as const];
  });

function labelOf(process: ProcessHandle): string | null {
  const module = isInForce("apparmor") ? "apparmor" : isInForce("selinux") ? "selinux" : null;
  if (module === null) return null;
  const text =
    (module === "apparmor" ? process.read("attr/apparmor/current", 4096) : null) ??
    process.read("attr/current", 4096);
  return `${module}: ${(text ?? "unknown").replaceAll("\0", "").trim()}`;
}

function readHost(host: ProcessHandle): HostSeen {
  const text = host.read("mountinfo", mountBytesMax) ?? "";
  const root = host.where("root", ({ mount }) => mount) ?? -1;
  return {
    pid: host.pid,
    mounts: new MountTable(parseMountTable(text), root),
    sensitive: [...MASKED, ...READONLY].filter((path) => existsSync(path)),
  };
}

function readSeen(
  process: ProcessHandle,
  host: ProcessHandle,
  hostSeen: HostSeen,
  beneath: AskBeneath | undefined,
): Seen {
  const status = process.read("status");
  if (status === null) throw new WishError([`process ${process.pid} has ended`]);
  if (/^State:\s+Z/m.test(status)) {
    throw new WishError([`process ${process.pid} has ended, and waits for its parent to see it`]);
  }
  const namespaces = readNamespaces(process, host);
  const isInitial = namespaces.some(({ type, shared }) => type === "user" && shared);
  const { root, table, rows, isCut, prompt } = readRoot(
    process,
    host,
    hostSeen.mounts,
    isInitial,
    beneath,
  );
  const { limits, devices } = readCgroupsOf(process.read("cgroup") ?? "");
  const cwd = process.where("cwd", ({ mount }) => mount);
  const seen: Seen = {
    pid: process.pid,
    name: fieldOf(status, "Name"),
    uid: Number(fieldOf(status, "Uid").split("\t")[1] ?? "0"),
    namespaces,
    uids: parseIdMap(process.read("uid_map") ?? ""),
    capabilities: capabilitySetsOf(status),
    seccomp: Number(fieldOf(status, "Seccomp") || "0"),
    isDumpable: process.isDumpable(Number(fieldOf(status, "Uid").split("\t")[1] ?? "0")),
    noNewPrivs: fieldOf(status, "NoNewPrivs") === "1",
    label: labelOf(process),
    root,
    mounts: table,
    table: rows,
    isCut,
    descriptors: readDescriptors(process, hostSeen.mounts),
    workingDirectory: cwd === null ? null : { target: process.link("cwd") ?? "", mount: cwd },
    // Of a user namespace's own mounts no device works.
    nodes: [...(prompt && isInitial ? readNodes(process, table) : []), ...boundNodes(table)],
    devices,
    limits,
  };
  process.check();
  return seen;
}

const isRefusal = (error: unknown): boolean =>
  ["EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "");

/** The machine's first process; where it may not be looked at, this one stands for the host. */
function openHost(): ProcessHandle {
  const first = new ProcessHandle(1);
  try {
    first.link("ns/mnt");
    return first;
  } catch (error) {
    first.close();
    if (!isRefusal(error)) throw error;
    return new ProcessHandle(process.pid);
  }
}

/**
 * What is seen of a process, and of the host beside it.
 *
 * @param beneath how the kernel is asked what a root covers; absent: it is not asked
 * @throws WishError when there is no such process, or it may not be looked at
 */
export function look(
  pid: number,
  beneath?: AskBeneath,
): { readonly seen: Seen; readonly host: HostSeen } {
  const handle = new ProcessHandle(pid);
  try {
    const host = openHost();
    try {
      const hostSeen = readHost(host);
      return { seen: readSeen(handle, host, hostSeen, beneath), host: hostSeen };
    } finally {
      host.close();
    }
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw new WishError([
      `process ${pid} may not be looked at by this user: run pivot as root, with all capabilities`,
    ]);
  } finally {
    handle.close();
  }
}
