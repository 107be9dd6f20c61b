/** /dev: a file system of its own with only the devices that are safe, and those asked for. */

import type { NodeType } from "../plan/constants.ts";
import type { OpOf, Place, Slot, Step } from "../plan/op.ts";
import type { Linux, LinuxDevice, LinuxIDMapping, Mount, Process } from "../spec/mod.ts";
import { allFlags, type MountOptions } from "./mount-options.ts";
import type { MountView } from "./mounts.ts";
import { identity } from "./namespaces.ts";
import { bind, byInit, byParent, inRoot, mount, onHost, readOnly, slot } from "./step.ts";

/** config-linux.md, "Default Devices"; numbers from Documentation/admin-guide/devices.txt. */
const defaultDevices: readonly LinuxDevice[] = [
  { path: "/dev/null", type: "c", major: 1, minor: 3 },
  { path: "/dev/zero", type: "c", major: 1, minor: 5 },
  { path: "/dev/full", type: "c", major: 1, minor: 7 },
  { path: "/dev/random", type: "c", major: 1, minor: 8 },
  { path: "/dev/urandom", type: "c", major: 1, minor: 9 },
  { path: "/dev/tty", type: "c", major: 5, minor: 0 },
];

/** config-linux.md, "Dev symbolic links", and the ptmx of the container's own devpts. */
const links: readonly (readonly [name: string, to: string])[] = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
  ["ptmx", "pts/ptmx"],
];

const nodeTypes: Readonly<Record<LinuxDevice["type"], NodeType>> = {
  c: "character",
  u: "character",
  b: "block",
  p: "fifo",
};

const mknod = (at: Place, device: LinuxDevice, accept: boolean): OpOf<"mknod"> => ({
  op: "mknod",
  at,
  type: nodeTypes[device.type],
  major: device.major ?? 0,
  minor: device.minor ?? 0,
  mode: (device.fileMode ?? 0o666) & 0o7777,
  uid: device.uid ?? 0,
  gid: device.gid ?? 0,
  accept,
});

type Wanted = { readonly device: LinuxDevice; readonly why: string };

/** Names of /dev that are links, or lie in a mount of their own: a device is not made there. */
const isTaken = (path: string): boolean => {
  const name = belowDev(path);
  return name !== null && (/^pts(\/|$)/.test(name) || links.some(([link]) => link === name));
};

/** The default devices, less those that the configuration describes itself, and then these. */
function wantedDevices(extra: readonly LinuxDevice[]): Wanted[] {
  const described = new Set(extra.map(({ path }) => path));
  return [
    ...defaultDevices
      .filter(({ path }) => !described.has(path))
      .map((device) => ({ device, why: "default: a device that every program may use" })),
    ...extra.map((device, i) => ({ device, why: `linux.devices[${i}]` })),
  ];
}

/** The name below /dev, or null for a device elsewhere. */
const belowDev = (path: string): string | null =>
  /^\/dev\/+(?!\.\.?\/)(.+)$/.exec(path)?.[1] ?? null;

type DevView = {
  readonly extra: readonly LinuxDevice[];
  readonly around: Pick<MountView, "inUserNamespace" | "facts" | "state">;
  readonly linux: Linux | undefined;
};

/** An id of the container as the host has it; one without a mapping belongs to nobody inside. */
function hostId(id: number, mappings: readonly LinuxIDMapping[] = identity): number {
  const found = mappings.find(
    ({ containerID, size }) => id >= containerID && id < containerID + size,
  );
  return found === undefined ? 65534 : id - found.containerID + found.hostID;
}

/**
 * What is shown of the host in a user namespace, kept in a slot. The default devices are the same
 * on every host; of others the host may have none under that name, or another one, and so a node is
 * made for them in the container's own directory, which goes with it.
 */
