/** Where containers keep their state, and the engine its data. */

import { lstatSync } from "node:fs";
import { claimDirectory } from "../host/own-directory.ts";
import { rootlessUser } from "../host/rootless.ts";
import { readUserNamespace } from "../host/user-namespace.ts";

export type Roots = {
  /** State of containers: gone after a reboot. `/run/pivot`. */
  readonly runRoot: string;
  /** Images and writable layers. `/var/lib/pivot`. */
  readonly dataRoot: string;
};

/**
 * With one id alone, all files are the user's: a store of such layers is of no use once there is a range
 * of ids, and the other way round, so each has its own.
 */
const isSingle = (env: Readonly<Record<string, string | undefined>>): boolean =>
  rootlessUser(env) !== null &&
  readUserNamespace()?.uid.reduce((sum, { size }) => sum + size, 0) === 1;

/** The directories of root, or the user's own by the XDG base directory specification. */
export function defaultRoots(
  uid: number,
  env: Readonly<Record<string, string | undefined>>,
): Roots {
  const user = rootlessUser(env)?.uid ?? uid;
  if (user === 0 && rootlessUser(env) === null) {
    return { runRoot: "/run/pivot", dataRoot: "/var/lib/pivot" };
  }
  const home = env["HOME"] ?? "/";
  return {
    runRoot: `${runDirectory(user, env)}/pivot`,
    dataRoot: `${env["XDG_DATA_HOME"] || `${home}/.local/share`}/pivot${isSingle(env) ? "-single" : ""}`,
  };
}

/** systemd's directory of the user, also for who has no session with it: cron, su(1). */
function runDirectory(uid: number, env: Readonly<Record<string, string | undefined>>): string {
  const given = env["XDG_RUNTIME_DIR"] ?? "";
  if (given !== "") return given;
  const usual = `/run/user/${uid}`;
  const found = lstatSync(usual, { throwIfNoEntry: false });
  return found?.isDirectory() === true &&
    found.uid === process.geteuid?.() &&
    (found.mode & 0o022) === 0
    ? usual
    : `/tmp/pivot-run-${uid}`;
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
  if (uid !== 0 || rootlessUser(env) !== null) {
    const directory = runRoot.slice(0, runRoot.lastIndexOf("/"));
    claimDirectory(directory, uid, "set XDG_RUNTIME_DIR, or give another --runroot");
  }
  return runRoot;
}

/** A path as somebody wrote it, from the directory on in which they were. */
export const absolutePath = (path: string, directory: string): string =>
  path.startsWith("/") ? path : `${directory.replace(/\/+$/, "")}/${path}`;
