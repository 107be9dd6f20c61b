/** Short forms for the steps that planners write most. */

import type { MountAttribute, Propagation, TargetKind } from "../plan/constants.ts";
import type { Op, OpOf, Place, Slot, Step } from "../plan/op.ts";

export const onHost = (path: string): Place => ({ in: "host", path });

/** A path of the container, as its own processes would find it. */
export const inRoot = (path: string): Place => ({ in: "root", path });

/** The descriptor of a slot itself. */
export const slot = (name: Slot): Place => ({ in: name, path: "" });

export const byParent = (op: Op, why: string, undo?: Op): Step =>
  undo === undefined ? { by: "parent", op, why } : { by: "parent", op, why, undo };

export const byInit = (op: Op, why: string): Step => ({ by: "init", op, why });

export const mkdir = (at: Place, mode: number, parents = false): OpOf<"mkdir"> => ({
  op: "mkdir",
  at,
  mode,
  parents,
});

/** Writes to a file that is there: procfs, cgroups. */
export const write = (at: Place, text: string): OpOf<"write"> => ({
  op: "write",
  at,
  text,
  how: "existing",
  mode: 0,
});

/** Nobody else changes it meanwhile: who does already is a failure. */
export const lock = (at: Place): OpOf<"lock"> => ({ op: "lock", at, patience: 0, past: 0 });

/** Makes a new file. */
export const create = (at: Place, text: string, mode: number): OpOf<"write"> => ({
  op: "write",
  at,
  text,
  how: "exclusive",
  mode,
});

/** Makes a mount read-only, and none below it; its file system stays as it is. */
export const readOnly = (at: Place): OpOf<"mount_setattr"> => ({
  op: "mount_setattr",
  at,
  attributes: ["ro"],
  clear: [],
  propagation: "unchanged",
  recursive: false,
});

type MountWish = {
  readonly type: string;
  readonly source?: string;
  readonly options?: readonly string[];
  readonly attributes?: readonly MountAttribute[];
  readonly at?: Place | null;
  readonly create?: TargetKind;
  readonly into?: Slot | null;
};

/** Mounts a new file system on a directory, which is made when it is missing. */
export const mount = (wish: MountWish): OpOf<"mount"> => ({
  op: "mount",
  type: wish.type,
  source: wish.source ?? wish.type,
  options: wish.options ?? [],
  attributes: wish.attributes ?? [],
  at: wish.at ?? null,
  create: wish.create ?? "matching",
  into: wish.into ?? null,
});

type BindWish = {
  readonly from: Place;
  readonly recursive?: boolean;
  readonly attributes?: readonly MountAttribute[];
  readonly clear?: readonly MountAttribute[];
  readonly deepAttributes?: readonly MountAttribute[];
  readonly deepClear?: readonly MountAttribute[];
  readonly deepPropagation?: boolean;
  readonly propagation?: Propagation;
  readonly at?: Place | null;
  readonly create?: TargetKind;
  readonly into?: Slot | null;
};

export const bind = (wish: BindWish): OpOf<"bind"> => ({
  op: "bind",
  from: wish.from,
  recursive: wish.recursive ?? false,
  attributes: wish.attributes ?? [],
  clear: wish.clear ?? [],
  deep_attributes: wish.deepAttributes ?? [],
  deep_clear: wish.deepClear ?? [],
  propagation: wish.propagation ?? "private",
  deep_propagation: wish.deepPropagation ?? false,
  at: wish.at ?? null,
  create: wish.create ?? "matching",
  into: wish.into ?? null,
});
