/** File systems that are known in part: what is at a path, and whether that was ever told. */

import { Draft } from "./draft.ts";
import { lookup } from "./lookup.ts";
import type { Where } from "./operation.ts";
import { Refused } from "./outcome.ts";
import type { ProcessId, State, Superblock } from "./state.ts";
import { dentryPath } from "./tree.ts";

/** They are empty when they are new; of all others nobody knows what is in them. */
const emptyWhenNew: ReadonlySet<string> = new Set(["tmpfs", "ramfs"]);

/**
 * Takes file systems to have whatever is looked up in them.
 * @param before the state before the operation: then only what is new since then, and not empty
 */
export function openAll(state: State, before?: State): State {
  const closed = Object.values(state.superblocks).filter(
    ({ id, type, open }) =>
      open === undefined &&
      (before === undefined || (before.superblocks[id] === undefined && !emptyWhenNew.has(type))),
  );
  if (closed.length === 0) return state;
  const opened = closed.map((each): [number, Superblock] => [each.id, { ...each, open: true }]);
  return { ...state, superblocks: { ...state.superblocks, ...Object.fromEntries(opened) } };
}

export type Found = {
  readonly kind: "directory" | "file";
  /** Somebody made it, or mounted something there. */
  readonly known: boolean;
  /** The file system that it is in, and its path there. */
  readonly type: string;
  readonly path: string;
};

/** What is at a path; null: the look-up fails. */
export function kindAt(state: State, by: ProcessId, where: Where): Found | null {
  const draft = new Draft(state);
  const process = draft.findProcess(by);
  if (process === undefined) return null;
  try {
    const { dentry } = lookup(draft, process, where);
    const { type } = draft.superblockOf(dentry);
    const kind = draft.dentry(dentry).kind === "directory" ? "directory" : "file";
    const known = dentry < state.next.dentry;
    return { kind, known, type, path: dentryPath(draft, dentry) };
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}
