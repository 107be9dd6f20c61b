/** Where a simulation begins: one process with all rights, one file system at `/`. */

import { Draft } from "./draft.ts";
import { noFlags, noLocks } from "./flags.ts";
import { type Profile, profiles } from "./profile.ts";
import { type MountId, type ProcessId, type State, simulatedCapabilities } from "./state.ts";

export type Beginning = {
  readonly kernel?: Profile;
  /** The type and source of the root file system. */
  readonly root?: { readonly type: string; readonly source: string };
  readonly process?: ProcessId;
};

/**
 * As a machine is after boot, seen from its first process: the kernel's own root, which nobody sees
 * any more, and the root file system on top of it; all mounts private, as the kernel makes them.
 */
export function initialState({
  kernel = profiles["6.18"],
  root = { type: "tmpfs", source: "tmpfs" },
  process = 1,
}: Beginning = {}): State {
  const draft = new Draft({
    kernel,
    superblocks: {},
    mounts: {},
    namespaces: {},
    userNamespaces: { 0: { parent: null } },
    processes: {},
    next: { mount: 1, dentry: 1, superblock: 1, group: 1, namespace: 1, userNamespace: 1 },
  });
  const layers = [
    ...(kernel.nullfs ? [{ type: "nullfs", source: "nullfs" }] : []),
    { type: "rootfs", source: "rootfs" },
    root,
  ];
  let below: { readonly id: MountId; readonly dentry: number } | null = null;
  let first: MountId = 0;
  for (const { type, source } of layers) {
    const superblock = draft.addSuperblock({
      type,
      options: "",
      readonly: false,
      userNamespace: 0,
    });
    const made: { readonly id: MountId } = draft.addMount({
      parent: below?.id ?? null,
      mountpoint: below?.dentry ?? null,
      root: superblock.root,
      superblock: superblock.id,
      source,
      flags: noFlags,
      locks: noLocks,
      group: null,
      master: null,
      unbindable: false,
      namespace: 1,
    });
    if (below === null) first = made.id;
    below = { id: made.id, dentry: superblock.root };
  }
  const namespace = draft.addNamespace({ owner: 0, root: first, anonymous: false, origin: null });
  const top = { mount: below?.id ?? first, dentry: below?.dentry ?? 0 };
  draft.setProcess({
    id: process,
    root: top,
    cwd: top,
    namespace: namespace.id,
    userNamespace: 0,
    capabilities: simulatedCapabilities,
    descriptors: {},
  });
  return draft.finish();
}
