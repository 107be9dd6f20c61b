/** What one step did to the mounts: the difference of two drawings. */

import { type DrawnMount, mountsOf, type World } from "./world.ts";

export type Change = "new" | "moved" | "changed";

export type Changes = {
  readonly byMount: ReadonlyMap<number, Change>;
  /** Mounts that are gone, as they were. */
  readonly gone: readonly DrawnMount[];
};

export const noChanges: Changes = { byMount: new Map(), gone: [] };

function changeOf(before: DrawnMount | undefined, after: DrawnMount): Change | null {
  if (before === undefined) return "new";
  if (before.parent !== after.parent || before.path !== after.path) return "moved";
  const same =
    before.group === after.group &&
    before.master === after.master &&
    before.unbindable === after.unbindable &&
    before.readOnly === after.readOnly &&
    before.locked === after.locked;
  return same ? null : "changed";
}

export function changesBetween(before: World, after: World): Changes {
  const old = new Map(mountsOf(before).map((mount) => [mount.id, mount]));
  const now = mountsOf(after);
  const ids = new Set(now.map(({ id }) => id));
  const byMount = new Map<number, Change>();
  for (const mount of now) {
    const change = changeOf(old.get(mount.id), mount);
    if (change !== null) byMount.set(mount.id, change);
  }
  return { byMount, gone: mountsOf(before).filter(({ id }) => !ids.has(id)) };
}
