/** Where a simulation begins: one process with all rights, one file system at `/`. */

import { Draft } from "./draft.ts";
import { noFlags, noLocks } from "./flags.ts";
import { type Profile, profiles } from "./profile.ts";
import {
  type Mount,
  type MountFlags,
  type MountId,
  type Path,
  type ProcessId,
  type State,
  simulatedCapabilities,
  type UserNamespaceId,
} from "./state.ts";

/** As it is seen on Linux 6.18: made by the kernel itself, without mount(2)'s defaults. */
const rootfsFlags: MountFlags = { ...noFlags, nosuid: true, atime: "strictatime" };

export type Beginning = {
  readonly kernel?: Profile;
  /** The type and source of the root file system. */
  readonly root?: { readonly type: string; readonly source: string };
  readonly process?: ProcessId;
};

type Layer = {
  readonly type: string;
  readonly source: string;
  readonly flags: MountFlags;
  readonly locked: boolean;
};

/** File systems that lie on each other's roots; the process sees the last. */
function stack(kernel: Profile, layers: readonly Layer[], owner: UserNamespaceId, id: ProcessId) {
  const draft = new Draft({
    kernel,
    superblocks: {},
    mounts: {},
    namespaces: {},
    userNamespaces: { 0: { parent: null }, ...(owner === 0 ? {} : { [owner]: { parent: 0 } }) },
    processes: {},
    next: {
      mount: 1,
      dentry: 1,
      superblock: 1,
      group: 1,
      namespace: 1,
      userNamespace: owner + 1,
    },
  });
  let below: Path | null = null;
  let first: MountId | null = null;
  for (const { type, source, flags, locked } of layers) {
    const userNamespace = type === "rootfs" || type === "nullfs" ? 0 : owner;
    const fresh = { type, options: "", readonly: false, userNamespace };
    const superblock = draft.addSuperblock(fresh);
    const made: Mount = draft.addMount({
      parent: below?.mount ?? null,
      mountpoint: below?.dentry ?? null,
      root: superblock.root,
      superblock: superblock.id,
      source,
      flags,
      locks: { ...noLocks, place: locked },
      group: null,
      master: null,
      unbindable: false,
      namespace: 1,
    });
    first ??= made.id;
    below = { mount: made.id, dentry: superblock.root };
  }
  if (below === null || first === null) throw new Error("there is no file system at /");
  const namespace = draft.addNamespace({ owner, root: first, anonymous: false, origin: null });
  draft.setProcess({
    id,
    root: below,
    cwd: below,
    namespace: namespace.id,
    userNamespace: owner,
    capabilities: simulatedCapabilities,
    descriptors: {},
  });
  return draft.finish();
}

const hidden = (kernel: Profile): Layer[] => [
  ...(kernel.nullfs ? [{ type: "nullfs", source: "nullfs", flags: noFlags, locked: false }] : []),
  { type: "rootfs", source: "rootfs", flags: rootfsFlags, locked: false },
];

/**
 * As a machine is after boot, seen from its first process: the kernel's own root, which nobody sees
 * any more, and the root file system on top of it; all mounts private, as the kernel makes them.
 */
export function initialState({
  kernel = profiles["6.18"],
  root = { type: "tmpfs", source: "tmpfs" },
  process = 1,
}: Beginning = {}): State {
  return stack(kernel, [...hidden(kernel), { ...root, flags: noFlags, locked: false }], 0, process);
}

/**
 * As the world begins in which `pivot mountns --kernel` tries things (native/mountns.c): in a user
 * namespace, an empty tmpfs at `/`, and below it another one, which is locked and never left.
 */
export function throwAwayState(kernel: Profile = profiles["6.18"]): State {
  const tmpfs = { type: "tmpfs", source: "tmpfs", flags: noFlags };
  const layers = [...hidden(kernel), { ...tmpfs, locked: true }, { ...tmpfs, locked: false }];
  return stack(kernel, layers, 1, 1);
}
