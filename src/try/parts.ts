/** Which directories of the host are covered in a view, and the directories that take the changes. */

import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statfsSync,
  statSync,
} from "node:fs";
import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { type HostMount, showingOf, visibleMounts } from "./host-mounts.ts";
import type { Part, Try } from "./store.ts";
import type { Shown } from "./view-mounts.ts";

/** Magic numbers of statfs(2): file systems that overlayfs cannot write its changes to. */
const unfit: Readonly<Record<number, string>> = {
  0x794c7630: "overlayfs",
  0x6969: "NFS",
  0x65735546: "FUSE",
  0x4d44: "FAT",
  0x2011bab0: "exFAT",
  0x1021997: "9p",
  0xff534d42: "CIFS",
  0xfe534d42: "SMB",
};

/** @throws WishError when what is written could not be kept there. */
export function checkDataRoot(dataRoot: string): void {
  let directory = dataRoot;
  while (!existsSync(directory)) directory = directory.replace(/\/[^/]*$/, "") || "/";
  const name = unfit[Number(statfsSync(directory).type)];
  if (name === undefined) return;
  throw new WishError([
    `${dataRoot} is on ${name}, which cannot keep the changes of a view: choose a directory on another file system with --root`,
  ]);
}

function kindOf(path: string): { kind: "directory" | "file" | "other"; stat: Stats | null } {
  try {
    const stat = statSync(path);
    return { kind: stat.isDirectory() ? "directory" : stat.isFile() ? "file" : "other", stat };
  } catch {
    return { kind: "other", stat: null }; // gone meanwhile, or a FUSE mount of another user
  }
}

const isBelow = (path: string, directory: string): boolean => path.startsWith(`${directory}/`);

/** What is mounted at a path, to know it again another day. */
const identityOf = ({ type, source }: HostMount, stat: Stats): string =>
  `${type} ${source} ${stat.ino}`;

type Seen = { readonly mount: HostMount; readonly shown: Shown; readonly stat: Stats | null };

/**
 * The directories that an ordinary user writes to, each covered by itself: in their namespace
 * overlayfs covers nothing in which something is mounted, and copies nothing that is another's,
 * such as the directories that lead to theirs.
 */
function ownPlaces(seen: readonly Seen[], uid: number, places: readonly string[]): Seen[] {
  const hasMounts = (path: string): boolean => seen.some(({ shown }) => isBelow(shown.path, path));
  const tops = places.flatMap(
    (path) => ownDirectories(path, uid).find((each) => !hasMounts(each)) ?? [],
  );
  return [...new Set([...tops, "/tmp", "/var/tmp"])].toSorted().flatMap((path) => {
    const within = seen.findLast(
      ({ shown }) => shown.path === "/" || shown.path === path || isBelow(path, shown.path),
    );
    const { kind, stat } = kindOf(path);
    if (within?.shown.showing !== "overlay" || kind !== "directory" || hasMounts(path)) return [];
    return [{ mount: { ...within.mount, path }, shown: { ...within.shown, path }, stat }];
  });
}

/** What of the places that the user writes to is covered by none, since something is mounted there. */
function whyReadOnly(seen: readonly Seen[], uid: number, places: readonly string[]): string[] {
  const covered = ownPlaces(seen, uid, places).map(({ shown }) => shown.path);
  const own = places.flatMap((path) => ownDirectories(path, uid).at(-1) ?? []);
  return [...new Set([...own, "/tmp", "/var/tmp"])].flatMap((path) => {
    if (covered.some((each) => path === each || isBelow(path, each))) return [];
    const mounted = seen.find(({ shown }) => isBelow(shown.path, path))?.shown.path;
    if (mounted === undefined) return [];
    return [
      `${path} is read-only in this view, since ${mounted} is mounted below it: unmount that, or be root`,
    ];
  });
}