function planShown(device: LinuxDevice, isExtra: boolean, view: DevView, into: Slot, why: string) {
  const { around, linux } = view;
  const mayMake =
    around.facts.capabilities.includes("CAP_MKNOD") && around.facts.userNamespace === undefined;
  if (!isExtra || !mayMake) {
    return [byParent(bind({ from: onHost(device.path), into }), why)];
  }
  const at = onHost(`${around.state}/${into}`);
  const uid = hostId(device.uid ?? 0, linux?.uidMappings);
  const gid = hostId(device.gid ?? 0, linux?.gidMappings);
  return [
    byParent(mknod(at, { ...device, uid, gid }, false), why),
    byParent(bind({ from: at, clear: ["nodev"], into }), why),
  ];
}

/**
 * Mounts /dev as a new tmpfs. All that can be is made while it is still detached, where nothing
 * of the image can get in the way: an image whose /dev is a link leads nowhere.
 *
 * In a user namespace mknod(2) is not allowed, so nodes that the parent sees are shown instead.
 *
 * @returns besides: `last`, what makes it read-only when no node and no mount point has to be made in it
 *   any more
 */
export function planDev(
  { source }: Mount,
  options: MountOptions,
  view: DevView,
  why: string,
): { before: Step[]; steps: Step[]; last: Step[] } {
  const attributes = allFlags(options);
  const isReadOnly = attributes.includes("ro");
  const before: Step[] = [];
  const nodes: Step[] = [];
  const shown: Step[] = [];
  const inDev = (name: string): Place => ({ in: "dev", path: name });
  for (const [i, { device, why: reason }] of wantedDevices(view.extra).entries()) {
    if (isTaken(device.path)) continue;
    const name = belowDev(device.path);
    const at = name === null ? inRoot(device.path) : inDev(name);
    if (view.around.inUserNamespace && device.type !== "p") {
      const node = `device${i}`;
      before.push(...planShown(device, view.extra.includes(device), view, node, reason));
      shown.push(byInit({ op: "attach", mount: node, at, create: "matching" }, reason));
    } else {
      (name === null ? shown : nodes).push(byInit(mknod(at, device, name === null), reason));
    }
  }
  const linkSteps = links.map(([name, to]) =>
    byInit({ op: "symlink", at: inDev(name), to }, "default: a name that programs expect in /dev"),
  );
  return {
    before,
    steps: [
      byInit(
        mount({
          type: "tmpfs",
          source: source ?? "tmpfs",
          options: options.data,
          attributes: attributes.filter((flag) => flag !== "ro"),
          into: "dev",
        }),
        why,
      ),
      ...nodes,
      ...linkSteps,
      byInit({ op: "attach", mount: "dev", at: inRoot("/dev"), create: "matching" }, why),
      ...shown,
    ],
    last: isReadOnly ? [byInit(readOnly(slot("dev")), why)] : [],
  };
}

/** The devices of a root whose /dev is its own directory: what is there and right, stays. */
export function planDevicesInRoot(extra: readonly LinuxDevice[]): Step[] {
  return wantedDevices(extra).map(({ device, why }) =>
    byInit(mknod(inRoot(device.path), device, true), why),
  );
}

/**
 * A terminal of the container's own; given to who keeps it, if not us.
 *
 * @param at where it is shown, or null: the place of `/dev/console` is `consolePlace`
 */
export function planConsole(at: Place | null, process: Process, socket: string | null): Step[] {
  const { user, consoleSize } = process;
  const console = byInit(
    {
      op: "console",
      devpts: "devpts",
      at,
      uid: user.uid,
      rows: consoleSize?.height ?? 0,
      columns: consoleSize?.width ?? 0,
    },
    "process.terminal",
  );
  return socket === null ? [console] : [console, planSendTerminal(socket)];
}

export const consolePlace = (hasDev: boolean): Place =>
  hasDev ? { in: "dev", path: "console" } : inRoot("/dev/console");

const planSendTerminal = (socket: string): Step =>
  byParent({ op: "send_terminal", at: onHost(socket) }, "--console-socket");

/** The container's /dev/null, for streams and masks. */
export const nullDevice = (hasDev: boolean): Place =>
  hasDev ? { ...slot("dev"), path: "null" } : inRoot("/dev/null");
