/** Descriptors, and the calls that work on mounts by them: open_tree, fsmount, move_mount. */

import type { Draft } from "../draft.ts";
import { lookup, openPlaces } from "../lookup.ts";
import { refuse } from "../outcome.ts";
import { requireMayMount } from "../rights.ts";
import type { Mount, NamespaceId, Path, Process } from "../state.ts";
import { mountTree, rootOf } from "../tree.ts";
import { copyOf, newMount, type OperationOf } from "./mount.ts";
import { moveTo } from "./move.ts";

/** Keeps a place under a name; what that name kept before is closed, as by dup2(2). */
function keep(draft: Draft, process: Process, into: string, path: Path, detached: boolean): void {
  const descriptors = { ...process.descriptors, [into]: { ...path, detached } };
  draft.setProcess({ ...process, descriptors });
}

/** A tree that is attached to nothing, in a namespace where nobody is. */
function keepDetached(
  draft: Draft,
  process: Process,
  into: string,
  root: Mount,
  origin: NamespaceId | null,
): void {
  const { owner } = draft.namespace(process.namespace);
  const namespace = draft.addNamespace({ owner, root: root.id, anonymous: true, origin });
  for (const { id } of mountTree(draft, root.id)) {
    draft.changeMount(id, { namespace: namespace.id });
  }
  keep(draft, process, into, rootOf(root), true);
}

/** open(2) with O_PATH; a descriptor itself is only duplicated. */
export function open(draft: Draft, process: Process, op: OperationOf<"open">): void {
  const path = lookup(draft, process, op.path);
  const same = typeof op.path !== "string" && op.path.path === "" ? op.path.at : null;
  const detached = same !== null && process.descriptors[same]?.detached === true;
  keep(draft, process, op.into, path, detached);
}

export function close(draft: Draft, process: Process, op: OperationOf<"close">): void {
  const { [op.slot]: closed, ...descriptors } = process.descriptors;
  if (closed === undefined) {
    refuse("EBADF", `There is no open file ${op.slot}.`, "Name one that is open.");
  }
  draft.setProcess({ ...process, descriptors });
}

/** vfs_open_tree, open_detached_copy. */
export function openTree(draft: Draft, process: Process, op: OperationOf<"open_tree">): void {
  openPlaces(draft, process, op.path);
  requireMayMount(draft, process);
  const path = lookup(draft, process, op.path);
  const copy = copyOf(draft, process, path, op.recursive);
  const { namespace } = draft.mount(path.mount);
  const from = namespace === null ? null : draft.namespace(namespace);
  const origin = from === null ? null : from.anonymous ? from.origin : from.id;
  keepDetached(draft, process, op.into, copy, origin);
}

/** fsmount(2). */
export function fsmount(draft: Draft, process: Process, op: OperationOf<"fsmount">): void {
  requireMayMount(draft, process);
  keepDetached(
    draft,
    process,
    op.into,
    newMount(draft, process, op, op.options.includes("ro")),
    null,
  );
}

/** move_mount(2): the target is looked up before the source. */
export function moveMount(draft: Draft, process: Process, op: OperationOf<"move_mount">): void {
  openPlaces(draft, process, op.from, op.to);
  requireMayMount(draft, process);
  const to = lookup(draft, process, op.to);
  moveTo(draft, process, lookup(draft, process, op.from), to, op.beneath === true);
}
