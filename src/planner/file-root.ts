/** Where the files of a container are, for what goes in and out of it: cp, export, commit and diff. */

import type { LinuxIDMapping } from "../spec/mod.ts";
import type { UsersSetting } from "./setting.ts";

/** A mount of a container that does not run, as it would have it. */
export type StoredMount = {
  /** A directory or file of the host. */
  readonly source: string;
  /** What is shown of a volume: looked up with `source` as its root, since links in it are a container's. */
  readonly subpath: string | null;
  readonly destination: string;
  readonly readonly: boolean;
};

/** Where the files are. */
export type FileRoot =
  /** This machine's own. */
  | { readonly kind: "host" }
  /** Of a container that runs, by the file with its first process. */
  | {
      readonly kind: "running";
      readonly of: string;
      /** It has a user namespace: owners are those inside. */
      readonly hasUsers: boolean;
    }
  /** Layers, the lowest first, and the directory of the container's `upper` and `work`. */
  | {
      readonly kind: "layers";
      readonly layers: readonly string[];
      readonly data: string;
      /** Whether `upper` is there: a container that was never started has none. */
      readonly hasUpper: boolean;
      readonly mounts: readonly StoredMount[];
      /** Of a container in a user namespace: owners are those inside; null: it has none of its own. */
      readonly users: StoredUsers | null;
    }
  | {
      readonly kind: "directory";
      readonly path: string;
      readonly mounts: readonly StoredMount[];
      /** Its files belong to users of the container's; null: to those of the host. */
      readonly users: StoredUsers | null;
    };

/** The user namespace that a container had when it ran. */
export type StoredUsers = {
  readonly maps: {
    readonly uid: readonly LinuxIDMapping[];
    readonly gid: readonly LinuxIDMapping[];
  };
  readonly owners: UsersSetting["owners"];
  readonly dataRoot: string;
};
