/**
 * What the page draws: mount namespaces with their mounts, and processes with the places that they
 * call root and working directory. The simulator's states, recorded traces and live mount tables
 * all become this.
 */

export type DrawnMount = {
  /** Unique over all namespaces of a world. */
  readonly id: number;
  /** The mount that it is attached to; null: the root of what is drawn. */
  readonly parent: number | null;
  /** Its mount point, from the root of its namespace. */
  readonly path: string;
  /** What of the file system it shows: `/`, or the directory that was bound. */
  readonly root: string;
  readonly type: string;
  readonly source: string;
  readonly readOnly: boolean;
  /** The peer group that it is a member of. */
  readonly group: number | null;
  /** The peer group that it receives mounts from. */
  readonly master: number | null;
  readonly unbindable: boolean;
  /** It came from a more privileged namespace, and may not be taken away. */
  readonly locked: boolean;
};

/** A place in a drawing. */
export type Place = {
  /** null: in no mount that is drawn. */
  readonly mount: number | null;
  /** From the root of the namespace. */
  readonly path: string;
};

export type DrawnProcess = {
  readonly name: string;
  readonly root: Place;
  readonly cwd: Place;
};

export type DrawnNamespace = {
  /** Stays the same from step to step. */
  readonly key: string;
  readonly title: string;
  /** Parents before children. */
  readonly mounts: readonly DrawnMount[];
  readonly processes: readonly DrawnProcess[];
};

export type World = readonly DrawnNamespace[];

export const isShared = ({ group }: DrawnMount): boolean => group !== null;

/** All mounts of a world. */
export const mountsOf = (world: World): DrawnMount[] => world.flatMap(({ mounts }) => mounts);

/** Peer groups that a world has members or slaves of, in order. */
export function groupsOf(world: World): number[] {
  const groups = mountsOf(world).flatMap(({ group, master }) => [group, master]);
  return [...new Set(groups.filter((group) => group !== null))].sort((a, b) => a - b);
}