/** A directory and those above it, as far as they are the user's; the highest first. */
function ownDirectories(path: string, uid: number): string[] {
  const found: string[] = [];
  try {
    for (let at = realpathSync(path); at !== ""; at = at.slice(0, at.lastIndexOf("/"))) {
      if (statSync(at).uid !== uid) break;
      found.unshift(at);
    }
  } catch {
    // It is not there, or may not be looked at: then nothing can be written there either.
  }
  return found;
}

/** What of the host is shown, and how; a line for each place that is read-only, though the user's. */
function lookAround(
  roots: Roots,
  places: readonly string[],
): { readonly seen: readonly Seen[]; readonly warnings: readonly string[] } {
  const uid = process.geteuid?.() ?? 0;
  const seen = shownMounts(roots);
  if (uid === 0) return { seen, warnings: [] };
  return { seen: ownPlaces(seen, uid, places), warnings: whyReadOnly(seen, uid, places) };
}

/** The mounts of the host as they are shown, but for those within the engine's own directories. */
function shownMounts(roots: Roots): Seen[] {
  const own = [roots.dataRoot, roots.runRoot];
  return visibleMounts(readFileSync("/proc/self/mountinfo", "latin1")).flatMap((found) => {
    const mount = { ...found, path: Buffer.from(found.path, "latin1").toString() };
    if (own.some((each) => isBelow(mount.path, each) || mount.path === each)) return [];
    const { kind, stat } = kindOf(mount.path);
    const showing = mount.path === "/" ? "overlay" : showingOf(mount, kind);
    if (showing === "none") return [];
    return [{ mount, shown: { path: mount.path, flags: mount.flags, showing }, stat }];
  });
}

/** The part of a path that is there already, or the next number; its identity is today's. */
function partOf(path: string, identity: string, parts: readonly Part[]): Part {
  const found = parts.find((part) => part.path === path);
  if (found === undefined) return { path, directory: String(parts.length), identity };
  if (found.identity === identity) return found;
  throw new WishError([
    `another file system is mounted on ${path} than when the try began: discard the try, or begin a new one`,
  ]);
}

/**
 * Makes the upper directory of a part, which lends the covered one its attributes.
 *
 * @param isNew it is in no record yet: what is there is of a command that was killed before it wrote one,
 * perhaps of another path, and no program has run over it
 */
function makeUpper(at: string, { directory }: Part, stat: Stats, isNew: boolean): void {
  const upper = `${at}/${directory}/upper`;
  if (isNew) rmSync(upper, { recursive: true, force: true });
  if (existsSync(upper)) return;
  const fresh = `${upper}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true, mode: 0o700 });
  if (process.geteuid?.() === 0) chownSync(fresh, stat.uid, stat.gid);
  chmodSync(fresh, stat.mode & 0o7777);
  renameSync(fresh, upper);
}

/**
 * What the host shows today, and the try with the parts that it needs for that.
 *
 * @throws WishError when another file system is where one was
 */
export function arrangeParts(
  roots: Roots,
  given: Try,
  places: readonly string[],
): { shown: Shown[]; arranged: Try; warnings: readonly string[] } {
  let { parts } = given;
  const shown: Shown[] = [];
  const { seen, warnings } = lookAround(roots, places);
  for (const each of seen) {
    if (each.shown.showing === "overlay" && each.stat !== null) {
      const part = partOf(each.shown.path, identityOf(each.mount, each.stat), parts);
      const isNew = !parts.includes(part);
      if (isNew) parts = [...parts, part];
      makeUpper(given.at, part, each.stat, isNew);
      shown.push({ ...each.shown, directory: `${given.at}/${part.directory}` });
    } else {
      shown.push(each.shown);
    }
  }
  return { shown, arranged: { ...given, parts }, warnings };
}

/** Identities of today by path, for who compares. */
export const identitiesNow = (
  roots: Roots,
  places: readonly string[],
): ReadonlyMap<string, string> =>
  new Map(
    lookAround(roots, places).seen.flatMap(({ mount, stat }) =>
      stat === null ? [] : [[mount.path, identityOf(mount, stat)] as const],
    ),
  );
