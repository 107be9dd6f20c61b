/** Where containers keep their state, and the engine its data. */

import { claimDirectory } from "../host/own-directory.ts";

export type Roots = {
  /** State of containers: gone after a reboot. `/run/pivot`. */
  readonly runRoot: string;
  /** Images and writable layers. `/var/lib/pivot`. */
  readonly dataRoot: string;
};

/** The directories of root, or the user's own by the XDG base directory specification. */
export function defaultRoots(
  uid: number,
  env: Readonly<Record<string, string | undefined>>,
): Roots {
  if (uid === 0) return { runRoot: "/run/pivot", dataRoot: "/var/lib/pivot" };
  const home = env["HOME"] ?? "/";
  return {
    runRoot: `${env["XDG_RUNTIME_DIR"] || `/tmp/pivot-run-${uid}`}/pivot`,
    dataRoot: `${env["XDG_DATA_HOME"] || `${home}/.local/share`}/pivot`,
  };
}

/**
 * The run root of the caller, in a directory that is theirs alone: what is in it is believed, and
 * taken away by `system prune`. That in /tmp can have been made by anybody; XDG_RUNTIME_DIR may be
 * somebody else's after su(1).
 *
 * @throws Error in one line
 */
export function ownRunRoot(uid: number, env: Readonly<Record<string, string | undefined>>): string {
  const { runRoot } = defaultRoots(uid, env);
  if (uid !== 0) {
    const directory = runRoot.slice(0, runRoot.lastIndexOf("/"));
    claimDirectory(directory, uid, "set XDG_RUNTIME_DIR, or give another --runroot");
  }
  return runRoot;
}

/** A path as somebody wrote it, from the directory on in which they were. */
export const absolutePath = (path: string, directory: string): string =>
  path.startsWith("/") ? path : `${directory.replace(/\/+$/, "")}/${path}`;
