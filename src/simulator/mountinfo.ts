/** What /proc/PID/mountinfo says of a process's mounts: proc_pid_mountinfo(5). */

import { Draft } from "./draft.ts";
import { showFlags } from "./flags.ts";
import { peersOf } from "./propagation.ts";
import type { GroupId, Mount, Path, Process, ProcessId, State } from "./state.ts";
import { dentryPath, isReachable, rootOf } from "./tree.ts";

/** A row of the table, in parts. */
export type MountinfoRow = {
  readonly id: number;
  readonly parent: number;
  readonly device: string;
  readonly root: string;
  readonly mountpoint: string;
  readonly flags: string;
  readonly shared: GroupId | null;
  readonly master: GroupId | null;
  readonly propagateFrom: GroupId | null;
  readonly unbindable: boolean;
  readonly type: string;
  readonly source: string;
  readonly superOptions: string;
};

/** Where a mount is, as seen from a root; null when that cannot be said. prepend_path, fs/d_path.c. */
export function pathFrom(draft: Draft, mount: Mount, root: Path): string | null {
  let path = "";
  let at: Path = rootOf(mount);
  for (;;) {
    if (at.mount === root.mount && at.dentry === root.dentry) return path === "" ? "/" : path;
    const here = draft.mount(at.mount);
    if (at.dentry === here.root) {
      if (here.parent === null || here.mountpoint === null) return null;
      at = { mount: here.parent, dentry: here.mountpoint };
      continue;
    }
    const { name, parent } = draft.dentry(at.dentry);
    if (parent === null) return null;
    path = `/${name}${path}`;
    at = { mount: at.mount, dentry: parent };
  }
}

/** The nearest master group that has a member below the root. get_dominating_id, fs/pnode.c. */
function dominating(draft: Draft, mount: Mount, root: Path): GroupId | null {
  for (let group = mount.master; group !== null; ) {
    const peers = peersOf(draft, group);
    const visible = peers.some(
      (peer) => peer.namespace === mount.namespace && isReachable(draft, rootOf(peer), root),
    );
    if (visible) return group;
    group = peers[0]?.master ?? null;
  }
  return null;
}

/** A path, but for namespaces, which have names: net:[4026531840]. */
function shownRoot(draft: Draft, mount: Mount): string {
  const path = dentryPath(draft, mount.root);
  return draft.superblock(mount.superblock).type === "nsfs" ? path.slice(1) : path;
}

function rowOf(draft: Draft, mount: Mount, mountpoint: string, process: Process): MountinfoRow {
  const superblock = draft.superblock(mount.superblock);
  const removed = draft.dentry(mount.root).removed === true;
  const from = mount.master === null ? null : dominating(draft, mount, process.root);
  return {
    id: mount.id,
    parent: mount.parent ?? mount.id,
    device: superblock.device,
    root: `${shownRoot(draft, mount)}${removed ? "//deleted" : ""}`,
    mountpoint,
    flags: showFlags(mount.flags),
    shared: mount.group,
    master: mount.master,
    propagateFrom: from === mount.master ? null : from,
    unbindable: mount.unbindable,
    type: superblock.type,
    source: mount.source,
    superOptions: `${superblock.readonly ? "ro" : "rw"}${superblock.options === "" ? "" : `,${superblock.options}`}`,
  };
}

/** The rows that a process sees: mounts of its namespace at or below its root, oldest first. */
export function mountTable(state: State, id: ProcessId): MountinfoRow[] {
  const draft = new Draft(state);
  const process = draft.findProcess(id);
  if (process === undefined) return [];
  return draft.mounts
    .filter(({ namespace }) => namespace === process.namespace)
    .flatMap((mount) => {
      const mountpoint = pathFrom(draft, mount, process.root);
      return mountpoint === null ? [] : [rowOf(draft, mount, mountpoint, process)];
    });
}

const escaped = (text: string): string =>
  text.replace(/[ \t\n\\]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`);

export function formatRow(row: MountinfoRow): string {
  const optional = [
    row.shared === null ? [] : [`shared:${row.shared}`],
    row.master === null ? [] : [`master:${row.master}`],
    row.propagateFrom === null ? [] : [`propagate_from:${row.propagateFrom}`],
    row.unbindable ? ["unbindable"] : [],
  ].flat();
  return [
    row.id,
    row.parent,
    row.device,
    escaped(row.root),
    escaped(row.mountpoint),
    row.flags,
    ...optional,
    "-",
    row.type,
    escaped(row.source),
    row.superOptions,
  ].join(" ");
}

/** The text of the file, with the simulator's own numbers. */
export const mountinfo = (state: State, process: ProcessId): string =>
  mountTable(state, process)
    .map((each) => `${formatRow(each)}\n`)
    .join("");
